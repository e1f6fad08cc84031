//! The two halves of a connection: whoever drives them, and however, it comes to what the whole connection does.

#[path = "support/pair.rs"]
mod pair;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use proptest::prelude::*;
use websocket_proto::{
    Agreement, Cause, ClientRequest, CloseFrame, Config, Connection, Deadline, Event, Message, Receiver,
    Role, Sender, Signal, State, Timestamp, Transport, TransportFailure,
};

use pair::Endpoint;

fn halves(role: Role) -> (Receiver, Sender) {
    let now = Timestamp::default();
    let config = Arc::new(Config::default());
    let connection = Connection::upgraded(role, Agreement::default(), config, [9; 32], now);
    connection.split().expect("it is open")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_duration(Duration::from_secs(seconds))
}

fn written(sender: &mut Sender, now: Timestamp) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut output = sender.output(now);
        if !output.has_remaining() {
            return bytes;
        }
        bytes.extend_from_slice(&output.copy_to_bytes(output.remaining()));
    }
}

#[test]
fn only_an_open_connection_has_halves() {
    let now = Timestamp::default();
    let config = Arc::new(Config::default());
    let request = ClientRequest::new("localhost", "/").unwrap();
    let client = Connection::client(&request, config.clone(), [1; 32], now);
    assert_eq!(client.split().unwrap_err().state(), State::Connecting);
    let server = Connection::server(config, [2; 32], now);
    assert_eq!(server.split().unwrap_err().state(), State::Connecting);
}

#[test]
fn nothing_follows_the_end_even_if_the_receiver_is_told_late() {
    let (mut receiver, mut sender) = halves(Role::Client);
    let found: Vec<Signal> = {
        let mut input = BytesMut::from(&b"\x81\x02hi\x89\x00\x88\x00"[..]);
        std::iter::from_fn(|| receiver.poll(&mut input)).collect()
    };
    assert_eq!(found.len(), 3);
    // Meanwhile the transport takes nothing, for longer than is borne.
    sender.send("void").unwrap();
    let _ = sender.output(at(0));
    while sender.transport() == Transport::Open {
        let now = sender.poll_timeout().unwrap();
        sender.handle_timeout(now);
        let _ = sender.output(now);
    }
    let now = at(1000);
    let Some(Event::Closed(close)) = sender.poll_event(now) else { panic!() };
    assert!(sender.discards());
    assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
    for signal in found {
        assert_eq!(sender.apply(signal, now), None);
    }
    receiver.read_failed(TransportFailure::Reset);
    let end = receiver.poll(&mut BytesMut::new()).unwrap();
    assert_eq!((sender.apply(end, now), sender.poll_event(now)), (None, None));
    assert!(!sender.wants_read() && !sender.wants_write());
}

#[test]
fn a_receiver_that_is_told_to_discard_keeps_nothing_and_takes_everything() {
    let (mut receiver, mut sender) = halves(Role::Client);
    let mut input = BytesMut::from(&b"\x01\x02be"[..]);
    while let Some(signal) = receiver.poll(&mut input) {
        assert_eq!(sender.apply(signal, at(0)), None);
    }
    // The rest does not come in time.
    sender.handle_timeout(at(59));
    assert_eq!(written(&mut sender, at(59)).len(), 2 + 4 + 8, "a Ping");
    sender.handle_timeout(at(61));
    assert_eq!(sender.poll_event(at(61)), None);
    assert!(sender.discards());
    receiver.discard();
    input.extend_from_slice(b"\x00\x01g\x81\x01x");
    let signal = receiver.poll(&mut input).unwrap();
    assert!(input.is_empty());
    assert_eq!(sender.apply(signal, at(61)), None);
    assert_eq!(sender.state(), State::Closing);
}

/// What the other thread already held when the owner stopped reading is applied all the same.
#[test]
fn signals_that_are_applied_while_nobody_reads_put_no_deadline_off() {
    let mut config = Config::default();
    config.heartbeat = None;
    config.inbound_idle = Some(Duration::from_secs(60));
    let connection =
        Connection::upgraded(Role::Client, Agreement::default(), Arc::new(config), [9; 32], at(0));
    let (mut receiver, mut sender) = connection.split().unwrap();
    sender.set_reading(false, at(0));
    let signal = receiver.poll(&mut BytesMut::from(&b"\x01\x05hello"[..])).unwrap();
    assert_eq!(sender.apply(signal, at(3600)), None);
    sender.set_reading(true, at(3600));
    assert_eq!(sender.poll_timeout(), Some(at(3660)), "both for the silence and for the message");
}

