//! What a peer may not do, and what may come in between.

use std::sync::Arc;

use websocket_proto::{
    Agreement, Cause, CloseCode, Config, Connection, Deflate, Delivery, Event, Hint, Message, Role,
    TextHeartbeat, Timestamp, Violation,
};

use crate::frames::{closing, frame, other};
use crate::pair::{Endpoint, Pair};
use crate::{RSV1, config, policy, text};

/// "Hello", compressed as in RFC 7692 §7.2.3.1.
pub(crate) const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// An open connection whose peer compresses.
pub(crate) fn receiver(role: Role, config: Config) -> Endpoint {
    let agreed = config.deflate.clone().unwrap().answer([&b"permessage-deflate; client_max_window_bits"[..]]);
    let agreement = Agreement::new().with_deflate(agreed);
    Endpoint::new(Connection::upgraded(role, agreement, Arc::new(config), [9; 32], Timestamp::default()))
}

pub(crate) fn fails(endpoint: &mut Endpoint, bytes: &[u8], violation: Violation, code: CloseCode) {
    endpoint.receive(bytes, Timestamp::default());
    endpoint.connection.end_of_input(Timestamp::default());
    endpoint.run(Timestamp::default());
    let close = endpoint.closed().expect("it has ended");
    assert_eq!((close.cause(), close.sent()), (Cause::Violation(violation), Some(code)), "{bytes:x?}");
}

