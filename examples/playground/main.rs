//! A page in the browser, and the server behind it: one port for both, to try out what a WebSocket does and how it ends.
//!
//! ```text
//! cargo run --features tokio --example playground                   # then open http://127.0.0.1:9001/
//! cargo run --features tokio --example playground -- --self-test
//! ```
//!
//! `GET /` is the page, `/ws` the WebSocket. What the page sends comes back as it was, but for texts that begin with `/`:
//! those are commands, see `command.rs`. The first line on stdout says where the page is; then there is one line for each
//! WebSocket that has ended, with what the page cannot see: why.

#[path = "../common/cli.rs"]
mod cli;
mod command;
mod self_test;
mod session;

use std::error::Error;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::net::{TcpListener, TcpStream};
use websocket_proto::tokio::accept;
use websocket_proto::{Accept, Config, InvalidHead, OriginPolicy, Reject, Request};

const PAGE: &str = include_str!("page.html");
const SUBPROTOCOL: &str = "playground.v1";

type Failure = Box<dyn Error + Send + Sync>;

/// Serves a page that shows what a WebSocket does.
#[derive(Parser)]
struct Options {
    /// Where to listen on 127.0.0.1; 0 takes any port that is free [default: 9001, or 0 for the self-test]
    #[arg(long)]
    port: Option<u16>,
    /// Try everything with a client of this crate's own, say what happened, and end
    #[arg(long)]
    self_test: bool,
}

fn main() -> ExitCode {
    cli::run(run)
}

#[tokio::main]
async fn run(Options { port, self_test }: Options) -> Result<(), Failure> {
    let port = port.unwrap_or(if self_test { 0 } else { 9001 });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr()?;
    if self_test {
        tokio::spawn(serve(listener, |_, _| {}));
        return self_test::run(address).await;
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "playground: http://{address}/")?;
    stdout.flush()?;
    // It goes on where nobody reads this.
    serve(listener, |peer, end| drop(writeln!(io::stdout(), "{peer}: {end}"))).await
}

/// Serves for ever; `told` is given one line for each WebSocket that ended, and for each request that led to none.
async fn serve(listener: TcpListener, told: fn(SocketAddr, &str)) -> Result<(), Failure> {
    let mut config = Config::default();
    config.http_requests = true;
    let config = Arc::new(config);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let config = config.clone();
                tokio::spawn(async move {
                    match answer(tcp, config).await {
                        Ok(Some(end)) => told(peer, &end),
                        Ok(None) => {}
                        Err(error) => told(peer, &error.to_string()),
                    }
                });
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot accept a connection: {error}");
                // A lack of file descriptors does not pass at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers whatever is asked for. How it ended, if that was a WebSocket.
async fn answer(tcp: TcpStream, config: Arc<Config>) -> Result<Option<String>, Failure> {
    let incoming = accept(tcp, config).await?;
    let answer = match (incoming.request(), incoming.http_request()) {
        (Some(upgrade), _) if upgrade.path() == "/ws" => {
            let accept = agree(upgrade)?;
            let socket = incoming.accept(&accept).await?;
            return Ok(Some(session::run(socket).await));
        }
        (_, Some(plain)) if plain.path() == "/" => page()?,
        (_, Some(plain)) if plain.path() == "/ws" => Reject::new(426)?,
        _ => nothing_there()?,
    };
    incoming.reject(&answer).await?;
    Ok(None)
}

fn agree(request: &Request) -> Result<Accept, InvalidHead> {
    let accept = Accept::new(OriginPolicy::SameHost);
    match request.select_subprotocol(&[SUBPROTOCOL]) {
        Some(name) => accept.subprotocol(name),
        None => Ok(accept),
    }
}

fn page() -> Result<Reject, InvalidHead> {
    let page = Reject::new(200)?.header("Content-Type", "text/html; charset=utf-8")?;
    Ok(page.header("Cache-Control", "no-store")?.body(PAGE))
}

fn nothing_there() -> Result<Reject, InvalidHead> {
    let nothing = Reject::new(404)?.header("Content-Type", "text/plain; charset=utf-8")?;
    Ok(nothing.body("There is the page at / and a WebSocket at /ws, and nothing else.\n"))
}
