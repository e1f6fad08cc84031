//! A peer that reads more slowly than messages come: what each sender does about it.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use websocket_proto::tokio::{MessageSender, WhenFull};
use websocket_proto::{CloseCode, SendError, Side, State};

use super::scripted::{CLOSE, Remote, close_payload, frames};
use super::{SECOND, Socket, poll_once, quiet, stuck_server};

/// How many messages the queue takes.
const PLACES: usize = 64;

/// A socket whose peer reads nothing, and whose one message fills the connection.
async fn filled() -> (Socket, Remote, MessageSender) {
    let (mut socket, remote) = stuck_server(10);
    let sender = socket.sender();
    sender.send("0123456789").await.unwrap();
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    (socket, remote, sender)
}

/// The same, and its queue is full with "0" to "63".
async fn stuck() -> (Socket, Remote, MessageSender) {
    let (socket, remote, sender) = filled().await;
    for number in 0..PLACES {
        sender.try_send(number.to_string()).unwrap();
    }
    assert_eq!(sender.try_send("one more"), Err(SendError::Full("one more".into())));
    (socket, remote, sender)
}

/// What the peer gets of it, once it reads.
async fn read(mut socket: Socket, remote: Remote) -> Vec<String> {
    remote.set_room(None);
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    let texts = frames(&remote.written()).into_iter().map(|(_, text)| String::from_utf8(text).unwrap());
    texts.skip(1).collect()
}

