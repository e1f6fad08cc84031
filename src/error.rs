//! What can go wrong: the peer's violations, limits it ran into, the transport's failures, and the caller's mistakes.

use thiserror::Error;

use crate::close::CloseCode;
use crate::state::State;

/// A rule of RFC 6455 that the peer broke: one variant for one rule.
///
/// The connection fails: the peer gets a Close frame with [`close_code`](Self::close_code), nothing more is parsed, and
/// the [`CloseEvent`](crate::CloseEvent) names the rule.
///
/// ```
/// use websocket_proto::{CloseCode, Violation};
///
/// assert_eq!(Violation::InvalidUtf8.close_code(), CloseCode::INVALID_PAYLOAD);
/// assert_eq!(Violation::ReservedOpcode(0xb).to_string(), "opcode 0xb is reserved");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit was set that no extension defines (§5.2); or the bit of compressed messages in a frame that does not
    /// begin one (RFC 7692 §6).
    #[error("a reserved bit is set where no extension defines it")]
    ReservedBits,
    /// A message began with the bit of compressed ones, RSV1, though compression was not agreed on (§5.2, RFC 7692 §6).
    #[error("a message is compressed though that was not agreed on")]
    UnagreedCompression,
    /// An opcode that RFC 6455 reserves (§5.2).
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// A client sent a frame without a mask (§5.1).
    #[error("a client's frame is not masked")]
    Unmasked,
    /// A server sent a frame with a mask (§5.1).
    #[error("a server's frame is masked")]
    Masked,
    /// A length that needs fewer bytes than it was given (§5.2).
    #[error("the payload length is not in its shortest form")]
    LengthNotMinimal,
    /// The most significant bit of a 64-bit length was set (§5.2).
    #[error("the payload length has its most significant bit set")]
    LengthOverflow,
    /// A control frame with more than 125 bytes of payload (§5.5).
    #[error("a control frame is longer than 125 bytes")]
    ControlTooLong,
    /// A control frame without FIN (§5.5).
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A continuation frame while no message was under way (§5.4).
    #[error("a continuation frame without a message to continue")]
    UnexpectedContinuation,
    /// A new message began before the last one was finished (§5.4).
    #[error("a new message before the last one was finished")]
    ExpectedContinuation,
    /// Text that is not UTF-8, judged as soon as no continuation could mend it (§8.1).
    #[error("a text message is not UTF-8")]
    InvalidUtf8,
    /// A compressed message that is not DEFLATE data, or refers to what there is no longer (RFC 7692 §7.2.2).
    #[error("a compressed message cannot be decompressed")]
    InvalidDeflate,
    /// A Close frame whose payload is a single byte (§5.5.1).
    #[error("a Close frame with half a code")]
    CloseTooShort,
    /// A Close frame with a code that may not be sent (§7.4).
    #[error("a Close frame with the invalid code {0}")]
    CloseCode(CloseCode),
    /// A Close frame whose reason is not UTF-8 (§5.5.1).
    #[error("a Close frame's reason is not UTF-8")]
    CloseReason,
    /// A kind of message that [`Config::accept_kinds`](crate::Config::accept_kinds) excludes (§7.4.1, 1003).
    #[error("a kind of message that is not accepted here")]
    UnsupportedData,
}

impl Violation {
    /// The close code that tells the peer (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidUtf8 | Self::CloseReason | Self::InvalidDeflate => CloseCode::INVALID_PAYLOAD,
            Self::UnsupportedData => CloseCode::UNSUPPORTED_DATA,
            Self::ReservedBits
            | Self::UnagreedCompression
            | Self::ReservedOpcode(_)
            | Self::Unmasked
            | Self::Masked
            | Self::LengthNotMinimal
            | Self::LengthOverflow
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::CloseTooShort
            | Self::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
        }
    }
}

/// A limit of [`Config`](crate::Config) that the peer ran into, and its value. The peer is told 1009 (RFC 6455 §10.4).
///
/// ```
/// use websocket_proto::Limit;
///
/// assert_eq!(Limit::MessageSize(1024).to_string(), "a message is larger than 1024 bytes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Config::max_message_size`](crate::Config::max_message_size), in bytes, counted across fragments.
    #[error("a message is larger than {0} bytes")]
    MessageSize(u64),
    /// [`Config::max_frame_size`](crate::Config::max_frame_size), in bytes.
    #[error("a frame is larger than {0} bytes")]
    FrameSize(u64),
    /// [`Config::max_fragments`](crate::Config::max_fragments), in frames, empty ones included.
    #[error("a message has more than {0} fragments")]
    Fragments(u64),
}

impl Limit {
    /// The close code that tells the peer: 1009.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        CloseCode::MESSAGE_TOO_BIG
    }
}

