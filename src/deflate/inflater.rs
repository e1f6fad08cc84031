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
    tail_used: usize,
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
            tail_used: 0,
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
            let context = self.context.get_or_insert_with(|| begin(&self.spares));
            let (total_in, total_out) = (context.total_in(), context.total_out());
            let status = context.decompress(input, output, InflateFlush::SyncFlush).map_err(|_| Corrupt)?;
            // Neither is more than there was.
            done.used = done.used.saturating_add(context.total_in().saturating_sub(total_in) as usize);
            done.filled = done.filled.saturating_add(context.total_out().saturating_sub(total_out) as usize);
            self.is_amid = status != Status::StreamEnd;
            if self.is_amid {
                return Ok(done);
            }
            // A last block: what follows begins anew.
            context.reset(false);
        }
    }

    /// Inflates what is left once the whole payload was used; where that leaves room, the message has ended.
    pub(crate) fn finish(&mut self, output: &mut [u8]) -> Result<Inflated, Corrupt> {
        let tail = TAIL.get(self.tail_used..).unwrap_or_default();
        let done = if self.is_amid { self.inflate(tail, output)? } else { Inflated::default() };
        self.tail_used = self.tail_used.saturating_add(done.used);
        if done.filled < output.len() {
            self.is_amid = false;
            self.tail_used = 0;
            if !self.takeover
                && let Some(context) = self.context.take()
            {
                self.spares.keep_decompressor(context, self.max_spares);
            }
        }
        Ok(done)
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
