//! The heartbeat by text, for peers that cannot ping; and what holds of a heartbeat of either kind: it never comes late, never
//! all at once, and finds whoever is gone.

#[path = "support/pair.rs"]
mod pair;
#[path = "support/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use pair::{Endpoint, Pair};
use proptest::prelude::*;
use websocket_proto::{
    Agreement, Cause, Chunk, CloseFrame, Config, Connection, Deadline, Delivery, Event, Heartbeat, Message,
    Role, State, TextHeartbeat, Timestamp,
};
use wire::frame;

const SECOND: Duration = Duration::from_secs(1);
const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_duration(Duration::from_secs(seconds))
}

fn with(text: TextHeartbeat) -> Config {
    let mut config = Config::default();
    config.heartbeat = Some(Heartbeat::default().with_text(text));
    config
}

/// What a client would see of all that was written: texts, and what else there is as its first byte.
fn said(server: &mut Endpoint) -> Vec<String> {
    let mut client = Endpoint::upgraded(Role::Client, Config::default());
    client.receive(&std::mem::take(&mut server.written), Timestamp::default());
    assert_eq!(client.connection.state(), State::Open, "it breaks no rule");
    let texts = client.events.iter().map(|event| match event {
        Event::Message(message) => format!("{} bytes", message.len()),
        Event::Ping(_) => "Ping".to_owned(),
        Event::Pong { .. } => "Pong".to_owned(),
        event => panic!("{event:?}"),
    });
    let mut texts: Vec<String> = texts.collect();
    for (text, message) in texts.iter_mut().zip(client.events) {
        if let Event::Message(Message::Text(message)) = message
            && message.len() < 20
        {
            *text = message.to_string();
        }
    }
    texts
}

#[test]
fn a_page_that_says_ping_is_told_pong_and_nobody_else_hears_of_it() {
    let mut server = Endpoint::upgraded(Role::Server, with(TextHeartbeat::answered()));
    server.receive(&frame(Role::Server, 0x81, b"ping"), at(1));
    assert_eq!((server.events.len(), said(&mut server)), (0, vec!["pong".to_owned()]));
    // In fragments it is the same message; anything else is the application's.
    let fragments = [frame(Role::Server, 0x01, b"pi"), frame(Role::Server, 0x80, b"ng")].concat();
    server.receive(&fragments, at(2));
    assert_eq!((server.events.len(), said(&mut server)), (0, vec!["pong".to_owned()]));
    let others =
        [(0x81, "Ping"), (0x81, "ping "), (0x81, ""), (0x82, "ping"), (0x81, "pong"), (0x81, "pingping")];
    for (index, (first, payload)) in others.into_iter().enumerate() {
        server.receive(&frame(Role::Server, first, payload.as_bytes()), at(3));
        assert_eq!(server.events.len(), index + 1, "{payload}");
    }
    assert!(server.written.is_empty());
    let stats = server.connection.stats();
    assert_eq!((stats.messages_received, stats.pings_received), (6, 2));
    assert_eq!((stats.messages_sent, stats.pongs_received), (0, 0));
    // It beats by Pings of its own.
    server.connection.handle_timeout(at(30));
    server.run(at(30));
    assert_eq!(said(&mut server), ["Ping"]);
}

#[test]
fn it_is_off_unless_it_is_asked_for() {
    for heartbeat in [None, Some(Heartbeat::default())] {
        let mut config = Config::default();
        config.heartbeat = heartbeat;
        let mut server = Endpoint::upgraded(Role::Server, config);
        server.receive(&frame(Role::Server, 0x81, b"ping"), at(1));
        assert_eq!(server.messages(), [Message::from("ping")]);
        assert!(server.written.is_empty());
    }
}

