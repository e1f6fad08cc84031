//! A client on the blocking adapter, in two threads: one sends texts, the other prints what comes back, then how it all ended.
//! With `--deflate`, the first line says what was agreed on for compression.
//!
//! ```text
//! cargo run --example echo_client -- --url ws://127.0.0.1:9002                      # sends the lines of stdin
//! cargo run --example echo_client -- --url ws://127.0.0.1:9002 --message hello
//! ```
//!
//! The servers `echo_server` and `sans_io` are its peers.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/deflate.rs"]
mod deflate;
#[path = "common/heartbeat.rs"]
mod heartbeat;
#[path = "common/url.rs"]
mod url;

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use clap::Parser;
use deflate::DeflateOptions;
use heartbeat::HeartbeatOptions;
use url::WsUrl;
use websocket_proto::blocking::{WriteHalf, connect};
use websocket_proto::{CloseCode, CloseFrame, Config, Message};

/// Sends texts to a server and prints what comes back.
#[derive(Parser)]
struct Options {
    /// Where the server is, as ws://HOST:PORT/PATH
    #[arg(long, default_value = "ws://127.0.0.1:9002")]
    url: WsUrl,
    /// A text to send, in place of the lines of stdin; may be given more than once
    #[arg(long = "message", value_name = "TEXT")]
    messages: Vec<String>,
    #[command(flatten)]
    deflate: DeflateOptions,
    #[command(flatten)]
    heartbeat: HeartbeatOptions,
}

fn main() -> ExitCode {
    cli::run(talk)
}

fn talk(Options { url, messages, deflate, heartbeat }: Options) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    deflate.apply(&mut config)?;
    config.heartbeat = heartbeat.heartbeat()?;
    let address = url.address();
    let tcp = TcpStream::connect(&address).map_err(|error| format!("no connection to {address}: {error}"))?;
    let (socket, response) = connect(tcp, &url.request()?, Arc::new(config))?;
    if deflate.deflate {
        let agreed = response.headers().get("Sec-WebSocket-Extensions").unwrap_or("none");
        writeln!(io::stdout(), "compression: {agreed}")?;
    }
    let (mut reader, mut writer) = socket.into_split()?;

    let goodbye = CloseFrame::new(CloseCode::NORMAL, "that was all")?;
    let (done, sent) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        // An error means that the connection has ended and nobody waits any more.
        let _ = done.send(say(&mut writer, messages));
        writer.close(goodbye);
    })?;

    // Whoever waits here for what comes back also sees to the connection: it answers Pings while nobody types.
    while let Ok(Some(message)) = reader.read() {
        print(&message)?;
    }
    let close = reader.close_event().ok_or("it goes on")?;
    writeln!(io::stdout(), "closed: {}", close.explain())?;
    // If the server was first, somebody may still type.
    if let Ok(Err(error)) = sent.try_recv() {
        return Err(error);
    }
    if close.was_clean() { Ok(()) } else { Err("the connection did not end as it should".into()) }
}

fn say(writer: &mut WriteHalf<TcpStream>, messages: Vec<String>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut texts: Box<dyn Iterator<Item = io::Result<String>>> = if messages.is_empty() {
        Box::new(io::stdin().lines())
    } else {
        Box::new(messages.into_iter().map(Ok))
    };
    texts.try_for_each(|text| Ok(writer.send(text?)?))
}

/// Prints what the server sent so that no terminal takes it for orders.
fn print(message: &Message) -> io::Result<()> {
    match message {
        Message::Text(text) => writeln!(io::stdout(), "{text:?}"),
        Message::Binary(bytes) => writeln!(io::stdout(), "{} bytes: {bytes:?}", bytes.len()),
    }
}
