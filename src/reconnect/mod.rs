//! Connecting again: one attempt at a time, later each time, and not at all where it is of no use.

mod config;
mod retry;

use core::time::Duration;

use thiserror::Error;

use crate::close::Retry;
use crate::entropy::Entropy;
use crate::time::Timestamp;

pub use config::ReconnectConfig;

/// Decides when a client connects again: a state machine that opens nothing itself, and works with any way to connect.
///
/// ```text
///            due                poll_attempt           opened
/// Waiting ─────────▶ Due ───────────────────▶ Connecting ──────▶ Open
///    ▲                                            │ ended          │ ended
///    ├────────────────────────────────────────────┴────────────────┤
///    └─ Soon │ Later │ After       Never, or no attempts left, or stop() ─▶ Stopped
/// ```
///
/// It begins with `Due`. [`poll_attempt`](Self::poll_attempt) hands out an attempt by its number, and no other before that one
/// has [`ended`](Self::ended), opened or not. Of all the errors that arrive together for one attempt the first counts; what is
/// said of an attempt that is over changes nothing. So there is never more than one connection.
///
/// As with [`Connection`](crate::Connection), time and randomness are arguments, any method may be called at any time, and
/// [`poll_timeout`](Self::poll_timeout) says when [`handle_timeout`](Self::handle_timeout) has something to do.
///
/// ```
/// use websocket_proto::{CloseCode, Reconnect, ReconnectConfig, Retry, Timestamp};
///
/// let mut now = Timestamp::default();
/// let mut reconnect = Reconnect::new(ReconnectConfig::default(), [7; 32], now); // a real seed comes from the system
/// let first = reconnect.poll_attempt(now).expect("the first attempt is due at once");
/// assert_eq!(reconnect.poll_attempt(now), None); // one at a time
///
/// reconnect.opened(first, now);
/// reconnect.ended(first, CloseCode::SERVICE_RESTART.retry(), now);
/// now = reconnect.poll_timeout().expect("it waits");
/// reconnect.handle_timeout(now);
/// assert_eq!(reconnect.poll_attempt(now), Some(2));
/// ```
///
/// # When a server fails that has ten thousand clients
///
/// It is gone for 10 s; then it takes 500 handshakes a second and answers the others with 503. With the defaults, and without
/// jitter:
///
/// | | with jitter | without |
/// | --- | --- | --- |
/// | attempts in the worst second while it is down | 3,001 | 10,000 |
/// | in the worst second once it is up | 1,327 | 10,000 |
/// | attempts in all | 31,075 | 115,000 |
/// | until all are connected | 70 s | 1,106 s |
#[derive(Debug)]
pub struct Reconnect {
    config: ReconnectConfig,
    entropy: Entropy,
    now: Timestamp,
    state: ReconnectState,
    /// The number of the attempt that was handed out last.
    attempt: u64,
    /// Waits and failed attempts since a connection was stable.
    waits: u32,
    failures: u32,
}

/// How far a [`Reconnect`] is.
///
/// ```
/// use websocket_proto::{Reconnect, ReconnectConfig, ReconnectState, Timestamp};
///
/// let reconnect = Reconnect::new(ReconnectConfig::default(), [7; 32], Timestamp::default());
/// assert_eq!(reconnect.state(), ReconnectState::Due);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReconnectState {
    /// Nothing is under way, until this time.
    Waiting {
        /// When the next attempt is due.
        until: Timestamp,
    },
    /// [`Reconnect::poll_attempt`] hands out the next attempt.
    Due,
    /// An attempt is under way.
    Connecting {
        /// When it counts as failed: drop it then.
        until: Timestamp,
    },
    /// There is a connection.
    Open {
        /// When it opened.
        since: Timestamp,
    },
    /// There will be no further attempt.
    Stopped(StopReason),
}

/// Why no further attempt is made.
///
/// ```
/// use websocket_proto::StopReason;
///
/// assert_eq!(StopReason::MaxAttempts(3).to_string(), "no attempt is left of 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum StopReason {
    /// The last ending was [`Retry::Never`].
    #[error("another attempt is of no use")]
    NoUse,
    /// [`ReconnectConfig::max_attempts`], this many, have failed.
    #[error("no attempt is left of {0}")]
    MaxAttempts(u32),
    /// The application [stopped](Reconnect::stop) it.
    #[error("the application stopped it")]
    Stopped,
}

impl Reconnect {
    /// [`Retry::Later`] is at least this, and at most that: what the registry asks for after 1012.
    const LATER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

