//! A page in the browser, and the server behind it: one port for both, to try out what a WebSocket does and how it ends.
//!
//! ```text
//! cargo run --features tokio --example playground                   # then open http://127.0.0.1:9001/
//! cargo run --features tokio --example playground -- --self-test
//! ```
//!
//! `GET /` is the page, `/ws` the WebSocket. What the page sends comes back as it was, but for texts that begin with `/`:
//! those are commands, see `command.rs`; and the heartbeat's text, which the page sends through `../heartbeat.js`, is answered.
//! The first line on stdout says where the page is; then there is one line for each WebSocket that has ended, with what the
//! browser does not tell the page: why. The page asks for it at `/ending`.

#[path = "../common/cli.rs"]
mod cli;
mod command;
mod ledger;
mod self_test;
mod server;
mod session;

use std::error::Error;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;

use crate::server::serve;

const PAGE: &str = include_str!("page.html");
const HEARTBEAT: &str = include_str!("../heartbeat.js");
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
