//! The life of a connection, told by what both applications see.

#[path = "support/open.rs"]
mod open;
#[path = "support/pair.rs"]
mod pair;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use open::quiet;
use pair::{Endpoint, Pair};
use websocket_proto::{
    Accept, Cause, ClientRequest, CloseCode, CloseFrame, Config, Connection, Deadline, Event, HandshakeError,
    Heartbeat, Limit, Message, MessageKinds, Misuse, OriginPolicy, Reject, Role, SendError, Side, State,
    StreamPosition, Timestamp, Transport, TransportFailure, Violation,
};

const SECOND: Duration = Duration::from_secs(1);

/// A masked frame as a client sends it, with a key of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame(first, payload);
    frame[1] |= 0x80;
    let header = frame.len() - payload.len();
    frame.splice(header..header, [0; 4]);
    frame
}

/// A frame as a server sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(len as u8),
        len => {
            frame.push(126);
            frame.extend_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// An open server that was sent these bytes, and what it then did.
fn server_given(config: Config, bytes: &[u8]) -> Endpoint {
    let mut server = Endpoint::upgraded(Role::Server, config);
    server.receive(bytes, Timestamp::default());
    server
}

#[test]
fn a_whole_life() {
    let mut pair = Pair::connecting(quiet(), quiet());
    assert_eq!(pair.client.connection.state(), State::Connecting);
    pair.run();
    let Event::Open(response) = &pair.client.events[0] else { panic!("{:?}", pair.client.events) };
    assert_eq!(response.status(), 101);
    assert_eq!(pair.server.connection.state(), State::Open);

    pair.client.connection.send("hello").unwrap();
    pair.server.connection.send(vec![1, 2, 3]).unwrap();
    pair.run();
    assert_eq!(pair.server.messages(), [Message::from("hello")]);
    assert_eq!(pair.client.messages(), [Message::from(vec![1, 2, 3])]);

    let now = pair.now;
    pair.client.connection.close(CloseFrame::new(4000, "bye").unwrap(), now);
    assert_eq!(pair.client.connection.state(), State::Closing);
    pair.run();
    for (endpoint, first) in [(&pair.client, Side::Local), (&pair.server, Side::Remote)] {
        let close = endpoint.closed().expect("closed");
        assert_eq!(
            (close.code().as_u16(), close.was_clean(), close.cause()),
            (4000, true, Cause::ClosingHandshake)
        );
        assert_eq!(close.closed_first_by(), Some(first));
        assert_eq!(
            (close.sent(), close.received()),
            (Some(CloseCode::new(4000)), Some(CloseCode::new(4000)))
        );
        assert_eq!(endpoint.connection.state(), State::Closed);
        assert_eq!(endpoint.connection.transport(), Transport::Close);
    }
    assert_eq!(pair.server.closed().unwrap().reason(), "bye");
    assert_eq!(pair.server.connection.stats().messages_received, 1);
    assert_eq!(pair.client.connection.stats().messages_sent, 1);
}

#[test]
fn the_server_ends_the_transport_and_the_client_waits_for_it() {
    let mut pair = Pair::with(&quiet());
    let now = pair.now;
    pair.server.connection.close(None, now);
    pair.server.run(now);
    pair.client.receive(&frame(0x88, &[]), now);
    assert_eq!(pair.client.connection.transport(), Transport::Open);
    assert!(pair.client.closed().is_none(), "the client waits for the end of the stream");
    pair.server.receive(&masked(0x88, &[]), now);
    assert_eq!(pair.server.connection.transport(), Transport::HalfClose);
    assert!(pair.server.closed().is_none());

    pair.client.connection.end_of_input(now);
    pair.client.run(now);
    assert_eq!(pair.client.closed().unwrap().code(), CloseCode::NO_STATUS);
    assert!(pair.client.closed().unwrap().was_clean());

    // The server's deadline serves where the client keeps its side open.
    pair.now = now.saturating_add(5 * SECOND);
    pair.server.connection.handle_timeout(pair.now);
    pair.server.run(pair.now);
    assert!(pair.server.closed().unwrap().was_clean());
    assert_eq!(pair.server.connection.transport(), Transport::Close);
}

#[test]
fn each_violation_fails_the_connection_and_is_told() {
    let long = [0xaa; 126];
    let table: Vec<(Vec<u8>, Violation)> = vec![
        (masked(0xc1, b"x"), Violation::UnagreedCompression),
        (masked(0xc0, b"x"), Violation::ReservedBits),
        (masked(0xc9, b"x"), Violation::ReservedBits),
        (masked(0xe1, b"x"), Violation::ReservedBits),
        (masked(0x83, b"x"), Violation::ReservedOpcode(3)),
        (masked(0x8f, b""), Violation::ReservedOpcode(15)),
        (frame(0x81, b"x"), Violation::Unmasked),
        (masked(0x89, &long), Violation::ControlTooLong),
        (masked(0x09, b"x"), Violation::ControlFragmented),
        (masked(0x80, b"x"), Violation::UnexpectedContinuation),
        ([masked(0x01, b"a"), masked(0x81, b"b")].concat(), Violation::ExpectedContinuation),
        (masked(0x81, &[0xff]), Violation::InvalidUtf8),
        ([masked(0x01, &[0xc3]), masked(0x80, &[0x28])].concat(), Violation::InvalidUtf8),
        (masked(0x88, &[3]), Violation::CloseTooShort),
        (masked(0x88, &close_payload(1005, "")), Violation::CloseCode(CloseCode::NO_STATUS)),
        (masked(0x88, &[3, 0xe8, 0xff]), Violation::CloseReason),
        (vec![0x82, 0xfe, 0, 125], Violation::LengthNotMinimal),
        (vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Violation::LengthOverflow),
    ];
    for (bytes, violation) in table {
        let mut server = server_given(quiet(), &bytes);
        let expected = frame(0x88, &close_payload(violation.close_code().as_u16(), &violation.to_string()));
        assert_eq!(server.written, expected, "{violation}");
        assert_eq!(server.connection.transport(), Transport::HalfClose, "{violation}");

        // What follows is not parsed, and the end of the stream is the end.
        server.receive(&masked(0x81, b"late"), Timestamp::default());
        server.connection.end_of_input(Timestamp::default());
        server.run(Timestamp::default());
        let close = server.closed().expect("closed");
        assert_eq!(close.cause(), Cause::Violation(violation));
        assert_eq!((close.code(), close.was_clean()), (CloseCode::ABNORMAL, false));
        assert_eq!(close.sent(), Some(violation.close_code()));
        assert_eq!(server.messages(), []);
    }
}

#[test]
fn a_client_refuses_masked_frames() {
    let mut client = Endpoint::upgraded(Role::Client, quiet());
    client.receive(&masked(0x81, b"x"), Timestamp::default());
    client.connection.end_of_input(Timestamp::default());
    client.run(Timestamp::default());
    assert_eq!(client.closed().unwrap().cause(), Cause::Violation(Violation::Masked));
}

#[test]
fn text_fails_inside_its_frame_as_soon_as_it_cannot_be_mended() {
    // A frame of a thousand bytes, of which three have come.
    let bytes = [0x81, 0xfe, 0x03, 0xe8, 0, 0, 0, 0, 0xed, 0xa0];
    let server = server_given(quiet(), &bytes);
    assert!(server.written.starts_with(&[0x88]), "told at once");
}

#[test]
fn limits_hold_at_their_value_and_not_one_below() {
    let limits = |set: fn(&mut Config)| {
        let mut config = quiet();
        set(&mut config);
        config
    };
    let by_message = || limits(|config| config.max_message_size = Some(4));
    let by_frame = || limits(|config| config.max_frame_size = Some(4));
    let by_fragments = || limits(|config| config.max_fragments = Some(2));
    let table: Vec<(Config, Vec<u8>, Option<Limit>)> = vec![
        (by_message(), masked(0x82, b"1234"), None),
        (by_message(), masked(0x82, b"12345"), Some(Limit::MessageSize(4))),
        (by_message(), [masked(0x02, b"12"), masked(0x80, b"34")].concat(), None),
        (by_message(), [masked(0x02, b"123"), masked(0x80, b"45")].concat(), Some(Limit::MessageSize(4))),
        (by_frame(), [masked(0x02, b"1234"), masked(0x80, b"1234")].concat(), None),
        (by_frame(), masked(0x82, b"12345"), Some(Limit::FrameSize(4))),
        (by_fragments(), [masked(0x02, b""), masked(0x80, b"")].concat(), None),
        (
            by_fragments(),
            [masked(0x02, b""), masked(0x00, b""), masked(0x80, b"")].concat(),
            Some(Limit::Fragments(2)),
        ),
        // Judged by the header: not one byte of the payload has come.
        (
            by_message(),
            vec![0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
            Some(Limit::MessageSize(4)),
        ),
    ];
    for (config, bytes, limit) in table {
        let mut server = server_given(config, &bytes);
        match limit {
            None => assert_eq!(server.messages().len(), 1, "{bytes:x?}"),
            Some(limit) => {
                let told = frame(0x88, &close_payload(1009, &limit.to_string()));
                assert_eq!(server.written, told, "{limit}");
                server.connection.end_of_input(Timestamp::default());
                server.run(Timestamp::default());
                assert_eq!(server.closed().unwrap().cause(), Cause::Limit(limit));
            }
        }
    }
}

#[test]
fn a_kind_that_is_not_accepted_is_1003() {
    let mut config = quiet();
    config.accept_kinds = MessageKinds::Text;
    let server = server_given(config.clone(), &masked(0x82, b"x"));
    assert_eq!(&server.written[2..4], &1003_u16.to_be_bytes());
    assert_eq!(server_given(config, &masked(0x81, b"x")).messages(), [Message::from("x")]);
}

#[test]
fn an_end_of_stream_is_told_apart_by_where_it_comes() {
    let table: [(&[u8], StreamPosition); 5] = [
        (&[], StreamPosition::BetweenMessages),
        (&[0x81], StreamPosition::InsideFrame),
        (&[0x81, 0x82, 0, 0, 0, 0, b'a'], StreamPosition::InsideFrame),
        (&[0x01, 0x80, 0, 0, 0, 0], StreamPosition::InsideMessage),
        (&[0x81, 0x80, 0, 0, 0, 0], StreamPosition::BetweenMessages),
    ];
    for (bytes, position) in table {
        let mut server = server_given(quiet(), bytes);
        server.connection.end_of_input(Timestamp::default());
        server.run(Timestamp::default());
        let close = server.closed().expect("closed");
        assert_eq!(close.cause(), Cause::EndOfStream(position));
        assert_eq!((close.code(), close.was_clean()), (CloseCode::ABNORMAL, false));
        assert_eq!(server.connection.transport(), Transport::Close);
    }
}

#[test]
fn the_end_of_the_stream_counts_after_what_came_before_it() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    let now = Timestamp::default();
    server.connection.end_of_input(now);
    server.receive(&[masked(0x81, b"last"), masked(0x88, &close_payload(1000, ""))].concat(), now);
    assert_eq!(server.messages(), [Message::from("last")]);
    let close = server.closed().expect("both Close frames and the end");
    assert_eq!((close.code(), close.was_clean()), (CloseCode::NORMAL, true));
}

#[test]
fn a_close_goes_after_what_was_accepted_and_a_pong_before() {
    let mut pair = Pair::with(&quiet());
    let now = pair.now;
    // So much is framed at once; what comes behind it waits as it is.
    let ahead = vec![7; 64 * 1024];
    pair.server.connection.send(ahead.clone()).unwrap();
    pair.server.connection.send("one").unwrap();
    pair.server.connection.send("two").unwrap();
    pair.server.input.extend_from_slice(&masked(0x89, b"?"));
    pair.server.connection.close(None, now);
    assert_eq!(pair.server.connection.send("three"), Err(SendError::NotOpen(State::Closing, "three".into())));
    pair.server.written.clear();
    pair.server.run(now);
    let expected = [frame(0x8a, b"?"), frame(0x81, b"one"), frame(0x81, b"two"), frame(0x88, b"")].concat();
    assert_eq!(pair.server.written[10 + ahead.len()..], expected);
}

#[test]
fn control_frames_pass_between_the_frames_of_a_large_message() {
    let mut config = quiet();
    config.max_outgoing_frame = 70_000;
    let mut server = Endpoint::upgraded(Role::Server, config);
    let now = Timestamp::default();
    server.connection.send(vec![7; 100_000]).unwrap();
    let mut output = server.connection.output(now);
    let mut first = output.copy_to_bytes(10);
    assert_eq!(first.get_u8(), 0x02);
    server.receive(&masked(0x89, b"now"), now);
    let written = &server.written[70_000..];
    assert_eq!(&written[..5], frame(0x8a, b"now"), "behind the frame that was shown, before the next");
    assert_eq!(written[5], 0x80);
}

#[test]
fn a_flood_of_pings_needs_fixed_memory() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.blocked = true;
    let now = Timestamp::default();
    for index in 0..1000_u16 {
        server.receive(&masked(0x89, &index.to_be_bytes()), now);
    }
    server.blocked = false;
    server.run(now);
    let first: Vec<u8> = (0..15_u16).flat_map(|index| frame(0x8a, &index.to_be_bytes())).collect();
    assert_eq!(server.written, [first, frame(0x8a, &999_u16.to_be_bytes())].concat());
}

