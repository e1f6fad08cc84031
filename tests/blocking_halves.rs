//! A blocking socket for two threads: what the halves promise, over transports that do what a test says and over sockets of
//! the system.
#![cfg(feature = "std")]

#[path = "support/open.rs"]
mod open;
#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/scripted_blocking.rs"]
mod scripted_blocking;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use open::{quiet, upgraded};
use scripted::{CLOSE, PING, PONG, Remote, Scripted, TEXT, close_payload, frame, frames, masked, scripted};
use websocket_proto::blocking::{CloneIo, ReadHalf, TimedIo, WebSocket, WriteHalf};
use websocket_proto::{
    Cause, Chunk, CloseCode, CloseFrame, Config, Deadline, Delivery, Error, Event, Heartbeat, Message, Role,
    State, TransportFailure,
};

const SECOND: Duration = Duration::from_secs(1);

fn halves<T: CloneIo>(io: T, role: Role, config: Config) -> (ReadHalf<T>, WriteHalf<T>) {
    WebSocket::new(io, upgraded(role, config)).into_split().unwrap()
}

/// The halves of an open server, and its peer.
fn server(config: Config) -> (ReadHalf<Scripted>, WriteHalf<Scripted>, Remote) {
    let (io, remote) = scripted();
    let (reader, writer) = halves(io, Role::Server, config);
    (reader, writer, remote)
}

fn text(message: &str) -> Result<Option<Message>, Error> {
    Ok(Some(Message::from(message)))
}

#[test]
fn a_reader_alone_answers_pings_beats_and_finds_a_dead_peer() {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(10 * SECOND, 5 * SECOND));
    let (mut reader, writer, remote) = server(config);
    drop(writer);
    remote.answer_pings_after(SECOND);
    remote.at(35 * SECOND, |state| {
        state.push(&masked(PING, b"?"));
        state.answers_pings_after = None;
    });
    let Some(Event::Closed(close)) = std::iter::from_fn(|| reader.next_event()).last() else { panic!() };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
    let written = frames(&remote.written());
    assert!(written.contains(&(PONG, b"?".to_vec())));
    assert_eq!(written.last().unwrap().0, CLOSE);
    // The last Ping was at most ten seconds after the last sign of life, and at least seven and a half.
    assert!((47..=50).contains(&remote.clock().as_secs()), "{:?}", remote.clock());
    assert!(remote.seen().reset);
}

#[test]
fn a_writer_alone_answers_pings_and_drops_what_nobody_reads() {
    let (reader, mut writer, remote) = server(quiet());
    drop(reader);
    for _ in 0..20 {
        remote.push(&masked(0x82, &[7; 60_000]));
    }
    remote.push(&masked(PING, b"?"));
    remote.set_room(Some(0));
    // Blocked for a while, it reads.
    remote.at(5 * SECOND, |state| state.set_room(None));
    writer.send("one").unwrap();
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.lock().end();
    assert!(writer.close(CloseFrame::NORMAL).was_clean());
    let written = frames(&remote.written());
    assert!(written.contains(&(PONG, b"?".to_vec())) && written.contains(&(TEXT, b"one".to_vec())));
    assert_eq!((writer.stats().messages_received, writer.state()), (20, State::Closed));
}

#[test]
fn what_a_writer_finds_waits_for_the_reader() {
    let (mut reader, mut writer, remote) = server(quiet());
    remote.push(&[masked(TEXT, b"one"), masked(TEXT, b"two")].concat());
    remote.set_room(Some(0));
    remote.at(SECOND, |state| state.set_room(None));
    writer.send("out").unwrap();
    assert_eq!((reader.read(), reader.read()), (text("one"), text("two")));
}

#[test]
fn a_writer_does_not_send_into_the_void() {
    let (mut reader, mut writer, remote) = server(quiet());
    remote.set_room(Some(0));
    let Err(Error::Closed(close)) = writer.send("void") else { panic!() };
    assert_eq!((close.cause(), close.unsent_messages()), (Cause::Deadline(Deadline::WriteStall), 1));
    assert!((30..32).contains(&remote.clock().as_secs()));
    assert_eq!(reader.read(), Err(Error::Closed(close.clone())));
    assert_eq!(reader.read(), Ok(None));
    assert_eq!(writer.send("late"), Err(Error::Closed(close)));
}

