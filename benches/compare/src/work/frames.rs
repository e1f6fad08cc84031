//! Frames, written and read plainly: what the columns are fed with, and what their output is read back with.

use crate::peers::{Failure, Kind};

/// Appends a whole message in one frame.
pub(super) fn push(bytes: &mut Vec<u8>, kind: Kind, payload: &[u8], mask: [u8; 4]) {
    push_header(bytes, kind, payload.len(), 0x80);
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

fn push_header(bytes: &mut Vec<u8>, kind: Kind, length: usize, masked: u8) {
    bytes.push(match kind {
        Kind::Text => 0x81,
        Kind::Binary => 0x82,
    });
    match length {
        length @ 0..=125 => bytes.push(masked | u8::try_from(length).expect("at most 125")),
        length @ 126..=65_535 => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(length).expect("at most 65,535").to_be_bytes());
        }
        length => {
            bytes.push(masked | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
}

/// A binary message from a client.
pub(crate) fn masked(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push(&mut bytes, Kind::Binary, payload, [0x37, 0xfa, 0x21, 0x3d]);
    bytes
}

/// A binary message from a server.
pub(crate) fn unmasked(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_header(&mut bytes, Kind::Binary, payload.len(), 0);
    bytes.extend(payload);
    bytes
}

/// A message read back.
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) payload: Vec<u8>,
}

/// The bit in a frame's first byte that says that its message is compressed.
pub(super) const RSV1: u8 = 0x40;

/// All messages in `bytes`; every frame must be masked, or none. Control frames are passed over: a column that is dropped may
/// say goodbye.
pub(super) fn read_all(bytes: &[u8], masked: bool) -> Result<Vec<Message>, Failure> {
    read(bytes, masked, 0)
}

/// The same of a server, whose messages must all be compressed, and stay so.
pub(super) fn read_compressed(bytes: &[u8]) -> Result<Vec<Message>, Failure> {
    read(bytes, false, RSV1)
}

/// `flags` are those of each message's first frame.
fn read(mut bytes: &[u8], masked: bool, flags: u8) -> Result<Vec<Message>, Failure> {
    let mut messages = Vec::new();
    let mut begun: Option<Message> = None;
    while !bytes.is_empty() {
        let frame = Frame::read(&mut bytes, masked)?;
        if matches!(frame.opcode, 8..=15) {
            continue;
        }
        let mut message = match (frame.opcode, begun.take()) {
            (0, Some(message)) => message,
            (first, None) if first == flags | 1 => Message { kind: Kind::Text, payload: Vec::new() },
            (first, None) if first == flags | 2 => Message { kind: Kind::Binary, payload: Vec::new() },
            (opcode, _) => return Err(format!("a frame with opcode {opcode:#x} in the wrong place").into()),
        };
        message.payload.extend(frame.payload);
        if frame.last {
            messages.push(message);
        } else {
            begun = Some(message);
        }
    }
    if begun.is_some() { Err("the last message has no end".into()) } else { Ok(messages) }
}

struct Frame {
    last: bool,
    /// With the flags before it.
    opcode: u8,
    payload: Vec<u8>,
}

impl Frame {
    fn read(bytes: &mut &[u8], masked: bool) -> Result<Self, Failure> {
        let [first, second] = take(bytes)?;
        if (second & 0x80 != 0) != masked {
            return Err("a frame is masked and should not be, or the other way round".into());
        }
        let length = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(take(bytes)?)),
            127 => u64::from_be_bytes(take(bytes)?),
            length => u64::from(length),
        };
        let mask = if masked { take(bytes)? } else { [0; 4] };
        let (payload, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| bytes.split_at_checked(length))
            .ok_or("the last frame is cut off")?;
        *bytes = rest;
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        Ok(Self { last: first & 0x80 != 0, opcode: first & 0x7f, payload })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Failure> {
    let (head, rest) = bytes.split_first_chunk().ok_or("the last frame is cut off")?;
    *bytes = rest;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for size in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![7; size];
            let read = read_all(&masked(&payload), true).unwrap();
            assert!(read.len() == 1 && read[0].payload == payload);
            assert!(read_all(&unmasked(&payload), true).is_err());
            assert!(read_all(&unmasked(&payload), false).is_ok());
        }
        assert!(read_all(&unmasked(b"cut off")[..5], false).is_err());
    }
}
