//! What the receiving machine tells the sending one: the only value that passes between them.

use bytes::Bytes;

use crate::close::{CloseCode, CloseFrame};
use crate::error::{Limit, TransportFailure, Violation};
use crate::event::{Cause, StreamPosition};
use crate::message::{Chunk, Message};

/// What one step of [`Receiver::poll`](crate::Receiver::poll) came to, for [`Sender::apply`](crate::Sender::apply).
///
/// It has to be applied, and in the order in which it came: it carries the event, if there is one, and what the sending half
/// must know of it: that the peer lives, that it wants a Pong, that it closes, that it broke a rule.
///
/// ```
/// use bytes::BytesMut;
/// use websocket_proto::{Event, Receiver, Sender, Timestamp};
///
/// fn take_in(input: &mut BytesMut, receiver: &mut Receiver, sender: &mut Sender, now: Timestamp) -> Option<Event> {
///     while sender.wants_read()
///         && let Some(signal) = receiver.poll(input)
///     {
///         if let Some(event) = sender.apply(signal, now) {
///             return Some(event);
///         }
///     }
///     sender.poll_event(now)
/// }
/// ```
#[derive(Debug)]
#[must_use = "the sending half must be told: see `Sender::apply`"]
pub struct Signal {
    /// How many bytes were parsed.
    pub(crate) bytes: usize,
    pub(crate) progress: Progress,
    pub(crate) news: News,
}

/// How the message that was under way has come on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No frame or message has begun and is not finished.
    Finished,
    Unfinished,
    /// Not finished either, but so much of it came that its deadline begins anew.
    UnfinishedButFast,
}

#[derive(Debug)]
pub(crate) enum News {
    /// Bytes arrived; nothing else follows from them.
    Nothing,
    Message(Message),
    Chunk(Chunk),
    Ping(Bytes),
    Pong(Bytes),
    /// A valid Close frame, possibly an empty one.
    Close(Option<CloseFrame>),
    /// What arrived is not acceptable; nothing more will be parsed.
    Failed(Fault),
    EndOfStream(StreamPosition),
    ReadFailed(TransportFailure),
}

/// Why receiving failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Violation(Violation),
    Limit(Limit),
}

impl Fault {
    pub(crate) fn close_code(self) -> CloseCode {
        match self {
            Self::Violation(violation) => violation.close_code(),
            Self::Limit(limit) => limit.close_code(),
        }
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Limit> for Fault {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Violation(violation) => Self::Violation(violation),
            Fault::Limit(limit) => Self::Limit(limit),
        }
    }
}
