//! Sending: to one transport, or to many in turn.

use std::sync::Arc;

use bytes::Bytes;

use super::{Comparison, Work, frames, random::Random};
use crate::{
    peers::{Kind, Outcome, Peer, Role, Sending},
    transport::{Recording, Script, Transport},
};

pub(super) struct Send {
    role: Role,
    payload: Bytes,
    per_flush: usize,
}

impl Send {
    pub(super) fn new(role: Role, size: usize, per_flush: usize) -> Self {
        let mut random = Random::new(0xface);
        Self { role, payload: (0..size).map(|_| random.byte()).collect(), per_flush }
    }

    fn sending(&self, count: usize) -> Sending {
        Sending { role: self.role, payload: self.payload.clone(), count, per_flush: self.per_flush }
    }
}

impl Work for Send {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        peer.send(vec![Transport::new(&Arc::default())], &self.sending(count))
    }

    fn check(&self, peer: &dyn Peer) -> Outcome {
        let wanted = 3 * self.per_flush;
        let recording = Recording::default();
        let io = Transport::recording(&Arc::<Script>::default(), &recording);
        peer.send(vec![io], &self.sending(wanted))?;
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
}
