//! The tokio adapter, `WebSocketStream`, as a `Stream` and a `Sink`.
//!
//! Its clock and its timer are tokio's; main has entered a runtime for them.

use std::sync::Arc;

use ::tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use ::websocket_proto::{
    Accept, ClientRequest, Config, Message, OriginPolicy, Prepared,
    tokio::{WebSocketStream, accept, connect},
};
use futures_util::{SinkExt, StreamExt};

use super::super::{
    About, Answering, Compression, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving, streaming,
};
use super::{CONFIG, Compressing, open, seen};
use crate::transport::{Transport, block_on};

pub(crate) struct Tokio;

fn socket<S>(io: S, role: Role, config: &Arc<Config>) -> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    WebSocketStream::new(io, open(role, config))
}

impl Peer for Tokio {
    fn about(&self) -> About {
        About { name: "ours-tokio", package: "websocket-proto", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        let socket = socket(io, Role::Server, &Arc::default());
        block_on(streaming::receive(socket, count, each, |message| Ok(seen(message))))
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

    fn send_prepared(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let config = Arc::default();
            let mut sockets: Vec<_> = ios.into_iter().map(|io| socket(io, sending.role, &config)).collect();
            for _ in 0..sending.count {
                let prepared = Prepared::new(sending.payload.clone());
                for socket in &mut sockets {
                    socket.send_prepared(&prepared).await?;
                }
            }
            Ok(())
        })
    }

    fn accept(&self, io: Transport) -> Outcome {
        block_on(async {
            let incoming = accept(io, Arc::default()).await?;
            incoming.accept(&Accept::new(OriginPolicy::SameHost)).await?;
            Ok(())
        })
    }

    fn connect(&self, io: Transport) -> Outcome {
        block_on(async {
            connect(io, &ClientRequest::new("example.com", "/chat")?, Arc::default()).await?;
            Ok(())
        })
    }

    /// `feed` in a loop that reads, as its README says: the stream writes what was fed before it reads again.
    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server, &Arc::default());
            for _ in 0..count {
                let message = streaming::next(&mut socket).await?;
                socket.feed(message).await?;
            }
            Ok(socket.flush().await?)
        })
    }

    fn echo_compressed(&self, io: Transport, count: usize, compression: Compression) -> Outcome {
        let socket = WebSocketStream::new(io, Compressing::new(compression)?.open());
        block_on(streaming::echo(socket, count, 1))
    }

    fn hold_compressed(
        &self,
        ios: Vec<Transport>,
        compression: Compression,
        idle: &mut dyn FnMut(),
    ) -> Outcome {
        let ours = Compressing::new(compression)?;
        streaming::hold(ios.into_iter().map(|io| Ok(WebSocketStream::new(io, ours.open()))), idle)
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Batched, Answering::Each]
    }

    /// The loop of its README: `feed`, and on to the next message.
    fn serve(&self, io: TcpStream, answering: Answering) -> Result<usize, Failure> {
        let mut socket = socket(io, Role::Server, &CONFIG);
        match answering {
            Answering::Each => serving::spawn(serving::send_each(socket)),
            Answering::Batched => serving::spawn(async move {
                while let Some(message) = socket.next().await {
                    socket.feed(message?).await?;
                }
                Ok(())
            }),
        }
    }
}
