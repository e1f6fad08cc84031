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
//! Every operation may be cancelled at any await: no state lives in a future.

mod drive;
mod incoming;
mod sender;
mod stream;
mod wakers;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use std::any::Any;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::TcpStream;
use ::tokio::time::{Instant, Sleep};
use bytes::BytesMut;

use crate::adapter::{Error, seed};
use crate::close::CloseFrame;
use crate::config::Config;
use crate::connection::Connection;
use crate::event::{CloseEvent, Event};
use crate::state::State;
use crate::stats::Stats;
use crate::time::Timestamp;
use crate::upgrade::{ClientRequest, Response};
use sender::Queue;
use wakers::{Task, Wakers};

pub use incoming::{Incoming, accept};
pub use sender::MessageSender;

/// A WebSocket over `S`: a `Stream` of messages and a `Sink` for them.
///
/// The stream ends after a clean close; any other end yields [`Error::Closed`] once before. Either way
/// [`close_event`](Self::close_event) says how it ended.
///
/// `Sink::send` waits until the message was written. To let several share a write, `feed` them: what was fed is written
/// when the sink is flushed, and whenever the stream is polled and finds nothing more to read.
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
    connection: Connection,
    input: BytesMut,
    input_ended: bool,
    half_closed: bool,
    origin: Instant,
    timer: Option<Timer>,
    /// An event that was found while writing, for whoever reads next.
    parked: Option<Event>,
    close_event: Option<CloseEvent>,
    close_was_told: bool,
    wakers: Wakers,
    queue: Option<Queue>,
}

/// A timer that may fire early, never late: a deadline that moves away does not move it.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    at: Timestamp,
}

/// What a [`WebSocketStream`] is made of.
///
/// ```
/// use websocket_proto::tokio::{Parts, WebSocketStream};
///
/// # async fn moved(socket: WebSocketStream<tokio::io::DuplexStream>) {
/// if let Some(parts) = socket.into_parts() {
///     println!("{} bytes were read and not parsed", parts.input.len());
///     let _socket = WebSocketStream::from_parts(parts);
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<S> {
    /// The transport.
    pub io: S,
    /// The machine. Its timestamps count from [`origin`](Self::origin).
    pub connection: Connection,
    /// Bytes that were read from the transport and not parsed yet.
    pub input: BytesMut,
    /// The point that the connection's timestamps count from.
    pub origin: Instant,
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
        match socket.next_event().await {
            Some(Event::Open(response)) => return Ok((socket, response)),
            Some(Event::Refused(response)) => return Err(Error::Refused(response)),
            Some(Event::Closed(close)) => return Err(Error::Closed(close)),
            Some(_) => {}
            None => return Err(socket.ended()),
        }
    }
}

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// Drives `connection` over `io`: one whose handshake was done elsewhere, see
    /// [`Connection::upgraded`], with a timestamp of zero for now.
    #[must_use]
    pub fn new(io: S, connection: Connection) -> Self {
        Self::from_parts(Parts { io, connection, input: BytesMut::new(), origin: Instant::now() })
    }

    /// Puts together again what [`into_parts`](Self::into_parts) took apart.
    #[must_use]
    pub fn from_parts(parts: Parts<S>) -> Self {
        if let Some(tcp) = as_tcp(&parts.io) {
            // A socket that cannot be told still works.
            let _ = tcp.set_nodelay(true);
        }
        Self {
            io: Some(parts.io),
            connection: parts.connection,
            input: parts.input,
            input_ended: false,
            half_closed: false,
            origin: parts.origin,
            timer: None,
            parked: None,
            close_event: None,
            close_was_told: false,
            wakers: Wakers::default(),
            queue: None,
        }
    }

    /// Takes the socket apart, without a word to the peer; `None` once the connection has ended.
    ///
    /// A message that was parsed already and not read yet is lost, as are those waiting in the queue of a
    /// [`MessageSender`].
    #[must_use]
    pub fn into_parts(mut self) -> Option<Parts<S>> {
        let io = self.io.take()?;
        let spare = Connection::upgraded(
            crate::Role::Server,
            crate::Agreement::default(),
            Arc::new(Config::default()),
            [0; 32],
            Timestamp::default(),
        );
        let connection = core::mem::replace(&mut self.connection, spare);
        Some(Parts { io, connection, input: core::mem::take(&mut self.input), origin: self.origin })
    }

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
    /// ended. Messages are not taken: the first that arrives stays for the next read, and nothing more is read until then.
    ///
    /// For a task that waits for something else meanwhile, in `select!`. Cancel-safe.
    pub async fn drive(&mut self) -> CloseEvent {
        poll_fn(|cx| {
            let _ = self.poll_progress(Task::Writer, cx);
            self.close_event.clone().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Queues a Ping with at most 125 bytes of payload; it goes out as soon as the socket is polled.
    /// [`Event::Pong`] and [`Stats::round_trip`] tell the answer.
    ///
    /// # Errors
    /// [`Error::NotOpen`], [`Error::PingPending`], [`Error::ControlTooLong`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        Ok(self.connection.ping(payload)?)
    }

    /// Closes with `frame`, or an empty Close frame, and drives the connection to its end: what was sent before is written,
    /// what still arrives is dropped. It takes at most [`Config::close_timeout`]. Cancel-safe: called again it goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> CloseEvent {
        let now = self.now();
        self.connection.close(frame, now);
        poll_fn(|cx| self.poll_end(cx)).await
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn close_event(&self) -> Option<&CloseEvent> {
        self.close_event.as_ref()
    }

    /// The browser's `readyState`.
    #[must_use]
    pub fn state(&self) -> State {
        self.connection.state()
    }

    /// What the connection counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.connection.stats()
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.connection.buffered()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_duration(self.origin.elapsed())
    }

    /// Why nothing goes on here any more.
    fn ended(&self) -> Error {
        match &self.close_event {
            Some(close) => Error::Closed(close.clone()),
            None => Error::NotOpen(self.connection.state()),
        }
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
        f.debug_struct("WebSocketStream").field("connection", &self.connection).finish_non_exhaustive()
    }
}
