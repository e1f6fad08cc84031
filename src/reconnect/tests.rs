use super::*;
use alloc::vec::Vec;
use std::collections::HashSet;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_duration(Duration::from_secs(seconds))
}

/// Without jitter, so that each wait is the longest that it may be.
fn exact() -> ReconnectConfig {
    ReconnectConfig { jitter: false, ..ReconnectConfig::default() }
}

fn machine(config: ReconnectConfig) -> Reconnect {
    Reconnect::new(config, [7; 32], at(0))
}

/// The waits after so many attempts that end one after the other, each as soon as it has begun.
fn waits(reconnect: &mut Reconnect, retry: Retry, count: usize) -> Vec<Duration> {
    let mut now = at(0);
    (0..count)
        .map(|_| {
            let attempt = reconnect.poll_attempt(now).unwrap();
            reconnect.ended(attempt, retry, now);
            let until = reconnect.poll_timeout().unwrap();
            let wait = until.saturating_duration_since(now);
            now = until;
            reconnect.handle_timeout(now);
            wait
        })
        .collect()
}

#[test]
fn the_back_off_doubles_up_to_the_cap() {
    let seconds = |waits: Vec<Duration>| waits.iter().map(Duration::as_secs).collect::<Vec<_>>();
    assert_eq!(seconds(waits(&mut machine(exact()), Retry::Soon, 7)), [5, 10, 20, 40, 60, 60, 60]);
    assert_eq!(seconds(waits(&mut machine(exact()), Retry::Later, 6)), [30, 30, 30, 40, 60, 60]);
    let after = Retry::After(100 * SECOND);
    assert_eq!(seconds(waits(&mut machine(exact()), after, 5)), [105, 110, 120, 140, 160]);
    // A server that asks for a year is asked again after an hour.
    assert_eq!(seconds(waits(&mut machine(exact()), Retry::After(Duration::MAX), 1)), [3605]);
    // Settings without a bound end nowhere.
    let unbounded = ReconnectConfig {
        initial_backoff: Duration::MAX,
        max_backoff: Duration::MAX,
        max_retry_after: Duration::MAX,
        ..exact()
    };
    for retry in [Retry::Soon, Retry::Later, Retry::After(Duration::MAX)] {
        let mut reconnect = machine(unbounded.clone());
        let attempt = reconnect.poll_attempt(at(0)).unwrap();
        reconnect.ended(attempt, retry, at(0));
        assert_eq!(reconnect.poll_timeout(), Some(Timestamp::from_nanos(u64::MAX)));
    }
}

#[test]
fn jitter_is_full_and_keeps_within_its_bounds() {
    let cases = [
        (Retry::Soon, ReconnectConfig::default(), Duration::ZERO, 5 * SECOND),
        (Retry::Later, ReconnectConfig::default(), 5 * SECOND, 30 * SECOND),
        (Retry::After(100 * SECOND), ReconnectConfig::default(), 100 * SECOND, 105 * SECOND),
        // A low cap holds for all but what the server asks for, and leaves room for jitter.
        (Retry::Later, ReconnectConfig { max_backoff: SECOND, ..Default::default() }, SECOND / 2, SECOND),
    ];
    for (retry, config, least, most) in cases {
        let drawn: Vec<Duration> = (0..2000_u64)
            .map(|client| {
                let mut seed = [0; 32];
                seed[..8].copy_from_slice(&client.to_le_bytes());
                let mut reconnect = Reconnect::new(config.clone(), seed, at(0));
                waits(&mut reconnect, retry, 1)[0]
            })
            .collect();
        assert!(drawn.iter().all(|wait| (least..=most).contains(wait)), "{retry:?}");
        // Each tenth of the span has about its share of 200.
        let mut tenths = [0; 10];
        for wait in &drawn {
            let part = (*wait - least).as_secs_f64() / (most - least).as_secs_f64();
            tenths[((part * 10.0) as usize).min(9)] += 1;
        }
        assert!(tenths.iter().all(|count| (140..=260).contains(count)), "{retry:?}: {tenths:?}");
        assert!(drawn.iter().collect::<HashSet<_>>().len() > 1990, "{retry:?}");
    }
}

