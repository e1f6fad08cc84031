//! tungstenite, blocking, in two columns.
//!
//! It clears the free part of its read buffer before every read. The default of 128 KiB is meant for high load; the
//! documentation of `read_buffer_size` names 4 KiB for many connections. Where reads are short that is far cheaper, so
//! both are shown and the better one counts. Features: the default ones, of which none changes how frames are received.

use tungstenite::{
    WebSocket,
    protocol::{Message, Role, WebSocketConfig},
};

use super::{Failure, Peer, Received};
use crate::transport::Transport;

pub(crate) struct Tungstenite {
    name: &'static str,
    note: &'static str,
    read_buffer_size: Option<usize>,
}

pub(crate) const DEFAULT: Tungstenite = Tungstenite { name: "tungstenite", note: "", read_buffer_size: None };

pub(crate) const SMALL_BUFFER: Tungstenite =
    Tungstenite { name: "tungstenite-4k", note: "4 KiB read buffer", read_buffer_size: Some(4 * 1024) };

impl Peer for Tungstenite {
    fn name(&self) -> &'static str {
        self.name
    }

    fn package(&self) -> &'static str {
        "tungstenite"
    }

    fn note(&self) -> &'static str {
        self.note
    }

    fn receive(
        &self,
        transport: Transport<'_>,
        count: usize,
        each: &mut dyn FnMut(Received<'_>),
    ) -> Result<(), Failure> {
        let mut config = WebSocketConfig::default();
        if let Some(size) = self.read_buffer_size {
            config = config.read_buffer_size(size);
        }
        let mut socket = WebSocket::from_raw_socket(transport, Role::Server, Some(config));
        for _ in 0..count {
            match socket.read()? {
                Message::Text(text) => each(Received::Text(&text)),
                Message::Binary(payload) => each(Received::Binary(&payload)),
                other => return Err(format!("unexpected: {other:?}").into()),
            }
        }
        Ok(())
    }
}
