//! tokio-websockets, a `Stream` and a `Sink`.
//!
//! Features: `server`, `client`, and `sha1_smol`, which its documentation names where no TLS is needed; SHA-1 is for the
//! handshake only. Of the three sources of masks that it can be built with this is `fastrand`, the fastest. Its SIMD
//! unmasking and UTF-8 validation are always built in and chosen at run time (`nightly` adds targets that need a nightly
//! compiler). Configuration and limits: the defaults.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};

use super::{
    About, Answering, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving, streaming,
};
use crate::transport::{Transport, block_on};

pub(crate) struct TokioWebsockets;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(io: S, role: Role) -> WebSocketStream<S> {
    match role {
        Role::Client => ClientBuilder::new().take_over(io),
        Role::Server => ServerBuilder::new().serve(io),
    }
}

fn seen(message: &Message) -> Result<Received<'_>, Failure> {
    if let Some(text) = message.as_text() {
        Ok(Received::text(text.as_ref()))
    } else if message.is_binary() {
        Ok(Received::binary(message.as_payload()))
    } else {
        Err(format!("unexpected: {message:?}").into())
    }
}

impl Peer for TokioWebsockets {
    fn about(&self) -> About {
        About { name: "tokio-websockets", package: "tokio-websockets", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(streaming::receive(socket(io, Role::Server), count, each, seen))
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        let sockets = ios.into_iter().map(|io| Ok(socket(io, sending.role)));
        streaming::send(sockets, sending, Message::binary)
    }

    fn accept(&self, io: Transport) -> Outcome {
        block_on(async {
            ServerBuilder::new().accept(io).await?;
            Ok(())
        })
    }

    fn connect(&self, io: Transport) -> Outcome {
        block_on(async {
            ClientBuilder::new().uri("ws://example.com/chat")?.connect_on(io).await?;
            Ok(())
        })
    }

    fn echo(&self, io: Transport, count: usize, per_flush: usize) -> Outcome {
        block_on(streaming::echo(socket(io, Role::Server), count, per_flush))
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each, Answering::Batched]
    }

    fn serve(&self, io: TcpStream, answering: Answering) -> Result<usize, Failure> {
        serving::echo(socket(io, Role::Server), answering)
    }
}
