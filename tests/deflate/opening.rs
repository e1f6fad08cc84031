//! The extension in the heads of the opening handshake, as the peer sees it.

use std::sync::Arc;

use websocket_proto::{
    Accept, Cause, ClientRequest, Config, Connection, Deflate, Event, HandshakeError, OriginPolicy, Role,
    Timestamp,
};

use crate::pair::Endpoint;
use crate::{config, policy};

const NOW: Timestamp = Timestamp::from_duration(std::time::Duration::ZERO);
const FIELD: &str = "Sec-WebSocket-Extensions";

/// The lines of this name in a head.
fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

/// A server after a valid request with these fields added was accepted, and its answer.
fn answered(added: &str, config: &Config) -> (Connection, String) {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{added}\r\n"
    );
    let mut server = Connection::server(Arc::new(config.clone()), [2; 32], NOW);
    let event = server.poll_event(&mut head.as_bytes().into(), NOW);
    assert!(matches!(event, Some(Event::Request(_))), "{added}: {event:?}");
    server.accept(&Accept::new(OriginPolicy::Any), NOW).unwrap();
    let mut server = Endpoint::new(server);
    server.run(NOW);
    (server.connection, String::from_utf8(server.written).unwrap())
}

#[test]
fn what_is_offered_is_answered_and_nothing_else() {
    let config = config(policy(true, 15));
    let table: [(&[&str], Option<&str>); 9] = [
        (&[], None),
        (&["foo, bar; baz=1"], None),
        (&["permessage-deflate"], Some("permessage-deflate")),
        (&["permessage-deflate; client_max_window_bits"], Some("permessage-deflate")),
        (
            &["permessage-deflate; server_no_context_takeover; server_max_window_bits=10"],
            Some("permessage-deflate; server_no_context_takeover; server_max_window_bits=10"),
        ),
        (&["permessage-deflate; unknown"], None),
        // Several offers, in one line and in many, the first of which that can be met is.
        (
            &[
                "permessage-deflate; unknown, permessage-deflate; client_max_window_bits=9",
                "permessage-deflate",
            ],
            Some("permessage-deflate; client_max_window_bits=9"),
        ),
        (
            &[
                "x",
                "permessage-deflate; server_max_window_bits=7",
                "permessage-deflate; server_max_window_bits=8",
            ],
            Some("permessage-deflate; server_max_window_bits=8"),
        ),
        (&["permessage-deflate; client_no_context_takeover; client_no_context_takeover, y"], None),
    ];
    for (offers, expected) in table {
        let added: String = offers.iter().map(|offer| format!("{FIELD}: {offer}\r\n")).collect();
        let (server, answer) = answered(&added, &config);
        assert_eq!(fields(&answer, FIELD), expected.into_iter().collect::<Vec<_>>(), "{added}");
        assert_eq!(server.deflate().map(|agreed| agreed.to_string()).as_deref(), expected, "{added}");
    }
}

/// What a browser sends.
#[test]
fn a_server_tells_a_browser_what_its_policy_says() {
    let offer = format!("{FIELD}: permessage-deflate; client_max_window_bits\r\n");
    let (_, answer) = answered(&offer, &config(policy(false, 11)));
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                    server_max_window_bits=11; client_max_window_bits=11";
    assert_eq!(fields(&answer, FIELD), [expected]);
}

/// A client with this policy after an answer with this field, and how it ended if it did.
fn told(policy: &Deflate, answers: &[&str]) -> (Connection, Option<Cause>) {
    let request = ClientRequest::new("a", "/").unwrap();
    let client = Connection::client(&request, Arc::new(config(policy.clone())), [1; 32], NOW);
    let mut client = Endpoint::new(client);
    client.run(NOW);
    let asked = String::from_utf8(client.written.clone()).unwrap();
    assert_eq!(fields(&asked, FIELD), [policy.offer()]);
    // A server without compression gives the right answer to the key.
    let key = format!("Sec-WebSocket-Key: {}", fields(&asked, "Sec-WebSocket-Key")[0]);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let mut server = Connection::server(Arc::new(Config::default()), [2; 32], NOW);
    assert!(server.poll_event(&mut head.as_bytes().into(), NOW).is_some());
    server.accept(&Accept::new(OriginPolicy::Any), NOW).unwrap();
    let mut server = Endpoint::new(server);
    server.run(NOW);
    let answer = String::from_utf8(server.written).unwrap();
    let added: String = answers.iter().map(|answer| format!("{FIELD}: {answer}\r\n")).collect();
    client.receive(answer.replace("\r\n\r\n", &format!("\r\n{added}\r\n")).as_bytes(), NOW);
    let cause = client.closed().map(websocket_proto::CloseEvent::cause);
    (client.connection, cause)
}

#[test]
fn a_client_goes_on_with_what_it_offered_and_fails_with_anything_else() {
    use HandshakeError::{ExtensionNotOffered, ExtensionParameters, ExtensionSyntax};

    let (client, cause) = told(&policy(true, 15), &[]);
    assert!(cause.is_none() && client.deflate().is_none(), "declined");
    let (client, cause) = told(&policy(true, 15), &["permessage-deflate; client_max_window_bits=10"]);
    assert!(cause.is_none());
    assert_eq!(client.deflate().unwrap().window_bits(Role::Client), 10);
    let table: [(&[&str], HandshakeError); 6] = [
        (&["foo"], ExtensionNotOffered),
        (&["permessage-deflate, permessage-deflate"], ExtensionNotOffered),
        (&["permessage-deflate", "permessage-deflate"], ExtensionNotOffered),
        (&["permessage-deflate; client_max_window_bits"], ExtensionParameters),
        (&["permessage-deflate; server_max_window_bits=16"], ExtensionParameters),
        (&["permessage-deflate; server_max_window_bits=\"9"], ExtensionSyntax),
    ];
    for (answers, error) in table {
        let (_, cause) = told(&policy(true, 15), answers);
        assert_eq!(cause, Some(Cause::Handshake(error)), "{answers:?}");
    }
    // It asked for no context takeover, and is not told that there is none.
    let (_, cause) = told(&policy(false, 15), &["permessage-deflate"]);
    assert_eq!(cause, Some(Cause::Handshake(ExtensionParameters)));
}
