//! tokio-tungstenite, a `Stream` and a `Sink`, in two columns, as tungstenite: with the default read buffer, and with one of
//! 4 KiB. The better one counts.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Message, WebSocketConfig},
};

use super::tungstenite::{role, seen};
use super::{About, Answering, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving};
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
        let config = WebSocketConfig::default();
        match self.read_buffer_size {
            Some(size) => config.read_buffer_size(size),
            None => config,
        }
    }

    async fn socket(&self, io: Transport, of: Role) -> WebSocketStream<Transport> {
        WebSocketStream::from_raw_socket(io, role(of), Some(self.config())).await
    }
}

async fn next(socket: &mut WebSocketStream<Transport>) -> Result<Message, Failure> {
    Ok(socket.next().await.ok_or("the stream ended")??)
}

impl Peer for TokioTungstenite {
    fn about(&self) -> About {
        About { name: self.name, package: "tokio-tungstenite", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = self.socket(io, Role::Server).await;
            for _ in 0..count {
                each(seen(&next(&mut socket).await?)?);
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut sockets = Vec::new();
            for io in ios {
                sockets.push(self.socket(io, sending.role).await);
            }
            for index in 0..sending.count {
                for socket in &mut sockets {
                    socket.feed(Message::Binary(sending.payload.clone())).await?;
                    if sending.flushes_after(index) {
                        socket.flush().await?;
                    }
                }
            }
            Ok(())
        })
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
        block_on(async {
            let mut socket = self.socket(io, Role::Server).await;
            for index in 0..count {
                let message = next(&mut socket).await?;
                socket.feed(message).await?;
                if (index + 1).is_multiple_of(per_flush) {
                    socket.flush().await?;
                }
            }
            Ok(socket.flush().await?)
        })
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
