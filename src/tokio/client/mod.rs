//! A client that connects again by itself.

mod config;
mod drive;
mod event;
mod ledger;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::time::{Instant, Sleep};

use super::mailbox::Mailbox;
use super::{MessageSender, WebSocketStream};
use crate::adapter::{Error, seed};
use crate::close::CloseFrame;
use crate::close::Retry;
use crate::message::Message;
use crate::reconnect::Reconnect;
use crate::state::State;
use crate::time::Timestamp;
use crate::upgrade::ClientRequest;
use ledger::Ledger;

pub use config::{ClientConfig, Unsent};
pub use event::{AttemptEnd, BoxError, ClientEvent, Disconnected, NextAttempt};

/// Makes what each attempt needs: a transport, and the request to send over it.
///
/// An `async fn` of the attempt's number is one, or a closure that returns such a future. A type of its own may decide by itself
/// what endings mean, too, as for the codes that an application has defined:
///
/// ```
/// use std::{future::Future, pin::Pin};
/// use websocket_proto::tokio::{AttemptEnd, BoxError, Connector};
/// use websocket_proto::{ClientRequest, Retry};
///
/// struct Chat;
///
/// impl Connector for Chat {
///     type Io = tokio::net::TcpStream;
///     type Future = Pin<Box<dyn Future<Output = Result<(Self::Io, ClientRequest), BoxError>> + Send>>;
///
///     fn connect(&mut self, _attempt: u64) -> Self::Future {
///         Box::pin(async {
///             let token = "a fresh one";
///             let request = ClientRequest::new("127.0.0.1:9001", "/chat")?.header("Authorization", token)?;
///             Ok((tokio::net::TcpStream::connect("127.0.0.1:9001").await?, request))
///         })
///     }
///
///     fn retry(&mut self, end: &AttemptEnd) -> Retry {
///         match end {
///             AttemptEnd::Closed(close) if close.code().as_u16() == 4403 => Retry::Never, // banned
///             AttemptEnd::Refused(response) if response.status() == 401 => Retry::Soon, // the token was too old
///             end => end.retry(),
///         }
///     }
/// }
/// ```
pub trait Connector {
    /// The transport.
    type Io: AsyncRead + AsyncWrite + Unpin + 'static;
    /// What [`connect`](Self::connect) returns.
    type Future: Future<Output = Result<(Self::Io, ClientRequest), BoxError>>;

    /// Begins the attempt of this number, the first being 1: it may go elsewhere each time, or with other credentials. When it
    /// takes too long, the future is dropped.
    fn connect(&mut self, attempt: u64) -> Self::Future;

    /// Whether there is to be another attempt, and when. Unless it is overridden, [`AttemptEnd::retry`] says so. It is asked once
    /// for each attempt that ends by itself, and not after [`ReconnectingClient::close`], which leaves nothing to decide.
    fn retry(&mut self, end: &AttemptEnd) -> Retry {
        end.retry()
    }
}

impl<C, F, S> Connector for C
where
    C: FnMut(u64) -> F,
    F: Future<Output = Result<(S, ClientRequest), BoxError>>,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Io = S;
    type Future = F;

    fn connect(&mut self, attempt: u64) -> F {
        self(attempt)
    }
}

