//! websocket-proto: the state machine itself, driven as a tokio task would drive it by hand, through the same
//! `AsyncRead` as the asynchronous columns.
//!
//! Features: the default ones, and `simd`, as an application that cares for speed would set them.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use websocket_proto::{Agreement, Config, Connection, Event, Message, Role, Timestamp};

use super::{Failure, Peer, Received};
use crate::transport::{Transport, block_on};

/// The input buffer.
const BUFFER: usize = 16 * 1024;

/// The least room in it before a read. Less than all of it, so that the buffer is wound back once in a while and not for
/// every read.
const ROOM: usize = BUFFER / 2;

/// How far the clock moves between reads. The machine is told the time; reading a clock is not part of the figure.
const TICK: Duration = Duration::from_micros(1);

pub(crate) struct WebsocketProto;

impl Peer for WebsocketProto {
    fn name(&self) -> &'static str {
        "websocket-proto"
    }

    fn package(&self) -> &'static str {
        "websocket-proto"
    }

    fn receive(
        &self,
        mut transport: Transport<'_>,
        count: usize,
        each: &mut dyn FnMut(Received<'_>),
    ) -> Result<(), Failure> {
        block_on(async {
            let mut now = Timestamp::from_nanos(0);
            let config = Arc::new(Config::default());
            let mut connection =
                Connection::upgraded(Role::Server, Agreement::default(), config, [0; 32], now);
            let mut input = BytesMut::with_capacity(BUFFER);
            let mut received = 0;
            while received < count {
                match connection.poll_event(&mut input, now) {
                    Some(Event::Message(message)) => {
                        match &message {
                            Message::Text(text) => each(Received::Text(text.as_str())),
                            Message::Binary(payload) => each(Received::Binary(payload)),
                        }
                        received += 1;
                    }
                    Some(other) => return Err(format!("unexpected: {other:?}").into()),
                    None => {
                        input.reserve(ROOM);
                        transport.read_buf(&mut input).await?;
                        now = now.saturating_add(TICK);
                    }
                }
            }
            Ok(())
        })
    }
}
