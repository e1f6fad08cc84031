//! The blocking adapter over transports that do what a test says, and over sockets of the system.
#![cfg(feature = "std")]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/scripted_blocking.rs"]
mod scripted_blocking;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use scripted::{
    BINARY, CLOSE, PING, PONG, Remote, Scripted, TEXT, close_payload, frame, frames, masked, scripted,
};
use websocket_proto::blocking::{TimedIo, WebSocket, accept, connect};
use websocket_proto::{
    Accept, Agreement, Cause, ClientRequest, CloseFrame, Config, Connection, Deadline, Error, Event,
    HandshakeError, Heartbeat, Message, Misuse, OriginPolicy, Reject, Role, StreamPosition, Timestamp,
    TransportFailure,
};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// So long that a test which waits for it would be noticed.
const SOON: Duration = Duration::from_secs(3);

fn quiet() -> Config {
    let mut config = Config::default();
    config.heartbeat = None;
    config
}

fn beating(interval: u64, margin: u64) -> Config {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(millis(interval), millis(margin)));
    config
}

fn upgraded(role: Role, config: Config) -> Connection {
    Connection::upgraded(role, Agreement::default(), Arc::new(config), [7; 32], Timestamp::default())
}

/// An open server, and its peer.
fn server(config: Config) -> (WebSocket<Scripted>, Remote) {
    let (io, remote) = scripted();
    (WebSocket::new(io, upgraded(Role::Server, config)), remote)
}

fn text(message: &str) -> Result<Option<Message>, Error> {
    Ok(Some(Message::from(message)))
}

#[allow(clippy::disallowed_methods, reason = "the clock that the adapter lives by")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "what a slow application does")]
fn pause(duration: Duration) {
    thread::sleep(duration);
}

// Reading.

#[test]
fn pings_are_answered_while_the_application_only_reads() {
    let (mut socket, remote) = server(quiet());
    let reader = thread::spawn(move || socket.read());
    remote.push(&masked(PING, b"are you there"));
    remote.until(|state| !state.written.is_empty());
    assert_eq!(remote.written(), frame(PONG, b"are you there"));
    remote.push(&masked(TEXT, b"done"));
    assert_eq!(reader.join().unwrap(), text("done"));
}

#[test]
fn reads_wait_until_the_next_deadline_and_not_beyond() {
    let (mut socket, remote) = server(Config::default());
    let reader = thread::spawn(move || (socket.read(), socket));
    remote.until(|state| state.seen.waits > 0);
    let [Some(timeout)] = remote.seen().read_timeouts[..] else { panic!("one time-out is set") };
    assert!(timeout <= Duration::from_secs(25) && timeout > Duration::from_secs(20), "{timeout:?}");
    remote.push(&masked(TEXT, b"x"));
    let (message, mut socket) = reader.join().unwrap();
    assert_eq!(message, text("x"));
    // The deadline moved by a little, and the time-out still serves.
    for _ in 0..100 {
        remote.push(&masked(TEXT, b"x"));
        socket.read().unwrap();
        socket.send("y").unwrap();
    }
    assert_eq!(remote.seen().read_timeouts.len(), 1);
    assert_eq!(remote.seen().write_timeouts.len(), 1);

    // A deadline that is nearer needs a shorter one: the unfinished message's, after the heartbeat's.
    let mut config = Config::default();
    config.unfinished_message = Some(Duration::from_secs(5));
    let (mut socket, remote) = server(config);
    remote.push(&masked(TEXT, b"in two")[..7]);
    let reader = thread::spawn(move || socket.read());
    remote.until(|state| state.seen.waits > 0);
    let timeout = remote.seen().read_timeouts.last().copied().flatten().unwrap();
    assert!(timeout <= Duration::from_secs(5) && timeout > Duration::from_secs(4), "{timeout:?}");
    remote.push(&masked(TEXT, b"in two")[7..]);
    assert_eq!(reader.join().unwrap(), text("in two"));

    // Without deadlines, for ever.
    let (mut socket, remote) = server(quiet());
    let reader = thread::spawn(move || socket.read());
    remote.until(|state| state.seen.waits > 0);
    assert_eq!(remote.seen().read_timeouts, [None]);
    remote.push(&masked(TEXT, b"x"));
    assert_eq!(reader.join().unwrap(), text("x"));
}