/// A client whose connections come and go: [`Reconnect`] decides when, and this does it, with one connection at a time.
///
/// One task polls [`next_event`](Self::next_event), which drives everything: attempts, their time, the connection, and what other
/// tasks send by [`sender`](Self::sender).
///
/// # What becomes of messages
///
/// Each message that was accepted by a sender has one of these fates, and never two:
///
/// - *Confirmed*: the server has received it. A Ping goes out after messages were sent, one at a time, so at most one in a
///   round trip; its Pong confirms all that were written before it, as the heartbeat's does. (What a server's application makes
///   of a message, only an answer of its own can tell.) A server that answers no Pings, against RFC 6455 §5.5.2, gets no more
///   than [`ClientConfig::max_unconfirmed`].
/// - *Unconfirmed*: it was written, or may have been with the last write to a server that was given up, and the connection ended
///   first. [`Disconnected`] has it; it is never sent again by itself.
/// - *Unsent*: it was not written whole, for certain. It goes first over the next connection, or is given back, as [`Unsent`] says.
///   What was kept is given back, too, when the client gives up or is closed.
/// - *Dropped*, by a sender that asked for it with [`WhenFull::DropOldest`](super::WhenFull::DropOldest) or by its key.
///
/// So messages arrive at most once, and in their order, but for those that are unconfirmed.
///
/// What a connection has taken stands outside of the queue of the senders, also where it comes back unsent and is kept for the
/// next one: no newer message takes its place, by a key or by dropping the oldest, and it counts not towards
/// [`ClientConfig::max_queued`].
///
/// # Dropping
///
/// Dropped, it drops the connection, as a [`WebSocketStream`] is dropped, and with it all messages that wait or are unconfirmed;
/// senders are told with the next message. [`close`](Self::close) ends in good order and accounts for all.
///
/// ```no_run
/// use tokio::net::TcpStream;
/// use websocket_proto::ClientRequest;
/// use websocket_proto::tokio::{BoxError, ClientConfig, ClientEvent, ReconnectingClient};
///
/// async fn connect(_attempt: u64) -> Result<(TcpStream, ClientRequest), BoxError> {
///     let tcp = TcpStream::connect("127.0.0.1:9001").await?;
///     Ok((tcp, ClientRequest::new("127.0.0.1:9001", "/ws")?))
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), BoxError> {
///     let mut client = ReconnectingClient::new(connect, ClientConfig::default())?;
///     let sender = client.sender();
///     tokio::spawn(async move { sender.send("sent once there is a connection").await });
///     while let Some(event) = client.next_event().await {
///         match event {
///             ClientEvent::Message(message) => println!("{message:?}"),
///             ClientEvent::Disconnected(lost) => println!("{lost}"),
///             _ => {}
///         }
///     }
///     Ok(()) // it gave up, and the last event said why
/// }
/// ```
pub struct ReconnectingClient<C: Connector> {
    connector: C,
    config: ClientConfig,
    reconnect: Reconnect,
    /// The point that the timestamps of `reconnect` count from.
    origin: Instant,
    /// Until when to wait, or to let an attempt go on.
    timer: Option<Pin<Box<Sleep>>>,
    attempt: u64,
    stage: Stage<C>,
    mailbox: Arc<Mailbox>,
    /// What a connection took and did not write: it goes before what is in the mailbox.
    returned: VecDeque<Message>,
    ledger: Ledger,
}

/// All that there is of connections: at most one.
enum Stage<C: Connector> {
    Idle,
    Dialing(Pin<Box<C::Future>>),
    Opening(Box<WebSocketStream<C::Io>>),
    Open(Box<WebSocketStream<C::Io>>),
}

impl<C: Connector> ReconnectingClient<C> {
    /// A client that makes its first attempt as soon as it is polled.
    ///
    /// # Errors
    /// [`Error::NoEntropy`].
    pub fn new(connector: C, config: ClientConfig) -> Result<Self, Error> {
        let mailbox = Mailbox::of_client(config.max_queued);
        if config.unsent == Unsent::GiveBack {
            mailbox.refuse(State::Connecting);
        }
        Ok(Self {
            connector,
            reconnect: Reconnect::new(config.reconnect.clone(), seed()?, Timestamp::default()),
            config,
            origin: Instant::now(),
            timer: None,
            attempt: 0,
            stage: Stage::Idle,
            mailbox,
            returned: VecDeque::new(),
            ledger: Ledger::default(),
        })
    }

    /// The next event; `None` once there is no connection and will be none. Cancel-safe.
    pub async fn next_event(&mut self) -> Option<ClientEvent> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// A sender, for this task and for others. Its queue holds [`ClientConfig::max_queued`] messages, for all clones together. What
    /// becomes of them is said [above](Self#what-becomes-of-messages).
    #[must_use]
    pub fn sender(&self) -> MessageSender {
        MessageSender::new(self.mailbox.clone())
    }

    /// The connection, if there is one that is open.
    #[must_use]
    pub fn get_ref(&self) -> Option<&WebSocketStream<C::Io>> {
        match &self.stage {
            Stage::Open(socket) => Some(socket),
            Stage::Idle | Stage::Dialing(_) | Stage::Opening(_) => None,
        }
    }

    /// Closes the connection with `frame`, or an empty Close frame, and makes no other: what waits is sent before, as far as the
    /// connection takes it at once; what was not read yet is dropped. It takes at most
    /// [`Config::close_timeout`](crate::Config::close_timeout).
    ///
    /// A last Ping goes ahead of the Close frame, behind all messages, unless the one before is still being written: its Pong
    /// confirms them. The server's Close frame alone does not: see [`Stats::messages_confirmed`](crate::Stats::messages_confirmed).
    ///
    /// Without a connection an attempt is abandoned. In the end all messages that were accepted are confirmed, or in the
    /// [`Disconnected`] that this returns.
    ///
    /// Cancel-safe: called again, it goes on; so does [`next_event`](Self::next_event), which then tells the end.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Disconnected {
        let mut frame = frame.into();
        poll_fn(|cx| self.poll_close(&mut frame, cx)).await
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_duration(self.origin.elapsed())
    }
}

impl<C: Connector> Drop for ReconnectingClient<C> {
    fn drop(&mut self) {
        self.mailbox.refuse(State::Closed);
    }
}

impl<C: Connector> fmt::Debug for ReconnectingClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconnectingClient")
            .field("state", &self.reconnect.state())
            .field("connection", &self.get_ref())
            .finish_non_exhaustive()
    }
}
