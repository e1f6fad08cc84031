//! websocket-sans-io, a frame decoder and encoder, with the loop of its example around it: a fixed buffer, decoded in place.
//!
//! Features: the default one, `large_frames`. A payload that lies in the buffer whole is lent as it lies there, any other one
//! is put together.

use ::tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use ::websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use super::{About, Answering, Each, Failure, Outcome, Peer, Received, Role, Sending, Shape, serving};
use crate::transport::{Transport, block_on};

/// The input buffer, as for our own machine.
const BUFFER: usize = 16 * 1024;

pub(crate) struct WebsocketSansIo;

struct Owner<S> {
    io: S,
    decoder: WebsocketFrameDecoder,
    encoder: WebsocketFrameEncoder,
    buffer: Vec<u8>,
    /// What of the buffer was read and not decoded yet.
    unread: std::ops::Range<usize>,
    /// A message of which not all has arrived.
    partial: Vec<u8>,
    output: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Owner<S> {
    fn new(io: S) -> Self {
        Self {
            io,
            decoder: WebsocketFrameDecoder::new(),
            encoder: WebsocketFrameEncoder::new(),
            buffer: vec![0; BUFFER],
            unread: 0..0,
            partial: Vec::new(),
            output: Vec::new(),
        }
    }

    async fn read(&mut self) -> Outcome {
        self.unread = 0..self.io.read(&mut self.buffer).await?;
        if self.unread.is_empty() { Err("the stream ended".into()) } else { Ok(()) }
    }

    /// Gives `each` the next message, if what was read holds one.
    fn next(
        &mut self,
        each: impl FnOnce(&mut WebsocketFrameEncoder, &mut Vec<u8>, Received<'_>),
    ) -> Result<bool, Failure> {
        let mut whole = 0..0;
        loop {
            let data = &mut self.buffer[self.unread.clone()];
            let result = self.decoder.add_data(data).map_err(|_| "a wrong frame")?;
            let chunk = self.unread.start..self.unread.start + result.consumed_bytes;
            self.unread.start = chunk.end;
            match result.event {
                None if result.consumed_bytes == 0 => {
                    // The chunk does not outlive this buffer's content.
                    self.partial.extend_from_slice(&self.buffer[whole]);
                    return Ok(false);
                }
                Some(WebsocketFrameEvent::Start { frame_info, .. })
                    if !frame_info.is_reasonable() || frame_info.mask.is_none() =>
                {
                    return Err("an unreasonable frame".into());
                }
                None | Some(WebsocketFrameEvent::Start { .. }) => {}
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => whole = chunk,
                Some(WebsocketFrameEvent::End { original_opcode, .. }) => {
                    let payload = if self.partial.is_empty() {
                        &self.buffer[whole]
                    } else {
                        self.partial.extend_from_slice(&self.buffer[whole]);
                        &self.partial
                    };
                    let message = match original_opcode {
                        Opcode::Text => Received::text(payload),
                        Opcode::Binary => Received::binary(payload),
                        other => return Err(format!("unexpected: {other:?}").into()),
                    };
                    each(&mut self.encoder, &mut self.output, message);
                    self.partial.clear();
                    return Ok(true);
                }
            }
        }
    }

    async fn write(&mut self) -> Outcome {
        self.io.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }
}

/// Appends a frame. The mask is left to the user; a constant stands for it, so that no generator of ours is counted.
fn encode(encoder: &mut WebsocketFrameEncoder, output: &mut Vec<u8>, role: Role, message: Received<'_>) {
    let opcode = match message.kind {
        super::Kind::Text => Opcode::Text,
        super::Kind::Binary => Opcode::Binary,
    };
    let header = encoder.start_frame(&FrameInfo {
        opcode,
        payload_length: message.payload.len() as u64,
        mask: (role == Role::Client).then_some([0x12, 0x34, 0x56, 0x78]),
        fin: true,
        reserved: 0,
    });
    output.extend_from_slice(&header);
    let start = output.len();
    output.extend_from_slice(message.payload);
    encoder.transform_frame_payload(&mut output[start..]);
}

impl Peer for WebsocketSansIo {
    fn about(&self) -> About {
        About {
            name: "websocket-sans-io",
            package: "websocket-sans-io",
            shape: Shape::Machine,
            lacks: Some(
                "UTF-8 checks, limits, the order of fragments, masks, answers to Ping and Close, the handshake",
            ),
        }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut owner = Owner::new(io);
            let mut received = 0;
            while received < count {
                if owner.next(|_, _, message| each(message))? {
                    received += 1;
                } else {
                    owner.read().await?;
                }
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let mut owners: Vec<_> = ios.into_iter().map(Owner::new).collect();
            for index in 0..sending.count {
                for owner in &mut owners {
                    let message = Received::binary(&sending.payload);
                    encode(&mut owner.encoder, &mut owner.output, sending.role, message);
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
            let mut owner = Owner::new(io);
            let mut received = 0;
            while received < count {
                if owner.next(|encoder, output, message| encode(encoder, output, Role::Server, message))? {
                    received += 1;
                } else {
                    owner.write().await?;
                    owner.read().await?;
                }
            }
            owner.write().await
        })
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Batched]
    }

    fn serve(&self, io: TcpStream, _: Answering) -> Result<usize, Failure> {
        serving::spawn(async move {
            let mut owner = Owner::new(io);
            loop {
                if !owner.next(|encoder, output, message| encode(encoder, output, Role::Server, message))? {
                    owner.write().await?;
                    owner.read().await?;
                }
            }
        })
    }
}
