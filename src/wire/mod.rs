//! Frames as bytes (RFC 6455 §5): pure functions over slices, nothing that remembers.

pub(crate) mod close_payload;
pub(crate) mod header;
pub(crate) mod mask;
