//! The header fields a handshake looks at, told apart in one pass over a head.

use core::ops::Range;

use crate::upgrade::HandshakeError;
use crate::upgrade::lines::place;
use crate::upgrade::list::elements;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Host,
    Origin,
    Upgrade,
    Connection,
    ContentLength,
    TransferEncoding,
    Key,
    Accept,
    Version,
    Protocol,
    Extensions,
}

impl Field {
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        // most fields are told by their length not to be meant
        let (wanted, field) = match (name.len(), name.last()?.to_ascii_lowercase()) {
            (4, b't') => ("host", Self::Host),
            (6, b'n') => ("origin", Self::Origin),
            (7, b'e') => ("upgrade", Self::Upgrade),
            (10, b'n') => ("connection", Self::Connection),
            (14, b'h') => ("content-length", Self::ContentLength),
            (17, b'g') => ("transfer-encoding", Self::TransferEncoding),
            (17, b'y') => ("sec-websocket-key", Self::Key),
            (20, b't') => ("sec-websocket-accept", Self::Accept),
            (21, b'n') => ("sec-websocket-version", Self::Version),
            (22, b'l') => ("sec-websocket-protocol", Self::Protocol),
            (24, b's') => ("sec-websocket-extensions", Self::Extensions),
            _ => return None,
        };
        name.eq_ignore_ascii_case(wanted.as_bytes()).then_some(field)
    }
}

/// A field that may be there once. Which of two a recipient believes differs, and so does what gets past it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Single<'a> {
    #[default]
    Missing,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Single<'a> {
    pub(super) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Missing => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Where in the block it stands, if it is there once. One that is repeated has no place: whoever may not take it for one that
    /// is missing refuses it.
    pub(super) fn place(&self, block: &[u8]) -> Option<Range<usize>> {
        match self {
            Self::Once(value) => Some(place(block, value)),
            Self::Missing | Self::Repeated => None,
        }
    }

    pub(super) fn optional(self, repeated: HandshakeError) -> Result<Option<&'a [u8]>, HandshakeError> {
        match self {
            Self::Missing => Ok(None),
            Self::Once(value) => Ok(Some(value)),
            Self::Repeated => Err(repeated),
        }
    }

    pub(super) fn required(
        self,
        missing: HandshakeError,
        repeated: HandshakeError,
    ) -> Result<&'a [u8], HandshakeError> {
        self.optional(repeated)?.ok_or(missing)
    }
}

/// Whether a list, on one of its lines, has this element.
pub(super) fn lists(value: &[u8], wanted: &[u8]) -> bool {
    // mostly it is the only one
    value.eq_ignore_ascii_case(wanted) || elements(value).any(|element| element.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let table = [
            ("HOST", Some(Field::Host)),
            ("Origin", Some(Field::Origin)),
            ("upgrade", Some(Field::Upgrade)),
            ("Connection", Some(Field::Connection)),
            ("Content-Length", Some(Field::ContentLength)),
            ("Transfer-Encoding", Some(Field::TransferEncoding)),
            ("Sec-WebSocket-Key", Some(Field::Key)),
            ("SEC-WEBSOCKET-ACCEPT", Some(Field::Accept)),
            ("Sec-WebSocket-Version", Some(Field::Version)),
            ("Sec-Websocket-Protocol", Some(Field::Protocol)),
            ("Sec-WebSocket-Extensions", Some(Field::Extensions)),
            ("", None),
            ("Post", None),
            ("Hosts", None),
        ];
        for (name, field) in table {
            assert_eq!(Field::of(name.as_bytes()), field, "{name}");
        }
    }
}
