//! A task that only reads, and what arrives.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;
use std::task::Context;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::task::consume_budget;
use tokio::time::{Instant, sleep, timeout};
use websocket_proto::{
    Cause, CloseEvent, Config, Deadline, Error, Event, Heartbeat, Message, Role, State, StreamPosition,
    TextHeartbeat, TransportFailure,
};

use super::scripted::{CLOSE, PING, PONG, TEXT, close_payload, frame, frames, masked};
use super::scripted_async::Count;
use super::{SECOND, Socket, WebSocketStream, pair, poll_once, quiet, server, text, upgraded};

/// The end of a stream that did not end well.
async fn unclean_end(socket: &mut Socket) -> CloseEvent {
    let Some(Err(Error::Closed(close))) = socket.next().await else { panic!("an error is told first") };
    assert_eq!(socket.next().await, None, "the error is told once");
    assert_eq!(socket.close_event(), Some(&close));
    close
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_the_application_only_reads() {
    let (mut socket, remote) = server(quiet());
    remote.push(&masked(PING, b"are you there"));
    assert!(poll_once(socket.next()).is_pending());
    assert_eq!(remote.written(), frame(PONG, b"are you there"));
}

#[tokio::test(start_paused = true)]
async fn a_question_by_text_is_answered_before_the_application_turns_to_a_message() {
    let mut config = quiet();
    config.heartbeat = Some(Heartbeat::default().with_text(TextHeartbeat::answered()));
    for asks in [masked(TEXT, b"ping"), masked(PING, b"")] {
        let (mut socket, remote) = server(config.clone());
        remote.push(&[asks, masked(TEXT, b"work")].concat());
        let event = loop {
            match socket.next_event().await {
                Some(Event::Ping(_)) => {}
                event => break event,
            }
        };
        assert_eq!(event, Some(Event::Message("work".into())));
        assert_eq!(frames(&remote.written()).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_while_the_application_only_reads() {
    let (mut socket, remote) = server(Config::default());
    let reader = tokio::spawn(async move { (socket.next().await, socket) });
    for _ in 1..=3 {
        // From the Pong on: 25 s at most, and no two beats in that.
        sleep(25 * SECOND + Duration::from_millis(2)).await;
        let [(PING, payload)] = &frames(&remote.written())[..] else { panic!("no ping after 25 s") };
        remote.push(&masked(PONG, payload));
    }
    remote.push(&masked(TEXT, b"still here"));
    let (message, socket) = reader.await.unwrap();
    assert_eq!(message, text("still here"));
    assert_eq!(socket.stats().pongs_received, 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_found_in_time_and_told_in_one_attempt() {
    for blocked in [false, true] {
        let (mut socket, remote) = server(Config::default());
        let start = Instant::now();
        let watch = tokio::spawn({
            let remote = remote.clone();
            async move {
                // After the ping went out the network takes nothing more.
                sleep(26 * SECOND).await;
                remote.set_room(blocked.then_some(0));
            }
        });
        let close = unclean_end(&mut socket).await;
        watch.await.unwrap();
        assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
        assert!(start.elapsed() >= 28 * SECOND && start.elapsed() < 36 * SECOND, "{:?}", start.elapsed());
        let seen = remote.seen();
        assert!(seen.dropped && seen.shut_down_after.is_none(), "it is reset, without a word of parting");
        let last = frames(&remote.written()).pop().unwrap();
        assert_eq!(last.0, if blocked { PING } else { CLOSE });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_there_to_read_saves_the_peer_though_nobody_polled_in_time() {
    let (mut socket, remote) = server(Config::default());
    assert!(poll_once(socket.next()).is_pending());
    sleep(26 * SECOND).await;
    assert!(poll_once(socket.next()).is_pending());
    let [(PING, payload)] = &frames(&remote.written())[..] else { panic!("no ping") };
    remote.push(&masked(PONG, payload));
    // The verdict is due and the pong unread: less late than what would count as our own stall.
    sleep(11 * SECOND).await;
    assert!(poll_once(socket.next()).is_pending());
    assert_eq!(socket.close_event(), None);
}

#[tokio::test(start_paused = true)]
async fn each_end_of_the_stream_is_told_for_what_it_is() {
    let message = masked(TEXT, b"whole");
    let table = [
        (&message[..], StreamPosition::BetweenMessages),
        (&message[..8], StreamPosition::InsideFrame),
        (&masked(0x01, b"fragment")[..], StreamPosition::InsideMessage),
    ];
    for (bytes, position) in table {
        let (mut socket, remote) = server(quiet());
        remote.push(bytes);
        remote.end();
        if position == StreamPosition::BetweenMessages {
            assert_eq!(socket.next().await, text("whole"));
        }
        let close = unclean_end(&mut socket).await;
        assert_eq!((close.code().as_u16(), close.cause()), (1006, Cause::EndOfStream(position)));
        assert!(remote.seen().dropped);
    }
    let (mut socket, remote) = server(quiet());
    remote.push(&message);
    remote.fail_read(ErrorKind::ConnectionReset);
    assert_eq!(socket.next().await, text("whole"));
    let close = unclean_end(&mut socket).await;
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::Reset));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_of_the_stream_it_is_not_read_again() {
    let (mut socket, remote) = server(quiet());
    remote.set_room(Some(0));
    remote.push(&masked(CLOSE, b""));
    remote.end();
    // The answer to the Close frame cannot be written yet, so this is not over.
    assert!(poll_once(socket.next()).is_pending());
    let reads = remote.seen().reads;
    for _ in 0..10 {
        assert!(poll_once(socket.next()).is_pending());
        assert!(poll_once(socket.flush()).is_pending());
    }
    assert_eq!(remote.seen().reads, reads);
    remote.set_room(None);
    assert_eq!(socket.next().await, None);
    assert!(socket.close_event().unwrap().was_clean());
}

#[tokio::test(start_paused = true)]
async fn bytes_come_and_go_one_at_a_time() {
    let (mut socket, remote) = server(quiet());
    remote.read_in(&[1, 0]);
    remote.write_in(&[0, 1, 0, 2]);
    let ping: Vec<u8> = (0..100).collect();
    for _ in 0..3 {
        remote.push(&masked(TEXT, "größer".as_bytes()));
        remote.push(&masked(PING, &ping));
    }
    for _ in 0..3 {
        assert_eq!(socket.next().await, text("größer"));
    }
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert_eq!(socket.next().await, None);
    assert!(socket.close_event().unwrap().was_clean());
    let expected =
        [frame(PONG, &ping), frame(PONG, &ping), frame(PONG, &ping), frame(CLOSE, &close_payload(1000, ""))];
    assert_eq!(remote.written(), expected.concat());
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_writes_nothing_and_says_so_is_broken() {
    let (mut socket, remote) = server(quiet());
    remote.lock().writes_nothing = true;
    assert!(poll_once(socket.send("x".into())).is_ready());
    assert_eq!((socket.state(), remote.seen().writes), (State::Closing, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_does_not_hide_what_the_peer_said() {
    let (mut socket, remote) = server(quiet());
    remote.push(&masked(PING, b""));
    remote.push(&masked(TEXT, b"last words"));
    remote.push(&masked(CLOSE, &close_payload(1008, "go away")));
    remote.fail_read(ErrorKind::ConnectionReset);
    remote.fail_writes(ErrorKind::BrokenPipe);
    remote.read_in(&[6, 0]);
    assert_eq!(socket.next().await, text("last words"));
    let close = unclean_end(&mut socket).await;
    assert_eq!((close.code().as_u16(), close.reason()), (1008, "go away"));
    assert_eq!(close.cause(), Cause::Transport(TransportFailure::BrokenPipe));
}

#[tokio::test(start_paused = true)]
async fn answers_share_a_write_unless_the_application_takes_its_time() {
    let (mut socket, remote) = server(quiet());
    let burst: Vec<u8> = (0..20).flat_map(|_| [masked(PING, b"x"), masked(TEXT, b"y")].concat()).collect();
    remote.push(&burst);
    for _ in 0..20 {
        assert_eq!(socket.next().await, text("y"));
    }
    assert_eq!(remote.seen().writes, 1);
    assert_eq!(frames(&remote.written()).len(), 16, "as many as the machine keeps");

    remote.push(&burst);
    assert_eq!(socket.next().await, text("y"));
    assert_eq!(remote.written(), []);
    sleep(Duration::from_millis(11)).await;
    assert_eq!(socket.next().await, text("y"));
    assert_eq!(frames(&remote.written()).len(), 16, "the peer waits for its pongs");
    for _ in 0..18 {
        assert_eq!(socket.next().await, text("y"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_becomes_slow_is_soon_found_out() {
    let (mut socket, remote) = server(quiet());
    remote.push(&[masked(PING, b"x"), masked(TEXT, b"y").repeat(20)].concat());
    for _ in 0..2 {
        assert_eq!(socket.next().await, text("y"));
    }
    sleep(Duration::from_millis(11)).await;
    for _ in 0..4 {
        assert_eq!(socket.next().await, text("y"));
    }
    assert_eq!(frames(&remote.written()), [(PONG, b"x".to_vec())]);
}

/// Of a batch, messages are told with the time of its read. For what is read later, that time has passed.
#[tokio::test(start_paused = true)]
async fn what_is_read_behind_a_batch_arrives_when_it_does() {
    let (mut socket, remote) = server(Config::default());
    let last = masked(TEXT, b"last");
    remote.push(&[&masked(TEXT, b"y").repeat(3), &last[..3]].concat());
    for wait in [0, 0, 20] {
        sleep(wait * SECOND).await;
        assert_eq!(socket.next().await, text("y"));
    }
    remote.push(&last[3..]);
    assert_eq!(socket.next().await, text("last"));
    socket.send("x".into()).await.unwrap();
    assert!(timeout(10 * SECOND, socket.next()).await.is_err());
    assert_eq!(socket.stats().pings_sent, 0, "the last byte came 10 s ago");
}

#[tokio::test(start_paused = true)]
async fn a_slow_application_does_not_look_dead() {
    // With a backlog of any kind: parked while something was sent, or in one read.
    for parked in [true, false] {
        let (mut socket, remote) = server(Config::default());
        remote.push(&masked(TEXT, b"z").repeat(200));
        if parked {
            assert!(poll_once(socket.drive()).is_pending());
        }
        let mut answered = 0;
        for second in 0_usize..200 {
            // The peer answers no pings: its own are signs of life.
            if second % 20 == 0 {
                remote.push(&masked(PING, b"there?"));
            }
            assert_eq!(socket.next().await, text("z"));
            answered += frames(&remote.written()).iter().filter(|(first, _)| *first == PONG).count();
            assert!(answered >= usize::div_ceil(second, 20), "{parked}: a ping waits, after {second} s");
            sleep(SECOND).await;
        }
        assert_eq!(socket.close_event(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_while_the_application_dwells_on_a_batch() {
    let (mut socket, remote) = server(Config::default());
    remote.push(&masked(TEXT, b"z").repeat(100));
    let mut pings = 0;
    for _ in 0..99 {
        assert_eq!(socket.next().await, text("z"));
        for (_, payload) in frames(&remote.written()) {
            pings += 1;
            remote.push(&masked(PONG, &payload));
        }
        sleep(SECOND).await;
    }
    assert!((3..=5).contains(&pings), "{pings} pings in 99 s");
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_always_has_something_does_not_keep_others_waiting() {
    let (mut socket, remote) = server(quiet());
    remote.read_in(&[1]);
    remote.push(&masked(PING, b"").repeat(10_000));
    let before = remote.seen().reads;
    assert!(poll_once(socket.next()).is_pending());
    assert!(remote.seen().reads - before < 2000, "{} reads in one poll", remote.seen().reads);
    let before = remote.seen().reads;
    assert!(poll_once(socket.drive()).is_pending());
    assert!(remote.seen().reads - before < 100, "{} reads in one poll", remote.seen().reads);
}

/// As tokio's own do where a task has had its share.
#[tokio::test(start_paused = true)]
async fn a_transport_that_yields_is_asked_once_a_poll() {
    let (mut socket, remote) = server(quiet());
    remote.read_in(&[0]);
    remote.push(&masked(TEXT, b"not yet"));
    for poll in 1..=3 {
        let (woken, waker) = Count::new();
        assert!(pin!(socket.next()).as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(remote.seen().reads, poll);
        assert!(woken.get() > 0, "it goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_all_events_gets_all() {
    let (mut socket, remote) = server(quiet());
    socket.ping(b"mine").unwrap();
    assert_eq!(socket.ping(b"mine"), Err(Error::Full));
    remote.push(&[masked(PING, b"yours"), masked(TEXT, b"text")].concat());
    assert_eq!(socket.next_event().await, Some(Event::Ping(b"yours"[..].into())));
    assert_eq!(socket.next_event().await, Some(Event::Message(Message::from("text"))));
    assert_eq!(frames(&remote.written()), [(PING, b"mine".to_vec()), (PONG, b"yours".to_vec())]);
    remote.push(&masked(PONG, b"mine"));
    assert!(matches!(socket.next_event().await, Some(Event::Pong { round_trip: Some(_), .. })));
    remote.end();
    assert!(matches!(socket.next_event().await, Some(Event::Closed(_))));
    assert_eq!(socket.next_event().await, None);
    assert_eq!(socket.next_event().await, None);
}

#[tokio::test(start_paused = true)]
async fn idle_sockets_sleep_until_their_next_beat() {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::new(10 * SECOND, 5 * SECOND));
    let (mut client, mut server) = pair(&config, 4096);
    let start = Instant::now();
    let reader = tokio::spawn(async move { client.next().await });
    let mut wakeups = 0;
    {
        let mut next = pin!(server.next());
        let watched = poll_fn(|cx| {
            wakeups += 1;
            next.as_mut().poll(cx)
        });
        let _ = tokio::time::timeout(100 * SECOND, watched).await;
    }
    assert!(start.elapsed() >= 100 * SECOND);
    assert!(wakeups < 60, "{wakeups} polls in 100 s of silence");
    let pings = server.stats().pings_sent;
    assert!((10..=13).contains(&pings), "{pings} pings");
    drop(server);
    assert!(reader.await.unwrap().is_some());
}

/// A task that has used up what tokio grants it in one go is told so by every resource it polls, timers too: they are pending
/// then, and not set.
#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_by_a_task_that_has_no_budget_left() {
    let (near, mut far) = tokio::io::duplex(1024);
    let mut server = WebSocketStream::new(near, upgraded(Role::Server, Config::default()));
    let mut is_greedy = true;
    let reading = poll_fn(|cx| {
        while is_greedy && pin!(consume_budget()).poll(cx).is_ready() {}
        is_greedy = !is_greedy;
        pin!(server.next_event()).poll(cx)
    });
    tokio::select! {
        ping = timeout(60 * SECOND, far.read_u8()) => assert_eq!(ping.unwrap().unwrap(), PING),
        event = reading => panic!("{event:?}"),
    }
}
