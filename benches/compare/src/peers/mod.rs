//! The columns of the table: one file for one crate, each set up as its documentation says, with its defaults unless
//! the file gives a reason.

#[cfg(feature = "peers")]
mod fastwebsockets;
mod raw_tcp;
mod serving;
#[cfg(feature = "peers")]
mod sockudo_ws;
mod streaming;
#[cfg(feature = "peers")]
mod tokio_tungstenite;
#[cfg(feature = "peers")]
mod tokio_websockets;
#[cfg(feature = "peers")]
mod tungstenite;
#[cfg(feature = "peers")]
mod web_socket;
mod websocket_proto;
#[cfg(feature = "peers")]
mod websocket_sans_io;
#[cfg(feature = "peers")]
mod wtx;
#[cfg(feature = "peers")]
mod yawc;
mod zlib_rs;

use std::{error::Error, fmt};

use bytes::Bytes;
use tokio::net::TcpStream;

use crate::transport::Transport;

pub(crate) use serving::Answering;
pub(crate) use zlib_rs::TAIL;

/// What went wrong in a column; `NotOffered` if nothing did.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

pub(crate) type Outcome = Result<(), Failure>;

/// The crate does not do this kind of work, or this file does not show it.
#[derive(Debug)]
pub(crate) struct NotOffered;

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not offered")
    }
}

impl Error for NotOffered {}

/// The two kinds of message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// A message as the callback sees it, a text checked to be UTF-8. The column drops its own message when the callback
/// returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Received<'a> {
    pub(crate) kind: Kind,
    pub(crate) payload: &'a [u8],
}

impl<'a> Received<'a> {
    pub(crate) fn text(payload: &'a [u8]) -> Self {
        Self { kind: Kind::Text, payload }
    }

    pub(crate) fn binary(payload: &'a [u8]) -> Self {
        Self { kind: Kind::Binary, payload }
    }
}

pub(crate) type Each<'a> = &'a mut dyn FnMut(Received<'_>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// The same binary message, sent over and over.
pub(crate) struct Sending {
    pub(crate) role: Role,
    pub(crate) payload: Bytes,
    /// How many times, on each transport.
    pub(crate) count: usize,
    /// How many messages share a flush.
    pub(crate) per_flush: usize,
}

impl Sending {
    /// Whether to flush after message number `index`, counted from 0.
    pub(crate) fn flushes_after(&self, index: usize) -> bool {
        (index + 1).is_multiple_of(self.per_flush) || index + 1 == self.count
    }
}

/// What was agreed on for permessage-deflate, in both directions, and how hard to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression {
    pub(crate) level: u8,
    /// Messages refer to earlier ones.
    pub(crate) takeover: bool,
    /// The window of what is sent, as the base-2 logarithm of a number of bytes.
    pub(crate) window_bits: u8,
}

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A state machine: the loop around it is written here.
    Machine,
    /// A socket over `Read + Write`.
    Blocking,
    /// A socket over `AsyncRead + AsyncWrite`.
    Async,
}

/// What is said of a column.
#[derive(Clone, Copy)]
pub(crate) struct About {
    /// What `--peer` takes and what heads the column.
    pub(crate) name: &'static str,
    /// The package whose version in Cargo.lock is that of the column.
    pub(crate) package: &'static str,
    pub(crate) shape: Shape,
    /// What of a WebSocket endpoint it leaves to its user. Such a column is shown, and no target is held against it.
    pub(crate) lacks: Option<&'static str>,
}

/// One column: a crate in one configuration. What it does not offer it leaves out.
pub(crate) trait Peer: Sync {
    fn about(&self) -> About;

    /// In the server's role: receives `count` messages and gives each to `each`.
    fn receive(&self, _io: Transport, _count: usize, _each: Each<'_>) -> Outcome {
        Err(NotOffered.into())
    }

    /// Sends on all transports in turn.
    fn send(&self, _ios: Vec<Transport>, _sending: &Sending) -> Outcome {
        Err(NotOffered.into())
    }

    /// Sends on all transports in turn what was made ready once for all of them.
    fn send_prepared(&self, _ios: Vec<Transport>, _sending: &Sending) -> Outcome {
        Err(NotOffered.into())
    }

    /// A server's side of one opening handshake; the request is all there. The socket is dropped.
    fn accept(&self, _io: Transport) -> Outcome {
        Err(NotOffered.into())
    }

    /// A client's side of one opening handshake: `GET /chat` from `example.com`. The socket is dropped.
    fn connect(&self, _io: Transport) -> Outcome {
        Err(NotOffered.into())
    }

    /// In the server's role: sends back `count` messages. `per_flush` of them come in one read, and their answers may leave
    /// in one write.
    fn echo(&self, _io: Transport, _count: usize, _per_flush: usize) -> Outcome {
        Err(NotOffered.into())
    }

    /// In the server's role: sends back `count` messages, compressed as they came. One comes in a read.
    fn echo_compressed(&self, _io: Transport, _count: usize, _compression: Compression) -> Outcome {
        Err(NotOffered.into())
    }

    /// The same with one message on each transport, one after the other; calls `idle` while all of them wait for the next.
    fn hold_compressed(
        &self,
        _ios: Vec<Transport>,
        _compression: Compression,
        _idle: &mut dyn FnMut(),
    ) -> Outcome {
        Err(NotOffered.into())
    }

    /// The loops that `serve` has, the one that its documentation shows first.
    fn answers(&self) -> &'static [Answering] {
        &[]
    }

    /// Starts a task that echoes on an open connection; says how many bytes its future has.
    fn serve(&self, _io: TcpStream, _answering: Answering) -> Result<usize, Failure> {
        Err(NotOffered.into())
    }
}

/// The column that the works with real sockets are measured against.
pub(crate) const RAW_TCP: &dyn Peer = &raw_tcp::RawTcp;

/// The column that the works with compression are measured against.
pub(crate) const LIBRARY: &dyn Peer = &zlib_rs::ZlibRs;

/// All columns, in their order.
pub(crate) const PEERS: &[&dyn Peer] = &[
    &websocket_proto::core::Core,
    &websocket_proto::tokio::Tokio,
    #[cfg(feature = "peers")]
    &tungstenite::DEFAULT,
    #[cfg(feature = "peers")]
    &tungstenite::SMALL_BUFFER,
    #[cfg(feature = "peers")]
    &tokio_tungstenite::DEFAULT,
    #[cfg(feature = "peers")]
    &tokio_tungstenite::SMALL_BUFFER,
    #[cfg(feature = "peers")]
    &tokio_websockets::TokioWebsockets,
    #[cfg(feature = "peers")]
    &fastwebsockets::Fastwebsockets,
    #[cfg(feature = "peers")]
    &sockudo_ws::protocol::Inner,
    #[cfg(feature = "peers")]
    &sockudo_ws::stream::Stream,
    #[cfg(feature = "peers")]
    &yawc::Yawc,
    #[cfg(feature = "peers")]
    &wtx::Wtx,
    #[cfg(feature = "peers")]
    &web_socket::WebSocket,
    #[cfg(feature = "peers")]
    &websocket_sans_io::WebsocketSansIo,
];
