//! What the receiving machine tells the sending one: the only value that passes between them.

use bytes::Bytes;

use crate::close::{CloseCode, CloseFrame};
use crate::error::{Limit, Violation};
use crate::event::Cause;
use crate::message::Message;

/// What one step of receiving came to.
#[derive(Debug)]
#[must_use]
pub(crate) enum Received {
    /// Bytes arrived; nothing else follows from them.
    Progress,
    Message(Message),
    Signal(Signal),
}

/// Something that concerns the sending side.
#[derive(Debug)]
pub(crate) enum Signal {
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
