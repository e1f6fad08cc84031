//! The frame header (RFC 6455 §5.2): reading with every rule that a header alone can break, and writing.

use alloc::vec::Vec;

use crate::config::Role;
use crate::error::Violation;
use crate::message::Kind;

/// The longest header: two bytes, a 64-bit length and a mask.
pub(crate) const MAX_LEN: usize = 14;

/// The longest payload of a control frame (RFC 6455 §5.5).
pub(crate) const MAX_CONTROL_PAYLOAD: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
/// Set in the first frame of a compressed message (RFC 7692 §6).
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const FIN_TEXT: u8 = FIN | Opcode::Text.bits();
const FIN_BINARY: u8 = FIN | Opcode::Binary.bits();
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const LENGTH_IS_U16: u8 = 126;
const LENGTH_IS_U64: u8 = 127;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    /// Text or binary with RSV1, which no other frame may have: what begins is a compressed message (RFC 7692 §6).
    CompressedText,
    CompressedBinary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            reserved => return Err(Violation::ReservedOpcode(reserved)),
        })
    }

    /// The opcode of a message's first frame.
    pub(crate) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }

    /// That of a compressed message's first frame.
    pub(crate) const fn compressed(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::CompressedText,
            Kind::Binary => Self::CompressedBinary,
        }
    }

    /// With RSV1.
    fn with_compression(self) -> Result<Self, Violation> {
        match self {
            Self::Text => Ok(Self::CompressedText),
            Self::Binary => Ok(Self::CompressedBinary),
            _ => Err(Violation::ReservedBits),
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::CompressedText => RSV1 | 0x1,
            Self::CompressedBinary => RSV1 | 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    pub(crate) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload_len: u64,
}

/// Reads a header from the front of `bytes`, which `receiver` is to receive: the header and its length in bytes, or `None`
/// if it is not there whole. `compression` tells whether it was agreed on.
///
/// The first two bytes are judged as soon as they are there.
#[inline]
pub(crate) fn parse(
    bytes: &[u8],
    receiver: Role,
    compression: bool,
) -> Result<Option<(Header, usize)>, Violation> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let opcode = match first & RESERVED {
        0 => Opcode::parse(first & OPCODE)?,
        RSV1 if compression => Opcode::parse(first & OPCODE)?.with_compression()?,
        RSV1 if matches!(first & OPCODE, 0x1 | 0x2) => return Err(Violation::UnagreedCompression),
        _ => return Err(Violation::ReservedBits),
    };
    let fin = first & FIN != 0;
    let masked = second & MASKED != 0;
    match receiver {
        Role::Server if !masked => return Err(Violation::Unmasked),
        Role::Client if masked => return Err(Violation::Masked),
        Role::Server | Role::Client => {}
    }
    let short_len = second & LENGTH;
    if opcode.is_control() {
        if !fin {
            return Err(Violation::ControlFragmented);
        }
        if usize::from(short_len) > MAX_CONTROL_PAYLOAD {
            return Err(Violation::ControlTooLong);
        }
    }
    let (payload_len, rest) = match short_len {
        LENGTH_IS_U16 => {
            let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
            let len = u64::from(u16::from_be_bytes(*len));
            if len < u64::from(LENGTH_IS_U16) {
                return Err(Violation::LengthNotMinimal);
            }
            (len, rest)
        }
        LENGTH_IS_U64 => {
            let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
            let len = u64::from_be_bytes(*len);
            if len > u64::MAX >> 1 {
                return Err(Violation::LengthOverflow);
            }
            if len <= u64::from(u16::MAX) {
                return Err(Violation::LengthNotMinimal);
            }
            (len, rest)
        }
        len => (u64::from(len), rest),
    };
    let (mask, rest) = if masked {
        let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
        (Some(*key), rest)
    } else {
        (None, rest)
    };
    let header = Header { fin, opcode, mask, payload_len };
    Ok(Some((header, bytes.len().saturating_sub(rest.len()))))
}

/// The header of a message in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageHeader {
    pub(crate) kind: Kind,
    /// Zeros, which change nothing, where the payload is not masked.
    pub(crate) key: [u8; 4],
    pub(crate) payload_len: u64,
    /// Its own length in bytes.
    pub(crate) len: usize,
}

/// Reads a header as [`parse`] does, if it is that of a message in one frame, is there whole and breaks no rule, as most
/// are; otherwise `None`.
#[inline(always)]
pub(crate) fn parse_message(bytes: &[u8], receiver: Role) -> Option<MessageHeader> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let kind = match first {
        FIN_TEXT => Kind::Text,
        FIN_BINARY => Kind::Binary,
        _ => return None,
    };
    let (payload_len, rest, len) = match second & LENGTH {
        LENGTH_IS_U16 => {
            let (len, rest) = rest.split_first_chunk()?;
            let len = u64::from(u16::from_be_bytes(*len));
            (Some(len).filter(|len| *len >= u64::from(LENGTH_IS_U16))?, rest, 4)
        }
        LENGTH_IS_U64 => {
            let (len, rest) = rest.split_first_chunk()?;
            let len = u64::from_be_bytes(*len);
            (Some(len).filter(|len| *len > u64::from(u16::MAX) && *len <= u64::MAX >> 1)?, rest, 10)
        }
        len => (u64::from(len), rest, 2),
    };
    let (key, len) = match (receiver, second & MASKED != 0) {
        (Role::Server, true) => (*rest.first_chunk()?, len + 4),
        (Role::Client, false) => ([0; 4], len),
        (Role::Server, false) | (Role::Client, true) => return None,
    };
    Some(MessageHeader { kind, key, payload_len, len })
}

