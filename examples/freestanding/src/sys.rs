//! The kernel, reached without a C library: how the program begins, and the ten system calls that it makes until it ends.
//!
//! All `unsafe` of the way in and out is here; what it exports is safe to call with any arguments.
#![allow(unsafe_code)]

use core::arch::{asm, naked_asm};
use core::time::Duration;

use websocket_proto::TransportFailure;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_pointer_width = "64")))]
compile_error!("the system calls and _start are those of Linux on x86-64");

// From the kernel's arch/x86/entry/syscalls/syscall_64.tbl.
const READ: usize = 0;
const WRITE: usize = 1;
const CLOSE: usize = 3;
const POLL: usize = 7;
const RT_SIGPROCMASK: usize = 14;
const SHUTDOWN: usize = 48;
const SETSOCKOPT: usize = 54;
const CLOCK_GETTIME: usize = 228;
const EXIT_GROUP: usize = 231;
const GETRANDOM: usize = 318;

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;
const ERRORS: i32 = 2;

/// No more than this many bytes go out in one write, so that it does not wait: a pipe that is ready has room for them (POSIX
/// calls them PIPE_BUF), and so has a socket, unless its buffer is unusually small, as a third of it is free when it is ready.
const WRITE_AT_MOST: usize = 4096;

/// Where the kernel enters the program.
///
/// It finds `rsp` at a multiple of 16, which `call` turns into what the ABI promises to a function: 8 beyond a multiple of
/// 16. So code that stores SSE registers to the stack with aligned moves may run. The direction flag is clear and the
/// floating-point state is as the ABI wants it (System V ABI for AMD64, 3.4.1). `rbp` of zero ends the chain of frames for
/// a debugger. The arguments, the environment and the auxiliary vector lie above `rsp` and nobody here reads them.
///
/// The stack is the one that the kernel made: it has a guard below it and grows up to `ulimit -s`.
#[unsafe(naked)]
// SAFETY: no other symbol of this name is linked, as there are no start files; its only caller is the kernel.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "call {main}", "ud2", main = sym begin)
}

extern "C" fn begin() -> ! {
    crate::main();
    exit(0)
}

/// An error number of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(usize);

impl Errno {
    const EINTR: Self = Self(4);
    const EAGAIN: Self = Self(11);

    /// Whether nothing is wrong, and trying again later is all that it takes.
    pub(crate) fn is_temporary(self) -> bool {
        matches!(self, Self::EINTR | Self::EAGAIN)
    }
}

impl From<Errno> for TransportFailure {
    fn from(Errno(number): Errno) -> Self {
        match number {
            32 => Self::BrokenPipe,               // EPIPE
            103 => Self::Aborted,                 // ECONNABORTED
            104 => Self::Reset,                   // ECONNRESET
            110 => Self::TimedOut,                // ETIMEDOUT
            100 | 101 | 113 => Self::Unreachable, // ENETDOWN, ENETUNREACH, EHOSTUNREACH
            _ => Self::Other,
        }
    }
}

/// # Safety
/// Where the call takes addresses, they must be those of live memory of the size that the call reads or writes, and for what
/// it writes the caller must hold that memory exclusively. Their provenance must have been exposed.
unsafe fn syscall(number: usize, arguments: [usize; 5]) -> Result<usize, Errno> {
    let [first, second, third, fourth, fifth] = arguments;
    let result: usize;
    // SAFETY: these are the registers of Linux' convention for up to five arguments; it overwrites rax, rcx and r11 and
    // leaves our stack alone. As the memory is not declared untouched, the compiler expects reads and writes of all memory
    // whose provenance was exposed, and the caller answers for the addresses.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            in("r8") fifth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    // The last 4095 values are negated error numbers.
    if result > usize::MAX - 4095 { Err(Errno(result.wrapping_neg())) } else { Ok(result) }
}

const fn descriptor(number: i32) -> usize {
    number as usize
}

/// Reads what has arrived. Zero: that was all, and there will be no more.
pub(crate) fn read(buffer: &mut [u8]) -> Result<usize, Errno> {
    let address = buffer.as_mut_ptr().expose_provenance();
    // SAFETY: the kernel writes at most `buffer.len()` bytes to `buffer`, which is borrowed exclusively.
    unsafe { syscall(READ, [descriptor(INPUT), address, buffer.len(), 0, 0]) }
}

/// Writes a piece of `bytes` if that is possible without waiting; returns its length, zero if nothing could be written.
pub(crate) fn try_write(bytes: &[u8]) -> Result<usize, Errno> {
    if !wait(false, true, Some(Duration::ZERO))?.output {
        return Ok(0);
    }
    write(OUTPUT, bytes.get(..WRITE_AT_MOST).unwrap_or(bytes))
}

fn write(to: i32, bytes: &[u8]) -> Result<usize, Errno> {
    let address = bytes.as_ptr().expose_provenance();
    // SAFETY: the kernel reads at most `bytes.len()` bytes of `bytes`, which is borrowed.
    unsafe { syscall(WRITE, [descriptor(to), address, bytes.len(), 0, 0]) }
}