#[test]
fn a_full_queue_gives_the_message_back() {
    let mut config = quiet();
    config.output_high_water = 100;
    let mut server = Endpoint::upgraded(Role::Server, config);
    server.connection.send(vec![0; 9]).unwrap();
    assert_eq!(server.connection.send_capacity(), 100 - (2 + 9) - 64);
    server.connection.send(vec![1; 100]).unwrap();
    assert_eq!(server.connection.buffered(), (2 + 9) + (2 + 100));
    let refused = server.connection.send("more").unwrap_err();
    assert_eq!(refused, SendError::Full(Message::from("more")));
    server.run(Timestamp::default());
    assert_eq!(server.connection.buffered(), 0);
    server.connection.send(refused.into_inner()).unwrap();
}

#[test]
fn empty_messages_fill_the_queue_too() {
    let mut config = quiet();
    config.output_high_water = 100 * (2 + 64);
    let mut server = Endpoint::upgraded(Role::Server, config);
    for _ in 0..100 {
        server.connection.send("").unwrap();
    }
    assert_eq!(server.connection.send("").unwrap_err(), SendError::Full(Message::from("")));
    server.run(Timestamp::default());
    server.connection.send("").unwrap();
}

#[test]
fn a_violation_answers_what_came_before_it_and_drops_what_no_write_would_have_taken() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    let now = Timestamp::default();
    for _ in 0..4 {
        server.connection.send(vec![7; 60_000]).unwrap();
    }
    server.receive(&frame(0x81, b"unmasked"), now);
    server.connection.end_of_input(now);
    server.run(now);
    let close = server.closed().unwrap();
    assert_eq!((close.stats().messages_sent, close.unsent_messages()), (2, 2));
    assert!(
        server.written.ends_with(Violation::Unmasked.to_string().as_bytes()),
        "the Close frame is the last"
    );
}

