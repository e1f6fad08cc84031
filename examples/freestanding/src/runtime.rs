//! The symbols that compiled code refers to without asking: on a hosted target they come from libc and libgcc.
//!
//! The memory functions are string instructions of the processor and not loops, since the compiler is free to replace a loop
//! that copies by a call of `memcpy`, also inside `memcpy`. They are small rather than fast.
#![allow(unsafe_code)]

use core::arch::asm;

/// # Safety
/// As in C: `len` bytes can be read from `from` and written to `to`, and the two do not overlap.
// SAFETY: nothing else that is linked defines the symbol, and this is C's `memcpy`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the instruction reads and writes what the caller vouches for, upwards, as the ABI has the direction flag clear.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
    to
}

/// # Safety
/// As in C: `len` bytes can be read from `from` and written to `to`. The two may overlap.
// SAFETY: nothing else that is linked defines the symbol, and this is C's `memmove`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // Upwards it goes wrong only where `to` lies within what is still to be read.
    if to.addr().wrapping_sub(from.addr()) >= len {
        // SAFETY: `memcpy` goes upwards, and then the overlap that the caller may have does no harm.
        return unsafe { memcpy(to, from, len) };
    }
    // SAFETY: the same bytes, from the last one down. The pointers point to the last byte of each, which there is, as `len` is
    // not zero here. The direction flag is clear again afterwards, as the ABI wants it.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "cld",
            inout("rcx") len => _,
            inout("rsi") from.add(len - 1) => _,
            inout("rdi") to.add(len - 1) => _,
            options(nostack),
        );
    }
    to
}

/// # Safety
/// As in C: `len` bytes can be written to `to`.
// SAFETY: nothing else that is linked defines the symbol, and this is C's `memset`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, len: usize) -> *mut u8 {
    // SAFETY: the instruction writes what the caller vouches for, upwards, as the ABI has the direction flag clear.
    unsafe {
        asm!(
            "rep stosb",
            inout("rcx") len => _,
            inout("rdi") to => _,
            in("al") value as u8, // C's too takes the lowest byte
            options(nostack, preserves_flags),
        );
    }
    to
}

/// # Safety
/// As in C: `len` bytes can be read from each.
// SAFETY: nothing else that is linked defines the symbol, and this is C's `memcmp`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    let greater: u8;
    let less: u8;
    // SAFETY: the instruction reads at most what the caller vouches for, upwards, as the ABI has the direction flag clear. The
    // first comparison sets the flags to "equal" for a length of zero, of which the second touches none.
    unsafe {
        asm!(
            "cmp rcx, rcx",
            "repe cmpsb",
            "seta {greater}",
            "setb {less}",
            greater = out(reg_byte) greater,
            less = out(reg_byte) less,
            inout("rcx") len => _,
            inout("rsi") left => _,
            inout("rdi") right => _,
            options(nostack, readonly),
        );
    }
    i32::from(greater) - i32::from(less)
}

/// # Safety
/// As [`memcmp`].
// SAFETY: nothing else that is linked defines the symbol, and this is `bcmp`, which is zero for what is equal.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    // SAFETY: the caller promises the same.
    unsafe { memcmp(left, right, len) }
}

// The crates `core` and `alloc` come compiled for programs that unwind, so their tables name these two. But a panic ends in
// our handler, which exits; nobody calls them.

// SAFETY: nothing else that is linked defines the symbol. If anything calls it, it ends the program, whatever the arguments.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    crate::sys::exit(crate::PANICKED)
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::sys::exit(crate::PANICKED)
}
