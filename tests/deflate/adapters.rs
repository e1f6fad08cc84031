//! The adapters pass on what the machine can do: also pieces of a message that come without anything being read.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use websocket_proto::{Accept, Chunk, ClientRequest, Config, Delivery, Event, OriginPolicy, blocking};

use crate::{config, policy};

/// What inflates to a megabyte and takes some thousand bytes: sixteen steps.
const LARGE: usize = 1 << 20;

fn chunked() -> Arc<Config> {
    let mut config = config(policy(true, 15));
    config.delivery = Delivery::Chunks;
    Arc::new(config)
}

fn collect(pieces: &mut Vec<Chunk>, event: Event) -> bool {
    let Event::Chunk(chunk) = event else { panic!("{event:?}") };
    assert!(chunk.piece.len() <= 64 * 1024);
    pieces.push(chunk);
    pieces.last().is_some_and(|chunk| chunk.is_last)
}

fn check(pieces: &[Chunk]) {
    assert!(pieces.len() >= 16);
    assert_eq!(pieces.iter().map(|chunk| chunk.piece.len()).sum::<usize>(), LARGE);
}

#[test]
fn blocking() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let incoming = blocking::accept(listener.accept().unwrap().0, chunked()).unwrap();
        let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).unwrap();
        assert!(socket.deflate().is_some());
        let mut pieces = Vec::new();
        while !collect(&mut pieces, socket.next_event().unwrap()) {}
        check(&pieces);
        let (mut reader, mut writer) = socket.into_split().unwrap();
        writer.send(vec![7; LARGE]).unwrap();
        assert!(collect(&mut pieces, reader.next_event().unwrap()), "it was heard");
        writer.set_compression(false);
        writer.send(vec![7; LARGE]).unwrap();
    });
    let request = ClientRequest::new("localhost", "/").unwrap();
    let tcp = TcpStream::connect(address).unwrap();
    let (mut socket, _) = blocking::connect(tcp, &request, chunked()).unwrap();
    socket.send(vec![7; LARGE]).unwrap();
    let received = socket.stats().bytes_received;
    let mut pieces = Vec::new();
    while !collect(&mut pieces, socket.next_event().unwrap()) {}
    check(&pieces);
    assert!(
        socket.stats().bytes_received - received < 20_000,
        "it came compressed: {}",
        socket.stats().bytes_received - received
    );
    pieces.clear();
    socket.send("heard").unwrap();
    while !collect(&mut pieces, socket.next_event().unwrap()) {}
    check(&pieces);
    assert!(socket.stats().bytes_received - received > LARGE as u64, "it came as it is");
    server.join().unwrap();
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn tokio() {
    use futures_util::{SinkExt, StreamExt};
    use websocket_proto::Message;
    use websocket_proto::tokio::{accept, connect};

    use crate::text;

    let (here, there) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let incoming = accept(there, chunked()).await.unwrap();
        let mut socket = incoming.accept(&Accept::new(OriginPolicy::Any)).await.unwrap();
        let mut pieces = Vec::new();
        while !collect(&mut pieces, socket.next_event().await.unwrap()) {}
        check(&pieces);
        socket.send(Message::from(text(5000, 1))).await.unwrap();
        assert!(collect(&mut pieces, socket.next_event().await.unwrap()), "it was heard");
        socket.set_compression(false);
        socket.send(Message::from(text(5000, 1))).await.unwrap();
        socket.close(None).await
    });
    let request = ClientRequest::new("localhost", "/").unwrap();
    let (mut socket, _) = connect(here, &request, Arc::new(config(policy(true, 15)))).await.unwrap();
    assert!(socket.deflate().is_some());
    socket.send(Message::from(vec![7; LARGE])).await.unwrap();
    assert!(socket.stats().bytes_sent < 20_000, "it went compressed: {}", socket.stats().bytes_sent);
    for compressed in [true, false] {
        let before = socket.stats().bytes_received;
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::from(text(5000, 1)));
        assert_eq!(socket.stats().bytes_received - before < 4000, compressed);
        if compressed {
            socket.send(Message::from("heard")).await.unwrap();
        }
    }
    assert!(socket.next().await.is_none());
    assert!(server.await.unwrap().was_clean());
}