#[test]
fn a_failed_write_is_not_the_end() {
    let mut pair = Pair::with(&quiet());
    let now = pair.now;
    pair.client.connection.send("into the void").unwrap();
    pair.client.connection.write_failed(TransportFailure::BrokenPipe, now);
    pair.client.run(now);
    assert!(pair.client.closed().is_none(), "the peer's Close may wait unread");
    pair.client.receive(&frame(0x88, &close_payload(1008, "policy")), now);
    let close = pair.client.closed().expect("nothing is left to write or read");
    assert_eq!(
        (close.code(), close.reason(), close.was_clean()),
        (CloseCode::POLICY_VIOLATION, "policy", false)
    );
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::BrokenPipe));
    assert_eq!(close.unsent_messages(), 1);

    // Without one, the close deadline ends it.
    pair.server.connection.write_failed(TransportFailure::Reset, now);
    pair.cut = true;
    pair.advance(5 * SECOND);
    assert_eq!(pair.server.closed().unwrap().cause(), Cause::Transport(TransportFailure::Reset));
}

#[test]
fn an_answer_that_comes_in_pieces_after_a_failed_write_is_read_as_an_answer() {
    let now = Timestamp::default();
    let request = ClientRequest::new("example.com", "/").unwrap();
    let mut client = Endpoint::new(Connection::client(&request, Arc::new(quiet()), [1; 32], now));
    client.connection.write_failed(TransportFailure::Reset, now);
    for byte in b"HTTP/1.1 431 Too Large\r\nContent-Length: 2\r\n\r\n\x81\x00" {
        client.receive(&[*byte], now);
    }
    let Event::Refused(response) = &client.events[0] else { panic!("{:?}", client.events) };
    assert_eq!((response.status(), &response.body()[..]), (431, &b"\x81\x00"[..]));
    assert_eq!(client.messages(), []);
    assert!(client.closed().is_some());
}

