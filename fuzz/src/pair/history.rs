//! When what happened to a connection, as far as it shows: what a deadline may be held against.

use websocket_proto::{CloseEvent, Config, Connection, Deadline, Heartbeat, State, Stats, Timestamp};

use crate::watch::Watch;

pub(super) struct History {
    began: Timestamp,
    opened: Timestamp,
    /// When something was parsed last, with the time since then in which nobody listened added; and when the transport last
    /// took something.
    heard: Timestamp,
    wrote: Timestamp,
    /// When the first Ping since then was written.
    pinged: Option<Timestamp>,
    /// The same, when it stopped being open, and when it was over.
    closing: Option<Moment>,
    over: Option<Moment>,
    stats: Stats,
    deaf_since: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Moment {
    now: Timestamp,
    heard: Timestamp,
    wrote: Timestamp,
    pinged: Option<Timestamp>,
    listened: bool,
}

impl History {
    pub(super) fn new(connection: &Connection, now: Timestamp) -> Self {
        let stats = connection.stats();
        Self {
            began: now,
            opened: now,
            heard: now,
            wrote: now,
            pinged: None,
            closing: None,
            over: None,
            stats,
            deaf_since: None,
        }
    }

    pub(super) fn look(&mut self, watch: &Watch, now: Timestamp) {
        if watch.stats.bytes_received > self.stats.bytes_received {
            self.heard = now;
            self.pinged = None;
        }
        if watch.stats.pings_sent > self.stats.pings_sent {
            self.pinged.get_or_insert(now);
        }
        if watch.stats.bytes_sent > self.stats.bytes_sent {
            self.wrote = now;
        }
        self.stats = watch.stats;
        if watch.state < State::Open {
            self.opened = now;
        }
        let moment = Moment {
            now,
            heard: self.heard,
            wrote: self.wrote,
            pinged: self.pinged,
            listened: self.deaf_since.is_none(),
        };
        if watch.state >= State::Closing {
            self.closing.get_or_insert(moment);
        }
        if watch.state == State::Closed {
            self.over.get_or_insert(moment);
        }
    }

    pub(super) fn set_reading(&mut self, reads: bool, now: Timestamp) {
        if !reads {
            self.deaf_since.get_or_insert(now);
        } else if let Some(since) = self.deaf_since.take() {
            self.heard = self.heard.saturating_add(now.saturating_duration_since(since));
        }
    }

    /// No deadline is early, and silence that nobody could hear is no silence.
    pub(super) fn check_deadline(&self, deadline: Deadline, config: &Config, close: &CloseEvent) {
        let (Some(closing), Some(over)) = (self.closing, self.over) else { panic!("it ended unseen") };
        let (since, limit, until) = match deadline {
            Deadline::Handshake => (self.began, Some(config.handshake_timeout), closing.now),
            Deadline::Decision => (self.began, Some(config.decision_timeout), closing.now),
            Deadline::Heartbeat => {
                let margin = config.heartbeat.as_ref().map(|Heartbeat { margin, .. }| *margin);
                (closing.pinged.map_or(closing.heard, |at| at.max(closing.heard)), margin, closing.now)
            }
            Deadline::InboundIdle => (closing.heard, config.inbound_idle, closing.now),
            Deadline::UnfinishedMessage => (self.opened, config.unfinished_message, closing.now),
            Deadline::WriteStall => (over.wrote, config.write_stall, over.now),
            Deadline::Close => (closing.now, Some(config.close_timeout), over.now),
            other => panic!("a deadline that this history does not know: {other:?}"),
        };
        let of_silence =
            matches!(deadline, Deadline::Heartbeat | Deadline::InboundIdle | Deadline::UnfinishedMessage);
        assert!(closing.listened || !of_silence, "{deadline:?}, and nobody listened");
        let limit = limit.unwrap_or_else(|| panic!("{deadline:?}, which is off: {close}"));
        assert!(until >= since.saturating_add(limit), "{deadline:?} after {since:?} at {until:?}");
    }
}
