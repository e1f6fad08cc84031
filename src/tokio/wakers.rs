//! Two tasks may poll one socket: one that reads and one that writes, as after `StreamExt::split`. A transport remembers one
//! waker for each direction, a timer one; and whichever task polls last, both must be woken. So they are all given the same
//! waker, which wakes whoever is waiting.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which of the two is polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Reader,
    Writer,
}

#[derive(Debug)]
pub(super) struct Wakers {
    waiting: Arc<Waiting>,
    /// A writer may be waiting. Mostly none is, and nobody has to lock anything to find that out.
    writer_waits: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    pair: Mutex<Pair>,
    /// Somebody was to be woken, since the poll began that is under way.
    woken: AtomicBool,
}

#[derive(Debug, Default)]
struct Pair {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wakers {
    pub(super) fn new() -> Self {
        Self { waiting: Arc::default(), writer_waits: false }
    }

    /// A poll begins: the waker for all that it looks at. Whoever finds that it must wait [registers](Self::register) then, for
    /// most find something.
    pub(super) fn begin(&self) -> Waker {
        // Whatever woke before is there to be seen.
        self.waiting.woken.swap(false, Ordering::AcqRel);
        self.waiting.clone().into()
    }

    /// Notes that `task` waits. If there was a wake-up since the poll began, it is woken at once.
    pub(super) fn register(&mut self, task: Task, waker: &Waker) {
        self.writer_waits |= task == Task::Writer;
        let mut pair = self.waiting.lock();
        match pair.of(task) {
            Some(known) => known.clone_from(waker),
            unknown => *unknown = Some(waker.clone()),
        }
        drop(pair);
        // Of one that comes from now on it is woken as any that waits.
        if self.waiting.woken.swap(false, Ordering::AcqRel) {
            waker.wake_by_ref();
        }
    }

    /// Wakes `task`, if it is waiting.
    #[inline]
    pub(super) fn wake(&mut self, task: Task) {
        if task == Task::Reader || core::mem::take(&mut self.writer_waits) {
            self.wake_waiting(task);
        }
    }

    fn wake_waiting(&self, task: Task) {
        let waker = self.waiting.lock().of(task).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Pair> {
        self.pair.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pair {
    fn of(&mut self, task: Task) -> &mut Option<Waker> {
        match task {
            Task::Reader => &mut self.reader,
            Task::Writer => &mut self.writer,
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// Whoever is woken is forgotten until it polls again: one that went away is woken in vain once, and not kept.
    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let Pair { reader, writer } = core::mem::take(&mut *self.lock());
        let writer = writer.filter(|writer| reader.as_ref().is_none_or(|reader| !reader.will_wake(writer)));
        for waker in [reader, writer].into_iter().flatten() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counts(tasks: &[Arc<Count>; 2]) -> [usize; 2] {
        tasks.each_ref().map(|task| task.0.load(Ordering::Relaxed))
    }

    #[test]
    fn all_who_wait_are_woken_once_whoever_polled_last() {
        let tasks: [Arc<Count>; 2] = Default::default();
        let [reader, writer] = tasks.each_ref().map(|task| Waker::from(task.clone()));
        let mut wakers = Wakers::new();
        let of_the_transport = wakers.begin();
        wakers.register(Task::Reader, &reader);
        of_the_transport.wake_by_ref();
        assert_eq!(counts(&tasks), [1, 0]);
        // Nobody waits.
        of_the_transport.wake_by_ref();
        assert_eq!(counts(&tasks), [1, 0]);
        // An old waker of the transport reaches those who came later.
        wakers.begin();
        wakers.register(Task::Reader, &reader);
        wakers.register(Task::Writer, &writer);
        of_the_transport.wake_by_ref();
        assert_eq!(counts(&tasks), [2, 1]);
        // One task that does both is woken once.
        wakers.begin();
        wakers.register(Task::Reader, &reader);
        wakers.register(Task::Writer, &reader);
        of_the_transport.wake();
        assert_eq!(counts(&tasks), [3, 1]);
    }

    #[test]
    fn whoever_would_wait_is_woken_for_what_came_since_it_began_to_look() {
        let task = Arc::new(Count::default());
        let waker = Waker::from(task.clone());
        let count = || task.0.load(Ordering::Relaxed);
        let mut wakers = Wakers::new();
        let of_the_transport = wakers.begin();
        of_the_transport.wake_by_ref();
        for which in [Task::Reader, Task::Writer] {
            let before = count();
            wakers.register(which, &waker);
            assert_eq!(count() - before, usize::from(which == Task::Reader), "once is enough");
            of_the_transport.wake_by_ref();
            wakers.register(which, &waker);
        }
        // What came before a poll is what it finds.
        of_the_transport.wake_by_ref();
        wakers.begin();
        let before = count();
        wakers.register(Task::Reader, &waker);
        assert_eq!(count(), before);
    }

    #[test]
    fn whoever_was_woken_is_not_kept() {
        let task = Arc::new(Count::default());
        let mut wakers = Wakers::new();
        wakers.register(Task::Writer, &task.clone().into());
        wakers.begin().wake();
        assert_eq!(Arc::strong_count(&task), 1);
        wakers.begin();
        wakers.register(Task::Writer, &task.clone().into());
        wakers.wake(Task::Reader);
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        wakers.wake(Task::Writer);
        assert_eq!((task.0.load(Ordering::Relaxed), Arc::strong_count(&task)), (2, 1));
    }
}
