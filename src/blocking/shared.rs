//! One connection that two threads drive. All of it is behind one lock, but for the two ends of the transport: a thread takes
//! an end out to read or to write, and holds no lock meanwhile. So a read that waits keeps nobody from writing, and a write
//! that waits nobody from reading; and whoever finds an end taken leaves that work to whoever has it.

use core::time::Duration;
use std::io::ErrorKind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Buf;

use super::drive::{READ_SIZE, TURN, is_timeout, write_some};
use super::timeouts::Timeouts;
use super::{TimedIo, WebSocket};
use crate::adapter::{Driver, Goal};
use crate::connection::{Taken, Transport};
use crate::event::Event;
use crate::time::Timestamp;

/// How long a read waits at most, though no deadline is near: the other half may have brought one near meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Shared<T: TimedIo> {
    inner: Mutex<Inner<T>>,
    /// Something happened that the other thread may wait for.
    changed: Condvar,
}

pub(super) struct Inner<T: TimedIo> {
    pub(super) driver: Driver,
    origin: Instant,
    /// What the clock showed last, for when there is no transport any more.
    now: Timestamp,
    reading: End<T>,
    writing: End<T>,
    /// Output on its way, perhaps written in part, unless it is with whoever writes.
    taken: Option<Taken>,
}

/// One end of the transport.
enum End<T> {
    Here(Handle<T>),
    /// With a thread that reads or writes.
    Out,
    /// The connection has ended.
    Gone,
}

pub(super) struct Handle<T> {
    pub(super) io: T,
    pub(super) timeouts: Timeouts,
}

/// What a turn of writing came to.
#[derive(Clone, Copy)]
enum Written {
    All,
    /// The transport takes no more for now, or somebody else writes.
    Blocked,
    /// There is more, and the transport takes it.
    More,
}

impl Written {
    /// How long to wait for input before writing goes on.
    fn wait(self) -> Duration {
        match self {
            Self::All => LONGEST_WAIT,
            Self::Blocked => TURN,
            Self::More => Duration::ZERO,
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Reading,
    Writing,
}

impl<T> End<T> {
    fn take(&mut self) -> Option<Handle<T>> {
        match core::mem::replace(self, Self::Out) {
            Self::Here(handle) => Some(handle),
            other => {
                *self = other;
                None
            }
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }

    fn here(&self) -> Option<&T> {
        match self {
            Self::Here(handle) => Some(&handle.io),
            Self::Out | Self::Gone => None,
        }
    }
}

/// Puts an end back even if the transport panics: the other thread depends on it. What was to be written is lost then, and the
/// connection ends as one whose transport takes nothing.
struct Lent<'a, T: TimedIo> {
    shared: &'a Shared<T>,
    way: Way,
    handle: Option<Handle<T>>,
}

impl<T: TimedIo> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            *self.shared.lock().end(self.way) = End::Here(handle);
        }
    }
}

type Locked<'a, T> = MutexGuard<'a, Inner<T>>;

impl<T: TimedIo> Shared<T> {
    pub(super) fn new(
        driver: Driver,
        origin: Instant,
        ends: Option<[Handle<T>; 2]>,
        taken: Option<Taken>,
    ) -> Self {
        let (reading, writing) = match ends {
            Some([reading, writing]) => (End::Here(reading), End::Here(writing)),
            None => (End::Gone, End::Gone),
        };
        let inner = Inner { driver, origin, now: Timestamp::default(), reading, writing, taken };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    pub(super) fn lock(&self) -> Locked<'_, T> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event, for the half that reads.
    pub(super) fn wait_for_event(&self) -> Option<Event> {
        let (mut inner, event) = self.find_event(self.lock());
        let now = inner.now();
        inner.driver.leave_with(event.as_ref(), now);
        event
    }

    fn find_event<'a>(&'a self, mut inner: Locked<'a, T>) -> (Locked<'a, T>, Option<Event>) {
        loop {
            let now = inner.now();
            let late = inner.driver.batch_took_long(now);
            let was_full = inner.driver.parked.is_full();
            let found = inner.driver.next_event(now);
            if was_full {
                self.changed.notify_all();
            }
            if let Some(event) = found {
                if late {
                    // An application that takes its time over each message must not keep the peer waiting for its Pongs.
                    inner.driver.park(Goal::End, now);
                    inner = self.take_in(inner, Duration::ZERO);
                    let now = inner.now();
                    inner.driver.park(Goal::End, now);
                }
                // Where the transport takes nothing, this reader need not wait for it.
                if (late || !inner.driver.has_more()) && inner.taken.is_none() {
                    (inner, _) = self.put_out(inner);
                }
                return (inner, Some(event));
            }
            inner.act_on_transport();
            if inner.has_ended() {
                self.changed.notify_all();
                let close = inner.driver.tell_close();
                return (inner, close);
            }
            let written;
            (inner, written) = self.put_out(inner);
            inner = self.take_in(inner, written.wait());
        }
    }

