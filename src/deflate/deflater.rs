//! Compression of what is sent (RFC 7692 §7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use zlib_rs::DeflateFlush::SyncFlush;
use zlib_rs::{Deflate as Compressor, DeflateConfig};

use super::TAIL;
use crate::config::{Config, Deflate, Role, Shape, Spares};
use crate::upgrade::DeflateParameters;

/// How much is collected before it is written as a block, in zlib's terms: with 8, its default, a context takes 100 kB more,
/// and messages get smaller by less than one in a hundred.
const MEM_LEVEL: i32 = 5;

/// The room that is made for output at once is a third of the input, which most messages become; this much at least, and at most.
const MIN_STEP: usize = 64;
const MAX_STEP: usize = 64 * 1024;

/// The compressor of a connection.
pub(crate) struct Deflater {
    /// Whether a message may refer to earlier ones.
    takeover: bool,
    shape: Shape,
    threshold: usize,
    spares: Spares,
    max_spares: usize,
    /// There from the first byte of a message on.
    context: Option<Box<Compressor>>,
    /// Whether messages that begin are to be compressed.
    is_on: bool,
    /// Whether the message in chunks that has begun is compressed.
    is_amid: bool,
}

/// What it has seen is not shown.
impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("takeover", &self.takeover)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl Deflater {
    pub(crate) fn new(config: &Config, agreed: DeflateParameters, sender: Role) -> Self {
        let policy = config.deflate.clone().unwrap_or_default();
        Self {
            takeover: agreed.context_takeover(sender),
            ..Self::with_window(policy, agreed.window_bits(sender))
        }
    }

    /// For a message that many connections send.
    pub(crate) fn alone(policy: &Deflate) -> Self {
        Self::with_window(policy.clone(), policy.window_bits())
    }

    fn with_window(policy: Deflate, window_bits: u8) -> Self {
        Self {
            takeover: false,
            // Where that is 8, one of 9: see `Deflate::window_bits`.
            shape: Shape { level: policy.level.min(9), window_bits: window_bits.max(9) },
            threshold: policy.threshold,
            spares: policy.spares,
            max_spares: policy.spare_contexts,
            context: None,
            is_on: true,
            is_amid: false,
        }
    }

    pub(crate) fn window_bits(&self) -> u8 {
        self.shape.window_bits
    }

    /// Whether a message that was compressed by itself, with such a window, can be sent. If so, it counts as sent: the context has
    /// not seen it, and begins anew.
    pub(crate) fn takes_prepared(&mut self, window_bits: u8) -> bool {
        let takes = self.is_on && window_bits <= self.shape.window_bits;
        if takes {
            self.let_go();
        }
        takes
    }

    /// Whether messages that begin from now on are to be compressed.
    pub(crate) fn set_on(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// A whole message, compressed; `None` if it is to be sent as it is.
    pub(crate) fn compress(&mut self, payload: &[u8]) -> Option<Bytes> {
        if !self.is_on || payload.len() < self.threshold {
            return None;
        }
        let compressed = self.flush(payload);
        let compressed = self.end(compressed);
        // With context takeover it counts as sent: the context has seen it, and so must the peer's.
        (self.takeover || compressed.len() < payload.len()).then_some(compressed)
    }

    /// A chunk, compressed so that the peer can read it at once; `None` if its message is sent as it is, which is decided when
    /// it `begins`.
    pub(crate) fn compress_chunk(&mut self, piece: &[u8], begins: bool, is_last: bool) -> Option<Bytes> {
        if !(if begins { self.is_on } else { self.is_amid }) {
            return None;
        }
        self.is_amid = !is_last;
        let compressed = self.flush(piece);
        Some(if is_last { self.end(compressed) } else { exact(compressed) })
    }

    /// Compresses all of `piece`, up to an empty block without compression that makes the output end where a byte does. If there
    /// is nothing to say since the last such block, the output is empty.
    fn flush(&mut self, piece: &[u8]) -> Vec<u8> {
        let context = self.context.get_or_insert_with(|| begin(&self.spares, self.shape));
        let mut output = Vec::new();
        let (mut used, mut filled) = (0_usize, 0_usize);
        loop {
            let input = piece.get(used..).unwrap_or_default();
            output.resize(filled.saturating_add((input.len() / 3).clamp(MIN_STEP, MAX_STEP)), 0);
            let (total_in, total_out) = (context.total_in(), context.total_out());
            let result = context.compress(input, output.get_mut(filled..).unwrap_or_default(), SyncFlush);
            // It fails only once it was told that the stream ends, which it never is.
            debug_assert!(result.is_ok());
            // Neither is more than there was.
            used = used.saturating_add(context.total_in().saturating_sub(total_in) as usize);
            filled = filled.saturating_add(context.total_out().saturating_sub(total_out) as usize);
            if filled < output.len() {
                output.truncate(filled);
                return output;
            }
        }
    }

    /// Ends a message: takes off what the peer appends, and lets the context go, if it is not kept.
    fn end(&mut self, mut output: Vec<u8>) -> Bytes {
        if output.is_empty() {
            // What was flushed before is complete. This begins an empty block, as also an empty message has it (§7.2.3.6).
            output.push(0);
        } else {
            output.truncate(output.len().saturating_sub(TAIL.len()));
        }
        if !self.takeover {
            self.let_go();
        }
        exact(output)
    }

    fn let_go(&mut self) {
        if let Some(context) = self.context.take() {
            self.spares.keep_compressor(self.shape, context, self.max_spares);
        }
    }
}

fn exact(mut bytes: Vec<u8>) -> Bytes {
    bytes.shrink_to_fit();
    bytes.into()
}

fn begin(spares: &Spares, shape: Shape) -> Box<Compressor> {
    match spares.take_compressor(shape) {
        Some(mut context) => {
            context.reset();
            context
        }
        None => Box::new(Compressor::new_with_config(DeflateConfig {
            level: shape.level.into(),
            window_bits: -i32::from(shape.window_bits), // negative: DEFLATE as it is, without zlib's header
            mem_level: MEM_LEVEL,
            ..DeflateConfig::default()
        })),
    }
}
