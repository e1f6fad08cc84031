//! Header fields as the lines that are written: built by the application, read back by whoever wants to look.

use alloc::vec::Vec;
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
    block.split(|&byte| byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let (name, value) = line.split_at_checked(line.iter().position(|&byte| byte == b':')?)?;
        Some((str::from_utf8(name).ok()?, value.strip_prefix(b":")?.trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
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
}
