//! A peer that sends one byte whenever its time is almost up: each phase has one deadline, counted from its beginning, which
//! no byte puts off.

use std::sync::Arc;
use std::time::Duration;

use websocket_proto::{Cause, ClientRequest, Config, Connection, Deadline, Event, Role, State, Timestamp};

use crate::pair::Endpoint;
use crate::wire::{frame, header, masked};
use crate::{ROLES, SECOND, at, quiet};

const START: Timestamp = Timestamp::from_nanos(0);

/// Gives the first piece at the beginning, and another one each time that `every` has passed, with all deadlines met on the
/// way; returns when the connection was no longer in this state, or `None` if it still is after all pieces.
fn drip(endpoint: &mut Endpoint, pieces: &[Vec<u8>], every: Duration, state: State) -> Option<Duration> {
    let mut next = Duration::ZERO;
    for piece in pieces {
        while let Some(due) = endpoint.connection.poll_timeout().filter(|due| *due <= at(next)) {
            endpoint.connection.handle_timeout(due);
            endpoint.run(due);
            if endpoint.connection.state() != state {
                return Some(due.saturating_duration_since(START));
            }
        }
        endpoint.receive(piece, at(next));
        assert_eq!(endpoint.connection.state(), state, "at {next:?}, by {piece:x?}");
        next += every;
    }
    None
}

/// How often the peer sends something, for a deadline as long as this: hardly in time, twice, and all the time.
fn paces(deadline: Duration) -> [Duration; 4] {
    [deadline - Duration::from_nanos(1), deadline - Duration::from_millis(1), deadline / 2, deadline / 50]
}

fn bytes(stream: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
    stream.as_ref().iter().map(|byte| vec![*byte]).collect()
}

fn client() -> Endpoint {
    let request = ClientRequest::new("a", "/").unwrap();
    Endpoint::new(Connection::client(&request, Arc::new(quiet()), [1; 32], START))
}

fn server() -> Endpoint {
    Endpoint::new(Connection::server(Arc::new(quiet()), [1; 32], START))
}

#[test]
fn a_head() {
    let deadline = Config::default().handshake_timeout;
    let endless = "x".repeat(200);
    let streams = [
        (Role::Server, bytes(format!("GET /{endless}"))),
        (Role::Server, bytes(format!("GET / HTTP/1.1\r\n{}", "a:\r\n".repeat(50)))),
        (Role::Client, bytes(format!("HTTP/1.1 101 {endless}"))),
        (Role::Client, vec![b"HTTP/1.1 100 x\r\n\r\n".to_vec(); 200]),
    ];
    for (role, pieces) in streams {
        for every in paces(deadline) {
            let mut endpoint = if role == Role::Server { server() } else { client() };
            let ended = drip(&mut endpoint, &pieces, every, State::Connecting);
            assert_eq!(ended, Some(deadline), "a {role:?}, a piece each {every:?}");
            if role == Role::Server {
                assert!(endpoint.written.starts_with(b"HTTP/1.1 408 "));
            }
            endpoint.connection.end_of_input(at(deadline));
            endpoint.run(at(deadline));
            assert_eq!(endpoint.closed().unwrap().cause(), Cause::Deadline(Deadline::Handshake));
        }
    }
}

#[test]
fn the_body_of_a_refusal() {
    let deadline = Config::default().handshake_timeout;
    for first in ["HTTP/1.1 403 x\r\n\r\n", "HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n"] {
        for every in paces(deadline) {
            let mut client = client();
            let pieces = [vec![first.as_bytes().to_vec()], bytes([b'x'; 200])].concat();
            assert_eq!(drip(&mut client, &pieces, every, State::Connecting), Some(deadline), "{every:?}");
            assert!(matches!(client.events[..], [Event::Refused(_), Event::Closed(_)]));
        }
    }
}

