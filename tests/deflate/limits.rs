//! How large a message is shows when it is inflated, and it is found out by the first byte too many.

use std::sync::Arc;

use bytes::BytesMut;
use websocket_proto::{
    Agreement, Cause, CloseCode, Config, Connection, Deflate, Delivery, Event, Limit, Role, Timestamp,
};
use zlib_rs::{DeflateConfig, DeflateFlush};

use crate::counting;
use crate::frames::{frame, header};
use crate::rules::receiver;
use crate::{config, policy};

/// The payload of a compressed message, flushed after each of these pieces.
fn compressed(pieces: &[&[u8]], level: i32) -> Vec<u8> {
    let mut stream = zlib_rs::Deflate::new_with_config(DeflateConfig {
        level,
        window_bits: -15,
        ..DeflateConfig::default()
    });
    let mut output = Vec::new();
    for piece in pieces {
        let mut room = vec![0; piece.len() + 100];
        let before = stream.total_out();
        stream.compress(piece, &mut room, DeflateFlush::SyncFlush).unwrap();
        output.extend_from_slice(&room[..(stream.total_out() - before) as usize]);
    }
    output.truncate(output.len() - 4);
    output
}

fn limited(limit: u64) -> Config {
    let mut config = config(policy(false, 15));
    config.max_message_size = Some(limit);
    config
}

