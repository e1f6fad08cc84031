//! Every rule that a frame can keep or break, tried out on an open connection in both roles.

#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/pair.rs"]
mod pair;

mod close_frames;
mod headers;
mod lengths;
mod sent;
mod text;

use std::sync::{Arc, LazyLock};

use pair::Endpoint;
use websocket_proto::{Agreement, CloseEvent, Config, Connection, Role, Timestamp};

const ROLES: [Role; 2] = [Role::Client, Role::Server];
const NOW: Timestamp = Timestamp::from_duration(std::time::Duration::ZERO);

/// Without a heartbeat, so that only what a test does is written. Shared by the million connections of these tests.
static QUIET: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let mut config = Config::default();
    config.heartbeat = None;
    Arc::new(config)
});

fn open(role: Role) -> Endpoint {
    Endpoint::new(Connection::upgraded(role, Agreement::default(), QUIET.clone(), [9; 32], NOW))
}

/// How it ended, once the peer has ended the stream.
fn ended(endpoint: &mut Endpoint) -> &CloseEvent {
    endpoint.connection.end_of_input(NOW);
    endpoint.run(NOW);
    endpoint.closed().expect("the end of the stream is the end")
}
