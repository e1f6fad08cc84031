//! What a thread keeps for whatever it works on next, so that no connection holds it while idle.

use core::cell::Cell;
use std::thread::LocalKey;

/// The place of one such thing.
type Place<T> = LocalKey<Cell<Option<T>>>;

/// What was kept, if anything was: a thread that is ending keeps nothing any more.
#[inline(always)]
pub(crate) fn take<T>(place: &'static Place<T>) -> Option<T> {
    place.try_with(Cell::take).ok().flatten()
}

/// Keeps it in the place of what was kept before.
#[inline(always)]
pub(crate) fn keep<T>(place: &'static Place<T>, thing: T) {
    let _ = place.try_with(|place| place.set(Some(thing)));
}
