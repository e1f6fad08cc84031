//! All the dynamic memory there is: 64 KiB in the program itself. The allocator is the crate `linked_list_allocator`, which
//! keeps the free blocks in a list ordered by address and joins neighbours; here it is given its memory and watched.
#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::RefCell;
use core::fmt;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

/// How many bytes there are.
const SIZE: usize = 64 * 1024;

#[global_allocator]
static HEAP: Heap = Heap(RefCell::new(State { free: linked_list_allocator::Heap::empty(), peak: 0 }));

struct Heap(RefCell<State>);

struct State {
    free: linked_list_allocator::Heap,
    peak: usize,
}

// SAFETY: the program has one thread and no signal handler, so there is nothing to share it with. Were it used from within
// itself, the `RefCell` would notice and stop the program.
unsafe impl Sync for Heap {}

impl State {
    fn prepare(&mut self) {
        static mut MEMORY: [MaybeUninit<u8>; SIZE] = [MaybeUninit::uninit(); SIZE];
        if self.free.bottom().is_null() {
            let memory = &raw mut MEMORY;
            // SAFETY: this is the only place that names `MEMORY`, and it is reached once: there is one `State`, and its heap
            // has a bottom from now on. So this is the only reference to it that there will ever be.
            self.free.init_from_slice(unsafe { &mut *memory });
        }
    }
}

// SAFETY: `allocate_first_fit` returns memory of at least the layout's size and alignment that is in no other block, and the
// blocks stay where they are. Nothing in here panics while the state is sound, and a panic would not unwind.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut state = self.0.borrow_mut();
        state.prepare();
        let block = state.free.allocate_first_fit(layout);
        state.peak = state.peak.max(state.free.used());
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller promises that `alloc` above returned `block` for this very layout, and that it is not used
            // any more.
            unsafe { self.0.borrow_mut().free.deallocate(block, layout) }
        }
    }
}

/// How much of the heap is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Bytes in use now, with what the allocator rounds up.
    now: usize,
    /// The most bytes that were in use at one time.
    peak: usize,
}

pub(crate) fn usage() -> Usage {
    let state = HEAP.0.borrow();
    Usage { now: state.free.used(), peak: state.peak }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in use, {} at most, of {SIZE}", self.now, self.peak)
    }
}
