//! The whole connection: the opening handshake, then the two halves, joined.

mod beat;
#[cfg(feature = "deflate")]
mod compression;
mod deadlines;
mod joint;
mod life;
mod opening;
mod output;
mod room;
mod sender;
mod split;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::ops::ControlFlow;

use bytes::BytesMut;

use crate::close::CloseFrame;
use crate::config::{Config, Role};
use crate::entropy::Entropy;
use crate::error::{SendError, TransportFailure};
use crate::event::{Cause, Event};
use crate::message::{Chunk, Message};
use crate::receive::{InputEnd, Receiver};
use crate::send::Prepared;
use crate::state::State;
use crate::stats::Stats;
use crate::time::Timestamp;
use crate::upgrade::{Accept, Agreement, ClientRequest, Misuse, Reject};
use life::Stage;
use opening::Opening;

pub use life::Transport;
pub use output::{Output, Taken};
pub use sender::Sender;

/// One WebSocket connection, from its first handshake byte to its last close byte, without any I/O.
///
/// Its methods are of five kinds:
///
/// - **Getters**: [`state`](Self::state), [`stats`](Self::stats), [`buffered`](Self::buffered), `deflate`,
///   [`send_capacity`](Self::send_capacity), [`wants_read`](Self::wants_read), [`wants_write`](Self::wants_write),
///   [`is_sending_chunks`](Self::is_sending_chunks), [`subprotocol`](Self::subprotocol).
/// - **What happened outside**: [`end_of_input`](Self::end_of_input), [`read_failed`](Self::read_failed),
///   [`write_failed`](Self::write_failed), [`handle_timeout`](Self::handle_timeout), [`wrote`](Self::wrote),
///   [`set_reading`](Self::set_reading).
/// - **Commands**: [`accept`](Self::accept), [`reject`](Self::reject), [`send`](Self::send),
///   [`send_prepared`](Self::send_prepared), [`send_chunk`](Self::send_chunk), [`ping`](Self::ping), [`pong`](Self::pong),
///   [`close`](Self::close), `set_compression`. Where one is refused, it says so and has changed nothing.
/// - **What must be done**: [`poll_event`](Self::poll_event), [`output`](Self::output) or [`take`](Self::take),
///   [`transport`](Self::transport), [`poll_timeout`](Self::poll_timeout). After anything else was called, do what
///   they say, in this order, until all four say that nothing is left. Before a read, [`lend_room`](Self::lend_room) may help.
/// - **Beginnings**: [`client`](Self::client), [`server`](Self::server), [`upgraded`](Self::upgraded). And once it is open, it
///   may be [`split`](Self::split) into the two halves that it is made of.
///
/// There is no order to remember beyond that: each method may be called at any time, and each poll may be repeated; only
/// [`output`](Self::output) counts as an attempt to write, so ask [`wants_write`](Self::wants_write) to look. An owner
/// whose application does not keep up says so by [`set_reading`](Self::set_reading), and goes on with the rest. No input makes
/// it panic or return an error; what the peer does wrong becomes an [`Event::Closed`] whose
/// [`CloseEvent`](crate::CloseEvent) says what it was, with the Close frame for the peer already queued.
///
/// ```
/// use std::sync::Arc;
/// use bytes::{Buf, BytesMut};
/// use websocket_proto::{Agreement, Config, Connection, Event, Message, Role, Timestamp};
///
/// let now = Timestamp::default();
/// let config = Arc::new(Config::default());
/// let mut server = Connection::upgraded(Role::Server, Agreement::default(), config, [7; 32], now);
///
/// // A text frame of five bytes, masked with zeros.
/// let mut input = BytesMut::from(&b"\x81\x85\0\0\0\0hello"[..]);
/// let event = server.poll_event(&mut input, now);
/// assert_eq!(event, Some(Event::Message(Message::from("hello"))));
/// assert_eq!(server.poll_event(&mut input, now), None);
///
/// server.send("world")?;
/// assert_eq!(server.output(now).chunk(), b"\x81\x05world");
/// # Ok::<(), websocket_proto::SendError<Message>>(())
/// ```
pub struct Connection {
    /// Present until the opening handshake is done.
    opening: Option<Box<Opening>>,
    receiver: Receiver,
    sender: Sender,
}

