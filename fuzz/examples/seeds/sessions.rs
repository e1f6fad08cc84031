//! Seeds of `tokio_adapter`: two tasks, and what a transport may do to them.

use websocket_proto::Role;
use websocket_proto_fuzz::{Act, Session, Settings, Stream, Wish, recipe};

use Act::{
    BlockFlush, BlockShutdown, End, FailFlushes, FailRead, FailWrites, KeepBack, Pass, Ping, Poll, Push,
    ReadIn, Room, Run, StartSend, TakeApart, TrySend, WriteIn,
};
use Wish::{Close, Drive, Flush, Next, NextEvent, Ready, SinkClose};

/// Everything there is of it.
const ALL: u8 = 255;

/// Ten bytes, then nothing for once.
const TENS: u8 = 0x91;

/// Nine bytes, then one, and so on.
const NINES: u8 = 0x80;

/// One byte, then nothing for once.
const ONES: u8 = 0x10;

pub(crate) fn sessions() -> Vec<(String, Session)> {
    let mut sessions = Vec::new();
    for (name, acts) in acts() {
        for (side, role, in_halves) in
            [("server", Role::Server, false), ("client", Role::Client, false), ("halves", Role::Server, true)]
        {
            sessions.push((format!("{side}-{name}"), session(role, in_halves, 0, &acts)));
        }
    }
    // More than is kept for whoever reads next.
    let large = Stream::recipes([&[0x41, 213, 0x40, 206][..], &recipe(0x81, b"three")].concat());
    for (name, acts) in large_acts() {
        for (side, in_halves) in [("whole", false), ("halves", true)] {
            let session = Session { stream: large.clone(), ..session(Role::Server, in_halves, 0, &acts) };
            sessions.push((format!("{side}-{name}"), session));
        }
    }
    for (name, settings, acts) in configured() {
        sessions.push((format!("with-{name}"), session(Role::Server, false, settings, &acts)));
    }
    sessions
}

fn session(role: Role, in_halves: bool, settings: u16, acts: &[(Act, u8)]) -> Session {
    let frames = [recipe(0x81, b"one"), recipe(0x89, b"?"), recipe(0x82, b"two"), recipe(0x88, b"\x03\xe8")];
    let stream = Stream::recipes(frames.concat());
    Session { role, in_halves, settings: Settings(settings), acts: acts.to_vec(), stream }
}

