//! [`Scripted`] as a blocking transport whose waits are bounded.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use websocket_proto::blocking::TimedIo;

use super::scripted::{Attempt, Scripted, State};

impl Scripted {
    /// Tries until it comes to something, or the time is out.
    fn attempt(
        &self,
        mut attempt: impl FnMut(&mut State) -> Attempt,
        timeout: impl Fn(&State) -> Option<Duration>,
    ) -> io::Result<usize> {
        let mut state = self.shared().lock();
        loop {
            match attempt(&mut state) {
                Attempt::Done(count) => return Ok(count),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again => return Err(ErrorKind::Interrupted.into()),
                Attempt::Wait if state.nonblocking => return Err(ErrorKind::WouldBlock.into()),
                Attempt::Wait => {
                    state.seen.waits += 1;
                    let Some(timeout) = timeout(&state) else {
                        state = self.shared().changed.wait(state).unwrap();
                        continue;
                    };
                    let (woken, result) = self.shared().changed.wait_timeout(state, timeout).unwrap();
                    state = woken;
                    if result.timed_out() {
                        return Err(ErrorKind::WouldBlock.into());
                    }
                }
            }
        }
    }
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.attempt(|state| state.read(buffer), |state| state.read_timeout)
    }
}

impl Write for Scripted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.attempt(|state| state.write(buffer), |state| state.write_timeout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(State::flush, |state| state.write_timeout).map(drop)
    }
}

impl TimedIo for Scripted {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let mut state = self.shared().lock();
        assert_ne!(timeout, Some(Duration::ZERO));
        state.seen.read_timeouts.push(timeout);
        state.read_timeout = timeout;
        self.shared().changed.notify_all();
        Ok(())
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let mut state = self.shared().lock();
        assert_ne!(timeout, Some(Duration::ZERO));
        state.seen.write_timeouts.push(timeout);
        state.write_timeout = timeout;
        Ok(())
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.shared().lock().nonblocking = nonblocking;
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        let mut state = self.shared().lock();
        state.flush();
        state.shut_down();
        Ok(())
    }

    fn set_reset_on_drop(&mut self) -> io::Result<()> {
        self.shared().lock().seen.reset = true;
        Ok(())
    }
}
