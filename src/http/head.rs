//! Collects a head.

use alloc::vec::Vec;
use core::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::scan::Scanner;
use crate::upgrade::HandshakeError;

/// A complete head: its lines end in CR LF, and there are no control characters in them besides the tab.
/// Nothing else about it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawHead {
    bytes: Bytes,
    first_line: usize,
}

impl RawHead {
    /// The request or status line, with its CR LF.
    pub(crate) fn first_line(&self) -> &[u8] {
        self.bytes.get(..self.first_line).unwrap_or_default()
    }

    /// The lines of the header fields, and the blank line that ends them.
    pub(crate) fn block(&self) -> &[u8] {
        self.bytes.get(self.first_line..).unwrap_or_default()
    }

    /// The same, to be kept.
    pub(crate) fn into_block(mut self) -> Bytes {
        self.bytes.advance(self.first_line.min(self.bytes.len()));
        self.bytes
    }
}

/// Reads heads within a budget of bytes, which several heads share.
///
/// What it keeps is a copy: an application may hold a head for as long as it likes, and must not hold the
/// caller's read buffer with it.
#[derive(Debug)]
pub(crate) struct HeadReader {
    partial: Vec<u8>,
    scanner: Scanner,
    budget: usize,
    check_line: fn(&[u8]) -> Result<(), HandshakeError>,
    line_checked: bool,
}

impl HeadReader {
    /// `check_line` judges the first line of a head whose rest is still to come, or is itself wrong: a peer
    /// that speaks another protocol is told from it, and may never send the rest. Of a complete head it is
    /// left to the caller.
    pub(crate) fn new(budget: usize, check_line: fn(&[u8]) -> Result<(), HandshakeError>) -> Self {
        Self { partial: Vec::new(), scanner: Scanner::default(), budget, check_line, line_checked: false }
    }

    /// Consumes input up to the end of the head, and not beyond. None: all of it was consumed, and more is
    /// needed.
    ///
    /// Which error comes does not depend on the pieces the bytes come in; how much of the input is left then
    /// does.
    pub(crate) fn read(&mut self, input: &mut BytesMut) -> Result<Option<RawHead>, HandshakeError> {
        let left = self.budget.saturating_sub(self.scanner.seen());
        let view = input.get(..left).unwrap_or(input);
        let scanned = self.scanner.scan(view);
        if let Ok(Some(end)) = scanned {
            let head = self.complete(view.get(..end).unwrap_or_default());
            input.advance(end);
            return Ok(Some(head));
        }
        self.partial.extend_from_slice(view);
        self.check_first_line()?;
        scanned?;
        if view.len() == left {
            return Err(HandshakeError::HeadTooLarge);
        }
        input.clear();
        Ok(None)
    }

    fn complete(&mut self, last: &[u8]) -> RawHead {
        let bytes = if self.partial.is_empty() {
            Bytes::copy_from_slice(last)
        } else {
            self.partial.extend_from_slice(last);
            // without the spare room that growing left behind
            mem::take(&mut self.partial).into_boxed_slice().into()
        };
        let scanner = mem::take(&mut self.scanner);
        self.budget = self.budget.saturating_sub(scanner.seen());
        self.line_checked = false;
        RawHead { bytes, first_line: scanner.first_line().unwrap_or_default() }
    }

    fn check_first_line(&mut self) -> Result<(), HandshakeError> {
        match self.scanner.first_line().and_then(|end| self.partial.get(..end)) {
            Some(line) if !self.line_checked => {
                self.line_checked = true;
                (self.check_line)(line)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn reader(budget: usize) -> HeadReader {
        HeadReader::new(budget, |_| Ok(()))
    }

    fn feed(reader: &mut HeadReader, bytes: &[u8], step: usize) -> Result<Option<RawHead>, HandshakeError> {
        for piece in bytes.chunks(step) {
            let mut input = BytesMut::from(piece);
            if let Some(head) = reader.read(&mut input)? {
                assert!(input.is_empty());
                return Ok(Some(head));
            }
            assert!(input.is_empty());
        }
        Ok(None)
    }

    #[test]
    fn any_pieces_give_the_same_head() {
        let whole = feed(&mut reader(100), HEAD, HEAD.len()).unwrap().unwrap();
        assert_eq!(whole.first_line(), b"GET / HTTP/1.1\r\n");
        assert_eq!(whole.block(), b"Host: a\r\n\r\n");
        assert_eq!(whole.clone().into_block(), whole.block());
        for step in 1..HEAD.len() {
            assert_eq!(feed(&mut reader(100), HEAD, step), Ok(Some(whole.clone())));
        }
    }

    #[test]
    fn leaves_what_follows() {
        let mut input = BytesMut::from(HEAD);
        input.extend_from_slice(b"\x81\x00\n");
        assert!(reader(100).read(&mut input).unwrap().is_some());
        assert_eq!(input, &b"\x81\x00\n"[..]);
    }

    #[test]
    fn the_budget_is_exact() {
        for step in [1, 7, HEAD.len()] {
            assert!(feed(&mut reader(HEAD.len()), HEAD, step).unwrap().is_some());
            let error = feed(&mut reader(HEAD.len() - 1), HEAD, step).unwrap_err();
            assert_eq!(error, HandshakeError::HeadTooLarge);
        }
        assert_eq!(feed(&mut reader(0), b"a", 1), Err(HandshakeError::HeadTooLarge));
    }

    #[test]
    fn heads_share_the_budget() {
        let mut shared = reader(2 * HEAD.len());
        assert!(feed(&mut shared, HEAD, 5).unwrap().is_some());
        assert!(feed(&mut shared, HEAD, 5).unwrap().is_some());
        assert_eq!(feed(&mut shared, HEAD, 5), Err(HandshakeError::HeadTooLarge));
    }

    #[test]
    fn byte_by_byte_is_linear_in_work_and_memory() {
        let mut reader = reader(1 << 20);
        let mut input = BytesMut::new();
        for fed in 1..=1 << 16 {
            input.extend_from_slice(b"a");
            assert_eq!(reader.read(&mut input), Ok(None));
            assert_eq!(reader.scanner.seen(), fed, "no byte is scanned twice");
            assert!(reader.partial.capacity() <= 2 * fed + 8);
        }
    }

    #[test]
    fn a_wrong_first_line_is_found_early_and_before_anything_after_it() {
        fn no_ssh(line: &[u8]) -> Result<(), HandshakeError> {
            assert!(line.ends_with(b"\r\n"));
            if line.starts_with(b"SSH") { Err(HandshakeError::StatusLine) } else { Ok(()) }
        }
        for bytes in ["SSH-2.0-x\r\n", "SSH\r\n\n", "SSH\r\n\0", "SSH\r\naaaaaaaaaaaaaaaa"] {
            for step in 1..=bytes.len() {
                let error = feed(&mut HeadReader::new(16, no_ssh), bytes.as_bytes(), step);
                assert_eq!(error, Err(HandshakeError::StatusLine), "{bytes:?} in steps of {step}");
            }
        }
        assert_eq!(feed(&mut HeadReader::new(16, no_ssh), b"GET\r\na", 1), Ok(None));
    }
}
