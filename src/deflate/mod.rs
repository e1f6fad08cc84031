//! The codec of permessage-deflate (RFC 7692 §7.2): a compressor for one direction, a decompressor for the other, and how long
//! each of them holds its context.

#[cfg(not(feature = "deflate"))]
mod absent;
#[cfg(feature = "deflate")]
mod deflater;
#[cfg(feature = "deflate")]
mod inflater;
#[cfg(feature = "deflate")]
mod room;

#[cfg(not(feature = "deflate"))]
pub(crate) use absent::{Deflater, Inflater};
#[cfg(feature = "deflate")]
pub(crate) use {deflater::Deflater, inflater::Inflater};

/// What ends each message and is not sent: the end of an empty block without compression (RFC 7692 §7.2.1).
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What arrived as a compressed message is no DEFLATE data (RFC 1951).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// What came of a step of inflating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inflated {
    /// Bytes of the payload that were used.
    pub(crate) used: usize,
    /// Bytes that came out.
    pub(crate) filled: usize,
    pub(crate) pause: Pause,
}

/// Why a step of inflating ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// As much came out as may at once; there may be more to come without any payload.
    #[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "nothing comes out without a codec"))]
    Full,
    /// As much payload was used as can be at once, and nothing more comes of it.
    Drained,
    EndOfMessage,
}

#[cfg(all(test, feature = "deflate"))]
mod tests;
