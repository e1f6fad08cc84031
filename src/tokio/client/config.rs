//! What can be set about a client that connects again.

use alloc::sync::Arc;

use crate::config::Config;
use crate::reconnect::ReconnectConfig;

/// The settings of a [`ReconnectingClient`](super::ReconnectingClient).
///
/// ```
/// use websocket_proto::tokio::{ClientConfig, Unsent};
///
/// let mut config = ClientConfig::default();
/// config.reconnect.max_attempts = Some(10);
/// config.unsent = Unsent::GiveBack;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The settings of each connection.
    pub connection: Arc<Config>,
    /// When to connect again, and when to give up.
    pub reconnect: ReconnectConfig,
    /// What becomes of messages while there is no connection.
    ///
    /// Default: they are kept.
    pub unsent: Unsent,
    /// How many messages wait to be sent, beside those that a connection has taken. Values below 1 count as 1.
    ///
    /// Default: 1,024: what a program says in some seconds or minutes without a network, and no more than it can afford to
    /// say late.
    pub max_queued: usize,
    /// Another message is sent while less than this is unconfirmed, in bytes, each message counting 64 more. So no more than this
    /// and one message is kept, as clones that share the payload.
    ///
    /// Default: 1 MiB, as much as a connection queues: more than one round trip takes on most links. Where it is too little,
    /// messages wait for a Pong that need not have waited.
    pub max_unconfirmed: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connection: Arc::default(),
            reconnect: ReconnectConfig::default(),
            unsent: Unsent::default(),
            max_queued: 1024,
            max_unconfirmed: 1024 * 1024,
        }
    }
}

/// What becomes of messages that were not sent when a connection ends, and of those that come until the next one is open.
///
/// ```
/// use websocket_proto::tokio::Unsent;
///
/// assert_eq!(Unsent::default(), Unsent::Keep);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unsent {
    /// They wait for the next connection, in their order. Once the client gives up they are given back.
    #[default]
    Keep,
    /// They are given back: those that waited with the end of the connection, those that come later by whoever sends them, with
    /// [`SendError::NotOpen`](crate::SendError::NotOpen).
    GiveBack,
}
