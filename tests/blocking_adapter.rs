//! The blocking adapter over transports that do what a test says, by a clock that moves only while somebody waits; and over
//! sockets of the system.
#![cfg(feature = "std")]

#[path = "support/open.rs"]
mod open;
#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/scripted_blocking.rs"]
mod scripted_blocking;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use open::{quiet, upgraded};
use scripted::{
    BINARY, CLOSE, PING, PONG, Remote, Scripted, TEXT, close_payload, frame, frames, masked, scripted,
};
use websocket_proto::blocking::{TimedIo, WebSocket, accept, connect};
use websocket_proto::{
    Accept, Cause, ClientRequest, CloseFrame, Config, Connection, Deadline, Error, Event, HandshakeError,
    Heartbeat, Message, Misuse, OriginPolicy, Reject, Role, State, StreamPosition, Timestamp,
    TransportFailure,
};

const SECOND: Duration = Duration::from_secs(1);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn beating(interval: u64, margin: u64) -> Config {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(millis(interval), millis(margin)));
    config
}

/// An open server, and its peer.
fn server(config: Config) -> (WebSocket<Scripted>, Remote) {
    let (io, remote) = scripted();
    (WebSocket::new(io, upgraded(Role::Server, config)), remote)
}

fn text(message: &str) -> Result<Option<Message>, Error> {
    Ok(Some(Message::from(message)))
}

fn kinds(frames: &[(u8, Vec<u8>)]) -> Vec<u8> {
    frames.iter().map(|(first, _)| *first).collect()
}

// Reading.

#[test]
fn pings_are_answered_while_the_application_only_reads() {
    let (mut socket, remote) = server(quiet());
    remote.push(&masked(PING, b"are you there"));
    let peer = remote.clone();
    remote.at(SECOND, |state| state.push(&masked(TEXT, b"done")));
    assert_eq!(socket.read(), text("done"));
    assert_eq!(peer.written(), frame(PONG, b"are you there"));
}

#[test]
fn reads_wait_until_the_next_deadline_and_not_beyond() {
    let (mut socket, remote) = server(Config::default());
    // One message a millisecond, and an answer to each, sooner or later: the deadline moves on, and what was set serves.
    for number in 1..=1000 {
        remote.at(millis(number), |state| state.push(&masked(TEXT, b"x")));
    }
    for number in 0..1000 {
        assert_eq!(socket.read(), text("x"));
        socket.send("y").unwrap();
        remote.pass(Duration::from_micros(number % 7));
    }
    let seen = remote.seen();
    let [Some(timeout)] = seen.read_timeouts[..] else { panic!("{:?}", seen.read_timeouts) };
    assert!(timeout <= 25 * SECOND && timeout > 15 * SECOND, "{timeout:?}");
    assert_eq!(seen.write_timeouts.len(), 1);
    assert_eq!((seen.reads, seen.writes, seen.waits, seen.looks), (1000 + 1000, 1000, 1000, 0));

    // A deadline that is nearer needs a shorter one.
    let mut config = Config::default();
    config.unfinished_message = Some(5 * SECOND);
    let (mut socket, remote) = server(config);
    remote.push(&masked(TEXT, b"in two")[..7]);
    let Err(Error::Closed(close)) = socket.read() else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::UnfinishedMessage));
    let timeouts = remote.seen().read_timeouts;
    let after_a_message_began = timeouts[1].unwrap();
    assert!(after_a_message_began <= 5 * SECOND && after_a_message_began > 4 * SECOND, "{timeouts:?}");

    // Without deadlines, for ever.
    let (mut socket, remote) = server(quiet());
    remote.at(1000 * SECOND, |state| state.push(&masked(TEXT, b"x")));
    assert_eq!(socket.read(), text("x"));
    assert_eq!(remote.seen().read_timeouts, [None]);
}

