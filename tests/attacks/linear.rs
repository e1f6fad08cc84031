//! Work that grows with the bytes and not with their square, however small the pieces they come in.
//!
//! What is done twice with the same byte shows nowhere: not in an event, not in memory. So here, and nowhere else in these
//! tests, time is taken: not the time that passes, but what this thread spends computing, which does not depend on what else
//! the machine does; the least of several runs; and only as a ratio, of a stream to one eight times as long. Linear work takes
//! 8 times as long, quadratic work up to 64 times, and the line is drawn at 12. Where something can be counted instead
//! (allocations, bytes kept), `memory.rs` and `floods.rs` count it.
#![allow(unsafe_code, reason = "the standard library does not say what a thread spent")]

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use websocket_proto::{Agreement, ClientRequest, Config, Connection, Role, Timestamp};

use crate::wire::frame;
use crate::{ROLES, without_limits};

const FACTOR: usize = 8;

/// What `clock_gettime` fills in.
#[repr(C)]
struct Timespec {
    seconds: i64,
    nanos: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// What this thread has spent computing since it began.
fn spent() -> Duration {
    const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
    let mut time = Timespec { seconds: 0, nanos: 0 };
    // SAFETY: the struct is laid out as on every 64-bit Linux, and lives for the call.
    assert_eq!(unsafe { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.seconds as u64, time.nanos as u32)
}

/// The least that one run took.
fn least(run: &mut impl FnMut()) -> Duration {
    let runs = (0..3).map(|_| {
        let before = spent();
        run();
        spent() - before
    });
    runs.min().unwrap()
}

/// Feeds what `make` makes of a length, in pieces of `step` bytes, to a machine made anew.
fn assert_linear(what: &str, short: usize, step: usize, make: &dyn Fn(usize) -> (Connection, Vec<u8>)) {
    let times = [short, short * FACTOR].map(|len| {
        let mut run = || {
            let (mut connection, stream) = make(len);
            let mut input = BytesMut::new();
            for piece in stream.chunks(step) {
                input.extend_from_slice(piece);
                assert_eq!(connection.poll_event(&mut input, Timestamp::default()), None);
            }
            assert!(connection.wants_read(), "{what}: all of it was to be read");
        };
        least(&mut run)
    });
    let ratio = times[1].as_secs_f64() / times[0].as_secs_f64();
    assert!(ratio < 12.0, "{what}: {FACTOR} times as long a stream takes {ratio:.1} times as long");
}

fn upgraded(role: Role) -> Connection {
    let config = Arc::new(without_limits());
    Connection::upgraded(role, Agreement::default(), config, [7; 32], Timestamp::default())
}

/// A head that does not end: a first line with so much in it, and then these lines.
fn connecting(role: Role, first: usize, line: &str, len: usize) -> (Connection, Vec<u8>) {
    let mut config = Config::default();
    config.max_head_size = 2 * len + 100;
    let (config, now) = (Arc::new(config), Timestamp::default());
    let filler = "x".repeat(first);
    let (connection, first) = match role {
        Role::Server => (Connection::server(config, [7; 32], now), format!("GET /{filler} HTTP/1.1\r\n")),
        Role::Client => {
            let request = ClientRequest::new("a", "/").unwrap();
            (Connection::client(&request, config, [7; 32], now), format!("HTTP/1.1 101 {filler}\r\n"))
        }
    };
    (connection, [first, line.repeat(len / line.len())].concat().into())
}

#[test]
fn a_head_that_comes_byte_by_byte() {
    for role in ROLES {
        for line in ["a:\r\n", "a", "abcdefg: hijklmnopqrstuvwxyz\r\n"] {
            let what = format!("a {role:?}'s head of {line:?}");
            assert_linear(&what, 4 * 1024, 1, &|len| connecting(role, 0, line, len));
        }
        let what = format!("a {role:?}'s head with a long first line");
        assert_linear(&what, 4 * 1024, 1, &|len| connecting(role, len / 2, "a:\r\n", len / 2));
    }
}

#[test]
fn a_message_that_comes_byte_by_byte() {
    for first in [0x81, 0x82] {
        let make =
            |len| (upgraded(Role::Client), frame(Role::Client, first, &vec![b'a'; len])[..len].to_vec());
        assert_linear(&format!("a frame {first:#x}"), 16 * 1024, 1, &make);
    }
}

#[test]
fn a_message_in_tiny_fragments() {
    for (first, part) in [(0x01, &b"a"[..]), (0x02, b"a"), (0x01, b"")] {
        let make = |len| {
            let begun = frame(Role::Server, first, b"a");
            (upgraded(Role::Server), [begun, frame(Role::Server, 0x00, part).repeat(len)].concat())
        };
        assert_linear(&format!("fragments of {} bytes", part.len()), 8 * 1024, 16 * 1024, &make);
    }
}

/// Each fragment ends inside a character, so that its tail is looked at once more with the next one.
#[test]
fn a_text_that_is_cut_inside_its_characters() {
    let make = |len| {
        let begun = frame(Role::Client, 0x01, &[0xe2, 0x82]);
        let next = frame(Role::Client, 0x00, &[0xac, 0xe2, 0x82]);
        (upgraded(Role::Client), [begun, next.repeat(len)].concat())
    };
    assert_linear("a text cut inside its characters", 8 * 1024, 16 * 1024, &make);
}
