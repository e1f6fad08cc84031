//! What holds of the machine for any sequence of calls.

use std::time::Duration;

use proptest::prelude::*;
use websocket_proto::{Reconnect, ReconnectConfig, ReconnectState, Retry, Timestamp};

#[derive(Clone, Debug)]
enum Call {
    Poll,
    /// About the latest attempt, or one so many before it.
    Opened(u64),
    Ended(u64, Retry),
    HandleTimeout,
    Pass(u64),
    /// The clock of the caller goes back.
    Back(u64),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let retry = prop_oneof![
        4 => Just(Retry::Soon),
        2 => Just(Retry::Later),
        1 => (0..10_000_u64).prop_map(|seconds| Retry::After(Duration::from_secs(seconds))),
        1 => Just(Retry::Never),
    ];
    let call = prop_oneof![
        4 => Just(Call::Poll),
        2 => (0..3_u64).prop_map(Call::Opened),
        2 => (0..3_u64, retry).prop_map(|(ago, retry)| Call::Ended(ago, retry)),
        2 => Just(Call::HandleTimeout),
        3 => (0..100_000_000_000_u64).prop_map(Call::Pass),
        1 => (0..100_000_000_000_u64).prop_map(Call::Back),
    ];
    prop::collection::vec(call, 0..200)
}

proptest! {
    #[test]
    fn one_attempt_at_a_time_and_a_deadline_that_moves(
        calls in calls(),
        seed: [u8; 32],
        max_attempts in prop::option::of(0..5_u32),
        jitter: bool,
    ) {
        let mut config = ReconnectConfig::default();
        config.max_attempts = max_attempts;
        config.jitter = jitter;
        let mut reconnect = Reconnect::new(config, seed, Timestamp::default());
        let (mut nanos, mut latest, mut is_under_way) = (0_u64, 0, false);
        for call in calls {
            let now = Timestamp::from_nanos(nanos);
            let was = reconnect.state();
            match call {
                Call::Poll => if let Some(attempt) = reconnect.poll_attempt(now) {
                    prop_assert!(!is_under_way, "{attempt} beside {latest}");
                    prop_assert_eq!(attempt, latest + 1);
                    latest = attempt;
                },
                Call::Opened(ago) => reconnect.opened(latest.wrapping_sub(ago), now),
                Call::Ended(ago, retry) => reconnect.ended(latest.wrapping_sub(ago), retry, now),
                Call::HandleTimeout => {
                    reconnect.handle_timeout(now);
                    if let Some(due) = reconnect.poll_timeout() {
                        reconnect.handle_timeout(due);
                        prop_assert!(reconnect.poll_timeout().is_none_or(|next| next > due));
                        nanos = nanos.max(due.as_nanos());
                    }
                }
                Call::Pass(by) => nanos += by,
                Call::Back(by) => nanos = nanos.saturating_sub(by),
            }
            is_under_way = matches!(reconnect.state(), ReconnectState::Connecting { .. } | ReconnectState::Open { .. });
            if let ReconnectState::Stopped(reason) = was {
                prop_assert_eq!(reconnect.state(), ReconnectState::Stopped(reason));
            }
        }
    }
}
