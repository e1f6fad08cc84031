//! `Stream` and `Sink`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead, AsyncWrite};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::WebSocketStream;
use super::wakers::Task;
use crate::adapter::Error;
use crate::close::{CloseCode, CloseFrame};
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
        loop {
            match ready!(this.poll_next_event(cx)) {
                Some(Event::Message(message)) => return Poll::Ready(Some(Ok(message))),
                Some(Event::Closed(close)) if !close.was_clean() => {
                    return Poll::Ready(Some(Err(Error::Closed(close))));
                }
                Some(Event::Closed(_)) | None => return Poll::Ready(None),
                Some(_) => {}
            }
        }
    }
}

impl<S> FusedStream for WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn is_terminated(&self) -> bool {
        self.close_was_told
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
        if this.connection.state() == State::Open && this.connection.send_capacity() == 0 {
            let _ = this.poll_progress(Task::Writer, cx);
        }
        match this.connection.state() {
            State::Open if this.connection.send_capacity() > 0 => Poll::Ready(Ok(())),
            State::Open | State::Connecting => Poll::Pending,
            State::Closing | State::Closed => Poll::Ready(Err(this.ended())),
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        // A full queue was the caller's to wait for; the message still counts, as it does for other sinks.
        match this.connection.send(message) {
            Ok(()) => Ok(()),
            Err(_) => Err(this.ended()),
        }
    }

    /// Ready once everything that was accepted is written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let _ = this.poll_progress(Task::Writer, cx);
        if this.connection.stats().messages_dropped > 0 {
            Poll::Ready(Err(this.ended()))
        } else if this.connection.buffered() == 0 {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Closes with 1000 and drives the connection to its end.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let now = this.now();
        this.connection.close(CloseFrame::known(CloseCode::NORMAL, ""), now);
        let close = ready!(this.poll_end(cx));
        Poll::Ready(if close.was_clean() { Ok(()) } else { Err(Error::Closed(close)) })
    }
}
