//! The opening handshake, from both sides.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep};
use websocket_proto::tokio::{Incoming, accept, connect};
use websocket_proto::{
    Accept, Cause, ClientRequest, Deadline, Error, HandshakeError, Misuse, OriginPolicy, Reject,
    StreamPosition,
};

use super::scripted::{Remote, Scripted, TEXT, masked, scripted};
use super::{SECOND, poll_once, quiet, text};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A request from a page of this origin.
fn request(origin: &str) -> Vec<u8> {
    format!("{REQUEST}Origin: {origin}\r\n\r\n").into_bytes()
}

async fn incoming(bytes: &[u8], config: websocket_proto::Config) -> (Incoming<Scripted>, Remote) {
    let (io, remote) = scripted();
    remote.push(bytes);
    (accept(io, Arc::new(config)).await.unwrap(), remote)
}

fn answer(remote: &Remote) -> String {
    String::from_utf8(remote.written()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn both_sides_open_over_a_narrow_pipe() {
    for capacity in [1, 16, 4096] {
        let (near, far) = tokio::io::duplex(capacity);
        let request = ClientRequest::new("a", "/chat").unwrap().subprotocol("v1").unwrap();
        let client = tokio::spawn(async move { connect(near, &request, Arc::new(quiet())).await });
        let incoming = accept(far, Arc::new(quiet())).await.unwrap();
        assert_eq!(incoming.request().unwrap().path(), "/chat");
        assert!(incoming.http_request().is_none() && incoming.get_ref().is_some());
        let accepting = Accept::new(OriginPolicy::SameHost).subprotocol("v1").unwrap();
        let mut server = incoming.accept(&accepting).await.unwrap();
        let (mut client, response) = client.await.unwrap().unwrap();
        assert_eq!(response.status(), 101);
        assert_eq!((client.subprotocol(), server.subprotocol()), (Some("v1"), Some("v1")));
        let (sent, received) = tokio::join!(client.send("hello".into()), server.next());
        assert_eq!((sent, received), (Ok(()), text("hello")));
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_with_the_request_is_not_lost() {
    let mut bytes = request("http://a");
    bytes.extend_from_slice(&masked(TEXT, b"eager"));
    let (incoming, _remote) = incoming(&bytes, quiet()).await;
    let mut socket = incoming.accept(&Accept::new(OriginPolicy::SameHost)).await.unwrap();
    assert_eq!(socket.next().await, text("eager"));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_origin_gets_403() {
    let (incoming, remote) = incoming(&request("http://evil.example"), quiet()).await;
    remote.end();
    let Err(Error::Closed(close)) = incoming.accept(&Accept::new(OriginPolicy::SameHost)).await else {
        panic!()
    };
    assert_eq!(close.cause(), Cause::Handshake(HandshakeError::OriginNotAllowed));
    assert!(answer(&remote).starts_with("HTTP/1.1 403 "));
}

#[tokio::test(start_paused = true)]
async fn requests_are_rejected_and_pages_served() {
    let (refused, remote) = incoming(&request("http://a"), quiet()).await;
    let rejecting = Reject::new(404).unwrap().body("no such room\n");
    let finished = tokio::spawn(async move { refused.reject(&rejecting).await });
    sleep(SECOND).await;
    let told = answer(&remote);
    assert!(told.starts_with("HTTP/1.1 404 ") && told.ends_with("no such room\n"), "{told}");
    assert_eq!(remote.seen().shut_down_after, Some(told.len()));
    assert!(!finished.is_finished(), "it waits for the client to leave, lest a reset destroy the answer");
    remote.end();
    assert_eq!(finished.await.unwrap().unwrap().cause(), Cause::Rejected(404));

    let mut config = quiet();
    config.http_requests = true;
    let (page, remote) = incoming(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", config).await;
    assert_eq!(page.http_request().unwrap().path(), "/health");
    remote.end();
    page.reject(&Reject::new(200).unwrap().body("fine")).await.unwrap();
    assert!(answer(&remote).starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_does_not_fit_is_the_callers_fault_and_the_client_gets_503() {
    let (upgrade, remote) = incoming(&request("http://a"), quiet()).await;
    let accepting = Accept::new(OriginPolicy::Any).subprotocol("unheard-of").unwrap();
    let error = upgrade.accept(&accepting).await.unwrap_err();
    assert_eq!(error, Error::Misuse(Misuse::SubprotocolNotOffered));
    assert!(answer(&remote).starts_with("HTTP/1.1 503 "));

    let (upgrade, remote) = incoming(&request("http://a"), quiet()).await;
    let error = upgrade.reject(&Reject::new(200).unwrap()).await.unwrap_err();
    assert_eq!(error, Error::Misuse(Misuse::StatusNotAllowed));
    assert!(answer(&remote).starts_with("HTTP/1.1 503 "));

    let (upgrade, remote) = incoming(&request("http://a"), quiet()).await;
    drop(upgrade);
    assert!(answer(&remote).starts_with("HTTP/1.1 503 "));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_takes_too_long_is_over() {
    let (io, remote) = scripted();
    remote.push(&request("http://a")[..50]);
    let start = Instant::now();
    let serving = tokio::spawn(accept(io, Arc::new(quiet())));
    sleep(10 * SECOND + SECOND / 2).await;
    assert!(answer(&remote).starts_with("HTTP/1.1 408 "));
    remote.end();
    let Err(Error::Closed(close)) = serving.await.unwrap() else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Handshake));
    assert!(start.elapsed() < 11 * SECOND);

    let (io, remote) = scripted();
    let request = ClientRequest::new("a", "/").unwrap();
    let start = Instant::now();
    let Err(Error::Closed(close)) = connect(io, &request, Arc::new(quiet())).await else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Handshake));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(remote.seen().dropped);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_how_it_was_refused() {
    let request = ClientRequest::new("a", "/").unwrap();
    let (io, remote) = scripted();
    remote.push(b"HTTP/1.1 401 Who are you\r\nContent-Length: 6\r\n\r\nlog in");
    let Err(Error::Refused(response)) = connect(io, &request, Arc::new(quiet())).await else { panic!() };
    assert_eq!((response.status(), &response.body()[..]), (401, &b"log in"[..]));
    assert!(remote.seen().dropped);

    let (io, remote) = scripted();
    remote.push(b"HTTP/1.1 101 ");
    remote.end();
    let Err(Error::Closed(close)) = connect(io, &request, Arc::new(quiet())).await else { panic!() };
    assert_eq!(close.cause(), Cause::Handshake(HandshakeError::EndedEarly));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_the_application_thinks_is_noticed_afterwards() {
    let (incoming, remote) = incoming(&request("http://a"), quiet()).await;
    remote.end();
    let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).await.unwrap();
    let Some(Err(Error::Closed(close))) = socket.next().await else { panic!() };
    assert_eq!(close.cause(), Cause::EndOfStream(StreamPosition::BetweenMessages));
    assert!(poll_once(socket.next()).is_ready());
}
