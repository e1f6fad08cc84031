//! What columns do whose socket is a `Stream` and a `Sink`: the same loops for all of them. Servers over TCP are in
//! `serving.rs`.

use bytes::Bytes;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

use super::{Each, Failure, Outcome, Received, Sending};
use crate::transport::block_on;

/// The next message; that there is none is a failure.
pub(super) async fn next<S, M, E>(socket: &mut S) -> Result<M, Failure>
where
    S: Stream<Item = Result<M, E>> + Unpin,
    Failure: From<E>,
{
    Ok(socket.next().await.ok_or("the stream ended")??)
}

/// Receives `count` messages, and gives each to `each` as `seen` sees it.
pub(super) async fn receive<S, M, E>(
    mut socket: S,
    count: usize,
    each: Each<'_>,
    seen: impl Fn(&M) -> Result<Received<'_>, Failure>,
) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Unpin,
    Failure: From<E>,
{
    for _ in 0..count {
        each(seen(&next(&mut socket).await?)?);
    }
    Ok(())
}

/// Sends on all sockets in turn; `message` makes a binary message.
pub(super) fn send<S, M>(
    sockets: impl Iterator<Item = Result<S, Failure>>,
    sending: &Sending,
    message: impl Fn(Bytes) -> M,
) -> Outcome
where
    S: Sink<M> + Unpin,
    Failure: From<S::Error>,
{
    block_on(async {
        let mut sockets = sockets.collect::<Result<Vec<_>, _>>()?;
        for index in 0..sending.count {
            for socket in &mut sockets {
                socket.feed(message(sending.payload.clone())).await?;
                if sending.flushes_after(index) {
                    socket.flush().await?;
                }
            }
        }
        Ok(())
    })
}

/// Sends back `count` messages; flushes after every `per_flush` of them, and at the end.
pub(super) async fn echo<S, M, E>(mut socket: S, count: usize, per_flush: usize) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    Failure: From<E>,
{
    for index in 0..count {
        let message = next(&mut socket).await?;
        socket.feed(message).await?;
        if (index + 1).is_multiple_of(per_flush) {
            socket.flush().await?;
        }
    }
    Ok(socket.flush().await?)
}

/// Sends back one message on each socket, and calls `idle` when all of them wait for the next one.
pub(super) fn hold<S, M, E>(
    sockets: impl Iterator<Item = Result<S, Failure>>,
    idle: &mut dyn FnMut(),
) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    Failure: From<E>,
{
    let mut held = Vec::new();
    for socket in sockets {
        let mut socket = socket?;
        block_on(async {
            let message = next(&mut socket).await?;
            Ok(socket.send(message).await?)
        })?;
        if socket.next().now_or_never().is_some() {
            return Err("it does not wait".into());
        }
        held.push(socket);
    }
    idle();
    Ok(())
}
