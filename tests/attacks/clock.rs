//! Clocks that go back, stand still, tick coarsely or jump by hours.

use std::time::Duration;

use proptest::prelude::*;
use websocket_proto::{Cause, Config, Deadline, Event, Heartbeat, Role, State, Timestamp};

use crate::pair::Endpoint;
use crate::steps::{Subject, scene, step};
use crate::wire::frame;
use crate::{ROLES, SECOND, at, quiet};

/// The longest respite that a stall of our own earns the peer.
const RESPITE: Duration = Duration::from_secs(5);

/// Points in time in no order, hours apart and close together, and the last one there is.
fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        20 => (0_u64..60_000).prop_map(|millis| at(Duration::from_millis(millis))),
        5 => (0_u64..100).prop_map(|hours| at(SECOND * 3600 * hours as u32)),
        1 => Just(Timestamp::from_nanos(u64::MAX)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A clock that goes back is one that stands still, to everything that can be seen.
    #[test]
    fn going_back_is_standing_still(
        scene in scene(),
        steps in prop::collection::vec((step(), time()), 0..30),
    ) {
        let mut shuffled = Subject::new(scene);
        let mut monotonic = Subject::new(scene);
        let mut latest = Timestamp::default();
        for (step, time) in steps {
            latest = latest.max(time);
            shuffled.apply(step, time);
            monotonic.apply(step, latest);
            let [a, b] = [&shuffled.endpoint, &monotonic.endpoint];
            prop_assert_eq!(a.connection.poll_timeout(), b.connection.poll_timeout());
            prop_assert_eq!(a.connection.stats(), b.connection.stats());
            prop_assert_eq!(&a.events, &b.events);
            prop_assert_eq!(&a.written, &b.written);
        }
    }

    /// Whoever is given up had all the time that it is promised, by the latest time that anybody spoke of; and it is given up
    /// no later than a respite after the time that it is promised, or after the jump that hid it.
    #[test]
    fn a_dead_peer_is_given_up_neither_early_nor_never(
        role in prop::sample::select(ROLES.to_vec()),
        times in prop::collection::vec((0_u64..200_000).prop_map(|millis| at(Duration::from_millis(millis))), 0..20),
    ) {
        let mut endpoint = Endpoint::upgraded(role, Config::default());
        let Heartbeat { interval, margin, .. } = Heartbeat::default();
        let mut latest = Timestamp::default();
        let promised = at(interval * 3 / 4 + margin);
        for time in times {
            latest = latest.max(time);
            endpoint.connection.handle_timeout(time);
            endpoint.run(time);
            prop_assert!(endpoint.closed().is_none() || latest >= promised, "closed at {:?}", latest);
        }
        let jumped = latest;
        while let Some(due) = endpoint.connection.poll_timeout() {
            endpoint.connection.handle_timeout(due);
            endpoint.run(due);
            latest = latest.max(due);
        }
        prop_assert_eq!(endpoint.closed().unwrap().cause(), Cause::Deadline(Deadline::Heartbeat));
        prop_assert!(latest >= promised && latest <= jumped.saturating_add(interval + margin + RESPITE));
    }
}

/// A clock that ticks once in a while is met by an owner that looks ten times a second.
#[test]
fn a_coarse_clock_delays_a_verdict_by_its_tick_and_hastens_none() {
    let Heartbeat { interval, margin, .. } = Heartbeat::default();
    let earliest = (interval * 3 / 4 + margin).as_millis() as u32;
    for tick in [1, 10, 15, 100, 1000, 7000] {
        for answers in [true, false] {
            let mut endpoint = Endpoint::upgraded(Role::Client, Config::default());
            let closed_at = (0..6000_u32).map(|tenth| tenth * 100).find(|millis| {
                let coarse = at(Duration::from_millis(u64::from(millis / tick * tick)));
                endpoint.connection.handle_timeout(coarse);
                endpoint.run(coarse);
                let due = endpoint.connection.poll_timeout();
                assert!(due.is_none_or(|due| due > coarse), "a deadline stands still");
                let written = std::mem::take(&mut endpoint.written);
                if answers && written.first() == Some(&0x89) {
                    let ping: Vec<u8> =
                        written[6..].iter().zip(written[2..6].iter().cycle()).map(|(a, b)| a ^ b).collect();
                    endpoint.receive(&frame(Role::Client, 0x8a, &ping), coarse);
                }
                endpoint.connection.state() == State::Closed
            });
            let promised = (interval + margin).as_millis() as u32;
            match closed_at {
                None => assert!(answers, "a dead peer is found out, with a tick of {tick} ms"),
                Some(millis) => assert!(
                    !answers && (earliest..=promised + 2 * tick + 100).contains(&millis),
                    "closed at {millis} ms with a tick of {tick} ms, answered: {answers}"
                ),
            }
        }
    }
}

