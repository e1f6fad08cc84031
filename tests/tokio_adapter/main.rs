//! The tokio adapter over transports that do what a test says, under a clock that only a test moves.
#![cfg(feature = "tokio")]

#[path = "../support/open.rs"]
mod open;
#[path = "../support/scripted.rs"]
mod scripted;
#[path = "../support/scripted_async.rs"]
mod scripted_async;

mod cancel;
mod closing;
mod halves;
mod handshake;
mod parts;
mod queue;
mod reading;
mod shutdown;
mod slow;
mod split;
mod writing;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use open::{quiet, upgraded};
use scripted::{Remote, Scripted, scripted};
use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{Config, Error, Message, Role};

const SECOND: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<Scripted>;
type Pipe = WebSocketStream<tokio::io::DuplexStream>;

/// An open server, and its peer.
fn server(config: Config) -> (Socket, Remote) {
    let (io, remote) = scripted();
    (WebSocketStream::new(io, upgraded(Role::Server, config)), remote)
}

/// The same for a server that queues so many bytes, while the peer takes nothing.
fn stuck_server(high_water: usize) -> (Socket, Remote) {
    let mut config = quiet();
    config.output_high_water = high_water;
    let (socket, remote) = server(config);
    remote.set_room(Some(0));
    (socket, remote)
}

/// Two open sockets over a pipe that holds so many bytes each way.
fn pair(config: &Config, capacity: usize) -> (Pipe, Pipe) {
    let (near, far) = tokio::io::duplex(capacity);
    (
        WebSocketStream::new(near, upgraded(Role::Client, config.clone())),
        WebSocketStream::new(far, upgraded(Role::Server, config.clone())),
    )
}

/// Polls once, with a waker that nobody hears, and drops the future.
fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn text(message: &str) -> Option<Result<Message, Error>> {
    Some(Ok(Message::from(message)))
}

#[test]
fn sockets_go_anywhere() {
    fn anywhere<T: Send + Sync + Unpin + 'static>() {}
    anywhere::<Socket>();
    anywhere::<WebSocketStream<tokio::net::TcpStream>>();
    anywhere::<websocket_proto::tokio::Incoming<Scripted>>();
    anywhere::<websocket_proto::tokio::MessageSender>();
    anywhere::<websocket_proto::tokio::Connections<String>>();
    anywhere::<websocket_proto::tokio::Registered<String>>();
    anywhere::<websocket_proto::tokio::ReadHalf<Scripted>>();
    anywhere::<websocket_proto::tokio::WriteHalf<Scripted>>();
    anywhere::<websocket_proto::tokio::Parts<Scripted>>();
    anywhere::<Error>();
}
