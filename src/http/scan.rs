//! Finds the end of a head in bytes that come in any pieces.

use crate::upgrade::HandshakeError;
use crate::upgrade::lines::control;

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
        let ends = self.skip_lines(&mut rest);
        let scanned = bytes.len().saturating_sub(rest.len());
        self.seen = self.seen.saturating_add(scanned);
        Ok(ends?.then_some(scanned))
    }

    /// Takes lines off `rest`. Whether the last one was blank; if not, all is taken.
    fn skip_lines(&mut self, rest: &mut &[u8]) -> Result<bool, HandshakeError> {
        let end = self.seen.saturating_add(rest.len());
        loop {
            if let At::AfterCr { blank } = self.at {
                let Some((&byte, after)) = rest.split_first() else {
                    return Ok(false);
                };
                if byte != b'\n' {
                    return Err(HandshakeError::LineEnding);
                }
                *rest = after;
                self.at = At::LineStart;
                if self.first_line.is_none() {
                    self.first_line = Some(end.saturating_sub(rest.len()));
                }
                if blank {
                    return Ok(true);
                }
            }
            let length = control(rest).unwrap_or(rest.len());
            if length > 0 {
                self.at = At::InLine;
            }
            let Some((&control, after)) = rest.get(length..).and_then(<[u8]>::split_first) else {
                *rest = &[];
                return Ok(false);
            };
            *rest = after;
            self.at = match control {
                b'\r' => At::AfterCr { blank: self.at == At::LineStart },
                b'\t' => At::InLine,
                b'\n' => return Err(HandshakeError::LineEnding),
                _ => return Err(HandshakeError::ControlCharacter),
            };
        }
    }
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
