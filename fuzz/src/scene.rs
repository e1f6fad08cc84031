//! Who plays: how the connection begins, what its application decides, and how it is configured.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Buf;
use sha1::{Digest, Sha1};
use websocket_proto::{
    Accept, Agreement, ClientRequest, Config, Connection, Heartbeat, MessageKinds, OriginPolicy, Reject,
    Role, Timestamp,
};

use crate::driven::Manner;

/// One seed for all runs: the client's key follows from it, so a valid answer can be made beforehand.
pub(crate) const SEED: [u8; 32] = *b"one seed for all runs: no secret";

pub(crate) const SUBPROTOCOL: &str = "chat";

/// A request that every server here accepts, if it accepts any.
pub(crate) const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: chat\r\nOrigin: https://example.com\r\n\r\n";

/// How much of the opening handshake is part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// None: it was done elsewhere.
    Upgraded,
    /// The peer's part is whatever the stream begins with.
    InStream,
    /// The peer's part is a valid one, in front of the stream.
    Valid,
}

/// What the application answers to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    AcceptSubprotocol,
    /// It accepts pages of other origins only.
    AcceptOthers,
    AcceptSameHost,
    Reject,
    Close,
    /// Nothing, until a step of the script makes it decide.
    Wait,
}

const OPENINGS: [Opening; 3] = [Opening::Upgraded, Opening::InStream, Opening::Valid];

const DECISIONS: [Decision; 7] = [
    Decision::Accept,
    Decision::AcceptSubprotocol,
    Decision::AcceptOthers,
    Decision::Reject,
    Decision::Close,
    Decision::Wait,
    Decision::AcceptSameHost,
];

/// A set of switches, each of which moves one setting away from its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub u16);

impl Settings {
    pub const SMALL_MESSAGES: u16 = 1;
    pub const SMALL_FRAMES: u16 = 1 << 1;
    pub const FEW_FRAGMENTS: u16 = 1 << 2;
    pub const ONLY_TEXT: u16 = 1 << 3;
    pub const ONLY_BINARY: u16 = 1 << 4;
    pub const SMALL_HEADS: u16 = 1 << 5;
    pub const SMALL_QUEUE: u16 = 1 << 6;
    pub const SMALL_OUTGOING_FRAMES: u16 = 1 << 7;
    pub const NO_AUTOMATIC_PONG: u16 = 1 << 8;
    pub const NO_HEARTBEAT: u16 = 1 << 9;
    pub const FAST_HEARTBEAT: u16 = 1 << 10;
    pub const INBOUND_IDLE: u16 = 1 << 11;
    pub const HTTP_REQUESTS: u16 = 1 << 12;
    pub const QUICK_MESSAGES: u16 = 1 << 13;
    pub const NO_WRITE_STALL: u16 = 1 << 14;
    pub const NO_TIME_TO_CLOSE: u16 = 1 << 15;

    /// Those that change what is received; without them the default limits hold, which no stream here reaches.
    pub(crate) const RECEIVING: u16 =
        Self::SMALL_MESSAGES | Self::SMALL_FRAMES | Self::FEW_FRAGMENTS | Self::ONLY_TEXT | Self::ONLY_BINARY;

    pub(crate) fn has(self, switch: u16) -> bool {
        self.0 & switch != 0
    }

    pub(crate) fn has_zero_durations(self) -> bool {
        self.has(Self::NO_TIME_TO_CLOSE) || (self.has(Self::NO_HEARTBEAT) && self.has(Self::FAST_HEARTBEAT))
    }

    pub(crate) fn config(self) -> Config {
        let mut config = Config::default();
        if self.has(Self::SMALL_MESSAGES) {
            config.max_message_size = Some(1000);
        }
        if self.has(Self::SMALL_FRAMES) {
            config.max_frame_size = Some(126);
        }
        if self.has(Self::FEW_FRAGMENTS) {
            config.max_fragments = Some(3);
        }
        config.accept_kinds = match (self.has(Self::ONLY_TEXT), self.has(Self::ONLY_BINARY)) {
            (true, false) => MessageKinds::Text,
            (false, true) => MessageKinds::Binary,
            _ => MessageKinds::Any,
        };
        if self.has(Self::SMALL_HEADS) {
            (config.max_head_size, config.max_refusal_body) = (200, 8);
        }
        if self.has(Self::SMALL_QUEUE) {
            config.output_high_water = 300;
        }
        if self.has(Self::SMALL_OUTGOING_FRAMES) {
            config.max_outgoing_frame = 0;
        }
        config.automatic_pong = !self.has(Self::NO_AUTOMATIC_PONG);
        let heartbeat = |interval, margin| {
            Some(Heartbeat::new(Duration::from_millis(interval), Duration::from_millis(margin)))
        };
        match (self.has(Self::NO_HEARTBEAT), self.has(Self::FAST_HEARTBEAT)) {
            (true, true) => config.heartbeat = heartbeat(0, 0),
            (true, false) => config.heartbeat = None,
            (false, true) => config.heartbeat = heartbeat(1000, 500),
            (false, false) => {}
        }
        if self.has(Self::INBOUND_IDLE) {
            config.inbound_idle = Some(Duration::from_secs(3));
        }
        config.http_requests = self.has(Self::HTTP_REQUESTS);
        if self.has(Self::QUICK_MESSAGES) {
            config.unfinished_message = Some(Duration::from_secs(2));
        }
        if self.has(Self::NO_WRITE_STALL) {
            config.write_stall = None;
        }
        if self.has(Self::NO_TIME_TO_CLOSE) {
            config.close_timeout = Duration::ZERO;
        }
        config
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    pub opening: Opening,
    pub decision: Decision,
    /// Whether the application answers each message with the same one.
    pub echo: bool,
    pub settings: Settings,
}

impl Scene {
    pub(crate) fn take(u: &mut Unstructured<'_>) -> Result<Self> {
        let [opening, decision] = u.arbitrary::<[u8; 2]>()?;
        Ok(Self {
            opening: OPENINGS[usize::from(opening & 0x7f) % OPENINGS.len()],
            decision: DECISIONS[usize::from(decision) % DECISIONS.len()],
            echo: opening >= 0x80,
            settings: Settings(u.arbitrary()?),
        })
    }

