//! Echoes of compressed messages, for columns that are a `Stream` and a `Sink`.

use std::fmt::Display;

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

use super::{Failure, Outcome};
use crate::transport::block_on;

/// Sends back `count` messages, each flushed.
pub(super) async fn echo<S, M, E>(socket: &mut S, count: usize) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    E: Display,
{
    for _ in 0..count {
        let message = socket.next().await.ok_or("the stream ended")?;
        let message = message.map_err(|error| error.to_string())?;
        socket.send(message).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Sends back one message on each socket, and calls `idle` when all of them wait for the next one.
pub(super) fn hold<S, M, E>(
    sockets: impl Iterator<Item = Result<S, Failure>>,
    idle: &mut dyn FnMut(),
) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    E: Display,
{
    let mut held = Vec::new();
    for socket in sockets {
        let mut socket = socket?;
        block_on(echo(&mut socket, 1))?;
        if socket.next().now_or_never().is_some() {
            return Err("it does not wait".into());
        }
        held.push(socket);
    }
    idle();
    Ok(())
}
