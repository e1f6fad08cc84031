//! An owner that does not read for a while, since its application does not keep up.

#[path = "support/pair.rs"]
mod pair;

use std::time::Duration;

use pair::Endpoint;
use websocket_proto::{
    Cause, Config, Connection, Deadline, Event, Message, Role, Timestamp, Transport, TransportFailure,
};

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_duration(SECOND * seconds as u32)
}

/// Lets time pass up to `until`, and meets every deadline when it is due.
fn pass(endpoint: &mut Endpoint, until: Timestamp) {
    while let Some(due) = endpoint.connection.poll_timeout().filter(|due| *due <= until) {
        endpoint.connection.handle_timeout(due);
        endpoint.run(due);
        let next = endpoint.connection.poll_timeout();
        assert!(next.is_none_or(|next| next > due), "a deadline stands still");
    }
}

const HELLO: &[u8] = b"\x81\x85\0\0\0\0hello";

#[test]
fn nothing_is_parsed_and_nothing_is_lost() {
    let mut server = Endpoint::upgraded(Role::Server, Config::default());
    server.connection.set_reading(false, at(0));
    assert!(!server.connection.wants_read());
    server.receive(HELLO, at(1));
    server.connection.end_of_input(at(1));
    server.run(at(1));
    assert_eq!((server.events.len(), &server.input[..]), (0, HELLO));
    server.connection.set_reading(true, at(2));
    server.run(at(2));
    assert_eq!(server.messages(), [Message::from("hello")]);
    assert!(matches!(server.closed().unwrap().cause(), Cause::EndOfStream(_)));
}

#[test]
fn silence_that_nobody_heard_is_not_held_against_the_peer() {
    let mut config = Config::default();
    config.inbound_idle = Some(SECOND * 50);
    let mut server = Endpoint::upgraded(Role::Server, config);
    // A ping is out, and a message has begun.
    pass(&mut server, at(25));
    server.receive(&HELLO[..7], at(26));
    let mut second = 26;
    while server.connection.stats().pings_sent < 2 {
        second += 1;
        pass(&mut server, at(second));
    }
    let pings = server.connection.stats().pings_sent;
    server.connection.set_reading(false, at(second + 1));
    pass(&mut server, at(600));
    assert_eq!(server.closed(), None);
    let pings = server.connection.stats().pings_sent - pings;
    assert!((21..=30).contains(&pings), "{pings} pings for the proxies in between");

    // The last ping has its whole margin, now that an answer can be heard.
    server.connection.set_reading(true, at(600));
    server.run(at(600));
    pass(&mut server, at(609));
    assert_eq!(server.closed(), None);
    server.receive(&HELLO[7..], at(609));
    assert_eq!(server.messages(), [Message::from("hello")]);
    pass(&mut server, at(700));
    assert_eq!(server.closed().unwrap().cause(), Cause::Deadline(Deadline::Heartbeat));
}

#[test]
fn the_clock_of_an_unfinished_message_stands_still() {
    let mut config = Config::default();
    config.heartbeat = None;
    let mut server = Endpoint::upgraded(Role::Server, config);
    server.receive(&HELLO[..7], at(0));
    server.connection.set_reading(false, at(50));
    pass(&mut server, at(500));
    server.connection.set_reading(true, at(500));
    assert_eq!(server.connection.poll_timeout(), Some(at(510)), "fifty seconds had passed");
    pass(&mut server, at(510));
    server.connection.end_of_input(at(510));
    server.run(at(510));
    assert_eq!(server.closed().unwrap().cause(), Cause::Deadline(Deadline::UnfinishedMessage));
}

#[test]
fn saying_it_again_changes_nothing() {
    let mut server = Endpoint::upgraded(Role::Server, Config::default());
    let before = server.connection.poll_timeout();
    server.connection.set_reading(true, at(10));
    assert_eq!(server.connection.poll_timeout(), before, "it was reading all the time");
    server.connection.set_reading(false, at(10));
    server.connection.set_reading(false, at(20));
    server.connection.set_reading(true, at(30));
    assert_eq!(server.connection.poll_timeout(), before, "nothing was sent since the beginning");
}

#[test]
fn writing_and_closing_keep_their_deadlines() {
    let mut stalled = Endpoint::upgraded(Role::Server, Config::default());
    stalled.connection.set_reading(false, at(0));
    stalled.connection.send("never taken").unwrap();
    assert!(bytes::Buf::has_remaining(&stalled.connection.output(at(0))));
    stalled.blocked = true;
    pass(&mut stalled, at(100));
    assert_eq!(stalled.closed().unwrap().cause(), Cause::Deadline(Deadline::WriteStall));

    let mut closing = Endpoint::upgraded(Role::Client, Config::default());
    closing.connection.set_reading(false, at(0));
    closing.connection.close(None, at(1));
    closing.run(at(1));
    pass(&mut closing, at(100));
    assert_eq!(closing.closed().unwrap().cause(), Cause::Deadline(Deadline::Close));
    assert_eq!(closing.connection.transport(), Transport::Abort);

    let mut reset = Endpoint::upgraded(Role::Client, Config::default());
    reset.connection.set_reading(false, at(0));
    reset.connection.read_failed(TransportFailure::Reset, at(1));
    reset.receive(b"\x81\x02hi", at(1));
    assert_eq!(reset.events, [], "what came before it is not lost");
    reset.connection.set_reading(true, at(2));
    reset.run(at(2));
    assert!(matches!(reset.events[..], [Event::Message(_), Event::Closed(_)]));

    let connection = Connection::server(Config::default().into(), [1; 32], at(0));
    let mut opening = Endpoint::new(connection);
    opening.connection.set_reading(false, at(0));
    opening.receive(b"GET / HTTP/1.1\r\n", at(1));
    pass(&mut opening, at(10));
    assert!(opening.written.starts_with(b"HTTP/1.1 408 "));
}
