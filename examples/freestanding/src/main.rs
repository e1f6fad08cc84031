//! One WebSocket connection without an operating system's library below it: no libc, no std, 64 KiB of heap.
//!
//! It echoes the client on standard input and output; `bridge.py` puts a TCP connection there. The text `/heap` is answered
//! with the use of the heap, and when the connection has ended, a line on standard error says how. The README says more.
#![no_std]
#![no_main]

extern crate alloc;

mod echo;
mod heap;
mod report;
mod runtime;
mod sys;

use core::panic::PanicInfo;

use echo::Echo;
use report::report;

/// Exit codes. However the connection ends, the code is 0.
const NO_RANDOMNESS: u8 = 2;
/// What std uses, too.
const PANICKED: u8 = 101;

/// The program. `sys` calls it, and exits with 0 when it returns.
fn main() {
    sys::block_sigpipe();
    let Ok(seed) = sys::random() else { sys::exit(NO_RANDOMNESS) };
    if let Some(closed) = Echo::new(seed).run() {
        let clean = if closed.was_clean() { "clean" } else { "not clean" };
        let heap = heap::usage();
        report(format_args!("closed with {}, {clean}: {}; heap: {heap}", closed.code(), closed.cause()));
    }
}

/// A panic, and running out of memory is one, ends the program, and with it the one connection that is in it.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report(format_args!("{info}"));
    sys::exit(PANICKED)
}
