//! `Protocol`, a public state machine, with the read and write loop that a task would have around it: the same buffer as
//! for our own machine. It has no heartbeat and no deadlines; its stream adds them.

use ::sockudo_ws::{Config, Message, protocol::Protocol};
use ::tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use bytes::BytesMut;

use super::super::{About, Answering, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving};
use super::{role, seen};
use crate::transport::{Transport, block_on};

/// The input buffer.
const BUFFER: usize = 16 * 1024;

/// The least room in it before a read.
const ROOM: usize = BUFFER / 2;

pub(crate) struct Inner;

struct Owner<S> {
    io: S,
    protocol: Protocol,
    input: BytesMut,
    output: BytesMut,
    /// Reused, as the documentation of `process_into` says.
    messages: Vec<Message>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Owner<S> {
    fn new(io: S, of: Role) -> Self {
        let config = Config::default();
        let protocol = Protocol::new(role(of), config.max_frame_size, config.max_message_size);
        Self { io, protocol, input: BytesMut::new(), output: BytesMut::new(), messages: Vec::new() }
    }

    async fn read(&mut self) -> Outcome {
        if self.input.capacity() - self.input.len() < ROOM {
            self.input.reserve(BUFFER);
        }
        if self.io.read_buf(&mut self.input).await? == 0 {
            return Err("the stream ended".into());
        }
        Ok(self.protocol.process_into(&mut self.input, &mut self.messages)?)
    }

    async fn write(&mut self) -> Outcome {
        self.io.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }
}

impl Peer for Inner {
    fn about(&self) -> About {
        About { name: "sockudo-protocol", package: "sockudo-ws", shape: Shape::Machine, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut owner = Owner::new(io, Role::Server);
            let mut received = 0;
            while received < count {
                owner.read().await?;
                for message in owner.messages.drain(..).take(count - received) {
                    each(seen(&message)?);
                    received += 1;
                }
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut owners: Vec<_> = ios.into_iter().map(|io| Owner::new(io, sending.role)).collect();
            for index in 0..sending.count {
                for owner in &mut owners {
                    let message = Message::Binary(sending.payload.clone());
                    owner.protocol.encode_message(&message, &mut owner.output)?;
                    if sending.flushes_after(index) {
                        owner.write().await?;
                    }
                }
            }
            Ok(())
        })
    }

    /// What was read is answered in one write.
    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut owner = Owner::new(io, Role::Server);
            let mut received = 0;
            while received < count {
                owner.read().await?;
                for message in owner.messages.drain(..).take(count - received) {
                    owner.protocol.encode_message(&message, &mut owner.output)?;
                    received += 1;
                }
                owner.write().await?;
            }
            Ok(())
        })
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Batched]
    }

    fn serve(&self, io: TcpStream, _: Answering) -> Result<usize, Failure> {
        serving::spawn(async move {
            let mut owner = Owner::new(io, Role::Server);
            loop {
                owner.read().await?;
                for message in owner.messages.drain(..) {
                    owner.protocol.encode_message(&message, &mut owner.output)?;
                }
                owner.write().await?;
            }
        })
    }
}
