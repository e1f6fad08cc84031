//! Receiving a message and sending it back, in the server's role.

use super::{
    Comparison, Work, frames,
    receive::{Content, Messages, Reads},
};
use crate::{
    peers::{Outcome, Peer},
    transport::{Recording, Transport},
};

pub(super) struct Echo {
    messages: Messages,
    size: usize,
    per_read: usize,
}

impl Echo {
    pub(super) fn new(size: usize, per_read: usize) -> Self {
        Self { messages: Messages::new(Content::Binary, size, Reads::Frames(per_read)), size, per_read }
    }
}

impl Work for Echo {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        peer.echo(Transport::new(&self.messages.script), count, self.per_read)
    }

    fn check(&self, peer: &dyn Peer) -> Outcome {
        let wanted = 2 * self.messages.payloads.len();
        let recording = Recording::default();
        peer.echo(Transport::recording(&self.messages.script, &recording), wanted, self.per_read)?;
        let written = recording.lock().expect("nobody panics holding it");
        let mut comparison = Comparison::new();
        for message in frames::read_all(&written.bytes, false)? {
            let expected = self.messages.expected(comparison.seen);
            let right = message.kind == expected.kind && message.payload == expected.payload;
            comparison.add(right, || format!("{:?} {:?}", message.kind, message.payload));
        }
        comparison.verdict(wanted)
    }

    fn weight(&self) -> usize {
        1_100 + self.size / 2
    }
}
