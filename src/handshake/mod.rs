//! The two sides of the opening handshake (RFC 6455 §4) as machines: bytes in, a step out.
//!
//! Neither knows time, transports or frames. Each consumes input up to the end of what belongs to the
//! handshake, so that what is left is the connection's, and stops for good after its last step.

mod client;
mod fields;
mod key;
mod server;

pub(crate) use client::{ClientHandshake, ClientStep};
pub(crate) use server::{Accepted, ServerHandshake, ServerStep};

use bytes::Bytes;

use crate::http::write;

/// How much of a head and of a refusal's body is taken, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A head, with the interim responses before it. A longer one fails the handshake.
    pub(crate) head: usize,
    /// The body of a refusal. What is over it is dropped.
    pub(crate) refusal_body: usize,
}

/// An answer for what is no request's fault: 408 when its deadline passed, 503 when the application's did.
pub(crate) fn plain_answer(status: u16, explanation: &str) -> Bytes {
    write::plain_answer(status, explanation, write::Content::Body)
}
