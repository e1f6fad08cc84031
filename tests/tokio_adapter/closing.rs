//! How a socket ends: in good order, by its deadline, by being dropped.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Sink, SinkExt, StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{Cause, CloseFrame, Config, Deadline, Error, Message, Role, State};

use super::scripted::{BINARY, CLOSE, PING, TEXT, close_payload, frame, frames, masked};
use super::{SECOND, pair, poll_once, quiet, server, text, upgraded};

#[tokio::test(start_paused = true)]
async fn closing_sends_what_was_accepted_and_waits_for_the_peer() {
    let (mut client, mut server) = pair(&quiet(), 64);
    client.feed("first".into()).await.unwrap();
    client.feed(vec![9; 1000].into()).await.unwrap();
    let peer = tokio::spawn(async move {
        let mut messages = Vec::new();
        while let Some(message) = server.next().await {
            messages.push(message.unwrap());
        }
        (messages, server.close_event().cloned().unwrap())
    });
    let close = client.close(CloseFrame::new(4000, "bye").unwrap()).await;
    assert!(close.was_clean());
    assert_eq!((close.code().as_u16(), close.sent().unwrap().as_u16()), (4000, 4000));
    let (messages, close) = peer.await.unwrap();
    assert_eq!(messages, [Message::from("first"), Message::from(vec![9; 1000])]);
    assert_eq!((close.code().as_u16(), close.reason()), (4000, "bye"));
    assert!(client.get_ref().is_none());
    assert_eq!(client.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_server_ends_its_side_first_and_after_its_close_frame() {
    let (mut socket, remote) = server(quiet());
    remote.write_in(&[1, 0]);
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    let reader = tokio::spawn(async move { (socket.next().await, socket) });
    tokio::time::sleep(SECOND).await;
    let seen = remote.seen();
    assert_eq!(seen.shut_down_after, Some(4));
    assert!(!seen.dropped, "it waits for the client to leave");
    remote.end();
    let (end, socket) = reader.await.unwrap();
    assert_eq!(end, None);
    assert!(socket.close_event().unwrap().was_clean() && remote.seen().dropped);
}

#[tokio::test(start_paused = true)]
async fn closing_takes_no_longer_than_its_deadline() {
    // A peer that says nothing, one that takes nothing, and one that never stops sending messages.
    for behaviour in 0..3 {
        let (mut socket, remote) = server(Config::default());
        // A timer runs already, for a later deadline.
        assert!(poll_once(socket.next()).is_pending());
        match behaviour {
            1 => remote.set_room(Some(0)),
            2 => (0..2000).for_each(|_| remote.push(&masked(BINARY, &[7; 1000]))),
            _ => {}
        }
        let start = Instant::now();
        let close = socket.close(CloseFrame::new(1001, "").unwrap()).await;
        assert_eq!(start.elapsed().as_secs(), 5, "{behaviour}");
        assert_eq!(close.cause(), Cause::Deadline(Deadline::Close));
        assert!(!close.was_clean() && remote.seen().dropped);
        assert_eq!(socket.next().await, None, "it was told");
        if behaviour == 2 {
            assert_eq!(close.stats().messages_received, 2000, "it reads on, for the peer's Close frame");
        }
    }
}

/// Gives messages for ever, at once.
struct Flood;

impl tokio::io::AsyncRead for Flood {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        buffer.put_slice(&masked(BINARY, &[7; 1000]));
        std::task::Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Flood {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_flood_does_not_hide_a_deadline() {
    // By the real clock: time stands still while a task is busy.
    let mut config = quiet();
    config.close_timeout = Duration::from_millis(30);
    let mut socket = WebSocketStream::new(Flood, upgraded(Role::Server, config));
    let close = socket.close(None).await;
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Close));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_was_given_up_goes_on_when_called_again() {
    let (mut socket, remote) = server(quiet());
    let start = Instant::now();
    for _ in 0..2 {
        let given_up = timeout(2 * SECOND, socket.close(CloseFrame::new(4001, "").unwrap())).await;
        assert!(given_up.is_err());
    }
    assert_eq!(frames(&remote.written()).len(), 1, "one Close frame");
    assert_eq!(socket.state(), State::Closing);
    let close = socket.close(CloseFrame::new(4002, "").unwrap()).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(close.sent().unwrap().as_u16(), 4001);
    assert_eq!(socket.close(None).await, close);
}

#[tokio::test(start_paused = true)]
async fn a_closed_sink_leaves_messages_to_whoever_reads() {
    let (mut socket, remote) = server(quiet());
    remote.push(&masked(TEXT, b"one"));
    remote.push(&masked(TEXT, b"two"));
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert_eq!(SinkExt::close(&mut socket).await, Ok(()));
    assert_eq!(frames(&remote.written()), [(CLOSE, close_payload(1000, ""))]);
    assert_eq!(socket.next().await, text("one"));
    assert_eq!(socket.next().await, text("two"));
    assert_eq!(socket.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn messages_that_nobody_reads_do_not_keep_a_close_waiting() {
    let (mut socket, remote) = server(quiet());
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[7; 1000]));
    }
    // So many that reading has stopped.
    assert!(poll_once(socket.drive()).is_pending());
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[8; 1000]));
    }
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert_eq!(timeout(SECOND, SinkExt::close(&mut socket)).await, Ok(Ok(())));
    let (kept, end): (Vec<_>, Vec<_>) = socket.collect::<Vec<_>>().await.into_iter().partition(Result::is_ok);
    assert!((60..=66).contains(&kept.len()), "{}", kept.len());
    assert!(end.is_empty());
}

