//! Memory follows what was received, never what was claimed: for any bytes, under [`Scale::feed`]'s bounds, and for what
//! is the worst known.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use proptest::prelude::*;
use websocket_proto::{Agreement, Config, Connection, Event, Message, Role, Timestamp};

use crate::counting::{allocations, live};
use crate::scale::{Scale, Takes, warm_up};
use crate::wire::{close_payload, frame, header};
use crate::{ROLES, without_limits};

/// A part of what a hostile peer sends over an open connection.
fn open_part(receiver: Role) -> BoxedStrategy<Vec<u8>> {
    let data = || prop_oneof![Just(0x00_u8), Just(0x01), Just(0x02), Just(0x80), Just(0x81), Just(0x82)];
    let claim = prop_oneof![0_u64..300, 60_000_u64..70_000, 1_u64 << 24..1 << 25, any::<u64>()];
    prop_oneof![
        (data(), claim, 0_usize..3000).prop_map(move |(first, claimed, sent)| {
            [header(receiver, first, claimed), vec![b'a'; sent.min(claimed as usize)]].concat()
        }),
        (data(), 0_usize..20_000).prop_map(move |(first, len)| frame(receiver, first, &vec![b'a'; len])),
        (1_usize..3000, 0_usize..2)
            .prop_map(move |(count, len)| frame(receiver, 0x00, &b"a"[..len]).repeat(count)),
        (1_usize..300, 0_usize..126)
            .prop_map(move |(count, len)| frame(receiver, 0x89, &vec![b'p'; len]).repeat(count)),
        Just(frame(receiver, 0x88, &close_payload(1000, "bye"))),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
    .boxed()
}

/// A part of a head, or of what follows it.
fn head_part(receiver: Role) -> BoxedStrategy<Vec<u8>> {
    let first = match receiver {
        Role::Server => ["GET / HTTP/1.1\r\nHost: a\r\n", "GET /?", "POST / HTTP/1.1\r\n"],
        Role::Client => [
            "HTTP/1.1 404 x\r\n",
            "HTTP/1.1 100 x\r\n\r\n",
            "HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n",
        ],
    };
    let lines = [
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Content-Length: 9999999999\r\n",
        "X: ",
        "\r\n",
        "fffffff\r\n",
    ];
    prop_oneof![
        prop::sample::select(first.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        prop::sample::select(lines.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        (1_usize..5000).prop_map(|count| b"a:\r\n".repeat(count)),
        (0_usize..20_000).prop_map(|len| vec![b'x'; len]),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
    .boxed()
}

fn takes() -> impl Strategy<Value = Takes> {
    prop_oneof![Just(Takes::All), Just(Takes::OneByte), Just(Takes::Nothing)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn whatever_an_open_connection_is_fed(
        (role, parts) in prop::sample::select(ROLES.to_vec())
            .prop_flat_map(|role| (Just(role), prop::collection::vec(open_part(role), 1..20))),
        limited: bool,
        step in prop_oneof![1_usize..20, 1_usize..70_000],
        takes in takes(),
    ) {
        let config = Arc::new(if limited { Config::default() } else { without_limits() });
        let mut scale = Scale::upgraded(role, &config);
        scale.takes = takes;
        scale.feed_in(step, &parts.concat());
        scale.end_of_input();
    }

    #[test]
    fn whatever_comes_in_the_place_of_a_head(
        (role, first, parts) in prop::sample::select(ROLES.to_vec()).prop_flat_map(|role| {
            (Just(role), head_part(role), prop::collection::vec(head_part(role), 0..12))
        }),
        step in prop_oneof![1_usize..20, 1_usize..70_000],
        takes in takes(),
    ) {
        let mut scale = Scale::connecting(role, &Arc::new(Config::default()));
        scale.takes = takes;
        scale.feed_in(step, &[first, parts.concat()].concat());
        scale.end_of_input();
    }
}

#[test]
fn a_head_of_thousands_of_the_shortest_lines() {
    let lines = b"a:\r\n".repeat(4096);
    let heads =
        [(Role::Server, &b"GET / HTTP/1.1\r\nHost: a\r\n"[..]), (Role::Client, &b"HTTP/1.1 403 x\r\n"[..])];
    for (role, first) in heads {
        let head = [first, &lines, b"\r\n"].concat();
        for step in [1, 4, 1000, head.len()] {
            let mut config = Config::default();
            config.max_head_size = head.len();
            let mut scale = Scale::connecting(role, &Arc::new(config));
            scale.feed_in(step, &head);
            scale.end_of_input();
            assert!(scale.end.is_some());
        }
    }
}

/// Where the buffer must grow once more for the last bytes, that is where it moves at its largest.
#[test]
fn a_message_whose_last_byte_moves_all_of_it() {
    for role in ROLES {
        for first in [0x81, 0x82] {
            for exponent in [10, 16, 20] {
                for len in [(1 << exponent) - 1, 1 << exponent, (1 << exponent) + 1] {
                    for step in [1 << (exponent - 3), (1 << exponent) - 1, (1 << exponent) + 14] {
                        // As fragments nobody knows what is to follow, and room is left over at the end.
                        let begun = frame(role, first & 0x0f, &vec![b'a'; len]);
                        let whole = [begun, frame(role, 0x80, b"a")].concat();
                        let mut scale = Scale::upgraded(role, &Arc::new(without_limits()));
                        scale.feed_in(step, &whole);
                        scale.feed_in(step, &frame(role, first, &vec![b'a'; len]));
                        assert_eq!((scale.messages, scale.held), (2, 0));
                    }
                }
            }
        }
    }
}

#[test]
fn a_message_in_a_million_fragments_of_one_byte_is_kept_in_one_piece() {
    const MILLION: usize = 1_000_000;
    for (role, first) in [(Role::Client, 0x01), (Role::Server, 0x02)] {
        let mut scale = Scale::upgraded(role, &Arc::new(without_limits()));
        scale.feed(&frame(role, first, b"a"));
        let fragments = frame(role, 0x00, b"a").repeat(10_000);
        let before = allocations();
        for feeds in 1..=MILLION as u64 / 10_000 {
            scale.feed(&fragments);
            let grew = allocations() - before - feeds;
            assert!(grew <= 32, "a buffer that doubles does not grow {grew} times");
        }
        assert!(scale.held <= 2 * (MILLION + 1) as isize, "payload alone is kept: {}", scale.held);
        scale.feed(&frame(role, 0x80, b"a"));
        assert_eq!((scale.messages, scale.held), (1, 0));
    }
}

#[test]
fn nothing_stays_behind_after_the_largest_message() {
    const LARGEST: usize = 16 << 20;
    let config = Arc::new(Config::default());
    let now = Timestamp::default();
    for sender in ROLES {
        let receiver = if sender == Role::Client { Role::Server } else { Role::Client };
        warm_up();
        let make = |role| Connection::upgraded(role, Agreement::default(), config.clone(), [7; 32], now);
        let (mut from, mut to) = (make(sender), make(receiver));
        let before = live();
        for len in [LARGEST, LARGEST - 1] {
            from.send(vec![b'a'; len]).unwrap();
            let mut input = BytesMut::new();
            let mut received = 0;
            while from.wants_write() {
                let mut output = from.output(now);
                let read = output.remaining().min(16 * 1024);
                input.extend_from_slice(&output.copy_to_bytes(read));
                while let Some(event) = to.poll_event(&mut input, now) {
                    let Event::Message(Message::Binary(payload)) = event else { panic!("{event:?}") };
                    received += payload.len();
                }
            }
            drop(input);
            assert_eq!(received, len);
            warm_up();
            assert_eq!(live() - before, 0, "sent by a {sender:?}");
        }
    }
}

/// Small messages that come together are copied into room that they share, so that one that is kept keeps the others' room.
#[test]
fn what_a_kept_message_keeps_besides_is_bounded() {
    const ROOM: usize = 1024;
    let now = Timestamp::default();
    let config = Arc::new(Config::default());
    warm_up();
    for len in [0, 1, 16, 100, 125, 128, 129, 200, 1000, 2000] {
        let before = live();
        let mut connection =
            Connection::upgraded(Role::Server, Agreement::default(), config.clone(), [7; 32], now);
        let mut input = BytesMut::from(&frame(Role::Server, 0x82, &vec![b'a'; len]).repeat(1000)[..]);
        let mut kept = Vec::with_capacity(1000);
        let mut since = ROOM;
        while let Some(event) = connection.poll_event(&mut input, now) {
            // Of each room, one: the worst choice.
            since += len;
            if since >= ROOM {
                since = 0;
                kept.push(event);
            }
        }
        drop(input);
        let pinned = live() - before - (kept.capacity() * size_of::<Event>()) as isize;
        let bound = (kept.len() + 1) * (len.max(ROOM) + 64);
        assert!(pinned <= bound as isize, "{} of {len} bytes keep {pinned}", kept.len());
        drop(kept);
        assert_eq!(live() - before, 0, "the connection keeps room after {len}");
    }
}