#[test]
fn the_heart_beats_while_a_read_waits_and_finds_a_dead_peer() {
    let (mut socket, remote) = server(beating(30, 400));
    let reader = thread::spawn(move || (socket.read(), socket));
    for _ in 0..3 {
        remote.until(|state| !state.written.is_empty());
        let [(PING, payload)] = &frames(&remote.written())[..] else { panic!("no ping") };
        remote.push(&masked(PONG, payload));
    }
    let alive = now();
    let (end, socket) = reader.join().unwrap();
    let Err(Error::Closed(close)) = end else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
    assert!(alive.elapsed() >= millis(400) && alive.elapsed() < SOON, "{:?}", alive.elapsed());
    assert_eq!(close.stats().pongs_received, 3);
    let told = frames(&remote.written());
    assert_eq!(told.iter().map(|(first, _)| *first).collect::<Vec<_>>(), [PING, CLOSE]);
    let seen = remote.seen();
    assert!(seen.reset && seen.dropped && socket.get_ref().is_none());
    // Half the system calls would be plenty.
    assert!(seen.reads < 60, "{} reads", seen.reads);
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
        assert!(remote.seen().reads < 5);
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
        remote.push(&masked(TEXT, "größer".as_bytes()));
        remote.push(&masked(PING, &ping));
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
    assert!(
        written == [&pong[..], &pong, &answer, &pong, &close].concat()
            || written == [&pong[..], &pong, &pong, &answer, &close].concat()
    );
    assert!(socket.close_event().unwrap().was_clean());
    assert_eq!(remote.seen().shut_down_after, Some(written.len()), "its side ends after its last byte");
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
}

#[test]
fn a_slow_application_does_not_look_dead() {
    let (mut socket, remote) = server(beating(20, 40));
    remote.push(&masked(TEXT, b"z").repeat(20));
    for second in 0..20 {
        remote.push(&masked(PING, b"there?"));
        assert_eq!(socket.read(), text("z"));
        let pongs = frames(&remote.written()).iter().filter(|(first, _)| *first == PONG).count();
        assert!(second == 0 || pongs > 0, "{second}");
        pause(millis(11));
    }
    assert_eq!(socket.close_event(), None);
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

#[test]
fn a_server_that_nobody_decides_for_sleeps_until_its_deadline() {
    let mut config = quiet();
    config.decision_timeout = millis(50);
    config.close_timeout = millis(50);
    let (io, remote) = scripted();
    let connection = Connection::server(Arc::new(config), [7; 32], Timestamp::default());
    let mut socket = WebSocket::new(io, connection);
    remote.push(REQUEST.as_bytes());
    remote.push(b"\r\n");
    assert!(matches!(socket.next_event(), Some(Event::Request(_))));
    let asked = now();
    assert!(matches!(socket.next_event(), Some(Event::Closed(_))));
    assert!(asked.elapsed() >= millis(100));
    assert!(remote.written().starts_with(b"HTTP/1.1 503 "));
    let seen = remote.seen();
    assert!(seen.reads < 20 && seen.writes < 20, "{seen:?}");
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
    assert_eq!((remote.seen().writes, remote.seen().reads), (101, 0));
    assert_eq!(frames(&remote.written()).len(), 103);
}

#[test]
fn whoever_only_sends_keeps_a_living_peer_and_finds_a_dead_one() {
    let (mut socket, remote) = server(beating(20, 60));
    let start = now();
    let mut pings = 0;
    while start.elapsed() < millis(300) {
        socket.send("tick").unwrap();
        for (first, payload) in frames(&remote.written()) {
            if first == PING {
                pings += 1;
                remote.push(&masked(PONG, &payload));
                remote.push(&masked(PING, b"and you?"));
            }
        }
        thread::yield_now();
    }
    assert!(pings > 2, "{pings}");
    let stats = socket.stats();
    assert!(stats.pongs_received > 1 && stats.pings_received > 1, "{stats:?}");
    let silent = now();
    let error = loop {
        if let Err(error) = socket.send("tick") {
            break error;
        }
        assert!(silent.elapsed() < SOON);
    };
    assert!(silent.elapsed() < millis(900), "{:?}", silent.elapsed());
    let Error::Closed(close) = error else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
}

#[test]
fn a_peer_that_reads_nothing_is_given_up_though_nobody_reads_its_messages() {
    let mut config = beating(15, 15);
    config.write_stall = Some(millis(100));
    let (mut socket, remote) = server(config);
    remote.set_room(Some(0));
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[7; 1000]));
    }
    let start = now();
    let Err(Error::Closed(close)) = socket.send("never") else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
    assert!(start.elapsed() >= millis(100) && start.elapsed() < SOON);
    assert_eq!(close.unsent_messages(), 1);
    // It waited for room, and did not spin.
    let seen = remote.seen();
    assert!(seen.writes < 50 && seen.reads < 120, "{} writes, {} reads", seen.writes, seen.reads);
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
    remote.push(&masked(TEXT, b"arrives"));
    assert_eq!(socket.read(), text("arrives"));
    remote.set_room(None);
    socket.flush().unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"waits"));
}

