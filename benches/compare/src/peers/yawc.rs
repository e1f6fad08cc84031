//! yawc, a `Stream` and a `Sink`: its `WebSocket`, which assembles fragments.
//!
//! Features: the default ones, `simd` for UTF-8, and `zlib` for windows of other sizes. Options: UTF-8 is checked, which is off by default, since every column
//! does that; the limits are raised to 16 and 32 MiB, since by default a frame of 1 MiB is refused. Its benchmark sets larger
//! buffers at the cost of memory; here they have their default of 8 KiB. Where no context is kept, connections share a pool of
//! 16, as its documentation advises for many of them.

use ::yawc::{
    CompressionLevel, DeflateOptions, DeflatePool, Frame, OpCode, Options, Role as TheirRole, WebSocket,
};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    About, Answering, Compression, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving,
    streaming,
};
use crate::transport::{Transport, block_on};

pub(crate) struct Yawc;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(io: S, role: Role) -> Result<WebSocket<S>, Failure> {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    Ok(WebSocket::from_stream(io, role, options())?)
}

fn options() -> Options {
    Options::default().with_utf8().with_limits(16 * 1024 * 1024, 32 * 1024 * 1024)
}

/// What the connections of a server share that compresses.
struct Compressing {
    options: Options,
    agreed: String,
}

impl Compressing {
    fn new(compression: Compression) -> Self {
        let mut options = options();
        options.compression = Some(DeflateOptions {
            level: CompressionLevel::new(compression.level.into()),
            pool: Some(DeflatePool::new(16)),
            ..DeflateOptions::default()
        });
        let mut agreed = format!("permessage-deflate; server_max_window_bits={}", compression.window_bits);
        if !compression.takeover {
            agreed += "; server_no_context_takeover; client_no_context_takeover";
        }
        Self { options, agreed }
    }

    fn open(&self, io: Transport) -> Result<WebSocket<Transport>, Failure> {
        let (agreed, options) = (Some(&self.agreed[..]), self.options.clone());
        Ok(WebSocket::from_stream_with_extensions(io, TheirRole::Server, agreed, options)?)
    }
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

    /// By `next_frame`, which tells the error where its `Stream` only ends; so does `echo`.
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
        let sockets = ios.into_iter().map(|io| socket(io, sending.role));
        streaming::send(sockets, sending, Frame::binary)
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

    fn echo_compressed(&self, io: Transport, count: usize, compression: Compression) -> Outcome {
        let socket = Compressing::new(compression).open(io)?.map(Ok);
        block_on(streaming::echo(socket, count, 1))
    }

    fn hold_compressed(
        &self,
        ios: Vec<Transport>,
        compression: Compression,
        idle: &mut dyn FnMut(),
    ) -> Outcome {
        let theirs = Compressing::new(compression);
        streaming::hold(ios.into_iter().map(|io| Ok(theirs.open(io)?.map(Ok))), idle)
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each, Answering::Batched]
    }

    fn serve(&self, io: TcpStream, answering: Answering) -> Result<usize, Failure> {
        serving::echo(socket(io, Role::Server)?.map(Ok), answering)
    }
}
