//! A client on the two halves of the bare machine: one thread reads and parses without a lock, one writes, and one sends the
//! lines of stdin. For whoever splits a [`Connection`] for threads of their own: `Shared`, `read` and `write` are all there
//! is to it.
//!
//! ```text
//! cargo run --example two_threads -- --url ws://127.0.0.1:9002
//! ```
//!
//! The servers `echo_server` and `sans_io` are its peers. `sans_io` shows the same for a connection in one thread, and
//! `echo_client` what it comes to with the blocking adapter.

#[path = "common/cli.rs"]
mod cli;
#[path = "common/url.rs"]
mod url;

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use clap::Parser;
use socket2::SockRef;
use url::WsUrl;
use websocket_proto::{
    ClientRequest, CloseCode, CloseEvent, CloseFrame, Config, Connection, Event, Message, Receiver,
    SendError, Sender, Timestamp, Transport,
};

/// How long a write may wait before the writing thread looks whether the connection goes on.
const TURN: Duration = Duration::from_millis(20);

/// The sending half, which all threads use. Nobody waits for the peer while they hold the lock.
struct Shared {
    sender: Mutex<Sender>,
    /// Something was queued or written, or has ended.
    changed: Condvar,
    origin: Instant,
}

impl Shared {
    /// Does something to the sender, and wakes who waits for a change.
    fn with<R>(&self, act: impl FnOnce(&mut Sender, Timestamp) -> R) -> R {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut sender, self.now());
        self.changed.notify_all();
        result
    }

    /// Tries something after each change, until it comes to a result.
    fn wait<R>(&self, mut act: impl FnMut(&mut Sender, Timestamp) -> Option<R>) -> R {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = act(&mut sender, self.now()) {
                self.changed.notify_all();
                return result;
            }
            sender = self.changed.wait(sender).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_duration(self.origin.elapsed())
    }
}

/// The thread that reads: it parses, prints, and keeps the time. What it gives rise to, a Pong say, the other one writes.
fn read(shared: &Shared, mut receiver: Receiver, mut input: BytesMut, mut tcp: &TcpStream) -> CloseEvent {
    let mut buffer = [0; 8 * 1024];
    loop {
        // What arrived. Here is no lock; it is taken for what a message comes to, not for its parsing.
        while let Some(signal) = receiver.poll(&mut input) {
            if let Some(Event::Message(Message::Text(text))) =
                shared.with(|sender, now| sender.apply(signal, now))
            {
                let _ = writeln!(io::stdout(), "{text:?}"); // if nobody reads it, the connection goes on
            }
        }
        // What follows from it, and from the time.
        shared.with(Sender::handle_timeout);
        while let Some(event) = shared.with(Sender::poll_event) {
            if let Event::Closed(close) = event {
                return close;
            }
        }
        if shared.with(|sender, _| sender.discards()) {
            receiver.discard();
        }
        // The next input, or deadline. A second at most, since the other threads may bring one near meanwhile.
        let due = shared.with(|sender, _| sender.poll_timeout());
        let wait = due.map_or(Duration::MAX, |at| at.saturating_duration_since(shared.now()));
        let wait = wait.clamp(Duration::from_millis(1), Duration::from_secs(1));
        match tcp.set_read_timeout(Some(wait)).and_then(|()| tcp.read(&mut buffer)) {
            Ok(0) => receiver.end_of_input(),
            Ok(count) => input.extend_from_slice(&buffer[..count]),
            Err(error) if is_timeout(&error) => {}
            Err(error) => receiver.read_failed(error.kind().into()),
        }
    }
}

/// The thread that writes, until the transport is of no more use.
fn write(shared: &Shared, mut tcp: &TcpStream) {
    let mut half_closed = false;
    loop {
        let taken = shared.wait(|sender, now| match (sender.take(64 * 1024, now), sender.transport()) {
            (None, Transport::Open) => None,
            (None, Transport::HalfClose) if half_closed => None,
            next => Some(next),
        });
        let mut output = match taken {
            (Some(output), _) => output,
            (None, Transport::HalfClose) => {
                half_closed = true;
                let _ = tcp.shutdown(Shutdown::Write); // it fails only where the peer was faster
                continue;
            }
            (None, _) => return,
        };
        while output.has_remaining() {
            match tcp.write(output.chunk()) {
                Ok(count) => {
                    output.advance(count);
                    shared.with(|sender, now| sender.wrote(count, now));
                }
                // The reading thread keeps the time: if the peer takes nothing for too long, it says so.
                Err(error) if is_timeout(&error) => {
                    if shared.with(|sender, _| sender.transport()) == Transport::Abort {
                        return;
                    }
                }
                Err(error) => {
                    shared.with(|sender, now| sender.write_failed(error.kind().into(), now));
                    break;
                }
            }
        }
    }
}

