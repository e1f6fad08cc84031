//! One message that is larger than memory should ever be, echoed through chunks over loopback by both adapters: every byte of it
//! comes back, and what the process holds does not grow with it.
//!
//! 16 MiB, unless `HUGE_MIB` says otherwise:
//!
//! ```text
//! HUGE_MIB=10240 cargo test --release --features tokio --test huge -- --nocapture
//! ```
#![cfg(feature = "tokio")]
#![allow(clippy::disallowed_methods, reason = "real sockets under real load, for as long as somebody says")]

#[path = "support/counting.rs"]
mod counting;

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{
    Agreement, Chunk, CloseEvent, CloseFrame, Config, Connection, Delivery, Event, Message, Role, Timestamp,
    blocking,
};

use counting::peak_of_all_threads;

/// What is given to the socket at once.
const CHUNK: usize = 64 * 1024;

/// What both ends and all that drives them may hold, whatever the size of the message.
const MOST: isize = 1 << 20;

/// One at a time, since the memory is that of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn size() -> u64 {
    let mib = std::env::var("HUGE_MIB").map_or(16, |mib| mib.parse().expect("a number of MiB"));
    mib << 20
}

fn connection(role: Role) -> Connection {
    let mut config = Config::default();
    config.delivery = Delivery::Chunks;
    Connection::upgraded(role, Agreement::default(), Arc::new(config), [7; 32], Timestamp::default())
}

/// The byte at this place of the message: no two neighbouring chunks or frames look alike.
fn pattern(offset: u64) -> u8 {
    (offset ^ (offset >> 8) ^ (offset >> 17) ^ (offset >> 31)) as u8
}

/// The chunk of the message that begins at this place.
fn chunk_at(offset: u64, size: u64) -> Chunk {
    let end = size.min(offset + CHUNK as u64);
    let piece: Vec<u8> = (offset..end).map(pattern).collect();
    if end == size { Chunk::last(piece) } else { Chunk::more(piece) }
}

/// Compares what came back, and counts it.
struct Check {
    received: u64,
    last: bool,
}

impl Check {
    fn take(&mut self, event: Event) {
        let Event::Chunk(Chunk { piece: Message::Binary(piece), is_last, .. }) = event else { return };
        assert!(!self.last);
        assert!(piece.iter().zip(self.received..).all(|(byte, offset)| *byte == pattern(offset)));
        self.received += piece.len() as u64;
        self.last = is_last;
    }
}

fn report(adapter: &str, size: u64, peak: isize) {
    println!("{adapter}: {} MiB echoed, peak heap of both ends {} KiB", size >> 20, peak >> 10);
    assert!(peak <= MOST, "{peak}");
}

#[test]
fn tokio_echoes_it_with_constant_memory() {
    let alone = ALONE.lock();
    let size = size();
    let peak = peak_of_all_threads(|| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(over_tokio(size));
    });
    report("tokio", size, peak);
    drop(alone);
}

async fn over_tokio(size: u64) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let echo = tokio::spawn(async move {
        let mut server = WebSocketStream::new(far, connection(Role::Server));
        while let Some(event) = server.next_event().await {
            if let Event::Chunk(chunk) = event {
                server.send_chunk(chunk).await.unwrap();
            }
        }
    });
    let (mut reader, mut writer) = WebSocketStream::new(near, connection(Role::Client)).into_split();
    let writing = tokio::spawn(async move {
        for offset in (0..size).step_by(CHUNK) {
            writer.send_chunk(chunk_at(offset, size)).await.unwrap();
        }
        writer
    });
    let mut check = Check { received: 0, last: false };
    while !check.last {
        check.take(reader.next_event().await.unwrap());
    }
    assert_eq!(check.received, size);
    let reading = tokio::spawn(async move { while reader.next_event().await.is_some() {} });
    let close: CloseEvent = writing.await.unwrap().close(CloseFrame::NORMAL).await;
    assert!(close.was_clean());
    reading.await.unwrap();
    echo.await.unwrap();
}

#[test]
fn threads_echo_it_with_constant_memory() {
    let alone = ALONE.lock();
    let size = size();
    let peak = peak_of_all_threads(|| over_threads(size));
    report("blocking", size, peak);
    drop(alone);
}

fn over_threads(size: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    let echo = thread::spawn(move || {
        let mut server = blocking::WebSocket::new(far, connection(Role::Server));
        while let Some(event) = server.next_event() {
            if let Event::Chunk(chunk) = event {
                server.send_chunk(chunk).unwrap();
            }
        }
    });
    let client = blocking::WebSocket::new(near, connection(Role::Client));
    let (mut reader, mut writer) = client.into_split().unwrap();
    let writing = thread::spawn(move || {
        for offset in (0..size).step_by(CHUNK) {
            writer.send_chunk(chunk_at(offset, size)).unwrap();
        }
        writer
    });
    let mut check = Check { received: 0, last: false };
    while !check.last {
        check.take(reader.next_event().unwrap());
    }
    assert_eq!(check.received, size);
    let reading = thread::spawn(move || while reader.next_event().is_some() {});
    assert!(writing.join().unwrap().close(CloseFrame::NORMAL).was_clean());
    reading.join().unwrap();
    echo.join().unwrap();
}
