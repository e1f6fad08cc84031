//! A client and a server, both of this crate, a network between them that does what a script says, and what must hold of
//! the two together.

mod endpoint;
mod history;
mod pipe;
mod rules;
mod script;
mod speech;

use std::time::Duration;

use websocket_proto::{Role, State, Timestamp, Transport, TransportFailure};

use self::endpoint::Endpoint;
use self::speech::Said;
use crate::player::UNIT;
use crate::scene::{Decision, Scene};
use crate::stream;

pub use script::{Deed, Finale, Move, Talk};

/// Plays the whole script and panics where a promise is broken.
pub fn converse(talk: &Talk) {
    let mut table = Table::new(talk);
    for step in &talk.moves {
        table.play(*step);
        table.look();
    }
    table.finish(talk.finale);
    rules::check_the_end(&table);
}

struct Table {
    client: Endpoint,
    server: Endpoint,
    now: Timestamp,
    /// The network failed in a way that no deed of the two explains.
    faulty: bool,
}

impl Table {
    fn new(talk: &Talk) -> Self {
        let now = Timestamp::from_duration(Duration::from_secs(100));
        let of_server = Scene { settings: talk.server, ..talk.scene };
        Self {
            client: Endpoint::new(Role::Client, talk.scene, now),
            server: Endpoint::new(Role::Server, of_server, now),
            now,
            faulty: false,
        }
    }

    /// This side, and the other one.
    fn sides(&mut self, role: Role) -> (&mut Endpoint, &mut Endpoint) {
        match role {
            Role::Client => (&mut self.client, &mut self.server),
            Role::Server => (&mut self.server, &mut self.client),
        }
    }

    fn play(&mut self, Move(role, deed, number): Move) {
        let count = if number == u8::MAX { usize::MAX } else { usize::from(number) };
        let len = stream::payload_len(number).unwrap_or(usize::from(number));
        let now = self.now;
        let (side, other) = self.sides(role);
        match deed {
            Deed::SendText => side.send(Said { is_text: true, len }),
            Deed::SendBinary => side.send(Said { is_text: false, len }),
            Deed::Ping => side.ping(usize::from(number)),
            Deed::Pong => side.pong(usize::from(number)),
            Deed::Close => side.close(number, now),
            Deed::Decide => side.decide(now),
            Deed::SetReading => side.set_reading(number % 2 == 1, now),
            Deed::SetPolling => side.polls = number % 2 == 1,
            Deed::Write => {
                side.write(count, now);
            }
            Deed::Take => side.take(count, now),
            Deed::Credit => {
                side.credit(count, now);
            }
            Deed::Carry => {
                carry(side, other, count, now);
            }
            Deed::EndOfInput => {
                other.pipe.end();
                side.connection.end_of_input(now);
                self.faulty = true;
            }
            Deed::ReadFailed => {
                other.pipe.end();
                side.connection.read_failed(TransportFailure::Unreachable, now);
                self.faulty = true;
            }
            Deed::WriteFailed => {
                let before = side.state();
                side.connection.write_failed(TransportFailure::BrokenPipe, now);
                side.write_failed = true;
                assert!(before != State::Open || side.state() == State::Closing, "it is not the end");
                self.faulty = true;
            }
            Deed::Flow => self.flow(),
            Deed::Wait => self.now = now.saturating_add(UNIT * u32::from(number)),
            Deed::Pass => self.pass_to(now.saturating_add(UNIT * u32::from(number))),
            Deed::Deadline => self.next_deadline(UNIT * u32::from(number)),
        }
        self.settle();
    }

    fn settle(&mut self) {
        let Self { client, server, now, .. } = self;
        if client.polls {
            client.settle(&mut server.speech, *now);
        }
        if server.polls {
            server.settle(&mut client.speech, *now);
        }
        self.look();
    }

    fn look(&mut self) {
        self.client.look(self.now);
        self.server.look(self.now);
        rules::check(self);
    }