#[test]
fn a_beat_by_text_is_answered_and_timed() {
    let beats = with(TextHeartbeat::sent().with_pair("\u{2}beat", "\u{3}beat"));
    // So seldom by itself that all there is are answers.
    let seldom = Heartbeat::new(10_000 * SECOND, SECOND);
    let mut answers = Config::default();
    answers.heartbeat = Some(seldom.with_text(TextHeartbeat::answered().with_pair("\u{2}beat", "\u{3}beat")));
    for role in ROLES {
        let [client, server] = match role {
            Role::Client => [&beats, &answers],
            Role::Server => [&answers, &beats],
        };
        let mut pair = Pair::open(client.clone(), server.clone());
        pair.advance(200 * SECOND);
        let (from, to) = match role {
            Role::Client => (&pair.client, &pair.server),
            Role::Server => (&pair.server, &pair.client),
        };
        assert_eq!(from.messages().len() + to.messages().len(), 0);
        assert_eq!((from.connection.state(), to.connection.state()), (State::Open, State::Open));
        let (from, to) = (from.connection.stats(), to.connection.stats());
        assert!((8..=10).contains(&from.pings_sent) && to.pings_received == from.pings_sent, "{from:?}");
        assert_eq!((from.pongs_received, from.round_trip), (from.pings_sent, Some(Duration::ZERO)));
    }
}

#[test]
fn two_that_both_beat_and_answer_share_the_work() {
    let config = with(TextHeartbeat::sent_and_answered());
    let mut pair = Pair::with(&config);
    pair.advance(200 * SECOND);
    assert_eq!(pair.client.messages().len() + pair.server.messages().len(), 0);
    let (client, server) = (pair.client.connection.stats(), pair.server.connection.stats());
    let beats = client.pings_sent + server.pings_sent;
    // Whoever beats first puts the other one's beat off.
    assert!((8..=11).contains(&beats), "{client:?} {server:?}");
    assert_eq!(client.pongs_received + server.pongs_received, beats);
}

#[test]
fn the_round_trip_is_that_of_the_text() {
    let mut server = Endpoint::upgraded(Role::Server, with(TextHeartbeat::sent()));
    server.connection.handle_timeout(at(25));
    server.run(at(25));
    assert_eq!(said(&mut server), ["ping"]);
    // A Pong with the same bytes answers no text.
    server.receive(&frame(Role::Server, 0x8a, b"pong"), at(26));
    server.receive(&frame(Role::Server, 0x81, b"pong"), at(27));
    server.receive(&frame(Role::Server, 0x81, b"pong"), at(28));
    let pong = |round_trip| Event::Pong { payload: "pong".into(), round_trip };
    assert_eq!(server.events, [pong(None), pong(Some(2 * SECOND)), pong(None)]);
    // Whoever only sends leaves the peer's own "ping" to the application.
    server.receive(&frame(Role::Server, 0x81, b"ping"), at(29));
    assert_eq!(server.messages(), [Message::from("ping")]);
}

#[test]
fn one_text_may_be_both_where_one_side_sends_and_the_other_answers() {
    let config = |text: TextHeartbeat| with(text.with_pair("-", "-"));
    let mut answers = config(TextHeartbeat::answered());
    if let Some(heartbeat) = &mut answers.heartbeat {
        // It would beat by Pings, and the other side then had no reason to.
        heartbeat.interval *= 2;
    }
    let mut pair = Pair::open(answers, config(TextHeartbeat::sent_and_answered()));
    pair.advance(100 * SECOND);
    let (client, server) = (pair.client.connection.stats(), pair.server.connection.stats());
    assert!((2..20).contains(&server.pongs_received), "{client:?} {server:?}");
    assert_eq!((server.pings_received, client.pings_received), (0, server.pongs_received));
    assert_eq!(pair.client.messages().len() + pair.server.messages().len(), 0);
    // An answer that nobody waits for any more is not answered.
    let mut server = Endpoint::upgraded(Role::Server, config(TextHeartbeat::sent_and_answered()));
    server.receive(&frame(Role::Server, 0x81, b"-"), at(1));
    assert!(said(&mut server).is_empty());
}

#[test]
fn an_answer_waits_for_the_end_of_a_message() {
    let mut config = with(TextHeartbeat::answered());
    config.max_outgoing_frame = 1000;
    let mut server = Endpoint::upgraded(Role::Server, config);
    server.blocked = true;
    // More than is framed ahead: the end of it is not, nor is what follows.
    for _ in 0..2 {
        server.connection.send(vec![7; 200_000]).unwrap();
    }
    assert!(server.connection.output(at(0)).has_remaining());
    server.receive(&frame(Role::Server, 0x81, b"ping"), at(1));
    server.connection.ping(b"?").unwrap();
    server.blocked = false;
    server.run(at(1));
    assert_eq!(said(&mut server), ["Ping", "200000 bytes", "pong", "200000 bytes"]);
}

