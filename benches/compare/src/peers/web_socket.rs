//! web-socket, asynchronous, no features.
//!
//! It reads a header in pieces of two and more bytes, so it is given a `BufReader` of 8 KiB, as the benchmark that its
//! README points to does. Its writes pass through the `BufReader` untouched.

use ::web_socket::{DataType, Event, MessageType, WebSocket as Socket};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader},
    net::TcpStream,
};

use super::{About, Answering, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving};
use crate::transport::{Transport, block_on};

pub(crate) struct WebSocket;

type Buffered<S> = Socket<BufReader<S>>;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(io: S, role: Role) -> Buffered<S> {
    match role {
        Role::Client => Socket::client(BufReader::new(io)),
        Role::Server => Socket::server(BufReader::new(io)),
    }
}

async fn next<S: AsyncRead + Unpin>(socket: &mut Buffered<S>) -> Result<(MessageType, Box<[u8]>), Failure> {
    match socket.recv().await? {
        Event::Data { ty: DataType::Complete(kind), data } => Ok((kind, data)),
        other => Err(format!("unexpected: {other:?}").into()),
    }
}

impl Peer for WebSocket {
    fn about(&self) -> About {
        About {
            name: "web-socket",
            package: "web-socket",
            shape: Shape::Async,
            lacks: Some("UTF-8 checks, assembly of fragments, answers to Ping and Close, the handshake"),
        }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server);
            for _ in 0..count {
                let (kind, data) = next(&mut socket).await?;
                each(if kind.is_text() { Received::text(&data) } else { Received::binary(&data) });
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut sockets: Vec<_> = ios.into_iter().map(|io| socket(io, sending.role)).collect();
            for _ in 0..sending.count {
                for socket in &mut sockets {
                    socket.send(&*sending.payload).await?;
                }
            }
            Ok(())
        })
    }

    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server);
            for _ in 0..count {
                let (_, data) = next(&mut socket).await?;
                socket.send(&*data).await?;
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
                let (_, data) = next(&mut socket).await?;
                socket.send(&*data).await?;
            }
        })
    }
}
