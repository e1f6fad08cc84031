//! `WebSocketStream`, a `Stream` and a `Sink`, with its default configuration: heartbeat and idle timeout on, batching on.
//! Its timer is tokio's; main has entered a runtime for it. Compressed messages go through its `CompressedWebSocketStream`.

use ::sockudo_ws::{
    Config, DeflateConfig, DeflateWindowBits, Http1, Message, WebSocketStream, client::WebSocketClient,
    server::WebSocketServer, stream::CompressedWebSocketStream,
};
use ::tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use futures_util::{SinkExt, StreamExt};

use super::super::{
    About, Answering, Compression, Each, Failure, Outcome, Peer, Role, Sending, Shape, compressing, serving,
};
use super::{role, seen};
use crate::transport::{Transport, block_on};

pub(crate) struct Stream;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(io: S, of: Role) -> WebSocketStream<S> {
    WebSocketStream::from_raw(io, role(of), Config::default())
}

fn deflate(compression: Compression) -> Result<DeflateConfig, Failure> {
    Ok(DeflateConfig {
        server_max_window_bits: DeflateWindowBits::try_from(compression.window_bits)?,
        server_no_context_takeover: !compression.takeover,
        client_no_context_takeover: !compression.takeover,
        compression_level: compression.level.into(),
        ..DeflateConfig::default()
    })
}

async fn next(socket: &mut WebSocketStream<Transport>) -> Result<Message, Failure> {
    Ok(socket.next().await.ok_or("the stream ended")??)
}

impl Peer for Stream {
    fn about(&self) -> About {
        About { name: "sockudo-ws", package: "sockudo-ws", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server);
            for _ in 0..count {
                each(seen(&next(&mut socket).await?)?);
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut sockets: Vec<_> = ios.into_iter().map(|io| socket(io, sending.role)).collect();
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
            WebSocketServer::<Http1>::new(Config::default()).accept_raw(io).await?;
            Ok(())
        })
    }

    fn connect(&self, io: Transport) -> Outcome {
        block_on(async {
            let client = WebSocketClient::<Http1>::new(Config::default());
            client.connect_raw(io, "example.com", "/chat", None).await?;
            Ok(())
        })
    }

    fn echo(&self, io: Transport, count: usize, per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server);
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

    fn echo_compressed(&self, io: Transport, count: usize, compression: Compression) -> Outcome {
        let mut socket = CompressedWebSocketStream::server(io, Config::default(), deflate(compression)?);
        block_on(compressing::echo(&mut socket, count))
    }

    fn hold_compressed(
        &self,
        ios: Vec<Transport>,
        compression: Compression,
        idle: &mut dyn FnMut(),
    ) -> Outcome {
        let deflate = deflate(compression)?;
        let open = |io| Ok(CompressedWebSocketStream::server(io, Config::default(), deflate.clone()));
        compressing::hold(ios.into_iter().map(open), idle)
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each, Answering::Batched]
    }

    fn serve(&self, io: TcpStream, answering: Answering) -> Result<usize, Failure> {
        let socket = socket(io, Role::Server);
        match answering {
            Answering::Each => serving::spawn(serving::send_each(socket)),
            Answering::Batched => serving::spawn(serving::feed_and_flush(socket)),
        }
    }
}
