//! What was said and what was heard, kept apart from the socket.

use websocket_proto::{Cause, CloseEvent, Message, Role, StreamPosition};

use crate::frames::{self, End, Item};

/// More than any stream here.
const NO_LIMIT: u64 = u64::MAX >> 1;

pub(super) struct Ledger {
    role: Role,
    /// The messages of the stream.
    expected: Vec<Item>,
    heard: usize,
    /// Messages may be passed over: the socket was closed without waiting for what was on its way.
    pub(super) may_drop: bool,
    end_was_told: bool,
    /// What was accepted of the one that has the socket, and of others through the queue; and how much of it was written.
    own: Said,
    queued: Said,
    /// What was written since it was last read, from the beginning of a frame.
    written: Vec<u8>,
}

#[derive(Default)]
struct Said {
    messages: Vec<Message>,
    written: usize,
}

impl Ledger {
    pub(super) fn new(role: Role, stream: &[u8]) -> Self {
        Self {
            role,
            expected: messages(stream, role),
            heard: 0,
            may_drop: false,
            end_was_told: false,
            own: Said::default(),
            queued: Said::default(),
            written: Vec::new(),
        }
    }

    // What was heard.

    pub(super) fn hear(&mut self, message: &Message) {
        assert!(!self.end_was_told, "a message after the end");
        let item = match message {
            Message::Text(text) => Item::Text(text.to_string()),
            Message::Binary(payload) => Item::Binary(payload.to_vec()),
        };
        let rest = &self.expected[self.heard..];
        let passed = if self.may_drop { rest.iter().position(|expected| *expected == item) } else { Some(0) };
        let passed = passed.expect("a message of the stream");
        assert_eq!(rest.get(passed), Some(&item), "message {} came as another", self.heard);
        self.heard += passed + 1;
    }

    pub(super) fn hear_end(&mut self, close: &CloseEvent, known: Option<&CloseEvent>) {
        assert!(!self.end_was_told, "the end is told again");
        assert_eq!(Some(close), known);
        self.end_was_told = true;
    }

    /// There is nothing more: the end was told, or was clean, or was told to whoever closed.
    pub(super) fn hear_nothing(&mut self, known: Option<&CloseEvent>) {
        let close = known.expect("no end, and nothing comes");
        assert!(self.end_was_told || close.was_clean() || self.may_drop, "the end was not told: {close}");
        self.end_was_told = true;
    }

    pub(super) fn knows_the_end(&self) -> bool {
        self.end_was_told
    }

    /// What came before an end that is nobody's fault was heard: of `stream`, all that arrived.
    pub(super) fn check_heard(&self, stream: &[u8], close: &CloseEvent) {
        let all = matches!(
            close.cause(),
            Cause::EndOfStream(_) | Cause::ClosingHandshake | Cause::Violation(_) | Cause::Limit(_)
        );
        if all && !self.may_drop {
            assert_eq!(self.heard, messages(stream, self.role).len(), "messages were lost: {close}");
        }
    }

    // What was said.

    pub(super) fn compose(&self, is_own: bool, len: usize) -> Message {
        let (said, whose) = if is_own { (&self.own, "own") } else { (&self.queued, "queued") };
        let mut text = format!("{whose} {} ", said.messages.len());
        text.push_str(&"x".repeat(len));
        Message::from(text)
    }

    pub(super) fn said(&mut self, is_own: bool, message: Message) {
        let said = if is_own { &mut self.own } else { &mut self.queued };
        said.messages.push(message);
    }

    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }

    /// Holds what was written against what was said.
    pub(super) fn read_written(&mut self) {
        let reading = frames::read(&self.written, self.role == Role::Client, NO_LIMIT);
        let mut end = 0;
        for (after, item) in reading.items {
            let Item::Text(text) = item else { continue };
            end = after;
            let mut next = [&mut self.own, &mut self.queued].into_iter().filter(|said| {
                said.messages.get(said.written).is_some_and(|message| message.as_text() == Some(&text))
            });
            let text = &text[..20.min(text.len())];
            next.next().unwrap_or_else(|| panic!("\"{text}\" is not the next message of either")).written +=
                1;
        }
        match reading.end {
            End::Bytes(StreamPosition::BetweenMessages) => self.written.clear(),
            // A control frame that is read again is none the worse for it.
            End::Bytes(_) | End::Closed { behind: 0 } => drop(self.written.drain(..end)),
            end => panic!("wrong output: {end:?}"),
        }
    }

    /// Everything of the socket's own was written, and flushed.
    pub(super) fn check_flushed(&mut self) {
        self.read_written();
        assert_eq!(self.own.written, self.own.messages.len(), "flushed, and messages wait");
    }

    /// So was everything of others.
    pub(super) fn check_queue(&mut self) {
        self.check_flushed();
        assert_eq!(self.queued.written, self.queued.messages.len(), "messages of others were lost");
    }
}

fn messages(stream: &[u8], receiver: Role) -> Vec<Item> {
    let items = frames::read(stream, receiver == Role::Server, 16 * 1024 * 1024).items;
    let items = items.into_iter().map(|(_, item)| item);
    items.filter(|item| matches!(item, Item::Text(_) | Item::Binary(_))).collect()
}
