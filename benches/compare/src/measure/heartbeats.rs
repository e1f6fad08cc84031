//! Idle connections of ours, all in one thread, under a virtual clock: each sends a Ping every 30 s, and its peer answers at
//! once. The owner keeps their deadlines in a binary heap.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use websocket_proto::{Agreement, Config, Connection, Event, Heartbeat, Role, Timestamp};

use super::counts::{Job, measure_command};
use crate::{
    grid::{Grid, Line, Spread},
    peers::{Failure, Outcome},
};

const INTERVAL: Duration = Duration::from_secs(30);

/// How many connections the clock is stopped for.
const MANY: usize = 1_000_000;

/// How many of them are counted under callgrind.
const FEW: usize = 10_000;

/// The masking key of the Pongs; it takes as long with any other.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

struct Crowd {
    connections: Vec<Connection>,
    deadlines: BinaryHeap<Reverse<(Timestamp, usize)>>,
    now: Timestamp,
    input: BytesMut,
    bytes_out: usize,
    bytes_in: usize,
}

impl Crowd {
    /// They begin one after the other, all within one interval.
    fn new(count: usize) -> Result<Self, Failure> {
        let mut config = Config::default();
        config.heartbeat = Some(Heartbeat::new(INTERVAL, Duration::from_secs(10)));
        let config = Arc::new(config);
        let mut connections = Vec::with_capacity(count);
        let mut deadlines = BinaryHeap::with_capacity(count);
        for index in 0..count {
            let start = Timestamp::from_nanos(INTERVAL.as_nanos() as u64 * index as u64 / count as u64);
            let agreement = Agreement::default();
            let connection = Connection::upgraded(Role::Server, agreement, config.clone(), [7; 32], start);
            deadlines.push(Reverse((connection.poll_timeout().ok_or("no deadline")?, index)));
            connections.push(connection);
        }
        let now = Timestamp::default();
        Ok(Self { connections, deadlines, now, input: BytesMut::new(), bytes_out: 0, bytes_in: 0 })
    }

    /// One interval of all of them.
    fn interval(&mut self) -> Outcome {
        let end = self.now.saturating_add(INTERVAL);
        while let Some(Reverse((at, index))) = self.deadlines.peek().copied() {
            if at > end {
                break;
            }
            self.deadlines.pop();
            self.beat(at, index)?;
            let next = self.connections[index].poll_timeout().ok_or("no deadline")?;
            self.deadlines.push(Reverse((next, index)));
        }
        self.now = end;
        Ok(())
    }

    fn beat(&mut self, now: Timestamp, index: usize) -> Outcome {
        let connection = &mut self.connections[index];
        connection.handle_timeout(now);
        let mut output = connection.output(now);
        let frame = output.chunk();
        let [0x89, length, payload @ ..] = frame else { return Err(format!("no Ping but {frame:?}").into()) };
        self.input.extend_from_slice(&[0x8a, length | 0x80]);
        self.input.extend_from_slice(&MASK);
        self.input.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        self.bytes_out += frame.len();
        self.bytes_in += self.input.len();
        let count = frame.len();
        output.advance(count);
        match connection.poll_event(&mut self.input, now) {
            Some(Event::Pong { round_trip: Some(_), .. }) => Ok(()),
            other => Err(format!("no Pong but {other:?}").into()),
        }
    }
}

/// What is counted.
pub(crate) fn jobs() -> Vec<Job<'static>> {
    let run = |count: usize| {
        let mut crowd = Crowd::new(FEW)?;
        (0..=count / FEW).try_for_each(|_| crowd.interval())
    };
    vec![Job { name: "heartbeats".into(), count: FEW, run: Box::new(run), harness: Box::new(|_| {}) }]
}

pub(crate) fn measure() -> Result<Grid, Failure> {
    let instructions = measure_command("heartbeats")?.first().ok_or("nothing was counted")?.1;
    let before = resident()?;
    let mut crowd = Crowd::new(MANY)?;
    let mut times = Vec::new();
    crowd.interval()?; // in which they all begin to be pinged
    let memory = (resident()? - before) / MANY as f64;
    (crowd.bytes_out, crowd.bytes_in) = (0, 0);
    for _ in 0..3 {
        let start = Instant::now();
        crowd.interval()?;
        times.push(start.elapsed().as_nanos() as f64 / MANY as f64);
    }
    let wire = (crowd.bytes_out + crowd.bytes_in) as f64 / (3 * MANY) as f64;
    let mut grid = Grid::new("heartbeats", vec!["ours-core".to_owned()]);
    for (name, title, spread) in [
        ("heartbeats-time", "ns a connection and interval", super::median_of(times.into_iter())),
        ("heartbeats-instructions", "instructions a connection and interval", Spread::single(instructions)),
        (
            "heartbeats-wire",
            "bytes on the wire a connection and interval, Ping and Pong",
            Spread::single(wire),
        ),
        ("heartbeats-memory", "resident bytes a connection, its deadline included", Spread::single(memory)),
    ] {
        grid.lines.push(Line { name: name.into(), title: title.into(), cells: vec![Some(spread)] });
    }
    Ok(grid)
}

/// The resident memory of this process in bytes.
fn resident() -> Result<f64, Failure> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    Ok(statm.split(' ').nth(1).ok_or("no statm")?.parse::<f64>()? * 4096.0)
}