#[test]
fn inside_a_message_in_chunks_a_beat_is_a_ping_and_an_answer_waits() {
    let mut server = Endpoint::upgraded(Role::Server, with(TextHeartbeat::sent_and_answered()));
    server.connection.send_chunk(Chunk::more("begun")).unwrap();
    server.run(at(0));
    server.receive(&frame(Role::Server, 0x81, b"ping"), at(1));
    assert!(!server.connection.wants_write(), "there is nothing more to be written before the message ends");
    server.connection.handle_timeout(at(26));
    server.run(at(26));
    server.connection.send_chunk(Chunk::more(", ")).unwrap();
    server.run(at(27));
    server.connection.send_chunk(Chunk::last("ended")).unwrap();
    server.connection.send_chunk(Chunk::more("the next ")).unwrap();
    server.connection.send_chunk(Chunk::last("message")).unwrap();
    server.run(at(28));
    assert_eq!(said(&mut server), ["Pong", "Ping", "begun, ended", "pong", "the next message"]);
}

#[test]
fn a_message_in_chunks_that_follows_another_does_not_keep_an_answer_waiting() {
    let mut server = Endpoint::upgraded(Role::Server, with(TextHeartbeat::answered()));
    server.connection.send_chunk(Chunk::more("one")).unwrap();
    server.run(at(0));
    server.input.extend_from_slice(&frame(Role::Server, 0x81, b"ping"));
    assert_eq!(server.connection.poll_event(&mut server.input, at(1)), None);
    for _ in 0..3 {
        server.connection.send_chunk(Chunk::last("!")).unwrap();
        server.connection.send_chunk(Chunk::more("next")).unwrap();
    }
    server.run(at(1));
    server.connection.send_chunk(Chunk::last("!")).unwrap();
    server.run(at(1));
    assert_eq!(said(&mut server), ["Pong", "one!", "pong", "next!", "next!", "next!"]);
}

#[test]
fn a_text_that_comes_in_one_piece_is_taken_out_of_chunks_too() {
    let mut config = with(TextHeartbeat::answered());
    config.delivery = Delivery::Chunks;
    let mut server = Endpoint::upgraded(Role::Server, config);
    server.receive(&frame(Role::Server, 0x81, b"ping"), at(1));
    assert_eq!((server.events.len(), said(&mut server)), (0, vec!["pong".to_owned()]));
    // The end of a message is no message.
    server.receive(&frame(Role::Server, 0x01, b"not only "), at(2));
    server.receive(&frame(Role::Server, 0x80, b"ping"), at(2));
    let expected = [Event::Chunk(Chunk::more("not only ")), Event::Chunk(Chunk::last("ping"))];
    assert_eq!(server.events, expected);
    server.receive(&frame(Role::Server, 0x81, b"ping"), at(3));
    assert_eq!((server.events.len(), said(&mut server)), (2, vec!["pong".to_owned()]));
}

/// Whoever sends a beat as a message of its own compresses it; it is a beat all the same, and its answer is never compressed, even
/// where contexts are kept.
#[test]
#[cfg(feature = "deflate")]
fn a_beat_is_never_compressed_and_known_where_it_was() {
    let mut deflate = websocket_proto::Deflate::default();
    (deflate.context_takeover, deflate.peer_context_takeover, deflate.threshold) = (true, true, 0);
    let long = "ping, ".repeat(20);
    let mut config = with(TextHeartbeat::answered().with_pair(long.clone(), long.clone() + "pong"));
    config.deflate = Some(deflate.clone());
    let mut by_hand = Config::default();
    (by_hand.deflate, by_hand.heartbeat) = (Some(deflate), None);
    let mut pair = Pair::open(by_hand, config);
    pair.server.written.clear();
    for _ in 0..3 {
        pair.client.connection.send(long.clone()).unwrap();
        pair.client.connection.send("hello, ".repeat(20)).unwrap();
        pair.server.connection.send("hello, ".repeat(20)).unwrap();
        pair.run();
    }
    let answer = Message::from(long.clone() + "pong");
    assert_eq!(pair.server.messages(), vec![Message::from("hello, ".repeat(20)); 3]);
    assert_eq!(pair.client.messages().iter().filter(|message| **message == answer).count(), 3);
    assert_eq!(pair.client.messages().len(), 6, "what is compressed between them is understood");
    let plain = pair.server.written.windows(long.len() + 4).filter(|bytes| *bytes == answer.payload());
    assert_eq!(plain.count(), 3);
    assert!(pair.client.connection.stats().bytes_sent < pair.server.connection.stats().bytes_sent);
}