#[test]
fn exactly_the_limit_passes_and_one_byte_more_does_not() {
    const LIMIT: usize = 70_000; // more than one step takes
    for flushed_at in [0, 1, 2, 3, 1000, 65_535, 65_536, 65_537, LIMIT - 1, LIMIT, LIMIT + 1] {
        for level in [0, 1, 6] {
            for len in LIMIT - 1..=LIMIT + 3 {
                let message: Vec<u8> = (0..len).map(|index| (index % 253) as u8).collect();
                let (front, back) = message.split_at(flushed_at.min(len));
                let payload = compressed(&[front, back], level);
                for (delivery, step) in [
                    (Delivery::Messages, 1_000_000),
                    (Delivery::Messages, 999),
                    (Delivery::Chunks, 1_000_000),
                ] {
                    let mut config = limited(LIMIT as u64);
                    config.delivery = delivery;
                    let mut client = receiver(Role::Client, config);
                    for piece in frame(Role::Server, 0xc2, &payload).chunks(step) {
                        client.receive(piece, Timestamp::default());
                    }
                    let told: usize = client
                        .events
                        .iter()
                        .map(|event| match event {
                            Event::Message(message) => message.len(),
                            Event::Chunk(chunk) => chunk.piece.len(),
                            _ => 0,
                        })
                        .sum();
                    let context =
                        format!("{len} bytes, flushed at {flushed_at}, level {level}, {delivery:?} {step}");
                    if len <= LIMIT {
                        assert_eq!(
                            (told, client.connection.stats().messages_received),
                            (len, 1),
                            "{context}"
                        );
                    } else {
                        client.connection.end_of_input(Timestamp::default());
                        client.run(Timestamp::default());
                        let close = client.closed().unwrap();
                        assert_eq!(
                            close.cause(),
                            Cause::Limit(Limit::MessageSize(LIMIT as u64)),
                            "{context}"
                        );
                        assert_eq!(close.sent(), Some(CloseCode::MESSAGE_TOO_BIG), "{context}");
                        assert!(told <= LIMIT, "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_limit_of_nothing_lets_nothing_pass() {
    for (payload, passes) in [(&[0][..], true), (&[], true), (&crate::rules::HELLO, false)] {
        let mut client = receiver(Role::Client, limited(0));
        client.receive(&frame(Role::Server, 0xc1, payload), Timestamp::default());
        assert_eq!(client.messages().len() == 1, passes);
    }
}

/// The frame is limited as it is on the wire, the message as it is meant.
#[test]
fn frames_are_limited_as_they_come() {
    let mut config = limited(1000);
    config.max_frame_size = Some(20);
    for (len, passes) in [(20, true), (21, false)] {
        let mut client = receiver(Role::Client, config.clone());
        client.receive(&header(Role::Server, 0x41, len), Timestamp::default());
        client.connection.end_of_input(Timestamp::default());
        client.run(Timestamp::default());
        let cause = client.closed().unwrap().cause();
        assert_eq!(cause != Cause::Limit(Limit::FrameSize(20)), passes, "{cause}");
    }
}

/// 256 KiB that inflate to 256 MiB.
fn bomb() -> Vec<u8> {
    let mut stream = zlib_rs::Deflate::new_with_config(DeflateConfig {
        level: 9,
        window_bits: -15,
        ..DeflateConfig::default()
    });
    let mut bomb = vec![0; 300 * 1024];
    let piece = vec![0; 1 << 20];
    for _ in 0..256 {
        let (before, filled) = (stream.total_in(), stream.total_out() as usize);
        stream.compress(&piece, &mut bomb[filled..], DeflateFlush::NoFlush).unwrap();
        assert_eq!(stream.total_in() - before, 1 << 20);
    }
    let filled = stream.total_out() as usize;
    stream.compress(&[], &mut bomb[filled..], DeflateFlush::SyncFlush).unwrap();
    bomb.truncate(stream.total_out() as usize - 4);
    bomb
}

#[test]
fn a_bomb_takes_twice_the_limit_at_most_and_is_told() {
    const LIMIT: u64 = 1 << 20;
    crate::make_room();
    let bomb = bomb();
    assert!((200_000..280_000).contains(&bomb.len()), "{}", bomb.len());
    for role in [Role::Client, Role::Server] {
        for fragments in [1, 10_000] {
            let pieces: Vec<&[u8]> = bomb.chunks(bomb.len().div_ceil(fragments)).collect();
            let mut bytes = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                let fin = if index + 1 == pieces.len() { 0x80 } else { 0 };
                let opcode = if index == 0 { 0x42 } else { 0 };
                bytes.extend(frame(crate::frames::other(role), fin | opcode, piece));
            }
            let mut policy = Deflate::default();
            policy.spare_contexts = 0;
            let mut config = config(policy);
            config.max_message_size = Some(LIMIT);
            let agreed = config.deflate.as_ref().unwrap().answer([&b"permessage-deflate"[..]]);
            let agreement = Agreement::new().with_deflate(agreed);
            let now = Timestamp::default();
            let mut connection = Connection::upgraded(role, agreement, Arc::new(config), [9; 32], now);
            let mut input = BytesMut::from(&bytes[..]);

            let before = counting::live();
            counting::forget_peak();
            assert_eq!(connection.poll_event(&mut input, now), None);
            let peak = counting::peak() - before;
            assert!(peak <= 2 * LIMIT as isize + 128 * 1024, "{role:?}, {fragments} fragments: {peak} bytes");
            assert!(peak > LIMIT as isize, "it was stopped at the limit: {peak}");
            assert!(counting::live() - before < 2048, "it was let go: {}", counting::live() - before);

            let mut output = connection.output(now);
            let written = bytes::Buf::copy_to_bytes(&mut output, 8);
            let code = if role == Role::Client {
                [written[6] ^ written[2], written[7] ^ written[3]]
            } else {
                [written[2], written[3]]
            };
            assert_eq!(u16::from_be_bytes(code), 1009);
        }
    }
}

/// Whatever it inflates to, from as much as it was to a thousand times that.
#[test]
fn no_ratio_takes_more() {
    const LIMIT: u64 = 1 << 18;
    for period in [1, 2, 7, 100, 1000, 10_000, 100_000] {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(period)
        .collect();
        for len in [LIMIT as usize, LIMIT as usize + 1] {
            let message: Vec<u8> = noise.iter().cycle().take(len).copied().collect();
            let bytes = frame(Role::Server, 0xc2, &compressed(&[&message], 6));
            for step in [1000, bytes.len()] {
                let mut client = receiver(Role::Client, limited(LIMIT));
                let (mut peak, before) = (0, counting::live());
                let mut input = BytesMut::with_capacity(bytes.len());
                let mut told = None;
                for piece in bytes.chunks(step) {
                    input.extend_from_slice(piece);
                    let held = counting::live();
                    counting::forget_peak();
                    told = told.or(client.connection.poll_event(&mut input, Timestamp::default()));
                    peak = peak.max(counting::peak() - held + (held - before - bytes.len() as isize));
                }
                assert_eq!(told.is_some(), len as u64 <= LIMIT, "{period} {len} {step}");
                assert!(peak <= 2 * LIMIT as isize + 128 * 1024, "{period} {len} {step}: {peak}");
            }
        }
    }
}
