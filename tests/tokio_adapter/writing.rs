//! A task that only sends, and what the transport makes of it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep, timeout};
use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{Cause, Config, Deadline, Error, Event, Heartbeat, Message, Role, State};

use super::scripted::{BINARY, CLOSE, PING, PONG, TEXT, close_payload, frame, frames, masked, scripted};
use super::{SECOND, pair, poll_once, quiet, server, stuck_server, text, upgraded};

#[tokio::test(start_paused = true)]
async fn what_is_fed_shares_a_write_and_what_is_sent_is_written() {
    let (mut socket, remote) = server(quiet());
    for message in ["a", "b", "c"] {
        socket.feed(message.into()).await.unwrap();
    }
    assert_eq!(remote.seen().writes, 0);
    socket.flush().await.unwrap();
    assert_eq!(remote.seen().writes, 1);
    socket.send("d".into()).await.unwrap();
    let written: Vec<_> = frames(&remote.written()).into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(written, [b"a", b"b", b"c", b"d"]);
    // What is fed also leaves when somebody reads.
    socket.feed("e".into()).await.unwrap();
    assert!(poll_once(socket.next()).is_pending());
    assert_eq!(remote.written(), frame(TEXT, b"e"));
}

#[tokio::test(start_paused = true)]
async fn sending_needs_no_look_at_the_transport_each_time() {
    let (mut socket, remote) = server(quiet());
    for _ in 0..100 {
        socket.send("x".into()).await.unwrap();
    }
    assert_eq!((remote.seen().writes, remote.seen().reads), (100, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_only_sends_answers_pings_and_keeps_the_connection() {
    let (mut socket, remote) = server(Config::default());
    let (mut pings, mut pongs) = (0, 0);
    for tick in 0..1000 {
        if tick % 50 == 0 {
            remote.push(&masked(PING, b"?"));
        }
        socket.send("tick".into()).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        for (first, payload) in frames(&remote.written()) {
            match first {
                PING => {
                    pings += 1;
                    remote.push(&masked(PONG, &payload));
                }
                PONG => pongs += 1,
                _ => {}
            }
        }
        let asked = tick / 50 + 1;
        assert!(asked - pongs <= usize::from(tick % 50 < 12), "a ping of tick {tick} waits too long");
    }
    assert_eq!((pings, pongs), (0, 20), "the peer's pings are signs of life");

    // A silent peer is pinged, and its pongs are seen, though nobody reads.
    for _ in 0..1000 {
        socket.send("tick".into()).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        for (first, payload) in frames(&remote.written()) {
            if first == PING {
                pings += 1;
                remote.push(&masked(PONG, &payload));
            }
        }
    }
    assert_eq!(pings, 4);
    assert_eq!(socket.state(), State::Open);

    // And a dead one is found in time.
    let silent = Instant::now();
    let error = loop {
        match socket.send("tick".into()).await {
            Ok(()) => sleep(Duration::from_millis(100)).await,
            Err(error) => break error,
        }
    };
    let Error::Closed(close) = error else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
    assert!(silent.elapsed() < 36 * SECOND, "{:?}", silent.elapsed());
}

#[tokio::test(start_paused = true)]
async fn short_deadlines_count_for_whoever_only_sends() {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(Duration::from_millis(20), Duration::from_millis(60)));
    let (mut socket, _remote) = server(config);
    let start = Instant::now();
    while socket.send("tick".into()).await.is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(start.elapsed() < Duration::from_millis(90), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn driving_answers_any_number_of_pings() {
    let (mut socket, remote) = server(Config::default());
    for _ in 0..2 {
        for _ in 0..50 {
            remote.push(&masked(PING, b"?"));
            assert!(timeout(20 * SECOND, socket.drive()).await.is_err());
            assert_eq!(remote.written(), frame(PONG, b"?"));
        }
        // Some of them are there for whoever wants them.
        let mut kept = 0;
        while poll_once(socket.next_event()).is_ready() {
            kept += 1;
        }
        assert_eq!(kept, 16);
    }
}

#[tokio::test(start_paused = true)]
async fn flushing_waits_for_messages_without_payload_too() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    assert!(poll_once(socket.send("".into())).is_pending());
    assert!(poll_once(socket.flush()).is_pending());
    remote.set_room(None);
    socket.flush().await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b""));
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_not_blamed_for_silence_while_nobody_reads() {
    let (mut socket, remote) = server(Config::default());
    let message = vec![b'm'; 1000];
    for _ in 0..300 {
        remote.push(&masked(BINARY, &message));
    }
    assert!(timeout(600 * SECOND, socket.drive()).await.is_err());
    let seen = remote.seen();
    assert!(seen.reads < 66, "it stops reading: {} reads", seen.reads);
    let written = frames(&remote.written());
    assert!((20..=32).contains(&written.len()), "{} pings in 600 s", written.len());
    assert!(written.iter().all(|(first, _)| *first == PING));
    for _ in 0..300 {
        assert_eq!(socket.next().await, Some(Ok(Message::from(message.clone()))));
    }
    // Now that it reads, the silence counts.
    assert!(matches!(timeout(36 * SECOND, socket.next()).await, Ok(Some(Err(Error::Closed(_))))));
}

#[tokio::test(start_paused = true)]
async fn flushing_ends_though_nobody_reads() {
    let (mut socket, remote) = server(Config::default());
    remote.set_room(Some(0));
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[7; 1000]));
    }
    let start = Instant::now();
    let Err(Error::Closed(close)) = socket.send("never".into()).await else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(close.unsent_messages(), 1);
    // What arrived before is not lost.
    let mut messages = 0;
    loop {
        match socket.next().await {
            Some(Ok(_)) => messages += 1,
            Some(Err(error)) => break assert_eq!(error, Error::Closed(close.clone())),
            None => panic!("the end was not told"),
        }
    }
    assert!((60..=66).contains(&messages), "{messages}");
}

