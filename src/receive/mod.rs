//! The receiving machine: bytes in, messages and all else that the peer says out. It has no clock and no deadline, and never
//! answers: what follows from what it read is for the sending side, which learns of it by the [`Signal`].

mod compressed;
mod copies;
mod message;

use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, BytesMut};

use crate::config::{Config, Delivery, Role};
use crate::deflate::Inflater;
use crate::error::{TransportFailure, Violation};
use crate::event::StreamPosition;
use crate::message::{Chunk, Kind, Message};
use crate::signal::{Fault, News, Progress, Signal};
use crate::upgrade::Agreement;
use crate::wire::close_payload;
use crate::wire::header::{self, Header, Opcode};
use crate::wire::mask;
use message::{Rules, Unfinished, may_stay, take_message};

/// The receiving half of a connection, made by [`Connection::split`](crate::Connection::split).
///
/// It parses what arrives, without a clock, a deadline or an answer. What it finds are [`Signal`]s for the
/// [`Sender`](crate::Sender), which makes events of them: apply each one, in order. There is one call back: once the sender
/// [says so](crate::Sender::discards), nothing that arrives counts any more, and [`discard`](Self::discard) frees what was kept
/// of it.
///
/// ```
/// use std::sync::Arc;
/// use bytes::BytesMut;
/// use websocket_proto::{Agreement, Config, Connection, Event, Message, Role, Timestamp};
///
/// let now = Timestamp::default();
/// let config = Arc::new(Config::default());
/// let connection = Connection::upgraded(Role::Server, Agreement::default(), config, [7; 32], now);
/// let (mut receiver, mut sender) = connection.split().expect("it is open");
///
/// let mut input = BytesMut::from(&b"\x81\x85\0\0\0\0hello"[..]);
/// let signal = receiver.poll(&mut input).expect("a message");
/// assert_eq!(sender.apply(signal, now), Some(Event::Message(Message::from("hello"))));
/// assert!(receiver.poll(&mut input).is_none());
/// ```
pub struct Receiver {
    role: Role,
    rules: Rules,
    /// The part of a header that came with an earlier input.
    partial: PartialHeader,
    /// The frame whose payload is arriving.
    frame: Option<Frame>,
    /// The message that frame belongs to, or that is continued by a later one.
    message: Option<Unfinished>,
    /// Enough of it came in the last step for its deadline to begin anew.
    is_fast: bool,
    /// The payload of a control frame that did not come in one piece.
    control: Vec<u8>,
    discarding: bool,
    input: Input,
    /// The most that an input buffer of the owner's was seen to hold. A buffer that was read in part shows less.
    buffer_size: usize,
    /// There if compression was agreed on.
    inflater: Option<Inflater>,
}

/// What it waits for. What was received may hold passwords, so it is not shown.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("role", &self.role)
            .field("position", &self.position())
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// How the transport's input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    /// It has ended, which is to be told after what came before.
    Ended(InputEnd),
    Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputEnd {
    Stream,
    Failure(TransportFailure),
}

#[derive(Debug, Default)]
struct PartialHeader {
    bytes: [u8; header::MAX_LEN],
    len: u8,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    /// Turned so that it fits the next byte of payload.
    mask: Option<[u8; 4]>,
    remaining: u64,
}

impl Receiver {
    pub(crate) fn new(role: Role, config: &Config) -> Self {
        Self {
            role,
            rules: Rules::new(config),
            partial: PartialHeader::default(),
            frame: None,
            message: None,
            is_fast: false,
            control: Vec::new(),
            discarding: false,
            input: Input::Open,
            buffer_size: 0,
            inflater: None,
        }
    }

    /// The opening handshake is done: what was agreed on holds.
    pub(crate) fn open(&mut self, agreement: &Agreement, config: &Config) {
        let deflate = agreement.deflate_parameters();
        self.inflater = deflate.map(|agreed| Inflater::new(config, agreed, self.role));
    }

    /// Takes one step, through at most one frame, and inflates at most 64 KiB. `None` means that `input` is empty and that there is
    /// nothing to tell; where a message is compressed, more of it may come without any input.
    ///
    /// Only what is used is taken from `input`, and what must be kept is kept here: any buffer may be passed next time.
    pub fn poll(&mut self, input: &mut BytesMut) -> Option<Signal> {
        match self.poll_message(input) {
            Some((message, bytes)) => {
                Some(Signal { bytes, progress: Progress::Finished, news: News::Message(message) })
            }
            None => self.poll_any(input),
        }
    }

