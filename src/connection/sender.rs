//! The sending half with the joint part of a connection: what the application asks for, and what goes out when.
//!
//! It learns what arrived from the receiving half by [`Signal`]s, one way (`joint`). The other way there is only this: once
//! what arrives does not count any more, its owner tells the receiver to discard.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use bytes::{Buf, Bytes};

use super::life::{Input, Life, Sending, Stage, Transport};
use super::output::{Output, Taken};
use crate::close::{CloseCode, CloseFrame};
use crate::config::{Config, Role};
use crate::entropy::Entropy;
use crate::error::{SendError, TransportFailure};
use crate::event::{Cause, Side};
use crate::heartbeat::{Outstanding, Pulse};
use crate::message::{Chunk, Message};
use crate::send::{Mark, Outbox, PingKind, Prepared, WireBuf};
use crate::state::State;
use crate::stats::Stats;
use crate::time::Timestamp;
use crate::upgrade::Agreement;
use crate::wire::header::MAX_CONTROL_PAYLOAD;

/// The sending half of a connection, made by [`Connection::split`](crate::Connection::split), with all that concerns both
/// directions: deadlines, the heartbeat, the rules of closing, the account.
///
/// What arrives reaches it as [`Signal`](crate::Signal)s of the [`Receiver`](crate::Receiver), from which it makes the events:
/// so however the halves are driven, nothing follows [`Event::Closed`](crate::Event::Closed). The methods that
/// [`Connection`](crate::Connection) has too do the same as there.
///
/// Neither half has a lock, but for the one that compression contexts are shared behind. Two threads that share a sender put it behind one of their own, and need to hold it for none of
/// their reads and writes: [`take`](Self::take) hands out bytes that borrow nothing. What each does, whenever something
/// happened:
///
/// - Whoever reads: [`apply`](Self::apply) all that was parsed, [`handle_timeout`](Self::handle_timeout),
///   [`poll_event`](Self::poll_event); if the sender [discards](Self::discards), tell the receiver; wait for input as long as
///   [`wants_read`](Self::wants_read), until [`poll_timeout`](Self::poll_timeout).
/// - Whoever writes: [`take`](Self::take) and [`wrote`](Self::wrote), or [`write_failed`](Self::write_failed), until
///   nothing is left, then what [`transport`](Self::transport) says. A Pong may wait to be written after anything was applied.
///
/// ```
/// use std::sync::Arc;
/// use bytes::Buf;
/// use websocket_proto::{Agreement, Config, Connection, Role, Timestamp};
///
/// let now = Timestamp::default();
/// let config = Arc::new(Config::default());
/// let connection = Connection::upgraded(Role::Server, Agreement::default(), config, [7; 32], now);
/// let (_receiver, mut sender) = connection.split().expect("it is open");
///
/// sender.send("hello")?;
/// assert_eq!(sender.output(now).chunk(), b"\x81\x05hello");
/// # Ok::<(), websocket_proto::SendError<websocket_proto::Message>>(())
/// ```
pub struct Sender {
    pub(super) role: Role,
    pub(super) config: Arc<Config>,
    pub(super) life: Life,
    pub(super) agreement: Agreement,
    pub(super) outbox: Outbox,
    pub(super) stats: Stats,

    // What happened when. Deadlines are computed from these.
    pub(super) now: Timestamp,
    /// Since when [`Life::stage`] is what it is.
    pub(super) stage_since: Timestamp,
    pub(super) last_received: Timestamp,
    pub(super) last_progress: Timestamp,
    pub(super) offered_at: Option<Timestamp>,
    pub(super) unfinished_since: Option<Timestamp>,
    pub(super) ending_since: Option<Timestamp>,
    /// Since when the owner does not take in what arrives. While it does not, the peer's silence proves nothing.
    pub(super) deaf_since: Option<Timestamp>,
    /// We came late to judge the peer, and give it until then.
    pub(super) respite_until: Option<Timestamp>,
    /// A deadline has passed, and is judged once what arrived before was parsed.
    pub(super) verdict_is_due: bool,
    // Boxed, since mostly nothing is outstanding.
    pub(super) pulse: Option<Box<Pulse>>,
    pub(super) application_ping: Option<Box<Outstanding>>,
    /// The interval of the next beat.
    pub(super) beat_after: Duration,
    /// Whether texts are looked at, since some are the heartbeat's.
    pub(super) sifts_texts: bool,
    /// A message in chunks was begun and is not told to its end.
    pub(super) telling_chunks: bool,

