//! Messages from other tasks.

use std::future::poll_fn;
use std::pin::Pin;

use futures_util::{Sink, SinkExt, StreamExt};
use tokio::time::{sleep, timeout};
use websocket_proto::{Error, Message, SendError, State};

use super::scripted::{CLOSE, TEXT, close_payload, frame, frames, masked};
use super::{SECOND, pair, poll_once, quiet, server, stuck_server, text};

#[tokio::test(start_paused = true)]
async fn three_tasks_send_under_back_pressure_and_keep_their_order() {
    let mut config = quiet();
    config.output_high_water = 2000;
    let (mut client, mut server) = pair(&config, 500);
    for task in 0..3_u8 {
        let sender = client.sender();
        tokio::spawn(async move {
            for number in 0..200_u8 {
                sender.send(vec![task, number]).await.unwrap();
            }
        });
    }
    let driving = tokio::spawn(async move { client.drive().await });
    let mut next = [0; 3];
    for _ in 0..600 {
        let Some(Ok(Message::Binary(message))) = server.next().await else { panic!() };
        assert_eq!(message[1], next[usize::from(message[0])]);
        next[usize::from(message[0])] += 1;
    }
    assert!(server.close(None).await.was_clean());
    assert!(driving.await.unwrap().was_clean());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_senders_wait() {
    let (mut socket, remote) = stuck_server(10);
    let sender = socket.sender();
    let other = sender.clone();
    let filling = tokio::spawn(async move {
        for _ in 0..100 {
            sender.send("0123456789").await.unwrap();
        }
    });
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    assert!(!filling.is_finished());
    assert!(matches!(other.try_send("x"), Err(SendError::Full(_))));
    assert_eq!(socket.buffered_amount(), 12, "one in the connection, the others wait outside");
    remote.set_room(None);
    assert!(timeout(SECOND, socket.drive()).await.is_err());
    filling.await.unwrap();
    assert_eq!(frames(&remote.written()).len(), 100);
    other.try_send("x").unwrap();
}

/// One poll makes so many rounds and no more; what is left then must not wait for the peer to say something.
#[tokio::test(start_paused = true)]
async fn a_reader_writes_all_that_others_have_queued() {
    let mut config = quiet();
    config.output_high_water = 10;
    let (mut socket, remote) = server(config);
    let sender = socket.sender();
    for _ in 0..64 {
        sender.try_send("0123456789").unwrap();
    }
    assert!(timeout(SECOND, socket.next()).await.is_err(), "the peer says nothing");
    assert_eq!(frames(&remote.written()).len(), 64);
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_is_queued_and_refuses_what_comes_after() {
    let (mut socket, remote) = server(quiet());
    let sender = socket.sender();
    for number in 0..50 {
        sender.send(format!("{number}")).await.unwrap();
    }
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert!(socket.close(None).await.was_clean());
    let written = frames(&remote.written());
    assert_eq!(written.len(), 51);
    assert_eq!(written[49], (TEXT, b"49".to_vec()));
    assert_eq!(sender.send("late").await, Err(SendError::NotOpen(State::Closed, "late".into())));
    assert_eq!(socket.sender().try_send("late"), Err(SendError::NotOpen(State::Closed, "late".into())));
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_are_told_of_the_end_however_it_comes() {
    for way in 0..4 {
        let (mut socket, remote) = stuck_server(10);
        let sender = socket.sender();
        let sending = tokio::spawn(async move {
            loop {
                if let Err(error) = sender.send("0123456789").await {
                    break error;
                }
            }
        });
        assert!(timeout(SECOND, socket.drive()).await.is_err());
        match way {
            0 => remote.end(),
            1 => remote.fail_writes(std::io::ErrorKind::BrokenPipe),
            2 => remote.push(&masked(CLOSE, b"")),
            // A failed write that is the end at once.
            _ => {
                remote.push(&masked(CLOSE, b""));
                remote.fail_writes(std::io::ErrorKind::BrokenPipe);
            }
        }
        let _ = timeout(SECOND, socket.drive()).await;
        // The socket is still there.
        let error = timeout(SECOND, sending).await.unwrap_or_else(|_| panic!("{way}: it waits for ever"));
        assert!(matches!(error.unwrap(), SendError::NotOpen(..)));
        drop(socket);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_another_task_wakes_whoever_drives() {
    let (mut socket, remote) = server(quiet());
    let sender = socket.sender();
    let reading = tokio::spawn(async move { socket.next().await });
    sleep(SECOND).await;
    sender.send("ring").await.unwrap();
    sleep(SECOND).await;
    assert_eq!(remote.written(), frame(TEXT, b"ring"));
    remote.push(&masked(TEXT, b"back"));
    assert_eq!(reading.await.unwrap(), text("back"));
    // Its socket is gone.
    assert!(matches!(sender.try_send("x"), Err(SendError::NotOpen(..))));
}

#[tokio::test(start_paused = true)]
async fn room_that_was_promised_is_not_lost_to_another_task() {
    let (mut socket, remote) = stuck_server(10);
    let sender = socket.sender();
    poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await.unwrap();
    sender.send("0123456789").await.unwrap();
    sender.send("behind").await.unwrap();
    assert!(poll_once(socket.next()).is_pending());
    Pin::new(&mut socket).start_send("promised".into()).unwrap();
    assert!(poll_once(poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx))).is_pending());
    assert!(poll_once(socket.flush()).is_pending());
    remote.set_room(None);
    socket.flush().await.unwrap();
    let written: Vec<_> = frames(&remote.written()).into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(written, [&b"0123456789"[..], b"promised", b"behind"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_is_not_overtaken_by_what_comes_next() {
    for (reader_writes, step) in (1..40).flat_map(|step| [(true, step), (false, step)]) {
        let (mut socket, remote) = stuck_server(300);
        let sender = socket.sender();
        poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await.unwrap();
        sender.send("q".repeat(609)).await.unwrap();
        remote.push(&masked(TEXT, b"kept for a reader"));
        sleep(SECOND).await;
        assert!(poll_once(socket.flush()).is_pending());
        Pin::new(&mut socket).start_send("first".into()).unwrap();

        // Whoever finds something, or asks for room, writes in so many rounds, one of which is the one that makes room.
        remote.write_in(&[step, 0]);
        remote.set_room(None);
        if reader_writes {
            assert_eq!(socket.next().await, text("kept for a reader"));
        }
        poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await.unwrap();
        Pin::new(&mut socket).start_send("second".into()).unwrap();
        socket.flush().await.unwrap();
        let written: Vec<_> = frames(&remote.written()).into_iter().map(|(_, payload)| payload).collect();
        assert_eq!(written[1..], [&b"first"[..], b"second"], "{step} bytes at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn room_that_was_promised_and_lost_to_an_end_is_an_error() {
    let (mut socket, remote) = stuck_server(10);
    let sender = socket.sender();
    poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await.unwrap();
    sender.send("0123456789").await.unwrap();
    assert!(poll_once(socket.next()).is_pending());
    Pin::new(&mut socket).start_send("promised".into()).unwrap();
    // The peer closes before there was room.
    remote.push(&masked(CLOSE, b""));
    assert!(poll_once(socket.next()).is_pending());
    remote.set_room(None);
    assert_eq!(socket.flush().await, Err(Error::NotOpen(State::Closing)));
    assert_eq!(frames(&remote.written()).len(), 2);
}

/// Also where the socket itself has nothing to flush.
#[tokio::test(start_paused = true)]
async fn a_flush_writes_what_other_tasks_have_queued() {
    let (mut socket, remote) = server(quiet());
    let sender = socket.sender();
    sender.try_send("from another task").unwrap();
    socket.flush().await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"from another task"));
}
