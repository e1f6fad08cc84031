//! What waits to be encoded, and what may overtake what.

use alloc::collections::VecDeque;

use bytes::Bytes;

use super::{BeatText, PingKind};
use crate::close::CloseFrame;
use crate::wire::header::Opcode;

/// How many Pongs wait at most, in the order of their Pings; beyond, the newest takes the place of the last (RFC 6455
/// §5.5.3 lets an endpoint answer the most recent Ping only).
pub(super) const MAX_PONGS: usize = 16;

/// A connection has one only while something waits, so that an idle one holds no memory for it.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    close: Option<QueuedClose>,
    pongs: VecDeque<Bytes>,
    /// One place for each kind.
    pings: [Option<Bytes>; PingKind::COUNT],
    /// The texts of a heartbeat: each is there once at most.
    ping_text: Option<Bytes>,
    pong_text: Option<Bytes>,
    /// The rest of a message, or of a piece of one, that goes out in several frames.
    current: Option<Piece>,
    messages: VecDeque<Piece>,
    /// Payload bytes in `messages`.
    queued: usize,
}

/// A message, or a part of one, that waits.
#[derive(Debug)]
pub(super) struct Piece {
    /// Of its next frame.
    pub(super) opcode: Opcode,
    pub(super) payload: Bytes,
    /// Whether the message ends with it.
    pub(super) last: bool,
}

#[derive(Debug)]
struct QueuedClose {
    frame: Option<CloseFrame>,
    /// Its turn is the next frame boundary; otherwise after all messages.
    urgent: bool,
}

/// What goes out next.
pub(super) enum Next {
    Close(Option<CloseFrame>),
    /// A Pong, or the text in its place.
    Pong(Opcode, Bytes),
    /// A Ping, or the text in its place.
    Ping(Opcode, PingKind, Bytes),
    Piece(Piece),
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.ping_text.is_none() && self.pong_text.is_none() && !self.may_go_on(true)
    }

    /// Whether anything may go out: while a message in chunks is not finished, texts of the heartbeat wait for its end.
    pub(super) fn may_go_on(&self, unfinished: bool) -> bool {
        !unfinished
            || self.close.is_some()
            || !self.pongs.is_empty()
            || self.pings.iter().any(Option::is_some)
            || self.current.is_some()
            || !self.messages.is_empty()
    }

    /// Payload bytes of the messages.
    pub(super) fn buffered(&self) -> usize {
        let current = self.current.as_ref().map_or(0, |current| current.payload.len());
        self.queued.saturating_add(current)
    }

    /// How many messages, or pieces of them, have not begun to go out.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// How many messages end here.
    pub(super) fn ends(&self) -> usize {
        self.messages.iter().chain(&self.current).filter(|piece| piece.last).count()
    }

    pub(super) fn push_piece(&mut self, piece: Piece) {
        self.queued = self.queued.saturating_add(piece.payload.len());
        self.messages.push_back(piece);
    }

    /// What is left of a message goes on before any other.
    pub(super) fn go_on_with(&mut self, rest: Option<Piece>) {
        self.current = rest;
    }

    pub(super) fn push_pong(&mut self, payload: Bytes) {
        if self.pongs_full() {
            self.pongs.pop_back();
        }
        self.pongs.push_back(payload);
    }

    pub(super) fn pongs_full(&self) -> bool {
        self.pongs.len() >= MAX_PONGS
    }

    /// Whether the Ping found its place free.
    pub(super) fn push_ping(&mut self, kind: PingKind, payload: Bytes) -> bool {
        let slot = kind.slot(&mut self.pings);
        let free = slot.is_none();
        if free {
            *slot = Some(payload);
        }
        free
    }

    pub(super) fn push_text(&mut self, text: BeatText, payload: Bytes) {
        match text {
            BeatText::Ping => self.ping_text = Some(payload),
            BeatText::Pong => self.pong_text = Some(payload),
        }
    }

    /// An urgent Close frame takes the place of one that waits behind messages; otherwise the first one stays. Whether this is
    /// the one that goes out.
    pub(super) fn push_close(&mut self, frame: Option<CloseFrame>, urgent: bool) -> bool {
        let is_first = self.close.as_ref().is_none_or(|queued| urgent && !queued.urgent);
        if is_first {
            self.close = Some(QueuedClose { frame, urgent });
        }
        is_first
    }

    pub(super) fn forget_messages(&mut self) {
        self.messages = VecDeque::new();
        self.queued = 0;
        self.current = None;
    }

    /// Control frames pass between messages, and between the frames of one; the texts of a heartbeat between messages only. Pongs
    /// wait while they may not go. `unfinished` is a message in chunks whose last one was not pushed yet.
    ///
    /// Once a Close frame waits, the application's Ping goes right before it: its Pong then confirms all messages.
    pub(super) fn pop(&mut self, may_pong: bool, unfinished: bool) -> Option<Next> {
        if self.close.as_ref().is_some_and(|close| close.urgent) {
            return self.pop_close();
        }
        if may_pong && let Some(payload) = self.pongs.pop_front() {
            return Some(Next::Pong(Opcode::Pong, payload));
        }
        let is_closing = self.close.is_some();
        let next = self
            .pop_ping(PingKind::Heartbeat)
            .or_else(|| if is_closing { None } else { self.pop_ping(PingKind::Application) })
            .or_else(|| self.pop_text(may_pong, unfinished))
            .or_else(|| self.pop_piece())
            .or_else(|| self.pop_ping(PingKind::Application));
        next.or_else(|| {
            // Whoever sent a Ping before gets its Pong before.
            if self.pongs.is_empty() { self.pop_close() } else { None }
        })
    }

    fn pop_ping(&mut self, kind: PingKind) -> Option<Next> {
        kind.slot(&mut self.pings).take().map(|payload| Next::Ping(Opcode::Ping, kind, payload))
    }

    fn pop_text(&mut self, may_pong: bool, unfinished: bool) -> Option<Next> {
        if self.is_inside_message(unfinished) {
            return None;
        }
        if let Some(payload) = self.ping_text.take() {
            return Some(Next::Ping(Opcode::Text, PingKind::Heartbeat, payload));
        }
        let payload = if may_pong { self.pong_text.take() } else { None };
        payload.map(|payload| Next::Pong(Opcode::Text, payload))
    }

    /// Whether what was encoded last is a part of a message that goes on.
    fn is_inside_message(&self, unfinished: bool) -> bool {
        self.current.is_some()
            || self.messages.front().map_or(unfinished, |next| next.opcode == Opcode::Continuation)
    }

    fn pop_piece(&mut self) -> Option<Next> {
        if let Some(current) = self.current.take() {
            return Some(Next::Piece(current));
        }
        let piece = self.messages.pop_front()?;
        self.queued = self.queued.saturating_sub(piece.payload.len());
        Some(Next::Piece(piece))
    }

    fn pop_close(&mut self) -> Option<Next> {
        self.close.take().map(|close| Next::Close(close.frame))
    }
}
