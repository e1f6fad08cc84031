//! wtx, asynchronous.
//!
//! Features: `web-socket-handshake`, `tokio`, `optimization` (simdutf8 and memchr), and `crypto-ring`, one of its four sources
//! of SHA-1. No compression, Xorshift64 for masks, an empty buffer at first: what its acceptor and connector default to, but
//! for the extension `no-masking`, which no other column speaks. Payloads are lent (`Adaptive`), and masked in place where they
//! are sent: a client's are copied first here, since the same message is sent again.

use ::wtx::{
    collection::Vector,
    misc::UriRef,
    rng::{Xorshift64, simple_seed},
    stream::{Stream, StreamReader, StreamWriter},
    web_socket::{
        Frame, OpCode, WebSocketAcceptor, WebSocketBuffer, WebSocketConnector, WebSocketOwned,
        WebSocketPayloadOrigin,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{About, Answering, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving};
use crate::transport::{Transport, block_on};

pub(crate) struct Wtx;

type Socket<S, const IS_CLIENT: bool> = WebSocketOwned<(), Xorshift64, S, IS_CLIENT>;

/// Its streams are its own; it has one for a `TcpStream`, written as this one is.
struct Io(Transport);

impl StreamReader for Io {
    async fn read(&mut self, bytes: &mut [u8]) -> ::wtx::Result<usize> {
        Ok(self.0.read(bytes).await?)
    }
}

impl StreamWriter for Io {
    async fn write_all(&mut self, bytes: &[u8]) -> ::wtx::Result<()> {
        Ok(self.0.write_all(bytes).await?)
    }

    async fn write_all_vectored(&mut self, bytes: &[&[u8]]) -> ::wtx::Result<()> {
        let mut slices = [std::io::IoSlice::new(&[]); 8];
        for (slice, bytes) in slices.iter_mut().zip(bytes) {
            *slice = std::io::IoSlice::new(bytes);
        }
        let mut rest = &mut slices[..bytes.len()];
        while !rest.is_empty() {
            let count = self.0.write_vectored(rest).await?;
            std::io::IoSlice::advance_slices(&mut rest, count);
        }
        Ok(())
    }
}

fn socket<S: Stream, const IS_CLIENT: bool>(io: S) -> Socket<S, IS_CLIENT> {
    Socket::new((), false, Xorshift64::from(simple_seed()), io, WebSocketBuffer::new())
}

async fn send<const IS_CLIENT: bool>(ios: Vec<Transport>, sending: &Sending) -> Outcome {
    let mut sockets: Vec<Socket<_, IS_CLIENT>> = ios.into_iter().map(|io| socket(Io(io))).collect();
    let mut payload = sending.payload.to_vec();
    for _ in 0..sending.count {
        for socket in &mut sockets {
            if IS_CLIENT {
                payload.copy_from_slice(&sending.payload);
            }
            let mut frame = Frame::<_, IS_CLIENT>::new_fin(OpCode::Binary, &mut payload[..]);
            socket.write_frame(&mut frame).await?;
        }
    }
    Ok(())
}

impl Peer for Wtx {
    fn about(&self) -> About {
        About { name: "wtx", package: "wtx", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket: Socket<_, false> = socket(Io(io));
            let mut buffer = Vector::new();
            for _ in 0..count {
                let frame = socket.read_frame(&mut buffer, WebSocketPayloadOrigin::Adaptive).await?;
                match frame.op_code() {
                    OpCode::Text => each(Received::text(frame.payload())),
                    OpCode::Binary => each(Received::binary(frame.payload())),
                    other => return Err(format!("unexpected: {other:?}").into()),
                }
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            match sending.role {
                Role::Client => send::<true>(ios, sending).await,
                Role::Server => send::<false>(ios, sending).await,
            }
        })
    }

    fn accept(&self, io: Transport) -> Outcome {
        block_on(async {
            WebSocketAcceptor::default().no_masking(false).accept(Io(io)).await?;
            Ok(())
        })
    }

    fn connect(&self, io: Transport) -> Outcome {
        block_on(async {
            let uri = UriRef::new("ws://example.com/chat");
            WebSocketConnector::default().no_masking(false).connect(Io(io), &uri).await?;
            Ok(())
        })
    }

    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut socket: Socket<_, false> = socket(Io(io));
            let mut buffer = Vector::new();
            let (mut common, mut reader, mut writer) = socket.split_mut();
            for _ in 0..count {
                let origin = WebSocketPayloadOrigin::Adaptive;
                let mut frame = reader.read_frame(&mut buffer, &mut common, origin).await?;
                writer.write_frame(&mut common, &mut frame).await?;
            }
            Ok(())
        })
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each]
    }

    fn serve(&self, io: TcpStream, _: Answering) -> Result<usize, Failure> {
        serving::spawn(async move {
            let mut socket: Socket<_, false> = socket(io);
            let mut buffer = Vector::new();
            let (mut common, mut reader, mut writer) = socket.split_mut();
            loop {
                let origin = WebSocketPayloadOrigin::Adaptive;
                let mut frame = reader.read_frame(&mut buffer, &mut common, origin).await?;
                writer.write_frame(&mut common, &mut frame).await?;
            }
        })
    }
}
