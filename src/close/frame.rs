use alloc::borrow::ToOwned;
use alloc::string::String;

use thiserror::Error;

use super::CloseCode;

/// The longest reason, in bytes of UTF-8: a control frame's 125 bytes less two for the code (RFC 6455 §5.5 and §5.5.1).
pub const MAX_REASON_LEN: usize = 123;

/// The content of a Close frame that carries a code: one that may be sent, or was validly received.
///
/// One that breaks the protocol cannot be made. A Close frame without any content is `None` where one is expected, as in
/// [`Connection::close`](crate::Connection::close).
///
/// ```
/// use websocket_proto::{CloseCode, CloseFrame, CloseFrameError};
///
/// let frame = CloseFrame::new(4000, "see you")?;
/// assert_eq!((frame.code().as_u16(), frame.reason()), (4000, "see you"));
///
/// assert_eq!(CloseFrame::new(1006, ""), Err(CloseFrameError::Code(CloseCode::ABNORMAL)));
/// let long = CloseFrame::truncated(CloseCode::NORMAL, &"é".repeat(100))?;
/// assert_eq!(long.reason().len(), 122); // cut between two characters
/// # Ok::<(), CloseFrameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CloseFrame {
    code: CloseCode,
    reason: String,
}

/// Why a [`CloseFrame`] cannot be made.
///
/// ```
/// use websocket_proto::{CloseFrame, CloseFrameError};
///
/// let error = CloseFrame::new(1000, "x".repeat(124)).unwrap_err();
/// assert_eq!(error, CloseFrameError::ReasonTooLong(124));
/// assert_eq!(error.to_string(), "a close reason holds at most 123 bytes of UTF-8, not 124");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseFrameError {
    /// The code may not stand in a Close frame (RFC 6455 §7.4).
    #[error("close code {0} may not be sent")]
    Code(CloseCode),
    /// The reason has this many bytes of UTF-8, more than [`MAX_REASON_LEN`] (RFC 6455 §5.5).
    #[error("a close reason holds at most {MAX_REASON_LEN} bytes of UTF-8, not {0}")]
    ReasonTooLong(usize),
}

impl CloseFrame {
    /// 1000 without a reason: the connection did what it was opened for.
    pub const NORMAL: Self = Self { code: CloseCode::NORMAL, reason: String::new() };

    /// 1001 without a reason: this side leaves.
    pub const GOING_AWAY: Self = Self { code: CloseCode::GOING_AWAY, reason: String::new() };

    /// A Close frame with this code and reason, the same in either role.
    ///
    /// # Errors
    /// A code that [may not be sent](CloseCode::may_be_sent), or a reason of more than [`MAX_REASON_LEN`] bytes.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<String>) -> Result<Self, CloseFrameError> {
        let (code, reason) = (code.into(), reason.into());
        if !code.may_be_sent() {
            Err(CloseFrameError::Code(code))
        } else if reason.len() > MAX_REASON_LEN {
            Err(CloseFrameError::ReasonTooLong(reason.len()))
        } else {
            Ok(Self { code, reason })
        }
    }

    /// Like [`new`](Self::new), but a reason that is too long is cut at the last character boundary that fits.
    ///
    /// # Errors
    /// A code that [may not be sent](CloseCode::may_be_sent).
    pub fn truncated(code: impl Into<CloseCode>, reason: &str) -> Result<Self, CloseFrameError> {
        let cut = reason.floor_char_boundary(MAX_REASON_LEN);
        Self::new(code, reason.get(..cut).unwrap_or_default())
    }

    /// For the crate's own Close frames, whose codes and reasons are constants that a test holds to the rules.
    pub(crate) fn known(code: CloseCode, reason: &str) -> Self {
        debug_assert!(code.may_be_sent() && reason.len() <= MAX_REASON_LEN);
        Self { code, reason: reason.to_owned() }
    }

    /// Code and reason of a Close frame, 1005 and nothing if it is empty.
    pub(crate) fn into_told(frame: Option<Self>) -> (CloseCode, String) {
        frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| (frame.code, frame.reason))
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> CloseCode {
        self.code
    }

    /// The reason; often empty. What a peer sent is shown as it came: escape it before it reaches a terminal or a log.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn truncation_keeps_the_longest_prefix_that_fits(reason in ".{0,200}") {
            let frame = CloseFrame::truncated(CloseCode::NORMAL, &reason).unwrap();
            prop_assert!(reason.starts_with(frame.reason()));
            prop_assert!(frame.reason().len() <= MAX_REASON_LEN);
            let next = reason[frame.reason().len()..].chars().next();
            prop_assert!(next.is_none_or(|c| frame.reason().len() + c.len_utf8() > MAX_REASON_LEN));
        }

        #[test]
        fn a_frame_can_be_made_if_and_only_if_it_may_be_sent(code: u16, len in 0_usize..130) {
            let made = CloseFrame::new(code, "r".repeat(len));
            prop_assert_eq!(made.is_ok(), CloseCode::new(code).may_be_sent() && len <= MAX_REASON_LEN);
        }
    }
}
