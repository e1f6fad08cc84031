//! The example programs, run as people run them: with each other, with nobody to talk to, and with nonsense for options.
//!
//! `cargo test` builds them before it runs this; `cargo test --test examples` does not.
#![cfg(feature = "std")]

#[path = "../examples/common/url.rs"]
mod url;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use url::WsUrl;
use websocket_proto::blocking::{WebSocket, accept};
use websocket_proto::{Accept, CloseCode, CloseFrame, Config, OriginPolicy, Request};

/// How long any one thing may take. It is long, since other tests run beside these.
const LIMIT: Duration = Duration::from_secs(30);

/// How `echo_client` tells an end of its own.
const CLIENT_CLOSED: &str = r#"closed: 1000 normal closure: this side closed first, with 1000 Normal Closure, saying "that was all", and the server answered"#;

const SERVERS: &[&str] =
    if cfg!(feature = "tokio") { &["sans_io", "echo_server", "playground"] } else { &["sans_io"] };
const CLIENTS: &[&str] = if cfg!(feature = "tokio") {
    &["echo_client", "two_threads", "autobahn_client", "reconnecting_client"]
} else {
    &["echo_client", "two_threads", "autobahn_client"]
};

/// An example that runs, and ends with this value at the latest.
struct Program {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// What a program left behind.
#[derive(Debug)]
struct Outcome {
    status: Option<i32>,
    stdout: Vec<String>,
    stderr: Vec<String>,
}

impl Program {
    fn start(name: &str, options: &[&str]) -> Self {
        let path = path_of(name);
        let mut child = Command::new(&path)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `cargo test` builds it", path.display()));
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// A server on a port of its own choice, and the URL that its first line names.
    fn serve(name: &str, options: &[&str]) -> (Self, String) {
        let server = Self::start(name, &[&["--port", "0"], options].concat());
        let line = server.line();
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{name} said {line:?}"));
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        (server, url.to_owned())
    }

    fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// The next line on stdout.
    fn line(&self) -> String {
        self.stdout.recv_timeout(LIMIT).expect("another line on stdout")
    }

    /// Waits until the program ends by itself.
    fn outcome(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let (stdout, stderr) = (rest(&self.stdout), rest(&self.stderr));
        // Its outputs have ended, so it has ended, or is about to.
        Outcome { status: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Examples lie beside the folder that holds this test.
fn path_of(example: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).unwrap();
    profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX))
}

fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.try_for_each(|line| sender.send(line))
    });
    receiver
}