#[tokio::test(start_paused = true)]
async fn forwarding_ends_when_the_stream_does() {
    let (mut client, server) = pair(&quiet(), 1000);
    let echo = tokio::spawn(async move {
        let (sink, stream) = server.split();
        stream.forward(sink).await
    });
    let messages: Vec<_> = (0..50).map(|number| Message::from(format!("message {number}"))).collect();
    client.send_all(&mut stream::iter(messages.clone()).map(Ok)).await.unwrap();
    for message in messages {
        assert_eq!(client.next().await, Some(Ok(message)));
    }
    assert!(client.close(None).await.was_clean());
    assert_eq!(echo.await.unwrap(), Ok(()));

    // An unclean end is an error of the stream.
    let (client, server) = pair(&quiet(), 1000);
    let echo = tokio::spawn(async move {
        let (sink, stream) = server.split();
        stream.forward(sink).await
    });
    drop(client.into_parts());
    assert!(matches!(echo.await.unwrap(), Err(Error::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn dropping_says_goodbye_once_and_does_not_wait() {
    let (mut socket, remote) = server(quiet());
    socket.feed("fed".into()).await.unwrap();
    drop(socket);
    let written = frames(&remote.written());
    assert_eq!(written[0], (TEXT, b"fed".to_vec()));
    assert_eq!(written[1], (CLOSE, close_payload(1001, "dropped")));
    assert!(remote.seen().dropped);

    // A network that takes nothing, or fails; and one that keeps back what it takes.
    let (socket, remote) = server(quiet());
    remote.set_room(Some(0));
    drop(socket);
    assert_eq!(remote.seen().writes, 1);
    let (socket, remote) = server(quiet());
    remote.fail_writes(ErrorKind::BrokenPipe);
    drop(socket);
    assert_eq!(remote.seen().writes, 1);
    let (socket, remote) = server(quiet());
    remote.keep_back();
    drop(socket);
    assert_eq!(frames(&remote.written()).len(), 1);

    // After the end there is nothing to say.
    let (mut socket, remote) = server(quiet());
    remote.end();
    let _ = socket.next().await;
    drop(socket);
    assert_eq!(remote.seen().writes, 0);
}

#[test]
fn dropping_outside_of_a_runtime_is_no_different() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut socket, remote) = runtime.block_on(async { server(websocket_proto::Config::default()) });
    // With a timer running.
    runtime.block_on(async { assert!(poll_once(socket.next()).is_pending()) });
    drop(socket);
    assert_eq!(frames(&remote.written()), [(CLOSE, close_payload(1001, "dropped"))]);

    let (tcp, mut far) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0.into_std().unwrap())
    });
    let socket = WebSocketStream::new(tcp, upgraded(Role::Server, quiet()));
    drop(runtime);
    drop(socket);
    far.set_nonblocking(false).unwrap();
    let mut told = Vec::new();
    let _ = std::io::Read::read_to_end(&mut far, &mut told);
    // A runtime that is gone takes nothing, and that is no reason to panic.
    assert!(told.is_empty() || told == frame(CLOSE, &close_payload(1001, "dropped")));
}

