//! The codec by itself: what it writes, and that nothing depends on how it is cut.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, Deflate, Role};
use crate::upgrade::DeflateParameters;

fn agreed(takeover: bool, bits: u8) -> (Config, DeflateParameters) {
    let policy = Deflate {
        context_takeover: takeover,
        peer_context_takeover: takeover,
        window_bits: bits,
        threshold: 0,
        ..Deflate::default()
    };
    let agreed = policy.answer([&b"permessage-deflate; client_max_window_bits"[..]]).unwrap();
    (Config { deflate: Some(policy), ..Config::default() }, agreed)
}

/// Inflates a message whose payload comes in pieces of this size, no more than `most` at a time.
fn inflate(inflater: &mut Inflater, payload: &[u8], step: usize, most: usize) -> Result<Vec<u8>, Corrupt> {
    let mut message = Vec::new();
    let (mut rest, mut end) = (payload, 0);
    loop {
        // The end of a message may come with its last piece, or alone.
        let piece = &rest[..rest.len().min(step)];
        let ends = piece.len() == rest.len() && (piece.is_empty() || step.is_multiple_of(2));
        let take = |inflated: &[u8], _| message.extend_from_slice(inflated);
        let (done, ()) = inflater.inflate(piece, None, ends, most as u64, take)?;
        rest = &rest[done.used..];
        end += done.filled;
        assert_eq!(message.len(), end);
        match done.pause {
            Pause::Full => assert!(done.filled > 0),
            Pause::Drained => {
                assert!(done.used > 0 || (piece.is_empty() && !ends), "there was room for more");
            }
            Pause::EndOfMessage => {
                assert!(rest.is_empty());
                return Ok(message);
            }
        }
    }
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(0_u8..3, 0..2000),
        (any::<u8>(), 0_usize..20_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cuts_do_not_matter(
        messages in prop::collection::vec((payload(), any::<Option<u8>>()), 1..5),
        takeover: bool,
        level in 0_u8..10,
        step in 1_usize..100,
        room in 1_usize..1000,
    ) {
        let (mut config, agreed) = agreed(takeover, 15);
        config.deflate.as_mut().unwrap().level = level;
        let mut deflater = Deflater::new(&config, agreed, Role::Client);
        let mut inflater = Inflater::new(&config, agreed, Role::Server);
        for (message, cut) in messages {
            let payload = match cut {
                // What does not get smaller is sent as it is.
                None => deflater.compress(&message),
                Some(cut) => {
                    let (front, back) = message.split_at(message.len().min(cut.into()));
                    let front = deflater.compress_chunk(front, true, false).unwrap();
                    let back = deflater.compress_chunk(back, false, true).unwrap();
                    Some([front, back].concat().into())
                }
            };
            let Some(payload) = payload else { continue };
            prop_assert_eq!(inflate(&mut inflater, &payload, step, room), Ok(message));
        }
    }

    #[test]
    fn noise_is_the_same_noise_however_it_is_cut(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        step in 1_usize..100,
        room in 1_usize..1000,
    ) {
        let (config, agreed) = agreed(false, 15);
        let mut inflater = Inflater::new(&config, agreed, Role::Server);
        let whole = inflate(&mut inflater, &noise, usize::MAX, 1 << 20);
        let mut inflater = Inflater::new(&config, agreed, Role::Server);
        let cut = inflate(&mut inflater, &noise, step, room);
        prop_assert_eq!(cut, whole);
    }

    /// What a window of so many bits was agreed on for is understood by whoever holds no more than that.
    #[test]
    fn nothing_refers_back_beyond_the_window(
        messages in prop::collection::vec(prop::collection::vec(0_u8..6, 0..1500), 1..4),
        bits in 8_u8..12,
        level in 1_u8..10,
        takeover: bool,
    ) {
        let (mut config, agreed) = agreed(takeover, bits);
        config.deflate.as_mut().unwrap().level = level;
        let mut deflater = Deflater::new(&config, agreed, Role::Server);
        for message in messages {
            let Some(payload) = deflater.compress(&message) else { continue };
            let most = farthest(&[&payload[..], &TAIL].concat());
            prop_assert!(most <= 1 << bits, "{} bytes back with {} bits", most, bits);
        }
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let bytes = core::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    bytes.take(len).collect()
}

/// Also what just fills the room, or does not get smaller, and so takes several calls of the library.
#[test]
fn no_message_is_too_large_for_the_room() {
    for level in [0, 1, 6] {
        let (mut config, agreed) = agreed(true, 15);
        config.deflate.as_mut().unwrap().level = level;
        let mut deflater = Deflater::new(&config, agreed, Role::Client);
        let mut inflater = Inflater::new(&config, agreed, Role::Server);
        for len in (room::OUTPUT - 30..room::OUTPUT + 30).chain([room::INPUT, 5 * room::OUTPUT]) {
            let message = noise(len);
            let payload = deflater.compress(&message).unwrap();
            assert_eq!(
                inflate(&mut inflater, &payload, 1 << 20, 1 << 20),
                Ok(message),
                "{len} at level {level}"
            );
        }
    }
}

/// A context that was let go refers to nothing it has seen, whatever it was let go after.
#[test]
fn a_context_that_is_passed_on_has_forgotten() {
    for level in 1..=9 {
        passes_on_nothing(level);
    }
}

fn passes_on_nothing(level: u8) {
    let (mut config, takes_over) = agreed(true, 15);
    if let Some(policy) = &mut config.deflate {
        policy.level = level;
    }
    let alone = {
        let policy = Deflate { context_takeover: false, ..config.deflate.clone().unwrap() };
        let agreed = policy.answer([&b"permessage-deflate; server_no_context_takeover"[..]]).unwrap();
        (Config { deflate: Some(policy), ..Config::default() }, agreed)
    };
    let message = noise(1000);
    let message = [&message[..], &message[..]].concat();
    let compress_alone = || Deflater::new(&alone.0, alone.1, Role::Server).compress(&message).unwrap();
    let fresh = compress_alone();
    assert!(fresh.len() > 1000 && fresh.len() < 1100);
    assert_eq!(compress_alone(), fresh, "after a message");

    let mut deflater = Deflater::new(&alone.0, alone.1, Role::Server);
    assert!(deflater.compress_chunk(&message, true, false).is_some());
    assert_eq!(deflater.compress_chunk(b"", false, true).as_deref(), Some(&[0][..]));
    assert_eq!(compress_alone(), fresh, "after chunks of which the last is empty");

    let mut deflater = Deflater::new(&config, takes_over, Role::Server);
    assert_eq!(deflater.compress(&message), Some(fresh.clone()), "the same one, now kept");
    assert!(deflater.compress(&message).unwrap().len() < 100);
    assert!(deflater.takes_prepared(15));
    assert_eq!(compress_alone(), fresh, "after messages that it kept");
}

/// zlib has no window of 256 bytes for DEFLATE without its header; in one of 512 it refers back by 250 bytes at most.
#[test]
fn a_window_of_512_bytes_stands_in_for_one_of_256() {
    let message: Vec<u8> = noise(5_000).iter().map(|byte| byte % 6).collect();
    for level in 1..=9 {
        for (bits, range) in [(8, 240..=250), (9, 240..=250), (10, 700..=762), (11, 1700..=1786)] {
            let (mut config, agreed) = agreed(true, bits);
            config.deflate.as_mut().unwrap().level = level;
            let payload = Deflater::new(&config, agreed, Role::Server).compress(&message).unwrap();
            let most = farthest(&[&payload[..], &TAIL].concat());
            assert!(range.contains(&most), "{most} bytes back with {bits} bits at level {level}");
        }
    }
}

/// The bits of DEFLATE data, read by the words of RFC 1951 and by no library.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> usize {
        let bit = |at: usize| usize::from(self.bytes[at / 8] >> (at % 8) & 1);
        let value = (0..count).map(|index| bit(self.position + index) << index).sum();
        self.position += count;
        value
    }

    /// The symbol whose code comes next.
    fn symbol(&mut self, codes: &Codes) -> usize {
        let (mut code, mut first) = (0, 0);
        for symbols in &codes.0 {
            code |= self.take(1);
            if let Some(symbol) = symbols.get(code - first) {
                return *symbol;
            }
            first = (first + symbols.len()) << 1;
            code <<= 1;
        }
        panic!("no such code");
    }

    /// The codes for literals and lengths, and those for distances (§3.2.7).
    fn dynamic(&mut self) -> (Codes, Codes) {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let [literals, distances, codes] =
            [(5, 257), (5, 1), (4, 4)].map(|(bits, least)| self.take(bits) + least);
        let mut of_lengths = [0; 19];
        for place in &ORDER[..codes] {
            of_lengths[*place] = self.take(3) as u8;
        }
        let of_lengths = Codes::new(&of_lengths);
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < literals + distances {
            match self.symbol(&of_lengths) {
                16 => lengths.resize(lengths.len() + 3 + self.take(2), *lengths.last().unwrap()),
                17 => lengths.resize(lengths.len() + 3 + self.take(3), 0),
                18 => lengths.resize(lengths.len() + 11 + self.take(7), 0),
                length => lengths.push(length as u8),
            }
        }
        let distances = lengths.split_off(literals);
        (Codes::new(&lengths), Codes::new(&distances))
    }
}