impl Header {
    /// Appends the header to `bytes`, in its shortest form.
    #[inline]
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let first = if self.fin { FIN } else { 0 } | self.opcode.bits();
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        match (u8::try_from(self.payload_len), u16::try_from(self.payload_len)) {
            (Ok(len), _) if len < LENGTH_IS_U16 => bytes.extend_from_slice(&[first, masked | len]),
            (_, Ok(len)) => {
                let [high, low] = len.to_be_bytes();
                bytes.extend_from_slice(&[first, masked | LENGTH_IS_U16, high, low]);
            }
            (_, Err(_)) => {
                bytes.extend_from_slice(&[first, masked | LENGTH_IS_U64]);
                bytes.extend_from_slice(&self.payload_len.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            bytes.extend_from_slice(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the first two bytes of a frame say, worked out here a second time and in another way.
    fn judge(first: u8, second: u8, receiver: Role, compression: bool) -> Result<(), Violation> {
        let control = first & 0x08 != 0;
        let may_be_compressed = compression && matches!(first & 0x0f, 1 | 2);
        match first & 0x0f {
            _ if first & 0x30 != 0 => Err(Violation::ReservedBits),
            1 | 2 if first & 0x40 != 0 && !compression => Err(Violation::UnagreedCompression),
            0..=2 | 8..=10 if first & 0x40 != 0 && !may_be_compressed => Err(Violation::ReservedBits),
            _ if first & 0x40 != 0 && !compression => Err(Violation::ReservedBits),
            opcode @ (3..=7 | 11..) => Err(Violation::ReservedOpcode(opcode)),
            _ if receiver == Role::Server && second < 0x80 => Err(Violation::Unmasked),
            _ if receiver == Role::Client && second >= 0x80 => Err(Violation::Masked),
            _ if control && first < 0x80 => Err(Violation::ControlFragmented),
            _ if control && second & 0x7f >= 126 => Err(Violation::ControlTooLong),
            _ => Ok(()),
        }
    }

    #[test]
    fn all_first_two_bytes_are_judged_at_once_in_both_roles() {
        for receiver in [Role::Client, Role::Server] {
            for compression in [false, true] {
                for pair in 0..=u16::MAX {
                    let [first, second] = pair.to_be_bytes();
                    let judged = parse(&[first, second], receiver, compression).map(|_| ());
                    let expected = judge(first, second, receiver, compression);
                    assert_eq!(judged, expected, "{first:#x} {second:#x} {receiver:?} {compression}");
                }
            }
        }
    }

    #[test]
    fn lengths_are_minimal_and_below_two_to_the_63() {
        let table: [(&[u8], Result<u64, Violation>); 9] = [
            (&[0x82, 125], Ok(125)),
            (&[0x82, 126, 0, 125], Err(Violation::LengthNotMinimal)),
            (&[0x82, 126, 0, 126], Ok(126)),
            (&[0x82, 126, 0xff, 0xff], Ok(65_535)),
            (&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Err(Violation::LengthNotMinimal)),
            (&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], Ok(65_536)),
            (&[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0], Ok(1 << 32)),
            (&[0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Ok((1 << 63) - 1)),
            (&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], Err(Violation::LengthOverflow)),
        ];
        for (bytes, expected) in table {
            let actual = parse(bytes, Role::Client, false).map(|parsed| parsed.unwrap().0.payload_len);
            assert_eq!(actual, expected, "{bytes:x?}");
        }
    }

    /// What the two ways to read a header say of the same bytes.
    fn agree(bytes: &[u8], receiver: Role) -> bool {
        let message = parse_message(bytes, receiver).map(|MessageHeader { kind, key, payload_len, len }| {
            let mask = (receiver == Role::Server).then_some(key);
            (Header { fin: true, opcode: Opcode::of(kind), mask, payload_len }, len)
        });
        let any = parse(bytes, receiver, true).ok().flatten();
        message
            == any.filter(|(header, _)| header.fin && matches!(header.opcode, Opcode::Text | Opcode::Binary))
    }

    #[test]
    fn a_message_header_is_read_as_any_header_is() {
        for receiver in [Role::Server, Role::Client] {
            for first in 0..=u8::MAX {
                for second in 0..=u8::MAX {
                    for noise in [
                        [0; 12],
                        [0xff; 12],
                        [0, 0, 0, 0, 0, 0, 0, 126, 0, 0, 0, 0],
                        [0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4],
                    ] {
                        let mut bytes = alloc::vec![first, second];
                        bytes.extend(noise);
                        for len in 0..=bytes.len() {
                            assert!(agree(&bytes[..len], receiver), "{:x?} {receiver:?}", &bytes[..len]);
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_every_shorter_piece_is_incomplete(
            fin: bool, which in 0_usize..3, mask: Option<[u8; 4]>, bits in 0_u32..63, noise: u64,
        ) {
            let opcode = [Opcode::Text, Opcode::Continuation, Opcode::CompressedBinary][which];
            let header = Header { fin, opcode, mask, payload_len: noise & ((1 << bits) - 1) };
            let mut bytes = Vec::new();
            header.write(&mut bytes);
            let receiver = if mask.is_some() { Role::Server } else { Role::Client };
            prop_assert_eq!(parse(&bytes, receiver, true), Ok(Some((header, bytes.len()))));
            for len in 0..bytes.len() {
                prop_assert_eq!(parse(&bytes[..len], receiver, true), Ok(None));
            }
        }
    }
}
