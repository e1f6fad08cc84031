//! What must hold after each act, and once the socket has ended.

use std::time::Duration;

use tokio::time::{Instant, advance};
use websocket_proto::{State, Stats};

use super::script::Wish;
use super::stage::{BUSY, Stage};
use super::tasks::Task;

/// What a poll may have brought about.
#[derive(Debug, PartialEq)]
struct Progress {
    stats: Stats,
    state: State,
    ended: bool,
    written: usize,
    shut_down: bool,
}

impl Stage {
    fn progress(&mut self) -> Progress {
        let (written, shut_down) = (self.tasks.written, self.remote.seen().shut_down_after.is_some());
        let socket = self.socket();
        Progress {
            stats: socket.stats(),
            state: socket.state(),
            ended: socket.close_event().is_some(),
            written,
            shut_down,
        }
    }

    /// Whoever sleeps could not go on, and does not sleep through the end.
    pub(super) fn check_wakes(&mut self) {
        if self.socket().state() >= State::Closing {
            let since = *self.closing_since.get_or_insert_with(Instant::now);
            let overdue = self.socket().close_event().is_none() && since.elapsed() > self.close_timeout;
            let asleep = [Task::Reader, Task::Writer].map(|task| self.tasks.asleep(task));
            assert!(!overdue || asleep == [None; 2], "{asleep:?} sleep through the deadline");
        }
        if self.tasks.was_anything_done() {
            // Whoever does something with a socket polls it then.
            for wish in self.tasks.all_waiting() {
                self.poll(wish);
            }
            return;
        }
        for task in [Task::Reader, Task::Writer] {
            let Some(wish) = self.tasks.asleep(task) else { continue };
            let before = self.progress();
            let waits = self.poll(wish);
            let after = self.progress();
            assert!(waits && before == after, "{wish:?} was not woken: {before:?}, {after:?}");
        }
    }

    // The end.

    pub(super) async fn finish(&mut self) {
        let was_over = self.socket().state() == State::Closed;
        self.remote.read_in(&[]);
        self.remote.write_in(&[]);
        self.remote.set_room(None);
        self.remote.block_flush(false);
        self.remote.block_shutdown(false);
        // The queue of other tasks is taken in turns, each as large as one poll makes it.
        let mut flushed = true;
        for _ in 0..8 {
            flushed &= !self.poll(Wish::Flush);
        }
        if flushed && self.socket().state() == State::Open {
            self.ledger.check_queue();
        }
        self.push(usize::MAX);
        if !self.input_ended {
            self.remote.end();
        }
        self.check_wakes();
        // Every deadline is nearer than so many seconds.
        for _ in 0..120 {
            self.run();
            if !self.read_all() {
                break;
            }
            self.run();
            self.check_wakes();
            advance(Duration::from_secs(1)).await;
        }
        let close = self.socket().close_event().expect("an end, after all deadlines");
        self.ledger.check_heard(&self.stream[..self.pushed], &close);
        self.ledger.read_written();
        for wish in [Wish::Next, Wish::NextEvent, Wish::Ready, Wish::Flush, Wish::Drive, Wish::Close] {
            assert!(!self.poll(wish), "{wish:?} waits after the end");
        }
        let seen = self.remote.seen();
        assert!(seen.dropped, "the transport is kept");
        let is_shut = was_over || seen.shut_down_after.is_some();
        assert!(is_shut || !close.was_clean(), "it is dropped without a word: {close}");
    }

    /// Reads until there is nothing to read; whether more may come.
    fn read_all(&mut self) -> bool {
        for _ in 0..BUSY {
            if self.poll(Wish::Next) {
                return true;
            }
            if self.socket().close_event().is_some() && self.ledger.knows_the_end() {
                return false;
            }
        }
        panic!("the events do not end");
    }
}
