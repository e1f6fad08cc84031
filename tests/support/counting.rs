//! A global allocator that counts what this thread owns, and what all threads own, for tests that say how much memory
//! something takes.
//!
//! A reallocation is what the trait makes of it by itself: a new block, a copy, and the old block freed. So while a block
//! moves both count, as both are there.
#![allow(unsafe_code, reason = "a global allocator")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};

struct Counting;

#[derive(Clone, Copy)]
struct Account {
    live: isize,
    peak: isize,
    allocations: u64,
}

thread_local! {
    /// By this thread, so that no other test counts.
    static ACCOUNT: Cell<Account> = const { Cell::new(Account { live: 0, peak: 0, allocations: 0 }) };
}

/// By all threads together.
static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn update(change: impl FnOnce(&mut Account)) {
    let mut account = ACCOUNT.get();
    change(&mut account);
    ACCOUNT.set(account);
}

// SAFETY: each call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        update(|account| {
            account.live += layout.size() as isize;
            account.peak = account.peak.max(account.live);
            account.allocations += 1;
        });
        let size = layout.size() as isize;
        PEAK.fetch_max(LIVE.fetch_add(size, Ordering::Relaxed) + size, Ordering::Relaxed);
        // SAFETY: as for this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        update(|account| account.live -= layout.size() as isize);
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as for this function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many bytes are allocated.
pub fn live() -> isize {
    ACCOUNT.get().live
}

/// The most bytes that were allocated at once since [`forget_peak`].
pub fn peak() -> isize {
    ACCOUNT.get().peak
}

pub fn forget_peak() {
    update(|account| account.peak = account.live);
}

/// The most bytes that all threads together had allocated at once, beyond what they have now, while this ran.
pub fn peak_of_all_threads(run: impl FnOnce()) -> isize {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    run();
    PEAK.load(Ordering::Relaxed) - before
}

/// How often memory was allocated.
pub fn allocations() -> u64 {
    ACCOUNT.get().allocations
}
