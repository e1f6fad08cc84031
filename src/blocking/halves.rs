//! A socket for two threads: one that reads and one that writes.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use std::io;

use thiserror::Error;

use super::shared::{Handle, Shared};
use super::timeouts::Timeouts;
use super::{TimedIo, WebSocket};
use crate::adapter::{Driver, Error, Goal};
use crate::close::CloseFrame;
use crate::event::{CloseEvent, Event};
use crate::message::{Chunk, Message};
use crate::send::Prepared;
use crate::state::State;
use crate::stats::Stats;

/// A transport of which there can be two handles, so that one thread may read it while another writes.
///
/// It is implemented for `TcpStream` and, on Unix, `UnixStream`.
///
/// ```
/// use websocket_proto::blocking::CloneIo;
///
/// fn two_handles<T: CloneIo>(io: T) -> std::io::Result<(T, T)> {
///     Ok((io.clone_io()?, io))
/// }
/// ```
pub trait CloneIo: TimedIo + Sized {
    /// Another handle of the same transport. The time-outs for reading may be common to both, and those for writing; but
    /// not those for reading with those for writing.
    ///
    /// # Errors
    /// Whatever the system says; then there are no halves.
    fn clone_io(&self) -> io::Result<Self>;
}

/// There are no halves, as there is no second handle of the transport: the socket as it was, and why.
///
/// ```
/// use std::net::TcpStream;
/// use websocket_proto::blocking::{SplitError, WebSocket};
///
/// fn keep(error: SplitError<TcpStream>) -> WebSocket<TcpStream> {
///     eprintln!("{error}: {}", error.error);
///     *error.socket
/// }
/// ```
#[derive(Error)]
#[error("the transport has no second handle")]
#[non_exhaustive]
pub struct SplitError<T: TimedIo> {
    /// The socket.
    pub socket: Box<WebSocket<T>>,
    /// What [`CloneIo::clone_io`] said.
    #[source]
    pub error: io::Error,
}

impl<T: TimedIo> fmt::Debug for SplitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SplitError").field("socket", &self.socket).field("error", &self.error).finish()
    }
}

/// The half of a socket that reads, made by [`WebSocket::into_split`].
///
/// Whoever reads drives the whole connection: Pings are answered, the heartbeat beats, deadlines are judged, and what the
/// other half queued is written. It wakes up once a second, as that half may have brought a deadline near.
///
/// Dropped, it leaves the [`WriteHalf`] to go on: messages that still arrive are then dropped too. Once both are dropped, the
/// socket is, with a Close frame of 1001 and one write attempt that does not wait.
///
/// ```
/// use std::net::TcpStream;
/// use websocket_proto::{CloseFrame, blocking::WebSocket};
///
/// fn talk(socket: WebSocket<TcpStream>) -> Result<(), Box<dyn std::error::Error>> {
///     let (mut reader, mut writer) = socket.into_split()?;
///     let reading = std::thread::spawn(move || {
///         while let Ok(Some(message)) = reader.read() {
///             println!("{message:?}");
///         }
///         reader.close_event()
///     });
///     writer.send("hello")?;
///     writer.close(CloseFrame::NORMAL);
///     println!("{:?}", reading.join());
///     Ok(())
/// }
/// ```
pub struct ReadHalf<T: TimedIo>(Arc<Shared<T>>);

/// The half of a socket that writes, made by [`WebSocket::into_split`].
///
/// While it waits it drives the whole connection too, as far as the [`ReadHalf`] leaves something to do: what arrives is kept
/// for that half, messages up to 64 KiB, and then no more is read.
///
/// Dropped, it takes nothing with it: what it queued is written while the other half reads, which may go on for as long as the
/// peer likes. To end the connection, [`close`](Self::close) it.
///
/// The [`ReadHalf`] has an example.
pub struct WriteHalf<T: TimedIo>(Arc<Shared<T>>);

impl<T: CloneIo> WebSocket<T> {
    /// Makes two of the socket, for a thread that reads and one that writes. A read that waits keeps nobody from writing, and
    /// a write that waits nobody from reading.
    ///
    /// # Errors
    /// The socket, where [`CloneIo::clone_io`] gives no second handle.
    pub fn into_split(mut self) -> Result<(ReadHalf<T>, WriteHalf<T>), SplitError<T>> {
        let handle = |io| Handle { io, timeouts: Timeouts::default() };
        let clone = match self.io.as_ref().map(T::clone_io).transpose() {
            Ok(clone) => clone,
            Err(error) => return Err(SplitError { socket: Box::new(self), error }),
        };
        let ends = clone.zip(self.io.take()).map(|(clone, io)| [handle(clone), handle(io)]);
        let driver = core::mem::replace(&mut self.driver, Driver::spent());
        let shared = Arc::new(Shared::new(driver, self.origin, ends, self.taken.take()));
        Ok((ReadHalf(shared.clone()), WriteHalf(shared)))
    }
}