    /// The common case: a message of one frame that lies whole in the input and breaks no rule, and how many bytes it was.
    /// Anything else changes nothing here, and is for [`poll_any`](Self::poll_any).
    #[inline(always)]
    pub(crate) fn poll_message(&mut self, input: &mut BytesMut) -> Option<(Message, usize)> {
        if !self.is_between_messages() || self.discarding {
            return None;
        }
        self.buffer_size = self.buffer_size.max(input.capacity());
        let header =
            header::parse_message(input, self.role).filter(|header| self.rules.is_ordinary(header))?;
        take_message(&header, input, self.buffer_size)
    }

    /// As [`poll`](Self::poll).
    #[inline(never)]
    pub(crate) fn poll_any(&mut self, input: &mut BytesMut) -> Option<Signal> {
        if input.is_empty() && !self.is_inflating() {
            return self.poll_end();
        }
        let before = input.len();
        let news = if self.discarding {
            input.clear();
            News::Nothing
        } else {
            self.step(input).unwrap_or_else(|fault| self.failed(fault))
        };
        Some(Signal { bytes: before.saturating_sub(input.len()), progress: self.progress(), news })
    }

    /// The transport has no more input: TCP FIN, TLS close_notify, HTTP/2 END_STREAM. [`poll`](Self::poll) tells it after what
    /// came before.
    pub fn end_of_input(&mut self) {
        self.end(InputEnd::Stream);
    }

    /// Reading the transport failed; nothing more will arrive. [`poll`](Self::poll) tells it after what came before.
    pub fn read_failed(&mut self, failure: TransportFailure) {
        self.end(InputEnd::Failure(failure));
    }

    /// As [`Connection::lend_room`](crate::Connection::lend_room).
    #[inline]
    pub fn lend_room(&mut self, input: &mut BytesMut) -> bool {
        self.frame.is_some() && self.lend_room_in_frame(input)
    }

    fn lend_room_in_frame(&mut self, input: &mut BytesMut) -> bool {
        let Some(frame) = self.frame.filter(|frame| !frame.opcode.is_control()) else { return false };
        let Some(message) = &mut self.message else { return false };
        input.is_empty()
            && self.rules.delivery == Delivery::Messages
            && message.lend_room(input, frame.remaining)
    }

    /// From now on input is consumed and ignored, and what was kept of it is freed (RFC 6455 §7.1.7).
    #[cold]
    pub fn discard(&mut self) {
        self.discarding = true;
        self.partial = PartialHeader::default();
        self.frame = None;
        self.message = None;
        self.control = Vec::new();
        self.inflater = None;
    }

    #[cold]
    fn failed(&mut self, fault: Fault) -> News {
        self.discard();
        News::Failed(fault)
    }

    #[inline]
    fn is_between_messages(&self) -> bool {
        self.frame.is_none() && self.partial.len == 0 && self.message.is_none()
    }

    // The end of the input.

