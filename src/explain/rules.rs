//! From evidence to a hint: small rules, of which the first that applies speaks.

use core::time::Duration;

use super::hint::Hint;
use crate::close::CloseCode;
use crate::config::Role;
use crate::error::{Deadline, TransportFailure, Violation};
use crate::event::{Cause, CloseEvent, Side, StreamPosition};
use crate::upgrade::HandshakeError;

/// No firewall, NAT or load balancer that is fit for TCP forgets a connection sooner.
const FORGETFUL: Duration = Duration::from_secs(30);

/// To be later than this with a heartbeat is a stall of ours.
const MIN_STALL: Duration = Duration::from_secs(1);

const RULES: [fn(&CloseEvent) -> Option<Hint>; 7] =
    [told_by_peer, local_stall, close_ignored, idle_timeout, forgotten, handshake, by_cause];

pub(super) fn hint(close: &CloseEvent) -> Option<Hint> {
    RULES.iter().find_map(|rule| rule(close))
}

/// A deadline was met late, or a heartbeat was due long before an end that came in silence, with nothing to hinder it.
fn local_stall(close: &CloseEvent) -> Option<Hint> {
    if !(is_abrupt(close) || matches!(close.cause(), Cause::Deadline(_))) {
        return None;
    }
    let late_heartbeat = || {
        let heartbeat = close.heartbeat()?;
        // What was sent last may have been a Ping, whose answer is waited for before the next one.
        let due = heartbeat.interval.saturating_add(heartbeat.margin);
        let late = close.since_sent().checked_sub(due)?;
        let was_open = close.open_for().is_some() && close.sent().is_none();
        let counts = was_open && is_abrupt(close) && nothing_waited(close);
        Some(late).filter(|late| counts && *late > MIN_STALL.max(heartbeat.margin / 4))
    };
    close.local_stall().or_else(late_heartbeat).map(Hint::LocalStall)
}

/// The peer closed and gave a code, which says more than what followed. Of a client that leaves there is nothing more to say.
fn told_by_peer(close: &CloseEvent) -> Option<Hint> {
    let code = close.received().filter(|_| close.closed_first_by() == Some(Side::Remote))?;
    // What a client complains of is what the server sent. 1008 is not among it: its advice is for whoever connects.
    let complains = matches!(code.as_u16(), 1002 | 1003 | 1007 | 1009 | 1010);
    let says = close.role() == Role::Client || complains;
    (says && code != CloseCode::NORMAL).then_some(Hint::Code(code))
}

fn close_ignored(close: &CloseEvent) -> Option<Hint> {
    let closed = close.sent().is_some() && close.closed_first_by() == Some(Side::Local);
    (closed && peer_hung_up(close)).then_some(Hint::CloseIgnored)
}

/// Nothing was cut off and nobody spoke, nor had a heartbeat to. A process that ends in such a silence looks the same.
fn idle_timeout(close: &CloseEvent) -> Option<Hint> {
    let silent = close.both_silent().filter(|_| ended_at_rest(close) && nothing_waited(close))?;
    let beat = close.heartbeat().is_some_and(|heartbeat| heartbeat.interval <= silent);
    (!beat).then_some(Hint::IdleTimeout { silent, heartbeat: close.heartbeat().is_some() })
}

/// Whoever forgets a connection answers the next packet with a reset; and nobody forgets within half a minute. What was sent before
/// that packet, and kept the connection in mind, is not known here: the hint leaves it open.
fn forgotten(close: &CloseEvent) -> Option<Hint> {
    let silent = close.since_received();
    let beat = close.heartbeat().is_some_and(|heartbeat| heartbeat.interval <= silent);
    let sent_into_silence = silent >= FORGETFUL && close.since_sent() < super::SILENCE && !beat;
    let reset = close.cause() == Cause::Transport(TransportFailure::Reset) && close.open_for().is_some();
    (reset && sent_into_silence).then_some(Hint::Forgotten)
}

