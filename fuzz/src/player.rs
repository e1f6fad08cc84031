//! Plays a script to a connection and holds it to what its documentation promises.

mod checks;

use std::collections::HashSet;
use std::io::IoSlice;
use std::str;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use websocket_proto::{
    CloseEvent, CloseFrame, Connection, Event, Message, Role, SendError, State, Timestamp, Transport,
    TransportFailure,
};

use checks::Face;

use crate::heads;
use crate::scene::{Decision, Opening, Settings};
use crate::script::{Action, Script, Step};
use crate::watch::{self, Watch};

/// What a [`Step`]'s number counts where it counts time.
pub(crate) const UNIT: Duration = Duration::from_millis(100);

/// The most Pongs that wait.
pub(crate) const PONGS: usize = 16;

/// The longest message that is sent here.
const LONGEST: usize = 70_000;

/// Plays the whole script and panics where a promise is broken.
pub fn play(script: &Script, role: Role) {
    let mut player = Player::new(script, role);
    for step in &script.steps {
        player.step(*step);
        player.look();
    }
    player.finish();
}

struct Player<'a> {
    script: &'a Script,
    role: Role,
    connection: Connection,
    stream: Vec<u8>,
    /// How much of the stream arrived.
    fed: usize,
    input: BytesMut,
    /// What the clock says, and the latest that the connection was told.
    now: Timestamp,
    latest: Timestamp,
    /// What the transport took.
    output: Vec<u8>,
    /// What was taken out and is not credited.
    lent: Vec<u8>,
    write_failed: bool,
    /// How many bytes were encoded each time that output was shown, and how often it was asked for since the last time.
    encoded: Vec<(usize, usize)>,
    /// How often it was taken out since then.
    taken: usize,
    watch: Watch,
    /// What was heard.
    opened: bool,
    messages: u64,
    pings: u64,
    pongs: u64,
    closed: Option<CloseEvent>,
    /// How much was written when it was.
    written_when_closed: usize,
    /// What was accepted for sending.
    accepted: Vec<Message>,
    pong_payloads: HashSet<Vec<u8>>,
}

impl<'a> Player<'a> {
    fn new(script: &'a Script, role: Role) -> Self {
        let now = Timestamp::from_duration(Duration::from_secs(100));
        let connection = script.scene.connection(role, now);
        let mut stream = script.scene.prefix(role);
        stream.extend(script.stream.build(role == Role::Server));
        Self {
            script,
            role,
            watch: Watch::new(&connection),
            connection,
            stream,
            fed: 0,
            input: BytesMut::new(),
            now,
            latest: now,
            output: Vec::new(),
            lent: Vec::new(),
            write_failed: false,
            encoded: Vec::new(),
            taken: 0,
            opened: script.scene.opening == Opening::Upgraded,
            messages: 0,
            pings: 0,
            pongs: 0,
            closed: None,
            written_when_closed: 0,
            accepted: Vec::new(),
            pong_payloads: HashSet::new(),
        }
    }

