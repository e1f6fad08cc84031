//! Everything the playground does, tried by this crate's own client: one line on stdout for each thing that happened.

use std::fmt::Debug;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use websocket_proto::tokio::{WebSocketStream, connect};
use websocket_proto::{
    Cause, ClientRequest, CloseCode, CloseEvent, CloseFrame, Config, Deadline, Error, Event, Heartbeat,
    InvalidHead, Message, Side, StreamPosition, Violation,
};

use crate::server::{BEAT, MAX_MESSAGE};
use crate::{Failure, HEARTBEAT, PAGE, SUBPROTOCOL};

/// How long any one thing may take. It is less than [`Config::close_timeout`], so that a server that leaves the TCP
/// connection open after the closing handshake does not pass.
const LIMIT: Duration = Duration::from_secs(3);

/// The messages of the flood.
const FLOOD: u32 = 1000;

/// For the client that is to find out by itself that the server went silent.
const NERVOUS: Heartbeat = Heartbeat::new(Duration::from_millis(200), Duration::from_millis(300));

type Client = WebSocketStream<TcpStream>;

/// What happened, for the line that says so.
type Outcome = Result<String, Failure>;

pub(crate) async fn run(address: SocketAddr) -> Result<(), Failure> {
    step("GET of the page", file(address, "/", "text/html", PAGE)).await?;
    step("GET of its script", file(address, "/heartbeat.js", "text/javascript", HEARTBEAT)).await?;
    step("GET of what is not there", no_page(address)).await?;
    step("WebSocket where there is none", no_websocket(address)).await?;
    step("WebSocket from another site's page", other_site(address)).await?;
    step("subprotocol", subprotocol(address)).await?;

    let mut client = open(address).await?;
    step("text", echo(&mut client, Message::from("Grüße, 世界 👋"))).await?;
    step("binary", echo(&mut client, Message::from(Vec::from_iter(0..=255)))).await?;
    step("a large message", echo(&mut client, Message::from(vec![0x5a; 1 << 20]))).await?;
    step("ping by the server", ping_by_server(&mut client)).await?;
    step("ping by the client", ping_by_client(&mut client)).await?;
    step("heartbeat by text", beat_by_text(&mut client)).await?;
    step("flood", flood(&mut client)).await?;
    step("a code that may not be sent", error(&mut client, "/close 1006 no")).await?;
    step("a command that there is not", error(&mut client, "/dance")).await?;

    step("close by the client", close_by_client(client, 1000)).await?;
    step("close by the client", close_by_client(open(address).await?, 3000)).await?;
    step("close by the client", close_by_client(open(address).await?, 4999)).await?;
    step("close by the server", close_by_server(open(address).await?, 1001)).await?;
    step("close by the server", close_by_server(open(address).await?, 1011)).await?;
    step("the server's account of an end", account(address)).await?;
    step("a message that is too big", too_big(open(address).await?)).await?;
    step("the server breaks the protocol", violation(open(address).await?)).await?;
    step("the server restarts", restart(open(address).await?)).await?;
    step("the server is there again", again(address)).await?;
    step("the server is killed", killed(open(address).await?)).await?;
    step("the server is there again", again(address)).await?;
    step("the server dies", death(open(address).await?)).await?;
    step("the server goes silent", silence(address)).await
}

