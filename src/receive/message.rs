//! Putting messages together: from one frame that is there whole, or from pieces and fragments as they come.

use bytes::{Buf, BytesMut};

use super::copies;
use crate::config::{Config, Delivery, MessageKinds};
use crate::deflate::Pause;
use crate::error::{Limit, Violation};
use crate::message::{Assembly, Chunk, InvalidUtf8, Kind, Message, Utf8Bytes};
use crate::signal::Fault;
use crate::wire::header::MessageHeader;
use crate::wire::mask;

/// A message of at least this many bytes that lies whole in the input, and with its header is at least a sixteenth of the input
/// buffer, is split off it, and pins at most sixteen times itself; any other is copied out, where small ones share a room. So ten
/// thousand kept messages of 16 bytes hold no read buffer. `Event::Message` states it for the application.
const SPLIT_FROM: usize = 1024;

/// What share of a buffer must be in a frame that is split off it.
const SPLIT_SHARE: usize = 16;

/// And in the beginning of a message, for it to wait there for the rest: so it holds at most twice what came of it.
const KEEP_SHARE: usize = 2;

/// The most that is delivered, or done, at once where a message is delivered in chunks; and how much of it must arrive for its
/// deadline to begin anew.
pub(super) const CHUNK: usize = 64 * 1024;

/// The part of the configuration that messages are judged by. Sizes are compared as the peer states them, in 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) delivery: Delivery,
    kinds: MessageKinds,
    max_message: u64,
    max_frame: u64,
    max_fragments: u64,
    /// A message of one frame with a payload shorter than this breaks no rule and is delivered whole.
    ordinary_below: u64,
}

impl Rules {
    pub(super) fn new(config: &Config) -> Self {
        let max_message = match config.delivery {
            // More than this cannot be held in one piece.
            Delivery::Messages => config.message_size_limit().min(isize::MAX as u64),
            Delivery::Chunks => config.message_size_limit(),
        };
        let max_frame = config.max_frame_size.unwrap_or(u64::MAX);
        let max_fragments = config.fragments_limit();
        let some_are_ordinary = config.delivery == Delivery::Messages
            && config.accept_kinds == MessageKinds::Any
            && max_fragments > 0;
        Self {
            delivery: config.delivery,
            kinds: config.accept_kinds,
            max_message,
            max_frame,
            max_fragments,
            ordinary_below: if some_are_ordinary { max_message.min(max_frame).saturating_add(1) } else { 0 },
        }
    }

    /// Whether a message of one frame need not be judged any further.
    #[inline]
    pub(super) fn is_ordinary(&self, header: &MessageHeader) -> bool {
        header.payload_len < self.ordinary_below
    }

    /// Judges a message by the header of its first frame.
    pub(super) fn judge_first(&self, kind: Kind, payload_len: u64, compressed: bool) -> Result<(), Fault> {
        match (kind, self.kinds) {
            (Kind::Text, MessageKinds::Binary) | (Kind::Binary, MessageKinds::Text) => {
                return Err(Violation::UnsupportedData.into());
            }
            _ => {}
        }
        self.judge_size(0, payload_len, compressed)?;
        self.judge_fragments(1)
    }

    /// How large a compressed message is shows only when it is inflated.
    fn judge_size(&self, before: u64, payload_len: u64, compressed: bool) -> Result<(), Fault> {
        if payload_len > self.max_frame {
            return Err(Limit::FrameSize(self.max_frame).into());
        }
        if compressed { Ok(()) } else { self.judge_message(payload_len.saturating_add(before)) }
    }

    fn judge_message(&self, len: u64) -> Result<(), Fault> {
        if len > self.max_message { Err(Limit::MessageSize(self.max_message).into()) } else { Ok(()) }
    }

    fn judge_fragments(&self, fragments: u64) -> Result<(), Fault> {
        if fragments > self.max_fragments { Err(Limit::Fragments(self.max_fragments).into()) } else { Ok(()) }
    }
}

/// Takes the message whose one frame with this header is the front of `input`, and how many bytes that were, if it lies there
/// whole and, being text, is UTF-8; otherwise `input` stays as it is. `buffer_size` is what all of the input buffer holds, or more.
#[inline(always)]
pub(super) fn take_message(
    header: &MessageHeader,
    input: &mut BytesMut,
    buffer_size: usize,
) -> Option<(Message, usize)> {
    let len = usize::try_from(header.payload_len).ok()?;
    let end = header.len.wrapping_add(len);
    let payload = input.get(header.len..end)?;
    if len >= SPLIT_FROM && end >= buffer_size / SPLIT_SHARE {
        return Some((split_off(header, end, input)?, end));
    }
    let payload = copies::copy(payload, header.key);
    let message = match header.kind {
        Kind::Binary => Message::Binary(payload),
        Kind::Text => Message::Text(payload.try_into().ok()?),
    };
    input.advance(end);
    Some((message, end))
}

#[inline(never)]
fn split_off(header: &MessageHeader, end: usize, input: &mut BytesMut) -> Option<Message> {
    let mask = |payload: Option<&mut [u8]>| {
        if let Some(payload) = payload {
            mask::apply(payload, header.key);
        }
    };
    mask(input.get_mut(header.len..end));
    Some(match header.kind {
        Kind::Binary => {
            let mut frame = input.split_to(end);
            frame.advance(header.len);
            Message::Binary(frame.freeze())
        }
        Kind::Text => Message::Text(Utf8Bytes::split_off(input, header.len, end).or_else(|| {
            mask(input.get_mut(header.len..end));
            None
        })?),
    })
}

