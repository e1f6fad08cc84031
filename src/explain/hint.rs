//! What may have been the reason, and what to do next.

use core::fmt;
use core::time::Duration;

use super::words::Span;
use crate::close::CloseCode;

/// A likely reason for an ending and the next step, from [`CloseEvent::hint`](crate::CloseEvent::hint): each the outcome of one
/// rule over what the [`CloseEvent`](crate::CloseEvent) holds, and no more certain than its words.
///
/// ```
/// use websocket_proto::{CloseEvent, Hint};
///
/// fn count_idle_cuts(close: &CloseEvent, idle_cuts: &mut u64) {
///     if let Some(Hint::IdleTimeout { .. }) = close.hint() {
///         *idle_cuts += 1;
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// This side looked at its own deadlines so much too late.
    LocalStall(Duration),
    /// The stream ended between messages, after both directions were silent for at least 5 s.
    IdleTimeout {
        /// How long nothing had been received or sent.
        silent: Duration,
        /// Whether a heartbeat was on, with an interval longer than that.
        heartbeat: bool,
    },
    /// The stream ended between messages, soon after something passed.
    PeerEnded,
    /// The stream ended inside a frame or a message.
    CutOff,
    /// The other side ended or reset the stream in place of an answer to our Close frame.
    CloseIgnored,
    /// A reset answered what this side sent after the other one had been silent for at least 30 s, without a heartbeat in time.
    Forgotten,
    /// The transport failed.
    PeerKilled,
    /// Nothing came back, or the operating system gave up.
    PathLost {
        /// Whether the peer was sent Pings and never answered one.
        answered_none: bool,
    },
    /// The transport took nothing.
    NotReading,
    /// The Close frame was written, and no answer came in time.
    CloseUnanswered,
    /// A message was begun and not finished in time.
    SlowMessage,
    /// The connection was not used.
    Unused,
    /// The application was too slow to decide on a request.
    SlowDecision,
    /// Server: a connection came and brought no byte.
    Probe,
    /// Client: not one byte of an answer came.
    NoAnswer,
    /// What came was no HTTP.
    OtherProtocol,
    /// What came was HTTP, and not HTTP/1.1.
    HttpVersion,
    /// The header fields of an upgrade are missing.
    UpgradeLost,
    /// The server's answer does not fit the request.
    NoWebSocketServer,
    /// The origin is not one that may connect.
    Origin,
    /// The server answered with this HTTP status.
    Refused(u16),
    /// A compressed message came though no extension was agreed on.
    UnagreedCompression,
    /// A kind of message came that the configuration excludes.
    ExcludedKind,
    /// The peer's implementation is at fault.
    PeerFault,
    /// A limit of the configuration was reached.
    Limit,
    /// The peer closed with this code, and this is what the registry advises.
    Code(CloseCode),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::LocalStall(late) => {
                let late = Span(late);
                return write!(
                    f,
                    "This side was {late} late with its own timers, as when a process is stopped, suspended or overloaded: look \
                     there first."
                );
            }
            Self::IdleTimeout { silent, heartbeat } => {
                let turn = if heartbeat { "Set the heartbeat below" } else { "Turn on a heartbeat shorter than" };
                return write!(
                    f,
                    "Consistent with an idle timeout of a proxy (nginx proxy_read_timeout: 60 s by default), and with a process \
                     that ended. {turn} {}.",
                    Span(silent)
                );
            }
            Self::PeerEnded => {
                "Consistent with a process that ended, and with code that closes the transport without a Close frame. Look into \
                 the log of the other side."
            }
            Self::CutOff => {
                "What was under way is lost. Consistent with a process that ended while it sent. Look into the log of the other \
                 side."
            }
            Self::CloseIgnored => {
                "Consistent with an implementation that answers no Close frame (RFC 6455 §5.5.1), and with a process that ended."
            }
            Self::Forgotten => {
                "Consistent with a process that was killed, and, if this side had long been silent as well, with a firewall, NAT \
                 or load balancer that had forgotten the connection: a heartbeat prevents that."
            }
            Self::PeerKilled => {
                "Consistent with a process that was killed, or that closed its socket with data unread. Look into the log of the \
                 other side."
            }
            Self::PathLost { answered_none: false } => {
                "Consistent with a lost network path, a machine that is off or asleep, and a process that hangs."
            }
            Self::PathLost { answered_none: true } => {
                "Consistent with a lost network path, a machine that is off or asleep, a process that hangs, and an \
                 implementation that answers no Ping: it had answered none."
            }
            Self::NotReading => {
                "Consistent with a receiver that is stopped or too slow, and with a lost network path. Send less, or drop messages \
                 for slow receivers."
            }
            Self::CloseUnanswered => {
                "Consistent with an application that does not read, a process that hangs, and a lost network path."
            }
            Self::SlowMessage => {
                "Consistent with a slow connection and with a sender that stopped. Raise Config::unfinished_message if such \
                 senders are wanted."
            }
            Self::Unused => "Nothing is wrong, unless such connections are to last: then let the other side send something.",
            Self::SlowDecision => "Let the application call accept or reject sooner, or raise Config::decision_timeout.",
            Self::Probe => "Consistent with a health check, a port scan, and a browser that connects ahead of need.",
            Self::NoAnswer => {
                "Consistent with a server that hangs or failed, and with a port that speaks another protocol, TLS for instance."
            }
            Self::OtherProtocol => {
                "Consistent with another protocol at one of the ends, TLS for instance. Check the port, and ws against wss."
            }
            Self::HttpVersion => {
                "Consistent with a proxy that speaks HTTP/1.0 (nginx: set proxy_http_version 1.1), and with HTTP/2 where HTTP/1.1 is \
                 expected."
            }
            Self::UpgradeLost => {
                "Consistent with a proxy that does not pass the upgrade on (nginx: proxy_http_version 1.1, and proxy_set_header \
                 for Upgrade and Connection), and, at a server, with a plain HTTP request."
            }
            Self::NoWebSocketServer => {
                "Consistent with something in between, or a server, that does not implement WebSocket properly."
            }
            Self::Origin => "Allow the origin in the OriginPolicy if its pages are to connect; otherwise nothing is wrong.",
            Self::Refused(status) => refused(status),
            Self::UnagreedCompression => {
                "Consistent with an implementation that compresses though no extension was agreed on."
            }
            Self::ExcludedKind => "Config::accept_kinds excludes it.",
            Self::PeerFault => "Report it to the authors of the other side's WebSocket implementation.",
            Self::Limit => "Raise the limit in Config if such messages are wanted.",
            Self::Code(code) => code.advice(),
        })
    }
}

/// What an HTTP status says to a client that asked for a WebSocket (RFC 9110 §15).
fn refused(status: u16) -> &'static str {
    match status {
        200..=299 => "There is a plain HTTP resource, and no WebSocket. Check the path.",
        300..=399 => "The WebSocket is elsewhere: see the Location of the answer.",
        400 | 426 => {
            "Consistent with a proxy that does not pass the upgrade on, and with a resource that is no WebSocket."
        }
        401 | 407 => "Check the credentials; connecting again as before will not help.",
        403 => "Check the credentials and the Origin; connecting again as before will not help.",
        404 | 410 => "There is nothing there. Check the path.",
        408 => "The request was too slow. Connect again.",
        429 => "Connect again later: there were too many requests.",
        502 | 504 => "The gateway did not reach the server behind it. Connect again later.",
        503 => "The server is overloaded or restarts. Connect again later.",
        500..=599 => "Look into the log of the server.",
        _ => "See the body of the answer.",
    }
}
