//! What the machine asks for, done to a transport that blocks.

use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice};

use bytes::{Buf, BytesMut};

use super::{TimedIo, WebSocket};
use crate::adapter::{Driver, Goal, dropped};
use crate::connection::Transport;
use crate::event::Event;
use crate::time::Timestamp;

/// How much to read at once. It lies on the stack, so an idle connection owns no buffer.
pub(super) const READ_SIZE: usize = 8 * 1024;

/// How long a write waits before somebody looks at what arrived: so two peers that both write do not wait for each other for
/// ever.
pub(super) const TURN: Duration = Duration::from_millis(10);

/// How many reads one look takes before writing has its turn again.
const MAX_READS: usize = 64;

/// How many pieces one vectored write takes.
const SLICES: usize = 32;

impl<T: TimedIo> WebSocket<T> {
    /// The next event, for whoever reads.
    pub(super) fn wait_for_event(&mut self) -> Option<Event> {
        let event = self.find_event();
        let now = self.now();
        self.driver.leave_with(event.as_ref(), now);
        event
    }

    fn find_event(&mut self) -> Option<Event> {
        loop {
            let now = self.now();
            let late = self.driver.batch_took_long(now);
            if let Some(event) = self.driver.next_event(now) {
                if late {
                    // An application that takes its time over each message must not keep the peer waiting for its Pongs.
                    self.driver.park(Goal::End, now);
                    self.look(Goal::End);
                }
                // Where the transport takes nothing, this reader need not wait for it.
                if (late || !self.driver.has_more()) && self.taken.is_none() {
                    self.put_out();
                }
                return Some(event);
            }
            if self.io.is_none() {
                return self.driver.tell_close();
            }
            if self.put_out() {
                self.wait_for_input(Goal::End);
            } else {
                self.look(Goal::End);
            }
        }
    }

    /// Goes on until `goal` is reached, for somebody who does not read. What arrives meanwhile is parked for the next read.
    pub(super) fn work_until(&mut self, goal: Goal) {
        if goal == Goal::Capacity && self.has_reached(goal) {
            return;
        }
        // Most messages are written at once, and nothing else is to be done.
        self.put_out();
        if self.is_done(goal) {
            return;
        }
        loop {
            self.driver.park(goal, self.now());
            let all_written = self.put_out();
            if self.is_done(goal) {
                return;
            }
            if all_written && !self.has_reached(goal) {
                self.wait_for_input(goal);
            } else {
                self.look(goal);
            }
        }
    }

    fn has_reached(&self, goal: Goal) -> bool {
        self.driver.has_reached(goal, self.io.is_some())
    }

    fn is_done(&self, goal: Goal) -> bool {
        self.driver.is_done(goal, self.io.is_some(), self.now())
    }

    // Out.

    /// Writes what waits, and does to the transport what the machine says. Whether all was written.
    fn put_out(&mut self) -> bool {
        let all_written = self.write() && self.flush_transport();
        self.act_on_transport();
        all_written
    }

