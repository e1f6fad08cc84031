//! What arrived, or did not, and what follows from it for both directions: the rules that join the two halves.

use alloc::string::{String, ToString};

use core::time::Duration;

use bytes::Bytes;

use super::life::{Input, Receiving, Sending, Stage};
use super::sender::Sender;
use crate::close::{CloseCode, CloseFrame};
use crate::deflate::Deflater;
use crate::entropy::Entropy;
use crate::error::{Deadline, TransportFailure};
use crate::event::{Cause, CloseEvent, Ending, Event, Side};
use crate::heartbeat::Outstanding;
use crate::message::{Chunk, Message};
use crate::send::Outbox;
use crate::signal::{News, Progress, Signal};
use crate::time::Timestamp;
use crate::upgrade::Agreement;

impl Sender {
    /// Takes note of what the receiving half found, and makes an event of it, where it is one.
    ///
    /// Apply each [`Signal`] at once and in order. Where what arrives does not count any more, this gives no event.
    #[inline]
    #[must_use = "it may be a message"]
    pub fn apply(&mut self, signal: Signal, now: Timestamp) -> Option<Event> {
        self.observe(now);
        self.parsed(signal.bytes, signal.progress);
        match signal.news {
            News::Message(message) if !self.sifts_texts => {
                self.life.hears().then(|| self.apply_message(message))
            }
            news => self.apply_rarer(news),
        }
    }

    /// Whether what arrives is taken in and counts.
    #[inline]
    pub(super) fn is_hearing(&self) -> bool {
        self.wants_read() && self.life.hears()
    }

    /// As [`apply`](Self::apply), for a message that came whole while this side [hears](Self::is_hearing): what is left of it.
    #[inline]
    pub(super) fn apply_heard(
        &mut self,
        message: Message,
        bytes: usize,
        now: Timestamp,
    ) -> Result<Message, Option<Event>> {
        self.observe(now);
        self.parsed(bytes, Progress::Finished);
        if self.sifts_texts {
            return Err(self.apply_rarer(News::Message(message)));
        }
        self.stats.messages_received = self.stats.messages_received.wrapping_add(1);
        Ok(message)
    }

    /// The end, once; `None` if there is nothing to tell, or nothing more.
    ///
    /// What is due is judged here. So this is for whoever reads, once all that had arrived was applied; what the other thread
    /// calls is listed at [`Sender`].
    #[inline]
    #[must_use = "it may be the end"]
    pub fn poll_event(&mut self, now: Timestamp) -> Option<Event> {
        self.observe(now);
        if self.has_verdict() { self.poll_end() } else { None }
    }

    /// Whether the end may have come.
    #[inline]
    pub(super) fn has_verdict(&self) -> bool {
        self.verdict_is_due || self.life.is_over()
    }

    /// Whether what arrives does not count any more, as the connection has ended or failed, by a deadline for instance. Then tell
    /// the [`Receiver`](crate::Receiver) to [discard](crate::Receiver::discard); nothing is lost if that comes late.
    #[must_use]
    pub fn discards(&self) -> bool {
        self.life.is_over() || self.life.receiving == Receiving::Failed
    }

