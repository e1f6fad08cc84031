//! Two machines joined by a network that does what a test says, under a clock that only a test moves.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use websocket_proto::{
    Accept, Agreement, ClientRequest, CloseEvent, Config, Connection, Event, OriginPolicy, Role, Timestamp,
    Transport, TransportFailure,
};

/// One machine, what has reached it, and what it said.
pub struct Endpoint {
    pub connection: Connection,
    pub input: BytesMut,
    pub events: Vec<Event>,
    /// While it is set, the transport takes no output.
    pub blocked: bool,
    /// What the transport was last asked to become.
    pub transport: Transport,
    /// All that was written, as the peer would see it.
    pub written: Vec<u8>,
    output: BytesMut,
    /// Whether it accepts every request by itself.
    pub answers_requests: bool,
}

impl Endpoint {
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            input: BytesMut::new(),
            events: Vec::new(),
            blocked: false,
            transport: Transport::Open,
            written: Vec::new(),
            output: BytesMut::new(),
            answers_requests: true,
        }
    }

    /// An open connection without a peer.
    pub fn upgraded(role: Role, config: Config) -> Self {
        let connection =
            Connection::upgraded(role, Agreement::default(), Arc::new(config), [9; 32], Timestamp::default());
        Self::new(connection)
    }

    /// Gives it bytes and takes all that follows from them.
    pub fn receive(&mut self, bytes: &[u8], now: Timestamp) {
        self.input.extend_from_slice(bytes);
        self.run(now);
    }

    /// Polls events until there are none, then takes output, until neither gives anything.
    pub fn run(&mut self, now: Timestamp) {
        loop {
            let before = (self.events.len(), self.written.len());
            while let Some(event) = self.connection.poll_event(&mut self.input, now) {
                if let (Event::Request(_), true) = (&event, self.answers_requests) {
                    self.connection.accept(&Accept::new(OriginPolicy::Any), now).unwrap();
                }
                self.events.push(event);
            }
            assert!(
                !self.connection.wants_read() || self.input.is_empty(),
                "None means that the input is empty"
            );
            if !self.blocked {
                loop {
                    let mut output = self.connection.output(now);
                    if !output.has_remaining() {
                        break;
                    }
                    let chunk = output.copy_to_bytes(output.remaining());
                    self.output.extend_from_slice(&chunk);
                    self.written.extend_from_slice(&chunk);
                }
            }
            if before == (self.events.len(), self.written.len()) {
                return;
            }
        }
    }

    /// Lets go of what was written and not carried yet.
    pub fn forget_output(&mut self) {
        self.output = BytesMut::new();
    }

    /// How it ended, if it has.
    pub fn closed(&self) -> Option<&CloseEvent> {
        let mut ends = self.events.iter().enumerate().filter_map(|(index, event)| match event {
            Event::Closed(close) => Some((index, close)),
            _ => None,
        });
        let first = ends.next();
        assert!(ends.next().is_none(), "Closed comes once");
        if let Some((index, _)) = first {
            assert_eq!(index + 1, self.events.len(), "nothing follows Closed");
        }
        first.map(|(_, close)| close)
    }

    pub fn messages(&self) -> Vec<websocket_proto::Message> {
        let messages = self.events.iter().filter_map(|event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        });
        messages.collect()
    }
}

/// A client and a server.
pub struct Pair {
    pub client: Endpoint,
    pub server: Endpoint,
    pub now: Timestamp,
    /// The network carries at most this many bytes at once.
    pub chunk: usize,
    /// While it is set, the network carries nothing, not even an end.
    pub cut: bool,
}

impl Pair {
    /// Both at the beginning of the opening handshake.
    pub fn connecting(client: Config, server: Config) -> Self {
        let now = Timestamp::default();
        let request = ClientRequest::new("localhost:9001", "/").unwrap();
        Self {
            client: Endpoint::new(Connection::client(&request, Arc::new(client), [1; 32], now)),
            server: Endpoint::new(Connection::server(Arc::new(server), [2; 32], now)),
            now,
            chunk: usize::MAX,
            cut: false,
        }
    }

    /// Both open, with no events left of it.
    pub fn open(client: Config, server: Config) -> Self {
        let mut pair = Self::connecting(client, server);
        pair.run();
        pair.client.events.clear();
        pair.server.events.clear();
        pair
    }

    /// Both open with the same configuration.
    pub fn with(config: &Config) -> Self {
        Self::open(config.clone(), config.clone())
    }

    /// Lets both do all they can at this point in time.
    pub fn run(&mut self) {
        let now = self.now;
        loop {
            self.client.run(now);
            self.server.run(now);
            let carried = !self.cut
                && (carry(&mut self.client, &mut self.server, self.chunk, now)
                    | carry(&mut self.server, &mut self.client, self.chunk, now));
            if !carried {
                return;
            }
        }
    }

    /// Lets time pass, with every deadline on the way met when it is due.
    pub fn advance(&mut self, duration: Duration) {
        let until = self.now.saturating_add(duration);
        loop {
            let timeouts = [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()];
            match timeouts.into_iter().flatten().min() {
                Some(at) if at <= until => self.now = self.now.max(at),
                _ => break,
            }
            self.wake();
        }
        self.now = until;
        self.wake();
    }

    /// Lets time pass while nobody looks, and then looks once.
    pub fn sleep(&mut self, duration: Duration) {
        self.now = self.now.saturating_add(duration);
        self.wake();
    }

    fn wake(&mut self) {
        self.client.connection.handle_timeout(self.now);
        self.server.connection.handle_timeout(self.now);
        self.run();
        for endpoint in [&self.client, &self.server] {
            let next = endpoint.connection.poll_timeout();
            assert!(next.is_none_or(|at| at > self.now), "a deadline stands still");
        }
    }
}

/// Moves bytes and ends from one to the other; whether there was anything.
fn carry(from: &mut Endpoint, to: &mut Endpoint, chunk: usize, now: Timestamp) -> bool {
    if !from.output.is_empty() {
        let len = from.output.len().min(chunk);
        let bytes = from.output.split_to(len);
        to.receive(&bytes, now);
        return true;
    }
    let transport = from.connection.transport();
    if transport == from.transport {
        return false;
    }
    let was_open = from.transport == Transport::Open;
    from.transport = transport;
    match transport {
        Transport::Open => unreachable!("what was closed does not open"),
        Transport::HalfClose | Transport::Close if was_open => to.connection.end_of_input(now),
        Transport::HalfClose | Transport::Close => {}
        Transport::Abort => to.connection.read_failed(TransportFailure::Reset, now),
    }
    true
}
