//! Messages that are framed once and sent to many.

#[path = "support/pair.rs"]
mod pair;

use bytes::Bytes;
use pair::Endpoint;
use proptest::prelude::*;
use websocket_proto::{Config, Message, Prepared, Role, SendError, State, Timestamp};

const NOW: Timestamp = Timestamp::from_nanos(0);

fn config(max_outgoing_frame: usize) -> Config {
    let mut config = Config::default();
    config.max_outgoing_frame = max_outgoing_frame;
    config
}

/// What goes out for these messages, sent as they are or prepared.
fn written(role: Role, config: &Config, messages: &[Message], prepared: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut endpoint = Endpoint::upgraded(role, config.clone());
    for (index, message) in messages.iter().enumerate() {
        if prepared(index) {
            endpoint.connection.send_prepared(&Prepared::new(message.clone())).unwrap();
        } else {
            endpoint.connection.send(message.clone()).unwrap();
        }
    }
    endpoint.run(NOW);
    assert_eq!(endpoint.connection.stats().messages_sent, messages.len() as u64);
    endpoint.written
}

fn message() -> impl Strategy<Value = Message> {
    let len = prop_oneof![0_usize..200, 1000_usize..1100, 60_000_usize..70_000, 100_000_usize..200_000];
    (len, any::<bool>()).prop_map(|(len, text)| {
        let payload = vec![b'a'; len];
        if text { Message::from(String::from_utf8(payload).unwrap()) } else { Message::from(payload) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The peer cannot tell them from any other message, whatever was sent before and after.
    #[test]
    fn the_bytes_are_those_of_any_message(
        messages in prop::collection::vec(message(), 1..6), prepared: u8, limit in prop_oneof![Just(125), Just(128 << 10)],
    ) {
        for role in [Role::Server, Role::Client] {
            let plain = written(role, &config(limit), &messages, |_| false);
            let some = written(role, &config(limit), &messages, |index| prepared >> index & 1 == 1);
            prop_assert!(plain == some, "{role:?}");
        }
    }
}

#[test]
fn a_server_shares_the_bytes_and_a_client_does_not() {
    use bytes::Buf;

    let news = Prepared::new(vec![7; 5000]);
    let mut shown = Vec::new();
    for role in [Role::Server, Role::Server, Role::Client] {
        let mut endpoint = Endpoint::upgraded(role, Config::default());
        endpoint.connection.send_prepared(&news).unwrap();
        shown.push(endpoint.connection.output(NOW).chunk().as_ptr());
    }
    assert_eq!(shown[0], shown[1]);
    assert_ne!(shown[0], shown[2]);
}

#[test]
fn it_is_refused_where_any_message_is() {
    let mut config = Config::default();
    config.output_high_water = 1;
    let mut server = Endpoint::upgraded(Role::Server, config);
    let news = Prepared::new(Bytes::from_static(b"news"));
    server.connection.send_prepared(&news).unwrap();
    assert_eq!(server.connection.send_prepared(&news), Err(SendError::Full(())));
    server.run(NOW);
    server.connection.close(None, NOW);
    assert_eq!(server.connection.send_prepared(&news), Err(SendError::NotOpen(State::Closing, ())));
    server.run(NOW);
    assert_eq!(server.written, [&b"\x82\x04news"[..], b"\x88\x00"].concat());
}
