//! A socket for two tasks: one that reads and one that writes.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::tokio::io::{AsyncRead, AsyncWrite};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::{MessageSender, WebSocketStream};
use crate::adapter::{Error, Goal};
use crate::close::CloseFrame;
use crate::connection::Connection;
use crate::event::{CloseEvent, Event};
use crate::message::{Chunk, Message};
use crate::send::Prepared;
use crate::state::State;
use crate::stats::Stats;

/// The socket that the halves share. It is locked for a poll, which does not wait: so neither half ever waits for the other,
/// whatever either of them is blocked by, and the transport need not be one that can be taken apart.
///
/// Wakers are called under the lock: they have to schedule a task, as all do, and must not poll it.
struct Shared<S>(Arc<Mutex<WebSocketStream<S>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static;

impl<S> Shared<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn lock(&self) -> MutexGuard<'_, WebSocketStream<S>> {
        // A transport that panicked in one half has left the socket as any failed poll does.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The half of a socket that reads, made by [`WebSocketStream::into_split`]: a `Stream` of messages.
///
/// Polling it drives the whole connection: Pings are answered, the heartbeat beats, deadlines are judged, and what the other
/// half queued is written.
///
/// Dropped, it leaves the [`WriteHalf`] to go on: messages that still arrive are then dropped too. Once both are dropped, the
/// socket is, with a Close frame of 1001 and one write attempt that does not wait.
///
/// ```
/// use futures_util::{SinkExt, StreamExt};
/// use websocket_proto::{Error, Message, tokio::WebSocketStream};
///
/// async fn talk(socket: WebSocketStream<tokio::net::TcpStream>) -> Result<(), Error> {
///     let (mut reader, mut writer) = socket.into_split();
///     let reading = tokio::spawn(async move {
///         while let Some(Ok(message)) = reader.next().await {
///             println!("{message:?}");
///         }
///         reader.close_event()
///     });
///     writer.send(Message::from("hello")).await?;
///     writer.close(None).await;
///     println!("{:?}", reading.await);
///     Ok(())
/// }
/// ```
pub struct ReadHalf<S>(Shared<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static;

/// The half of a socket that writes, made by [`WebSocketStream::into_split`]: a `Sink` of messages.
///
/// While it is polled it drives the whole connection too, as far as the [`ReadHalf`] leaves something to do: what arrives is
/// kept for that half, messages up to 64 KiB, and then no more is read.
///
/// Dropped, it takes nothing with it: what it queued is written while the other half is polled, which may go on for as long as
/// the peer likes. To end the connection, [`close`](Self::close) it.
///
/// The [`ReadHalf`] has an example.
pub struct WriteHalf<S>(Shared<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static;

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// Makes two of the socket, for a task that reads and one that writes. Neither waits for the other, and both are woken for
    /// whatever they wait for.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<S>, WriteHalf<S>) {
        let socket = Arc::new(Mutex::new(self));
        (ReadHalf(Shared(socket.clone())), WriteHalf(Shared(socket)))
    }
}

impl<S> ReadHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// Makes one socket of the two halves again.
    ///
    /// # Errors
    /// Both, if they are not of the same socket.
    pub fn reunite(self, writer: WriteHalf<S>) -> Result<WebSocketStream<S>, (Self, WriteHalf<S>)> {
        if !Arc::ptr_eq(&self.0.0, &writer.0.0) {
            return Err((self, writer));
        }
        let mut socket = self.0.lock();
        let spent = WebSocketStream::spent(socket.origin);
        Ok(core::mem::replace(&mut *socket, spent))
    }

    /// As [`WebSocketStream::next_event`]. Cancel-safe.
    pub async fn next_event(&mut self) -> Option<Event> {
        poll_fn(|cx| self.0.lock().poll_next_event(cx)).await
    }
}

