//! Decompression of what arrives (RFC 7692 §7.2.2), no more at a time than there is room for.

use alloc::boxed::Box;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::room::{ENDING, INPUT, OUTPUT, Room};
use super::{Corrupt, Inflated, Pause, TAIL};
use crate::config::{Config, Role, Spares};
use crate::upgrade::DeflateParameters;
use crate::wire::mask;

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

/// What came of one call of the library.
struct Step {
    used: usize,
    filled: usize,
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

    /// Inflates the next `payload` of a message, after taking off its mask, as far as it goes at once, but to no more than `most`
    /// bytes, which `take` is given. Payload that is left is to be given again. With the last of it the message `ends`.
    pub(crate) fn inflate<T>(
        &mut self,
        payload: &[u8],
        mask: Option<[u8; 4]>,
        ends: bool,
        most: u64,
        take: impl FnOnce(&[u8], Pause) -> T,
    ) -> Result<(Inflated, T), Corrupt> {
        Room::with(|Room { input, output }| {
            let len = payload.len().min(INPUT);
            let (piece, behind) = input.split_at_mut(len);
            piece.copy_from_slice(payload.get(..len).unwrap_or_default());
            if let Some(key) = mask {
                mask::apply(piece, key);
            }
            let most = usize::try_from(most).map_or(OUTPUT, |most| most.min(OUTPUT));
            let output = output.get_mut(..most).unwrap_or_default();
            let done = if ends && len == payload.len() {
                let (ending, _) = behind.split_at_mut(ENDING.len());
                ending.copy_from_slice(&ENDING);
                self.inflate_last(input.get(..len.saturating_add(ENDING.len())).unwrap_or_default(), output)?
            } else {
                self.inflate_piece(piece, output)?
            };
            Ok((done, take(output.get(..done.filled).unwrap_or_default(), done.pause)))
        })
    }

    fn inflate_piece(&mut self, piece: &[u8], output: &mut [u8]) -> Result<Inflated, Corrupt> {
        let (mut used, mut filled) = (0_usize, 0_usize);
        loop {
            let input = piece.get(used..).unwrap_or_default();
            let room = output.get_mut(filled..).unwrap_or_default();
            if room.is_empty() {
                return Ok(Inflated { used, filled, pause: Pause::Full });
            }
            if input.is_empty() && !self.is_amid {
                return Ok(Inflated { used, filled, pause: Pause::Drained });
            }
            let step = self.step(input, room, InflateFlush::SyncFlush)?;
            used = used.saturating_add(step.used);
            filled = filled.saturating_add(step.filled);
            // Behind a last block goes on what follows; otherwise the input or the room is used up.
            if self.is_amid {
                let pause = if filled == output.len() { Pause::Full } else { Pause::Drained };
                return Ok(Inflated { used, filled, pause });
            }
        }
    }

    /// The same, with the [`ENDING`] behind the last payload of a message. The tail completes an empty block; where it completes
    /// anything else, or nothing, the payload was cut off. Each step ends with a block, so that what is behind the tail is not used.
    fn inflate_last(&mut self, piece: &[u8], output: &mut [u8]) -> Result<Inflated, Corrupt> {
        let len = piece.len().saturating_sub(ENDING.len());
        let (mut used, mut filled) = (0_usize, 0_usize);
        while self.is_amid || used < len {
            let room = output.get_mut(filled..).unwrap_or_default();
            if room.is_empty() {
                return Ok(Inflated { used, filled, pause: Pause::Full });
            }
            let step = self.step(piece.get(used..).unwrap_or_default(), room, InflateFlush::Block)?;
            used = used.saturating_add(step.used);
            filled = filled.saturating_add(step.filled);
            if used == len.saturating_add(TAIL.len()) && step.filled == 0 {
                break;
            }
            let is_stuck = self.is_amid && step.used == 0 && step.filled == 0;
            if used > len || is_stuck {
                return Err(Corrupt);
            }
        }
        self.is_amid = false;
        if !self.takeover
            && let Some(context) = self.context.take()
        {
            self.spares.keep_decompressor(context, self.max_spares);
        }
        Ok(Inflated { used: used.min(len), filled, pause: Pause::EndOfMessage })
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], flush: InflateFlush) -> Result<Step, Corrupt> {
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
        Ok(Step { used, filled })
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
