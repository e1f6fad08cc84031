//! Around the end: what comes after it is not heard, what was promised before it is kept, and what the peer said last is told.

use bytes::{Buf, BytesMut};
use websocket_proto::{
    Cause, CloseCode, CloseFrame, Message, Role, SendError, State, Transport, TransportFailure,
};

use crate::pair::{Endpoint, Pair};
use crate::wire::{close_payload, frame};
use crate::{ROLES, SECOND, at, quiet, with_max_message};

/// Every way in which an open connection ends.
type End = (&'static str, fn(Role, &mut Endpoint));

const ENDS: [End; 9] = [
    ("a Close frame", |role, endpoint| {
        endpoint.receive(&frame(role, 0x88, b"\x03\xe8"), at(SECOND));
    }),
    ("our Close frame and theirs", |role, endpoint| {
        endpoint.connection.close(None, at(SECOND));
        endpoint.receive(&frame(role, 0x88, b""), at(SECOND));
    }),
    ("a violation", |_, endpoint| endpoint.receive(b"\xff\xff", at(SECOND))),
    ("a limit", |role, endpoint| endpoint.receive(&frame(role, 0x82, &[0; 2000]), at(SECOND))),
    ("text that is none", |role, endpoint| endpoint.receive(&frame(role, 0x81, b"\xff"), at(SECOND))),
    ("the end of the stream", |_, endpoint| endpoint.connection.end_of_input(at(SECOND))),
    ("a reset", |_, endpoint| endpoint.connection.read_failed(TransportFailure::Reset, at(SECOND))),
    ("a message that is not finished", |role, endpoint| {
        endpoint.receive(&frame(role, 0x01, b"begun"), at(SECOND));
        endpoint.connection.handle_timeout(at(SECOND * 61));
    }),
    ("a closing handshake without an answer", |_, endpoint| {
        endpoint.connection.close(None, at(SECOND));
        endpoint.run(at(SECOND));
        endpoint.connection.handle_timeout(at(SECOND * 6));
    }),
];

#[test]
fn nothing_is_heard_after_the_end_and_nothing_more_is_said() {
    let now = at(SECOND * 100);
    for role in ROLES {
        for (what, end) in ENDS {
            let mut endpoint = Endpoint::upgraded(role, with_max_message(1000));
            end(role, &mut endpoint);
            endpoint.run(at(SECOND * 61));
            let written = endpoint.written.len();
            let late = [
                frame(role, 0x80, b"late"),
                frame(role, 0x81, b"late"),
                frame(role, 0x89, b"late"),
                frame(role, 0x88, &close_payload(1001, "late")),
                b"\xff\xffGET / HTTP/1.1\r\n\r\n".to_vec(),
            ];
            for bytes in late {
                endpoint.receive(&bytes, at(SECOND * 61));
            }
            assert_eq!(endpoint.messages(), [], "{what}");
            assert_eq!(endpoint.written.len(), written, "{what}: nothing answers what does not count");
            endpoint.connection.end_of_input(at(SECOND * 61));
            endpoint.run(at(SECOND * 61));
            let events = endpoint.events.len();
            let close = endpoint.closed().expect(what);
            assert_ne!(close.reason(), "late", "{what}");
            let transport = endpoint.connection.transport();
            assert!(matches!(transport, Transport::Close | Transport::Abort), "{what}");

            // Nothing that can be called wakes it up.
            let connection = &mut endpoint.connection;
            assert_eq!(connection.poll_timeout(), None, "{what}");
            connection.handle_timeout(now);
            connection.read_failed(TransportFailure::Other, now);
            connection.write_failed(TransportFailure::Other, now);
            connection.close(CloseFrame::NORMAL, now);
            connection.set_reading(false, now);
            connection.set_reading(true, now);
            let refused = connection.send("late").unwrap_err();
            assert_eq!(refused, SendError::NotOpen(State::Closed, Message::from("late")), "{what}");
            assert!(connection.ping(b"").is_err() && connection.pong(b"").is_err());
            assert!(connection.take(usize::MAX, now).is_none() && !connection.output(now).has_remaining());
            connection.wrote(usize::MAX, now);
            let mut input = BytesMut::from(&frame(role, 0x81, b"late")[..]);
            assert_eq!(connection.poll_event(&mut input, now), None, "{what}");
            assert!(input.is_empty(), "{what}: it is discarded");
            assert_eq!((connection.transport(), connection.poll_timeout()), (transport, None), "{what}");
            assert_eq!(endpoint.events.len(), events);
        }
    }
}

/// In the same read as what ended it.
#[test]
fn nothing_behind_the_end_in_the_same_read_is_heard() {
    for role in ROLES {
        let before = frame(role, 0x81, b"before");
        let after = [frame(role, 0x81, b"after"), frame(role, 0x89, b"after")].concat();
        let ends =
            [frame(role, 0x88, b""), vec![0xff, 0xff], frame(role, 0x80, b""), frame(role, 0x88, b"x")];
        for end in ends {
            let mut alone = Endpoint::upgraded(role, quiet());
            alone.receive(&[before.clone(), end.clone()].concat(), at(SECOND));
            let mut followed = Endpoint::upgraded(role, quiet());
            followed.receive(&[before.clone(), end.clone(), after.clone()].concat(), at(SECOND));
            assert_eq!(followed.messages(), [Message::from("before")], "{end:x?}");
            assert_eq!((&followed.events, &followed.written), (&alone.events, &alone.written), "{end:x?}");
        }
    }
}

#[test]
fn what_was_accepted_arrives_before_the_close_though_the_queue_was_full() {
    for role in ROLES {
        for chunk in [1, 7, usize::MAX] {
            let mut config = quiet();
            config.output_high_water = 2000;
            config.max_outgoing_frame = 125;
            let mut pair = Pair::with(&config);
            pair.chunk = chunk;
            let now = pair.now;
            let (from, other) = match role {
                Role::Client => (&mut pair.client, &mut pair.server),
                Role::Server => (&mut pair.server, &mut pair.client),
            };
            // The transport takes a part, and no more for now.
            let mut accepted = Vec::new();
            from.blocked = true;
            for index in 0_u8.. {
                let message = Message::from(vec![index; 300]);
                if from.connection.send(message.clone()).is_err() {
                    break;
                }
                accepted.push(message);
            }
            assert!(accepted.len() > 3 && from.connection.send_capacity() == 0);
            from.connection.close(CloseFrame::new(1000, "done").unwrap(), now);
            let late = from.connection.send("late").unwrap_err();
            assert_eq!(late, SendError::NotOpen(State::Closing, Message::from("late")));
            // A ping of the other side may pass, and takes nothing's place.
            other.connection.ping(b"?").unwrap();
            pair.run();
            let from = if role == Role::Client { &mut pair.client } else { &mut pair.server };
            from.blocked = false;
            pair.run();
            let (from, other) = match role {
                Role::Client => (&pair.client, &pair.server),
                Role::Server => (&pair.server, &pair.client),
            };
            assert_eq!(other.messages(), accepted);
            let close = other.closed().unwrap();
            assert_eq!((close.code(), close.reason(), close.was_clean()), (CloseCode::NORMAL, "done", true));
            let close = from.closed().unwrap();
            assert_eq!((close.unsent_messages(), close.was_clean()), (0, true));
        }
    }
}

/// The peer says 1008 and resets while we write: whichever of the two failures is noticed first, and wherever its Close frame
/// is cut by reads, that is what is told.
#[test]
fn a_close_frame_that_a_reset_follows_is_told_though_our_writes_failed() {
    type Failure = fn(&mut Endpoint);
    let write: Failure =
        |endpoint| endpoint.connection.write_failed(TransportFailure::BrokenPipe, at(SECOND));
    let read: Failure = |endpoint| endpoint.connection.read_failed(TransportFailure::Reset, at(SECOND));
    for role in ROLES {
        let bytes = [frame(role, 0x81, b"last"), frame(role, 0x88, &close_payload(1008, "policy"))].concat();
        for cut in 0..=bytes.len() {
            for failures in [&[write, read][..], &[read, write], &[write], &[read]] {
                let mut endpoint = Endpoint::upgraded(role, quiet());
                endpoint.blocked = true;
                endpoint.connection.send("never taken").unwrap();
                assert!(endpoint.connection.output(at(SECOND)).has_remaining());
                endpoint.receive(&bytes[..cut], at(SECOND));
                // What was read before the failures is in the buffer.
                endpoint.input.extend_from_slice(&bytes[cut..]);
                failures.iter().for_each(|failure| failure(&mut endpoint));
                endpoint.run(at(SECOND));
                let close = endpoint.closed().expect("both directions are done for");
                assert_eq!((close.code(), close.reason()), (CloseCode::POLICY_VIOLATION, "policy"));
                assert!(matches!(close.cause(), Cause::Transport(_)) && !close.was_clean());
                assert_eq!((close.unsent_messages(), endpoint.messages().len()), (1, 1));
            }
        }
    }
}
