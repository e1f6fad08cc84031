//! One socket, two tasks: no wake-up is lost, none is made up, and each half may go.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::time::{sleep, timeout};
use websocket_proto::{Config, Error, Message, State};

use super::scripted::{BINARY, CLOSE, PING, close_payload, frame, frames, masked};
use super::scripted_async::Count;
use super::{Pipe, SECOND, pair, quiet, server, text};

/// A task that is polled only when somebody woke it.
struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    count: Arc<Count>,
    waker: Waker,
    done: Option<T>,
    polls: usize,
}

impl<'a, T> Task<'a, T> {
    fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        let (count, waker) = Count::new();
        let mut task = Self { future: Box::pin(future), count, waker, done: None, polls: 0 };
        task.poll();
        task
    }

    fn poll(&mut self) {
        self.polls += 1;
        if let Poll::Ready(done) = self.future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            self.done = Some(done);
        }
    }

    /// Polls it as long as it was woken meanwhile; how often that was.
    fn run(&mut self) -> usize {
        let before = self.polls;
        while self.done.is_none() && self.count.take() > 0 {
            self.poll();
            assert!(self.polls - before < 100, "it spins");
        }
        self.polls - before
    }
}

/// Runs both until neither was woken.
fn run<A, B>(one: &mut Task<'_, A>, other: &mut Task<'_, B>) -> usize {
    let mut polls = 0;
    loop {
        match one.run() + other.run() {
            0 => return polls,
            more => polls += more,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_half_is_woken_for_what_it_waits_for() {
    let (socket, remote) = server(quiet());
    let (mut stream, mut sink) = socket.into_split();
    remote.set_room(Some(0));
    let mut reader = Task::new(stream.next());
    let mut writer = Task::new(sink.send(Message::from("x".repeat(100))));
    assert_eq!(run(&mut reader, &mut writer), 0, "nothing happened, so nobody is woken");

    // A message is for the reader, whoever polled last; the writer may look, and goes on waiting.
    remote.push(&masked(0x81, b"for the reader"));
    assert!(run(&mut reader, &mut writer) <= 3);
    assert_eq!(reader.done.take(), Some(text("for the reader")));
    assert!(writer.done.is_none());

    // Room is for the writer, though the reader is gone.
    drop(reader);
    remote.set_room(Some(50));
    assert!(writer.run() <= 2);
    assert!(writer.done.is_none());
    remote.set_room(None);
    assert!(writer.run() <= 2);
    assert_eq!(writer.done.take(), Some(Ok(())));
    drop(writer);
    assert_eq!(remote.written(), frame(0x81, "x".repeat(100).as_bytes()));
}

#[tokio::test(start_paused = true)]
async fn the_last_to_poll_may_go_away() {
    // The reader polls last and is dropped: what it registered must still reach the writer. And the other way round.
    for reader_goes in [true, false] {
        let (mut socket, remote) = server(quiet());
        remote.set_room(Some(0));
        socket.feed("queued".into()).await.unwrap();
        let (mut stream, mut sink) = socket.into_split();
        if reader_goes {
            let mut writer = Task::new(sink.flush());
            drop(Task::new(stream.next()));
            remote.set_room(None);
            assert!(writer.run() > 0);
            assert_eq!(writer.done.take(), Some(Ok(())));
        } else {
            let mut reader = Task::new(stream.next());
            drop(Task::new(sink.flush()));
            remote.push(&masked(0x81, b"hello"));
            assert!(reader.run() > 0);
            assert_eq!(reader.done.take(), Some(text("hello")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_learns_of_an_end_that_the_writer_found() {
    for way in 0..3 {
        let (socket, remote) = server(quiet());
        let (mut stream, mut sink) = socket.into_split();
        let mut reader = Task::new(stream.next());
        match way {
            // Both sides closed; only the answer, which cannot be written, stands between them and the end.
            0 => {
                remote.set_room(Some(0));
                remote.push(&masked(CLOSE, &close_payload(1000, "")));
                remote.end();
                reader.run();
                assert!(reader.done.is_none());
                {
                    // The transport tells nobody of this failure: the next write meets it.
                    remote.lock().write_waker = None;
                }
                remote.fail_writes(ErrorKind::BrokenPipe);
                let mut writer = Task::new(sink.flush());
                run(&mut reader, &mut writer);
            }
            // The writer closes and meets the end of the stream by itself.
            1 => {
                remote.lock().read_waker = None;
                remote.push(&masked(CLOSE, &close_payload(1000, "")));
                remote.end();
                let mut writer = Task::new(SinkExt::close(&mut sink));
                run(&mut reader, &mut writer);
                assert_eq!(writer.done.take(), Some(Ok(())));
            }
            // The writer finds a message, in a transport that woke nobody.
            _ => {
                remote.lock().read_waker = None;
                remote.push(&masked(0x81, b"found"));
                remote.set_room(Some(0));
                let mut writer = Task::new(sink.send("x".into()));
                run(&mut reader, &mut writer);
                assert_eq!(reader.done.take(), Some(text("found")));
                continue;
            }
        }
        assert!(matches!(reader.done, Some(None | Some(Err(Error::Closed(_))))), "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_learns_of_an_end_that_the_reader_found() {
    let (socket, remote) = server(quiet());
    remote.set_room(Some(0));
    let (mut stream, mut sink) = socket.into_split();
    let mut writer = Task::new(sink.send("never".into()));
    let mut reader = Task::new(stream.next());
    // Only the reader finds it, in a transport that woke nobody.
    remote.lock().read_waker = None;
    remote.fail_read(ErrorKind::ConnectionReset);
    reader.poll();
    assert!(matches!(reader.done, Some(Some(Err(Error::Closed(_))))));
    writer.run();
    assert!(matches!(writer.done, Some(Err(Error::Closed(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_writer_does_not_wait_for_a_reader_that_found_the_end_behind_a_message() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    remote.push(&[masked(0x81, b"one"), masked(0x81, b"two")].concat());
    assert_eq!(socket.next().await, text("one"));
    let (mut stream, mut sink) = socket.into_split();
    let mut writer = Task::new(sink.send("waits".into()));
    // The application was slow, and the reader looks ahead while it gives out what it has.
    sleep(SECOND).await;
    remote.lock().read_waker = None;
    remote.fail_read(ErrorKind::ConnectionReset);
    writer.count.take();
    let mut reader = Task::new(stream.next());
    assert_eq!(reader.done.take(), Some(text("two")));
    writer.run();
    assert!(matches!(writer.done, Some(Err(Error::Closed(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_writer_learns_that_the_reader_has_written_for_it() {
    let (socket, remote) = server(quiet());
    remote.set_room(Some(0));
    let (mut stream, mut sink) = socket.into_split();
    let mut writer = Task::new(sink.send("waits".into()));
    let mut reader = Task::new(stream.next());
    remote.lock().write_waker = None;
    remote.lock().read_waker = None;
    remote.set_room(None);
    reader.poll();
    writer.run();
    assert_eq!(writer.done.take(), Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_blocked_writer_goes_on_reading_once_there_is_room_to_keep_messages() {
    let (socket, remote) = server(quiet());
    remote.set_room(Some(0));
    for _ in 0..100 {
        remote.push(&masked(BINARY, &[7; 1000]));
    }
    let (mut stream, mut sink) = socket.into_split();
    let mut writer = Task::new(sink.send("x".into()));
    writer.run();
    let reads = remote.seen().reads;
    assert!(writer.done.is_none() && reads < 100, "it has stopped reading");
    // The reader takes one message, and then does something else.
    let mut reader = Task::new(stream.next());
    assert!(reader.done.take().is_some());
    drop(reader);
    assert!(writer.run() > 0);
    assert!(remote.seen().reads > reads, "nobody read on");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_woken_for_nothing() {
    let (socket, remote) = server(Config::default());
    let (mut stream, mut sink) = socket.into_split();
    let mut reader = Task::new(stream.next());
    let mut writer = Task::new(poll_fn(|cx| Pin::new(&mut sink).poll_close(cx)));
    for _ in 0..10 {
        remote.push(&masked(PING, b"?"));
        assert!(run(&mut reader, &mut writer) <= 4);
    }
    assert!(reader.done.is_none() && writer.done.is_none());
    assert!(frames(&remote.written()).iter().any(|(first, _)| *first == CLOSE));
}

/// `StreamExt::split` shares a socket as `into_split` does, behind a lock of its own.
#[tokio::test(start_paused = true)]
async fn two_tasks_and_all_their_traffic_after_a_split_of_futures() {
    let (near, far) = pair(&Config::default(), 777);
    let send = |mut sink: SplitSink<Pipe, Message>, count: usize| {
        tokio::spawn(async move {
            for number in 0..count {
                let message = Message::from(vec![number as u8; number * 37 % 3000]);
                if number % 3 == 0 {
                    sink.send(message).await.unwrap();
                } else {
                    sink.feed(message).await.unwrap();
                }
                if number % 50 == 0 {
                    sleep(SECOND).await;
                }
            }
            sink.flush().await.unwrap();
            sink
        })
    };
    let receive = |mut stream: SplitStream<Pipe>, count: usize| {
        tokio::spawn(async move {
            for number in 0..count {
                let message = stream.next().await.unwrap().unwrap();
                assert_eq!(message, Message::from(vec![number as u8; number * 37 % 3000]));
                if number % 70 == 0 {
                    sleep(2 * SECOND).await;
                }
            }
            stream
        })
    };
    let ((near_sink, near_stream), (far_sink, far_stream)) = (near.split(), far.split());
    let tasks = async {
        tokio::join!(
            send(near_sink, 400),
            receive(near_stream, 300),
            send(far_sink, 300),
            receive(far_stream, 400)
        )
    };
    let (near_sink, near_stream, far_sink, far_stream) = timeout(600 * SECOND, tasks).await.unwrap();
    let mut near = near_sink.unwrap().reunite(near_stream.unwrap()).unwrap();
    let mut far = far_sink.unwrap().reunite(far_stream.unwrap()).unwrap();
    assert_eq!((near.state(), far.state()), (State::Open, State::Open));
    let (one, other) = tokio::join!(SinkExt::close(&mut near), far.next());
    assert_eq!((one, other), (Ok(()), None));
}
