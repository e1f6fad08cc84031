//! Bytes on their way out, in an order that no longer changes.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes};

use super::queue::Queue;
use crate::wire::header::{self, Header};
use crate::wire::mask;

/// Payloads of at least this many bytes go out as they are, beside their header; smaller ones are copied behind it, which
/// costs less than one more slice for a vectored write.
const REFERENCE_FROM: usize = 2048;

/// The same for what has its header in front already, so that it is one slice all the same.
const SHARE_FROM: usize = 1024;

/// The least room that is made for small bytes: what one write mostly has of them.
const MIN_STAGED: usize = 4 * 1024;

/// A room of at most this size is kept for the next write on the same thread.
#[cfg(feature = "std")]
const MAX_SPARE: usize = 16 * 1024;

/// A queue of bytes: a run of small ones, copied together, and between them large payloads that are only referenced.
#[derive(Default)]
pub(crate) struct WireBuf {
    /// Headers and small payloads, back to back.
    staged: Vec<u8>,
    /// How many of the staged bytes have gone out.
    gone: usize,
    /// Each with how many of the staged bytes go out before it.
    referenced: Queue<(usize, Bytes)>,
    /// What the referenced payloads come to.
    referenced_len: usize,
}

impl WireBuf {
    /// Little is encoded ahead of one frame, so that no sum overflows.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.staged_len().wrapping_add(self.referenced_len)
    }

    #[inline]
    fn staged_len(&self) -> usize {
        self.staged.len().wrapping_sub(self.gone)
    }

    /// Appends bytes as they are, by reference if they are many.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.len() >= SHARE_FROM {
            self.refer_to(bytes);
        } else {
            self.reserve(bytes.len());
            self.staged.extend_from_slice(&bytes);
        }
    }

    /// Appends a frame, its payload masked if there is a key, or else by reference if it is large.
    #[inline(always)]
    pub(crate) fn push_frame(&mut self, header: &Header, payload: Bytes) {
        if header.mask.is_none() && payload.len() >= REFERENCE_FROM {
            return self.push_by_reference(header, payload);
        }
        self.reserve(payload.len().wrapping_add(header::MAX_LEN));
        header.write(&mut self.staged);
        let start = self.staged.len();
        self.staged.extend_from_slice(&payload);
        if let (Some(key), Some(copy)) = (header.mask, self.staged.get_mut(start..)) {
            mask::apply(copy, key);
        }
    }

    #[inline(never)]
    fn push_by_reference(&mut self, header: &Header, payload: Bytes) {
        self.reserve(header::MAX_LEN);
        header.write(&mut self.staged);
        self.refer_to(payload);
    }

    fn refer_to(&mut self, payload: Bytes) {
        self.referenced_len = self.referenced_len.saturating_add(payload.len());
        self.referenced.push_back((self.staged.len(), payload));
    }

    #[inline]
    fn reserve(&mut self, size: usize) {
        if self.staged.capacity().wrapping_sub(self.staged.len()) < size {
            self.make_room(size);
        }
    }

    #[cold]
    fn make_room(&mut self, size: usize) {
        if self.staged.capacity() == 0 {
            self.staged = spare::take();
            if self.staged.capacity() >= size {
                return;
            }
        }
        // What moves is less than what has gone since it moved last.
        if self.gone > self.staged_len() {
            self.staged.drain(..self.gone);
            for (before, _) in self.referenced.iter_mut() {
                *before = before.saturating_sub(self.gone);
            }
            self.gone = 0;
        }
        // Several messages for one write are common, and moving them as they become more costs more than asking for
        // room that is given back with the write.
        self.staged.reserve(size.max(self.staged.len().saturating_mul(3)).max(MIN_STAGED));
    }

    /// Splits off the first `max` bytes, or all if there are fewer, as a queue of its own. Nothing is copied.
    pub(crate) fn split_to(&mut self, max: usize) -> Self {
        if max >= self.len() {
            return core::mem::take(self);
        }
        self.refer_to_all();
        let mut front = Self::default();
        while front.referenced_len < max
            && let Some((_, payload)) = self.referenced.front_mut()
        {
            let len = payload.len().min(max.wrapping_sub(front.referenced_len));
            front.refer_to(payload.split_to(len));
            self.passed(len);
        }
        front
    }

    /// Makes references of the staged bytes too, since references can be split.
    fn refer_to_all(&mut self) {
        let Self { staged, mut gone, mut referenced, .. } = core::mem::take(self);
        let staged = Bytes::from(staged);
        while let Some((before, payload)) = referenced.pop_front() {
            if before > gone {
                self.refer_to(staged.slice(gone..before));
            }
            self.refer_to(payload);
            gone = before;
        }
        if staged.len() > gone {
            self.refer_to(staged.slice(gone..));
        }
    }

    /// Passes over `left` bytes, which are not all.
    fn advance_within(&mut self, mut left: usize) {
        while left > 0 {
            let before = self.referenced.front().map_or(self.staged.len(), |(before, _)| *before);
            let run = before.saturating_sub(self.gone).min(left);
            self.gone = self.gone.saturating_add(run);
            left = left.saturating_sub(run);
            if left > 0
                && let Some((_, payload)) = self.referenced.front_mut()
            {
                let part = payload.len().min(left);
                payload.advance(part);
                self.passed(part);
                left = left.saturating_sub(part);
            }
        }
    }

    /// Notes that the first payload became shorter by this much.
    fn passed(&mut self, len: usize) {
        self.referenced_len = self.referenced_len.saturating_sub(len);
        if self.referenced.front().is_some_and(|(_, payload)| payload.is_empty()) {
            self.referenced.pop_front();
        }
    }

    /// Drops all, and gives the memory back.
    #[inline]
    pub(crate) fn clear(&mut self) {
        spare::give(core::mem::take(&mut self.staged));
        self.gone = 0;
        if self.referenced_len > 0 {
            self.referenced = Queue::default();
            self.referenced_len = 0;
        }
    }
}

