//! A table of endings: what happened when, the whole `CloseEvent` that it came to, and its explanation. `endings.txt` is the
//! table, to be read and judged by people; this file replays it.
//!
//! A record begins with `# name` and the beginning: `open client`, `open server`, `client` or `server`, then settings. Lines
//! with a time in seconds say what happened, with every deadline on the way met, unless the line says `asleep until`. The rest
//! is what it came to.

#[path = "../support/pair.rs"]
mod pair;
#[path = "../support/wire.rs"]
mod wire;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pair::Endpoint;
use proptest::prelude::*;
use websocket_proto::{
    Accept, Agreement, Cause, ClientRequest, CloseCode, CloseEvent, CloseFrame, Config, Connection, Endings,
    Heartbeat, Hint, MAX_REASON_LEN, MessageKinds, OriginPolicy, Reject, Role, State, Timestamp, Transport,
    TransportFailure,
};
use wire::{close_payload, frame};

const TABLE: &str = include_str!("endings.txt");

/// One record of the table.
struct Record<'a> {
    /// Name, beginning and what happened.
    given: Vec<&'a str>,
    /// The rest, which is compared as text.
    expected: String,
}

fn records() -> Vec<Record<'static>> {
    let records = TABLE.split("\n# ").skip(1).map(|record| {
        let lines: Vec<&str> = record.trim_end().lines().collect();
        let given = lines.iter().take_while(|line| !line.starts_with("  ")).count();
        let (given, expected) = lines.split_at(given);
        Record { given: given.to_vec(), expected: expected.join("\n") }
    });
    records.collect()
}

/// One side of a connection, and the clock.
struct Scene {
    role: Role,
    endpoint: Endpoint,
    now: Timestamp,
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_duration(Duration::from_secs_f64(seconds))
}

impl Scene {
    fn begin(line: &str) -> Self {
        let (beginning, settings) = line.split_once(", ").unwrap_or((line, ""));
        let mut config = Config::default();
        for setting in settings.split(", ").filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once(' ').expect("a setting has a value");
            match (name, value) {
                ("heartbeat", "off") => config.heartbeat = None,
                ("heartbeat", value) => {
                    let (interval, margin) = value.split_once('+').expect("interval+margin");
                    let [interval, margin] =
                        [interval, margin].map(|text| Duration::from_secs(text.parse().unwrap()));
                    config.heartbeat = Some(Heartbeat::new(interval, margin));
                }
                ("idle", value) => config.inbound_idle = Some(Duration::from_secs(value.parse().unwrap())),
                ("kinds", "text") => config.accept_kinds = MessageKinds::Text,
                ("limit", value) => config.max_message_size = Some(value.parse().unwrap()),
                _ => panic!("no such setting: {setting}"),
            }
        }
        let (now, config) = (Timestamp::default(), Arc::new(config));
        let (role, connection) = match beginning {
            "client" => (Role::Client, client(config)),
            "server" => (Role::Server, Connection::server(config, [2; 32], now)),
            "open client" => (Role::Client, upgraded(Role::Client, config)),
            "open server" => (Role::Server, upgraded(Role::Server, config)),
            _ => panic!("no such beginning: {beginning}"),
        };
        let mut endpoint = Endpoint::new(connection);
        endpoint.answers_requests = false;
        endpoint.run(now);
        Self { role, endpoint, now }
    }

    fn happens(&mut self, line: &str) {
        let (seconds, what) = line.split_once(' ').expect("a time and what happened");
        let until = at(seconds.parse().expect("seconds"));
        let awake = what != "awake after nobody looked";
        while awake
            && let Some(due) = self.endpoint.connection.poll_timeout()
            && due <= until
        {
            self.look(due);
        }
        self.now = until;
        self.act(what);
        self.look(until);
    }

    fn look(&mut self, now: Timestamp) {
        self.endpoint.connection.handle_timeout(now);
        self.endpoint.run(now);
        if self.endpoint.blocked {
            // It is offered, which begins a deadline.
            let _ = self.endpoint.connection.output(now);
        }
    }

    fn act(&mut self, what: &str) {
        let Self { role, endpoint, now } = self;
        let (role, now) = (*role, *now);
        let connection = &mut endpoint.connection;
        let (verb, rest) = what.split_once(": ").unwrap_or((what, ""));
        match verb {
            "nothing" | "awake after nobody looked" => {}
            "text received" => endpoint.receive(&frame(role, 0x81, rest.as_bytes()), now),
            "beginning of a message received" => endpoint.receive(&frame(role, 0x01, rest.as_bytes()), now),
            "pong received" => {
                let sent = endpoint.written.len() - 8;
                let payload = endpoint.written[sent..].to_vec();
                endpoint.receive(&frame(role, 0x8a, &unmasked(role, &endpoint.written, payload)), now);
            }
            "bytes received" => {
                let bytes: Vec<u8> =
                    rest.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect();
                endpoint.receive(&bytes, now);
            }
            "http received" => endpoint.receive(rest.replace("⏎", "\r\n").as_bytes(), now),
            "close received" => endpoint.receive(&frame(role, 0x88, &payload(rest)), now),
            "text sent" => connection.send(rest).expect("it is taken"),
            "closed" if rest.is_empty() => connection.close(None, now),
            "closed" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                connection.close(CloseFrame::new(code.parse::<u16>().unwrap(), reason).unwrap(), now);
            }
            "accepted" => connection.accept(&Accept::new(OriginPolicy::SameHost), now).unwrap(),
            "rejected" => connection.reject(&Reject::new(rest.parse().unwrap()).unwrap(), now).unwrap(),
            "transport takes nothing" => endpoint.blocked = true,
            "transport takes output" => endpoint.blocked = false,
            "stream ended" => connection.end_of_input(now),
            "reading failed" => connection.read_failed(failure(rest), now),
            "writing failed" => connection.write_failed(failure(rest), now),
            "101 received" => {
                let mut server = Endpoint::new(Connection::server(Arc::new(Config::default()), [2; 32], now));
                server.receive(&endpoint.written, now);
                endpoint.receive(&server.written, now);
            }
            _ => panic!("no such thing happens: {what}"),
        }
    }

    fn end(&mut self, name: &str) -> CloseEvent {
        let close = self.endpoint.closed().unwrap_or_else(|| panic!("no end: {name}")).clone();
        assert_eq!(self.endpoint.connection.state(), State::Closed);
        // The last attempt was made.
        self.endpoint.run(self.now);
        let transport = self.endpoint.connection.transport();
        assert!(self.endpoint.blocked || matches!(transport, Transport::Close | Transport::Abort));
        close
    }
}

