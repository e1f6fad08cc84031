//! Compression contexts between two uses. They lie with the policy, since that is what connections share.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Contexts that no message needs at the moment. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Spares(Arc<Mutex<Kept>>);

#[derive(Default)]
#[expect(clippy::vec_box, reason = "they go to and fro between here and the connections, as pointers")]
struct Kept {
    compressors: Vec<(Shape, Box<zlib_rs::Deflate>)>,
    decompressors: Vec<Box<zlib_rs::Inflate>>,
}

/// What compressors differ by. Decompressors do not differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) level: u8,
    pub(crate) window_bits: u8,
}

impl Spares {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked did not do so in the midst of a change: there is none that takes more than one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_compressor(&self, shape: Shape) -> Option<Box<zlib_rs::Deflate>> {
        let mut kept = self.kept();
        let index = kept.compressors.iter().rposition(|(other, _)| *other == shape)?;
        Some(kept.compressors.swap_remove(index).1)
    }

    pub(crate) fn take_decompressor(&self) -> Option<Box<zlib_rs::Inflate>> {
        self.kept().decompressors.pop()
    }

    /// Keeps a compressor, if no more than `max` are.
    pub(crate) fn keep_compressor(&self, shape: Shape, context: Box<zlib_rs::Deflate>, max: usize) {
        let freed = keep(&mut self.kept().compressors, (shape, context), max);
        drop(freed);
    }

    /// Keeps a decompressor, if no more than `max` are.
    pub(crate) fn keep_decompressor(&self, context: Box<zlib_rs::Inflate>, max: usize) {
        let freed = keep(&mut self.kept().decompressors, context, max);
        drop(freed);
    }
}

/// Where there is no room, it takes the place of another, whose shape may be out of use; that is returned, to be freed without
/// the lock.
fn keep<T>(contexts: &mut Vec<T>, context: T, max: usize) -> Option<T> {
    if contexts.len() < max {
        contexts.push(context);
        return None;
    }
    match contexts.first_mut() {
        Some(place) => Some(core::mem::replace(place, context)),
        None => Some(context),
    }
}

/// What is kept is no setting: two policies that differ by it alone are equal.
impl PartialEq for Spares {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spares {}

/// How many there are. What they have seen is not shown.
impl fmt::Debug for Spares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept();
        f.debug_struct("Spares")
            .field("compressors", &kept.compressors.len())
            .field("decompressors", &kept.decompressors.len())
            .finish()
    }
}
