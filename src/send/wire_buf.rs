//! Bytes on their way out, in an order that no longer changes.

use alloc::collections::VecDeque;
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::wire::mask;

/// Payloads of at least this many bytes go out as they are, beside their header; smaller ones are copied behind it, which
/// costs less than one more slice for a vectored write.
const REFERENCE_FROM: usize = 1024;

/// The least room that is made for small bytes.
const MIN_STAGED: usize = 1024;

/// A queue of bytes: a run of small ones, copied together, and between them large payloads that are only referenced.
#[derive(Default)]
pub(crate) struct WireBuf {
    /// Headers and small payloads, back to back.
    staged: BytesMut,
    /// Each with the number of staged bytes that go out before it and after the one in front of it.
    referenced: VecDeque<(usize, Bytes)>,
    /// Staged bytes that follow the last referenced payload.
    staged_tail: usize,
    len: usize,
}

impl WireBuf {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends bytes as they are, by reference if they are many.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.push_frame(&[], bytes, None);
    }

    /// Appends a frame, its payload masked if there is a key, or else by reference if it is large.
    #[inline]
    pub(crate) fn push_frame(&mut self, header: &[u8], payload: Bytes, key: Option<[u8; 4]>) {
        let by_reference = key.is_none() && payload.len() >= REFERENCE_FROM;
        let copied = if by_reference { &[] } else { &payload[..] };
        let size = header.len().saturating_add(copied.len());
        self.reserve(size);
        self.staged.extend_from_slice(header);
        let start = self.staged.len();
        self.staged.extend_from_slice(copied);
        if let (Some(key), Some(copy)) = (key, self.staged.get_mut(start..)) {
            mask::apply(copy, key);
        }
        self.staged_tail = self.staged_tail.saturating_add(size);
        self.len = self.len.saturating_add(size);
        if by_reference {
            self.len = self.len.saturating_add(payload.len());
            self.referenced.push_back((core::mem::take(&mut self.staged_tail), payload));
        }
    }

    #[inline]
    fn reserve(&mut self, size: usize) {
        if self.staged.capacity() == 0 && size > 0 {
            self.staged = BytesMut::with_capacity(size.max(MIN_STAGED));
        } else if self.staged.capacity().saturating_sub(self.staged.len()) < size {
            // Several messages for one write are common, and moving them as they become more costs more than asking for
            // room that is given back with the write.
            self.staged.reserve(size.max(self.staged.len().saturating_mul(3)));
        }
    }

    /// Splits off the first `max` bytes, or all if there are fewer, as a queue of its own. Nothing is copied.
    pub(crate) fn split_to(&mut self, max: usize) -> Self {
        let mut front = Self::default();
        let mut wanted = max.min(self.len);
        while wanted > 0 {
            let (part, payload) = match self.referenced.front_mut() {
                Some((before, payload)) if *before == 0 => (wanted.min(payload.len()), Some(payload)),
                Some((before, _)) => (wanted.min(*before), None),
                None => (wanted.min(self.staged_tail), None),
            };
            if let Some(payload) = payload {
                let piece = payload.split_to(part);
                front.len = front.len.saturating_add(part);
                front.referenced.push_back((core::mem::take(&mut front.staged_tail), piece));
            } else {
                let piece = self.staged.split_to(part);
                front.staged.unsplit(piece);
                front.staged_tail = front.staged_tail.saturating_add(part);
                front.len = front.len.saturating_add(part);
            }
            self.consumed(part);
            wanted = wanted.saturating_sub(part);
        }
        front
    }

    /// Settles the books after `part` bytes of the run in front were taken, and gives memory back when nothing is left.
    fn consumed(&mut self, part: usize) {
        self.len = self.len.saturating_sub(part);
        match self.referenced.front_mut() {
            Some((before, payload)) if *before == 0 => {
                if payload.is_empty() {
                    self.referenced.pop_front();
                }
            }
            Some((before, _)) => *before = before.saturating_sub(part),
            None => self.staged_tail = self.staged_tail.saturating_sub(part),
        }
        if self.len == 0 {
            self.clear();
        }
    }

    /// Drops all, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.staged = BytesMut::new();
        if self.referenced.capacity() > 0 {
            self.referenced = VecDeque::new();
        }
        self.staged_tail = 0;
        self.len = 0;
    }
}

/// Its length. The bytes may be a request with a password in it.
impl fmt::Debug for WireBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireBuf").field("len", &self.len).finish()
    }
}

impl Buf for WireBuf {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        match self.referenced.front() {
            Some((0, payload)) => payload,
            Some((before, _)) => self.staged.get(..*before).unwrap_or_default(),
            None => &self.staged,
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
        let mut staged = &self.staged[..];
        for (before, payload) in &self.referenced {
            let (run, rest) = staged.split_at_checked(*before).unwrap_or_default();
            fill(run);
            fill(payload);
            staged = rest;
        }
        fill(staged);
        filled
    }

    /// Passes over `count` bytes, or over all if there are fewer.
    fn advance(&mut self, count: usize) {
        if count >= self.len {
            return self.clear();
        }
        let mut left = count;
        while left > 0 {
            let part = match self.referenced.front_mut() {
                Some((before, payload)) if *before == 0 => {
                    let part = left.min(payload.len());
                    payload.advance(part);
                    part
                }
                Some((before, _)) => {
                    let part = left.min(*before);
                    self.staged.advance(part);
                    part
                }
                None => {
                    let part = left.min(self.staged_tail);
                    self.staged.advance(part);
                    part
                }
            };
            self.consumed(part);
            left = left.saturating_sub(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Pushes of these sizes, and takes of those sizes by turns of both kinds, give the bytes in their order.
    fn check(pushes: &[usize], takes: &[usize]) {
        let mut buf = WireBuf::default();
        let mut expected = Vec::new();
        for (index, len) in pushes.iter().enumerate() {
            let payload = alloc::vec![index as u8; *len];
            expected.extend_from_slice(&payload);
            buf.push(payload.into());
        }
        #[cfg(feature = "std")]
        {
            let mut vectored = [std::io::IoSlice::new(&[]); 64];
            let filled = buf.chunks_vectored(&mut vectored);
            let seen: Vec<u8> = vectored[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
            assert_eq!(seen, expected);
        }

        let mut actual = Vec::new();
        for (turn, take) in takes.iter().cycle().enumerate() {
            if !buf.has_remaining() {
                break;
            }
            if turn % 2 == 0 {
                let mut piece = buf.split_to(*take);
                actual.extend_from_slice(&piece.copy_to_bytes(piece.remaining()));
            } else {
                let chunk = buf.chunk();
                let len = (*take).min(chunk.len());
                actual.extend_from_slice(&chunk[..len]);
                buf.advance(len);
            }
        }
        assert_eq!(actual, expected);
        assert_eq!(buf.staged.capacity(), 0, "an empty queue holds no memory");
    }

    proptest! {
        #[test]
        fn order_is_kept(
            pushes in prop::collection::vec(prop_oneof![0_usize..40, 1000_usize..1100], 0..20),
            takes in prop::collection::vec(1_usize..1500, 1..8),
        ) {
            check(&pushes, &takes);
        }
    }
}