#[tokio::test(start_paused = true)]
async fn the_last_word_of_a_busy_task_gets_out() {
    let (near, mut far) = tokio::io::duplex(100);
    let socket = WebSocketStream::new(near, upgraded(Role::Server, quiet()));
    // A task that has used up what tokio allows it in one go.
    while poll_once(tokio::task::consume_budget()).is_ready() {}
    drop(socket);
    tokio::task::yield_now().await;
    let mut told = Vec::new();
    far.read_to_end(&mut told).await.unwrap();
    assert_eq!(told, frame(CLOSE, &close_payload(1001, "dropped")));
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

#[tokio::test]
async fn a_peer_that_does_not_behave_is_reset_and_one_that_does_is_not() {
    let mut config = quiet();
    config.close_timeout = Duration::from_millis(20);
    let (near, mut far) = tcp_pair().await;
    let mut socket = WebSocketStream::new(near, upgraded(Role::Server, config.clone()));
    assert!(socket.get_ref().unwrap().nodelay().unwrap());
    let close = socket.close(None).await;
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Close));
    let mut told = Vec::new();
    assert_eq!(far.read_to_end(&mut told).await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    config.close_timeout = 5 * SECOND;
    let (near, mut far) = tcp_pair().await;
    let mut socket = WebSocketStream::new(near, upgraded(Role::Server, config));
    let peer = tokio::spawn(async move {
        far.write_all(&masked(CLOSE, &close_payload(1000, ""))).await.unwrap();
        let mut told = Vec::new();
        far.read_to_end(&mut told).await.map(|_| told)
    });
    assert_eq!(socket.next().await, None);
    assert_eq!(peer.await.unwrap().unwrap(), frame(CLOSE, &close_payload(1000, "")));
}

#[tokio::test]
async fn a_reset_in_answer_to_a_write_does_not_hide_the_peers_close_frame() {
    let (near, mut far) = tcp_pair().await;
    let mut socket = WebSocketStream::new(near, upgraded(Role::Server, quiet()));
    socket.send("unread".into()).await.unwrap();
    far.readable().await.unwrap();
    far.write_all(&masked(CLOSE, &close_payload(1008, "go away"))).await.unwrap();
    // Closed with something unread: TCP resets.
    drop(far);
    let mut sent = Ok(());
    for _ in 0..100 {
        sent = socket.send(vec![0; 100_000].into()).await;
        if sent.is_err() {
            break;
        }
    }
    assert!(sent.is_err());
    while let Some(Ok(_)) = socket.next().await {}
    let close = socket.close_event().unwrap();
    assert_eq!((close.code().as_u16(), close.reason()), (1008, "go away"));
}

#[tokio::test(start_paused = true)]
async fn polling_a_close_again_is_harmless() {
    let (mut socket, remote) = server(quiet());
    for _ in 0..3 {
        assert!(poll_once(poll_fn(|cx| Pin::new(&mut socket).poll_close(cx))).is_pending());
    }
    assert_eq!(remote.written(), frame(CLOSE, &close_payload(1000, "")));
    remote.push(&masked(PING, b""));
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    for _ in 0..3 {
        assert_eq!(poll_fn(|cx| Pin::new(&mut socket).poll_close(cx)).await, Ok(()));
    }
}
