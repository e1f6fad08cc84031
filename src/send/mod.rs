//! The sending machine: messages and control frames in, frames out. It knows what may overtake what (rules below) and how
//! much may wait; it has no clock and does not judge the peer.
//!
//! What is accepted is encoded at once, which costs least, as long as little waits to be written. Beyond that messages wait as
//! they are: so a Pong or Ping can go ahead of them, and a Close frame that reports a failure can take their place. What was
//! once encoded keeps its order, since TLS may have encrypted it or a kernel may hold its address.

mod queue;
mod wire_buf;

use alloc::collections::VecDeque;
use alloc::string::String;

use bytes::{Buf, Bytes};

use crate::close::{CloseCode, CloseFrame};
use crate::config::{Config, Role, TextHeartbeat};
use crate::entropy::Entropy;
use crate::message::{Chunk, Kind, Message};
use crate::wire::header::{EncodedHeader, Header, MAX_CONTROL_PAYLOAD, Opcode};

use queue::Queue;
pub(crate) use wire_buf::WireBuf;

/// How many Pongs wait at most, in the order of their Pings; beyond, the newest takes the place of the last (RFC 6455
/// §5.5.3 lets an endpoint answer the most recent Ping only). And how many are encoded at most, while the transport takes none.
const MAX_PONGS: usize = 16;

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
    pongs: VecDeque<Bytes>,
    /// Pongs that are encoded and not written.
    pongs_encoded: usize,
    pings: [Option<Bytes>; PingKind::COUNT],
    texts: WaitingTexts,
    messages: VecDeque<Piece>,
    /// Payload bytes in `messages`.
    queued: usize,
    /// The rest of a message, or of a piece of one, that goes out in several frames.
    current: Option<Piece>,
    /// The kind of the message whose last chunk was not queued yet.
    unfinished: Option<Kind>,
    close: Close,
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

/// A message, or a part of one, that waits.
#[derive(Debug)]
struct Piece {
    /// Of its next frame.
    opcode: Opcode,
    payload: Bytes,
    /// Whether the message ends with it.
    last: bool,
}

#[derive(Debug)]
enum Close {
    None,
    /// Waits for its turn: the next frame boundary if it is urgent, otherwise after all messages.
    Queued {
        frame: Option<CloseFrame>,
        urgent: bool,
    },
    /// Encoded, with its code and reason; nothing is encoded after it. An HTTP answer in its place has none, nor has one that
    /// was discarded.
    Encoded(Option<(CloseCode, String)>),
}

/// One of the two texts that a heartbeat is made of where the peer cannot ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeatText {
    Ping,
    Pong,
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

/// Which of the texts of the heartbeat wait: each is there once at most.
#[derive(Debug, Default)]
struct WaitingTexts {
    ping: bool,
    pong: bool,
}

impl WaitingTexts {
    const fn any(&self) -> bool {
        self.ping | self.pong
    }
}

impl Outbox {
    pub(crate) fn new(role: Role, config: &Config, entropy: Entropy) -> Self {
        Self {
            role,
            max_frame: config.max_outgoing_frame.max(MAX_CONTROL_PAYLOAD),
            entropy,
            wire: WireBuf::default(),
            taken: 0,
            pongs: VecDeque::new(),
            pongs_encoded: 0,
            pings: [const { None }; PingKind::COUNT],
            texts: WaitingTexts::default(),
            messages: VecDeque::new(),
            queued: 0,
            current: None,
            unfinished: None,
            close: Close::None,
            marks: Queue::new(),
            written: 0,
            messages_dropped: 0,
            bytes_dropped: 0,
        }
    }

