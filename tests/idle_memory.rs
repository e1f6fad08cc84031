//! What an open connection costs while nothing happens on it.

#[path = "support/counting.rs"]
mod counting;

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use counting::live;
use websocket_proto::{Agreement, Config, Connection, Event, Message, Role, Timestamp};

/// A client's part of a conversation, masked with zeros: a small message, a large one, one in fragments with a ping between.
fn conversation() -> &'static [u8] {
    fn frame(first: u8, len: u16) -> Vec<u8> {
        let mut frame = vec![first, 0x80 | 126];
        frame.extend_from_slice(&len.to_be_bytes());
        frame.resize(frame.len() + 4, 0);
        frame.resize(frame.len() + usize::from(len), b'a');
        frame
    }
    let ping = b"\x89\x85\0\0\0\0ping!".to_vec();
    let bytes =
        [frame(0x81, 200), frame(0x82, 60_000), frame(0x01, 20_000), ping, frame(0x80, 20_000)].concat();
    bytes.leak()
}

const MESSAGES: usize = 3;

fn server(config: &Arc<Config>) -> Connection {
    Connection::upgraded(Role::Server, Agreement::default(), config.clone(), [7; 32], Timestamp::default())
}

fn core(config: &Arc<Config>, bytes: &[u8], answer: &Message) -> isize {
    let mut now = Timestamp::default();
    let mut input = BytesMut::new();
    let before = live();
    let mut connection = server(config);
    let mut messages = 0;
    let mut run = |connection: &mut Connection, bytes: &[u8], now| {
        for piece in bytes.chunks(1000) {
            input.extend_from_slice(piece);
            while let Some(event) = connection.poll_event(&mut input, now) {
                messages += usize::from(matches!(event, Event::Message(_)));
            }
        }
        input = BytesMut::new();
        let mut written = Vec::new();
        loop {
            let mut output = connection.output(now);
            if !output.has_remaining() {
                break written;
            }
            written.extend_from_slice(&output.copy_to_bytes(output.remaining()));
        }
    };
    run(&mut connection, bytes, now);
    for _ in 0..10 {
        connection.send(answer.clone()).unwrap();
    }
    connection.ping(b"application").unwrap();
    drop(run(&mut connection, b"\x8a\x8b\0\0\0\0application", now));
    // A heartbeat, and its answer.
    now = connection.poll_timeout().unwrap();
    connection.handle_timeout(now);
    let ping = run(&mut connection, b"", now);
    let mut pong = vec![0x8a, 0x88, 0, 0, 0, 0];
    pong.extend_from_slice(&ping[2..]);
    drop(ping);
    drop(run(&mut connection, &pong, now));
    drop(pong);
    drop(run(&mut connection, b"\x8a\x8b\0\0\0\0application", now));
    assert_eq!((messages, connection.stats().pongs_received), (MESSAGES, 3));
    let idle = live() - before;
    drop(connection);
    idle
}

#[cfg(feature = "std")]
/// A transport that owns nothing: it gives what a client said, piece by piece, and swallows what it gets.
struct Hollow {
    left: &'static [u8],
    /// What was allocated when there was nothing more to read.
    live_when_idle: isize,
}

#[cfg(feature = "std")]
impl Hollow {
    fn next(&mut self, room: usize) -> &'static [u8] {
        let (piece, rest) = self.left.split_at(self.left.len().min(room).min(3000));
        self.left = rest;
        piece
    }
}

#[cfg(feature = "std")]
mod over_threads {
    use super::{Arc, Config, Hollow, MESSAGES, Message, live, server};
    use std::io::{ErrorKind, Read, Result, Write};
    use std::time::Duration;
    use websocket_proto::blocking::{TimedIo, WebSocket};

