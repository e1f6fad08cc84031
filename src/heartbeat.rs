//! The heartbeat: when to ping, when to give up on the peer, and how long the answer took.

use core::time::Duration;

use bytes::Bytes;

use crate::config::Heartbeat;
use crate::time::Timestamp;

/// A respite is granted once for each Ping, and is never longer than this.
const MAX_RESPITE: Duration = Duration::from_secs(5);

/// Being this late is our own stall, whatever the margin.
const MIN_STALL: Duration = Duration::from_secs(1);

/// A Ping on its way: queued, then offered to the transport, then written, then answered.
#[derive(Debug)]
pub(crate) struct Outstanding {
    payload: Bytes,
    offered_at: Option<Timestamp>,
    written_at: Option<Timestamp>,
}

impl Outstanding {
    pub(crate) fn new(payload: Bytes) -> Self {
        Self { payload, offered_at: None, written_at: None }
    }

    pub(crate) fn offered(&mut self, now: Timestamp) {
        self.offered_at = Some(now);
    }

    pub(crate) fn written(&mut self, now: Timestamp) {
        self.written_at = Some(now);
    }

    pub(crate) fn is_written(&self) -> bool {
        self.written_at.is_some()
    }

    /// The round trip, if `pong` answers this Ping. A Pong that comes before its Ping was written answers nothing.
    pub(crate) fn answered_by(&self, pong: &[u8], now: Timestamp) -> Option<Duration> {
        let written_at = self.written_at.filter(|_| self.payload == pong)?;
        Some(now.saturating_duration_since(written_at))
    }
}

/// The verdict on a peer that is silent after a Ping.
#[derive(Debug)]
pub(crate) struct Pulse {
    pub(crate) ping: Outstanding,
    /// Any byte received since the Ping was written is a sign of life; its Pong may come later, behind a huge frame.
    alive: bool,
    respite_until: Option<Timestamp>,
}

impl Pulse {
    pub(crate) fn new(payload: Bytes) -> Self {
        Self { ping: Outstanding::new(payload), alive: false, respite_until: None }
    }

    pub(crate) fn received(&mut self) {
        self.alive |= self.ping.is_written();
    }

    /// When the peer is to be given up, if it stays silent; `None` once it showed a sign of life, and before the Ping was
    /// offered to the transport.
    ///
    /// The margin runs from when the Ping was written. Until then from the last of: its first offer, the last progress of
    /// output, and the last byte received.
    pub(crate) fn verdict_at(
        &self,
        settings: &Heartbeat,
        last_progress: Timestamp,
        last_received: Timestamp,
    ) -> Option<Timestamp> {
        if self.alive {
            return None;
        }
        let offered_at = self.ping.offered_at?;
        let since = self.ping.written_at.unwrap_or_else(|| offered_at.max(last_progress).max(last_received));
        let at = since.saturating_add(settings.margin);
        Some(self.respite_until.map_or(at, |until| until.max(at)))
    }

    /// Called when the verdict is due, `late` after its time. If we are so late that our own stall may have kept the answer
    /// from us, the peer gets a respite, once.
    pub(crate) fn grant_respite(&mut self, settings: &Heartbeat, late: Duration, now: Timestamp) -> bool {
        let stalled = late > MIN_STALL.max(settings.margin / 4);
        let grant = stalled && self.respite_until.is_none();
        if grant {
            self.respite_until = Some(now.saturating_add(settings.margin.min(MAX_RESPITE)));
        }
        grant
    }
}
