//! Putting messages together: from one frame that is there whole, or from pieces and fragments as they come.

use bytes::{Buf, Bytes, BytesMut};

use crate::config::{Config, MessageKinds};
use crate::error::{Limit, Violation};
use crate::message::{Assembly, InvalidUtf8, Message};
use crate::signal::Fault;
use crate::wire::mask;

/// A message of at least this many bytes that lies whole in the input, and is at least a quarter of what is left of it, is split
/// off the input; any other is copied out. So a message that is kept pins the buffer it came in only where it was itself a good
/// part of it: ten thousand kept messages of 16 bytes hold no read buffer. `Event::Message` states it for the application.
const SPLIT_FROM: usize = 4 * 1024;

fn is_worth_splitting(len: usize, input: &BytesMut) -> bool {
    len >= SPLIT_FROM && len >= input.capacity() / 4
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

/// The part of the configuration that messages are judged by. Sizes are compared as the peer states them, in 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    kinds: MessageKinds,
    max_message: usize,
    max_frame: Option<usize>,
    max_fragments: u32,
}

impl Rules {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            kinds: config.accept_kinds,
            max_message: config.max_message_size,
            max_frame: config.max_frame_size,
            max_fragments: config.max_fragments,
        }
    }

    /// Judges a message by the header of its first frame.
    pub(super) fn judge_first(&self, kind: Kind, payload_len: u64) -> Result<(), Fault> {
        match (kind, self.kinds) {
            (Kind::Text, MessageKinds::Binary) | (Kind::Binary, MessageKinds::Text) => {
                return Err(Violation::UnsupportedData.into());
            }
            _ => {}
        }
        self.judge_size(0, payload_len)?;
        self.judge_fragments(1)
    }

    fn judge_size(&self, before: usize, payload_len: u64) -> Result<(), Fault> {
        if let Some(max) = self.max_frame
            && payload_len > max as u64
        {
            return Err(Limit::FrameSize(max).into());
        }
        if payload_len.saturating_add(before as u64) > self.max_message as u64 {
            return Err(Limit::MessageSize(self.max_message).into());
        }
        Ok(())
    }

    fn judge_fragments(&self, fragments: u32) -> Result<(), Fault> {
        if fragments > self.max_fragments { Err(Limit::Fragments(self.max_fragments).into()) } else { Ok(()) }
    }
}

/// Takes a message of one frame, whose header of `header_len` bytes and payload of `len` bytes are the front of `input`.
pub(super) fn whole(
    kind: Kind,
    key: Option<[u8; 4]>,
    input: &mut BytesMut,
    header_len: usize,
    len: usize,
) -> Result<Message, Violation> {
    let payload: Bytes = if !is_worth_splitting(len, input) {
        let mut copy = input.get(header_len..header_len.saturating_add(len)).unwrap_or_default().to_vec();
        input.advance(header_len.saturating_add(len));
        if let Some(key) = key {
            mask::apply(&mut copy, key);
        }
        copy.into()
    } else {
        input.advance(header_len);
        let mut part = input.split_to(len);
        if let Some(key) = key {
            mask::apply(&mut part, key);
        }
        part.freeze()
    };
    match kind {
        Kind::Binary => Ok(Message::Binary(payload)),
        Kind::Text => payload.try_into().map(Message::Text).map_err(|_| Violation::InvalidUtf8),
    }
}

/// A message that did not come in one piece.
#[derive(Debug)]
pub(super) struct Unfinished {
    kind: Kind,
    fragments: u32,
    payload: Assembly,
}

impl Unfinished {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, fragments: 1, payload: Assembly::default() }
    }

    /// Judges the next fragment by its header.
    pub(super) fn begin_fragment(&mut self, payload_len: u64, rules: &Rules) -> Result<(), Fault> {
        self.fragments = self.fragments.saturating_add(1);
        rules.judge_size(self.payload.len(), payload_len)?;
        rules.judge_fragments(self.fragments)
    }

    /// Appends what arrived, with at most `more` bytes of the message to follow, and judges it, if it is text; returns the mask for
    /// what follows.
    pub(super) fn extend(
        &mut self,
        chunk: &[u8],
        more: u64,
        key: Option<[u8; 4]>,
    ) -> Result<Option<[u8; 4]>, Violation> {
        let mut turned = None;
        self.payload.extend(chunk, more, |appended| turned = key.map(|key| mask::apply(appended, key)));
        if self.kind == Kind::Text {
            self.payload.validate()?;
        }
        Ok(turned)
    }

    pub(super) fn finish(self) -> Result<Message, Violation> {
        Ok(match self.kind {
            Kind::Text => Message::Text(self.payload.finish_text()?),
            Kind::Binary => Message::Binary(self.payload.finish_binary()),
        })
    }
}

impl From<InvalidUtf8> for Violation {
    fn from(InvalidUtf8: InvalidUtf8) -> Self {
        Self::InvalidUtf8
    }
}
