//! One poll of everything: what the machine asks for, done to the transport.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use bytes::{Buf, BytesMut};

use super::wakers::Task;
use super::{Timer, WebSocketStream, as_tcp};
use crate::adapter::dropped;
use crate::connection::Transport;
use crate::event::{CloseEvent, Event};
use crate::state::State;
use crate::time::Timestamp;

/// How much to read at once: as much as many sockets hold ready, and little to own while a message arrives.
const READ_SIZE: usize = 16 * 1024;

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// Does everything that can be done without waiting. Ready once an event is parked, which ends this for a reader only, or
    /// once the connection has ended.
    pub(super) fn poll_progress(&mut self, task: Task, cx: &mut Context<'_>) -> Poll<()> {
        let waker = self.wakers.join(task, cx.waker());
        let cx = &mut Context::from_waker(&waker);
        loop {
            self.parse();
            if self.io.is_none() {
                return Poll::Ready(());
            }
            let found = task == Task::Reader && self.parked.is_some();
            // What the application says to several messages of one read can leave in one write.
            if found && !self.input.is_empty() {
                return Poll::Ready(());
            }
            self.take_queued(cx);
            let wrote = self.poll_write(cx);
            self.poll_transport(cx);
            if found {
                return Poll::Ready(());
            }
            // A parked event stops the reading: that is the back-pressure.
            let read = self.parked.is_none() && self.poll_read(cx);
            if !wrote && !read && !self.poll_timer(cx) && self.io.is_some() {
                return Poll::Pending;
            }
        }
    }

    pub(super) fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.parked.is_none() && self.poll_progress(Task::Reader, cx).is_pending() {
            return Poll::Pending;
        }
        if let Some(event) = self.parked.take() {
            return Poll::Ready(Some(event));
        }
        let close = self.close_event.as_ref().filter(|_| !self.close_was_told);
        self.close_was_told |= close.is_some();
        Poll::Ready(close.cloned().map(Event::Closed))
    }

    /// Drives the connection to its end and drops what still arrives.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<CloseEvent> {
        loop {
            let progress = self.poll_progress(Task::Writer, cx);
            let dropped = self.parked.take().is_some();
            match (progress, &self.close_event) {
                (Poll::Ready(()), Some(close)) => {
                    self.close_was_told = true;
                    return Poll::Ready(close.clone());
                }
                (Poll::Pending, _) if !dropped => return Poll::Pending,
                _ => {}
            }
        }
    }

    fn parse(&mut self) {
        if self.parked.is_none() && self.close_event.is_none() {
            let now = self.now();
            match self.connection.poll_event(&mut self.input, now) {
                Some(Event::Closed(close)) => self.close_event = Some(close),
                event => self.parked = event,
            }
        }
    }

    /// Moves messages of other tasks into the connection, as many as it takes.
    fn take_queued(&mut self, cx: &mut Context<'_>) {
        let Some(queue) = &mut self.queue else { return };
        match self.connection.state() {
            State::Connecting => {}
            State::Closing | State::Closed => queue.close(),
            State::Open => {
                while self.connection.send_capacity() > 0
                    && let Poll::Ready(message) = queue.poll_next(cx)
                {
                    // The state and the capacity were just asked for.
                    let _ = self.connection.send(message);
                }
            }
        }
    }

    /// Writes until nothing is left or the transport takes no more; whether it took anything, or failed.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        let mut wrote = false;
        loop {
            let now = self.now();
            let Some(io) = &mut self.io else { return wrote };
            let mut output = self.connection.output(now);
            if !output.has_remaining() {
                return wrote;
            }
            match pin!(io.write_buf(&mut output)).poll(cx) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(result) => {
                    let failure = result.err().map_or(std::io::ErrorKind::WriteZero, |error| error.kind());
                    self.connection.write_failed(failure.into(), now);
                    return true;
                }
                Poll::Pending => return wrote,
            }
            wrote = true;
        }
    }

    /// Reads once; whether there was anything, the end, or a failure.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else { return false };
        if self.input_ended || !self.connection.wants_read() {
            return false;
        }
        self.input.reserve(READ_SIZE);
        let result = pin!(io.read_buf(&mut self.input)).poll(cx);
        let now = self.now();
        match result {
            Poll::Ready(Ok(0)) => {
                self.input_ended = true;
                self.connection.end_of_input(now);
            }
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => {
                self.input_ended = true;
                self.connection.read_failed(error.kind().into(), now);
            }
            Poll::Pending => {
                // An idle connection owns no buffer.
                if self.input.is_empty() {
                    self.input = BytesMut::new();
                }
                return false;
            }
        }
        true
    }

    /// Does to the transport what the machine says, but for reading and writing.
    fn poll_transport(&mut self, cx: &mut Context<'_>) {
        let Some(io) = &mut self.io else { return };
        match self.connection.transport() {
            Transport::Open => {}
            Transport::HalfClose => {
                self.half_closed = self.half_closed || Pin::new(io).poll_shutdown(cx).is_ready();
            }
            Transport::Close => {
                // One attempt, for a layer such as TLS that has a last word.
                if !self.half_closed {
                    let _ = Pin::new(io).poll_shutdown(cx);
                }
                self.io = None;
            }
            Transport::Abort => {
                if let Some(tcp) = as_tcp(io) {
                    let _ = tcp.set_zero_linger();
                }
                self.io = None;
            }
        }
    }

    /// Whether a deadline passed.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.connection.poll_timeout() else { return false };
        let instant = self.origin + core::time::Duration::from_nanos(at.as_nanos());
        let timer = self.timer.get_or_insert_with(|| Timer {
            sleep: alloc::boxed::Box::pin(::tokio::time::sleep_until(instant)),
            at,
        });
        if at < timer.at {
            timer.sleep.as_mut().reset(instant);
            timer.at = at;
        }
        if timer.sleep.as_mut().poll(cx).is_pending() {
            return false;
        }
        timer.at = Timestamp::from_nanos(u64::MAX);
        let now = self.now();
        self.connection.handle_timeout(now);
        true
    }
}

impl<S> Drop for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn drop(&mut self) {
        if self.io.is_some() {
            let now = self.now();
            self.connection.close(dropped(), now);
            self.poll_write(&mut Context::from_waker(Waker::noop()));
        }
    }
}