#[test]
fn a_stable_connection_makes_back_off_and_budget_begin_anew() {
    let config = ReconnectConfig { max_attempts: Some(3), ..exact() };
    for (lasted, wait) in [(60, Some(5)), (59, None)] {
        let mut reconnect = machine(config.clone());
        let waited: u64 = waits(&mut reconnect, Retry::Soon, 2).iter().map(Duration::as_secs).sum();
        let attempt = reconnect.poll_attempt(at(waited)).unwrap();
        reconnect.opened(attempt, at(waited));
        let lost = at(waited + lasted);
        reconnect.ended(3, Retry::Soon, lost);
        let until = reconnect.poll_timeout();
        assert_eq!(until.map(|until| until.saturating_duration_since(lost).as_secs()), wait, "{lasted} s");
        if wait.is_none() {
            assert_eq!(reconnect.state(), ReconnectState::Stopped(StopReason::MaxAttempts(3)));
        }
    }
    // What was lost was no failed attempt: a budget of one leaves one.
    for max_attempts in [Some(0), Some(1)] {
        let mut reconnect = machine(ReconnectConfig { max_attempts, ..exact() });
        let attempt = reconnect.poll_attempt(at(0)).unwrap();
        reconnect.opened(attempt, at(0));
        reconnect.ended(1, Retry::Soon, at(60));
        reconnect.handle_timeout(at(65));
        let attempt = reconnect.poll_attempt(at(65)).unwrap();
        reconnect.ended(attempt, Retry::Soon, at(65));
        assert_eq!(reconnect.state(), ReconnectState::Stopped(StopReason::MaxAttempts(1)));
    }
}

/// Where a machine can be. Its counters only shape the waits, so these are all states that rules tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Due,
    Connecting,
    Open,
    Waiting,
    Stopped,
}

#[derive(Clone, Copy, Debug)]
enum Input {
    PollAttempt,
    Opened,
    Ended(Retry),
    /// Reports about the attempt before, and about one that never was.
    OpenedOther,
    EndedOther(Retry),
    Early,
    Timeout,
    Stop,
}

const RETRIES: [Retry; 4] = [Retry::Soon, Retry::Later, Retry::After(SECOND), Retry::Never];

fn inputs() -> Vec<Input> {
    let mut inputs =
        [Input::PollAttempt, Input::Opened, Input::OpenedOther, Input::Early, Input::Timeout, Input::Stop]
            .to_vec();
    inputs.extend(RETRIES.map(Input::Ended));
    inputs.extend(RETRIES.map(Input::EndedOther));
    inputs
}

fn place(reconnect: &Reconnect) -> Place {
    match reconnect.state() {
        ReconnectState::Due => Place::Due,
        ReconnectState::Connecting { .. } => Place::Connecting,
        ReconnectState::Open { .. } => Place::Open,
        ReconnectState::Waiting { .. } => Place::Waiting,
        ReconnectState::Stopped(_) => Place::Stopped,
    }
}

/// A machine in its second attempt, or just before it, so that there was one that is over.
fn put(place: Place) -> Reconnect {
    let mut reconnect = machine(exact());
    let attempt = reconnect.poll_attempt(at(0)).unwrap();
    reconnect.ended(attempt, Retry::Soon, at(0));
    if place == Place::Waiting {
        return reconnect;
    }
    reconnect.handle_timeout(at(5));
    if matches!(place, Place::Connecting | Place::Open) {
        assert_eq!(reconnect.poll_attempt(at(5)), Some(2));
    }
    if place == Place::Open {
        reconnect.opened(2, at(5));
    }
    if place == Place::Stopped {
        reconnect.stop();
    }
    reconnect
}

/// The rules, as data: what comes of each input in each place. What is not here changes nothing.
fn expected(place: Place, input: Input) -> Place {
    match (place, input) {
        (Place::Due, Input::PollAttempt) => Place::Connecting,
        (Place::Connecting, Input::Opened) => Place::Open,
        (Place::Connecting | Place::Open, Input::Ended(Retry::Never)) | (_, Input::Stop) => Place::Stopped,
        (Place::Connecting | Place::Open, Input::Ended(_)) | (Place::Connecting, Input::Timeout) => {
            Place::Waiting
        }
        (Place::Waiting, Input::Timeout) => Place::Due,
        _ => place,
    }
}

