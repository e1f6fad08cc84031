//! The tokio adapter, `WebSocketStream`, as a `Stream` and a `Sink`.
//!
//! Its clock and its timer are tokio's; main has entered a runtime for them.

use std::sync::Arc;

use ::websocket_proto::{Config, Message, tokio::WebSocketStream};
use futures_util::{SinkExt, StreamExt};

use super::super::{About, Each, Failure, Outcome, Peer, Role, Sending, Shape};
use super::{open, seen};
use crate::transport::{Transport, block_on};

pub(crate) struct Tokio;

fn socket(io: Transport, role: Role, config: &Arc<Config>) -> WebSocketStream<Transport> {
    WebSocketStream::new(io, open(role, config))
}

async fn next(socket: &mut WebSocketStream<Transport>) -> Result<Message, Failure> {
    Ok(socket.next().await.ok_or("the stream ended")??)
}

impl Peer for Tokio {
    fn about(&self) -> About {
        About { name: "ours-tokio", package: "websocket-proto", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server, &Arc::default());
            for _ in 0..count {
                each(seen(&next(&mut socket).await?));
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let config = Arc::default();
            let mut sockets: Vec<_> = ios.into_iter().map(|io| socket(io, sending.role, &config)).collect();
            for index in 0..sending.count {
                for socket in &mut sockets {
                    let message = Message::Binary(sending.payload.clone());
                    if sending.flushes_after(index) {
                        socket.send(message).await?;
                    } else {
                        socket.feed(message).await?;
                    }
                }
            }
            Ok(())
        })
    }

    /// `feed` in a loop that reads, as its README says: the stream writes what was fed before it reads again.
    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server, &Arc::default());
            for _ in 0..count {
                let message = next(&mut socket).await?;
                socket.feed(message).await?;
            }
            Ok(socket.flush().await?)
        })
    }
}
