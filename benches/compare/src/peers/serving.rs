//! Echo servers on tokio, for the works that need real sockets. A connection begins behind its opening handshake.

use std::fmt::Display;

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

use super::{Failure, Outcome};

/// How a server's loop answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answering {
    /// Each message is sent back and flushed before the next one is read.
    Each,
    /// The answers to what has arrived together leave together.
    Batched,
}

/// Starts the task of a connection; says how many bytes its future has.
pub(super) fn spawn(task: impl Future<Output = Outcome> + Send + 'static) -> Result<usize, Failure> {
    let size = size_of_val(&task);
    tokio::spawn(task);
    Ok(size)
}

/// Starts the task of a connection whose socket is a `Stream` and a `Sink`.
pub(super) fn echo<S, M, E>(socket: S, answering: Answering) -> Result<usize, Failure>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin + Send + 'static,
    M: Send + 'static,
    E: Display + Send + 'static,
{
    match answering {
        Answering::Each => spawn(send_each(socket)),
        Answering::Batched => spawn(feed_and_flush(socket)),
    }
}

/// The loop that a README shows.
pub(super) async fn send_each<S, M, E>(mut socket: S) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    E: Display,
{
    while let Some(message) = socket.next().await {
        let message = message.map_err(|error| error.to_string())?;
        socket.send(message).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Feeds answers as long as there are messages without waiting, then flushes.
pub(super) async fn feed_and_flush<S, M, E>(mut socket: S) -> Outcome
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    E: Display,
{
    let mut next = socket.next().await;
    while let Some(message) = next {
        let message = message.map_err(|error| error.to_string())?;
        socket.feed(message).await.map_err(|error| error.to_string())?;
        next = match socket.next().now_or_never() {
            Some(next) => next,
            None => {
                socket.flush().await.map_err(|error| error.to_string())?;
                socket.next().await
            }
        };
    }
    Ok(())
}
