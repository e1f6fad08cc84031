//! One conversation in each role, from the first byte of the opening handshake to the last of the closing one: cut, ended and
//! failed at every byte. What is heard of it is known beforehand, from where its frames begin and end.

#[path = "../support/pair.rs"]
mod pair;
#[path = "../support/wire.rs"]
mod wire;

mod conversation;

use bytes::Buf;
use conversation::{Conversation, NOW, ROLES, subject};
use pair::Endpoint;
use websocket_proto::{
    Cause, CloseCode, CloseEvent, Event, Hint, Message, Role, Side, StreamPosition, Transport,
    TransportFailure,
};

fn assert_same(found: &Endpoint, expected: &Endpoint, how: &dyn Fn() -> String) {
    assert!(found.events == expected.events, "{}: {:?}", how(), found.events);
    assert!(found.written == expected.written, "{}: something else was written", how());
    assert_eq!(found.connection.transport(), Transport::Close, "{}", how());
}

/// The one end, and the events before it, which are those of the whole conversation as far as they go.
fn end<'a>(endpoint: &'a Endpoint, whole: &Endpoint, told: usize, how: &str) -> &'a CloseEvent {
    let close = endpoint.closed().unwrap_or_else(|| panic!("{how}: no end"));
    let before = &endpoint.events[..endpoint.events.len() - 1];
    assert_eq!(before, &whole.events[..told], "{how}");
    assert!(matches!(endpoint.connection.transport(), Transport::Close | Transport::Abort), "{how}");
    close
}

/// The explanation begins so, and ends with this hint, which does not go beyond what was seen.
fn explained(close: &CloseEvent, told: &str, hint: Option<Hint>, how: &str) {
    let peer = if close.role() == Role::Client { "the server" } else { "the client" };
    let line = close.explain().to_string();
    assert!(line.starts_with(&told.replace("{peer}", peer)), "{how}: {line}");
    assert_eq!(close.hint(), hint, "{how}: {line}");
    assert!(hint.is_none_or(|hint| line.ends_with(&hint.to_string())), "{how}: {line}");
    assert!(!line.contains("timeout"), "{how}: there was no time for one: {line}");
}

#[test]
fn the_conversation_is_heard_in_full() {
    for role in ROLES {
        let conversation = Conversation::with(role);
        let heard = conversation.whole(&[]);
        assert!(matches!(heard.events[0], Event::Open(_) | Event::Request(_)));
        let ping = |payload: &'static str| Event::Ping(payload.into());
        let expected = [
            Event::Message("hello".into()),
            ping("still there?"),
            Event::Message("grüß dich".into()),
            ping(""),
            Event::Message(Message::from(vec![0xbd; 130])),
            Event::Message("".into()),
        ];
        assert_eq!(heard.events[1..7], expected);
        let close = heard.closed().unwrap();
        assert_eq!((close.cause(), close.was_clean()), (Cause::ClosingHandshake, true));
        assert_eq!((close.code(), close.reason()), (CloseCode::POLICY_VIOLATION, "policy"));
        assert_eq!(close.stats().bytes_received, conversation.bytes.len() as u64);
        assert_eq!(close.stats().bytes_sent, heard.written.len() as u64);
    }
}

#[test]
fn a_cut_at_every_byte_changes_nothing() {
    for role in ROLES {
        let conversation = Conversation::with(role);
        let whole = conversation.whole(&[]);
        for cut in 0..=conversation.bytes.len() {
            assert_same(&conversation.whole(&[cut]), &whole, &|| format!("{role:?}, cut at {cut}"));
        }
        let all: Vec<usize> = (1..conversation.bytes.len()).collect();
        assert_same(&conversation.whole(&all), &whole, &|| format!("{role:?}, byte by byte"));
    }
}

fn two_cuts_at_every_pair_of_bytes_change_nothing(role: Role) {
    let conversation = Conversation::with(role);
    let whole = conversation.whole(&[]);
    for second in 0..=conversation.bytes.len() {
        for first in 0..second {
            assert_same(&conversation.whole(&[first, second]), &whole, &|| {
                format!("{role:?}, cut at {first} and {second}")
            });
        }
    }
}

#[test]
fn two_cuts_at_every_pair_of_bytes_change_nothing_for_a_client() {
    two_cuts_at_every_pair_of_bytes_change_nothing(Role::Client);
}

#[test]
fn two_cuts_at_every_pair_of_bytes_change_nothing_for_a_server() {
    two_cuts_at_every_pair_of_bytes_change_nothing(Role::Server);
}

