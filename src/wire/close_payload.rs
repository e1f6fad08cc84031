//! The payload of a Close frame (RFC 6455 §5.5.1).

use core::str;

use crate::close::{CloseCode, CloseFrame};
use crate::error::Violation;

/// Reads the payload of a Close frame, at most 125 bytes; an empty one carries nothing.
pub(crate) fn parse(payload: &[u8]) -> Result<Option<CloseFrame>, Violation> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (code, reason) = payload.split_first_chunk().ok_or(Violation::CloseTooShort)?;
    let code = CloseCode::new(u16::from_be_bytes(*code));
    let reason = str::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
    CloseFrame::new(code, reason).map(Some).map_err(|_| Violation::CloseCode(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn every_code_at_some_lengths() {
        for code in 0..=u16::MAX {
            for len in [2, 3, 60, 124, 125] {
                let mut payload = vec![b'r'; len];
                payload[..2].copy_from_slice(&code.to_be_bytes());
                let expected = match CloseCode::new(code) {
                    code if code.may_be_sent() => Ok(Some(CloseFrame::known(code, &"r".repeat(len - 2)))),
                    code => Err(Violation::CloseCode(code)),
                };
                assert_eq!(parse(&payload), expected, "{code} with {len} bytes");
            }
        }
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&[0x03]), Err(Violation::CloseTooShort));
        assert_eq!(parse(&[0x03, 0xe8, 0xc3]), Err(Violation::CloseReason));
    }
}