    impl Read for Hollow {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let piece = self.next(buffer.len());
            if piece.is_empty() {
                self.live_when_idle = live();
                return Err(ErrorKind::ConnectionReset.into());
            }
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    impl Write for Hollow {
        fn write(&mut self, buffer: &[u8]) -> Result<usize> {
            Ok(buffer.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl TimedIo for &mut Hollow {
        fn set_read_timeout(&mut self, _: Option<Duration>) -> Result<()> {
            Ok(())
        }

        fn set_write_timeout(&mut self, _: Option<Duration>) -> Result<()> {
            Ok(())
        }

        fn set_nonblocking(&mut self, _: bool) -> Result<()> {
            Ok(())
        }

        fn shutdown_write(&mut self) -> Result<()> {
            Ok(())
        }

        fn set_reset_on_drop(&mut self) -> Result<()> {
            Ok(())
        }
    }

    pub(super) fn idle(config: &Arc<Config>, bytes: &'static [u8], answer: &Message) -> isize {
        let mut io = Hollow { left: bytes, live_when_idle: 0 };
        let before = live();
        let mut socket = WebSocket::new(&mut io, server(config));
        for _ in 0..MESSAGES {
            let _ = socket.read().unwrap();
            socket.send(answer.clone()).unwrap();
        }
        assert!(socket.read().is_err());
        drop(socket);
        io.live_when_idle - before
    }

    pub(super) fn size() -> usize {
        size_of::<WebSocket<std::net::TcpStream>>()
    }
}

#[cfg(feature = "tokio")]
mod over_tokio {
    use super::{Arc, Config, Hollow, MESSAGES, Message, live, server};
    use futures_util::{SinkExt, StreamExt};
    use std::future::Future;
    use std::io::Result;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use websocket_proto::tokio::WebSocketStream;

    impl AsyncRead for Hollow {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            let piece = self.get_mut().next(buffer.remaining());
            if piece.is_empty() {
                return Poll::Pending;
            }
            buffer.put_slice(piece);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Hollow {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<Result<usize>> {
            Poll::Ready(Ok(buffer.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    pub(super) fn idle(config: &Arc<Config>, bytes: &'static [u8], answer: &Message) -> isize {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let before = live();
            let mut socket = WebSocketStream::new(Hollow { left: bytes, live_when_idle: 0 }, server(config));
            for _ in 0..MESSAGES {
                drop(socket.next().await.unwrap().unwrap());
                socket.send(answer.clone()).await.unwrap();
            }
            let mut cx = Context::from_waker(Waker::noop());
            assert!(pin!(socket.next()).poll(&mut cx).is_pending());
            live() - before
        })
    }

    pub(super) fn size() -> usize {
        size_of::<WebSocketStream<tokio::net::TcpStream>>()
    }
}

#[test]
fn an_idle_connection_owns_next_to_nothing() {
    let config = Arc::new(Config::default());
    let bytes = conversation();
    let answer = Message::from(vec![1; 5000]);
    // Its first clone makes it shared, which is an allocation of its own.
    drop(answer.clone());

    println!("size of a Connection: {}", size_of::<Connection>());
    println!("size of an Event: {}", size_of::<Event>());
    // The first connection of a thread leaves it buffers, for whichever reads or writes next.
    core(&config, bytes, &answer);
    let heap = core(&config, bytes, &answer);
    println!("heap of an idle Connection: {heap}");
    assert_eq!(heap, 0);

    #[cfg(feature = "std")]
    {
        println!("size of a blocking WebSocket over TCP: {}", over_threads::size());
        let heap = over_threads::idle(&config, bytes, &answer);
        println!("heap of an idle blocking WebSocket: {heap}");
        assert_eq!(heap, 0);
    }

    #[cfg(feature = "tokio")]
    {
        println!("size of a WebSocketStream over TCP: {}", over_tokio::size());
        over_tokio::idle(&config, bytes, &answer);
        let heap = over_tokio::idle(&config, bytes, &answer);
        println!("heap of an idle WebSocketStream: {heap}");
        assert!(heap <= 400, "{heap}");
    }
}
