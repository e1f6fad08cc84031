//! One machine, the application and the owner that use it, and the transport that takes its output.

use bytes::{Buf, BytesMut};
use websocket_proto::{
    CloseEvent, CloseFrame, Config, Connection, Event, Role, SendError, State, Timestamp, Transport,
};

use super::history::History;
use super::pipe::Pipe;
use super::speech::{Said, Speech};
use crate::heads;
use crate::scene::{Decision, Scene, Settings};
use crate::watch::{self, Watch};

pub(super) struct Endpoint {
    pub(super) role: Role,
    pub(super) scene: Scene,
    pub(super) config: Config,
    pub(super) connection: Connection,
    pub(super) watch: Watch,
    pub(super) history: History,
    /// What its application said.
    pub(super) speech: Speech,
    /// What arrived and is not parsed.
    pub(super) input: BytesMut,
    /// The way to the other side.
    pub(super) pipe: Pipe,
    /// Bytes that were written and are not credited.
    pub(super) lent: usize,
    /// Whether it asks for events.
    pub(super) polls: bool,
    pub(super) write_failed: bool,
    pub(super) closed: Option<CloseEvent>,
}

impl Endpoint {
    pub(super) fn new(role: Role, scene: Scene, now: Timestamp) -> Self {
        let connection = scene.connection(role, now);
        Self {
            role,
            scene,
            config: scene.settings.config(),
            watch: Watch::new(&connection),
            history: History::new(&connection, now),
            connection,
            speech: Speech::default(),
            input: BytesMut::new(),
            pipe: Pipe::default(),
            lent: 0,
            polls: true,
            write_failed: false,
            closed: None,
        }
    }

    pub(super) fn state(&self) -> State {
        self.connection.state()
    }

    // The application.

    pub(super) fn send(&mut self, said: Said) {
        let message = self.speech.compose(said);
        let (buffered, room) = (self.connection.buffered(), self.connection.send_capacity());
        match self.connection.send(message.clone()) {
            Ok(()) => {
                assert!(room > 0 && self.watch.state == State::Open);
                let more = self.connection.buffered() - buffered;
                assert!((said.len..=said.len + 14).contains(&more), "{more} bytes for {}", said.len);
                self.speech.said(said);
            }
            Err(error) => {
                assert!(room == 0 || self.watch.state != State::Open, "{error}");
                assert_eq!(error.into_inner(), message);
            }
        }
    }

    pub(super) fn ping(&mut self, len: usize) {
        let payload = vec![b'0' + (len % 10) as u8; len];
        if accepted(&self.connection.ping(&payload), len, self.watch.state) {
            self.speech.said_ping(&payload);
        }
    }

    pub(super) fn pong(&mut self, len: usize) {
        let payload = vec![b'a' + (len % 26) as u8; len];
        if accepted(&self.connection.pong(&payload), len, self.watch.state) {
            self.speech.owes_pong(&payload);
        }
    }

    pub(super) fn close(&mut self, number: u8, now: Timestamp) {
        let code = if number < 16 { 1000 } else { 4000 } + u16::from(number);
        let frame = CloseFrame::new(code, "r".repeat(usize::from(number) / 3)).ok();
        if self.state() == State::Open {
            self.speech.close = Some(frame.clone());
        }
        self.connection.close(frame, now);
        assert!(self.connection.state() >= State::Closing);
    }

    pub(super) fn decide(&mut self, now: Timestamp) {
        if self.scene.decision == Decision::Close && self.state() == State::Open {
            self.speech.close = Some(None);
        }
        self.scene.decide(&mut self.connection, now);
    }

    pub(super) fn set_reading(&mut self, reads: bool, now: Timestamp) {
        self.history.set_reading(reads, now);
        self.connection.set_reading(reads, now);
    }

    /// Takes all events, the last of which it returns if it was the end.
    pub(super) fn settle(&mut self, peer: &mut Speech, now: Timestamp) {
        // No frame is shorter than two bytes. Besides there are the events of the opening and of the end.
        let most = self.input.len() / 2 + 4;
        for _ in 0..most {
            match watch::next_event(&mut self.connection, &mut self.input, now) {
                Some(event) => self.hear(event, peer, now),
                None => return self.look(now),
            }
            self.look(now);
        }
        panic!("the events do not end");
    }