impl<T: TimedIo> ReadHalf<T> {
    /// Makes one socket of the two halves again.
    ///
    /// # Errors
    /// Both, if they are not of the same socket.
    pub fn reunite(self, writer: WriteHalf<T>) -> Result<WebSocket<T>, (Self, WriteHalf<T>)> {
        if Arc::ptr_eq(&self.0, &writer.0) { Ok(self.0.lock().whole()) } else { Err((self, writer)) }
    }

    /// As [`WebSocket::read`].
    ///
    /// # Errors
    /// The same.
    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        super::next_message(|| self.next_event())
    }

    /// As [`WebSocket::next_event`].
    pub fn next_event(&mut self) -> Option<Event> {
        self.0.wait_for_event()
    }
}

impl<T: TimedIo> Drop for ReadHalf<T> {
    fn drop(&mut self) {
        self.0.stop_reading();
    }
}

impl<T: TimedIo> WriteHalf<T> {
    /// As [`WebSocket::send`].
    ///
    /// # Errors
    /// The same.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message)?;
        self.flush()
    }

    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    /// The same.
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let mut inner = self.0.work_until(Goal::Capacity, self.0.lock());
        let result = inner.driver.connection.send(message);
        result.map_err(|error| inner.driver.refused(error))
    }

    /// As [`WebSocket::feed_prepared`].
    ///
    /// # Errors
    /// The same.
    pub fn feed_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let mut inner = self.0.work_until(Goal::Capacity, self.0.lock());
        let result = inner.driver.connection.send_prepared(prepared);
        result.map_err(|error| inner.driver.refused(error))
    }

    /// As [`WebSocket::send_chunk`].
    ///
    /// # Errors
    /// The same.
    pub fn send_chunk(&mut self, chunk: Chunk) -> Result<(), Error> {
        {
            let mut inner = self.0.work_until(Goal::Capacity, self.0.lock());
            let result = inner.driver.connection.send_chunk(chunk);
            result.map_err(|error| inner.driver.refused(error))?;
        }
        self.flush()
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    /// The same.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.0.work_until(Goal::Flushed, self.0.lock()).driver.flushed()
    }

    /// As [`WebSocket::ping`].
    ///
    /// # Errors
    /// The same.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        Ok(self.0.lock().driver.connection.ping(payload)?)
    }

    /// As [`WebSocket::close`], but that messages which still arrive wait for the other half: up to 64 KiB of them, beyond
    /// which they are dropped, lest they keep the end waiting. A thread that waits in a read notices the end within a second.
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> CloseEvent {
        let mut inner = self.0.lock();
        let now = inner.now();
        inner.driver.connection.close(frame, now);
        loop {
            inner = self.0.work_until(Goal::Close, inner);
            if let Some(close) = &inner.driver.close_event {
                return close.clone();
            }
        }
    }

    /// Whether messages that begin from now on are compressed: see
    /// [`Connection::set_compression`](crate::Connection::set_compression).
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.0.lock().driver.connection.set_compression(on);
    }

    /// How many bytes wait to be written: the browser's `bufferedAmount`.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.0.lock().driver.connection.buffered()
    }
}

/// What either half tells of the connection.
macro_rules! look {
    ($half:ident) => {
        impl<T: TimedIo> $half<T> {
            /// How the connection ended, once it has.
            #[must_use]
            pub fn close_event(&self) -> Option<CloseEvent> {
                self.0.lock().driver.close_event.clone()
            }

            /// The browser's `readyState`.
            #[must_use]
            pub fn state(&self) -> State {
                self.0.lock().driver.connection.state()
            }

            /// The subprotocol that was agreed on, the browser's `protocol`.
            #[must_use]
            pub fn subprotocol(&self) -> Option<String> {
                self.0.lock().driver.connection.subprotocol().map(String::from)
            }

            /// What was agreed on for compression (RFC 7692).
            #[cfg(feature = "deflate")]
            #[must_use]
            pub fn deflate(&self) -> Option<crate::DeflateParameters> {
                self.0.lock().driver.connection.deflate()
            }

            /// What the connection counted.
            #[must_use]
            pub fn stats(&self) -> Stats {
                self.0.lock().driver.connection.stats()
            }
        }

        impl<T: TimedIo> fmt::Debug for $half<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let inner = self.0.lock();
                f.debug_struct(stringify!($half))
                    .field("connection", &inner.driver.connection)
                    .finish_non_exhaustive()
            }
        }
    };
}

look!(ReadHalf);
look!(WriteHalf);
