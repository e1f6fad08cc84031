//! How a connection begins and ends: every transition in one place, as data that tests enumerate.
//!
//! ```text
//! opening: Handshake ─request─▶ Decision (server) ─▶ Done
//! receive: Open ─Close frame─▶ GotClose ─▶ discard      Open ─violation│limit│deadline─▶ Failed ─▶ discard
//!          Open ─end of stream─▶ Ended
//! send:    Open ─close()│echo│failure─▶ Closing ─written─▶ SentClose      any but SentClose ─write failed─▶ Broken
//! ```

use crate::config::Role;
use crate::state::State;

/// How far the opening handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The peer's part is awaited.
    Handshake,
    /// Server: the application's decision is awaited.
    Decision,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiving {
    Open,
    /// A Close frame came: nothing after it counts (RFC 6455 §5.5.1).
    GotClose,
    /// The peer failed us, or we failed the connection: nothing more is parsed (RFC 6455 §7.1.7).
    Failed,
    /// The stream ended without a Close frame.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Open,
    /// A Close frame, or an HTTP answer in its place, is queued. Nothing else is accepted.
    Closing,
    /// It was written whole.
    SentClose,
    /// The transport takes nothing any more.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Server: a request that the application is to decide on.
    Requested,
    /// The opening handshake is done.
    Opened,
    CloseReceived,
    /// A violation, a limit, an unfinished message: a Close frame says why.
    Failed,
    StreamEnded,
    ReadFailed,
    WriteFailed,
    CloseCommand,
    CloseWritten,
    /// The peer is dead, or its transport is: no closing handshake is attempted.
    GivenUp,
    CloseDeadline,
    /// What waits to be written was offered to the transport.
    Offered,
    /// Nothing more will be written.
    Discarded,
}

/// What becomes of the transport.
///
/// ```
/// use websocket_proto::Transport;
///
/// fn act(transport: Transport) -> &'static str {
///     match transport {
///         Transport::Open => "go on",
///         Transport::HalfClose => "shut down the writing side, go on reading",
///         Transport::Close => "close it",
///         Transport::Abort => "reset it",
///     }
/// }
/// # assert_eq!(act(Transport::Open), "go on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Read it and write to it.
    Open,
    /// Nothing more will be written: shut the writing side down (TCP FIN, TLS close_notify, HTTP/2 END_STREAM) and go on
    /// reading. It holds until `Close` or `Abort`: remember that it was done.
    HalfClose,
    /// Close it.
    Close,
    /// Reset it (TCP RST, HTTP/2 RST_STREAM): the peer is gone or does not behave, and what it still holds is lost.
    Abort,
}

/// Where the connection stands on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) stage: Stage,
    pub(super) receiving: Receiving,
    pub(super) sending: Sending,
    /// The stream ended after the Close frame or the failure, where it is no loss.
    input_ended: bool,
    over: Option<Over>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Gracefully,
    ByForce,
    /// By force, after one last write attempt for the Close frame, which is due.
    Parting,
    /// That attempt was made; what the transport did not take is dropped.
    Parted,
}

impl Life {
    pub(super) const fn new() -> Self {
        Self {
            stage: Stage::Handshake,
            receiving: Receiving::Open,
            sending: Sending::Open,
            input_ended: false,
            over: None,
        }
    }

    pub(super) fn apply(&mut self, input: Input) {
        match (self.over, input) {
            (None, _) => self.apply_living(input),
            (Some(Over::Parting), Input::Offered) => self.over = Some(Over::Parted),
            (Some(Over::Parting | Over::Parted), Input::Discarded) => self.over = Some(Over::ByForce),
            (Some(_), _) => {}
        }
    }

