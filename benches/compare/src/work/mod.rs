//! The rows: what is done, and with what.

mod compressed;
mod echo;
pub(crate) mod frames;
mod handshake;
pub(crate) mod probes;
mod random;
mod receive;
mod rows;
mod send;

use crate::peers::{Failure, Outcome, Peer};

pub(crate) use compressed::one_message;
pub(crate) use rows::{COUNTED_CROWD, Row, TIMED_CROWD, compressed_rows, rows};

/// A kind of work, made ready: whatever is needed for it is made once.
pub(crate) trait Work {
    /// Does it `count` times in one column.
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome;

    /// Does what the harness itself does in `run` and should not be part of the figure.
    fn harness(&self, _count: usize) {}

    /// Does it once or a few times, and holds what comes out against what must.
    fn check(&self, peer: &dyn Peer) -> Outcome;

    /// About how many instructions one costs: for how often to do it, not for any figure.
    fn weight(&self) -> usize;

    /// It can only be done so many times, twice as many, and so on.
    fn multiple(&self) -> usize {
        16
    }
}

/// Compares a column's messages with what they must be, one by one.
struct Comparison {
    seen: usize,
    wrong: Option<String>,
}

impl Comparison {
    fn new() -> Self {
        Self { seen: 0, wrong: None }
    }

    fn add(&mut self, right: bool, describe: impl FnOnce() -> String) {
        if !right && self.wrong.is_none() {
            self.wrong = Some(format!("message {}: {}", self.seen, describe()));
        }
        self.seen += 1;
    }

    fn verdict(self, wanted: usize) -> Result<(), Failure> {
        match self.wrong {
            Some(wrong) => Err(wrong.into()),
            None if self.seen != wanted => Err(format!("{} messages instead of {wanted}", self.seen).into()),
            None => Ok(()),
        }
    }
}