/// The symbols that have codes of 1, 2 and so on bits, in the order of their codes (§3.2.2).
struct Codes(Vec<Vec<usize>>);

impl Codes {
    fn new(lengths: &[u8]) -> Self {
        let symbols = |length| (0..lengths.len()).filter(|symbol| lengths[*symbol] == length).collect();
        Self((1..16).map(symbols).collect())
    }
}

/// How far back the data refer at most.
fn farthest(data: &[u8]) -> usize {
    let fixed = || Codes::new(&[vec![8; 144], vec![9; 112], vec![7; 24], vec![8; 8]].concat());
    let mut bits = Bits { bytes: data, position: 0 };
    let mut farthest = 0;
    while bits.position.div_ceil(8) < data.len() {
        assert_eq!(bits.take(1), 0, "no block is the last one");
        let (literals, distances) = match bits.take(2) {
            0 => {
                bits.position = bits.position.next_multiple_of(8);
                let len = bits.take(16);
                bits.position += 16 + 8 * len;
                continue;
            }
            1 => (fixed(), Codes::new(&[5; 30])),
            _ => bits.dynamic(),
        };
        loop {
            match bits.symbol(&literals) {
                0..=255 => {}
                256 => break,
                length => {
                    let extra = if length < 265 || length == 285 { 0 } else { (length - 261) / 4 };
                    bits.take(extra);
                    let distance = bits.symbol(&distances);
                    let extra = distance.saturating_sub(2) / 2;
                    let base = if distance < 4 { distance + 1 } else { ((2 + distance % 2) << extra) + 1 };
                    farthest = farthest.max(base + bits.take(extra));
                }
            }
        }
    }
    farthest
}