    /// Whether to read the transport, as long as its input has not ended. If not, the connection has ended, or the owner
    /// [said so](Self::set_reading).
    #[inline]
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.is_reading() && !self.life.is_over()
    }

    /// As [`Connection::set_reading`](crate::Connection::set_reading).
    pub fn set_reading(&mut self, reading: bool, now: Timestamp) {
        self.observe(now);
        if !reading {
            self.deaf_since.get_or_insert(self.now);
        } else if let Some(since) = self.deaf_since.take() {
            // While nobody listened, the clock of the peer's silence stood still.
            let deaf = self.now.saturating_duration_since(since);
            self.last_received = self.last_received.saturating_add(deaf).min(self.now);
            self.unfinished_since =
                self.unfinished_since.map(|since| since.saturating_add(deaf).min(self.now));
            if let Some(pulse) = &mut self.pulse {
                pulse.was_deaf(since, self.now);
            }
        }
    }

    pub(super) fn is_reading(&self) -> bool {
        self.deaf_since.is_none()
    }

    // The opening handshake.

    pub(super) fn entropy(&mut self) -> &mut Entropy {
        self.outbox.entropy()
    }

    pub(super) fn send_handshake(&mut self, head: Bytes) {
        self.outbox.push_handshake(head);
    }

    /// A request came that the application is to decide on.
    pub(super) fn requested(&mut self) {
        self.life.apply(Input::Requested);
        self.stage_since = self.now;
    }

    /// The opening handshake is done.
    pub(super) fn open(&mut self, agreement: Agreement) {
        let deflate = agreement.deflate_parameters();
        self.outbox.set_deflater(deflate.map(|agreed| Deflater::new(&self.config, agreed, self.role)));
        self.agreement = agreement;
        self.life.apply(Input::Opened);
        self.stage_since = self.now;
        // Silence before was the handshake's, which had a deadline of its own.
        self.last_received = self.now;
        self.last_progress = self.now;
        self.draw_beat();
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

    // What arrived, or did not.

    /// Counts bytes that were parsed.
    #[inline]
    pub(super) fn received_bytes(&mut self, bytes: usize) {
        if bytes > 0 {
            self.last_received = self.now;
            self.stats.bytes_received = self.stats.bytes_received.wrapping_add(bytes as u64);
        }
    }

    #[inline]
    fn parsed(&mut self, bytes: usize, progress: Progress) {
        self.received_bytes(bytes);
        if let Some(pulse) = self.pulse.as_mut().filter(|_| bytes > 0) {
            pulse.received();
        }
        self.unfinished_since = match progress {
            Progress::Finished => None,
            Progress::Unfinished => self.unfinished_since.or(Some(self.now)),
            Progress::UnfinishedButFast => Some(self.now),
        };
    }

    #[inline(never)]
    fn apply_rarer(&mut self, news: News) -> Option<Event> {
        match news {
            News::EndOfStream(position) => self.end_of_input(Cause::EndOfStream(position)),
            News::ReadFailed(failure) => self.read_failed(failure),
            _ if !self.life.hears() => {}
            News::Nothing => {}
            News::Message(message) => match self.sift(message) {
                Ok(message) => return Some(self.apply_message(message)),
                Err(event) => return event,
            },
            News::Chunk(chunk) => match self.sift_chunk(chunk) {
                Ok(chunk) => return Some(self.apply_chunk(chunk)),
                Err(event) => return event,
            },
            News::Ping(payload) => {
                self.stats.pings_received = self.stats.pings_received.saturating_add(1);
                if self.config.automatic_pong && self.life.sending != Sending::Broken {
                    self.outbox.push_pong(payload.clone());
                }
                return Some(Event::Ping(payload));
            }
            News::Pong(payload) => return Some(self.apply_pong(payload)),
            News::Close(frame) => self.apply_close(frame),
            News::Failed(fault) => self.fail(fault.into(), fault.close_code()),
        }
        None
    }

    #[inline]
    fn apply_message(&mut self, message: Message) -> Event {
        self.stats.messages_received = self.stats.messages_received.wrapping_add(1);
        Event::Message(message)
    }

    fn apply_chunk(&mut self, chunk: Chunk) -> Event {
        if chunk.is_last {
            self.stats.messages_received = self.stats.messages_received.saturating_add(1);
        }
        Event::Chunk(chunk)
    }

    fn apply_pong(&mut self, payload: Bytes) -> Event {
        self.stats.pongs_received = self.stats.pongs_received.saturating_add(1);
        let beat = self.pulse.as_ref().filter(|pulse| !pulse.by_text);
        let heartbeat = beat.and_then(|pulse| pulse.ping.answered_by(&payload, self.now));
        let application =
            self.application_ping.as_ref().and_then(|ping| ping.answered_by(&payload, self.now));
        let answered = if heartbeat.is_some() {
            self.pulse.take().map(|pulse| pulse.ping)
        } else if application.is_some() {
            self.application_ping.take().map(|ping| *ping)
        } else {
            None
        };
        let round_trip = heartbeat.or(application);
        self.note_answer(answered.as_ref(), round_trip);
        Event::Pong { payload, round_trip }
    }

    /// What an answer to a Ping says of the connection.
    pub(super) fn note_answer(&mut self, ping: Option<&Outstanding>, round_trip: Option<Duration>) {
        let confirmed = ping.map_or(0, Outstanding::messages_before);
        self.stats.messages_confirmed = self.stats.messages_confirmed.max(confirmed);
        self.stats.round_trip = round_trip.or(self.stats.round_trip);
    }

    fn apply_close(&mut self, frame: Option<CloseFrame>) {
        self.closed_first_by.get_or_insert(Side::Remote);
        // The echo has the code alone (§5.5.1); the reason was the peer's.
        self.outbox.push_close(frame.as_ref().map(|frame| CloseFrame::known(frame.code(), "")), false);
        self.received = Some(CloseFrame::into_told(frame));
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
        self.life.apply(Input::GivenUp);
        if self.life.is_parting() && !self.outbox.is_lent() {
            self.doubt(Outbox::forsake_messages);
            self.outbox.push_close(told(deadline), true);
        } else {
            self.discard();
        }
    }

    pub(super) fn inbound_idle(&mut self) {
        self.cause.get_or_insert(Cause::Deadline(Deadline::InboundIdle));
        self.begin_closing(told(Deadline::InboundIdle));
    }

    pub(super) fn close_deadline_passed(&mut self) {
        if !self.life.was_clean() {
            self.cause.get_or_insert(Cause::Deadline(Deadline::Close));
        }
        self.life.apply(Input::CloseDeadline);
        self.discard();
    }

    /// Begins the closing handshake, behind everything that was accepted.
    pub(super) fn begin_closing(&mut self, frame: Option<CloseFrame>) {
        if self.life.goes_on() {
            self.closed_first_by.get_or_insert(Side::Local);
            self.outbox.push_close(frame, false);
            self.begin_ending(Input::CloseCommand);
        }
    }

    /// The stream ended, and everything in it was parsed; `cause` counts if no Close frame came before.
    fn end_of_input(&mut self, cause: Cause) {
        if self.life.hears() {
            self.cause.get_or_insert(cause);
            self.closed_first_by.get_or_insert(Side::Remote);
        }
        self.life.apply(Input::StreamEnded);
        self.discard_if_over();
    }

    fn read_failed(&mut self, failure: TransportFailure) {
        if !self.life.was_clean() {
            self.cause.get_or_insert(Cause::Transport(failure));
        }
        self.life.apply(Input::ReadFailed);
        self.discard_if_over();
    }

    // The last event.

    #[cold]
    fn poll_end(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.verdict_is_due) {
            self.judge_all();
        }
        if !self.life.is_over() || core::mem::replace(&mut self.closed_was_told, true) {
            return None;
        }
        Some(Event::Closed(self.close_event()))
    }

    fn close_event(&mut self) -> CloseEvent {
        let was_open = self.life.stage == Stage::Done;
        let heard_until = self.deaf_since.unwrap_or(self.now);
        CloseEvent::new(Ending {
            role: self.role,
            was_clean: self.life.was_clean(),
            cause: self.cause.unwrap_or(Cause::ClosingHandshake),
            sent: self.outbox.take_close_frame().filter(|_| self.close_written),
            received: self.received.take(),
            closed_first_by: self.closed_first_by,
            open_for: was_open.then(|| self.now.saturating_duration_since(self.stage_since)),
            since_received: heard_until.saturating_duration_since(self.last_received),
            since_sent: self.now.saturating_duration_since(self.last_progress),
            unfinished_message: self.unfinished_since.is_some(),
            unsent_messages: self.outbox.messages_unsent(),
            unsent_bytes: self.outbox.bytes_unsent(),
            heartbeat: self.config.heartbeat.clone(),
            local_stall: self.recent_stall(),
            stats: self.stats(),
        })
    }
}

/// The Close frame that reports a deadline.
fn told(deadline: Deadline) -> Option<CloseFrame> {
    deadline.close_code().and_then(|code| CloseFrame::truncated(code, &deadline.to_string()).ok())
}
