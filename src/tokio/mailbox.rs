//! A bounded queue of messages, from many tasks to the one that drives the connection.
//!
//! It is no channel of tokio's, since those can neither drop what is old to make room for what is new, nor give back what
//! waits when there is nobody to take it.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::{Context, Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::tokio::sync::{Semaphore, TryAcquireError};

use crate::close::{CloseCode, CloseFrame};
use crate::error::SendError;
use crate::event::CloseEvent;
use crate::message::Message;
use crate::state::State;

/// What a sender does when the queue is full, which is to say that the peer reads more slowly than messages come.
///
/// ```
/// use websocket_proto::tokio::{MessageSender, WhenFull};
///
/// /// Prices, of which only the latest matter: whoever is slow misses some, and slows nobody down.
/// fn prices(sender: &MessageSender) -> MessageSender {
///     sender.when_full(WhenFull::DropOldest)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// `send` waits, and `try_send` hands the message back.
    #[default]
    HandBack,
    /// The message that has waited longest gives up its place, whoever sent it. So neither `send` waits nor `try_send` fails, but
    /// where all places are promised to other senders that wait.
    DropOldest,
    /// The message is handed back and the connection is closed with 1013 (Try Again Later); what waits in the queue is dropped,
    /// where the connection has no room for it. A client of this crate connects again later, to begin anew. In front of a
    /// [`ReconnectingClient`](super::ReconnectingClient), which has no such peer, this is [`HandBack`](Self::HandBack).
    Close,
}

/// What waits, and who waits for it.
pub(super) struct Mailbox {
    /// Places that are neither taken nor promised to a sender that waits.
    places: Semaphore,
    /// Has no places, and is closed when the connection has ended.
    end: Semaphore,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<(Option<u64>, Message)>,
    /// While it is set, nothing is accepted: the connection is in this state.
    refused_for: Option<State>,
    /// Somebody wants the connection closed with this: a sender that found the queue full, or a server that goes away.
    close: Option<CloseFrame>,
    /// How the connection ended, if that is known.
    ended_with: Option<CloseEvent>,
    dropped: u64,
    /// Who is woken by a message, and who by a wish to close: a driver that has no room for messages is not woken for each.
    receiver: Option<Waker>,
    closer: Option<Waker>,
}

/// What waits may hold passwords, so it is not shown.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("places", &self.places.available_permits()).finish_non_exhaustive()
    }
}

