//! Why a connection ended.

use core::fmt;

use thiserror::Error;

use crate::error::{Deadline, Limit, TransportFailure, Violation};
use crate::upgrade::HandshakeError;

/// One of the two sides of a connection, seen from this one.
///
/// ```
/// use websocket_proto::{CloseEvent, Side};
///
/// fn blame(close: &CloseEvent) -> &'static str {
///     match close.closed_first_by() {
///         Some(Side::Local) => "we closed",
///         Some(Side::Remote) => "the peer closed",
///         None => "nobody closed",
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// This side.
    Local,
    /// The peer.
    Remote,
}

/// Where in the protocol the stream of bytes ended.
///
/// ```
/// use websocket_proto::StreamPosition;
///
/// assert_eq!(StreamPosition::InsideFrame.to_string(), "inside a frame");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamPosition {
    /// After a whole message, or before the first one: nothing was cut off.
    BetweenMessages,
    /// Between two fragments of a message.
    InsideMessage,
    /// Inside a frame.
    InsideFrame,
}

impl fmt::Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BetweenMessages => "between messages",
            Self::InsideMessage => "inside a message",
            Self::InsideFrame => "inside a frame",
        })
    }
}

/// What brought the connection to its end: the first thing that did.
///
/// ```
/// use websocket_proto::{Cause, StreamPosition};
///
/// let cause = Cause::EndOfStream(StreamPosition::InsideFrame);
/// assert_eq!(cause.to_string(), "the stream ended inside a frame, without a Close frame");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Cause {
    /// Both sides sent their Close frames, as they should (RFC 6455 §7.1.2).
    #[error("the closing handshake")]
    ClosingHandshake,
    /// The peer broke a rule.
    #[error("protocol violation: {0}")]
    Violation(Violation),
    /// The peer ran into a limit.
    #[error("limit: {0}")]
    Limit(Limit),
    /// A deadline passed.
    #[error("deadline: {0}")]
    Deadline(Deadline),
    /// The stream ended without a Close frame.
    #[error("the stream ended {0}, without a Close frame")]
    EndOfStream(StreamPosition),
    /// The transport failed.
    #[error("{0}")]
    Transport(TransportFailure),
    /// The peer's part of the opening handshake was not acceptable.
    #[error("opening handshake: {0}")]
    Handshake(HandshakeError),
    /// Client: the server answered the handshake with this status.
    #[error("the server answered {0}")]
    Refused(u16),
    /// Server: the application answered the request with this status.
    #[error("the application answered {0}")]
    Rejected(u16),
    /// The application closed before the connection was open.
    #[error("closed before it was open")]
    ClosedWhileConnecting,
}

impl Cause {
    /// A short name for the kind of cause, without what goes into detail: for counters and metrics. There are 24, and they are
    /// made of lower-case letters and underscores.
    ///
    /// ```
    /// use websocket_proto::{Cause, Deadline};
    ///
    /// assert_eq!(Cause::Deadline(Deadline::Heartbeat).label(), "heartbeat_timeout");
    /// assert_eq!(Cause::Refused(503).label(), "refused");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ClosingHandshake => "closing_handshake",
            Self::Violation(_) => "violation",
            Self::Limit(_) => "limit",
            Self::Deadline(Deadline::Handshake) => "handshake_timeout",
            Self::Deadline(Deadline::Decision) => "decision_timeout",
            Self::Deadline(Deadline::Heartbeat) => "heartbeat_timeout",
            Self::Deadline(Deadline::InboundIdle) => "inbound_idle",
            Self::Deadline(Deadline::UnfinishedMessage) => "unfinished_message",
            Self::Deadline(Deadline::WriteStall) => "write_stall",
            Self::Deadline(Deadline::Close) => "close_timeout",
            Self::EndOfStream(StreamPosition::BetweenMessages) => "end_of_stream",
            Self::EndOfStream(StreamPosition::InsideMessage) => "end_inside_message",
            Self::EndOfStream(StreamPosition::InsideFrame) => "end_inside_frame",
            Self::Transport(TransportFailure::Reset) => "reset",
            Self::Transport(TransportFailure::BrokenPipe) => "broken_pipe",
            Self::Transport(TransportFailure::Aborted) => "aborted",
            Self::Transport(TransportFailure::TimedOut) => "timed_out",
            Self::Transport(TransportFailure::Unreachable) => "unreachable",
            Self::Transport(TransportFailure::Truncated) => "truncated",
            Self::Transport(TransportFailure::Other) => "transport_failure",
            Self::Handshake(_) => "handshake",
            Self::Refused(_) => "refused",
            Self::Rejected(_) => "rejected",
            Self::ClosedWhileConnecting => "closed_while_connecting",
        }
    }
}