    /// A machine whose first attempt is due at once.
    ///
    /// `seed` makes the jitter: 32 bytes that differ from client to client, so that they do not come back together.
    #[must_use]
    pub fn new(config: ReconnectConfig, seed: [u8; 32], now: Timestamp) -> Self {
        Self {
            config,
            entropy: Entropy::seldom(seed),
            now,
            state: ReconnectState::Due,
            attempt: 0,
            waits: 0,
            failures: 0,
        }
    }

    /// The number of the attempt to begin now, the first being 1; `None` if none is due.
    #[must_use = "the attempt is under way from now on"]
    pub fn poll_attempt(&mut self, now: Timestamp) -> Option<u64> {
        self.observe(now);
        if self.state != ReconnectState::Due {
            return None;
        }
        self.attempt = self.attempt.saturating_add(1);
        let until = self.now.saturating_add(self.config.connect_timeout);
        self.state = ReconnectState::Connecting { until };
        Some(self.attempt)
    }

    /// The attempt has come to an open connection.
    pub fn opened(&mut self, attempt: u64, now: Timestamp) {
        self.observe(now);
        if attempt == self.attempt && matches!(self.state, ReconnectState::Connecting { .. }) {
            self.state = ReconnectState::Open { since: self.now };
        }
    }

    /// The attempt has failed, or its connection has ended, and this is what follows from it.
    pub fn ended(&mut self, attempt: u64, retry: Retry, now: Timestamp) {
        self.observe(now);
        let is_under_way = match self.state {
            ReconnectState::Connecting { .. } | ReconnectState::Open { .. } => attempt == self.attempt,
            ReconnectState::Waiting { .. } | ReconnectState::Due | ReconnectState::Stopped(_) => false,
        };
        if is_under_way {
            self.end(retry);
        }
    }

    /// No further attempt. Drop the one that is under way.
    pub fn stop(&mut self) {
        if !matches!(self.state, ReconnectState::Stopped(_)) {
            self.state = ReconnectState::Stopped(StopReason::Stopped);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout): when the next attempt is due, or the one that is under way has
    /// taken too long.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.state {
            ReconnectState::Waiting { until } | ReconnectState::Connecting { until } => Some(until),
            ReconnectState::Due | ReconnectState::Open { .. } | ReconnectState::Stopped(_) => None,
        }
    }

    /// Lets time pass. Early and spurious calls do nothing.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.observe(now);
        match self.state {
            ReconnectState::Waiting { until } if until <= self.now => self.state = ReconnectState::Due,
            ReconnectState::Connecting { until } if until <= self.now => self.end(Retry::Soon),
            _ => {}
        }
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> ReconnectState {
        self.state
    }

    fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    fn end(&mut self, retry: Retry) {
        if self.was_stable() {
            self.waits = 0;
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
        self.state = match (self.delay(retry), self.config.max_attempts.map(|max| max.max(1))) {
            (None, _) => ReconnectState::Stopped(StopReason::NoUse),
            (Some(_), Some(max)) if self.failures >= max => {
                ReconnectState::Stopped(StopReason::MaxAttempts(max))
            }
            // Time goes on between two deadlines, whatever the settings are.
            (Some(delay), _) => {
                ReconnectState::Waiting { until: self.now.saturating_add(delay.max(Duration::from_nanos(1))) }
            }
        };
        self.waits = self.waits.saturating_add(1);
    }

    fn was_stable(&self) -> bool {
        matches!(self.state, ReconnectState::Open { since }
            if self.now.saturating_duration_since(since) >= self.config.stable_after)
    }

    fn delay(&mut self, retry: Retry) -> Option<Duration> {
        let ceiling = self.config.ceiling(self.waits);
        match retry {
            Retry::Soon => Some(self.draw(Duration::ZERO, ceiling)),
            Retry::Later => {
                let (least, most) = Self::LATER;
                let most = ceiling.max(most).min(self.config.max_backoff);
                // Where the cap is low, there must be room for jitter still.
                Some(self.draw(least.min(most / 2), most))
            }
            Retry::After(delay) => {
                let delay = delay.min(self.config.max_retry_after);
                Some(self.draw(delay, delay.saturating_add(ceiling)))
            }
            Retry::Never => None,
        }
    }

    /// A time between the two, or the longer one if there is no jitter.
    fn draw(&mut self, least: Duration, most: Duration) -> Duration {
        if !self.config.jitter {
            return most;
        }
        let random = u64::from_le_bytes(self.entropy.bytes());
        let span = u64::try_from(most.saturating_sub(least).as_nanos()).unwrap_or(u64::MAX);
        // The upper half of the product: a fraction of the span.
        let part = (u128::from(random) * u128::from(span)) >> 64;
        least.saturating_add(Duration::from_nanos(part as u64))
    }
}

#[cfg(test)]
mod tests;
