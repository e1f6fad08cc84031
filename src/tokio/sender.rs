//! Sending from many tasks: a bounded queue in front of a socket that one task drives.

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocketStream;
use super::mailbox::{Mailbox, WhenFull};
use crate::adapter::Error;
use crate::close::CloseFrame;
use crate::error::SendError;
use crate::event::CloseEvent;
use crate::message::Message;
use crate::state::State;

/// How many messages wait in the queue, beside what the connection itself has queued: enough that senders seldom wait for
/// the task that drives the socket.
const CAPACITY: usize = 64;

/// Sends messages into a connection that another task drives: of a [`WebSocketStream`], or of a
/// [`ReconnectingClient`](super::ReconnectingClient) one after the other. Clone it for as many tasks as you like.
///
/// Its queue is bounded, for all clones together: [`WebSocketStream::sender`] and
/// [`ReconnectingClient::sender`](super::ReconnectingClient::sender) say how long it is, and what becomes of messages in it when
/// the connection ends. When it is full [`send`](Self::send) waits, or whatever else [`when_full`](Self::when_full) says of a
/// peer that reads too slowly. Messages of one clone keep their order.
///
/// The task that drives the connection should not wait for [`send`](Self::send) itself: a full queue would never empty.
///
/// ```
/// use futures_util::StreamExt;
/// use websocket_proto::tokio::WebSocketStream;
///
/// async fn serve(mut socket: WebSocketStream<tokio::net::TcpStream>) {
///     let sender = socket.sender();
///     tokio::spawn(async move { sender.send("from another task").await });
///     while let Some(Ok(message)) = socket.next().await {
///         println!("{message:?}");
///     }
/// }
/// ```
#[derive(Clone)]
pub struct MessageSender {
    mailbox: Arc<Mailbox>,
    when_full: WhenFull,
}

impl MessageSender {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, when_full: WhenFull::default() }
    }

    /// A sender into the same queue that does this when the queue is full. [`WhenFull::HandBack`] is what others do.
    #[must_use]
    pub fn when_full(&self, when_full: WhenFull) -> Self {
        Self { mailbox: self.mailbox.clone(), when_full }
    }

    /// Waits for a place in the queue and takes it. Dropped before that, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] with the message, once the connection is no longer open; [`SendError::Full`] with
    /// [`WhenFull::Close`], in place of waiting.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.mailbox.send(None, message.into(), self.when_full).await
    }

    /// Takes a place in the queue if there is one, or if [`WhenFull::DropOldest`] makes one.
    ///
    /// # Errors
    /// [`SendError::Full`] or [`SendError::NotOpen`], with the message.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.mailbox.try_send(None, message.into(), self.when_full)
    }

    /// As [`send`](Self::send), but a message of the same key that waits in the queue, from whichever sender, is replaced by
    /// this one: so of each key at most one waits there, the newest, and a slow peer gets fewer, not older ones.
    ///
    /// Newer is what was called later. Those that wait for a place get one in the order in which they began to wait, and replace
    /// each other then, so of all that wait with one key little is sent. But one that waits cannot be replaced before it has its
    /// place: if a newer one found a place at once and was sent meanwhile, the older one still follows. Where that matters, use
    /// [`try_send_newest`](Self::try_send_newest) or [`WhenFull::DropOldest`], which do not wait.
    ///
    /// # Errors
    /// The same.
    pub async fn send_newest(&self, key: u64, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.mailbox.send(Some(key), message.into(), self.when_full).await
    }

    /// As [`try_send`](Self::try_send), with a key as for [`send_newest`](Self::send_newest).
    ///
    /// # Errors
    /// The same.
    pub fn try_send_newest(&self, key: u64, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.mailbox.try_send(Some(key), message.into(), self.when_full)
    }

    /// How many messages have given up their place in the queue to newer ones, of all senders together.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.mailbox.dropped()
    }
}

impl fmt::Debug for MessageSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageSender").field("when_full", &self.when_full).finish_non_exhaustive()
    }
}

/// The socket's end of the queue.
#[derive(Debug)]
pub(super) struct Queue {
    mailbox: Arc<Mailbox>,
    /// A message of the socket's own, which was promised room that another task's message took. It goes first.
    held: Option<Message>,
}

impl Queue {
    fn new() -> Self {
        Self { mailbox: Mailbox::of_socket(CAPACITY), held: None }
    }

    /// The next message. It never ends.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Message> {
        self.held.take().map_or_else(|| self.mailbox.poll_next(cx), Poll::Ready)
    }

    /// The next message, if one is there.
    pub(super) fn try_next(&mut self) -> Option<Message> {
        self.held.take().or_else(|| self.mailbox.try_next())
    }

    /// What somebody wants the connection closed with.
    pub(super) fn poll_close_request(&self, cx: &mut Context<'_>) -> Option<CloseFrame> {
        self.mailbox.poll_close_request(cx)
    }

    /// The connection has ended, like this if that is known.
    pub(super) fn end(&self, close: Option<&CloseEvent>) {
        self.close();
        self.mailbox.end(close);
    }

    pub(super) fn hold(&mut self, message: Message) -> Result<(), Error> {
        if self.held.is_some() {
            return Err(Error::Full);
        }
        self.held = Some(message);
        Ok(())
    }

    pub(super) fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Refuses what comes from now on, and drops what waits.
    pub(super) fn close(&self) {
        self.mailbox.refuse(State::Closed);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// A sender for other tasks. What they send goes out while this socket is polled.
    ///
    /// At most 64 messages wait in its queue, for all clones together. One that was accepted is on its way, no more: if the
    /// connection ends before the driving task got to it, it is lost, and nobody is told. [`close`](Self::close) sends what waits,
    /// as far as [`Config::output_high_water`](crate::Config::output_high_water) allows. Where a message must not get lost, let
    /// the peer answer it.
    pub fn sender(&mut self) -> MessageSender {
        MessageSender::new(self.mailbox())
    }

    /// What others reach this socket by.
    pub(super) fn mailbox(&mut self) -> Arc<Mailbox> {
        let queue = self.queue.get_or_insert_with(Queue::new);
        if self.driver.connection.state() > State::Open {
            queue.close();
        }
        queue.mailbox.clone()
    }
}