/// Sends the lines of stdin, each as a text, and closes after the last one.
fn say(shared: &Shared, goodbye: CloseFrame) {
    for line in io::stdin().lines().map_while(Result::ok) {
        let mut message = Some(Message::from(line));
        let sent = shared.wait(|sender, _| match sender.send(message.take()?) {
            Ok(()) => Some(true),
            // There will be room once something was written.
            Err(SendError::Full(same)) => {
                message = Some(same);
                None
            }
            Err(_) => Some(false),
        });
        if !sent {
            return;
        }
    }
    shared.with(|sender, now| sender.close(goodbye, now));
}

/// The opening handshake, in one thread: there is nothing to split yet. With it comes what was read after it.
fn open(
    mut tcp: &TcpStream,
    request: &ClientRequest,
    origin: Instant,
) -> Result<(Connection, BytesMut), Box<dyn Error>> {
    let now = || Timestamp::from_duration(origin.elapsed());
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut connection = Connection::client(request, Arc::new(Config::default()), seed, now());
    let (mut input, mut buffer) = (BytesMut::new(), [0; 8 * 1024]);
    loop {
        match connection.poll_event(&mut input, now()) {
            Some(Event::Open(_)) => return Ok((connection, input)),
            Some(Event::Refused(response)) => {
                return Err(format!("the server answered {}", response.status()).into());
            }
            Some(Event::Closed(close)) => return Err(close.to_string().into()),
            _ => {}
        }
        let mut output = connection.output(now());
        if output.has_remaining() {
            match tcp.write(output.chunk()) {
                Ok(count) => output.advance(count),
                Err(error) if is_timeout(&error) => {}
                Err(error) => connection.write_failed(error.kind().into(), now()),
            }
        } else {
            let due = connection.poll_timeout().map(|at| at.saturating_duration_since(now()));
            tcp.set_read_timeout(due.map(|wait| wait.max(Duration::from_millis(1))))?; // zero is an error
            match tcp.read(&mut buffer) {
                Ok(0) => connection.end_of_input(now()),
                Ok(count) => input.extend_from_slice(&buffer[..count]),
                Err(error) if is_timeout(&error) => {}
                Err(error) => connection.read_failed(error.kind().into(), now()),
            }
        }
        connection.handle_timeout(now());
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Sends the lines of stdin to a server and prints the texts that come back.
#[derive(Parser)]
struct Options {
    /// Where the server is, as ws://HOST:PORT/PATH
    #[arg(long, default_value = "ws://127.0.0.1:9002")]
    url: WsUrl,
}

fn main() -> ExitCode {
    cli::run(talk)
}

fn talk(Options { url }: Options) -> Result<(), Box<dyn Error>> {
    let address = url.address();
    let tcp = TcpStream::connect(&address).map_err(|error| format!("no connection to {address}: {error}"))?;
    tcp.set_nodelay(true)?;
    tcp.set_write_timeout(Some(TURN))?;
    #[allow(clippy::disallowed_methods, reason = "the clock belongs to whoever embeds the machine")]
    let origin = Instant::now();
    let (connection, input) = open(&tcp, &url.request()?, origin)?;
    let (receiver, sender) = connection.split().map_err(|_| "it is not open")?;
    let shared = Arc::new(Shared { sender: Mutex::new(sender), changed: Condvar::new(), origin });

    // Whoever waits for stdin cannot be woken, and so nobody waits for that thread.
    let goodbye = CloseFrame::new(CloseCode::NORMAL, "that was all")?;
    let saying = Arc::clone(&shared);
    thread::Builder::new().spawn(move || say(&saying, goodbye))?;

    let close = thread::scope(|threads| {
        let writer = threads.spawn(|| write(&shared, &tcp));
        let close = read(&shared, receiver, input, &tcp);
        // It writes what is left, at most one attempt if the peer is lost.
        let _ = writer.join();
        close
    });
    if shared.with(|sender, _| sender.transport()) == Transport::Abort {
        SockRef::from(&tcp).set_linger(Some(Duration::ZERO))?; // now to drop it is to reset it
    }
    writeln!(io::stdout(), "closed: {close}")?;
    if close.was_clean() { Ok(()) } else { Err("the connection did not end as it should".into()) }
}
