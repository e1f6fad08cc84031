//! The state machine, driven as a task of its owner's would drive it, through the same `AsyncRead` and `AsyncWrite` as the
//! asynchronous columns.

use std::{io::IoSlice, sync::Arc, time::Duration};

use ::tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use ::websocket_proto::{Accept, ClientRequest, Connection, Event, OriginPolicy, Prepared, Timestamp};
use bytes::{Buf, BytesMut};

use super::super::{
    About, Answering, Compression, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving,
};
use super::{CONFIG, Compressing, SEED, open, owner, seen};
use crate::transport::{Transport, block_on};

/// How much to read at once: a frame of 16 KiB with its header, as the tokio adapter does.
const READ: usize = 16 * 1024 + 14;

/// And after a read that brought so much, or filled the buffer.
const LARGE_READ: usize = 64 * 1024 + 14;

/// One over this of a buffer may be used up before it is wound back, which is not needed for every read.
const USED_UP: usize = 8;

/// How many slices one write takes.
const SLICES: usize = 16;

/// How far the clock moves between reads. The machine is told the time; reading a clock is not part of the figure.
const TICK: Duration = Duration::from_micros(1);

pub(crate) struct Core;

/// What the owner of a machine has: the transport, a buffer, and the time.
struct Owner {
    io: Transport,
    connection: Connection,
    input: BytesMut,
    /// The last read brought much.
    reads_much: bool,
    now: Timestamp,
}

impl Owner {
    fn new(io: Transport, connection: Connection) -> Self {
        Self { io, connection, input: BytesMut::new(), reads_much: false, now: Timestamp::default() }
    }

    async fn read(&mut self) -> Outcome {
        let size = if self.reads_much { LARGE_READ } else { READ };
        let is_lent = self.connection.lend_room(&mut self.input);
        if !is_lent
            && self.input.capacity() - self.input.len() < size - size / USED_UP
            && !self.input.try_reclaim(size)
        {
            if self.input.is_empty() {
                // What is left of a buffer is not worth enlarging.
                self.input = BytesMut::new();
            }
            self.input.reserve(size);
        }
        if !self.connection.wants_read() || self.io.read_buf(&mut self.input).await? == 0 {
            return Err("the connection has ended".into());
        }
        if !is_lent {
            self.reads_much = self.input.len() == self.input.capacity() || self.input.len() >= READ;
        }
        self.now = self.now.saturating_add(TICK);
        Ok(())
    }

    async fn write(&mut self) -> Outcome {
        while self.connection.wants_write() {
            let mut output = self.connection.output(self.now);
            let first = output.chunk();
            let count = if first.len() == output.remaining() {
                self.io.write(first).await?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let filled = output.chunks_vectored(&mut slices);
                self.io.write_vectored(&slices[..filled]).await?
            };
            if count == 0 {
                break;
            }
            output.advance(count);
        }
        Ok(())
    }

    /// What was read is answered in one write.
    async fn echo(&mut self, count: usize) -> Outcome {
        let mut received = 0;
        while received < count {
            match self.connection.poll_event(&mut self.input, self.now) {
                Some(Event::Message(message)) => {
                    self.connection.send(message)?;
                    received += 1;
                }
                Some(other) => return Err(unexpected(&other)),
                None => {
                    self.write().await?;
                    self.read().await?;
                }
            }
        }
        self.write().await
    }
}

#[cold]
fn unexpected(event: &Event) -> Failure {
    format!("unexpected: {event:?}").into()
}

impl Peer for Core {
    fn about(&self) -> About {
        About { name: "ours-core", package: "websocket-proto", shape: Shape::Machine, lacks: None }
    }

    fn receive(&self, io: Transport, count: usize, each: Each<'_>) -> Outcome {
        block_on(async {
            let mut owner = Owner::new(io, open(Role::Server, &Arc::default()));
            let mut received = 0;
            while received < count {
                match owner.connection.poll_event(&mut owner.input, owner.now) {
                    Some(Event::Message(message)) => {
                        each(seen(&message));
                        received += 1;
                    }
                    Some(other) => return Err(unexpected(&other)),
                    None => owner.read().await?,
                }
            }
            Ok(())
        })
    }

    fn send(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let config = Arc::default();
            let mut owners: Vec<_> =
                ios.into_iter().map(|io| Owner::new(io, open(sending.role, &config))).collect();
            for index in 0..sending.count {
                for owner in &mut owners {
                    owner.connection.send(sending.payload.clone())?;
                    if sending.flushes_after(index) {
                        owner.now = owner.now.saturating_add(TICK);
                        owner.write().await?;
                    }
                }
            }
            Ok(())
        })
    }

    fn send_prepared(&self, ios: Vec<Transport>, sending: &Sending) -> Outcome {
        block_on(async {
            let config = Arc::default();
            let mut owners: Vec<_> =
                ios.into_iter().map(|io| Owner::new(io, open(sending.role, &config))).collect();
            for _ in 0..sending.count {
                let prepared = Prepared::new(sending.payload.clone());
                for owner in &mut owners {
                    owner.connection.send_prepared(&prepared)?;
                    owner.now = owner.now.saturating_add(TICK);
                    owner.write().await?;
                }
            }
            Ok(())
        })
    }

    fn accept(&self, io: Transport) -> Outcome {
        block_on(async {
            let now = Timestamp::default();
            let mut owner = Owner::new(io, Connection::server(Arc::default(), SEED, now));
            loop {
                match owner.connection.poll_event(&mut owner.input, owner.now) {
                    Some(Event::Request(_)) => break,
                    Some(other) => return Err(unexpected(&other)),
                    None => owner.read().await?,
                }
            }
            owner.connection.accept(&Accept::new(OriginPolicy::SameHost), owner.now)?;
            owner.write().await
        })
    }

    fn connect(&self, io: Transport) -> Outcome {
        block_on(async {
            let request = ClientRequest::new("example.com", "/chat")?;
            let now = Timestamp::default();
            let mut owner = Owner::new(io, Connection::client(&request, Arc::default(), SEED, now));
            owner.write().await?;
            loop {
                match owner.connection.poll_event(&mut owner.input, owner.now) {
                    Some(Event::Open(_)) => return Ok(()),
                    Some(other) => return Err(unexpected(&other)),
                    None => owner.read().await?,
                }
            }
        })
    }

    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(Owner::new(io, open(Role::Server, &Arc::default())).echo(count))
    }

    fn echo_compressed(&self, io: Transport, count: usize, compression: Compression) -> Outcome {
        block_on(Owner::new(io, Compressing::new(compression)?.open()).echo(count))
    }

    fn hold_compressed(
        &self,
        ios: Vec<Transport>,
        compression: Compression,
        idle: &mut dyn FnMut(),
    ) -> Outcome {
        let compressing = Compressing::new(compression)?;
        let mut owners = Vec::new();
        for io in ios {
            let mut owner = Owner::new(io, compressing.open());
            block_on(owner.echo(1))?;
            // An idle connection needs no buffer: the next one takes it over, as in `owner.rs`.
            owner.input = BytesMut::new();
            owners.push(owner);
        }
        idle();
        Ok(())
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Batched]
    }

    /// What was read is answered in one write.
    fn serve(&self, io: TcpStream, _: Answering) -> Result<usize, Failure> {
        let mut owner = owner::Owner::new(io, open(Role::Server, &CONFIG));
        serving::spawn(async move { owner.echo().await })
    }
}
