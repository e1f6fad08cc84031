//! What an endpoint writes: that every frame keeps the rules, and that a client's have masks that nobody can foresee.

use std::collections::HashSet;

use bytes::Buf;
use websocket_proto::{CloseFrame, Config, Event, Message, Role, SendError, State, Timestamp};

use super::frames::{Frame, frame, other, read};
use super::pair::Endpoint;
use super::{NOW, ROLES, open};

/// An endpoint that sends messages of all sizes, whole and in fragments, with pings, pongs and answers between, and closes; and
/// what it sent.
fn busy(role: Role) -> (Vec<Message>, Vec<Frame>) {
    let mut config = Config::default();
    config.max_outgoing_frame = 125;
    let mut endpoint = Endpoint::upgraded(role, config);
    let mut now = NOW;
    // More than one write takes, so that the first Pings find a message under way.
    let mut sent = vec![Message::from(vec![8; 300_000])];
    endpoint.connection.send(sent[0].clone()).unwrap();
    let begun = endpoint.connection.output(now).copy_to_bytes(1000);
    endpoint.written.extend_from_slice(&begun);
    for round in 0..300_usize {
        for message in [Message::from("x".repeat(round)), Message::from(vec![7; 3 * round])] {
            endpoint.connection.send(message.clone()).unwrap();
            sent.push(message);
        }
        endpoint.connection.ping(&round.to_be_bytes()).unwrap();
        endpoint.connection.pong(b"unasked").unwrap();
        endpoint.input.extend_from_slice(&frame(other(role), 0x89, &[7; 125]));
        endpoint.run(now);
        // The heartbeat's.
        now = endpoint.connection.poll_timeout().unwrap();
        endpoint.connection.handle_timeout(now);
        endpoint.run(now);
        endpoint.receive(&frame(other(role), 0x8a, b"alive"), now);
    }
    endpoint.connection.close(CloseFrame::NORMAL, now);
    endpoint.run(now);
    (sent, read(&endpoint.written))
}

#[test]
fn every_frame_that_is_sent_keeps_the_rules() {
    for role in ROLES {
        let (sent, frames) = busy(role);
        let mut messages = Vec::new();
        let mut under_way: Option<(u8, Vec<u8>)> = None;
        let mut between = 0;
        for Frame { first, payload, .. } in &frames {
            assert_eq!(first & 0x70, 0, "reserved bits are for extensions");
            match first & 0x0f {
                opcode @ 0x8..=0xa => {
                    assert!(first & 0x80 != 0 && payload.len() <= 125, "{opcode}");
                    between += usize::from(under_way.is_some());
                    continue;
                }
                0 => under_way.as_mut().expect("a message to continue").1.extend(payload),
                opcode => {
                    assert!(matches!(opcode, 0x1 | 0x2), "{opcode}");
                    assert_eq!(under_way.replace((opcode, payload.clone())), None, "one after the other");
                }
            }
            if first & 0x80 != 0 {
                let (opcode, payload) = under_way.take().unwrap();
                let text = || Message::from(String::from_utf8(payload.clone()).unwrap());
                messages.push(if opcode == 0x1 { text() } else { Message::from(payload) });
            }
        }
        assert!(messages == sent, "all of them, each with its type, in their order");
        assert_eq!(under_way, None);
        assert!(between > 0, "this shows nothing of control frames inside messages");
    }
}

#[test]
fn every_frame_of_a_client_has_a_mask_that_those_before_do_not_give_away() {
    let keys: Vec<u32> =
        busy(Role::Client).1.iter().map(|frame| frame.key.expect("a mask")).map(u32::from_be_bytes).collect();
    assert!(keys.len() > 5000, "{}", keys.len());
    let distinct = |values: &mut dyn Iterator<Item = u32>| values.collect::<HashSet<_>>().len();
    // By chance, one such run in three hundred has a repetition; and this run is always the same.
    assert_eq!(distinct(&mut keys.iter().copied()), keys.len());
    // Nor is there a step that leads from one to the next.
    let neighbours = || keys.windows(2).map(|pair| (pair[0], pair[1]));
    assert_eq!(distinct(&mut neighbours().map(|(one, next)| next.wrapping_sub(one))), keys.len() - 1);
    assert_eq!(distinct(&mut neighbours().map(|(one, next)| next ^ one)), keys.len() - 1);
    for bit in 0..32 {
        let set = keys.iter().filter(|key| *key >> bit & 1 != 0).count();
        assert!((keys.len() * 2 / 5..keys.len() * 3 / 5).contains(&set), "bit {bit} is set in {set}");
    }
}