#[test]
fn the_heart_beats_while_a_read_waits_and_finds_a_dead_peer() {
    let (mut socket, remote) = server(Config::default());
    remote.answer_pings_after(millis(30));
    remote.at(90 * SECOND, |state| {
        state.push(&masked(TEXT, b"still here"));
        state.answers_pings_after = None;
    });
    assert_eq!(socket.read(), text("still here"));
    let stats = socket.stats();
    assert!((3..=4).contains(&stats.pongs_received), "{stats:?}");
    assert_eq!(stats.round_trip, Some(millis(30)));
    assert_eq!(kinds(&frames(&remote.written())), vec![PING; stats.pongs_received as usize]);

    let Err(Error::Closed(close)) = socket.read() else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
    // Its last byte came at 90 s, our last one at most 25 s before.
    assert!((100..=125).contains(&remote.clock().as_secs()), "{:?}", remote.clock());
    assert_eq!(kinds(&frames(&remote.written())), [PING, CLOSE]);
    let seen = remote.seen();
    assert!(seen.reset && seen.dropped && socket.get_ref().is_none());
    assert!(seen.waits < 60, "{} wake-ups", seen.waits);
}

#[test]
fn what_is_there_to_read_saves_the_peer_though_nobody_looked_in_time() {
    let (mut socket, remote) = server(Config::default());
    socket.send("x").unwrap();
    remote.pass(25 * SECOND);
    remote.answer_pings_after(SECOND);
    socket.send("x").unwrap();
    socket.send("x").unwrap();
    // The verdict is due and the pong unread: less late than what would count as our own stall.
    remote.pass(11 * SECOND);
    socket.send("x").unwrap();
    assert_eq!((socket.close_event(), socket.stats().pongs_received), (None, 1));
}

#[test]
fn each_end_of_the_stream_is_told_for_what_it_is() {
    let message = masked(TEXT, b"whole");
    let table = [
        (&message[..], StreamPosition::BetweenMessages),
        (&message[..8], StreamPosition::InsideFrame),
        (&masked(0x01, b"fragment")[..], StreamPosition::InsideMessage),
    ];
    for (bytes, position) in table {
        let (mut socket, remote) = server(quiet());
        remote.push(bytes);
        remote.end();
        if position == StreamPosition::BetweenMessages {
            assert_eq!(socket.read(), text("whole"));
        }
        let Err(Error::Closed(close)) = socket.read() else { panic!() };
        assert_eq!((close.code().as_u16(), close.cause()), (1006, Cause::EndOfStream(position)));
        assert_eq!(socket.read(), Ok(None), "it is told once");
        assert_eq!(socket.close_event(), Some(&close));
        assert_eq!(remote.seen().reads, 2);
    }
}

#[test]
fn errors_of_reads_are_told_apart() {
    // An interrupted read is made again; so is one whose time is out, whatever the system calls it.
    for kind in [ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::TimedOut] {
        let (mut socket, remote) = server(quiet());
        remote.fail_read(kind);
        remote.fail_read(kind);
        remote.push(&masked(TEXT, b"after"));
        assert_eq!(socket.read(), text("after"), "{kind}");
    }
    // When TCP gives up on the peer that is no matter of our time-outs, though it has the same name.
    #[cfg(target_os = "linux")]
    {
        let (mut socket, remote) = server(quiet());
        let given_up = io::Error::from_raw_os_error(110);
        assert_eq!(given_up.kind(), ErrorKind::TimedOut);
        remote.fail_read(given_up);
        let Err(Error::Closed(close)) = socket.read() else { panic!() };
        assert_eq!(close.cause(), Cause::Transport(TransportFailure::TimedOut));
    }
    let (mut socket, remote) = server(quiet());
    remote.fail_read(ErrorKind::ConnectionReset);
    let Err(Error::Closed(close)) = socket.read() else { panic!() };
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::Reset));
}

