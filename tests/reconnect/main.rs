//! Connecting again: what an ending says about it, what many clients do at once, and a client that goes through it all.

#[cfg(feature = "tokio")]
mod client;
mod decisions;
mod machine;
#[cfg(feature = "tokio")]
mod restarts;
mod storm;
