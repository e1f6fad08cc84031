//! All 65,536 pairs of bytes that a frame can begin with, in both roles and in each state that a receiver can be in.
//!
//! What must come of them is worked out here a second time: not by steps, as a parser goes, but by the list of rules that a
//! header can break, of which the first that is broken is told.

use bytes::Bytes;
use websocket_proto::{Cause, CloseCode, Event, Message, Role, Transport, Violation};

use super::frames::{KEY, closing, frame, mask, other, read};
use super::pair::Endpoint;
use super::{NOW, ROLES, ended, open};

/// What is under way when the frame comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    Text,
    Binary,
}

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The payload of what begins a message before the frame, and of what ends it afterwards.
const BEGUN: &[u8] = b"begun ";
const REST: &[u8] = b" rest";

/// The first two bytes of a frame, and whom they reach.
#[derive(Clone, Copy, Debug)]
struct Start {
    bytes: [u8; 2],
    receiver: Role,
    inside: Inside,
}

impl Start {
    fn fin(self) -> bool {
        self.bytes[0] & 0b1000_0000 != 0
    }

    fn opcode(self) -> u8 {
        self.bytes[0] & 0b0000_1111
    }

    fn is_control(self) -> bool {
        self.bytes[0] & 0b0000_1000 != 0
    }

    fn short_len(self) -> u8 {
        self.bytes[1] & 0b0111_1111
    }

    /// The rule that the two bytes break by themselves.
    fn broken_at_once(self) -> Option<Violation> {
        let masked = self.bytes[1] & 0b1000_0000 != 0;
        let known = [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG];
        let reserved = self.bytes[0] & 0b0111_0000;
        let compressed = reserved == 0b0100_0000 && [TEXT, BINARY].contains(&self.opcode());
        let rules = [
            (!compressed, Violation::UnagreedCompression),
            (reserved == 0, Violation::ReservedBits),
            (known.contains(&self.opcode()), Violation::ReservedOpcode(self.opcode())),
            (masked || self.receiver == Role::Client, Violation::Unmasked),
            (!masked || self.receiver == Role::Server, Violation::Masked),
            (self.fin() || !self.is_control(), Violation::ControlFragmented),
            (self.short_len() <= 125 || !self.is_control(), Violation::ControlTooLong),
        ];
        rules.into_iter().find_map(|(kept, violation)| (!kept).then_some(violation))
    }

    /// The rule that the frame breaks by where it stands.
    fn broken_here(self) -> Option<Violation> {
        match (self.inside, self.opcode()) {
            (Inside::Nothing, CONTINUATION) => Some(Violation::UnexpectedContinuation),
            (Inside::Text | Inside::Binary, TEXT | BINARY) => Some(Violation::ExpectedContinuation),
            _ => None,
        }
    }

    /// A payload of the length that the two bytes state: for the longer forms, the least that they may be used for. As a
    /// Close frame's it is 1000 and a reason.
    fn payload(self) -> Vec<u8> {
        let len = match self.short_len() {
            126 => 126,
            127 => 65_536,
            len => usize::from(len),
        };
        let mut payload = if self.opcode() == CLOSE { closing(1000, &[b'r'; 123]) } else { vec![b'x'; len] };
        payload.truncate(len);
        payload
    }

    /// What follows the two bytes in a whole frame.
    fn rest_of_header(self) -> Vec<u8> {
        let mut rest = match self.short_len() {
            126 => 126_u16.to_be_bytes().to_vec(),
            127 => 65_536_u64.to_be_bytes().to_vec(),
            _ => vec![],
        };
        if self.receiver == Role::Server {
            rest.extend_from_slice(&KEY);
        }
        rest
    }

    fn frame(self) -> Vec<u8> {
        let key = if self.receiver == Role::Server { KEY } else { [0; 4] };
        let mut frame = [&self.bytes[..], &self.rest_of_header()].concat();
        frame.extend(mask(&self.payload(), key));
        frame
    }

    /// An endpoint in this state.
    fn endpoint(self) -> Endpoint {
        let mut endpoint = open(self.receiver);
        let first = match self.inside {
            Inside::Nothing => return endpoint,
            Inside::Text => TEXT,
            Inside::Binary => BINARY,
        };
        endpoint.receive(&frame(other(self.receiver), first, BEGUN), NOW);
        assert_eq!(endpoint.events, []);
        endpoint
    }
}

fn message(text: bool, payload: Vec<u8>) -> Message {
    if text { String::from_utf8(payload).unwrap().into() } else { payload.into() }
}

/// Each start of a frame that reaches this role while this is under way.
fn starts(receiver: Role, inside: Inside) -> impl Iterator<Item = Start> {
    (0..=u16::MAX).map(move |pair| Start { bytes: pair.to_be_bytes(), receiver, inside })
}

/// It failed, said so on the wire, told nothing else, and takes in nothing more.
fn assert_failed(endpoint: &mut Endpoint, violation: Violation, start: Start) {
    let told = closing(1002, violation.to_string().as_bytes());
    let [close] = &read(&endpoint.written)[..] else { panic!("one frame: {start:x?}") };
    assert_eq!((close.first, &close.payload), (0x88, &told), "{start:x?}");
    assert_eq!((endpoint.connection.transport(), &endpoint.events[..]), (Transport::HalfClose, &[][..]));

    endpoint.input.extend_from_slice(&frame(other(start.receiver), 0x89, b"late"));
    let close = ended(endpoint);
    assert_eq!((close.cause(), close.sent()), (Cause::Violation(violation), Some(CloseCode::PROTOCOL_ERROR)));
    assert_eq!((close.code(), close.was_clean()), (CloseCode::ABNORMAL, false), "{start:x?}");
    assert_eq!((endpoint.events.len(), endpoint.input.len()), (1, 0), "{start:x?}");
}

