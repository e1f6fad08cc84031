//! yawc, a `Stream` and a `Sink`: its `WebSocket`, which assembles fragments.
//!
//! Features: the default ones, and `simd` for UTF-8. Options: UTF-8 is checked, which is off by default, since every column
//! does that; the limits are raised to 16 and 32 MiB, since by default a frame of 1 MiB is refused. Its benchmark sets larger
//! buffers at the cost of memory; here they have their default of 8 KiB.

use ::yawc::{Frame, OpCode, Options, Role as TheirRole, WebSocket};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{About, Answering, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving};
use crate::transport::{Transport, block_on};

pub(crate) struct Yawc;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(io: S, role: Role) -> Result<WebSocket<S>, Failure> {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    let options = Options::default().with_utf8().with_limits(16 * 1024 * 1024, 32 * 1024 * 1024);
    Ok(WebSocket::from_stream(io, role, options)?)
}

fn seen(frame: &Frame) -> Result<Received<'_>, Failure> {
    match frame.opcode() {
        OpCode::Text => Ok(Received::text(frame.payload())),
        OpCode::Binary => Ok(Received::binary(frame.payload())),
        other => Err(format!("unexpected: {other:?}").into()),
    }
}

impl Peer for Yawc {
    fn about(&self) -> About {
        About { name: "yawc", package: "yawc", shape: Shape::Async, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut socket = socket(io, Role::Server)?;
            for _ in 0..count {
                each(seen(&socket.next_frame().await?)?);
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut sockets =
                ios.into_iter().map(|io| socket(io, sending.role)).collect::<Result<Vec<_>, _>>()?;
            for index in 0..sending.count {
                for socket in &mut sockets {
                    socket.feed(Frame::binary(sending.payload.clone())).await?;
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
            let mut socket = socket(io, Role::Server)?;
            for index in 0..count {
                let frame = socket.next_frame().await?;
                socket.feed(frame).await?;
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
        let socket = socket(io, Role::Server)?.map(Ok);
        match answering {
            Answering::Each => serving::spawn(serving::send_each(socket)),
            Answering::Batched => serving::spawn(serving::feed_and_flush(socket)),
        }
    }
}