/// Writes to standard error, for whoever watches; if nobody takes it, nothing is lost.
pub(crate) fn report(line: &[u8]) {
    let _ = write(ERRORS, line);
}

/// What can go on without waiting. An error of a descriptor counts: the next call on it says which.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ready {
    pub(crate) input: bool,
    pub(crate) output: bool,
}

/// Waits for input, for output, or until the time is over, whatever comes first; without a time for ever.
pub(crate) fn wait(input: bool, output: bool, time: Option<Duration>) -> Result<Ready, Errno> {
    /// The kernel's struct pollfd.
    #[repr(C)]
    struct PollFd {
        descriptor: i32,
        events: i16,
        returned: i16,
    }
    const POLLIN: i16 = 1;
    const POLLOUT: i16 = 4;
    // The kernel passes over a negative descriptor, and reports nothing for it.
    let mut set = [
        PollFd { descriptor: if input { INPUT } else { -1 }, events: POLLIN, returned: 0 },
        PollFd { descriptor: if output { OUTPUT } else { -1 }, events: POLLOUT, returned: 0 },
    ];
    // Rounded up, so that a deadline has passed when the wait for it is over. A negative time is none.
    let milliseconds =
        time.map_or(-1, |time| i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
    let address = set.as_mut_ptr().expose_provenance();
    // SAFETY: the kernel reads and writes `set.len()` entries of `set`, which is a local of ours and laid out as it expects.
    unsafe { syscall(POLL, [address, set.len(), milliseconds as usize, 0, 0]) }?;
    let [input, output] = set.map(|entry| entry.returned != 0);
    Ok(Ready { input, output })
}

/// The time since some point in the past, which never runs backwards.
pub(crate) fn monotonic() -> Duration {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = [0_u64; 2]; // struct timespec: seconds and nanoseconds
    let address = time.as_mut_ptr().expose_provenance();
    // SAFETY: the kernel writes a timespec of two 64-bit numbers to `time`, which is a local of ours. It does not fail: every
    // Linux has this clock.
    let _ = unsafe { syscall(CLOCK_GETTIME, [CLOCK_MONOTONIC, address, 0, 0, 0]) };
    let [seconds, nanoseconds] = time;
    Duration::new(seconds, nanoseconds as u32) // below 10^9
}

/// Random bytes that nobody can guess.
pub(crate) fn random() -> Result<[u8; 32], Errno> {
    let mut bytes = [0; 32];
    loop {
        let address = bytes.as_mut_ptr().expose_provenance();
        // SAFETY: the kernel writes at most `bytes.len()` bytes to `bytes`, which is a local of ours.
        match unsafe { syscall(GETRANDOM, [address, bytes.len(), 0, 0, 0]) } {
            Ok(count) if count == bytes.len() => return Ok(bytes),
            Ok(_) => {} // a signal interrupted it
            Err(error) if error.is_temporary() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes a write to a peer that is gone fail, instead of ending the program.
pub(crate) fn block_sigpipe() {
    const SIG_BLOCK: usize = 0;
    let signals: u64 = 1 << (13 - 1); // SIGPIPE is number 13
    let address = (&raw const signals).expose_provenance();
    // SAFETY: the kernel reads a set of signals of eight bytes, which is a local of ours, and is asked to write none.
    let _ = unsafe { syscall(RT_SIGPROCMASK, [SIG_BLOCK, address, 0, size_of_val(&signals), 0]) };
}

/// Says that nothing more will be written. Nothing can be written after it.
pub(crate) fn end_output() {
    const SHUT_WR: usize = 1;
    // A socket stays open as standard input, so it has to be told. A pipe ends with its last descriptor; that it is no socket
    // is the only thing that can go wrong here, and does no harm.
    // SAFETY: the call takes no address.
    let _ = unsafe { syscall(SHUTDOWN, [descriptor(OUTPUT), SHUT_WR, 0, 0, 0]) };
    // SAFETY: the call takes no address, and no Rust object owns the descriptor.
    let _ = unsafe { syscall(CLOSE, [descriptor(OUTPUT), 0, 0, 0, 0]) };
}

/// Makes the end of the program reset the connection, if it is a socket.
pub(crate) fn reset_at_exit() {
    const SOL_SOCKET: usize = 1;
    const SO_LINGER: usize = 13;
    let linger = [1_i32, 0]; // struct linger: on, for zero seconds
    let address = linger.as_ptr().expose_provenance();
    let arguments = [descriptor(INPUT), SOL_SOCKET, SO_LINGER, address, size_of_val(&linger)];
    // SAFETY: the kernel reads as many bytes from `linger` as it has.
    let _ = unsafe { syscall(SETSOCKOPT, arguments) };
}

/// Ends the program.
pub(crate) fn exit(code: u8) -> ! {
    loop {
        // SAFETY: the call takes no address. It does not return; were it to, it would be made again.
        let _ = unsafe { syscall(EXIT_GROUP, [usize::from(code), 0, 0, 0, 0]) };
    }
}