    fn step(&mut self, Step(action, number): Step) {
        let count = if number == u8::MAX { usize::MAX } else { usize::from(number) };
        match action {
            Action::Feed => {
                self.feed(count);
                self.settle();
            }
            Action::FeedUnseen => self.feed(count),
            Action::Wait => self.now = self.now.saturating_add(UNIT * u32::from(number)),
            Action::ClockBack => {
                let back = (UNIT * u32::from(number)).as_nanos() as u64;
                self.now = Timestamp::from_nanos(self.now.as_nanos().saturating_sub(back));
            }
            Action::Deadline => self.deadline(UNIT * u32::from(number)),
            Action::Write => self.write(count),
            Action::Take => self.take(count),
            Action::Credit => self.credit(count),
            Action::SendText => {
                self.send("aé€😀".chars().cycle().take(count.min(LONGEST / 10)).collect::<String>());
            }
            Action::SendBinary => self.send(vec![number; count.min(LONGEST)]),
            Action::Ping => {
                let before = self.face();
                let result = self.connection.ping(&vec![b'p'; usize::from(number)]);
                self.check_control(number, result, &before);
            }
            Action::Pong => {
                let before = self.face();
                let payload = vec![b'o'; usize::from(number)];
                let result = self.connection.pong(&payload);
                self.check_control(number, result, &before);
                self.pong_payloads.insert(payload);
            }
            Action::Close => self.close(number),
            Action::Decide => {
                let before = self.face();
                if !self.decide() && self.script.scene.decision != Decision::Close {
                    self.expect_unchanged(&before);
                }
                self.settle();
            }
            Action::EndOfInput => {
                let now = self.told();
                self.connection.end_of_input(now);
                self.settle();
            }
            Action::ReadFailed => {
                let now = self.told();
                self.connection.read_failed(TransportFailure::Reset, now);
                self.settle();
            }
            Action::WriteFailed => {
                let now = self.told();
                self.connection.write_failed(TransportFailure::BrokenPipe, now);
                self.write_failed = true;
                self.settle();
            }
            Action::SetReading => self.set_reading(number % 2 == 1),
        }
    }

    /// The time, for a call that says what it is.
    fn told(&mut self) -> Timestamp {
        self.latest = self.latest.max(self.now);
        self.now
    }

    // What comes in.

    fn set_reading(&mut self, reading: bool) {
        let now = self.told();
        self.connection.set_reading(reading, now);
        assert!(reading || !self.connection.wants_read());
        let waiting = self.input.len();
        self.settle();
        assert!(
            reading || self.input.len() == waiting || self.closed.is_some(),
            "parsed what is not to be read"
        );
    }

    fn feed(&mut self, count: usize) {
        let count = count.min(self.stream.len() - self.fed);
        self.input.extend_from_slice(&self.stream[self.fed..][..count]);
        self.fed += count;
    }

    /// Takes all events.
    fn settle(&mut self) {
        let bytes = self.input.len();
        // No frame is shorter than two bytes. Besides there are the events of the opening and of the end.
        let now = self.told();
        for _ in 0..bytes / 2 + 4 {
            match watch::next_event(&mut self.connection, &mut self.input, now) {
                Some(event) => self.hear(event),
                None => return self.look(),
            }
        }
        panic!("the events of {bytes} bytes do not end");
    }

    fn hear(&mut self, event: Event) {
        assert_eq!(self.closed, None, "{event:?} after the end");
        match event {
            Event::Request(request) => {
                heads::read_request(&request);
                self.asked();
            }
            Event::HttpRequest(request) => {
                assert!(self.script.scene.settings.has(Settings::HTTP_REQUESTS));
                heads::read_http_request(&request);
                self.asked();
            }
            Event::Open(response) => {
                assert!(self.role == Role::Client && !self.opened);
                assert_eq!(response.status(), 101);
                heads::read_response(&response);
                // Where nothing can be written the peer is still listened to, for its reasons.
                assert!(self.connection.state() == State::Open || self.write_failed);
                self.opened = true;
            }
            Event::Refused(response) => {
                assert!(self.role == Role::Client && !self.opened && response.status() >= 200);
                assert!(response.body().len() <= self.script.scene.settings.config().max_refusal_body);
                heads::read_response(&response);
            }
            Event::Message(message) => {
                assert!(self.opened);
                self.messages += 1;
                assert!(message.as_text().is_none() || str::from_utf8(message.payload()).is_ok());
                if self.script.scene.echo {
                    self.send(message);
                }
            }
            Event::Ping(payload) => {
                assert!(self.opened && payload.len() <= 125);
                self.pings += 1;
                self.pong_payloads.insert(payload.to_vec());
            }
            Event::Pong { payload, .. } => {
                assert!(self.opened && payload.len() <= 125);
                self.pongs += 1;
            }
            Event::Closed(close) => {
                self.check_close(&close);
                self.written_when_closed = self.output.len();
                self.closed = Some(close);
            }
            event => panic!("an event that this player does not know: {event:?}"),
        }
    }

