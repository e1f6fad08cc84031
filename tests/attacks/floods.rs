//! Endless streams: of fragments, of empty ones, of header lines, of pings to a peer that reads nothing.

use std::sync::Arc;

use websocket_proto::{Cause, CloseCode, Config, Connection, HandshakeError, Limit, Role, State, Timestamp};

use crate::counting::allocations;
use crate::pair::Endpoint;
use crate::scale::{Scale, Takes};
use crate::wire::frame;
use crate::{ROLES, quiet, without_limits};

const TOO_BIG: Option<CloseCode> = Some(CloseCode::MESSAGE_TOO_BIG);

#[test]
fn continuations_without_end_run_into_the_limit_on_messages() {
    for role in ROLES {
        let max = 16 << 20;
        let mut scale = Scale::upgraded(role, &Arc::new(quiet()));
        scale.feed(&frame(role, 0x02, b""));
        let fragment = frame(role, 0x00, &[0; 64 * 1024]);
        for _ in 0..max / (64 * 1024) {
            scale.feed(&fragment);
            assert_eq!(scale.connection.state(), State::Open);
        }
        // The first one beyond the limit is refused, and what follows it is not kept.
        for _ in 0..3 {
            scale.feed(&fragment);
            assert_eq!(scale.connection.state(), State::Closing);
        }
        assert!(scale.most <= 3 * max + 64 * 1024, "under the cap: {}", scale.most);
        assert!(scale.held <= 1024, "what was kept is let go: {}", scale.held);
        scale.end_of_input();
        assert_eq!(scale.end, Some((Cause::Limit(Limit::MessageSize(max as u64)), TOO_BIG)));
    }
}

#[test]
fn empty_fragments_count() {
    for role in ROLES {
        let mut scale = Scale::upgraded(role, &Arc::new(quiet()));
        let max = 1 << 17;
        scale.feed(&frame(role, 0x01, b""));
        let rest = frame(role, 0x00, b"").repeat(max - 1);
        scale.feed(&rest);
        assert_eq!(scale.connection.state(), State::Open, "as many as are allowed");
        assert_eq!(scale.held, 0);
        scale.feed(&frame(role, 0x00, b""));
        scale.end_of_input();
        assert_eq!(scale.end, Some((Cause::Limit(Limit::Fragments(max as u64)), TOO_BIG)));
    }
}

#[test]
fn ten_million_empty_fragments_take_nothing() {
    const AT_ONCE: usize = 100_000;
    let mut scale = Scale::upgraded(Role::Client, &Arc::new(without_limits()));
    scale.feed(&frame(Role::Client, 0x01, b""));
    let fragments = frame(Role::Client, 0x00, b"").repeat(AT_ONCE);
    let before = allocations();
    for _ in 0..10_000_000 / AT_ONCE {
        scale.feed(&fragments);
    }
    assert_eq!(allocations() - before, 10_000_000 / AT_ONCE as u64, "the caller's buffers and nothing else");
    assert_eq!((scale.most, scale.held), (0, 0));
}

#[test]
fn header_lines_without_end_run_into_the_limit_on_heads() {
    let max = Config::default().max_head_size;
    for (role, first) in [(Role::Server, "GET / HTTP/1.1\r\n"), (Role::Client, "HTTP/1.1 101 x\r\n")] {
        for line in ["a:\r\n", "Sec-WebSocket-Protocol: a\r\n", "a"] {
            for step in [1, 1000, 100_000] {
                let mut scale = Scale::connecting(role, &Arc::new(quiet()));
                let stream = [first, &line.repeat(2 * max / line.len())].concat();
                scale.feed_in(step, stream.as_bytes());
                assert!(scale.most <= 3 * max + 8 * 1024, "in reads of {step}: {}", scale.most);
                assert!(scale.held <= 2 * 1024, "what was kept is let go: {}", scale.held);
                scale.end_of_input();
                assert_eq!(scale.end, Some((Cause::Handshake(HandshakeError::HeadTooLarge), None)));
            }
        }
    }
    let mut server = Endpoint::new(Connection::server(Arc::new(quiet()), [7; 32], Timestamp::default()));
    server.receive(b"GET / HTTP/1.1\r\n", Timestamp::default());
    server.receive(&b"a:\r\n".repeat(max), Timestamp::default());
    assert!(server.written.starts_with(b"HTTP/1.1 431 "));
}

/// Pings to somebody whose transport takes nothing, so many of them in each read, and then a Close frame: how many bytes of
/// answers there are once it takes something, and how many it held.
fn flood_of_pings(role: Role, reads: usize, pings: usize) -> (u64, isize) {
    let mut scale = Scale::upgraded(role, &Arc::new(quiet()));
    scale.takes = Takes::Nothing;
    let pings = frame(role, 0x89, &LONGEST_PING).repeat(pings);
    for _ in 0..reads {
        scale.feed(&pings);
    }
    scale.feed(&frame(role, 0x88, b"\x03\xe8"));
    scale.takes = Takes::All;
    let held = scale.held;
    scale.feed(b"");
    assert!(scale.held <= 0);
    (scale.connection.stats().bytes_sent, held)
}

const LONGEST_PING: [u8; 125] = [b'p'; 125];

/// What goes out for the longest pings that are all answered, and the Close frame.
fn answers(role: Role, pongs: usize) -> u64 {
    let other = if role == Role::Client { Role::Server } else { Role::Client };
    (frame(other, 0x8a, &LONGEST_PING).len() * pongs + frame(other, 0x88, b"\x03\xe8").len()) as u64
}

#[test]
fn pings_to_a_peer_that_reads_nothing_are_owed_sixteen_pongs_and_a_close() {
    for role in ROLES {
        let (owed, held) = flood_of_pings(role, 1, 20_000);
        assert_eq!(owed, answers(role, 16));
        assert!(held <= 8 * 1024, "{held}");
    }
}

/// What was shown to a transport keeps its place, whether it was taken or not: sixteen Pongs that were shown, and sixteen that
/// wait, however often the transport is asked.
#[test]
fn pings_between_which_the_transport_is_asked_in_vain_are_owed_sixteen_more() {
    for role in ROLES {
        let (owed, held) = flood_of_pings(role, 20_000, 1);
        assert_eq!(owed, answers(role, 2 * 16));
        assert!(held <= 16 * 1024, "{held}");
    }
}
