//! When the connection must be looked at again, and what is due then. Nothing is kept: every deadline is computed from what
//! happened.

use core::time::Duration;

use super::life::{Sending, Stage};
use super::sender::Sender;
use crate::close::CloseCode;
use crate::config::Heartbeat;
use crate::error::Deadline;
use crate::event::Cause;
use crate::time::Timestamp;

/// To be later than this against a deadline of our own is a stall of ours, however short the deadline.
const MIN_STALL: Duration = Duration::from_secs(1);

/// The longest respite.
const MAX_RESPITE: Duration = Duration::from_secs(5);

/// A stall that was noticed so long ago has to do with the end, though the peer was heard since.
const RECENT_STALL: Duration = Duration::from_secs(10);

/// What a point in time asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Send a Ping. It takes nothing away from the peer.
    Ping,
    /// Judge the peer, after everything that arrived was parsed.
    Judge(Deadline),
}

impl Sender {
    /// As [`Connection::poll_timeout`](crate::Connection::poll_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        // While a verdict waits for what arrived to be parsed, only the one that does not wait is left.
        let due = if self.verdict_is_due { self.stall_due() } else { self.next_due() };
        due.map(|(at, _)| at)
    }

    /// As [`Connection::handle_timeout`](crate::Connection::handle_timeout): what falls due is judged by the next
    /// [`poll_event`](Self::poll_event).
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.observe(now);
        if let Some((at, _)) = self.stall_due().filter(|(at, _)| *at <= self.now) {
            self.judge(Deadline::WriteStall, at);
        }
        while let Some((at, due)) = self.next_due()
            && at <= self.now
        {
            match due {
                Due::Ping => self.beat(),
                Due::Judge(_) => {
                    self.verdict_is_due = true;
                    return;
                }
            }
        }
    }

    /// The deadline of the opening handshake that has passed, if one has.
    pub(super) fn overdue_opening(&self) -> Option<Deadline> {
        match self.next_due().filter(|(at, _)| *at <= self.now) {
            Some((_, Due::Judge(deadline @ (Deadline::Handshake | Deadline::Decision)))) => Some(deadline),
            _ => None,
        }
    }

    /// Acts on everything that is due, with everything parsed that arrived before.
    pub(super) fn judge_all(&mut self) {
        while let Some((at, due)) = self.next_due()
            && at <= self.now
        {
            match due {
                Due::Ping => self.beat(),
                Due::Judge(deadline) => self.judge(deadline, at),
            }
        }
    }

    /// The next point in time at which something is due.
    fn next_due(&self) -> Option<(Timestamp, Due)> {
        if self.life.is_over() {
            return None;
        }
        let config = &*self.config;
        if let Some(since) = self.ending_since {
            let close = Some((since.saturating_add(config.close_timeout), Due::Judge(Deadline::Close)));
            return earliest([close, self.write_stall()]);
        }
        match self.life.stage {
            Stage::Handshake => {
                let at = self.stage_since.saturating_add(config.handshake_timeout);
                Some((at, Due::Judge(Deadline::Handshake)))
            }
            Stage::Decision => {
                let at = self.stage_since.saturating_add(config.decision_timeout);
                Some((at, Due::Judge(Deadline::Decision)))
            }
            Stage::Done => {
                let heard = self.is_reading();
                earliest([
                    self.heartbeat(),
                    self.write_stall(),
                    self.unfinished_since.filter(|_| heard).and_then(|since| {
                        self.judged(since, config.unfinished_message?, Deadline::UnfinishedMessage)
                    }),
                    config
                        .inbound_idle
                        .filter(|_| heard)
                        .and_then(|limit| self.judged(self.last_received, limit, Deadline::InboundIdle)),
                ])
            }
        }
    }

    /// When a transport that takes nothing ends the connection. Nothing that arrives before averts it.
    fn stall_due(&self) -> Option<(Timestamp, Due)> {
        let counts = self.life.stage == Stage::Done || self.ending_since.is_some();
        if counts && !self.life.is_over() { self.write_stall() } else { None }
    }

    #[inline]
    fn write_stall(&self) -> Option<(Timestamp, Due)> {
        if self.life.sending == Sending::Broken {
            return None;
        }
        self.judged(self.offered_at?, self.config.write_stall?, Deadline::WriteStall)
    }

    #[inline]
    fn heartbeat(&self) -> Option<(Timestamp, Due)> {
        let settings = self.config.heartbeat.as_ref()?;
        let heard = self.is_reading();
        if let Some(pulse) = &self.pulse {
            let verdict = pulse.verdict_at(settings, self.offered_at, self.last_progress, self.last_received);
            if let Some(at) = verdict.filter(|_| heard) {
                return self.judged(at, Duration::ZERO, Deadline::Heartbeat);
            }
            if !pulse.ping.is_written() {
                return None;
            }
        }
        let silent_since =
            if heard { self.last_received.min(self.last_progress) } else { self.last_progress };
        Some((silent_since.saturating_add(self.beat_after), Due::Ping))
    }

    /// A deadline for the peer, or for the transport to it; put off where we gave it a respite.
    #[inline]
    fn judged(&self, since: Timestamp, limit: Duration, deadline: Deadline) -> Option<(Timestamp, Due)> {
        let at = since.saturating_add(limit);
        Some((self.respite_until.map_or(at, |until| until.max(at)), Due::Judge(deadline)))
    }

    /// Acts on a deadline that passed at this time, with everything parsed that arrived before. It always changes something, so
    /// that the deadline does not stand still.
    fn judge(&mut self, deadline: Deadline, at: Timestamp) {
        if self.grants_respite(deadline, at) {
            return;
        }
        match deadline {
            Deadline::Heartbeat | Deadline::WriteStall => self.give_up(deadline),
            Deadline::UnfinishedMessage => self.fail(Cause::Deadline(deadline), CloseCode::POLICY_VIOLATION),
            Deadline::InboundIdle => self.inbound_idle(),
            Deadline::Close => self.close_deadline_passed(),
            Deadline::Handshake | Deadline::Decision => self.abandon(Cause::Deadline(deadline), None),
        }
    }

    fn beat(&mut self) {
        if let Some(settings) = &self.config.heartbeat {
            // Whenever something passed, somebody looked.
            let looked = self.last_received.max(self.last_progress);
            self.is_stall(looked.saturating_add(settings.interval), settings.margin());
        }
        self.send_beat();
    }

    /// Whether we come so late to a deadline that passed at this time that the owner must have been stopped or overloaded.
    fn is_stall(&mut self, at: Timestamp, limit: Duration) -> bool {
        let late = self.now.saturating_duration_since(at);
        let stalled = late > MIN_STALL.max(limit / 4);
        if stalled {
            let before = self.local_stall.filter(|(_, noticed)| *noticed == self.now);
            self.local_stall = Some((before.map_or(late, |(before, _)| before.max(late)), self.now));
        }
        stalled
    }

    /// The last stall of ours, unless all was well since.
    pub(super) fn recent_stall(&self) -> Option<Duration> {
        let counts = |noticed| {
            noticed >= self.last_received || self.now.saturating_duration_since(noticed) <= RECENT_STALL
        };
        self.local_stall.filter(|(_, noticed)| counts(*noticed)).map(|(late, _)| late)
    }

    /// If we come so late that our own stall may have kept the peer's bytes from us, or ours from the transport, the peer gets a
    /// respite; once, for when that ends it was the respite that passed, and no deadline of its own.
    fn grants_respite(&mut self, deadline: Deadline, at: Timestamp) -> bool {
        let limit = match deadline {
            Deadline::Heartbeat => self.config.heartbeat.as_ref().map(Heartbeat::margin),
            Deadline::WriteStall => self.config.write_stall,
            Deadline::UnfinishedMessage => self.config.unfinished_message,
            Deadline::InboundIdle => self.config.inbound_idle,
            Deadline::Handshake | Deadline::Decision | Deadline::Close => None,
        };
        let Some(limit) = limit else { return false };
        if self.respite_until.is_some_and(|until| at <= until) || !self.is_stall(at, limit) {
            return false;
        }
        let until = self.now.saturating_add(limit.min(MAX_RESPITE));
        self.respite_until = Some(until);
        until > self.now
    }
}