#[test]
fn no_frame_of_a_server_has_a_mask() {
    assert!(busy(Role::Server).1.iter().all(|frame| frame.key.is_none()));
}

#[test]
fn nothing_follows_a_close_frame() {
    for role in ROLES {
        for answered in [false, true] {
            let mut endpoint = open(role);
            endpoint.connection.send("before").unwrap();
            endpoint.connection.close(CloseFrame::NORMAL, NOW);
            endpoint.run(NOW);
            let written = endpoint.written.clone();
            assert_eq!(read(&written).iter().map(|frame| frame.first).collect::<Vec<_>>(), [0x81, 0x88]);

            let refused = Err(SendError::NotOpen(State::Closing, Message::from("late")));
            assert_eq!(endpoint.connection.send("late"), refused);
            assert_eq!(endpoint.connection.ping(b"late"), Err(SendError::NotOpen(State::Closing, ())));
            assert_eq!(endpoint.connection.pong(b"late"), Err(SendError::NotOpen(State::Closing, ())));
            endpoint.receive(&frame(other(role), 0x89, b"?"), NOW);
            endpoint.receive(&frame(other(role), 0x81, b"still told"), NOW);
            if answered {
                endpoint.receive(&frame(other(role), 0x88, b"\x03\xe8"), NOW);
            }
            assert_eq!(endpoint.messages(), [Message::from("still told")]);
            assert_eq!(endpoint.written, written, "no Pong and no second Close frame");
        }
    }
}

#[test]
fn nothing_follows_a_close_frame_that_overtook_a_pong() {
    for role in ROLES {
        let mut endpoint = open(role);
        // As much as is made ready at once, so that the Pong has to wait.
        endpoint.connection.send(vec![7; 100_000]).unwrap();
        assert!(endpoint.connection.output(NOW).has_remaining());
        endpoint.blocked = true;
        endpoint.receive(&[frame(other(role), 0x89, b"?"), frame(other(role), 0x83, b"")].concat(), NOW);
        endpoint.blocked = false;
        endpoint.run(NOW);
        assert_eq!(read(&endpoint.written).iter().map(|frame| frame.first).collect::<Vec<_>>(), [0x82, 0x88]);
    }
}

#[test]
fn only_one_close_frame_goes_out_where_both_close_at_once() {
    for role in ROLES {
        let mut endpoint = open(role);
        endpoint.connection.close(CloseFrame::GOING_AWAY, NOW);
        endpoint.receive(&frame(other(role), 0x88, b"\x03\xe8"), NOW);
        let [close] = &read(&endpoint.written)[..] else { panic!("one frame") };
        assert_eq!((close.first, &close.payload[..]), (0x88, &b"\x03\xe9"[..]));
    }
}

#[test]
fn the_examples_of_the_rfc_are_read_and_written() {
    // §5.7, in its order; what is longer than a line there is made up of its header.
    let from_server: [(&[u8], Event); 3] = [
        (b"\x81\x05Hello", Event::Message("Hello".into())),
        (b"\x01\x03Hel\x80\x02lo", Event::Message("Hello".into())),
        (b"\x89\x05Hello", Event::Ping("Hello".into())),
    ];
    for (bytes, event) in from_server {
        let mut client = open(Role::Client);
        client.receive(bytes, NOW);
        assert_eq!(client.events, [event]);
    }
    let masked = b"\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let mut server = open(Role::Server);
    server.receive(&[b"\x81\x85", &masked[..], b"\x8a\x85", masked].concat(), NOW);
    let pong = Event::Pong { payload: "Hello".into(), round_trip: None };
    assert_eq!(server.events, [Event::Message("Hello".into()), pong]);
    for (len, header) in [(256, &b"\x82\x7e\x01\x00"[..]), (65_536, b"\x82\x7f\0\0\0\0\0\x01\0\0")] {
        let mut server = open(Role::Server);
        server.connection.send(vec![7; len]).unwrap();
        server.run(Timestamp::default());
        assert!(server.written.starts_with(header) && server.written.len() == header.len() + len);
    }
}
