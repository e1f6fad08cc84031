//! Every phase of a connection meets every input that has to do with closing or with the heartbeat. No phase is a dead end: each
//! ends within the deadlines, whether the peer says nothing more or the application closes, with at most one Close frame in each
//! direction and one `Closed`.
//!
//! The phases are found by search: from the beginnings, every input is tried in every phase that was found, until nothing new
//! turns up. Two situations are the same phase if they agree in what [`Phase`] holds:
//!
//! - what the machine shows: state, transport, whether it wants to read or write, whether a message in chunks is being sent, what
//!   waits to be written, whether it told its end;
//! - what went over the wire that a rule asks about: Close frames either way, a beat that waits for an answer, the beginning of a
//!   frame or message of the peer's, the end of its stream;
//! - how its owner and the transport behave: whether it is read, whether output is taken, whether writing failed;
//! - how far the next deadline is, in steps.
//!
//! What else the machine holds is payload and counters, of which no rule depends, and the distances to later deadlines, which
//! become the next one's as time passes: time is one of the inputs.

#[path = "support/pair.rs"]
mod pair;
#[path = "support/wire.rs"]
mod wire;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pair::Endpoint;
use websocket_proto::{
    Accept, Agreement, Chunk, ClientRequest, CloseFrame, Config, Connection, Heartbeat, OriginPolicy, Reject,
    Role, State, TextHeartbeat, Timestamp, Transport, TransportFailure,
};
use wire::frame;

