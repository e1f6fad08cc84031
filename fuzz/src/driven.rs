//! A connection, driven in one of the ways that there are: whole, with its messages in chunks, or as the halves it is made of.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use websocket_proto::{
    Chunk, Config, Connection, Delivery, Event, Message, Receiver, Sender, Signal, Timestamp,
};

/// How many signals wait while the halves' owner does other things.
const LATE: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Whole,
    Chunks,
    Halves,
}

impl Manner {
    /// The same limits for all: those of whole messages.
    pub(crate) fn change(self, mut config: Config) -> Arc<Config> {
        if self == Self::Chunks {
            config.delivery = Delivery::Chunks;
            config.max_message_size.get_or_insert(16 * 1024 * 1024);
            config.max_fragments.get_or_insert(1 << 17);
        }
        Arc::new(config)
    }
}

pub(crate) struct Driven {
    manner: Manner,
    machine: Machine,
    /// What came of a message that arrives in chunks.
    begun: Vec<u8>,
}

enum Machine {
    Whole(Box<Connection>),
    Halves(Box<(Receiver, Sender)>, VecDeque<Signal>),
    /// On the way from one to the other.
    Between,
}

impl Driven {
    pub(crate) fn new(manner: Manner, connection: Connection) -> Self {
        let mut driven = Self { manner, machine: Machine::Whole(Box::new(connection)), begun: Vec::new() };
        driven.split();
        driven
    }

    /// The connection, while it is whole: a request is answered before there are halves.
    pub(crate) fn connection(&mut self) -> Option<&mut Connection> {
        match &mut self.machine {
            Machine::Whole(connection) => Some(connection),
            Machine::Halves(..) | Machine::Between => None,
        }
    }

    /// Goes on in halves, once that can be.
    fn split(&mut self) {
        if self.manner != Manner::Halves {
            return;
        }
        self.machine = match std::mem::replace(&mut self.machine, Machine::Between) {
            Machine::Whole(connection) => match connection.split() {
                Ok(halves) => Machine::Halves(Box::new(halves), VecDeque::new()),
                Err(connection) => Machine::Whole(connection),
            },
            other => other,
        };
    }

    /// The next event; a message that comes in chunks is one once it has ended.
    pub(crate) fn poll_event(&mut self, input: &mut BytesMut, now: Timestamp) -> Option<Event> {
        loop {
            self.split();
            let event = match &mut self.machine {
                Machine::Whole(connection) => connection.poll_event(input, now)?,
                Machine::Halves(halves, found) => poll_halves(halves, found, input, now)?,
                Machine::Between => unreachable!(),
            };
            match event {
                Event::Chunk(chunk) => {
                    if let Some(message) = self.assemble(chunk) {
                        return Some(Event::Message(message));
                    }
                }
                Event::Message(_) if self.manner == Manner::Chunks => panic!("a whole message among chunks"),
                event => return Some(event),
            }
        }
    }

    fn assemble(&mut self, Chunk { piece, is_last, .. }: Chunk) -> Option<Message> {
        assert!(is_last || !piece.is_empty(), "a piece with nothing in it");
        assert!(piece.len() <= 64 * 1024);
        self.begun.extend_from_slice(piece.payload());
        let text = piece.as_text().is_some();
        is_last.then(|| {
            let payload = std::mem::take(&mut self.begun);
            if text {
                String::from_utf8(payload).expect("whole characters in each piece").into()
            } else {
                payload.into()
            }
        })
    }

    pub(crate) fn send(&mut self, message: Message) {
        // Where there is no room, there is none in the other runs either.
        let _ = match &mut self.machine {
            Machine::Whole(connection) => connection.send(message),
            Machine::Halves(halves, _) => halves.1.send(message),
            Machine::Between => unreachable!(),
        };
    }

    /// All that is to be written.
    pub(crate) fn output(&mut self, now: Timestamp) -> Vec<u8> {
        let mut written = Vec::new();
        loop {
            let mut shown = match &mut self.machine {
                Machine::Whole(connection) if connection.wants_write() => connection.output(now),
                Machine::Halves(halves, _) if halves.1.wants_write() => halves.1.output(now),
                _ => return written,
            };
            let count = shown.remaining();
            written.extend(shown.copy_to_bytes(count));
        }
    }

    pub(crate) fn end_of_input(&mut self, now: Timestamp) {
        match &mut self.machine {
            Machine::Whole(connection) => connection.end_of_input(now),
            Machine::Halves(halves, _) => halves.0.end_of_input(),
            Machine::Between => unreachable!(),
        }
    }

    /// Lets the next deadline pass.
    pub(crate) fn pass_deadline(&mut self) {
        match &mut self.machine {
            Machine::Whole(connection) => {
                if let Some(at) = connection.poll_timeout() {
                    connection.handle_timeout(at);
                }
            }
            Machine::Halves(halves, _) => {
                if let Some(at) = halves.1.poll_timeout() {
                    halves.1.handle_timeout(at);
                }
            }
            Machine::Between => unreachable!(),
        }
    }
}

/// As an owner of halves does who is slow to tell one what the other has found.
fn poll_halves(
    (receiver, sender): &mut (Receiver, Sender),
    found: &mut VecDeque<Signal>,
    input: &mut BytesMut,
    now: Timestamp,
) -> Option<Event> {
    loop {
        while found.len() < LATE
            && let Some(signal) = receiver.poll(input)
        {
            found.push_back(signal);
        }
        let Some(signal) = found.pop_front() else {
            let event = sender.poll_event(now);
            if sender.discards() {
                receiver.discard();
            }
            return event;
        };
        if let Some(event) = sender.apply(signal, now) {
            return Some(event);
        }
    }
}
