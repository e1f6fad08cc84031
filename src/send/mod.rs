//! The sending machine: messages and control frames in, frames out. It knows what may overtake what (rules below) and how
//! much may wait; it has no clock and does not judge the peer.
//!
//! What is accepted is encoded at once, which costs least, as long as little waits to be written. Beyond that messages wait as
//! they are: so a Pong or Ping can go ahead of them, and a Close frame that reports a failure can take their place. What was
//! once encoded keeps its order, since TLS may have encrypted it or a kernel may hold its address.

mod backlog;
mod prepared;
mod queue;
mod wire_buf;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use crate::close::{CloseCode, CloseFrame};
use crate::config::{Config, Role};
use crate::deflate::Deflater;
use crate::entropy::Entropy;
use crate::message::{Chunk, Kind, Message};
use crate::wire::header::{Header, MAX_CONTROL_PAYLOAD, Opcode};

use backlog::{Backlog, MAX_PONGS, Next, Piece};
pub use prepared::Prepared;
use queue::Queue;
pub(crate) use wire_buf::WireBuf;

/// Output is encoded until this many bytes are ready: enough for one system call, and little for a Pong to wait behind.
const ENCODE_AHEAD: usize = 64 * 1024;

/// What a message that waits counts for beside its payload: its place in the queue and its allocation cost about as much. If
/// it counted for nothing, empty messages could wait in any number.
const MESSAGE_COST: usize = 64;

#[derive(Debug)]
pub(crate) struct Outbox {
    role: Role,
    max_frame: usize,
    entropy: Entropy,
    /// Encoded, in its final order.
    wire: WireBuf,
    /// Encoded bytes that were handed out owned and are not credited yet.
    taken: usize,
    /// Not encoded yet; never empty.
    backlog: Option<Box<Backlog>>,
    /// Pongs that are encoded and not written.
    pongs_encoded: usize,
    /// The kind of the message whose last chunk was not queued yet.
    unfinished: Option<Kind>,
    /// There if compression was agreed on.
    deflater: Option<Deflater>,
    /// Nothing is encoded after the Close frame, or the HTTP answer in its place.
    close_encoded: bool,
    /// Code and reason of the Close frame that was encoded. An HTTP answer has none, nor has a frame that was discarded.
    close_frame: Option<(CloseCode, String)>,
    /// What ends where in the stream, of the encoded bytes that the transport has not taken yet.
    marks: Queue<(u64, Mark)>,
    /// Bytes the transport took since the connection began.
    written: u64,
    messages_dropped: u64,
    /// As [`buffered`](Self::buffered) counted them when they were dropped.
    bytes_dropped: u64,
}

/// Something whose last byte matters: when the transport took it, it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Message,
    Ping(PingKind),
    Pong,
    /// The Close frame, or the HTTP answer in its place.
    Close,
}

/// A Ping has one place for each kind, since an application that pings must not keep the heartbeat from beating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PingKind {
    Heartbeat,
    Application,
}

impl PingKind {
    const COUNT: usize = 2;

    fn slot<T>(self, slots: &mut [T; Self::COUNT]) -> &mut T {
        let [heartbeat, application] = slots;
        match self {
            Self::Heartbeat => heartbeat,
            Self::Application => application,
        }
    }
}

/// One of the two texts that a heartbeat is made of where the peer cannot ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeatText {
    Ping,
    Pong,
}

impl Outbox {
    pub(crate) fn new(role: Role, config: &Config, entropy: Entropy) -> Self {
        Self {
            role,
            max_frame: config.max_outgoing_frame.max(MAX_CONTROL_PAYLOAD),
            entropy,
            wire: WireBuf::default(),
            taken: 0,
            backlog: None,
            pongs_encoded: 0,
            unfinished: None,
            deflater: None,
            close_encoded: false,
            close_frame: None,
            marks: Queue::default(),
            written: 0,
            messages_dropped: 0,
            bytes_dropped: 0,
        }
    }

