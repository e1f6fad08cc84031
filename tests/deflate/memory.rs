//! What compression costs a connection that is idle: what the documentation of `Deflate` says.

use std::sync::Arc;

use websocket_proto::{Config, Connection, Deflate, Message, Role, Timestamp};

use crate::counting::live;
use crate::frames::frame;
use crate::pair::Pair;
use crate::rules::receiver;
use crate::{config, make_room, policy, text};

/// What one more connection holds that has sent and received compressed messages, in bytes: for what it sends, and in all.
fn held(config: &Config) -> [isize; 2] {
    let message = text(2000, 1);
    let mut peer = Pair::with(config);
    peer.client.written.clear();
    peer.client.connection.send(message.as_str()).unwrap();
    peer.client.run(peer.now);
    let bytes = std::mem::take(&mut peer.client.written);

    let mut server = receiver(Role::Server, config.clone());
    let before = live();
    server.connection.send(message.as_str()).unwrap();
    server.run(peer.now);
    server.written = Vec::new();
    server.forget_output();
    let sent = live() - before;
    server.receive(&bytes, peer.now);
    assert_eq!(server.messages(), [Message::from(message.as_str())]);
    server.events = Vec::new();
    server.input = bytes::BytesMut::new();
    [sent, live() - before]
}

#[test]
fn an_idle_connection_holds_what_the_documentation_says() {
    make_room();
    for (takeover, bits, deflate, inflate) in [
        (false, 15, 0, 0),
        (false, 9, 0, 0),
        (true, 15, 279_680, 47_552),
        (true, 12, 164_992, 47_552),
        (true, 9, 150_656, 47_552),
        (true, 8, 150_656, 47_552),
    ] {
        let mut policy = policy(takeover, bits);
        policy.spare_contexts = 0;
        let [sent, all] = held(&config(policy));
        // Each context has a handle beside it, of 128 bytes.
        let handle = if takeover { 128 } else { 0 };
        assert_eq!(sent, deflate + handle, "{takeover} {bits}");
        assert_eq!(all - sent, inflate + handle, "{takeover} {bits}");
    }
}

/// Contexts that no message needs are kept for whichever connection needs one next, and not too many of them.
#[test]
fn contexts_are_shared_where_none_is_kept() {
    make_room();
    let mut policy = Deflate::default();
    policy.spare_contexts = 2;
    let config = Arc::new(config(policy));
    let hello = frame(Role::Client, 0xc1, &crate::rules::HELLO);
    let begun = frame(Role::Client, 0x41, &crate::rules::HELLO[..2]);
    let now = Timestamp::default();
    let server = || -> Connection { receiver(Role::Server, Config::clone(&config)).connection };
    let feed = |connection: &mut Connection, bytes: &[u8]| {
        drop(connection.poll_event(&mut bytes::BytesMut::from(bytes), now));
    };
    const CONTEXT: isize = 47_552 + 128;

    let before = live();
    let mut connections: Vec<Connection> = (0..10).map(|_| server()).collect();
    let without = live() - before;
    // One after the other, all need the same one.
    for connection in &mut connections {
        feed(connection, &hello);
    }
    let one = live() - before - without;
    assert!((CONTEXT..CONTEXT + 1000).contains(&one), "{one}");
    // At the same time each needs its own; afterwards two are kept.
    for connection in &mut connections {
        feed(connection, &begun);
    }
    assert!((live() - before - without) / CONTEXT == 10);
    for connection in &mut connections {
        feed(connection, &frame(Role::Client, 0x80, &crate::rules::HELLO[2..])[..]);
    }
    let kept = live() - before - without;
    assert!((2 * CONTEXT..2 * CONTEXT + 1000).contains(&kept), "{kept}");
}