#[test]
fn the_bit_is_set_in_the_first_frame_of_a_message_and_nowhere_else() {
    for role in [Role::Client, Role::Server] {
        let peer = other(role);
        let begun = frame(peer, 0x41, &HELLO[..3]);
        let wrong = [
            frame(peer, RSV1 | 0x80, b""),
            frame(peer, RSV1 | 0x88, &closing(1000, b"")),
            frame(peer, RSV1 | 0x89, b""),
            frame(peer, RSV1 | 0x8a, b""),
            frame(peer, 0xa1, b""),
            frame(peer, 0x91, b""),
            frame(peer, 0xf1, b""),
        ];
        for wrong in wrong {
            for before in [&[][..], &begun] {
                let mut endpoint = receiver(role, config(policy(true, 15)));
                let bytes = [before, &wrong].concat();
                fails(&mut endpoint, &bytes, Violation::ReservedBits, CloseCode::PROTOCOL_ERROR);
                // Not that nobody agreed.
                assert_eq!(endpoint.closed().unwrap().hint(), Some(Hint::PeerFault));
            }
        }
        let mut endpoint = receiver(role, config(policy(true, 15)));
        let twice = [begun.clone(), begun].concat();
        fails(&mut endpoint, &twice, Violation::ExpectedContinuation, CloseCode::PROTOCOL_ERROR);
        let mut endpoint = Endpoint::upgraded(role, config(policy(true, 15)));
        let compressed = frame(peer, 0xc1, &HELLO);
        fails(&mut endpoint, &compressed, Violation::UnagreedCompression, CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn what_is_not_deflate_data_fails_the_connection() {
    let table: [&[u8]; 5] = [
        &[0xff],                         // a block of the type that does not exist
        &[0x00, 0x05, 0x00, 0x00, 0x00], // a length and its complement that do not fit
        &[0x05, 0xff, 0xff, 0xff, 0xff], // codes that are none
        &[0x02, 0x06],                   // back before the beginning
        &[0xf2, 0x48, 0x85, 0xff, 0xff],
    ];
    for bytes in table {
        let mut endpoint = receiver(Role::Client, config(policy(true, 15)));
        let bytes = frame(Role::Server, 0xc2, bytes);
        fails(&mut endpoint, &bytes, Violation::InvalidDeflate, CloseCode::INVALID_PAYLOAD);
    }
}

/// What is cut off would otherwise pass for a message, or spoil the next one.
#[test]
fn a_payload_ends_where_a_block_does() {
    let last_block = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let passing: [&[u8]; 5] = [
        &HELLO,
        &last_block,                                             // nothing follows
        &[&last_block[..], &[0x00]].concat(),                    // the empty block that the tail completes
        &[&HELLO[..], &[0x00, 0x00, 0xff, 0xff, 0x00]].concat(), // an empty block whole, and another
        &[&HELLO[..], &[0x00, 0x00, 0xff, 0xff, 0x01]].concat(), // the last of them says that it is
    ];
    let mut failing: Vec<Vec<u8>> = (1..HELLO.len()).map(|len| HELLO[..len].to_vec()).collect();
    failing.extend([
        [&HELLO[..], &[0x00, 0x00, 0xff, 0xff]].concat(), // the tail, which is not sent
        [&HELLO[..], &[0x00]].concat(),                   // a part of it
        last_block[..5].to_vec(),
        vec![0x00, 0x04, 0x00, 0xfb, 0xff], // a block of four bytes, which the tail would be
    ]);
    for takeover in [false, true] {
        for payload in passing {
            let mut client = receiver(Role::Client, config(policy(takeover, 15)));
            client.receive(&frame(Role::Server, 0xc1, payload), Timestamp::default());
            client.receive(&frame(Role::Server, 0xc1, &HELLO), Timestamp::default());
            assert_eq!(client.messages(), ["Hello", "Hello"].map(Message::from), "{payload:x?}");
        }
        for payload in &failing {
            let mut client = receiver(Role::Client, config(policy(takeover, 15)));
            let bytes = frame(Role::Server, 0xc1, payload);
            fails(&mut client, &bytes, Violation::InvalidDeflate, CloseCode::INVALID_PAYLOAD);
            assert_eq!(client.messages(), []);
        }
    }
}

/// Who said that no message refers to an earlier one must not.
#[test]
fn what_was_let_go_cannot_be_referred_to() {
    let back = frame(Role::Server, 0xc1, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let bytes = [frame(Role::Server, 0xc1, &HELLO), back].concat();
    let mut keeps = receiver(Role::Client, config(policy(true, 15)));
    keeps.receive(&bytes, Timestamp::default());
    assert_eq!(keeps.messages(), ["Hello", "Hello"].map(Message::from));
    let mut forgets = receiver(Role::Client, config(Deflate::default()));
    fails(&mut forgets, &bytes, Violation::InvalidDeflate, CloseCode::INVALID_PAYLOAD);
}

/// Text is judged as it comes out, before its frame and its message are complete.
#[test]
fn text_is_judged_as_it_comes_out() {
    let wrong = [b"good until here: ".repeat(20), vec![0xed, 0xa0], b"and more of it ".repeat(20)].concat();
    // Stored, so that it is known how far the input goes.
    let len = (wrong.len() as u16).to_le_bytes();
    let complement = (!(wrong.len() as u16)).to_le_bytes();
    let stored = [&[0x00][..], &len, &complement, &wrong].concat();
    let bytes = frame(Role::Server, 0x41, &stored);
    for (taken, fails) in [(bytes.len() - 300, true), (bytes.len() - 301, false)] {
        for step in [1, 1000] {
            let mut client = receiver(Role::Client, config(policy(true, 15)));
            for piece in bytes[..taken].chunks(step) {
                client.receive(piece, Timestamp::default());
            }
            client.connection.end_of_input(Timestamp::default());
            client.run(Timestamp::default());
            let cause = client.closed().unwrap().cause();
            assert_eq!(cause == Cause::Violation(Violation::InvalidUtf8), fails, "{taken} {step}");
        }
    }
}

#[test]
fn control_frames_pass_between_the_fragments_and_are_never_compressed() {
    let mut server = receiver(Role::Server, config(policy(true, 15)));
    let bytes = [
        frame(Role::Client, 0x41, &HELLO[..2]),
        frame(Role::Client, 0x89, b"ping"),
        frame(Role::Client, 0x00, b""),
        frame(Role::Client, 0x80, &HELLO[2..]),
        frame(Role::Client, 0x81, b"plain"),
    ];
    server.receive(&bytes.concat(), Timestamp::default());
    assert_eq!(server.messages(), ["Hello", "plain"].map(Message::from));
    assert!(server.events.contains(&Event::Ping((&b"ping"[..]).into())));
    assert_eq!(server.written, b"\x8a\x04ping");
}

/// A browser compresses all that it sends.
#[test]
fn a_text_of_the_heartbeat_is_one_also_when_it_is_compressed() {
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        let mut config = config(policy(false, 15));
        config.delivery = delivery;
        config.heartbeat.as_mut().unwrap().text = Some(TextHeartbeat::answered());
        let mut server = receiver(Role::Server, config);
        let ping = [&[0x00, 0x04, 0x00, 0xfb, 0xff][..], b"ping", &[0x00]].concat();
        server.receive(&frame(Role::Client, 0xc1, &ping), Timestamp::default());
        assert_eq!((server.events, server.written), (vec![], b"\x81\x04pong".to_vec()));
    }
}

/// Also where the decompressor has more to give than one step may take, and no input is left.
#[test]
fn how_the_bytes_are_cut_changes_nothing() {
    for takeover in [false, true] {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let mut config = config(policy(takeover, 12));
            config.delivery = delivery;
            let mut pair = Pair::with(&config);
            let said = [text(3000, 1), "a".repeat(300_000), text(200, 2)];
            pair.client.written.clear();
            for said in &said {
                pair.client.connection.send(said.as_str()).unwrap();
            }
            pair.client.run(pair.now);
            let bytes = pair.client.written;
            for step in (1..40).chain([bytes.len()]) {
                let mut server = receiver(Role::Server, config.clone());
                for piece in bytes.chunks(step) {
                    server.receive(piece, pair.now);
                }
                let mut told = String::new();
                for event in &server.events {
                    let piece = match event {
                        Event::Message(message) => message,
                        Event::Chunk(chunk) => &chunk.piece,
                        other => panic!("{other:?}"),
                    };
                    told += piece.as_text().unwrap();
                }
                assert!(told == said.concat(), "{takeover} {delivery:?} {step}");
                assert_eq!(server.connection.stats().messages_received, 3);
            }
        }
    }
}

#[test]
fn the_input_may_end_while_more_is_to_come_out_of_it() {
    let mut config = config(policy(false, 15));
    config.delivery = Delivery::Chunks;
    let mut pair = Pair::with(&config);
    pair.client.written.clear();
    pair.client.connection.send(vec![7; 1_000_000]).unwrap();
    pair.client.run(pair.now);
    let mut server = receiver(Role::Server, config);
    server.input.extend_from_slice(&pair.client.written);
    server.connection.end_of_input(pair.now);
    let first = server.connection.poll_event(&mut server.input, pair.now);
    assert!(matches!(first, Some(Event::Chunk(chunk)) if chunk.piece.len() == 64 * 1024));
    assert!(!server.connection.wants_read());
    server.run(pair.now);
    assert_eq!(server.connection.stats().messages_received, 1);
    assert!(server.closed().is_some());
}
