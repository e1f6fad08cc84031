//! [`Scripted`] as tokio sees it, and wakers that count.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::scripted::{Attempt, Scripted};

impl AsyncRead for Scripted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.shared().lock();
        match state.read(buffer.initialize_unfilled()) {
            Attempt::Done(count) => {
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
            Attempt::Failed(error) => Poll::Ready(Err(error)),
            Attempt::Wait => {
                state.read_waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Attempt::Again => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.shared().lock();
        match state.write(buffer) {
            Attempt::Done(count) => Poll::Ready(Ok(count)),
            Attempt::Failed(error) => Poll::Ready(Err(error)),
            Attempt::Wait => {
                state.write_waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Attempt::Again => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared().lock();
        match state.flush() {
            Attempt::Wait => {
                state.write_waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Attempt::Failed(error) => Poll::Ready(Err(error)),
            Attempt::Done(_) | Attempt::Again => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared().lock();
        if state.is_shutdown_blocked() {
            state.write_waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.flush();
        state.shut_down();
        Poll::Ready(Ok(()))
    }
}

/// A task's waker that counts.
#[derive(Default)]
pub struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    pub fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), count.into())
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// How often it was woken since the last call.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}
