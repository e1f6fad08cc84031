//! The two halves of a connection, apart.

use alloc::boxed::Box;

use super::Connection;
use super::life::Stage;
use super::sender::Sender;
use crate::receive::Receiver;

impl Connection {
    /// Takes the connection apart, once it is open: into the half that parses and the half that does everything else, for two
    /// threads, neither of whose reads and writes keeps the other waiting. [`Sender`] says what is called by whom, and
    /// `examples/two_threads.rs` is a whole client made so.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use bytes::{Buf, BytesMut};
    /// use websocket_proto::{Agreement, Config, Connection, Event, Role, Timestamp};
    ///
    /// let now = Timestamp::default();
    /// let config = Arc::new(Config::default());
    /// let connection = Connection::upgraded(Role::Client, Agreement::default(), config, [7; 32], now);
    /// let (mut receiver, mut sender) = connection.split().expect("it is open");
    ///
    /// // In one thread, without a lock: parse. What it came to, the other half makes an event of.
    /// let mut input = BytesMut::from(&b"\x81\x05hello\x89\x02hi"[..]);
    /// let signal = receiver.poll(&mut input).expect("a text");
    /// assert_eq!(sender.apply(signal, now), Some(Event::Message("hello".into())));
    /// let signal = receiver.poll(&mut input).expect("a Ping");
    /// assert!(matches!(sender.apply(signal, now), Some(Event::Ping(_))));
    ///
    /// // In the other one, with the lock only to take and to credit: write. This is the Pong.
    /// let mut output = sender.take(64 * 1024, now).expect("a Pong");
    /// let written = output.remaining(); // as if the transport took it all
    /// output.advance(written);
    /// sender.wrote(written, now);
    /// assert!(!sender.wants_write());
    /// ```
    ///
    /// # Errors
    /// The connection, if its opening handshake is not done.
    pub fn split(self) -> Result<(Receiver, Sender), Box<Self>> {
        if self.sender.life.stage == Stage::Done {
            Ok((self.receiver, self.sender))
        } else {
            Err(Box::new(self))
        }
    }
}
