//! Sending from many tasks: a bounded queue in front of a socket that one task drives.

use core::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::sync::mpsc::{self, error::TrySendError};

use super::WebSocketStream;
use crate::adapter::Error;
use crate::error::SendError;
use crate::message::Message;
use crate::state::State;

/// How many messages wait in the queue, beside what the connection itself has queued: enough that senders seldom wait for
/// the task that drives the socket.
const CAPACITY: usize = 64;

/// Sends messages into a socket that another task drives. Clone it for as many tasks as you like.
///
/// At most 64 messages wait in its queue, for all clones together; then [`send`](Self::send) waits. Messages of one clone
/// keep their order.
///
/// A message that was accepted is on its way, no more: if the connection ends before the driving task got to it, it is lost,
/// and nobody is told. [`WebSocketStream::close`] sends what waits, as far as [`Config::output_high_water`] allows. Where a
/// message must not get lost, let the peer answer it.
///
/// The task that drives the socket should not wait for [`send`](Self::send) itself: a full queue would never empty.
///
/// [`Config::output_high_water`]: crate::Config::output_high_water
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
#[derive(Clone, Debug)]
pub struct MessageSender(mpsc::Sender<Message>);

impl MessageSender {
    /// Waits for a place in the queue and takes it. Dropped before that, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] with the message, once the connection is no longer open.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.0.send(message.into()).await.map_err(|error| SendError::NotOpen(State::Closed, error.0))
    }

    /// Takes a place in the queue if there is one.
    ///
    /// # Errors
    /// [`SendError::Full`] or [`SendError::NotOpen`], with the message.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.0.try_send(message.into()).map_err(|error| match error {
            TrySendError::Full(message) => SendError::Full(message),
            TrySendError::Closed(message) => SendError::NotOpen(State::Closed, message),
        })
    }
}

/// The socket's end of the queue, and a sender to clone.
#[derive(Debug)]
pub(super) struct Queue {
    sender: MessageSender,
    receiver: mpsc::Receiver<Message>,
    /// A message of the socket's own, which was promised room that another task's message took. It goes first.
    held: Option<Message>,
}

impl Queue {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        Self { sender: MessageSender(sender), receiver, held: None }
    }

    /// The next message. It never ends, since the socket keeps a sender.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Message> {
        if let Some(message) = self.held.take() {
            return Poll::Ready(message);
        }
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(message)) => Poll::Ready(message),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// The next message, if one is there.
    pub(super) fn try_next(&mut self) -> Option<Message> {
        self.held.take().or_else(|| self.receiver.try_recv().ok())
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

    /// Refuses what comes from now on.
    pub(super) fn close(&mut self) {
        self.receiver.close();
    }
}

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// A sender for other tasks. What they send goes out while this socket is polled.
    pub fn sender(&mut self) -> MessageSender {
        let queue = self.queue.get_or_insert_with(Queue::new);
        if self.driver.connection.state() > State::Open {
            queue.close();
        }
        queue.sender.clone()
    }
}
