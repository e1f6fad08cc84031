//! Taking a socket apart, and putting it together again.

use alloc::vec::Vec;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::time::Instant;
use bytes::BytesMut;

use super::sender::Queue;
use super::wakers::Wakers;
use super::{WebSocketStream, as_tcp};
use crate::adapter::Driver;
use crate::connection::Connection;
use crate::event::Event;
use crate::time::Timestamp;

/// What a [`WebSocketStream`] is made of: to begin with bytes that somebody else has read, to move on to another transport,
/// or to go on without this adapter. Taken apart and put together again, nothing is lost.
///
/// ```
/// use bytes::BytesMut;
/// use websocket_proto::tokio::{Parts, WebSocketStream};
/// use websocket_proto::Connection;
///
/// /// After an upgrade that an HTTP library did, which may have read too far.
/// fn begin(io: tokio::net::TcpStream, connection: Connection, read: &[u8]) -> WebSocketStream<tokio::net::TcpStream> {
///     let mut parts = Parts::new(io, connection);
///     parts.input = BytesMut::from(read);
///     WebSocketStream::from_parts(parts)
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<S> {
    /// The transport.
    pub io: S,
    /// The machine. Its timestamps count from [`origin`](Self::origin).
    pub connection: Connection,
    /// The point that the connection's timestamps count from.
    pub origin: Instant,
    /// Bytes that were read from the transport and not parsed yet.
    pub input: BytesMut,
    /// Events that were found while something was sent, and not read yet; they came before what is in `input`.
    pub events: Vec<Event>,
    queue: Option<Queue>,
}

impl<S> Parts<S> {
    /// A connection that begins now: its timestamps so far are zero.
    #[must_use]
    pub fn new(io: S, connection: Connection) -> Self {
        Self {
            io,
            connection,
            origin: Instant::now(),
            input: BytesMut::new(),
            events: Vec::new(),
            queue: None,
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
        Self::from_parts(Parts::new(io, connection))
    }

    /// Puts a socket together.
    #[must_use]
    pub fn from_parts(parts: Parts<S>) -> Self {
        if let Some(tcp) = as_tcp(&parts.io) {
            // A socket that cannot be told still works.
            let _ = tcp.set_nodelay(true);
        }
        let mut driver = Driver::new(parts.connection, parts.input);
        // Nobody knows what the transport holds back.
        driver.unflushed = true;
        for event in parts.events {
            driver.parked.push(event);
        }
        Self {
            io: Some(parts.io),
            driver,
            origin: parts.origin,
            timer: None,
            judged_at: Timestamp::default(),
            trusted: 0,
            reads_much: false,
            wakers: Wakers::new(),
            queue: parts.queue,
        }
    }

    /// What stays behind of a socket that is elsewhere.
    pub(super) fn spent(origin: Instant) -> Self {
        Self {
            io: None,
            driver: Driver::spent(),
            origin,
            timer: None,
            judged_at: Timestamp::default(),
            trusted: 0,
            reads_much: false,
            wakers: Wakers::new(),
            queue: None,
        }
    }

    /// Takes the socket apart, without a word to the peer; `None` once the connection has ended.
    ///
    /// Its [`MessageSender`](super::MessageSender)s wait until it is put together again; if it never is, they are closed,
    /// and what they queued is lost.
    #[must_use]
    pub fn into_parts(mut self) -> Option<Parts<S>> {
        let io = self.io.take()?;
        let now = self.now();
        let mut driver = core::mem::replace(&mut self.driver, Driver::spent());
        let events = core::iter::from_fn(|| driver.parked.pop()).collect();
        driver.connection.set_reading(true, now);
        Some(Parts {
            io,
            connection: driver.connection,
            origin: self.origin,
            input: driver.input,
            events,
            queue: self.queue.take(),
        })
    }
}
