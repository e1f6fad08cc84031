//! Messages that arrive compressed (RFC 7692 §7.2.2): inflated into the message itself, up to a bound at each step.

use bytes::{Buf, BytesMut};

use super::message::{CHUNK, Unfinished};
use super::{Frame, Receiver};
use crate::config::Delivery;
use crate::deflate::Corrupt;
use crate::error::Violation;
use crate::signal::{Fault, News};
use crate::wire::mask;

/// How much payload is unmasked at once. What the decompressor has no use for yet is masked again, as the input is not ours.
const UNMASK: usize = 8 * 1024;

/// The room that is made for output, for each byte of payload: enough for most of it, since each step has its price, and not
/// much more, since it is cleared first. And the least.
const EXPANSION: usize = 6;
const MIN_ROOM: usize = 256;

/// Why a step ended.
#[derive(Clone, Copy, PartialEq)]
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
        let before = self.message.as_ref().map_or(0, Unfinished::received);
        let pause = self.inflate(&mut frame, input)?;
        let goes_on = match pause {
            Pause::Full => true,
            Pause::Drained => frame.remaining > 0,
            Pause::EndOfMessage => false,
        };
        self.tell_of_message(goes_on.then_some(frame), pause == Pause::EndOfMessage, before)
    }

    fn inflate(&mut self, frame: &mut Frame, input: &mut BytesMut) -> Result<Pause, Fault> {
        let (Some(inflater), Some(message)) = (&mut self.inflater, &mut self.message) else {
            return Ok(Pause::Drained); // compression was agreed to, and the message has begun
        };
        let mut left = if self.rules.delivery == Delivery::Chunks { message.room() } else { CHUNK };
        loop {
            let payload = next_payload(frame, input);
            let room = payload.len().saturating_mul(EXPANSION).max(MIN_ROOM).min(left);
            let (done, is_full) =
                message.inflate(room, &self.rules, |output| inflater.inflate(payload, output))?;
            frame.pass(done.used);
            frame.mask(payload.get_mut(done.used..).unwrap_or_default());
            input.advance(done.used);
            left = left.saturating_sub(done.filled);
            if is_full && left > 0 {
                continue;
            }
            if is_full {
                return Ok(Pause::Full);
            }
            if frame.remaining == 0 && frame.fin {
                inflater.finish().map_err(|Corrupt| Violation::InvalidDeflate)?;
                return Ok(Pause::EndOfMessage);
            }
            if frame.remaining == 0 || input.is_empty() {
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

    /// Masks the next bytes of payload, or takes the mask off, if there is one.
    fn mask(&self, payload: &mut [u8]) {
        if let Some(key) = self.mask {
            mask::apply(payload, key);
        }
    }
}

/// The next payload of the frame, without its mask: what is there of it, or a part of that.
fn next_payload<'a>(frame: &Frame, input: &'a mut BytesMut) -> &'a mut [u8] {
    let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX).min(input.len()).min(UNMASK);
    let payload = input.get_mut(..len).unwrap_or_default();
    frame.mask(payload);
    payload
}
