//! The columns of the table: one file for one crate, each set up as its documentation says, with its defaults unless
//! the file gives a reason.

mod tokio_websockets;
mod tungstenite;
mod websocket_proto;

use std::error::Error;

use crate::transport::Transport;

/// What went wrong in a column.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A message as the callback sees it. The column drops its own message when the callback returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Received<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// One column: a crate in one configuration.
pub(crate) trait Peer: Sync {
    /// What `--peer` takes.
    fn name(&self) -> &'static str;

    /// The package whose version in Cargo.lock heads the column.
    fn package(&self) -> &'static str;

    /// What sets this column apart from the crate's defaults, if anything.
    fn note(&self) -> &'static str {
        ""
    }

    /// From an upgraded connection in the server's role: receives `count` messages, gives each to `each`, and stops.
    fn receive(
        &self,
        transport: Transport<'_>,
        count: usize,
        each: &mut dyn FnMut(Received<'_>),
    ) -> Result<(), Failure>;
}

/// All columns, in their order.
pub(crate) const PEERS: &[&dyn Peer] = &[
    &websocket_proto::WebsocketProto,
    &tungstenite::DEFAULT,
    &tungstenite::SMALL_BUFFER,
    &tokio_websockets::TokioWebsockets,
];
