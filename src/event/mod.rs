//! What a connection tells its owner.

mod cause;
mod close_event;
mod endings;

use core::time::Duration;

use bytes::Bytes;

use crate::message::{Chunk, Message};
use crate::upgrade::{HttpRequest, Request, Response};

pub use cause::{Cause, Side, StreamPosition};
pub use close_event::CloseEvent;
pub(crate) use close_event::Ending;
pub use endings::Endings;

/// What happened, one at a time, from [`Connection::poll_event`](crate::Connection::poll_event).
///
/// Events own what they carry and borrow nothing, so a handler can answer while it holds one.
///
/// ```
/// use websocket_proto::{Event, Message};
///
/// fn print(event: &Event) {
///     match event {
///         Event::Message(Message::Text(text)) => println!("{text}"),
///         Event::Closed(close) => println!("closed: {}", close.code()),
///         _ => {}
///     }
/// }
/// # print(&Event::Message(Message::from("hello")));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Server: a valid upgrade request. [`accept`](crate::Connection::accept) or
    /// [`reject`](crate::Connection::reject) it; nothing was sent yet.
    Request(Request),
    /// Server, with [`Config::http_requests`](crate::Config::http_requests): a GET or HEAD that asks for no upgrade.
    /// [`reject`](crate::Connection::reject) answers it, with any status from 200 up.
    HttpRequest(HttpRequest),
    /// Client: the server accepted. The connection is open. (A server gets no such event: it is open once
    /// [`accept`](crate::Connection::accept) returns.)
    Open(Response),
    /// Client: the server answered with something other than 101. [`Closed`](Self::Closed) follows.
    Refused(Response),
    /// A whole message.
    ///
    /// To keep one costs its own bytes, and at most a quarter more where it came in fragments or compressed. Some share memory, which lives
    /// as long as one of them: messages of at most 128 bytes that were received on the same thread share 1 KiB (with `std`). And
    /// one of 1 KiB and more that was a sixteenth or more of the input buffer shares that buffer: copy it, if it is to be kept for
    /// long.
    Message(Message),
    /// A piece of a message, with [`Delivery::Chunks`](crate::Delivery::Chunks); it shares no buffer. What the peer sent of it
    /// before it failed or vanished was told: only [`is_last`](Chunk::is_last) says that the message is whole.
    Chunk(Chunk),
    /// A Ping arrived. Unless [`Config::automatic_pong`](crate::Config::automatic_pong) is off or our Close frame is on its
    /// way, its Pong is already queued.
    Ping(Bytes),
    /// A Pong arrived, or the text that stands for one in a [`TextHeartbeat`](crate::TextHeartbeat).
    Pong {
        /// What it carried.
        payload: Bytes,
        /// The time since the matching Ping was written; `None` if it answers no Ping of ours that is still waited for.
        round_trip: Option<Duration>,
    },
    /// The end: always the last event, exactly once.
    Closed(CloseEvent),
}
