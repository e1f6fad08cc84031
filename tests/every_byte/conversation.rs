//! What a peer says from the first byte of the opening handshake to the last of the closing one, and what must be heard of any
//! beginning of it: known from where its frames end, not from the machine.

use std::sync::Arc;

use websocket_proto::{
    Cause, ClientRequest, Config, Connection, HandshakeError, Role, StreamPosition, Timestamp,
};

use crate::pair::Endpoint;
use crate::wire::{close_payload, frame};

pub(crate) const NOW: Timestamp = Timestamp::from_nanos(0);

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// A connection in this role before its opening handshake; the same each time, with all its masks.
pub(crate) fn subject(role: Role) -> Endpoint {
    let mut config = Config::default();
    config.heartbeat = None;
    let config = Arc::new(config);
    Endpoint::new(match role {
        Role::Client => Connection::client(&ClientRequest::new("a", "/").unwrap(), config, [1; 32], NOW),
        Role::Server => Connection::server(config, [2; 32], NOW),
    })
}

/// A part of what a peer says, up to its last byte.
struct Part {
    end: usize,
    /// Whether it is the last byte of something that is told.
    told: bool,
    /// Whether a message goes on after it.
    unfinished: bool,
}

/// All that a peer says to somebody in this role, who only listens and gives the answers that the protocol asks for.
pub(crate) struct Conversation {
    pub(crate) role: Role,
    pub(crate) bytes: Vec<u8>,
    /// The head, then each frame.
    parts: Vec<Part>,
}

impl Conversation {
    pub(crate) fn with(role: Role) -> Self {
        let mut conversation = Self { role, bytes: Vec::new(), parts: Vec::new() };
        conversation.say(&head(role), true, false);
        let text = "grüß dich".as_bytes();
        conversation.say(&frame(role, 0x81, b"hello"), true, false);
        // Cut inside the ü, and with a Ping inside.
        conversation.say(&frame(role, 0x01, &text[..3]), false, true);
        conversation.say(&frame(role, 0x89, b"still there?"), true, true);
        conversation.say(&frame(role, 0x00, b""), false, true);
        conversation.say(&frame(role, 0x80, &text[3..]), true, false);
        conversation.say(&frame(role, 0x89, b""), true, false);
        // Long enough for a length of sixteen bits.
        conversation.say(&frame(role, 0x82, &[0xbd; 130]), true, false);
        conversation.say(&frame(role, 0x81, b""), true, false);
        conversation.say(&frame(role, 0x88, &close_payload(1008, "policy")), false, false);
        conversation
    }

    fn say(&mut self, bytes: &[u8], told: bool, unfinished: bool) {
        self.bytes.extend_from_slice(bytes);
        self.parts.push(Part { end: self.bytes.len(), told, unfinished });
    }

    pub(crate) fn head_len(&self) -> usize {
        self.parts[0].end
    }

    /// How many events come of the first bytes alone.
    pub(crate) fn told_within(&self, len: usize) -> usize {
        self.parts.iter().filter(|part| part.told && part.end <= len).count()
    }

    /// Why it ended, if the stream ends after so many bytes.
    pub(crate) fn cause_of_end(&self, len: usize) -> Cause {
        if len == self.bytes.len() {
            return Cause::ClosingHandshake;
        }
        match self.parts.iter().rfind(|part| part.end <= len) {
            None => Cause::Handshake(HandshakeError::EndedEarly),
            Some(part) if part.end < len => Cause::EndOfStream(StreamPosition::InsideFrame),
            Some(part) if part.unfinished => Cause::EndOfStream(StreamPosition::InsideMessage),
            Some(_) => Cause::EndOfStream(StreamPosition::BetweenMessages),
        }
    }

    /// Somebody who was given the first bytes in these reads.
    pub(crate) fn up_to(&self, len: usize) -> Endpoint {
        let mut endpoint = subject(self.role);
        endpoint.run(NOW);
        endpoint.receive(&self.bytes[..len], NOW);
        endpoint
    }

    /// Somebody who was given all of it and then the end of the stream, in reads that end at these places.
    pub(crate) fn whole(&self, cuts: &[usize]) -> Endpoint {
        let mut endpoint = subject(self.role);
        endpoint.run(NOW);
        let mut from = 0;
        for &cut in cuts.iter().chain([&self.bytes.len()]) {
            endpoint.receive(&self.bytes[from..cut], NOW);
            from = cut;
        }
        endpoint.connection.end_of_input(NOW);
        endpoint.run(NOW);
        endpoint
    }
}

/// What the other side of the opening handshake says.
fn head(role: Role) -> Vec<u8> {
    let mut client = subject(Role::Client);
    client.run(NOW);
    if role == Role::Server {
        return client.written;
    }
    let mut server = subject(Role::Server);
    server.receive(&client.written, NOW);
    server.written
}
