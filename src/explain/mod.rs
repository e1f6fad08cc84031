//! One line that says how a connection ended, why that may be, and what to do: for a person who reads a log.
//!
//! What is stated as a fact was seen by this side. What is only likely begins with "Consistent with".

mod hint;
mod rules;
mod words;

use core::fmt;
use core::time::Duration;

use crate::config::Role;
use crate::error::{Deadline, TransportFailure};
use crate::event::{Cause, CloseEvent, Side, StreamPosition};

pub use hint::Hint;
use words::{Count, Saying, Span};

/// Silence in both directions, at least this long, may be what ended a connection. Below it something else did.
const SILENCE: Duration = Duration::from_secs(5);

impl CloseEvent {
    /// One line that a person can act on: what happened, how long it was silent before, what was lost, and the
    /// [hint](Self::hint), if there is one.
    ///
    /// What the peer said is shown escaped and cut. The words may change between versions: to decide by, there are the methods.
    ///
    /// ```text
    /// 1006 abnormal closure: the stream ended without a Close frame after 60.0 s in which nothing was received or sent; the
    /// connection was open for 75.3 s; heartbeat was off. Consistent with an idle timeout of a proxy (nginx proxy_read_timeout:
    /// 60 s by default), and with a process that ended. Turn on a heartbeat shorter than 60.0 s.
    /// ```
    #[must_use]
    pub fn explain(&self) -> impl fmt::Display + '_ {
        Explanation(self)
    }

    /// The likely reason and the next step, where the evidence suggests one.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        rules::hint(self)
    }

    /// How long nothing was received or sent, if that may have been what ended it.
    fn both_silent(&self) -> Option<Duration> {
        Some(self.since_received().min(self.since_sent())).filter(|silent| *silent >= SILENCE)
    }
}

struct Explanation<'a>(&'a CloseEvent);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let close = self.0;
        write!(f, "{}", close.code().as_u16())?;
        if let Some(name) = close.code().name() {
            write!(f, " {}", Lowercase(name))?;
        }
        f.write_str(": ")?;
        self.story(f)?;
        f.write_str(".")?;
        if close.open_for().is_some() && close.unsent_messages() > 0 {
            let messages = Count(close.unsent_messages(), "message");
            write!(f, " Unsent: {messages} ({}).", Count(close.unsent_bytes(), "byte"))?;
        }
        match close.hint() {
            Some(hint) => write!(f, " {hint}"),
            None => Ok(()),
        }
    }
}

