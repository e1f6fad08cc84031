//! The sending half with the joint part of a connection: what it owes the peer, what it knows of it, and how it ends.
//!
//! It learns what arrived from the receiving half by [`Signal`]s, one way. The other way there is only this: once the
//! connection failed or ended, its owner tells the receiver to discard.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::time::Duration;

use bytes::{Buf, Bytes};

use super::life::{Input, Life, Receiving, Sending, Transport};
use crate::close::{CloseCode, CloseFrame};
use crate::config::{Config, Role};
use crate::entropy::Entropy;
use crate::error::{Deadline, SendError, TransportFailure};
use crate::event::{Cause, CloseEvent, Ending, Event, Side};
use crate::heartbeat::{Outstanding, Pulse};
use crate::message::Message;
use crate::send::{Mark, Outbox, PingKind, WireBuf};
use crate::signal::Signal;
use crate::state::State;
use crate::stats::Stats;
use crate::time::Timestamp;
use crate::upgrade::Agreement;
use crate::wire::header::MAX_CONTROL_PAYLOAD;

/// How far the opening handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The peer's part is awaited.
    Handshake,
    /// Server: the application's decision is awaited.
    Decision,
    /// It is done.
    Open,
}

/// One last write attempt for the Close frame to a peer that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parting {
    None,
    Wanted,
    Offered,
}

#[derive(Debug)]
pub(super) struct Sender {
    pub(super) role: Role,
    pub(super) config: Arc<Config>,
    pub(super) life: Life,
    pub(super) agreement: Agreement,
    outbox: Outbox,
    stats: Stats,

    // What happened when. Deadlines are computed from these.
    pub(super) now: Timestamp,
    pub(super) stage: Stage,
    pub(super) stage_since: Timestamp,
    pub(super) last_received: Timestamp,
    pub(super) last_progress: Timestamp,
    pub(super) offered_at: Option<Timestamp>,
    pub(super) unfinished_since: Option<Timestamp>,
    pub(super) ending_since: Option<Timestamp>,
    /// Since when the owner does not take in what arrives. While it does not, the peer's silence proves nothing.
    deaf_since: Option<Timestamp>,
    /// We came late to judge the peer, and give it until then.
    pub(super) respite_until: Option<Timestamp>,
    pub(super) pulse: Option<Pulse>,
    application_ping: Option<Outstanding>,

    // What is to be told.
    cause: Option<Cause>,
    closed_first_by: Option<Side>,
    received: Option<(CloseCode, String)>,
    pub(super) local_stall: Option<Duration>,
    parting: Parting,
    close_written: bool,
    closed_was_told: bool,
}

impl Sender {
    pub(super) fn new(role: Role, config: Arc<Config>, entropy: Entropy, now: Timestamp) -> Self {
        Self {
            role,
            life: Life::new(),
            outbox: Outbox::new(role, &config, entropy),
            config,
            agreement: Agreement::default(),
            stats: Stats::default(),
            now,
            stage: Stage::Handshake,
            stage_since: now,
            last_received: now,
            last_progress: now,
            offered_at: None,
            unfinished_since: None,
            ending_since: None,
            deaf_since: None,
            respite_until: None,
            pulse: None,
            application_ping: None,
            cause: None,
            closed_first_by: None,
            received: None,
            local_stall: None,
            parting: Parting::None,
            close_written: false,
            closed_was_told: false,
        }
    }

    /// Takes note of the time; it never runs backwards.
    pub(super) fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// The opening handshake is done.
    pub(super) fn open(&mut self, agreement: Agreement) {
        self.agreement = agreement;
        self.enter(Stage::Open);
        // Silence before was the handshake's, which had a deadline of its own.
        self.last_received = self.now;
        self.last_progress = self.now;
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.stage_since = self.now;
    }

    pub(super) fn state(&self) -> State {
        if self.life.is_over() {
            State::Closed
        } else if !self.life.is_open() {
            State::Closing
        } else if self.stage == Stage::Open {
            State::Open
        } else {
            State::Connecting
        }
    }

    pub(super) fn transport(&self) -> Transport {
        if self.parting == Parting::Wanted {
            return Transport::Open;
        }
        self.life.transport(self.role)
    }

    pub(super) fn stats(&self) -> Stats {
        let messages_dropped =
            if self.is_mute() { self.outbox.messages_unsent() } else { self.outbox.messages_dropped() };
        Stats { messages_dropped, ..self.stats }
    }

    pub(super) fn wants_write(&self) -> bool {
        !self.is_mute() && self.outbox.has_output()
    }

    pub(super) fn buffered(&self) -> usize {
        if self.is_mute() { 0 } else { self.outbox.buffered() }
    }

