//! A transport that does what a test says, byte by byte, and counts what it is asked for.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;

/// The end that a socket owns.
#[derive(Clone)]
pub struct Scripted(Arc<Shared>);

/// The end that a test holds: the peer, and the network.
#[derive(Clone)]
pub struct Remote(Arc<Shared>);

pub struct Shared(Mutex<State>);

#[derive(Default)]
pub struct State {
    input: VecDeque<Input>,
    /// A read gives at most so many bytes, each in its turn; zero is "not yet" once. Nothing: as much as fits.
    read_steps: Steps,
    /// The same for writes.
    write_steps: Steps,
    /// How many more bytes the network takes; nothing: any number.
    room: Option<usize>,
    write_failure: Option<ErrorKind>,
    /// What was written is kept back until it is flushed, as TLS may do.
    pub keeps_back: bool,
    kept_back: Vec<u8>,
    flush_blocked: bool,
    flush_failure: Option<ErrorKind>,
    shutdown_blocked: bool,
    /// What was offered and not taken: TLS may have encrypted it, so it must be offered again first of all.
    offered: Vec<u8>,
    written: Vec<u8>,
    pub read_waker: Option<Waker>,
    pub write_waker: Option<Waker>,
    pub seen: Seen,
    // Of a blocking transport.
    pub clock: Duration,
    pub schedule: Vec<(Duration, Action)>,
    pub answers_pings_after: Option<Duration>,
    pub read_timeout: Option<Duration>,
    pub write_timeout: Option<Duration>,
    pub nonblocking: bool,
    /// Writes take nothing and say so, which no transport should.
    pub writes_nothing: bool,
    pub cannot_be_cloned: bool,
    /// How long each write takes.
    pub write_takes: Duration,
}

/// What happens at some time.
pub type Action = Box<dyn FnOnce(&mut State) + Send>;

/// What the socket did.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub reads: usize,
    pub writes: usize,
    pub flushes: usize,
    /// How many bytes had been written when the writing side was shut down.
    pub shut_down_after: Option<usize>,
    pub dropped: bool,
    /// How often it made its owner wait.
    pub waits: usize,
    /// How often its clock was read.
    pub clock_reads: usize,
    /// How often it was asked not to wait.
    pub looks: usize,
    pub reset: bool,
    pub read_timeouts: Vec<Option<Duration>>,
    pub write_timeouts: Vec<Option<Duration>>,
}

enum Input {
    Bytes(VecDeque<u8>),
    End,
    Failure(std::io::Error),
}

#[derive(Default)]
struct Steps {
    sizes: Vec<usize>,
    next: usize,
}

impl Steps {
    fn next(&mut self) -> usize {
        let Some(size) = self.sizes.get(self.next % self.sizes.len().max(1)) else { return usize::MAX };
        self.next += 1;
        *size
    }
}

/// What an attempt came to.
pub enum Attempt {
    Done(usize),
    /// Something will happen, and whoever waits is to be woken then.
    Wait,
    /// Nothing now, but try again at once.
    Again,
    Failed(std::io::Error),
}

