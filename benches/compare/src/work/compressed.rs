//! Receiving a compressed message and sending it back compressed, in the server's role.

use std::sync::Arc;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush};

use super::{Comparison, Work, frames, random::Random};
use crate::{
    peers::{Compression, Failure, Kind, LIBRARY, Outcome, Peer, TAIL},
    transport::{Recording, Script, Transport},
};

/// How many different messages follow each other, over and over. At the start of each round the peer forgets what it has sent,
/// as a sender may: so the first round and the later ones can be the same bytes.
const MESSAGES: usize = 64;

pub(super) struct Compressed {
    compression: Compression,
    texts: Vec<Vec<u8>>,
    frames: Arc<Script>,
    /// The payloads alone, for the library.
    payloads: Arc<Script>,
}

impl Compressed {
    pub(super) fn new(size: usize, compression: Compression) -> Self {
        let mut random = Random::new(0x5eed);
        let texts: Vec<_> = (0..MESSAGES).map(|_| json(size, &mut random)).collect();
        let payloads = compress(&texts, compression);
        let frames = payloads.iter().map(|payload| frame(payload, random.mask())).collect();
        Self { compression, texts, frames: script(frames), payloads: script(payloads) }
    }

    fn script(&self, peer: &dyn Peer) -> &Arc<Script> {
        if is_library(peer) { &self.payloads } else { &self.frames }
    }

    /// The messages in what a column has written.
    fn read(&self, peer: &dyn Peer, written: &[u8], count: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let mut inflate = Inflate::new(false, 15);
        let length = self.texts[0].len();
        if is_library(peer) {
            // The end of each payload is still there.
            let all = inflated(&mut inflate, written, count * length)?;
            return Ok(all.chunks(length).map(<[u8]>::to_vec).collect());
        }
        let mut texts = Vec::new();
        for mut message in frames::read_compressed(written)? {
            if message.kind != Kind::Text {
                return Err("a text came back as something else".into());
            }
            if !self.compression.takeover {
                inflate.reset(false);
            }
            message.payload.extend(TAIL);
            texts.push(inflated(&mut inflate, &message.payload, length)?);
        }
        Ok(texts)
    }
}

impl Work for Compressed {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        peer.echo_compressed(Transport::new(self.script(peer)), count, self.compression)
    }

    fn check(&self, peer: &dyn Peer) -> Outcome {
        let wanted = 2 * MESSAGES;
        let recording = Recording::default();
        let io = Transport::recording(self.script(peer), &recording);
        peer.echo_compressed(io, wanted, self.compression)?;
        let written = recording.lock().expect("nobody panics holding it");
        let mut comparison = Comparison::new();
        for text in self.read(peer, &written.bytes, wanted)? {
            let right = text == self.texts[comparison.seen % MESSAGES];
            comparison.add(right, || String::from_utf8_lossy(&text).into_owned());
        }
        comparison.verdict(wanted)
    }

    fn weight(&self) -> usize {
        40 * self.texts[0].len()
    }

    fn multiple(&self) -> usize {
        MESSAGES
    }
}

/// One message of 1 KiB as it comes compressed, after which nothing comes for a few reads.
pub(crate) fn one_message() -> Arc<Script> {
    let text = json(1024, &mut Random::new(0x5eed));
    let payload = compress(&[text], Compression { level: 6, takeover: false, window_bits: 15 }).remove(0);
    let bytes = frame(&payload, [0x37, 0xfa, 0x21, 0x3d]);
    Arc::new(Script { ends: vec![bytes.len(); 4], bytes, stops: false })
}

fn is_library(peer: &dyn Peer) -> bool {
    peer.about().name == LIBRARY.about().name
}

/// Text of this many bytes, as a JSON API sends it.
fn json(size: usize, random: &mut Random) -> Vec<u8> {
    let mut text = String::from("[");
    while text.len() < size {
        let [id, user, price, tag] = [1 << 20, 1000, 500_000, 30].map(|limit| random.below(limit));
        let (whole, cents, active) = (price / 100, price % 100, id % 2 == 0);
        text += &format!(
            "{{\"id\":{id},\"user\":\"user{user}\",\"price\":{whole}.{cents:02},\"active\":{active},\"tags\":[\"red\",\"t{tag}\"]}},"
        );
    }
    text.truncate(size);
    text.into_bytes()
}

/// The payloads of these messages, as zlib's defaults make them.
fn compress(texts: &[Vec<u8>], compression: Compression) -> Vec<Vec<u8>> {
    let config =
        DeflateConfig { level: compression.level.into(), window_bits: -15, ..DeflateConfig::default() };
    let mut deflate = Deflate::new_with_config(config);
    let mut payloads = Vec::new();
    for text in texts {
        if !compression.takeover {
            deflate.reset();
        }
        let mut payload = vec![0; text.len() + 64];
        let before = deflate.total_out();
        deflate.compress(text, &mut payload, DeflateFlush::SyncFlush).expect("it fits");
        payload.truncate(usize::try_from(deflate.total_out() - before).expect("it fits"));
        assert!(payload.ends_with(&TAIL), "a flush ends so");
        payload.truncate(payload.len() - TAIL.len());
        payloads.push(payload);
    }
    payloads
}

/// What comes of `payload`, which should be `length` bytes.
fn inflated(inflate: &mut Inflate, payload: &[u8], length: usize) -> Result<Vec<u8>, Failure> {
    let mut text = vec![0; length + 64];
    let before = inflate.total_out();
    let result = inflate.decompress(payload, &mut text, InflateFlush::SyncFlush);
    result.map_err(|error| format!("it does not inflate: {error:?}"))?;
    text.truncate(usize::try_from(inflate.total_out() - before)?);
    Ok(text)
}

/// A client's compressed text.
fn frame(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames::push(&mut bytes, Kind::Text, payload, mask);
    bytes[0] |= frames::RSV1;
    bytes
}

/// One of these a read.
fn script(reads: Vec<Vec<u8>>) -> Arc<Script> {
    let mut script = Script::default();
    for read in reads {
        script.bytes.extend(read);
        script.ends.push(script.bytes.len());
    }
    Arc::new(script)
}
