//! The socket, whole or in halves, with all that may be waited for in one form.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use websocket_proto::tokio::{MessageSender, ReadHalf, WebSocketStream, WriteHalf};
use websocket_proto::{CloseEvent, CloseFrame, Error, Event, Message, SendError, State, Stats};

use super::script::Wish;
use super::scripted::Scripted;

#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(super) enum Socket {
    Whole(WebSocketStream<Scripted>),
    Halves(ReadHalf<Scripted>, WriteHalf<Scripted>),
}

/// What came of a poll that is over.
#[derive(Debug)]
pub(super) enum News {
    Message(Message),
    /// A Ping or Pong.
    Control,
    /// The end, to whoever reads.
    End(CloseEvent),
    /// Nothing, after the end or in its place.
    Nothing,
    Done(Result<(), Error>),
    /// The end, to whoever waited for it.
    Closed(CloseEvent),
}

macro_rules! reader {
    ($socket:expr, $half:ident => $do:expr) => {
        match $socket {
            Socket::Whole($half) => $do,
            Socket::Halves($half, _) => $do,
        }
    };
}

macro_rules! writer {
    ($socket:expr, $half:ident => $do:expr) => {
        match $socket {
            Socket::Whole($half) => $do,
            Socket::Halves(_, $half) => $do,
        }
    };
}

/// Polls a future once, and drops it.
fn once<T>(future: impl Future<Output = T>, cx: &mut Context<'_>) -> Poll<T> {
    pin!(future).poll(cx)
}

impl Socket {
    pub(super) fn new(socket: WebSocketStream<Scripted>, in_halves: bool) -> Self {
        if in_halves {
            let (reader, writer) = socket.into_split();
            Self::Halves(reader, writer)
        } else {
            Self::Whole(socket)
        }
    }

    pub(super) fn poll(&mut self, wish: Wish, cx: &mut Context<'_>) -> Poll<News> {
        match wish {
            Wish::Next => reader!(self, half => Pin::new(half).poll_next(cx)).map(|item| match item {
                Some(Ok(message)) => News::Message(message),
                Some(Err(Error::Closed(close))) => News::End(close),
                Some(Err(error)) => panic!("{error}"),
                None => News::Nothing,
            }),
            Wish::NextEvent => reader!(self, half => once(half.next_event(), cx)).map(|event| match event {
                Some(Event::Message(message)) => News::Message(message),
                Some(Event::Ping(_) | Event::Pong { .. }) => News::Control,
                Some(Event::Closed(close)) => News::End(close),
                Some(event) => panic!("{event:?}"),
                None => News::Nothing,
            }),
            Wish::Ready => writer!(self, half => Pin::new(half).poll_ready(cx)).map(News::Done),
            Wish::Flush => writer!(self, half => Pin::new(half).poll_flush(cx)).map(News::Done),
            Wish::Drive => writer!(self, half => once(half.drive(), cx)).map(News::Closed),
            Wish::Close => {
                let frame = CloseFrame::new(4000, "enough").ok();
                writer!(self, half => once(half.close(frame), cx)).map(News::Closed)
            }
            Wish::SinkClose => writer!(self, half => Pin::new(half).poll_close(cx)).map(News::Done),
        }
    }

    pub(super) fn start_send(&mut self, message: Message) -> Result<(), Error> {
        writer!(self, half => Pin::new(half).start_send(message))
    }

    pub(super) fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        writer!(self, half => half.ping(payload))
    }

    /// As another task does.
    pub(super) fn try_send(&mut self, message: Message) -> Result<(), SendError<Message>> {
        let sender: MessageSender = writer!(self, half => half.sender());
        sender.try_send(message)
    }

    pub(super) fn stats(&self) -> Stats {
        writer!(self, half => half.stats())
    }

    pub(super) fn state(&self) -> State {
        writer!(self, half => half.state())
    }

    pub(super) fn close_event(&self) -> Option<CloseEvent> {
        match self {
            Self::Whole(socket) => socket.close_event().cloned(),
            Self::Halves(reader, _) => reader.close_event(),
        }
    }

    /// Takes it apart and puts it together again, if it has not ended.
    pub(super) fn take_apart(self) -> Option<Self> {
        match self {
            Self::Whole(socket) => {
                let parts = socket.into_parts()?;
                Some(Self::Whole(WebSocketStream::from_parts(parts)))
            }
            halves @ Self::Halves(..) => Some(halves),
        }
    }
}