async fn step(name: &str, happens: impl Future<Output = Outcome>) -> Result<(), Failure> {
    match timeout(LIMIT, happens).await {
        Ok(Ok(what)) => Ok(writeln!(io::stdout(), "ok {name}: {what}")?),
        Ok(Err(error)) => Err(format!("{name}: {error}").into()),
        Err(_) => Err(format!("{name}: not done after {LIMIT:?}").into()),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the values are made for this comparison")]
fn expect<T: PartialEq + Debug>(what: &str, got: T, wanted: T) -> Result<(), Failure> {
    if got == wanted { Ok(()) } else { Err(format!("{what} is {got:?}, not {wanted:?}").into()) }
}

// HTTP.

async fn file(address: SocketAddr, path: &str, media_type: &str, content: &str) -> Outcome {
    let (head, body) = get(address, path).await?;
    expect("the status line", head.lines().next(), Some("HTTP/1.1 200 OK"))?;
    let is_typed =
        head.to_ascii_lowercase().contains(&format!("\r\ncontent-type: {media_type}; charset=utf-8\r\n"));
    expect("that it has its type", is_typed, true)?;
    expect("that it is the file", body == content, true)?;
    Ok(format!("200, {} bytes of {media_type}", body.len()))
}

async fn no_page(address: SocketAddr) -> Outcome {
    let (head, _) = get(address, "/nowhere").await?;
    expect("the status line", head.lines().next(), Some("HTTP/1.1 404 Not Found"))?;
    Ok("404".to_owned())
}

/// As little of an HTTP client as will do. The server ends the connection with its answer.
async fn get(address: SocketAddr, path: &str) -> Result<(String, String), Failure> {
    let mut tcp = TcpStream::connect(address).await?;
    tcp.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no end of its head")?;
    Ok((format!("{head}\r\n"), body.to_owned()))
}

// The opening handshake.

async fn no_websocket(address: SocketAddr) -> Outcome {
    expect("the answer's status", refusal(address, &request(address, "/nowhere")?).await?, 404)?;
    Ok("refused with 404".to_owned())
}

async fn other_site(address: SocketAddr) -> Outcome {
    let request = request(address, "/ws")?.origin("https://example.com")?;
    expect("the answer's status", refusal(address, &request).await?, 403)?;
    Ok("refused with 403".to_owned())
}

async fn refusal(address: SocketAddr, request: &ClientRequest) -> Result<u16, Failure> {
    match connect(TcpStream::connect(address).await?, request, Arc::default()).await {
        Ok(_) => Err("the server accepted it".into()),
        Err(Error::Refused(response)) => Ok(response.status()),
        Err(error) => Err(error.into()),
    }
}

async fn subprotocol(address: SocketAddr) -> Outcome {
    let request = request(address, "/ws")?.subprotocol("something.else")?.subprotocol(SUBPROTOCOL)?;
    let tcp = TcpStream::connect(address).await?;
    let (mut client, response) = connect(tcp, &request, Arc::default()).await?;
    expect("the subprotocol", response.subprotocol(), Some(SUBPROTOCOL))?;
    client.close(None).await;
    Ok(format!("{SUBPROTOCOL} is agreed on"))
}

fn request(address: SocketAddr, target: &str) -> Result<ClientRequest, InvalidHead> {
    ClientRequest::new(&address.to_string(), target)
}

async fn open(address: SocketAddr) -> Result<Client, Failure> {
    open_with(address, Config::default()).await
}

async fn open_with(address: SocketAddr, config: Config) -> Result<Client, Failure> {
    let tcp = TcpStream::connect(address).await?;
    let (client, response) = connect(tcp, &request(address, "/ws")?, Arc::new(config)).await?;
    expect("the subprotocol without an offer", response.subprotocol(), None)?;
    Ok(client)
}

// While it is open.

async fn echo(client: &mut Client, message: Message) -> Outcome {
    client.send(message.clone()).await?;
    let echo = next(client).await?;
    expect("that the echo is what was sent", echo == message, true)?;
    Ok(format!("{} bytes came back", echo.len()))
}

async fn next(client: &mut Client) -> Result<Message, Failure> {
    Ok(client.next().await.ok_or("the server closed")??)
}

async fn command(client: &mut Client, command: &str) -> Result<(), Error> {
    client.send(command.into()).await
}

async fn ping_by_server(client: &mut Client) -> Outcome {
    command(client, "/ping").await?;
    let answer = next(client).await?;
    let round_trip = answer.as_text().and_then(|text| text.strip_prefix("pong: ")?.strip_suffix(" ms"));
    let round_trip: f64 = round_trip.ok_or_else(|| format!("{answer:?} is no round trip"))?.parse()?;
    Ok(format!("its round trip was {round_trip} ms"))
}

async fn ping_by_client(client: &mut Client) -> Outcome {
    client.ping(b"there?")?;
    match client.next_event().await {
        Some(Event::Pong { payload, round_trip: Some(took) }) if payload == "there?" => {
            Ok(format!("its round trip was {:.2} ms", took.as_secs_f64() * 1e3))
        }
        event => Err(format!("{event:?} is not its pong").into()),
    }
}

/// As a page does it, which cannot ping.
async fn beat_by_text(client: &mut Client) -> Outcome {
    let [ping, pong] = BEAT;
    let sent = Instant::now();
    client.send(ping.into()).await?;
    expect("the answer", next(client).await?, pong.into())?;
    Ok(format!("answered after {:.2} ms", sent.elapsed().as_secs_f64() * 1e3))
}

async fn flood(client: &mut Client) -> Outcome {
    command(client, &format!("/flood {FLOOD}")).await?;
    for i in 1..=FLOOD {
        expect("the next message", next(client).await?, format!("flood {i}/{FLOOD}").into())?;
    }
    Ok(format!("{FLOOD} messages, in order"))
}

/// The command is answered with an error, and the connection stays open.
async fn error(client: &mut Client, text: &str) -> Outcome {
    command(client, text).await?;
    let answer = next(client).await?;
    let error = answer.as_text().filter(|text| text.starts_with("error: "));
    let error = error.ok_or_else(|| format!("{answer:?} is no error"))?.to_owned();
    echo(client, Message::from("still there?")).await?;
    Ok(error)
}

// How it ends.

async fn close_by_client(mut client: Client, code: u16) -> Outcome {
    let close = client.close(CloseFrame::new(code, "self-test")?).await;
    expect("the side that closed", close.closed_first_by(), Some(Side::Local))?;
    expect("the code sent", close.sent().map(u16::from), Some(code))?;
    expect_end(&close, code, true, Cause::ClosingHandshake)
}

async fn close_by_server(mut client: Client, code: u16) -> Outcome {
    command(&mut client, &format!("/close {code} as you wish")).await?;
    let close = end(&mut client).await?;
    expect("the side that closed", close.closed_first_by(), Some(Side::Remote))?;
    expect("the reason", close.reason(), "as you wish")?;
    expect_end(&close, code, true, Cause::ClosingHandshake)
}

/// The connection has a name, by which its end can be asked for.
async fn account(address: SocketAddr) -> Outcome {
    let tcp = TcpStream::connect(address).await?;
    let (mut client, _) = connect(tcp, &request(address, "/ws?self-test")?, Arc::default()).await?;
    client.close(CloseFrame::new(4000, "self-test")?).await;
    loop {
        let (head, body) = get(address, "/ending?self-test").await?;
        if head.starts_with("HTTP/1.1 200 ") {
            let line = body.lines().next().unwrap_or_default().to_owned();
            let told = line.starts_with("4000: the client closed first, saying \"self-test\"");
            return if told { Ok(line) } else { Err(format!("{line:?} is not what happened").into()) };
        }
        sleep(Duration::from_millis(20)).await; // the server may not have seen the end of the stream yet
    }
}

async fn too_big(mut client: Client) -> Outcome {
    // It may fail before all of it is written.
    let _ = client.send(vec![0; MAX_MESSAGE as usize + 1].into()).await;
    expect_end(&end(&mut client).await?, 1009, true, Cause::ClosingHandshake)
}

async fn violation(mut client: Client) -> Outcome {
    command(&mut client, "/violate").await?;
    let close = end(&mut client).await?;
    expect_end(&close, 1006, false, Cause::Violation(Violation::ReservedBits))
}

async fn restart(mut client: Client) -> Outcome {
    command(&mut client, "/restart").await?;
    expect_end(&end(&mut client).await?, 1012, true, Cause::ClosingHandshake)
}

async fn killed(mut client: Client) -> Outcome {
    command(&mut client, "/kill").await?;
    let close = end(&mut client).await?;
    expect_end(&close, 1006, false, Cause::EndOfStream(StreamPosition::BetweenMessages))
}

async fn again(address: SocketAddr) -> Outcome {
    let mut attempts = 1;
    loop {
        match open(address).await {
            Ok(_) => return Ok(format!("attempt {attempts} succeeded")),
            Err(_) => attempts += 1,
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn death(mut client: Client) -> Outcome {
    command(&mut client, "/die").await?;
    let close = end(&mut client).await?;
    expect_end(&close, 1006, false, Cause::EndOfStream(StreamPosition::BetweenMessages))
}

async fn silence(address: SocketAddr) -> Outcome {
    let mut config = Config::default();
    config.heartbeat = Some(NERVOUS);
    let mut client = open_with(address, config).await?;
    command(&mut client, "/silent").await?;
    let close = end(&mut client).await?;
    expect_end(&close, 1006, false, Cause::Deadline(Deadline::Heartbeat))
}

async fn end(client: &mut Client) -> Result<CloseEvent, Failure> {
    match client.next_event().await {
        Some(Event::Closed(close)) => Ok(close),
        event => Err(format!("{event:?} is not the end").into()),
    }
}

fn expect_end(close: &CloseEvent, code: u16, was_clean: bool, cause: Cause) -> Outcome {
    expect("the code", close.code(), CloseCode::new(code))?;
    expect("was_clean", close.was_clean(), was_clean)?;
    expect("the cause", close.cause(), cause)?;
    Ok(format!("{}, {}: {cause}", close.code(), if was_clean { "clean" } else { "not clean" }))
}