#[test]
fn nothing_is_written_after_a_failed_write() {
    let now = Timestamp::default();
    let close = masked(0x88, &close_payload(1001, ""));
    let what_would_be_answered = [close, masked(0x89, b"ping"), frame(0x81, b"not masked")];
    for bytes in what_would_be_answered {
        for closes_first in [false, true] {
            let mut server = Endpoint::upgraded(Role::Server, quiet());
            if closes_first {
                server.connection.close(None, now);
            }
            server.connection.write_failed(TransportFailure::BrokenPipe, now);
            server.receive(&bytes, now);
            assert_eq!(server.written, b"", "{bytes:x?}");
            assert!(!server.connection.wants_write());
        }
    }

    let mut server = Endpoint::new(Connection::server(Arc::new(quiet()), [2; 32], now));
    server.connection.write_failed(TransportFailure::BrokenPipe, now);
    server.receive(b"POST / HTTP/1.1\r\n\r\n", now);
    assert_eq!(server.written, b"");
}

#[test]
fn a_peer_that_was_given_up_is_not_told_why_where_the_transport_failed() {
    for failed_to_write in [true, false] {
        let mut server = Endpoint::upgraded(Role::Server, Config::default());
        server.connection.send("nobody takes this").unwrap();
        let _ = server.connection.output(Timestamp::default());
        let now = Timestamp::from_duration(30 * SECOND);
        server.connection.handle_timeout(now);
        assert_eq!(server.connection.transport(), Transport::Open, "one write attempt is left");
        if failed_to_write {
            server.connection.write_failed(TransportFailure::BrokenPipe, now);
        } else {
            server.connection.read_failed(TransportFailure::Reset, now);
        }
        assert_eq!(server.connection.transport(), Transport::Abort);
        server.run(now);
        assert_eq!(server.written, b"");
        assert_eq!(server.closed().unwrap().cause(), Cause::Deadline(Deadline::WriteStall));
    }
}