#[test]
fn a_flood_of_pings_by_text_is_owed_no_more_than_one_of_pings() {
    let mut server = Endpoint::upgraded(Role::Server, with(TextHeartbeat::answered()));
    server.blocked = true;
    for _ in 0..1000 {
        server.receive(&frame(Role::Server, 0x81, b"ping"), at(1));
        let _ = server.connection.output(at(1));
    }
    assert!(server.connection.buffered() <= 16 * 6);
    server.blocked = false;
    server.run(at(1));
    assert_eq!(said(&mut server), vec!["pong"; 17]);
}

#[test]
fn nothing_follows_a_close_frame() {
    for role in ROLES {
        let mut endpoint = Endpoint::upgraded(role, with(TextHeartbeat::sent_and_answered()));
        endpoint.connection.close(CloseFrame::NORMAL, at(1));
        endpoint.receive(&frame(role, 0x81, b"ping"), at(1));
        let written = endpoint.written.len();
        endpoint.receive(&frame(role, 0x81, b"ping"), at(2));
        assert_eq!(endpoint.written.len(), written);
        assert_eq!(endpoint.events.len(), 0);
        assert!(!endpoint.connection.wants_write());
    }
}

/// Whether by Ping or by text, and whether the peer ever said anything.
#[test]
fn a_peer_that_is_gone_is_found_within_interval_and_margin_by_both_sides() {
    let heartbeat = Heartbeat::default();
    let kinds = [
        [None, None],
        [Some(TextHeartbeat::sent()), Some(TextHeartbeat::answered())],
        [Some(TextHeartbeat::answered()), Some(TextHeartbeat::sent())],
        [Some(TextHeartbeat::sent_and_answered()), Some(TextHeartbeat::sent_and_answered())],
    ];
    for texts in kinds {
        for after in [0, 1, 24, 26, 100] {
            let [client, server] = texts.clone().map(|text| {
                let mut config = Config::default();
                let mut heartbeat = Heartbeat::default();
                heartbeat.text = text;
                config.heartbeat = Some(heartbeat);
                config
            });
            let mut pair = Pair::open(client, server);
            pair.advance(after * SECOND);
            pair.cut = true;
            pair.advance(heartbeat.interval + heartbeat.margin);
            for endpoint in [&pair.client, &pair.server] {
                let close = endpoint.closed().expect("found in time");
                assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat), "{texts:?}");
                assert_eq!(close.local_stall(), None);
                assert!(close.explain().to_string().contains("no sign of life after a ping"));
            }
        }
    }
}

/// What is sent to a peer that is gone is taken by the system for a long time, which is no sign of life.
#[test]
fn nobody_sends_into_the_void_for_longer() {
    let heartbeat = Heartbeat::default();
    for text in [None, Some(TextHeartbeat::sent_and_answered())] {
        let mut config = Config::default();
        config.heartbeat = Some(Heartbeat::default());
        config.heartbeat.as_mut().unwrap().text = text;
        let mut pair = Pair::with(&config);
        pair.advance(100 * SECOND);
        pair.cut = true;
        let cut_at = pair.now;
        while pair.server.closed().is_none() || pair.client.closed().is_none() {
            for endpoint in [&mut pair.client, &mut pair.server] {
                let _ = endpoint.connection.send("is anybody there?");
            }
            pair.advance(SECOND);
            let tick = SECOND;
            assert!(
                pair.now.saturating_duration_since(cut_at) <= heartbeat.interval + heartbeat.margin + tick
            );
        }
        let close = pair.server.closed().unwrap();
        assert_eq!(
            (close.cause(), close.since_sent() < SECOND),
            (Cause::Deadline(Deadline::Heartbeat), true)
        );
    }
}

