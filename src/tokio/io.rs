//! What the machine asks for, done to the transport.

use core::cell::Cell;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice};
use std::thread_local;

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use ::tokio::task::unconstrained;
use ::tokio::time::{Sleep, sleep_until};
use alloc::boxed::Box;
use bytes::{Buf, BytesMut};

use super::{WebSocketStream, as_tcp};
use crate::connection::{Output, Transport};
use crate::spare;
use crate::state::State;
use crate::time::Timestamp;

/// How much to read at once: a frame of 16 KiB with a header of 14 bytes, so that it need not be copied. Of a buffer of this
/// size messages of 1 KiB and more can be split off, as they are a sixteenth of it.
const READ_SIZE: usize = 16 * 1024 + 14;

/// And after a read of so much or more, or one that left no room: a frame of 64 KiB, or four of 16 KiB.
const LARGE_READ_SIZE: usize = 64 * 1024 + 14;

/// One over this of a buffer may be used up before the next read begins at its front again. That costs a little, too much for
/// each small message; but large ones should stay where the CPU's cache is.
const USED_UP: usize = 8;

/// How often deadlines are looked at while there is always something to read.
const JUDGE_EVERY: Duration = Duration::from_millis(100);

/// How many slices one write takes: frames with large payloads give two each.
const MAX_SLICES: usize = 16;

thread_local! {
    /// The input buffer of the socket that waited last.
    static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// A timer that may fire early, never late: a deadline that moves away does not move it.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// What it is set to; nothing once it has fired.
    at: Option<Timestamp>,
}

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// Moves messages of other tasks into the connection, as many as it takes.
    pub(super) fn take_queued(&mut self, cx: &mut Context<'_>) {
        let Some(queue) = &mut self.queue else { return };
        let connection = &mut self.driver.connection;
        match connection.state() {
            State::Connecting => {}
            State::Closing | State::Closed => queue.close(),
            State::Open => {
                if let Some(frame) = queue.poll_close_request(cx) {
                    return self.begin_closing(Some(frame));
                }
                while connection.send_capacity() > 0
                    && !connection.is_sending_chunks()
                    && let Poll::Ready(message) = queue.poll_next(cx)
                    && connection.send(message).is_ok()
                {}
            }
        }
    }

    /// Writes until nothing is left or the transport takes no more; whether it took anything, or failed.
    pub(super) fn poll_write(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let mut wrote = false;
        while self.driver.connection.wants_write() {
            let Some(io) = &mut self.io else { return wrote };
            let mut output = self.driver.connection.output(now);
            if !output.has_remaining() {
                break;
            }
            match poll_write_buf(io, &output, cx) {
                Poll::Ready(Ok(count)) if count > 0 => output.advance(count),
                Poll::Ready(result) => {
                    self.write_failed(result.err().map_or(ErrorKind::WriteZero, |error| error.kind()), now);
                    return true;
                }
                Poll::Pending => return wrote,
            }
            self.driver.unflushed = true;
            wrote = true;
        }
        self.driver.owes_reply = false;
        wrote
    }

    /// Makes the transport let go of what it keeps back, as TLS or a buffer does; whether it failed.
    pub(super) fn poll_flush_transport(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let Some(io) = self.io.as_mut().filter(|_| self.driver.unflushed) else { return false };
        match Pin::new(io).poll_flush(cx) {
            Poll::Ready(Ok(())) => self.driver.unflushed = false,
            Poll::Ready(Err(error)) => {
                self.write_failed(error.kind(), now);
                return true;
            }
            Poll::Pending => {}
        }
        false
    }

    fn write_failed(&mut self, kind: ErrorKind, now: Timestamp) {
        self.driver.give_up_flushing();
        self.driver.connection.write_failed(kind.into(), now);
    }

    /// Reads once; whether there was anything, the end, or a failure.
    pub(super) fn poll_read(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let Some(io) = self.io.as_mut().filter(|_| self.driver.connection.wants_read()) else { return false };
        let input = &mut self.driver.input;
        // How large that is says nothing about how much there is to read.
        let is_lent = self.driver.connection.lend_room(input);
        if !is_lent {
            make_room(input, if self.reads_much { LARGE_READ_SIZE } else { READ_SIZE });
        }
        let Poll::Ready(result) = pin!(io.read_buf(input)).poll(cx) else {
            if is_lent {
                // It stays with its message, and is lent again.
                *input = BytesMut::new();
            } else {
                put_aside(input);
            }
            return false;
        };
        if !is_lent {
            self.reads_much = input.len() == input.capacity() || input.len() >= READ_SIZE;
        }
        let connection = &mut self.driver.connection;
        match result {
            Ok(count) if count > 0 => {}
            Ok(_) => connection.end_of_input(now),
            Err(error) => connection.read_failed(error.kind().into(), now),
        }
        // A peer that never stops sending must not keep a deadline from being seen. It is judged after this was parsed.
        if now >= self.judged_at.saturating_add(JUDGE_EVERY) {
            self.judged_at = now;
            connection.handle_timeout(now);
        }
        true
    }

    /// Does to the transport what the machine says, but for reading and writing.
    pub(super) fn poll_transport(&mut self, cx: &mut Context<'_>) {
        let Some(io) = &mut self.io else { return };
        match self.driver.connection.transport() {
            Transport::Open => return,
            Transport::HalfClose => {
                if !self.driver.half_closed {
                    self.driver.half_closed = Pin::new(io).poll_shutdown(cx).is_ready();
                }
                return;
            }
            Transport::Close => {
                // One attempt, for a layer such as TLS that has a last word.
                if !self.driver.half_closed {
                    let _ = Pin::new(io).poll_shutdown(cx);
                }
            }
            Transport::Abort => {
                if let Some(tcp) = as_tcp(io) {
                    let _ = tcp.set_zero_linger();
                }
            }
        }
        self.io = None;
        self.timer = None;
        self.driver.give_up_flushing();
    }

    /// Whether a deadline passed. Asked only once there is nothing to read: what has arrived may yet save the peer.
    pub(super) fn poll_timer(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.driver.connection.poll_timeout() else { return false };
        if let Some(timer) = &mut self.timer
            && let Some(set) = timer.at.filter(|set| *set <= at)
        {
            // It has the waker, which is always the same. But if it fired before anybody was registered behind that, it does not
            // fire again.
            if now < set && !timer.sleep.is_elapsed() {
                return false;
            }
        } else {
            // A deadline beyond what the clock can show never comes.
            let Some(instant) = self.origin.checked_add(Duration::from_nanos(at.as_nanos())) else {
                return false;
            };
            match &mut self.timer {
                Some(timer) => {
                    timer.sleep.as_mut().reset(instant);
                    timer.at = Some(at);
                }
                none => *none = Some(Timer { sleep: Box::pin(sleep_until(instant)), at: Some(at) }),
            }
        }
        let Some(timer) = &mut self.timer else { return false };
        // Whatever the task did before, it is armed now: it is not polled again before it is due.
        if pin!(unconstrained(timer.sleep.as_mut())).poll(cx).is_pending() {
            return false;
        }
        timer.at = None;
        let now = self.now();
        self.driver.connection.handle_timeout(now);
        true
    }
}

