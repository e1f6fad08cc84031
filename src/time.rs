//! The time as an argument.

use core::time::Duration;

/// A point in time on the caller's monotonic clock, in nanoseconds since an origin that the caller picks.
///
/// The crate reads no clock: whoever owns a [`Connection`](crate::Connection) says what time it is. Any origin will do
/// (program start, boot, the Unix epoch, zero in a test) as long as all calls for one connection share it. A `u64` of
/// nanoseconds lasts 584 years. All arithmetic saturates; nothing here panics.
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::Timestamp;
///
/// let start = Timestamp::from_nanos(0);
/// let later = start.saturating_add(Duration::from_secs(3));
/// assert_eq!(later.saturating_duration_since(start), Duration::from_secs(3));
/// assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point that lies `since_origin` after the origin; durations beyond 584 years saturate.
    #[must_use]
    pub const fn from_duration(since_origin: Duration) -> Self {
        Self(saturating_nanos(since_origin))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This point moved into the future by `duration`, or the last representable point.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(duration)))
    }

    /// How long after `earlier` this point lies; zero if it does not.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

const fn saturating_nanos(duration: Duration) -> u64 {
    // Not `as_nanos`, which counts in 128 bits; this is asked several times a message.
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(duration.subsec_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Timestamp::from_nanos(u64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(Timestamp::from_duration(Duration::MAX), last);
        assert_eq!(Timestamp::default().saturating_duration_since(last), Duration::ZERO);
    }
}
