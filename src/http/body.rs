//! The body of a refusal, as much of it as is wanted (RFC 9112 §6).

use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

use crate::upgrade::list::elements;

/// What the header fields of a response say about the length of its body.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    length: Option<u64>,
    chunked: bool,
    unclear: bool,
}

impl Framing {
    pub(crate) fn content_length(&mut self, value: &[u8]) {
        // a list of equal lengths is what some make of a repeated field (RFC 9110 §8.6)
        for element in elements(value) {
            let length = decimal(element);
            self.unclear |= length.is_none() || self.length.is_some_and(|other| Some(other) != length);
            self.length = length;
        }
    }

    pub(crate) fn transfer_encoding(&mut self, value: &[u8]) {
        for coding in elements(value) {
            self.unclear |= self.chunked || !coding.eq_ignore_ascii_case(b"chunked");
            self.chunked = true;
        }
    }

    /// Where the fields contradict each other, or name a coding that is not spoken here, the body is what
    /// comes until the end of the connection. Nothing is read after it, so a wrong guess misleads nobody but
    /// a person.
    fn body(&self, status: u16) -> Expect {
        match self.length {
            _ if matches!(status, 204 | 304) => Expect::Nothing,
            _ if self.unclear || (self.chunked && self.length.is_some()) => Expect::End,
            Some(length) => Expect::Bytes(length),
            None if self.chunked => Expect::Chunk(Chunk::Size { size: 0, digits: 0 }),
            None => Expect::End,
        }
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Keeps the beginning of a body. Memory follows the bytes that came, never the length that was announced.
#[derive(Debug)]
pub(crate) struct BodyReader {
    kept: Vec<u8>,
    cap: usize,
    expect: Expect,
    truncated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Nothing,
    Bytes(u64),
    Chunk(Chunk),
    End,
}

/// RFC 9112 §7.1. Extensions are skipped; trailers are not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data(u64),
    DataCr,
    DataLf,
}

impl BodyReader {
    pub(crate) fn new(status: u16, framing: &Framing, cap: usize) -> Self {
        Self { kept: Vec::new(), cap, expect: framing.body(status), truncated: false }
    }

    /// Consumes input. True: the body is complete, or as much of it as is wanted; the rest of the input is
    /// not touched. False: all was consumed, and more is needed.
    pub(crate) fn read(&mut self, input: &mut BytesMut) -> bool {
        loop {
            self.expect = match self.expect {
                Expect::Nothing | Expect::Bytes(0) => Expect::Nothing,
                Expect::Bytes(left) => Expect::Bytes(left.saturating_sub(self.keep(left, input))),
                Expect::End => {
                    self.keep(u64::MAX, input);
                    Expect::End
                }
                Expect::Chunk(Chunk::Data(0)) => Expect::Chunk(Chunk::DataCr),
                Expect::Chunk(Chunk::Data(left)) => {
                    Expect::Chunk(Chunk::Data(left.saturating_sub(self.keep(left, input))))
                }
                Expect::Chunk(chunk) => match input.try_get_u8() {
                    Err(_) => return false,
                    Ok(byte) => self.chunk_byte(chunk, byte),
                },
            };
            match self.expect {
                _ if self.truncated => return true,
                Expect::Nothing | Expect::Bytes(0) => return true,
                _ if input.is_empty() => return false,
                _ => {}
            }
        }
    }

    /// The connection ended.
    pub(crate) fn end_of_input(&mut self) {
        self.truncated |= !matches!(self.expect, Expect::Nothing | Expect::Bytes(0) | Expect::End);
    }

    /// Nothing more is awaited.
    pub(crate) fn cut_short(&mut self) {
        self.truncated |= !matches!(self.expect, Expect::Nothing | Expect::Bytes(0));
    }

    /// What was kept, and whether it is only the beginning.
    pub(crate) fn finish(&mut self) -> (Bytes, bool) {
        (core::mem::take(&mut self.kept).into_boxed_slice().into(), self.truncated)
    }

    /// Takes at most `wanted` bytes of body; the first one that does not fit is the last one looked at.
    fn keep(&mut self, wanted: u64, input: &mut BytesMut) -> u64 {
        let length = usize::try_from(wanted).unwrap_or(usize::MAX).min(input.len());
        let room = self.cap.saturating_sub(self.kept.len());
        self.truncated |= length > room;
        let taken = length.min(room);
        self.kept.extend_from_slice(input.get(..taken).unwrap_or_default());
        input.advance(taken);
        taken as u64
    }