#[tokio::test(start_paused = true)]
async fn driving_ends_with_the_connection_though_messages_wait() {
    let (mut socket, remote) = server(quiet());
    remote.push(&masked(TEXT, b"unread"));
    remote.end();
    let close = timeout(SECOND, socket.drive()).await.unwrap();
    assert_eq!(close.code().as_u16(), 1006);
    assert_eq!(timeout(SECOND, socket.drive()).await.unwrap(), close);
    assert_eq!(socket.next().await, text("unread"));
    assert_eq!(socket.next().await, Some(Err(Error::Closed(close))));
    assert_eq!(socket.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn two_who_both_send_and_do_not_read_get_through() {
    for capacity in [1, 4096] {
        let size = if capacity == 1 { 2000 } else { 1024 * 1024 };
        let (mut client, mut server) = pair(&quiet(), capacity);
        let (to_server, to_client) = (Message::from(vec![1; size]), Message::from(vec![2; size]));
        let one = async {
            client.send(to_server.clone()).await.unwrap();
            client.next().await
        };
        let other = async {
            server.send(to_client.clone()).await.unwrap();
            server.next().await
        };
        let (one, other) = tokio::join!(one, other);
        assert_eq!(one, Some(Ok(to_client)));
        assert_eq!(other, Some(Ok(to_server)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_keeps_back_is_flushed() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    socket.send("secret".into()).await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"secret"));
    remote.push(&masked(PING, b"!"));
    assert!(poll_once(socket.next()).is_pending());
    assert_eq!(remote.written(), frame(PONG, b"!"));

    // It may take its time, and nobody has sent before it is done.
    remote.block_flush(true);
    assert!(poll_once(socket.send("later".into())).is_pending());
    assert!(poll_once(socket.flush()).is_pending());
    remote.block_flush(false);
    socket.flush().await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"later"));
    // A flushed transport is left alone.
    let flushes = remote.seen().flushes;
    assert!(poll_once(socket.next()).is_pending());
    assert_eq!(remote.seen().flushes, flushes);
    // The last words get out, too.
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    assert!(poll_once(socket.next()).is_pending());
    assert_eq!(remote.written().len(), 4);
    assert_eq!(remote.seen().shut_down_after, Some(4), "after the Close frame");
}

/// Encrypts what it is shown at once, as some TLS libraries do, and then insists on being shown the same until the network
/// took it all.
struct Encrypting {
    network: tokio::io::DuplexStream,
    /// What was shown and not acknowledged, and how much of it is on the wire.
    shown: Vec<u8>,
    sent: usize,
}

impl AsyncRead for Encrypting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.network).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Encrypting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let Self { network, shown, sent } = &mut *self;
        if shown.is_empty() {
            shown.extend_from_slice(buffer);
        }
        assert!(buffer.starts_with(shown), "what was shown before is not what is shown now");
        while *sent < shown.len() {
            *sent += ready!(Pin::new(&mut *network).poll_write(cx, &shown[*sent..]))?;
        }
        *sent = 0;
        Poll::Ready(Ok(std::mem::take(shown).len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.network).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.network).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn what_tls_was_shown_keeps_its_order_whatever_comes_up() {
    let (near, mut far) = tokio::io::duplex(100);
    let io = Encrypting { network: near, shown: Vec::new(), sent: 0 };
    let mut socket = WebSocketStream::new(io, upgraded(Role::Server, quiet()));
    socket.feed(vec![1; 500].into()).await.unwrap();
    assert!(poll_once(socket.flush()).is_pending());
    // While half a frame was shown: a ping to answer, another message, and a Close.
    far.write_all(&masked(PING, b"now")).await.unwrap();
    assert!(poll_once(socket.next()).is_pending());
    socket.feed(vec![2; 5000].into()).await.unwrap();
    assert!(poll_once(socket.close(None)).is_pending());
    let peer = tokio::spawn(async move {
        let mut peer = WebSocketStream::new(far, upgraded(Role::Client, quiet()));
        let mut events = Vec::new();
        while let Some(event) = peer.next_event().await {
            events.push(event);
        }
        events
    });
    assert!(socket.close(None).await.was_clean());
    let events = peer.await.unwrap();
    assert_eq!(events[0], Event::Message(Message::from(vec![1; 500])));
    assert!(matches!(events[1], Event::Pong { .. }));
    assert_eq!(events[2], Event::Message(Message::from(vec![2; 5000])));
    assert!(matches!(events[3], Event::Closed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_sink_promises_room_and_keeps_its_word() {
    let (mut socket, remote) = stuck_server(1000);
    // Accepted while less than the mark is queued, whatever its size.
    poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await.unwrap();
    Pin::new(&mut socket).start_send(vec![0; 5000].into()).unwrap();
    assert!(poll_once(poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx))).is_pending());
    assert_eq!(Pin::new(&mut socket).start_send("unasked".into()), Err(Error::Full));
    assert!(poll_once(socket.flush()).is_pending());
    assert_eq!(socket.state(), State::Open, "none of this is an end");
    remote.set_room(None);
    poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await.unwrap();
    Pin::new(&mut socket).start_send("next".into()).unwrap();
    socket.flush().await.unwrap();
    let written = frames(&remote.written());
    assert_eq!(written.len(), 2);
    assert_eq!(written[1], (TEXT, b"next".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_failed_says_so_each_time() {
    let (mut socket, remote) = server(quiet());
    remote.fail_writes(io::ErrorKind::BrokenPipe);
    assert_eq!(socket.send("lost".into()).await, Err(Error::NotOpen(State::Closing)));
    assert_eq!(socket.feed("no".into()).await, Err(Error::NotOpen(State::Closing)));
    assert_eq!(socket.flush().await, Err(Error::NotOpen(State::Closing)));
    remote.fail_read(io::ErrorKind::ConnectionReset);
    let Some(Err(error)) = socket.next().await else { panic!() };
    let Error::Closed(close) = &error else { panic!() };
    assert_eq!(close.unsent_messages(), 1);
    for _ in 0..2 {
        assert_eq!(socket.send("no".into()).await, Err(error.clone()));
        assert_eq!(socket.flush().await, Err(error.clone()));
        assert_eq!(SinkExt::close(&mut socket).await, Err(error.clone()));
    }

    // After a good end there is nothing to complain of but a new message.
    let (mut socket, remote) = server(quiet());
    socket.send("written".into()).await.unwrap();
    remote.push(&masked(CLOSE, &close_payload(1001, "")));
    remote.end();
    assert_eq!(socket.next().await, None);
    assert_eq!(socket.flush().await, Ok(()));
    assert_eq!(SinkExt::close(&mut socket).await, Ok(()));
    assert!(matches!(socket.send("late".into()).await, Err(Error::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_keeps_back_and_fails_to_flush_was_not_sent() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    remote.fail_flushes(io::ErrorKind::BrokenPipe);
    let sent = socket.send("lost".into()).await;
    assert_eq!((remote.written(), sent), (Vec::new(), Err(Error::NotOpen(State::Closing))));
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_keeps_back_until_it_is_reset_was_not_sent() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    remote.block_flush(true);
    assert!(poll_once(socket.send("lost".into())).is_pending());
    remote.fail_read(io::ErrorKind::ConnectionReset);
    let Some(Err(error)) = socket.next().await else { panic!() };
    assert_eq!((remote.written(), socket.flush().await), (Vec::new(), Err(error)));
}

#[tokio::test(start_paused = true)]
async fn sending_before_it_is_open_waits_until_it_is() {
    let (io, remote) = scripted();
    let request = websocket_proto::ClientRequest::new("a", "/").unwrap();
    let connection = websocket_proto::Connection::client(
        &request,
        quiet().into(),
        [7; 32],
        websocket_proto::Timestamp::default(),
    );
    let mut socket = WebSocketStream::new(io, connection);
    let sending = tokio::spawn(async move { (socket.send("early".into()).await, socket) });
    sleep(SECOND).await;
    assert!(remote.written().starts_with(b"GET / HTTP/1.1\r\n"));
    remote.end();
    let (sent, socket) = sending.await.unwrap();
    assert!(sent.is_err() && socket.state() == State::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_keeps_back_until_it_is_shut_down_was_not_flushed() {
    let (mut socket, remote) = server(quiet());
    remote.keep_back();
    remote.block_flush(true);
    socket.feed("kept back".into()).await.unwrap();
    // Not masked, and then the end.
    remote.push(&frame(TEXT, b"x"));
    remote.end();
    assert!(matches!(socket.next().await, Some(Err(Error::Closed(_)))));
    assert!(matches!(socket.flush().await, Err(Error::Closed(_))));
}
