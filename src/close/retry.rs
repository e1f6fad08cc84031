//! What an ending says about connecting again, in words. The registry has one for each code; other endings are judged by the
//! machine that connects again.

use core::time::Duration;

/// Whether it is worth connecting again, and when.
///
/// The tables below are what [`Reconnect`](crate::Reconnect) goes by unless its owner knows better, as for the codes 4000 to
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
/// | 2xx and 3xx (something else answers there, as a captive portal does), 429, 502, 503, 504, 511 | `Later` |
/// | other 4xx such as 401 and 403, 501, 505 to 508, 510, anything below 200 or above 599 | `Never` |
///
/// So these statuses stop a client for good: 400 to 499 but for 408, 425 and 429; 501, 505 to 508 and 510; and what is no status
/// of a final answer. Whoever answers so has judged the request, and would judge the next one alike. Where that is not so, as with
/// a fresh token after a 401, the owner knows better. Redirects are not followed, so they are tried again where they were.
///
/// ```
/// use websocket_proto::{CloseCode, Retry};
///
/// assert_eq!(CloseCode::GOING_AWAY.retry(), Retry::Soon);
/// assert_eq!(CloseCode::SERVICE_RESTART.retry(), Retry::Later);
/// assert_eq!(Retry::after_status(401), Retry::Never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// After the back-off: from at once up to [`initial_backoff`](crate::ReconnectConfig::initial_backoff), and longer each
    /// time.
    Soon,
    /// The server is overloaded, or not there yet: after at least 5 s, and up to 30 s or the back-off, whichever is longer.
    /// The registry asks for 5 to 30 s, at random, after 1012. All of it is held below
    /// [`max_backoff`](crate::ReconnectConfig::max_backoff).
    Later,
    /// The server said how long to stay away. The back-off comes on top, since it said the same to others.
    After(Duration),
    /// The next attempt would end as this one did, or there is nothing left to do.
    Never,
}
