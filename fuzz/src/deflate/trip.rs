//! The target `deflate_round_trip`: messages that one library deflates and the other inflates, both ways.

use arbitrary::{Arbitrary, Result, Unstructured};
use websocket_proto::{Chunk, Delivery, Message, Role};

use super::{connection, hear, policy, push_bytes, reference, take_bytes, written};
use crate::cuts::Cuts;
use crate::frames::write_frame;

/// No message is longer than this: the frames of the largest are still few.
const LONGEST: usize = 100_000;

/// Messages, whole and in chunks, and how they are compressed and carried.
///
/// As bytes: a byte of switches, the window, the level, the cuts, and the pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    pub takeover: bool,
    pub delivery: Delivery,
    pub bits: u8,
    pub level: u8,
    pub cuts: Cuts,
    pub pieces: Vec<Piece>,
}

/// A piece of a message: these bytes, so many times more.
///
/// As bytes: a byte of switches, the number, and the bytes with their length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub is_last: bool,
    /// Whether messages that begin from now on are compressed.
    pub compresses: bool,
    pub times: u8,
    pub bytes: Vec<u8>,
}

impl<'a> Arbitrary<'a> for Trip {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let switches: u8 = u.arbitrary()?;
        let (bits, level) = (8 + u.arbitrary::<u8>()? % 8, u.arbitrary::<u8>()? % 10);
        let cuts = Cuts::take(u)?;
        let mut pieces = Vec::new();
        while !u.is_empty() {
            let switches: u8 = u.arbitrary()?;
            pieces.push(Piece {
                is_last: switches & 1 == 0,
                compresses: switches & 2 == 0,
                times: u.arbitrary()?,
                bytes: take_bytes(u)?,
            });
        }
        Ok(Self {
            takeover: switches & 1 != 0,
            delivery: if switches & 2 == 0 { Delivery::Messages } else { Delivery::Chunks },
            bits,
            level,
            cuts,
            pieces,
        })
    }
}

impl Trip {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let switches = u8::from(self.takeover) | u8::from(self.delivery == Delivery::Chunks) << 1;
        let mut input = vec![switches, self.bits - 8, self.level];
        self.cuts.encode(&mut input);
        for Piece { is_last, compresses, times, bytes } in &self.pieces {
            input.extend([u8::from(!is_last) | u8::from(!compresses) << 1, *times]);
            push_bytes(&mut input, bytes);
        }
        input
    }
}

pub fn travel(trip: &Trip) {
    let policy = || policy(trip.takeover, trip.bits, trip.level);
    let mut sender = connection(Role::Server, policy(), Delivery::Messages, LONGEST as u64);
    let mut theirs = reference::Deflater::new(trip.level);
    let (mut stream, mut from_them, mut messages, mut message) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for piece in &trip.pieces {
        let payload = piece.bytes.repeat(usize::from(piece.times) + 1);
        if message.len() + payload.len() > LONGEST {
            break;
        }
        sender.set_compression(piece.compresses);
        let chunk: Message = payload.clone().into();
        let is_whole = message.is_empty() && piece.is_last && !sender.is_sending_chunks();
        message.extend(payload);
        let sent = if is_whole {
            sender.send(chunk).is_ok()
        } else {
            sender.send_chunk(if piece.is_last { Chunk::last(chunk) } else { Chunk::more(chunk) }).is_ok()
        };
        assert!(sent, "there is room");
        stream.extend(written(&mut sender));
        if piece.is_last {
            if !trip.takeover {
                theirs = reference::Deflater::new(trip.level);
            }
            write_frame(&mut from_them, 0xc2, None, &theirs.message(&message));
            messages.push(std::mem::take(&mut message));
        }
    }

    assert_eq!(read_by_reference(&stream, trip.takeover), messages);
    for stream in [stream, from_them] {
        // The other library has no smaller windows, and whoever receives need not have one.
        let receiver = connection(Role::Client, policy(), trip.delivery, LONGEST as u64);
        let heard = hear(receiver, trip.cuts.pieces(&stream));
        assert!(
            heard.whole == messages,
            "{} of {} messages: {}",
            heard.whole.len(),
            messages.len(),
            heard.close
        );
    }
}

/// The messages in a server's stream, inflated by the other library.
fn read_by_reference(stream: &[u8], takeover: bool) -> Vec<Vec<u8>> {
    let mut reference = reference::Inflater::new();
    let (mut messages, mut payload, mut is_compressed) = (Vec::new(), Vec::new(), false);
    let mut rest = stream;
    while let [first, len, after @ ..] = rest {
        let wide = match len {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let (long, after) = after.split_at(wide);
        let long = long.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        let (piece, after) = after.split_at(if wide == 0 { usize::from(*len) } else { long });
        rest = after;
        if first & 0x0f != 0 {
            is_compressed = first & 0x40 != 0;
        }
        payload.extend_from_slice(piece);
        if first & 0x80 != 0 {
            let payload = std::mem::take(&mut payload);
            if !takeover {
                reference = reference::Inflater::new();
            }
            messages.push(if is_compressed {
                reference.message(&payload, usize::MAX).expect("DEFLATE data")
            } else {
                payload
            });
        }
    }
    messages
}
