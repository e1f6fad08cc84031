//! Header fields as lines: those that the application adds, and those of a head that came.

use alloc::vec::Vec;
use core::ops::Range;
use core::str;

use super::InvalidHead;
use super::check;

/// The fields that an application adds to a head, as `name: value` lines.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct HeaderLines(Vec<u8>);

impl HeaderLines {
    pub(super) fn push(&mut self, name: &str, value: &str) -> Result<(), InvalidHead> {
        if !check::is_token(name.as_bytes()) {
            return Err(InvalidHead::HeaderName);
        }
        if is_reserved(name) {
            return Err(InvalidHead::HeaderReserved);
        }
        if !check::is_field_value(value) {
            return Err(InvalidHead::HeaderValue);
        }
        for part in [name, ": ", value, "\r\n"] {
            self.0.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 6] =
        ["host", "origin", "upgrade", "connection", "content-length", "transfer-encoding"];
    const PREFIX: &str = "sec-websocket-";
    NAMES.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
        || name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The fields in a block of valid lines. What is no valid line is passed over; there is none in a block that
/// was checked.
pub(super) fn fields(block: &[u8]) -> impl Iterator<Item = (&str, &[u8])> + Clone {
    lines(block).filter_map(field).filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, value)))
}

/// The values of all fields of this name.
pub(crate) fn values<'a>(block: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
    lines(block)
        .filter_map(field)
        .filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value)
}

/// Where in a block a value of it stands.
pub(crate) fn place(block: &[u8], value: &[u8]) -> Range<usize> {
    let start = value.as_ptr().addr().saturating_sub(block.as_ptr().addr());
    start..start.saturating_add(value.len())
}

/// The lines of a block, each of which ends in CR LF, without that and up to the first blank one, or up to another control
/// character than a tab: of those there is none in a head that was scanned.
pub(crate) fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = block;
    core::iter::from_fn(move || {
        let mut end = control(rest)?;
        while rest.get(end) == Some(&b'\t') {
            let after = end.checked_add(1)?;
            end = after.checked_add(control(rest.get(after..)?)?)?;
        }
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.strip_prefix(b"\r\n")?;
        (!line.is_empty()).then_some(line)
    })
}

/// The name and the value of a line, the latter without the white space around it (RFC 9112 §5.1).
pub(crate) fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = line.split_at_checked(line.iter().position(|&byte| !check::is_token_byte(byte))?)?;
    let value = rest.strip_prefix(b":")?;
    (!name.is_empty()).then_some((name, value.trim_ascii()))
}

/// The place of the first control character (below 0x20).
pub(crate) fn control(bytes: &[u8]) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const SPACES: u64 = 0x2020_2020_2020_2020;

    let mut rest = bytes;
    // Without an end before the last of them, so that the compiler makes vector instructions of it.
    while let Some((block, after)) = rest.split_first_chunk::<16>()
        && !block.iter().fold(false, |found, &byte| found | (byte < 0x20))
    {
        rest = after;
    }
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // A byte below 0x20 borrows into its top bit. The borrow may mark bytes above it wrongly, never those
        // below, so the lowest mark is right.
        let marks = word.wrapping_sub(SPACES) & !word & HIGH;
        if marks != 0 {
            return Some(bytes.len() - rest.len() + marks.trailing_zeros() as usize / 8);
        }
        rest = after;
    }
    let place = rest.iter().position(|&byte| byte < 0x20)?;
    Some(bytes.len() - rest.len() + place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refusals() {
        let table = [
            ("X-A", "b", Ok(())),
            ("X-A", "", Ok(())),
            ("X-A", "tab\there, größe", Ok(())),
            ("", "b", Err(InvalidHead::HeaderName)),
            ("X A", "b", Err(InvalidHead::HeaderName)),
            ("X-A:", "b", Err(InvalidHead::HeaderName)),
            ("X\r\nA", "b", Err(InvalidHead::HeaderName)),
            ("Ä", "b", Err(InvalidHead::HeaderName)),
            ("X-A", "b\n", Err(InvalidHead::HeaderValue)),
            ("X-A", "b\rc", Err(InvalidHead::HeaderValue)),
            ("X-A", "b\0c", Err(InvalidHead::HeaderValue)),
            ("X-A", "b\u{7f}c", Err(InvalidHead::HeaderValue)),
            ("X-A", "b\u{85}c", Err(InvalidHead::HeaderValue)),
            ("X-A", " b", Err(InvalidHead::HeaderValue)),
            ("X-A", "b\t", Err(InvalidHead::HeaderValue)),
            ("hOST", "b", Err(InvalidHead::HeaderReserved)),
            ("Origin", "b", Err(InvalidHead::HeaderReserved)),
            ("upgrade", "b", Err(InvalidHead::HeaderReserved)),
            ("CONNECTION", "b", Err(InvalidHead::HeaderReserved)),
            ("Content-Length", "0", Err(InvalidHead::HeaderReserved)),
            ("Transfer-Encoding", "b", Err(InvalidHead::HeaderReserved)),
            ("Sec-WebSocket-Anything", "b", Err(InvalidHead::HeaderReserved)),
        ];
        for (name, value, expected) in table {
            let mut lines = HeaderLines::default();
            assert_eq!(lines.push(name, value), expected, "{name}: {value}");
            assert_eq!(lines.as_bytes().is_empty(), expected.is_err(), "{name}: {value}");
        }
    }

    proptest! {
        #[test]
        fn finds_the_first_control(
            bytes in proptest::collection::vec(prop_oneof![9 => 0x20..=0xff_u8, 1 => 0..0x20_u8], 0..40),
        ) {
            prop_assert_eq!(control(&bytes), bytes.iter().position(|&byte| byte < 0x20));
        }
    }
}