    fn chunk_byte(&mut self, chunk: Chunk, byte: u8) -> Expect {
        // 15 digits: more than any body has, and no overflow
        const MOST_DIGITS: u8 = 15;

        let next = match (chunk, byte) {
            (Chunk::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < MOST_DIGITS => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                Chunk::Size { size: (size << 4) | digit, digits: digits.saturating_add(1) }
            }
            (Chunk::Size { size, digits: 1.. } | Chunk::Extension { size }, b'\r') => Chunk::SizeLf { size },
            (Chunk::Size { size, digits: 1.. }, b';' | b' ' | b'\t')
            | (Chunk::Extension { size }, b'\t' | b' '..) => Chunk::Extension { size },
            (Chunk::SizeLf { size: 0 }, b'\n') => return Expect::Nothing,
            (Chunk::SizeLf { size }, b'\n') => Chunk::Data(size),
            (Chunk::DataCr, b'\r') => Chunk::DataLf,
            (Chunk::DataLf, b'\n') => Chunk::Size { size: 0, digits: 0 },
            _ => {
                self.truncated = true;
                return Expect::Nothing;
            }
        };
        Expect::Chunk(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(fields: &[(&str, &str)]) -> Framing {
        let mut framing = Framing::default();
        for (name, value) in fields {
            match *name {
                "CL" => framing.content_length(value.as_bytes()),
                _ => framing.transfer_encoding(value.as_bytes()),
            }
        }
        framing
    }

    /// Complete before the end of input?, body, truncated?, bytes left in the input.
    fn read(
        status: u16,
        fields: &[(&str, &str)],
        bytes: &[u8],
        cap: usize,
        step: usize,
    ) -> (bool, Bytes, bool, usize) {
        let mut reader = BodyReader::new(status, &framing(fields), cap);
        let mut fed = 0;
        let mut complete = reader.read(&mut BytesMut::new());
        while !complete && fed < bytes.len() {
            let piece = &bytes[fed..bytes.len().min(fed + step)];
            let mut input = BytesMut::from(piece);
            complete = reader.read(&mut input);
            assert!(complete || input.is_empty());
            fed += piece.len() - input.len();
        }
        if !complete {
            reader.end_of_input();
        }
        let (body, truncated) = reader.finish();
        (complete, body, truncated, bytes.len() - fed)
    }

    #[test]
    fn bodies() {
        type Row =
            (u16, &'static [(&'static str, &'static str)], &'static str, (bool, &'static str, bool, usize));
        let table: [Row; 30] = [
            (400, &[("CL", "0")], "x", (true, "", false, 1)),
            (400, &[("CL", "3")], "abcx", (true, "abc", false, 1)),
            (400, &[("CL", "3")], "ab", (false, "ab", true, 0)),
            (400, &[("CL", "8")], "12345678x", (true, "12345678", false, 1)),
            (400, &[("CL", "9")], "123456789", (true, "12345678", true, 1)),
            (400, &[("CL", "3, 3"), ("CL", "3")], "abcx", (true, "abc", false, 1)),
            (400, &[("CL", "3"), ("CL", "4")], "abcx", (false, "abcx", false, 0)),
            (400, &[("CL", "-3")], "abcx", (false, "abcx", false, 0)),
            (400, &[("CL", "99999999999999999999")], "ab", (false, "ab", false, 0)),
            (400, &[("CL", "18446744073709551615")], "ab", (false, "ab", true, 0)),
            (400, &[("CL", "2"), ("TE", "chunked")], "abc", (false, "abc", false, 0)),
            (400, &[("TE", "gzip, chunked")], "abc", (false, "abc", false, 0)),
            (400, &[("TE", "chunked, chunked")], "abc", (false, "abc", false, 0)),
            (400, &[], "", (false, "", false, 0)),
            (400, &[], "abc", (false, "abc", false, 0)),
            (400, &[], "12345678", (false, "12345678", false, 0)),
            (400, &[], "123456789", (true, "12345678", true, 1)),
            (204, &[("CL", "3")], "abc", (true, "", false, 3)),
            (304, &[("TE", "chunked")], "abc", (true, "", false, 3)),
            (
                400,
                &[("TE", "Chunked")],
                "3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nrest",
                (true, "abcde", false, 4),
            ),
            (400, &[("TE", "chunked")], "0000\r\n", (true, "", false, 0)),
            (400, &[("TE", "chunked")], "a\r\n1234567890\r\n0\r\n", (true, "12345678", true, 7)),
            (400, &[("TE", "chunked")], "2 \r\nab\r\n", (false, "ab", true, 0)),
            (400, &[("TE", "chunked")], "2\r\nabc", (true, "ab", true, 0)),
            (400, &[("TE", "chunked")], "\r\n", (true, "", true, 1)),
            (400, &[("TE", "chunked")], "x\r\n", (true, "", true, 2)),
            (400, &[("TE", "chunked")], "2\nab", (true, "", true, 2)),
            (400, &[("TE", "chunked")], "2;\nab", (true, "", true, 2)),
            (400, &[("TE", "chunked")], "ffffffffffffffff\r\n", (true, "", true, 2)),
            (400, &[("TE", "chunked")], "", (false, "", true, 0)),
        ];
        for (status, fields, bytes, (complete, body, truncated, left)) in table {
            for step in [1, 2, 3, 100] {
                let found = read(status, fields, bytes.as_bytes(), 8, step);
                let expected = (complete, Bytes::from_static(body.as_bytes()), truncated, left);
                assert_eq!(found, expected, "{fields:?} {bytes:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn a_cap_of_nothing() {
        assert_eq!(read(400, &[], b"a", 0, 1), (true, Bytes::new(), true, 1));
        assert_eq!(read(400, &[("CL", "0")], b"a", 0, 1), (true, Bytes::new(), false, 1));
    }
}
