//! The server's side of one open WebSocket.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::net::TcpStream;
use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{Error, Event, Message};

use crate::command::Command;

type Socket = WebSocketStream<TcpStream>;

/// How long a silent connection is kept: longer than any peer waits, but not for ever.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// What a Ping carries that the page asked for, to tell its Pong from the heartbeat's.
const PING: &[u8] = b"/ping";

/// Serves the page until the end; how that came, in one line.
pub(crate) async fn run(mut socket: Socket) -> String {
    let mut ping_waits = false;
    // Events, not the stream of messages, which passes over Pongs.
    while let Some(event) = socket.next_event().await {
        // What is fed leaves when nothing more is to be read: several answers may share a write.
        let done = match event {
            Event::Message(message) => match command_in(&message) {
                None => socket.feed(message).await,
                Some(Err(error)) => say(&mut socket, format!("error: {error}")).await,
                Some(Ok(Command::Flood(count))) => flood(&mut socket, count).await,
                Some(Ok(Command::Ping)) if ping_waits => {
                    say(&mut socket, "error: the last ping was not answered yet".to_owned()).await
                }
                Some(Ok(Command::Ping)) => {
                    ping_waits = true;
                    socket.ping(PING)
                }
                Some(Ok(Command::Close(frame))) => {
                    socket.close(frame).await;
                    break;
                }
                Some(Ok(Command::Silent)) => return vanish(socket, SILENCE).await,
                Some(Ok(Command::Die)) => return vanish(socket, Duration::ZERO).await,
            },
            Event::Pong { payload, round_trip: Some(took) } if payload == PING => {
                ping_waits = false;
                say(&mut socket, format!("pong: {:.2} ms", took.as_secs_f64() * 1e3)).await
            }
            _ => Ok(()),
        };
        if done.is_err() {
            break;
        }
    }
    // Most often it has ended by now, and this only tells how.
    let close = socket.close(None).await;
    let clean = if close.was_clean() { "clean" } else { "not clean" };
    // The reason is the page's words, so it is escaped.
    format!("{}, {:?}, {clean}: {}", close.code(), close.reason(), close.cause())
}

fn command_in(message: &Message) -> Option<Result<Command, String>> {
    message.as_text().filter(|text| text.starts_with('/')).map(str::parse)
}

async fn say(socket: &mut Socket, text: String) -> Result<(), Error> {
    socket.feed(text.into()).await
}

async fn flood(socket: &mut Socket, count: u32) -> Result<(), Error> {
    for i in 1..=count {
        say(socket, format!("flood {i}/{count}")).await?;
    }
    Ok(())
}

/// Leaves the protocol at once, and TCP after a while.
async fn vanish(mut socket: Socket, after: Duration) -> String {
    // What was said before goes out. If that fails, the peer was faster.
    let _ = socket.flush().await;
    let parts = socket.into_parts();
    tokio::time::sleep(after).await;
    drop(parts);
    "gone without a Close frame, as the page wished".to_owned()
}
