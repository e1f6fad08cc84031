//! A connection, and what an adapter keeps beside it. What is left for the adapter is to wait, to read and to write.

use alloc::sync::Arc;
use core::time::Duration;

use bytes::BytesMut;

use super::Error;
use super::parked::Parked;
use crate::config::{Config, Role};
use crate::connection::Connection;
use crate::error::SendError;
use crate::event::{CloseEvent, Event};
use crate::state::State;
use crate::time::Timestamp;
use crate::upgrade::Agreement;

/// What somebody waits for who does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// One more message is accepted.
    Capacity,
    /// All that was accepted is with the transport, and the transport holds none of it back.
    Flushed,
    /// The end. Messages that nobody reads are dropped, so that they do not stand in its way.
    Close,
    /// The end, whenever it comes. Messages that nobody reads stop the reading: that is the back-pressure.
    End,
}

#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) connection: Connection,
    /// What was read and not parsed yet.
    pub(crate) input: BytesMut,
    /// Something was written since the transport was last flushed.
    pub(crate) unflushed: bool,
    /// What was written and not flushed is lost.
    lost: bool,
    pub(crate) half_closed: bool,
    pub(crate) parked: Parked,
    /// A Ping came, and its Pong may wait to be written.
    pub(crate) owes_reply: bool,
    nobody_reads: bool,
    /// The application has a piece of a message, and nobody has cared for the connection since.
    pub(crate) is_left: bool,
    pub(crate) close_event: Option<CloseEvent>,
    pub(crate) close_was_told: bool,
    /// When the transport was last asked for input.
    pub(crate) looked_at: Timestamp,
}

impl Driver {
    /// What the application says to several messages of one read leaves in one write, unless it takes longer than this
    /// over them, as far as it looks. And so often whoever only sends looks at what arrived, and at the deadlines.
    const BATCH_FOR: Duration = Duration::from_millis(10);

    pub(crate) fn new(connection: Connection, input: BytesMut) -> Self {
        Self {
            connection,
            input,
            unflushed: false,
            lost: false,
            half_closed: false,
            parked: Parked::default(),
            owes_reply: false,
            nobody_reads: false,
            is_left: false,
            close_event: None,
            close_was_told: false,
            looked_at: Timestamp::default(),
        }
    }

    /// What stays behind in a socket that was taken apart.
    pub(crate) fn spent() -> Self {
        let (config, agreed) = (Arc::new(Config::default()), Agreement::default());
        let connection = Connection::upgraded(Role::Server, agreed, config, [0; 32], Timestamp::default());
        Self::new(connection, BytesMut::new())
    }

    /// The next event for whoever reads: of those that were parked, or of what was read.
    #[inline(always)]
    pub(crate) fn next_event(&mut self, now: Timestamp) -> Option<Event> {
        if (self.is_left || !self.parked.is_empty())
            && let Some(event) = self.next_parked(now)
        {
            return Some(event);
        }
        self.parse(now)
    }

    #[cold]
    fn next_parked(&mut self, now: Timestamp) -> Option<Event> {
        self.return_to(now);
        let event = self.parked.pop()?;
        if !self.parked.is_full() {
            self.connection.set_reading(true, now);
        }
        Some(event)
    }

    /// The application gets this event, and may take its time over it. If there is more to come of a message, that time is not
    /// the peer's: what it sends waits to be read.
    #[inline]
    pub(crate) fn leave_with(&mut self, event: Option<&Event>, now: Timestamp) {
        if let Some(Event::Chunk(chunk)) = event
            && !chunk.is_last
        {
            self.is_left = true;
            self.connection.set_reading(false, now);
        }
    }

    /// Somebody cares for the connection again.
    fn return_to(&mut self, now: Timestamp) {
        if core::mem::take(&mut self.is_left) && !self.parked.is_full() {
            self.connection.set_reading(true, now);
        }
    }

