//! What the adapters share: their error, the connection with what was read of it and not told yet, and seeds from the
//! operating system.

mod driver;
mod opening;
mod parked;

use thiserror::Error;

use crate::event::CloseEvent;
use crate::state::State;
use crate::upgrade::{Misuse, Response};

pub(crate) use driver::{Driver, Goal};
pub(crate) use opening::Asked;

/// What an adapter's operation can fail with, reading and writing alike.
///
/// ```
/// use websocket_proto::Error;
///
/// fn report(error: &Error) -> String {
///     match error {
///         Error::Closed(close) => format!("closed with {}: {}", close.code(), close.cause()),
///         Error::Refused(response) => format!("the server answered {}", response.status()),
///         other => other.to_string(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection ended, and not by a completed closing handshake; or it had ended before.
    #[error("the connection was closed: {}: {}", .0.code(), .0.cause())]
    Closed(CloseEvent),
    /// The server answered the opening handshake with something other than 101.
    #[error("the server answered {}", .0.status())]
    Refused(Response),
    /// Nothing can be sent in this state: the connection opens still, or is closing. Why it closes is known once it has ended:
    /// read on until then, and see `close_event`.
    #[error("cannot send while {0}")]
    NotOpen(State),
    /// The payload of a ping is longer than 125 bytes.
    #[error("a control frame holds at most 125 bytes")]
    ControlTooLong,
    /// There is no room: a ping already waits to be sent, or a message was not preceded by a successful `poll_ready`.
    #[error("the output queue is full")]
    Full,
    /// A message that is sent in chunks has begun and must be finished first.
    #[error("a message in chunks is not finished")]
    Unfinished,
    /// The chunk is text and its message binary, or the other way round.
    #[error("a message is either text or binary")]
    WrongKind,
    /// A piece of a message arrived, where whole ones were asked for, and is lost: with
    /// [`Delivery::Chunks`](crate::Delivery::Chunks), ask for events instead.
    #[error("messages arrive in chunks here")]
    Chunked,
    /// What the application decided does not fit the request.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    NoEntropy,
}

impl<T> From<crate::SendError<T>> for Error {
    fn from(error: crate::SendError<T>) -> Self {
        match error {
            crate::SendError::NotOpen(state, _) => Self::NotOpen(state),
            crate::SendError::ControlTooLong(_) => Self::ControlTooLong,
            crate::SendError::Full(_) => Self::Full,
            crate::SendError::Unfinished(_) => Self::Unfinished,
            crate::SendError::WrongKind(_) => Self::WrongKind,
        }
    }
}

/// A seed for one connection.
pub(crate) fn seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| Error::NoEntropy)?;
    Ok(seed)
}

/// The Close frame that a dropped connection leaves behind.
pub(crate) fn dropped() -> Option<crate::CloseFrame> {
    crate::CloseFrame::new(crate::CloseCode::GOING_AWAY, "dropped").ok()
}
