//! What goes wrong in the wrong order: failures while bytes wait, while a handshake is under way, while nobody looks.

#[path = "support/open.rs"]
mod open;
#[path = "support/pair.rs"]
mod pair;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use open::quiet;
use pair::{Endpoint, Pair};
use websocket_proto::{
    Cause, ClientRequest, CloseCode, Config, Connection, Deadline, Event, Heartbeat, Message, OriginPolicy,
    Role, SendError, State, Timestamp, Transport, TransportFailure,
};

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_duration(Duration::from_secs(seconds))
}

fn client() -> Endpoint {
    let request =
        ClientRequest::new("localhost", "/").unwrap().header("Authorization", "Bearer 123").unwrap();
    Endpoint::new(Connection::client(&request, Arc::new(quiet()), [1; 32], at(0)))
}

#[test]
fn nothing_is_a_frame_before_the_handshake_is_done() {
    let mut client = client();
    client.connection.write_failed(TransportFailure::BrokenPipe, at(0));
    client.receive(b"", at(0));
    client.receive(b"\x81\x05hello", at(0));
    assert_eq!(client.messages(), []);
    assert!(client.closed().is_some());
}

#[test]
fn a_refusal_that_waits_behind_a_failed_write_is_told_in_any_pieces() {
    let refusal = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 4\r\n\r\nlong";
    for cut in 0..refusal.len() {
        let mut client = client();
        client.connection.write_failed(TransportFailure::Reset, at(0));
        client.receive(&refusal[..cut], at(0));
        client.receive(&refusal[cut..], at(0));
        assert!(
            matches!(&client.events[0], Event::Refused(response) if response.status() == 431),
            "cut at {cut}"
        );
        assert_eq!(client.closed().unwrap().cause(), Cause::Refused(431));
    }
}

#[test]
fn a_refusal_is_told_though_its_body_never_comes() {
    let head = b"HTTP/1.1 403 Forbidden\r\nRetry-After: 5\r\nContent-Length: 5\r\n\r\nab";
    let by_reset = |client: &mut Endpoint| client.connection.read_failed(TransportFailure::Reset, at(1));
    let by_deadline = |client: &mut Endpoint| client.connection.handle_timeout(at(10));
    for end in [&by_reset as &dyn Fn(&mut Endpoint), &by_deadline] {
        let mut client = client();
        client.receive(head, at(0));
        end(&mut client);
        client.run(at(10));
        let Event::Refused(response) = &client.events[0] else { panic!("{:?}", client.events) };
        assert_eq!(
            (response.status(), &response.body()[..], response.body_truncated()),
            (403, &b"ab"[..], true)
        );
        assert_eq!(client.closed().unwrap().cause(), Cause::Refused(403));
    }
}

#[test]
fn what_came_before_a_reset_counts() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.read_failed(TransportFailure::Reset, at(0));
    server.receive(b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xf0", at(0));
    assert_eq!(server.messages(), [Message::from("hi")]);
    let close = server.closed().unwrap();
    assert_eq!(
        (close.code(), close.cause()),
        (CloseCode::POLICY_VIOLATION, Cause::Transport(TransportFailure::Reset))
    );
}

#[test]
fn nothing_is_written_after_a_write_failed() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.send(vec![0; 200_000]).unwrap();
    server.connection.output(at(0)).advance(1000);
    server.connection.close(None, at(0));
    server.connection.write_failed(TransportFailure::BrokenPipe, at(0));
    assert!(!server.connection.wants_write());
    assert!(!server.connection.output(at(0)).has_remaining());
}

#[test]
fn a_pong_may_come_before_the_ping_is_credited() {
    let mut server = Endpoint::upgraded(Role::Server, Config::default());
    server.connection.handle_timeout(at(25));
    let mut taken = server.connection.take(usize::MAX, at(25)).unwrap();
    let ping = taken.copy_to_bytes(10);
    let pong = [&[0x8a, 0x88, 0, 0, 0, 0][..], &ping[2..]].concat();
    server.input.extend_from_slice(&pong);
    let event = server.connection.poll_event(&mut server.input, at(26));
    assert!(matches!(event, Some(Event::Pong { round_trip: Some(SECOND), .. })), "{event:?}");
    server.connection.wrote(10, at(27));
    server.connection.handle_timeout(at(40));
    server.run(at(40));
    assert_eq!(server.connection.state(), State::Open);
}

