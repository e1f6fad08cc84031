//! When the connection must be looked at again, and what is due then. Nothing is kept: every deadline is computed from what
//! happened.

use super::life::Sending;
use super::sender::{Sender, Stage};
use crate::close::CloseCode;
use crate::error::Deadline;
use crate::event::Cause;
use crate::time::Timestamp;

/// What a point in time asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send a Ping. It takes nothing away from the peer.
    Ping,
    /// Judge the peer, after everything that arrived was parsed.
    Judge(Deadline),
}

impl Sender {
    /// The next point in time at which something is due.
    pub(super) fn next_due(&self) -> Option<(Timestamp, Due)> {
        if self.life.is_over() {
            return None;
        }
        let config = &*self.config;
        if let Some(since) = self.ending_since {
            let close = Some((since.saturating_add(config.close_timeout), Due::Judge(Deadline::Close)));
            return earliest([close, self.write_stall()]);
        }
        match self.stage {
            Stage::Handshake => {
                let at = self.stage_since.saturating_add(config.handshake_timeout);
                Some((at, Due::Judge(Deadline::Handshake)))
            }
            Stage::Decision => {
                let at = self.stage_since.saturating_add(config.decision_timeout);
                Some((at, Due::Judge(Deadline::Decision)))
            }
            Stage::Open if !self.reading => earliest([self.heartbeat(), self.write_stall()]),
            Stage::Open => {
                let after = |since: Option<Timestamp>, limit, deadline| {
                    Some((since?.saturating_add(limit?), Due::Judge(deadline)))
                };
                earliest([
                    self.heartbeat(),
                    self.write_stall(),
                    after(self.unfinished_since, config.unfinished_message, Deadline::UnfinishedMessage),
                    after(Some(self.last_received), config.inbound_idle, Deadline::InboundIdle),
                ])
            }
        }
    }

    /// When a transport that takes nothing ends the connection. Nothing that arrives before averts it.
    pub(super) fn stall_due(&self) -> Option<(Timestamp, Due)> {
        let counts = self.stage == Stage::Open || self.ending_since.is_some();
        if counts && !self.life.is_over() { self.write_stall() } else { None }
    }

    fn write_stall(&self) -> Option<(Timestamp, Due)> {
        if self.life.sending == Sending::Broken {
            return None;
        }
        let at = self.offered_at?.saturating_add(self.config.write_stall?);
        Some((at, Due::Judge(Deadline::WriteStall)))
    }

    fn heartbeat(&self) -> Option<(Timestamp, Due)> {
        let settings = self.config.heartbeat.as_ref()?;
        if let Some(pulse) = &self.pulse {
            let verdict = pulse.verdict_at(settings, self.last_progress, self.last_received);
            if let Some(at) = verdict.filter(|_| self.reading) {
                return Some((at, Due::Judge(Deadline::Heartbeat)));
            }
            if !pulse.ping.is_written() {
                return None;
            }
        }
        let silent_since =
            if self.reading { self.last_received.min(self.last_progress) } else { self.last_progress };
        Some((silent_since.saturating_add(settings.interval), Due::Ping))
    }

    /// Acts on a deadline that has passed, with everything parsed that arrived before.
    pub(super) fn judge(&mut self) {
        let Some((at, Due::Judge(deadline))) = self.next_due().filter(|(at, _)| *at <= self.now) else {
            return;
        };
        match deadline {
            // The opening handshake's deadlines need an HTTP answer, so they are the connection's to act on.
            Deadline::Handshake | Deadline::Decision => {}
            Deadline::Heartbeat => {
                let late = self.now.saturating_duration_since(at);
                if let (Some(settings), Some(pulse)) = (&self.config.heartbeat, &mut self.pulse)
                    && pulse.grant_respite(settings, late, self.now)
                {
                    self.local_stall = self.local_stall.max(Some(late));
                } else {
                    self.give_up(Deadline::Heartbeat);
                }
            }
            Deadline::WriteStall => self.give_up(Deadline::WriteStall),
            Deadline::UnfinishedMessage => {
                self.fail(Cause::Deadline(Deadline::UnfinishedMessage), CloseCode::POLICY_VIOLATION);
            }
            Deadline::InboundIdle => self.inbound_idle(),
            Deadline::Close => self.close_deadline_passed(),
        }
    }
}

fn earliest<const N: usize>(due: [Option<(Timestamp, Due)>; N]) -> Option<(Timestamp, Due)> {
    due.into_iter().flatten().min_by_key(|(at, _)| *at)
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
