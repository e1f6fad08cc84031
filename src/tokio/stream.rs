//! `Stream` and `Sink`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead, AsyncWrite};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::WebSocketStream;
use super::drive::MAX_ROUNDS;
use crate::adapter::{Error, Goal};
use crate::close::{CloseCode, CloseFrame};
use crate::error::SendError;
use crate::event::Event;
use crate::message::Message;
use crate::state::State;

impl<S> Stream for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        for _ in 0..MAX_ROUNDS {
            match ready!(this.poll_next_event(cx)) {
                Some(Event::Message(message)) => return Poll::Ready(Some(Ok(message))),
                Some(Event::Chunk(_)) => return Poll::Ready(Some(Err(Error::Chunked))),
                Some(Event::Closed(close)) if !close.was_clean() => {
                    return Poll::Ready(Some(Err(Error::Closed(close))));
                }
                Some(Event::Closed(_)) | None => return Poll::Ready(None),
                // The application has not seen it, and taken no time over it.
                Some(_) => this.trusted = this.trusted.saturating_add(1),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S> FusedStream for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn is_terminated(&self) -> bool {
        self.driver.close_was_told
    }
}

impl<S> Sink<Message> for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Error = Error;

    /// Ready while less than [`Config::output_high_water`](crate::Config::output_high_water) is queued.
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        ready!(this.poll_until(Goal::Capacity, cx));
        Poll::Ready(if this.state() == State::Open { Ok(()) } else { Err(this.driver.ended()) })
    }

    /// Queues the message. While one that is sent in chunks is not finished, this refuses it with [`Error::Unfinished`], though
    /// there was room.
    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        match (this.driver.connection.send(message), &mut this.queue) {
            (Ok(()), _) => Ok(()),
            // Since this one was promised room, another task's message took it.
            (Err(SendError::Full(message)), Some(queue)) => queue.hold(message),
            (Err(error), _) => Err(this.driver.refused(error)),
        }
    }

    /// Ready once everything that was accepted is written, and the transport holds none of it back.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        ready!(this.poll_until(Goal::Flushed, cx));
        Poll::Ready(this.flushed())
    }

    /// Closes with 1000 and drives the connection to its end. Messages that still arrive wait for whoever reads; what does
    /// not fit in 64 KiB is dropped, lest they keep the end waiting.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.begin_closing(CloseFrame::known(CloseCode::NORMAL, "").into());
        ready!(this.poll_until(Goal::Close, cx));
        match &this.driver.close_event {
            Some(close) if close.was_clean() => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(this.driver.ended())),
        }
    }
}
