//! The targets about compression (RFC 7692): what is agreed on, and what is inflated and deflated, each beside a second reading
//! of the RFCs or a second DEFLATE library.

mod inflating;
mod offering;
mod reference;
mod trip;

pub use inflating::{Inflating, inflate};
pub use offering::{Offering, offer};
pub use trip::{Piece, Trip, travel};

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use bytes::{Buf, BytesMut};
use websocket_proto::{Agreement, CloseEvent, Config, Connection, Deflate, Delivery, Event, Role, Timestamp};

const NOW: Timestamp = Timestamp::from_nanos(1);

/// What ends each message and is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

fn policy(takeover: bool, bits: u8, level: u8) -> Deflate {
    let mut policy = Deflate::default();
    policy.context_takeover = takeover;
    policy.peer_context_takeover = takeover;
    policy.window_bits = bits;
    policy.peer_window_bits = bits;
    policy.level = level;
    policy.threshold = 0;
    policy
}

/// An open connection that has agreed to compress.
fn connection(role: Role, policy: Deflate, delivery: Delivery, limit: u64) -> Connection {
    let agreed = policy.answer([&b"permessage-deflate; client_max_window_bits"[..]]);
    let mut config = Config::default();
    config.max_message_size = Some(limit);
    config.delivery = delivery;
    config.deflate = Some(policy);
    let agreement = Agreement::new().with_deflate(agreed);
    Connection::upgraded(role, agreement, Arc::new(config), [7; 32], NOW)
}

/// What became of a stream: its messages, those that were begun included, and how it ended.
struct Heard {
    whole: Vec<Vec<u8>>,
    begun: Vec<u8>,
    close: CloseEvent,
}

/// Lets a connection have a stream in pieces, and then its end.
fn hear<'a>(mut connection: Connection, pieces: impl Iterator<Item = &'a [u8]>) -> Heard {
    let (mut input, mut whole, mut begun, mut end) = (BytesMut::new(), Vec::new(), Vec::new(), None);
    let mut settle = |connection: &mut Connection, input: &mut BytesMut| {
        while let Some(event) = connection.poll_event(input, NOW) {
            match event {
                Event::Message(message) => whole.push(message.into_payload().to_vec()),
                Event::Chunk(chunk) => {
                    assert!(chunk.piece.len() <= 64 * 1024);
                    begun.extend_from_slice(chunk.piece.payload());
                    if chunk.is_last {
                        whole.push(std::mem::take(&mut begun));
                    }
                }
                Event::Closed(close) => end = Some(close),
                _ => {}
            }
        }
        assert!(input.is_empty() || !connection.wants_read(), "input is left over");
    };
    for piece in pieces {
        input.extend_from_slice(piece);
        settle(&mut connection, &mut input);
    }
    drop(written(&mut connection));
    connection.end_of_input(NOW);
    settle(&mut connection, &mut input);
    drop(written(&mut connection));
    connection.handle_timeout(connection.poll_timeout().unwrap_or(NOW));
    settle(&mut connection, &mut input);
    Heard { whole, begun, close: end.expect("the stream ended") }
}

/// All that a connection has to write.
fn written(connection: &mut Connection) -> Vec<u8> {
    let mut written = Vec::new();
    loop {
        let mut output = connection.output(NOW);
        if !output.has_remaining() {
            return written;
        }
        written.extend_from_slice(&output.copy_to_bytes(output.remaining()));
    }
}

/// A piece of input with its length in front, in two bytes.
fn take_bytes(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let len = usize::from(u.arbitrary::<u16>()?).min(u.len());
    Ok(u.bytes(len)?.to_vec())
}

fn push_bytes(input: &mut Vec<u8>, bytes: &[u8]) {
    input.extend(u16::try_from(bytes.len()).expect("short enough").to_le_bytes());
    input.extend(bytes);
}