#[test]
fn bytes_come_and_go_one_at_a_time() {
    let (mut socket, remote) = server(quiet());
    remote.read_in(&[1, 0]);
    remote.write_in(&[0, 1, 0, 2]);
    let ping: Vec<u8> = (0..100).collect();
    for _ in 0..3 {
        remote.push(&masked(PING, &ping));
        remote.push(&masked(TEXT, "größer".as_bytes()));
    }
    for _ in 0..3 {
        assert_eq!(socket.read(), text("größer"));
    }
    socket.send("answer").unwrap();
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert_eq!(socket.read(), Ok(None));
    let pong = frame(PONG, &ping);
    let (answer, close) = (frame(TEXT, b"answer"), frame(CLOSE, &close_payload(1000, "")));
    let written = remote.written();
    assert_eq!(written, [&pong[..], &pong, &pong, &answer, &close].concat());
    assert!(socket.close_event().unwrap().was_clean());
    assert_eq!(remote.seen().shut_down_after, Some(written.len()), "its side ends after its last byte");
}

#[test]
fn a_transport_that_writes_nothing_and_says_so_is_broken() {
    let (mut socket, remote) = server(quiet());
    remote.lock().writes_nothing = true;
    assert!(matches!(socket.send("x"), Err(Error::NotOpen(State::Closing))));
    assert_eq!(remote.seen().writes, 1);
}

#[test]
fn a_failed_write_does_not_hide_what_the_peer_said() {
    let (mut socket, remote) = server(quiet());
    remote.push(&masked(PING, b""));
    remote.push(&masked(TEXT, b"last words"));
    remote.push(&masked(CLOSE, &close_payload(1008, "go away")));
    remote.fail_read(ErrorKind::ConnectionReset);
    remote.fail_writes(ErrorKind::BrokenPipe);
    remote.read_in(&[6]);
    assert_eq!(socket.read(), text("last words"));
    let Err(Error::Closed(close)) = socket.read() else { panic!() };
    assert_eq!((close.code().as_u16(), close.reason()), (1008, "go away"));
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::BrokenPipe));
    assert_eq!(remote.seen().writes, 1);
}

#[test]
fn a_slow_application_does_not_look_dead() {
    // With a backlog of any kind: parked while something was sent, or in one read.
    for parked in [true, false] {
        let (mut socket, remote) = server(Config::default());
        remote.push(&masked(TEXT, b"z").repeat(200));
        if parked {
            remote.pass(2 * SECOND);
            socket.send("look").unwrap();
        }
        remote.written();
        let mut answered = 0;
        for second in 0..200 {
            // The peer answers no pings: its own are signs of life.
            if second % 20 == 0 {
                remote.push(&masked(PING, b"there?"));
            }
            assert_eq!(socket.read(), text("z"));
            answered += frames(&remote.written()).iter().filter(|(first, _)| *first == PONG).count();
            assert!(answered >= usize::div_ceil(second, 20), "{parked}: a ping waits, after {second} s");
            remote.pass(SECOND);
        }
        assert_eq!(socket.close_event(), None);
    }
}

#[test]
fn whoever_wants_all_events_gets_all() {
    let (mut socket, remote) = server(quiet());
    socket.ping(b"mine").unwrap();
    assert_eq!(socket.ping(b"mine"), Err(Error::Full));
    remote.push(&[masked(PING, b"yours"), masked(TEXT, b"text")].concat());
    assert_eq!(socket.next_event(), Some(Event::Ping(b"yours"[..].into())));
    assert_eq!(socket.next_event(), Some(Event::Message(Message::from("text"))));
    remote.push(&masked(PONG, b"mine"));
    assert!(matches!(socket.next_event(), Some(Event::Pong { round_trip: Some(_), .. })));
    remote.end();
    assert!(matches!(socket.next_event(), Some(Event::Closed(_))));
    assert_eq!(socket.next_event(), None);
}

// Writing.

#[test]
fn what_is_fed_shares_a_write_and_sending_needs_no_look_each_time() {
    let (mut socket, remote) = server(quiet());
    for message in ["a", "b", "c"] {
        socket.feed(message).unwrap();
    }
    assert_eq!(remote.seen().writes, 0);
    socket.flush().unwrap();
    assert_eq!(remote.seen().writes, 1);
    for _ in 0..100 {
        socket.send("d").unwrap();
    }
    let seen = remote.seen();
    assert_eq!((seen.writes, seen.reads, seen.looks), (101, 0, 0));
    assert_eq!(frames(&remote.written()).len(), 103);
}

