//! A client through ten restarts of its server, a process of its own that is killed five times, while messages never stop.
//! Each message has one fate, and the server never sees two connections.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes, one of which is told by its environment what it is"
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use websocket_proto::tokio::{
    BoxError, ClientConfig, ClientEvent, Connections, Disconnected, ReconnectingClient, accept,
};
use websocket_proto::{Accept, ClientRequest, CloseCode, CloseFrame, Config, Message, OriginPolicy};

/// How long anything may take that waits for another process.
const LIMIT: Duration = Duration::from_secs(60);

/// In the environment of the server process.
const SERVE: &str = "WEBSOCKET_PROTO_TEST_SERVE";

/// What becomes of the server when it has got so many messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    /// SIGKILL.
    Kill,
    /// It closes with 1012, and exits.
    Graceful,
}

const RESTARTS: [Restart; 10] = [
    Restart::Kill,
    Restart::Graceful,
    Restart::Kill,
    Restart::Kill,
    Restart::Graceful,
    Restart::Graceful,
    Restart::Kill,
    Restart::Graceful,
    Restart::Graceful,
    Restart::Kill,
];

/// A server process, and the lines that it writes.
struct Server {
    child: Child,
    lines: Receiver<String>,
    port: u16,
}

impl Server {
    /// This program again, as the server.
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["restarts::the_server", "--exact", "--nocapture"])
            .env(SERVE, "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            // What the harness says around it is of no interest.
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines
                .filter_map(|line| line.split_once("server: ").map(|(_, line)| line.to_owned()))
                .try_for_each(|line| sender.send(line))
        });
        let mut server = Self { child, lines, port: 0 };
        let line = server.line().expect("its port");
        server.port = line.strip_prefix("port ").unwrap().parse().unwrap();
        server
    }

    /// The next line; `None` once the process has ended and all that it wrote was read.
    fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the server says nothing"),
        }
    }

    fn end(&mut self, how: Restart) {
        match how {
            Restart::Kill => self.child.kill().unwrap(),
            Restart::Graceful => drop(self.child.stdin.take()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the servers saw.
#[derive(Default)]
struct Seen {
    numbers: Vec<u32>,
    connections: usize,
}

impl Seen {
    /// Until this server has got 500 messages.
    fn watch(&mut self, server: &Server) {
        let before = self.numbers.len();
        while self.numbers.len() < before + 500 {
            self.note(&server.line().expect("more messages"));
        }
    }

    /// Takes note of a line. There must never be two connections.
    fn note(&mut self, line: &str) {
        if let Some(number) = line.strip_prefix("got ") {
            self.numbers.push(number.parse().unwrap());
        } else {
            assert_eq!(line, "1 open", "one connection at a time");
            self.connections += 1;
        }
    }
}

#[test]
fn ten_restarts_lose_no_message_and_double_none() {
    let port = Arc::new(AtomicU16::new(0));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let client = thread::spawn({
        let port = port.clone();
        move || talk(port, stopped)
    });

    let mut seen = Seen::default();
    for restart in RESTARTS {
        let mut server = Server::start();
        port.store(server.port, Ordering::SeqCst);
        seen.watch(&server);
        server.end(restart);
        while let Some(line) = server.line() {
            seen.note(&line);
        }
        let status = server.child.wait().unwrap();
        assert_eq!(status.success(), restart == Restart::Graceful, "{restart:?}: {status}");
    }
    // The last one stays until the client has left.
    let mut server = Server::start();
    port.store(server.port, Ordering::SeqCst);
    seen.watch(&server);
    stop.send(()).unwrap();
    let (sent, ends) = client.join().unwrap();
    server.end(Restart::Graceful);
    while let Some(line) = server.line() {
        seen.note(&line);
    }
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");

    assert_eq!(seen.connections, RESTARTS.len() + 1);
    let numbers = |messages: &[Message]| -> Vec<u32> { messages.iter().map(number).collect() };
    let unconfirmed: Vec<u32> = ends.iter().flat_map(|end| numbers(&end.unconfirmed)).collect();
    let unsent: Vec<u32> = ends.iter().flat_map(|end| numbers(&end.unsent)).collect();
    let received: HashSet<u32> = seen.numbers.iter().copied().collect();
    println!(
        "{sent} sent, {} received, {} unconfirmed, {} unsent",
        received.len(),
        unconfirmed.len(),
        unsent.len()
    );

    assert!(seen.numbers.is_sorted_by(|one, next| one < next), "in order, and none twice");
    assert!(unconfirmed.is_sorted_by(|one, next| one < next), "none reported twice");
    assert!(unsent.is_sorted_by(|one, next| one < next));
    let may_have_arrived: HashSet<u32> = unconfirmed.iter().copied().collect();
    for number in &unsent {
        assert!(!received.contains(number) && !may_have_arrived.contains(number), "{number} was not sent");
    }
    let unsent: HashSet<u32> = unsent.into_iter().collect();
    for number in 0..sent {
        let accounted =
            received.contains(&number) || may_have_arrived.contains(&number) || unsent.contains(&number);
        assert!(accounted, "{number} of {sent} is lost");
    }
    assert!(received.iter().chain(&may_have_arrived).chain(&unsent).all(|number| *number < sent));
}

/// The client: numbers, as fast as they go, until it is told to stop. How many it sent, and all that it was told of ends.
#[tokio::main(flavor = "current_thread")]
async fn talk(
    port: Arc<AtomicU16>,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) -> (u32, Vec<Disconnected>) {
    let connect = move |_| {
        let host = format!("127.0.0.1:{}", port.load(Ordering::SeqCst));
        async move {
            let request = ClientRequest::new(&host, "/")?;
            Ok::<_, BoxError>((TcpStream::connect(&host).await?, request))
        }
    };
    let mut config = ClientConfig::default();
    config.reconnect.initial_backoff = Duration::from_millis(20);
    config.reconnect.max_backoff = Duration::from_millis(200);
    config.max_queued = 50;
    let mut client = ReconnectingClient::new(connect, config).unwrap();
    let sender = client.sender();
    let sending = tokio::spawn(async move {
        let mut number = 0_u32;
        // Of all sizes, so that some are written in part when the server goes.
        while sender.send(format!("{number} {}", "x".repeat(number as usize * 97 % 20_000))).await.is_ok() {
            number += 1;
        }
        number
    });
    let mut ends = Vec::new();
    loop {
        tokio::select! {
            event = client.next_event() => match event.expect("it does not give up") {
                ClientEvent::Disconnected(lost) => ends.push(lost),
                event => assert!(matches!(event, ClientEvent::Open(_)), "{event:?}"),
            },
            _ = &mut stopped => break,
        }
    }
    ends.push(client.close(CloseFrame::new(CloseCode::NORMAL, "").unwrap()).await);
    (sending.await.unwrap(), ends)
}

fn number(message: &Message) -> u32 {
    message.as_text().unwrap().split_once(' ').unwrap().0.parse().unwrap()
}

/// Not a test: the server process of the one above, where the environment says so.
#[test]
fn the_server() {
    if std::env::var_os(SERVE).is_some() {
        serve();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve() {
    // Behind what the test harness has written of a line.
    println!();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("server: port {}", listener.local_addr().unwrap().port());
    // Whoever started it says no more: then it goes.
    let (go, mut gone) = tokio::sync::oneshot::channel::<()>();
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(go);
    });
    let connections = Connections::new();
    loop {
        tokio::select! {
            tcp = listener.accept() => {
                tokio::spawn(receive(tcp.unwrap().0, connections.clone()));
            }
            _ = &mut gone => break,
        }
    }
    drop(listener);
    let frame = CloseFrame::new(CloseCode::SERVICE_RESTART, "").unwrap();
    let report = connections.shutdown(frame, LIMIT).await;
    assert!(report.unclean.is_empty() && report.unfinished.is_empty(), "{report:?}");
    std::process::exit(0);
}

async fn receive(tcp: TcpStream, connections: Connections<()>) {
    let incoming = accept(tcp, Arc::new(Config::default())).await.unwrap();
    let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).await.unwrap();
    let _registered = connections.add((), &mut socket);
    say(&format!("{} open", connections.len()));
    while let Some(Ok(message)) = socket.next().await {
        say(&format!("got {}", number(&message)));
    }
}

/// One write, so that a kill leaves whole lines.
fn say(line: &str) {
    let _ = std::io::stdout().lock().write_all(format!("server: {line}\n").as_bytes());
}
