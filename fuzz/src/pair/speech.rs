//! What one side said, kept apart from its machine, so that what the other side hears can be held against it.

use bytes::Bytes;
use websocket_proto::{CloseFrame, Message};

/// Everything that one application said, in order, and how much of it the other has heard.
#[derive(Default)]
pub(super) struct Speech {
    messages: Vec<Said>,
    heard: usize,
    /// The application's Pings, and those of them that came.
    pings: Vec<Vec<u8>>,
    pings_heard: usize,
    /// Pongs in the order in which they were queued: not all of them come, but none comes twice or too early.
    pongs: Vec<Vec<u8>>,
    pongs_heard: usize,
    /// What the application closed with.
    pub(super) close: Option<Option<CloseFrame>>,
}

/// A message. Its content follows from these and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) is_text: bool,
    pub(super) len: usize,
}

impl Speech {
    /// The next message to say.
    pub(super) fn compose(&self, said: Said) -> Message {
        content(self.messages.len(), said)
    }

    pub(super) fn said(&mut self, said: Said) {
        self.messages.push(said);
    }

    pub(super) fn said_ping(&mut self, payload: &[u8]) {
        self.pings.push(payload.to_vec());
    }

    pub(super) fn owes_pong(&mut self, payload: &[u8]) {
        self.pongs.push(payload.to_vec());
    }

    pub(super) fn messages(&self) -> &[Said] {
        &self.messages
    }

    /// How many messages came to the other side.
    pub(super) fn heard(&self) -> usize {
        self.heard
    }

    /// How many of its Pings have not come.
    pub(super) fn pings_unheard(&self) -> usize {
        self.pings.len() - self.pings_heard
    }

    /// What the other side hears next.
    pub(super) fn next(&self) -> Option<Said> {
        self.messages.get(self.heard).copied()
    }

    // What the other side heard.

    pub(super) fn hear(&mut self, message: &Message) {
        let said = self.next().expect("a message that nobody sent");
        assert!(*message == content(self.heard, said), "message {} came as another", self.heard);
        self.heard += 1;
    }

    pub(super) fn hear_ping(&mut self, payload: &Bytes, may_be_heartbeat: bool) {
        if self.pings.get(self.pings_heard).is_some_and(|ping| ping == payload) {
            self.pings_heard += 1;
        } else {
            assert!(may_be_heartbeat && payload.len() == 8, "a Ping out of nothing: {payload:?}");
        }
    }

    pub(super) fn hear_pong(&mut self, payload: &Bytes) {
        let place = self.pongs[self.pongs_heard..].iter().position(|pong| pong == payload);
        self.pongs_heard += 1 + place.expect("a Pong that is not owed, or comes again");
    }
}

/// No two messages are alike, as far as their length allows it.
fn content(place: usize, Said { is_text, len }: Said) -> Message {
    let mut text = format!("{place} ");
    text.truncate(len);
    let missing = len - text.len();
    // Characters of every length, and whatever the size, some of them are cut by a read.
    text.push_str(&"aé€😀".repeat(missing / 10));
    text.push_str(&"x".repeat(missing % 10));
    if is_text { Message::from(text) } else { Message::from(text.into_bytes()) }
}
