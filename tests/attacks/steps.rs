//! Things that happen to a connection, in any order and at any time.

use std::sync::Arc;

use bytes::Buf;
use proptest::prelude::*;
use websocket_proto::{
    Agreement, ClientRequest, CloseFrame, Config, Connection, Role, Taken, Timestamp, TransportFailure,
};

use crate::pair::Endpoint;
use crate::quiet;
use crate::wire::{close_payload, frame, header};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A message, a Ping, a Pong of nobody's Ping, a message that begins, a header that does.
    Message,
    Ping,
    Pong,
    Begin,
    HalfHeader,
    Violation,
    Close,
    /// What opens the connection, if it waits for that.
    Handshake,
    EndOfInput,
    ReadFailed,
    WriteFailed,
    Wake,
    Offer,
    Write,
    Take,
    Credit,
    Send,
    SendPing,
    CommandClose,
    StopReading,
    GoOnReading,
}

/// Any step, those that end something less often than others.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let on = vec![
        Message,
        Ping,
        Pong,
        Begin,
        HalfHeader,
        Handshake,
        Wake,
        Offer,
        Write,
        Take,
        Credit,
        Send,
        SendPing,
        StopReading,
        GoOnReading,
    ];
    let off = vec![Violation, Close, EndOfInput, ReadFailed, WriteFailed, CommandClose];
    prop_oneof![9 => prop::sample::select(on), 1 => prop::sample::select(off)]
}

/// How a connection begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) role: Role,
    upgraded: bool,
    pub(crate) beats: bool,
    idles: bool,
}

pub(crate) fn scene() -> impl Strategy<Value = Scene> {
    (any::<bool>(), prop::bool::weighted(0.7), prop::bool::weighted(0.7), prop::bool::weighted(0.2)).prop_map(
        |(server, upgraded, beats, idles)| Scene {
            role: if server { Role::Server } else { Role::Client },
            upgraded,
            beats,
            idles,
        },
    )
}

/// A connection to which steps happen.
pub(crate) struct Subject {
    pub(crate) endpoint: Endpoint,
    role: Role,
    taken: Option<Taken>,
}

impl Subject {
    pub(crate) fn new(scene: Scene) -> Self {
        let mut config = if scene.beats { Config::default() } else { quiet() };
        config.inbound_idle = scene.idles.then_some(crate::SECOND * 40);
        let (config, now) = (Arc::new(config), Timestamp::default());
        let connection = match scene.role {
            role if scene.upgraded => Connection::upgraded(role, Agreement::default(), config, [7; 32], now),
            Role::Client => Connection::client(&request(), config, [7; 32], now),
            Role::Server => Connection::server(config, [7; 32], now),
        };
        let mut endpoint = Endpoint::new(connection);
        endpoint.blocked = true;
        Self { endpoint, role: scene.role, taken: None }
    }

    /// Lets one thing happen, and hears what it comes to.
    pub(crate) fn apply(&mut self, step: Step, now: Timestamp) {
        let role = self.role;
        let endpoint = &mut self.endpoint;
        match step {
            Step::Message => endpoint.receive(&frame(role, 0x81, "grüß dich".as_bytes()), now),
            Step::Ping => endpoint.receive(&frame(role, 0x89, b"?"), now),
            Step::Pong => endpoint.receive(&frame(role, 0x8a, b"!"), now),
            Step::Begin => endpoint.receive(&frame(role, 0x01, b"begun"), now),
            Step::HalfHeader => endpoint.receive(&header(role, 0x82, 1 << 20)[..3], now),
            Step::Violation => endpoint.receive(&[0xff, 0xff], now),
            Step::Close => endpoint.receive(&frame(role, 0x88, &close_payload(1001, "away")), now),
            Step::Handshake => {
                let head = handshake(role);
                endpoint.receive(&head, now);
            }
            Step::EndOfInput => endpoint.connection.end_of_input(now),
            Step::ReadFailed => endpoint.connection.read_failed(TransportFailure::Reset, now),
            Step::WriteFailed => {
                endpoint.connection.write_failed(TransportFailure::BrokenPipe, now);
            }
            Step::Wake => endpoint.connection.handle_timeout(now),
            Step::Offer => drop(endpoint.connection.output(now)),
            Step::Write => self.write(now),
            Step::Take => {
                let taken = endpoint.connection.take(10, now);
                self.taken = taken.or(self.taken.take());
            }
            Step::Credit => {
                let count = self.taken.take().map_or(0, |taken| taken.remaining());
                endpoint.connection.wrote(count, now);
            }
            Step::Send => drop(endpoint.connection.send("hello")),
            Step::SendPing => drop(endpoint.connection.ping(b"there?")),
            Step::CommandClose => endpoint.connection.close(CloseFrame::NORMAL, now),
            Step::StopReading => endpoint.connection.set_reading(false, now),
            Step::GoOnReading => endpoint.connection.set_reading(true, now),
        }
        self.endpoint.run(now);
    }

    /// Writes all there is.
    fn write(&mut self, now: Timestamp) {
        self.endpoint.blocked = false;
        self.endpoint.run(now);
        self.endpoint.blocked = true;
    }
}

fn request() -> ClientRequest {
    ClientRequest::new("a", "/").unwrap()
}

/// What the other side of an opening handshake says, to the seed that everybody here has.
fn handshake(receiver: Role) -> Vec<u8> {
    let now = Timestamp::default();
    let mut client = Endpoint::new(Connection::client(&request(), Arc::new(quiet()), [7; 32], now));
    client.run(now);
    if receiver == Role::Server {
        return client.written;
    }
    let mut server = Endpoint::new(Connection::server(Arc::new(quiet()), [7; 32], now));
    server.receive(&client.written, now);
    server.written
}
