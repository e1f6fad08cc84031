//! Messages that need not fit in memory: delivered in pieces before their frames are complete, and sent the same way.

#[path = "support/pair.rs"]
mod pair;

use std::time::Duration;

use proptest::prelude::*;
use websocket_proto::{
    Cause, Chunk, CloseCode, CloseFrame, Config, Deadline, Delivery, Event, Heartbeat, Limit, Message, Role,
    SendError, State, Timestamp, Violation,
};

use pair::{Endpoint, Pair};

const CHUNK: usize = 64 * 1024;

fn chunked() -> Config {
    let mut config = Config::default();
    config.delivery = Delivery::Chunks;
    config
}

/// A client that is open and gets what a server may send.
fn client(config: Config) -> Endpoint {
    Endpoint::upgraded(Role::Client, config)
}

fn chunks(endpoint: &Endpoint) -> Vec<Chunk> {
    let chunks = endpoint.events.iter().filter_map(|event| match event {
        Event::Chunk(chunk) => Some(chunk.clone()),
        _ => None,
    });
    chunks.collect()
}

/// The message that these chunks make up, which only the last of them ends.
fn assembled(chunks: &[Chunk]) -> Vec<u8> {
    let (last, before) = chunks.split_last().expect("a message");
    assert!(last.is_last && before.iter().all(|chunk| !chunk.is_last));
    assert!(before.iter().all(|chunk| !chunk.piece.is_empty()), "only the end may be empty");
    chunks.iter().flat_map(|chunk| chunk.piece.payload().to_vec()).collect()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_duration(Duration::from_secs(seconds))
}

#[test]
fn a_piece_is_delivered_before_its_frame_is_complete() {
    let mut client = client(chunked());
    // A binary frame that says it has 2^40 bytes.
    client.receive(&[0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0], at(0));
    assert_eq!(client.events, []);
    client.receive(b"first", at(0));
    assert_eq!(client.events, [Event::Chunk(Chunk::more(&b"first"[..]))]);
}

#[test]
fn a_message_in_one_frame_is_one_last_chunk() {
    let mut client = client(chunked());
    client.receive(b"\x81\x05hello\x82\x00", at(0));
    let expected = [Chunk::last("hello"), Chunk::last(Vec::new())];
    assert_eq!(chunks(&client), expected);
    assert_eq!(client.connection.stats().messages_received, 2);
}

#[test]
fn one_poll_delivers_one_piece_of_bounded_size() {
    let mut client = client(chunked());
    let len = 3 * CHUNK + 1;
    let mut frame = vec![0x82, 127];
    frame.extend((len as u64).to_be_bytes());
    frame.resize(frame.len() + len, 7);
    client.receive(&frame, at(0));
    let sizes: Vec<usize> = chunks(&client).iter().map(|chunk| chunk.piece.len()).collect();
    assert_eq!(sizes, [CHUNK, CHUNK, CHUNK, 1]);
    assert_eq!(assembled(&chunks(&client)), vec![7; len]);
}

#[test]
fn a_piece_of_text_is_no_larger_for_what_waited_of_a_character() {
    let mut client = client(chunked());
    let text = "€".repeat(100_000);
    client.receive(&[&[0x81, 127][..], &(text.len() as u64).to_be_bytes(), text.as_bytes()].concat(), at(0));
    let chunks = chunks(&client);
    assert!(chunks.iter().all(|chunk| chunk.piece.len() <= CHUNK));
    assert_eq!(assembled(&chunks), text.as_bytes());
}

#[test]
fn an_application_may_take_its_time_over_each_piece() {
    let mut config = chunked();
    config.heartbeat = None;
    let mut client = client(config);
    client.input.extend_from_slice(&[0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]);
    for piece in 0..10 {
        let now = at(100 * piece);
        // It is back from the last piece, and late; what the peer had sent meanwhile was not read.
        client.connection.set_reading(true, now);
        client.connection.handle_timeout(now);
        client.input.extend_from_slice(&[7; 1000]);
        let event = client.connection.poll_event(&mut client.input, now);
        assert_eq!(event, Some(Event::Chunk(Chunk::more(vec![7; 1000]))), "after {piece} pieces");
        client.connection.set_reading(false, now);
    }
    // But a peer that sends nothing has no more time than ever.
    client.connection.set_reading(true, at(1000));
    assert_eq!(client.connection.poll_timeout(), Some(at(1060)));
}

#[test]
fn a_character_is_never_cut() {
    let text = "aé€😀";
    for first in 1..text.len() {
        let mut client = client(chunked());
        let (head, tail) = text.as_bytes().split_at(first);
        client.receive(&[&[0x01, head.len() as u8], head].concat(), at(0));
        client.receive(&[&[0x80, tail.len() as u8], tail].concat(), at(0));
        let chunks = chunks(&client);
        assert_eq!(assembled(&chunks), text.as_bytes(), "cut at {first}");
        assert!(chunks.iter().all(|chunk| chunk.piece.as_text().is_some()));
    }
}

