//! Receiving: what a client sent arrives, and a server hands it out.

use std::{hint::black_box, sync::Arc};

use super::{Comparison, Work, frames, random::Random};
use crate::{
    peers::{Kind, Outcome, Peer, Received},
    transport::{Script, Transport},
};

/// What the payloads are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    Binary,
    /// Text of one byte a character.
    Ascii,
    /// Text with characters of one to four bytes, as in an article in a language with few ASCII letters.
    Mixed,
}

/// How a transport cuts the stream into reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reads {
    /// A read gives this many whole frames: one, when messages come one by one.
    Frames(usize),
    /// A read gives this many bytes whatever they hold, as when the sender is ahead.
    Bytes(usize),
}

/// Messages of one kind and size.
pub(super) struct Messages {
    pub(super) script: Arc<Script>,
    pub(super) kind: Kind,
    pub(super) payloads: Vec<Vec<u8>>,
}

impl Messages {
    pub(super) fn new(content: Content, size: usize, reads: Reads) -> Self {
        let mut random = Random::new(0x5eed);
        let kind = if content == Content::Binary { Kind::Binary } else { Kind::Text };
        // Few enough to stay in the CPU's cache with small messages, many enough to fill several reads.
        let count = (256 * 1024 / (size + 32)).clamp(4, 2048).next_multiple_of(16);
        let payloads: Vec<_> = (0..count).map(|_| payload(content, size, &mut random)).collect();
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (index, payload) in payloads.iter().enumerate() {
            frames::push(&mut bytes, kind, payload, random.mask());
            if matches!(reads, Reads::Frames(frames) if (index + 1).is_multiple_of(frames)) {
                ends.push(bytes.len());
            }
        }
        if let Reads::Bytes(size) = reads {
            ends.extend((size..bytes.len()).step_by(size));
            ends.push(bytes.len());
        }
        Self { script: Arc::new(Script { bytes, ends, stops: false }), kind, payloads }
    }

    /// What message number `index` is, counted from 0 and over the end of the script.
    pub(super) fn expected(&self, index: usize) -> Received<'_> {
        Received { kind: self.kind, payload: &self.payloads[index % self.payloads.len()] }
    }
}

fn payload(content: Content, size: usize, random: &mut Random) -> Vec<u8> {
    const MIXED: [char; 8] = ['a', ' ', 'е', 'ж', 'é', '語', '漢', '🙂'];
    match content {
        Content::Binary => (0..size).map(|_| random.byte()).collect(),
        Content::Ascii => (0..size).map(|_| b' ' + random.byte() % 95).collect(),
        Content::Mixed => {
            let mut text = String::with_capacity(size);
            while text.len() < size {
                let next = MIXED[random.below(MIXED.len())];
                text.push(if text.len() + next.len_utf8() <= size { next } else { '.' });
            }
            text.into_bytes()
        }
    }
}

pub(super) struct Receive {
    messages: Messages,
    size: usize,
}

impl Receive {
    pub(super) fn new(content: Content, size: usize, reads: Reads) -> Self {
        Self { messages: Messages::new(content, size, reads), size }
    }
}

impl Work for Receive {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        peer.receive(Transport::new(&self.messages.script), count, &mut |message| {
            black_box(message);
        })
    }

    /// Twice round the script, so that its end is passed.
    fn check(&self, peer: &dyn Peer) -> Outcome {
        let wanted = 2 * self.messages.payloads.len();
        let mut comparison = Comparison::new();
        peer.receive(Transport::new(&self.messages.script), wanted, &mut |message| {
            let right = message == self.messages.expected(comparison.seen);
            comparison.add(right, || format!("{message:?}"));
        })?;
        comparison.verdict(wanted)
    }

    fn weight(&self) -> usize {
        700 + self.size / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{About, Each, PEERS};

    type Fault = fn(usize, Received<'_>, Each<'_>);

    /// Passes on what a real column delivers, but for one fault.
    struct Faulty(Fault);

    impl Peer for Faulty {
        fn about(&self) -> About {
            PEERS[0].about()
        }

        fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
            let mut index = 0;
            PEERS[0].receive(io, count, &mut |message| {
                self.0(index, message, each);
                index += 1;
            })
        }
    }

    fn verdict(fault: Fault) -> Result<(), String> {
        let work = Receive::new(Content::Binary, 125, Reads::Frames(1));
        work.check(&Faulty(fault)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_honest_column_passes() {
        assert_eq!(verdict(|_, message, each| each(message)), Ok(()));
    }

    #[test]
    fn a_missing_message_is_found() {
        let verdict = verdict(|index, message, each| {
            if index != 3000 {
                each(message);
            }
        });
        assert!(verdict.unwrap_err().starts_with("message 3000: "));
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let verdict = verdict(|index, message, each| {
            let mut payload = message.payload.to_vec();
            payload[124] ^= u8::from(index == 7);
            each(Received { payload: &payload, ..message });
        });
        assert!(verdict.unwrap_err().starts_with("message 7: "));
    }

    #[test]
    fn every_text_has_its_size_and_is_utf8() {
        for (content, size) in [(Content::Ascii, 125), (Content::Mixed, 16), (Content::Mixed, 1024)] {
            for payload in Messages::new(content, size, Reads::Bytes(16 * 1024)).payloads {
                assert_eq!((payload.len(), std::str::from_utf8(&payload).is_ok()), (size, true));
            }
        }
    }
}