    /// Whether nothing goes out any more: what still waits is as good as dropped.
    fn is_mute(&self) -> bool {
        matches!(self.transport(), Transport::Close | Transport::Abort)
    }

    pub(super) fn entropy(&mut self) -> &mut Entropy {
        self.outbox.entropy()
    }

    pub(super) fn send_capacity(&self) -> usize {
        self.config.output_high_water.max(1).saturating_sub(self.outbox.load())
    }

    // Commands.

    pub(super) fn send(&mut self, message: Message) -> Result<(), SendError<Message>> {
        if self.state() != State::Open {
            return Err(SendError::NotOpen(self.state(), message));
        }
        if self.send_capacity() == 0 {
            return Err(SendError::Full(message));
        }
        self.outbox.push_message(message);
        Ok(())
    }

    pub(super) fn ping(&mut self, payload: &[u8]) -> Result<(), SendError<()>> {
        self.may_send_control(payload)?;
        if self.application_ping.as_ref().is_some_and(|ping| !ping.is_written()) {
            return Err(SendError::Full(()));
        }
        let payload = Bytes::copy_from_slice(payload);
        self.outbox.push_ping(PingKind::Application, payload.clone());
        self.application_ping = Some(Outstanding::new(payload));
        Ok(())
    }

    pub(super) fn pong(&mut self, payload: &[u8]) -> Result<(), SendError<()>> {
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

    /// Begins the closing handshake, behind everything that was accepted.
    pub(super) fn close(&mut self, frame: Option<CloseFrame>) {
        if self.life.is_open() {
            self.closed_first_by.get_or_insert(Side::Local);
            self.outbox.push_close(frame, false);
            self.begin_ending(Input::CloseCommand);
        }
    }

    // The opening handshake.

    pub(super) fn send_handshake(&mut self, head: Bytes) {
        self.outbox.push_handshake(head);
    }

    /// Ends an opening handshake with an HTTP answer.
    pub(super) fn answer_and_end(&mut self, answer: Bytes, cause: Cause) {
        self.cause.get_or_insert(cause);
        self.closed_first_by.get_or_insert(Side::Local);
        self.outbox.push_final_answer(answer);
        self.begin_ending(Input::Failed);
    }

    /// Ends an opening handshake without another word.
    pub(super) fn abandon(&mut self, cause: Cause, first: Option<Side>) {
        self.cause.get_or_insert(cause);
        self.closed_first_by = self.closed_first_by.or(first);
        self.life.apply(Input::StreamEnded);
        self.discard();
    }

    /// The server answered with this status, which tells more than a write that may have failed before.
    pub(super) fn refused(&mut self, status: u16) {
        self.cause = None;
        self.abandon(Cause::Refused(status), Some(Side::Remote));
    }

    /// Counts bytes that were parsed.
    pub(super) fn received_bytes(&mut self, bytes: usize) {
        if bytes > 0 {
            self.last_received = self.now;
            self.stats.bytes_received = self.stats.bytes_received.saturating_add(bytes as u64);
        }
    }

    // What arrived, or did not.

    pub(super) fn is_reading(&self) -> bool {
        self.deaf_since.is_none()
    }

    /// Notes whether the owner takes in what arrives. While it does not, the clock of the peer's silence stands still.
    pub(super) fn set_reading(&mut self, reading: bool) {
        if !reading {
            self.deaf_since.get_or_insert(self.now);
        } else if let Some(since) = self.deaf_since.take() {
            let deaf = self.now.saturating_duration_since(since);
            self.last_received = self.last_received.saturating_add(deaf);
            self.unfinished_since = self.unfinished_since.map(|since| since.saturating_add(deaf));
            if let Some(pulse) = &mut self.pulse {
                pulse.was_deaf(since, self.now);
            }
        }
    }

    /// Takes note that input was parsed, and whether it left a frame or message unfinished.
    #[inline]
    pub(super) fn parsed(&mut self, bytes: usize, unfinished: bool) {
        self.received_bytes(bytes);
        if let Some(pulse) = &mut self.pulse {
            pulse.received();
        }
        self.unfinished_since = if unfinished { self.unfinished_since.or(Some(self.now)) } else { None };
    }

    #[inline]
    pub(super) fn count_message(&mut self) {
        self.stats.messages_received = self.stats.messages_received.saturating_add(1);
    }

    /// Acts on what concerns this side, and returns what the application is to be told of it at once.
    #[inline(never)]
    pub(super) fn apply(&mut self, signal: Signal) -> Option<Event> {
        match signal {
            Signal::Ping(payload) => {
                self.stats.pings_received = self.stats.pings_received.saturating_add(1);
                if self.config.automatic_pong && self.life.sending != Sending::Broken {
                    self.outbox.push_pong(payload.clone());
                }
                return Some(Event::Ping(payload));
            }
            Signal::Pong(payload) => return Some(self.apply_pong(payload)),
            Signal::Close(frame) => self.apply_close(frame.as_ref()),
            Signal::Failed(fault) => self.fail(fault.into(), fault.close_code()),
        }
        None
    }

    fn apply_pong(&mut self, payload: Bytes) -> Event {
        self.stats.pongs_received = self.stats.pongs_received.saturating_add(1);
        let heartbeat = self.pulse.as_ref().and_then(|pulse| pulse.ping.answered_by(&payload, self.now));
        let application =
            self.application_ping.as_ref().and_then(|ping| ping.answered_by(&payload, self.now));
        if heartbeat.is_some() {
            self.pulse = None;
        } else if application.is_some() {
            self.application_ping = None;
        }
        let round_trip = heartbeat.or(application);
        self.stats.round_trip = round_trip.or(self.stats.round_trip);
        Event::Pong { payload, round_trip }
    }

    fn apply_close(&mut self, frame: Option<&CloseFrame>) {
        self.closed_first_by.get_or_insert(Side::Remote);
        let code = frame.map_or(CloseCode::NO_STATUS, CloseFrame::code);
        let reason = frame.map_or("", CloseFrame::reason);
        self.received = Some((code, reason.to_string()));
        // The echo has the code alone (§5.5.1); the reason was the peer's.
        self.outbox.push_close(frame.map(|frame| CloseFrame::known(frame.code(), "")), false);
        self.begin_ending(Input::CloseReceived);
    }

    /// Fails the connection (RFC 6455 §7.1.7): the peer is told why, ahead of what waits for a later write.
    ///
    /// What was said to the messages before the failure is framed first, as far as one write takes it: whether the peer gets
    /// those answers must not depend on whether its bytes came in one read or in two.
    pub(super) fn fail(&mut self, cause: Cause, code: CloseCode) {
        let reason = match cause {
            Cause::Violation(violation) => violation.to_string(),
            Cause::Limit(limit) => limit.to_string(),
            Cause::Deadline(deadline) => deadline.to_string(),
            _ => String::new(),
        };
        self.cause.get_or_insert(cause);
        self.closed_first_by.get_or_insert(Side::Local);
        self.encode();
        self.outbox.push_close(CloseFrame::truncated(code, &reason).ok(), true);
        self.begin_ending(Input::Failed);
    }

    /// Gives the peer up: there is no use in a closing handshake. Its Close frame gets one write attempt.
    pub(super) fn give_up(&mut self, deadline: Deadline) {
        self.cause.get_or_insert(Cause::Deadline(deadline));
        let may_write = matches!(self.life.sending, Sending::Open | Sending::Closing);
        self.life.apply(Input::GivenUp);
        self.outbox.forsake_messages();
        if may_write && !self.outbox.is_lent() {
            self.outbox.push_close(told(deadline), true);
            self.parting = Parting::Wanted;
        } else {
            self.discard();
        }
    }

    pub(super) fn inbound_idle(&mut self) {
        self.cause.get_or_insert(Cause::Deadline(Deadline::InboundIdle));
        self.close(told(Deadline::InboundIdle));
    }

    pub(super) fn close_deadline_passed(&mut self) {
        if !self.life.was_clean() {
            self.cause.get_or_insert(Cause::Deadline(Deadline::Close));
        }
        self.life.apply(Input::CloseDeadline);
        self.discard();
    }

    /// The stream ended, and everything in it was parsed; `cause` counts if no Close frame came before.
    pub(super) fn end_of_input(&mut self, cause: Cause) {
        if self.life.receiving == Receiving::Open {
            self.cause.get_or_insert(cause);
            self.closed_first_by.get_or_insert(Side::Remote);
        }
        self.life.apply(Input::StreamEnded);
        self.discard_if_over();
    }

    pub(super) fn read_failed(&mut self, failure: TransportFailure) {
        if !self.life.was_clean() {
            self.cause.get_or_insert(Cause::Transport(failure));
        }
        self.life.apply(Input::ReadFailed);
        self.discard_if_over();
    }

    pub(super) fn write_failed(&mut self, failure: TransportFailure) {
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

    fn begin_ending(&mut self, input: Input) {
        self.ending_since.get_or_insert(self.now);
        self.life.apply(input);
    }

    pub(super) fn discard_if_over(&mut self) {
        if self.life.is_over() {
            self.discard();
        }
    }

    /// Nothing more goes out, not even to a peer that was to be told why.
    fn discard(&mut self) {
        self.parting = Parting::None;
        self.outbox.discard();
    }

    // Output.

    pub(super) fn ping_heartbeat(&mut self) {
        let payload = Bytes::copy_from_slice(&self.outbox.entropy().bytes::<8>());
        if self.outbox.push_ping(PingKind::Heartbeat, payload.clone()) {
            self.pulse = Some(Pulse::new(payload));
        }
    }

    /// Makes what waits ready to be shown. Whether it may be shown.
    pub(super) fn offer(&mut self) -> bool {
        if self.outbox.is_lent() {
            return false;
        }
        match self.parting {
            Parting::None if self.life.is_over() => return false,
            Parting::None => {}
            Parting::Wanted => self.parting = Parting::Offered,
            Parting::Offered => {
                self.discard();
                return false;
            }
        }
        self.encode();
        if self.outbox.wire().has_remaining() {
            self.offered_at.get_or_insert(self.now);
        }
        true
    }

    fn encode(&mut self) {
        let Self { outbox, pulse, application_ping, now, .. } = self;
        outbox.encode(|kind| {
            let ping = match kind {
                PingKind::Heartbeat => pulse.as_mut().map(|pulse| &mut pulse.ping),
                PingKind::Application => application_ping.as_mut(),
            };
            if let Some(ping) = ping {
                ping.offered(*now);
            }
        });
    }

    pub(super) fn wire(&self) -> &WireBuf {
        self.outbox.wire()
    }

    pub(super) fn take(&mut self, max: usize) -> Option<WireBuf> {
        if max == 0 || !self.offer() || !self.outbox.wire().has_remaining() {
            return None;
        }
        Some(self.outbox.lend(max))
    }

    /// The transport took this many of the bytes shown.
    pub(super) fn wrote_shown(&mut self, count: usize) {
        let count = count.min(self.outbox.wire().len());
        self.outbox.advance(count);
        self.progress(count);
    }

    /// The transport took this many of the bytes that were lent.
    pub(super) fn wrote_lent(&mut self, count: usize) {
        if self.parting == Parting::Offered {
            // The end was told and the transport is being reset: all of this was counted as dropped.
            self.discard();
        }
        let count = self.outbox.credit(count);
        self.progress(count);
    }

    fn progress(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.last_progress = self.now;
        if self.stage != Stage::Open {
            // An HTTP answer may be long: what is bounded is its standing still.
            self.ending_since = self.ending_since.map(|_| self.now);
        }
        self.stats.bytes_sent = self.stats.bytes_sent.saturating_add(count as u64);
        let more = self.outbox.is_lent() || self.outbox.wire().has_remaining();
        self.offered_at = more.then_some(self.now);
        while let Some(mark) = self.outbox.poll_written() {
            match mark {
                Mark::Message => self.stats.messages_sent = self.stats.messages_sent.saturating_add(1),
                Mark::Ping(kind) => self.ping_written(kind),
                Mark::Close => {
                    self.close_written = true;
                    self.life.apply(Input::CloseWritten);
                }
            }
        }
        if self.parting == Parting::None {
            self.discard_if_over();
        }
    }

    fn ping_written(&mut self, kind: PingKind) {
        self.stats.pings_sent = self.stats.pings_sent.saturating_add(1);
        let ping = match kind {
            PingKind::Heartbeat => self.pulse.as_mut().map(|pulse| &mut pulse.ping),
            PingKind::Application => self.application_ping.as_mut(),
        };
        if let Some(ping) = ping {
            ping.written(self.now);
        }
    }

    // The last event.

    pub(super) fn has_event(&self) -> bool {
        self.life.is_over() && !self.closed_was_told
    }

    #[cold]
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        if !self.has_event() {
            return None;
        }
        self.closed_was_told = true;
        Some(Event::Closed(self.close_event()))
    }

    fn close_event(&mut self) -> CloseEvent {
        let was_clean = self.life.was_clean();
        let (received, reason) = self.received.take().unzip();
        CloseEvent::new(Ending {
            reason: reason.unwrap_or_default(),
            was_clean,
            cause: self.cause.unwrap_or(Cause::ClosingHandshake),
            sent: self.outbox.close_code().filter(|_| self.close_written),
            received,
            closed_first_by: self.closed_first_by,
            unsent_messages: self.outbox.messages_unsent(),
            local_stall: self.local_stall,
            stats: self.stats(),
        })
    }
}

/// The Close frame that reports a deadline.
fn told(deadline: Deadline) -> Option<CloseFrame> {
    deadline.close_code().and_then(|code| CloseFrame::truncated(code, &deadline.to_string()).ok())
}
