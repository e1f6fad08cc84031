//! Frames as bytes, right or wrong, for whoever plays a peer by hand (RFC 6455 §5.2).
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use websocket_proto::Role;

/// The key of every masked frame here; not zeros, so that a mask that is not taken off shows.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The header of a frame with this first byte, as `receiver` wants it, that claims this length in its shortest form.
pub fn header(receiver: Role, first: u8, claimed: u64) -> Vec<u8> {
    let mut header = vec![first];
    match (u8::try_from(claimed), u16::try_from(claimed)) {
        (Ok(len), _) if len < 126 => header.push(len),
        (_, Ok(len)) => {
            header.push(126);
            header.extend_from_slice(&len.to_be_bytes());
        }
        (_, Err(_)) => {
            header.push(127);
            header.extend_from_slice(&claimed.to_be_bytes());
        }
    }
    if receiver == Role::Server {
        header[1] |= 0x80;
        header.extend_from_slice(&KEY);
    }
    header
}

/// A payload as it travels to `receiver`.
pub fn masked(receiver: Role, payload: &[u8]) -> Vec<u8> {
    match receiver {
        Role::Server => payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect(),
        Role::Client => payload.to_vec(),
    }
}

/// A frame with this first byte, as `receiver` wants it.
pub fn frame(receiver: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    [header(receiver, first, payload.len() as u64), masked(receiver, payload)].concat()
}

/// The payload of a Close frame.
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}