    /// Goes on until `goal` is reached, for the half that writes. What arrives meanwhile is kept for the other.
    pub(super) fn work_until<'a>(&'a self, goal: Goal, mut inner: Locked<'a, T>) -> Locked<'a, T> {
        loop {
            let now = inner.now();
            if inner.driver.park(goal, now) {
                self.changed.notify_all();
            }
            if goal == Goal::Capacity && inner.has_reached(goal) {
                return inner;
            }
            let written;
            (inner, written) = self.put_out(inner);
            let somebody_looks = matches!(inner.reading, End::Out);
            let now = inner.now();
            if inner.has_reached(goal) && (somebody_looks || inner.is_done(goal, now)) {
                return inner;
            }
            let longest = if inner.has_reached(goal) { Duration::ZERO } else { written.wait() };
            inner = self.take_in(inner, longest);
        }
    }

    // Out.

    /// Writes as long as the transport takes some, but for a turn at most: there may be something to read.
    fn put_out<'a>(&'a self, mut inner: Locked<'a, T>) -> (Locked<'a, T>, Written) {
        let until = inner.now().saturating_add(TURN);
        loop {
            inner.act_on_transport();
            let now = inner.now();
            match inner.writing {
                End::Gone => return (inner, Written::All),
                End::Out => return (inner, Written::Blocked),
                End::Here(_) => {}
            }
            let mut taken = inner.taken.take().or_else(|| inner.driver.connection.take(usize::MAX, now));
            if taken.is_none() && !inner.driver.unflushed {
                return (inner, Written::All);
            }
            if now >= until {
                inner.taken = taken;
                return (inner, Written::More);
            }
            let work = |handle: &mut Handle<T>| {
                handle.timeouts.for_write(&mut handle.io, TURN)?;
                match &mut taken {
                    Some(taken) => write_some(&mut handle.io, taken),
                    None => handle.io.flush().map(|()| 0),
                }
            };
            let result;
            (inner, result) = self.lend(inner, Way::Writing, work);
            let now = inner.now();
            let flushed = taken.is_none();
            inner.taken = taken.filter(Taken::has_remaining);
            match result {
                None => {}
                Some(Ok(_)) if flushed => inner.driver.unflushed = false,
                Some(Ok(count)) => {
                    inner.driver.unflushed = true;
                    inner.driver.connection.wrote(count, now);
                }
                Some(Err(error)) if is_timeout(&error) => return (inner, Written::Blocked),
                Some(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Some(Err(error)) => {
                    inner.taken = None;
                    inner.driver.give_up_flushing();
                    inner.driver.connection.write_failed(error.kind().into(), now);
                }
            }
            self.changed.notify_all();
        }
    }

    // In.

    /// Reads once, or waits until somebody else did or the next deadline, but for `longest` at most.
    fn take_in<'a>(&'a self, mut inner: Locked<'a, T>, longest: Duration) -> Locked<'a, T> {
        let now = inner.now();
        let due = inner.driver.connection.poll_timeout().map(|at| at.saturating_duration_since(now));
        let wait = due.map_or(longest, |due| due.min(longest));
        if inner.driver.connection.wants_read() {
            inner.driver.own_no_buffer();
            let mut buffer = [0; READ_SIZE];
            let work = |handle: &mut Handle<T>| {
                handle.timeouts.for_read(&mut handle.io, Some(wait))?;
                handle.io.read(&mut buffer)
            };
            let result;
            (inner, result) = self.lend(inner, Way::Reading, work);
            if let Some(result) = result {
                let now = inner.now();
                inner.driver.took_in(result, &buffer, now);
                self.changed.notify_all();
            } else {
                // Somebody else reads, and has nothing yet.
                inner = self.wait(inner, wait);
            }
        } else {
            inner = self.wait(inner, wait);
        }
        let now = inner.now();
        inner.driver.let_time_pass(now);
        inner
    }

    /// Works on one end of the transport with the lock released; nothing, if that end is not here.
    fn lend<'a, R>(
        &'a self,
        mut inner: Locked<'a, T>,
        way: Way,
        work: impl FnOnce(&mut Handle<T>) -> R,
    ) -> (Locked<'a, T>, Option<R>) {
        let Some(handle) = inner.end(way).take() else { return (inner, None) };
        drop(inner);
        let mut lent = Lent { shared: self, way, handle: Some(handle) };
        let result = lent.handle.as_mut().map(work);
        // Put back under the lock under which the caller makes use of the result: what was read first is also taken in first.
        let mut inner = self.lock();
        if let Some(handle) = lent.handle.take() {
            *inner.end(way) = End::Here(handle);
        }
        (inner, result)
    }

    #[allow(clippy::disallowed_methods, reason = "the adapter's wait; the machine is told the time after it")]
    fn wait<'a>(&'a self, inner: Locked<'a, T>, longest: Duration) -> Locked<'a, T> {
        self.changed.wait_timeout(inner, longest).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Nobody will read any more: what arrives is dropped.
    pub(super) fn stop_reading(&self) {
        let mut inner = self.lock();
        let now = inner.now();
        inner.driver.stop_reading(now);
        self.changed.notify_all();
    }
}

