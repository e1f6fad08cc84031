//! How far a connection is.

use core::fmt;

/// The browser's `readyState`.
///
/// ```
/// use websocket_proto::State;
///
/// assert_eq!(State::Closing.to_string(), "closing");
/// assert!(State::Open < State::Closed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The opening handshake is under way.
    Connecting,
    /// Messages may be sent.
    Open,
    /// The connection is ending; nothing more may be sent.
    Closing,
    /// It has ended.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}
