//! Compression of what is sent (RFC 7692 §7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use zlib_rs::{Deflate as Compressor, DeflateConfig, DeflateFlush};

use super::TAIL;
use super::room::Room;
use crate::config::{Config, Deflate, Role, Shape, Spares};
use crate::upgrade::DeflateParameters;

/// How much is collected before it is written as a block, in zlib's terms: with 8, its default, a context takes 100 kB more,
/// and messages get smaller by less than one in a hundred.
const MEM_LEVEL: i32 = 5;

/// After how many bytes a context that goes from hand to hand begins to count anew.
const RESET_AFTER: u64 = 1 << 30;

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
        if takes && let Some(mut context) = self.context.take() {
            context.reset();
            self.keep(context);
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
        let compressed = self.flush(payload, true);
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
        Some(self.flush(piece, is_last))
    }

    /// Compresses all of `piece`, up to an empty block without compression that makes the output end where a byte does. If there
    /// is nothing to say since the last such block, the output is empty. At the end of a message it is without what the peer
    /// appends, and the context is let go, if it is not kept.
    fn flush(&mut self, piece: &[u8], is_last: bool) -> Bytes {
        let lets_go = is_last && !self.takeover;
        // A full flush also makes the context forget, which costs less than to begin anew.
        let flush = if lets_go { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush };
        let mut context = self.context.take().unwrap_or_else(|| begin(&self.spares, self.shape));
        let output = Room::with(|Room { output, .. }| {
            let mut before = Vec::new();
            let mut used = 0_usize;
            loop {
                let (total_in, total_out) = (context.total_in(), context.total_out());
                let result = context.compress(piece.get(used..).unwrap_or_default(), output, flush);
                // It fails only once it was told that the stream ends, which it never is.
                debug_assert!(result.is_ok());
                // Neither is more than there was.
                used = used.saturating_add(context.total_in().saturating_sub(total_in) as usize);
                let filled = context.total_out().saturating_sub(total_out) as usize;
                let made = output.get(..filled).unwrap_or_default();
                if filled < output.len() && before.is_empty() {
                    return finish(made, is_last);
                }
                before.extend_from_slice(made);
                if filled < output.len() {
                    return finish(&before, is_last);
                }
            }
        });
        if lets_go {
            self.keep(context);
        } else {
            self.context = Some(context);
        }
        output
    }

    /// Keeps a context for whichever connection needs one next. It must remember nothing: after a full flush, or a reset.
    fn keep(&self, mut context: Box<Compressor>) {
        // On some platforms the library counts what passes through in 32 bits.
        if context.total_in().max(context.total_out()) > RESET_AFTER {
            context.reset();
        }
        self.spares.keep_compressor(self.shape, context, self.max_spares);
    }
}

/// Output in memory of its size; at the end of a message without what the peer appends.
fn finish(output: &[u8], is_last: bool) -> Bytes {
    match output.strip_suffix(&TAIL) {
        Some(output) if is_last => Bytes::copy_from_slice(output),
        // What was flushed before is complete. This begins an empty block, as also an empty message has it (§7.2.3.6).
        None if is_last => Bytes::from_static(&[0]),
        _ => Bytes::copy_from_slice(output),
    }
}

fn begin(spares: &Spares, shape: Shape) -> Box<Compressor> {
    spares.take_compressor(shape).unwrap_or_else(|| {
        Box::new(Compressor::new_with_config(DeflateConfig {
            level: shape.level.into(),
            window_bits: -i32::from(shape.window_bits), // negative: DEFLATE as it is, without zlib's header
            mem_level: MEM_LEVEL,
            ..DeflateConfig::default()
        }))
    })
}