    fn apply_living(&mut self, input: Input) {
        match (input, self.receiving, self.sending) {
            (Input::Requested, ..) if self.stage == Stage::Handshake => self.stage = Stage::Decision,
            (Input::Opened, ..) => self.stage = Stage::Done,
            (Input::CloseReceived, Receiving::Open, _) => {
                self.receiving = Receiving::GotClose;
                self.begin_closing();
            }
            (Input::Failed, Receiving::Open, _) => {
                self.receiving = Receiving::Failed;
                self.begin_closing();
            }
            // Where no Close frame can be expected any more, the end of the stream is the end (§7.1.5: 1006).
            (Input::StreamEnded, Receiving::Open, _) => {
                self.receiving = Receiving::Ended;
                self.over = Some(Over::Gracefully);
            }
            (Input::StreamEnded, _, _) => self.input_ended = true,
            (Input::CloseCommand, _, _) => self.begin_closing(),
            (Input::CloseWritten, _, Sending::Closing) => self.sending = Sending::SentClose,
            // The peer's Close usually waits unread behind a failed write: go on reading.
            (Input::WriteFailed, _, Sending::Open | Sending::Closing) => self.sending = Sending::Broken,
            // All is said. Some peers reset then instead of closing, and some never close: no reason to reset, which could take
            // from the peer what it has not read yet.
            (
                Input::ReadFailed | Input::CloseDeadline,
                Receiving::GotClose | Receiving::Failed,
                Sending::SentClose,
            ) => self.over = Some(Over::Gracefully),
            (Input::GivenUp, _, Sending::Open | Sending::Closing) => self.over = Some(Over::Parting),
            (Input::ReadFailed | Input::CloseDeadline | Input::GivenUp, _, _) => {
                self.over = Some(Over::ByForce);
            }
            (
                Input::Requested
                | Input::CloseReceived
                | Input::Failed
                | Input::CloseWritten
                | Input::WriteFailed
                | Input::Offered
                | Input::Discarded,
                ..,
            ) => {}
        }
        if self.over.is_none() && self.nothing_is_left_to_do() {
            self.over = Some(Over::Gracefully);
        }
    }

    fn begin_closing(&mut self) {
        if self.sending == Sending::Open {
            self.sending = Sending::Closing;
        }
    }

    fn nothing_is_left_to_do(self) -> bool {
        match (self.receiving, self.sending) {
            (Receiving::GotClose | Receiving::Failed, Sending::Broken) => true,
            // Who closes TCP first holds TIME_WAIT, so both roles wait for the other's end (§7.1.1), the server after a
            // half-close.
            (Receiving::GotClose | Receiving::Failed, Sending::SentClose) => self.input_ended,
            _ => false,
        }
    }

    /// Whether the closing handshake was completed (RFC 6455 §7.1.4).
    pub(super) fn was_clean(self) -> bool {
        self.receiving == Receiving::GotClose && self.sending == Sending::SentClose
    }

    /// Whether neither side has begun to end it.
    pub(super) fn goes_on(self) -> bool {
        self.hears() && self.sending == Sending::Open
    }

    /// Whether what arrives counts.
    #[inline]
    pub(super) fn hears(self) -> bool {
        self.receiving == Receiving::Open && self.over.is_none()
    }

    #[inline]
    pub(super) fn is_over(self) -> bool {
        self.over.is_some()
    }

    /// Whether the Close frame to a peer that was given up is to be shown, or was.
    pub(super) fn is_parting(self) -> bool {
        matches!(self.over, Some(Over::Parting | Over::Parted))
    }

    /// Whether it was shown, so that the one attempt is made.
    pub(super) fn has_parted(self) -> bool {
        self.over == Some(Over::Parted)
    }

    pub(super) fn state(self) -> State {
        if self.is_over() {
            State::Closed
        } else if !self.goes_on() {
            State::Closing
        } else if self.stage == Stage::Done {
            State::Open
        } else {
            State::Connecting
        }
    }