type Named = (&'static str, Vec<(Act, u8)>);

fn acts() -> Vec<Named> {
    vec![
        ("nothing", vec![]),
        ("read", vec![(Poll(Next), 0), (Push, 4), (Run, 0), (Push, ALL), (Run, 0), (Poll(NextEvent), 0)]),
        (
            "read-in-pieces",
            vec![(ReadIn, ONES), (Poll(Next), 0), (Push, ALL), (Run, 0), (Poll(NextEvent), 0), (Run, 0)],
        ),
        ("send", vec![(Poll(Ready), 0), (StartSend, 3), (Poll(Flush), 0), (Poll(Ready), 0), (StartSend, 0)]),
        (
            "send-in-pieces",
            vec![
                (WriteIn, ONES),
                (Poll(Ready), 0),
                (StartSend, 9),
                (Poll(Flush), 0),
                (Run, 0),
                (Poll(Flush), 0),
            ],
        ),
        (
            "no-room",
            vec![
                (Room, 5),
                (Poll(Ready), 0),
                (StartSend, 3),
                (Poll(Flush), 0),
                (Poll(Next), 0),
                (Room, 5),
                (Run, 0),
                (Room, ALL),
            ],
        ),
        (
            "kept-back",
            vec![
                (KeepBack, 0),
                (BlockFlush, 1),
                (Poll(Ready), 0),
                (StartSend, 3),
                (Poll(Flush), 0),
                (BlockFlush, 0),
                (Run, 0),
            ],
        ),
        ("writes-fail", vec![(Poll(Ready), 0), (StartSend, 3), (FailWrites, 0), (Poll(Flush), 0), (Run, 0)]),
        (
            "flushes-fail",
            vec![(KeepBack, 0), (FailFlushes, 0), (Poll(Ready), 0), (StartSend, 3), (Poll(Flush), 0)],
        ),
        (
            "kept-back-and-reset",
            vec![
                (KeepBack, 0),
                (BlockFlush, 1),
                (Poll(Ready), 0),
                (StartSend, 3),
                (Poll(Flush), 0),
                (FailRead, 0),
                (Poll(Next), 0),
                (Poll(Flush), 0),
            ],
        ),
        ("reads-fail", vec![(Poll(Next), 0), (Push, 7), (FailRead, 0), (Run, 0)]),
        ("cut-off", vec![(Poll(Next), 0), (Push, 7), (End, 0), (Run, 0)]),
        (
            "close",
            vec![
                (Poll(Next), 0),
                (Poll(Close), 0),
                (Push, ALL),
                (Run, 0),
                (End, 0),
                (Run, 0),
                (Poll(Close), 0),
            ],
        ),
        (
            "apart-with-what-was-kept",
            vec![(Push, 14), (Poll(Drive), 0), (TakeApart, 0), (Poll(Next), 0), (Push, ALL), (Run, 0)],
        ),
        (
            "read-slowly",
            vec![
                (Push, ALL),
                (Poll(NextEvent), 0),
                (Pass, 1),
                (Poll(NextEvent), 0),
                (Pass, 1),
                (Poll(NextEvent), 0),
            ],
        ),
        ("read-then-close-and-wait", vec![(Poll(Next), 0), (Poll(Close), 0), (Pass, 60), (Run, 0)]),
        ("close-and-wait", vec![(Poll(Close), 0), (Pass, 60), (Run, 0)]),
        ("sink-close", vec![(Poll(SinkClose), 0), (Push, ALL), (Poll(SinkClose), 0), (Poll(Next), 0)]),
        (
            "shutdown-waits",
            vec![
                (BlockShutdown, 1),
                (Push, ALL),
                (Poll(Next), 0),
                (Poll(Next), 0),
                (Poll(Next), 0),
                (BlockShutdown, 0),
                (Run, 0),
            ],
        ),
        ("driven", vec![(Poll(Drive), 0), (Push, 9), (Run, 0), (Poll(Next), 0), (Push, ALL), (Run, 0)]),
        ("heartbeat", vec![(Poll(Next), 0), (Pass, 250), (Run, 0), (Pass, 100), (Run, 0)]),
        (
            "heartbeat-of-a-driver",
            vec![(Poll(Drive), 0), (Pass, 250), (Run, 0), (Push, 5), (Run, 0), (Pass, 250), (Run, 0)],
        ),
        (
            "write-stall",
            vec![
                (Room, 0),
                (Poll(Ready), 0),
                (StartSend, 1),
                (Poll(Flush), 0),
                (Pass, 250),
                (Run, 0),
                (Pass, 60),
                (Run, 0),
            ],
        ),
        ("ping", vec![(Poll(Next), 0), (Ping, 5), (Poll(Next), 0), (Push, ALL), (Run, 0)]),
        (
            "queue",
            vec![
                (Poll(Next), 0),
                (TrySend, 1),
                (TrySend, 2),
                (Poll(Next), 0),
                (TrySend, 3),
                (Run, 0),
                (Poll(Ready), 0),
                (StartSend, 1),
            ],
        ),
        (
            "apart",
            vec![
                (Push, 7),
                (Poll(Flush), 0),
                (Poll(Next), 0),
                (TakeApart, 0),
                (Poll(Next), 0),
                (Push, ALL),
                (Run, 0),
            ],
        ),
    ]
}

fn large_acts() -> Vec<Named> {
    vec![
        (
            "read-without-rest",
            vec![(ReadIn, NINES), (Poll(Next), 0), (Push, ALL), (Run, 0), (Poll(NextEvent), 0)],
        ),
        ("driven-without-rest", vec![(ReadIn, NINES), (Poll(Drive), 0), (Push, ALL), (Run, 0)]),
        (
            "full-driver",
            vec![(Poll(Drive), 0), (Push, ALL), (Run, 0), (Poll(NextEvent), 0), (Run, 0), (Poll(Next), 0)],
        ),
        (
            "full-writer",
            vec![
                (Room, 0),
                (Poll(Ready), 0),
                (StartSend, 9),
                (Push, ALL),
                (Poll(Flush), 0),
                (Run, 0),
                (Poll(Next), 0),
                (Poll(Next), 0),
                (Room, ALL),
                (Run, 0),
            ],
        ),
        (
            "full-closer",
            vec![(Poll(Drive), 0), (Push, ALL), (Run, 0), (Poll(SinkClose), 0), (Run, 0), (Poll(Next), 0)],
        ),
    ]
}

type Configured = (&'static str, u16, Vec<(Act, u8)>);

fn configured() -> Vec<Configured> {
    vec![
        (
            "small-queue",
            Settings::SMALL_QUEUE,
            vec![
                (Room, 0),
                (Poll(Ready), 0),
                (StartSend, 30),
                (Poll(Ready), 0),
                (Poll(Next), 0),
                (Room, ALL),
                (Run, 0),
            ],
        ),
        // Room that was promised is taken by another task, and comes back at the very end of what one poll does.
        (
            "promise-that-is-held",
            Settings::SMALL_QUEUE,
            vec![
                (Room, 0),
                (Poll(Ready), 0),
                (TrySend, 30),
                (Push, 9),
                (Poll(Flush), 0),
                (StartSend, 1),
                (WriteIn, TENS),
                (Room, ALL),
                (Poll(Next), 0),
                (Poll(Ready), 0),
                (StartSend, 1),
            ],
        ),
        (
            "queue-behind-a-small-one",
            Settings::SMALL_QUEUE,
            vec![
                (Room, 0),
                (TrySend, 30),
                (TrySend, 1),
                (TrySend, 2),
                (TrySend, 3),
                (Poll(Next), 0),
                (Room, ALL),
                (Run, 0),
            ],
        ),
        (
            "fast-heartbeat",
            Settings::FAST_HEARTBEAT,
            vec![(Poll(Next), 0), (Pass, 10), (Run, 0), (Pass, 5), (Run, 0)],
        ),
        (
            "inbound-idle",
            Settings::INBOUND_IDLE,
            vec![(Poll(Drive), 0), (Pass, 30), (Run, 0), (Pass, 50), (Run, 0)],
        ),
        ("no-time-to-close", Settings::NO_TIME_TO_CLOSE, vec![(Poll(Close), 0), (Run, 0)]),
    ]
}
