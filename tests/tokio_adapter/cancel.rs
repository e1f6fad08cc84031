//! A future dropped after any poll takes nothing with it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_util::{Sink, SinkExt, StreamExt};
use websocket_proto::tokio::{accept, connect};
use websocket_proto::{Accept, Chunk, ClientRequest, CloseFrame, Event, Message, OriginPolicy};

use super::scripted::{CLOSE, PING, PONG, TEXT, close_payload, frame, masked, scripted};
use super::{Pipe, pair, poll_once, quiet, server, stuck_server, text};

/// Makes the future anew for each poll, and drops it after.
macro_rules! again {
    ($future:expr) => {
        poll_fn(|cx| pin!($future).poll(cx)).await
    };
}

async fn send_in_pieces(socket: &mut Pipe, message: Message) {
    poll_fn(|cx| Pin::new(&mut *socket).poll_ready(cx)).await.unwrap();
    Pin::new(&mut *socket).start_send(message).unwrap();
    again!(socket.flush()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_whole_conversation_of_futures_that_live_for_one_poll() {
    for capacity in [1, 2, 3, 7, 50, 1000] {
        let (mut client, mut server) = pair(&quiet(), capacity);
        let messages: Vec<_> =
            [0, 1, 125, 126, 300].into_iter().map(|len| Message::from("m".repeat(len))).collect();
        let echo = tokio::spawn(async move {
            while let Some(message) = again!(server.next()) {
                send_in_pieces(&mut server, message.unwrap()).await;
            }
            server.close_event().cloned().unwrap()
        });
        for message in messages {
            client.ping(b"between").unwrap();
            send_in_pieces(&mut client, message.clone()).await;
            let mut events = [again!(client.next_event()).unwrap(), again!(client.next_event()).unwrap()];
            if !matches!(events[0], Event::Pong { .. }) {
                events.reverse();
            }
            assert!(matches!(events[0], Event::Pong { round_trip: Some(_), .. }));
            assert_eq!(events[1], Event::Message(message));
        }
        let close = again!(client.close(CloseFrame::new(4000, "enough").unwrap()));
        assert!(close.was_clean());
        assert_eq!(echo.await.unwrap().code().as_u16(), 4000);
    }
}

/// Both ends in halves, each in two tasks whose futures live for one poll.
#[tokio::test(start_paused = true)]
async fn a_whole_conversation_of_halves_whose_futures_live_for_one_poll() {
    for capacity in [1, 2, 3, 7, 50, 1000] {
        let (client, server) = pair(&quiet(), capacity);
        let (mut reader, mut writer) = client.into_split();
        let (mut echo_reader, mut echo_writer) = server.into_split();
        let (to_writer, mut echoes) = tokio::sync::mpsc::unbounded_channel();
        let echo_reading = tokio::spawn(async move {
            while let Some(message) = again!(echo_reader.next()) {
                to_writer.send(message.unwrap()).unwrap();
            }
            echo_reader.close_event().unwrap()
        });
        let echo_writing = tokio::spawn(async move {
            while let Some(message) = echoes.recv().await {
                poll_fn(|cx| Pin::new(&mut echo_writer).poll_ready(cx)).await.unwrap();
                Pin::new(&mut echo_writer).start_send(message).unwrap();
                again!(echo_writer.flush()).unwrap();
            }
            echo_writer
        });
        let reading = tokio::spawn(async move {
            let mut received = Vec::new();
            while let Some(message) = again!(reader.next()) {
                received.push(message.unwrap());
            }
            received
        });
        let messages: Vec<_> =
            [0, 1, 125, 126, 300].into_iter().map(|len| Message::from("m".repeat(len))).collect();
        for message in &messages {
            writer.ping(b"between").unwrap();
            poll_fn(|cx| Pin::new(&mut writer).poll_ready(cx)).await.unwrap();
            Pin::new(&mut writer).start_send(message.clone()).unwrap();
            again!(writer.flush()).unwrap();
        }
        let sent = messages.len() as u64;
        while writer.stats().messages_received < sent {
            tokio::task::yield_now().await;
        }
        let close = again!(writer.close(CloseFrame::new(4000, "enough").unwrap()));
        assert!(close.was_clean());
        assert_eq!(reading.await.unwrap(), messages);
        assert_eq!(echo_reading.await.unwrap().code().as_u16(), 4000);
        drop(echo_writing.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_given_up_is_whole_or_nothing() {
    for polls in 0..12 {
        let (mut socket, remote) = server(quiet());
        remote.write_in(&[3, 0]);
        remote.set_room(Some(0));
        {
            let mut sending = pin!(socket.send("given up".into()));
            for room in 0..polls {
                remote.set_room(Some(room));
                let _ = poll_once(sending.as_mut());
            }
        }
        remote.set_room(None);
        socket.send("kept".into()).await.unwrap();
        let (given_up, kept) = (frame(TEXT, b"given up"), frame(TEXT, b"kept"));
        let written = remote.written();
        let whole = [given_up, kept.clone()].concat();
        assert_eq!(written, if polls == 0 { kept } else { whole }, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_given_up_is_whole_or_nothing() {
    for polls in 0..12 {
        let (mut socket, remote) = server(quiet());
        remote.write_in(&[3, 0]);
        remote.set_room(Some(0));
        {
            let mut sending = pin!(socket.send_chunk(Chunk::last("given up")));
            for room in 0..polls {
                remote.set_room(Some(room));
                if poll_once(sending.as_mut()).is_ready() {
                    break;
                }
            }
        }
        remote.set_room(None);
        socket.send_chunk(Chunk::last("kept")).await.unwrap();
        let (given_up, kept) = (frame(TEXT, b"given up"), frame(TEXT, b"kept"));
        let whole = [given_up, kept.clone()].concat();
        assert_eq!(remote.written(), if polls == 0 { kept } else { whole }, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn driving_may_be_given_up_at_any_poll() {
    let (mut socket, remote) = server(quiet());
    remote.read_in(&[1, 0]);
    remote.write_in(&[1, 0]);
    for _ in 0..3 {
        remote.push(&[masked(PING, b"?"), masked(TEXT, b"kept")].concat());
    }
    remote.push(&masked(CLOSE, &close_payload(1000, "")));
    remote.end();
    assert!(again!(socket.drive()).was_clean());
    for _ in 0..3 {
        assert!(matches!(again!(socket.next_event()), Some(Event::Ping(_))));
        assert_eq!(again!(socket.next()), text("kept"));
    }
    assert_eq!(again!(socket.next()), None);
    let pongs = frame(PONG, b"?").repeat(3);
    assert_eq!(remote.written(), [pongs, frame(CLOSE, &close_payload(1000, ""))].concat());
}

#[tokio::test(start_paused = true)]
async fn a_send_that_found_no_room_has_sent_nothing() {
    let (mut socket, remote) = stuck_server(10);
    assert!(poll_once(socket.send("fills the queue".into())).is_pending());
    assert!(poll_once(socket.send("no room".into())).is_pending());
    remote.set_room(None);
    socket.flush().await.unwrap();
    assert_eq!(remote.written(), frame(TEXT, b"fills the queue"));
}

#[tokio::test(start_paused = true)]
async fn opening_may_be_given_up_at_any_poll() {
    let request = ClientRequest::new("a", "/").unwrap().header("X", &"x".repeat(30)).unwrap();
    let accepting = Accept::new(OriginPolicy::Any);
    for polls in 0..200 {
        // A client leaves behind the beginning of its request, and not a byte of anything else.
        let (io, remote) = scripted();
        remote.write_in(&[5, 0]);
        {
            let mut connecting = pin!(connect(io, &request, Arc::new(quiet())));
            for _ in 0..polls {
                assert!(poll_once(connecting.as_mut()).is_pending());
            }
        }
        let written = String::from_utf8(remote.written()).unwrap();
        assert!("GET / HTTP/1.1\r\nHost: a\r\n".starts_with(&written[..written.len().min(20)]), "{written}");
        assert!(remote.seen().dropped);

        // A server refuses what it does not care for any more.
        let (io, remote) = scripted();
        remote.read_in(&[1, 0]);
        remote.write_in(&[1, 0]);
        remote.push(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        remote.push(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        {
            let mut serving = pin!(async { accept(io, Arc::new(quiet())).await?.accept(&accepting).await });
            for _ in 0..polls {
                if poll_once(serving.as_mut()).is_ready() {
                    break;
                }
            }
        }
        let written = String::from_utf8(remote.written()).unwrap();
        let (refusal, welcome) = ("HTTP/1.1 503 ", "HTTP/1.1 101 ");
        let begins = |answer: &str| answer.starts_with(&written[..written.len().min(answer.len())]);
        assert!(begins(refusal) || begins(welcome), "{written}");
        assert!(remote.seen().dropped);
    }
}
