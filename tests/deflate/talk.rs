//! Two machines that talk, with every policy.

use proptest::prelude::*;
use websocket_proto::{Chunk, Config, Delivery, Event, Message, Role};

use crate::frames::{self, Frame};
use crate::pair::Pair;
use crate::{RSV1, config, policy, text};

/// Both sides send these; what came, and the frames that carried what the client and the server said.
fn exchange(pair: &mut Pair, messages: &[Message]) -> [Vec<Frame>; 2] {
    pair.client.written.clear();
    pair.server.written.clear();
    for message in messages {
        pair.client.connection.send(message.clone()).unwrap();
        pair.server.connection.send(message.clone()).unwrap();
        pair.run();
    }
    for endpoint in [&mut pair.client, &mut pair.server] {
        assert_eq!(endpoint.messages(), messages);
        endpoint.events.clear();
    }
    [&pair.client, &pair.server].map(|endpoint| frames::read(&endpoint.written))
}

#[test]
fn messages_are_compressed_both_ways_with_every_policy() {
    let messages: Vec<Message> =
        [300, 70_000, 300, 1_000].into_iter().map(|len| Message::from(text(len, len as u64))).collect();
    for takeover in [false, true] {
        for bits in 8..=15 {
            for level in [1, 6, 9] {
                let mut policy = policy(takeover, bits);
                policy.level = level;
                let mut pair = Pair::with(&config(policy));
                for role in [Role::Client, Role::Server] {
                    let agreed = pair.client.connection.deflate().unwrap();
                    assert_eq!(agreed, pair.server.connection.deflate().unwrap());
                    assert_eq!((agreed.context_takeover(role), agreed.window_bits(role)), (takeover, bits));
                }
                for frames in exchange(&mut pair, &messages) {
                    assert!(frames.iter().all(|frame| frame.first == 0x80 | RSV1 | 1), "{frames:?}");
                    let sizes: Vec<usize> = frames.iter().map(|frame| frame.payload.len()).collect();
                    assert!(sizes[1] < 70_000 / 3, "{sizes:?}");
                    // The same message again: what was said before helps only where it counts.
                    assert_eq!(sizes[2] < sizes[0] * 9 / 10, takeover, "{takeover} {bits} {level} {sizes:?}");
                }
            }
        }
    }
}

#[test]
fn the_examples_of_the_rfc_are_understood() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let shared = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let last_block = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two_blocks = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    let mut pair = Pair::with(&config(policy(true, 15)));
    let payloads = [&hello[..], &hello, &shared, &stored, &last_block, &two_blocks, &[], &[0]];
    for payload in payloads {
        let frame = frames::frame(Role::Server, 0xc1, payload);
        pair.client.receive(&frame, pair.now);
    }
    let fragments =
        [frames::frame(Role::Server, 0x41, &hello[..3]), frames::frame(Role::Server, 0x80, &hello[3..])];
    pair.client.receive(&fragments.concat(), pair.now);
    let expected = ["Hello", "Hello", "Hello", "Hello", "Hello", "Hello", "", "", "Hello"];
    assert_eq!(pair.client.messages(), expected.map(Message::from));
}

#[test]
fn what_is_short_goes_out_as_it_is() {
    let mut policy = policy(true, 15);
    policy.threshold = 100;
    let mut pair = Pair::with(&config(policy));
    let message = |len| Message::from("a".repeat(len));
    for frames in exchange(&mut pair, &[message(0), message(99), message(100)]) {
        let firsts: Vec<u8> = frames.iter().map(|frame| frame.first).collect();
        assert_eq!(firsts, [0x81, 0x81, 0xc1]);
    }
}

#[test]
fn what_does_not_get_smaller_goes_out_as_it_is_unless_it_counts_for_what_follows() {
    // What looks like noise.
    let mut state = 7_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(1000)
    .collect();
    for takeover in [false, true] {
        let mut pair = Pair::with(&config(policy(takeover, 15)));
        let messages = [noise.clone(), noise.clone()].map(Message::from);
        for frames in exchange(&mut pair, &messages) {
            let firsts: Vec<u8> = frames.iter().map(|frame| frame.first).collect();
            assert_eq!(firsts, if takeover { [0xc2, 0xc2] } else { [0x82, 0x82] });
            assert_eq!(frames[1].payload.len() < 100, takeover);
        }
    }
}

#[test]
fn compression_is_switched_off_and_on_message_by_message() {
    let mut pair = Pair::with(&config(policy(true, 15)));
    let long = text(1000, 1);
    let client = &mut pair.client.connection;
    client.send(long.as_str()).unwrap();
    client.set_compression(false);
    client.send(long.as_str()).unwrap();
    client.send_chunk(Chunk::more(long.as_str())).unwrap();
    // A message that has begun goes on as it began.
    client.set_compression(true);
    client.send_chunk(Chunk::last(long.as_str())).unwrap();
    client.send_chunk(Chunk::more(long.as_str())).unwrap();
    client.set_compression(false);
    client.send_chunk(Chunk::last(long.as_str())).unwrap();
    client.set_compression(true);
    client.send(long.as_str()).unwrap();
    pair.client.written.clear();
    pair.run();
    let firsts: Vec<u8> = frames::read(&pair.client.written).iter().map(|frame| frame.first).collect();
    assert_eq!(firsts, [0xc1, 0x81, 0x01, 0x80, 0x41, 0x80, 0xc1]);
    let twice = long.repeat(2);
    assert_eq!(
        pair.server.messages(),
        [&long, &long, &twice, &twice, &long].map(|text| Message::from(text.as_str()))
    );
}

