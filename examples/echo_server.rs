//! A server that sends every message back, on tokio. Peer of `echo_client`, of browsers and of the Autobahn test suite.
//!
//! ```text
//! cargo run --features tokio --example echo_server -- --port 9002
//! ```
//!
//! The first line on stdout says where it listens; then there is one line for each connection that has ended.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/deflate.rs"]
mod deflate;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use deflate::DeflateOptions;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use websocket_proto::{Accept, CloseEvent, Config, Error, OriginPolicy, tokio::accept};

/// Sends every message back.
#[derive(Parser)]
struct Options {
    /// Where to listen on 127.0.0.1; 0 takes any port that is free
    #[arg(long, default_value_t = 9002)]
    port: u16,
    /// Set the limits to what the Autobahn test suite needs, whatever the defaults are
    #[arg(long)]
    autobahn: bool,
    #[command(flatten)]
    deflate: DeflateOptions,
}

fn main() -> ExitCode {
    cli::run(serve)
}

#[tokio::main]
async fn serve(Options { port, autobahn, deflate }: Options) -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}", listener.local_addr()?)?;
    stdout.flush()?;

    let mut config = Config::default();
    deflate.apply(&mut config).map_err(io::Error::other)?;
    if autobahn {
        // Its largest messages have 16 MiB, its most chopped ones come in 65,537 fragments.
        config.max_message_size = Some(16 * 1024 * 1024);
        config.max_fragments = Some(65_537);
    }
    let config = Arc::new(config);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                tokio::spawn(tell_how_it_ends(tcp, peer, config.clone()));
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot accept a connection: {error}");
                // A lack of file descriptors does not pass at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn tell_how_it_ends(tcp: TcpStream, peer: SocketAddr, config: Arc<Config>) {
    let end = match echo(tcp, config).await {
        Ok(close) => {
            let clean = if close.was_clean() { "clean" } else { "not clean" };
            format!("{}, {clean}: {}", close.code(), close.cause())
        }
        Err(error) => format!("no WebSocket: {error}"),
    };
    // It goes on where nobody reads this.
    let _ = writeln!(io::stdout(), "{peer}: {end}");
}

async fn echo(tcp: TcpStream, config: Arc<Config>) -> Result<CloseEvent, Error> {
    let incoming = accept(tcp, config).await?;
    // Any page may connect: there is nothing here that a page could not do by itself.
    let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).await?;
    while let Some(Ok(message)) = socket.next().await {
        // Fed, not sent: what answers the messages of one read leaves in one write, before the next read.
        if socket.feed(message).await.is_err() {
            break;
        }
    }
    // Most often it has ended by now, and this only tells how.
    Ok(socket.close(None).await)
}
