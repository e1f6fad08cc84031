//! The decision: what an ending says about connecting again.

use core::time::Duration;

use crate::close::CloseCode;
use crate::error::Deadline;
use crate::event::{Cause, CloseEvent, Side};
use crate::upgrade::{Response, RetryAfter};

/// Whether it is worth connecting again, and when.
///
/// The tables below are what [`Reconnect`](super::Reconnect) goes by unless its owner knows better, as for the codes 4000 to
/// 4999, which an application defines for itself. A message that brought an ending about is no reason to stay away: nothing is
/// sent again unasked.
///
/// | close code | |
/// | --- | --- |
/// | 1000, 1008, 1010, 3000 Unauthorized, 3003 Forbidden | `Never` |
/// | 1012, 1013, 1014, 1015 | `Later` |
/// | any other, and none | `Soon` |
///
/// | HTTP status | |
/// | --- | --- |
/// | 408, 425, 500, and 5xx that nobody has defined | `Soon` |
/// | 200 to 299 (something that is no WebSocket answers for it), 429, 502, 503, 504, 511 | `Later` |
/// | 3xx (nothing here follows it), other 4xx such as 401 and 403, 501, 505 to 508, 510, anything above | `Never` |
///
/// ```
/// use websocket_proto::{CloseCode, Retry};
///
/// assert_eq!(Retry::after_code(CloseCode::GOING_AWAY), Retry::Soon);
/// assert_eq!(Retry::after_code(CloseCode::SERVICE_RESTART), Retry::Later);
/// assert_eq!(Retry::after_status(401), Retry::Never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// After the back-off: from at once up to [`initial_backoff`](super::ReconnectConfig::initial_backoff), and longer each
    /// time.
    Soon,
    /// The server is overloaded, or not there yet: after at least 5 s, and up to 30 s or the back-off, whichever is longer.
    /// The registry asks for 5 to 30 s, at random, after 1012. All of it is held below
    /// [`max_backoff`](super::ReconnectConfig::max_backoff).
    Later,
    /// The server said how long to stay away. The back-off comes on top, since it said the same to others.
    After(Duration),
    /// The next attempt would end as this one did, or there is nothing left to do.
    Never,
}

impl Retry {
    /// By the code in the peer's Close frame; see the table [above](Self).
    #[must_use]
    pub const fn after_code(code: CloseCode) -> Self {
        match code.as_u16() {
            1000 | 1008 | 1010 | 3000 | 3003 => Self::Never,
            1012..=1015 => Self::Later,
            _ => Self::Soon,
        }
    }

    /// By the status of a refusal; see the table [above](Self).
    #[must_use]
    pub const fn after_status(status: u16) -> Self {
        match status {
            408 | 425 | 500 | 509 | 512..=599 => Self::Soon,
            200..=299 | 429 | 502..=504 | 511 => Self::Later,
            _ => Self::Never,
        }
    }

    /// By status and `Retry-After`, which counts where the status does not rule out another attempt (RFC 9110 §10.2.3).
    ///
    /// A date there is held against the `Date` of the same response, since it is the server's clock that counts; without one,
    /// the status alone does.
    #[must_use]
    pub fn after_refusal(response: &Response) -> Self {
        match (Self::after_status(response.status()), stay_away(response)) {
            (Self::Soon | Self::Later, Some(delay)) => Self::After(delay),
            (by_status, _) => by_status,
        }
    }

    /// By how the connection ended.
    ///
    /// If this side closed it, that is [`Never`](Self::Never); if the peer did, its code decides. What ended otherwise, by a
    /// failed transport or a deadline, is tried again, as is what this side failed: the peer's fault may have been passing, and the
    /// back-off bounds it if not.
    #[must_use]
    pub fn after_close(close: &CloseEvent) -> Self {
        match close.cause() {
            Cause::Refused(status) => Self::after_status(status),
            Cause::ClosedWhileConnecting | Cause::Rejected(_) => Self::Never,
            // Something answers there that is no WebSocket server, as while one is being put in place.
            Cause::Handshake(_) => Self::Later,
            Cause::ClosingHandshake
            | Cause::EndOfStream(_)
            | Cause::Transport(_)
            | Cause::Deadline(Deadline::Close)
                if close.closed_first_by() == Some(Side::Local) =>
            {
                Self::Never
            }
            // Whatever the cause, the peer's Close frame may have come, and knows more.
            Cause::ClosingHandshake
            | Cause::EndOfStream(_)
            | Cause::Transport(_)
            | Cause::Deadline(_)
            | Cause::Violation(_)
            | Cause::Limit(_) => Self::after_code(close.code()),
        }
    }
}

/// How long the server asks to stay away.
fn stay_away(response: &Response) -> Option<Duration> {
    match response.retry_after()? {
        RetryAfter::Delay(delay) => Some(delay),
        RetryAfter::Date(at) => match RetryAfter::parse(response.headers().get("date")?)? {
            RetryAfter::Date(now) => Some(Duration::from_secs(at.saturating_sub(now))),
            RetryAfter::Delay(_) => None,
        },
    }
}
