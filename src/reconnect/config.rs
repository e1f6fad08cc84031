//! What can be set about connecting again.

use core::time::Duration;

/// When to connect again, and when to give up.
///
/// Take the defaults and change what you must; each field says what its default is and why.
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::ReconnectConfig;
///
/// let mut config = ReconnectConfig::default();
/// config.max_backoff = Duration::from_secs(20);
/// config.max_attempts = Some(10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconnectConfig {
    /// The longest wait before the first attempt after a connection was lost. Each further wait in a row may be twice as long.
    ///
    /// Default: 5 s, with which RFC 6455 §7.2.3 begins.
    pub initial_backoff: Duration,
    /// The longest wait that the back-off comes to. What a server asks for may be longer.
    ///
    /// Default: 60 s: who comes back is connected within a minute, and those who wait for it cost a server little.
    pub max_backoff: Duration,
    /// Whether each wait is drawn at random from zero to the longest ("full jitter"), or is the longest.
    ///
    /// Default: true. Without it, all clients of a server that fails come back in the same moment, and again, and again:
    /// [`Reconnect`](super::Reconnect) has the figures.
    pub jitter: bool,
    /// How many attempts in a row may fail. One that opens a connection which ends before it was stable has failed as well.
    ///
    /// Default: `None`, any number: a network may be away for a night, and one attempt a minute harms nobody. Values below 1
    /// count as 1.
    pub max_attempts: Option<u32>,
    /// How long a connection must last for back-off and budget to begin anew once it ends.
    ///
    /// Default: 60 s: longer than the heartbeat needs to find a dead peer, so that a server which accepts and falls silent is
    /// not asked at full pace.
    pub stable_after: Duration,
    /// How long one attempt may take: finding the address, the transport, TLS, and the opening handshake.
    ///
    /// Default: 30 s: three times what the handshake alone may take, and well below the two minutes after which an operating
    /// system gives up.
    pub connect_timeout: Duration,
    /// The longest time to stay away because a server said so by `Retry-After`; a longer one is cut to this.
    ///
    /// Default: 1 h: servers that say more are down for a day or set their clock wrongly, and to ask each hour is not impolite.
    pub max_retry_after: Duration,
}

impl Default for ReconnectConfig {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_secs(5),
            max_backoff: Duration::from_secs(60),
            jitter: true,
            max_attempts: None,
            stable_after: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(60 * 60),
        }
    }
}

impl ReconnectConfig {
    /// The longest wait after so many waits in a row.
    pub(super) fn ceiling(&self, waits: u32) -> Duration {
        self.initial_backoff.saturating_mul(2_u32.saturating_pow(waits)).min(self.max_backoff)
    }
}
