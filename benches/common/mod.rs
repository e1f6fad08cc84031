//! What the benchmarks share: payloads, frames and an open connection.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several benchmarks, each of which uses a part of it"
)]

use std::sync::Arc;

use bytes::BytesMut;
use websocket_proto::{Agreement, Config, Connection, Message, Role, Timestamp};

pub const NOW: Timestamp = Timestamp::from_nanos(0);

pub fn open(role: Role) -> Connection {
    let mut config = Config::default();
    config.output_high_water = usize::MAX;
    Connection::upgraded(role, Agreement::default(), Arc::new(config), [7; 32], NOW)
}

/// The kinds of payload that take different ways through the machine.
pub fn messages(len: usize) -> [(&'static str, Message); 3] {
    let mixed: String = "aé€😀"
        .chars()
        .cycle()
        .scan(0, |used, c| {
            *used += c.len_utf8();
            (*used <= len).then_some(c)
        })
        .collect();
    [
        ("binary", Message::from(vec![0xa5; len])),
        ("ascii", Message::from("x".repeat(len))),
        ("mixed", Message::from(mixed)),
    ]
}

/// The message as a client's frames.
pub fn masked(message: &Message) -> BytesMut {
    let mut client = open(Role::Client);
    client.send(message.clone()).unwrap();
    let mut frames = BytesMut::new();
    drain(&mut client, &mut frames);
    frames
}

/// Moves all output to where it is wanted.
pub fn drain(connection: &mut Connection, to: &mut BytesMut) {
    use bytes::{Buf, BufMut};
    loop {
        let mut output = connection.output(NOW);
        if !output.has_remaining() {
            return;
        }
        to.put(&mut output);
    }
}
