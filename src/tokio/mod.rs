//! The tokio adapter: a [`Connection`] over anything that is `AsyncRead + AsyncWrite`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use futures_util::{SinkExt, StreamExt};
//! use websocket_proto::{Accept, Config, OriginPolicy, tokio::accept};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
//!     loop {
//!         let (tcp, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             let incoming = accept(tcp, Arc::new(Config::default())).await?;
//!             let mut socket = incoming.accept(&Accept::new(OriginPolicy::SameHost)).await?;
//!             while let Some(message) = socket.next().await {
//!                 socket.send(message?).await?;
//!             }
//!             Ok::<(), websocket_proto::Error>(())
//!         });
//!     }
//! }
//! ```
//!
//! Whoever polls the socket, for reading or for writing, drives all of it: Pings are answered, the heartbeat beats and
//! deadlines are judged while the application only reads, or only flushes. A task that does neither for a while should hand
//! its messages to a [`MessageSender`] and leave the socket to a task that reads, or run [`WebSocketStream::drive`].
//!
//! A client whose connections come and go is a [`ReconnectingClient`]; a server keeps its sockets together by [`Connections`], to
//! close them all when it goes away.
//!
//! Every operation on a socket may be cancelled at any await, and goes on when called again: no state lives in a future. The
//! opening handshake is the exception: whoever drops the future of [`connect`] or [`accept`] drops the connection.
//!
//! Deadlines need tokio's timer: poll a socket in a runtime with `enable_time`, or it panics.
//!
//! Import by name: `use websocket_proto::*` would bring this module in as `tokio`, beside the crate of that name.

mod client;
mod connections;
mod drive;
mod halves;
mod incoming;
mod io;
mod mailbox;
mod parts;
mod sender;
mod stream;
mod wakers;

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use std::any::Any;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::TcpStream;
use ::tokio::time::Instant;

use crate::adapter::{Driver, Error, Goal, seed};
use crate::close::CloseFrame;
use crate::config::Config;
use crate::connection::Connection;
use crate::event::{CloseEvent, Event};
use crate::message::Chunk;
use crate::send::Prepared;
use crate::state::State;
use crate::stats::Stats;
use crate::time::Timestamp;
use crate::upgrade::{ClientRequest, Response};
use io::Timer;
use sender::Queue;
use wakers::Wakers;

pub use client::{
    AttemptEnd, BoxError, ClientConfig, ClientEvent, Connector, Disconnected, NextAttempt,
    ReconnectingClient, Unsent,
};
pub use connections::{Connections, Registered, ShutdownReport};
pub use halves::{ReadHalf, WriteHalf};
pub use incoming::{Incoming, accept};
pub use mailbox::WhenFull;
pub use parts::Parts;
pub use sender::MessageSender;

/// A WebSocket over `S`: a `Stream` of messages and a `Sink` for them.
///
/// The stream ends after a clean close; any other end yields [`Error::Closed`] once before. Either way
/// [`close_event`](Self::close_event) says how it ended. With [`Delivery::Chunks`](crate::Delivery::Chunks) use
/// [`next_event`](Self::next_event): the stream yields [`Error::Chunked`] for a chunk, which is lost.
///
/// `Sink::send` waits until the message was written. To let several share a write, `feed` them: what was fed is written
/// when the sink is flushed, and when the stream is polled and has yielded all that the last read brought, or has taken
/// more than 10 ms over it, which is noticed with every fourth message at the latest. So a task that answers what it reads
/// feeds its answers and goes on reading; only one that turns to something else meanwhile must flush.
///
/// A socket may be split for two tasks, with [`into_split`](Self::into_split) or `StreamExt::split`: both are woken for
/// whatever they wait for. While one sends and nobody reads, what arrives is kept for whoever reads next: of Pings and Pongs
/// the first 16, and messages up to 64 KiB. Then the transport is not read any more, nor are the Pings in it answered, until
/// somebody takes a message: so leave reading to a task of its own where the peer may answer before all is sent.
///
/// Dropping it queues a Close frame with 1001 and makes one write attempt that does not wait. Use
/// [`close`](Self::close) to end in good order.
///
/// ```
/// use std::sync::Arc;
/// use futures_util::{SinkExt, StreamExt};
/// use websocket_proto::tokio::{accept, connect};
/// use websocket_proto::{Accept, ClientRequest, Config, Message, OriginPolicy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, far) = tokio::io::duplex(1024);
/// let config = Arc::new(Config::default());
/// let server = tokio::spawn({
///     let config = config.clone();
///     async move { accept(far, config).await?.accept(&Accept::new(OriginPolicy::Any)).await }
/// });
/// let request = ClientRequest::new("localhost", "/")?;
/// let (mut client, response) = connect(near, &request, config).await?;
/// assert_eq!(response.status(), 101);
///
/// let mut server = server.await??;
/// client.send(Message::from("hello")).await?;
/// assert_eq!(server.next().await, Some(Ok(Message::from("hello"))));
/// # Ok(())
/// # }
/// ```
pub struct WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// Gone once the connection has ended.
    io: Option<S>,
    driver: Driver,
    /// The point that the connection's timestamps count from.
    origin: Instant,
    timer: Option<Timer>,
    /// When deadlines were looked at last, though there was something to read.
    judged_at: Timestamp,
    /// How many more messages are told without a look at the clock.
    trusted: u8,
    /// The last read brought as much as a small buffer holds.
    reads_much: bool,
    wakers: Wakers,
    queue: Option<Queue>,
}

