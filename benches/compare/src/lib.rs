//! The same work in several WebSocket crates, counted and timed. `README.md` says how; `run.sh` runs it.

#![cfg_attr(not(feature = "peers"), allow(dead_code, reason = "what only other columns need"))]

mod check;
mod cli;
mod grid;
mod measure;
mod peers;
mod report;
mod server;
mod targets;
mod transport;
mod work;

pub use cli::main;

/// What lives on the heap.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap {
    /// In all allocations together.
    pub bytes: usize,
    /// How many allocations.
    pub blocks: usize,
    /// The most bytes that there were at one time.
    pub peak: usize,
}
