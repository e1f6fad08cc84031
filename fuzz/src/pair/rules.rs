//! What must hold of both sides together: after each move, and once both have ended.

use bytes::Buf;
use websocket_proto::{Cause, HandshakeError, Limit, Side, State, TransportFailure, Violation};

use super::endpoint::Endpoint;
use super::{Table, opens};
use crate::scene::Settings;

/// What control frames may wait, encoded and not; and the head.
const CONTROL: usize = 64 * 1024 + 20 * 139 + 1024;

pub(super) fn check(table: &Table) {
    let Table { client, server, .. } = table;
    for (from, to) in [(client, server), (server, client)] {
        check_queue(from);
        check_way(from, to);
    }
    if client.state() == State::Open && server.state() == State::Open {
        assert_eq!(client.connection.subprotocol(), server.connection.subprotocol());
    }
}

/// What waits is what was accepted and not written.
fn check_queue(side: &Endpoint) {
    let (stats, buffered) = (side.watch.stats, side.connection.buffered());
    let accepted = side.speech.messages();
    assert!(stats.messages_sent + stats.messages_dropped <= accepted.len() as u64);
    assert!(buffered == 0 || side.connection.wants_write());
    if stats.messages_dropped > 0 || side.state() == State::Closed {
        return;
    }
    let waiting = &accepted[stats.messages_sent as usize..];
    let payload = |messages: &[super::speech::Said]| messages.iter().map(|said| said.len).sum::<usize>();
    // Of the first one a part may have gone.
    let least = payload(waiting.get(1..).unwrap_or_default());
    let frames = waiting.len() + payload(waiting) / side.config.max_outgoing_frame.max(125);
    let most = payload(waiting) + frames * 14 + CONTROL;
    assert!((least..=most).contains(&buffered), "{buffered} bytes wait, not {least} to {most}");
}

/// What was sent is on its way or has come.
fn check_way(from: &Endpoint, to: &Endpoint) {
    let (sent, received) = (from.watch.stats, to.watch.stats);
    let credited = sent.bytes_sent + from.lent as u64;
    if from.write_failed || from.state() == State::Closed {
        assert!(credited <= from.pipe.entered());
    } else {
        assert_eq!(credited, from.pipe.entered());
    }
    let arrived = from.pipe.carried() - to.input.len() as u64;
    assert!(received.bytes_received <= arrived);
    if to.state() <= State::Open {
        assert_eq!(received.bytes_received, arrived);
    }

    let heard = from.speech.heard();
    assert_eq!(received.messages_received, heard as u64);
    let all_came = from.pipe.is_empty() && !from.pipe.has_leaked() && !to.input.has_remaining();
    if all_came && to.state() == State::Open {
        assert!(sent.messages_sent <= received.messages_received);
        assert!(sent.pings_sent <= received.pings_received);
        if from.lent == 0 && !from.write_failed && from.state() != State::Closed {
            assert_eq!(sent.messages_sent, received.messages_received);
            assert_eq!(sent.pings_sent, received.pings_received);
        }
    }
}

pub(super) fn check_the_end(table: &Table) {
    let Table { client, server, faulty, .. } = table;
    for (side, other) in [(client, server), (server, client)] {
        assert!(side.is_gone(), "{:?} has no end", side.role);
        check_cause(side, other, *faulty);
        check_codes(side, other);
    }
    let (at_client, at_server) = (client.closed.as_ref(), server.closed.as_ref());
    let Some((at_client, at_server)) = at_client.zip(at_server) else { return };
    if at_client.was_clean() && at_server.was_clean() {
        for (from, to) in [(client, server), (server, client)] {
            let (sent, received) = (from.watch.stats, to.watch.stats);
            assert_eq!(from.speech.heard(), from.speech.messages().len(), "lost before a clean end");
            assert_eq!((sent.messages_dropped, sent.bytes_sent), (0, received.bytes_received));
            assert_eq!(sent.pings_sent, received.pings_received);
            assert_eq!(from.speech.pings_unheard(), 0);
        }
        assert!(!client.watch.half_closed, "the server ends the transport (RFC 6455 §7.1.1)");
        let firsts = [at_client.closed_first_by(), at_server.closed_first_by()];
        assert!(firsts.contains(&Some(Side::Local)), "each says that the other closed first");
    }
}

