//! The workloads: what arrives, and how the transport cuts it into reads.

use crate::peers::Received;

/// One row of the table.
pub(crate) struct Work {
    /// What `--work` takes.
    pub(crate) name: &'static str,
    /// The head of the row.
    pub(crate) title: &'static str,
    /// Our figure divided by the best other one must stay below this.
    pub(crate) target: Option<f64>,
    reads: Reads,
    payload: usize,
    /// How many messages the script holds.
    messages: usize,
    /// How many times round the script the smaller of the two counts goes.
    rounds: usize,
}

enum Reads {
    /// A read gives one frame, as when messages come one by one.
    OneFrame,
    /// A read gives this many bytes whatever they hold, as when the sender is ahead.
    Bytes(usize),
}

/// All workloads, in the order of the rows.
pub(crate) const WORKS: &[Work] = &[
    Work {
        name: "receive-125-frame",
        title: "server receives a 125-byte masked binary message, one frame a read",
        target: Some(1.0),
        reads: Reads::OneFrame,
        payload: 125,
        messages: 4096,
        rounds: 4,
    },
    Work {
        name: "receive-125-16k",
        title: "server receives a 125-byte masked binary message, 16 KiB reads",
        target: None,
        reads: Reads::Bytes(16 * 1024),
        payload: 125,
        messages: 4096,
        rounds: 4,
    },
];

/// The bytes of a workload, the same in every process. The transport starts over when it reaches the end, so that
/// building the script costs the same however many messages are received.
pub(crate) struct Script {
    /// What the client sent.
    pub(crate) bytes: Vec<u8>,
    /// Where reads end, ascending; the last one is `bytes.len()`.
    pub(crate) ends: Vec<usize>,
    payloads: Vec<Vec<u8>>,
}

impl Work {
    /// The number of messages to count over, and to double.
    pub(crate) fn count(&self) -> usize {
        self.messages * self.rounds
    }

    pub(crate) fn script(&self) -> Script {
        let mut random = Random(0x5eed);
        let mut script = Script { bytes: Vec::new(), ends: Vec::new(), payloads: Vec::new() };
        for _ in 0..self.messages {
            let payload: Vec<u8> = (0..self.payload).map(|_| random.byte()).collect();
            push_binary_frame(&mut script.bytes, &payload, random.mask());
            script.payloads.push(payload);
            if matches!(self.reads, Reads::OneFrame) {
                script.ends.push(script.bytes.len());
            }
        }
        if let Reads::Bytes(size) = self.reads {
            script.ends.extend((size..script.bytes.len()).step_by(size));
            script.ends.push(script.bytes.len());
        }
        script
    }
}

impl Script {
    /// How many messages the script holds.
    pub(crate) fn len(&self) -> usize {
        self.payloads.len()
    }

    /// What a column must deliver as message number `index`, counted from 0 and over the end of the script.
    pub(crate) fn expected(&self, index: usize) -> Received<'_> {
        Received::Binary(&self.payloads[index % self.payloads.len()])
    }
}

fn push_binary_frame(bytes: &mut Vec<u8>, payload: &[u8], mask: [u8; 4]) {
    let length = u8::try_from(payload.len()).ok().filter(|&length| length <= 125);
    let length = length.expect("no workload has longer frames yet");
    bytes.extend([0x82, 0x80 | length]);
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// splitmix64: deterministic, and no mask or payload repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn mask(&mut self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        [a, b, c, d]
    }
}
