//! What the owned halves of a socket promise: what they send, how they close, and what it means to drop one.

use std::io::ErrorKind;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use websocket_proto::{
    Cause, Chunk, CloseCode, CloseFrame, Config, Delivery, Error, Event, Message, State, TransportFailure,
};

use super::scripted::{CLOSE, PING, PONG, TEXT, close_payload, frame, frames, masked};
use super::{SECOND, pair, poll_once, quiet, server, stuck_server, text};

#[tokio::test(start_paused = true)]
async fn a_writer_alone_goes_on_and_answers_pings() {
    let (socket, remote) = server(quiet());
    let (mut reader, mut writer) = socket.into_split();
    remote.push(&masked(TEXT, b"kept"));
    writer.send("one".into()).await.unwrap();
    assert_eq!(reader.next().await, text("kept"));
    drop(reader);
    // More than would be kept for a reader: there is none, so it stands in nobody's way.
    for _ in 0..10 {
        remote.push(&masked(0x82, &[7; 60_000]));
    }
    remote.push(&masked(PING, b"?"));
    assert!(timeout(SECOND, writer.drive()).await.is_err());
    assert_eq!(frames(&remote.written()), [(TEXT, b"one".to_vec()), (PONG, b"?".to_vec())]);
    assert_eq!(writer.stats().messages_received, 11);
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert!(writer.drive().await.was_clean());
    assert_eq!(writer.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_reader_alone_goes_on_and_writes_what_was_queued() {
    let (socket, remote) = server(quiet());
    remote.set_room(Some(0));
    let (mut reader, mut writer) = socket.into_split();
    writer.feed("queued".into()).await.unwrap();
    drop(writer);
    remote.set_room(None);
    remote.push(&masked(TEXT, b"hello"));
    assert_eq!(reader.next().await, text("hello"));
    assert_eq!(remote.written(), frame(TEXT, b"queued"));
    assert!(!remote.seen().dropped);
}

/// A reader that waits, and the halves' peer.
macro_rules! reader_waits {
    ($writer:ident, $far:ident) => {
        let (near, mut $far) = pair(&quiet(), 4096);
        #[allow(unused_mut, reason = "one only drops it")]
        let (mut reader, mut $writer) = near.into_split();
        let _reading = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
    };
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_made_while_the_reader_waits_is_emptied() {
    reader_waits!(writer, far);
    let sender = writer.sender();
    sender.send("from another task").await.unwrap();
    assert_eq!(timeout(SECOND, far.next()).await, Ok(text("from another task")));
}

#[tokio::test(start_paused = true)]
async fn a_ping_leaves_while_the_reader_waits() {
    reader_waits!(writer, far);
    writer.ping(b"?").unwrap();
    assert!(matches!(timeout(SECOND, far.next_event()).await, Ok(Some(Event::Ping(_)))));
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_writer_queued_leaves_while_the_reader_waits() {
    reader_waits!(writer, far);
    writer.feed("queued".into()).await.unwrap();
    drop(writer);
    assert_eq!(timeout(SECOND, far.next()).await, Ok(text("queued")));
}

#[tokio::test(start_paused = true)]
async fn halves_of_one_socket_are_one_again() {
    let (near, mut far) = pair(&quiet(), 4096);
    let (other, _far) = pair(&quiet(), 4096);
    let (reader, mut writer) = near.into_split();
    let (other_reader, other_writer) = other.into_split();
    writer.feed("queued".into()).await.unwrap();
    let (reader, _) = reader.reunite(other_writer).expect_err("of different sockets");
    let mut socket = reader.reunite(writer).expect("of one socket");
    socket.flush().await.unwrap();
    assert_eq!(far.next().await, text("queued"));
    assert_eq!(other_reader.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn an_application_may_take_its_time_over_each_chunk() {
    for (seconds, capacity) in [(5, 4096), (16, 1 << 18), (61, 1 << 18)] {
        let mut config = quiet();
        config.delivery = Delivery::Chunks;
        // What it takes its time over is the other side's to bear, or not.
        config.write_stall = None;
        let (mut near, mut far) = pair(&config, capacity);
        let sending = tokio::spawn(async move { far.send_chunk(Chunk::last(vec![7; 1 << 20])).await });
        let mut received = 0;
        while received < 1 << 20 {
            match near.next_event().await {
                Some(Event::Chunk(chunk)) => received += chunk.piece.len(),
                other => panic!("{seconds} s over each chunk: after {received} bytes {other:?}"),
            }
            tokio::time::sleep(seconds * SECOND).await;
        }
        assert_eq!(sending.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn both_dropped_in_any_order_say_goodbye() {
    for reader_first in [true, false] {
        let (socket, remote) = server(quiet());
        let (reader, writer) = socket.into_split();
        if reader_first {
            drop(reader);
            drop(writer);
        } else {
            drop(writer);
            drop(reader);
        }
        assert_eq!(frames(&remote.written()), [(CLOSE, close_payload(1001, "dropped"))]);
        assert!(remote.seen().dropped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_gets_what_arrives_while_the_writer_closes() {
    let (near, mut far) = pair(&quiet(), 4096);
    let (mut reader, mut writer) = near.into_split();
    far.feed("late".into()).await.unwrap();
    let closing = tokio::spawn(async move { writer.close(CloseFrame::NORMAL).await });
    assert_eq!(far.next().await, None);
    assert!(closing.await.unwrap().was_clean());
    assert_eq!(reader.next().await, text("late"));
    assert_eq!(reader.next().await, None);
    assert_eq!(reader.close_event().unwrap().code(), CloseCode::NORMAL);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_blocked_does_not_keep_a_reader_from_ending_it() {
    // The peer takes nothing for longer than is borne: whoever polls finds out, and both are told.
    let (socket, remote) = server(Config::default());
    remote.set_room(Some(0));
    let (mut reader, mut writer) = socket.into_split();
    let writing = tokio::spawn(async move { writer.send("void".into()).await });
    let end = timeout(40 * SECOND, reader.next()).await.expect("within write_stall and a margin");
    assert!(matches!(end, Some(Err(Error::Closed(_)))));
    assert!(matches!(writing.await.unwrap(), Err(Error::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn an_end_reaches_both_halves_once() {
    let (socket, remote) = server(quiet());
    let (mut reader, mut writer) = socket.into_split();
    remote.fail_read(ErrorKind::ConnectionReset);
    let Some(Event::Closed(close)) = reader.next_event().await else { panic!() };
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::Reset));
    assert_eq!((reader.next_event().await, reader.next().await), (None, None));
    assert_eq!(writer.send("late".into()).await, Err(Error::Closed(close.clone())));
    assert_eq!(writer.close(None).await, close);
}

#[tokio::test(start_paused = true)]
async fn chunks_go_both_ways_and_messages_wait_for_them() {
    let mut config = quiet();
    config.delivery = Delivery::Chunks;
    let (near, mut far) = pair(&config, 100);
    let (_reader, mut writer) = near.into_split();
    let sender = writer.sender();
    let sending = tokio::spawn(async move {
        writer.send_chunk(Chunk::more("once ")).await.unwrap();
        assert_eq!(writer.send("early".into()).await, Err(Error::Unfinished));
        assert_eq!(writer.send_chunk(Chunk::last(vec![1])).await, Err(Error::WrongKind));
        sender.send("from another task").await.unwrap();
        writer.send_chunk(Chunk::more("upon ")).await.unwrap();
        writer.send_chunk(Chunk::last("a time")).await.unwrap();
        writer.flush().await.unwrap();
        writer
    });
    let mut story = String::new();
    while let Some(Event::Chunk(chunk)) = far.next_event().await {
        story.push_str(chunk.piece.as_text().unwrap());
        if chunk.is_last {
            break;
        }
    }
    assert_eq!(story, "once upon a time");
    assert_eq!(far.next_event().await, Some(Event::Chunk(Chunk::last("from another task"))));
    sending.await.unwrap().send("whole".into()).await.unwrap();
    assert_eq!(far.next().await, Some(Err(Error::Chunked)), "a stream has no room for pieces");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_waits_for_room_and_is_sent_then() {
    let (mut socket, remote) = stuck_server(1);
    socket.feed(Message::from("fills it")).await.unwrap();
    let sending = tokio::spawn(async move { (socket.send_chunk(Chunk::last("then")).await, socket) });
    tokio::task::yield_now().await;
    remote.set_room(None);
    assert_eq!(sending.await.unwrap().0, Ok(()));
    assert_eq!(frames(&remote.written())[1], (TEXT, b"then".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_given_up_before_there_was_room_was_not_sent() {
    let (mut socket, remote) = stuck_server(1);
    socket.feed(Message::from("fills it")).await.unwrap();
    assert!(poll_once(socket.send_chunk(Chunk::last("never"))).is_pending());
    remote.set_room(None);
    socket.flush().await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"fills it"));
}