/// Asks the server at the other end of `io` for an upgrade; returns the open connection and the server's answer.
///
/// On a `TcpStream` it sets `TCP_NODELAY`, since messages are written whole.
///
/// # Errors
/// [`Error::Refused`] if the server answers anything but 101, [`Error::Closed`] if the handshake fails otherwise or takes
/// longer than [`Config::handshake_timeout`].
pub async fn connect<S>(
    io: S,
    request: &ClientRequest,
    config: Arc<Config>,
) -> Result<(WebSocketStream<S>, Response), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let connection = Connection::client(request, config, seed()?, Timestamp::default());
    let mut socket = WebSocketStream::new(io, connection);
    loop {
        let event = socket.next_event().await;
        if let Some(response) = socket.driver.answered(event) {
            return Ok((socket, response?));
        }
    }
}

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// The transport; `None` once the connection has ended and it was closed.
    #[must_use]
    pub fn get_ref(&self) -> Option<&S> {
        self.io.as_ref()
    }

    /// The next event of any kind, also the Pings and Pongs that the `Stream` passes over; `None` after
    /// [`Event::Closed`]. Cancel-safe.
    pub async fn next_event(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// Does all that is due (answers, heartbeats, deadlines, queued messages) until the connection ends, and returns how it
    /// ended. Messages are not taken: they wait for the next read, and once 64 KiB of them do, nothing more is read.
    ///
    /// For a task that waits for something else meanwhile, in `select!`. Cancel-safe.
    pub async fn drive(&mut self) -> CloseEvent {
        poll_fn(|cx| self.poll_end(Goal::End, cx)).await
    }

    /// Sends a piece of a message that need not fit in memory: waits for room as `Sink::send` does, and until it is written.
    /// See [`Connection::send_chunk`] for what chunks are. Dropped before there was room, it has sent nothing.
    ///
    /// What other tasks queue meanwhile waits until the message has ended.
    ///
    /// # Errors
    /// [`Error::WrongKind`], [`Error::NotOpen`], or [`Error::Closed`] if the connection ended before it was written.
    pub async fn send_chunk(&mut self, chunk: Chunk) -> Result<(), Error> {
        let mut send = Some(|connection: &mut Connection| connection.send_chunk(chunk));
        poll_fn(|cx| self.poll_send(&mut send, cx)).await
    }

    /// Sends a message that many connections send, as `Sink::send` does any other.
    ///
    /// # Errors
    /// As of `Sink::send`.
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let mut send = Some(|connection: &mut Connection| connection.send_prepared(prepared));
        poll_fn(|cx| self.poll_send(&mut send, cx)).await
    }

    /// Whether messages that begin from now on are compressed: see [`Connection::set_compression`].
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.driver.connection.set_compression(on);
    }

    /// Queues a Ping with at most 125 bytes of payload; it goes out as soon as the socket is polled.
    /// [`Event::Pong`] and [`Stats::round_trip`] tell the answer.
    ///
    /// # Errors
    /// [`Error::NotOpen`], [`Error::ControlTooLong`], and [`Error::Full`] while the last one was not sent yet.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        Ok(self.driver.connection.ping(payload)?)
    }

    /// Closes with `frame`, or an empty Close frame, and drives the connection to its end: what was sent before is written,
    /// what was not read yet is dropped. It takes at most [`Config::close_timeout`]. Cancel-safe: called again it goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> CloseEvent {
        self.begin_closing(frame.into());
        let close = poll_fn(|cx| self.poll_end(Goal::Close, cx)).await;
        self.driver.forget_events();
        close
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn close_event(&self) -> Option<&CloseEvent> {
        self.driver.close_event.as_ref()
    }

    /// The browser's `readyState`.
    #[must_use]
    pub fn state(&self) -> State {
        self.driver.connection.state()
    }

    /// The subprotocol that was agreed on, the browser's `protocol`.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.driver.connection.subprotocol()
    }

    /// What was agreed on for compression (RFC 7692).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self) -> Option<crate::DeflateParameters> {
        self.driver.connection.deflate()
    }

    /// What the connection counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.driver.connection.stats()
    }

    /// How many bytes wait to be written: the browser's `bufferedAmount`.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.driver.connection.buffered()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_duration(self.origin.elapsed())
    }
}

/// The TCP stream, where `io` is one: for options that other transports do not have.
fn as_tcp<S: 'static>(io: &S) -> Option<&TcpStream> {
    (io as &dyn Any).downcast_ref()
}

impl<S> fmt::Debug for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketStream").field("connection", &self.driver.connection).finish_non_exhaustive()
    }
}
