//! Work grows with the bytes and not with their square, however small the pieces they come in: instructions of a stream, and
//! of one eight times as long, as callgrind counts them. Linear work takes eight times as many.
//!
//! ```text
//! cargo bench --all-features --bench linear      # fails where it takes more than nine times as many
//! ```
//!
//! It needs valgrind, and says so where there is none; with `CI=true` that is a failure.
#![allow(clippy::disallowed_methods, reason = "a program of its own, which runs itself under another")]

use std::env;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use bytes::BytesMut;
use websocket_proto::{Agreement, ClientRequest, Config, Connection, Role, Timestamp};

const FACTOR: usize = 8;
const MOST: f64 = 9.0;

/// A stream, and the pieces that it comes in.
struct Work {
    name: &'static str,
    /// The length of the shorter of the two streams.
    short: usize,
    piece: usize,
    make: fn(usize) -> (Connection, Vec<u8>),
}

const WORKS: &[Work] = &[
    Work {
        name: "request head of short lines, byte by byte",
        short: 4096,
        piece: 1,
        make: |len| server("", "a:\r\n", len),
    },
    Work {
        name: "request head of one line, byte by byte",
        short: 4096,
        piece: 1,
        make: |len| server("", "a", len),
    },
    Work {
        name: "request head of a long first line, byte by byte",
        short: 4096,
        piece: 1,
        make: |len| server(&"x".repeat(len / 2), "a:\r\n", len / 2),
    },
    Work {
        name: "response head of short lines, byte by byte",
        short: 4096,
        piece: 1,
        make: |len| client("a:\r\n", len),
    },
    Work {
        name: "response head of long lines, byte by byte",
        short: 4096,
        piece: 1,
        make: |len| client("abcdefg: hijklmnopqrstuvwxyz\r\n", len),
    },
    Work { name: "text frame, byte by byte", short: 16_384, piece: 1, make: |len| open(frame(0x81, len)) },
    Work { name: "binary frame, byte by byte", short: 16_384, piece: 1, make: |len| open(frame(0x82, len)) },
    Work {
        name: "fragments of one byte",
        short: 8192,
        piece: 16_384,
        make: |len| open(fragments(b"a", b"a", len)),
    },
    Work {
        name: "fragments of nothing",
        short: 8192,
        piece: 16_384,
        make: |len| open(fragments(b"a", b"", len)),
    },
    Work {
        // Its tail is looked at once more with the next one.
        name: "fragments that end inside a character",
        short: 8192,
        piece: 16_384,
        make: |len| open(fragments(&[0xe2, 0x82], &[0xac, 0xe2, 0x82], len)),
    },
    #[cfg(feature = "deflate")]
    Work {
        // Each of them begins the decompressor anew.
        name: "compressed, blocks that say they are the last one, byte by byte",
        short: 16_384,
        piece: 1,
        make: |len| open_compressed(&[0x03, 0x00], len / 2),
    },
    #[cfg(feature = "deflate")]
    Work {
        name: "compressed, stored blocks of one byte",
        short: 16_384,
        piece: 16_384,
        make: |len| open_compressed(&[0x00, 0x01, 0x00, 0xfe, 0xff, b'a'], len / 6),
    },
];

fn server(first: &str, line: &str, len: usize) -> (Connection, Vec<u8>) {
    let connection = Connection::server(limited_by(len), [7; 32], Timestamp::default());
    (connection, format!("GET /{first} HTTP/1.1\r\n{}", line.repeat(len / line.len())).into())
}

fn client(line: &str, len: usize) -> (Connection, Vec<u8>) {
    let request = ClientRequest::new("a", "/").expect("a valid request");
    let connection = Connection::client(&request, limited_by(len), [7; 32], Timestamp::default());
    (connection, format!("HTTP/1.1 101 x\r\n{}", line.repeat(len / line.len())).into())
}

fn open(stream: Vec<u8>) -> (Connection, Vec<u8>) {
    let config = limited_by(stream.len());
    (Connection::upgraded(Role::Client, Agreement::default(), config, [7; 32], Timestamp::default()), stream)
}

/// So much of a compressed text.
#[cfg(feature = "deflate")]
fn open_compressed(block: &[u8], count: usize) -> (Connection, Vec<u8>) {
    let mut frame = frame(0xc1, 0);
    frame.extend(block.repeat(count));
    let policy = websocket_proto::Deflate::default();
    let agreed = Agreement::new().with_deflate(policy.answer([&b"permessage-deflate"[..]]));
    let config = limited_by(frame.len());
    (Connection::upgraded(Role::Client, agreed, config, [7; 32], Timestamp::default()), frame)
}

/// Nothing of this length runs into a limit.
fn limited_by(len: usize) -> Arc<Config> {
    let mut config = Config::default();
    config.max_head_size = 2 * len + 100;
    config.max_fragments = Some(u64::MAX);
    Arc::new(config)
}

/// So much of a frame that is longer.
fn frame(first: u8, len: usize) -> Vec<u8> {
    let mut frame = vec![first, 127];
    frame.extend((1_u64 << 20).to_be_bytes());
    frame.resize(frame.len() + len, b'a');
    frame
}

fn fragments(first: &[u8], next: &[u8], count: usize) -> Vec<u8> {
    let fragment = |opcode, payload: &[u8]| [&[opcode, payload.len() as u8], payload].concat();
    [fragment(0x01, first), fragment(0x00, next).repeat(count)].concat()
}

/// Feeds a machine a stream of this length.
fn run(work: &Work, len: usize) {
    let (mut connection, stream) = (work.make)(len);
    let mut input = BytesMut::new();
    for piece in stream.chunks(work.piece) {
        input.extend_from_slice(piece);
        assert_eq!(connection.poll_event(&mut input, Timestamp::default()), None);
    }
    assert!(connection.wants_read(), "{}: all of it was to be read", work.name);
}

/// The instructions that this program takes for it, from its first to its last.
fn instructions(index: usize, len: usize) -> Result<f64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["run", &index.to_string(), &len.to_string()])
        // Otherwise the C library may fill and copy by one instruction that is counted once for every byte.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS")
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.lines().find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok());
    collected.filter(|_| output.status.success()).ok_or_else(|| format!("valgrind said:\n{log}"))
}

fn judge() -> Result<bool, String> {
    let mut linear = true;
    println!("| work | instructions for {FACTOR} times the stream |\n| --- | ---: |");
    for (index, work) in WORKS.iter().enumerate() {
        let beginning = instructions(index, 8)?;
        let short = instructions(index, work.short)? - beginning;
        let long = instructions(index, work.short * FACTOR)? - beginning;
        let ratio = long / short;
        println!("| {} | {ratio:.2} times as many |", work.name);
        linear &= ratio <= MOST;
    }
    Ok(linear)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [command, index, len] = &arguments[..]
        && command == "run"
        && let (Ok(index), Ok(len)) = (index.parse::<usize>(), len.parse())
        && let Some(work) = WORKS.get(index)
    {
        run(work, len);
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("SKIPPED: linear: there is no valgrind here");
        return if env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    match judge() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("some work grows faster than its stream: more than {MOST} times");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