    /// Lets both do, and the network carry, all that they can at this point in time.
    fn flow(&mut self) {
        // Each round carries all that was written, and nobody here answers more than a frame with a frame.
        for _ in 0..1000 {
            self.settle();
            let now = self.now;
            let wrote = self.client.write_all(now) | self.server.write_all(now);
            let carried = carry(&mut self.client, &mut self.server, usize::MAX, now)
                | carry(&mut self.server, &mut self.client, usize::MAX, now);
            if !wrote && !carried {
                return self.settle();
            }
        }
        panic!("they never come to rest");
    }

    // Time.

    fn next_timeout(&self) -> Option<Timestamp> {
        let timeouts = [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }

    fn next_deadline(&mut self, late: Duration) {
        let at = self.next_timeout().map_or(self.now, |at| self.now.max(at));
        self.pass_to(at.saturating_add(late));
    }

    fn pass_to(&mut self, now: Timestamp) {
        self.now = now;
        // Where something is given no time at all, what was parsed meanwhile may be due at once, once.
        let settings = [self.client.scene.settings, self.server.scene.settings];
        let rounds = if settings.iter().any(|settings| settings.has_zero_durations()) { 2 } else { 1 };
        for _ in 0..rounds {
            self.client.connection.handle_timeout(now);
            self.server.connection.handle_timeout(now);
            self.settle();
        }
        let next = self.next_timeout();
        assert!(next.is_none_or(|next| next > now), "the deadline does not move: {next:?}");
    }

    // The end.

    fn finish(&mut self, finale: Finale) {
        let now = self.now;
        for side in [&mut self.client, &mut self.server] {
            side.polls = true;
            side.set_reading(true, now);
        }
        self.settle();
        let undecided = self.server.state() == State::Connecting;
        match finale {
            Finale::ClientCloses => self.client.close(0, now),
            Finale::ServerCloses => self.server.close(0, now),
            Finale::BothClose | Finale::Stalled => {
                self.client.close(0, now);
                self.server.close(0, now);
            }
            Finale::Cut => {
                for side in [&mut self.client, &mut self.server] {
                    side.pipe.end();
                    side.connection.end_of_input(now);
                }
            }
        }
        self.faulty |= matches!(finale, Finale::Stalled | Finale::Cut);
        self.settle();
        if !matches!(finale, Finale::Stalled) {
            self.flow();
        }
        // A server that was not asked to close answers a request in its own time, though its client left.
        if !self.faulty && !(undecided && finale == Finale::ClientCloses) {
            assert!(self.client.is_gone() && self.server.is_gone(), "a healthy network, and no end");
        }
        for _ in 0..8 {
            if self.client.is_gone() && self.server.is_gone() {
                break;
            }
            self.next_deadline(Duration::ZERO);
            if matches!(finale, Finale::Stalled) {
                // A transport that is asked and takes nothing.
                self.client.write(0, self.now);
                self.server.write(0, self.now);
            } else {
                self.flow();
            }
        }
    }
}

/// Whether anything came from one to the other: bytes, or the end behind them.
fn carry(from: &mut Endpoint, to: &mut Endpoint, count: usize, now: Timestamp) -> bool {
    let bytes = from.pipe.carry(count);
    to.input.extend_from_slice(&bytes);
    let transport = from.connection.transport();
    let ends = match transport {
        Transport::Open => false,
        Transport::HalfClose | Transport::Close => from.pipe.is_empty() && from.pipe.end(),
        Transport::Abort => from.pipe.end(),
    };
    if ends && transport == Transport::Abort {
        to.connection.read_failed(TransportFailure::Reset, now);
    } else if ends {
        to.connection.end_of_input(now);
    }
    ends || !bytes.is_empty()
}

/// Whether the application decides by itself, and then opens the connection.
fn opens(scene: &Scene) -> bool {
    matches!(scene.decision, Decision::Accept | Decision::AcceptSubprotocol | Decision::AcceptSameHost)
}
