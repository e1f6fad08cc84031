//! The one module with `unsafe` in it: reading a text that was already validated must not validate it again.
//!
//! `cargo bench --bench text_access` shows what the alternative costs, a second pass over the text at each access: 9 times as
//! long for 16 bytes of ASCII, 56 times for 1 KiB, and so on, where this takes the same nanosecond at any length. Bytes enter a
//! [`Utf8Bytes`] only through the constructors below, all of which take a `str` or have validated what they were given; an
//! [`Assembly`] never changes a byte that it has validated.
#![allow(unsafe_code)]

use alloc::string::String;
use core::fmt;
use core::ops::Deref;
use core::str::{self, Utf8Error};

use bytes::{Buf, Bytes, BytesMut};

/// Text in shared, cheaply cloned bytes: a [`Bytes`] that is known to be UTF-8.
///
/// It dereferences to `str`.
///
/// ```
/// use bytes::Bytes;
/// use websocket_proto::Utf8Bytes;
///
/// let text = Utf8Bytes::from("grüß dich");
/// assert_eq!(text.to_uppercase(), "GRÜSS DICH");
/// assert!(Utf8Bytes::try_from(Bytes::from_static(&[0xc3])).is_err());
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf8Bytes(Bytes);

impl Utf8Bytes {
    /// A text that needs no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Splits `input` behind the first `end` bytes and keeps what lies behind `start` of them, if that is text; otherwise
    /// `input` stays as it is.
    pub(crate) fn split_off(input: &mut BytesMut, start: usize, end: usize) -> Option<Self> {
        validate(input.get(start..end)?).ok()?;
        let mut text = input.split_to(end);
        text.advance(start);
        Some(Self(text.freeze()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor has validated the bytes, and a `Bytes` never changes its content.
        unsafe { str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes of the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes of the text, without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        validate(&bytes)?;
        Ok(Self(bytes))
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A message payload that grows while it arrives, and remembers how much of it is known to be UTF-8.
///
/// It only ever appends, so that what was validated once stays valid; this is what lets [`finish_text`] skip a second
/// look. Contiguous on purpose: a message in a million fragments costs its bytes, not its fragments.
///
/// [`finish_text`]: Self::finish_text
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    bytes: BytesMut,
    valid: usize,
    /// How long it may become where it lies, with the room that was lent.
    capacity: usize,
    /// Whether it lies in the buffer that it came in, which is not ours.
    stays: bool,
}

/// The least that an assembly grows to, unless its frame is shorter: a frame that comes byte by byte must not be moved at
/// each of its first bytes.
const MIN_GROWTH: usize = 64;

/// How much must have come, and must be missing, for a payload to move to where there is room to lend.
const LEND_FROM: usize = 8 * 1024;

/// Room is lent for a payload to become at most so many times what came of it, and [`LEND_FROM`] more: one of 1 MiB moves twice
/// then, after 16 and after 136 KiB, where a factor of 4 moves it three times. Nobody touches that memory before it is read into.
const LEND_TIMES: usize = 8;

/// As much is lent at once as is still in the CPU's cache when it is parsed.
const LEND_AT_ONCE: usize = 64 * 1024;

/// A payload that cannot become UTF-8 whatever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidUtf8;

impl Assembly {
    /// Appends the first `len` bytes of `input`, which are taken from it, as [`extend`](Self::extend) does. They are not copied
    /// where they were read into room that was lent; nor where nothing came before and they `may_stay`, and the payload with them.
    pub(crate) fn take_in(
        &mut self,
        input: &mut BytesMut,
        len: usize,
        more: u64,
        may_stay: bool,
        unmask: impl FnOnce(&mut [u8]),
    ) {
        let start = self.bytes.len();
        if may_stay && start == 0 {
            let bytes = input.split_to(len);
            *self = Self { bytes, capacity: len.saturating_add(input.capacity()), stays: true, ..*self };
        } else if self.is_before(input) {
            self.bytes.unsplit(input.split_to(len));
            if !self.stays && input.is_empty() {
                // Or the owner would read what comes next into all that this message took.
                *input = BytesMut::new();
            }
        } else {
            self.extend(input.get(..len).unwrap_or_default(), more, unmask);
            return input.advance(len);
        }
        unmask(self.bytes.get_mut(start..).unwrap_or_default());
    }

    /// Appends `chunk` and lets `unmask` change what was appended, and nothing else. The peer says that at most
    /// `more` bytes are to follow.
    ///
    /// Memory follows what has come, at most doubled, and never what the peer says; but it does not grow beyond that either,
    /// so that the last piece of a message leaves nothing unused.
    pub(crate) fn extend(&mut self, chunk: &[u8], more: u64, unmask: impl FnOnce(&mut [u8])) {
        let start = self.bytes.len();
        if !self.bytes.try_reclaim(chunk.len()) {
            let needed = start.saturating_add(chunk.len());
            let claimed = needed.saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
            self.move_to(claimed.min(needed.saturating_mul(2).max(MIN_GROWTH)));
        }
        self.bytes.extend_from_slice(chunk);
        unmask(self.bytes.get_mut(start..).unwrap_or_default());
    }

    /// Appends the last piece.
    pub(crate) fn extend_last(&mut self, chunk: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes = chunk.into();
        } else {
            self.extend(chunk, 0, |_| ());
        }
    }

    /// Whether `input` is the room that was lent, or was read into it.
    pub(crate) fn is_before(&self, input: &BytesMut) -> bool {
        !self.bytes.is_empty() && self.bytes.as_ptr_range().end == input.as_ptr()
    }

    /// Gives `input`, which is empty, room right behind this payload, if that is worth it; whether it is. It is for the
    /// `missing` bytes, or for the first of them.
    pub(crate) fn lend_room(&mut self, input: &mut BytesMut, missing: usize) -> bool {
        // What was lent before comes back.
        if let Err(other) = self.bytes.try_unsplit(core::mem::take(input)) {
            *input = other;
        }
        let len = self.bytes.len();
        let most = missing.min(LEND_AT_ONCE);
        let room = most.min(self.capacity.saturating_sub(len));
        if room < most.min(LEND_FROM) || !self.bytes.try_reclaim(room) {
            if missing < LEND_FROM || len < LEND_FROM {
                return false;
            }
            let bound = len.saturating_mul(LEND_TIMES).saturating_add(LEND_FROM);
            self.move_to(len.saturating_add(missing).min(bound));
        }
        *input = self.bytes.split_off(len);
        if input.capacity() > most {
            // Nothing of the next message should begin here.
            drop(input.split_off(most));
        }
        true
    }

    /// Moves to memory for so many bytes.
    fn move_to(&mut self, capacity: usize) {
        let mut larger = BytesMut::with_capacity(capacity);
        larger.extend_from_slice(&self.bytes);
        *self = Self { bytes: larger, capacity, stays: false, ..*self };
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Validates what was appended since the last call. A character that is cut off at the end may still be completed
    /// by what follows, so it passes; at most three bytes are looked at twice.
    pub(crate) fn validate(&mut self) -> Result<(), InvalidUtf8> {
        let unknown = self.bytes.get(self.valid..).unwrap_or_default();
        self.valid = self.valid.saturating_add(validate_front(unknown)?);
        Ok(())
    }

    /// Takes out what is known to be text, and keeps the at most three bytes of a character that is cut off.
    pub(crate) fn take_text(&mut self) -> Utf8Bytes {
        let mut rest = Self::default();
        rest.bytes.extend_from_slice(self.bytes.get(self.valid..).unwrap_or_default());
        self.bytes.truncate(self.valid);
        Utf8Bytes(core::mem::replace(self, rest).finish_binary())
    }

    /// The payload as text; what was not validated yet is validated now.
    pub(crate) fn finish_text(self) -> Result<Utf8Bytes, InvalidUtf8> {
        validate(self.bytes.get(self.valid..).unwrap_or_default()).map_err(|_| InvalidUtf8)?;
        Ok(Utf8Bytes(self.finish_binary()))
    }

    /// The payload as bytes, without the room that growing in fragments left over.
    pub(crate) fn finish_binary(self) -> Bytes {
        // Of memory of its own, a part may have been given away as room to read into.
        let held = if self.stays { 0 } else { self.capacity }.max(self.bytes.capacity());
        if held.saturating_sub(self.bytes.len()) > self.bytes.len() / 4 {
            Bytes::copy_from_slice(&self.bytes)
        } else {
            self.bytes.freeze()
        }
    }
}

fn validate(bytes: &[u8]) -> Result<(), Utf8Error> {
    #[cfg(feature = "simd")]
    if simdutf8::basic::from_utf8(bytes).is_ok() {
        return Ok(());
    }
    // Also with `simd`: only this tells where a text goes wrong.
    str::from_utf8(bytes).map(|_| ())
}

/// The length of what is known to be text of `bytes`, which may end in the middle of a character.
fn validate_front(bytes: &[u8]) -> Result<usize, InvalidUtf8> {
    let (front, tail) = bytes.split_at(last_character(bytes));
    validate(front).map_err(|_| InvalidUtf8)?;
    match validate(tail) {
        Ok(()) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(front.len().saturating_add(error.valid_up_to())),
        Err(_) => Err(InvalidUtf8),
    }
}

/// Where the last character begins, if `bytes` are text and it is not ASCII; what begins there is judged by itself.
fn last_character(bytes: &[u8]) -> usize {
    const CONTINUATION: core::ops::RangeInclusive<u8> = 0x80..=0xbf;
    let tail = bytes.iter().rev().take(3).take_while(|byte| CONTINUATION.contains(byte)).count();
    let lead = bytes.len().saturating_sub(tail).saturating_sub(1);
    if bytes.get(lead).is_some_and(|byte| *byte >= 0x80) { lead } else { bytes.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assemble(pieces: &[&[u8]]) -> Result<Utf8Bytes, InvalidUtf8> {
        let mut assembly = Assembly::default();
        for piece in pieces {
            assembly.extend(piece, 0, |_| ());
            assembly.validate()?;
        }
        assembly.finish_text()
    }

    /// Each lead byte with each second byte, and the interesting third and fourth ones, cut at every place.
    #[test]
    fn incremental_validation_agrees_with_core_at_every_cut() {
        let later = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                for third in later {
                    let bytes = [first, second, third, 0x80];
                    for len in 1..=bytes.len() {
                        let whole = &bytes[..len];
                        let expected = str::from_utf8(whole).is_ok();
                        for cut in 0..=len {
                            let (left, right) = whole.split_at(cut);
                            assert_eq!(assemble(&[left, right]).is_ok(), expected, "{whole:x?} cut at {cut}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_completed_fails_at_its_first_wrong_byte() {
        for (good, bad) in [(&[0xed][..], 0xa0), (&[0xf4], 0x90), (&[0xe0], 0x9f), (&[0xf0, 0x90], 0x7f)] {
            let mut assembly = Assembly::default();
            assembly.extend(good, 0, |_| ());
            assert_eq!(assembly.validate(), Ok(()), "{good:x?}");
            assembly.extend(&[bad], 0, |_| ());
            assert_eq!(assembly.validate(), Err(InvalidUtf8), "{good:x?} {bad:x}");
        }
    }
}
