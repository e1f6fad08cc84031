//! Messages that arrive compressed (RFC 7692 §7.2.2): inflated into the message itself, up to a bound at each step.

use bytes::{Buf, BytesMut};

use super::message::{CHUNK, Unfinished};
use super::{Frame, Receiver};
use crate::config::Delivery;
use crate::signal::{Fault, News};
use crate::wire::mask;

/// How much payload is unmasked at once. What the decompressor has no use for yet stays masked in the input, which is not ours.
const UNMASK: usize = 4 * 1024;

/// The room that is made for output, for each byte of payload; it is cleared first, so it should not be too much. And the least.
const EXPANSION: usize = 4;
const MIN_ROOM: usize = 256;

/// Why a step ended.
enum Pause {
    /// All that there was is used, and there is nothing more to come of it.
    Drained,
    /// Enough came out for one step.
    Full,
    EndOfMessage,
}

impl Receiver {
    /// Whether more of a message is to come out of what was taken in before.
    #[inline]
    pub(crate) fn is_inflating(&self) -> bool {
        // A frame without anything to follow is kept only for this.
        self.frame.is_some_and(|frame| frame.remaining == 0)
    }

    /// Inflates the payload of the frame until [`CHUNK`] bytes came out, or all of it was used that is there.
    pub(super) fn read_compressed(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<News, Fault> {
        let in_chunks = self.rules.delivery == Delivery::Chunks;
        let before = self.message.as_ref().map_or(0, Unfinished::received);
        let pause = self.inflate(&mut frame, input)?;
        self.frame = match pause {
            Pause::EndOfMessage => None,
            Pause::Full => Some(frame),
            Pause::Drained => (frame.remaining > 0).then_some(frame),
        };
        if let Pause::EndOfMessage = pause {
            return self.finish_message();
        }
        match &mut self.message {
            Some(message) if in_chunks => {
                self.is_fast = message.is_fast(before);
                Ok(message.take_chunk().map_or(News::Nothing, News::Chunk))
            }
            _ => Ok(News::Nothing),
        }
    }

    fn inflate(&mut self, frame: &mut Frame, input: &mut BytesMut) -> Result<Pause, Fault> {
        let (Some(inflater), Some(message)) = (&mut self.inflater, &mut self.message) else {
            return Ok(Pause::Drained); // compression was agreed to, and the message has begun
        };
        let mut unmasked = [0; UNMASK];
        let mut left = if self.rules.delivery == Delivery::Chunks { message.room() } else { CHUNK };
        loop {
            let payload = next_payload(frame, input, &mut unmasked);
            let is_tail = frame.remaining == 0 && frame.fin;
            let room = payload.len().saturating_mul(EXPANSION).max(MIN_ROOM).min(left);
            let (done, is_full) = message.inflate(room, &self.rules, |output| {
                if is_tail { inflater.finish(output) } else { inflater.inflate(payload, output) }
            })?;
            left = left.saturating_sub(done.filled);
            if !is_tail {
                input.advance(done.used);
                frame.pass(done.used);
            }
            if is_full {
                if left == 0 {
                    return Ok(Pause::Full);
                }
            } else if is_tail {
                return Ok(Pause::EndOfMessage);
            } else if frame.remaining > 0 && input.is_empty() || frame.remaining == 0 && !frame.fin {
                return Ok(Pause::Drained);
            }
        }
    }
}

impl Frame {
    fn pass(&mut self, count: usize) {
        self.remaining = self.remaining.saturating_sub(count as u64);
        if let Some(key) = &mut self.mask {
            key.rotate_left(count % 4);
        }
    }
}

/// As much of the frame's payload as is there, or as fits into `unmasked` if it is masked.
fn next_payload<'a>(frame: &Frame, input: &'a [u8], unmasked: &'a mut [u8; UNMASK]) -> &'a [u8] {
    let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX).min(input.len());
    let Some(key) = frame.mask else { return input.get(..len).unwrap_or_default() };
    let len = len.min(UNMASK);
    let (Some(payload), Some(copy)) = (input.get(..len), unmasked.get_mut(..len)) else { return &[] };
    copy.copy_from_slice(payload);
    mask::apply(copy, key);
    copy
}
