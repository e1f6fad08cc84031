use core::fmt;

use super::registry;
use super::retry::Retry;

/// A WebSocket close code: any `u16`, described by the registry.
///
/// RFC 6455 §7.4 divides the numbers into ranges, and the IANA registry names 1000 to 1015. A `CloseCode` can hold any
/// number, since that is what arrives; whether it may be *sent* is asked by [`CloseFrame::new`](crate::CloseFrame::new).
///
/// ```
/// use websocket_proto::{CloseCode, CodeRange};
///
/// let code = CloseCode::new(1006);
/// assert_eq!(code.name(), Some("Abnormal Closure"));
/// assert!(!code.may_be_sent());
/// assert_eq!(code.to_string(), "1006 Abnormal Closure");
/// assert_eq!(CloseCode::new(4999).range(), CodeRange::Private);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

/// The ranges into which RFC 6455 §7.4.2 divides the close codes.
///
/// ```
/// use websocket_proto::{CloseCode, CodeRange};
///
/// assert_eq!(CloseCode::new(999).range(), CodeRange::Unused);
/// assert_eq!(CloseCode::NORMAL.range(), CodeRange::Protocol);
/// assert_eq!(CloseCode::new(3000).range(), CodeRange::Registered);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeRange {
    /// 0 to 999: not used, never valid on the wire.
    Unused,
    /// 1000 to 1015: defined by RFC 6455 and the IANA registry.
    Protocol,
    /// 1016 to 2999: set aside for later versions and extensions of the protocol; none is defined.
    Reserved,
    /// 3000 to 3999: for libraries, frameworks and applications that register them with IANA.
    Registered,
    /// 4000 to 4999: for private use between a client and a server that agree on the meaning.
    Private,
    /// 5000 to 65535: outside every range.
    Invalid,
}

/// Who puts a close code into a Close frame, as the registry has it. It describes; it forbids nothing but
/// [`Nobody`](Self::Nobody).
///
/// ```
/// use websocket_proto::{CloseCode, SentBy};
///
/// assert_eq!(CloseCode::NORMAL.sent_by(), SentBy::Either);
/// assert_eq!(CloseCode::MANDATORY_EXTENSION.sent_by(), SentBy::Client);
/// assert_eq!(CloseCode::ABNORMAL.sent_by(), SentBy::Nobody);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SentBy {
    /// Both endpoints.
    Either,
    /// Usually the client.
    Client,
    /// Usually the server.
    Server,
    /// Nobody: it only ever describes an ending locally, or is not valid at all.
    Nobody,
}

impl CloseCode {
    /// 1000: the purpose of the connection was fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the endpoint goes away: a server shuts down, a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data arrived that this endpoint does not take, such as binary where only text is understood.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005, never sent: the Close frame that arrived carried no code.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006, never sent: the connection ended without a Close frame.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: a message did not fit its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message broke the receiver's policy; the code to use where no other fits.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message was larger than the receiver takes.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the client needs an extension that the server did not agree to.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: an unexpected condition kept the endpoint from going on.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts; connect again later.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded; connect again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015, never sent: the TLS handshake failed.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code with this number; every number is a code, though few are valid on the wire.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// The range that RFC 6455 §7.4.2 puts the code in.
    #[must_use]
    pub const fn range(self) -> CodeRange {
        match self.0 {
            0..=999 => CodeRange::Unused,
            1000..=1015 => CodeRange::Protocol,
            1016..=2999 => CodeRange::Reserved,
            3000..=3999 => CodeRange::Registered,
            4000..=4999 => CodeRange::Private,
            5000.. => CodeRange::Invalid,
        }
    }

    /// Whether the code may stand in a Close frame, in either direction: 1000 to 1003, 1007 to 1014 and 3000 to 4999.
    ///
    /// The same test judges what arrives and what the application wants to send (RFC 6455 §7.4.1 and §7.4.2).
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// The name in the IANA registry.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match registry::entry(self) {
            Some(entry) => Some(entry.name),
            None => None,
        }
    }

    /// What the code says, in one sentence; for codes without a registered meaning, what its range is for.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match registry::entry(self) {
            Some(entry) => entry.meaning,
            None => registry::unregistered(self.range()).0,
        }
    }

    /// Whether a client that was told this code should connect again.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match registry::entry(self) {
            Some(entry) => entry.retry,
            None => registry::unregistered(self.range()).1,
        }
    }

    /// What to do about it, in one sentence, for whoever was told this code.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match registry::entry(self) {
            Some(entry) => entry.advice,
            None => registry::unregistered(self.range()).2,
        }
    }

    /// Who sends the code, as the registry has it.
    #[must_use]
    pub const fn sent_by(self) -> SentBy {
        match (registry::entry(self), self.may_be_sent()) {
            (Some(entry), _) => entry.sent_by,
            (None, true) => SentBy::Either,
            (None, false) => SentBy::Nobody,
        }
    }
}

impl From<u16> for CloseCode {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sendable_codes_are_exactly_these() {
        for number in 0..=u16::MAX {
            let code = CloseCode::new(number);
            let sendable = (1000..=1003).contains(&number)
                || (1007..=1014).contains(&number)
                || (3000..=4999).contains(&number);
            assert_eq!(code.may_be_sent(), sendable, "{number}");
            assert_eq!(code.sent_by() == SentBy::Nobody, !sendable, "{number}");
            let registered = matches!(number, 1000..=1015 | 3000 | 3003 | 3008);
            assert_eq!(code.name().is_some(), registered, "{number}");
            assert!(code.meaning().ends_with('.') && code.advice().ends_with('.'), "{number}");
        }
    }

    #[test]
    fn ranges_meet_without_gaps() {
        let edges = [
            (0, CodeRange::Unused),
            (999, CodeRange::Unused),
            (1000, CodeRange::Protocol),
            (1015, CodeRange::Protocol),
            (1016, CodeRange::Reserved),
            (2999, CodeRange::Reserved),
            (3000, CodeRange::Registered),
            (3999, CodeRange::Registered),
            (4000, CodeRange::Private),
            (4999, CodeRange::Private),
            (5000, CodeRange::Invalid),
            (u16::MAX, CodeRange::Invalid),
        ];
        for (number, range) in edges {
            assert_eq!(CloseCode::new(number).range(), range, "{number}");
        }
    }
}
