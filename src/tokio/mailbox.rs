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
    /// Whether [`WhenFull::Close`] makes sense: there is one peer, and it may come again.
    can_close: bool,
    waiting: Mutex<Waiting>,
}

/// A message on its way into the queue, or in it.
struct Entry {
    key: Option<u64>,
    /// When it came: of two with one key the one with more is newer.
    number: u64,
    message: Message,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Entry>,
    /// How many messages with a key have come.
    numbered: u64,
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
    /// In front of one connection, which senders may have closed.
    pub(super) fn of_socket(capacity: usize) -> Arc<Self> {
        Self::new(capacity, true)
    }

    /// In front of a client whose connections come and go.
    pub(super) fn of_client(capacity: usize) -> Arc<Self> {
        Self::new(capacity, false)
    }

    fn new(capacity: usize, can_close: bool) -> Arc<Self> {
        // More places than a semaphore can count are as good as without a bound.
        let places = Semaphore::new(capacity.clamp(1, Semaphore::MAX_PERMITS));
        Arc::new(Self { places, end: Semaphore::new(0), can_close, waiting: Mutex::default() })
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
        self.offer(key, message, when_full)?.map_or(Ok(()), |entry| Err(SendError::Full(entry.message)))
    }

    pub(super) async fn send(
        &self,
        key: Option<u64>,
        message: Message,
        when_full: WhenFull,
    ) -> Result<(), SendError<Message>> {
        let Some(entry) = self.offer(key, message, when_full)? else { return Ok(()) };
        if self.effective(when_full) == WhenFull::Close {
            return Err(SendError::Full(entry.message));
        }
        match self.places.acquire().await {
            Ok(place) => {
                place.forget();
                self.push(entry)
            }
            Err(_) => Err(self.refusal(entry.message)),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Puts the message into the queue, where there is a place or it needs none. Otherwise it comes back.
    fn offer(
        &self,
        key: Option<u64>,
        message: Message,
        when_full: WhenFull,
    ) -> Result<Option<Entry>, SendError<Message>> {
        let Some(entry) = self.number(key, message)? else { return Ok(None) };
        match (self.places.try_acquire(), self.effective(when_full)) {
            (Ok(place), _) => {
                place.forget();
                self.push(entry).map(|()| None)
            }
            (Err(TryAcquireError::Closed), _) => Err(self.refusal(entry.message)),
            (Err(TryAcquireError::NoPermits), WhenFull::HandBack) => Ok(Some(entry)),
            (Err(TryAcquireError::NoPermits), WhenFull::DropOldest) => Ok(self.push_out(entry)),
            (Err(TryAcquireError::NoPermits), WhenFull::Close) => {
                self.request_close(CloseFrame::known(CloseCode::TRY_AGAIN_LATER, "too slow"));
                Ok(Some(entry))
            }
        }
    }

    /// What is done instead where there is no peer to be closed with a request to come again later.
    fn effective(&self, when_full: WhenFull) -> WhenFull {
        if when_full == WhenFull::Close && !self.can_close { WhenFull::HandBack } else { when_full }
    }

    /// Notes when a message with a key came, and puts it where an older one waits. If none does, it comes back.
    fn number(&self, key: Option<u64>, message: Message) -> Result<Option<Entry>, SendError<Message>> {
        let mut entry = Entry { key, number: 0, message };
        if key.is_none() {
            return Ok(Some(entry));
        }
        let mut waiting = self.lock();
        if let Some(state) = waiting.refused_for {
            return Err(SendError::NotOpen(state, entry.message));
        }
        waiting.numbered = waiting.numbered.wrapping_add(1);
        entry.number = waiting.numbered;
        Ok(waiting.replace(entry))
    }

    /// Takes the place that the caller has acquired, or gives it back where none is needed.
    fn push(&self, entry: Entry) -> Result<(), SendError<Message>> {
        let mut waiting = self.lock();
        if let Some(state) = waiting.refused_for {
            drop(waiting);
            self.places.add_permits(1);
            return Err(SendError::NotOpen(state, entry.message));
        }
        let Some(entry) = waiting.replace(entry) else {
            drop(waiting);
            self.places.add_permits(1);
            return Ok(());
        };
        waiting.messages.push_back(entry);
        let receiver = waiting.receiver.take();
        drop(waiting);
        wake(receiver);
        Ok(())
    }

    /// Takes the place of the oldest. If all are promised to senders that wait, the message comes back.
    fn push_out(&self, entry: Entry) -> Option<Entry> {
        let mut waiting = self.lock();
        let entry = waiting.replace(entry)?;
        if waiting.messages.pop_front().is_none() {
            return Some(entry);
        }
        waiting.dropped = waiting.dropped.saturating_add(1);
        waiting.messages.push_back(entry);
        None
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
            Some(entry) => {
                drop(waiting);
                self.places.add_permits(1);
                Poll::Ready(entry.message)
            }
            None => {
                register(&mut waiting.receiver, cx.waker());
                Poll::Pending
            }
        }
    }

    pub(super) fn try_next(&self) -> Option<Message> {
        let entry = self.lock().messages.pop_front()?;
        self.places.add_permits(1);
        Some(entry.message)
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
        let messages: Vec<_> = waiting.messages.drain(..).map(|entry| entry.message).collect();
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

impl Waiting {
    /// Of this message and one of the same key that waits, keeps the newer one in its place. If none waits, it comes back.
    fn replace(&mut self, entry: Entry) -> Option<Entry> {
        let same = entry.key.and_then(|_| self.messages.iter_mut().find(|other| other.key == entry.key));
        let Some(other) = same else { return Some(entry) };
        if other.number < entry.number {
            *other = entry;
        }
        self.dropped = self.dropped.saturating_add(1);
        None
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