/// What ended it is something that happened.
fn check_cause(side: &Endpoint, other: &Endpoint, faulty: bool) {
    let (Some(close), Some(others)) = (&side.closed, &other.closed) else { return };
    let settings = side.scene.settings;
    // What this side was to hear next, if it was that.
    let next = other.speech.next();
    match close.cause() {
        Cause::ClosingHandshake | Cause::ClosedWhileConnecting => {}
        Cause::Violation(violation) => {
            assert_eq!(violation, Violation::UnsupportedData, "from a peer that breaks no rule");
            let next = next.expect("a message of the wrong kind");
            let unwanted = if next.is_text { Settings::ONLY_BINARY } else { Settings::ONLY_TEXT };
            assert!(settings.has(unwanted));
        }
        Cause::Limit(limit) => {
            let next = next.expect("a message that is too large");
            let len = next.len as u64;
            let frame = len.min(other.config.max_outgoing_frame.max(125) as u64);
            match limit {
                Limit::MessageSize(most) => assert!(len > most),
                Limit::FrameSize(most) => assert!(frame > most),
                Limit::Fragments(most) => assert!(len > frame * most),
                other => panic!("{other}"),
            }
        }
        Cause::Deadline(deadline) => side.history.check_deadline(deadline, &side.config, close),
        // An end without a Close frame: where nothing failed, the other side had no Close frame to send.
        Cause::EndOfStream(_) | Cause::Handshake(HandshakeError::EndedEarly) => {
            let others = others.cause();
            let left =
                matches!(others, Cause::ClosedWhileConnecting | Cause::Deadline(_) | Cause::Handshake(_));
            assert!(faulty || left, "{:?}, and at the other side {others:?}", close.cause());
            assert_eq!(
                side.watch.stats.bytes_received,
                other.pipe.carried(),
                "what came before the end counts"
            );
        }
        Cause::Transport(TransportFailure::Reset) => assert!(faulty || !others.was_clean()),
        Cause::Transport(_) => assert!(faulty),
        Cause::Handshake(HandshakeError::HeadTooLarge) => assert!(settings.has(Settings::SMALL_HEADS)),
        Cause::Refused(_) | Cause::Rejected(_) | Cause::Handshake(HandshakeError::OriginNotAllowed) => {
            assert!(!opens(&side.scene) || others.cause() != Cause::ClosingHandshake);
        }
        cause => panic!("nobody here gives cause for {cause:?}"),
    }
    // It knows of no failure and ended well: so must the other side have, unless that was too slow or took offence.
    if close.was_clean() && !others.was_clean() && !faulty {
        let its_own = matches!(others.cause(), Cause::Limit(_) | Cause::Violation(_) | Cause::Deadline(_));
        assert!(its_own, "{:?} ended well, and the other side with {others:?}", side.role);
    }
}

/// The Close frame that came is the one that was sent.
fn check_codes(side: &Endpoint, other: &Endpoint) {
    let (Some(close), Some(others)) = (&side.closed, &other.closed) else { return };
    let Some(received) = close.received() else { return };
    assert!(others.sent().is_none_or(|sent| sent == received), "{others:?} came as {close:?}");
    let by_itself = |cause| matches!(cause, Cause::Limit(_) | Cause::Violation(_) | Cause::Deadline(_));
    match &other.speech.close {
        // A machine that closes by itself says why in its own words.
        _ if by_itself(close.cause()) || by_itself(others.cause()) => {}
        // It came first, or both closed at once.
        Some(frame) => {
            assert_eq!(frame.as_ref().map_or(1005, |frame| frame.code().as_u16()), received.as_u16());
            assert_eq!(frame.as_ref().map_or("", |frame| frame.reason()), close.reason());
        }
        // An echo.
        None => {
            assert_eq!(side.speech.close.as_ref().map(Option::is_none), Some(received.as_u16() == 1005));
            assert_eq!(close.reason(), "");
        }
    }
}
