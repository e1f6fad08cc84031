//! fastwebsockets, asynchronous: a `FragmentCollector`, which gives whole messages.
//!
//! Features: the default one, `simd`. Automatic Close and Pong are on, as by default; vectored writes are off, as in its
//! examples. It writes every frame at once: `flush` only reaches the transport.

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role as TheirRole, WebSocket};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{About, Answering, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving};
use crate::transport::{Transport, block_on};

pub(crate) struct Fastwebsockets;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(io: S, role: Role) -> FragmentCollector<S> {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    let mut socket = WebSocket::after_handshake(io, role);
    socket.set_writev(false);
    FragmentCollector::new(socket)
}

fn seen<'a>(frame: &'a Frame<'_>) -> Result<Received<'a>, Failure> {
    match frame.opcode {
        OpCode::Text => Ok(Received::text(&frame.payload)),
        OpCode::Binary => Ok(Received::binary(&frame.payload)),
        other => Err(format!("unexpected: {other:?}").into()),
    }
}

impl Peer for Fastwebsockets {
    fn about(&self) -> About {
        About { name: "fastwebsockets", package: "fastwebsockets", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server);
            for _ in 0..count {
                each(seen(&socket.read_frame().await?)?);
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut sockets: Vec<_> = ios.into_iter().map(|io| socket(io, sending.role)).collect();
            for _ in 0..sending.count {
                for socket in &mut sockets {
                    socket.write_frame(Frame::binary(Payload::Borrowed(&sending.payload))).await?;
                }
            }
            Ok(())
        })
    }

    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server);
            for _ in 0..count {
                let frame = socket.read_frame().await?;
                socket.write_frame(frame).await?;
            }
            Ok(())
        })
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each]
    }

    fn serve(&self, io: TcpStream, _: Answering) -> Result<usize, Failure> {
        serving::spawn(async move {
            let mut socket = socket(io, Role::Server);
            loop {
                let frame = socket.read_frame().await?;
                socket.write_frame(frame).await?;
            }
        })
    }
}