/// What one frame or message can be drawn out by, each piece as long as there is nothing whole.
fn unfinished(role: Role) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let begun = frame(role, 0x01, b"a");
    let fragment = frame(role, 0x00, b"a");
    let ping = frame(role, 0x89, b"?");
    let payload = masked(role, &[b'a'; 200]);
    vec![
        ("a header", bytes(header(role, 0x82, 1 << 20))),
        ("a frame", [vec![header(role, 0x82, 1 << 20)], bytes(&payload)].concat()),
        ("a header and its frame", bytes([header(role, 0x81, 1 << 20), payload].concat())),
        ("a Ping", bytes(frame(role, 0x89, &[b'p'; 125]).split_last().unwrap().1)),
        ("a message", [vec![begun.clone()], vec![fragment; 200]].concat()),
        ("a message of nothing", [vec![begun.clone()], vec![frame(role, 0x00, b""); 200]].concat()),
        ("a message with Pings in it", [vec![begun.clone()], vec![ping.clone(); 200]].concat()),
        ("a message with Pings in pieces", [vec![begun], bytes(ping.repeat(20))].concat()),
    ]
}

#[test]
fn a_header_a_frame_and_a_message() {
    let deadline = Config::default().unfinished_message.unwrap();
    for role in ROLES {
        for (what, pieces) in unfinished(role) {
            for every in paces(deadline).into_iter().filter(|every| pieces.len() as u32 * *every > deadline) {
                let mut endpoint = Endpoint::upgraded(role, quiet());
                let ended = drip(&mut endpoint, &pieces, every, State::Open);
                assert_eq!(ended, Some(deadline), "{what}, a piece each {every:?}");
                endpoint.connection.end_of_input(at(deadline));
                endpoint.run(at(deadline));
                let cause = endpoint.closed().unwrap().cause();
                assert_eq!(cause, Cause::Deadline(Deadline::UnfinishedMessage), "{what}");
            }
        }
    }
}

/// Each message has its own deadline, also one that begins in the read that ends another: who is just in time each time is
/// never late.
#[test]
fn a_message_after_another_has_its_own_deadline() {
    let every = Config::default().unfinished_message.unwrap() - Duration::from_nanos(1);
    for role in ROLES {
        let (begun, ended) = (frame(role, 0x01, b"begun"), frame(role, 0x80, b"ended"));
        let pieces = [vec![begun.clone()], vec![[ended, begun].concat(); 100]].concat();
        let mut endpoint = Endpoint::upgraded(role, quiet());
        assert_eq!(drip(&mut endpoint, &pieces, every, State::Open), None);
        assert_eq!(endpoint.messages().len(), 100);
    }
}

#[test]
fn a_closing_handshake() {
    let deadline = Config::default().close_timeout;
    for role in ROLES {
        let endless = [
            bytes([frame(role, 0x82, b"still here"), frame(role, 0x89, b"?")].concat().repeat(20)),
            vec![frame(role, 0x89, b"?"); 200],
        ];
        for pieces in endless {
            for every in paces(deadline) {
                let mut asked = Endpoint::upgraded(role, quiet());
                asked.connection.close(None, START);
                asked.run(START);
                assert_eq!(drip(&mut asked, &pieces, every, State::Closing), Some(deadline), "{every:?}");
                assert_eq!(asked.closed().unwrap().cause(), Cause::Deadline(Deadline::Close));

                // After its Close frame, and after a violation, where nothing counts and the stream does not end.
                for last_words in [frame(role, 0x88, b"\x03\xe8"), vec![0xff, 0xff]] {
                    let mut told = Endpoint::upgraded(role, quiet());
                    told.receive(&last_words, START);
                    assert_eq!(drip(&mut told, &pieces, every, State::Closing), Some(deadline), "{every:?}");
                    assert_eq!(told.messages(), []);
                }
            }
        }
    }
}

/// The silence that is not wanted is counted from the last byte, so here a byte does put it off; a heartbeat's margin ends
/// with any sign of life. What is left for a peer that only pretends is to be alive.
#[test]
fn a_byte_in_time_is_a_sign_of_life() {
    let mut config = quiet();
    config.inbound_idle = Some(SECOND * 7);
    config.unfinished_message = None;
    for role in ROLES {
        let mut endpoint = Endpoint::upgraded(role, config.clone());
        let pieces = [vec![header(role, 0x82, 1 << 20)], bytes([b'a'; 100])].concat();
        assert_eq!(drip(&mut endpoint, &pieces, SECOND * 7 - Duration::from_nanos(1), State::Open), None);
        let mut endpoint = Endpoint::upgraded(role, config.clone());
        let late = drip(&mut endpoint, &pieces, SECOND * 7, State::Open);
        assert_eq!(late, Some(SECOND * 7));
    }
}