    fn hear(&mut self, event: Event, peer: &mut Speech, now: Timestamp) {
        assert_eq!(self.closed, None, "{event:?} after the end");
        match event {
            Event::Request(request) => {
                assert_eq!(self.role, Role::Server);
                heads::read_request(&request);
                if self.scene.decision != Decision::Wait {
                    self.decide(now);
                }
            }
            Event::Open(response) => {
                assert_eq!(self.role, Role::Client);
                assert_eq!(response.subprotocol(), self.connection.subprotocol());
            }
            Event::Refused(response) => {
                assert_eq!(self.role, Role::Client);
                assert!(matches!(response.status(), 403 | 408 | 431 | 503), "{}", response.status());
            }
            Event::Message(message) => {
                self.expect_acceptable(peer.next());
                peer.hear(&message);
            }
            Event::Ping(payload) => {
                peer.hear_ping(&payload, true);
                if self.config.automatic_pong {
                    self.speech.owes_pong(&payload);
                }
            }
            Event::Pong { payload, .. } => peer.hear_pong(&payload),
            Event::Closed(close) => {
                watch::check_close(&close, &self.connection, self.speech.messages().len() as u64);
                self.closed = Some(close);
            }
            event => panic!("an event that no peer here causes: {event:?}"),
        }
    }

    fn expect_acceptable(&self, said: Option<Said>) {
        let said = said.expect("a message that nobody sent");
        let settings = self.scene.settings;
        assert!(self.config.max_message_size.is_none_or(|most| said.len as u64 <= most));
        let text_only = settings.has(Settings::ONLY_TEXT) && !settings.has(Settings::ONLY_BINARY);
        let binary_only = settings.has(Settings::ONLY_BINARY) && !settings.has(Settings::ONLY_TEXT);
        assert!(if said.is_text { !binary_only } else { !text_only }, "a kind that is not accepted");
    }

    // The transport.

    pub(super) fn write(&mut self, count: usize, now: Timestamp) -> bool {
        let (wants, owes) = (self.connection.wants_write(), self.owes());
        let mut output = self.connection.output(now);
        let shown = output.remaining();
        assert!(shown == 0 || (self.lent == 0 && !self.write_failed), "shown too early or too late");
        assert_eq!(wants, shown > 0 || owes);
        let taken = output.copy_to_bytes(shown.min(count));
        self.pipe.enter(&taken);
        !taken.is_empty()
    }

    pub(super) fn write_all(&mut self, now: Timestamp) -> bool {
        let mut any = self.credit(usize::MAX, now);
        while self.write(usize::MAX, now) {
            any = true;
        }
        assert!(!self.connection.wants_write() && self.connection.buffered() == 0);
        any
    }

    pub(super) fn take(&mut self, count: usize, now: Timestamp) {
        if let Some(mut taken) = self.connection.take(count, now) {
            assert!(self.lent == 0 && !self.write_failed);
            assert!((1..=count).contains(&taken.remaining()));
            self.lent = taken.remaining();
            self.pipe.enter(&taken.copy_to_bytes(self.lent));
        }
    }

    pub(super) fn credit(&mut self, count: usize, now: Timestamp) -> bool {
        let count = count.min(self.lent);
        let before = self.connection.stats().bytes_sent;
        self.connection.wrote(count, now);
        let credited = self.connection.stats().bytes_sent - before;
        // What was dropped is not owed any more.
        assert!(credited == count as u64 || (credited == 0 && !self.owes()));
        self.lent -= count;
        count > 0
    }

    /// Whether a credit is awaited. At the end and where writing failed, it is not.
    fn owes(&self) -> bool {
        self.lent > 0 && !self.write_failed && self.state() != State::Closed
    }

    /// Whether nothing goes in or out any more.
    pub(super) fn is_gone(&self) -> bool {
        self.closed.is_some() && matches!(self.connection.transport(), Transport::Close | Transport::Abort)
    }

    pub(super) fn look(&mut self, now: Timestamp) {
        self.watch.look(&self.connection);
        self.history.look(&self.watch, now);
    }
}

fn accepted(result: &Result<(), SendError<()>>, len: usize, state: State) -> bool {
    match result {
        Ok(()) => assert!(len <= 125 && state == State::Open),
        Err(SendError::ControlTooLong(())) => assert!(len > 125),
        Err(SendError::NotOpen(told, ())) => assert!(*told == state && state != State::Open),
        Err(_) => {}
    }
    result.is_ok()
}
