//! Two tasks a socket, on two worker threads.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Sink;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{sleep, timeout};
use websocket_proto::tokio::{ReadHalf, WebSocketStream, WriteHalf};
use websocket_proto::{Chunk, CloseFrame, Event, Role};

use crate::{Dice, END, STUCK, connection, is_end, payload, seconds, under_load};

/// What the tasks share.
#[derive(Clone)]
struct Round {
    over: Arc<AtomicBool>,
    /// How often the tasks were polled: once for each time that they were woken, and once to begin.
    polls: Arc<AtomicU64>,
    gives_up: bool,
}

struct Counted<F> {
    task: Pin<Box<F>>,
    polls: Arc<AtomicU64>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.task.as_mut().poll(cx)
    }
}

impl Round {
    fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        tokio::spawn(Counted { task: Box::pin(task), polls: self.polls.clone() })
    }

    /// Waits for what `poll` polls. If this round gives things up, then it may be after a poll or after a while; something
    /// else happens, and it is wanted again. In the end it must come to its end by wake-ups alone.
    async fn wait<T>(&self, dice: &mut Dice, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        while self.gives_up && dice.roll(3) > 0 {
            if dice.roll(2) == 0 {
                if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(poll(cx))).await {
                    return done;
                }
                yield_now().await;
            } else if let Ok(done) = timeout(dice.time(5), poll_fn(&mut poll)).await {
                return done;
            }
        }
        timeout(STUCK, poll_fn(poll)).await.expect("a wake-up was lost")
    }

    async fn write(self, mut writer: WriteHalf<TcpStream>, seed: u64) -> (WriteHalf<TcpStream>, u64) {
        let (mut dice, mut number) = (Dice(seed), 0);
        while !self.over.load(Ordering::Relaxed) {
            let payload = payload(number);
            if dice.roll(10) == 0 {
                let (head, tail) = payload.split_at(payload.len() / 2);
                // Not given up: whoever does would not know whether it was sent.
                for chunk in [Chunk::more(head), Chunk::last(tail)] {
                    timeout(STUCK, writer.send_chunk(chunk)).await.expect("stuck").unwrap();
                }
            } else {
                self.wait(&mut dice, |cx| Pin::new(&mut writer).poll_ready(cx)).await.unwrap();
                Pin::new(&mut writer).start_send(payload.into()).unwrap();
            }
            number += 1;
            if dice.roll(3) == 0 {
                self.wait(&mut dice, |cx| Pin::new(&mut writer).poll_flush(cx)).await.unwrap();
            }
            if dice.roll(50) == 0 {
                // The last one may still wait.
                let _ = writer.ping(b"?");
            }
        }
        timeout(STUCK, writer.send_chunk(Chunk::last(END))).await.expect("stuck").unwrap();
        (writer, number)
    }

    async fn read(self, mut reader: ReadHalf<TcpStream>, seed: u64) -> (ReadHalf<TcpStream>, u64) {
        let (mut dice, mut number) = (Dice(seed), 0);
        loop {
            let event = self.wait(&mut dice, |cx| pin!(reader.next_event()).poll(cx)).await;
            match event.expect("the connection is open") {
                Event::Message(message) if is_end(&message, number) => return (reader, number),
                Event::Message(_) => number += 1,
                Event::Ping(_) | Event::Pong { .. } => {}
                other => panic!("{other:?}"),
            }
            if dice.roll(200) == 0 {
                sleep(dice.time(20)).await;
            }
        }
    }
}

#[test]
fn two_tasks_that_give_up_now_and_then() {
    hammer(true);
}

#[test]
fn two_tasks_that_wait_for_their_wakers() {
    hammer(false);
}

fn hammer(gives_up: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    under_load(|| runtime.block_on(hammer_halves(gives_up)));
}

async fn hammer_halves(gives_up: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // A network that holds little, so that everybody waits often.
    let near = TcpSocket::new_v4().unwrap();
    near.set_send_buffer_size(4096).unwrap();
    near.set_recv_buffer_size(4096).unwrap();
    let near = near.connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let (near_reader, near_writer) = WebSocketStream::new(near, connection(Role::Client)).into_split();
    let (far_reader, far_writer) = WebSocketStream::new(far, connection(Role::Server)).into_split();
    let round = Round { over: Arc::default(), polls: Arc::default(), gives_up };

    let near_writing = round.spawn(round.clone().write(near_writer, 1));
    let far_reading = round.spawn(round.clone().read(far_reader, 2));
    let far_writing = round.spawn(round.clone().write(far_writer, 3));
    let near_reading = round.spawn(round.clone().read(near_reader, 4));
    sleep(seconds()).await;
    round.over.store(true, Ordering::Relaxed);
    let ((mut near_writer, sent), (far_writer, answered)) =
        (near_writing.await.unwrap(), far_writing.await.unwrap());
    let (mut far_reader, received) = far_reading.await.unwrap();
    let (mut near_reader, got) = near_reading.await.unwrap();
    assert_eq!((received, got), (sent, answered));
    let polls = round.polls.load(Ordering::Relaxed);
    println!("tasks, giving up: {gives_up}: {sent} and {answered} messages in order, {polls} polls");
    assert!(sent > 0 && answered > 0);
    if !gives_up {
        // A message is sent, received and sometimes flushed, and a Ping wakes up too; a task that spins does so more often.
        assert!(polls < 8 * (sent + answered) + 1000, "{polls} polls");
    }

    // Whoever only waits is not woken, whatever was given up before.
    let watching = [
        round.spawn(async move { while near_reader.next_event().await.is_some() {} }),
        round.spawn(async move { while far_reader.next_event().await.is_some() {} }),
    ];
    sleep(Duration::from_millis(300)).await;
    let before = round.polls.load(Ordering::Relaxed);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(round.polls.load(Ordering::Relaxed), before, "a task spins");

    assert!(timeout(STUCK, near_writer.close(CloseFrame::NORMAL)).await.expect("stuck").was_clean());
    for task in watching {
        timeout(STUCK, task).await.expect("stuck").unwrap();
    }
    drop(far_writer);
}