const SECOND: Duration = Duration::from_secs(1);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// No peer that is silent keeps a connection for longer: its message may be unfinished, and we may be late once.
const LONGEST: Duration = Duration::from_secs(30 + 5 + 5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Input {
    // Time.
    NextDeadline,
    OwnStall,
    // The peer.
    Handshake,
    Text,
    TextPing,
    TextPong,
    Ping,
    Pong,
    MessageBegun,
    MessageEnded,
    HalfHeader,
    Close,
    Violation,
    // The transport.
    EndOfStream,
    ReadFailed,
    WriteFailed,
    Blocked,
    Unblocked,
    // The owner.
    Accept,
    Reject,
    Send,
    SendChunk,
    SendLastChunk,
    CloseCommand,
    StopReading,
    GoOnReading,
}

const INPUTS: [Input; 26] = [
    Input::NextDeadline,
    Input::OwnStall,
    Input::Handshake,
    Input::Text,
    Input::TextPing,
    Input::TextPong,
    Input::Ping,
    Input::Pong,
    Input::MessageBegun,
    Input::MessageEnded,
    Input::HalfHeader,
    Input::Close,
    Input::Violation,
    Input::EndOfStream,
    Input::ReadFailed,
    Input::WriteFailed,
    Input::Blocked,
    Input::Unblocked,
    Input::Accept,
    Input::Reject,
    Input::Send,
    Input::SendChunk,
    Input::SendLastChunk,
    Input::CloseCommand,
    Input::StopReading,
    Input::GoOnReading,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Phase {
    state: State,
    transport: &'static str,
    shows: [bool; 6],
    wire: [bool; 5],
    surroundings: [bool; 4],
    deadline: Option<u8>,
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beginning {
    role: Role,
    open: bool,
    by_text: bool,
}

struct Scene {
    beginning: Beginning,
    endpoint: Endpoint,
    now: Timestamp,
    peer_closed: bool,
    peer_ended: bool,
    peer_begun: bool,
    write_failed: bool,
    deaf: bool,
}

impl Scene {
    fn new(beginning: Beginning) -> Self {
        let now = Timestamp::default();
        let mut config = Config::default();
        let mut heartbeat = Heartbeat::new(10 * SECOND, 4 * SECOND);
        heartbeat.text = beginning.by_text.then(TextHeartbeat::sent_and_answered);
        config.heartbeat = Some(heartbeat);
        config.close_timeout = CLOSE_TIMEOUT;
        config.write_stall = Some(20 * SECOND);
        config.unfinished_message = Some(30 * SECOND);
        let config = Arc::new(config);
        let connection = match (beginning.open, beginning.role) {
            (true, role) => Connection::upgraded(role, Agreement::default(), config, [1; 32], now),
            (false, Role::Client) => Connection::client(&request(), config, [1; 32], now),
            (false, Role::Server) => Connection::server(config, [1; 32], now),
        };
        let mut endpoint = Endpoint::new(connection);
        endpoint.answers_requests = false;
        endpoint.run(now);
        let [peer_closed, peer_ended, peer_begun, write_failed, deaf] = [false; 5];
        Self { beginning, endpoint, now, peer_closed, peer_ended, peer_begun, write_failed, deaf }
    }

    fn after(beginning: Beginning, inputs: &[Input]) -> Self {
        let mut scene = Self::new(beginning);
        inputs.iter().for_each(|input| scene.apply(*input));
        scene
    }

    /// Does it, if it can happen now, and all that follows.
    fn apply(&mut self, input: Input) {
        let Self { beginning: Beginning { role, .. }, now, .. } = *self;
        let connection = &mut self.endpoint.connection;
        match input {
            Input::NextDeadline => {
                self.now = connection.poll_timeout().unwrap_or(now);
                connection.handle_timeout(self.now);
            }
            Input::OwnStall => {
                self.now = now.saturating_add(Duration::from_secs(3600));
                connection.handle_timeout(self.now);
            }
            Input::Handshake => {
                let bytes = handshake(role, &self.endpoint.written);
                self.hear(&bytes);
            }
            Input::Text => self.hear(&frame(role, 0x81, b"text")),
            Input::TextPing => self.hear(&frame(role, 0x81, b"ping")),
            Input::TextPong => self.hear(&frame(role, 0x81, b"pong")),
            Input::Ping => self.hear(&frame(role, 0x89, b"")),
            Input::Pong => {
                let ping = self.frames().into_iter().rev().find(|(first, _)| *first == 0x89);
                self.hear(&frame(role, 0x8a, &ping.map(|(_, payload)| payload).unwrap_or_default()));
            }
            Input::MessageBegun => {
                self.peer_begun = true;
                self.hear(&frame(role, 0x01, b"a"));
            }
            Input::MessageEnded => {
                self.peer_begun = false;
                self.hear(&frame(role, 0x80, b"b"));
            }
            Input::HalfHeader => {
                self.peer_begun = true;
                self.hear(&[0x81]);
            }
            Input::Close => {
                if !self.peer_ended {
                    self.peer_closed = true;
                }
                self.hear(&frame(role, 0x88, b"\x03\xe8"));
            }
            Input::Violation => self.hear(&[0xff, 0xff]),
            Input::EndOfStream => {
                self.peer_ended = true;
                connection.end_of_input(now);
            }
            Input::ReadFailed => {
                self.peer_ended = true;
                connection.read_failed(TransportFailure::Reset, now);
            }
            Input::WriteFailed => {
                self.write_failed = true;
                connection.write_failed(TransportFailure::BrokenPipe, now);
            }
            Input::Blocked => self.endpoint.blocked = true,
            Input::Unblocked => self.endpoint.blocked = self.write_failed,
            Input::Accept => drop(connection.accept(&Accept::new(OriginPolicy::Any), now)),
            Input::Reject => drop(connection.reject(&Reject::new(403).unwrap(), now)),
            Input::Send => drop(connection.send("text")),
            Input::SendChunk => drop(connection.send_chunk(Chunk::more("text"))),
            Input::SendLastChunk => drop(connection.send_chunk(Chunk::last("text"))),
            Input::CloseCommand => connection.close(CloseFrame::NORMAL, now),
            Input::StopReading => {
                self.deaf = true;
                connection.set_reading(false, now);
            }
            Input::GoOnReading => {
                self.deaf = false;
                connection.set_reading(true, now);
            }
        }
        self.endpoint.run(self.now);
        if self.endpoint.blocked {
            // It is offered, and nothing taken.
            let _ = self.endpoint.connection.output(self.now);
        }
        let next = self.endpoint.connection.poll_timeout();
        let waits = input == Input::NextDeadline || input == Input::OwnStall;
        // An owner that does not read leaves what is due to be judged when it does.
        assert!(!waits || self.deaf || next.is_none_or(|at| at > self.now), "a deadline stands still");
    }

    fn hear(&mut self, bytes: &[u8]) {
        if !self.peer_ended {
            self.endpoint.input.extend_from_slice(bytes);
        }
    }

    /// The frames that were written, if the opening handshake came to that.
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        let mut rest = &self.endpoint.written[..];
        if !self.beginning.open {
            let Some(end) = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Vec::new() };
            let accepted = self.beginning.role == Role::Client || rest.starts_with(b"HTTP/1.1 101");
            rest = if accepted { &rest[end + 4..] } else { &[] };
        }
        let mut frames = Vec::new();
        while let [first, second, after @ ..] = rest {
            let len = usize::from(second & 0x7f);
            assert!(len < 126, "all frames here are short");
            let (payload, next) = if second & 0x80 == 0 {
                (after[..len].to_vec(), &after[len..])
            } else {
                let (key, after) = after.split_at(4);
                (after[..len].iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect(), &after[len..])
            };
            frames.push((*first, payload));
            rest = next;
        }
        frames
    }

    fn phase(&self) -> Phase {
        let connection = &self.endpoint.connection;
        let frames = self.frames();
        let is_beat = |(first, payload): &(u8, Vec<u8>)| *first == 0x89 || payload == b"ping";
        let (beats, answers) = (connection.stats().pings_sent, connection.stats().pongs_received);
        let distance = |at: Timestamp| at.saturating_duration_since(self.now);
        Phase {
            state: connection.state(),
            transport: name(connection.transport()),
            shows: [
                connection.wants_read(),
                connection.wants_write(),
                connection.is_sending_chunks(),
                connection.buffered() > 0,
                connection.send_capacity() > 0,
                self.endpoint.closed().is_some(),
            ],
            wire: [
                frames.iter().any(|(first, _)| *first == 0x88),
                self.peer_closed,
                self.peer_begun,
                self.peer_ended,
                frames.iter().any(is_beat) && beats > answers,
            ],
            surroundings: [
                self.deaf,
                self.endpoint.blocked,
                self.write_failed,
                !self.endpoint.input.is_empty(),
            ],
            deadline: connection.poll_timeout().map(|at| match distance(at) {
                near if near.is_zero() => 0,
                near if near <= 5 * SECOND => 1,
                near if near <= 10 * SECOND => 2,
                _ => 3,
            }),
        }
    }

    /// What holds in every phase.
    fn check(&self) {
        let frames = self.frames();
        let closes = frames.iter().filter(|(first, _)| *first == 0x88).count();
        assert!(closes <= 1, "{closes} Close frames were written");
        assert!(closes == 0 || frames.last().is_some_and(|(first, _)| *first == 0x88), "nothing follows it");
        // It asserts that Closed comes once, and as the last event.
        if let Some(close) = self.endpoint.closed() {
            assert_eq!(self.endpoint.connection.state(), State::Closed);
            assert!(close.received().is_none() || self.peer_closed);
            assert!(close.sent().is_none() || closes == 1);
            let _ = close.explain().to_string();
        }
    }

    /// How long it takes to end, with a peer that says nothing more.
    fn time_to_end(&mut self) -> Duration {
        let from = self.now;
        for _ in 0..50 {
            if self.endpoint.closed().is_some() {
                return self.now.saturating_duration_since(from);
            }
            assert!(self.endpoint.connection.poll_timeout().is_some(), "nothing will ever happen");
            self.apply(Input::NextDeadline);
            self.check();
        }
        panic!("it goes on and on");
    }
}

fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Open => "open",
        Transport::HalfClose => "half-close",
        Transport::Close => "close",
        Transport::Abort => "abort",
    }
}