#[test]
fn what_was_counted_as_dropped_is_not_counted_as_sent_later() {
    let (now, later) = (Timestamp::default(), Timestamp::from_duration(30 * SECOND));
    for taken_before in [true, false] {
        let mut server = Endpoint::upgraded(Role::Server, quiet());
        server.connection.send("slow").unwrap();
        let taken = if taken_before {
            server.connection.take(usize::MAX, now)
        } else {
            assert!(server.connection.output(now).has_remaining());
            None
        };
        server.connection.handle_timeout(later);
        let taken = taken.or_else(|| server.connection.take(usize::MAX, later)).unwrap();
        assert_eq!(server.connection.transport(), Transport::Abort);
        let Some(Event::Closed(close)) = server.connection.poll_event(&mut server.input, later) else {
            panic!()
        };
        assert_eq!(close.unsent_messages(), 1);

        server.connection.wrote(taken.remaining(), later);
        let stats = server.connection.stats();
        assert_eq!((stats.messages_sent, stats.messages_dropped), (0, 1), "{taken_before}");
        assert_eq!(stats.messages_in_doubt, 1, "{taken_before}");
        assert_eq!(server.connection.transport(), Transport::Abort);
        assert!(!server.connection.wants_write());
    }
}

#[test]
fn a_reset_while_reading_is_the_end() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    server.connection.read_failed(TransportFailure::Reset, Timestamp::default());
    server.run(Timestamp::default());
    assert_eq!(server.closed().unwrap().cause(), Cause::Transport(TransportFailure::Reset));
    assert_eq!(server.connection.transport(), Transport::Abort);
}

#[test]
fn bytes_taken_keep_their_order_and_only_one_piece_is_out() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    let now = Timestamp::default();
    server.connection.send(vec![7; 2000]).unwrap();
    let mut taken = server.connection.take(1000, now).unwrap();
    server.input.extend_from_slice(&masked(0x89, b"!"));
    assert!(server.connection.poll_event(&mut server.input, now).is_some());
    assert!(server.connection.take(1000, now).is_none());
    assert!(!server.connection.output(now).has_remaining());
    server.connection.wrote(999, now);
    assert!(server.connection.take(1000, now).is_none(), "one byte is not credited yet");
    server.connection.wrote(1, now);
    let mut bytes = taken.copy_to_bytes(taken.remaining()).to_vec();
    server.run(now);
    bytes.extend_from_slice(&server.written);
    assert_eq!(bytes, [frame(0x82, &[7; 2000]), frame(0x8a, b"!")].concat());
}

#[test]
fn pings_and_pongs_are_matched() {
    let mut pair = Pair::with(&quiet());
    pair.client.connection.ping(b"one").unwrap();
    assert_eq!(pair.client.connection.ping(b"two"), Err(SendError::Full(())));
    assert_eq!(pair.client.connection.ping(&[0; 126]), Err(SendError::ControlTooLong(())));
    let now = pair.now;
    pair.client.run(now);
    pair.now = now.saturating_add(SECOND);
    pair.run();
    assert_eq!(pair.server.events, [Event::Ping(Bytes::from("one"))]);
    let pong = Event::Pong { payload: Bytes::from("one"), round_trip: Some(SECOND) };
    assert_eq!(pair.client.events, [pong]);
    assert_eq!(pair.client.connection.stats().round_trip, Some(SECOND));

    pair.server.connection.pong(b"unasked").unwrap();
    pair.run();
    let pong = Event::Pong { payload: Bytes::from("unasked"), round_trip: None };
    assert_eq!(pair.client.events.last(), Some(&pong));
}

#[test]
fn automatic_pongs_can_be_switched_off() {
    let mut config = quiet();
    config.automatic_pong = false;
    let mut server = server_given(config, &masked(0x89, b"?"));
    assert_eq!(server.written, []);
    server.connection.pong(b"?").unwrap();
    server.run(Timestamp::default());
    assert_eq!(server.written, frame(0x8a, b"?"));
}