/// Whether the first `len` bytes of a message may stay in the buffer that they came in.
pub(super) fn may_stay(len: usize, buffer_size: usize) -> bool {
    len >= SPLIT_FROM && len >= buffer_size / KEEP_SHARE
}

/// A message that did not come in one piece.
#[derive(Debug)]
pub(super) struct Unfinished {
    kind: Kind,
    compressed: bool,
    fragments: u64,
    /// Bytes of the message, once it is inflated.
    received: u64,
    /// All that came of it, or what was not delivered yet.
    payload: Assembly,
}

impl Unfinished {
    pub(super) fn new(kind: Kind, compressed: bool) -> Self {
        Self { kind, compressed, fragments: 1, received: 0, payload: Assembly::default() }
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Judges the next fragment by its header.
    pub(super) fn begin_fragment(&mut self, payload_len: u64, rules: &Rules) -> Result<(), Fault> {
        self.fragments = self.fragments.saturating_add(1);
        rules.judge_size(self.received, payload_len, self.compressed)?;
        rules.judge_fragments(self.fragments)
    }

    /// Takes the first `len` bytes of `input`, with at most `more` bytes of the message to follow, and judges them, if it is text;
    /// returns the mask for what follows.
    pub(super) fn take_in(
        &mut self,
        input: &mut BytesMut,
        len: usize,
        more: u64,
        may_stay: bool,
        key: Option<[u8; 4]>,
    ) -> Result<Option<[u8; 4]>, Violation> {
        let mut turned = None;
        self.received = self.received.saturating_add(len as u64);
        let unmask = |appended: &mut [u8]| turned = key.map(|key| mask::apply(appended, key));
        self.payload.take_in(input, len, more, may_stay, unmask);
        self.validate()?;
        Ok(turned)
    }

    fn validate(&mut self) -> Result<(), InvalidUtf8> {
        if self.kind == Kind::Text { self.payload.validate() } else { Ok(()) }
    }

    /// Whether `input` is room that was lent.
    pub(super) fn has_lent(&self, input: &BytesMut) -> bool {
        self.payload.is_before(input)
    }

    /// Gives `input`, which is empty, room for the `missing` bytes of a frame, if that is worth it; whether it is.
    pub(super) fn lend_room(&mut self, input: &mut BytesMut, missing: u64) -> bool {
        !self.compressed && self.payload.lend_room(input, usize::try_from(missing).unwrap_or(usize::MAX))
    }

    /// The most that may come of a compressed one at once: one that becomes too large is found out by its first byte too many.
    pub(super) fn most(&self, rules: &Rules) -> u64 {
        rules.max_message.saturating_sub(self.received).saturating_add(1)
    }

    /// Appends what was inflated, up to this pause, and judges it. At the end of the message that is for [`finish`](Self::finish),
    /// but for the size.
    pub(super) fn extend_inflated(
        &mut self,
        inflated: &[u8],
        pause: Pause,
        rules: &Rules,
    ) -> Result<(), Fault> {
        let most = self.most(rules);
        rules.judge_message(self.received.saturating_add(inflated.len() as u64))?;
        if pause == Pause::EndOfMessage {
            self.payload.extend_last(inflated);
        } else {
            self.received = self.received.saturating_add(inflated.len() as u64);
            self.payload.extend(inflated, most.saturating_sub(inflated.len() as u64), |_| ());
            self.validate().map_err(Violation::from)?;
        }
        Ok(())
    }

    /// How much of it may be taken at once, where it is delivered in chunks: the beginning of a character that waits counts.
    pub(super) fn room(&self) -> usize {
        CHUNK.saturating_sub(self.payload.len())
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Whether its size went beyond another multiple of [`CHUNK`] since it was `before`.
    pub(super) fn is_fast(&self, before: u64) -> bool {
        self.received / CHUNK as u64 > before / CHUNK as u64
    }

    /// What can be delivered of it, if that is anything: of text, all but the beginning of a character.
    pub(super) fn take_chunk(&mut self) -> Option<Chunk> {
        let piece = match self.kind {
            Kind::Text => Message::Text(self.payload.take_text()),
            Kind::Binary => Message::Binary(core::mem::take(&mut self.payload).finish_binary()),
        };
        (!piece.is_empty()).then(|| Chunk::more(piece))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a 64-bit length comes to does not depend on how many bits a pointer has.
    #[test]
    fn sizes_are_judged_in_64_bits() {
        let config = Config { max_message_size: Some(u64::from(u32::MAX)), ..Config::default() };
        let rules = Rules::new(&config);
        let judge = |len| rules.judge_first(Kind::Binary, len, false);
        assert_eq!(judge(u64::from(u32::MAX)), Ok(()));
        for len in [1 << 32, (1 << 32) + 1, 1 << 62, (1 << 63) - 1] {
            assert_eq!(judge(len), Err(Limit::MessageSize(u64::from(u32::MAX)).into()), "{len:#x}");
        }
        let mut begun = Unfinished { received: 1 << 32, ..Unfinished::new(Kind::Binary, false) };
        assert!(begun.begin_fragment(0, &rules).is_err());
    }
}
