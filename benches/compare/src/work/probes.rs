//! Whether a column makes the checks of an opening handshake that ours makes: the handshakes of those that do are what the
//! handshake of ours is held against. No figure comes of it.

use std::sync::Arc;

use super::handshake::{MINIMAL, accept_for};
use crate::{
    peers::Peer,
    transport::{Recording, Respond, Script, Transport},
};

/// Requests that a server must not answer with 101 (RFC 6455, section 4.2.1).
fn bad_requests() -> [String; 8] {
    [
        ("GET", "POST"),
        ("HTTP/1.1", "HTTP/1.0"),
        ("Host: example.com\r\n", ""),
        ("Upgrade: websocket\r\n", ""),
        ("Connection: Upgrade\r\n", ""),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
        // A key of 12 bytes.
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBu"),
        ("Version: 13", "Version: 8"),
    ]
    .map(|(from, to)| MINIMAL.replacen(from, to, 1))
}

/// How many of these checks a server of the column makes; nothing where it does not offer the handshake.
pub(crate) fn server_checks(peer: &dyn Peer) -> Option<usize> {
    let accepts = |request: &str| {
        let bytes = request.as_bytes().to_vec();
        let script = Arc::new(Script { ends: vec![bytes.len()], bytes, stops: true });
        let recording = Recording::default();
        let outcome = peer.accept(Transport::recording(&script, &recording));
        let written = recording.lock().expect("nobody panics holding it");
        outcome.is_ok() && written.bytes.starts_with(b"HTTP/1.1 101")
    };
    accepts(MINIMAL).then(|| bad_requests().iter().filter(|request| !accepts(request)).count())
}

const GOOD_ANSWER: &str = "{101}Upgrade: websocket\r\nConnection: Upgrade\r\n{accept}";

/// Answers with which a client must fail (RFC 6455, section 4.1).
const BAD_ANSWERS: [&str; 6] = [
    "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{accept}",
    "{101}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
    "{101}Connection: Upgrade\r\n{accept}",
    "{101}Upgrade: websocket\r\n{accept}",
    "{101}Upgrade: websocket\r\nConnection: Upgrade\r\n{accept}Sec-WebSocket-Extensions: x-unknown\r\n",
    "{101}Upgrade: websocket\r\nConnection: Upgrade\r\n{accept}Sec-WebSocket-Protocol: chat\r\n",
];

/// How many of these checks a client of the column makes; nothing where it does not offer the handshake.
pub(crate) fn client_checks(peer: &dyn Peer) -> Option<usize> {
    let takes = |template: &'static str| {
        let respond: Respond = Arc::new(move |request: &[u8]| {
            let accept = accept_for(request).unwrap_or_default();
            let head = template
                .replace("{101}", "HTTP/1.1 101 Switching Protocols\r\n")
                .replace("{accept}", &format!("Sec-WebSocket-Accept: {accept}\r\n"));
            format!("{head}\r\n").into_bytes()
        });
        peer.connect(Transport::to_server(&respond)).is_ok()
    };
    takes(GOOD_ANSWER).then(|| BAD_ANSWERS.into_iter().filter(|template| !takes(template)).count())
}
