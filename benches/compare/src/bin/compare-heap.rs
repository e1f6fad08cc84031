//! The same with an allocator that counts, for how much heap a connection owns. Counting costs a little with every
//! allocation, so nothing else is measured in this program.

use std::alloc::System;

use compare::Heap;
use peakmem_alloc::{PeakMemAlloc, PeakMemAllocTrait};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: PeakMemAlloc<&StatsAlloc<System>> = PeakMemAlloc::new(&INSTRUMENTED_SYSTEM);

fn main() -> std::process::ExitCode {
    compare::main(Some(|| {
        let stats = INSTRUMENTED_SYSTEM.stats();
        Heap {
            bytes: stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated),
            blocks: stats.allocations.wrapping_sub(stats.deallocations),
            peak: ALLOCATOR.get_peak_memory(),
        }
    }))
}
