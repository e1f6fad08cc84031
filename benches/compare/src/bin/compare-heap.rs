//! The same with an allocator that counts, for how much heap an idle connection owns. Counting costs a little with every
//! allocation, so nothing else is measured in this program.

use std::alloc::System;

use compare::Heap;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::process::ExitCode {
    compare::main(Some(|| {
        let stats = ALLOCATOR.stats();
        let bytes = stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated);
        Heap { bytes, blocks: stats.allocations.wrapping_sub(stats.deallocations) }
    }))
}
