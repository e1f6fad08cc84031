//! The two tasks that share a socket: what they wait for, and whether they were woken.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::script::Wish;
use super::scripted_async::Count;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Reader,
    Writer,
}

impl Wish {
    fn task(self) -> Task {
        match self {
            Self::Next | Self::NextEvent => Task::Reader,
            Self::Ready | Self::Flush | Self::Drive | Self::Close | Self::SinkClose => Task::Writer,
        }
    }
}

pub(super) struct Tasks {
    reader: Sleeper,
    writer: Sleeper,
    /// The application did something that nobody is woken for, since it polls after it.
    done: bool,
    /// How many bytes were written in all.
    pub(super) written: usize,
}

struct Sleeper {
    wakes: Arc<Count>,
    /// What the last poll left waiting.
    wish: Option<Wish>,
    /// It has not polled since it was taken apart, or at all.
    is_new: bool,
}

impl Sleeper {
    fn new() -> Self {
        Self { wakes: Arc::default(), wish: None, is_new: false }
    }

    fn is_woken(&self) -> bool {
        self.is_new || self.wakes.get() > 0
    }
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { reader: Sleeper::new(), writer: Sleeper::new(), done: false, written: 0 }
    }

    fn of(&mut self, task: Task) -> &mut Sleeper {
        match task {
            Task::Reader => &mut self.reader,
            Task::Writer => &mut self.writer,
        }
    }

    pub(super) fn poll<T>(&mut self, wish: Wish, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        let sleeper = self.of(wish.task());
        // Another waker each time: only the last one is to be woken.
        let (wakes, waker) = Count::new();
        sleeper.wakes = wakes;
        sleeper.is_new = false;
        let polled = poll(&mut Context::from_waker(&waker));
        sleeper.wish = polled.is_pending().then_some(wish);
        polled
    }

    /// Nobody knows of them any more.
    pub(super) fn forget(&mut self) {
        self.reader.is_new = true;
        self.writer.is_new = true;
    }

    pub(super) fn something_was_done(&mut self) {
        self.done = true;
    }

    pub(super) fn was_anything_done(&mut self) -> bool {
        std::mem::take(&mut self.done)
    }

    pub(super) fn all_waiting(&self) -> Vec<Wish> {
        [self.reader.wish, self.writer.wish].into_iter().flatten().collect()
    }

    pub(super) fn next_woken(&self) -> Option<Wish> {
        [&self.reader, &self.writer].into_iter().filter(|sleeper| sleeper.is_woken()).find_map(|it| it.wish)
    }

    /// What this task waits for, if it was not woken.
    pub(super) fn asleep(&mut self, task: Task) -> Option<Wish> {
        let sleeper = self.of(task);
        if sleeper.is_woken() { None } else { sleeper.wish }
    }
}
