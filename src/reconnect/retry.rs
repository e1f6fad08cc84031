//! The decision: what an ending says about connecting again.

use core::time::Duration;

use crate::close::Retry;
use crate::error::Deadline;
use crate::event::{Cause, CloseEvent, Side};
use crate::upgrade::{Response, RetryAfter};

impl Retry {
    /// By the status of a refusal; see the table [above](Self).
    #[must_use]
    pub const fn after_status(status: u16) -> Self {
        match status {
            408 | 425 | 500 | 509 | 512..=599 => Self::Soon,
            200..=399 | 429 | 502..=504 | 511 => Self::Later,
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
            | Cause::Limit(_) => close.code().retry(),
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