fn request() -> ClientRequest {
    ClientRequest::new("a", "/").unwrap()
}

/// The peer's part of the opening handshake.
fn handshake(role: Role, written: &[u8]) -> Vec<u8> {
    let now = Timestamp::default();
    let mut client = Endpoint::new(Connection::client(&request(), Arc::new(Config::default()), [9; 32], now));
    client.run(now);
    if role == Role::Server {
        return client.written;
    }
    let mut server = Endpoint::new(Connection::server(Arc::new(Config::default()), [8; 32], now));
    server.receive(written, now);
    server.written
}

/// Every phase, with the shortest way there.
fn phases(beginning: Beginning) -> HashMap<Phase, Vec<Input>> {
    let mut found = HashMap::from([(Scene::new(beginning).phase(), Vec::new())]);
    let mut waiting = VecDeque::from([Vec::new()]);
    while let Some(way) = waiting.pop_front() {
        for input in INPUTS {
            let mut longer = way.clone();
            longer.push(input);
            let scene = Scene::after(beginning, &longer);
            scene.check();
            if let Entry::Vacant(place) = found.entry(scene.phase()) {
                place.insert(longer.clone());
                waiting.push_back(longer);
            }
        }
    }
    found
}

fn every_phase_meets_every_input_and_ends(beginning: Beginning) {
    let phases = phases(beginning);
    let mut states = BTreeMap::new();
    for (phase, way) in &phases {
        *states.entry((phase.state, phase.transport)).or_insert(0) += 1;
        let what = || format!("{beginning:?} {way:?}: {phase:?}");

        // The peer says nothing more, and whoever did not read reads again.
        let mut silent = Scene::after(beginning, way);
        silent.apply(Input::GoOnReading);
        let took = silent.time_to_end();
        assert!(took <= LONGEST, "{took:?} to end after {}", what());

        // The application closes.
        let mut closing = Scene::after(beginning, way);
        closing.apply(Input::CloseCommand);
        let took = closing.time_to_end();
        assert!(took <= CLOSE_TIMEOUT, "{took:?} to close after {}", what());
        // One attempt for what is left to be said, and it is over.
        closing.endpoint.blocked = false;
        closing.endpoint.run(closing.now);
        closing.check();
        let transport = closing.endpoint.connection.transport();
        assert!(matches!(transport, Transport::Close | Transport::Abort), "{transport:?} after {}", what());
    }
    println!("{beginning:?}: {} phases, {states:?}", phases.len());
    let expected = [
        (State::Open, "open"),
        (State::Closing, "open"),
        (State::Closing, "half-close"),
        (State::Closed, "close"),
        (State::Closed, "abort"),
    ];
    for reached in expected {
        assert!(states.contains_key(&reached), "{reached:?} is not among {states:?}");
    }
}

#[test]
fn every_phase_of_an_open_client_ends() {
    for by_text in [false, true] {
        every_phase_meets_every_input_and_ends(Beginning { role: Role::Client, open: true, by_text });
    }
}

#[test]
fn every_phase_of_an_open_server_ends() {
    for by_text in [false, true] {
        every_phase_meets_every_input_and_ends(Beginning { role: Role::Server, open: true, by_text });
    }
}

#[test]
fn every_phase_of_a_client_from_its_request_on_ends() {
    every_phase_meets_every_input_and_ends(Beginning { role: Role::Client, open: false, by_text: true });
}

#[test]
fn every_phase_of_a_server_from_its_request_on_ends() {
    every_phase_meets_every_input_and_ends(Beginning { role: Role::Server, open: false, by_text: true });
}
