//! A deadline never stands still: whatever happened before, an owner that does no more than it is told comes to an end, in few
//! steps, each later than the one before.

use std::time::Duration;

use bytes::Buf;
use proptest::prelude::*;

use crate::at;
use crate::steps::{Step, Subject, scene, step};
use websocket_proto::{State, Timestamp};

/// No life has more deadlines left than this, one after the other: heartbeat, respite, closing handshake, and a few that were
/// put off by what is heard last.
const MOST_STEPS: u32 = 12;

#[derive(Clone, Copy, Debug)]
enum Transport {
    TakesAll,
    TakesNothing,
}

/// Meets each deadline when it is due, until there is none.
fn run_out(subject: &mut Subject, mut now: Timestamp, transport: Transport) {
    let mut steps = 0;
    loop {
        subject.endpoint.blocked = !matches!(transport, Transport::TakesAll);
        if matches!(transport, Transport::TakesNothing) {
            let _ = subject.endpoint.connection.output(now).has_remaining();
        }
        subject.endpoint.run(now);
        let Some(due) = subject.endpoint.connection.poll_timeout() else { return };
        assert!(due > now || steps == 0, "{due:?} stands still at {now:?}");
        now = now.max(due);
        subject.endpoint.connection.handle_timeout(now);
        steps += 1;
        assert!(steps <= MOST_STEPS, "no end in sight: {:?}", subject.endpoint.connection);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_deadline_leads_on(
        scene in scene(),
        steps in prop::collection::vec((step(), 0_u64..20_000), 0..20),
        transport in prop::sample::select(vec![Transport::TakesAll, Transport::TakesNothing]),
    ) {
        let mut subject = Subject::new(scene);
        let mut since = Duration::ZERO;
        for (step, millis) in steps {
            since += Duration::from_millis(millis);
            subject.apply(step, at(since));
        }
        // Who does not listen pings for ever.
        subject.apply(Step::GoOnReading, at(since));
        run_out(&mut subject, at(since), transport);
        let (closed, state) = (subject.endpoint.closed().is_some(), subject.endpoint.connection.state());
        // Without a heartbeat an open connection may stay as it is for ever.
        prop_assert!(closed || (!scene.beats && state == State::Open), "{:?}", state);
    }
}