    /// From now on messages may be compressed.
    pub(crate) fn set_deflater(&mut self, deflater: Option<Deflater>) {
        self.deflater = deflater;
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn deflater(&mut self) -> Option<&mut Deflater> {
        self.deflater.as_mut()
    }

    pub(crate) fn entropy(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    /// Bytes that wait: of messages not encoded yet their payload, of all else what goes out.
    #[inline]
    pub(crate) fn buffered(&self) -> usize {
        let waiting = self.backlog.as_ref().map_or(0, |backlog| backlog.buffered());
        waiting.saturating_add(self.encoded())
    }

    /// Encoded bytes that the transport has not taken.
    #[inline]
    fn encoded(&self) -> usize {
        self.wire.len().wrapping_add(self.taken)
    }

    /// What counts towards the limit of the queue: bytes that wait, and what the messages among them cost.
    #[inline]
    pub(crate) fn load(&self) -> usize {
        let waiting = self.backlog.as_ref().map_or(0, |backlog| backlog.len());
        let messages = waiting.saturating_add(self.marks.len());
        self.buffered().saturating_add(messages.saturating_mul(MESSAGE_COST))
    }

    /// Whether there is anything to go out, or handed out and not credited.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        self.wire.len() > 0
            || self.taken > 0
            || self.backlog.as_ref().is_some_and(|backlog| backlog.may_go_on(self.unfinished.is_some()))
    }

    pub(crate) fn messages_dropped(&self) -> u64 {
        self.messages_dropped
    }

    /// Messages that were accepted and not written whole: those that were dropped and those that wait.
    pub(crate) fn messages_unsent(&self) -> u64 {
        let encoded = self.marks.iter().filter(|(_, mark)| *mark == Mark::Message).count();
        self.messages_dropped.saturating_add(encoded.saturating_add(self.messages_waiting()) as u64)
    }

    /// Messages that are not encoded whole, each counted where its end is.
    fn messages_waiting(&self) -> usize {
        let ends = self.backlog.as_ref().map_or(0, |backlog| backlog.ends());
        ends.saturating_add(usize::from(self.unfinished.is_some()))
    }

    /// The kind of the message whose last chunk is yet to come.
    #[inline]
    pub(crate) fn unfinished_kind(&self) -> Option<Kind> {
        self.unfinished
    }

    /// Bytes that were accepted and not written: those that were dropped and those that wait.
    pub(crate) fn bytes_unsent(&self) -> u64 {
        self.bytes_dropped.saturating_add(self.buffered() as u64)
    }

    /// Code and reason of the Close frame that was encoded, taken out; 1005 if it carried none.
    pub(crate) fn take_close_frame(&mut self) -> Option<(CloseCode, String)> {
        self.close_frame.take()
    }

    // What is to go out.

    /// Bytes of the opening handshake.
    pub(crate) fn push_handshake(&mut self, head: Bytes) {
        self.wire.push(head);
    }

    /// An HTTP answer that ends the connection, in the place of a Close frame.
    pub(crate) fn push_final_answer(&mut self, answer: Bytes) {
        if !self.close_encoded {
            self.push_handshake(answer);
            self.mark(Mark::Close);
            self.nothing_follows(None);
        }
    }

    #[inline]
    pub(crate) fn push_message(&mut self, message: Message) {
        if self.deflater.is_some() {
            return self.push_compressible(message);
        }
        let opcode = Opcode::of(message.kind());
        self.push_piece(Piece { opcode, payload: message.into_payload(), last: true });
    }

    /// Kept apart, so that it costs nothing where compression was not agreed on.
    #[inline(never)]
    fn push_compressible(&mut self, message: Message) {
        let kind = message.kind();
        let compressed = self.deflater.as_mut().and_then(|deflater| deflater.compress(message.payload()));
        let (opcode, payload) = match compressed {
            Some(payload) => (Opcode::compressed(kind), payload),
            None => (Opcode::of(kind), message.into_payload()),
        };
        self.push_piece(Piece { opcode, payload, last: true });
    }

    pub(crate) fn push_chunk(&mut self, chunk: Chunk) {
        let Chunk { piece, is_last: last } = chunk;
        if last && self.unfinished.is_none() {
            return self.push_message(piece);
        }
        let kind = piece.kind();
        let begins = self.unfinished.is_none();
        let payload = piece.into_payload();
        let compressed =
            self.deflater.as_mut().and_then(|deflater| deflater.compress_chunk(&payload, begins, last));
        let opcode = match &compressed {
            _ if !begins => Opcode::Continuation,
            Some(_) => Opcode::compressed(kind),
            None => Opcode::of(kind),
        };
        self.push_piece(Piece { opcode, payload: compressed.unwrap_or(payload), last });
        self.unfinished = (!last).then_some(kind);
    }

    /// Its bytes are shared, unless they must be masked, cut into frames, or wait.
    pub(crate) fn push_prepared(&mut self, prepared: &Prepared) {
        let framed = prepared.framed(self.deflater.as_mut());
        let piece = framed.piece();
        if self.role == Role::Server && self.is_clear() && piece.payload.len() <= self.max_frame {
            self.wire.push(framed.frame.clone());
            self.mark(Mark::Message);
        } else {
            self.push_piece(piece);
        }
    }

    /// Whether what is pushed now goes out next, but for what is encoded, and that is not much.
    #[inline]
    fn is_clear(&self) -> bool {
        self.backlog.is_none() && self.wire.len() < ENCODE_AHEAD
    }

    /// Encodes it at once, if nothing waits that goes out before it.
    #[inline]
    fn push_piece(&mut self, piece: Piece) {
        if !self.is_clear() {
            self.backlog().push_piece(piece);
        } else if let Some(rest) = self.encode_piece(piece) {
            self.backlog().go_on_with(Some(rest));
        }
    }

    fn backlog(&mut self) -> &mut Backlog {
        self.backlog.get_or_insert_default()
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.marks.push_back((self.written.wrapping_add(self.encoded() as u64), mark));
    }

    /// Queues a Pong, unless nothing goes out after our Close frame any more.
    pub(crate) fn push_pong(&mut self, payload: Bytes) {
        if !self.close_encoded {
            self.backlog().push_pong(payload);
        }
    }

    pub(crate) fn pongs_full(&self) -> bool {
        self.backlog.as_ref().is_some_and(|backlog| backlog.pongs_full())
    }

    /// Whether the Ping found its place free.
    pub(crate) fn push_ping(&mut self, kind: PingKind, payload: Bytes) -> bool {
        !self.close_encoded && self.backlog().push_ping(kind, payload)
    }

    /// Queues the text that stands for a Ping, or the one that answers it, unless it waits already.
    pub(crate) fn push_text(&mut self, text: BeatText, payload: Bytes) {
        if !self.close_encoded {
            self.backlog().push_text(text, payload);
        }
    }

    /// Queues a Close frame. An urgent one goes ahead of the messages that wait, which are dropped, and takes the place of a
    /// Close frame that waits behind them; otherwise the first one stays.
    pub(crate) fn push_close(&mut self, frame: Option<CloseFrame>, urgent: bool) {
        if !self.close_encoded && self.backlog().push_close(frame, urgent) && urgent {
            self.messages_dropped = self.messages_dropped.saturating_add(self.messages_waiting() as u64);
            self.forget_messages();
        }
    }

    /// Counts every message that is not written whole as dropped, and nothing is encoded of those that wait. Returns how many
    /// are encoded whole, so that they may go out all the same.
    pub(crate) fn forsake_messages(&mut self) -> u64 {
        self.messages_dropped = self.messages_unsent();
        let end = self.written.saturating_add(self.encoded() as u64);
        let may_go_out = self.marks.iter().filter(|(at, mark)| *mark == Mark::Message && *at <= end).count();
        self.marks.retain(|(_, mark)| *mark != Mark::Message);
        self.forget_messages();
        may_go_out as u64
    }

    fn forget_messages(&mut self) {
        self.unfinished = None;
        if let Some(backlog) = &mut self.backlog {
            self.bytes_dropped = self.bytes_dropped.saturating_add(backlog.buffered() as u64);
            backlog.forget_messages();
            self.backlog = self.backlog.take().filter(|backlog| !backlog.is_empty());
        }
    }

    /// Drops everything; nothing will go out any more, but for a piece that was taken. Returns how many messages end in that.
    pub(crate) fn discard(&mut self) -> u64 {
        let bytes_unsent = self.bytes_unsent();
        self.wire.clear();
        let may_go_out = self.forsake_messages();
        self.marks = Queue::default();
        self.pongs_encoded = 0;
        self.bytes_dropped = bytes_unsent;
        self.taken = 0;
        self.deflater = None;
        if !self.close_encoded {
            self.nothing_follows(None);
        }
        may_go_out
    }

    fn nothing_follows(&mut self, frame: Option<(CloseCode, String)>) {
        self.close_encoded = true;
        self.close_frame = frame;
        self.backlog = None;
    }

    // What goes out.

    /// Whether a piece that was taken is outstanding. Until it is credited nothing else may be shown.
    #[inline]
    pub(crate) fn is_lent(&self) -> bool {
        self.taken > 0
    }

    /// The encoded bytes.
    #[inline]
    pub(crate) fn wire(&self) -> &WireBuf {
        &self.wire
    }

    /// Passes over what the transport took; returns how many bytes of it were there.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) -> usize {
        let count = count.min(self.wire.len());
        self.wire.advance(count);
        self.written = self.written.wrapping_add(count as u64);
        count
    }

