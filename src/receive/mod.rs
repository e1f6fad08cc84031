//! The receiving machine: bytes in, messages and signals out. It has no clock and no deadline, and never answers: what
//! follows from what it read is for the sending side, which learns of it by the [`Signal`].

mod message;

use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

use crate::close::CloseFrame;
use crate::config::{Config, Role};
use crate::error::Violation;
use crate::event::{Event, StreamPosition};
use crate::message::Message;
use crate::signal::{Fault, Signal, SignalKind};
use crate::wire::close_payload;
use crate::wire::header::{self, Header, Opcode};
use crate::wire::mask;
use message::{Kind, Rules, Unfinished, whole};

/// What one step produced: perhaps something for the application, and always something for the sending side.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) event: Option<Event>,
    pub(crate) signal: Signal,
}

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

    /// Takes one step: at most one event, at most one frame. `None` means that `input` is empty.
    pub(crate) fn poll(&mut self, input: &mut BytesMut) -> Option<Step> {
        let before = input.len();
        if before == 0 {
            return None;
        }
        let (event, kind) = if self.discarding {
            input.clear();
            (None, SignalKind::Progress)
        } else {
            match self.step(input) {
                Ok(outcome) => outcome.into_event_and_signal(),
                Err(fault) => (None, SignalKind::Failed(fault)),
            }
        };
        if matches!(kind, SignalKind::Failed(_) | SignalKind::Close(_)) {
            self.discard();
        }
        let bytes = before.saturating_sub(input.len());
        let signal = Signal { bytes, unfinished: self.position() != StreamPosition::BetweenMessages, kind };
        Some(Step { event, signal })
    }

    /// From now on input is consumed and ignored, and what was kept of it is freed (RFC 6455 §7.1.7).
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

    fn step(&mut self, input: &mut BytesMut) -> Result<Outcome, Fault> {
        let frame = match self.frame {
            Some(frame) => frame,
            None => match self.read_header(input)? {
                Some(header) => self.begin_frame(&header)?,
                None => return Ok(Outcome::Progress),
            },
        };
        if frame.opcode.is_control() { self.read_control(frame, input) } else { self.read_data(frame, input) }
    }

    fn read_header(&mut self, input: &mut BytesMut) -> Result<Option<Header>, Violation> {
        if self.partial.len == 0
            && let Some((header, len)) = header::parse(input, self.role)?
        {
            input.advance(len);
            return Ok(Some(header));
        }
        // Rare: the header is cut in two. Byte by byte, so that not one too many is taken.
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

    fn read_data(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<Outcome, Fault> {
        let available = input.len();
        let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let kind = if frame.opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
        if self.message.is_none() && frame.fin && len <= available {
            self.frame = None;
            return Ok(Outcome::Message(whole(kind, frame.mask, input, len)?));
        }

        let message = self.message.get_or_insert_with(|| Unfinished::new(kind));
        let taken = len.min(available);
        frame.mask = message.extend(input.get(..taken).unwrap_or_default(), frame.mask)?;
        input.advance(taken);
        frame.remaining = frame.remaining.saturating_sub(taken as u64);
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(Outcome::Progress);
        }
        self.frame = None;
        if !frame.fin {
            return Ok(Outcome::Progress);
        }
        match self.message.take() {
            Some(message) => Ok(Outcome::Message(message.finish()?)),
            None => Ok(Outcome::Progress),
        }
    }

    fn read_control(&mut self, mut frame: Frame, input: &mut BytesMut) -> Result<Outcome, Fault> {
        let len = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let taken = len.min(input.len());
        self.control.extend_from_slice(input.get(..taken).unwrap_or_default());
        input.advance(taken);
        frame.remaining = frame.remaining.saturating_sub(taken as u64);
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(Outcome::Progress);
        }
        self.frame = None;
        let mut payload = core::mem::take(&mut self.control);
        if let Some(key) = frame.mask {
            mask::apply(&mut payload, key);
        }
        Ok(match frame.opcode {
            Opcode::Ping => Outcome::Ping(payload.into()),
            Opcode::Pong => Outcome::Pong(payload.into()),
            _ => Outcome::Close(close_payload::parse(&payload)?),
        })
    }
}

/// What a step came to, before it is told to both the application and the sending side.
enum Outcome {
    Progress,
    Message(Message),
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<CloseFrame>),
}

impl Outcome {
    fn into_event_and_signal(self) -> (Option<Event>, SignalKind) {
        match self {
            Self::Progress => (None, SignalKind::Progress),
            Self::Message(message) => (Some(Event::Message(message)), SignalKind::Message),
            Self::Ping(payload) => (Some(Event::Ping(payload.clone())), SignalKind::Ping(payload)),
            // Its event needs the round trip, which only the sending side knows.
            Self::Pong(payload) => (None, SignalKind::Pong(payload)),
            Self::Close(frame) => (None, SignalKind::Close(frame)),
        }
    }
}
