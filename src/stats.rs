//! What a connection counts.

use core::time::Duration;

/// Counters of one connection since it began. All of them only ever grow, but for the round trip.
///
/// ```
/// use websocket_proto::Stats;
///
/// let stats = Stats::default();
/// assert_eq!((stats.messages_received, stats.round_trip), (0, None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes taken from the transport and parsed, the handshake included.
    pub bytes_received: u64,
    /// Bytes that the transport took, the handshake included.
    pub bytes_sent: u64,
    /// Whole messages received.
    pub messages_received: u64,
    /// Messages that the transport took whole.
    pub messages_sent: u64,
    /// Messages that the peer has received for certain, the first so many of those sent: a Ping that was written after them has
    /// been answered. What the peer's application made of them is not known.
    ///
    /// The peer's Close frame confirms nothing, whatever its code and whoever closed first: it may have crossed the one of this
    /// side, from a peer that has read nothing more, and two that cross mostly have the same code, 1000. For a clean close that
    /// confirms, send a [Ping](crate::Connection::ping) right before the [Close](crate::Connection::close): its Pong comes ahead
    /// of an answer to the Close frame, and not from a peer that closed by itself before it got the Ping.
    pub messages_confirmed: u64,
    /// Messages that were accepted for sending and dropped, whole or in part, since the connection failed or ended first.
    pub messages_dropped: u64,
    /// Those of the dropped messages that may have gone out whole all the same, the first so many after those sent. They were
    /// framed when the peer was given up, whose Close frame gets one more write, or were in a piece that was
    /// [taken](crate::Connection::take) and not credited when the connection ended. The peer has received none of the others.
    pub messages_in_doubt: u64,
    /// Pings received, by [text](crate::TextHeartbeat) too; such texts count as no messages.
    pub pings_received: u64,
    /// Pings that the transport took whole, the heartbeat's, by text too, and the application's.
    pub pings_sent: u64,
    /// Pongs received, by text too.
    pub pongs_received: u64,
    /// The most recent round trip: from the last byte of a Ping written to its Pong received.
    pub round_trip: Option<Duration>,
}
