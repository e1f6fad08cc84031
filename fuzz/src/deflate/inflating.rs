//! The target `inflate`: any bytes as compressed messages, whole and in pieces, beside a second library.

use arbitrary::{Arbitrary, Result, Unstructured};
use websocket_proto::{Cause, Delivery, Limit, Role, Violation};

use super::{connection, hear, policy, push_bytes, reference, take_bytes};
use crate::cuts::Cuts;
use crate::frames::write_frame;

/// So low that a few bytes reach it, and more than one step takes.
const LIMIT: usize = 150_000;

/// Payloads of compressed messages, and how they come.
///
/// As bytes: a byte of switches, the payload that each frame but the last of its message has, less one, the cuts, and the payloads,
/// each with its length in two bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inflating {
    pub role: Role,
    pub delivery: Delivery,
    pub takeover: bool,
    pub fragment: u8,
    pub cuts: Cuts,
    pub payloads: Vec<Vec<u8>>,
}

impl<'a> Arbitrary<'a> for Inflating {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let switches: u8 = u.arbitrary()?;
        let (fragment, cuts) = (u.arbitrary()?, Cuts::take(u)?);
        let mut payloads = Vec::new();
        while !u.is_empty() {
            payloads.push(take_bytes(u)?);
        }
        Ok(Self {
            role: if switches & 1 == 0 { Role::Server } else { Role::Client },
            delivery: if switches & 2 == 0 { Delivery::Messages } else { Delivery::Chunks },
            takeover: switches & 4 != 0,
            fragment,
            cuts,
            payloads,
        })
    }
}

impl Inflating {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let switches = [self.role == Role::Client, self.delivery == Delivery::Chunks, self.takeover];
        let switches = switches.iter().enumerate().map(|(bit, on)| u8::from(*on) << bit).sum();
        let mut input = vec![switches, self.fragment];
        self.cuts.encode(&mut input);
        for payload in &self.payloads {
            push_bytes(&mut input, payload);
        }
        input
    }

    fn stream(&self) -> Vec<u8> {
        let mask = (self.role == Role::Server).then_some([0x37, 0xfa, 0x21, 0x3d]);
        let mut stream = Vec::new();
        for payload in &self.payloads {
            let mut frames = payload.chunks(usize::from(self.fragment) + 1).peekable();
            let (mut first, mut piece) = (0x42, frames.next().unwrap_or_default());
            loop {
                let next = frames.next();
                write_frame(&mut stream, if next.is_some() { first } else { first | 0x80 }, mask, piece);
                let Some(next) = next else { break };
                (first, piece) = (0, next);
            }
        }
        stream
    }
}

pub fn inflate(inflating: &Inflating) {
    let stream = inflating.stream();
    let open = || {
        let policy = policy(inflating.takeover, 15, 1);
        connection(inflating.role, policy, inflating.delivery, LIMIT as u64)
    };
    let whole = hear(open(), [&stream[..]].into_iter());
    let pieces = hear(open(), inflating.cuts.pieces(&stream));
    assert_eq!(whole.whole, pieces.whole);
    assert_eq!(whole.close.cause(), pieces.close.cause());

    assert!(whole.begun.is_empty() || inflating.delivery == Delivery::Chunks);

    let mut reference = reference::Inflater::new();
    let mut heard = whole.whole.iter();
    for payload in &inflating.payloads {
        if !inflating.takeover {
            reference = reference::Inflater::new();
        }
        let too_large = Cause::Limit(Limit::MessageSize(LIMIT as u64));
        match (heard.next(), reference.message(payload, LIMIT + 1)) {
            (Some(heard), Ok(message)) => {
                assert!(*heard == message, "{} bytes, not {}", heard.len(), message.len());
            }
            (Some(_), Err(reference::Corrupt)) => panic!("this is no DEFLATE data: {payload:x?}"),
            (None, Ok(message)) => {
                assert!(message.len() > LIMIT, "{}: {} bytes", whole.close, message.len());
                return assert_eq!(whole.close.cause(), too_large);
            }
            (None, Err(reference::Corrupt)) => {
                let corrupt = Cause::Violation(Violation::InvalidDeflate);
                return assert!([corrupt, too_large].contains(&whole.close.cause()), "{}", whole.close);
            }
        }
    }
    assert!(matches!(whole.close.cause(), Cause::EndOfStream(_)), "{}", whole.close);
}
