//! Pieces of a message that need not fit in memory.

use super::Message;

/// A piece of a message: as received with [`Delivery::Chunks`](crate::Delivery::Chunks), or to be sent by
/// [`Connection::send_chunk`](crate::Connection::send_chunk).
///
/// The pieces of one message are of one kind, and what makes up the message is all of them in order. Where a piece ends says
/// nothing, as where a frame ends says nothing (RFC 6455 §5.4); but a piece of text ends where a character does.
///
/// ```
/// use websocket_proto::{Chunk, Message};
///
/// let begin = Chunk::more("once upon ");
/// let end = Chunk::last("a time");
/// assert!(end.is_last && !begin.is_last);
/// assert_eq!(end.piece, Message::from("a time"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Chunk {
    /// What it carries, possibly nothing.
    pub piece: Message,
    /// Whether the message ends with it.
    pub is_last: bool,
}

impl Chunk {
    /// A piece that more of the message follows.
    #[must_use]
    pub fn more(piece: impl Into<Message>) -> Self {
        Self { piece: piece.into(), is_last: false }
    }

    /// The piece that ends its message.
    #[must_use]
    pub fn last(piece: impl Into<Message>) -> Self {
        Self { piece: piece.into(), is_last: true }
    }
}