    pub(crate) fn encode(&self, input: &mut Vec<u8>) {
        let echo = if self.echo { 0x80 } else { 0 };
        let opening = OPENINGS.iter().position(|opening| *opening == self.opening).unwrap_or_default();
        let decision = DECISIONS.iter().position(|decision| *decision == self.decision).unwrap_or_default();
        input.extend([echo | opening as u8, decision as u8]);
        input.extend(self.settings.0.to_le_bytes());
    }

    pub(crate) fn connection(&self, role: Role, now: Timestamp) -> Connection {
        self.connection_in(Manner::Whole, role, now)
    }

    /// The same, for whoever drives it in this manner.
    pub(crate) fn connection_in(&self, manner: Manner, role: Role, now: Timestamp) -> Connection {
        let config = manner.change(self.settings.config());
        match (self.opening, role) {
            (Opening::Upgraded, _) => Connection::upgraded(role, Agreement::default(), config, SEED, now),
            (_, Role::Server) => Connection::server(config, SEED, now),
            (_, Role::Client) => {
                let request =
                    ClientRequest::new("example.com", "/chat").and_then(|r| r.subprotocol(SUBPROTOCOL));
                Connection::client(&request.expect("a valid request"), config, SEED, now)
            }
        }
    }

    /// The peer's part of the opening handshake, where it is not in the stream.
    pub(crate) fn prefix(&self, role: Role) -> Vec<u8> {
        match (self.opening, role) {
            (Opening::Upgraded | Opening::InStream, _) => Vec::new(),
            (Opening::Valid, Role::Server) => REQUEST.to_vec(),
            (Opening::Valid, Role::Client) => switching(&client_key()),
        }
    }

    /// Does what the application decided; true if the connection accepted that.
    pub(crate) fn decide(self, connection: &mut Connection, now: Timestamp) -> bool {
        let reject = |status| Reject::new(status).map(|reject| reject.body("no")).expect("a valid status");
        let accept = match self.decision {
            Decision::Accept => Accept::new(OriginPolicy::Any),
            Decision::AcceptSubprotocol => {
                Accept::new(OriginPolicy::Any).subprotocol(SUBPROTOCOL).expect("a valid name")
            }
            Decision::AcceptOthers => {
                Accept::new(OriginPolicy::list(["https://other.example"]).expect("a valid origin"))
            }
            Decision::AcceptSameHost => Accept::new(OriginPolicy::SameHost),
            Decision::Reject => return connection.reject(&reject(403), now).is_ok(),
            Decision::Close => {
                connection.close(None, now);
                return true;
            }
            // A status that an upgrade may not have.
            Decision::Wait => return connection.reject(&reject(200), now).is_ok(),
        };
        connection.accept(&accept, now).is_ok()
    }
}

/// The key in the request that [`SEED`] makes.
pub(crate) fn client_key() -> Vec<u8> {
    let now = Timestamp::default();
    let scene = Scene {
        opening: Opening::InStream,
        decision: Decision::Wait,
        echo: false,
        settings: Settings::default(),
    };
    let mut connection = scene.connection(Role::Client, now);
    let mut output = connection.output(now);
    let request = output.copy_to_bytes(output.remaining());
    let name = b"Sec-WebSocket-Key: ";
    let at = request.windows(name.len()).position(|window| window == name).expect("a key") + name.len();
    request[at..at + 24].to_vec()
}

/// The 101 that answers this key (RFC 6455 §4.2.2).
pub(crate) fn switching(key: &[u8]) -> Vec<u8> {
    let accept = accept_value(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
    .into()
}

/// The value that shows that a key was understood (RFC 6455 §4.2.2).
pub(crate) fn accept_value(key: &[u8]) -> String {
    let digest =
        Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    STANDARD.encode(digest)
}
