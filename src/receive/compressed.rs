//! Messages that arrive compressed (RFC 7692 §7.2.2): inflated into the message itself, up to a bound at each step.

use bytes::{Buf, BytesMut};

use super::message::{CHUNK, Unfinished};
use super::{Frame, Receiver};
use crate::config::Delivery;
use crate::deflate::{Corrupt, Pause};
use crate::error::Violation;
use crate::signal::{Fault, News};

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
            let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX).min(input.len());
            let payload = input.get(..len).unwrap_or_default();
            let ends = frame.fin && frame.remaining == len as u64;
            let most = message.most(&self.rules).min(left as u64);
            let take = |inflated: &[u8], pause| message.extend_inflated(inflated, pause, &self.rules);
            let (done, taken) = inflater
                .inflate(payload, frame.mask, ends, most, take)
                .map_err(|Corrupt| Violation::InvalidDeflate)?;
            taken?;
            frame.pass(done.used);
            input.advance(done.used);
            left = left.saturating_sub(done.filled);
            match done.pause {
                Pause::Full if left > 0 => {}
                Pause::Drained if frame.remaining > 0 && !input.is_empty() => {}
                pause => return Ok(pause),
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
