//! Two threads a socket.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use websocket_proto::blocking::{ReadHalf, WebSocket, WriteHalf};
use websocket_proto::{Chunk, CloseFrame, Role};

use crate::{Dice, END, STUCK, connection, is_end, payload, seconds, under_load};

fn write(writer: &mut WriteHalf<TcpStream>, over: &AtomicBool, seed: u64) -> u64 {
    let (mut dice, mut number) = (Dice(seed), 0);
    while !over.load(Ordering::Relaxed) {
        let payload = payload(number);
        match dice.roll(10) {
            0 => {
                let (head, tail) = payload.split_at(payload.len() / 2);
                writer.send_chunk(Chunk::more(head)).unwrap();
                writer.send_chunk(Chunk::last(tail)).unwrap();
            }
            1..=4 => writer.send(payload).unwrap(),
            _ => writer.feed(payload).unwrap(),
        }
        number += 1;
        if dice.roll(50) == 0 {
            // The last one may still wait.
            let _ = writer.ping(b"?");
        }
        if dice.roll(200) == 0 {
            thread::sleep(dice.time(5));
        }
    }
    writer.send(END).unwrap();
    number
}

fn read(reader: &mut ReadHalf<TcpStream>, seed: u64) -> u64 {
    let (mut dice, mut number) = (Dice(seed), 0);
    loop {
        let message = reader.read().unwrap().expect("the connection is open");
        if is_end(&message, number) {
            return number;
        }
        number += 1;
        if dice.roll(200) == 0 {
            thread::sleep(dice.time(20));
        }
    }
}

#[test]
fn two_threads() {
    let (done, is_done) = mpsc::channel();
    let hammering = thread::spawn(move || {
        under_load(hammer);
        let _ = done.send(());
    });
    if is_done.recv_timeout(seconds() * 3 + 3 * STUCK) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("stuck");
    }
    hammering.join().unwrap();
}

fn hammer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    let (mut near_reader, mut near_writer) =
        WebSocket::new(near, connection(Role::Client)).into_split().unwrap();
    let (mut far_reader, mut far_writer) =
        WebSocket::new(far, connection(Role::Server)).into_split().unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let near_writing = scope.spawn(|| write(&mut near_writer, &over, 1));
        let far_reading = scope.spawn(|| read(&mut far_reader, 2));
        let far_writing = scope.spawn(|| write(&mut far_writer, &over, 3));
        let near_reading = scope.spawn(|| read(&mut near_reader, 4));
        thread::sleep(seconds());
        over.store(true, Ordering::Relaxed);
        let (sent, answered) = (near_writing.join().unwrap(), far_writing.join().unwrap());
        assert_eq!((far_reading.join().unwrap(), near_reading.join().unwrap()), (sent, answered));
        println!("threads: {sent} and {answered} messages in order");
        assert!(sent > 0 && answered > 0);
    });
    let closing = thread::spawn(move || near_writer.close(CloseFrame::NORMAL));
    assert_eq!((far_reader.read(), near_reader.read()), (Ok(None), Ok(None)));
    assert!(closing.join().unwrap().was_clean());
}
