//! An echo server on the bare machine: neither adapter, no async, one thread for each connection. For whoever puts a
//! [`Connection`] into a loop of their own: `serve` is all there is to it, the rest is options and threads.
//!
//! ```text
//! cargo run --example sans_io -- --port 9002
//! cargo run --example echo_client -- --url ws://127.0.0.1:9002 --message hello
//! ```
//!
//! The first line on stdout says where it listens; then there is one line for each connection that has ended.

#[path = "common/cli.rs"]
mod cli;

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use clap::Parser;
use socket2::SockRef;
use websocket_proto::{
    Accept, CloseEvent, Config, Connection, Event, OriginPolicy, State, Timestamp, Transport,
};

/// How long a write may wait, and a read while output waits: two sides that both write must not wait for each other.
const TURN: Duration = Duration::from_millis(20);

fn serve(mut tcp: TcpStream) -> Result<CloseEvent, Box<dyn Error>> {
    tcp.set_nodelay(true)?;
    tcp.set_write_timeout(Some(TURN))?;

    // The machine has neither clock nor randomness; it is given both. Any monotonic clock will do.
    #[allow(clippy::disallowed_methods, reason = "the clock belongs to whoever embeds the machine")]
    let origin = Instant::now();
    let now = || Timestamp::from_duration(origin.elapsed());
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;

    let mut connection = Connection::server(Arc::new(Config::default()), seed, now());
    let mut input = BytesMut::new(); // read, not parsed yet
    let mut half_closed = false;
    let mut end = None;

    loop {
        // 1. What happened, one event at a time, as long as there is room for an answer. While there is none, nothing is
        //    parsed and step 4 reads nothing: so a peer that does not take its answers has to wait.
        while !is_full(&connection)
            && let Some(event) = connection.poll_event(&mut input, now())
        {
            match event {
                // Nothing was sent so far. Here is where to look at the request, and perhaps to `reject` it.
                Event::Request(_) => connection.accept(&Accept::new(OriginPolicy::SameHost), now())?,
                // It is refused only when we are closing, and then nobody waits for an echo.
                Event::Message(message) => drop(connection.send(message)),
                // The last event. The transport follows in step 3.
                Event::Closed(close) => end = Some(close),
                // The machine has answered Pings and noted Pongs.
                _ => {}
            }
        }

        // 2. Output, as much as TCP takes. What it does not take stays where it is.
        let all_written = loop {
            let mut output = connection.output(now());
            if !output.has_remaining() {
                break true;
            }
            match tcp.write(output.chunk()) {
                Ok(count) => output.advance(count),
                Err(error) if is_timeout(&error) => break false,
                // This is not the end: perhaps the peer's Close frame is there to be read.
                Err(error) => connection.write_failed(error.kind().into(), now()),
            }
        };

        // 3. What becomes of TCP. It is asked in each turn, and remembered here what was done already.
        let transport = connection.transport();
        if transport == Transport::HalfClose && !half_closed {
            half_closed = true;
            let _ = tcp.shutdown(Shutdown::Write); // it fails only where the peer was faster
        }
        if transport == Transport::Abort {
            SockRef::from(&tcp).set_linger(Some(Duration::ZERO))?; // now to drop it is to reset it
        }
        if matches!(transport, Transport::Close | Transport::Abort)
            && let Some(close) = end
        {
            return Ok(close);
        }

        // 4. Input. To wait for it, and for the next deadline, is the only rest this loop gets.
        if input.is_empty() && connection.wants_read() {
            let due = connection.poll_timeout().map(|at| at.saturating_duration_since(now()));
            let wait = if all_written { due } else { Some(TURN) };
            tcp.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?; // zero is an error
            let mut buffer = [0; 8 * 1024];
            match tcp.read(&mut buffer) {
                Ok(0) => connection.end_of_input(now()),
                Ok(count) => input.extend_from_slice(&buffer[..count]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => connection.read_failed(error.kind().into(), now()),
            }
        }

        // 5. The time. To call this too early, or for nothing, does no harm.
        connection.handle_timeout(now());
    }
}

/// Whether there is no room for another message. Once the connection is closing, none is needed.
fn is_full(connection: &Connection) -> bool {
    connection.state() == State::Open && connection.send_capacity() == 0
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Sends every message back, without an adapter.
#[derive(Parser)]
struct Options {
    /// Where to listen on 127.0.0.1; 0 takes any port that is free
    #[arg(long, default_value_t = 9002)]
    port: u16,
    /// Serve one connection, then end
    #[arg(long)]
    once: bool,
}

fn main() -> ExitCode {
    cli::run(listen)
}

fn listen(Options { port, once }: Options) -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}", listener.local_addr()?)?;
    stdout.flush()?;
    loop {
        let served = match listener.accept() {
            Ok((tcp, peer)) if once => return tell_how_it_ends(tcp, peer),
            Ok((tcp, peer)) => thread::Builder::new().spawn(move || tell_how_it_ends(tcp, peer)).map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            let _ = writeln!(io::stderr(), "cannot serve a connection: {error}");
            // A lack of threads or file descriptors does not pass at once.
            #[allow(clippy::disallowed_methods, reason = "this thread drives no connection")]
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn tell_how_it_ends(tcp: TcpStream, peer: SocketAddr) -> io::Result<()> {
    match serve(tcp) {
        Ok(close) => {
            let clean = if close.was_clean() { "clean" } else { "not clean" };
            writeln!(io::stdout(), "{peer}: {}, {clean}: {}", close.code(), close.cause())
        }
        Err(error) => writeln!(io::stdout(), "{peer}: {error}"),
    }
}
