//! Taking a socket apart and putting it together again.

use std::io::ErrorKind;

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use websocket_proto::tokio::{Parts, WebSocketStream};
use websocket_proto::{Config, Event, Message, Role};

use super::scripted::{BINARY, CLOSE, PING, PONG, TEXT, frame, frames, masked, scripted};
use super::{SECOND, poll_once, quiet, server, text, upgraded};

#[tokio::test(start_paused = true)]
async fn bytes_that_somebody_else_read_come_first() {
    let (io, remote) = scripted();
    let mut parts = Parts::new(io, upgraded(Role::Server, quiet()));
    let bytes = masked(TEXT, b"cut in two");
    parts.input = BytesMut::from(&bytes[..5]);
    let mut socket = WebSocketStream::from_parts(parts);
    remote.push(&bytes[5..]);
    assert_eq!(socket.next().await, text("cut in two"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_between() {
    let (mut socket, remote) = server(quiet());
    let sender = socket.sender();
    // Queued by another task, fed, half written, parked, unparsed.
    remote.set_room(Some(3));
    socket.feed("half written".into()).await.unwrap();
    remote.push(&[masked(TEXT, b"parked"), masked(PING, b"p"), masked(TEXT, b"too")].concat());
    assert!(poll_once(socket.flush()).is_pending());
    remote.push(
        &[masked(TEXT, b"first"), masked(TEXT, b"unparsed"), masked(TEXT, b"cut")[..7].to_vec()].concat(),
    );
    assert_eq!(socket.next().await, text("parked"));
    sender.send("queued").await.unwrap();

    let parts = socket.into_parts().unwrap();
    assert_eq!(parts.events.len(), 2);
    let mut socket = WebSocketStream::from_parts(parts);
    remote.set_room(None);
    assert_eq!(socket.next_event().await, Some(Event::Ping(b"p"[..].into())));
    assert_eq!(socket.next().await, text("too"));
    assert_eq!(socket.next().await, text("first"));

    let parts = socket.into_parts().unwrap();
    assert!(!parts.input.is_empty());
    let mut socket = WebSocketStream::from_parts(parts);
    assert_eq!(socket.next().await, text("unparsed"));
    remote.push(&masked(TEXT, b"cut")[7..]);
    assert_eq!(socket.next().await, text("cut"));
    sender.send("later").await.unwrap();
    assert!(poll_once(socket.next()).is_pending());
    let written = frames(&remote.written());
    assert_eq!(written[0], (TEXT, b"half written".to_vec()));
    assert!(written.contains(&(PONG, b"p".to_vec())));
    assert!(written.contains(&(TEXT, b"queued".to_vec())) && written.contains(&(TEXT, b"later".to_vec())));
    assert_eq!(written.len(), 4);
    // No word of parting in between.
    assert_eq!(remote.seen().shut_down_after, None);
}

#[tokio::test(start_paused = true)]
async fn reading_that_had_stopped_goes_on() {
    let (mut socket, remote) = server(Config::default());
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[7; 1000]));
    }
    assert!(timeout(100 * SECOND, socket.drive()).await.is_err());
    let parts = socket.into_parts().unwrap();
    assert!(parts.connection.wants_read(), "for whoever goes on without this adapter");
    let mut socket = WebSocketStream::from_parts(parts);
    assert!(timeout(100 * SECOND, socket.drive()).await.is_err(), "it still counts as not reading");
    for _ in 0..100 {
        assert_eq!(socket.next().await, Some(Ok(Message::from(vec![7; 1000]))));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_is_remembered() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    remote.push(&[masked(TEXT, b"unread"), masked(CLOSE, b"")].concat());
    remote.end();
    // All was read, and the answer to the Close frame cannot be written yet.
    assert!(poll_once(socket.drive()).is_pending());
    let reads = remote.seen().reads;
    let mut socket = WebSocketStream::from_parts(socket.into_parts().unwrap());
    remote.set_room(None);
    assert_eq!(socket.next().await, text("unread"));
    assert_eq!(socket.next().await, None);
    assert_eq!(remote.seen().reads, reads);
    assert!(socket.close_event().unwrap().was_clean());
    assert!(socket.into_parts().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_keeps_something_back_is_flushed_by_whoever_gets_it() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    remote.block_flush(true);
    socket.feed("held".into()).await.unwrap();
    assert!(poll_once(socket.flush()).is_pending());
    let mut socket = WebSocketStream::from_parts(socket.into_parts().unwrap());
    remote.block_flush(false);
    socket.flush().await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"held"));
    remote.fail_read(ErrorKind::ConnectionReset);
    assert!(socket.next().await.unwrap().is_err());
}
