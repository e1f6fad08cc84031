//! Decompression of what arrives (RFC 7692 §7.2.2), no more at a time than there is room for.

use alloc::boxed::Box;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{Corrupt, Inflated, TAIL};
use crate::config::{Config, Role, Spares};
use crate::upgrade::DeflateParameters;

/// Whatever was agreed on, the library holds a window of this size; and whether a peer refers too far back must not depend on
/// where the output is cut. So whatever can be understood is.
const WINDOW_BITS: u8 = 15;

/// The decompressor of a connection.
pub(crate) struct Inflater {
    /// Whether a message may refer to earlier ones.
    takeover: bool,
    spares: Spares,
    max_spares: usize,
    /// There from the first byte of a message on.
    context: Option<Box<Inflate>>,
    /// Whether something was used that the tail has to complete. After a payload without a byte there is nothing of the kind,
    /// nor after a block that says that it is the last one (§7.2.3.4).
    is_amid: bool,
}

/// What it has seen is not shown.
impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("takeover", &self.takeover).finish_non_exhaustive()
    }
}

impl Inflater {
    pub(crate) fn new(config: &Config, agreed: DeflateParameters, receiver: Role) -> Self {
        let policy = config.deflate.clone().unwrap_or_default();
        let sender = match receiver {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        Self {
            takeover: agreed.context_takeover(sender),
            spares: policy.spares,
            max_spares: policy.spare_contexts,
            context: None,
            is_amid: false,
        }
    }

    /// Inflates payload of a message as far as there is input and room. Input that is left is to be given again.
    pub(crate) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, Corrupt> {
        let mut done = Inflated::default();
        loop {
            let input = input.get(done.used..).unwrap_or_default();
            let output = output.get_mut(done.filled..).unwrap_or_default();
            if output.is_empty() || (input.is_empty() && !self.is_amid) {
                return Ok(done);
            }
            let step = self.step(input, output, InflateFlush::SyncFlush)?;
            done.used = done.used.saturating_add(step.used);
            done.filled = done.filled.saturating_add(step.filled);
            // Behind a last block goes on what follows; otherwise the input or the room is used up.
            if self.is_amid {
                return Ok(done);
            }
        }
    }

    /// Ends a message, once nothing more comes out of its payload. The tail completes an empty block; where it completes anything
    /// else, or nothing, the payload was cut off.
    pub(crate) fn finish(&mut self) -> Result<(), Corrupt> {
        /// A step ends with a block, so that a byte behind it is not used.
        const TAIL_AND_MORE: [u8; TAIL.len() + 1] = [0, 0, 0xff, 0xff, 0];
        let mut used = 0_usize;
        while self.is_amid && used != TAIL.len() {
            let input = TAIL_AND_MORE.get(used..).unwrap_or_default();
            let step = self.step(input, &mut [0], InflateFlush::Block)?;
            used = used.saturating_add(step.used);
            let is_cut_off = !self.is_amid && used != TAIL.len();
            if step.used == 0 || step.filled > 0 || is_cut_off || used > TAIL.len() {
                return Err(Corrupt);
            }
        }
        self.is_amid = false;
        if !self.takeover
            && let Some(context) = self.context.take()
        {
            self.spares.keep_decompressor(context, self.max_spares);
        }
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], flush: InflateFlush) -> Result<Inflated, Corrupt> {
        let context = self.context.get_or_insert_with(|| begin(&self.spares));
        let (total_in, total_out) = (context.total_in(), context.total_out());
        let status = context.decompress(input, output, flush).map_err(|_| Corrupt)?;
        // Neither is more than there was.
        let used = context.total_in().saturating_sub(total_in) as usize;
        let filled = context.total_out().saturating_sub(total_out) as usize;
        self.is_amid = status != Status::StreamEnd;
        if !self.is_amid {
            // That was a last block: what follows begins anew.
            context.reset(false);
        }
        Ok(Inflated { used, filled })
    }
}

fn begin(spares: &Spares) -> Box<Inflate> {
    match spares.take_decompressor() {
        Some(mut context) => {
            context.reset(false);
            context
        }
        None => Box::new(Inflate::new(false, WINDOW_BITS)),
    }
}