#[tokio::test(start_paused = true)]
async fn the_oldest_messages_make_room_for_new_ones() {
    let (socket, remote, sender) = stuck().await;
    let newest = sender.when_full(WhenFull::DropOldest);
    newest.try_send("64").unwrap();
    newest.send("65").await.unwrap();
    // Others go by their own policy.
    assert!(matches!(sender.try_send("not this"), Err(SendError::Full(_))));
    assert_eq!(sender.dropped(), 2);
    assert_eq!(read(socket, remote).await, (2..66).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn of_each_key_the_newest_is_kept_in_the_place_of_the_older() {
    let (socket, remote, sender) = filled().await;
    for round in 0..100 {
        sender.try_send_newest(1, format!("one {round}")).unwrap();
        sender.send_newest(2, format!("two {round}")).await.unwrap();
        if round == 0 {
            sender.try_send("without a key").unwrap();
        }
    }
    assert_eq!(sender.dropped(), 198);
    // A full queue takes what replaces, and nothing else.
    for number in 3..PLACES {
        sender.try_send(number.to_string()).unwrap();
    }
    sender.try_send_newest(1, "one, the last").unwrap();
    assert!(matches!(sender.try_send_newest(3, "three"), Err(SendError::Full(_))));
    let read = read(socket, remote).await;
    assert_eq!(read[..3], ["one, the last", "two 99", "without a key"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_is_closed_with_1013() {
    let (mut socket, remote, sender) = stuck().await;
    let driving = tokio::spawn(async move {
        let end = socket.drive().await;
        (socket, end)
    });
    sleep(SECOND).await;
    assert!(!driving.is_finished());
    let strict = sender.when_full(WhenFull::Close);
    assert_eq!(strict.try_send("too much"), Err(SendError::Full("too much".into())));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(strict.send("late").await, Err(SendError::NotOpen(State::Closed, "late".into())));
    assert_eq!(sender.try_send("late"), Err(SendError::NotOpen(State::Closed, "late".into())));
    // It reads at last.
    remote.set_room(None);
    sleep(SECOND).await;
    let written = frames(&remote.written());
    assert_eq!(written[1], (CLOSE, close_payload(1013, "too slow")));
    assert_eq!(written.len(), 2);
    remote.end();
    let (mut socket, end) = driving.await.unwrap();
    assert_eq!(end.sent(), Some(CloseCode::TRY_AGAIN_LATER));
    assert_eq!(end.closed_first_by(), Some(Side::Local));
    assert!(socket.next().await.is_some_and(|end| end.is_err()));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_waits_keeps_its_place_in_the_line() {
    let (mut socket, remote, sender) = stuck().await;
    let waits = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send("in line").await }
    });
    // A wait that is given up leaves nothing behind.
    assert!(timeout(SECOND, sender.send("given up")).await.is_err());
    remote.set_room(Some(12));
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    waits.await.unwrap().unwrap();
    // The room went to the one that waited, though this one asks for the oldest to be dropped.
    sender.when_full(WhenFull::DropOldest).try_send("newest").unwrap();
    let read = read(socket, remote).await;
    assert_eq!(read[PLACES - 1..], ["in line", "newest"]);
}

/// Real threads: each message is received or counted as dropped, in the order of its sender, whatever the policies are.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn senders_of_all_policies_at_once_lose_nothing_uncounted() {
    const EACH: u32 = 3000;
    let mut config = quiet();
    config.output_high_water = 500;
    let (mut client, mut server) = super::pair(&config, 300);
    let sender = client.sender();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4_u32 {
        let sender = if task < 2 { sender.clone() } else { sender.when_full(WhenFull::DropOldest) };
        tasks.spawn(async move {
            for number in 0..EACH {
                let message = [task.to_be_bytes(), number.to_be_bytes()].concat();
                if task == 3 {
                    sender.send_newest(number.into(), message).await.unwrap();
                } else {
                    sender.send(message).await.unwrap();
                }
            }
        });
    }
    let driving = tokio::spawn(async move { client.drive().await });
    let (mut received, mut next) = (0, [0; 4]);
    while received + sender.dropped() < u64::from(4 * EACH) || !tasks.is_empty() {
        tokio::select! {
            message = server.next() => {
                let message = message.unwrap().unwrap();
                let (task, number) = message.payload().split_at(4);
                let task = usize::try_from(u32::from_be_bytes(task.try_into().unwrap())).unwrap();
                let number = u32::from_be_bytes(number.try_into().unwrap());
                assert!(number >= next[task], "task {task}: {number} comes late");
                next[task] = number + 1;
                received += 1;
            }
            Some(done) = tasks.join_next() => done.unwrap(),
        }
    }
    assert_eq!(received + sender.dropped(), u64::from(4 * EACH));
    assert!(server.close(None).await.was_clean());
    assert!(driving.await.unwrap().was_clean());
}

#[tokio::test(start_paused = true)]
async fn of_those_that_wait_with_one_key_the_last_is_sent() {
    let (socket, remote, sender) = stuck().await;
    let waiting: Vec<_> = (0..50)
        .map(|number| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send_newest(1, format!("key {number}")).await })
        })
        .collect();
    sleep(SECOND).await;
    let texts = read(socket, remote).await;
    assert_eq!(texts.get(PLACES..), Some(&["key 49".to_owned()][..]));
    for sent in waiting {
        sent.await.unwrap().unwrap();
    }
    assert_eq!(sender.dropped(), 49);
}

#[tokio::test(start_paused = true)]
async fn one_that_waited_does_not_replace_a_newer_one() {
    let (mut socket, remote, sender) = stuck().await;
    let mut older = pin!(sender.send_newest(1, "older"));
    assert!(poll_once(older.as_mut()).is_pending());
    // There is room again, also for the one that waits, which does not know it yet.
    remote.set_room(Some(40));
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    sender.try_send_newest(1, "newer").unwrap();
    assert_eq!(poll_once(older), Poll::Ready(Ok(())));
    assert_eq!(sender.dropped(), 1);
    remote.set_room(None);
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    // The place that it did not need is there again.
    assert_eq!((0..=PLACES).filter(|_| sender.try_send("x").is_ok()).count(), PLACES);
    assert_eq!(read(socket, remote).await[PLACES..][..2], ["newer", "x"]);
}