#[test]
fn what_a_transport_keeps_back_is_flushed() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    socket.send("secret").unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"secret"));
    // It may take its time.
    remote.block_flush(true);
    let sender = thread::spawn(move || (socket.send("later"), socket));
    remote.until(|state| state.seen.waits > 0);
    remote.block_flush(false);
    let (sent, mut socket) = sender.join().unwrap();
    assert_eq!(sent, Ok(()));
    assert_eq!(remote.written(), frame(TEXT, b"later"));
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
    remote.set_room(Some(5));
    let sender = thread::spawn(move || {
        for _ in 0..10 {
            socket.feed("0123456789").unwrap();
        }
        socket.flush().unwrap();
        socket
    });
    remote.until(|state| state.seen.waits > 1);
    remote.set_room(None);
    let mut socket = sender.join().unwrap();
    assert_eq!(frames(&remote.written()).len(), 10);
    remote.push(&masked(CLOSE, b""));
    remote.end();
    assert_eq!(socket.read(), Ok(None));
    assert!(matches!(socket.feed("late"), Err(Error::Closed(_))));
    assert_eq!(socket.flush(), Ok(()), "nothing was lost");
}

// Closing.

#[test]
fn closing_sends_what_was_accepted() {
    let mut config = quiet();
    config.output_high_water = 10;
    let (mut socket, remote) = server(config);
    remote.set_room(Some(0));
    socket.feed("as full as it gets").unwrap();
    let closing = thread::spawn(move || socket.close(CloseFrame::new(4000, "bye").unwrap()));
    remote.until(|state| state.seen.waits > 1);
    remote.set_room(None);
    remote.push(&masked(TEXT, b"nobody reads this"));
    remote.push(&masked(CLOSE, &close_payload(4000, "")));
    remote.end();
    assert!(closing.join().unwrap().was_clean());
    let written = frames(&remote.written());
    assert_eq!(written[0], (TEXT, b"as full as it gets".to_vec()));
    assert_eq!(written[1], (CLOSE, close_payload(4000, "bye")));
}

#[test]
fn closing_takes_no_longer_than_its_deadline() {
    for behaviour in 0..2 {
        let mut config = quiet();
        config.close_timeout = millis(50);
        let (mut socket, remote) = server(config);
        match behaviour {
            0 => {}
            _ => remote.set_room(Some(0)),
        }
        let start = now();
        let close = socket.close(None);
        assert!(start.elapsed() >= millis(50) && start.elapsed() < SOON);
        assert_eq!(close.cause(), Cause::Deadline(Deadline::Close));
        assert_eq!(socket.read(), Ok(None), "it was told");
        assert_eq!(socket.close(None), close);
        let seen = remote.seen();
        assert!(seen.reset && seen.dropped);
        assert!(seen.reads < 20 && seen.writes < 20, "{seen:?}");
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

    let (io, remote) = scripted();
    remote.push(&request("http://a"));
    remote.end();
    let incoming = accept(io, Arc::new(quiet())).unwrap();
    let close = incoming.reject(&Reject::new(404).unwrap().body("no such room\n")).unwrap();
    assert_eq!(close.cause(), Cause::Rejected(404));
    assert!(remote.written().ends_with(b"no such room\n"));

    let (io, remote) = scripted();
    remote.push(&request("http://a"));
    let incoming = accept(io, Arc::new(quiet())).unwrap();
    let error = incoming.reject(&Reject::new(200).unwrap()).unwrap_err();
    assert_eq!(error, Error::Misuse(Misuse::StatusNotAllowed));
    assert!(remote.written().starts_with(b"HTTP/1.1 503 "));
}

#[test]
fn a_handshake_that_takes_too_long_is_over() {
    let mut config = quiet();
    config.handshake_timeout = millis(30);
    config.close_timeout = millis(30);
    let config = Arc::new(config);
    let (io, remote) = scripted();
    remote.push(&request("http://a")[..50]);
    let Err(Error::Closed(close)) = accept(io, config.clone()) else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Handshake));
    assert!(remote.written().starts_with(b"HTTP/1.1 408 "));

    let (io, remote) = scripted();
    let asking = ClientRequest::new("a", "/").unwrap();
    let Err(Error::Closed(close)) = connect(io, &asking, config) else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Handshake));
    assert!(remote.seen().dropped);
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

    config.close_timeout = SOON;
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
    let start = now();
    assert_eq!(socket.close(None).cause(), Cause::Deadline(Deadline::Close));
    assert!(start.elapsed() < SOON);
    flood.join().unwrap();
}

#[test]
fn heartbeats_keep_two_idle_ends_alive() {
    let (near, far) = tcp_pair();
    let mut client = WebSocket::new(near, upgraded(Role::Client, beating(20, 500)));
    let mut server = WebSocket::new(far, upgraded(Role::Server, beating(20, 500)));
    let peer = thread::spawn(move || (server.read(), server));
    let start = now();
    let mut pongs = 0;
    while pongs < 5 {
        pongs += usize::from(matches!(client.next_event().unwrap(), Event::Pong { .. }));
        assert!(start.elapsed() < SOON);
    }
    client.send("enough").unwrap();
    let (message, server) = peer.join().unwrap();
    assert_eq!(message, text("enough"));
    assert!(server.stats().pings_received >= 5);
}
