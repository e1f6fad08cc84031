//! Ten thousand clients lose one server in the same moment. All of it under a virtual clock: the figures are always the same,
//! and the documentation of `Reconnect` has them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use websocket_proto::{Reconnect, ReconnectConfig, Retry, Timestamp};

const CLIENTS: usize = 10_000;
/// For how long the server is gone: each attempt fails at once.
const DOWN: Duration = Duration::from_secs(10);
/// How many handshakes it then takes in each second; it answers the others with 503.
const ROOM: u32 = 500;
/// How long the connections had lasted.
const LASTED: Duration = Duration::from_secs(3600);

/// What the server saw, in seconds since it went down.
struct Seen {
    attempts: BTreeMap<u64, u32>,
    all_back_after: u64,
}

impl Seen {
    fn peak(&self, seconds: impl std::ops::RangeBounds<u64>) -> u32 {
        self.attempts.range(seconds).map(|(_, count)| *count).max().unwrap_or_default()
    }

    fn total(&self) -> u32 {
        self.attempts.values().sum()
    }
}

/// An own seed for each client.
fn seed(client: usize) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(client as u64).to_le_bytes());
    seed
}

fn run(config: &ReconnectConfig) -> Seen {
    let began = Timestamp::default();
    let lost = began.saturating_add(LASTED);
    let mut due = BinaryHeap::new();
    let mut clients: Vec<Reconnect> = (0..CLIENTS)
        .map(|client| {
            let mut reconnect = Reconnect::new(config.clone(), seed(client), began);
            let attempt = reconnect.poll_attempt(began).unwrap();
            reconnect.opened(attempt, began);
            reconnect.ended(attempt, Retry::Soon, lost);
            due.push(Reverse((reconnect.poll_timeout().unwrap(), client)));
            reconnect
        })
        .collect();

    let mut seen = Seen { attempts: BTreeMap::new(), all_back_after: 0 };
    let mut taken: BTreeMap<u64, u32> = BTreeMap::new();
    while let Some(Reverse((now, client))) = due.pop() {
        let reconnect = &mut clients[client];
        reconnect.handle_timeout(now);
        let attempt = reconnect.poll_attempt(now).unwrap();
        let since = now.saturating_duration_since(lost);
        let second = since.as_secs();
        *seen.attempts.entry(second).or_default() += 1;
        let retry = if since < DOWN {
            Retry::Soon
        } else if *taken.entry(second).or_default() < ROOM {
            *taken.entry(second).or_default() += 1;
            reconnect.opened(attempt, now);
            seen.all_back_after = second + 1;
            continue;
        } else {
            Retry::after_status(503)
        };
        reconnect.ended(attempt, retry, now);
        due.push(Reverse((reconnect.poll_timeout().unwrap(), client)));
    }
    assert_eq!(taken.values().sum::<u32>() as usize, CLIENTS);
    seen
}

#[test]
fn the_figures_in_the_documentation_are_those_of_the_simulation() {
    let with = run(&ReconnectConfig::default());
    let mut config = ReconnectConfig::default();
    config.jitter = false;
    let without = run(&config);

    let down = 0..DOWN.as_secs();
    let up = DOWN.as_secs()..;
    let row = |what: &str, figure: &dyn Fn(&Seen) -> String| {
        format!("/// | {what} | {} | {} |\n", figure(&with), figure(&without))
    };
    let table = [
        row("attempts in the worst second while it is down", &|seen| thousands(seen.peak(down.clone()))),
        row("in the worst second once it is up", &|seen| thousands(seen.peak(up.clone()))),
        row("attempts in all", &|seen| thousands(seen.total())),
        row("until all are connected", &|seen| format!("{} s", thousands(seen.all_back_after as u32))),
    ]
    .concat();
    let documentation = include_str!("../../src/reconnect/mod.rs");
    assert!(documentation.contains(&table), "the documentation should have\n{table}");

    // Whatever the figures are: jitter spreads the first attempts evenly over the whole first wait. Those that fail meanwhile
    // come again, each over twice the time.
    let even = CLIENTS as u32 / ReconnectConfig::default().initial_backoff.as_secs() as u32;
    assert!(with.peak(..1) < even * 5 / 4 && with.peak(..) < even * 2);
    assert_eq!(without.peak(..), CLIENTS as u32);
}

fn thousands(number: u32) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}