#[test]
fn whoever_only_sends_keeps_a_living_peer_and_finds_a_dead_one() {
    let (mut socket, remote) = server(Config::default());
    remote.answer_pings_after(millis(500));
    let mut pongs = 0;
    for tick in 0..2000 {
        if tick % 50 == 0 && tick < 1000 {
            remote.push(&masked(PING, b"?"));
        }
        socket.send("tick").unwrap();
        remote.pass(millis(100));
        pongs += frames(&remote.written()).iter().filter(|(first, _)| *first == PONG).count();
        let asked = tick.min(999) / 50 + 1;
        assert!(asked - pongs <= usize::from(tick % 50 < 12), "a ping of tick {tick} waits too long");
    }
    let stats = socket.stats();
    assert_eq!((stats.pings_received, stats.pings_sent), (20, stats.pongs_received));
    assert!((4..=5).contains(&stats.pings_sent), "one each 19 to 25 s, from 95 s on: {stats:?}");

    remote.lock().answers_pings_after = None;
    let silent = remote.clock();
    let error = loop {
        match socket.send("tick") {
            Ok(()) => remote.pass(millis(100)),
            Err(error) => break error,
        }
    };
    let Error::Closed(close) = error else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
    assert!(remote.clock() - silent < 36 * SECOND, "{:?}", remote.clock() - silent);
}

#[test]
fn short_deadlines_count_for_whoever_only_sends() {
    let (mut socket, remote) = server(beating(20, 60));
    while socket.send("tick").is_ok() {
        remote.pass(millis(1));
    }
    assert!(remote.clock() < millis(90), "{:?}", remote.clock());
}

#[test]
fn a_peer_that_reads_nothing_is_given_up_though_nobody_reads_its_messages() {
    let (mut socket, remote) = server(Config::default());
    remote.set_room(Some(0));
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[7; 1000]));
    }
    let Err(Error::Closed(close)) = socket.send("never") else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
    assert_eq!(remote.clock().as_secs(), 30);
    assert_eq!(close.unsent_messages(), 1);
    // It waited for room all the time, and did not spin.
    let seen = remote.seen();
    assert!(seen.writes <= 3002 && seen.reads < 70, "{} writes, {} reads", seen.writes, seen.reads);
    let mut messages = 0;
    let error = loop {
        match socket.read() {
            Ok(Some(_)) => messages += 1,
            Ok(None) => panic!("the end was not told"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, Error::Closed(close));
    assert!((60..=66).contains(&messages), "{messages}");
}

#[test]
fn messages_are_read_while_the_transport_takes_nothing() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    socket.feed("waits").unwrap();
    for number in 0..10 {
        remote.at(SECOND * number, |state| state.push(&masked(TEXT, b"arrives")));
    }
    for number in 0..10 {
        assert_eq!(socket.read(), text("arrives"));
        assert!(remote.clock() <= SECOND * number + millis(10), "a turn at most");
    }
    // And written as soon as it takes something, though the application waits for the next.
    remote.at(12 * SECOND, |state| state.set_room(None));
    remote.at(13 * SECOND, |state| assert!(state.has_written()));
    remote.at(20 * SECOND, |state| state.push(&masked(TEXT, b"later")));
    assert_eq!(socket.read(), text("later"));
    assert_eq!(remote.written(), frame(TEXT, b"waits"));
}

#[test]
fn a_blocked_flush_takes_in_all_that_there_is_in_each_turn() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    remote.push(&masked(BINARY, &vec![7; 200_000]));
    // The peer reads once all of its message is through.
    remote.at(millis(25), |state| state.set_room(None));
    socket.send("x").unwrap();
    assert_eq!(socket.read().unwrap().unwrap().len(), 200_000);
    assert_eq!(remote.clock(), millis(25), "no wait but for room");
}

#[test]
fn what_a_transport_keeps_back_and_fails_to_flush_was_not_sent() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    remote.fail_flushes(ErrorKind::BrokenPipe);
    assert!(socket.send("lost").is_err());
    assert_eq!(remote.written(), b"");
}

