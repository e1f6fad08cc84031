//! What a client knows of the messages that it wrote: which of them the peer has received for certain.

#[path = "support/pair.rs"]
mod pair;

use std::time::Duration;

use bytes::{Buf, BytesMut};
use pair::{Endpoint, Pair};
use websocket_proto::{CloseFrame, Config, Role, Side, Timestamp};

fn counts(endpoint: &Endpoint) -> (u64, u64) {
    let stats = endpoint.connection.stats();
    (stats.messages_sent, stats.messages_confirmed)
}

#[test]
fn a_pong_confirms_what_was_written_before_its_ping() {
    let mut pair = Pair::with(&Config::default());
    pair.client.connection.send("first").unwrap();
    pair.client.connection.send("second").unwrap();
    pair.run();
    assert_eq!(counts(&pair.client), (2, 0));
    pair.client.connection.ping(b"one").unwrap();
    pair.client.connection.send("third").unwrap();
    pair.run();
    assert_eq!(counts(&pair.client), (3, 2));
    // Nobody asked.
    pair.server.connection.pong(b"one").unwrap();
    pair.run();
    assert_eq!(counts(&pair.client), (3, 2));
    // The heartbeat's Ping counts as well.
    pair.advance(Duration::from_secs(25));
    assert_eq!(counts(&pair.client), (3, 3));
}

#[test]
fn a_ping_between_the_frames_of_a_message_does_not_confirm_it() {
    let mut config = Config::default();
    config.max_outgoing_frame = 1000;
    let now = Timestamp::default();
    let mut client = Endpoint::upgraded(Role::Client, config).connection;
    client.send("before").unwrap();
    client.send(vec![0; 200_000]).unwrap();
    let mut output = client.output(now);
    output.advance(1500);
    client.ping(b"between").unwrap();
    let mut pongs = BytesMut::from(&b"\x8a\x07between"[..]);
    let taken = client.take(usize::MAX, now).unwrap();
    assert!(taken.remaining() < 100_000);
    client.wrote(taken.remaining(), now);
    while client.stats().pings_sent == 0 {
        let taken = client.take(1000, now).unwrap();
        client.wrote(taken.remaining(), now);
    }
    assert_eq!(client.stats().messages_sent, 1);
    let mut output = client.output(now);
    output.advance(output.remaining());
    assert!(client.poll_event(&mut pongs, now).is_some());
    assert_eq!(client.stats().messages_confirmed, 1);
}

#[test]
fn a_close_frame_confirms_nothing_but_the_pong_ahead_of_it_does() {
    let close = |code| CloseFrame::new(code, "").unwrap();
    // Whether the client pings, who closes, and how many of two messages are confirmed to the client then.
    for (pings, client, server, confirmed) in [
        (false, Some(1000), None, 0),
        (true, Some(1000), None, 2),
        (false, None, Some(1000), 0),
        (true, None, Some(1000), 0),
        // They cross. The client cannot tell the one of its own code from an answer.
        (false, Some(1000), Some(1001), 0),
        (true, Some(1000), Some(1001), 0),
        (false, Some(1000), Some(1000), 0),
        (true, Some(1000), Some(1000), 0),
    ] {
        let mut pair = Pair::with(&Config::default());
        pair.client.connection.send("first").unwrap();
        pair.client.connection.send("second").unwrap();
        let now = pair.now;
        if pings {
            pair.client.connection.ping(b"last").unwrap();
        }
        if let Some(code) = client {
            pair.client.connection.close(close(code), now);
        }
        if let Some(code) = server {
            pair.server.connection.close(close(code), now);
        }
        pair.run();
        let end = pair.client.closed().unwrap();
        assert!(end.was_clean(), "{end}");
        assert_eq!(end.closed_first_by() == Some(Side::Local), client.is_some());
        assert_eq!((end.stats().messages_sent, end.stats().messages_confirmed), (2, confirmed), "{end}");
    }
}

#[test]
fn a_ping_before_the_close_frame_goes_behind_all_messages() {
    let mut pair = Pair::with(&Config::default());
    for _ in 0..30 {
        pair.client.connection.send(vec![0; 10_000]).unwrap();
    }
    let now = pair.now;
    pair.client.connection.ping(b"last").unwrap();
    pair.client.connection.close(CloseFrame::new(1000, "").unwrap(), now);
    pair.run();
    let end = pair.client.closed().unwrap();
    assert_eq!((end.stats().messages_sent, end.stats().messages_confirmed), (30, 30), "{end}");
}