fn handshake(close: &CloseEvent) -> Option<Hint> {
    use HandshakeError as E;
    let nothing_came = close.open_for().is_none() && close.stats().bytes_received == 0;
    let given_up = close.cause() == Cause::Deadline(Deadline::Handshake);
    match (close.cause(), close.role()) {
        (_, role) if nothing_came && (given_up || peer_hung_up(close)) => {
            Some(if role == Role::Server { Hint::Probe } else { Hint::NoAnswer })
        }
        (Cause::Handshake(E::StatusLine | E::RequestLine | E::ControlCharacter | E::LineEnding), _) => {
            Some(Hint::OtherProtocol)
        }
        (Cause::Handshake(E::HttpVersion), _) => Some(Hint::HttpVersion),
        (Cause::Handshake(E::UpgradeMissing | E::ConnectionMissing | E::NotUpgrade), _) => {
            Some(Hint::UpgradeLost)
        }
        (
            Cause::Handshake(
                E::AcceptMissing
                | E::AcceptRepeated
                | E::AcceptMismatch
                | E::ExtensionNotOffered
                | E::SubprotocolNotOffered
                | E::SubprotocolRepeated,
            ),
            _,
        ) => Some(Hint::NoWebSocketServer),
        (Cause::Handshake(E::OriginNotAllowed), _) => Some(Hint::Origin),
        (Cause::Refused(status), _) => Some(Hint::Refused(status)),
        _ => None,
    }
}

fn by_cause(close: &CloseEvent) -> Option<Hint> {
    let was_open = close.open_for().is_some();
    match close.cause() {
        _ if ended_at_rest(close) => Some(Hint::PeerEnded),
        Cause::EndOfStream(_) => Some(Hint::CutOff),
        Cause::Transport(TransportFailure::Truncated) if close.unfinished_message() => Some(Hint::CutOff),
        Cause::Transport(TransportFailure::TimedOut | TransportFailure::Unreachable)
        | Cause::Deadline(Deadline::Heartbeat) => {
            let stats = close.stats();
            Some(Hint::PathLost { answered_none: stats.pings_sent > 0 && stats.pongs_received == 0 })
        }
        Cause::Transport(TransportFailure::Reset | TransportFailure::BrokenPipe) if was_open => {
            Some(Hint::PeerKilled)
        }
        Cause::Deadline(Deadline::Close) if close.sent().is_some() => Some(Hint::CloseUnanswered),
        Cause::Deadline(Deadline::Close | Deadline::WriteStall) => Some(Hint::NotReading),
        Cause::Deadline(Deadline::UnfinishedMessage) => Some(Hint::SlowMessage),
        Cause::Deadline(Deadline::InboundIdle) => Some(Hint::Unused),
        Cause::Deadline(Deadline::Decision) => Some(Hint::SlowDecision),
        Cause::Violation(Violation::UnagreedCompression) => Some(Hint::UnagreedCompression),
        Cause::Violation(Violation::UnsupportedData) => Some(Hint::ExcludedKind),
        Cause::Violation(_) => Some(Hint::PeerFault),
        Cause::Limit(_) => Some(Hint::Limit),
        _ => None,
    }
}

/// Whether the stream of an open connection ended between messages, with the proper close of a layer such as TLS or without it.
fn ended_at_rest(close: &CloseEvent) -> bool {
    match close.cause() {
        Cause::EndOfStream(position) => position == StreamPosition::BetweenMessages,
        Cause::Transport(TransportFailure::Truncated) => {
            close.open_for().is_some() && close.received().is_none() && !close.unfinished_message()
        }
        _ => false,
    }
}

/// Whether there was nothing that this side had still to write.
fn nothing_waited(close: &CloseEvent) -> bool {
    (close.unsent_messages(), close.unsent_bytes()) == (0, 0)
}

/// Whether the other side let go of the transport, or something between that answers for it. A lost path lets nobody answer.
fn peer_hung_up(close: &CloseEvent) -> bool {
    use TransportFailure::{BrokenPipe, Reset, Truncated};
    matches!(
        close.cause(),
        Cause::EndOfStream(_)
            | Cause::Handshake(HandshakeError::EndedEarly)
            | Cause::Transport(Reset | BrokenPipe | Truncated)
    )
}

/// Whether the transport ended it.
fn is_abrupt(close: &CloseEvent) -> bool {
    matches!(close.cause(), Cause::EndOfStream(_) | Cause::Transport(_))
}