    fn asked(&mut self) {
        assert!(self.role == Role::Server && !self.opened);
        assert_eq!(self.connection.state(), State::Connecting);
        if self.script.scene.decision != Decision::Wait {
            self.decide();
        }
    }

    fn decide(&mut self) -> bool {
        let now = self.told();
        let done = self.script.scene.decide(&mut self.connection, now);
        self.opened |= done && self.connection.state() == State::Open;
        done
    }

    // What goes out.

    fn send(&mut self, message: impl Into<Message>) {
        let message = message.into();
        let before = self.face();
        let may = self.connection.state() == State::Open && self.connection.send_capacity() > 0;
        match self.connection.send(message.clone()) {
            Ok(()) => {
                assert!(may, "accepted without room or out of time");
                self.accepted.push(message);
            }
            Err(error) => {
                assert!(!may, "{error}");
                if let SendError::NotOpen(state, _) = &error {
                    assert_eq!(*state, self.connection.state());
                }
                assert_eq!(error.into_inner(), message);
                self.expect_unchanged(&before);
            }
        }
    }

    fn check_control(&self, len: u8, result: Result<(), SendError<()>>, before: &Face) {
        match result {
            Ok(()) => assert!(before.state == State::Open && len <= 125),
            Err(error) => {
                match error {
                    SendError::NotOpen(state, ()) => assert!(state == before.state && state != State::Open),
                    SendError::ControlTooLong(()) => assert!(len > 125),
                    _ => {}
                }
                self.expect_unchanged(before);
            }
        }
    }

    fn close(&mut self, number: u8) {
        let before = self.face();
        let frame = CloseFrame::new(1000 + u16::from(number), "why").ok();
        let now = self.told();
        self.connection.close(frame, now);
        if before.state >= State::Closing {
            // A client that cannot write goes on listening for a refusal, until the application has enough of it.
            if self.opened || before.state == State::Closed {
                self.expect_unchanged(&before);
            }
        } else {
            assert!(self.connection.state() >= State::Closing);
        }
        self.settle();
    }

    fn write(&mut self, count: usize) {
        let (wanted, owes) = (self.connection.wants_write(), self.owes());
        let now = self.told();
        let mut output = self.connection.output(now);
        let shown = output.remaining();
        assert_eq!(wanted, shown > 0 || owes);
        assert!(shown == 0 || (self.lent.is_empty() && !self.write_failed), "shown too early or too late");
        if self.lent.is_empty() {
            self.encoded.push((self.output.len() + shown, 1 + std::mem::take(&mut self.taken)));
        }
        let mut slices = [IoSlice::new(&[]); 3];
        let filled = output.chunks_vectored(&mut slices);
        let vectored = slices[..filled].iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat();
        assert!(!vectored.is_empty() || shown == 0);

        let start = self.output.len();
        let mut left = count.min(shown);
        while left > 0 {
            let chunk = output.chunk();
            let taken = chunk.len().min(left);
            assert!(taken > 0, "bytes remain and none are shown");
            self.output.extend_from_slice(&chunk[..taken]);
            output.advance(taken);
            left -= taken;
        }
        let written = &self.output[start..];
        let same = written.len().min(vectored.len());
        assert!(written[..same] == vectored[..same], "a vectored write shows something else");
    }

    fn take(&mut self, count: usize) {
        let now = self.told();
        self.taken += 1;
        let wanted = self.connection.wants_write();
        let Some(mut taken) = self.connection.take(count, now) else {
            assert!(!wanted || self.owes() || count == 0);
            return;
        };
        assert!(self.lent.is_empty() && !self.write_failed && count > 0);
        assert!(taken.has_remaining() && taken.remaining() <= count);
        self.lent = taken.copy_to_bytes(taken.remaining()).to_vec();
    }