impl<T: TimedIo> Inner<T> {
    /// The time by the transport's clock, of which one end is here: a thread has at most one.
    pub(super) fn now(&mut self) -> Timestamp {
        if let Some(io) = self.reading.here().or_else(|| self.writing.here()) {
            let elapsed = io.now().saturating_duration_since(self.origin);
            self.now = self.now.max(Timestamp::from_duration(elapsed));
        }
        self.now
    }

    /// Whether the transport was closed, but for a reader that has not noticed yet.
    fn has_ended(&self) -> bool {
        self.writing.is_gone()
    }

    pub(super) fn has_reached(&self, goal: Goal) -> bool {
        self.driver.has_reached(goal, !self.has_ended())
    }

    fn is_done(&self, goal: Goal, now: Timestamp) -> bool {
        self.driver.is_done(goal, !self.has_ended(), now)
    }

    fn end(&mut self, way: Way) -> &mut End<T> {
        match way {
            Way::Reading => &mut self.reading,
            Way::Writing => &mut self.writing,
        }
    }

    /// Does to the transport what the machine says.
    fn act_on_transport(&mut self) {
        let transport = self.driver.connection.transport();
        if let End::Here(handle) = &mut self.writing {
            match transport {
                Transport::Open => {}
                Transport::HalfClose | Transport::Close => {
                    if !core::mem::replace(&mut self.driver.half_closed, true) {
                        let _ = handle.io.shutdown_write();
                    }
                }
                Transport::Abort => {
                    let _ = handle.io.set_reset_on_drop();
                }
            }
        }
        if matches!(transport, Transport::Close | Transport::Abort) {
            for end in [&mut self.reading, &mut self.writing] {
                // An end that is out goes once it is back.
                if matches!(end, End::Here(_)) {
                    *end = End::Gone;
                }
            }
            self.driver.give_up_flushing();
        }
    }
}

impl<T: TimedIo> Inner<T> {
    /// The whole socket again, which leaves nothing here. Nobody reads or writes any more.
    pub(super) fn whole(&mut self) -> WebSocket<T> {
        self.reading = End::Gone;
        let handle = match core::mem::replace(&mut self.writing, End::Gone) {
            End::Here(handle) => Some(handle),
            End::Out | End::Gone => None,
        };
        let (io, timeouts) = handle.map(|handle| (handle.io, handle.timeouts)).unzip();
        WebSocket {
            io,
            driver: core::mem::replace(&mut self.driver, Driver::spent()),
            origin: self.origin,
            taken: self.taken.take(),
            timeouts: timeouts.unwrap_or_default(),
        }
    }
}

/// The last half was dropped, which is to drop the socket.
impl<T: TimedIo> Drop for Shared<T> {
    fn drop(&mut self) {
        drop(self.inner.get_mut().unwrap_or_else(PoisonError::into_inner).whole());
    }
}