    /// Hands out up to `max` encoded bytes, to be credited by [`credit`](Self::credit).
    pub(crate) fn lend(&mut self, max: usize) -> WireBuf {
        let piece = self.wire.split_to(max);
        self.taken = piece.len();
        piece
    }

    /// Credits bytes that were handed out; returns how many of them were owed.
    pub(crate) fn credit(&mut self, count: usize) -> usize {
        let count = count.min(self.taken);
        self.taken = self.taken.saturating_sub(count);
        self.written = self.written.wrapping_add(count as u64);
        count
    }

    /// The next thing that was written whole and not reported yet.
    #[inline]
    pub(crate) fn poll_written(&mut self) -> Option<Mark> {
        if self.marks.front()?.0 > self.written {
            return None;
        }
        let (_, mark) = self.marks.pop_front()?;
        if mark == Mark::Pong {
            self.pongs_encoded = self.pongs_encoded.saturating_sub(1);
        }
        Some(mark)
    }

    /// Encodes what waits, up to a bound, and reports each Ping among it.
    #[inline]
    pub(crate) fn encode(&mut self, ping_encoded: impl FnMut(PingKind)) {
        if self.backlog.is_some() {
            self.encode_backlog(ping_encoded);
        }
    }

    #[inline(never)]
    fn encode_backlog(&mut self, mut ping_encoded: impl FnMut(PingKind)) {
        let Some(mut backlog) = self.backlog.take() else { return };
        while self.wire.len() < ENCODE_AHEAD
            && let Some(next) = backlog.pop(self.pongs_encoded < MAX_PONGS, self.unfinished.is_some())
        {
            match next {
                Next::Pong(opcode, payload) => {
                    self.encode_frame(true, opcode, payload);
                    self.mark(Mark::Pong);
                    self.pongs_encoded = self.pongs_encoded.saturating_add(1);
                }
                Next::Ping(opcode, kind, payload) => {
                    self.encode_frame(true, opcode, payload);
                    self.mark(Mark::Ping(kind));
                    ping_encoded(kind);
                }
                Next::Piece(piece) => backlog.go_on_with(self.encode_piece(piece)),
                // What it overtook does not go out after it.
                Next::Close(frame) => return self.encode_close(frame),
            }
        }
        self.backlog = Some(backlog).filter(|backlog| !backlog.is_empty());
    }

