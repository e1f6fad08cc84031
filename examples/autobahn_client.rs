//! The client that the Autobahn test suite's fuzzing server tests, on the blocking adapter.
//!
//! ```text
//! cargo run --release --example autobahn_client -- --url ws://127.0.0.1:9001 --agent websocket-proto
//! ```
//!
//! It asks for the number of cases, plays each one by sending back what it gets, and has the report written. Verdicts
//! are in that report: to be cut off in the middle of a case is often what the case is about.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/deflate.rs"]
mod deflate;
#[path = "common/url.rs"]
mod url;

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use deflate::DeflateOptions;
use url::WsUrl;
use websocket_proto::blocking::{WebSocket, connect};
use websocket_proto::{ClientRequest, CloseEvent, Config};

/// Plays the client in all cases of an Autobahn fuzzing server.
#[derive(Parser)]
struct Options {
    /// Where the fuzzing server listens, as ws://HOST:PORT
    #[arg(long, default_value = "ws://127.0.0.1:9001")]
    url: WsUrl,
    /// The name to appear under in the report
    #[arg(long, default_value = "websocket-proto")]
    agent: String,
    #[command(flatten)]
    deflate: DeflateOptions,
}

fn main() -> ExitCode {
    cli::run(play_all)
}

fn play_all(Options { url, agent, deflate }: Options) -> Result<(), Box<dyn Error>> {
    let agent = percent_encoded(&agent);
    // The default limits let the largest messages of the suite pass, and the most chopped ones.
    let mut config = Config::default();
    deflate.apply(&mut config)?;
    let config = Arc::new(config);
    let count = case_count(&url, &config)?;
    for case in 1..=count {
        let mut socket = open(&url, &format!("/runCase?case={case}&agent={agent}"), &config)?;
        let close = echo(&mut socket);
        writeln!(io::stdout(), "case {case} of {count}: {}: {}", close.code(), close.cause())?;
    }
    open(&url, &format!("/updateReports?agent={agent}"), &config)?.read()?;
    Ok(writeln!(io::stdout(), "all {count} cases played")?)
}

fn case_count(url: &WsUrl, config: &Arc<Config>) -> Result<u32, Box<dyn Error>> {
    let mut socket = open(url, "/getCaseCount", config)?;
    let answer = socket.read()?.ok_or("the server does not say how many cases there are")?;
    socket.close(None);
    let count = answer.as_text().and_then(|text| text.parse().ok());
    count.ok_or_else(|| format!("{answer:?} is no number of cases").into())
}

fn open(url: &WsUrl, target: &str, config: &Arc<Config>) -> Result<WebSocket<TcpStream>, Box<dyn Error>> {
    let address = url.address();
    let tcp = TcpStream::connect(&address).map_err(|error| format!("no connection to {address}: {error}"))?;
    let request = ClientRequest::new(&url.host, target)?;
    let (socket, _response) = connect(tcp, &request, config.clone())?;
    Ok(socket)
}

fn echo(socket: &mut WebSocket<TcpStream>) -> CloseEvent {
    while let Ok(Some(message)) = socket.read() {
        // Fed, not sent: the next read writes it, after whatever came with it.
        if socket.feed(message).is_err() {
            break;
        }
    }
    // Most often it has ended by now, and this only tells how.
    socket.close(None)
}

/// The text as a value in a query: all but what is unreserved is escaped (RFC 3986 §2.3).
fn percent_encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}