    pub(super) fn transport(self, role: Role) -> Transport {
        match (self.over, role, self.receiving, self.sending) {
            (Some(Over::Gracefully), ..) => Transport::Close,
            (Some(Over::ByForce | Over::Parted), ..) => Transport::Abort,
            (None, Role::Server, Receiving::GotClose | Receiving::Failed, Sending::SentClose)
            | (None, Role::Client, Receiving::Failed, Sending::SentClose) => Transport::HalfClose,
            (Some(Over::Parting) | None, ..) => Transport::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const INPUTS: [Input; 13] = [
        Input::Requested,
        Input::Opened,
        Input::CloseReceived,
        Input::Failed,
        Input::StreamEnded,
        Input::ReadFailed,
        Input::WriteFailed,
        Input::CloseCommand,
        Input::CloseWritten,
        Input::GivenUp,
        Input::CloseDeadline,
        Input::Offered,
        Input::Discarded,
    ];

    fn reachable() -> Vec<Life> {
        let mut found = alloc::vec![Life::new()];
        let mut next = 0;
        while next < found.len() {
            for input in INPUTS {
                let mut life = found[next];
                life.apply(input);
                if !found.contains(&life) {
                    found.push(life);
                }
            }
            next += 1;
        }
        found
    }

    #[test]
    fn every_state_can_end_and_every_end_is_final() {
        for life in reachable() {
            for input in INPUTS {
                let mut after = life;
                after.apply(input);
                if life.is_over() {
                    let same = Life { over: life.over, ..after };
                    assert_eq!(same, life, "{input:?}");
                    assert!(after.is_over());
                }
                if matches!(input, Input::CloseDeadline | Input::GivenUp | Input::ReadFailed) {
                    assert!(after.is_over(), "{life:?} survives {input:?}");
                }
            }
        }
    }

    #[test]
    fn what_was_closed_does_not_open_again() {
        for life in reachable() {
            for input in INPUTS {
                let mut after = life;
                after.apply(input);
                assert!(
                    life.receiving == Receiving::Open || after.receiving == life.receiving,
                    "{life:?} {input:?}"
                );
                assert!(
                    life.sending == Sending::Open || after.sending != Sending::Open,
                    "{life:?} {input:?}"
                );
                assert!(life.sending != Sending::SentClose || after.sending == Sending::SentClose);
                assert!(life.stage != Stage::Done || after.stage == Stage::Done);
                assert!(life.state() <= after.state(), "{life:?} {input:?}");
            }
        }
    }

    #[test]
    fn a_half_close_follows_our_last_byte_and_only_where_the_rules_say() {
        for life in reachable() {
            for role in [Role::Client, Role::Server] {
                let transport = life.transport(role);
                let ended = matches!(transport, Transport::Close | Transport::Abort);
                assert_eq!(ended, life.is_over() && life.over != Some(Over::Parting));
                if transport == Transport::HalfClose {
                    assert_eq!(life.sending, Sending::SentClose);
                    assert!(role == Role::Server || life.receiving == Receiving::Failed, "{life:?}");
                }
            }
        }
    }

    #[test]
    fn a_peer_that_is_given_up_is_told_in_one_attempt_at_most() {
        for life in reachable().into_iter().filter(|life| !life.is_over()) {
            let mut after = life;
            after.apply(Input::GivenUp);
            assert_eq!(
                after.is_parting(),
                matches!(life.sending, Sending::Open | Sending::Closing),
                "{life:?}"
            );
            for ends in [Input::Offered, Input::Discarded] {
                let mut after = after;
                after.apply(ends);
                assert_eq!(after.transport(Role::Server), Transport::Abort, "{life:?}");
                for input in INPUTS {
                    after.apply(input);
                    assert_eq!(after.transport(Role::Server), Transport::Abort, "{life:?} {input:?}");
                }
            }
        }
    }

    #[test]
    fn both_close_frames_and_the_end_of_the_stream_are_a_clean_end_in_any_order() {
        let orders = [
            [Input::CloseCommand, Input::CloseWritten, Input::CloseReceived, Input::StreamEnded],
            [Input::CloseReceived, Input::CloseWritten, Input::StreamEnded, Input::StreamEnded],
            [Input::CloseReceived, Input::StreamEnded, Input::CloseWritten, Input::CloseWritten],
            [Input::CloseCommand, Input::CloseReceived, Input::CloseWritten, Input::ReadFailed],
        ];
        for order in orders {
            let mut life = Life::new();
            for input in order {
                assert!(!life.is_over() || input == order[3], "{order:?}");
                life.apply(input);
            }
            assert!(life.was_clean(), "{order:?}");
            assert_eq!(life.transport(Role::Server), Transport::Close, "{order:?}");
        }
    }
}
