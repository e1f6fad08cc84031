//! What a column refuses. No figure comes of it: it says which columns do the same work as ours.

use std::sync::Arc;

use super::handshake::{MINIMAL, accept_for};
use crate::{
    peers::Peer,
    transport::{Recording, Respond, Script, Transport},
};

/// Requests that a server must not answer with 101 (RFC 6455, section 4.2.1).
fn bad_requests() -> Vec<(&'static str, String)> {
    let replaced = |from, to| MINIMAL.replacen(from, to, 1);
    vec![
        ("POST", replaced("GET", "POST")),
        ("HTTP/1.0", replaced("HTTP/1.1", "HTTP/1.0")),
        ("no Host", replaced("Host: example.com\r\n", "")),
        ("no Upgrade", replaced("Upgrade: websocket\r\n", "")),
        ("no Connection", replaced("Connection: Upgrade\r\n", "")),
        ("no key", replaced("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")),
        ("a key of 12 bytes", replaced("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBu")),
        ("version 8", replaced("Version: 13", "Version: 8")),
    ]
}

/// Which of them a column accepts nevertheless.
pub(crate) fn server_gaps(peer: &dyn Peer) -> Option<Vec<&'static str>> {
    let accepts = |request: &str| {
        let bytes = request.as_bytes().to_vec();
        let script = Arc::new(Script { ends: vec![bytes.len()], bytes, stops: true });
        let recording = Recording::default();
        let outcome = peer.accept(Transport::recording(&script, &recording));
        let written = recording.lock().expect("nobody panics holding it");
        outcome.is_ok() && written.bytes.starts_with(b"HTTP/1.1 101")
    };
    if !accepts(MINIMAL) {
        return None;
    }
    Some(bad_requests().into_iter().filter(|(_, request)| accepts(request)).map(|(name, _)| name).collect())
}

const GOOD_ANSWER: &str = "{101}Upgrade: websocket\r\nConnection: Upgrade\r\n{accept}";

/// Answers with which a client must fail (RFC 6455, section 4.1).
const BAD_ANSWERS: [(&str, &str); 6] = [
    ("status 200", "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{accept}"),
    (
        "a wrong Accept",
        "{101}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
    ),
    ("no Upgrade", "{101}Connection: Upgrade\r\n{accept}"),
    ("no Connection", "{101}Upgrade: websocket\r\n{accept}"),
    (
        "an extension it did not offer",
        "{101}Upgrade: websocket\r\nConnection: Upgrade\r\n{accept}Sec-WebSocket-Extensions: x-unknown\r\n",
    ),
    (
        "a subprotocol it did not offer",
        "{101}Upgrade: websocket\r\nConnection: Upgrade\r\n{accept}Sec-WebSocket-Protocol: chat\r\n",
    ),
];

/// Which of them a column takes nevertheless.
pub(crate) fn client_gaps(peer: &dyn Peer) -> Option<Vec<&'static str>> {
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
    if !takes(GOOD_ANSWER) {
        return None;
    }
    Some(BAD_ANSWERS.into_iter().filter(|(_, template)| takes(template)).map(|(name, _)| name).collect())
}

/// Frames with which a server must fail the connection; each is whole, in one read.
const BAD_FRAMES: [(&str, &[u8]); 10] = [
    ("a frame without a mask", b"\x82\x01a"),
    ("a reserved bit", b"\xc2\x81\0\0\0\0a"),
    ("a reserved opcode", b"\x83\x81\0\0\0\0a"),
    ("a fragmented Ping", b"\x09\x81\0\0\0\0a"),
    ("a continuation of nothing", b"\x80\x81\0\0\0\0a"),
    ("a message inside a message", b"\x02\x81\0\0\0\0a\x82\x81\0\0\0\0b"),
    ("wrong UTF-8", b"\x81\x82\0\0\0\0\xc3\x28"),
    ("wrong UTF-8 across fragments", b"\x01\x81\0\0\0\0\xc3\x80\x81\0\0\0\0\x28"),
    ("a length in more bytes than it needs", b"\x82\xfe\0\x01\0\0\0\0a"),
    ("a Close frame of one byte", b"\x88\x81\0\0\0\0a"),
];

/// After which of them a column goes on.
pub(crate) fn frame_gaps(peer: &dyn Peer) -> Vec<&'static str> {
    let goes_on = |frames: &[u8]| {
        let mut bytes = frames.to_vec();
        bytes.extend(super::frames::masked(b"after it"));
        let script = Arc::new(Script { ends: vec![bytes.len()], bytes, stops: true });
        let mut heard = false;
        let _ =
            peer.receive(Transport::new(&script), 3, &mut |message| heard |= message.payload == b"after it");
        heard
    };
    BAD_FRAMES.into_iter().filter(|(_, frames)| goes_on(frames)).map(|(name, _)| name).collect()
}