#[test]
fn a_slow_peer_does_not_hold_back_what_arrived() {
    let (mut socket, remote) = server(quiet());
    remote.write_in(&[1000]);
    remote.lock().write_takes = millis(5);
    socket.feed(vec![0; 1 << 20]).unwrap();
    remote.push(&masked(TEXT, b"hi"));
    assert_eq!(socket.read(), text("hi"));
    assert!(remote.clock() < millis(100), "{:?}", remote.clock());
}

#[test]
fn what_a_transport_keeps_back_is_flushed() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    socket.send("secret").unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"secret"));
    // It may take its time.
    remote.block_flush(true);
    remote.at(SECOND, |state| state.block_flush(false));
    socket.send("later").unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"later"));
    assert_eq!(remote.clock(), SECOND);
    remote.push(&masked(CLOSE, b""));
    remote.end();
    assert_eq!(socket.read(), Ok(None));
    assert_eq!(remote.written(), frame(CLOSE, b""));
}

#[test]
fn a_full_queue_waits_for_room_and_a_closed_one_gives_the_error() {
    let mut config = quiet();
    config.output_high_water = 10;
    let (mut socket, remote) = server(config);
    remote.set_room(Some(0));
    remote.at(SECOND, |state| state.set_room(None));
    for number in 0..10 {
        socket.feed("0123456789").unwrap();
        assert_eq!(remote.clock(), if number == 0 { Duration::ZERO } else { SECOND });
    }
    socket.flush().unwrap();
    assert_eq!(frames(&remote.written()).len(), 10);
    remote.push(&masked(CLOSE, b""));
    remote.end();
    assert_eq!(socket.read(), Ok(None));
    assert!(matches!(socket.feed("late"), Err(Error::Closed(_))));
    assert_eq!(socket.flush(), Ok(()), "nothing was lost");
}

#[test]
fn flushing_waits_for_messages_without_payload_too() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    remote.at(SECOND, |state| state.set_room(None));
    socket.send("").unwrap();
    assert_eq!(remote.written(), frame(TEXT, b""));
}

// Closing.

#[test]
fn closing_sends_what_was_accepted() {
    let mut config = quiet();
    config.output_high_water = 10;
    let (mut socket, remote) = server(config);
    remote.set_room(Some(0));
    socket.feed("as full as it gets").unwrap();
    remote.at(SECOND, |state| {
        state.set_room(None);
        state.push(&masked(TEXT, b"nobody reads this").repeat(10_000));
        state.push(&masked(CLOSE, &close_payload(4000, "")));
        state.end();
    });
    assert!(socket.close(CloseFrame::new(4000, "bye").unwrap()).was_clean());
    let written = frames(&remote.written());
    assert_eq!(written[0], (TEXT, b"as full as it gets".to_vec()));
    assert_eq!(written[1], (CLOSE, close_payload(4000, "bye")));
    assert!(!remote.seen().reset);
}

#[test]
fn closing_takes_no_longer_than_its_deadline() {
    for takes_something in [true, false] {
        let (mut socket, remote) = server(quiet());
        if !takes_something {
            remote.set_room(Some(0));
        }
        let close = socket.close(None);
        assert_eq!(remote.clock().as_secs(), 5);
        assert_eq!(close.cause(), Cause::Deadline(Deadline::Close));
        assert_eq!(socket.read(), Ok(None), "it was told");
        assert_eq!(socket.close(None), close);
        let seen = remote.seen();
        assert!(seen.reset && seen.dropped);
        assert!(seen.waits <= if takes_something { 12 } else { 502 }, "{} wake-ups", seen.waits);
    }
}