impl<S> WriteHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// As [`WebSocketStream::send_chunk`].
    ///
    /// # Errors
    /// The same.
    pub async fn send_chunk(&mut self, chunk: Chunk) -> Result<(), Error> {
        let mut send = Some(|connection: &mut Connection| connection.send_chunk(chunk));
        poll_fn(|cx| self.0.lock().poll_send(&mut send, cx)).await
    }

    /// As [`WebSocketStream::send_prepared`].
    ///
    /// # Errors
    /// The same.
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let mut send = Some(|connection: &mut Connection| connection.send_prepared(prepared));
        poll_fn(|cx| self.0.lock().poll_send(&mut send, cx)).await
    }

    /// As [`WebSocketStream::ping`].
    ///
    /// # Errors
    /// The same.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        let mut socket = self.0.lock();
        socket.ping(payload)?;
        socket.wake_reader();
        Ok(())
    }

    /// A sender for other tasks. What they send goes out while one of the halves is polled.
    #[must_use]
    pub fn sender(&mut self) -> MessageSender {
        let mut socket = self.0.lock();
        // Whoever waits to read did not know of the queue.
        socket.wake_reader();
        socket.sender()
    }

    /// As [`WebSocketStream::close`], but that messages which still arrive wait for the other half: up to 64 KiB of them,
    /// beyond which they are dropped, lest they keep the end waiting. Cancel-safe.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> CloseEvent {
        self.0.lock().begin_closing(frame.into());
        poll_fn(|cx| self.0.lock().poll_end(Goal::Close, cx)).await
    }

    /// As [`WebSocketStream::drive`]: for a task that has nothing to send, and no [`ReadHalf`] that is polled. Cancel-safe.
    pub async fn drive(&mut self) -> CloseEvent {
        poll_fn(|cx| self.0.lock().poll_end(Goal::End, cx)).await
    }

    /// Whether messages that begin from now on are compressed: see
    /// [`Connection::set_compression`](crate::Connection::set_compression).
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.0.lock().set_compression(on);
    }

    /// How many bytes wait to be written: the browser's `bufferedAmount`.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.0.lock().buffered_amount()
    }
}

impl<S> Stream for ReadHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.lock()).poll_next(cx)
    }
}

impl<S> FusedStream for ReadHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn is_terminated(&self) -> bool {
        self.0.lock().is_terminated()
    }
}

impl<S> Drop for ReadHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn drop(&mut self) {
        self.0.lock().stop_reading();
    }
}

/// Somebody has to write what it queued.
impl<S> Drop for WriteHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn drop(&mut self) {
        self.0.lock().wake_reader();
    }
}

impl<S> Sink<Message> for WriteHalf<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut *self.0.lock()).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Pin::new(&mut *self.0.lock()).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut *self.0.lock()).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut *self.0.lock()).poll_close(cx)
    }
}

/// What either half tells of the connection.
macro_rules! look {
    ($half:ident) => {
        impl<S> $half<S>
        where
            S: AsyncRead + AsyncWrite + Unpin + 'static,
        {
            /// How the connection ended, once it has.
            #[must_use]
            pub fn close_event(&self) -> Option<CloseEvent> {
                self.0.lock().close_event().cloned()
            }

            /// The browser's `readyState`.
            #[must_use]
            pub fn state(&self) -> State {
                self.0.lock().state()
            }

            /// The subprotocol that was agreed on, the browser's `protocol`.
            #[must_use]
            pub fn subprotocol(&self) -> Option<String> {
                self.0.lock().subprotocol().map(String::from)
            }

            /// What was agreed on for compression (RFC 7692).
            #[cfg(feature = "deflate")]
            #[must_use]
            pub fn deflate(&self) -> Option<crate::DeflateParameters> {
                self.0.lock().deflate()
            }

            /// What the connection counted.
            #[must_use]
            pub fn stats(&self) -> Stats {
                self.0.lock().stats()
            }
        }

        impl<S> fmt::Debug for $half<S>
        where
            S: AsyncRead + AsyncWrite + Unpin + 'static,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($half)).field(&*self.0.lock()).finish()
            }
        }
    };
}

look!(ReadHalf);
look!(WriteHalf);
