//! What holds for any input.

#[path = "support/pair.rs"]
mod pair;

use std::time::Duration;

use pair::{Endpoint, Pair};
use proptest::prelude::*;
use websocket_proto::{Config, Event, Message, Role, Timestamp, Transport};

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        ".{0,40}".prop_map(Message::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Message::from),
        (100_usize..200_000).prop_map(|len| Message::from(vec![b'x'; len])),
    ]
}

/// Bytes that are frames often enough to get somewhere, and anything at all otherwise.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let frame = (any::<bool>(), 0_u8..16, prop::collection::vec(any::<u8>(), 0..140), any::<[u8; 4]>())
        .prop_map(|(fin, opcode, payload, key)| {
            let mut frame = vec![if fin { 0x80 } else { 0 } | opcode, 0x80 | payload.len().min(126) as u8];
            if payload.len() >= 126 {
                frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
            }
            frame.extend_from_slice(&key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            frame
        });
    let text = "[a-zé€😀]{0,20}".prop_map(|text| {
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        frame
    });
    let noise = prop::collection::vec(any::<u8>(), 0..20);
    prop::collection::vec(prop_oneof![4 => text, 4 => frame, 1 => noise], 0..12)
        .prop_map(|parts| parts.concat())
}

/// What a server makes of a stream that comes in these pieces, and then ends.
fn told(stream: &[u8], cuts: &[usize]) -> (Vec<Event>, Vec<u8>) {
    let now = Timestamp::default();
    let mut server = Endpoint::upgraded(Role::Server, Config::default());
    let mut rest = stream;
    for cut in cuts {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        server.receive(piece, now);
        rest = after;
    }
    server.receive(rest, now);
    server.connection.end_of_input(now);
    server.run(now);
    assert!(server.closed().is_some());
    assert!(matches!(server.connection.transport(), Transport::Close | Transport::Abort));
    // What was kept to be written all at once is framed in one order, what left in between in another.
    (server.events, server.written)
}

proptest! {
    #[test]
    fn any_cutting_of_a_stream_gives_the_same(stream in stream(), cuts in prop::collection::vec(1_usize..50, 0..20)) {
        prop_assert_eq!(told(&stream, &[]), told(&stream, &cuts));
    }

    #[test]
    fn byte_by_byte_gives_the_same(stream in stream()) {
        prop_assert_eq!(told(&stream, &[]), told(&stream, &vec![1; stream.len()]));
    }

    #[test]
    fn what_one_side_sends_the_other_receives(
        from_client in prop::collection::vec(message(), 0..6),
        from_server in prop::collection::vec(message(), 0..6),
        chunk in prop_oneof![1_usize..100, Just(usize::MAX)],
        max_outgoing_frame in 125_usize..100_000,
    ) {
        let mut config = Config::default();
        config.max_outgoing_frame = max_outgoing_frame;
        config.output_high_water = usize::MAX;
        let mut pair = Pair::with(&config);
        pair.chunk = chunk;
        for message in &from_client {
            pair.client.connection.send(message.clone()).unwrap();
        }
        for message in &from_server {
            pair.server.connection.send(message.clone()).unwrap();
        }
        let now = pair.now;
        pair.client.connection.close(None, now);
        pair.run();
        prop_assert_eq!(pair.server.messages(), from_client);
        prop_assert_eq!(pair.client.messages(), from_server);
        prop_assert!(pair.client.closed().unwrap().was_clean() && pair.server.closed().unwrap().was_clean());
    }

    /// `Pair` itself asserts that no deadline stands still, that nothing follows Closed, and that `None` means that the input
    /// is empty.
    #[test]
    fn whatever_happens_ends_within_the_deadlines(
        steps in prop::collection::vec((0_u8..10, 0_u64..40_000), 0..40),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut pair = Pair::connecting(Config::default(), Config::default());
        for (step, millis) in steps {
            let now = pair.now;
            match step {
                0 => pair.cut = !pair.cut,
                1 => pair.client.blocked = !pair.client.blocked,
                2 => pair.server.blocked = !pair.server.blocked,
                3 => { let _ = pair.client.connection.send("to the server"); }
                4 => { let _ = pair.server.connection.send("to the client"); }
                5 => { let _ = pair.client.connection.ping(b"?"); }
                6 => pair.sleep(Duration::from_millis(millis)),
                7 if millis < 4_000 => pair.server.connection.close(None, now),
                8 if millis < 4_000 => pair.server.receive(&noise, now),
                _ => pair.advance(Duration::from_millis(millis)),
            }
            pair.run();
        }
        let now = pair.now;
        pair.client.connection.close(None, now);
        pair.server.connection.close(None, now);
        pair.advance(Duration::from_secs(10));
        prop_assert!(pair.client.closed().is_some());
        prop_assert!(pair.server.closed().is_some());
    }
}
