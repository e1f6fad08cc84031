//! A server that goes away, with all its connections.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep};
use websocket_proto::tokio::Connections;
use websocket_proto::{Cause, CloseCode, CloseFrame, Deadline, Error, Side};

use super::scripted::{CLOSE, Remote, TEXT, close_payload, frames, masked};
use super::{SECOND, Socket, quiet, server};

fn restart() -> CloseFrame {
    CloseFrame::new(CloseCode::SERVICE_RESTART, "back soon").unwrap()
}

/// The peer answers whatever Close frame comes, and ends.
fn answer(remote: &Remote) {
    remote.push(&masked(CLOSE, &close_payload(1012, "")));
    remote.end();
}

/// A task that reads until the end, and no more.
async fn read(mut socket: Socket, connections: Connections<&'static str>, label: &'static str) {
    let _registered = connections.add(label, &mut socket);
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test(start_paused = true)]
async fn all_connections_are_closed_and_those_that_did_not_make_it_are_named() {
    let connections = Connections::new();
    let (good, good_peer) = server(quiet());
    let (deaf, _deaf_peer) = server(quiet());
    let (mut busy, busy_peer) = server(quiet());
    let (mut dropped, _) = server(quiet());
    let (mut left, _) = server(quiet());
    tokio::spawn(read(good, connections.clone(), "good"));
    tokio::spawn(read(deaf, connections.clone(), "deaf"));
    let _busy = connections.add("busy", &mut busy);
    let _dropped = connections.add("dropped", &mut dropped);
    drop(connections.add("left", &mut left));
    sleep(SECOND).await;
    assert_eq!((connections.len(), connections.is_empty()), (4, false));

    let began = Instant::now();
    let shutting_down = tokio::spawn({
        let connections = connections.clone();
        async move { connections.shutdown(restart(), 10 * SECOND).await }
    });
    sleep(SECOND).await;
    assert_eq!(frames(&good_peer.written()), [(CLOSE, close_payload(1012, "back soon"))]);
    answer(&good_peer);
    drop(dropped);
    let mut report = shutting_down.await.unwrap();
    report.unclean.sort_by_key(|(label, _)| *label);
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(report.clean, 1);
    let [(deaf, Some(close)), (dropped, None)] = &report.unclean[..] else { panic!("{report:?}") };
    assert_eq!((*deaf, *dropped), ("deaf", "dropped"));
    assert_eq!(close.cause(), Cause::Deadline(Deadline::Close));
    assert_eq!(report.unfinished, ["busy"]);
    assert!(connections.is_empty());

    // It closes as soon as somebody cares for it.
    answer(&busy_peer);
    assert_eq!(busy.next().await, None);
    assert_eq!(busy.close_event().unwrap().closed_first_by(), Some(Side::Local));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_goes_out_before_and_what_comes_is_read_until_the_end() {
    let connections = Connections::new();
    let (mut socket, remote) = server(quiet());
    let _registered = connections.add("it", &mut socket);
    let sender = socket.sender();
    for number in 0..3 {
        sender.try_send(number.to_string()).unwrap();
    }
    let (report, ()) = tokio::join!(connections.shutdown(restart(), 10 * SECOND), async {
        remote.push(&masked(TEXT, b"last words"));
        answer(&remote);
        assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some("last words"));
        assert!(matches!(socket.send("an answer".into()).await, Err(Error::NotOpen(_) | Error::Closed(_))));
        assert_eq!(socket.next().await, None);
    });
    assert_eq!(report.clean, 1);
    let written: Vec<_> = frames(&remote.written()).into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(written, [&b"0"[..], b"1", b"2", &close_payload(1012, "back soon")]);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_during_a_shutdown_is_closed_and_waited_for() {
    let connections = Connections::new();
    let (first, first_peer) = server(quiet());
    tokio::spawn(read(first, connections.clone(), "first"));
    sleep(SECOND).await;
    let shutting_down = tokio::spawn({
        let connections = connections.clone();
        async move { connections.shutdown(restart(), 10 * SECOND).await }
    });
    sleep(Duration::from_millis(1)).await;
    let (late, late_peer) = server(quiet());
    tokio::spawn(read(late, connections.clone(), "late"));
    sleep(Duration::from_millis(1)).await;
    answer(&first_peer);
    sleep(SECOND).await;
    assert!(!shutting_down.is_finished());
    assert_eq!(frames(&late_peer.written()), [(CLOSE, close_payload(1012, "back soon"))]);
    answer(&late_peer);
    assert_eq!(shutting_down.await.unwrap().clean, 2);
    // There is nobody left to be waited for.
    assert_eq!(connections.shutdown(restart(), 10 * SECOND).await.clean, 0);
}

#[tokio::test(start_paused = true)]
async fn halves_are_closed_too() {
    let connections = Connections::new();
    let (mut socket, remote) = server(quiet());
    let _registered = connections.add("halves", &mut socket);
    let (mut reader, writer) = socket.into_split();
    let reading = tokio::spawn(async move { reader.next().await });
    sleep(SECOND).await;
    answer(&remote);
    let report = connections.shutdown(restart(), SECOND).await;
    assert_eq!((report.clean, reading.await.unwrap()), (1, None));
    drop(writer);
}
