//! The receiving machine: bytes in, messages and signals out. It has no clock and no deadline, and never answers: what
//! follows from what it read is for the sending side, which learns of it by the [`Signal`].

mod message;

use alloc::vec::Vec;

use bytes::{Buf, BytesMut};

use crate::config::{Config, Role};
use crate::error::Violation;
use crate::event::StreamPosition;
use crate::message::Message;
use crate::signal::{Fault, Received, Signal};
use crate::wire::close_payload;
use crate::wire::header::{self, Header, Opcode};
use crate::wire::mask;
use message::{Kind, Rules, Unfinished, whole};

#[derive(Debug)]
pub(crate) struct Receiver {
    role: Role,
    rules: Rules,
    /// The part of a header that came with an earlier input.
    partial: PartialHeader,
    /// The frame whose payload is arriving.
    frame: Option<Frame>,
    /// The message that frame belongs to, or that is continued by a later one.
    message: Option<Unfinished>,
    /// The payload of a control frame that did not come in one piece.
    control: Vec<u8>,
    discarding: bool,
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
            control: Vec::new(),
            discarding: false,
        }
    }

    /// Takes one step, through at most one frame. `None` means that `input` is empty.
    #[inline]
    pub(crate) fn poll(&mut self, input: &mut BytesMut) -> Option<Received> {
        if input.is_empty() {
            return None;
        }
        if self.discarding {
            input.clear();
            return Some(Received::Progress);
        }
        Some(self.step(input).unwrap_or_else(|fault| {
            self.discard();
            Received::Signal(Signal::Failed(fault))
        }))
    }

    /// Whether a frame or a message has begun and is not finished.
    #[inline]
    pub(crate) fn is_unfinished(&self) -> bool {
        self.frame.is_some() || self.partial.len > 0 || self.message.is_some()
    }

    /// From now on input is consumed and ignored, and what was kept of it is freed (RFC 6455 §7.1.7).
    #[cold]
    pub(crate) fn discard(&mut self) {
        self.discarding = true;
        self.partial = PartialHeader::default();
        self.frame = None;
        self.message = None;
        self.control = Vec::new();
    }

    /// Where in the protocol the stream stands.
    pub(crate) fn position(&self) -> StreamPosition {
        if self.frame.is_some() || self.partial.len > 0 {
            StreamPosition::InsideFrame
        } else if self.message.is_some() {
            StreamPosition::InsideMessage
        } else {
            StreamPosition::BetweenMessages
        }
    }

    #[inline]
    fn step(&mut self, input: &mut BytesMut) -> Result<Received, Fault> {
        if let Some(frame) = self.frame {
            return self.read_payload(frame, input);
        }
        if self.partial.len == 0
            && let Some((header, header_len)) = header::parse(input, self.role)?
        {
            let frame = self.begin_frame(&header)?;
            if let Some(message) = self.read_whole(&frame, header_len, input)? {
                return Ok(Received::Message(message));
            }
            input.advance(header_len);
            return self.read_payload(frame, input);
        }
        match self.complete_header(input)? {
            Some(header) => {
                let frame = self.begin_frame(&header)?;
                self.read_payload(frame, input)
            }
            None => Ok(Received::Progress),
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
            if let Some((header, _)) = header::parse(seen, self.role)? {
                self.partial.len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Judges the frame by its header, before one byte of its payload is kept.
    #[inline]
    fn begin_frame(&mut self, header: &Header) -> Result<Frame, Fault> {
        match (header.opcode, &mut self.message) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => {}
            (Opcode::Continuation, None) => return Err(Violation::UnexpectedContinuation.into()),
            (Opcode::Continuation, Some(message)) => {
                message.begin_fragment(header.payload_len, &self.rules)?;
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::ExpectedContinuation.into()),
            (Opcode::Text, None) => self.rules.judge_first(Kind::Text, header.payload_len)?,
            (Opcode::Binary, None) => self.rules.judge_first(Kind::Binary, header.payload_len)?,
        }
        let &Header { fin, opcode, mask, payload_len } = header;
        Ok(Frame { fin, opcode, mask, remaining: payload_len })
    }

    /// The common case: a message of one frame that lies whole in the input, behind its header.
    #[inline]
    fn read_whole(
        &self,
        frame: &Frame,
        header_len: usize,
        input: &mut BytesMut,
    ) -> Result<Option<Message>, Violation> {
        let kind = match frame.opcode {
            Opcode::Text => Kind::Text,
            Opcode::Binary => Kind::Binary,
            _ => return Ok(None),
        };
        match usize::try_from(frame.remaining) {
            Ok(len) if frame.fin && len <= input.len().saturating_sub(header_len) => {
                whole(kind, frame.mask, input, header_len, len).map(Some)
            }
            _ => Ok(None),
        }
    }

    #[inline(never)]
    fn read_payload(&mut self, frame: Frame, input: &mut BytesMut) -> Result<Received, Fault> {
        if frame.opcode.is_control() { self.read_control(frame, input) } else { self.read_data(frame, input) }
    }

    fn read_data(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<Received, Fault> {
        let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let kind = if frame.opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
        let available = input.len();
        let message = self.message.get_or_insert_with(|| Unfinished::new(kind));
        let taken = len.min(available);
        frame.remaining = frame.remaining.saturating_sub(taken as u64);
        let more = if frame.fin { frame.remaining } else { u64::MAX };
        frame.mask = message.extend(input.get(..taken).unwrap_or_default(), more, frame.mask)?;
        input.advance(taken);
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(Received::Progress);
        }
        self.frame = None;
        if !frame.fin {
            return Ok(Received::Progress);
        }
        match self.message.take() {
            Some(message) => Ok(Received::Message(message.finish()?)),
            None => Ok(Received::Progress),
        }
    }

    fn read_control(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<Received, Fault> {
        let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let taken = len.min(input.len());
        self.control.extend_from_slice(input.get(..taken).unwrap_or_default());
        input.advance(taken);
        frame.remaining = frame.remaining.saturating_sub(taken as u64);
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(Received::Progress);
        }
        self.frame = None;
        let mut payload = core::mem::take(&mut self.control);
        if let Some(key) = frame.mask {
            mask::apply(&mut payload, key);
        }
        Ok(Received::Signal(match frame.opcode {
            Opcode::Ping => Signal::Ping(payload.into()),
            Opcode::Pong => Signal::Pong(payload.into()),
            _ => {
                let close = close_payload::parse(&payload)?;
                self.discard();
                Signal::Close(close)
            }
        }))
    }
}