#[test]
fn both_dropped_in_any_order_say_goodbye() {
    for reader_first in [true, false] {
        let (reader, writer, remote) = server(quiet());
        if reader_first {
            drop(reader);
            drop(writer);
        } else {
            drop(writer);
            drop(reader);
        }
        assert_eq!(frames(&remote.written()), [(CLOSE, close_payload(1001, "dropped"))]);
    }
}

#[test]
fn what_a_transport_keeps_back_and_fails_to_flush_was_not_sent() {
    let (_reader, mut writer, remote) = server(quiet());
    remote.keep_back();
    remote.fail_flushes(ErrorKind::BrokenPipe);
    assert!(writer.send("lost").is_err());
    assert_eq!(remote.written(), b"");
}

#[test]
fn the_goodbye_of_the_last_half_goes_behind_all_that_waits() {
    // Behind much.
    let (reader, mut writer, remote) = server(quiet());
    writer.feed(vec![0; 200_000]).unwrap();
    drop((reader, writer));
    assert_eq!(frames(&remote.written()).last().unwrap().0, CLOSE);

    // Behind a piece that was written in part.
    let (mut reader, mut writer, remote) = server(quiet());
    writer.feed("0123456789".repeat(10)).unwrap();
    remote.set_room(Some(10));
    remote.push(&masked(TEXT, b"x"));
    assert_eq!(reader.read(), text("x"));
    remote.set_room(None);
    drop((reader, writer));
    assert_eq!(frames(&remote.written()).last().unwrap().0, CLOSE);
}

#[test]
fn a_slow_peer_does_not_hold_back_what_arrived() {
    let (mut reader, mut writer, remote) = server(quiet());
    remote.write_in(&[1000]);
    remote.lock().write_takes = Duration::from_millis(5);
    writer.feed(vec![0; 1 << 20]).unwrap();
    remote.push(&masked(TEXT, b"hi"));
    assert_eq!(reader.read(), text("hi"));
    assert!(remote.clock() < Duration::from_millis(100), "{:?}", remote.clock());
}

#[test]
fn halves_of_one_socket_are_one_again() {
    let (reader, mut writer, remote) = server(quiet());
    let (_other_reader, other_writer, _) = server(quiet());
    remote.push(&masked(TEXT, b"hello"));
    writer.feed("queued").unwrap();
    let (reader, _) = reader.reunite(other_writer).expect_err("of different sockets");
    let mut socket = reader.reunite(writer).expect("of one socket");
    assert_eq!(socket.read(), text("hello"));
    assert_eq!(remote.written(), frame(TEXT, b"queued"));
}

/// Without a second handle the socket is what it was.
#[test]
fn a_socket_that_cannot_be_split_comes_back() {
    let (io, remote) = scripted();
    remote.lock().cannot_be_cloned = true;
    let error = WebSocket::new(io, upgraded(Role::Server, quiet())).into_split().unwrap_err();
    let mut socket = *error.socket;
    remote.push(&masked(TEXT, b"hello"));
    assert_eq!(socket.read(), text("hello"));
}

#[test]
fn failures_of_either_end_reach_both_halves() {
    let (mut reader, mut writer, remote) = server(quiet());
    remote.fail_read(ErrorKind::ConnectionReset);
    let Err(Error::Closed(close)) = reader.read() else { panic!() };
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::Reset));
    assert_eq!(writer.close(None), close);

    // The peer's Close waits unread behind a failed write.
    let (mut reader, mut writer, remote) = server(quiet());
    remote.push(&masked(CLOSE, &close_payload(1008, "policy")));
    remote.fail_writes(ErrorKind::BrokenPipe);
    assert!(matches!(writer.send("x"), Err(Error::NotOpen(_) | Error::Closed(_))));
    let Err(Error::Closed(close)) = reader.read() else { panic!() };
    assert_eq!(close.code(), CloseCode::POLICY_VIOLATION);
}

