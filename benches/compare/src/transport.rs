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

/// What arrives, and how reads cut it. From an empty script nothing ever arrives.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    /// Where reads end, ascending; the last one is `bytes.len()`.
    pub(crate) ends: Vec<usize>,
    /// At the end the stream ends. Otherwise it starts over, so that building the script costs the same however many messages
    /// are received.
    pub(crate) stops: bool,
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
    /// Instead of the script: what is written is answered.
    server: Option<Server>,
    recording: Option<Recording>,
}

/// A server for one question: its answer ends with the input.
struct Server {
    respond: Respond,
    asked: Vec<u8>,
    answer: Vec<u8>,
}

/// What a server says to a whole request.
pub(crate) type Respond = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

impl Transport {
    pub(crate) fn new(script: &Arc<Script>) -> Self {
        Self { script: script.clone(), at: 0, segment: 0, server: None, recording: None }
    }

    pub(crate) fn to_server(respond: &Respond) -> Self {
        let server = Server { respond: respond.clone(), asked: Vec::new(), answer: Vec::new() };
        Self { server: Some(server), ..Self::new(&Arc::default()) }
    }

    pub(crate) fn recording(script: &Arc<Script>, recording: &Recording) -> Self {
        Self { recording: Some(recording.clone()), ..Self::new(script) }
    }

    /// What there is; nothing if the stream has ended.
    fn give(&mut self, room: usize) -> Option<&[u8]> {
        if let Some(server) = &mut self.server {
            let given = &server.answer[self.at..];
            let given = &given[..given.len().min(room)];
            self.at += given.len();
            return Some(given);
        }
        let Some(&end) = self.script.ends.get(self.segment) else {
            return (!self.script.stops).then_some(&[]);
        };
        let given = &self.script.bytes[self.at..end.min(self.at + room)];
        self.at += given.len();
        if self.at == end {
            self.segment += 1;
            if self.segment == self.script.ends.len() && !self.script.stops {
                (self.at, self.segment) = (0, 0);
            }
        }
        Some(given)
    }

    fn accept(&mut self, slices: &[IoSlice<'_>]) -> usize {
        if let Some(recording) = &self.recording {
            let mut written = recording.lock().expect("nobody panics holding it");
            written.writes += 1;
            for slice in slices {
                written.bytes.extend_from_slice(slice);
            }
        }
        if let Some(server) = &mut self.server {
            server.hear(slices);
        }
        slices.iter().map(|slice| slice.len()).sum()
    }
}

impl Server {
    fn hear(&mut self, slices: &[IoSlice<'_>]) {
        for slice in slices {
            self.asked.extend_from_slice(slice);
        }
        if self.answer.is_empty() && self.asked.ends_with(b"\r\n\r\n") {
            self.answer = (self.respond)(&self.asked);
        }
    }
}

impl Read for Transport {
    #[inline(never)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(given) = self.give(buffer.len()) else { return Ok(0) };
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
        let Some(given) = self.give(buffer.remaining()) else { return Poll::Ready(Ok(())) };
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
