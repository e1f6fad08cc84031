//! The opening handshake, both sides: from the first byte to the open socket, and its end.

use std::sync::Arc;

use super::Work;
use crate::{
    peers::{Failure, Outcome, Peer},
    transport::{Recording, Respond, Script, Transport},
};

/// What a script of a page sends where nothing else is said.
pub(super) const MINIMAL: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What a browser sends.
const BROWSER: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
    Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/141.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: session=8c2f0f6a1d3b4e5f\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// What belongs to that key (RFC 6455, section 1.3).
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Client {
    Minimal,
    Browser,
}

pub(super) struct Accept {
    script: Arc<Script>,
}

impl Accept {
    pub(super) fn new(client: Client) -> Self {
        let request = if client == Client::Minimal { MINIMAL } else { BROWSER };
        Self { script: whole(request.as_bytes().to_vec()) }
    }
}

fn whole(bytes: Vec<u8>) -> Arc<Script> {
    Arc::new(Script { ends: vec![bytes.len()], bytes, stops: false })
}

impl Work for Accept {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        (0..count).try_for_each(|_| peer.accept(Transport::new(&self.script)))
    }

    fn check(&self, peer: &dyn Peer) -> Outcome {
        let recording = Recording::default();
        peer.accept(Transport::recording(&self.script, &recording))?;
        let written = recording.lock().expect("nobody panics holding it");
        let answer = String::from_utf8_lossy(&written.bytes);
        let accepts = answer.lines().any(|line| {
            line.split_once(": ").is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("sec-websocket-accept") && value == ACCEPT
            })
        });
        if answer.starts_with("HTTP/1.1 101 ") && accepts {
            Ok(())
        } else {
            Err(format!("the answer is {answer:?}").into())
        }
    }

    fn weight(&self) -> usize {
        20_000
    }
}

pub(super) struct Connect {
    respond: Respond,
}

impl Connect {
    pub(super) fn new() -> Self {
        Self { respond: Arc::new(answer) }
    }
}

/// What a right server answers.
fn answer(request: &[u8]) -> Vec<u8> {
    let accept = accept_for(request).unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// What belongs to the request's key.
pub(super) fn accept_for(request: &[u8]) -> Result<String, Failure> {
    let key = std::str::from_utf8(request)?.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
    });
    Ok(tungstenite::handshake::derive_accept_key(key.ok_or("no key")?.as_bytes()))
}

impl Work for Connect {
    fn run(&self, peer: &dyn Peer, count: usize) -> Outcome {
        (0..count).try_for_each(|_| peer.connect(Transport::to_server(&self.respond)))
    }

    /// What the server that answers costs.
    fn harness(&self, count: usize) {
        for _ in 0..count {
            std::hint::black_box(answer(std::hint::black_box(MINIMAL.as_bytes())));
        }
    }

    fn check(&self, peer: &dyn Peer) -> Outcome {
        self.run(peer, 2)
    }

    fn weight(&self) -> usize {
        20_000
    }
}