#[test]
fn without_an_agreement_nothing_is_compressed() {
    let cases =
        [(config(policy(true, 15)), Config::default()), (Config::default(), config(policy(true, 15)))];
    for (client, server) in cases {
        let mut pair = Pair::open(client, server);
        assert!(pair.client.connection.deflate().is_none() && pair.server.connection.deflate().is_none());
        pair.client.connection.set_compression(true);
        for frames in exchange(&mut pair, &[Message::from(text(1000, 1))]) {
            assert_eq!(frames[0].first, 0x81);
        }
    }
}

#[test]
fn a_chunk_can_be_read_before_the_next_one_is_sent() {
    for takeover in [false, true] {
        let mut config = config(policy(takeover, 15));
        config.delivery = Delivery::Chunks;
        let mut pair = Pair::with(&config);
        for round in 0..3 {
            for (index, is_last) in [(0, false), (1, false), (2, true)] {
                // The last one may also have nothing in it.
                let piece = if is_last && round == 1 { String::new() } else { text(100, round * 3 + index) };
                let chunk = if is_last { Chunk::last(piece.as_str()) } else { Chunk::more(piece.as_str()) };
                pair.server.connection.send_chunk(chunk.clone()).unwrap();
                pair.run();
                let told: String = pair
                    .client
                    .events
                    .drain(..)
                    .map(|event| match event {
                        Event::Chunk(chunk) => chunk.piece.as_text().unwrap().to_owned(),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert_eq!(told, piece, "{takeover} {round} {index}");
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Say {
    Whole(Message),
    InChunks(Vec<Message>),
    Switch(bool),
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0_usize..3000, any::<u64>()).prop_map(|(len, seed)| text(len, seed).into_bytes()),
        prop::collection::vec(any::<u8>(), 0..600),
        (any::<u8>(), 0_usize..200_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        4 => payload().prop_map(|payload| Say::Whole(payload.into())),
        3 => prop::collection::vec(payload().prop_map(Message::from), 1..6).prop_map(Say::InChunks),
        1 => any::<bool>().prop_map(Say::Switch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// However messages are put together, cut into frames and carried, they arrive as they were sent.
    #[test]
    fn what_is_sent_arrives(
        said in prop::collection::vec(say(), 0..12),
        takeover: bool,
        bits in 8_u8..16,
        level in 0_u8..10,
        threshold in prop_oneof![Just(0), 0_usize..1000],
        spare_contexts in 0_usize..3,
        max_frame in prop_oneof![Just(125), Just(128 * 1024)],
        carried in prop_oneof![1_usize..50, 1000_usize..100_000],
        in_chunks: bool,
    ) {
        let mut policy = policy(takeover, bits);
        (policy.level, policy.threshold, policy.spare_contexts) = (level, threshold, spare_contexts);
        let mut config = config(policy);
        config.max_outgoing_frame = max_frame;
        if in_chunks {
            config.delivery = Delivery::Chunks;
        }
        let mut pair = Pair::with(&config);
        pair.chunk = carried;
        for role in [Role::Client, Role::Server] {
            let mut expected = Vec::new();
            for say in &said {
                let sender = if role == Role::Client { &mut pair.client } else { &mut pair.server };
                match say {
                    Say::Whole(message) => {
                        sender.connection.send(message.clone()).unwrap();
                        expected.push(message.payload().to_vec());
                    }
                    Say::InChunks(pieces) => {
                        let (last, before) = pieces.split_last().unwrap();
                        for piece in before {
                            sender.connection.send_chunk(Chunk::more(piece.clone())).unwrap();
                            while sender.connection.send_capacity() == 0 {
                                sender.run(pair.now);
                            }
                        }
                        sender.connection.send_chunk(Chunk::last(last.clone())).unwrap();
                        expected.push(pieces.iter().flat_map(|piece| piece.payload().to_vec()).collect());
                    }
                    Say::Switch(on) => sender.connection.set_compression(*on),
                }
                pair.run();
            }
            let receiver = if role == Role::Client { &mut pair.server } else { &mut pair.client };
            let (mut arrived, mut begun) = (Vec::new(), Vec::new());
            for event in receiver.events.drain(..) {
                match event {
                    Event::Message(message) => arrived.push(message.payload().to_vec()),
                    Event::Chunk(chunk) => {
                        prop_assert!(chunk.piece.len() <= 64 * 1024);
                        begun.extend_from_slice(chunk.piece.payload());
                        if chunk.is_last {
                            arrived.push(std::mem::take(&mut begun));
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            prop_assert!(arrived == expected);
        }
    }
}