/// Offers all that `output` holds, at once where the transport takes several slices.
fn poll_write_buf<S>(io: &mut S, output: &Output<'_>, cx: &mut Context<'_>) -> Poll<io::Result<usize>>
where
    S: AsyncWrite + Unpin,
{
    let first = output.chunk();
    if first.len() == output.remaining() || !io.is_write_vectored() {
        return Pin::new(io).poll_write(cx, first);
    }
    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
    let count = output.chunks_vectored(&mut slices);
    Pin::new(io).poll_write_vectored(cx, slices.get(..count).unwrap_or_default())
}

/// Gives `input` room for one read of this size.
#[inline]
fn make_room(input: &mut BytesMut, size: usize) {
    if input.capacity().saturating_sub(input.len()) >= size - size / USED_UP || input.try_reclaim(size) {
        return;
    }
    if input.is_empty() {
        // What is left of a buffer is not worth enlarging.
        *input = spare::take(&SPARE).unwrap_or_default();
    }
    input.reserve(size);
}

/// There is nothing to read. An idle connection owns no buffer: whoever reads next on this thread may have it, if it is not a
/// large one.
fn put_aside(input: &mut BytesMut) {
    if input.is_empty() {
        let mut buffer = core::mem::take(input);
        // What was read in part is wound back before its size shows.
        if buffer.try_reclaim(READ_SIZE) && buffer.capacity() <= READ_SIZE {
            spare::keep(&SPARE, buffer);
        }
    }
}