#[test]
fn who_is_given_up_stays_given_up_while_a_piece_is_out() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.send("stuck").unwrap();
    let taken = server.connection.take(usize::MAX, at(0)).unwrap();
    server.connection.handle_timeout(at(30));
    assert_eq!(server.connection.transport(), Transport::Abort);
    let before = server.connection.stats();
    server.connection.wrote(taken.remaining(), at(31));
    assert_eq!((server.connection.transport(), server.connection.wants_write()), (Transport::Abort, false));
    assert_eq!(server.connection.stats().messages_dropped, before.messages_dropped);
    server.run(at(31));
    assert_eq!(server.closed().unwrap().unsent_messages(), 1);
}

#[test]
fn a_peer_that_is_given_up_is_shown_its_close_frame_once() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.send("stuck").unwrap();
    assert!(server.connection.output(at(0)).has_remaining());
    server.connection.handle_timeout(at(30));
    assert!(server.connection.wants_write());
    let mut attempt = server.connection.output(at(30));
    assert!(attempt.remaining() > 7, "what was begun, and the Close frame");
    // The transport takes the beginning and no more.
    attempt.advance(1);
    assert_eq!(server.connection.transport(), Transport::Abort);
    for _ in 0..2 {
        assert!(!server.connection.output(at(30)).has_remaining());
        assert!(server.connection.take(usize::MAX, at(30)).is_none());
    }
    assert_eq!((server.connection.buffered(), server.connection.wants_write()), (0, false));
}

#[test]
fn a_close_frame_that_was_written_is_told_as_sent() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.send("stuck").unwrap();
    assert!(server.connection.output(at(0)).has_remaining());
    server.connection.handle_timeout(at(30));
    let mut output = server.connection.output(at(30));
    let all = output.remaining();
    output.advance(all);
    server.run(at(30));
    let close = server.closed().unwrap();
    assert_eq!((close.sent(), close.unsent_messages()), (Some(CloseCode::INTERNAL_ERROR), 1));
}

#[test]
fn silence_before_the_connection_is_open_is_the_handshakes() {
    let mut config = quiet();
    config.inbound_idle = Some(5 * SECOND);
    let now = at(0);
    let mut client = client();
    client.run(now);
    let mut server = Connection::server(Arc::new(config), [2; 32], now);
    let mut input = BytesMut::from(&client.written[..]);
    assert!(matches!(server.poll_event(&mut input, now), Some(Event::Request(_))));
    server.accept(&websocket_proto::Accept::new(OriginPolicy::Any), at(8)).unwrap();
    server.handle_timeout(at(8));
    assert_eq!(server.poll_event(&mut input, at(8)), None);
    assert_eq!((server.state(), server.poll_timeout()), (State::Open, Some(at(13))));
}

#[test]
fn a_sleep_of_ours_is_blamed_on_nobody_once() {
    let hour = Duration::from_secs(3600);
    // A message under way.
    let mut pair = Pair::with(&quiet());
    let now = pair.now;
    pair.server.receive(b"\x01\x81\0\0\0\0x", now);
    pair.sleep(hour);
    assert_eq!(pair.server.connection.state(), State::Open);
    let now = pair.now;
    pair.server.receive(b"\x80\x81\0\0\0\0y", now);
    assert_eq!(pair.server.messages(), [Message::from("xy")]);

    // Output that was offered.
    pair.server.connection.send("offered").unwrap();
    assert!(pair.server.connection.output(pair.now).has_remaining());
    pair.server.blocked = true;
    pair.sleep(hour);
    assert_eq!(pair.server.connection.state(), State::Open);
    pair.server.blocked = false;
    pair.run();
    assert_eq!(pair.client.messages(), [Message::from("offered")]);

    // Silence that is not wanted, and goes on.
    let mut config = quiet();
    config.inbound_idle = Some(7 * SECOND);
    let mut pair = Pair::open(quiet(), config);
    pair.sleep(hour);
    assert_eq!(pair.server.connection.state(), State::Open);
    pair.advance(5 * SECOND);
    let close = pair.server.closed().unwrap();
    assert_eq!(close.cause(), Cause::Deadline(Deadline::InboundIdle));
    assert_eq!(close.local_stall(), Some(hour - 7 * SECOND));
}