#[test]
fn an_end_of_the_stream_at_every_byte_is_told_as_what_it_is() {
    for role in ROLES {
        let conversation = Conversation::with(role);
        let whole = conversation.whole(&[]);
        for len in 0..=conversation.bytes.len() {
            let how = format!("{role:?}, ended after {len} bytes");
            let mut endpoint = conversation.up_to(len);
            assert_eq!(endpoint.closed(), None, "{how}");
            endpoint.connection.end_of_input(NOW);
            endpoint.run(NOW);
            let close = end(&endpoint, &whole, conversation.told_within(len), &how);
            let clean = len == conversation.bytes.len();
            assert_eq!((close.cause(), close.was_clean()), (conversation.cause_of_end(len), clean), "{how}");
            assert_eq!(close.received().is_some(), clean, "{how}");
            assert_eq!(close.code().as_u16(), if clean { 1008 } else { 1006 }, "{how}");
            assert_eq!(close.closed_first_by(), Some(Side::Remote), "{how}");
            assert_eq!(endpoint.connection.transport(), Transport::Close, "{how}");
            assert_eq!(close.stats().bytes_received, len as u64, "{how}");

            let told = match close.cause() {
                Cause::ClosingHandshake => {
                    "1008 policy violation: {peer} closed first, saying \"policy\", and this side answered"
                }
                Cause::Handshake(_) => {
                    "1006 abnormal closure: the opening handshake failed: the connection ended before"
                }
                Cause::EndOfStream(StreamPosition::BetweenMessages) => {
                    "1006 abnormal closure: the stream ended without a Close frame, 0 ms after the last byte received"
                }
                Cause::EndOfStream(StreamPosition::InsideMessage) => {
                    "1006 abnormal closure: the stream ended inside a message without a Close frame, 0 ms after"
                }
                Cause::EndOfStream(StreamPosition::InsideFrame) => {
                    "1006 abnormal closure: the stream ended inside a frame, 0 ms after the last byte received"
                }
                cause => panic!("{how}: {cause}"),
            };
            let hint = match close.cause() {
                // To a server it says nothing of connecting again.
                Cause::ClosingHandshake => {
                    (role == Role::Client).then_some(Hint::Code(CloseCode::POLICY_VIOLATION))
                }
                Cause::Handshake(_) if len > 0 => None,
                Cause::Handshake(_) => Some(if role == Role::Client { Hint::NoAnswer } else { Hint::Probe }),
                Cause::EndOfStream(StreamPosition::BetweenMessages) => Some(Hint::PeerEnded),
                _ => Some(Hint::CutOff),
            };
            explained(close, told, hint, &how);
        }
    }
}

fn a_failure_at_every_byte(failure: TransportFailure, told: &str, between: Hint, inside: Hint) {
    for role in ROLES {
        let conversation = Conversation::with(role);
        let whole = conversation.whole(&[]);
        for len in 0..=conversation.bytes.len() {
            let how = format!("{role:?}, {failure} after {len} bytes");
            let mut endpoint = conversation.up_to(len);
            endpoint.connection.read_failed(failure, NOW);
            endpoint.run(NOW);
            let close = end(&endpoint, &whole, conversation.told_within(len), &how);
            if len == conversation.bytes.len() {
                assert_eq!((close.cause(), close.was_clean()), (Cause::ClosingHandshake, true), "{how}");
            } else {
                assert_eq!(close.cause(), Cause::Transport(failure), "{how}");
                assert_eq!((close.code(), close.was_clean()), (CloseCode::ABNORMAL, false), "{how}");
                assert_eq!(close.closed_first_by(), None, "{how}: nobody closed");
                let unfinished = matches!(
                    conversation.cause_of_end(len),
                    Cause::EndOfStream(StreamPosition::InsideFrame | StreamPosition::InsideMessage)
                );
                assert_eq!(close.unfinished_message(), unfinished, "{how}");
                let hint = match (len, role) {
                    (0, Role::Client) => Some(Hint::NoAnswer),
                    (0, Role::Server) => Some(Hint::Probe),
                    _ if len < conversation.head_len() => None,
                    _ => Some(if unfinished { inside } else { between }),
                };
                let position = if unfinished { " inside a frame or message" } else { "" };
                explained(close, &format!("1006 abnormal closure: {told}{position}, 0 ms after"), hint, &how);
            }
        }
    }
}

#[test]
fn a_reset_at_every_byte_is_told_as_one_unless_all_was_said() {
    let told = "the connection was reset";
    a_failure_at_every_byte(TransportFailure::Reset, told, Hint::PeerKilled, Hint::PeerKilled);
}

