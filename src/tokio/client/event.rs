//! What a client that connects again tells.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use ::tokio::time::Instant;

use crate::close::Retry;
use crate::event::CloseEvent;
use crate::message::{Chunk, Message};
use crate::reconnect::StopReason;
use crate::upgrade::Response;

/// Any error, as [`Connector::connect`](super::Connector::connect) may fail with: of the network, of a TLS library, of
/// whatever issues tokens.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What happened, from [`ReconnectingClient::next_event`](super::ReconnectingClient::next_event).
///
/// ```
/// use websocket_proto::tokio::{ClientEvent, NextAttempt};
///
/// fn print(event: &ClientEvent) {
///     match event {
///         ClientEvent::Open(_) => println!("open"),
///         ClientEvent::Message(message) => println!("{message:?}"),
///         ClientEvent::Disconnected(lost) => println!("{lost}"),
///         _ => {}
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// There is a connection; this is how the server answered.
    Open(Response),
    /// A whole message.
    Message(Message),
    /// A piece of a message, with [`Delivery::Chunks`](crate::Delivery::Chunks). What its connection did not finish, the next
    /// does not: after [`Disconnected`](Self::Disconnected) a new message begins.
    Chunk(Chunk),
    /// An attempt has failed or its connection has ended; this is why, and how it goes on.
    Disconnected(Disconnected),
}

/// How one attempt or its connection ended, when the next is, and what became of the messages.
///
/// Shown, it is one line: the end, and what follows.
///
/// ```
/// use websocket_proto::tokio::{Disconnected, NextAttempt};
///
/// fn report(lost: &Disconnected) {
///     println!("{lost}"); // attempt 3: the server answered 503; the next is in 7.2 s
///     for message in &lost.unconfirmed {
///         println!("it may or may not have arrived: {message:?}");
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Disconnected {
    /// The number of the attempt.
    pub attempt: u64,
    /// How it ended.
    pub end: AttemptEnd,
    /// How it goes on.
    pub next: NextAttempt,
    /// What nobody can know: these messages were written, and the connection ended before the server confirmed that it has
    /// received them. Where it was given up, by the heartbeat or a write that stalled, those count, too, that may have gone out
    /// with the last write: at most the first 64 KiB that waited and the message that exceeds them. They are never sent again
    /// unasked, as they might then arrive twice.
    pub unconfirmed: Vec<Message>,
    /// What the server has not received, and this client will not send: for [`Unsent::GiveBack`](super::Unsent::GiveBack), or
    /// because there is no next attempt. They come after those that are unconfirmed.
    pub unsent: Vec<Message>,
}

/// How an attempt ended.
///
/// ```
/// use websocket_proto::Retry;
/// use websocket_proto::tokio::AttemptEnd;
///
/// assert_eq!(AttemptEnd::TimedOut.retry(), Retry::Soon);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The connection ended, or its handshake failed.
    Closed(CloseEvent),
    /// The server answered the handshake with something other than 101.
    Refused(Response),
    /// There was no transport, or no request to send over it.
    Failed(BoxError),
    /// It took longer than [`ReconnectConfig::connect_timeout`](crate::ReconnectConfig::connect_timeout).
    TimedOut,
    /// The application closed the client while there was no connection.
    Abandoned,
}

impl AttemptEnd {
    /// What this crate makes of it: see [`Retry`].
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Closed(close) => Retry::after_close(close),
            Self::Refused(response) => Retry::after_refusal(response),
            Self::Failed(_) | Self::TimedOut => Retry::Soon,
            Self::Abandoned => Retry::Never,
        }
    }
}

/// Whether there is a next attempt.
///
/// ```
/// use websocket_proto::tokio::{Disconnected, NextAttempt};
///
/// fn gave_up(lost: &Disconnected) -> bool {
///     matches!(lost.next, NextAttempt::Never(_))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAttempt {
    /// It is at this time.
    At(Instant),
    /// There is none, for this reason.
    Never(StopReason),
}

impl fmt::Display for AttemptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(close) => close.fmt(f),
            Self::Refused(response) => write!(f, "the server answered {}", response.status()),
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut => f.write_str("it took too long"),
            Self::Abandoned => f.write_str("closed while there was no connection"),
        }
    }
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {}: {}; ", self.attempt, self.end)?;
        match self.next {
            NextAttempt::At(at) => {
                let wait = at.saturating_duration_since(Instant::now());
                write!(f, "the next is in {:.1} s", wait.as_secs_f64())
            }
            NextAttempt::Never(reason) => write!(f, "there is no next: {reason}"),
        }
    }
}
