//! Bytes on their way to the transport: borrowed for a write that cannot wait, or owned for one that may.

use core::fmt;

use bytes::Buf;

use super::sender::Sender;
use crate::send::WireBuf;

/// What is to be written now: a [`Buf`], advanced by what the transport took.
///
/// Made by [`Connection::output`](crate::Connection::output) for one write attempt that does not wait. Progress counts as
/// made at the time the guard was made; make a new one for each attempt, with the time it is then. It may hold less than
/// all that waits: ask again until it is empty. Made without writing, it still counts as an attempt: a deadline for stalled
/// writes runs from it, and the Close frame to a peer that was given up is shown in one attempt only.
///
/// ```
/// use std::sync::Arc;
/// use bytes::Buf;
/// use websocket_proto::{ClientRequest, Config, Connection, Timestamp};
///
/// let request = ClientRequest::new("example.com", "/chat")?;
/// let now = Timestamp::default();
/// let mut connection = Connection::client(&request, Arc::new(Config::default()), [7; 32], now);
/// let mut output = connection.output(now);
/// assert!(output.chunk().starts_with(b"GET /chat HTTP/1.1\r\n"));
/// let written = output.remaining(); // as if the transport took it all
/// output.advance(written);
/// assert!(!connection.output(now).has_remaining());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "made without writing, it still counts as an attempt to write"]
pub struct Output<'a> {
    sender: &'a mut Sender,
    /// Nothing may be shown while a piece that was taken is outstanding.
    hidden: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(sender: &'a mut Sender) -> Self {
        let hidden = !sender.offer();
        Self { sender, hidden }
    }

    fn wire(&self) -> Option<&WireBuf> {
        (!self.hidden).then(|| self.sender.wire())
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("remaining", &self.remaining()).finish()
    }
}

impl Buf for Output<'_> {
    fn remaining(&self) -> usize {
        self.wire().map_or(0, Buf::remaining)
    }

    fn chunk(&self) -> &[u8] {
        self.wire().map_or(&[], Buf::chunk)
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'b>(&'b self, dst: &mut [std::io::IoSlice<'b>]) -> usize {
        self.wire().map_or(0, |wire| wire.chunks_vectored(dst))
    }

    /// Notes that the transport took `count` bytes, or all if it claims more.
    fn advance(&mut self, count: usize) {
        if !self.hidden {
            self.sender.wrote_shown(count);
        }
    }
}

/// Bytes to be written, owned: a [`Buf`] that borrows nothing from the connection.
///
/// Made by [`Connection::take`](crate::Connection::take), for a write that may block or that a kernel carries out later. What
/// was written is credited with [`Connection::wrote`](crate::Connection::wrote), or given up with
/// [`Connection::write_failed`](crate::Connection::write_failed); dropped without either, nothing follows it, and the connection
/// ends as one whose transport stands still.
///
/// ```
/// use std::sync::Arc;
/// use bytes::Buf;
/// use websocket_proto::{ClientRequest, Config, Connection, Timestamp};
///
/// let request = ClientRequest::new("example.com", "/")?;
/// let now = Timestamp::default();
/// let mut connection = Connection::client(&request, Arc::new(Config::default()), [7; 32], now);
/// let mut taken = connection.take(16, now).expect("the request waits");
/// assert_eq!(taken.copy_to_bytes(16), "GET / HTTP/1.1\r\n");
/// assert!(connection.take(16, now).is_none(), "one piece at a time");
/// connection.wrote(16, now);
/// assert!(connection.take(usize::MAX, now).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "until these bytes are credited, the connection gives no others"]
#[derive(Debug)]
pub struct Taken(pub(super) WireBuf);

impl Buf for Taken {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'b>(&'b self, dst: &mut [std::io::IoSlice<'b>]) -> usize {
        self.0.chunks_vectored(dst)
    }

    /// Passes over `count` bytes, or over all if there are fewer.
    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }
}