/// Which deadline passed.
///
/// ```
/// use websocket_proto::Deadline;
///
/// assert_eq!(Deadline::Heartbeat.to_string(), "no sign of life after a ping");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Deadline {
    /// The peer's part of the opening handshake took too long.
    #[error("the opening handshake was not finished in time")]
    Handshake,
    /// The application neither accepted nor rejected the request.
    #[error("the application did not decide on the request in time")]
    Decision,
    /// Nothing at all arrived after a Ping of the heartbeat, or the text that stands for one.
    #[error("no sign of life after a ping")]
    Heartbeat,
    /// Nothing arrived for as long as [`Config::inbound_idle`](crate::Config::inbound_idle) allows.
    #[error("nothing arrived for too long")]
    InboundIdle,
    /// A message began and did not end.
    #[error("a message was not finished in time")]
    UnfinishedMessage,
    /// The transport took no byte of what was offered to it.
    #[error("the transport took no output for too long")]
    WriteStall,
    /// The closing handshake was not completed.
    #[error("the closing handshake was not completed in time")]
    Close,
}

impl Deadline {
    /// The close code that tells the peer, where a Close frame does: 1001 for inbound silence, 1008 for an unfinished
    /// message, and 1011 for a peer that is given up: it may be read by whatever stands in between.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        match self {
            Self::InboundIdle => Some(CloseCode::GOING_AWAY),
            Self::UnfinishedMessage => Some(CloseCode::POLICY_VIOLATION),
            Self::Heartbeat | Self::WriteStall => Some(CloseCode::INTERNAL_ERROR),
            Self::Handshake | Self::Decision | Self::Close => None,
        }
    }
}

/// How a transport failed, as far as protocols can tell such failures apart.
///
/// With `std`, a `std::io::ErrorKind` converts into it.
///
/// ```
/// use websocket_proto::TransportFailure;
///
/// # #[cfg(feature = "std")]
/// assert_eq!(TransportFailure::from(std::io::ErrorKind::BrokenPipe), TransportFailure::BrokenPipe);
/// assert_eq!(TransportFailure::Reset.to_string(), "connection reset");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum TransportFailure {
    /// The peer reset the connection.
    #[error("connection reset")]
    Reset,
    /// A write met a connection whose other side no longer reads.
    #[error("broken pipe")]
    BrokenPipe,
    /// This side, or its operating system, aborted the connection.
    #[error("connection aborted")]
    Aborted,
    /// The operating system gave up on the peer.
    #[error("connection timed out")]
    TimedOut,
    /// The network or the host cannot be reached any more.
    #[error("network unreachable")]
    Unreachable,
    /// A layer between, such as TLS, ended without its proper close.
    #[error("truncated by the layer below")]
    Truncated,
    /// Anything else.
    #[error("transport failure")]
    Other,
}

#[cfg(feature = "std")]
impl From<std::io::ErrorKind> for TransportFailure {
    fn from(kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind;
        match kind {
            ErrorKind::ConnectionReset => Self::Reset,
            ErrorKind::BrokenPipe | ErrorKind::WriteZero => Self::BrokenPipe,
            ErrorKind::ConnectionAborted => Self::Aborted,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                Self::Unreachable
            }
            ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Other,
        }
    }
}

/// Why a command was refused. Nothing was changed, and what was to be sent comes back.
///
/// ```
/// use websocket_proto::{Message, SendError, State};
///
/// let error = SendError::NotOpen(State::Closing, Message::from("late"));
/// assert_eq!(error.to_string(), "cannot send while closing");
/// assert_eq!(error.into_inner(), Message::from("late"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError<T> {
    /// As much is queued as [`Config::output_high_water`](crate::Config::output_high_water) allows; for a ping or pong, its
    /// place is taken. Write some output and try again.
    #[error("the output queue is full")]
    Full(T),
    /// The connection is not open: it is in this state. Why, the events tell, in the end
    /// [`Event::Closed`](crate::Event::Closed).
    #[error("cannot send while {0}")]
    NotOpen(State, T),
    /// The payload of a ping or pong is longer than 125 bytes (RFC 6455 §5.5).
    #[error("a control frame holds at most 125 bytes")]
    ControlTooLong(T),
    /// A message that is sent in chunks has begun and must be finished first: messages do not mix (RFC 6455 §5.4).
    #[error("a message in chunks is not finished")]
    Unfinished(T),
    /// The chunk is text and its message binary, or the other way round.
    #[error("a message is either text or binary")]
    WrongKind(T),
}

impl<T> SendError<T> {
    /// What was to be sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value)
            | Self::NotOpen(_, value)
            | Self::ControlTooLong(value)
            | Self::Unfinished(value)
            | Self::WrongKind(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_is_told_with_a_code_that_may_be_sent() {
        let told_otherwise = [
            (Violation::InvalidUtf8, 1007),
            (Violation::CloseReason, 1007),
            (Violation::InvalidDeflate, 1007),
            (Violation::UnsupportedData, 1003),
        ];
        for (violation, code) in told_otherwise {
            assert_eq!(violation.close_code().as_u16(), code);
        }
        assert_eq!(Violation::Unmasked.close_code(), CloseCode::PROTOCOL_ERROR);
        assert!(Violation::Unmasked.close_code().may_be_sent());
    }
}