impl Mailbox {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        // More places than a semaphore can count are as good as without a bound.
        let places = Semaphore::new(capacity.clamp(1, Semaphore::MAX_PERMITS));
        Arc::new(Self { places, end: Semaphore::new(0), waiting: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // For senders.

    pub(super) fn try_send(
        &self,
        key: Option<u64>,
        message: Message,
        when_full: WhenFull,
    ) -> Result<(), SendError<Message>> {
        let Some(message) = self.replace(key, message)? else { return Ok(()) };
        match (self.places.try_acquire(), when_full) {
            (Ok(place), _) => {
                place.forget();
                self.push(key, message)
            }
            (Err(TryAcquireError::Closed), _) => Err(self.refusal(message)),
            (Err(TryAcquireError::NoPermits), WhenFull::HandBack) => Err(SendError::Full(message)),
            (Err(TryAcquireError::NoPermits), WhenFull::DropOldest) => self.push_out(key, message),
            (Err(TryAcquireError::NoPermits), WhenFull::Close) => {
                self.request_close(CloseFrame::known(CloseCode::TRY_AGAIN_LATER, "too slow"));
                Err(SendError::Full(message))
            }
        }
    }

    pub(super) async fn send(
        &self,
        key: Option<u64>,
        message: Message,
        when_full: WhenFull,
    ) -> Result<(), SendError<Message>> {
        let message = match self.try_send(key, message, when_full) {
            Err(SendError::Full(message)) if when_full != WhenFull::Close => message,
            done => return done,
        };
        match self.places.acquire().await {
            Ok(place) => {
                place.forget();
                self.push(key, message)
            }
            Err(_) => Err(self.refusal(message)),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Puts the message where one of the same key waits. If none does, it comes back.
    fn replace(&self, key: Option<u64>, message: Message) -> Result<Option<Message>, SendError<Message>> {
        if key.is_none() {
            return Ok(Some(message));
        }
        let mut waiting = self.lock();
        if let Some(state) = waiting.refused_for {
            return Err(SendError::NotOpen(state, message));
        }
        let same = waiting.messages.iter_mut().find(|(other, _)| *other == key);
        let Some((_, older)) = same else { return Ok(Some(message)) };
        *older = message;
        waiting.dropped = waiting.dropped.saturating_add(1);
        Ok(None)
    }

    /// Takes the place that the caller has acquired.
    fn push(&self, key: Option<u64>, message: Message) -> Result<(), SendError<Message>> {
        let mut waiting = self.lock();
        if let Some(state) = waiting.refused_for {
            drop(waiting);
            self.places.add_permits(1);
            return Err(SendError::NotOpen(state, message));
        }
        waiting.messages.push_back((key, message));
        let receiver = waiting.receiver.take();
        drop(waiting);
        wake(receiver);
        Ok(())
    }

    /// Takes the place of the oldest.
    fn push_out(&self, key: Option<u64>, message: Message) -> Result<(), SendError<Message>> {
        let mut waiting = self.lock();
        if waiting.messages.pop_front().is_none() {
            return Err(SendError::Full(message));
        }
        waiting.dropped = waiting.dropped.saturating_add(1);
        waiting.messages.push_back((key, message));
        Ok(())
    }

    fn refusal(&self, message: Message) -> SendError<Message> {
        SendError::NotOpen(self.lock().refused_for.unwrap_or(State::Closed), message)
    }

    // For whoever else has to do with the connection.

    /// Has the connection closed with this frame; the first one counts.
    pub(super) fn request_close(&self, frame: CloseFrame) {
        let mut waiting = self.lock();
        waiting.close.get_or_insert(frame);
        let closer = waiting.closer.take();
        drop(waiting);
        wake(closer);
    }

    /// Waits for the end of the connection. How that was, if it did not end by being dropped. Cancel-safe.
    pub(super) async fn ended(&self) -> Option<CloseEvent> {
        // Nobody gets a place: it is closed in the end.
        let _ = self.end.acquire().await;
        self.lock().ended_with.clone()
    }

    // For the one that drives the connection.

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Message> {
        let mut waiting = self.lock();
        match waiting.messages.pop_front() {
            Some((_, message)) => {
                drop(waiting);
                self.places.add_permits(1);
                Poll::Ready(message)
            }
            None => {
                register(&mut waiting.receiver, cx.waker());
                Poll::Pending
            }
        }
    }

    pub(super) fn try_next(&self) -> Option<Message> {
        let (_, message) = self.lock().messages.pop_front()?;
        self.places.add_permits(1);
        Some(message)
    }

    /// What somebody wants the connection closed with, once; if nobody does, whoever polls is woken for it.
    pub(super) fn poll_close_request(&self, cx: &mut Context<'_>) -> Option<CloseFrame> {
        let mut waiting = self.lock();
        let frame = waiting.close.take();
        if frame.is_none() {
            register(&mut waiting.closer, cx.waker());
        }
        frame
    }

    /// The connection has ended, like this if that is known. The first time counts.
    pub(super) fn end(&self, close: Option<&CloseEvent>) {
        if !self.end.is_closed() {
            self.lock().ended_with = close.cloned();
            self.end.close();
        }
    }

    /// Gives back what waits, and accepts nothing from now on, since the connection is in this state.
    pub(super) fn refuse(&self, state: State) -> Vec<Message> {
        let mut waiting = self.lock();
        waiting.refused_for = Some(state);
        let messages: Vec<_> = waiting.messages.drain(..).map(|(_, message)| message).collect();
        drop(waiting);
        if state == State::Closed {
            // Whoever waits for a place is told.
            self.places.close();
        } else {
            self.places.add_permits(messages.len());
        }
        messages
    }

    /// Accepts messages again.
    pub(super) fn accept(&self) {
        self.lock().refused_for = None;
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn register(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(known) => known.clone_from(waker),
        unknown => *unknown = Some(waker.clone()),
    }
}
