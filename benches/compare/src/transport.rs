//! A transport that plays a script from memory and drops or records what is written: no runtime, no system call.

use std::{
    future::Future,
    io::{self, IoSlice, Read, Write},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::peers::Failure;

/// What arrives, and how reads cut it. The transport starts over when it reaches the end, so that building the script
/// costs the same however many messages are received. From an empty script nothing ever arrives.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    /// Where reads end, ascending; the last one is `bytes.len()`.
    pub(crate) ends: Vec<usize>,
}

/// What was written, and in how many writes.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) writes: usize,
}

/// Where a transport records what was written, for the checks. Without it, it is dropped.
pub(crate) type Recording = Arc<Mutex<Written>>;

/// Blocking columns use it through `Read` and `Write`, asynchronous ones through `AsyncRead` and `AsyncWrite`. A read gives
/// what is left of the script's current segment, or as much of it as fits; a write takes everything. None of it is ever
/// inlined, or its cost in one column would depend on whether there are others.
pub(crate) struct Transport {
    script: Arc<Script>,
    /// The next byte to give.
    at: usize,
    /// Which of `script.ends` the next read may not pass.
    segment: usize,
    recording: Option<Recording>,
}

impl Transport {
    pub(crate) fn new(script: &Arc<Script>) -> Self {
        Self { script: script.clone(), at: 0, segment: 0, recording: None }
    }

    pub(crate) fn recording(script: &Arc<Script>, recording: &Recording) -> Self {
        Self { recording: Some(recording.clone()), ..Self::new(script) }
    }

    fn give(&mut self, room: usize) -> &[u8] {
        let Some(&end) = self.script.ends.get(self.segment) else { return &[] };
        let given = &self.script.bytes[self.at..end.min(self.at + room)];
        self.at += given.len();
        if self.at == end {
            self.segment += 1;
            if self.segment == self.script.ends.len() {
                (self.at, self.segment) = (0, 0);
            }
        }
        given
    }

    fn accept(&mut self, slices: &[IoSlice<'_>]) -> usize {
        if let Some(recording) = &self.recording {
            let mut written = recording.lock().expect("nobody panics holding it");
            written.writes += 1;
            for slice in slices {
                written.bytes.extend_from_slice(slice);
            }
        }
        slices.iter().map(|slice| slice.len()).sum()
    }
}

impl Read for Transport {
    #[inline(never)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let given = self.give(buffer.len());
        if given.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..given.len()].copy_from_slice(given);
        Ok(given.len())
    }
}

impl Write for Transport {
    #[inline(never)]
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(self.accept(&[IoSlice::new(buffer)]))
    }

    #[inline(never)]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.accept(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Transport {
    #[inline(never)]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let given = self.give(buffer.remaining());
        if given.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(given);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    #[inline(never)]
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.accept(&[IoSlice::new(buffer)])))
    }

    #[inline(never)]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.accept(slices)))
    }

    /// As a `TcpStream` does.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future that has nothing to wait for, since the transport is always ready; it may ask to be polled again.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    while woken.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
    Err("it waits, although the transport is always ready".into())
}