    /// Writes as long as the transport takes some, but for a turn at most: there may be something to read. Whether all was
    /// written, or nothing can be any more.
    fn write(&mut self) -> bool {
        let until = self.now().saturating_add(TURN);
        loop {
            let now = self.now();
            let Some(io) = &mut self.io else { return true };
            if self.taken.is_none() {
                self.taken = self.driver.connection.take(usize::MAX, now);
            }
            let Some(taken) = &mut self.taken else { return true };
            let result = self.timeouts.for_write(io, TURN).and_then(|()| write_some(io, taken));
            let all_written = !taken.has_remaining();
            let now = self.now();
            match result {
                Ok(count) => {
                    self.driver.unflushed = true;
                    self.driver.connection.wrote(count, now);
                }
                Err(error) if is_timeout(&error) => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.write_failed(&error);
                    return true;
                }
            }
            if all_written {
                self.taken = None;
            }
            if now >= until {
                return false;
            }
        }
    }

    /// Makes the transport let go of what it keeps back, as TLS or a buffer does. Whether it did, or never will.
    fn flush_transport(&mut self) -> bool {
        let Some(io) = self.io.as_mut().filter(|_| self.driver.unflushed) else { return true };
        match io.flush() {
            Ok(()) => self.driver.unflushed = false,
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => return false,
            Err(error) => self.write_failed(&error),
        }
        true
    }

    fn write_failed(&mut self, error: &io::Error) {
        let now = self.now();
        self.taken = None;
        self.driver.give_up_flushing();
        self.driver.connection.write_failed(error.kind().into(), now);
    }

    fn act_on_transport(&mut self) {
        let Some(io) = &mut self.io else { return };
        match self.driver.connection.transport() {
            Transport::Open => return,
            Transport::HalfClose => {
                if !core::mem::replace(&mut self.driver.half_closed, true) {
                    let _ = io.shutdown_write();
                }
                return;
            }
            Transport::Close => {
                if !self.driver.half_closed {
                    let _ = io.shutdown_write();
                }
            }
            Transport::Abort => {
                let _ = io.set_reset_on_drop();
            }
        }
        self.io = None;
        self.taken = None;
        self.driver.give_up_flushing();
    }

    // In.

    /// Waits for input or the next deadline, with nothing to write.
    #[allow(clippy::disallowed_methods, reason = "the adapter's wait; the machine is told the time after it")]
    fn wait_for_input(&mut self, goal: Goal) {
        let now = self.now();
        let wait = self.driver.connection.poll_timeout().map(|at| at.saturating_duration_since(now));
        let Some(io) = &mut self.io else { return };
        if wait.is_some_and(|wait| wait.is_zero()) {
            self.look(goal);
        } else if !self.driver.connection.wants_read() {
            std::thread::sleep(wait.unwrap_or(TURN));
        } else if let Err(error) = self.timeouts.for_read(io, wait) {
            self.read_failed(&error);
        } else {
            self.read_once();
        }
        self.let_time_pass();
    }

    /// Takes in what has arrived, without waiting.
    fn look(&mut self, goal: Goal) {
        if self.driver.connection.wants_read() && self.set_nonblocking(true) {
            let mut reads = 0_usize..MAX_READS;
            while self.read_once() && reads.next().is_some() && self.driver.connection.wants_read() {
                self.driver.park(goal, self.now());
            }
            self.set_nonblocking(false);
        }
        self.let_time_pass();
    }

    fn let_time_pass(&mut self) {
        let now = self.now();
        self.driver.let_time_pass(now);
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> bool {
        let result = self.io.as_mut().map_or(Ok(()), |io| io.set_nonblocking(nonblocking));
        match result {
            Ok(()) => true,
            // What no longer waits is of no use here.
            Err(error) if !nonblocking => {
                self.read_failed(&error);
                false
            }
            Err(_) => false,
        }
    }

    /// Whether it is worth reading again.
    fn read_once(&mut self) -> bool {
        let Some(io) = &mut self.io else { return false };
        self.driver.own_no_buffer();
        let mut buffer = [0; READ_SIZE];
        let result = io.read(&mut buffer);
        let now = self.now();
        self.driver.took_in(result, &buffer, now)
    }

    fn read_failed(&mut self, error: &io::Error) {
        let now = self.now();
        self.driver.connection.read_failed(error.kind().into(), now);
    }
}

impl Driver {
    /// An idle connection, which waits to read, owns no buffer.
    pub(super) fn own_no_buffer(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    /// Takes note of what a read came to; whether it is worth reading again.
    pub(super) fn took_in(&mut self, result: io::Result<usize>, buffer: &[u8], now: Timestamp) -> bool {
        match result {
            Ok(0) => self.connection.end_of_input(now),
            Ok(count) => {
                self.input.extend_from_slice(buffer.get(..count).unwrap_or_default());
                return true;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(error) if is_timeout(&error) => {}
            Err(error) => self.connection.read_failed(error.kind().into(), now),
        }
        false
    }

    /// Whoever cared for the transport lets deadlines pass.
    pub(super) fn let_time_pass(&mut self, now: Timestamp) {
        self.looked_at = now;
        self.connection.handle_timeout(now);
    }
}

/// Whether the time that was set ran out. On Unix that is `WouldBlock`, and `TimedOut` from the operating system means that
/// it gave up on the peer.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::WouldBlock => true,
        ErrorKind::TimedOut => !(cfg!(unix) && error.raw_os_error().is_some()),
        _ => false,
    }
}

pub(super) fn write_some<T: TimedIo>(io: &mut T, bytes: &mut impl Buf) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let filled = bytes.chunks_vectored(&mut slices);
    let count = io.write_vectored(slices.get(..filled).unwrap_or_default())?;
    if count == 0 {
        return Err(ErrorKind::WriteZero.into());
    }
    bytes.advance(count);
    Ok(count)
}

impl<T: TimedIo> Drop for WebSocket<T> {
    fn drop(&mut self) {
        let now = self.now();
        self.driver.connection.close(dropped(), now);
        if self.io.is_some() && self.set_nonblocking(true) {
            let _ = self.write() && self.flush_transport();
            // The transport may be shared with somebody.
            self.set_nonblocking(false);
        }
    }
}