/// The memory of a queue that was written, for the next one on the same thread: to ask the allocator for it costs more than
/// all else that is done for a small message.
#[cfg(feature = "std")]
mod spare {
    use core::cell::Cell;
    use std::thread_local;
    use std::vec::Vec;

    use super::{MAX_SPARE, MIN_STAGED};
    use crate::spare;

    thread_local! {
        static SPARE: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
    }

    pub(super) fn take() -> Vec<u8> {
        spare::take(&SPARE).unwrap_or_default()
    }

    #[inline]
    pub(super) fn give(mut buffer: Vec<u8>) {
        if (MIN_STAGED..=MAX_SPARE).contains(&buffer.capacity()) {
            buffer.clear();
            spare::keep(&SPARE, buffer);
        }
    }
}

#[cfg(not(feature = "std"))]
mod spare {
    use alloc::vec::Vec;

    pub(super) fn take() -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn give(_: Vec<u8>) {}
}

/// Its length. The bytes may be a request with a password in it.
impl fmt::Debug for WireBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireBuf").field("len", &self.len()).finish()
    }
}

impl Buf for WireBuf {
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        match self.referenced.front() {
            Some((before, payload)) if *before == self.gone => payload,
            Some((before, _)) => self.staged.get(self.gone..*before).unwrap_or_default(),
            None => self.staged.get(self.gone..).unwrap_or_default(),
        }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, dst: &mut [std::io::IoSlice<'a>]) -> usize {
        let mut slots = dst.iter_mut();
        let mut filled = 0;
        let mut fill = |run: &'a [u8]| {
            if !run.is_empty()
                && let Some(slot) = slots.next()
            {
                *slot = std::io::IoSlice::new(run);
                filled += 1;
            }
        };
        let mut from = self.gone;
        for (before, payload) in self.referenced.iter() {
            fill(self.staged.get(from..*before).unwrap_or_default());
            fill(payload);
            from = *before;
        }
        fill(self.staged.get(from..).unwrap_or_default());
        filled
    }

    /// Passes over `count` bytes, or over all if there are fewer.
    #[inline]
    fn advance(&mut self, count: usize) {
        if count >= self.len() { self.clear() } else { self.advance_within(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Split(usize),
        Advance(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop_oneof![0_usize..40, 1000_usize..1100].prop_map(Step::Push),
            (1_usize..1500).prop_map(Step::Split),
            (1_usize..1500).prop_map(Step::Advance),
        ]
    }

    #[cfg(feature = "std")]
    fn gather(buf: &WireBuf) -> Vec<u8> {
        let mut slices = [std::io::IoSlice::new(&[]); 256];
        let filled = buf.chunks_vectored(&mut slices);
        slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    proptest! {
        /// However they are pushed and taken, bytes come out in their order, and none remain in an empty queue.
        #[test]
        fn order_is_kept(steps in prop::collection::vec(step(), 0..60)) {
            let mut buf = WireBuf::default();
            let mut expected = Vec::new();
            for (index, step) in steps.into_iter().enumerate() {
                let taken = match step {
                    Step::Push(len) => {
                        let payload = alloc::vec![index as u8; len];
                        expected.extend_from_slice(&payload);
                        buf.push(payload.into());
                        Vec::new()
                    }
                    Step::Split(len) => {
                        let mut piece = buf.split_to(len);
                        prop_assert_eq!(piece.len(), len.min(expected.len()));
                        piece.copy_to_bytes(piece.remaining()).into()
                    }
                    Step::Advance(len) => {
                        let taken = expected[..len.min(expected.len())].to_vec();
                        buf.advance(len);
                        taken
                    }
                };
                let rest = expected.split_off(taken.len());
                prop_assert_eq!(taken, core::mem::replace(&mut expected, rest));
                prop_assert_eq!(buf.len(), expected.len());
                prop_assert!(expected.starts_with(buf.chunk()) && buf.chunk().is_empty() == expected.is_empty());
                #[cfg(feature = "std")]
                prop_assert_eq!(gather(&buf), expected.as_slice());
                if expected.is_empty() {
                    prop_assert_eq!(buf.staged.capacity(), 0, "an empty queue holds no memory");
                }
            }
        }

        /// A queue that never gets empty does not keep what has gone.
        #[test]
        fn what_has_gone_is_reused(len in 1_usize..1000) {
            let mut buf = WireBuf::default();
            buf.push(alloc::vec![0; len].into());
            for _ in 0..1000 {
                buf.push(alloc::vec![0; len].into());
                buf.advance(len);
            }
            prop_assert!(buf.staged.capacity() <= 4 * MIN_STAGED, "{}", buf.staged.capacity());
        }
    }
}
