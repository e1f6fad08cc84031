//! Polling: what is done in which order, and until when.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker, ready};

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::task::unconstrained;

use super::WebSocketStream;
use super::sender::Queue;
use super::wakers::Task;
use crate::adapter::{Error, Goal, dropped};
use crate::close::CloseFrame;
use crate::connection::Connection;
use crate::error::SendError;
use crate::event::{CloseEvent, Event};
use crate::state::State;
use crate::time::Timestamp;

/// How many rounds one poll makes before it lets others have their turn, over a transport that always has something.
pub(super) const MAX_ROUNDS: usize = 32;

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// The next event, for the task that reads.
    pub(super) fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let now = self.now();
        let event = ready!(self.poll_for_event(now, cx));
        Poll::Ready(self.driver.leave_with(event, now))
    }

    fn poll_for_event(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut registered = None;
        for _ in 0..MAX_ROUNDS {
            let was_full = self.driver.parked.is_full();
            let found = self.driver.next_event(now);
            if was_full {
                // There is room to read again, and a blocked writer may depend on it.
                self.wakers.wake(Task::Writer);
            }
            let late = self.driver.batch_took_long(now);
            if found.is_some() && !late && (self.driver.has_more() || !self.driver.owes_reply) {
                return Poll::Ready(found);
            }
            if found.is_none() && self.io.is_none() {
                self.tell_others_of_the_end();
                return Poll::Ready(self.driver.tell_close());
            }

            let waker = &*registered.get_or_insert_with(|| self.wakers.register(Task::Reader, cx.waker()));
            let io_cx = &mut Context::from_waker(waker);
            if found.is_some() && late {
                // An application that takes its time over each message must not keep the peer waiting for its Pongs.
                self.driver.park(Goal::End, now);
                self.take_in(now, io_cx);
                self.driver.park(Goal::End, now);
            }
            let wrote = self.put_out(now, io_cx);
            if wrote || self.io.is_none() {
                self.wakers.wake(Task::Writer);
            }
            if found.is_some() {
                return Poll::Ready(found);
            }
            // While it is open, nothing is to be told for having written.
            let may_tell = wrote && self.state() != State::Open;
            if !self.take_in(now, io_cx) && !may_tell && self.io.is_some() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes on until `goal` is reached, for a task that does not read. What arrives meanwhile is parked for one that does.
    pub(super) fn poll_until(&mut self, goal: Goal, cx: &mut Context<'_>) -> Poll<()> {
        // Other tasks may have messages in the queue, which go out with a flush.
        let is_quick = goal == Goal::Capacity || (goal == Goal::Flushed && self.queue.is_none());
        if is_quick && self.has_reached(goal) {
            return Poll::Ready(());
        }
        let now = self.now();
        // Most messages are written at once, and nothing is left to wait for.
        self.put_out(now, &mut Context::from_waker(&self.wakers.shared()));
        if self.is_done(goal, now) {
            return Poll::Ready(());
        }
        let waker = self.wakers.register(Task::Writer, cx.waker());
        let io_cx = &mut Context::from_waker(&waker);
        for _ in 0..MAX_ROUNDS {
            if self.driver.park(goal, now) {
                self.wakers.wake(Task::Reader);
            }
            let wrote = self.put_out(now, io_cx);
            if self.is_done(goal, now) {
                return Poll::Ready(());
            }
            if !wrote && !self.take_in(now, io_cx) && self.io.is_some() {
                return if self.has_reached(goal) { Poll::Ready(()) } else { Poll::Pending };
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// [`poll_until`](Self::poll_until) the end, and how that was.
    pub(super) fn poll_end(&mut self, goal: Goal, cx: &mut Context<'_>) -> Poll<CloseEvent> {
        ready!(self.poll_until(goal, cx));
        self.tell_others_of_the_end();
        self.driver.close_event.clone().map_or(Poll::Pending, Poll::Ready)
    }

    /// Lets `send` queue something once there is room for it, and writes it.
    pub(super) fn poll_send<T>(
        &mut self,
        send: &mut Option<impl FnOnce(&mut Connection) -> Result<(), SendError<T>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if send.is_some() {
            ready!(self.poll_until(Goal::Capacity, cx));
        }
        if let Some(send) = send.take()
            && let Err(error) = send(&mut self.driver.connection)
        {
            return Poll::Ready(Err(self.driver.refused(error)));
        }
        ready!(self.poll_until(Goal::Flushed, cx));
        Poll::Ready(self.flushed())
    }

    /// There is something to be written, though the reader is not woken for it by anything else.
    pub(super) fn wake_reader(&self) {
        self.wakers.wake(Task::Reader);
    }

    /// Nobody will read any more: what arrives is dropped.
    pub(super) fn stop_reading(&mut self) {
        let now = self.now();
        self.driver.stop_reading(now);
        // Room is what a blocked writer may wait for.
        self.wakers.wake(Task::Writer);
    }

    fn tell_others_of_the_end(&self) {
        if let Some(queue) = &self.queue {
            queue.end(self.driver.close_event.as_ref());
        }
    }

    fn has_reached(&self, goal: Goal) -> bool {
        // A message that was promised room goes before one that asks for room now.
        let waits_its_turn = goal == Goal::Capacity
            && self.state() == State::Open
            && self.queue.as_ref().is_some_and(Queue::holds);
        !waits_its_turn && self.driver.has_reached(goal, self.io.is_some())
    }

    fn is_done(&self, goal: Goal, now: Timestamp) -> bool {
        self.has_reached(goal) && self.driver.is_done(goal, self.io.is_some(), now)
    }

    /// Whether nothing that was accepted for sending was lost.
    pub(super) fn flushed(&self) -> Result<(), Error> {
        if self.queue.as_ref().is_some_and(Queue::holds) {
            return Err(self.driver.ended());
        }
        self.driver.flushed()
    }

    /// Writes what waits, and does to the transport what the machine says, until it takes no more. Whether it took anything.
    #[inline]
    fn put_out(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let connection = &self.driver.connection;
        if connection.state() == State::Open
            && !connection.wants_write()
            && !self.driver.unflushed
            && self.queue.is_none()
        {
            self.driver.owes_reply = false;
            return false;
        }
        self.put_all_out(now, cx)
    }

    #[inline(never)]
    fn put_all_out(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let mut did_anything = false;
        for _ in 0..MAX_ROUNDS {
            self.take_queued(cx);
            let wrote = self.poll_write(now, cx) | self.poll_flush_transport(now, cx);
            self.poll_transport(cx);
            did_anything |= wrote;
            if !wrote || self.queue.is_none() {
                return did_anything;
            }
        }
        // Messages may be left in a queue that nobody is registered with, since there was no room to ask it for another.
        cx.waker().wake_by_ref();
        did_anything
    }

    /// Reads once, or else lets a deadline pass. Whether there was either.
    fn take_in(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        self.driver.looked_at = now;
        self.poll_read(now, cx) || self.poll_timer(now, cx)
    }

    /// Begins to close, behind what other tasks have queued, as far as there is room for it.
    pub(super) fn begin_closing(&mut self, frame: Option<CloseFrame>) {
        if let Some(queue) = &mut self.queue {
            let connection = &mut self.driver.connection;
            while connection.state() == State::Open
                && connection.send_capacity() > 0
                && !connection.is_sending_chunks()
                && let Some(message) = queue.try_next()
                && connection.send(message).is_ok()
            {}
        }
        let now = self.now();
        self.driver.connection.close(frame, now);
    }
}

impl<S> Drop for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn drop(&mut self) {
        if self.io.is_none() {
            self.tell_others_of_the_end();
        } else {
            self.begin_closing(dropped());
            // Whatever the task did before must not count against this one attempt.
            let attempt = pin!(unconstrained(poll_fn(|cx| {
                self.put_out(self.now(), cx);
                Poll::Ready(())
            })));
            let _ = attempt.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}
