//! A server that sends every message back, on tokio. Peer of `echo_client`, of browsers and of the Autobahn test suite.
//!
//! ```text
//! cargo run --features tokio --example echo_server -- --port 9002
//! ```
//!
//! The first line on stdout says where it listens; then there is one line for each connection that has ended, with the reason.
//! `--feed 1000` makes a feed of it, which sends also what nobody asked for.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/deflate.rs"]
mod deflate;
#[path = "common/heartbeat.rs"]
mod heartbeat;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use deflate::DeflateOptions;
use futures_util::{SinkExt, StreamExt};
use heartbeat::HeartbeatOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep};
use websocket_proto::tokio::{MessageSender, accept};
use websocket_proto::{Accept, CloseEvent, Config, Error, OriginPolicy};

/// How often the feed has something to say.
const FEED_EVERY: Duration = Duration::from_millis(10);

/// Sends every message back.
#[derive(Parser)]
struct Options {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 9002)]
    port: u16,
    /// Also send a text of so many bytes a hundred times a second, as long as that is possible
    #[arg(long, value_name = "BYTES")]
    feed: Option<u16>,
    #[command(flatten)]
    heartbeat: HeartbeatOptions,
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
async fn serve(Options { host, port, feed, heartbeat, autobahn, deflate }: Options) -> io::Result<()> {
    let mut config = Config::default();
    deflate.apply(&mut config).map_err(io::Error::other)?;
    config.heartbeat = heartbeat.heartbeat().map_err(io::Error::other)?;
    if autobahn {
        // Its largest messages have 16 MiB, its most chopped ones come in 65,537 fragments.
        config.max_message_size = Some(16 * 1024 * 1024);
        config.max_fragments = Some(65_537);
    }
    let config = Arc::new(config);

    let address = SocketAddr::from((host, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}", listener.local_addr()?)?;
    stdout.flush()?;

    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                tokio::spawn(tell_how_it_ends(tcp, peer, config.clone(), feed));
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot accept a connection: {error}");
                // A lack of file descriptors does not pass at once.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn tell_how_it_ends(tcp: TcpStream, peer: SocketAddr, config: Arc<Config>, feed: Option<u16>) {
    let end = match echo(tcp, peer, config, feed).await {
        Ok(close) | Err(Error::Closed(close)) => close.explain().to_string(),
        Err(error) => format!("no WebSocket: {error}"),
    };
    say(&format!("{peer}: {end}"));
}

async fn echo(
    tcp: TcpStream,
    peer: SocketAddr,
    config: Arc<Config>,
    feed: Option<u16>,
) -> Result<CloseEvent, Error> {
    let incoming = accept(tcp, config).await?;
    // Any page may connect: there is nothing here that a page could not do by itself.
    let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).await?;
    if let Some(size) = feed {
        tokio::spawn(send_a_feed(socket.sender(), peer, size.into()));
    }
    while let Some(Ok(message)) = socket.next().await {
        // Fed, not sent: what answers the messages of one read leaves in one write, before the next read.
        if socket.feed(message).await.is_err() {
            break;
        }
    }
    // Most often it has ended by now, and this only tells how.
    Ok(socket.close(None).await)
}

/// A peer that reads too slowly gets fewer messages, and this task waits.
async fn send_a_feed(sender: MessageSender, peer: SocketAddr, size: usize) {
    let mut ticks = interval(FEED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = 0_u64;
    loop {
        ticks.tick().await;
        if let Err(error) = sender.send(format!("{sent:0size$}")).await {
            return say(&format!("{peer}: the feed ends after {sent} messages: {error}"));
        }
        sent += 1;
    }
}

/// It goes on where nobody reads this.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