#[test]
fn dropping_says_goodbye_once_and_does_not_wait() {
    let (mut socket, remote) = server(quiet());
    socket.feed("fed").unwrap();
    drop(socket);
    let written = frames(&remote.written());
    assert_eq!(written, [(TEXT, b"fed".to_vec()), (CLOSE, close_payload(1001, "dropped"))]);
    assert!(!remote.lock().nonblocking, "it may be shared with somebody");

    let (socket, remote) = server(quiet());
    remote.set_room(Some(0));
    drop(socket);
    assert_eq!((remote.seen().writes, remote.seen().waits), (1, 0));

    // Half a frame went out before: the rest goes first.
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(3));
    socket.feed("cut in two").unwrap();
    remote.push(&masked(TEXT, b"x"));
    assert_eq!(socket.read(), text("x"));
    remote.set_room(None);
    drop(socket);
    assert_eq!(frames(&remote.written()).len(), 2);
}

// The opening handshake.

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

fn request(origin: &str) -> Vec<u8> {
    format!("{REQUEST}Origin: {origin}\r\n\r\n").into_bytes()
}

#[test]
fn requests_are_accepted_rejected_and_refused() {
    let (io, remote) = scripted();
    remote.push(&[request("http://a"), masked(TEXT, b"eager")].concat());
    let incoming = accept(io, Arc::new(quiet())).unwrap();
    assert_eq!(incoming.request().unwrap().path(), "/chat");
    let mut socket = incoming.accept(&Accept::new(OriginPolicy::SameHost)).unwrap();
    assert!(remote.written().starts_with(b"HTTP/1.1 101 "));
    assert_eq!(socket.read(), text("eager"));

    let (io, remote) = scripted();
    remote.push(&request("http://evil.example"));
    remote.end();
    let incoming = accept(io, Arc::new(quiet())).unwrap();
    let Err(Error::Closed(close)) = incoming.accept(&Accept::new(OriginPolicy::SameHost)) else { panic!() };
    assert_eq!(close.cause(), Cause::Handshake(HandshakeError::OriginNotAllowed));
    assert!(remote.written().starts_with(b"HTTP/1.1 403 "));

    // It waits for the client to leave, lest a reset destroy the answer.
    let (io, remote) = scripted();
    remote.push(&request("http://a"));
    remote.at(SECOND, scripted::State::end);
    let incoming = accept(io, Arc::new(quiet())).unwrap();
    let close = incoming.reject(&Reject::new(404).unwrap().body("no such room\n")).unwrap();
    assert_eq!(close.cause(), Cause::Rejected(404));
    assert!(remote.written().ends_with(b"no such room\n"));
    assert_eq!(remote.clock(), SECOND);

    let (io, remote) = scripted();
    remote.push(&request("http://a"));
    let incoming = accept(io, Arc::new(quiet())).unwrap();
    let error = incoming.reject(&Reject::new(200).unwrap()).unwrap_err();
    assert_eq!(error, Error::Misuse(Misuse::StatusNotAllowed));
    assert!(remote.written().starts_with(b"HTTP/1.1 503 "));
}

#[test]
fn a_handshake_that_takes_too_long_is_over() {
    let config = Arc::new(quiet());
    let (io, remote) = scripted();
    remote.push(&request("http://a")[..50]);
    remote.at(11 * SECOND, scripted::State::end);
    let Err(Error::Closed(close)) = accept(io, config.clone()) else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Handshake));
    assert!(remote.written().starts_with(b"HTTP/1.1 408 "));
    assert_eq!(remote.clock().as_secs(), 11);

    let (io, remote) = scripted();
    let asking = ClientRequest::new("a", "/").unwrap();
    let Err(Error::Closed(close)) = connect(io, &asking, config) else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Handshake));
    assert_eq!(remote.clock().as_secs(), 10);
    assert!(remote.seen().dropped);
}

#[test]
fn a_server_that_nobody_decides_for_sleeps_until_its_deadline() {
    let mut config = quiet();
    config.decision_timeout = millis(50);
    let (io, remote) = scripted();
    let connection = Connection::server(Arc::new(config), [7; 32], Timestamp::default());
    let mut socket = WebSocket::new(io, connection);
    remote.push(&request("http://a"));
    assert!(matches!(socket.next_event(), Some(Event::Request(_))));
    // It sleeps by the system's clock, which does not move the transport's.
    let before = remote.seen();
    let sleeping = thread::spawn(move || socket.next_event());
    // Time to be caught spinning; nothing depends on how long it is.
    #[allow(clippy::disallowed_methods, reason = "it sleeps, so must we")]
    thread::sleep(millis(20));
    remote.pass(millis(50));
    remote.end();
    assert!(matches!(sleeping.join().unwrap(), Some(Event::Closed(_))));
    assert!(remote.written().starts_with(b"HTTP/1.1 503 "));
    let seen = remote.seen();
    assert!(seen.reads - before.reads < 10 && seen.clock_reads - before.clock_reads < 50, "{seen:?}");
}

