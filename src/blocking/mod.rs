//! The blocking adapter: a [`Connection`] over a transport whose reads and writes can be bounded in time, such as
//! `std::net::TcpStream`.
//!
//! ```no_run
//! use std::net::{TcpListener, TcpStream};
//! use std::sync::Arc;
//! use websocket_proto::{Accept, Config, Error, OriginPolicy, blocking::accept};
//!
//! fn serve(tcp: TcpStream) -> Result<(), Error> {
//!     let incoming = accept(tcp, Arc::new(Config::default()))?;
//!     let mut socket = incoming.accept(&Accept::new(OriginPolicy::SameHost))?;
//!     while let Some(message) = socket.read()? {
//!         socket.send(message)?;
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     for tcp in TcpListener::bind("127.0.0.1:9001")?.incoming() {
//!         let tcp = tcp?;
//!         std::thread::spawn(move || serve(tcp).unwrap_or_else(|error| eprintln!("{error}")));
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Whoever reads or sends drives the whole connection: Pings are answered, the heartbeat beats and deadlines are judged while
//! the application only reads. Between such calls nothing happens, so call one of them often enough.

mod drive;
mod halves;
mod incoming;
mod io;
mod shared;
mod timeouts;

use alloc::sync::Arc;
use core::fmt;
use std::time::Instant;

use bytes::BytesMut;

use crate::adapter::{Driver, Error, Goal, seed};
use crate::close::CloseFrame;
use crate::config::Config;
use crate::connection::{Connection, Taken};
use crate::event::{CloseEvent, Event};
use crate::message::{Chunk, Message};
use crate::send::Prepared;
use crate::state::State;
use crate::stats::Stats;
use crate::time::Timestamp;
use crate::upgrade::{ClientRequest, Response};

pub use halves::{CloneIo, ReadHalf, SplitError, WriteHalf};
pub use incoming::{Incoming, accept};
pub use io::TimedIo;
use timeouts::Timeouts;

/// A WebSocket over a blocking transport.
///
/// For a thread that reads and one that writes, [`into_split`](Self::into_split) makes two of it.
///
/// Dropping it queues a Close frame with 1001 and makes one write attempt that does not wait. Use
/// [`close`](Self::close) to end in good order.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use std::sync::Arc;
/// use websocket_proto::blocking::{accept, connect};
/// use websocket_proto::{Accept, ClientRequest, Config, Message, OriginPolicy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let config = Arc::new(Config::default());
/// let server = std::thread::spawn({
///     let config = config.clone();
///     move || {
///         let (tcp, _) = listener.accept().unwrap();
///         let mut socket = accept(tcp, config)?.accept(&Accept::new(OriginPolicy::Any))?;
///         socket.read()
///     }
/// });
/// let request = ClientRequest::new(&address.to_string(), "/")?;
/// let (mut client, response) = connect(TcpStream::connect(address)?, &request, config)?;
/// assert_eq!(response.status(), 101);
/// client.send("hello")?;
/// assert_eq!(server.join().unwrap()?, Some(Message::from("hello")));
/// # Ok(())
/// # }
/// ```
pub struct WebSocket<T: TimedIo> {
    /// Gone once the connection has ended.
    io: Option<T>,
    driver: Driver,
    /// The point that the connection's timestamps count from.
    origin: Instant,
    /// Output on its way, perhaps written in part.
    taken: Option<Taken>,
    timeouts: Timeouts,
}

/// Asks the server at the other end of `io` for an upgrade; returns the open connection and the server's answer.
///
/// # Errors
/// [`Error::Refused`] if the server answers anything but 101, [`Error::Closed`] if the handshake fails otherwise or takes
/// longer than [`Config::handshake_timeout`].
pub fn connect<T: TimedIo>(
    io: T,
    request: &ClientRequest,
    config: Arc<Config>,
) -> Result<(WebSocket<T>, Response), Error> {
    let connection = Connection::client(request, config, seed()?, Timestamp::default());
    let mut socket = WebSocket::new(io, connection);
    loop {
        let event = socket.next_event();
        if let Some(response) = socket.driver.answered(event) {
            return Ok((socket, response?));
        }
    }
}

impl<T: TimedIo> WebSocket<T> {
    /// Drives `connection` over `io`: one whose handshake was done elsewhere, see
    /// [`Connection::upgraded`], with a timestamp of zero for now.
    #[must_use]
    pub fn new(mut io: T, connection: Connection) -> Self {
        // A socket that cannot be told still works.
        let _ = io.set_nodelay();
        Self {
            origin: io.now(),
            io: Some(io),
            driver: Driver::new(connection, BytesMut::new()),
            taken: None,
            timeouts: Timeouts::default(),
        }
    }

    /// The transport; `None` once the connection has ended and it was closed.
    #[must_use]
    pub fn get_ref(&self) -> Option<&T> {
        self.io.as_ref()
    }

    /// Waits for the next message; `None` after a clean close.
    ///
    /// # Errors
    /// [`Error::Closed`] once, if the connection ended in any other way. [`Error::Chunked`] with
    /// [`Delivery::Chunks`](crate::Delivery::Chunks), and that chunk is lost: use [`next_event`](Self::next_event).
    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        next_message(|| self.next_event())
    }

    /// Waits for the next event of any kind, also the Pings and Pongs that [`read`](Self::read) passes over; `None` after
    /// [`Event::Closed`].
    pub fn next_event(&mut self) -> Option<Event> {
        self.wait_for_event()
    }

    /// Sends a message, with all that was [fed](Self::feed) before it, and waits until it is written.
    ///
    /// # Errors
    /// As [`feed`](Self::feed) and [`flush`](Self::flush).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message)?;
        self.flush()
    }

    /// Queues a message, so that several may share a write: it leaves with the next [`flush`](Self::flush) or
    /// [`read`](Self::read). Waits only while [`Config::output_high_water`] bytes are queued.
    ///
    /// # Errors
    /// [`Error::NotOpen`] or [`Error::Closed`] if the connection is no longer open, [`Error::Unfinished`] while a message in
    /// chunks is.
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.work_until(Goal::Capacity);
        self.driver.connection.send(message).map_err(|error| self.driver.refused(error))
    }

    /// Queues a message that many connections send, as [`feed`](Self::feed) does any other.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn feed_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.work_until(Goal::Capacity);
        self.driver.connection.send_prepared(prepared).map_err(|error| self.driver.refused(error))
    }

    /// Sends a piece of a message that need not fit in memory, with all that was [fed](Self::feed) before it, and waits until
    /// it is written. See [`Connection::send_chunk`] for what chunks are; to receive them, use
    /// [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// As [`feed`](Self::feed) and [`flush`](Self::flush), and [`Error::WrongKind`].
    pub fn send_chunk(&mut self, chunk: Chunk) -> Result<(), Error> {
        self.work_until(Goal::Capacity);
        self.driver.connection.send_chunk(chunk).map_err(|error| self.driver.refused(error))?;
        self.flush()
    }

    /// Waits until everything that was sent or fed is written. While the peer does not take it, this reads: up to 64 KiB of
    /// messages are kept for the next [`read`](Self::read), and what is due is done. Beyond that it does not read: if the peer
    /// waits to be read, too, both wait until [`Config::write_stall`] ends it. Send so much in a thread of its own, by
    /// [`into_split`](Self::into_split).
    ///
    /// # Errors
    /// [`Error::NotOpen`] or [`Error::Closed`] if the connection ended before and messages were dropped.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.work_until(Goal::Flushed);
        self.driver.flushed()
    }

    /// Whether messages that begin from now on are compressed: see [`Connection::set_compression`].
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.driver.connection.set_compression(on);
    }

    /// Queues a Ping with at most 125 bytes of payload; it leaves with the next write. [`Event::Pong`] and
    /// [`Stats::round_trip`] tell the answer.
    ///
    /// # Errors
    /// [`Error::NotOpen`], [`Error::ControlTooLong`], and [`Error::Full`] while the last one was not sent yet.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        Ok(self.driver.connection.ping(payload)?)
    }

    /// Closes with `frame`, or an empty Close frame, and drives the connection to its end: what was sent before is written,
    /// what was not read yet is dropped. It takes at most [`Config::close_timeout`].
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> CloseEvent {
        let now = self.now();
        self.driver.connection.close(frame, now);
        loop {
            self.work_until(Goal::Close);
            self.driver.forget_events();
            if let Some(close) = &self.driver.close_event {
                return close.clone();
            }
        }
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
        // Once the transport is gone time does not matter, and for the machine it does not go back.
        let elapsed = self.io.as_ref().map(|io| io.now().saturating_duration_since(self.origin));
        Timestamp::from_duration(elapsed.unwrap_or_default())
    }
}

/// The next message among events, as `read` gives it.
fn next_message(mut next_event: impl FnMut() -> Option<Event>) -> Result<Option<Message>, Error> {
    loop {
        match next_event() {
            Some(Event::Message(message)) => return Ok(Some(message)),
            Some(Event::Chunk(_)) => return Err(Error::Chunked),
            Some(Event::Closed(close)) if !close.was_clean() => return Err(Error::Closed(close)),
            Some(Event::Closed(_)) | None => return Ok(None),
            Some(_) => {}
        }
    }
}

impl<T: TimedIo> fmt::Debug for WebSocket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", &self.driver.connection).finish_non_exhaustive()
    }
}