#[test]
fn a_heartbeat_keeps_an_idle_connection_and_finds_a_dead_peer() {
    let mut pair = Pair::with(&Config::default());
    pair.advance(600 * SECOND);
    assert_eq!((pair.client.connection.state(), pair.server.connection.state()), (State::Open, State::Open));
    let pings = pair.client.connection.stats().pings_sent + pair.server.connection.stats().pings_sent;
    assert!((24..=48).contains(&pings), "{pings} pings in 24 intervals");

    let heartbeat = Heartbeat::default();
    pair.cut = true;
    let since = pair.now;
    pair.advance(heartbeat.interval + heartbeat.margin);
    for endpoint in [&pair.client, &pair.server] {
        let close = endpoint.closed().expect("found within interval and margin");
        assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
        assert_eq!(endpoint.connection.transport(), Transport::Abort);
        assert_eq!(close.local_stall(), None);
    }
    assert!(pair.server.written.ends_with(b"no sign of life after a ping"), "one attempt to say why");
    assert!(pair.now.saturating_duration_since(since) <= heartbeat.interval + heartbeat.margin);
}

#[test]
fn one_way_traffic_is_pinged_too_since_proxies_watch_each_direction() {
    let mut pair = Pair::with(&Config::default());
    for _ in 0..60 {
        pair.server.connection.send("tick").unwrap();
        pair.advance(SECOND);
    }
    assert!(pair.client.connection.stats().pings_sent >= 2, "the client sends nothing by itself");
}

#[test]
fn any_byte_after_the_ping_is_a_sign_of_life() {
    let mut server = Endpoint::upgraded(Role::Server, Config::default());
    let at = |seconds: u64| Timestamp::from_duration(Duration::from_secs(seconds));
    server.connection.handle_timeout(at(25));
    server.run(at(25));
    assert_eq!(server.connection.stats().pings_sent, 1);
    // The header of a large frame, then nothing: the pong cannot overtake it.
    server.receive(&[0x82], at(34));
    server.connection.handle_timeout(at(35));
    server.run(at(35));
    assert_eq!(server.connection.state(), State::Open);
}

#[test]
fn our_own_stall_is_not_blamed_on_the_peer() {
    let mut pair = Pair::with(&Config::default());
    pair.cut = true;
    pair.advance(25 * SECOND);
    let due = pair.client.connection.poll_timeout().expect("a verdict is due");
    pair.sleep(20 * SECOND);
    assert_eq!(pair.client.connection.state(), State::Open, "ten seconds late: a respite");
    let late = pair.now.saturating_duration_since(due);
    pair.advance(5 * SECOND);
    let close = pair.client.closed().expect("granted once");
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
    assert_eq!(close.local_stall(), Some(late));
}

#[test]
fn each_deadline_ends_what_it_is_for() {
    // The peer's part of the opening handshake, byte by byte just in time.
    let mut pair = Pair::connecting(quiet(), quiet());
    pair.cut = true;
    pair.advance(10 * SECOND);
    assert_eq!(pair.client.closed().unwrap().cause(), Cause::Deadline(Deadline::Handshake));
    assert!(pair.server.written.starts_with(b"HTTP/1.1 408 "));
    pair.advance(5 * SECOND);
    assert_eq!(pair.server.closed().unwrap().cause(), Cause::Deadline(Deadline::Handshake));

    // A message that never finishes.
    let mut pair = Pair::with(&quiet());
    let now = pair.now;
    pair.server.receive(&masked(0x01, b"begun"), now);
    pair.advance(59 * SECOND);
    let now = pair.now;
    pair.server.receive(&masked(0x00, b"goes on"), now);
    pair.advance(SECOND);
    assert_eq!(pair.client.closed().unwrap().code(), CloseCode::POLICY_VIOLATION);
    assert_eq!(pair.server.closed().unwrap().cause(), Cause::Deadline(Deadline::UnfinishedMessage));

    // A transport that takes nothing.
    let mut pair = Pair::with(&quiet());
    let now = pair.now;
    pair.server.connection.send("stuck").unwrap();
    pair.server.blocked = true;
    assert!(pair.server.connection.output(now).has_remaining());
    pair.advance(30 * SECOND);
    let close = pair.server.closed().unwrap();
    assert_eq!((close.cause(), close.unsent_messages()), (Cause::Deadline(Deadline::WriteStall), 1));

    // Silence, where it is not wanted.
    let mut config = quiet();
    config.inbound_idle = Some(7 * SECOND);
    let mut pair = Pair::open(quiet(), config);
    pair.advance(7 * SECOND);
    assert_eq!(pair.client.closed().unwrap().code(), CloseCode::GOING_AWAY);
    assert_eq!(pair.server.closed().unwrap().cause(), Cause::Deadline(Deadline::InboundIdle));

    // A closing handshake without an answer.
    let mut pair = Pair::with(&quiet());
    pair.cut = true;
    let now = pair.now;
    pair.client.connection.close(None, now);
    pair.advance(5 * SECOND);
    let close = pair.client.closed().unwrap();
    assert_eq!((close.code(), close.cause()), (CloseCode::ABNORMAL, Cause::Deadline(Deadline::Close)));
    assert_eq!(pair.client.connection.transport(), Transport::Abort);
}

