//! A message that many connections send.

use core::fmt;

use bytes::{Bytes, BytesMut};

use super::backlog::Piece;
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
    opcode: Opcode,
    /// The message in one frame that is not masked.
    frame: Bytes,
    header_len: usize,
}

impl Prepared {
    /// Frames a message.
    #[must_use]
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        let opcode = Opcode::of(message.kind());
        let mut frame = BytesMut::with_capacity(message.len().saturating_add(header::MAX_LEN));
        Header { fin: true, opcode, mask: None, payload_len: message.len() as u64 }.write(&mut frame);
        let header_len = frame.len();
        frame.extend_from_slice(message.payload());
        Self { opcode, frame: frame.freeze(), header_len }
    }

    pub(super) fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// As a message that waits like any other.
    pub(super) fn piece(&self) -> Piece {
        Piece { opcode: self.opcode, payload: self.frame.slice(self.header_len..), last: true }
    }
}

/// Its length. What it says may be secret.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("len", &self.frame.len()).finish_non_exhaustive()
    }
}
