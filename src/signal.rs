//! What the receiving machine tells the sending one: the only value that passes between them.

use bytes::Bytes;

use crate::close::{CloseCode, CloseFrame};
use crate::error::{Limit, Violation};
use crate::event::Cause;

/// The result of one step of receiving, as far as the other side of the connection must know of it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Signal {
    /// How many bytes the step consumed.
    pub(crate) bytes: usize,
    /// Whether a frame or a message has begun and is not finished.
    pub(crate) unfinished: bool,
    pub(crate) kind: SignalKind,
}

#[derive(Debug)]
pub(crate) enum SignalKind {
    /// Bytes arrived; nothing else follows from them.
    Progress,
    Message,
    Ping(Bytes),
    Pong(Bytes),
    /// A valid Close frame, possibly an empty one.
    Close(Option<CloseFrame>),
    /// What arrived is not acceptable; nothing more will be parsed.
    Failed(Fault),
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
            Self::Limit(_) => CloseCode::MESSAGE_TOO_BIG,
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
