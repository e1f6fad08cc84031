//! What must hold at any time, after a refused command, and at the end.

use websocket_proto::{CloseCode, CloseEvent, Role, State, Stats, Timestamp, Transport};

use super::{LONGEST, PONGS, Player};
use crate::frames::Item;
use crate::output;
use crate::scene::Opening;
use crate::watch;

impl Player<'_> {
    // What may be seen at any time.

    pub(super) fn look(&mut self) {
        self.watch.look(&self.connection);
        let connection = &self.connection;
        assert!(self.closed.is_none() || connection.state() == State::Closed);

        let config = self.script.scene.settings.config();
        // Beyond the queue: what is encoded ahead, and the control frames, whose headers count as well.
        let bound = config.output_high_water + LONGEST + 128 * 1024 + (PONGS + 3) * (125 + 14);
        assert!(connection.buffered() <= bound, "{} bytes wait", connection.buffered());
        self.check_stats();
    }

    fn check_stats(&self) {
        let stats = self.watch.stats;
        let taken = (self.fed - self.input.len()) as u64;
        if self.watch.state <= State::Open {
            assert_eq!(stats.bytes_received, taken);
        }
        assert!(stats.bytes_received <= taken);
        assert_eq!(stats.bytes_sent, self.output.len() as u64);
        assert_eq!(stats.messages_received, self.messages);
        assert_eq!(stats.pings_received, self.pings);
        let accepted = self.accepted.len() as u64;
        assert!(stats.messages_sent + stats.messages_dropped <= accepted);
    }

    pub(super) fn check_close(&self, close: &CloseEvent) {
        watch::check_close(close, &self.connection, self.accepted.len() as u64);
        assert_eq!(close.stats().pongs_received, self.pongs);
    }

    pub(super) fn face(&self) -> Face {
        let connection = &self.connection;
        Face {
            state: connection.state(),
            buffered: connection.buffered(),
            wants_write: connection.wants_write(),
            stats: connection.stats(),
            timeout: connection.poll_timeout(),
            transport: connection.transport(),
            wants_read: connection.wants_read(),
        }
    }

    pub(super) fn expect_unchanged(&self, before: &Face) {
        assert_eq!(self.face(), *before, "it was refused, and changed something");
    }

    // What went out, once it has ended.

    pub(super) fn check_output(&self) {
        let upgraded = self.script.scene.opening == Opening::Upgraded;
        let written = output::read(&self.output, self.role, upgraded);
        if self.role == Role::Server && !upgraded {
            assert!(!self.opened || written.status.is_none_or(|status| status == 101));
        }
        assert!(self.opened || written.items.is_empty(), "frames before it was open");
        let mut sent = self.accepted.iter();
        for (_, item) in &written.items {
            match item {
                Item::Text(text) => {
                    let message = sent.next().expect("a message that was sent");
                    assert_eq!(message.as_text(), Some(text.as_str()));
                }
                Item::Binary(payload) => {
                    let message = sent.next().expect("a message that was sent");
                    assert!(message.as_text().is_none() && message.payload() == payload);
                }
                Item::Pong(payload) => assert!(self.pong_payloads.contains(payload), "a pong out of nothing"),
                Item::Ping(_) | Item::Close(_) => {}
            }
        }
        self.check_pongs(&written.items);

        // What counts as sent is what had been written when the end was told. What is written after that is the last word to
        // a peer that was given up.
        let in_time = |end: usize| end <= self.written_when_closed;
        let messages = written
            .items
            .iter()
            .filter(|(end, item)| matches!(item, Item::Text(_) | Item::Binary(_)) && in_time(*end));
        assert_eq!(self.watch.stats.messages_sent, messages.count() as u64);
        let pings = written.items.iter().filter(|(end, item)| matches!(item, Item::Ping(_)) && in_time(*end));
        assert!(self.watch.stats.pings_sent >= pings.count() as u64);
        let close = written.close().filter(|(end, _)| in_time(*end)).map(|(_, code)| code);
        let told = self.closed.as_ref().and_then(CloseEvent::sent).map(CloseCode::as_u16);
        assert_eq!(told, close);
    }

    /// However many Pings came: from one time that output was asked for to the next, no more Pongs were kept than that.
    pub(super) fn check_pongs(&self, items: &[(usize, Item)]) {
        let mut before = 0;
        for &(encoded, times) in &self.encoded {
            let new = |end: usize| end > before && end <= encoded;
            let pongs = items.iter().filter(|(end, item)| matches!(item, Item::Pong(_)) && new(*end));
            assert!(pongs.count() <= PONGS * times);
            before = before.max(encoded);
        }
    }
}

/// What a refused command may not change.
#[derive(Debug, PartialEq)]
pub(super) struct Face {
    pub(super) state: State,
    buffered: usize,
    wants_write: bool,
    stats: Stats,
    timeout: Option<Timestamp>,
    transport: Transport,
    wants_read: bool,
}