/// So much waits for a transport that takes nothing more that the Ping cannot even be offered to it.
#[test]
fn what_waits_does_not_hide_that_nobody_is_there() {
    for text in [None, Some(TextHeartbeat::sent())] {
        for blocks in [false, true] {
            let mut config = Config::default();
            config.write_stall = None;
            config.heartbeat.as_mut().unwrap().text = text.clone();
            let mut server = Endpoint::upgraded(Role::Server, config);
            for _ in 0..4 {
                server.connection.send(vec![0; 100_000]).unwrap();
            }
            server.connection.output(at(1)).advance(1000);
            // A thread that writes this never comes back.
            let taken = blocks.then(|| server.connection.take(1000, at(1)).unwrap());
            let _ = server.connection.output(at(1));
            server.blocked = true;
            let mut now = at(1);
            while server.closed().is_none() {
                now = server.connection.poll_timeout().expect("it ends");
                server.connection.handle_timeout(now);
                server.run(now);
            }
            let close = server.closed().unwrap();
            assert_eq!(close.cause(), Cause::Deadline(Deadline::Heartbeat));
            assert!(now <= at(35) && close.unsent_messages() == 4, "{text:?}, {taken:?}: {close:?}");
            assert!(!close.explain().to_string().contains("after a ping"), "none was sent");
        }
    }
}

#[test]
fn our_own_stall_is_not_blamed_on_a_peer_that_answers_by_text() {
    let mut pair = Pair::open(with(TextHeartbeat::answered()), with(TextHeartbeat::sent()));
    pair.cut = true;
    pair.advance(25 * SECOND);
    pair.sleep(Duration::from_secs(3600));
    assert_eq!(pair.server.connection.state(), State::Open, "a respite");
    pair.cut = false;
    pair.run();
    pair.advance(60 * SECOND);
    assert_eq!(pair.server.connection.state(), State::Open);
    assert!(pair.server.connection.stats().round_trip.is_some());
}

#[test]
fn any_byte_answers_a_text() {
    let mut server = Endpoint::upgraded(Role::Server, with(TextHeartbeat::sent()));
    server.connection.handle_timeout(at(25));
    server.run(at(25));
    server.receive(&[0x82], at(34));
    server.connection.handle_timeout(at(35));
    server.run(at(35));
    assert_eq!(server.connection.state(), State::Open);
}

/// When ten thousand connections that opened at the same time beat, one beat after the other.
fn beats(heartbeat: &Heartbeat, connections: u64, rounds: usize) -> Vec<Vec<Duration>> {
    let mut config = Config::default();
    config.heartbeat = Some(heartbeat.clone());
    let config = Arc::new(config);
    let mut all = vec![Vec::new(); rounds];
    for number in 0..connections {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let now = Timestamp::default();
        let connection = Connection::upgraded(Role::Server, Agreement::default(), config.clone(), seed, now);
        let mut server = Endpoint::new(connection);
        let mut last = Timestamp::default();
        for round in &mut all {
            let due = server.connection.poll_timeout().expect("a beat is due");
            let interval = due.saturating_duration_since(last);
            assert!(interval <= heartbeat.interval && interval >= heartbeat.interval * 3 / 4, "{interval:?}");
            server.connection.handle_timeout(due);
            server.run(due);
            let ping = std::mem::take(&mut server.written);
            server.receive(&frame(Role::Server, 0x8a, &ping[2..]), due);
            round.push(Duration::from_nanos(due.as_nanos()));
            last = due;
        }
    }
    all
}

