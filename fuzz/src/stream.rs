//! What the peer sends: bytes as they are, or frames built from a recipe.

use arbitrary::{Result, Unstructured};

use crate::frames::write_frame;

/// The first bytes of frames that are right in their place.
const GOOD: [u8; 9] = [
    0x81, // text
    0x82, // binary
    0x01, // the first fragment of a text
    0x02, // and of a binary message
    0x00, // a middle fragment
    0x80, // the last one
    0x89, // ping
    0x8a, // pong
    0x88, // close
];

/// What is wrong with a frame, where something is.
#[derive(Clone, Copy)]
enum Fault {
    ReservedBit,
    ReservedOpcode,
    FragmentedControl,
    WrongMaskBit,
    LengthNotMinimal,
    LengthTooBig,
    ClaimsMore,
    CutOff,
}

const FAULTS: [Fault; 8] = [
    Fault::ReservedBit,
    Fault::ReservedOpcode,
    Fault::FragmentedControl,
    Fault::WrongMaskBit,
    Fault::LengthNotMinimal,
    Fault::LengthTooBig,
    Fault::ClaimsMore,
    Fault::CutOff,
];

/// Recipes of this many kinds come first, so that most frames are right: a wrong one ends the connection.
const GOOD_KINDS: u8 = 56;

/// Payload lengths from this one on are places in [`SIZES`]; below, that many bytes of the recipe are the payload.
const LITERAL: u8 = 200;

/// Both sides of where the length field grows, of where a message is split off instead of copied, and of where it is
/// referenced on its way out.
const SIZES: [usize; 14] =
    [125, 126, 127, 1000, 1001, 1023, 1024, 4095, 4096, 65_534, 65_535, 65_536, 65_537, 70_000];

/// Large payloads are only made while the stream is shorter than this: a few bytes of input must not become minutes of
/// work.
const ENOUGH: usize = 64 * 1024;

/// Characters of every length, to fill large payloads: whatever the size, some of them are cut by a read.
const FILLER: &str = "aé€😀";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    AsIs,
    Recipes,
}

/// The stream of a fuzzer's input, not built yet: that needs to know which side sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stream {
    source: Source,
    bytes: Vec<u8>,
}

impl Stream {
    pub fn as_is(bytes: impl Into<Vec<u8>>) -> Self {
        Self { source: Source::AsIs, bytes: bytes.into() }
    }

    /// Frames built from [`recipe`]s, one after the other.
    pub fn recipes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { source: Source::Recipes, bytes: bytes.into() }
    }

    pub(crate) fn take_rest(u: &mut Unstructured<'_>) -> Result<Self> {
        let source = if u.arbitrary::<u8>()? % 2 == 0 { Source::AsIs } else { Source::Recipes };
        Ok(Self { source, bytes: u.bytes(u.len())?.to_vec() })
    }

    pub(crate) fn encode(&self, input: &mut Vec<u8>) {
        input.push(u8::from(self.source == Source::Recipes));
        input.extend(&self.bytes);
    }

    /// The bytes, as a client (`masked`) or a server sends them.
    pub(crate) fn build(&self, masked: bool) -> Vec<u8> {
        if self.source == Source::AsIs {
            return self.bytes.clone();
        }
        let mut stream = Vec::new();
        let mut recipes = &self.bytes[..];
        while let Some((&[kind, len], rest)) = recipes.split_first_chunk() {
            let (payload, rest) = payload(len, rest, stream.len() < ENOUGH);
            push_frame(&mut stream, kind, masked, &payload);
            recipes = rest;
        }
        stream
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} \"{}\"", self.source, self.bytes.escape_ascii())
    }
}

/// The recipe of a frame with this first byte, which must be a good one, and at most 199 bytes of payload.
pub fn recipe(first: u8, payload: &[u8]) -> Vec<u8> {
    let kind = GOOD.iter().position(|good| *good == first).expect("a good first byte");
    assert!(payload.len() < usize::from(LITERAL));
    let mut recipe = vec![kind as u8 | 0x40, payload.len() as u8];
    recipe.extend(payload);
    recipe
}

/// The payload length that this number stands for, if it stands for one.
pub(crate) fn payload_len(number: u8) -> Option<usize> {
    number.checked_sub(LITERAL).map(|place| SIZES[usize::from(place) % SIZES.len()])
}

fn payload(len: u8, rest: &[u8], may_be_large: bool) -> (Vec<u8>, &[u8]) {
    if len < LITERAL {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(len)));
        return (payload.to_vec(), rest);
    }
    let size = payload_len(len).filter(|_| may_be_large).unwrap_or_default();
    let mut payload = FILLER.repeat(size / FILLER.len() + 1).into_bytes();
    payload.truncate(size);
    (payload, rest)
}

/// The low six bits of `kind` say which frame, the others how it is masked.
fn push_frame(stream: &mut Vec<u8>, kind: u8, masked: bool, payload: &[u8]) {
    let key = match kind >> 6 {
        0 => [0; 4],
        1 => [0x37, 0xfa, 0x21, 0x3d],
        2 => [0xff, 0, 0, 0],
        _ => [0x80, 0x81, 0x82, 0x83],
    };
    let kind = kind & 0x3f;
    let first = GOOD[usize::from(kind) % GOOD.len()];
    let mask = masked.then_some(key);
    let header = |len_field: &[u8]| {
        let mask_bit = if masked { 0x80 } else { 0 };
        let mut header = vec![first, mask_bit | len_field[0]];
        header.extend(&len_field[1..]);
        header.extend(mask.iter().flatten());
        header
    };
    let Some(fault) = kind.checked_sub(GOOD_KINDS) else {
        return write_frame(stream, first, mask, payload);
    };
    match FAULTS[usize::from(fault) % FAULTS.len()] {
        Fault::ReservedBit => write_frame(stream, first | 0x40, mask, payload),
        Fault::ReservedOpcode => write_frame(stream, 0x83, mask, payload),
        Fault::FragmentedControl => write_frame(stream, 0x09, mask, payload),
        Fault::WrongMaskBit => write_frame(stream, first, if masked { None } else { Some(key) }, payload),
        // The largest lengths that need fewer bytes.
        Fault::LengthNotMinimal if payload.is_empty() => {
            stream.extend(header(&[127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]));
        }
        Fault::LengthNotMinimal => stream.extend(header(&[126, 0, 125])),
        Fault::LengthTooBig => stream.extend(header(&[127, 0x80, 0, 0, 0, 0, 0, 0, 1])),
        Fault::ClaimsMore => stream.extend(header(&[127, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff])),
        Fault::CutOff => {
            write_frame(stream, first, mask, payload);
            stream.pop();
        }
    }
}
