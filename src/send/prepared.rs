//! A message that many connections send.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::backlog::Piece;
#[cfg(feature = "deflate")]
use crate::config::Deflate;
use crate::deflate::Deflater;
use crate::message::Message;
use crate::wire::header::{self, Header, Opcode};

/// A message that is framed once, to be sent to many: [`Connection::send_prepared`](crate::Connection::send_prepared).
///
/// Servers all send the same bytes, which this holds: they are shared and not copied for each connection. A client must mask
/// each message with a key of its own (RFC 6455 §5.3), so it sends a copy, as it does of any message. Cloning is cheap.
///
/// ```
/// use std::sync::Arc;
/// use bytes::Buf;
/// use websocket_proto::{Agreement, Config, Connection, Prepared, Role, Timestamp};
///
/// let (config, now) = (Arc::new(Config::default()), Timestamp::default());
/// let open = |seed| Connection::upgraded(Role::Server, Agreement::default(), config.clone(), seed, now);
/// let mut everybody = [open([1; 32]), open([2; 32])];
///
/// let news = Prepared::new("it rains");
/// for connection in &mut everybody {
///     connection.send_prepared(&news)?;
///     assert_eq!(connection.output(now).chunk(), b"\x81\x08it rains");
/// }
/// # Ok::<(), websocket_proto::SendError<()>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    plain: Framed,
    /// The same once more, compressed by itself, with the window that it takes.
    compressed: Option<(Framed, u8)>,
}

/// A message in one frame that is not masked.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Framed {
    opcode: Opcode,
    pub(super) frame: Bytes,
    header_len: usize,
}

impl Prepared {
    /// Frames a message. It is sent as it is, also where compression was agreed on.
    #[must_use]
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        Self { plain: Framed::new(Opcode::of(message.kind()), message.payload()), compressed: None }
    }

    /// Frames a message, and compresses it as `policy` says, if it gets smaller by that: once for all connections that agreed to
    /// compression (RFC 7692) with a window of this size or a larger one. Others send it as it is.
    ///
    /// With context takeover the connection's own messages after it refer to none before it, so that the first of them gets less
    /// small: a connection's context has not seen what was compressed without it.
    ///
    /// ```
    /// use websocket_proto::{Deflate, Prepared};
    ///
    /// let news = Prepared::compressed("it rains cats and dogs. ".repeat(100), &Deflate::default());
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn compressed(message: impl Into<Message>, policy: &Deflate) -> Self {
        let message = message.into();
        let mut deflater = Deflater::alone(policy);
        let payload = deflater.compress(message.payload());
        let framed = payload.map(|payload| Framed::new(Opcode::compressed(message.kind()), &payload));
        Self { compressed: framed.map(|framed| (framed, deflater.window_bits())), ..Self::new(message) }
    }

    /// What a connection with this compressor sends.
    pub(super) fn framed(&self, deflater: Option<&mut Deflater>) -> &Framed {
        if let Some((framed, window_bits)) = &self.compressed
            && deflater.is_some_and(|deflater| deflater.takes_prepared(*window_bits))
        {
            return framed;
        }
        &self.plain
    }
}

impl Framed {
    fn new(opcode: Opcode, payload: &[u8]) -> Self {
        let mut frame = Vec::with_capacity(payload.len().saturating_add(header::MAX_LEN));
        Header { fin: true, opcode, mask: None, payload_len: payload.len() as u64 }.write(&mut frame);
        let header_len = frame.len();
        frame.extend_from_slice(payload);
        Self { opcode, frame: frame.into(), header_len }
    }

    /// As a message that waits like any other.
    pub(super) fn piece(&self) -> Piece {
        Piece { opcode: self.opcode, payload: self.frame.slice(self.header_len..), last: true }
    }
}

/// Its length. What it says may be secret.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("len", &self.plain.frame.len()).finish_non_exhaustive()
    }
}
