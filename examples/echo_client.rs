//! A client on the blocking adapter: sends texts one by one and prints what comes back for each, then how it all ended.
//!
//! ```text
//! cargo run --example echo_client -- --url ws://127.0.0.1:9002                      # sends the lines of stdin
//! cargo run --example echo_client -- --url ws://127.0.0.1:9002 --message hello
//! ```
//!
//! The servers `echo_server` and `sans_io` are its peers.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/url.rs"]
mod url;

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::Parser;
use url::WsUrl;
use websocket_proto::blocking::{WebSocket, connect};
use websocket_proto::{CloseCode, CloseFrame, Config, Event, Message};

/// How long nobody may type before the connection is seen to. Servers wait longer than this for a sign of life.
const LULL: Duration = Duration::from_secs(10);

/// Sends texts to a server and prints what comes back.
#[derive(Parser)]
struct Options {
    /// Where the server is, as ws://HOST:PORT/PATH
    #[arg(long, default_value = "ws://127.0.0.1:9002")]
    url: WsUrl,
    /// A text to send, in place of the lines of stdin; may be given more than once
    #[arg(long = "message", value_name = "TEXT")]
    messages: Vec<String>,
}

fn main() -> ExitCode {
    cli::run(talk)
}

fn talk(Options { url, messages }: Options) -> Result<(), Box<dyn Error>> {
    let address = url.address();
    let tcp = TcpStream::connect(&address).map_err(|error| format!("no connection to {address}: {error}"))?;
    let (mut socket, _response) = connect(tcp, &url.request()?, Arc::new(Config::default()))?;

    let texts = texts(messages)?;
    let conversation = converse(&mut socket, &texts);

    // If it has ended by itself, this only tells how.
    let close = socket.close(CloseFrame::new(CloseCode::NORMAL, "that was all")?);
    let clean = if close.was_clean() { "clean" } else { "not clean" };
    writeln!(io::stdout(), "closed: {}, {clean}: {}", close.code(), close.cause())?;
    conversation?;
    if close.was_clean() { Ok(()) } else { Err("the connection did not end as it should".into()) }
}

/// What is to be sent, from a thread of its own: to read stdin may take for ever.
fn texts(messages: Vec<String>) -> io::Result<Receiver<io::Result<String>>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().spawn(move || {
        let mut texts: Box<dyn Iterator<Item = io::Result<String>>> = if messages.is_empty() {
            Box::new(io::stdin().lines())
        } else {
            Box::new(messages.into_iter().map(Ok))
        };
        // An error means that nobody takes them any more.
        let _ = texts.try_for_each(|text| sender.send(text));
    })?;
    Ok(receiver)
}

fn converse(
    socket: &mut WebSocket<TcpStream>,
    texts: &Receiver<io::Result<String>>,
) -> Result<(), Box<dyn Error>> {
    loop {
        match texts.recv_timeout(LULL) {
            Ok(text) => {
                socket.send(text?)?;
                let echo = socket.read()?.ok_or("the server has closed")?;
                print(&echo)?;
            }
            Err(RecvTimeoutError::Timeout) => see_to(socket)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Does what is due on the connection, which rests while nobody calls it: here, for as long as a Ping and its Pong take.
fn see_to(socket: &mut WebSocket<TcpStream>) -> Result<(), Box<dyn Error>> {
    socket.ping(b"still there?")?;
    loop {
        match socket.next_event() {
            Some(Event::Pong { payload, .. }) if payload == "still there?" => return Ok(()),
            Some(Event::Message(message)) => print(&message)?,
            Some(Event::Closed(_)) | None => return Err("the server has closed".into()),
            Some(_) => {}
        }
    }
}

/// Prints what the server sent so that no terminal takes it for orders.
fn print(message: &Message) -> io::Result<()> {
    match message {
        Message::Text(text) => writeln!(io::stdout(), "{text:?}"),
        Message::Binary(bytes) => writeln!(io::stdout(), "{} bytes: {bytes:?}", bytes.len()),
    }
}
