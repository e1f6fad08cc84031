//! tokio-tungstenite, a `Stream` and a `Sink`, in two columns, as tungstenite: with the default read buffer, and with one of
//! 4 KiB. The better one counts.

use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Message, WebSocketConfig},
};

use super::tungstenite::{config, role, seen};
use super::{About, Answering, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving, streaming};
use crate::transport::{Transport, block_on};

pub(crate) struct TokioTungstenite {
    name: &'static str,
    read_buffer_size: Option<usize>,
}

pub(crate) const DEFAULT: TokioTungstenite =
    TokioTungstenite { name: "tokio-tungstenite", read_buffer_size: None };

pub(crate) const SMALL_BUFFER: TokioTungstenite =
    TokioTungstenite { name: "tokio-tungstenite-4k", read_buffer_size: Some(4 * 1024) };

impl TokioTungstenite {
    fn config(&self) -> WebSocketConfig {
        config(self.read_buffer_size)
    }

    fn socket(&self, io: Transport, of: Role) -> Result<WebSocketStream<Transport>, Failure> {
        block_on(async { Ok(WebSocketStream::from_raw_socket(io, role(of), Some(self.config())).await) })
    }
}

impl Peer for TokioTungstenite {
    fn about(&self) -> About {
        About { name: self.name, package: "tokio-tungstenite", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(streaming::receive(self.socket(io, Role::Server)?, count, each, seen))
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        let sockets = ios.into_iter().map(|io| self.socket(io, sending.role));
        streaming::send(sockets, sending, Message::Binary)
    }

    fn accept(&self, io: Transport) -> Outcome {
        block_on(async {
            tokio_tungstenite::accept_async_with_config(io, Some(self.config())).await?;
            Ok(())
        })
    }

    fn connect(&self, io: Transport) -> Outcome {
        block_on(async {
            tokio_tungstenite::client_async_with_config("ws://example.com/chat", io, Some(self.config()))
                .await?;
            Ok(())
        })
    }

    fn echo(&self, io: Transport, count: usize, per_flush: usize) -> Outcome {
        block_on(streaming::echo(self.socket(io, Role::Server)?, count, per_flush))
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each, Answering::Batched]
    }

    fn serve(&self, io: TcpStream, answering: Answering) -> Result<usize, Failure> {
        let config = self.config();
        serving::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(io, role(Role::Server), Some(config)).await;
            match answering {
                Answering::Each => serving::send_each(socket).await,
                Answering::Batched => serving::feed_and_flush(socket).await,
            }
        })
    }
}
