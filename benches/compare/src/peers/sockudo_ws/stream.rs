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

use super::super::{
    About, Answering, Compression, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving, streaming,
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

impl Peer for Stream {
    fn about(&self) -> About {
        About { name: "sockudo-ws", package: "sockudo-ws", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(streaming::receive(socket(io, Role::Server), count, each, seen))
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        let sockets = ios.into_iter().map(|io| Ok(socket(io, sending.role)));
        streaming::send(sockets, sending, Message::Binary)
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
        block_on(streaming::echo(socket(io, Role::Server), count, per_flush))
    }

    fn echo_compressed(&self, io: Transport, count: usize, compression: Compression) -> Outcome {
        let socket = CompressedWebSocketStream::server(io, Config::default(), deflate(compression)?);
        block_on(streaming::echo(socket, count, 1))
    }

    fn hold_compressed(
        &self,
        ios: Vec<Transport>,
        compression: Compression,
        idle: &mut dyn FnMut(),
    ) -> Outcome {
        let deflate = deflate(compression)?;
        let open = |io| Ok(CompressedWebSocketStream::server(io, Config::default(), deflate.clone()));
        streaming::hold(ios.into_iter().map(open), idle)
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each, Answering::Batched]
    }

    fn serve(&self, io: TcpStream, answering: Answering) -> Result<usize, Failure> {
        serving::echo(socket(io, Role::Server), answering)
    }
}