    /// The end is kept aside: it is told once the transport was closed.
    #[inline(always)]
    fn parse(&mut self, now: Timestamp) -> Option<Event> {
        if self.close_event.is_some() {
            return None;
        }
        let asked = self.connection.stats().pings_received;
        let mut event = self.connection.poll_event(&mut self.input, now);
        // Those of a heartbeat by text, too, which are no events.
        self.owes_reply |= self.connection.stats().pings_received != asked;
        if matches!(event, Some(Event::Closed(_))) {
            self.keep_end(&mut event);
        }
        event
    }

    #[cold]
    fn keep_end(&mut self, event: &mut Option<Event>) {
        if let Some(Event::Closed(close)) = event.take() {
            self.close_event = Some(close);
        }
    }

    /// Parses what was read, and keeps what it holds for whoever reads next. Whether there is news for them.
    pub(crate) fn park(&mut self, goal: Goal, now: Timestamp) -> bool {
        self.return_to(now);
        let had_ended = self.close_event.is_some();
        let mut found = false;
        if goal == Goal::Close {
            self.connection.set_reading(true, now);
        }
        while let Some(event) = self.parse(now) {
            if self.nobody_reads || (goal == Goal::Close && self.parked.is_full()) {
                continue;
            }
            found = true;
            self.parked.push(event);
            if goal != Goal::Close && self.parked.is_full() {
                self.connection.set_reading(false, now);
            }
        }
        found || (!had_ended && self.close_event.is_some())
    }

    /// The end, once.
    pub(crate) fn tell_close(&mut self) -> Option<Event> {
        let close = self.close_event.as_ref().filter(|_| !self.close_was_told)?;
        self.close_was_told = true;
        Some(Event::Closed(close.clone()))
    }

    /// Drops what is parked, and counts the end as told: for whoever closes and learns of it as a result.
    pub(crate) fn forget_events(&mut self) {
        self.parked = Parked::default();
        self.close_was_told |= self.close_event.is_some();
    }

    /// Nobody will read any more: what waits is dropped, and so is what arrives.
    pub(crate) fn stop_reading(&mut self, now: Timestamp) {
        self.nobody_reads = true;
        self.parked = Parked::default();
        self.connection.set_reading(true, now);
    }

    /// Whether more events may be there without reading: then what they bring about can leave together.
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        !(self.input.is_empty() && self.parked.is_empty())
    }

    /// Whether nobody cared for the transport since the last look for longer than a batch should take.
    #[inline]
    pub(crate) fn batch_took_long(&self, now: Timestamp) -> bool {
        now > self.looked_at.saturating_add(Self::BATCH_FOR)
    }

    #[inline]
    pub(crate) fn has_reached(&self, goal: Goal, has_transport: bool) -> bool {
        match goal {
            Goal::Capacity => match self.connection.state() {
                State::Connecting => false,
                State::Open => self.connection.send_capacity() > 0,
                State::Closing | State::Closed => true,
            },
            Goal::Flushed => !self.connection.wants_write() && !self.unflushed,
            Goal::Close | Goal::End => self.close_event.is_some() && !has_transport,
        }
    }

    /// Whether the goal is reached, and whoever has reached it does not need to look at what arrived, either.
    #[inline]
    pub(crate) fn is_done(&self, goal: Goal, has_transport: bool, now: Timestamp) -> bool {
        self.has_reached(goal, has_transport)
            && (self.close_event.is_some() || (has_transport && !self.batch_took_long(now)))
    }

    /// Nothing more will be flushed.
    pub(crate) fn give_up_flushing(&mut self) {
        self.lost |= core::mem::take(&mut self.unflushed);
    }

    /// Whether nothing that was accepted for sending was lost.
    pub(crate) fn flushed(&self) -> Result<(), Error> {
        if self.lost || self.connection.stats().messages_dropped > 0 { Err(self.ended()) } else { Ok(()) }
    }

    /// What a command was refused for, told with the end where that is the reason.
    pub(crate) fn refused<T>(&self, error: SendError<T>) -> Error {
        if matches!(error, SendError::NotOpen(..)) { self.ended() } else { error.into() }
    }

    /// Why nothing goes on here any more.
    pub(crate) fn ended(&self) -> Error {
        match &self.close_event {
            Some(close) => Error::Closed(close.clone()),
            None => Error::NotOpen(self.connection.state()),
        }
    }
}
