//! [`Scripted`] as a blocking transport whose waits are bounded, by a clock that moves only while somebody waits.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use std::io::{self, ErrorKind, Read, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use websocket_proto::blocking::{CloneIo, TimedIo};

use super::scripted::{Attempt, PING, PONG, Remote, Scripted, State, masked};

/// When all clocks begin.
static ORIGIN: LazyLock<Instant> = LazyLock::new(|| {
    #[allow(clippy::disallowed_methods, reason = "an instant cannot be made from nothing")]
    Instant::now()
});

impl Remote {
    /// Lets something happen at this time of the transport's clock.
    pub fn at(&self, time: Duration, action: impl FnOnce(&mut State) + Send + 'static) {
        let mut state = self.lock();
        state.schedule.push((time, Box::new(action)));
        state.schedule.sort_by_key(|(time, _)| *time);
    }

    /// What the transport's clock shows.
    pub fn clock(&self) -> Duration {
        self.lock().clock
    }

    /// Lets time pass that the application spends elsewhere.
    pub fn pass(&self, duration: Duration) {
        let mut state = self.lock();
        state.clock += duration;
        state.meet_schedule();
    }

    /// From now on the peer answers each Ping after this time.
    pub fn answer_pings_after(&self, delay: Duration) {
        self.lock().answers_pings_after = Some(delay);
    }
}

impl State {
    /// Does what was due by now.
    fn meet_schedule(&mut self) {
        while self.schedule.first().is_some_and(|(time, _)| *time <= self.clock) {
            let (_, action) = self.schedule.remove(0);
            action(self);
        }
    }

    /// Moves the clock to the next thing that happens, but not beyond `until`. Whether anything happened.
    fn wait(&mut self, until: Option<Duration>) -> bool {
        self.seen.waits += 1;
        let next = self.schedule.first().map(|(time, _)| *time);
        match (next, until) {
            (Some(next), until) if until.is_none_or(|until| next <= until) => {
                self.clock = self.clock.max(next);
                self.meet_schedule();
                true
            }
            (_, Some(until)) => {
                self.clock = until;
                false
            }
            (_, None) => panic!("it would wait for ever"),
        }
    }

    fn answer_pings(&mut self, written: &[u8]) {
        let Some(delay) = self.answers_pings_after else { return };
        if let [PING, len, payload @ ..] = written {
            let pong = masked(PONG, &payload[..usize::from(*len)]);
            let at = self.clock + delay;
            self.schedule.push((at, Box::new(move |state| state.push(&pong))));
            self.schedule.sort_by_key(|(time, _)| *time);
        }
    }
}

impl Scripted {
    /// Tries until it comes to something, or the time is out.
    fn attempt(
        &self,
        mut attempt: impl FnMut(&mut State) -> Attempt,
        timeout: impl Fn(&State) -> Option<Duration>,
    ) -> io::Result<usize> {
        let mut state = self.shared().lock();
        let until = timeout(&state).map(|timeout| state.clock + timeout);
        loop {
            match attempt(&mut state) {
                Attempt::Done(count) => return Ok(count),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again => return Err(ErrorKind::Interrupted.into()),
                Attempt::Wait if state.nonblocking => return Err(ErrorKind::WouldBlock.into()),
                Attempt::Wait => {
                    if !state.wait(until) {
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
        let count = self.attempt(|state| state.write(buffer), |state| state.write_timeout)?;
        let mut state = self.shared().lock();
        let takes = state.write_takes;
        state.clock += takes;
        state.answer_pings(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(State::flush, |state| state.write_timeout).map(drop)
    }
}

impl CloneIo for Scripted {
    fn clone_io(&self) -> io::Result<Self> {
        if self.shared().lock().cannot_be_cloned {
            return Err(ErrorKind::Unsupported.into());
        }
        Ok(self.clone())
    }
}

impl TimedIo for Scripted {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        assert_ne!(timeout, Some(Duration::ZERO));
        let mut state = self.shared().lock();
        state.seen.read_timeouts.push(timeout);
        state.read_timeout = timeout;
        Ok(())
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        assert_ne!(timeout, Some(Duration::ZERO));
        let mut state = self.shared().lock();
        state.seen.write_timeouts.push(timeout);
        state.write_timeout = timeout;
        Ok(())
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        let mut state = self.shared().lock();
        state.seen.looks += usize::from(nonblocking);
        state.nonblocking = nonblocking;
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

    fn now(&self) -> Instant {
        let mut state = self.shared().lock();
        state.seen.clock_reads += 1;
        *ORIGIN + state.clock
    }
}
