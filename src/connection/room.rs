//! Room for the rest of a large message.

use bytes::BytesMut;

use super::Connection;

impl Connection {
    /// Before a read: if the rest of a large message is to come, gives `input`, which must be empty, room for it, and says so. What
    /// is read there lies where it belongs already, and is not copied. Otherwise `input` needs room of its owner's making.
    ///
    /// It saves time and decides nothing: whoever never asks, or reads into another buffer, or drops this one, hears the
    /// same. All that is held of a message then is at most eight times what came of it and 8 KiB, and what came once more while
    /// it moves; without this, twice. Where it lends nothing, `input` may still have lost room that lay behind a message.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use websocket_proto::Connection;
    /// fn make_room(connection: &mut Connection, input: &mut BytesMut) {
    ///     if !connection.lend_room(input) {
    ///         input.reserve(16 * 1024);
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn lend_room(&mut self, input: &mut BytesMut) -> bool {
        self.receiver.lend_room(input)
    }
}
