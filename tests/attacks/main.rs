//! What a hostile peer may try, and what each attempt comes to: bounded memory, linear work, deadlines that hold, one true
//! account of the end.

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/open.rs"]
mod open;
#[path = "../support/pair.rs"]
mod pair;
#[path = "../support/wire.rs"]
mod wire;

mod claims;
mod clock;
mod ends;
mod floods;
mod heads;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod loris;
mod masks;
mod memory;
mod progress;
mod scale;
mod steps;

use std::time::Duration;

use open::quiet;
use websocket_proto::{Config, Role, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn at(since_origin: Duration) -> Timestamp {
    Timestamp::from_duration(since_origin)
}

/// Messages of at most this many bytes.
fn with_max_message(bytes: u64) -> Config {
    let mut config = quiet();
    config.max_message_size = Some(bytes);
    config
}

/// Messages of any size and in any number of fragments, so that nothing but the machine's own care bounds what it keeps.
fn without_limits() -> Config {
    let mut config = with_max_message(u64::MAX);
    config.max_fragments = Some(u64::MAX);
    config
}
