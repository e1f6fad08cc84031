//! Where the codec works: room of the thread, which no connection holds, and which need not be cleared before it is used. What
//! came out is copied to memory of just its size.

use alloc::boxed::Box;
use core::cell::Cell;
use std::thread_local;

use crate::spare;

/// How much payload is unmasked at once.
pub(super) const INPUT: usize = 8 * 1024;

/// How much comes out at once: more than most messages have, since each call of the library has its price.
pub(super) const OUTPUT: usize = 24 * 1024;

/// What the decompressor reads at the end of a message: the tail, and so much behind it that the library reads all in front of
/// it in its fast way.
pub(super) const ENDING: [u8; 16] = [0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(super) struct Room {
    pub(super) input: [u8; INPUT + ENDING.len()],
    pub(super) output: [u8; OUTPUT],
}

impl Room {
    /// Lends out the room of this thread, which is made when it is first needed.
    pub(super) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local! {
            static ROOM: Cell<Option<Box<Room>>> = const { Cell::new(None) };
        }
        let mut room = spare::take(&ROOM).unwrap_or_else(Self::new);
        let result = work(&mut room);
        spare::keep(&ROOM, room);
        result
    }

    #[cold]
    fn new() -> Box<Self> {
        Box::new(Self { input: [0; INPUT + ENDING.len()], output: [0; OUTPUT] })
    }
}