#[test]
fn a_deadline_counts_after_what_came_before_it() {
    let mut server = Endpoint::upgraded(Role::Server, Config::default());
    let at = |seconds: u64| Timestamp::from_duration(Duration::from_secs(seconds));
    server.connection.handle_timeout(at(25));
    server.run(at(25));
    server.connection.handle_timeout(at(35));
    assert_eq!(server.connection.poll_timeout(), None, "the verdict waits for the next poll");
    server.receive(&masked(0x81, b"here I am"), at(35));
    assert_eq!(server.connection.state(), State::Open);
    assert_eq!(server.messages(), [Message::from("here I am")]);
}

#[test]
fn time_does_not_run_backwards() {
    let mut pair = Pair::with(&Config::default());
    pair.advance(20 * SECOND);
    let next = pair.client.connection.poll_timeout();
    pair.client.connection.handle_timeout(Timestamp::default());
    pair.client.receive(&frame(0x81, b"x"), Timestamp::default());
    assert!(pair.client.connection.poll_timeout() >= next);
}

#[test]
fn closing_before_it_is_open_fails_the_opening() {
    let mut pair = Pair::connecting(quiet(), quiet());
    let now = pair.now;
    pair.client.connection.close(None, now);
    pair.server.connection.close(None, now);
    pair.client.run(now);
    pair.server.run(now);
    let close = pair.client.closed().unwrap();
    assert_eq!((close.code(), close.cause()), (CloseCode::ABNORMAL, Cause::ClosedWhileConnecting));
    assert!(pair.server.written.starts_with(b"HTTP/1.1 503 "));
    assert_eq!(pair.server.connection.transport(), Transport::HalfClose);
}

#[test]
fn both_sides_know_the_subprotocol() {
    let now = Timestamp::default();
    let config = Arc::new(quiet());
    let request =
        ClientRequest::new("localhost", "/").unwrap().subprotocol("a").unwrap().subprotocol("b").unwrap();
    let mut client = Connection::client(&request, config.clone(), [1; 32], now);
    let mut server = Connection::server(config, [2; 32], now);
    let mut input = BytesMut::new();
    input.put(client.output(now));
    let Some(Event::Request(request)) = server.poll_event(&mut input, now) else { panic!("no request") };
    let chosen = request.select_subprotocol(&["c", "b", "a"]).unwrap();
    let unoffered = Accept::new(OriginPolicy::Any).subprotocol("c").unwrap();
    assert_eq!(server.accept(&unoffered, now), Err(Misuse::SubprotocolNotOffered));
    server.accept(&Accept::new(OriginPolicy::Any).subprotocol(chosen).unwrap(), now).unwrap();
    input.put(server.output(now));
    let Some(Event::Open(response)) = client.poll_event(&mut input, now) else { panic!("not open") };
    assert_eq!(response.subprotocol(), Some("b"));
    assert_eq!((client.subprotocol(), server.subprotocol()), (Some("b"), Some("b")));
}

