//! HTTP/1.1 as bytes, as much of it as a handshake takes: heads are read, parsed and written, and the body of
//! a refusal is kept up to a limit (RFC 9112).
//!
//! What the bytes mean for a handshake is decided one layer up.

pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod parse;
mod scan;
pub(crate) mod write;
