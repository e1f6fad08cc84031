//! Frames (RFC 6455 §5) a second time: from the text of the RFC and in another way than the crate, so that each can be
//! held against the other.

use std::str;

use websocket_proto::StreamPosition;

/// What a stream of frames carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// Its code and reason; `None` for an empty one.
    Close(Option<(u16, String)>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The bytes were used up, here.
    Bytes(StreamPosition),
    /// A Close frame came, with this many bytes behind it.
    Closed { behind: usize },
    /// A rule was broken that is reported with this close code.
    Broken(u16),
}

#[derive(Debug)]
pub(crate) struct Reading {
    /// Each with the place in the stream where its last frame ends.
    pub(crate) items: Vec<(usize, Item)>,
    pub(crate) end: End,
}

struct Head {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    len: u64,
}

/// Reads a stream that a client (`masked`) or a server sent, for a receiver that takes messages of at most `limit` bytes.
pub(crate) fn read(stream: &[u8], masked: bool, limit: u64) -> Reading {
    let mut items = Vec::new();
    let end = read_frames(stream, masked, limit, &mut items);
    Reading { items, end: end.unwrap_or_else(End::Broken) }
}

fn read_frames(stream: &[u8], masked: bool, limit: u64, items: &mut Vec<(usize, Item)>) -> Result<End, u16> {
    let mut at = 0;
    let mut message: Option<(u8, Vec<u8>)> = None;
    loop {
        if at == stream.len() {
            let inside = message.is_some();
            return Ok(End::Bytes(if inside {
                StreamPosition::InsideMessage
            } else {
                StreamPosition::BetweenMessages
            }));
        }
        let Some(head) = read_head(stream, &mut at, masked)? else {
            return Ok(End::Bytes(StreamPosition::InsideFrame));
        };
        match (head.opcode, &message) {
            (0, None) | (1 | 2, Some(_)) => return Err(1002),
            _ => {}
        }
        let before = message.as_ref().map_or(0, |(_, payload)| payload.len());
        if head.opcode < 8 && before as u64 + head.len > limit {
            return Err(1009);
        }
        let there = usize::try_from(head.len).unwrap_or(usize::MAX).min(stream.len() - at);
        let whole = there as u64 == head.len;
        let payload = masked_copy(&stream[at..at + there], head.mask);
        at += there;

        if head.opcode >= 8 {
            if !whole {
                return Ok(End::Bytes(StreamPosition::InsideFrame));
            }
            items.push((at, control(head.opcode, payload)?));
            if head.opcode == 8 {
                return Ok(End::Closed { behind: stream.len() - at });
            }
            continue;
        }
        let (opcode, assembled) = message.get_or_insert((head.opcode, Vec::new()));
        assembled.extend(payload);
        if *opcode == 1 {
            // Wrong as soon as nothing can mend it, also within a frame (§8.1).
            match str::from_utf8(assembled) {
                Err(error) if error.error_len().is_some() || (whole && head.fin) => return Err(1007),
                _ => {}
            }
        }
        if !whole {
            return Ok(End::Bytes(StreamPosition::InsideFrame));
        }
        if head.fin {
            let (opcode, payload) = message.take().unwrap_or_default();
            let text = opcode == 1;
            items.push((at, if text { Item::Text(utf8(payload)?) } else { Item::Binary(payload) }));
        }
    }
}

/// `None`: it is cut off.
fn read_head(stream: &[u8], at: &mut usize, masked: bool) -> Result<Option<Head>, u16> {
    let mut take = |count: usize| {
        let taken = stream.get(*at..*at + count)?;
        *at += count;
        Some(taken)
    };
    let Some(two) = take(2) else { return Ok(None) };
    let (fin, opcode, mask_bit, short) = (two[0] >= 0x80, two[0] & 0xf, two[1] >= 0x80, two[1] & 0x7f);
    let is_control = opcode >= 8;
    let wrong = two[0] & 0x70 != 0
        || !matches!(opcode, 0..=2 | 8..=10)
        || mask_bit != masked
        || (is_control && (!fin || short > 125));
    if wrong {
        return Err(1002);
    }
    let len = match short {
        126 | 127 => {
            let Some(bytes) = take(if short == 126 { 2 } else { 8 }) else { return Ok(None) };
            let len = bytes.iter().fold(0_u64, |len, byte| len << 8 | u64::from(*byte));
            let least = if short == 126 { 126 } else { 1 << 16 };
            if len < least || len >= 1 << 63 {
                return Err(1002);
            }
            len
        }
        short => u64::from(short),
    };
    let mut mask = [0; 4];
    if masked {
        let Some(key) = take(4) else { return Ok(None) };
        mask.copy_from_slice(key);
    }
    Ok(Some(Head { fin, opcode, mask, len }))
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Item, u16> {
    Ok(match opcode {
        9 => Item::Ping(payload),
        10 => Item::Pong(payload),
        _ => match *payload.as_slice() {
            [] => Item::Close(None),
            [_] => return Err(1002),
            [high, low, ref reason @ ..] => {
                let reason = utf8(reason.to_vec())?;
                let code = u16::from(high) << 8 | u16::from(low);
                let defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
                if !defined.contains(&code) && code / 1000 != 3 && code / 1000 != 4 {
                    return Err(1002);
                }
                Item::Close(Some((code, reason)))
            }
        },
    })
}

fn utf8(bytes: Vec<u8>) -> Result<String, u16> {
    String::from_utf8(bytes).map_err(|_| 1007)
}

/// Appends a frame: its first byte as given, its length in the shortest form.
pub fn write_frame(stream: &mut Vec<u8>, first: u8, mask: Option<[u8; 4]>, payload: &[u8]) {
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    stream.push(first);
    match payload.len() {
        len @ 0..=125 => stream.push(mask_bit | len as u8),
        len @ 126..=0xffff => {
            stream.push(mask_bit | 126);
            stream.extend((len as u16).to_be_bytes());
        }
        len => {
            stream.push(mask_bit | 127);
            stream.extend((len as u64).to_be_bytes());
        }
    }
    stream.extend(mask.iter().flatten());
    stream.extend(masked_copy(payload, mask.unwrap_or_default()));
}

/// Masking is its own inverse. By words, since the instrumentation makes a loop over bytes very slow.
fn masked_copy(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut copy = payload.to_vec();
    let (words, rest) = copy.as_chunks_mut();
    for word in words {
        *word = (u32::from_le_bytes(*word) ^ u32::from_le_bytes(mask)).to_le_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    copy
}