/// The first of those that are due at the earliest time.
#[inline]
fn earliest<const N: usize>(due: [Option<(Timestamp, Due)>; N]) -> Option<(Timestamp, Due)> {
    let mut earliest = None;
    for due in due {
        if let Some((at, _)) = due
            && earliest.is_none_or(|(before, _)| at < before)
        {
            earliest = due;
        }
    }
    earliest
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use core::time::Duration;
    use std::vec;

    use bytes::{Buf, BytesMut};

    use crate::config::{Config, Role};
    use crate::connection::{Connection, Transport};
    use crate::error::Deadline;
    use crate::event::{Cause, Event};
    use crate::time::Timestamp;
    use crate::upgrade::Agreement;

    /// An owner that parses no more while output waits must not be held by a peer that never takes it.
    #[test]
    fn a_stalled_write_ends_a_connection_that_nobody_polls_for_events() {
        // Falls due before, and waits to be judged.
        let config = Config { inbound_idle: Some(Duration::from_secs(10)), ..Config::default() };
        let mut now = Timestamp::default();
        let agreed = Agreement::default();
        let mut connection = Connection::upgraded(Role::Server, agreed, Arc::new(config), [7; 32], now);
        connection.send(vec![0; 1 << 20]).unwrap();
        assert!(connection.output(now).has_remaining());

        while connection.transport() == Transport::Open {
            now = connection.poll_timeout().expect("the write stall is due");
            connection.handle_timeout(now);
            let _ = connection.output(now);
        }
        assert_eq!(now, Timestamp::from_duration(Duration::from_secs(30)));
        assert_eq!(connection.transport(), Transport::Abort);
        assert_eq!((connection.buffered(), connection.stats().messages_dropped), (0, 1));
        let Some(Event::Closed(close)) = connection.poll_event(&mut BytesMut::new(), now) else { panic!() };
        // What fell due first was not judged: what the peer sent may wait to be parsed.
        assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
    }
}
