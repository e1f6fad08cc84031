//! The server's side of one open WebSocket.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{CloseCode, CloseFrame, Error, Event, Message};

use crate::command::Command;
use crate::server::{Shared, Stop};

type Socket = WebSocketStream<TcpStream>;

/// How long a silent connection is kept: longer than any peer waits, but not for ever.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// What a Ping carries that the page asked for, to tell its Pong from the heartbeat's.
const PING: &[u8] = b"/ping";

/// Serves the page until the end; how that came, in one line.
pub(crate) async fn run(mut socket: Socket, name: Option<&str>, shared: &Shared) -> String {
    let mut stop = shared.stop.subscribe();
    let mut ping_waits = false;
    loop {
        // Events, not the stream of messages, which passes over Pongs.
        let event = tokio::select! {
            event = socket.next_event() => event,
            how = stopped(&mut stop) => match how {
                Stop::Restart => {
                    socket.close(CloseFrame::new(CloseCode::SERVICE_RESTART, "restarting").ok()).await;
                    None
                }
                Stop::Kill => return vanish(socket, b"").await,
            },
        };
        let Some(event) = event else { break };
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
                Some(Ok(Command::Silent)) => return silence(socket, &mut stop).await,
                Some(Ok(Command::Die)) => return vanish(socket, b"").await,
                // A reserved bit and a reserved opcode.
                Some(Ok(Command::Violate)) => return vanish(socket, b"\xff\xff").await,
                Some(Ok(Command::Stop(how))) => {
                    shared.stop.send_replace(Some(how));
                    Ok(())
                }
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
    shared.ledger.record(name, &close)
}

/// Waits until the server ends.
async fn stopped(stop: &mut watch::Receiver<Option<Stop>>) -> Stop {
    match stop.wait_for(Option::is_some).await {
        Ok(how) => how.unwrap_or(Stop::Kill),
        Err(_) => Stop::Kill,
    }
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

/// Leaves the protocol at once, and TCP when the server ends, or after a long while.
async fn silence(mut socket: Socket, stop: &mut watch::Receiver<Option<Stop>>) -> String {
    let _ = socket.flush().await;
    let parts = socket.into_parts();
    tokio::select! {
        _ = stopped(stop) => {}
        () = sleep(SILENCE) => {}
    }
    drop(parts);
    "silent until the end, as the page wished".to_owned()
}

/// Leaves the protocol, with these last bytes for the peer, and then TCP.
async fn vanish(mut socket: Socket, last: &[u8]) -> String {
    // What was said before goes out. If that fails, the peer was faster.
    let _ = socket.flush().await;
    if let Some(mut parts) = socket.into_parts() {
        let _ = parts.io.write_all(last).await;
    }
    "gone without a Close frame, as the page wished".to_owned()
}