fn client(config: Arc<Config>) -> Connection {
    let request = ClientRequest::new("example.com", "/chat").unwrap();
    Connection::client(&request, config, [1; 32], Timestamp::default())
}

fn upgraded(role: Role, config: Arc<Config>) -> Connection {
    Connection::upgraded(role, Agreement::default(), config, [3; 32], Timestamp::default())
}

/// The payload of the Ping that was written last, which has eight bytes.
fn unmasked(role: Role, written: &[u8], payload: Vec<u8>) -> Vec<u8> {
    match role {
        Role::Server => payload,
        Role::Client => {
            let key = &written[written.len() - 12..written.len() - 8];
            payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
        }
    }
}

fn payload(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let (code, reason) = text.split_once(' ').unwrap_or((text, ""));
    close_payload(code.parse().unwrap(), &reason.replace("␛", "\x1b").replace("⏎", "\r\n"))
}

fn failure(name: &str) -> TransportFailure {
    use TransportFailure::{Aborted, BrokenPipe, Other, Reset, TimedOut, Truncated, Unreachable};
    [Aborted, BrokenPipe, Other, Reset, TimedOut, Truncated, Unreachable]
        .into_iter()
        .find(|failure| format!("{failure:?}") == name)
        .expect("a failure")
}

/// All that a `CloseEvent` holds.
fn account(close: &CloseEvent) -> String {
    let mut text = String::new();
    let clean = if close.was_clean() { "clean" } else { "not clean" };
    let seconds = |duration: Duration| format!("{:.3} s", duration.as_secs_f64());
    let frame = |code: Option<websocket_proto::CloseCode>, reason: &str| {
        code.map_or("none".to_owned(), |code| format!("{} {reason:?}", code.as_u16()))
    };
    let optional = |duration: Option<Duration>| duration.map_or("none".to_owned(), seconds);
    let heartbeat =
        close.heartbeat().map_or("off".to_owned(), |beat| format!("{:?}+{:?}", beat.interval, beat.margin));
    let stats = close.stats();
    let unfinished = if close.unfinished_message() { " and a part of one" } else { "" };
    writeln!(text, "  code {}, {clean}, {:?}, role {:?}", close.code().as_u16(), close.cause(), close.role())
        .unwrap();
    let first = close.closed_first_by().map_or("nobody".to_owned(), |side| format!("{side:?}"));
    let frames = [frame(close.sent(), close.sent_reason()), frame(close.received(), close.reason())];
    writeln!(text, "  closed first by {first}; Close frame sent {}, received {}", frames[0], frames[1])
        .unwrap();
    writeln!(
        text,
        "  open {}, nothing received for {}, sent for {}; heartbeat {heartbeat}; local stall {}",
        optional(close.open_for()),
        seconds(close.since_received()),
        seconds(close.since_sent()),
        optional(close.local_stall()),
    )
    .unwrap();
    write!(
        text,
        "  in {} bytes, {} messages{unfinished}; out {} bytes, {} messages; unsent {} messages, {} bytes",
        stats.bytes_received,
        stats.messages_received,
        stats.bytes_sent,
        stats.messages_sent,
        close.unsent_messages(),
        close.unsent_bytes(),
    )
    .unwrap();
    assert_eq!(stats.messages_dropped, close.unsent_messages());
    text
}

