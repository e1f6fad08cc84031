//! What a connection tells its owner.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::close::CloseCode;
use crate::error::{Deadline, Limit, TransportFailure, Violation};
use crate::message::{Chunk, Message};
use crate::stats::Stats;
use crate::upgrade::{HandshakeError, HttpRequest, Request, Response};

/// What happened, one at a time, from [`Connection::poll_event`](crate::Connection::poll_event).
///
/// Events own what they carry and borrow nothing, so a handler can answer while it holds one.
///
/// ```
/// use websocket_proto::{Event, Message};
///
/// fn print(event: &Event) {
///     match event {
///         Event::Message(Message::Text(text)) => println!("{text}"),
///         Event::Closed(close) => println!("closed: {}", close.code()),
///         _ => {}
///     }
/// }
/// # print(&Event::Message(Message::from("hello")));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Server: a valid upgrade request. [`accept`](crate::Connection::accept) or
    /// [`reject`](crate::Connection::reject) it; nothing was sent yet.
    Request(Request),
    /// Server, with [`Config::http_requests`](crate::Config::http_requests): a GET or HEAD that asks for no upgrade.
    /// [`reject`](crate::Connection::reject) answers it, with any status from 200 up.
    HttpRequest(HttpRequest),
    /// Client: the server accepted. The connection is open. (A server gets no such event: it is open once
    /// [`accept`](crate::Connection::accept) returns.)
    Open(Response),
    /// Client: the server answered with something other than 101. [`Closed`](Self::Closed) follows.
    Refused(Response),
    /// A whole message.
    ///
    /// To keep one costs its own bytes, and at most a quarter more where it came in fragments. Some share memory, which lives
    /// as long as one of them: messages of at most 128 bytes that were received on the same thread share 1 KiB (with `std`). And
    /// one of 1 KiB and more that was a sixteenth or more of the input buffer shares that buffer: copy it, if it is to be kept for
    /// long.
    Message(Message),
    /// A piece of a message, with [`Delivery::Chunks`](crate::Delivery::Chunks); it shares no buffer. What the peer sent of it
    /// before it failed or vanished was told: only [`is_last`](Chunk::is_last) says that the message is whole.
    Chunk(Chunk),
    /// A Ping arrived. Unless [`Config::automatic_pong`](crate::Config::automatic_pong) is off or our Close frame is on its
    /// way, its Pong is already queued.
    Ping(Bytes),
    /// A Pong arrived.
    Pong {
        /// What it carried.
        payload: Bytes,
        /// The time since the matching Ping was written; `None` if it answers no Ping of ours that is still waited for.
        round_trip: Option<Duration>,
    },
    /// The end: always the last event, exactly once.
    Closed(CloseEvent),
}

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

/// How a connection ended: the browser's `CloseEvent`, and what the browser keeps to itself.
///
/// One pointer wide; its fields are boxed when the connection ends.
///
/// ```
/// use websocket_proto::{Cause, CloseEvent};
///
/// fn log(close: &CloseEvent) {
///     println!("{close}"); // 1006 Abnormal Closure, not clean: deadline: no sign of life after a ping
///     if let Cause::Deadline(which) = close.cause() {
///         println!("too slow: {which}");
///     }
/// }
/// ```
#[derive(Clone, PartialEq)]
pub struct CloseEvent(Box<Ending>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    pub(crate) reason: String,
    pub(crate) was_clean: bool,
    pub(crate) cause: Cause,
    pub(crate) sent: Option<CloseCode>,
    pub(crate) received: Option<CloseCode>,
    pub(crate) closed_first_by: Option<Side>,
    pub(crate) unsent_messages: u64,
    pub(crate) local_stall: Option<Duration>,
    pub(crate) stats: Stats,
}

impl fmt::Debug for CloseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ending {
            reason,
            was_clean,
            cause,
            sent,
            received,
            closed_first_by,
            unsent_messages,
            local_stall,
            stats,
        } = &*self.0;
        f.debug_struct("CloseEvent")
            .field("code", &self.code())
            .field("reason", reason)
            .field("was_clean", was_clean)
            .field("cause", cause)
            .field("sent", sent)
            .field("received", received)
            .field("closed_first_by", closed_first_by)
            .field("unsent_messages", unsent_messages)
            .field("local_stall", local_stall)
            .field("stats", stats)
            .finish()
    }
}

/// One line: the code, whether it was clean, and the cause, with the code of the Close frame that told the peer.
impl fmt::Display for CloseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clean = if self.was_clean() { "clean" } else { "not clean" };
        write!(f, "{}, {clean}: {}", self.code(), self.cause())?;
        match self.sent() {
            Some(sent) if !self.was_clean() => write!(f, "; the peer was told {sent}"),
            _ => Ok(()),
        }
    }
}

impl CloseEvent {
    pub(crate) fn new(ending: Ending) -> Self {
        Self(Box::new(ending))
    }

    /// The code that a browser would report: that of the Close frame received, 1005 if it carried none, and 1006 if no
    /// Close frame came.
    #[must_use]
    pub fn code(&self) -> CloseCode {
        self.0.received.unwrap_or(CloseCode::ABNORMAL)
    }

    /// The reason in the Close frame received, as the peer wrote it; empty if there was none. An echo carries the code alone,
    /// as this crate's does, so it is usually empty for the side that closed first. Escape it before it
    /// reaches a terminal or a log.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Whether the closing handshake was completed: a Close frame sent and one received (RFC 6455 §7.1.4).
    #[must_use]
    pub fn was_clean(&self) -> bool {
        self.0.was_clean
    }

    /// What brought the connection to its end.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The code of the Close frame that was written to the transport whole, 1005 for one without a code.
    #[must_use]
    pub fn sent(&self) -> Option<CloseCode> {
        self.0.sent
    }

    /// The code of the Close frame that arrived, 1005 for one without a code.
    #[must_use]
    pub fn received(&self) -> Option<CloseCode> {
        self.0.received
    }

    /// Who began to end the connection: by a Close frame, by an end of the stream, or by failing it; `None` where the
    /// transport or the silence of the peer ended it.
    #[must_use]
    pub fn closed_first_by(&self) -> Option<Side> {
        self.0.closed_first_by
    }

    /// How many messages were accepted for sending and not handed to the transport whole.
    #[must_use]
    pub fn unsent_messages(&self) -> u64 {
        self.0.unsent_messages
    }

    /// How late this side came to judge the peer's silence, if it was so late that it granted a respite: evidence that the
    /// owner of the connection was stopped or overloaded.
    #[must_use]
    pub fn local_stall(&self) -> Option<Duration> {
        self.0.local_stall
    }

    /// What the connection counted in its life.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }
}
