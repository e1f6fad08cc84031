//! Two tasks may poll one socket: one that reads and one that writes, as after `StreamExt::split`. A transport remembers one
//! waker for each direction, and either task may touch both; so both must be woken.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::task::Waker;

/// Which of the two is polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Reader,
    Writer,
}

#[derive(Debug, Default)]
pub(super) struct Wakers {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Both(Waker, Waker);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
        self.1.wake_by_ref();
    }
}

impl Wakers {
    /// Remembers the waker of `task`, and returns one that wakes that task and the other.
    pub(super) fn join(&mut self, task: Task, waker: &Waker) -> Waker {
        let (own, other) = match task {
            Task::Reader => (&mut self.reader, &self.writer),
            Task::Writer => (&mut self.writer, &self.reader),
        };
        let own = match own {
            Some(own) => {
                own.clone_from(waker);
                own
            }
            None => own.insert(waker.clone()),
        };
        match other {
            Some(other) if !other.will_wake(own) => Waker::from(Arc::new(Both(own.clone(), other.clone()))),
            _ => own.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_task_is_woken_once_whoever_polled_last() {
        let (reader, writer) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut wakers = Wakers::default();
        wakers.join(Task::Reader, &reader.clone().into()).wake();
        assert_eq!((reader.0.load(Ordering::Relaxed), writer.0.load(Ordering::Relaxed)), (1, 0));
        wakers.join(Task::Writer, &writer.clone().into()).wake();
        assert_eq!((reader.0.load(Ordering::Relaxed), writer.0.load(Ordering::Relaxed)), (2, 1));
        // One task that does both is woken once.
        wakers.join(Task::Writer, &reader.clone().into()).wake();
        assert_eq!((reader.0.load(Ordering::Relaxed), writer.0.load(Ordering::Relaxed)), (3, 1));
    }
}
