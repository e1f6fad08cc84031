//! Both halves of two sockets hammered at once over loopback, on a machine that has other things to do: nothing is lost,
//! altered, reordered or stuck, whatever is given up on the way, and no task is woken for nothing.
//!
//! Two seconds each, unless `HAMMER_SECONDS` says otherwise:
//!
//! ```text
//! HAMMER_SECONDS=60 cargo test --release --features tokio --test hammer -- --nocapture
//! ```
#![cfg(feature = "tokio")]
#![allow(clippy::disallowed_methods, reason = "real sockets under real load, for as long as somebody says")]

mod tasks;
mod threads;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use websocket_proto::{Agreement, Config, Connection, Message, Role, Timestamp};

/// Nothing here takes so long, unless somebody waits for a wake-up that never comes.
const STUCK: Duration = Duration::from_secs(20);

fn seconds() -> Duration {
    let seconds = std::env::var("HAMMER_SECONDS").map_or(2, |given| given.parse().expect("seconds"));
    Duration::from_secs(seconds)
}

fn connection(role: Role) -> Connection {
    let mut config = Config::default();
    // Small, so that senders often wait for room.
    config.output_high_water = 20_000;
    Connection::upgraded(role, Agreement::default(), Arc::new(config), [7; 32], Timestamp::default())
}

/// Random enough, and the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    /// A time below this many milliseconds.
    fn time(&mut self, millis: usize) -> Duration {
        Duration::from_micros(self.roll(millis * 1000) as u64)
    }
}

/// The message of this number: how long it is, and every byte, follow from it.
fn payload(number: u64) -> Vec<u8> {
    let mut dice = Dice(number);
    let len = if dice.roll(20) == 0 { dice.roll(60_000) } else { dice.roll(300) };
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(8 + len, number as u8);
    payload
}

/// The last message of a sender.
const END: &str = "end";

/// Whether `message` is the last one; otherwise it must be the next.
fn is_end(message: &Message, number: u64) -> bool {
    if message.as_text() == Some(END) {
        return true;
    }
    assert!(*message.payload() == payload(number), "message {number}");
    false
}

/// Runs it while the machine has other work to do as well, and nothing else here.
fn under_load<R>(run: impl FnOnce() -> R) -> R {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::black_box((0..10_000_u64).fold(0, u64::wrapping_add));
                    thread::yield_now();
                }
            });
        }
        let result = run();
        over.store(true, Ordering::Relaxed);
        result
    })
}
