//! The heartbeat: when to ping, when to give up on the peer, and how long the answer took.

use core::time::Duration;

use bytes::Bytes;

use crate::config::Heartbeat;
use crate::time::Timestamp;

/// A Ping on its way: queued, then offered to the transport, then written, then answered.
#[derive(Debug)]
pub(crate) struct Outstanding {
    payload: Bytes,
    offered_at: Option<Timestamp>,
    written_at: Option<Timestamp>,
    /// How many messages had been written whole before it.
    messages_before: u64,
}

impl Outstanding {
    pub(crate) fn new(payload: Bytes) -> Self {
        Self { payload, offered_at: None, written_at: None, messages_before: 0 }
    }

    pub(crate) fn offered(&mut self, now: Timestamp) {
        self.offered_at = Some(now);
    }

    pub(crate) fn written(&mut self, messages_before: u64, now: Timestamp) {
        self.written_at = Some(now);
        self.messages_before = messages_before;
    }

    /// What its answer confirms: a peer reads in order. Nothing, until the owner has said that it was written.
    pub(crate) fn messages_before(&self) -> u64 {
        self.messages_before
    }

    pub(crate) fn is_written(&self) -> bool {
        self.written_at.is_some()
    }

    /// The round trip, if `pong` answers this Ping. It may come before the owner has said that the Ping was written, as where
    /// a kernel writes; then the offer is where it began. Before that, nobody can have answered.
    pub(crate) fn answered_by(&self, pong: &[u8], now: Timestamp) -> Option<Duration> {
        let since = self.written_at.or(self.offered_at).filter(|_| self.payload == pong)?;
        Some(now.saturating_duration_since(since))
    }
}

/// The verdict on a peer that is silent after a Ping, or a text in its place.
#[derive(Debug)]
pub(crate) struct Pulse {
    pub(crate) ping: Outstanding,
    due_at: Timestamp,
    /// It is a text, and so is its Pong.
    pub(crate) by_text: bool,
    /// Any byte received since the Ping was written is a sign of life; its Pong may come later, behind a huge frame.
    alive: bool,
    /// How long nobody listened since the Ping was written.
    deaf: Duration,
}

impl Pulse {
    /// After a Ping with this payload, or a text that is to be answered with this one, which was due at this time.
    pub(crate) fn new(payload: Bytes, by_text: bool, due_at: Timestamp) -> Self {
        Self { ping: Outstanding::new(payload), due_at, by_text, alive: false, deaf: Duration::ZERO }
    }

    pub(crate) fn received(&mut self) {
        self.alive |= self.ping.is_written();
    }

    /// When the peer is to be given up, if it stays silent; `None` once it showed a sign of life, and before the Ping, or what
    /// goes out before it, was offered to the transport.
    ///
    /// The margin runs from when the Ping was written. Until then from the last of: its first offer, the last progress of
    /// output, and the last byte received. What the transport does not take stands for a Ping behind it that could not be
    /// offered.
    pub(crate) fn verdict_at(
        &self,
        settings: &Heartbeat,
        output_offered_at: Option<Timestamp>,
        last_progress: Timestamp,
        last_received: Timestamp,
    ) -> Option<Timestamp> {
        if self.alive {
            return None;
        }
        let offered_at = self.ping.offered_at.or(output_offered_at.map(|at| at.max(self.due_at)))?;
        let since = self.ping.written_at.unwrap_or_else(|| offered_at.max(last_progress).max(last_received));
        Some(since.saturating_add(settings.margin()).saturating_add(self.deaf))
    }

    /// Nobody listened for this time: what lies after the Ping is not held against the peer.
    pub(crate) fn was_deaf(&mut self, since: Timestamp, now: Timestamp) {
        let since = since.max(self.ping.written_at.unwrap_or_default());
        self.deaf = self.deaf.saturating_add(now.saturating_duration_since(since));
    }
}