    // What is to be told.
    pub(super) cause: Option<Cause>,
    pub(super) closed_first_by: Option<Side>,
    pub(super) received: Option<(CloseCode, String)>,
    /// How late we came to a deadline, and when we noticed.
    pub(super) local_stall: Option<(Duration, Timestamp)>,
    pub(super) close_written: bool,
    pub(super) closed_was_told: bool,
}

/// Role, state and counters. What waits to be sent may hold passwords, so it is not shown.
impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("role", &self.role)
            .field("state", &self.state())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Sender {
    pub(super) fn new(role: Role, config: Arc<Config>, entropy: Entropy, now: Timestamp) -> Self {
        Self {
            role,
            life: Life::new(),
            outbox: Outbox::new(role, &config, entropy),
            agreement: Agreement::default(),
            stats: Stats::default(),
            now,
            stage_since: now,
            last_received: now,
            last_progress: now,
            offered_at: None,
            unfinished_since: None,
            ending_since: None,
            deaf_since: None,
            respite_until: None,
            verdict_is_due: false,
            pulse: None,
            application_ping: None,
            beat_after: Duration::ZERO,
            sifts_texts: config.heartbeat.as_ref().is_some_and(|heartbeat| heartbeat.text.is_some()),
            telling_chunks: false,
            config,
            cause: None,
            closed_first_by: None,
            received: None,
            local_stall: None,
            close_written: false,
            closed_was_told: false,
        }
    }

    /// Takes note of the time; it never runs backwards.
    #[inline]
    pub(super) fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    // Commands.

    /// As [`Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    /// The same.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        let message = self.admit(message.into())?;
        self.outbox.push_message(message);
        Ok(())
    }

    /// As [`Connection::send_prepared`](crate::Connection::send_prepared).
    ///
    /// # Errors
    /// The same.
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError<()>> {
        self.admit(())?;
        self.outbox.push_prepared(prepared);
        Ok(())
    }

    /// Gives the message back, if none may be sent now.
    #[inline]
    fn admit<T>(&self, message: T) -> Result<T, SendError<T>> {
        if self.state() != State::Open {
            Err(SendError::NotOpen(self.state(), message))
        } else if self.outbox.unfinished_kind().is_some() {
            Err(SendError::Unfinished(message))
        } else if self.send_capacity() == 0 {
            Err(SendError::Full(message))
        } else {
            Ok(message)
        }
    }

    /// As [`Connection::send_chunk`](crate::Connection::send_chunk).
    ///
    /// # Errors
    /// The same.
    pub fn send_chunk(&mut self, chunk: Chunk) -> Result<(), SendError<Chunk>> {
        if self.state() != State::Open {
            return Err(SendError::NotOpen(self.state(), chunk));
        }
        if self.outbox.unfinished_kind().is_some_and(|kind| kind != chunk.piece.kind()) {
            return Err(SendError::WrongKind(chunk));
        }
        if self.send_capacity() == 0 {
            return Err(SendError::Full(chunk));
        }
        self.outbox.push_chunk(chunk);
        Ok(())
    }

    /// As [`Connection::ping`](crate::Connection::ping).
    ///
    /// # Errors
    /// The same.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError<()>> {
        self.may_send_control(payload)?;
        if self.application_ping.as_ref().is_some_and(|ping| !ping.is_written()) {
            return Err(SendError::Full(()));
        }
        let payload = Bytes::copy_from_slice(payload);
        self.outbox.push_ping(PingKind::Application, payload.clone());
        self.application_ping = Some(Box::new(Outstanding::new(payload)));
        Ok(())
    }

    /// As [`Connection::pong`](crate::Connection::pong).
    ///
    /// # Errors
    /// The same.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError<()>> {
        self.may_send_control(payload)?;
        if self.outbox.pongs_full() {
            return Err(SendError::Full(()));
        }
        self.outbox.push_pong(Bytes::copy_from_slice(payload));
        Ok(())
    }

    fn may_send_control(&self, payload: &[u8]) -> Result<(), SendError<()>> {
        if self.state() != State::Open {
            Err(SendError::NotOpen(self.state(), ()))
        } else if payload.len() > MAX_CONTROL_PAYLOAD {
            Err(SendError::ControlTooLong(()))
        } else {
            Ok(())
        }
    }

    /// As [`Connection::close`](crate::Connection::close).
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>, now: Timestamp) {
        self.observe(now);
        self.begin_closing(frame.into());
    }

    // Bytes out.

    /// As [`Connection::output`](crate::Connection::output).
    pub fn output(&mut self, now: Timestamp) -> Output<'_> {
        self.observe(now);
        Output::new(self)
    }

    /// As [`Connection::take`](crate::Connection::take).
    pub fn take(&mut self, max: usize, now: Timestamp) -> Option<Taken> {
        self.observe(now);
        if max == 0 || !self.offer() || !self.outbox.wire().has_remaining() {
            return None;
        }
        Some(Taken(self.outbox.lend(max)))
    }

    /// As [`Connection::wrote`](crate::Connection::wrote).
    pub fn wrote(&mut self, count: usize, now: Timestamp) {
        self.observe(now);
        if self.life.has_parted() {
            // The end was told and the transport is being reset: all of this was counted as dropped.
            self.discard();
        }
        let count = self.outbox.credit(count);
        self.progress(count);
    }

    /// As [`Connection::write_failed`](crate::Connection::write_failed).
    pub fn write_failed(&mut self, failure: TransportFailure, now: Timestamp) {
        self.observe(now);
        if self.life.sending == Sending::SentClose {
            return;
        }
        if !self.life.is_over() {
            self.cause.get_or_insert(Cause::Transport(failure));
            self.begin_ending(Input::WriteFailed);
        }
        self.discard();
        self.offered_at = None;
    }

    /// As [`Connection::wants_write`](crate::Connection::wants_write).
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outbox.has_output() && !self.is_mute()
    }

    /// As [`Connection::buffered`](crate::Connection::buffered).
    #[must_use]
    pub fn buffered(&self) -> usize {
        if self.is_mute() { 0 } else { self.outbox.buffered() }
    }

    /// As [`Connection::send_capacity`](crate::Connection::send_capacity).
    #[must_use]
    pub fn send_capacity(&self) -> usize {
        self.config.output_high_water.max(1).saturating_sub(self.outbox.load())
    }

    /// As [`Connection::is_sending_chunks`](crate::Connection::is_sending_chunks).
    #[must_use]
    pub fn is_sending_chunks(&self) -> bool {
        self.outbox.unfinished_kind().is_some()
    }

    /// As [`Connection::transport`](crate::Connection::transport).
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.life.transport(self.role)
    }

    // Look.

    /// As [`Connection::state`](crate::Connection::state).
    #[must_use]
    pub fn state(&self) -> State {
        self.life.state()
    }

    /// As [`Connection::subprotocol`](crate::Connection::subprotocol).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.agreement.subprotocol()
    }

    /// As [`Connection::stats`](crate::Connection::stats).
    #[inline]
    #[must_use]
    pub fn stats(&self) -> Stats {
        let messages_dropped =
            if self.is_mute() { self.outbox.messages_unsent() } else { self.outbox.messages_dropped() };
        Stats { messages_dropped, ..self.stats }
    }

    // Inside.

    /// Whether nothing goes out any more: what still waits is as good as dropped.
    fn is_mute(&self) -> bool {
        matches!(self.transport(), Transport::Close | Transport::Abort)
    }

    pub(super) fn begin_ending(&mut self, input: Input) {
        self.ending_since.get_or_insert(self.now);
        self.life.apply(input);
    }

    pub(super) fn discard_if_over(&mut self) {
        if self.life.is_over() {
            self.discard();
        }
    }

    /// Nothing more goes out, not even to a peer that was to be told why.
    pub(super) fn discard(&mut self) {
        self.life.apply(Input::Discarded);
        self.doubt(Outbox::discard);
    }

    /// Lets the outbox drop messages, some of which may go out all the same.
    pub(super) fn doubt(&mut self, drops: impl FnOnce(&mut Outbox) -> u64) {
        let may_go_out = drops(&mut self.outbox);
        self.stats.messages_in_doubt = self.stats.messages_in_doubt.saturating_add(may_go_out);
    }

    /// Whether the one attempt for a last Close frame is made now.
    #[cold]
    fn parts(&mut self) -> bool {
        if self.life.has_parted() {
            self.discard();
        }
        let is_parting = self.life.is_parting();
        if is_parting {
            self.life.apply(Input::Offered);
        }
        is_parting
    }

    /// Makes what waits ready to be shown. Whether it may be shown.
    #[inline]
    pub(super) fn offer(&mut self) -> bool {
        if self.outbox.is_lent() {
            return false;
        }
        if self.life.is_over() && !self.parts() {
            return false;
        }
        self.encode();
        if self.outbox.wire().has_remaining() {
            self.offered_at.get_or_insert(self.now);
        }
        true
    }

    #[inline]
    pub(super) fn encode(&mut self) {
        let Self { outbox, pulse, application_ping, now, .. } = self;
        outbox.encode(|kind| {
            let ping = match kind {
                PingKind::Heartbeat => pulse.as_mut().map(|pulse| &mut pulse.ping),
                PingKind::Application => application_ping.as_deref_mut(),
            };
            if let Some(ping) = ping {
                ping.offered(*now);
            }
        });
    }

    pub(super) fn wire(&self) -> &WireBuf {
        self.outbox.wire()
    }

    /// The transport took this many of the bytes shown.
    pub(super) fn wrote_shown(&mut self, count: usize) {
        let count = self.outbox.advance(count);
        self.progress(count);
    }

    fn progress(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.last_progress = self.now;
        if self.life.stage != Stage::Done {
            // An HTTP answer may be long: what is bounded is its standing still.
            self.ending_since = self.ending_since.map(|_| self.now);
        }
        self.stats.bytes_sent = self.stats.bytes_sent.wrapping_add(count as u64);
        let more = self.outbox.is_lent() || self.outbox.wire().has_remaining();
        self.offered_at = more.then_some(self.now);
        while let Some(mark) = self.outbox.poll_written() {
            match mark {
                Mark::Message => self.stats.messages_sent = self.stats.messages_sent.wrapping_add(1),
                rarer => self.control_written(rarer),
            }
        }
        if self.life.is_over() && !self.life.is_parting() {
            self.discard();
        }
    }

    #[inline(never)]
    fn control_written(&mut self, mark: Mark) {
        match mark {
            Mark::Ping(kind) => self.ping_written(kind),
            Mark::Close => {
                self.close_written = true;
                self.life.apply(Input::CloseWritten);
            }
            Mark::Message | Mark::Pong => {}
        }
    }

    fn ping_written(&mut self, kind: PingKind) {
        self.stats.pings_sent = self.stats.pings_sent.saturating_add(1);
        let ping = match kind {
            PingKind::Heartbeat => self.pulse.as_mut().map(|pulse| &mut pulse.ping),
            PingKind::Application => self.application_ping.as_deref_mut(),
        };
        if let Some(ping) = ping {
            ping.written(self.stats.messages_sent, self.now);
        }
    }
}
