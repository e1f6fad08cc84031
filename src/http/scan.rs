//! Finds the end of a head in bytes that come in any pieces.

use crate::upgrade::HandshakeError;

/// Where in a head the scan stands. Each byte is shown to it once, so a head that comes byte by byte costs no
/// more than one that comes at once.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    at: At,
    seen: usize,
    first_line: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    InLine,
    AfterCr {
        blank: bool,
    },
}

impl Scanner {
    /// How many bytes were looked at.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// How long the first line is, with its CR LF, once it is complete.
    pub(super) fn first_line(&self) -> Option<usize> {
        self.first_line
    }

    /// Goes on with `bytes`. Some: the head ends after this many of them.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, HandshakeError> {
        let mut rest = bytes;
        loop {
            if let At::AfterCr { blank } = self.at {
                let Some((&byte, after)) = rest.split_first() else {
                    return Ok(None);
                };
                self.seen = self.seen.saturating_add(1);
                if byte != b'\n' {
                    return Err(HandshakeError::LineEnding);
                }
                rest = after;
                self.at = At::LineStart;
                self.first_line.get_or_insert(self.seen);
                if blank {
                    return Ok(Some(bytes.len().saturating_sub(rest.len())));
                }
            }
            let length = control(rest).unwrap_or(rest.len());
            if length > 0 {
                self.at = At::InLine;
                self.seen = self.seen.saturating_add(length);
            }
            let Some((&control, after)) = rest.get(length..).and_then(<[u8]>::split_first) else {
                return Ok(None);
            };
            self.seen = self.seen.saturating_add(1);
            rest = after;
            self.at = match control {
                b'\r' => At::AfterCr { blank: self.at == At::LineStart },
                b'\t' => At::InLine,
                b'\n' => return Err(HandshakeError::LineEnding),
                _ => return Err(HandshakeError::ControlCharacter),
            };
        }
    }
}

/// The place of the first control character (below 0x20), eight bytes at a time.
fn control(bytes: &[u8]) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const SPACES: u64 = 0x2020_2020_2020_2020;

    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A byte below 0x20 borrows into its top bit. The borrow may mark bytes above it wrongly, never those
        // below, so the lowest mark is right.
        let marks = word.wrapping_sub(SPACES) & !word & HIGH;
        if marks != 0 {
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let place = tail.iter().position(|&byte| byte < 0x20)?;
    Some(words.len() * 8 + place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends() {
        type Row = (&'static [u8], Result<Option<usize>, HandshakeError>);
        let table: [Row; 14] = [
            (b"", Ok(None)),
            (b"a\r\n\r\nrest", Ok(Some(5))),
            (b"a\r\n\r", Ok(None)),
            (b"\r\nrest", Ok(Some(2))),
            (b"a\r\nb: \t\r\n\r\n", Ok(Some(11))),
            (b"a\r\n\t\r\n\r\n", Ok(Some(8))),
            (b"a\n", Err(HandshakeError::LineEnding)),
            (b"\n", Err(HandshakeError::LineEnding)),
            (b"a\r\n\n", Err(HandshakeError::LineEnding)),
            (b"a\rb", Err(HandshakeError::LineEnding)),
            (b"a\r\r\n", Err(HandshakeError::LineEnding)),
            (b"a\r\n\r\r\n", Err(HandshakeError::LineEnding)),
            (b"a\0", Err(HandshakeError::ControlCharacter)),
            (b"\x16\x03\x01", Err(HandshakeError::ControlCharacter)),
        ];
        for (bytes, expected) in table {
            assert_eq!(Scanner::default().scan(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn finds_the_first_control(
            bytes in proptest::collection::vec(prop_oneof![9 => 0x20..=0xff_u8, 1 => 0..0x20_u8], 0..40),
        ) {
            prop_assert_eq!(control(&bytes), bytes.iter().position(|&byte| byte < 0x20));
        }

        #[test]
        fn pieces_change_nothing(bytes in "[a\t\r\n]{0,12}", cut in 0..12_usize) {
            let bytes = bytes.as_bytes();
            let whole = Scanner::default().scan(bytes);
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut scanner = Scanner::default();
            let pieces = match scanner.scan(first) {
                Ok(None) => scanner.scan(second).map(|end| end.map(|end| first.len() + end)),
                done => done,
            };
            prop_assert_eq!(whole, pieces);
        }
    }
}