/// Role, state and counters. What was received and what waits to be sent may hold passwords, so it is not shown.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.sender.role)
            .field("state", &self.state())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A client that asks for an upgrade; the request is ready as [`output`](Self::output).
    ///
    /// `seed` is all the randomness there will be: it must come from a cryptographic source, be used for one connection
    /// only, and not be known to anybody (RFC 6455 §10.3).
    #[must_use]
    pub fn client(request: &ClientRequest, config: Arc<Config>, seed: [u8; 32], now: Timestamp) -> Self {
        let mut connection = Self::new(Role::Client, config, seed, now);
        let key = connection.sender.entropy().bytes();
        let (opening, head) = Opening::client(request, key, &connection.sender.config);
        connection.opening = Some(Box::new(opening));
        connection.sender.send_handshake(head);
        connection
    }

    /// A server that waits for an upgrade request.
    ///
    /// `seed` as for [`client`](Self::client); a server makes its pings and their jitter from it.
    #[must_use]
    pub fn server(config: Arc<Config>, seed: [u8; 32], now: Timestamp) -> Self {
        let mut connection = Self::new(Role::Server, config, seed, now);
        connection.opening = Some(Box::new(Opening::server(&connection.sender.config)));
        connection
    }

    /// A connection whose opening handshake was done elsewhere: by an HTTP server or client, or over HTTP/2 (RFC 8441) or
    /// HTTP/3 (RFC 9220). It is open at once. `agreed` is what that handshake settled.
    ///
    /// `seed` as for [`client`](Self::client).
    #[must_use]
    pub fn upgraded(
        role: Role,
        agreed: Agreement,
        config: Arc<Config>,
        seed: [u8; 32],
        now: Timestamp,
    ) -> Self {
        let mut connection = Self::new(role, config, seed, now);
        connection.receiver.open(&agreed, &connection.sender.config);
        connection.sender.open(agreed);
        connection
    }

    fn new(role: Role, config: Arc<Config>, seed: [u8; 32], now: Timestamp) -> Self {
        let entropy = match role {
            Role::Client => Entropy::often(seed),
            Role::Server => Entropy::seldom(seed),
        };
        Self {
            opening: None,
            receiver: Receiver::new(role, &config),
            sender: Sender::new(role, config, entropy, now),
        }
    }

    // Bytes in.

    /// Parses `input` up to the next event. `None` means that nothing is to be told; while
    /// [`wants_read`](Self::wants_read), also that `input` is empty.
    ///
    /// Only what is used is taken from `input`, and what must be kept is kept here: so any buffer may be passed next time,
    /// one buffer can serve many connections, and an idle connection owns none. One call inflates a message at most; one in
    /// chunks may give events without any input, so ask until there is `None`.
    #[inline]
    #[must_use]
    pub fn poll_event(&mut self, input: &mut BytesMut, now: Timestamp) -> Option<Event> {
        if input.is_empty() && self.is_quiet() {
            self.sender.observe(now);
            return None;
        }
        self.poll_input(input, now)
    }

    fn poll_input(&mut self, input: &mut BytesMut, now: Timestamp) -> Option<Event> {
        loop {
            // Most messages are ordinary, and do not pass through the rest.
            if self.opening.is_none()
                && self.sender.is_hearing()
                && let Some((message, bytes)) = self.receiver.poll_message(input)
            {
                match self.sender.apply_heard(message, bytes, now) {
                    Ok(message) => return Some(Event::Message(message)),
                    Err(None) => continue,
                    Err(event) => return event,
                }
            }
            if let ControlFlow::Break(event) = self.poll_rest(input, now) {
                return event;
            }
        }
    }

    /// Whether nothing is to be told, unless something arrived.
    #[inline]
    fn is_quiet(&self) -> bool {
        self.opening.is_none()
            && self.receiver.untold_end().is_none()
            && !self.receiver.is_inflating()
            && !self.sender.has_verdict()
    }

    /// Takes one step of any kind. It breaks off with an event, or where nothing more is to be told.
    #[inline(never)]
    fn poll_rest(&mut self, input: &mut BytesMut, now: Timestamp) -> ControlFlow<Option<Event>> {
        if self.opening.is_none() {
            self.let_go();
        } else if let Some(event) = self.poll_opening(input, now) {
            return ControlFlow::Break(Some(event));
        }
        if self.opening.is_none()
            && self.sender.wants_read()
            && let Some(signal) = self.receiver.poll_any(input)
        {
            return match self.sender.apply(signal, now) {
                None if input.is_empty() && self.is_quiet() => ControlFlow::Break(None),
                None => ControlFlow::Continue(()),
                event => ControlFlow::Break(event),
            };
        }
        let event = self.sender.poll_event(now);
        if self.sender.discards() {
            self.end(input);
        }
        ControlFlow::Break(event)
    }

    /// Whether to read the transport. If not, its input or the connection has ended, a decision on the request is awaited, more
    /// is to be [polled](Self::poll_event) of a compressed message, or the owner [said so](Self::set_reading).
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.sender.wants_read()
            && !self.receiver.has_ended()
            && !self.receiver.is_inflating()
            && !self.opening.as_ref().is_some_and(|opening| opening.waits_for_decision())
    }

    /// Says whether the owner takes in what arrives; at first it does. An owner that stops for a while, since its application
    /// does not keep up, says so here, and says so again when it goes on.
    ///
    /// In between nothing is parsed, and the peer's silence is not held against it, since nobody would hear it. All else
    /// goes on: output, Pings, the deadlines for writing and for closing; [`poll_event`](Self::poll_event) tells the end.
    pub fn set_reading(&mut self, reading: bool, now: Timestamp) {
        self.sender.set_reading(reading, now);
    }

    /// The transport has no more input: TCP FIN, TLS close_notify, HTTP/2 END_STREAM. It takes effect once what was read
    /// before is parsed, in [`poll_event`](Self::poll_event).
    pub fn end_of_input(&mut self, now: Timestamp) {
        self.sender.observe(now);
        self.receiver.end_of_input();
    }

    /// Reading the transport failed; nothing more will arrive. It takes effect as [`end_of_input`](Self::end_of_input) does.
    pub fn read_failed(&mut self, failure: TransportFailure, now: Timestamp) {
        self.sender.observe(now);
        self.receiver.read_failed(failure);
        self.sender.discard_if_over();
    }

    /// Writing to the transport failed. What waited is dropped, and nothing more is written.
    ///
    /// This is not the end: the peer's Close frame often waits unread behind it. So go on reading; the connection ends with
    /// that frame, the end of the stream, a failed read, or after [`Config::close_timeout`].
    pub fn write_failed(&mut self, failure: TransportFailure, now: Timestamp) {
        self.sender.observe(now);
        match &self.opening {
            // A server that cannot answer has no reason to go on reading.
            Some(opening) if opening.is_server() => self.sender.abandon(Cause::Transport(failure), None),
            _ => self.sender.write_failed(failure, now),
        }
        self.finish_opening();
    }

    // The server's decision.

    /// Accepts the request that [`Event::Request`] announced: the connection is open at once, with the 101 queued in front
    /// of whatever is sent.
    ///
    /// If the [`OriginPolicy`](crate::OriginPolicy) does not allow the request's Origin, a 403 is queued instead and the
    /// connection ends; [`Event::Closed`] says so.
    ///
    /// # Errors
    /// If no upgrade request waits, or the subprotocol is none that the client offered. Nothing is changed.
    pub fn accept(&mut self, accept: &Accept, now: Timestamp) -> Result<(), Misuse> {
        self.sender.observe(now);
        self.decide(|opening, sender| opening.accept(accept, sender))
    }

    /// Answers the request that [`Event::Request`] or [`Event::HttpRequest`] announced with something other than an
    /// upgrade, and ends the connection.
    ///
    /// # Errors
    /// If no request waits, or the status does not fit it. Nothing is changed.
    pub fn reject(&mut self, reject: &Reject, now: Timestamp) -> Result<(), Misuse> {
        self.sender.observe(now);
        self.decide(|opening, sender| opening.reject(reject, sender))
    }

    fn decide(
        &mut self,
        decision: impl FnOnce(&mut Opening, &mut Sender) -> Result<(), Misuse>,
    ) -> Result<(), Misuse> {
        if !self.sender.life.goes_on() {
            return Err(Misuse::NoRequestPending);
        }
        let opening = self.opening.as_mut().ok_or(Misuse::NoRequestPending)?;
        decision(opening, &mut self.sender)?;
        self.finish_opening();
        Ok(())
    }

    // Commands.

    /// Queues a message. Nothing is written before output is taken, so several may share one write.
    ///
    /// # Errors
    /// [`SendError::Full`] while [`Config::output_high_water`] bytes or more are queued, [`SendError::NotOpen`] in any
    /// state but [`State::Open`], [`SendError::Unfinished`] while a message in chunks is. All give the message back.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError<Message>> {
        self.sender.send(message)
    }

    /// Queues a message that many connections send; see [`Prepared`].
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError<()>> {
        self.sender.send_prepared(prepared)
    }

    /// Queues a piece of a message that need not fit in memory, or whose end is not known yet: each chunk goes out in frames
    /// of its own, and the message ends with the chunk that says so (RFC 6455 §5.4). Control frames pass between them; whole
    /// messages wait until it has ended.
    ///
    /// A message that was begun can only be finished: if the connection is closed before, the peer's application does not get
    /// it. And the peer may answer before it has ended, an echo in chunks does: so go on reading between chunks, or both sides
    /// end up waiting for each other to read.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use bytes::{Buf, BytesMut};
    /// # use websocket_proto::{Agreement, Connection, Role, Timestamp};
    /// use websocket_proto::{Chunk, Config, Delivery, Event};
    ///
    /// # let now = Timestamp::default();
    /// # let peer = Arc::new(Config::default());
    /// # let mut sender = Connection::upgraded(Role::Client, Agreement::default(), peer, [7; 32], now);
    /// sender.send_chunk(Chunk::more("never "))?;
    /// sender.send_chunk(Chunk::last("too large"))?;
    ///
    /// let mut config = Config::default();
    /// config.delivery = Delivery::Chunks;
    /// # let mut receiver = Connection::upgraded(Role::Server, Agreement::default(), config.into(), [8; 32], now);
    /// # let mut input = BytesMut::new();
    /// # let mut output = sender.output(now);
    /// # input.extend_from_slice(&output.copy_to_bytes(output.remaining()));
    /// # drop(output);
    /// // ... and at the other end, as it arrives:
    /// assert_eq!(receiver.poll_event(&mut input, now), Some(Event::Chunk(Chunk::more("never "))));
    /// assert_eq!(receiver.poll_event(&mut input, now), Some(Event::Chunk(Chunk::last("too large"))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::NotOpen`] as for [`send`](Self::send), [`SendError::WrongKind`] if the chunk is
    /// text and its message is not, or the other way round. All give the chunk back.
    pub fn send_chunk(&mut self, chunk: Chunk) -> Result<(), SendError<Chunk>> {
        self.sender.send_chunk(chunk)
    }

    /// Queues a Ping of at most 125 bytes, ahead of all messages but the first 64 KiB, which are framed already; behind all if
    /// [`close`](Self::close) follows. Its [`Event::Pong`] has the round trip, unless another was sent since: the last one counts.
    ///
    /// # Errors
    /// [`SendError::Full`] while the last such Ping is not written, [`SendError::NotOpen`], [`SendError::ControlTooLong`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError<()>> {
        self.sender.ping(payload)
    }

    /// Queues a Pong with at most 125 bytes of payload: an unsolicited one (RFC 6455 §5.5.3), or the answer to a Ping where
    /// [`Config::automatic_pong`] is off.
    ///
    /// # Errors
    /// [`SendError::Full`] while 16 Pongs wait, [`SendError::NotOpen`], [`SendError::ControlTooLong`].
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError<()>> {
        self.sender.pong(payload)
    }

    /// Begins the closing handshake with `frame`, or with an empty Close frame; it goes out after everything that was
    /// accepted. [`Event::Closed`] follows within [`Config::close_timeout`]; until then messages may still arrive.
    ///
    /// Before the connection is open this fails the opening handshake: a client ends with 1006, a server answers 503. Once
    /// the connection is closing or closed it changes nothing.
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>, now: Timestamp) {
        self.sender.observe(now);
        match &mut self.opening {
            None => self.sender.begin_closing(frame.into()),
            Some(opening) => {
                // It is the application's choice, so a refusal that has come in part is not told.
                let _ = opening.cancel(Cause::ClosedWhileConnecting, &mut self.sender);
                self.finish_opening();
            }
        }
    }

    // Bytes out.

    /// What is to be written now, for a write attempt that does not wait. See [`Output`].
    pub fn output(&mut self, now: Timestamp) -> Output<'_> {
        self.sender.output(now)
    }

    /// Hands out up to `max` bytes to be written, owned; `None` if there are none, or while a piece that was taken is not
    /// credited in full. For writes that may block, or that a kernel carries out. See [`Taken`].
    pub fn take(&mut self, max: usize, now: Timestamp) -> Option<Taken> {
        self.sender.take(max, now)
    }

    /// Credits `count` bytes of the piece that was [taken](Self::take): they were written, and it is `now` after that.
    pub fn wrote(&mut self, count: usize, now: Timestamp) {
        self.sender.wrote(count, now);
    }

    /// Whether anything is to be written, or was [taken](Self::take) and is not credited yet. It may be asked at any time,
    /// whereas [`output`](Self::output) counts as an attempt to write.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.sender.wants_write()
    }

    /// How many bytes of messages wait to be written: their payload, and as far as they are framed for the transport, frames of
    /// any kind whole. WHATWG's `bufferedAmount`, but for the framing. Messages without payload, and control frames that are
    /// not framed yet, count nothing: to learn whether all is written, ask [`wants_write`](Self::wants_write).
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.sender.buffered()
    }

    /// How many more bytes may be queued before [`send`](Self::send) refuses: nonzero means that one more message of any
    /// size is accepted, if the connection is open. See [`Config::output_high_water`] for what counts.
    #[must_use]
    pub fn send_capacity(&self) -> usize {
        self.sender.send_capacity()
    }

    /// Whether a message in [chunks](Self::send_chunk) has begun and not ended, so that [`send`](Self::send) refuses.
    #[must_use]
    pub fn is_sending_chunks(&self) -> bool {
        self.sender.is_sending_chunks()
    }

    /// What becomes of the transport, to be asked whenever output was written or an event was handled.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.sender.transport()
    }

    // Time.

    /// When [`handle_timeout`](Self::handle_timeout) must be called, unless something else happens before. Cheap: compute it
    /// anew after each wake-up rather than remember it.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.sender.poll_timeout()
    }

    /// Says that it is `now`. What that ends is judged by the next [`poll_event`](Self::poll_event), after it parsed what
    /// had arrived; but for [`Config::write_stall`], which nothing that arrives could avert: so it also ends a connection
    /// whose owner parses nothing more until output has gone. Calls that come early or for nothing change nothing.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.sender.handle_timeout(now);
    }

    // Look.

    /// The browser's `readyState`.
    #[must_use]
    pub fn state(&self) -> State {
        self.sender.state()
    }

    /// The subprotocol that was agreed on, the browser's `protocol`; `None` before the connection is open, too.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.sender.subprotocol()
    }

    /// What was counted so far.
    #[inline]
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.sender.stats()
    }

    // Inside.

    /// Goes on with the opening handshake, as far as what came allows.
    #[cold]
    fn poll_opening(&mut self, input: &mut BytesMut, now: Timestamp) -> Option<Event> {
        self.sender.observe(now);
        let mut event = None;
        while event.is_none()
            && self.sender.wants_read()
            && let Some(opening) = self.opening.as_mut().filter(|opening| !opening.waits_for_decision())
            && !input.is_empty()
        {
            let before = input.len();
            event = opening.poll(input, &mut self.sender);
            self.sender.received_bytes(before.saturating_sub(input.len()));
            self.finish_opening();
        }
        if event.is_none() && !self.sender.life.is_over() {
            event = self.end_opening();
            self.finish_opening();
        }
        event
    }

    /// Acts on the end of the input and on deadlines, which wait until everything is parsed.
    fn end_opening(&mut self) -> Option<Event> {
        let opening = self.opening.as_mut()?;
        let end = self.receiver.untold_end().filter(|end| match end {
            // What came before the end of the stream may be a request, which waits to be decided on.
            InputEnd::Stream => self.sender.is_reading() && !opening.waits_for_decision(),
            InputEnd::Failure(_) => self.sender.is_reading(),
        });
        if let Some(end) = end {
            self.receiver.take_end();
            let failure = match end {
                InputEnd::Stream => None,
                InputEnd::Failure(failure) => Some(failure),
            };
            opening.end_of_input(failure, &mut self.sender)
        } else if self.sender.verdict_is_due
            && let Some(deadline) = self.sender.overdue_opening()
        {
            opening.cancel(Cause::Deadline(deadline), &mut self.sender)
        } else {
            None
        }
    }

    /// Lets the opening handshake go once it is done, or ended by an answer. A failed write alone does not end it: the peer
    /// may have answered, and what is not read as its answer must not be read as frames.
    fn finish_opening(&mut self) {
        if self.sender.life.stage == Stage::Done && self.opening.take().is_some() {
            self.receiver.open(&self.sender.agreement, &self.sender.config);
        }
        self.let_go();
    }

    /// Lets all go that hears the peer, once nothing of it counts any more.
    #[inline]
    fn let_go(&mut self) {
        if self.sender.discards() {
            self.opening = None;
            self.receiver.discard();
        }
    }

    /// Nothing that arrives counts any more.
    #[cold]
    fn end(&mut self, input: &mut BytesMut) {
        self.finish_opening();
        if self.sender.life.is_over() {
            input.clear();
        }
    }
}