/// What a frame that keeps the rules comes to: at once, and when the message is finished that it left unfinished.
fn assert_accepted(endpoint: &mut Endpoint, start: Start) {
    let payload = start.payload();
    endpoint.receive(&start.frame(), NOW);
    let mut events = vec![];
    let mut written = vec![];
    let mut unfinished = match start.inside {
        Inside::Nothing => None,
        Inside::Text | Inside::Binary => Some((start.inside == Inside::Text, BEGUN.to_vec())),
    };
    match start.opcode() {
        PING => {
            written.push((0x8a, payload.clone()));
            events.push(Event::Ping(Bytes::from(payload)));
        }
        PONG => events.push(Event::Pong { payload: Bytes::from(payload), round_trip: None }),
        opcode => {
            let (text, mut parts) = unfinished.take().unwrap_or((opcode == TEXT, vec![]));
            parts.extend(payload);
            if start.fin() {
                events.push(Event::Message(message(text, parts)));
            } else {
                unfinished = Some((text, parts));
            }
        }
    }
    assert_eq!(endpoint.events, events, "{start:x?}");

    // A control frame left the message as it was, and an end of it is taken only where one is under way.
    endpoint.receive(&frame(other(start.receiver), 0x80, REST), NOW);
    match unfinished {
        Some((text, parts)) => events.push(Event::Message(message(text, [&parts, REST].concat()))),
        None => written.push((0x88, closing(1002, Violation::UnexpectedContinuation.to_string().as_bytes()))),
    }
    assert_eq!(endpoint.events, events, "{start:x?}");
    let found: Vec<_> =
        read(&endpoint.written).into_iter().map(|frame| (frame.first, frame.payload)).collect();
    assert_eq!(found, written, "{start:x?}");
}

/// A Close frame that keeps the rules of frames: its payload is judged next.
fn assert_closed(endpoint: &mut Endpoint, start: Start) {
    endpoint.receive(&start.frame(), NOW);
    let payload = start.payload();
    if payload.len() == 1 {
        return assert_failed(endpoint, Violation::CloseTooShort, start);
    }
    let [echo] = &read(&endpoint.written)[..] else { panic!("one frame: {start:x?}") };
    assert_eq!((echo.first, &echo.payload[..]), (0x88, payload.get(..2).unwrap_or_default()), "{start:x?}");
    let close = ended(endpoint);
    let code = if payload.is_empty() { CloseCode::NO_STATUS } else { CloseCode::NORMAL };
    assert_eq!((close.code(), close.was_clean(), close.cause()), (code, true, Cause::ClosingHandshake));
    assert_eq!(close.reason().as_bytes(), payload.get(2..).unwrap_or_default(), "{start:x?}");
    assert_eq!(endpoint.events.len(), 1, "an unfinished message is not told: {start:x?}");
}

fn assert_outcome(start: Start) {
    let mut endpoint = start.endpoint();
    if let Some(violation) = start.broken_at_once() {
        endpoint.receive(&start.bytes, NOW);
        assert_failed(&mut endpoint, violation, start);
    } else if let Some(violation) = start.broken_here() {
        // Not one byte of the payload has to come.
        endpoint.receive(&[&start.bytes[..], &start.rest_of_header()].concat(), NOW);
        assert_failed(&mut endpoint, violation, start);
    } else if start.opcode() == CLOSE {
        assert_closed(&mut endpoint, start);
    } else {
        assert_accepted(&mut endpoint, start);
    }
}

#[test]
fn every_header_while_nothing_is_under_way() {
    for receiver in ROLES {
        starts(receiver, Inside::Nothing).for_each(assert_outcome);
    }
}

#[test]
fn every_header_inside_a_text_message() {
    for receiver in ROLES {
        starts(receiver, Inside::Text).for_each(assert_outcome);
    }
}

#[test]
fn every_header_inside_a_binary_message() {
    for receiver in ROLES {
        starts(receiver, Inside::Binary).for_each(assert_outcome);
    }
}

#[test]
fn no_header_counts_after_a_close_frame_though_it_be_a_ping_or_broken() {
    for receiver in ROLES {
        for start in starts(receiver, Inside::Nothing) {
            let mut endpoint = open(receiver);
            endpoint.receive(&frame(other(receiver), 0x88, &closing(4000, b"bye")), NOW);
            endpoint.input.extend_from_slice(&start.bytes);
            endpoint.input.extend_from_slice(&start.rest_of_header());
            let close = ended(&mut endpoint);
            assert_eq!((close.code().as_u16(), close.cause()), (4000, Cause::ClosingHandshake), "{start:x?}");
            assert_eq!((endpoint.events.len(), endpoint.input.len()), (1, 0), "{start:x?}");
            let [echo] = &read(&endpoint.written)[..] else { panic!("one frame: {start:x?}") };
            assert_eq!((echo.first, &echo.payload), (0x88, &closing(4000, b"")), "{start:x?}");
        }
    }
}
