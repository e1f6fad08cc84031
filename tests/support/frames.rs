//! Frames as bytes, built and read by the words of RFC 6455 §5.2 and not by the crate's own code.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use websocket_proto::Role;

/// What a client of these tests masks with: that of the examples in §5.7.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

pub fn mask(payload: &[u8], key: [u8; 4]) -> impl Iterator<Item = u8> + '_ {
    payload.iter().enumerate().map(move |(index, byte)| byte ^ key[index % 4])
}

/// The header of a frame, with its length in the shortest form.
pub fn header(sender: Role, first: u8, len: u64) -> Vec<u8> {
    let masked = if sender == Role::Client { 0x80 } else { 0 };
    let mut header = match len {
        0..126 => vec![first, masked | len as u8],
        126..0x1_0000 => [&[first, masked | 126], &(len as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, masked | 127], &len.to_be_bytes()[..]].concat(),
    };
    if sender == Role::Client {
        header.extend_from_slice(&KEY);
    }
    header
}

/// A frame as this role sends it.
pub fn frame(sender: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(sender, first, payload.len() as u64);
    match sender {
        Role::Client => frame.extend(mask(payload, KEY)),
        Role::Server => frame.extend_from_slice(payload),
    }
    frame
}

/// The payload of a Close frame.
pub fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A frame that an endpoint wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    /// The seven bits: a length, or 126 or 127 for one that follows.
    pub short_len: u8,
    pub key: Option<[u8; 4]>,
    /// Without its mask.
    pub payload: Vec<u8>,
}

/// Takes apart what an endpoint wrote: whole frames and nothing else.
pub fn read(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let short_len = bytes[1] & 0x7f;
        let wide = match short_len {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let len = bytes[2..2 + wide].iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        let len = if wide == 0 { usize::from(short_len) } else { len };
        let masked = bytes[1] & 0x80 != 0;
        let start = 2 + wide + if masked { 4 } else { 0 };
        let key = masked.then(|| *bytes[2 + wide..].first_chunk().unwrap());
        let payload = mask(&bytes[start..start + len], key.unwrap_or_default()).collect();
        frames.push(Frame { first: bytes[0], short_len, key, payload });
        bytes = &bytes[start + len..];
    }
    frames
}