    pub(crate) fn entropy(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    /// Bytes that wait: of messages not encoded yet their payload, of all else what goes out.
    pub(crate) fn buffered(&self) -> usize {
        let current = self.current.as_ref().map_or(0, |current| current.payload.len());
        self.queued.saturating_add(current).saturating_add(self.wire.len()).saturating_add(self.taken)
    }

    /// What counts towards the limit of the queue: bytes that wait, and what the messages among them cost.
    pub(crate) fn load(&self) -> usize {
        let messages = self.messages.len().saturating_add(self.marks.len());
        self.buffered().saturating_add(messages.saturating_mul(MESSAGE_COST))
    }

    /// Whether there is anything to go out, or handed out and not credited.
    pub(crate) fn has_output(&self) -> bool {
        self.is_waiting() || self.wire.len() > 0 || self.taken > 0
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
        let pieces = self.messages.iter().chain(&self.current);
        let ends = pieces.filter(|piece| piece.last).count();
        ends.saturating_add(usize::from(self.unfinished.is_some()))
    }

    /// The kind of the message whose last chunk is yet to come.
    pub(crate) fn unfinished_kind(&self) -> Option<Kind> {
        self.unfinished
    }

    /// Bytes that were accepted and not written: those that were dropped and those that wait.
    pub(crate) fn bytes_unsent(&self) -> u64 {
        self.bytes_dropped.saturating_add(self.buffered() as u64)
    }

    /// Takes code and reason of the Close frame that was encoded; 1005 if it carried none.
    pub(crate) fn take_close_frame(&mut self) -> Option<(CloseCode, String)> {
        match &mut self.close {
            Close::Encoded(frame) => frame.take(),
            Close::None | Close::Queued { .. } => None,
        }
    }

    // What is to go out.

    /// Bytes of the opening handshake.
    pub(crate) fn push_handshake(&mut self, head: Bytes) {
        self.wire.push(head);
    }

    /// An HTTP answer that ends the connection, in the place of a Close frame.
    pub(crate) fn push_final_answer(&mut self, answer: Bytes) {
        if matches!(self.close, Close::Encoded(_)) {
            return;
        }
        self.push_handshake(answer);
        self.mark(Mark::Close);
        self.close = Close::Encoded(None);
    }

    #[inline]
    pub(crate) fn push_message(&mut self, message: Message) {
        let opcode = Opcode::of(message.kind());
        self.push_piece(Piece { opcode, payload: message.into_payload(), last: true });
    }

    pub(crate) fn push_chunk(&mut self, chunk: Chunk) {
        let kind = chunk.piece.kind();
        let opcode = if self.unfinished.is_some() { Opcode::Continuation } else { Opcode::of(kind) };
        self.push_piece(Piece { opcode, payload: chunk.piece.into_payload(), last: chunk.is_last });
        self.unfinished = (!chunk.is_last).then_some(kind);
    }

    #[inline]
    fn push_piece(&mut self, piece: Piece) {
        if self.is_clear() {
            return self.encode_piece(piece);
        }
        self.queued = self.queued.saturating_add(piece.payload.len());
        self.messages.push_back(piece);
    }

    /// Whether nothing waits that goes out before what is pushed now, but for what is encoded, and that is not much.
    #[inline]
    fn is_clear(&self) -> bool {
        !self.is_waiting() && self.wire.len() < ENCODE_AHEAD
    }

    /// Whether anything waits to be encoded.
    #[inline]
    fn is_waiting(&self) -> bool {
        match self.close {
            Close::Encoded(_) => false,
            Close::Queued { .. } => true,
            Close::None => {
                let [heartbeat, application] = &self.pings;
                self.current.is_some()
                    || !self.messages.is_empty()
                    || !self.pongs.is_empty()
                    || heartbeat.is_some()
                    || application.is_some()
                    // Inside a message in chunks they wait for its end.
                    || (self.texts.any() && self.unfinished.is_none())
            }
        }
    }

    fn mark(&mut self, mark: Mark) {
        let encoded = self.wire.len().saturating_add(self.taken) as u64;
        self.marks.push_back((self.written.saturating_add(encoded), mark));
    }

    /// Queues a Pong, unless nothing goes out after our Close frame any more.
    pub(crate) fn push_pong(&mut self, payload: Bytes) {
        if matches!(self.close, Close::Encoded(_)) {
            return;
        }
        if self.pongs.len() >= MAX_PONGS {
            self.pongs.pop_back();
        }
        self.pongs.push_back(payload);
    }

    pub(crate) fn pongs_full(&self) -> bool {
        self.pongs.len() >= MAX_PONGS
    }

    /// Whether the Ping found its place free.
    pub(crate) fn push_ping(&mut self, kind: PingKind, payload: Bytes) -> bool {
        let slot = kind.slot(&mut self.pings);
        let free = slot.is_none();
        if free {
            *slot = Some(payload);
        }
        free
    }

    /// Queues the text that stands for a Ping, or the one that answers it, unless it waits already.
    pub(crate) fn push_text(&mut self, text: BeatText) {
        if !matches!(self.close, Close::Encoded(_)) {
            match text {
                BeatText::Ping => self.texts.ping = true,
                BeatText::Pong => self.texts.pong = true,
            }
        }
    }

    /// Queues a Close frame. An urgent one goes ahead of the messages that wait, which are dropped, and takes the place of a
    /// Close frame that waits behind them; otherwise the first one stays.
    pub(crate) fn push_close(&mut self, frame: Option<CloseFrame>, urgent: bool) {
        match self.close {
            Close::Queued { urgent: false, .. } if urgent => {}
            Close::None => {}
            Close::Queued { .. } | Close::Encoded(_) => return,
        }
        if urgent {
            self.drop_messages();
        }
        self.close = Close::Queued { frame, urgent };
    }

    /// Counts every message that is not written whole as dropped: what of them goes out all the same is of no use.
    pub(crate) fn forsake_messages(&mut self) {
        self.messages_dropped = self.messages_unsent();
        self.marks.retain(|(_, mark)| *mark != Mark::Message);
        self.forget_messages();
    }

    /// Drops the messages that are not encoded whole.
    fn drop_messages(&mut self) {
        self.messages_dropped = self.messages_dropped.saturating_add(self.messages_waiting() as u64);
        self.forget_messages();
    }

    fn forget_messages(&mut self) {
        let current = self.current.as_ref().map_or(0, |current| current.payload.len());
        self.bytes_dropped = self.bytes_dropped.saturating_add(self.queued.saturating_add(current) as u64);
        self.messages = VecDeque::new();
        self.queued = 0;
        self.current = None;
        self.unfinished = None;
    }

    /// Drops everything; nothing will go out any more.
    pub(crate) fn discard(&mut self) {
        self.forsake_messages();
        self.marks = Queue::new();
        self.pongs = VecDeque::new();
        self.pongs_encoded = 0;
        self.pings = [const { None }; PingKind::COUNT];
        self.texts = WaitingTexts::default();
        self.bytes_dropped = self.bytes_unsent();
        self.wire.clear();
        self.taken = 0;
        if !matches!(self.close, Close::Encoded(_)) {
            self.close = Close::Encoded(None);
        }
    }

    // What goes out.

    /// Whether a piece that was taken is outstanding. Until it is credited nothing else may be shown.
    pub(crate) fn is_lent(&self) -> bool {
        self.taken > 0
    }

    /// The encoded bytes.
    pub(crate) fn wire(&self) -> &WireBuf {
        &self.wire
    }

    /// Passes over what the transport took.
    pub(crate) fn advance(&mut self, count: usize) {
        let count = count.min(self.wire.len());
        self.wire.advance(count);
        self.written = self.written.saturating_add(count as u64);
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
        self.written = self.written.saturating_add(count as u64);
        count
    }

    /// The next thing that was written whole and not reported yet.
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

    /// Encodes what waits, up to a bound, and reports each Ping among it. `texts` are those of the heartbeat.
    #[inline]
    pub(crate) fn encode(&mut self, texts: Option<&TextHeartbeat>, ping_encoded: impl FnMut(PingKind)) {
        if self.is_waiting() {
            self.encode_waiting(texts, ping_encoded);
        }
    }

    fn encode_waiting(&mut self, texts: Option<&TextHeartbeat>, mut ping_encoded: impl FnMut(PingKind)) {
        while self.wire.len() < ENCODE_AHEAD {
            if matches!(self.close, Close::Encoded(_)) {
                return;
            }
            if matches!(self.close, Close::Queued { urgent: true, .. }) {
                self.encode_close();
            } else if self.pongs_encoded < MAX_PONGS
                && let Some(payload) = self.pongs.pop_front()
            {
                self.encode_frame(true, Opcode::Pong, payload);
                self.mark(Mark::Pong);
                self.pongs_encoded = self.pongs_encoded.saturating_add(1);
                if self.pongs.is_empty() {
                    self.pongs = VecDeque::new();
                }
            } else if let Some((kind, payload)) = self.next_ping() {
                self.encode_frame(true, Opcode::Ping, payload);
                self.mark(Mark::Ping(kind));
                ping_encoded(kind);
            } else if let Some((text, payload)) = self.next_text(texts) {
                self.encode_frame(true, Opcode::Text, payload);
                match text {
                    BeatText::Ping => {
                        self.mark(Mark::Ping(PingKind::Heartbeat));
                        ping_encoded(PingKind::Heartbeat);
                    }
                    BeatText::Pong => {
                        self.mark(Mark::Pong);
                        self.pongs_encoded = self.pongs_encoded.saturating_add(1);
                    }
                }
            } else if let Some(piece) = self.next_piece() {
                self.encode_piece(piece);
            } else if matches!(self.close, Close::Queued { .. }) && self.pongs.is_empty() {
                self.encode_close();
            } else {
                return;
            }
        }
    }

    fn next_ping(&mut self) -> Option<(PingKind, Bytes)> {
        [PingKind::Heartbeat, PingKind::Application]
            .into_iter()
            .find_map(|kind| kind.slot(&mut self.pings).take().map(|payload| (kind, payload)))
    }

    /// The text that may go out here, where no message is under way.
    fn next_text(&mut self, texts: Option<&TextHeartbeat>) -> Option<(BeatText, Bytes)> {
        if !self.texts.any() || self.is_inside_message() {
            return None;
        }
        let texts = texts?;
        if core::mem::take(&mut self.texts.ping) {
            Some((BeatText::Ping, texts.ping.as_bytes().clone()))
        } else if self.pongs_encoded < MAX_PONGS && core::mem::take(&mut self.texts.pong) {
            Some((BeatText::Pong, texts.pong.as_bytes().clone()))
        } else {
            None
        }
    }

    /// Whether what was encoded last is a part of a message that goes on.
    fn is_inside_message(&self) -> bool {
        self.current.is_some()
            || match self.messages.front() {
                Some(next) => next.opcode == Opcode::Continuation,
                None => self.unfinished.is_some(),
            }
    }

    fn next_piece(&mut self) -> Option<Piece> {
        if let Some(current) = self.current.take() {
            return Some(current);
        }
        let piece = self.messages.pop_front()?;
        if self.messages.is_empty() {
            self.messages = VecDeque::new();
        }
        self.queued = self.queued.saturating_sub(piece.payload.len());
        Some(piece)
    }

    /// Encodes one frame of a message and keeps the rest.
    #[inline]
    fn encode_piece(&mut self, Piece { opcode, payload: mut rest, last }: Piece) {
        if rest.len() > self.max_frame {
            let payload = rest.split_to(self.max_frame);
            self.encode_frame(false, opcode, payload);
            self.current = Some(Piece { opcode: Opcode::Continuation, payload: rest, last });
            return;
        }
        self.encode_frame(last, opcode, rest);
        if last {
            self.mark(Mark::Message);
        }
    }

    fn encode_close(&mut self) {
        let Close::Queued { frame, .. } = core::mem::replace(&mut self.close, Close::None) else { return };
        let mut payload = alloc::vec::Vec::new();
        if let Some(frame) = &frame {
            payload.extend_from_slice(&frame.code().as_u16().to_be_bytes());
            payload.extend_from_slice(frame.reason().as_bytes());
        }
        self.encode_frame(true, Opcode::Close, payload.into());
        self.mark(Mark::Close);
        self.close = Close::Encoded(Some(CloseFrame::into_told(frame)));
        // What an urgent one overtook does not go out after it.
        self.pongs = VecDeque::new();
        self.pings = [const { None }; PingKind::COUNT];
        self.texts = WaitingTexts::default();
    }

    #[inline]
    fn encode_frame(&mut self, fin: bool, opcode: Opcode, payload: Bytes) {
        let key = match self.role {
            Role::Client => Some(self.entropy.bytes()),
            Role::Server => None,
        };
        let header = Header { fin, opcode, mask: key, payload_len: payload.len() as u64 };
        let header = EncodedHeader::new(&header);
        let header = header.as_bytes();
        self.wire.push_frame(header, payload, key);
    }
}
