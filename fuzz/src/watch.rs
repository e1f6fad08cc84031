//! What holds of any connection at any time, whoever drives it.

use bytes::BytesMut;
use websocket_proto::{Cause, CloseCode, CloseEvent, Connection, Event, State, Stats, Timestamp, Transport};

/// What was seen of a connection last, to compare with what is seen next.
pub(crate) struct Watch {
    pub(crate) state: State,
    pub(crate) stats: Stats,
    pub(crate) half_closed: bool,
}

impl Watch {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self { state: connection.state(), stats: connection.stats(), half_closed: false }
    }

    pub(crate) fn look(&mut self, connection: &Connection) {
        let (state, stats, transport) = (connection.state(), connection.stats(), connection.transport());
        assert!(state >= self.state, "from {:?} back to {state:?}", self.state);
        self.state = state;

        if state == State::Closed {
            assert!(!connection.wants_read());
            assert_eq!(connection.poll_timeout(), None);
        } else {
            assert!(matches!(transport, Transport::Open | Transport::HalfClose), "{transport:?}");
        }
        if self.half_closed {
            assert_ne!(transport, Transport::Open, "a half-close is not taken back");
        }
        if transport == Transport::HalfClose {
            assert_eq!(connection.buffered(), 0, "a half-close comes after the last byte");
            self.half_closed = true;
        }

        let grew =
            counters(&self.stats).into_iter().zip(counters(&stats)).all(|(before, after)| before <= after);
        assert!(grew, "a counter went back: from {:?} to {stats:?}", self.stats);
        assert!(stats.messages_confirmed <= stats.messages_sent, "{stats:?}");
        assert!(stats.messages_in_doubt <= stats.messages_dropped, "{stats:?}");
        self.stats = stats;
    }
}

fn counters(stats: &Stats) -> [u64; 10] {
    [
        stats.bytes_received,
        stats.bytes_sent,
        stats.messages_received,
        stats.messages_sent,
        stats.messages_confirmed,
        stats.messages_dropped,
        stats.messages_in_doubt,
        stats.pings_received,
        stats.pings_sent,
        stats.pongs_received,
    ]
}

/// The next event of `input`, all of which is parsed where there is none.
pub(crate) fn next_event(connection: &mut Connection, input: &mut BytesMut, now: Timestamp) -> Option<Event> {
    let event = connection.poll_event(input, now);
    assert!(event.is_some() || input.is_empty() || !connection.wants_read(), "input is left over");
    event
}

/// What the last event says agrees with itself, and with what else there is to see.
pub(crate) fn check_close(close: &CloseEvent, connection: &Connection, accepted: u64) {
    assert_eq!(*close.stats(), connection.stats());
    assert_eq!(close.was_clean(), close.sent().is_some() && close.received().is_some());
    assert!(close.cause() != Cause::ClosingHandshake || close.was_clean(), "{close:?}");
    assert_eq!(close.code().as_u16(), close.received().map_or(1006, CloseCode::as_u16));
    for line in [close.to_string(), close.explain().to_string()] {
        assert!(!line.contains(char::is_control) && line.len() < 1000, "{line:?}");
    }
    assert!(close.reason().is_empty() || close.received().is_some());
    for code in [close.sent(), close.received()].into_iter().flatten() {
        assert!(code.may_be_sent() || code.as_u16() == 1005, "{code}");
    }
    assert_eq!(close.unsent_messages() + close.stats().messages_sent, accepted);
}