/// What waits for the peer when the clock jumps: how to begin, which deadline it is, and bytes that avert it.
type Wait = (Deadline, Box<dyn Fn() -> Endpoint>, Vec<u8>);

fn waits() -> Vec<Wait> {
    let pinged = || {
        let mut server = Endpoint::upgraded(Role::Server, Config::default());
        server.connection.handle_timeout(at(SECOND * 25));
        server.run(at(SECOND * 25));
        server
    };
    let begun = || {
        let mut server = Endpoint::upgraded(Role::Server, quiet());
        server.receive(&frame(Role::Server, 0x01, b"begun"), at(Duration::ZERO));
        server
    };
    let idle = || {
        let mut config = quiet();
        config.inbound_idle = Some(SECOND * 40);
        Endpoint::upgraded(Role::Server, config)
    };
    vec![
        (Deadline::Heartbeat, Box::new(pinged), frame(Role::Server, 0x8a, b"")),
        (Deadline::UnfinishedMessage, Box::new(begun), frame(Role::Server, 0x80, b"ended")),
        (Deadline::InboundIdle, Box::new(idle), frame(Role::Server, 0x81, b"here")),
    ]
}

#[test]
fn a_jump_of_hours_earns_the_peer_one_respite() {
    for jump in [SECOND * 100, SECOND * 3600, SECOND * 3600 * 24 * 365] {
        for (deadline, begin, saving) in waits() {
            // The peer was there all the time, and its bytes are read a moment later.
            let mut saved = begin();
            saved.connection.handle_timeout(at(jump));
            saved.run(at(jump));
            assert_eq!(saved.connection.state(), State::Open, "{deadline} after {jump:?}");
            saved.receive(&saving, at(jump + RESPITE - SECOND));
            saved.connection.handle_timeout(at(jump + RESPITE));
            saved.run(at(jump + RESPITE));
            assert_eq!(saved.connection.state(), State::Open, "{deadline} after {jump:?}, averted");

            // It was not, and a second jump earns nothing.
            let mut lost = begin();
            lost.connection.handle_timeout(at(jump));
            lost.run(at(jump));
            assert_eq!(lost.connection.poll_timeout(), Some(at(jump + RESPITE)), "{deadline} after {jump:?}");
            lost.connection.handle_timeout(at(2 * jump));
            lost.run(at(2 * jump));
            lost.connection.end_of_input(at(2 * jump));
            lost.run(at(2 * jump));
            let close = lost.closed().expect("once");
            assert_eq!(close.cause(), Cause::Deadline(deadline));
            assert!(close.local_stall().is_some(), "it is told that we were late");
        }
    }
}

/// There is no time left for a respite at the end of all time, and no sum overflows there.
#[test]
fn the_last_point_in_time_is_one_like_any_other() {
    let last = Timestamp::from_nanos(u64::MAX);
    for (deadline, begin, _) in waits() {
        let mut endpoint = begin();
        endpoint.connection.handle_timeout(last);
        endpoint.run(last);
        endpoint.connection.end_of_input(last);
        endpoint.run(last);
        assert!(matches!(endpoint.closed().unwrap().cause(), Cause::Deadline(found) if found == deadline));
        assert!(matches!(endpoint.events.last(), Some(Event::Closed(_))));
    }
}