pub fn scripted() -> (Scripted, Remote) {
    let shared = Arc::new(Shared(Mutex::default()));
    (Scripted(shared.clone()), Remote(shared))
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Scripted {
    pub fn shared(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.0.lock().seen.dropped = true;
    }
}

impl State {
    pub fn read(&mut self, buffer: &mut [u8]) -> Attempt {
        self.seen.reads += 1;
        // Where there is nothing, "not yet" would wake two tasks by turns for ever.
        let Some(input) = self.input.front_mut() else { return Attempt::Wait };
        let step = self.read_steps.next();
        if step == 0 {
            return Attempt::Again;
        }
        match input {
            Input::Bytes(bytes) => {
                let count = step.min(bytes.len()).min(buffer.len());
                for (place, byte) in buffer.iter_mut().zip(bytes.drain(..count)) {
                    *place = byte;
                }
                if bytes.is_empty() {
                    self.input.pop_front();
                }
                Attempt::Done(count)
            }
            // An end stays.
            Input::End => Attempt::Done(0),
            Input::Failure(error) => {
                let error = std::mem::replace(error, ErrorKind::Other.into());
                self.input.pop_front();
                Attempt::Failed(error)
            }
        }
    }

    pub fn write(&mut self, buffer: &[u8]) -> Attempt {
        self.seen.writes += 1;
        assert!(self.seen.shut_down_after.is_none(), "written after the shutdown");
        assert!(buffer.starts_with(&self.offered), "what was offered before is not what is offered now");
        if let Some(kind) = self.write_failure {
            return Attempt::Failed(kind.into());
        }
        if self.writes_nothing {
            return Attempt::Done(0);
        }
        self.offered.clear();
        self.offered.extend_from_slice(buffer);
        if self.room == Some(0) && !buffer.is_empty() {
            return Attempt::Wait;
        }
        let step = self.write_steps.next();
        if step == 0 {
            return Attempt::Again;
        }
        let count = step.min(buffer.len()).min(self.room.unwrap_or(usize::MAX));
        self.offered.clear();
        if let Some(room) = &mut self.room {
            *room -= count;
        }
        let target = if self.keeps_back { &mut self.kept_back } else { &mut self.written };
        target.extend_from_slice(&buffer[..count]);
        Attempt::Done(count)
    }

    pub fn flush(&mut self) -> Attempt {
        self.seen.flushes += 1;
        if let Some(kind) = self.flush_failure {
            return Attempt::Failed(kind.into());
        }
        if self.flush_blocked {
            return Attempt::Wait;
        }
        let kept_back = std::mem::take(&mut self.kept_back);
        self.written.extend_from_slice(&kept_back);
        Attempt::Done(0)
    }

    pub fn has_written(&self) -> bool {
        !self.written.is_empty()
    }

    /// For what is scheduled; nobody is woken.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push_back(Input::Bytes(bytes.iter().copied().collect()));
    }

    pub fn end(&mut self) {
        self.input.push_back(Input::End);
    }

    pub fn set_room(&mut self, room: Option<usize>) {
        self.room = room;
    }

    pub fn block_flush(&mut self, blocked: bool) {
        self.flush_blocked = blocked;
    }

    pub fn is_shutdown_blocked(&self) -> bool {
        self.shutdown_blocked
    }

    pub fn shut_down(&mut self) {
        self.seen.shut_down_after.get_or_insert(self.written.len());
    }
}

impl Remote {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.lock();
        change(&mut state);
        let wakers = [state.read_waker.take(), state.write_waker.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn feed(&self, input: Input) {
        let waker = {
            let mut state = self.0.lock();
            state.input.push_back(input);
            state.read_waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    pub fn push(&self, bytes: &[u8]) {
        self.feed(Input::Bytes(bytes.iter().copied().collect()));
    }

    pub fn end(&self) {
        self.feed(Input::End);
    }

    pub fn fail_read(&self, error: impl Into<std::io::Error>) {
        self.feed(Input::Failure(error.into()));
    }

    pub fn read_in(&self, sizes: &[usize]) {
        self.0.lock().read_steps = Steps { sizes: sizes.to_vec(), next: 0 };
    }

    pub fn write_in(&self, sizes: &[usize]) {
        self.0.lock().write_steps = Steps { sizes: sizes.to_vec(), next: 0 };
    }

    pub fn fail_writes(&self, kind: ErrorKind) {
        self.change(|state| state.write_failure = Some(kind));
    }

    /// From now on the network takes so many bytes.
    pub fn set_room(&self, room: Option<usize>) {
        self.change(|state| state.room = room);
    }

    pub fn block_flush(&self, blocked: bool) {
        self.change(|state| state.flush_blocked = blocked);
    }

    pub fn fail_flushes(&self, kind: ErrorKind) {
        self.change(|state| state.flush_failure = Some(kind));
    }

    pub fn block_shutdown(&self, blocked: bool) {
        self.change(|state| state.shutdown_blocked = blocked);
    }

    pub fn keep_back(&self) {
        self.0.lock().keeps_back = true;
    }

    /// What reached the network since the last call.
    pub fn written(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().written)
    }

    pub fn seen(&self) -> Seen {
        self.0.lock().seen.clone()
    }
}

/// A frame as a server sends it.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(len as u8),
        len @ 126..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A frame as a client sends it, masked with zeros.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame(first, payload);
    let header = frame.len() - payload.len();
    frame[1] |= 0x80;
    frame.splice(header..header, [0; 4]);
    frame
}

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// Splits what a server wrote into frames: first byte and payload. What is cut off is an error.
pub fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (u16::from_be_bytes(rest[..2].try_into().unwrap()) as usize, &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            len => (usize::from(*len), rest),
        };
        frames.push((*first, rest[..len].to_vec()));
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty(), "a frame is cut off");
    frames
}
