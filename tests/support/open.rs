//! Connections that are open from the start, and settings for them.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test files, each of which uses a part of it"
)]

use std::sync::Arc;

use websocket_proto::{Agreement, Config, Connection, Role, Timestamp};

/// Without pings of our own, where they would only be in the way.
pub fn quiet() -> Config {
    let mut config = Config::default();
    config.heartbeat = None;
    config
}

pub fn upgraded(role: Role, config: Config) -> Connection {
    Connection::upgraded(role, Agreement::default(), Arc::new(config), [7; 32], Timestamp::default())
}