fn replay(record: &Record<'_>) -> CloseEvent {
    let mut scene = Scene::begin(record.given[1]);
    for line in &record.given[2..] {
        scene.happens(line);
    }
    scene.end(record.given[0])
}

#[test]
fn every_ending_is_told_as_what_it_is() {
    let mut table = TABLE.split("\n# ").next().unwrap().to_owned();
    let mut wrong = Vec::new();
    let records = records();
    assert!(records.len() >= 25, "a table of {} endings", records.len());
    for record in &records {
        let close = replay(record);
        let found = format!("{}\n{}", account(&close), close.explain());
        if found != record.expected {
            wrong.push(record.given[0]);
        }
        write!(table, "\n# {}\n{found}\n", record.given.join("\n")).unwrap();
    }
    if !wrong.is_empty() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("endings.txt");
        fs::write(&path, table).unwrap();
        panic!("{} holds what is told now; it differs in {wrong:#?}", path.display());
    }
}

/// Each rule is shown at work at least once, and none that is not.
#[test]
fn every_hint_is_in_the_table() {
    let name = |hint: Hint| {
        let text = format!("{hint:?}");
        text[..text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())].to_owned()
    };
    let mut found: Vec<String> =
        records().iter().filter_map(|record| replay(record).hint().map(name)).collect();
    found.sort();
    found.dedup();
    let source = include_str!("../../src/explain/hint.rs");
    let (_, variants) = source.split_once("pub enum Hint {").unwrap();
    let (variants, _) = variants.split_once("\n}").unwrap();
    let variant = |line: &str| {
        line.strip_prefix("    ")
            .filter(|line| line.starts_with(|c: char| c.is_uppercase()))
            .map(|line| line[..line.find(|c: char| !c.is_alphanumeric()).unwrap_or(line.len())].to_owned())
    };
    let mut expected: Vec<String> = variants.lines().filter_map(variant).collect();
    expected.sort();
    assert_eq!(found, expected);
}

/// A proxy is suspected only where both directions were silent for 5 s before an end of the stream that cut nothing off.
#[test]
fn a_proxy_is_suspected_on_evidence_only() {
    for record in records() {
        let close = replay(&record);
        if close.explain().to_string().contains("idle timeout") {
            assert!(
                close.since_received().min(close.since_sent()) >= Duration::from_secs(5),
                "{}",
                record.given[0]
            );
            let truncated = Cause::Transport(TransportFailure::Truncated);
            let ended = matches!(close.cause(), Cause::EndOfStream(_)) || close.cause() == truncated;
            assert!(ended && close.received().is_none() && !close.unfinished_message());
        }
    }
}

#[test]
fn endings_are_counted_by_code_and_cause() {
    let closes: Vec<CloseEvent> = records().iter().map(replay).collect();
    let count = |closes: &[CloseEvent]| {
        let mut endings = Endings::new();
        closes.iter().for_each(|close| endings.record(close));
        endings
    };
    let all = count(&closes);
    let (some, others) = closes.split_at(closes.len() / 3);
    let mut merged = count(some);
    merged.merge(&count(others));
    assert_eq!(merged, all);

    assert_eq!(all.total(), closes.len() as u64);
    assert_eq!(all.by_cause().map(|(_, count)| count).sum::<u64>(), all.total());
    assert_eq!(all.by_code().map(|(_, count)| count).sum::<u64>(), all.total());
    let clean = closes.iter().filter(|close| close.was_clean()).count() as u64;
    assert_eq!((all.clean(), all.with_code(CloseCode::SERVICE_RESTART)), (clean, 1));
    let refused = closes.iter().filter(|close| matches!(close.cause(), Cause::Refused(_))).count() as u64;
    assert_eq!(all.with_cause("refused"), refused);

    let text = count(&closes[..2]).to_string();
    assert_eq!(text, "2 endings, 2 clean: 1000 Normal Closure ×2; closing_handshake ×2");
}

proptest! {
    /// Whatever the peer gives as its reason.
    #[test]
    fn explanations_are_one_line_of_bounded_length_and_repeat_nothing_raw(reason: String, code in 3000_u16..5000) {
        let cut = reason.floor_char_boundary(MAX_REASON_LEN);
        for role in [Role::Client, Role::Server] {
            let mut endpoint = Endpoint::upgraded(role, Config::default());
            endpoint.receive(&frame(role, 0x88, &close_payload(code, &reason[..cut])), at(1.0));
            endpoint.connection.end_of_input(at(1.0));
            endpoint.run(at(1.0));
            let close = endpoint.closed().unwrap();
            prop_assert_eq!(close.reason(), &reason[..cut]);
            let line = close.explain().to_string();
            prop_assert!(!line.contains(char::is_control), "{line:?}");
            prop_assert!(line.chars().count() < 400, "{line:?}");
        }
    }
}

#[test]
fn the_longest_explanations_fit_in_a_line_of_a_log() {
    for record in records() {
        let line = replay(&record).explain().to_string();
        assert!(!line.contains(char::is_control) && line.chars().count() < 500, "{line:?}");
    }
}
