//! tokio-tungstenite, a `Stream` and a `Sink`.
//!
//! Features and `WebSocketConfig`: the default ones, but for the read buffer: 4 KiB, since the default of 128 KiB is cleared
//! before every read and only costs here; tungstenite's own columns show both.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Message, WebSocketConfig},
};

use super::tungstenite::{role, seen};
use super::{About, Each, Failure, Outcome, Peer, Role, Sending, Shape};
use crate::transport::{Transport, block_on};

pub(crate) struct TokioTungstenite;

async fn socket(io: Transport, of: Role) -> WebSocketStream<Transport> {
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
    WebSocketStream::from_raw_socket(io, role(of), Some(config)).await
}

async fn next(socket: &mut WebSocketStream<Transport>) -> Result<Message, Failure> {
    Ok(socket.next().await.ok_or("the stream ended")??)
}

impl Peer for TokioTungstenite {
    fn about(&self) -> About {
        About { name: "tokio-tungstenite", package: "tokio-tungstenite", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server).await;
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
                sockets.push(socket(io, sending.role).await);
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

    fn echo(&self, io: Transport, count: usize, per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server).await;
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
}
