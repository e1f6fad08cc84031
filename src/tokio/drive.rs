//! Polling: what is done in which order, and until when.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;

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

/// How many messages of one read are told without a look at the clock, which costs as much as a small message itself, if the
/// application was quick over those before. One that is slow over these is found out behind the last.
const ON_TRUST: u8 = 3;

/// Whoever has taken no longer than this over a batch is quick, and will hardly take long over the next few messages.
const QUICK: Duration = Duration::from_millis(1);

impl<S> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// The next event, for the task that reads.
    #[inline(always)]
    pub(super) fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let on_trust = self.time_on_trust();
        let now = on_trust.unwrap_or_else(|| self.now());
        let event = self.take_event(now);
        if event.is_none() {
            // For reading and writing it has to be the time it is.
            let now = if on_trust.is_some() { self.now() } else { now };
            return self.poll_for_event(now, cx);
        }
        let late = self.driver.batch_took_long(now);
        if on_trust.is_none() {
            let is_quick = now <= self.driver.looked_at.saturating_add(QUICK);
            self.trusted = if is_quick { ON_TRUST } else { 0 };
        }
        if late || self.ends_batch() {
            self.finish_batch(late);
        }
        self.driver.leave_with(event.as_ref(), now);
        Poll::Ready(event)
    }

    /// The same, where none is there without reading.
    #[inline(never)]
    fn poll_for_event(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let waker = self.wakers.begin();
        let io_cx = &mut Context::from_waker(&waker);
        for _ in 0..MAX_ROUNDS {
            if self.io.is_none() {
                self.tell_others_of_the_end();
                return Poll::Ready(self.driver.tell_close());
            }
            let wrote = self.put_out_by_reader(now, io_cx);
            // While it is open, nothing is to be told for having written.
            let may_tell = wrote && self.state() != State::Open;
            if !self.take_in(now, io_cx) && !may_tell && self.io.is_some() {
                self.wakers.register(Task::Reader, cx.waker());
                return Poll::Pending;
            }
            let event = self.take_event(now);
            if event.is_some() {
                if self.ends_batch() {
                    self.put_out_by_reader(now, io_cx);
                }
                self.driver.leave_with(event.as_ref(), now);
                return Poll::Ready(event);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// In place of the time it is, the time of the read that brought what comes next, where the application is trusted.
    #[inline(always)]
    fn time_on_trust(&mut self) -> Option<Timestamp> {
        let has_only_input =
            !self.driver.input.is_empty() && self.driver.parked.is_empty() && !self.driver.is_left;
        if self.trusted == 0 || !has_only_input {
            return None;
        }
        self.trusted = self.trusted.saturating_sub(1);
        Some(self.driver.looked_at)
    }

    /// What is there without reading.
    #[inline(always)]
    fn take_event(&mut self, now: Timestamp) -> Option<Event> {
        if self.driver.parked.is_full() {
            // There will be room to read again, and a blocked writer may depend on it.
            self.wakers.wake(Task::Writer);
        }
        self.driver.next_event(now)
    }

    /// Whether the event that was found now is the last of its batch, so that the peer should not wait longer for its Pongs.
    #[inline]
    fn ends_batch(&self) -> bool {
        self.driver.owes_reply && !self.driver.has_more()
    }

    /// Does what is due before an event is told, at the end of its batch or where the application came late for it.
    #[cold]
    fn finish_batch(&mut self, late: bool) {
        let now = self.now();
        let waker = self.wakers.begin();
        let io_cx = &mut Context::from_waker(&waker);
        if late {
            // An application that takes its time over each message must not keep the peer waiting for its Pongs.
            self.driver.park(Goal::End, now);
            self.take_in(now, io_cx);
            self.driver.park(Goal::End, now);
        }
        self.put_out_by_reader(now, io_cx);
    }

    /// [`put_out`](Self::put_out), which is what a writer may wait for.
    #[inline]
    fn put_out_by_reader(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let wrote = self.put_out(now, cx);
        if wrote || self.io.is_none() {
            self.wakers.wake(Task::Writer);
        }
        wrote
    }

    /// Goes on until `goal` is reached, for a task that does not read. What arrives meanwhile is parked for one that does.
    #[inline]
    pub(super) fn poll_until(&mut self, goal: Goal, cx: &mut Context<'_>) -> Poll<()> {
        // Other tasks may have messages in the queue, which go out with a flush.
        let is_quick = goal == Goal::Capacity || (goal == Goal::Flushed && self.queue.is_none());
        if is_quick && self.has_reached(goal) { Poll::Ready(()) } else { self.poll_on(goal, cx) }
    }

    #[inline(never)]
    fn poll_on(&mut self, goal: Goal, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        let waker = self.wakers.begin();
        let io_cx = &mut Context::from_waker(&waker);
        // Most messages are written at once, and nothing is left to wait for.
        self.put_all_out(now, io_cx);
        if self.is_done(goal, now) {
            return Poll::Ready(());
        }
        for _ in 0..MAX_ROUNDS {
            if self.driver.park(goal, now) {
                self.wakers.wake(Task::Reader);
            }
            let wrote = self.put_out(now, io_cx);
            if self.is_done(goal, now) {
                return Poll::Ready(());
            }
            if !wrote && !self.take_in(now, io_cx) && self.io.is_some() {
                if self.has_reached(goal) {
                    return Poll::Ready(());
                }
                self.wakers.register(Task::Writer, cx.waker());
                return Poll::Pending;
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
    pub(super) fn wake_reader(&mut self) {
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

    #[inline]
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
        self.trusted = 0;
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
