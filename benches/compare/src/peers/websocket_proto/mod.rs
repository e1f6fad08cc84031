//! websocket-proto in two columns: the bare machine, and its tokio adapter.
//!
//! Features: the default ones, `deflate` and `tokio`. Configuration: the default one, heartbeat and deadlines included; where
//! messages are compressed, the default policy but for what the work sets.

pub(super) mod core;
mod owner;
pub(super) mod tokio;

use std::sync::{Arc, LazyLock};

use ::websocket_proto::{Agreement, Config, Connection, Deflate, Message, Timestamp};

use super::{Compression, Failure, Received, Role};

/// Fixed, so that counts repeat; masks cost the same whatever it is.
const SEED: [u8; 32] = [7; 32];

fn open(role: Role, config: &Arc<Config>) -> Connection {
    let role = match role {
        Role::Client => ::websocket_proto::Role::Client,
        Role::Server => ::websocket_proto::Role::Server,
    };
    Connection::upgraded(role, Agreement::default(), config.clone(), SEED, Timestamp::default())
}

/// What the connections of a server share that compresses.
struct Compressing {
    config: Arc<Config>,
    agreement: Agreement,
}

impl Compressing {
    fn new(compression: Compression) -> Result<Self, Failure> {
        let mut policy = Deflate::default();
        policy.level = compression.level;
        policy.context_takeover = compression.takeover;
        policy.peer_context_takeover = compression.takeover;
        policy.window_bits = compression.window_bits;
        let agreed = policy.answer([&b"permessage-deflate"[..]]).ok_or("nothing was agreed on")?;
        let mut config = Config::default();
        config.deflate = Some(policy);
        Ok(Self { config: Arc::new(config), agreement: Agreement::new().with_deflate(agreed) })
    }

    fn open(&self) -> Connection {
        let (agreement, config) = (self.agreement.clone(), self.config.clone());
        Connection::upgraded(::websocket_proto::Role::Server, agreement, config, SEED, Timestamp::default())
    }
}

/// One for all connections of a server.
static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(Arc::default);

fn seen(message: &Message) -> Received<'_> {
    match message {
        Message::Text(text) => Received::text(text.as_str().as_bytes()),
        Message::Binary(payload) => Received::binary(payload),
    }
}
