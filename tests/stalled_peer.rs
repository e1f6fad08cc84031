//! A peer that sends on and never reads: whoever answers it is not held for longer than `Config::write_stall`, though it
//! waits to send and a message waits to be read.
#![cfg(feature = "std")]

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use websocket_proto::{Accept, Cause, CloseEvent, Config, Deadline, OriginPolicy, blocking};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Sends messages until it is cut off, and reads nothing.
fn be_the_peer(address: SocketAddr) {
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.write_all(REQUEST.as_bytes()).unwrap();
    let mut frame = vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    frame.resize(14 + (1 << 16), 0);
    while tcp.write_all(&frame).is_ok() {}
}

fn config() -> Arc<Config> {
    let mut config = Config::default();
    config.write_stall = Some(Duration::from_millis(300));
    Arc::new(config)
}

fn expect_stall(ends: &mpsc::Receiver<CloseEvent>) {
    let close = ends.recv_timeout(Duration::from_secs(30)).expect("an end");
    assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
}

#[test]
fn blocking_sends_end() {
    for flushes in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || be_the_peer(address));
        let (sender, ends) = mpsc::channel();
        thread::spawn(move || {
            let incoming = blocking::accept(listener.accept().unwrap().0, config()).unwrap();
            let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).unwrap();
            while let Ok(Some(message)) = socket.read() {
                let sent = if flushes { socket.send(message) } else { socket.feed(message) };
                if sent.is_err() {
                    break;
                }
            }
            sender.send(socket.close(None))
        });
        expect_stall(&ends);
    }
}

#[test]
#[cfg(feature = "tokio")]
fn tokio_sends_end() {
    use futures_util::{SinkExt, StreamExt};

    let runtime = tokio::runtime::Runtime::new().unwrap();
    for flushes in [false, true] {
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || be_the_peer(address));
        let (sender, ends) = mpsc::channel();
        runtime.spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let incoming = websocket_proto::tokio::accept(tcp, config()).await.unwrap();
            let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                let sent = if flushes { socket.send(message).await } else { socket.feed(message).await };
                if sent.is_err() {
                    break;
                }
            }
            sender.send(socket.close(None).await)
        });
        expect_stall(&ends);
    }
}
