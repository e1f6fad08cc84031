//! A client on tokio that connects again by itself: it sends the lines of stdin and prints what comes back, how each connection
//! ended, when the next attempt is, and what became of the messages.
//!
//! ```text
//! cargo run --features tokio --example reconnecting_client -- --url ws://127.0.0.1:9002
//! ```
//!
//! Its peer is `echo_server`: end it, start it again, kill it, and type all the while.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/url.rs"]
mod url;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Receiver};
use url::WsUrl;
use websocket_proto::tokio::{
    BoxError, ClientConfig, ClientEvent, Disconnected, NextAttempt, ReconnectingClient,
};
use websocket_proto::{CloseCode, CloseFrame, Message, StopReason};

/// How long the next answer is waited for when everything was said.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the lines of stdin to a server, again and again connected, and prints what comes back.
#[derive(Parser)]
struct Options {
    /// Where the server is, as ws://HOST:PORT/PATH
    #[arg(long, default_value = "ws://127.0.0.1:9002")]
    url: WsUrl,
    /// How many attempts in a row may fail; without it, any number
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// The longest first wait, in milliseconds; the next may be twice as long, and so on
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    initial_backoff: u64,
    /// The longest wait of all, in milliseconds
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    max_backoff: u64,
}

fn main() -> ExitCode {
    cli::run(talk)
}

#[tokio::main]
async fn talk(options: Options) -> Result<(), BoxError> {
    let (first, most) = (options.initial_backoff, options.max_backoff);
    if first > most {
        return Err(format!("--initial-backoff {first} is longer than --max-backoff {most}").into());
    }
    let mut config = ClientConfig::default();
    config.reconnect.max_attempts = options.max_attempts;
    config.reconnect.initial_backoff = Duration::from_millis(options.initial_backoff);
    config.reconnect.max_backoff = Duration::from_millis(options.max_backoff);

    // Called for each attempt: here would be the place to get a fresh token, or to try another address.
    let connect = move |_attempt| {
        let url = options.url.clone();
        async move {
            let address = url.address();
            let tcp = TcpStream::connect(&address);
            let tcp = tcp.await.map_err(|error| format!("no connection to {address}: {error}"))?;
            Ok::<_, BoxError>((tcp, url.request()?))
        }
    };
    let mut client = ReconnectingClient::new(connect, config)?;
    let sender = client.sender();
    let mut lines = lines_of_stdin();
    let mut that_was_all = false;
    let mut unanswered = 0_usize;
    loop {
        let is_last = that_was_all && client.get_ref().is_some();
        if is_last && unanswered == 0 {
            return tell(&client.close(CloseFrame::new(CloseCode::NORMAL, "that was all")?).await);
        }
        tokio::select! {
            event = client.next_event() => match event {
                Some(ClientEvent::Open(_)) => say("open")?,
                Some(ClientEvent::Message(message)) => {
                    unanswered = unanswered.saturating_sub(1);
                    say(&shown(&message))?;
                }
                Some(ClientEvent::Disconnected(lost)) => {
                    unanswered = unanswered.saturating_sub(lost.unconfirmed.len() + lost.unsent.len());
                    tell(&lost)?;
                }
                Some(_) => {}
                None => return Ok(()),
            },
            line = lines.recv(), if !that_was_all => match line {
                // This task drives the client, so it must not wait for the client's queue.
                Some(line) => match sender.try_send(line?) {
                    Ok(_) => unanswered += 1,
                    Err(error) => say(&format!("not sent, {error}: {}", shown(&error.clone().into_inner())))?,
                },
                None => that_was_all = true,
            },
            () = tokio::time::sleep(PATIENCE), if is_last => unanswered = 0,
        }
    }
}

/// A thread of its own reads stdin, since that cannot be waited for in any other way.
fn lines_of_stdin() -> Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel(1);
    thread::spawn(move || io::stdin().lock().lines().try_for_each(|line| sender.blocking_send(line)));
    lines
}

/// How it ended, what became of the messages, and how it goes on. Where it does not, that is an error.
fn tell(lost: &Disconnected) -> Result<(), BoxError> {
    for message in &lost.unconfirmed {
        say(&format!("may have arrived: {}", shown(message)))?;
    }
    for message in &lost.unsent {
        say(&format!("not sent: {}", shown(message)))?;
    }
    match lost.next {
        NextAttempt::At(_) | NextAttempt::Never(StopReason::Stopped) => Ok(say(&lost.to_string())?),
        NextAttempt::Never(_) => Err(lost.to_string().into()),
    }
}

/// So that no terminal takes it for orders.
fn shown(message: &Message) -> String {
    match message {
        Message::Text(text) => format!("{text:?}"),
        Message::Binary(bytes) => format!("{} bytes: {bytes:?}", bytes.len()),
    }
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