impl Explanation<'_> {
    fn peer(&self) -> &'static str {
        match self.0.role() {
            Role::Client => "the server",
            Role::Server => "the client",
        }
    }

    /// What happened.
    fn story(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (close, peer) = (self.0, self.peer());
        match close.cause() {
            Cause::ClosingHandshake => self.closing_handshake(f),
            Cause::Violation(rule) => {
                write!(f, "{peer} broke the protocol: {rule}")?;
                self.told(f)
            }
            Cause::Limit(limit) => {
                write!(f, "{peer} ran into a limit of this side: {limit}")?;
                self.told(f)
            }
            Cause::Deadline(deadline) => self.deadline(deadline, f),
            Cause::EndOfStream(position) => {
                self.our_close(f)?;
                f.write_str(match position {
                    StreamPosition::BetweenMessages => "the stream ended without a Close frame",
                    StreamPosition::InsideMessage => {
                        "the stream ended inside a message without a Close frame"
                    }
                    StreamPosition::InsideFrame => "the stream ended inside a frame",
                })?;
                self.silence(f)
            }
            Cause::Transport(failure) => {
                self.our_close(f)?;
                match failure {
                    TransportFailure::Reset => f.write_str("the connection was reset")?,
                    _ => write!(f, "the transport failed ({failure})")?,
                }
                if close.unfinished_message() {
                    f.write_str(" inside a frame or message")?;
                }
                match close.received() {
                    Some(code) => write!(f, "; {peer} had closed with {code}{}", Saying(close.reason())),
                    None => self.silence(f),
                }
            }
            Cause::Handshake(error) => {
                write!(f, "the opening handshake failed: {error}")?;
                match error.status().filter(|_| close.role() == Role::Server) {
                    Some(status) => write!(f, "; HTTP status {status} was the answer"),
                    None => Ok(()),
                }
            }
            Cause::Refused(status) => write!(f, "the server refused the handshake with HTTP status {status}"),
            Cause::Rejected(status) => {
                write!(f, "the application answered the request with HTTP status {status}")
            }
            Cause::ClosedWhileConnecting => f.write_str("this side closed before the connection was open"),
        }
    }

    fn closing_handshake(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (close, peer) = (self.0, self.peer());
        match (close.closed_first_by(), close.sent()) {
            (Some(Side::Local), Some(sent)) => {
                write!(f, "this side closed first, with {sent}{}", Saying(close.sent_reason()))?;
                write!(f, ", and {peer} answered{}", Saying(close.reason()))?;
            }
            _ => write!(f, "{peer} closed first{}, and this side answered", Saying(close.reason()))?,
        }
        self.age(f)
    }

    fn deadline(&self, deadline: Deadline, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (close, peer) = (self.0, self.peer());
        match deadline {
            Deadline::Handshake => {
                let missing = match close.role() {
                    Role::Client => "the server's answer",
                    Role::Server => "the client's request",
                };
                let none = if close.stats().bytes_received == 0 { "; no byte of it came" } else { "" };
                write!(f, "{missing} did not arrive in time{none}")
            }
            Deadline::Decision => f.write_str("the application did not accept or reject the request in time"),
            Deadline::Heartbeat => {
                let (received, sent) = (Span(close.since_received()), close.since_sent());
                let stuck = close.heartbeat().filter(|beat| close.unsent_bytes() > 0 && beat.margin <= sent);
                match stuck {
                    // The ping may be among what waits.
                    Some(_) => write!(
                        f,
                        "{peer} gave no sign of life, and the transport took nothing more; nothing was received for {received}, \
                         and nothing sent for {}",
                        Span(sent)
                    )?,
                    None => write!(
                        f,
                        "{peer} gave no sign of life after a ping; nothing was received for {received}"
                    )?,
                }
                self.age(f)
            }
            Deadline::InboundIdle => {
                write!(f, "{peer} sent nothing for as long as Config::inbound_idle allows")?;
                self.told(f)
            }
            Deadline::UnfinishedMessage => {
                write!(f, "{peer} began a message and did not finish it in time")?;
                self.told(f)
            }
            Deadline::WriteStall => {
                f.write_str("the transport took nothing of what it was offered for too long")?;
                self.age(f)
            }
            Deadline::Close => match (close.received(), close.sent()) {
                (Some(code), _) => {
                    let reason = Saying(close.reason());
                    write!(
                        f,
                        "{peer} closed with {code}{reason}, and the answer could not be written in time"
                    )
                }
                (None, Some(sent)) => {
                    let reason = Saying(close.sent_reason());
                    write!(f, "this side closed with {sent}{reason}, and {peer} did not answer in time")
                }
                (None, None) => {
                    f.write_str("this side closed, but its Close frame could not be written in time")
                }
            },
        }
    }

    /// The Close frame of this side, if it went out before something else ended the connection.
    fn our_close(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.sent() {
            Some(sent) if self.0.closed_first_by() == Some(Side::Local) => {
                write!(f, "this side closed with {sent}; before {} answered, ", self.peer())
            }
            _ => Ok(()),
        }
    }

    /// What the peer was told of its fault.
    fn told(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.sent() {
            Some(sent) => write!(f, "; it was told {sent}"),
            None => f.write_str("; it could not be told"),
        }
    }

    fn silence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let close = self.0;
        let Some(silent) = close.both_silent() else {
            let (received, sent) = (Span(close.since_received()), Span(close.since_sent()));
            write!(f, ", {received} after the last byte received and {sent} after the last byte sent")?;
            return self.age(f);
        };
        write!(f, " after {} in which nothing was received or sent", Span(silent))?;
        self.age(f)?;
        match close.heartbeat() {
            Some(heartbeat) => write!(f, "; heartbeat was on, every {}", Span(heartbeat.interval)),
            None => f.write_str("; heartbeat was off"),
        }
    }

    fn age(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.open_for() {
            Some(open) => write!(f, "; the connection was open for {}", Span(open)),
            None => Ok(()),
        }
    }
}

/// A name of the registry, inside a sentence.
struct Lowercase(&'static str);

impl fmt::Display for Lowercase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| fmt::Write::write_char(f, c.to_ascii_lowercase()))
    }
}