#[test]
fn every_input_in_every_state() {
    for from in [Place::Due, Place::Connecting, Place::Open, Place::Waiting, Place::Stopped] {
        for input in inputs() {
            let mut reconnect = put(from);
            assert_eq!(place(&reconnect), from);
            let before = reconnect.state();
            let due = reconnect.poll_timeout();
            let now = at(6);
            let mut handed_out = None;
            match input {
                Input::PollAttempt => handed_out = reconnect.poll_attempt(now),
                Input::Opened => reconnect.opened(2, now),
                Input::Ended(retry) => reconnect.ended(2, retry, now),
                Input::OpenedOther => [1, 3].into_iter().for_each(|other| reconnect.opened(other, now)),
                Input::EndedOther(retry) => {
                    [1, 3].into_iter().for_each(|other| reconnect.ended(other, retry, now));
                }
                Input::Early => reconnect.handle_timeout(at(4)),
                Input::Timeout => reconnect.handle_timeout(due.unwrap_or(now)),
                Input::Stop => reconnect.stop(),
            }
            let to = place(&reconnect);
            assert_eq!(to, expected(from, input), "{from:?}, {input:?}");
            // An attempt is handed out where there is none, and nowhere else.
            assert_eq!(handed_out, (from == Place::Due && to == Place::Connecting).then_some(2));
            // What changes nothing changes nothing at all; what does leaves no deadline that has passed.
            if from == to {
                assert_eq!(reconnect.state(), before, "{from:?}, {input:?}");
            } else {
                assert!(reconnect.poll_timeout().is_none_or(|next| next > reconnect.now), "{input:?}");
            }
            // Nothing is stuck: left alone, each state but the last and the open one comes to an attempt.
            match to {
                Place::Stopped | Place::Open => assert_eq!(reconnect.poll_timeout(), None),
                _ => {
                    for _ in 0..3 {
                        if let Some(due) = reconnect.poll_timeout() {
                            reconnect.handle_timeout(due);
                        }
                    }
                    let next = reconnect.poll_attempt(at(0));
                    assert!(next.is_some_and(|next| next > 1), "{from:?}, {input:?}");
                }
            }
        }
    }
}

#[test]
fn all_the_errors_of_one_attempt_are_one_ending() {
    let mut reconnect = machine(exact());
    let attempt = reconnect.poll_attempt(at(0)).unwrap();
    for _ in 0..5 {
        reconnect.ended(attempt, Retry::Soon, at(0));
        reconnect.ended(attempt, Retry::Never, at(0));
    }
    assert_eq!(reconnect.state(), ReconnectState::Waiting { until: at(5) });
    reconnect.handle_timeout(at(5));
    assert_eq!(reconnect.poll_attempt(at(5)), Some(2));
    reconnect.ended(attempt, Retry::Never, at(5));
    reconnect.opened(attempt, at(5));
    assert_eq!(reconnect.state(), ReconnectState::Connecting { until: at(35) });
}

#[test]
fn time_does_not_run_backwards() {
    let mut reconnect = machine(exact());
    reconnect.handle_timeout(at(100));
    let attempt = reconnect.poll_attempt(at(1)).unwrap();
    assert_eq!(reconnect.state(), ReconnectState::Connecting { until: at(130) });
    reconnect.ended(attempt, Retry::Soon, at(0));
    assert_eq!(reconnect.state(), ReconnectState::Waiting { until: at(105) });
}

#[test]
fn every_status_has_its_decision() {
    let soon = [408, 425, 500, 509];
    let later = [429, 502, 503, 504, 511];
    for status in 0..=1000 {
        let expected = match status {
            _ if soon.contains(&status) || (512..=599).contains(&status) => Retry::Soon,
            _ if later.contains(&status) || (200..=399).contains(&status) => Retry::Later,
            _ => Retry::Never,
        };
        assert_eq!(Retry::after_status(status), expected, "{status}");
    }
}
