//! What an application may ask and say about compression (RFC 7692).

use super::{Connection, Sender};
use crate::upgrade::DeflateParameters;

impl Connection {
    /// Whether messages that begin from now on are compressed, where that was agreed on; at first they are, if they are not
    /// shorter than [`Deflate::threshold`](crate::Deflate::threshold). For what is compressed already, and for secrets that should
    /// not share a context with what others may choose.
    ///
    /// ```
    /// # use websocket_proto::{Connection, Message, SendError};
    /// fn send_zip(connection: &mut Connection, zip: Message) -> Result<(), SendError<Message>> {
    ///     connection.set_compression(false);
    ///     let sent = connection.send(zip);
    ///     connection.set_compression(true);
    ///     sent
    /// }
    /// ```
    pub fn set_compression(&mut self, on: bool) {
        self.sender.set_compression(on);
    }

    /// What was agreed on for compression (RFC 7692); `None` before the connection is open, too.
    #[must_use]
    pub fn deflate(&self) -> Option<DeflateParameters> {
        self.sender.deflate()
    }
}

impl Sender {
    /// As [`Connection::set_compression`](crate::Connection::set_compression).
    pub fn set_compression(&mut self, on: bool) {
        if let Some(deflater) = self.outbox.deflater() {
            deflater.set_on(on);
        }
    }

    /// As [`Connection::deflate`](crate::Connection::deflate).
    #[must_use]
    pub fn deflate(&self) -> Option<DeflateParameters> {
        self.agreement.deflate()
    }
}
