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
/// | 200 to 299 (something that is no WebSocket answers for it), 429, 502, 503, 504, 511 | `Later` |
/// | 3xx (nothing here follows it), other 4xx such as 401 and 403, 501, 505 to 508, 510, anything above | `Never` |
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
