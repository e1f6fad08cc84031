//! What the machine asks for, done to a transport that blocks.

use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice};

use bytes::Buf;

use super::{TimedIo, WebSocket};
use crate::adapter::dropped;
use crate::connection::Transport;
use crate::event::Event;

/// How much to read at once. It lies on the stack, so an idle connection owns no buffer.
const READ_SIZE: usize = 8 * 1024;

/// While output waits, reading and writing take turns of this length, so that two peers that both write do not wait for each
/// other for ever.
const TURN: Duration = Duration::from_millis(10);

/// How many pieces one vectored write takes.
const SLICES: usize = 32;

/// The time-outs last set on the transport. To wake up early does no harm, so they are changed only where they are too long,
/// or far too short; that saves a system call for most reads.
#[derive(Debug, Default)]
pub(super) struct Timeouts {
    read: Option<Option<Duration>>,
    write_is_set: bool,
}

impl Timeouts {
    fn for_read<T: TimedIo>(&mut self, io: &mut T, wanted: Option<Duration>) -> io::Result<()> {
        let wanted = wanted.map(|wanted| wanted.max(Duration::from_millis(1)));
        let fits = match (self.read, wanted) {
            (Some(Some(set)), Some(wanted)) => set <= wanted && set >= wanted / 2,
            (Some(None), None) => true,
            _ => false,
        };
        if !fits {
            io.set_read_timeout(wanted)?;
            self.read = Some(wanted);
        }
        Ok(())
    }

    fn for_write<T: TimedIo>(&mut self, io: &mut T) -> io::Result<()> {
        if !self.write_is_set {
            io.set_write_timeout(Some(TURN))?;
            self.write_is_set = true;
        }
        Ok(())
    }
}

impl<T: TimedIo> WebSocket<T> {
    /// Does what is due, then waits for input or the next deadline, unless an event was found.
    pub(super) fn turn(&mut self) {
        self.parse();
        let all_written = self.write();
        self.act_on_transport();
        if self.parked.is_none() && self.close_event.is_none() {
            let wait = if all_written { self.until_deadline() } else { Some(TURN) };
            self.read_once(wait);
        }
        self.judge();
    }

    /// Does what is due, and waits to write; for input only where the transport takes no output.
    pub(super) fn turn_to_write(&mut self) {
        self.parse();
        let all_written = self.write();
        self.act_on_transport();
        if !all_written && self.parked.is_none() {
            self.read_once(Some(TURN));
        }
        self.judge();
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

    fn judge(&mut self) {
        let now = self.now();
        self.connection.handle_timeout(now);
    }

    fn until_deadline(&self) -> Option<Duration> {
        self.connection.poll_timeout().map(|at| at.saturating_duration_since(self.now()))
    }

    /// Writes what waits, as long as the transport takes some within a turn. Whether all was written.
    fn write(&mut self) -> bool {
        loop {
            let now = self.now();
            let Some(io) = &mut self.io else { return true };
            if self.taken.is_none() {
                self.taken = self.connection.take(usize::MAX, now);
            }
            let Some(taken) = &mut self.taken else { return true };
            let result = self.timeouts.for_write(io).and_then(|()| write_some(io, taken));
            let done = !taken.has_remaining();
            let now = self.now();
            match result {
                Ok(count) => self.connection.wrote(count, now),
                Err(error) if is_timeout(&error) => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.connection.write_failed(error.kind().into(), now),
            }
            if done || self.connection.buffered() == 0 {
                self.taken = None;
            }
        }
    }

    fn read_once(&mut self, wait: Option<Duration>) {
        let Some(io) = &mut self.io else { return };
        if self.input_ended || !self.connection.wants_read() {
            return;
        }
        let mut buffer = [0; READ_SIZE];
        let result = self.timeouts.for_read(io, wait).and_then(|()| io.read(&mut buffer));
        let now = self.now();
        match result {
            Ok(0) => {
                self.input_ended = true;
                self.connection.end_of_input(now);
            }
            Ok(count) => self.input.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                self.input_ended = true;
                self.connection.read_failed(error.kind().into(), now);
            }
        }
    }

    fn act_on_transport(&mut self) {
        let Some(io) = &mut self.io else { return };
        match self.connection.transport() {
            Transport::Open => {}
            Transport::HalfClose => {
                if !core::mem::replace(&mut self.half_closed, true) {
                    let _ = io.shutdown_write();
                }
            }
            Transport::Close => {
                if !self.half_closed {
                    let _ = io.shutdown_write();
                }
                self.io = None;
            }
            Transport::Abort => {
                let _ = io.set_reset_on_drop();
                self.io = None;
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn write_some<T: TimedIo>(io: &mut T, bytes: &mut impl Buf) -> io::Result<usize> {
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
        self.connection.close(dropped(), now);
        let taken = self.taken.take().or_else(|| self.connection.take(usize::MAX, now));
        if let (Some(io), Some(mut taken)) = (&mut self.io, taken)
            && io.set_nonblocking(true).is_ok()
        {
            let _ = write_some(io, &mut taken);
        }
    }
}