#[test]
fn bytes_come_and_go_one_at_a_time() {
    let (mut reader, mut writer, remote) = server(quiet());
    remote.read_in(&[1, 0, 1]);
    remote.write_in(&[1, 1, 0]);
    remote.push(&masked(TEXT, b"hello"));
    remote.keep_back();
    writer.send("out").unwrap();
    assert_eq!(reader.read(), text("hello"));
    assert_eq!(remote.written(), frame(TEXT, b"out"));
}

// Two threads at once.

/// A transport that always has another message, and takes nothing or everything, until it is told that it is over.
#[derive(Clone)]
struct Endless {
    next: Arc<Mutex<u32>>,
    takes: bool,
    over: Arc<AtomicBool>,
}

impl Endless {
    fn new(takes: bool) -> (Self, Arc<AtomicBool>) {
        let over: Arc<AtomicBool> = Arc::default();
        (Self { next: Arc::default(), takes, over: over.clone() }, over)
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let mut next = self.next.lock().unwrap();
        let frame = masked(0x82, &next.to_be_bytes());
        *next += 1;
        buffer[..frame.len()].copy_from_slice(&frame);
        Ok(frame.len())
    }
}

impl Write for Endless {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.over.load(Ordering::Relaxed) {
            Err(ErrorKind::BrokenPipe.into())
        } else if self.takes {
            Ok(buffer.len().div_ceil(2))
        } else {
            Err(ErrorKind::WouldBlock.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // Long enough for the other thread to come in between.
        (0..20).for_each(|_| thread::yield_now());
        Ok(())
    }
}

impl TimedIo for Endless {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_nonblocking(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_reset_on_drop(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl CloneIo for Endless {
    fn clone_io(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

#[test]
fn what_arrives_is_told_in_its_order_whichever_thread_has_read_it() {
    for takes in [false, true] {
        let (io, over) = Endless::new(takes);
        let (mut reader, mut writer) = halves(io, Role::Server, quiet());
        let writing = thread::spawn(move || while writer.send("in between").is_ok() {});
        for number in 0..100_000_u32 {
            let message = reader.read().unwrap().unwrap();
            assert_eq!(message.payload()[..], number.to_be_bytes(), "takes output: {takes}");
        }
        over.store(true, Ordering::Relaxed);
        writing.join().unwrap();
    }
}

#[test]
fn nothing_that_is_sent_gets_stuck_between_the_threads() {
    let (io, over) = Endless::new(true);
    let (mut reader, mut writer) = halves(io, Role::Server, quiet());
    let reading = thread::spawn(move || while matches!(reader.read(), Ok(Some(_))) {});
    for number in 0..2000 {
        writer.send(format!("message {number}")).unwrap();
        assert_eq!(writer.buffered_amount(), 0);
    }
    over.store(true, Ordering::Relaxed);
    reading.join().unwrap();
}

// Sockets of the system.

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

#[test]
fn a_read_that_waits_keeps_nobody_from_writing() {
    let (near, mut far) = tcp_pair();
    let (mut reader, mut writer) = halves(near, Role::Server, quiet());
    let reading = thread::spawn(move || reader.read());
    for number in 0..100 {
        writer.send(format!("message {number}")).unwrap();
        let expected = frame(TEXT, format!("message {number}").as_bytes());
        let mut bytes = vec![0; expected.len()];
        far.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, expected);
    }
    far.write_all(&masked(TEXT, b"enough")).unwrap();
    assert_eq!(reading.join().unwrap(), text("enough"));
}

#[test]
fn a_write_that_waits_keeps_nobody_from_reading() {
    let (near, mut far) = tcp_pair();
    let (mut reader, mut writer) = halves(near, Role::Server, quiet());
    let (began, begun) = mpsc::channel();
    let writing = thread::spawn(move || {
        began.send(()).unwrap();
        // More than the sockets hold.
        (writer.send(vec![7; 64 << 20]), writer)
    });
    begun.recv().unwrap();
    for number in 0..100 {
        far.write_all(&masked(TEXT, format!("message {number}").as_bytes())).unwrap();
        assert_eq!(reader.read(), text(&format!("message {number}")));
    }
    assert!(reader.stats().messages_sent == 0);
    let taking = thread::spawn(move || std::io::copy(&mut far, &mut std::io::sink()));
    let (sent, writer) = writing.join().unwrap();
    sent.unwrap();
    drop((reader, writer));
    assert!(taking.join().unwrap().unwrap() > 64 << 20);
}

#[test]
fn closing_from_one_thread_wakes_the_other() {
    let (near, far) = tcp_pair();
    let (mut reader, mut writer) = halves(near, Role::Client, quiet());
    let mut peer = WebSocket::new(far, upgraded(Role::Server, quiet()));
    let serving = thread::spawn(move || peer.read());
    let reading = thread::spawn(move || (reader.read(), reader.close_event().unwrap()));
    let close = writer.close(CloseFrame::NORMAL);
    assert!(close.was_clean());
    assert_eq!(reading.join().unwrap(), (Ok(None), close));
    assert_eq!(serving.join().unwrap(), Ok(None));
}

/// Sends numbered messages of many sizes, some in chunks.
fn flood<T: CloneIo>(writer: &mut WriteHalf<T>, count: u32) {
    for number in 0..count {
        let payload = vec![number as u8; (number as usize * 977) % 70_000];
        if number % 5 == 0 {
            let (head, tail) = payload.split_at(payload.len() / 3);
            writer.send_chunk(Chunk::more(head)).unwrap();
            writer.send_chunk(Chunk::last(tail)).unwrap();
        } else if number % 3 == 0 {
            writer.feed(payload).unwrap();
        } else {
            writer.send(payload).unwrap();
        }
    }
    writer.flush().unwrap();
}

fn drain<T: CloneIo>(reader: &mut ReadHalf<T>, count: u32) {
    for number in 0..count {
        let expected = vec![number as u8; (number as usize * 977) % 70_000];
        assert!(reader.read().unwrap().unwrap() == Message::from(expected), "message {number}");
    }
}

fn exchange<T: CloneIo + Send + 'static>(near: T, far: T) {
    let ends = [halves(near, Role::Client, Config::default()), halves(far, Role::Server, Config::default())];
    let threads = ends.map(|(mut reader, mut writer)| {
        let writing = thread::spawn(move || {
            flood(&mut writer, 300);
            writer
        });
        let reading = thread::spawn(move || {
            drain(&mut reader, 300);
            reader
        });
        (writing, reading)
    });
    let [(mut near, _reader), (_writer, mut far)] =
        threads.map(|(writing, reading)| (writing.join().unwrap(), reading.join().unwrap()));
    let peer = thread::spawn(move || far.read());
    assert!(near.close(None).was_clean());
    assert_eq!(peer.join().unwrap(), Ok(None));
}

#[test]
fn floods_both_ways_keep_their_order() {
    let (near, far) = tcp_pair();
    exchange(near, far);
    #[cfg(unix)]
    {
        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        exchange(near, far);
    }
}

#[test]
fn chunks_arrive_before_their_message_has_ended() {
    let mut config = quiet();
    config.delivery = Delivery::Chunks;
    let (near, far) = tcp_pair();
    let (mut reader, _keep) = halves(near, Role::Client, config);
    let mut peer = WebSocket::new(far, upgraded(Role::Server, quiet()));
    peer.send_chunk(Chunk::more("once ")).unwrap();
    assert_eq!(reader.next_event(), Some(Event::Chunk(Chunk::more("once "))));
    assert_eq!(peer.send("early"), Err(Error::Unfinished));
    peer.send_chunk(Chunk::last("more")).unwrap();
    assert_eq!(reader.read(), Err(Error::Chunked));
}