fn rest(lines: &Receiver<String>) -> Vec<String> {
    let mut rest = Vec::new();
    loop {
        match lines.recv_timeout(LIMIT) {
            Ok(line) => rest.push(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return rest,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running after {rest:#?}"),
        }
    }
}

/// Runs a program that has to fail: with one line that says why, and nothing else.
fn failure(name: &str, options: &[&str]) -> String {
    let Outcome { status, stdout, stderr } = Program::start(name, options).outcome();
    assert_eq!(status, Some(1), "{name} {options:?}: {stderr:#?}");
    assert_eq!(stdout, [""; 0], "{name} {options:?}");
    let [line] = &stderr[..] else { panic!("{name} {options:?}: {stderr:#?}") };
    assert!(line.starts_with("error: "), "{name} {options:?}: {line}");
    line.clone()
}

#[test]
fn echo_client_and_sans_io() {
    let (server, url) = Program::serve("sans_io", &["--once"]);
    let options = ["--url", &url, "--message", "hello", "--message", "", "--message", "Grüße"];
    let client = Program::start("echo_client", &options).outcome();
    let [said @ .., end] = &client.stdout[..] else { panic!("{client:?}") };
    assert_eq!(said, ["\"hello\"", "\"\"", "\"Grüße\""]);
    assert!(end.starts_with(CLIENT_CLOSED), "{end}");
    assert_eq!((client.status, client.stderr.len()), (Some(0), 0));

    let server = server.outcome();
    assert_eq!((server.status, server.stderr.len()), (Some(0), 0));
    let [line] = &server.stdout[..] else { panic!("{server:?}") };
    assert!(line.ends_with(": 1000 Normal Closure, clean: the closing handshake"), "{line}");
}

#[test]
#[cfg(feature = "tokio")]
fn echo_client_and_echo_server() {
    let (server, url) = Program::serve("echo_server", &["--autobahn"]);
    for _ in 0..2 {
        let mut client = Program::start("echo_client", &["--url", &url]);
        let long = "ab".repeat(100_000);
        writeln!(client.stdin(), "one line\n{long}").unwrap();
        let client = client.outcome();
        let [said @ .., end] = &client.stdout[..] else { panic!("{client:?}") };
        assert_eq!(said, ["\"one line\"", &format!("\"{long}\"")]);
        assert!(end.starts_with(CLIENT_CLOSED), "{end}");
        assert_eq!((client.status, client.stderr.len()), (Some(0), 0));
        let line = server.line();
        let closed =
            ": 1000 normal closure: the client closed first, saying \"that was all\", and this side answered";
        assert!(line.contains(closed), "{line}");
    }
}

#[test]
#[cfg(feature = "deflate")]
fn echo_client_says_what_compression_was_agreed_on() {
    let mut servers: Vec<(_, &[&str], _)> = vec![("sans_io", &[], "none")];
    if cfg!(feature = "tokio") {
        let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        servers.push(("echo_server", &["--deflate"], agreed));
    }
    for (server, options, agreed) in servers {
        let (_server, url) = Program::serve(server, options);
        let options = ["--url", &url, "--deflate", "--message", "hello"];
        let client = Program::start("echo_client", &options).outcome();
        assert_eq!(client.stdout[..2], [&format!("compression: {agreed}"), "\"hello\""], "{client:?}");
    }
}

#[test]
fn two_threads_and_sans_io() {
    let (_server, url) = Program::serve("sans_io", &[]);
    let mut client = Program::start("two_threads", &["--url", &url]);
    let long = "ab".repeat(3_000_000);
    writeln!(client.stdin(), "one line\n{long}\nthe last").unwrap();
    let client = client.outcome();
    let end = "closed: 1000 Normal Closure, clean: the closing handshake";
    assert!(client.stdout == ["\"one line\"", &format!("\"{long}\""), "\"the last\"", end]);
    assert_eq!((client.status, client.stderr.len()), (Some(0), 0));
}

#[test]
fn clients_find_out_that_their_server_is_gone_though_nobody_types() {
    for client in ["echo_client", "two_threads"] {
        let (server, url) = Program::serve("sans_io", &[]);
        let mut client = Program::start(client, &["--url", &url]);
        let mut stdin = client.stdin();
        writeln!(stdin, "first").unwrap();
        assert_eq!(client.line(), "\"first\"");
        drop(server);
        let client = client.outcome();
        drop(stdin);
        assert_eq!((client.status, client.stderr.len()), (Some(1), 1), "{client:?}");
        assert!(client.stdout[0].starts_with("closed: 1006 "), "{client:?}");
    }
}

#[test]
#[cfg(feature = "tokio")]
fn reconnecting_client_outlives_its_server() {
    let (server, url) = Program::serve("echo_server", &[]);
    let options = ["--url", &url, "--initial-backoff", "20", "--max-backoff", "200"];
    let mut client = Program::start("reconnecting_client", &options);
    let mut stdin = client.stdin();
    assert_eq!(client.line(), "open");
    writeln!(stdin, "first").unwrap();
    assert_eq!(client.line(), "\"first\"");
    // It is killed, and what is said meanwhile waits for its successor.
    drop(server);
    let mut line = client.line();
    if line == "may have arrived: \"first\"" {
        // Its Pong did not come as early as its echo.
        line = client.line();
    }
    assert!(line.starts_with("attempt 1: 1006 Abnormal Closure, not clean: "), "{line}");
    writeln!(stdin, "second").unwrap();
    let line = client.line();
    assert!(line.starts_with("attempt 2: no connection to "), "{line}");
    let port = url.rsplit(':').next().unwrap();
    let again = Program::start("echo_server", &["--port", port]);
    assert_eq!(again.line(), format!("listening on {url}"));
    let line = std::iter::repeat_with(|| client.line()).find(|line| !line.starts_with("attempt ")).unwrap();
    assert_eq!([line, client.line()], ["open", "\"second\""]);
    drop(stdin);
    let client = client.outcome();
    assert_eq!((client.status, client.stderr.len()), (Some(0), 0), "{client:?}");
    let [line] = &client.stdout[..] else { panic!("{client:?}") };
    assert!(
        line.contains(": 1000 Normal Closure, clean: the closing handshake; there is no next: "),
        "{line}"
    );
}

#[test]
#[cfg(feature = "tokio")]
fn reconnecting_client_waits_for_the_answers() {
    let (_server, url) = Program::serve("echo_server", &[]);
    let mut client = Program::start("reconnecting_client", &["--url", &url]);
    client.stdin().write_all(b"hello\nand goodbye\n").unwrap();
    let client = client.outcome();
    assert_eq!((client.status, client.stderr.len()), (Some(0), 0), "{client:?}");
    assert_eq!(client.stdout[..3], ["open", "\"hello\"", "\"and goodbye\""], "{client:?}");
    assert_eq!(client.stdout.len(), 4, "{client:?}");
}

#[test]
fn autobahn_client_plays_every_case() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let client = Program::start("autobahn_client", &["--url", &url, "--agent", "a b/c"]);
    let serve = |target: &str| -> WebSocket<TcpStream> {
        let incoming = accept(listener.accept().unwrap().0, Arc::new(Config::default())).unwrap();
        assert_eq!(incoming.request().map(Request::target), Some(target));
        incoming.accept(&Accept::new(OriginPolicy::Any)).unwrap()
    };

    let mut socket = serve("/getCaseCount");
    socket.send("2").unwrap();
    assert_eq!(socket.read(), Ok(None));
    for case in 1..=2 {
        let mut socket = serve(&format!("/runCase?case={case}&agent=a%20b%2Fc"));
        socket.send("a case").unwrap();
        assert_eq!(socket.read(), Ok(Some("a case".into())));
        socket.close(CloseFrame::new(CloseCode::NORMAL, "").unwrap());
    }
    serve("/updateReports?agent=a%20b%2Fc").close(None);

    let client = client.outcome();
    assert_eq!((client.status, client.stderr.len()), (Some(0), 0), "{client:?}");
    assert_eq!(client.stdout.last().map(String::as_str), Some("all 2 cases played"));
}

#[test]
#[cfg(feature = "tokio")]
fn playground_serves_its_page() {
    let server = Program::start("playground", &["--port", "0"]);
    let line = server.line();
    let address = line.strip_prefix("playground: http://").and_then(|url| url.strip_suffix('/'));
    let mut tcp = TcpStream::connect(address.unwrap_or_else(|| panic!("{line:?}"))).unwrap();
    tcp.set_read_timeout(Some(LIMIT)).unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(include_str!("../examples/playground/page.html")), "{answer}");
}

