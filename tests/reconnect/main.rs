//! Connecting again: what an ending says about it, what many clients do at once, and a client that goes through it all.

mod decisions;
mod storm;