    /// Whether a credit is awaited. At the end and where writing failed, what was taken out is not waited for.
    fn owes(&self) -> bool {
        !self.lent.is_empty() && !self.write_failed && self.connection.state() != State::Closed
    }

    fn credit(&mut self, count: usize) {
        let count = count.min(self.lent.len());
        let before = self.connection.stats().bytes_sent;
        let now = self.told();
        self.connection.wrote(count, now);
        let credited = (self.connection.stats().bytes_sent - before) as usize;
        if credited < count {
            // What was dropped is not owed any more.
            assert!(credited == 0 && (self.write_failed || self.closed.is_some()));
            self.lent.clear();
        }
        self.output.extend(self.lent.drain(..credited));
        if self.lent.is_empty() {
            let before = self.face();
            self.connection.wrote(1, now);
            self.expect_unchanged(&before);
        }
        self.settle();
    }

    // Time.

    /// The next deadline passes; what is noticed of it comes `late`.
    fn deadline(&mut self, late: Duration) {
        if let Some(at) = self.connection.poll_timeout() {
            self.now = self.now.max(at).saturating_add(late);
        }
        self.pass_to(self.now);
    }

    fn pass_to(&mut self, now: Timestamp) {
        self.now = now;
        let now = self.told();
        // Where something is given no time at all, what was parsed meanwhile may be due at once, once.
        let rounds = if self.script.scene.settings.has_zero_durations() { 2 } else { 1 };
        let next = (0..rounds).map(|_| {
            self.connection.handle_timeout(now);
            self.settle();
            self.connection.poll_timeout()
        });
        let next = next.last().flatten();
        assert!(next.is_none_or(|next| next > self.latest), "the deadline does not move: {next:?}");
    }

    // The end.

    fn finish(mut self) {
        self.feed(usize::MAX);
        self.settle();
        self.now = self.latest;
        self.set_reading(true);
        self.connection.end_of_input(self.now);
        self.settle();
        let config = self.script.scene.settings.config();
        if self.closed.is_none() && self.connection.state() == State::Connecting {
            // A request that was read whole is answered.
            self.pass_to(self.now.saturating_add(config.decision_timeout));
        }
        if self.closed.is_none() {
            self.pass_to(self.now.saturating_add(config.close_timeout));
        }
        assert!(self.closed.is_some(), "no end, though the stream ended and the close deadline passed");

        self.credit(usize::MAX);
        self.write(usize::MAX); // a peer that was given up may be told
        self.write(usize::MAX);
        assert!(matches!(self.connection.transport(), Transport::Close | Transport::Abort));
        self.haunt();
        let stats = self.connection.stats();
        assert_eq!(stats.messages_sent + stats.messages_dropped, self.accepted.len() as u64);
        self.check_output();
    }

    /// After the end nothing happens, whatever is done.
    fn haunt(&mut self) {
        let before = self.face();
        self.input.extend_from_slice(b"\x81\x05after\x89\x00GET / HTTP/1.1\r\n\r\n");
        self.settle();
        assert!(self.input.is_empty());
        self.send("after");
        assert!(self.connection.ping(b"").is_err() && self.connection.pong(b"").is_err());
        assert!(
            !self.script.scene.decide(&mut self.connection, self.now)
                || self.script.scene.decision == Decision::Close
        );
        self.connection.close(None, self.now);
        self.connection.write_failed(TransportFailure::Other, self.now);
        self.connection.read_failed(TransportFailure::Other, self.now);
        self.connection.end_of_input(self.now);
        self.pass_to(self.now.saturating_add(Duration::from_secs(1000)));
        assert!(self.connection.take(usize::MAX, self.now).is_none());
        assert!(!self.connection.output(self.now).has_remaining());
        self.expect_unchanged(&before);
    }
}
