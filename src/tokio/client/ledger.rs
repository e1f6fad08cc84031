//! Which messages a connection was given, and what the peer is known to have received of them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::event::CloseEvent;
use crate::message::Message;

/// What a message that is kept counts for beside its payload, as in the output queue.
const MESSAGE_COST: usize = 64;

/// The messages of one connection that are not confirmed, in the order in which it was given them.
#[derive(Default)]
pub(super) struct Ledger {
    messages: VecDeque<Message>,
    weight: usize,
    /// How many came before.
    confirmed: u64,
    pings: u64,
    /// A Ping was sent and not answered.
    is_asking: bool,
}

impl Ledger {
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The connection has taken this message.
    pub(super) fn taken(&mut self, message: Message) {
        self.weight = self.weight.saturating_add(weight(&message));
        self.messages.push_back(message);
    }

    /// What the next Ping carries, if there is something to be confirmed and nobody was asked.
    pub(super) fn question(&self) -> Option<[u8; 8]> {
        (!self.is_asking && !self.messages.is_empty()).then_some(self.pings.to_be_bytes())
    }

    /// What the Ping ahead of the Close frame carries, whoever was asked before.
    pub(super) fn last_question(&self) -> Option<[u8; 8]> {
        (!self.messages.is_empty()).then_some(self.pings.to_be_bytes())
    }

    pub(super) fn asked(&mut self) {
        self.is_asking = true;
        self.pings = self.pings.saturating_add(1);
    }

    /// A Ping was answered, ours or the heartbeat's: a peer may answer only the latest. So many messages are confirmed by now.
    pub(super) fn answered(&mut self, confirmed: u64) {
        self.is_asking = false;
        while self.confirmed < confirmed
            && let Some(message) = self.messages.pop_front()
        {
            self.confirmed = self.confirmed.saturating_add(1);
            self.weight = self.weight.saturating_sub(weight(&message));
        }
    }

    /// The connection has ended. What was not confirmed of all that was written or may have been, and what was not written.
    pub(super) fn settle(&mut self, close: &CloseEvent) -> (Vec<Message>, VecDeque<Message>) {
        let stats = close.stats();
        self.answered(stats.messages_confirmed);
        let mut rest = core::mem::take(self).messages;
        let written = stats.messages_sent.saturating_add(stats.messages_in_doubt);
        let unconfirmed = written.saturating_sub(stats.messages_confirmed);
        let unsent = rest.split_off(usize::try_from(unconfirmed).unwrap_or(usize::MAX).min(rest.len()));
        (rest.into(), unsent)
    }
}

fn weight(message: &Message) -> usize {
    message.len().saturating_add(MESSAGE_COST)
}
