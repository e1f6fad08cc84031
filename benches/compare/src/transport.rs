//! A transport that plays a script from memory and is always ready: no runtime, no system call, no waiting.

use std::{
    future::Future,
    io::{self, Read, Write},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{peers::Failure, work::Script};

/// Blocking columns read it through `Read`, asynchronous ones through `AsyncRead`. A read gives what is left of the
/// script's current segment, or as much of it as fits. What is written is dropped. Reading is never inlined, or its cost
/// in one column would depend on whether there are others.
pub(crate) struct Transport<'a> {
    script: &'a Script,
    /// The next byte to give.
    at: usize,
    /// Which of `script.ends` the next read may not pass.
    segment: usize,
}

impl<'a> Transport<'a> {
    pub(crate) fn new(script: &'a Script) -> Self {
        Self { script, at: 0, segment: 0 }
    }

    fn give(&mut self, room: usize) -> &'a [u8] {
        let end = self.script.ends[self.segment];
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
}

impl Read for Transport<'_> {
    #[inline(never)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let given = self.give(buffer.len());
        buffer[..given.len()].copy_from_slice(given);
        Ok(given.len())
    }
}

impl Write for Transport<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Transport<'_> {
    #[inline(never)]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let given = self.give(buffer.remaining());
        buffer.put_slice(given);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs a future that has nothing to wait for, since the transport is always ready.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => Err("it waits, although the transport is always ready".into()),
    }
}