    /// Encodes one frame of a message and returns the rest.
    #[inline]
    fn encode_piece(&mut self, Piece { opcode, payload, last }: Piece) -> Option<Piece> {
        if payload.len() > self.max_frame {
            return Some(self.encode_fragment(Piece { opcode, payload, last }));
        }
        self.encode_frame(last, opcode, payload);
        if last {
            self.mark(Mark::Message);
        }
        None
    }

    #[inline(never)]
    fn encode_fragment(&mut self, Piece { opcode, payload: mut rest, last }: Piece) -> Piece {
        let payload = rest.split_to(self.max_frame);
        self.encode_frame(false, opcode, payload);
        Piece { opcode: Opcode::Continuation, payload: rest, last }
    }

    fn encode_close(&mut self, frame: Option<CloseFrame>) {
        let mut payload = Vec::new();
        if let Some(frame) = &frame {
            payload.extend_from_slice(&frame.code().as_u16().to_be_bytes());
            payload.extend_from_slice(frame.reason().as_bytes());
        }
        self.encode_frame(true, Opcode::Close, payload.into());
        self.mark(Mark::Close);
        self.nothing_follows(Some(CloseFrame::into_told(frame)));
    }

    #[inline(always)]
    fn encode_frame(&mut self, fin: bool, opcode: Opcode, payload: Bytes) {
        let mask = match self.role {
            Role::Client => Some(self.entropy.mask()),
            Role::Server => None,
        };
        let header = Header { fin, opcode, mask, payload_len: payload.len() as u64 };
        self.wire.push_frame(&header, payload);
    }
}