#[test]
fn while_nobody_listens_the_clock_of_silence_stands_still() {
    let mut config = Config::default();
    config.inbound_idle = Some(50 * SECOND);
    let mut server = Endpoint::upgraded(Role::Server, config);
    server.receive(b"\x01\x81\0\0\0\0x", at(0));
    server.connection.handle_timeout(at(25));
    server.run(at(25));
    server.connection.set_reading(false, at(30));
    assert!(!server.connection.wants_read());
    for second in 31..330 {
        server.connection.handle_timeout(at(second));
        server.run(at(second));
    }
    assert_eq!(server.connection.state(), State::Open);
    assert!(server.connection.stats().pings_sent > 10, "a proxy in between still sees us");
    server.connection.set_reading(true, at(330));
    // The last Ping went out at 325, and from 330 on its Pong could have been heard.
    assert_eq!(server.connection.poll_timeout(), Some(at(340)));
}

#[test]
fn an_answer_that_was_written_is_not_reset() {
    let mut server = Endpoint::new(Connection::server(Arc::new(quiet()), [2; 32], at(0)));
    server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", at(0));
    assert_eq!(server.connection.transport(), Transport::HalfClose);
    server.connection.handle_timeout(at(5));
    server.run(at(5));
    assert_eq!(server.connection.transport(), Transport::Close);
}

#[test]
fn a_long_answer_may_take_its_time_as_long_as_it_moves() {
    let mut config = quiet();
    config.http_requests = true;
    let mut server = Endpoint::new(Connection::server(Arc::new(config), [2; 32], at(0)));
    server.blocked = true;
    server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", at(0));
    let page = websocket_proto::Reject::new(200).unwrap().body(vec![b'x'; 100_000]);
    server.connection.reject(&page, at(0)).unwrap();
    for step in 1..=17 {
        let mut output = server.connection.output(at(4 * step));
        let some = output.remaining().min(6000);
        output.advance(some);
        server.connection.handle_timeout(at(4 * step));
        server.run(at(4 * step));
    }
    assert_eq!(server.connection.transport(), Transport::HalfClose);
}

#[test]
fn one_ping_at_a_time_is_timed() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.ping(b"a").unwrap();
    assert!(server.connection.output(at(0)).has_remaining());
    assert_eq!(server.connection.ping(b"b"), Err(SendError::Full(())), "the first is not written");
    server.run(at(0));
    server.connection.ping(b"b").unwrap();
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let mut client = client();
    let taken = client.connection.take(usize::MAX, at(0)).unwrap();
    for shown in [format!("{:?}", client.connection), format!("{taken:?}")] {
        assert!(!shown.contains("Bearer") && !shown.contains("66, 101, 97"), "{shown}");
    }
}

#[test]
fn extreme_settings_still_work() {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(Duration::ZERO, Duration::ZERO));
    config.output_high_water = 0;
    config.max_outgoing_frame = 0;
    let mut pair = Pair::with(&config);
    pair.client.connection.send(vec![1; 1000]).unwrap();
    pair.run();
    assert_eq!(pair.server.messages(), [Message::from(vec![1; 1000])]);
    assert_eq!(pair.client.connection.state(), State::Open);
}

#[test]
fn a_respite_is_not_renewed_by_bytes_that_do_not_help() {
    // Output that nobody takes, from a peer that goes on sending; and a message that comes byte by byte.
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.send("nobody takes this").unwrap();
    assert!(server.connection.output(at(0)).has_remaining());
    server.blocked = true;
    server.receive(b"\x01\xfe\x10\0\0\0\0\0", at(0));
    server.connection.handle_timeout(at(3600));
    for second in 3600..3605 {
        server.receive(b"x", at(second));
        assert!(server.connection.poll_timeout().is_some_and(|due| due > at(second)));
        assert_eq!(server.connection.state(), State::Open);
    }
    server.connection.handle_timeout(at(3605));
    server.run(at(3605));
    assert_eq!(server.closed().unwrap().cause(), Cause::Deadline(Deadline::WriteStall));

    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.receive(b"\x01\xfe\x10\0\0\0\0\0", at(0));
    for second in 3600..=3605 {
        server.connection.handle_timeout(at(second));
        server.receive(b"x", at(second));
    }
    server.connection.end_of_input(at(3605));
    server.run(at(3605));
    assert_eq!(server.closed().unwrap().cause(), Cause::Deadline(Deadline::UnfinishedMessage));
}
