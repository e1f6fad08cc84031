//! tungstenite, blocking, in two columns.
//!
//! It clears the free part of its read buffer before every read. The default of 128 KiB is meant for high load; the
//! documentation of `read_buffer_size` names 4 KiB for many connections. Where reads are short that is far cheaper, so
//! both are shown and the better one counts. Features: the default ones, of which none changes how frames are received.

use tungstenite::{
    WebSocket,
    protocol::{Message, Role as TheirRole, WebSocketConfig},
};

use super::{About, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape};
use crate::transport::Transport;

pub(crate) struct Tungstenite {
    name: &'static str,
    read_buffer_size: Option<usize>,
}

pub(crate) const DEFAULT: Tungstenite = Tungstenite { name: "tungstenite", read_buffer_size: None };

pub(crate) const SMALL_BUFFER: Tungstenite =
    Tungstenite { name: "tungstenite-4k", read_buffer_size: Some(4 * 1024) };

pub(super) fn role(role: Role) -> TheirRole {
    match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    }
}

pub(super) fn seen(message: &Message) -> Result<Received<'_>, Failure> {
    match message {
        Message::Text(text) => Ok(Received::text(text.as_ref())),
        Message::Binary(payload) => Ok(Received::binary(payload)),
        other => Err(format!("unexpected: {other:?}").into()),
    }
}

pub(super) fn config(read_buffer_size: Option<usize>) -> WebSocketConfig {
    let config = WebSocketConfig::default();
    match read_buffer_size {
        Some(size) => config.read_buffer_size(size),
        None => config,
    }
}

impl Tungstenite {
    fn config(&self) -> WebSocketConfig {
        config(self.read_buffer_size)
    }

    fn socket(&self, io: Transport, of: Role) -> WebSocket<Transport> {
        WebSocket::from_raw_socket(io, role(of), Some(self.config()))
    }
}

impl Peer for Tungstenite {
    fn about(&self) -> About {
        About { name: self.name, package: "tungstenite", shape: Shape::Blocking, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        let mut socket = self.socket(io, Role::Server);
        for _ in 0..count {
            each(seen(&socket.read()?)?);
        }
        Ok(())
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        let mut sockets: Vec<_> = ios.into_iter().map(|io| self.socket(io, sending.role)).collect();
        for index in 0..sending.count {
            for socket in &mut sockets {
                socket.write(Message::Binary(sending.payload.clone()))?;
                if sending.flushes_after(index) {
                    socket.flush()?;
                }
            }
        }
        Ok(())
    }

    fn accept(&self, io: Transport) -> Outcome {
        tungstenite::accept_with_config(io, Some(self.config())).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn connect(&self, io: Transport) -> Outcome {
        let config = Some(self.config());
        tungstenite::client::client_with_config("ws://example.com/chat", io, config)
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    fn echo(&self, io: Transport, count: usize, per_flush: usize) -> Outcome {
        let mut socket = self.socket(io, Role::Server);
        for index in 0..count {
            let message = socket.read()?;
            socket.write(message)?;
            if (index + 1).is_multiple_of(per_flush) {
                socket.flush()?;
            }
        }
        Ok(socket.flush()?)
    }
}