// Sockets of the system.

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Both send and do not read before they have.
fn exchange<T: TimedIo + Send + 'static>(near: T, far: T, size: usize) {
    let mut client = WebSocket::new(near, upgraded(Role::Client, quiet()));
    let mut server = WebSocket::new(far, upgraded(Role::Server, quiet()));
    let peer = thread::spawn(move || {
        server.send(vec![2; size]).unwrap();
        let message = server.read().unwrap().unwrap();
        assert_eq!(server.read(), Ok(None));
        message
    });
    client.send(vec![1; size]).unwrap();
    assert_eq!(client.read(), Ok(Some(Message::from(vec![2; size]))));
    assert!(client.close(None).was_clean());
    assert_eq!(peer.join().unwrap(), Message::from(vec![1; size]));
}

#[test]
fn two_who_both_send_and_do_not_read_get_through() {
    let (near, far) = tcp_pair();
    exchange(near, far, 8 << 20);
    #[cfg(unix)]
    {
        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        exchange(near, far, 1 << 20);
    }
}

#[test]
fn a_peer_that_does_not_behave_is_reset_and_one_that_does_is_not() {
    let mut config = quiet();
    config.close_timeout = millis(20);
    let (near, mut far) = tcp_pair();
    let mut socket = WebSocket::new(near, upgraded(Role::Server, config.clone()));
    assert!(socket.get_ref().unwrap().nodelay().unwrap());
    assert_eq!(socket.close(None).cause(), Cause::Deadline(Deadline::Close));
    let mut told = Vec::new();
    assert_eq!(far.read_to_end(&mut told).unwrap_err().kind(), ErrorKind::ConnectionReset);

    config.close_timeout = 10 * SECOND;
    let (near, mut far) = tcp_pair();
    let mut socket = WebSocket::new(near, upgraded(Role::Server, config));
    let peer = thread::spawn(move || {
        far.write_all(&masked(CLOSE, &close_payload(1000, ""))).unwrap();
        let mut told = Vec::new();
        far.read_to_end(&mut told).map(|_| told)
    });
    assert_eq!(socket.read(), Ok(None));
    assert_eq!(peer.join().unwrap().unwrap(), frame(CLOSE, &close_payload(1000, "")));
}

#[test]
fn a_flood_does_not_hide_a_deadline() {
    let mut config = quiet();
    config.close_timeout = millis(100);
    let (near, far) = tcp_pair();
    let mut socket = WebSocket::new(near, upgraded(Role::Server, config));
    let flood = thread::spawn(move || {
        let message = masked(BINARY, &[7; 10_000]);
        while (&far).write_all(&message).is_ok() {}
    });
    assert_eq!(socket.close(None).cause(), Cause::Deadline(Deadline::Close));
    flood.join().unwrap();
}

#[test]
fn heartbeats_keep_two_idle_ends_alive() {
    let (near, far) = tcp_pair();
    let mut client = WebSocket::new(near, upgraded(Role::Client, beating(20, 5000)));
    let mut server = WebSocket::new(far, upgraded(Role::Server, beating(20, 5000)));
    let peer = thread::spawn(move || (server.read(), server));
    let mut pongs = 0;
    while pongs < 5 {
        pongs += usize::from(matches!(client.next_event().unwrap(), Event::Pong { .. }));
    }
    client.send("enough").unwrap();
    let (message, server) = peer.join().unwrap();
    assert_eq!(message, text("enough"));
    assert!(server.stats().pings_received >= 5);
}