#[test]
fn text_that_is_none_fails_with_all_before_it_delivered() {
    let mut client = client(chunked());
    client.receive(b"\x01\x02ok", at(0));
    client.receive(b"\x00\x04\xe2\x82\xac\xff", at(0));
    let close = client.closed();
    assert!(close.is_none());
    assert_eq!(chunks(&client), [Chunk::more("ok")]);
    client.connection.end_of_input(at(0));
    client.run(at(0));
    assert_eq!(client.closed().unwrap().cause(), Cause::Violation(Violation::InvalidUtf8));
}

#[test]
fn a_text_that_ends_inside_a_character_is_none() {
    let mut client = client(chunked());
    client.receive(b"\x01\x02\xe2\x82\x80\x00", at(0));
    client.connection.end_of_input(at(0));
    client.run(at(0));
    assert_eq!(client.closed().unwrap().cause(), Cause::Violation(Violation::InvalidUtf8));
    assert_eq!(chunks(&client), []);
}

#[test]
fn control_frames_pass_between_the_pieces() {
    let mut client = client(chunked());
    client.receive(b"\x01\x02ab\x89\x01!\x80\x02cd", at(0));
    let expected =
        [Event::Chunk(Chunk::more("ab")), Event::Ping((&b"!"[..]).into()), Event::Chunk(Chunk::last("cd"))];
    assert_eq!(client.events, expected);
}

#[test]
fn limits_hold_where_they_are_set() {
    let limited = |change: fn(&mut Config)| {
        let mut config = chunked();
        change(&mut config);
        config
    };
    let by_message = || limited(|config| config.max_message_size = Some(4));
    let table = [
        (by_message(), &b"\x82\x05"[..], Limit::MessageSize(4)),
        // What was delivered before counts, too.
        (by_message(), b"\x02\x03abc\x80\x02", Limit::MessageSize(4)),
        (limited(|config| config.max_frame_size = Some(4)), b"\x82\x05", Limit::FrameSize(4)),
        (limited(|config| config.max_fragments = Some(2)), b"\x02\x00\x00\x00\x00\x00", Limit::Fragments(2)),
    ];
    for (config, bytes, limit) in table {
        let mut client = client(config);
        client.receive(bytes, at(0));
        assert_eq!(client.connection.state(), State::Closing, "{limit}");
        client.connection.end_of_input(at(0));
        client.run(at(0));
        let close = client.closed().unwrap();
        assert_eq!((close.cause(), close.sent()), (Cause::Limit(limit), Some(CloseCode::MESSAGE_TOO_BIG)));
    }
}

#[test]
fn a_message_may_take_its_time_as_long_as_it_comes_on() {
    let mut config = chunked();
    config.heartbeat = None;
    let mut client = client(config);
    client.receive(&[0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0], at(0));
    for minute in 1..100 {
        client.receive(&vec![0; CHUNK], at(59 * minute));
        assert_eq!(client.connection.poll_timeout(), Some(at(59 * minute + 60)));
    }
}

#[test]
fn a_message_that_trickles_ends_by_its_deadline() {
    let mut config = chunked();
    config.heartbeat = None;
    let mut client = client(config);
    client.receive(&[0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0], at(0));
    // One byte short of what would begin the deadline anew.
    for second in 1..60 {
        client.receive(&vec![0; (CHUNK - 1) / 59], at(second));
    }
    assert_eq!(client.connection.poll_timeout(), Some(at(60)));
    client.connection.handle_timeout(at(60));
    client.run(at(60));
    assert_eq!(client.connection.state(), State::Closing);
    client.connection.end_of_input(at(60));
    client.run(at(60));
    let close = client.closed().unwrap();
    assert_eq!(close.cause(), Cause::Deadline(Deadline::UnfinishedMessage));
    assert_eq!(close.sent(), Some(CloseCode::POLICY_VIOLATION));
}

// Sending.

#[test]
fn a_message_is_sent_in_pieces_with_a_pong_between_them() {
    let mut pair = Pair::with(&Config::default());
    pair.client.connection.send_chunk(Chunk::more("once ")).unwrap();
    pair.run();
    pair.server.connection.ping(b"?").unwrap();
    pair.run();
    pair.client.connection.send_chunk(Chunk::more("")).unwrap();
    pair.client.connection.send_chunk(Chunk::last("more")).unwrap();
    pair.run();
    assert!(matches!(pair.server.events[..], [Event::Pong { .. }, Event::Message(_)]));
    assert_eq!(pair.server.messages(), [Message::from("once more")]);
    assert_eq!(pair.client.connection.stats().messages_sent, 1);
}

#[test]
fn messages_do_not_mix() {
    let mut pair = Pair::with(&Config::default());
    let connection = &mut pair.client.connection;
    connection.send_chunk(Chunk::more("a")).unwrap();
    assert!(connection.is_sending_chunks());
    let message = Message::from("whole");
    assert_eq!(connection.send(message.clone()), Err(SendError::Unfinished(message.clone())));
    let wrong = Chunk::last(vec![1]);
    assert_eq!(connection.send_chunk(wrong.clone()), Err(SendError::WrongKind(wrong)));
    connection.send_chunk(Chunk::last("b")).unwrap();
    assert!(!connection.is_sending_chunks());
    connection.send(message.clone()).unwrap();
    pair.run();
    assert_eq!(pair.server.messages(), [Message::from("ab"), message]);
}