    fn end(&mut self, end: InputEnd) {
        if self.input == Input::Open {
            self.input = Input::Ended(end);
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.input != Input::Open
    }

    /// How the input ended, if that was not told yet.
    pub(crate) fn untold_end(&self) -> Option<InputEnd> {
        match self.input {
            Input::Ended(end) => Some(end),
            Input::Open | Input::Told => None,
        }
    }

    /// The same, and now it is told.
    pub(crate) fn take_end(&mut self) -> Option<InputEnd> {
        let end = self.untold_end()?;
        self.input = Input::Told;
        Some(end)
    }

    fn poll_end(&mut self) -> Option<Signal> {
        let news = match self.take_end()? {
            InputEnd::Stream => News::EndOfStream(self.position()),
            InputEnd::Failure(failure) => News::ReadFailed(failure),
        };
        Some(Signal { bytes: 0, progress: self.progress(), news })
    }

    /// Where in the protocol the stream stands.
    fn position(&self) -> StreamPosition {
        if self.frame.is_some() || self.partial.len > 0 {
            StreamPosition::InsideFrame
        } else if self.message.is_some() {
            StreamPosition::InsideMessage
        } else {
            StreamPosition::BetweenMessages
        }
    }

    fn progress(&mut self) -> Progress {
        if self.is_between_messages() {
            Progress::Finished
        } else if core::mem::take(&mut self.is_fast) {
            Progress::UnfinishedButFast
        } else {
            Progress::Unfinished
        }
    }

    // Frames.

    fn step(&mut self, input: &mut BytesMut) -> Result<News, Fault> {
        if !self.message.as_ref().is_some_and(|message| message.has_lent(input)) {
            // Seen also where it is filled with a message that does not end in it.
            self.buffer_size = self.buffer_size.max(input.capacity());
        }
        if let Some(frame) = self.frame {
            return self.read_payload(frame, input);
        }
        if self.partial.len == 0
            && let Some((header, header_len)) = header::parse(input, self.role, self.inflater.is_some())?
        {
            let frame = self.begin_frame(&header)?;
            input.advance(header_len);
            return self.read_payload(frame, input);
        }
        match self.complete_header(input)? {
            Some(header) => {
                let frame = self.begin_frame(&header)?;
                self.read_payload(frame, input)
            }
            None => Ok(News::Nothing),
        }
    }

    /// A header that is cut in two, which is rare: byte by byte, so that not one too many is taken.
    #[cold]
    fn complete_header(&mut self, input: &mut BytesMut) -> Result<Option<Header>, Violation> {
        while input.has_remaining() {
            if let Some(place) = self.partial.bytes.get_mut(usize::from(self.partial.len)) {
                *place = input.get_u8();
                self.partial.len = self.partial.len.saturating_add(1);
            }
            let seen = self.partial.bytes.get(..usize::from(self.partial.len)).unwrap_or_default();
            if let Some((header, _)) = header::parse(seen, self.role, self.inflater.is_some())? {
                self.partial.len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Judges the frame by its header, before one byte of its payload is kept.
    fn begin_frame(&mut self, header: &Header) -> Result<Frame, Fault> {
        match (header.opcode, &mut self.message) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => {}
            (Opcode::Continuation, None) => return Err(Violation::UnexpectedContinuation.into()),
            (Opcode::Continuation, Some(message)) => {
                message.begin_fragment(header.payload_len, &self.rules)?;
            }
            (_, Some(_)) => return Err(Violation::ExpectedContinuation.into()),
            (opcode, None) => {
                let (kind, compressed) = first_frame(opcode);
                self.rules.judge_first(kind, header.payload_len, compressed)?;
            }
        }
        let &Header { fin, opcode, mask, payload_len } = header;
        Ok(Frame { fin, opcode, mask, remaining: payload_len })
    }

    fn read_payload(&mut self, frame: Frame, input: &mut BytesMut) -> Result<News, Fault> {
        if frame.opcode.is_control() { self.read_control(frame, input) } else { self.read_data(frame, input) }
    }

    fn read_data(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<News, Fault> {
        let in_chunks = self.rules.delivery == Delivery::Chunks;
        let (kind, compressed) = first_frame(frame.opcode);
        let message = self.message.get_or_insert_with(|| Unfinished::new(kind, compressed));
        if message.is_compressed() {
            return self.read_compressed(frame, input);
        }
        let before = message.received();
        let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let taken = len.min(input.len()).min(if in_chunks { message.room() } else { usize::MAX });
        frame.remaining = frame.remaining.saturating_sub(taken as u64);
        let more = match (in_chunks, frame.fin) {
            (true, _) => 0,
            (false, true) => frame.remaining,
            (false, false) => u64::MAX,
        };
        let may_stay = !in_chunks && may_stay(taken, self.buffer_size);
        frame.mask = message.take_in(input, taken, more, may_stay, frame.mask)?;
        let goes_on = frame.remaining > 0;
        self.tell_of_message(goes_on.then_some(frame), !goes_on && frame.fin, before)
    }

    /// What there is to tell of a message, of which there were `before` bytes when the step began, and of which more is to be
    /// read from `frame`.
    fn tell_of_message(&mut self, frame: Option<Frame>, has_ended: bool, before: u64) -> Result<News, Fault> {
        self.frame = frame;
        let delivery = self.rules.delivery;
        if has_ended && let Some(message) = self.message.take() {
            let message = message.finish()?;
            return Ok(match delivery {
                Delivery::Messages => News::Message(message),
                Delivery::Chunks => News::Chunk(Chunk::last(message)),
            });
        }
        Ok(match &mut self.message {
            Some(message) if delivery == Delivery::Chunks => {
                self.is_fast = message.is_fast(before);
                message.take_chunk().map_or(News::Nothing, News::Chunk)
            }
            _ => News::Nothing,
        })
    }

    fn read_control(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<News, Fault> {
        let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let taken = len.min(input.len());
        self.control.extend_from_slice(input.get(..taken).unwrap_or_default());
        input.advance(taken);
        frame.remaining = frame.remaining.saturating_sub(taken as u64);
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(News::Nothing);
        }
        self.frame = None;
        let mut payload = core::mem::take(&mut self.control);
        if let Some(key) = frame.mask {
            mask::apply(&mut payload, key);
        }
        Ok(match frame.opcode {
            Opcode::Ping => News::Ping(payload.into()),
            Opcode::Pong => News::Pong(payload.into()),
            _ => {
                let close = close_payload::parse(&payload)?;
                self.discard();
                News::Close(close)
            }
        })
    }
}

/// What begins with a frame with this opcode: the kind of the message, and whether it is compressed.
fn first_frame(opcode: Opcode) -> (Kind, bool) {
    match opcode {
        Opcode::Text => (Kind::Text, false),
        Opcode::CompressedText => (Kind::Text, true),
        Opcode::CompressedBinary => (Kind::Binary, true),
        _ => (Kind::Binary, false),
    }
}