#[test]
#[cfg(feature = "tokio")]
fn playground_passes_its_own_test() {
    let outcome = Program::start("playground", &["--self-test"]).outcome();
    assert_eq!((outcome.status, outcome.stderr.len()), (Some(0), 0), "{outcome:#?}");
    assert!(outcome.stdout.len() > 15, "{outcome:#?}");
    assert!(outcome.stdout.iter().all(|line| line.starts_with("ok ")), "{outcome:#?}");
}

#[test]
fn an_address_in_use_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for server in SERVERS {
        let line = failure(server, &["--port", &address.port().to_string()]);
        assert!(line.contains(&address.to_string()), "{line}");
    }
}

#[test]
fn a_server_that_is_not_there_is_one_line() {
    // It is bound and does not listen: so it refuses, and no other program gets the port.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let nobody = socket.local_addr().unwrap().as_socket().unwrap();
    for client in CLIENTS {
        let url = format!("ws://{nobody}");
        let options: &[&str] = match *client {
            // It would try for ever.
            "reconnecting_client" => &["--url", &url, "--max-attempts", "1"],
            _ => &["--url", &url],
        };
        let line = failure(client, options);
        assert!(line.contains(&nobody.to_string()), "{line}");
    }
}

/// As browsers read them (URL Standard), but for a port that is named though it is the default.
#[test]
fn urls() {
    for (url, host, address) in [
        ("ws://host", "host", "host:80"),
        ("ws://host:9002/", "host:9002", "host:9002"),
        ("ws://host:", "host", "host:80"),
        ("ws://host:/", "host", "host:80"),
        ("ws://host:?query", "host", "host:80"),
        ("ws://[::1]/", "[::1]", "[::1]:80"),
        ("ws://[::1]:9002/", "[::1]:9002", "[::1]:9002"),
        ("ws://[::1]:/", "[::1]", "[::1]:80"),
    ] {
        let read: WsUrl = url.parse().unwrap();
        assert_eq!((read.request().unwrap().host(), &read.address()[..]), (host, address), "{url}");
    }
    for url in ["ws://:", "ws://:/", "ws://:80/", "ws://host::/", "ws://[::1]::/", "ws://::1/", "ws://[::/"] {
        url.parse::<WsUrl>().unwrap_err();
    }
}

#[test]
fn nonsense_is_one_line() {
    for program in [SERVERS, CLIENTS].concat() {
        failure(program, &["--nonsense"]);
        failure(program, &["nonsense"]);
    }
    for server in SERVERS {
        for port in ["many", "65536", "-1", ""] {
            failure(server, &["--port", port]);
        }
    }
    for seconds in ["soon", "-1", "NaN", "1e99", "", "1e-9", "inf"] {
        failure("echo_client", &["--heartbeat", seconds]);
        failure("echo_client", &["--heartbeat-margin", seconds]);
    }
    failure("echo_client", &["--heartbeat-margin", "0"]);
    for program in
        ["echo_client", "echo_server"].into_iter().filter(|name| [SERVERS, CLIENTS].concat().contains(name))
    {
        let line = failure(program, &["--heartbeat", "0", "--text-heartbeat", "answer"]);
        assert!(line.contains("--text-heartbeat"), "{line}");
    }
    if CLIENTS.contains(&"reconnecting_client") {
        let line = failure("reconnecting_client", &["--initial-backoff", "5000", "--max-backoff", "100"]);
        assert!(line.contains("--max-backoff 100"), "{line}");
    }
    for client in CLIENTS {
        for url in
            ["", "nonsense", "http://127.0.0.1/", "ws://", "ws://a b/", "ws://host:port/", "ws://host/#part"]
        {
            failure(client, &["--url", url]);
        }
    }
}

#[test]
fn help_is_no_failure() {
    for program in [SERVERS, CLIENTS].concat() {
        let outcome = Program::start(program, &["--help"]).outcome();
        assert_eq!((outcome.status, outcome.stderr.len()), (Some(0), 0), "{outcome:#?}");
        assert!(outcome.stdout.iter().any(|line| line.starts_with("Usage: ")), "{outcome:#?}");
    }
}
