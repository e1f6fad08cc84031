//! websocket-proto in two columns: the bare machine, and its tokio adapter.
//!
//! Features: the default ones, and `tokio`. Configuration: the default one, heartbeat and deadlines included.

pub(super) mod core;
mod owner;
pub(super) mod tokio;

use std::sync::{Arc, LazyLock};

use ::websocket_proto::{Agreement, Config, Connection, Message, Timestamp};

use super::{Received, Role};

/// Fixed, so that counts repeat; masks cost the same whatever it is.
const SEED: [u8; 32] = [7; 32];

fn open(role: Role, config: &Arc<Config>) -> Connection {
    let role = match role {
        Role::Client => ::websocket_proto::Role::Client,
        Role::Server => ::websocket_proto::Role::Server,
    };
    Connection::upgraded(role, Agreement::default(), config.clone(), SEED, Timestamp::default())
}

/// One for all connections of a server.
static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(Arc::default);

fn seen(message: &Message) -> Received<'_> {
    match message {
        Message::Text(text) => Received::text(text.as_str().as_bytes()),
        Message::Binary(payload) => Received::binary(payload),
    }
}
