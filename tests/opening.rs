//! What the opening handshake sends, and what it must not (RFC 6455 §4): as the peer sees it.

#[path = "support/pair.rs"]
mod pair;

use std::collections::HashSet;
use std::sync::Arc;

use pair::{Endpoint, Pair};
use websocket_proto::{
    Accept, ClientRequest, Config, Connection, Event, Message, OriginPolicy, SendError, State, Timestamp,
};

const NOW: Timestamp = Timestamp::from_duration(std::time::Duration::ZERO);

/// The head that a client writes.
fn asked(request: &ClientRequest, seed: [u8; 32]) -> String {
    let mut client = Endpoint::new(Connection::client(request, Arc::new(Config::default()), seed, NOW));
    client.run(NOW);
    String::from_utf8(client.written).unwrap()
}

/// The values of the fields of this name in a head.
fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

/// What a server answers to a valid request with these fields added, where its application accepts it like this.
fn answered(added: &str, accept: &Accept) -> String {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{added}\r\n"
    );
    let mut server = Connection::server(Arc::new(Config::default()), [2; 32], NOW);
    let event = server.poll_event(&mut head.as_bytes().into(), NOW);
    assert!(matches!(event, Some(Event::Request(_))), "{added}: {event:?}");
    server.accept(accept, NOW).unwrap();
    let mut server = Endpoint::new(server);
    server.run(NOW);
    String::from_utf8(server.written).unwrap()
}

#[test]
fn each_connection_asks_with_a_key_of_its_own() {
    let request = ClientRequest::new("localhost", "/").unwrap();
    let heads: Vec<String> = (0..=u8::MAX).map(|seed| asked(&request, [seed; 32])).collect();
    let keys: HashSet<&str> = heads
        .iter()
        .map(|head| {
            let [key] = fields(head, "Sec-WebSocket-Key")[..] else { panic!("one key: {head}") };
            assert!(key.len() == 24 && key.ends_with("=="), "16 bytes: {key}");
            key
        })
        .collect();
    assert_eq!(keys.len(), heads.len());
}

#[test]
fn what_may_be_there_once_is_there_once() {
    let request = ClientRequest::new("localhost", "/").unwrap().origin("http://localhost").unwrap();
    let request = request.subprotocol("a").unwrap().subprotocol("b").unwrap();
    let asked = asked(&request, [1; 32]);
    for name in ["Host", "Upgrade", "Connection", "Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
        assert_eq!(fields(&asked, name).len(), 1, "{name}");
    }
    let accept = Accept::new(OriginPolicy::Any).subprotocol("b").unwrap();
    let answered = answered("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", &accept);
    for name in ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"] {
        assert_eq!(fields(&answered, name).len(), 1, "{name}");
    }
}

#[test]
fn a_client_sends_nothing_behind_its_request_until_it_is_answered() {
    let mut pair = Pair::connecting(Config::default(), Config::default());
    let refused = Err(SendError::NotOpen(State::Connecting, Message::from("early")));
    assert_eq!(pair.client.connection.send("early"), refused);
    assert_eq!(pair.client.connection.ping(b"early"), Err(SendError::NotOpen(State::Connecting, ())));
    assert_eq!(pair.client.connection.pong(b"early"), Err(SendError::NotOpen(State::Connecting, ())));
    pair.client.run(pair.now);
    // Also what the machine would send of itself waits.
    pair.cut = true;
    pair.advance(std::time::Duration::from_secs(9));
    let head = String::from_utf8(pair.client.written.clone()).unwrap();
    assert_eq!(head.find("\r\n\r\n"), Some(head.len() - 4), "one head and nothing behind: {head}");
    pair.cut = false;
    pair.run();
    pair.client.connection.send("now").unwrap();
    pair.run();
    assert_eq!(pair.server.messages(), [Message::from("now")]);
}

#[test]
fn a_server_that_agrees_to_no_subprotocol_names_none() {
    let none = Accept::new(OriginPolicy::Any);
    for offered in ["", "Sec-WebSocket-Protocol: a, b\r\n"] {
        let answer = answered(offered, &none);
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert_eq!(fields(&answer, "Sec-WebSocket-Protocol"), [""; 0]);
    }
    let answer = answered("Sec-WebSocket-Protocol: a, b\r\n", &none.subprotocol("b").unwrap());
    assert_eq!(fields(&answer, "Sec-WebSocket-Protocol"), ["b"]);
}

#[test]
fn no_extension_is_offered_and_none_is_agreed_to_however_it_is_offered() {
    let request = ClientRequest::new("localhost", "/").unwrap();
    assert_eq!(fields(&asked(&request, [1; 32]), "Sec-WebSocket-Extensions"), [""; 0]);
    for offered in
        ["permessage-deflate", "permessage-deflate; client_max_window_bits, x", "", "a; b=\"c\"", ", a,"]
    {
        let added = format!("Sec-WebSocket-Extensions: {offered}\r\n");
        let answer = answered(&added, &Accept::new(OriginPolicy::Any));
        assert!(answer.starts_with("HTTP/1.1 101 "), "{offered}: {answer}");
        assert_eq!(fields(&answer, "Sec-WebSocket-Extensions"), [""; 0], "{offered}");
    }
}
