//! A server echoes compressed messages of JSON-like text. `library` is what the DEFLATE library takes for the same messages by
//! itself, in the same run: inflated, and deflated again.

mod common;

use std::hint::black_box;
use std::sync::Arc;

use bytes::BytesMut;
use common::{NOW, drain};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use websocket_proto::{Agreement, Config, Connection, Deflate, Event, Message, Role};
use zlib_rs::{DeflateConfig, DeflateFlush, Inflate, InflateFlush};

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// How many different messages follow each other, over and over.
const MESSAGES: u64 = 64;

/// JSON-like text of this many bytes.
fn text(len: usize, seed: u64) -> String {
    let (mut text, mut state) = (String::from("["), seed);
    while text.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [id, user, price] = [state >> 47, (state >> 33) % 977, (state >> 51) % 5000];
        text += &format!(
            "{{\"id\":{id},\"user\":\"user{user}\",\"price\":{price}.{:02},\"active\":{},\"tags\":[\"red\",\"t{}\"]}},",
            id % 100,
            id % 2 == 0,
            user % 31
        );
    }
    text.truncate(len);
    text
}

fn open(role: Role, takeover: bool, level: u8) -> Connection {
    let mut policy = Deflate::default();
    (policy.context_takeover, policy.peer_context_takeover, policy.level) = (takeover, takeover, level);
    let agreed = policy.answer([&b"permessage-deflate"[..]]);
    let mut config = Config::default();
    config.deflate = Some(policy);
    Connection::upgraded(role, Agreement::new().with_deflate(agreed), Arc::new(config), [7; 32], NOW)
}

/// What a client sends, message by message, in an order that may be repeated: with context takeover each refers to others before
/// it, so the first round is one that is only played once.
fn frames(len: usize, takeover: bool, level: u8, rounds: u64) -> Vec<BytesMut> {
    let mut client = open(Role::Client, takeover, level);
    let send = |number: u64| {
        client.send(Message::from(text(len, number % MESSAGES))).unwrap();
        let mut frames = BytesMut::new();
        drain(&mut client, &mut frames);
        frames
    };
    (0..MESSAGES * rounds).map(send).collect()
}

/// The payload of a client's frame.
fn payload(frame: &[u8]) -> Vec<u8> {
    let start = match frame[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let (key, payload) = frame[start..].split_at(4);
    payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// A connection that echoes.
struct Echo {
    server: Connection,
    input: BytesMut,
    output: BytesMut,
}

impl Echo {
    fn new(takeover: bool, level: u8) -> Self {
        let server = open(Role::Server, takeover, level);
        Self { server, input: BytesMut::new(), output: BytesMut::with_capacity(64 * 1024) }
    }

    fn echo(&mut self, frame: &[u8]) {
        self.input.extend_from_slice(frame);
        while let Some(event) = self.server.poll_event(&mut self.input, NOW) {
            let Event::Message(message) = event else { panic!("{event:?}") };
            self.server.send(message).unwrap();
        }
        drain(&mut self.server, &mut self.output);
        black_box(&self.output);
        self.output.clear();
    }
}

/// The library with the same settings, into buffers that are there.
struct Library {
    takeover: bool,
    inflate: Inflate,
    deflate: zlib_rs::Deflate,
    message: Vec<u8>,
    payload: Vec<u8>,
}

impl Library {
    fn new(len: usize, takeover: bool, level: u8) -> Self {
        let config =
            DeflateConfig { level: level.into(), window_bits: -15, mem_level: 5, ..DeflateConfig::default() };
        Self {
            takeover,
            inflate: Inflate::new(false, 15),
            deflate: zlib_rs::Deflate::new_with_config(config),
            message: vec![0; len + 1],
            payload: vec![0; 2 * len],
        }
    }

    fn echo(&mut self, payload: &[u8]) {
        if !self.takeover {
            self.inflate.reset(false);
            self.deflate.reset();
        }
        let before = self.inflate.total_out();
        self.inflate.decompress(payload, &mut self.message, InflateFlush::SyncFlush).unwrap();
        let len = (self.inflate.total_out() - before) as usize;
        self.inflate.decompress(&TAIL, &mut self.message[len..], InflateFlush::SyncFlush).unwrap();
        self.deflate.compress(&self.message[..len], &mut self.payload, DeflateFlush::SyncFlush).unwrap();
        black_box(&self.payload);
    }
}

fn echo(criterion: &mut Criterion) {
    for len in [1024, 16 * 1024] {
        for takeover in [false, true] {
            for level in [1, 6] {
                let with = if takeover { "takeover" } else { "alone" };
                let mut group = criterion.benchmark_group(format!("deflate/{len}/{with}/level {level}"));
                group.throughput(Throughput::Elements(MESSAGES));
                // With context takeover what is played again must be what comes again: as the second round does, after the first.
                let all = frames(len, takeover, level, 2);
                let (first, again) = all.split_at(MESSAGES as usize);
                let payloads: Vec<Vec<u8>> = all.iter().map(|frame| payload(frame)).collect();
                let (first_payloads, payloads) = payloads.split_at(MESSAGES as usize);
                group.bench_function(BenchmarkId::from_parameter("echo"), |bencher| {
                    let mut echo = Echo::new(takeover, level);
                    first.iter().for_each(|frame| echo.echo(frame));
                    bencher.iter(|| again.iter().for_each(|frame| echo.echo(frame)));
                });
                group.bench_function(BenchmarkId::from_parameter("library"), |bencher| {
                    let mut library = Library::new(len, takeover, level);
                    first_payloads.iter().for_each(|payload| library.echo(payload));
                    bencher.iter(|| payloads.iter().for_each(|payload| library.echo(payload)));
                });
                group.finish();
            }
        }
    }
}

criterion_group!(benches, echo);
criterion_main!(benches);
