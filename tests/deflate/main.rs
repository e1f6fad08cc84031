//! Compressed messages (RFC 7692): what is agreed on, what goes over the wire, and what it costs.
#![cfg(feature = "deflate")]

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/pair.rs"]
mod pair;

mod adapters;
mod limits;
mod memory;
mod opening;
mod prepared;
mod rules;
mod talk;

use websocket_proto::{Config, Deflate, Prepared};

/// In the first byte of the frame that begins a compressed message.
const RSV1: u8 = 0x40;

/// What a test says in its first line: context takeover, and the bits of both windows.
fn policy(takeover: bool, bits: u8) -> Deflate {
    let mut deflate = Deflate::default();
    deflate.context_takeover = takeover;
    deflate.peer_context_takeover = takeover;
    deflate.window_bits = bits;
    deflate.peer_window_bits = bits;
    deflate
}

fn config(deflate: Deflate) -> Config {
    let mut config = Config::default();
    config.deflate = Some(deflate);
    config
}

/// Makes what this thread keeps to compress and decompress in, so that it is counted for no connection.
fn make_room() {
    drop(Prepared::compressed(text(2000, 1), &Deflate::default()));
}

/// JSON-like text of about this many bytes.
fn text(len: usize, seed: u64) -> String {
    let mut text = String::new();
    let mut state = seed;
    while text.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [id, price] = [state >> 40, state >> 52];
        text += &format!(
            "{{\"id\":{id},\"name\":\"größe {}\",\"price\":{price}.5,\"tags\":[\"red\",\"new\"]}},",
            id % 7
        );
    }
    text
}