#[test]
fn ten_thousand_connections_that_opened_together_do_not_beat_together() {
    let heartbeat = Heartbeat::default();
    let all = beats(&heartbeat, 10_000, 3);
    for (round, times) in all.iter().enumerate() {
        let mut seconds = std::collections::BTreeMap::new();
        for time in times {
            *seconds.entry(time.as_secs()).or_insert(0_u32) += 1;
        }
        let most = *seconds.values().max().unwrap();
        // Without jitter all of them beat in the same instant. Spread evenly over 6.25 s, there are 1,600 in a second; by the
        // second and third beat the spread is that of a sum of two and three such.
        let bound = [1750, 1750, 1350][round];
        assert!(most <= bound, "round {round}: {most} in one second");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn beats_spread_evenly_over_the_last_quarter_of_any_interval(millis in 1_u64..1_000_000) {
        let heartbeat = Heartbeat::new(Duration::from_millis(millis), SECOND);
        let first = &beats(&heartbeat, 2000, 1)[0];
        let quarter = heartbeat.interval / 4;
        for eighth in 0..8 {
            let from = heartbeat.interval - quarter + quarter * eighth / 8;
            let within = |time: &&Duration| **time >= from && **time <= from + quarter / 8;
            let count = first.iter().filter(within).count();
            prop_assert!((180..=330).contains(&count), "{count} of 2000 in an eighth");
        }
    }
}

/// What one side does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(usize),
    Chunk(usize, bool),
    Ping,
    /// The heartbeat is due, some seconds later.
    Pass(u64),
    Block(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0_usize..200, 60_000_usize..200_000].prop_map(Step::Send),
        3 => (0_usize..70_000, any::<bool>()).prop_map(|(len, last)| Step::Chunk(len, last)),
        1 => Just(Step::Ping),
        3 => (0_u64..30).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Block),
    ]
}

proptest! {
    /// Whatever is sent besides: no beat comes between the frames of a message or to the application, and none is lost.
    #[test]
    fn texts_of_the_heartbeat_disturb_nothing(
        steps in prop::collection::vec((any::<bool>(), step()), 0..60),
        max_outgoing_frame in 125_usize..100_000,
        chunk in prop_oneof![1000_usize..5000, Just(usize::MAX)],
    ) {
        let mut config = Config::default();
        let often = Heartbeat::new(4 * SECOND, 2 * SECOND);
        config.heartbeat = Some(often.with_text(TextHeartbeat::sent_and_answered()));
        config.max_outgoing_frame = max_outgoing_frame;
        config.output_high_water = usize::MAX;
        config.unfinished_message = None;
        config.write_stall = None;
        let mut pair = Pair::with(&config);
        pair.chunk = chunk;
        let mut sent = [Vec::new(), Vec::new()];
        let mut begun = [0, 0];
        for (is_client, step) in steps {
            let index = usize::from(is_client);
            let blocked = pair.client.blocked || pair.server.blocked;
            let from = if is_client { &mut pair.client } else { &mut pair.server };
            match step {
                Step::Send(len) => if from.connection.send(vec![1; len]).is_ok() { sent[index].push(len); },
                Step::Chunk(len, last) => {
                    let piece = vec![1; len];
                    let piece = if last { Chunk::last(piece) } else { Chunk::more(piece) };
                    from.connection.send_chunk(piece).unwrap();
                    begun[index] += len;
                    if last { sent[index].push(std::mem::take(&mut begun[index])); }
                }
                Step::Ping => { let _ = from.connection.ping(b"?"); }
                // Whoever cannot answer must not be found dead.
                Step::Pass(_) if blocked => {}
                Step::Pass(seconds) => pair.advance(Duration::from_secs(seconds)),
                Step::Block(blocked) => from.blocked = blocked,
            }
            if !matches!(step, Step::Send(_) | Step::Chunk(..)) {
                pair.run();
            }
            prop_assert!(pair.client.connection.state() == State::Open && pair.server.connection.state() == State::Open);
        }
        (pair.client.blocked, pair.server.blocked) = (false, false);
        pair.run();
        pair.advance(60 * SECOND);
        for (index, (from, to)) in [(&pair.server, &pair.client), (&pair.client, &pair.server)].into_iter().enumerate() {
            prop_assert_eq!(from.connection.state(), State::Open);
            prop_assert!(!from.connection.wants_write());
            let received: Vec<usize> = to.messages().iter().map(Message::len).collect();
            prop_assert_eq!(&received, &sent[index]);
        }
    }
}
