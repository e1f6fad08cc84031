//! The account of an ending.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::cause::{Cause, Side};
use crate::close::CloseCode;
use crate::config::{Heartbeat, Role};
use crate::stats::Stats;

/// How a connection ended: the browser's `CloseEvent`, and what the browser keeps to itself.
///
/// [`explain`](Self::explain) makes one line of it that a person can act on. What it is made of is here to be read: the Close
/// frames of both sides, who closed first, the cause, how long the connection was open and how long it was silent, what passed
/// and what did not. One pointer wide; its fields are boxed when the connection ends.
///
/// ```
/// use websocket_proto::{Cause, CloseEvent};
///
/// fn log(close: &CloseEvent) {
///     println!("{close}"); // 1006 Abnormal Closure, not clean: deadline: no sign of life after a ping
///     println!("{}", close.explain()); // the same in full, with a likely reason and what to do
///     if let Cause::Deadline(which) = close.cause() {
///         println!("too slow: {which}");
///     }
/// }
/// ```
#[derive(Clone, PartialEq)]
pub struct CloseEvent(Box<Ending>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    pub(crate) role: Role,
    pub(crate) was_clean: bool,
    pub(crate) cause: Cause,
    pub(crate) sent: Option<(CloseCode, String)>,
    pub(crate) received: Option<(CloseCode, String)>,
    pub(crate) closed_first_by: Option<Side>,
    pub(crate) open_for: Option<Duration>,
    pub(crate) since_received: Duration,
    pub(crate) since_sent: Duration,
    pub(crate) unfinished_message: bool,
    pub(crate) unsent_messages: u64,
    pub(crate) unsent_bytes: u64,
    pub(crate) heartbeat: Option<Heartbeat>,
    pub(crate) local_stall: Option<Duration>,
    pub(crate) stats: Stats,
}

impl fmt::Debug for CloseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = &*self.0;
        f.debug_struct("CloseEvent")
            .field("code", &self.code())
            .field("role", &ending.role)
            .field("was_clean", &ending.was_clean)
            .field("cause", &ending.cause)
            .field("sent", &ending.sent)
            .field("received", &ending.received)
            .field("closed_first_by", &ending.closed_first_by)
            .field("open_for", &ending.open_for)
            .field("since_received", &ending.since_received)
            .field("since_sent", &ending.since_sent)
            .field("unfinished_message", &ending.unfinished_message)
            .field("unsent_messages", &ending.unsent_messages)
            .field("unsent_bytes", &ending.unsent_bytes)
            .field("heartbeat", &ending.heartbeat)
            .field("local_stall", &ending.local_stall)
            .field("stats", &ending.stats)
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
        self.received().unwrap_or(CloseCode::ABNORMAL)
    }

    /// The reason in the Close frame received, as the peer wrote it; empty if there was none. An echo carries the code alone,
    /// as this crate's does, so it is usually empty for the side that closed first. Escape it before it
    /// reaches a terminal or a log, as [`explain`](Self::explain) does.
    #[must_use]
    pub fn reason(&self) -> &str {
        reason(&self.0.received)
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

    /// Which side of the connection this one was.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// The code of the Close frame that was written to the transport whole, 1005 for one without a code.
    #[must_use]
    pub fn sent(&self) -> Option<CloseCode> {
        self.0.sent.as_ref().map(|(code, _)| *code)
    }

    /// The reason in the Close frame that was [sent](Self::sent); empty if there was none.
    #[must_use]
    pub fn sent_reason(&self) -> &str {
        reason(&self.0.sent)
    }

    /// The code of the Close frame that arrived, 1005 for one without a code. Its reason is [`reason`](Self::reason).
    #[must_use]
    pub fn received(&self) -> Option<CloseCode> {
        self.0.received.as_ref().map(|(code, _)| *code)
    }

    /// Who began to end the connection: by a Close frame, by an end of the stream, or by failing it; `None` where the
    /// transport or the silence of the peer ended it.
    #[must_use]
    pub fn closed_first_by(&self) -> Option<Side> {
        self.0.closed_first_by
    }

    /// How long the connection was open, its closing included; `None` if it never was.
    #[must_use]
    pub fn open_for(&self) -> Option<Duration> {
        self.0.open_for
    }

    /// How long nothing had been received when it ended: since the last byte, since it opened, or since it began if it never
    /// did. Time in which the owner did not [read](crate::Connection::set_reading) is no silence of the peer and not counted.
    #[must_use]
    pub fn since_received(&self) -> Duration {
        self.0.since_received
    }

    /// How long nothing had been sent when it ended: since the transport last took a byte, since it opened, or since it began.
    #[must_use]
    pub fn since_sent(&self) -> Duration {
        self.0.since_sent
    }

    /// Whether something of the peer's was cut off: a message, or a frame, that had begun to arrive and was not finished.
    #[must_use]
    pub fn unfinished_message(&self) -> bool {
        self.0.unfinished_message
    }

    /// How many messages were accepted for sending and not handed to the transport whole.
    #[must_use]
    pub fn unsent_messages(&self) -> u64 {
        self.0.unsent_messages
    }

    /// How many bytes waited to be written and were not, counted as [`buffered`](crate::Connection::buffered) counts them.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        self.0.unsent_bytes
    }

    /// The heartbeat that was configured; `None` if it was off.
    #[must_use]
    pub fn heartbeat(&self) -> Option<&Heartbeat> {
        self.0.heartbeat.as_ref()
    }

    /// How late this side came to one of its own deadlines, if it was so late that its owner must have been stopped, suspended
    /// or overloaded: by more than a second, and by more than a quarter of what the peer was given. The peer gets a respite
    /// then. It is told if the peer was not heard since, or if it was noticed in the last 10 s.
    #[must_use]
    pub fn local_stall(&self) -> Option<Duration> {
        self.0.local_stall
    }

    /// What the connection counted in its life: bytes and messages each way, Pings, the last round trip.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }
}

fn reason(frame: &Option<(CloseCode, String)>) -> &str {
    frame.as_ref().map_or("", |(_, reason)| reason)
}