#[test]
fn chunks_wait_for_room_like_messages() {
    let mut config = Config::default();
    config.output_high_water = 10;
    let mut pair = Pair::open(config, Config::default());
    pair.client.blocked = true;
    pair.client.connection.send_chunk(Chunk::more("0123456789")).unwrap();
    let refused = Chunk::last("!");
    assert_eq!(pair.client.connection.send_chunk(refused.clone()), Err(SendError::Full(refused.clone())));
    pair.client.blocked = false;
    pair.run();
    pair.client.connection.send_chunk(refused).unwrap();
    pair.run();
    assert_eq!(pair.server.messages(), [Message::from("0123456789!")]);
}

#[test]
fn a_chunk_larger_than_a_frame_goes_out_in_several() {
    let mut config = Config::default();
    config.max_outgoing_frame = 125;
    let mut pair = Pair::open(Config::default(), config);
    pair.server.written.clear();
    pair.server.connection.send_chunk(Chunk::more(vec![1; 200])).unwrap();
    pair.server.connection.send_chunk(Chunk::last(vec![2; 10])).unwrap();
    pair.run();
    let written = &pair.server.written;
    assert_eq!((written[0], written[127], written[127 + 77]), (0x02, 0x00, 0x80));
    assert_eq!(pair.client.messages(), [Message::from([vec![1; 200], vec![2; 10]].concat())]);
}

#[test]
fn a_message_that_was_begun_and_not_ended_is_unsent() {
    let mut pair = Pair::with(&Config::default());
    pair.client.connection.send("whole").unwrap();
    pair.client.connection.send_chunk(Chunk::more("begun")).unwrap();
    pair.run();
    pair.client.connection.close(CloseFrame::NORMAL, pair.now);
    let late = Chunk::last("late");
    assert_eq!(
        pair.client.connection.send_chunk(late.clone()),
        Err(SendError::NotOpen(State::Closing, late))
    );
    pair.run();
    let close = pair.client.closed().unwrap();
    assert!(close.was_clean());
    assert_eq!((close.unsent_messages(), close.stats().messages_sent), (1, 1));
    assert_eq!(pair.server.messages(), [Message::from("whole")]);
}

#[test]
fn what_a_failure_overtakes_counts_once() {
    let mut pair = Pair::with(&Config::default());
    pair.server.blocked = true;
    pair.server.connection.send("whole").unwrap();
    pair.server.connection.send_chunk(Chunk::more("x".repeat(300_000))).unwrap();
    pair.server.connection.send_chunk(Chunk::more("y")).unwrap();
    // Not masked, as a client's frame must be.
    pair.server.receive(b"\x81\x00", pair.now);
    pair.server.connection.end_of_input(pair.now);
    pair.server.blocked = false;
    pair.run();
    let close = pair.server.closed().unwrap();
    assert_eq!(close.cause(), Cause::Violation(Violation::Unmasked));
    assert_eq!(close.unsent_messages() + close.stats().messages_sent, 2);
}

#[test]
fn the_heartbeat_beats_while_a_huge_message_is_sent() {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(Duration::from_secs(10), Duration::from_secs(5)));
    let mut pair = Pair::open(config, chunked());
    for _ in 0..20 {
        pair.client.connection.send_chunk(Chunk::more(vec![0; 8000])).unwrap();
        pair.run();
        pair.advance(Duration::from_secs(3));
    }
    assert!(pair.client.connection.stats().pongs_received >= 5);
    assert_eq!(pair.client.connection.state(), State::Open);
}

proptest! {
    /// However a message is cut by its sender, its frames and the network, its pieces make up the message.
    #[test]
    fn any_pieces_make_up_the_message(
        pieces in prop::collection::vec("[a-zé€😀]{0,40}", 1..6),
        frame in 125_usize..300,
        network in 1_usize..50,
        text: bool,
    ) {
        let mut config = Config::default();
        config.max_outgoing_frame = frame;
        let mut pair = Pair::open(config, chunked());
        pair.chunk = network;
        let (last, before) = pieces.split_last().unwrap();
        let message = |piece: &String| if text { Message::from(&**piece) } else { piece.clone().into_bytes().into() };
        for piece in before {
            pair.client.connection.send_chunk(Chunk::more(message(piece))).unwrap();
        }
        pair.client.connection.send_chunk(Chunk::last(message(last))).unwrap();
        pair.run();
        let chunks = chunks(&pair.server);
        prop_assert!(chunks.iter().all(|chunk| chunk.piece.as_text().is_some() == text));
        prop_assert_eq!(assembled(&chunks), pieces.concat().into_bytes());
    }
}
