//! Sending: to one transport, or to many in turn.

use std::sync::Arc;

use bytes::Bytes;

use super::{Comparison, Work, frames, random::Random};
use crate::{
    peers::{Kind, Outcome, Peer, Role, Sending},
    transport::{Recording, Script, Transport},
};

/// What is done for one message on one connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    /// Given as it is.
    Plain,
    /// Made into a frame once, for all connections.
    Prepared,
}

pub(super) struct Send {
    role: Role,
    payload: Bytes,
    per_flush: usize,
    connections: usize,
    how: How,
}

impl Send {
    pub(super) fn new(role: Role, size: usize, per_flush: usize) -> Self {
        let mut random = Random::new(0xface);
        let payload = (0..size).map(|_| random.byte()).collect();
        Self { role, payload, per_flush, connections: 1, how: How::Plain }
    }

    /// A server's message to many connections.
    pub(super) fn broadcast(size: usize, connections: usize, how: How) -> Self {
        Self { connections, how, ..Self::new(Role::Server, size, 1) }
    }

    /// `count` messages in all.
    fn send(&self, peer: &dyn Peer, count: usize, io: &dyn Fn() -> Transport) -> Outcome {
        let count = count.div_ceil(self.connections);
        let payload = self.payload.clone();
        let sending = Sending { role: self.role, payload, count, per_flush: self.per_flush };
        let ios = std::iter::repeat_with(io).take(self.connections).collect();
        match self.how {
            How::Plain => peer.send(ios, &sending),
            How::Prepared => peer.send_prepared(ios, &sending),
        }
    }
}

impl Work for Send {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        let silence = Arc::default();
        self.send(peer, count, &|| Transport::new(&silence))
    }

    fn check(&self, peer: &dyn Peer) -> Outcome {
        let wanted = 3 * self.per_flush * self.connections;
        let (silence, recording) = (Arc::<Script>::default(), Recording::default());
        self.send(peer, wanted, &|| Transport::recording(&silence, &recording))?;
        let written = recording.lock().expect("nobody panics holding it");
        let mut comparison = Comparison::new();
        for message in frames::read_all(&written.bytes, self.role == Role::Client)? {
            let right = message.kind == Kind::Binary && message.payload == self.payload;
            comparison.add(right, || format!("{:?} {:?}", message.kind, message.payload));
        }
        comparison.verdict(wanted)
    }

    fn weight(&self) -> usize {
        400 + self.payload.len() / 4
    }

    fn multiple(&self) -> usize {
        self.connections.max(16)
    }
}
