//! Polling: from one attempt to the next, and messages between the queue and the connection.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use ::tokio::time::{Instant, sleep_until};
use futures_sink::Sink;

use super::{
    AttemptEnd, ClientEvent, Connector, Disconnected, NextAttempt, ReconnectingClient, Stage, Unsent,
};
use crate::adapter::{Error, Goal, seed};
use crate::close::{CloseFrame, Retry};
use crate::connection::Connection;
use crate::event::{CloseEvent, Event};
use crate::message::Message;
use crate::reconnect::ReconnectState;
use crate::state::State;
use crate::time::Timestamp;
use crate::tokio::WebSocketStream;
use crate::tokio::drive::MAX_ROUNDS;

impl<C: Connector> ReconnectingClient<C> {
    pub(super) fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        for _ in 0..MAX_ROUNDS {
            let polled = match &self.stage {
                Stage::Idle => match self.reconnect.state() {
                    ReconnectState::Stopped(_) => return Poll::Ready(None),
                    _ => self.poll_idle(cx),
                },
                Stage::Dialing(_) => self.poll_dialing(cx),
                Stage::Opening(_) => self.poll_opening(cx),
                Stage::Open(_) => self.poll_open(cx),
            };
            if let Some(event) = ready!(polled) {
                return Poll::Ready(Some(event));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Waits for the next attempt, and begins it.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        let now = self.now();
        if let Some(attempt) = self.reconnect.poll_attempt(now) {
            self.attempt = attempt;
            self.stage = Stage::Dialing(Box::pin(self.connector.connect(attempt)));
        } else {
            ready!(self.poll_timer(cx));
            let now = self.now();
            self.reconnect.handle_timeout(now);
        }
        Poll::Ready(None)
    }

    fn poll_dialing(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        let Stage::Dialing(dialing) = &mut self.stage else { return Poll::Ready(None) };
        let Poll::Ready(result) = dialing.as_mut().poll(cx) else {
            ready!(self.poll_timer(cx));
            return self.lost(AttemptEnd::TimedOut);
        };
        match (result, seed()) {
            (Ok((io, request)), Ok(seed)) => {
                let config = self.config.connection.clone();
                let connection = Connection::client(&request, config, seed, Timestamp::default());
                self.stage = Stage::Opening(Box::new(WebSocketStream::new(io, connection)));
                Poll::Ready(None)
            }
            (Ok(_), Err(error)) => self.lost(AttemptEnd::Failed(error.into())),
            (Err(error), _) => self.lost(AttemptEnd::Failed(error)),
        }
    }

    fn poll_opening(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        let Stage::Opening(socket) = &mut self.stage else { return Poll::Ready(None) };
        let Poll::Ready(event) = socket.poll_next_event(cx) else {
            ready!(self.poll_timer(cx));
            return self.lost(AttemptEnd::TimedOut);
        };
        match socket.driver.answered(event) {
            None => Poll::Ready(None),
            Some(Ok(response)) => {
                let now = self.now();
                self.reconnect.opened(self.attempt, now);
                if let Stage::Opening(socket) = core::mem::replace(&mut self.stage, Stage::Idle) {
                    self.stage = Stage::Open(socket);
                }
                self.mailbox.accept();
                Poll::Ready(Some(ClientEvent::Open(response)))
            }
            Some(Err(Error::Refused(response))) => self.lost(AttemptEnd::Refused(response)),
            Some(Err(Error::Closed(close))) => self.lost(AttemptEnd::Closed(close)),
            Some(Err(error)) => self.lost(AttemptEnd::Failed(error.into())),
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        self.feed(cx);
        let Stage::Open(socket) = &mut self.stage else { return Poll::Ready(None) };
        if let Some(payload) = self.ledger.question()
            && socket.ping(&payload).is_ok()
        {
            self.ledger.asked();
        }
        match ready!(socket.poll_next_event(cx)) {
            Some(Event::Message(message)) => Poll::Ready(Some(ClientEvent::Message(message))),
            Some(Event::Chunk(chunk)) => Poll::Ready(Some(ClientEvent::Chunk(chunk))),
            Some(Event::Pong { round_trip: Some(_), .. }) => {
                self.ledger.answered(socket.stats().messages_confirmed);
                Poll::Ready(None)
            }
            Some(Event::Closed(close)) => self.lost(AttemptEnd::Closed(close)),
            Some(_) => Poll::Ready(None),
            // The end was told to somebody who did not hear it, as by a `close` that was given up.
            None => match socket.close_event().cloned() {
                Some(close) => self.lost(AttemptEnd::Closed(close)),
                None => Poll::Pending,
            },
        }
    }

    /// Gives the connection what waits, as much as it takes and as may be unconfirmed.
    fn feed(&mut self, cx: &mut Context<'_>) {
        let Stage::Open(socket) = &mut self.stage else { return };
        while self.ledger.weight() < self.config.max_unconfirmed.max(1)
            && let Poll::Ready(Ok(())) = Pin::new(&mut **socket).poll_ready(cx)
        {
            let next = self.returned.pop_front().map_or_else(|| self.mailbox.poll_next(cx), Poll::Ready);
            let Poll::Ready(message) = next else { return };
            if Pin::new(&mut **socket).start_send(message.clone()).is_err() {
                self.returned.push_front(message);
                return;
            }
            self.ledger.taken(message);
        }
    }

    pub(super) fn poll_close(
        &mut self,
        frame: &mut Option<CloseFrame>,
        cx: &mut Context<'_>,
    ) -> Poll<Disconnected> {
        self.reconnect.stop();
        self.feed(cx);
        let end = match &mut self.stage {
            Stage::Open(socket) => {
                // Refused once the Close frame is queued.
                if let Some(payload) = self.ledger.last_question()
                    && socket.ping(&payload).is_ok()
                {
                    self.ledger.asked();
                }
                socket.begin_closing(frame.take());
                AttemptEnd::Closed(ready!(socket.poll_end(Goal::Close, cx)))
            }
            Stage::Idle | Stage::Dialing(_) | Stage::Opening(_) => AttemptEnd::Abandoned,
        };
        Poll::Ready(self.disconnected(end))
    }

    fn lost(&mut self, end: AttemptEnd) -> Poll<Option<ClientEvent>> {
        Poll::Ready(Some(ClientEvent::Disconnected(self.disconnected(end))))
    }

    /// Closes the books of the attempt.
    fn disconnected(&mut self, end: AttemptEnd) -> Disconnected {
        let now = self.now();
        self.stage = Stage::Idle;
        let retry = match self.reconnect.state() {
            ReconnectState::Stopped(_) => Retry::Never,
            _ => self.connector.retry(&end),
        };
        self.reconnect.ended(self.attempt, retry, now);
        let next = match self.reconnect.state() {
            ReconnectState::Stopped(reason) => NextAttempt::Never(reason),
            _ => NextAttempt::At(self.deadline().unwrap_or_else(Instant::now)),
        };
        let unconfirmed = match &end {
            AttemptEnd::Closed(close) => self.settle(close),
            _ => Vec::new(),
        };
        let mut unsent = Vec::new();
        let is_over = matches!(next, NextAttempt::Never(_));
        if is_over || self.config.unsent == Unsent::GiveBack {
            unsent.extend(self.returned.drain(..));
            unsent.extend(self.mailbox.refuse(if is_over { State::Closed } else { State::Connecting }));
        }
        Disconnected { attempt: self.attempt, end, next, unconfirmed, unsent }
    }

    /// What is unconfirmed; what was not written goes before what waits.
    fn settle(&mut self, close: &CloseEvent) -> Vec<Message> {
        let (unconfirmed, mut unsent) = self.ledger.settle(close);
        unsent.append(&mut self.returned);
        self.returned = unsent;
        unconfirmed
    }

    /// Until when to wait, or to let the attempt go on.
    fn deadline(&self) -> Option<Instant> {
        let at = self.reconnect.poll_timeout()?;
        self.origin.checked_add(Duration::from_nanos(at.as_nanos()))
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}
