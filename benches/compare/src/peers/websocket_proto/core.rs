//! The state machine, driven as a task of its owner's would drive it, through the same `AsyncRead` and `AsyncWrite` as the
//! asynchronous columns.

use std::{sync::Arc, time::Duration};

use ::tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use ::websocket_proto::{Accept, ClientRequest, Connection, Event, Message, OriginPolicy, Timestamp};
use bytes::{Buf, BytesMut};

use super::super::{About, Answering, Each, Failure, Outcome, Peer, Role, Sending, Shape, serving};
use super::{CONFIG, SEED, open, owner, seen};
use crate::transport::{Transport, block_on};

/// The input buffer.
const BUFFER: usize = 16 * 1024;

/// The least room in it before a read. Less than all of it, so that the buffer is wound back once in a while and not for
/// every read.
const ROOM: usize = BUFFER / 2;

/// How far the clock moves between reads. The machine is told the time; reading a clock is not part of the figure.
const TICK: Duration = Duration::from_micros(1);

pub(crate) struct Core;

/// What the owner of a machine has: the transport, a buffer, and the time.
struct Owner {
    io: Transport,
    connection: Connection,
    input: BytesMut,
    now: Timestamp,
}

impl Owner {
    fn new(io: Transport, connection: Connection) -> Self {
        Self { io, connection, input: BytesMut::new(), now: Timestamp::default() }
    }

    /// The next message, if what was read holds one.
    fn next(&mut self) -> Result<Option<Message>, Failure> {
        match self.connection.poll_event(&mut self.input, self.now) {
            Some(Event::Message(message)) => Ok(Some(message)),
            Some(other) => Err(format!("unexpected: {other:?}").into()),
            None => Ok(None),
        }
    }

    async fn read(&mut self) -> Outcome {
        if self.input.capacity() - self.input.len() < ROOM {
            self.input.reserve(BUFFER);
        }
        if !self.connection.wants_read() || self.io.read_buf(&mut self.input).await? == 0 {
            return Err("the connection has ended".into());
        }
        self.now = self.now.saturating_add(TICK);
        Ok(())
    }

    async fn write(&mut self) -> Outcome {
        loop {
            let mut output = self.connection.output(self.now);
            if !output.has_remaining() {
                return Ok(());
            }
            self.io.write_buf(&mut output).await?;
        }
    }
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
                match owner.next()? {
                    Some(message) => {
                        each(seen(&message));
                        received += 1;
                    }
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

    fn accept(&self, io: Transport) -> Outcome {
        block_on(async {
            let now = Timestamp::default();
            let mut owner = Owner::new(io, Connection::server(Arc::default(), SEED, now));
            loop {
                match owner.connection.poll_event(&mut owner.input, owner.now) {
                    Some(Event::Request(_)) => break,
                    Some(other) => return Err(format!("unexpected: {other:?}").into()),
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
                    Some(other) => return Err(format!("unexpected: {other:?}").into()),
                    None => owner.read().await?,
                }
            }
        })
    }

    /// What was read is answered in one write.
    fn echo(&self, io: Transport, count: usize, _per_flush: usize) -> Outcome {
        block_on(async {
            let mut owner = Owner::new(io, open(Role::Server, &Arc::default()));
            let mut received = 0;
            while received < count {
                match owner.next()? {
                    Some(message) => {
                        owner.connection.send(message)?;
                        received += 1;
                    }
                    None => {
                        owner.write().await?;
                        owner.read().await?;
                    }
                }
            }
            owner.write().await
        })
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