#[test]
fn the_server_decides_and_every_refusal_is_told_to_both() {
    let now = Timestamp::default();
    let open = |origin: &str| {
        let request = ClientRequest::new("localhost", "/secret").unwrap().origin(origin).unwrap();
        let mut client = Connection::client(&request, Arc::new(quiet()), [1; 32], now);
        let mut server = Connection::server(Arc::new(quiet()), [2; 32], now);
        let mut input = BytesMut::new();
        input.put(client.output(now));
        assert!(matches!(server.poll_event(&mut input, now), Some(Event::Request(_))));
        assert!(!server.wants_read(), "a decision is awaited");
        (client, server)
    };
    let finish = |mut client: Connection, mut server: Connection| {
        let mut input = BytesMut::new();
        input.put(server.output(now));
        assert_eq!(server.transport(), Transport::HalfClose);
        let Some(Event::Refused(response)) = client.poll_event(&mut input, now) else {
            panic!("not refused")
        };
        let Some(Event::Closed(told_client)) = client.poll_event(&mut input, now) else {
            panic!("not closed")
        };
        assert_eq!(client.transport(), Transport::Close);
        server.end_of_input(now);
        let Some(Event::Closed(told_server)) = server.poll_event(&mut input, now) else {
            panic!("not closed")
        };
        (response, told_client.cause(), told_server.cause())
    };

    let (client, mut server) = open("https://elsewhere.example");
    server.accept(&Accept::new(OriginPolicy::SameHost), now).unwrap();
    assert_eq!(server.state(), State::Closing);
    let (response, told_client, told_server) = finish(client, server);
    assert_eq!((response.status(), told_client), (403, Cause::Refused(403)));
    assert_eq!(told_server, Cause::Handshake(HandshakeError::OriginNotAllowed));

    let (client, mut server) = open("http://localhost");
    let reject = Reject::new(401).unwrap().header("WWW-Authenticate", "Bearer").unwrap().body("who are you?");
    server.reject(&reject, now).unwrap();
    assert_eq!(server.reject(&reject, now), Err(Misuse::NoRequestPending), "decided");
    let (response, told_client, told_server) = finish(client, server);
    assert_eq!(
        (response.headers().get("www-authenticate"), &response.body()[..]),
        (Some("Bearer"), &b"who are you?"[..])
    );
    assert_eq!((told_client, told_server), (Cause::Refused(401), Cause::Rejected(401)));

    // Nobody decides.
    let (client, mut server) = open("http://localhost");
    let late = server.poll_timeout().unwrap();
    server.handle_timeout(late);
    assert_eq!(server.poll_event(&mut BytesMut::new(), late), None);
    let (response, _, told_server) = finish(client, server);
    assert_eq!((response.status(), told_server), (503, Cause::Deadline(Deadline::Decision)));
}

#[test]
fn a_plain_request_is_surfaced_only_if_wanted() {
    let now = Timestamp::default();
    let get = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut server = Endpoint::new(Connection::server(Arc::new(quiet()), [2; 32], now));
    server.receive(get, now);
    assert!(server.written.starts_with(b"HTTP/1.1 426 "));

    let mut config = quiet();
    config.http_requests = true;
    let mut server = Endpoint::new(Connection::server(Arc::new(config), [2; 32], now));
    server.receive(get, now);
    let [Event::HttpRequest(request)] = &server.events[..] else { panic!("{:?}", server.events) };
    assert_eq!((request.method(), request.path()), ("GET", "/health"));
    assert_eq!(server.connection.accept(&Accept::new(OriginPolicy::Any), now), Err(Misuse::NotAnUpgrade));
    server.connection.reject(&Reject::new(200).unwrap().body("fine\n"), now).unwrap();
    server.run(now);
    assert!(
        server.written.starts_with(b"HTTP/1.1 200 OK\r\n") && server.written.ends_with(b"\r\n\r\nfine\n")
    );
    assert_eq!(server.connection.transport(), Transport::HalfClose);
}

#[test]
fn a_kept_message_holds_the_input_buffer_only_where_it_was_a_good_part_of_it() {
    let table = [
        (16, 1024, false),
        (1023, 1024, false),
        (1024, 8 * 1024, true),
        (1024, 16 * 1024, true),
        (1024, 17 * 1024, false),
        (4000, 64 * 1024 + 14, false),
        (4096, 64 * 1024 + 14, true),
    ];
    for (len, capacity, shares) in table {
        let mut server = Endpoint::upgraded(Role::Server, quiet());
        let mut input = BytesMut::with_capacity(capacity);
        input.extend_from_slice(&masked(0x82, &vec![7; len]));
        let kept = server.connection.poll_event(&mut input, Timestamp::default());
        assert!(matches!(&kept, Some(Event::Message(message)) if message.len() == len));
        assert_eq!(!input.try_reclaim(capacity), shares, "{len} bytes in a buffer of {capacity}");
    }
}

/// What is left of a buffer says nothing about how large it is.
#[test]
fn a_kept_message_holds_no_large_buffer_though_it_came_at_its_end() {
    let mut server = Endpoint::upgraded(Role::Server, quiet());
    // The end of a large message, and then others.
    server.receive(&masked(0x82, &[7; 60_000])[..1000], Timestamp::default());
    let large = masked(0x82, &[7; 60_000]).split_off(1000);
    let mut input = BytesMut::from(&[large, masked(0x82, &[7; 2000]).repeat(99)].concat()[..]);
    let capacity = input.capacity();
    while let Some(event) = server.connection.poll_event(&mut input, Timestamp::default()) {
        server.events.push(event);
    }
    assert_eq!(server.events.len(), 100);
    assert!(input.try_reclaim(capacity));
}