/// As TLS ends without its close_notify.
#[test]
fn a_truncation_at_every_byte_is_a_loss_where_something_was_under_way() {
    let told = "the transport failed (truncated by the layer below)";
    a_failure_at_every_byte(TransportFailure::Truncated, told, Hint::PeerEnded, Hint::CutOff);
}

/// Writing fails after so many bytes were read; the rest is still there to be read, and then the stream ends.
#[test]
fn a_failed_write_at_every_byte_takes_nothing_from_what_is_read() {
    for role in ROLES {
        let conversation = Conversation::with(role);
        let whole = conversation.whole(&[]);
        for len in 0..=conversation.bytes.len() {
            let how = format!("{role:?}, writing failed after {len} bytes");
            let mut endpoint = conversation.up_to(len);
            let written = endpoint.written.len();
            endpoint.connection.write_failed(TransportFailure::BrokenPipe, NOW);
            endpoint.receive(&conversation.bytes[len..], NOW);
            assert!(endpoint.closed().is_some() || len == conversation.bytes.len(), "{how}: it waits");
            endpoint.connection.end_of_input(NOW);
            endpoint.run(NOW);
            assert_eq!(endpoint.written.len(), written, "{how}: and something is written");

            let everything = whole.events.len() - 1;
            // Before it is open there is no point in opening it.
            let told = if len < conversation.head_len() { 0 } else { everything };
            let close = end(&endpoint, &whole, told, &how);
            if len == conversation.bytes.len() {
                assert_eq!((close.cause(), close.was_clean()), (Cause::ClosingHandshake, true), "{how}");
            } else {
                assert_eq!(close.cause(), Cause::Transport(TransportFailure::BrokenPipe), "{how}");
                assert!(!close.was_clean(), "{how}");
                let code = if told == everything { CloseCode::POLICY_VIOLATION } else { CloseCode::ABNORMAL };
                assert_eq!(close.code(), code, "{how}: the peer said why");
            }
        }
    }
}

/// How the transport takes what there is, at each turn.
#[derive(Clone, Copy, Debug)]
enum Takes {
    /// So many of the bytes that it is shown.
    Shown(usize),
    /// So many bytes that are handed out owned, and credited in two parts.
    Owned(usize),
    /// They are handed out, and credited after the next read.
    Late(usize),
}

/// Gives the conversation in reads of `step` bytes, between which the transport takes what it does; then all the rest.
fn with_output_taken(conversation: &Conversation, step: usize, takes: Takes) -> Endpoint {
    let mut endpoint = subject(conversation.role);
    endpoint.blocked = true;
    let mut written = Vec::new();
    let mut owed = 0;
    for piece in conversation.bytes.chunks(step) {
        endpoint.receive(piece, NOW);
        let connection = &mut endpoint.connection;
        connection.wrote(std::mem::take(&mut owed), NOW);
        match takes {
            Takes::Shown(count) => {
                let mut output = connection.output(NOW);
                let count = count.min(output.remaining());
                written.extend_from_slice(&output.copy_to_bytes(count));
            }
            Takes::Owned(count) | Takes::Late(count) => {
                if let Some(mut taken) = connection.take(count, NOW) {
                    let len = taken.remaining();
                    written.extend_from_slice(&taken.copy_to_bytes(len));
                    let now = if matches!(takes, Takes::Late(_)) { 0 } else { len };
                    connection.wrote(now / 2, NOW);
                    connection.wrote(now - now / 2, NOW);
                    owed = len - now;
                }
            }
        }
        assert!(endpoint.closed().is_none());
    }
    endpoint.connection.wrote(owed, NOW);
    endpoint.blocked = false;
    endpoint.run(NOW);
    endpoint.connection.end_of_input(NOW);
    endpoint.run(NOW);
    written.append(&mut endpoint.written);
    endpoint.written = written;
    endpoint
}

#[test]
fn the_same_is_written_however_little_is_taken_at_a_time() {
    for role in ROLES {
        let conversation = Conversation::with(role);
        let whole = conversation.whole(&[]);
        for step in [1, 2, 3, 17, conversation.bytes.len()] {
            for count in [0, 1, 2, 3, 5, 16, 64, 1000] {
                for takes in [Takes::Shown(count), Takes::Owned(count), Takes::Late(count)] {
                    let found = with_output_taken(&conversation, step, takes);
                    assert_same(&found, &whole, &|| format!("{role:?}, {takes:?} in reads of {step}"));
                }
            }
        }
    }
}