/// What two owners do, one of which reads and the other writes.
#[derive(Clone, Debug)]
enum Step {
    /// The reader reads this many bytes and parses them.
    Read(usize),
    /// The reader gets to apply this many of the signals that it found.
    Apply(usize),
    Send(u8),
    Ping,
    Close,
    Write,
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..40).prop_map(Step::Read),
        4 => (1_usize..6).prop_map(Step::Apply),
        2 => any::<u8>().prop_map(Step::Send),
        1 => Just(Step::Ping),
        1 => Just(Step::Close),
        3 => Just(Step::Write),
        2 => (0_u8..12).prop_map(Step::Wait),
    ]
}

/// What a server may say.
fn from_server() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..60).prop_map(|payload| (0x82_u8, payload)),
        2 => Just((0x01, b"begun ".to_vec())),
        2 => Just((0x80, b"ended".to_vec())),
        2 => prop::collection::vec(any::<u8>(), 0..5).prop_map(|payload| (0x89, payload)),
        1 => Just((0x8a, vec![])),
        1 => Just((0x88, vec![3, 232])),
        1 => Just((0x83, vec![])),
    ];
    let bytes = |(opcode, payload): (u8, Vec<u8>)| [vec![opcode, payload.len() as u8], payload].concat();
    prop::collection::vec(frame.prop_map(bytes), 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    /// A reader that applies what it found late, while the writer goes on, sees the same messages in the same order as a
    /// connection that is driven in one piece, and one end.
    #[test]
    fn signals_that_are_applied_late_lose_nothing(
        bytes in from_server(),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let (mut receiver, mut sender) = halves(Role::Client);
        let (mut arriving, mut input) = (BytesMut::from(&bytes[..]), BytesMut::new());
        let mut found: VecDeque<Signal> = VecDeque::new();
        let (mut now, mut events, mut output) = (Timestamp::default(), Vec::new(), Vec::new());
        let mut sent = 0_u64;
        let mut apply = |sender: &mut Sender, signal: Signal, now| {
            events.extend(sender.apply(signal, now));
        };
        for step in steps {
            match step {
                Step::Read(len) => {
                    input.unsplit(arriving.split_to(len.min(arriving.len())));
                    while let Some(signal) = receiver.poll(&mut input) {
                        found.push_back(signal);
                    }
                }
                Step::Apply(count) => {
                    for signal in found.drain(..count.min(found.len())) {
                        apply(&mut sender, signal, now);
                    }
                }
                Step::Send(byte) => sent += u64::from(sender.send(vec![byte]).is_ok()),
                Step::Ping => { let _ = sender.ping(b"?"); }
                Step::Close => sender.close(CloseFrame::NORMAL, now),
                Step::Write => output.extend(written(&mut sender, now)),
                Step::Wait(seconds) => {
                    // Less than any deadline for the peer: those are for the reader to judge, with all applied.
                    now = now.saturating_add(Duration::from_millis(u64::from(seconds)));
                    sender.handle_timeout(now);
                }
            }
            prop_assert!(sender.poll_timeout().is_none_or(|at| at > now));
        }
        input.unsplit(arriving);
        receiver.end_of_input();
        while let Some(signal) = receiver.poll(&mut input) {
            found.push_back(signal);
        }
        for signal in found {
            apply(&mut sender, signal, now);
        }
        output.extend(written(&mut sender, now));
        events.extend(sender.poll_event(now));

        let mut whole = Endpoint::upgraded(Role::Client, Config::default());
        whole.receive(&bytes, Timestamp::default());
        whole.connection.end_of_input(Timestamp::default());
        whole.run(Timestamp::default());
        let told = |events: &[Event]| -> Vec<Event> {
            events.iter().filter(|event| !matches!(event, Event::Closed(_))).cloned().collect()
        };
        prop_assert_eq!(told(&events), told(&whole.events));
        let Some(Event::Closed(close)) = events.last() else { return Err(TestCaseError::fail("no end")) };
        prop_assert_eq!(close.received(), whole.closed().unwrap().received());
        prop_assert_eq!(close.stats().messages_sent + close.unsent_messages(), sent);
        prop_assert_eq!(close.stats().bytes_sent, output.len() as u64);
        prop_assert_eq!(close.stats().bytes_received, bytes.len() as u64);
    }
}

#[test]
fn the_writer_needs_no_reader_and_the_reader_no_writer() {
    let (mut receiver, mut sender) = halves(Role::Server);
    sender.send("out").unwrap();
    let taken = sender.take(usize::MAX, at(0)).unwrap();
    // Half of it is with a kernel while a message comes in.
    let mut input = BytesMut::from(&b"\x81\x82\0\0\0\0in"[..]);
    let signal = receiver.poll(&mut input).unwrap();
    assert_eq!(sender.apply(signal, at(0)), Some(Event::Message(Message::from("in"))));
    assert_eq!(taken.chunk(), b"\x81\x03out");
    sender.wrote(taken.remaining(), at(0));
    assert!(!sender.wants_write());
}
