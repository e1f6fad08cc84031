use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::handshake::{ClientHandshake, ClientStep};
use crate::upgrade::{ClientRequest, InvalidHead, OriginPolicy};

const LIMITS: Limits = Limits { head: 16 << 10, refusal_body: 4 << 10 };
const LINE: &str = "GET /chat HTTP/1.1\r\n";
const HOST: &str = "Host: example.com\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

fn run(bytes: &[u8], step: usize, http_requests: bool) -> (ServerHandshake, Option<ServerStep>, usize) {
    let mut handshake = ServerHandshake::new(LIMITS, http_requests);
    let mut left = bytes.len();
    for piece in bytes.chunks(step) {
        let mut input = BytesMut::from(piece);
        left -= piece.len();
        if let Some(last) = handshake.receive(&mut input) {
            left += input.len();
            let rest = input.clone();
            assert_eq!(handshake.receive(&mut input), None);
            assert_eq!(input, rest, "nothing is consumed after the request");
            return (handshake, Some(last), left);
        }
        assert!(input.is_empty());
    }
    (handshake, None, left)
}

fn request(fields: &[&str]) -> String {
    format!("{LINE}{}\r\n", fields.concat())
}

fn pending(extra: &str) -> ServerHandshake {
    let head = request(&[HOST, UPGRADE, CONNECTION, KEY, VERSION, extra]);
    let (handshake, step, _) = run(head.as_bytes(), head.len(), true);
    assert!(matches!(step, Some(ServerStep::Request(_))), "{step:?}");
    assert!(handshake.waits_for_decision());
    handshake
}

fn failure(head: &str, http_requests: bool) -> HandshakeError {
    let (handshake, step, _) = run(head.as_bytes(), head.len(), http_requests);
    let Some(ServerStep::Failed { answer, error }) = step else {
        panic!("not failed: {head} {step:?}");
    };
    let status = format!("HTTP/1.1 {} ", error.status().unwrap());
    assert!(answer.starts_with(status.as_bytes()), "{answer:?}");
    assert!(!handshake.waits_for_decision());
    error
}

#[test]
fn header_cardinality() {
    use HandshakeError::*;
    let table: [(&[&str], HandshakeError); 29] = [
        (&[UPGRADE, CONNECTION, KEY, VERSION], HostMissing),
        (&[HOST, HOST, UPGRADE, CONNECTION, KEY, VERSION], HostRepeated),
        (&["Host:\r\n", UPGRADE, CONNECTION, KEY, VERSION], HostInvalid),
        (&["Host: a, b\r\n", UPGRADE, CONNECTION, KEY, VERSION], HostInvalid),
        (&["Host: u@a\r\n", UPGRADE, CONNECTION, KEY, VERSION], HostInvalid),
        (&[HOST, CONNECTION, KEY, VERSION], UpgradeMissing),
        (&[HOST, "Upgrade: h2c\r\n", CONNECTION, KEY, VERSION], UpgradeMissing),
        (&[HOST, CONNECTION, VERSION], NotUpgrade),
        (&[HOST], NotUpgrade),
        (&[HOST, UPGRADE, KEY, VERSION], ConnectionMissing),
        (&[HOST, UPGRADE, "Connection: close\r\n", KEY, VERSION], ConnectionMissing),
        (&[HOST, UPGRADE, CONNECTION, VERSION], KeyMissing),
        (&[HOST, UPGRADE, CONNECTION, KEY, KEY, VERSION], KeyRepeated),
        (&[HOST, UPGRADE, CONNECTION, "Sec-WebSocket-Key: abc\r\n", VERSION], KeyInvalid),
        (&[HOST, UPGRADE, CONNECTION, "Sec-WebSocket-Key:\r\n", VERSION], KeyInvalid),
        (&[HOST, UPGRADE, CONNECTION, KEY], VersionMissing),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, VERSION], VersionRepeated),
        (&[HOST, UPGRADE, CONNECTION, KEY, "Sec-WebSocket-Version: 8\r\n"], VersionUnsupported),
        (&[HOST, UPGRADE, CONNECTION, KEY, "Sec-WebSocket-Version: 013\r\n"], VersionUnsupported),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Content-Length: 1\r\n"], BodyAnnounced),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Content-Length: 0, 0\r\n"], BodyAnnounced),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Transfer-Encoding: chunked\r\n"], BodyAnnounced),
        (&[HOST, "Content-Length: 1\r\n"], BodyAnnounced),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Origin: a\r\n", "Origin: a\r\n"], OriginRepeated),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Sec-WebSocket-Protocol: a b\r\n"], SubprotocolSyntax),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Sec-WebSocket-Extensions: a, b c\r\n"], ExtensionSyntax),
        (
            &[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Sec-WebSocket-Extensions: a;b=\"1\r\n"],
            ExtensionSyntax,
        ),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "X : y\r\n"], HeaderSyntax),
        (&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "X: y\r\n z\r\n"], HeaderSyntax),
    ];
    for (fields, error) in table {
        assert_eq!(failure(&request(fields), false), error, "{fields:?}");
    }
}

#[test]
fn lists_and_zero_length_are_fine() {
    for fields in [
        &[HOST, "Upgrade: h2c, WebSocket\r\n", "connection: keep-alive, UPGRADE\r\n", KEY, VERSION][..],
        &[HOST, "Upgrade: h2c\r\n", UPGRADE, "Connection: keep-alive\r\n", CONNECTION, KEY, VERSION],
        &[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Content-Length: 0\r\n", "Origin: null\r\n"],
    ] {
        let head = request(fields);
        let (_, step, _) = run(head.as_bytes(), head.len(), false);
        assert!(matches!(step, Some(ServerStep::Request(_))), "{fields:?} {step:?}");
    }
}

#[test]
fn request_lines() {
    use HandshakeError::*;
    let fields = [HOST, UPGRADE, CONNECTION, KEY, VERSION].concat();
    let table = [
        ("POST / HTTP/1.1", MethodNotGet),
        ("HEAD / HTTP/1.1", MethodNotGet),
        ("get / HTTP/1.1", MethodNotGet),
        ("GET / HTTP/1.0", HttpVersion),
        ("GET / HTTP/2.0", HttpVersion),
        ("GET * HTTP/1.1", RequestLine),
        ("GET /", RequestLine),
    ];
    for (line, error) in table {
        for http_requests in [false, true] {
            assert_eq!(failure(&format!("{line}\r\n{fields}\r\n"), http_requests), error, "{line}");
        }
    }
}

#[test]
fn limits_and_other_protocols() {
    assert_eq!(failure(&format!("{LINE}{}", "a: b\r\n".repeat(4096)), true), HandshakeError::HeadTooLarge);
    let table = [
        ("SSH-2.0-x\r\n", HandshakeError::RequestLine),
        ("\x16\x03\x01", HandshakeError::ControlCharacter),
        ("GET / HTTP/1.1\n", HandshakeError::LineEnding),
    ];
    for (bytes, error) in table {
        let (_, step, _) = run(bytes.as_bytes(), 1, true);
        assert!(matches!(step, Some(ServerStep::Failed { error: found, .. }) if found == error), "{bytes}");
    }
}

#[test]
fn answers_name_what_would_be_right() {
    let answer_to = |head: &str| match run(head.as_bytes(), head.len(), false).1 {
        Some(ServerStep::Failed { answer, .. }) => String::from_utf8(answer.to_vec()).unwrap(),
        step => panic!("not failed: {step:?}"),
    };
    let upgrade_required =
        answer_to(&request(&[HOST, UPGRADE, CONNECTION, KEY, "Sec-WebSocket-Version: 8\r\n"]));
    assert!(upgrade_required.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{upgrade_required}");
    assert!(upgrade_required.contains("\r\nUpgrade: websocket\r\n"), "{upgrade_required}");
    assert!(answer_to("PUT / HTTP/1.1\r\n\r\n").contains("\r\nAllow: GET\r\n"));
    let to_head = answer_to("HEAD / HTTP/1.1\r\n\r\n");
    assert!(to_head.ends_with("\r\n\r\n") && to_head.contains("Content-Length: "), "{to_head}");
}

#[test]
fn pieces_change_nothing_and_frames_are_left() {
    let head = request(&[HOST, UPGRADE, CONNECTION, KEY, VERSION, "Cookie: a=b\r\n"]) + "\u{1}\0\n";
    let (_, expected, left) = run(head.as_bytes(), head.len(), false);
    assert_eq!(left, 3);
    for step in 1..head.len() {
        let (_, found, found_left) = run(head.as_bytes(), step, false);
        assert_eq!((&found, found_left), (&expected, left), "in steps of {step}");
    }
}

#[test]
fn many_fields_within_the_budget() {
    let head = request(&[HOST, UPGRADE, &"a:\r\n".repeat(4000), CONNECTION, KEY, VERSION]);
    let (_, step, _) = run(head.as_bytes(), 100, false);
    let Some(ServerStep::Request(request)) = step else { panic!("{step:?}") };
    assert_eq!(request.headers().iter().count(), 4005);
    assert_eq!(request.headers().get_all("A").count(), 4000);
}

#[test]
fn accepts() {
    let mut handshake = pending("Sec-WebSocket-Protocol: a, b\r\nOrigin: https://example.com\r\n");
    let accept = Accept::new(OriginPolicy::SameHost).header("X-A", "b").unwrap();
    let wrong = accept.clone().subprotocol("c").unwrap();
    assert_eq!(handshake.accept(&wrong, None), Err(Misuse::SubprotocolNotOffered));
    assert_eq!(handshake.reject(&Reject::new(200).unwrap()), Err(Misuse::StatusNotAllowed));
    assert!(handshake.waits_for_decision(), "misuse changes nothing");

    let accepted = handshake.accept(&accept.clone().subprotocol("b").unwrap(), None).unwrap();
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: b\r\nX-A: b\r\n\r\n";
    let agreement = Agreement::new().with_subprotocol("b");
    assert_eq!(accepted, Accepted::Open { head: Bytes::from_static(head.as_bytes()), agreement });
    assert_eq!(handshake.accept(&accept, None), Err(Misuse::NoRequestPending));
    assert_eq!(handshake.reject(&Reject::new(404).unwrap()), Err(Misuse::NoRequestPending));
}

#[test]
fn a_foreign_origin_is_denied() {
    let mut handshake = pending("Origin: https://evil.net\r\n");
    let accepted = handshake.accept(&Accept::new(OriginPolicy::SameHost), None).unwrap();
    let Accepted::Denied { answer, error } = accepted else { panic!("{accepted:?}") };
    assert_eq!(error, HandshakeError::OriginNotAllowed);
    assert!(answer.starts_with(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"));
    assert!(!handshake.waits_for_decision());
}

#[test]
fn rejects() {
    let answer = pending("").reject(&Reject::new(404).unwrap().body("gone")).unwrap();
    assert_eq!(answer, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngone");
    let mut nothing = ServerHandshake::new(LIMITS, true);
    assert_eq!(nothing.accept(&Accept::new(OriginPolicy::Any), None), Err(Misuse::NoRequestPending));
    assert_eq!(nothing.reject(&Reject::new(404).unwrap()), Err(Misuse::NoRequestPending));
}

#[test]
fn http_requests() {
    let table = [
        ("GET /health?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET", Some("a"), "\r\n\r\nok"),
        ("GET /health?x HTTP/1.0\r\n\r\n", "GET", None, "\r\n\r\nok"),
        (
            "HEAD /health?x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
            "HEAD",
            Some("a"),
            "Content-Length: 2\r\n\r\n",
        ),
    ];
    for (head, method, host, end) in table {
        let (mut handshake, step, _) = run(head.as_bytes(), 3, true);
        let Some(ServerStep::HttpRequest(request)) = step else { panic!("{step:?}") };
        assert_eq!((request.method(), request.host()), (method, host));
        assert_eq!((request.path(), request.query()), ("/health", Some("x")));
        assert_eq!(handshake.accept(&Accept::new(OriginPolicy::Any), None), Err(Misuse::NotAnUpgrade));
        let answer = handshake.reject(&Reject::new(200).unwrap().body("ok")).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(end.as_bytes()), "{answer:?}");
        assert!(!handshake.waits_for_decision());
    }
    assert_eq!(failure("GET / HTTP/1.1\r\n\r\n", true), HandshakeError::HostMissing);
    assert_eq!(failure("GET / HTTP/1.0\r\n\r\n", false), HandshakeError::HttpVersion);
}

/// Names and values of all kinds, many of them refused.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z-]{0,12}", "[ -~]{0,12}", "[ -~\t\r\n\0ä\u{85}]{0,6}", any::<String>()]
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, step in 1..9_usize) {
        run(&bytes, step, true);
    }

    #[test]
    fn pieces_change_no_verdict(
        text in "(GET|HEAD|P) /? HTTP/1\\.[01]\r\n(Host: a\r\n|Upgrade: websocket\r\n|[a-z]: ?[a-z\t]?\r?\n){0,4}\r\n",
        step in 1..9_usize,
    ) {
        prop_assert_eq!(run(text.as_bytes(), step, true).1, run(text.as_bytes(), text.len(), true).1);
    }

    #[test]
    fn the_head_parses_back_to_what_went_in(
        host in prop_oneof![Just(String::from("example.com")), any_text()],
        target in prop_oneof!["/[!-~]{0,12}", any_text()],
        fields in proptest::collection::vec((any_text(), any_text()), 0..4),
        protocols in proptest::collection::vec(any_text(), 0..4),
        origin in prop_oneof!["https?://[a-z]{1,5}(:[0-9]{1,6})?", any_text()],
    ) {
        let build = || -> Result<_, InvalidHead> {
            let mut request = ClientRequest::new(&host, &target)?;
            if let Ok(with) = request.clone().origin(&origin) {
                request = with;
            }
            // what is refused leaves no trace
            for (name, value) in &fields {
                request = request.clone().header(name, value).unwrap_or(request);
            }
            for name in &protocols {
                request = request.clone().subprotocol(name).unwrap_or(request);
            }
            Ok(request)
        };
        let Ok(sent) = build() else { return Ok(()) };
        let (mut client, head) = ClientHandshake::new(&sent, [7; 16], LIMITS, None);
        let (mut server, step, left) = run(&head, head.len(), false);
        prop_assert_eq!(left, 0);
        let Some(ServerStep::Request(received)) = step else {
            return Err(TestCaseError::fail(format!("{step:?} {head:?}")));
        };
        prop_assert_eq!(received.host(), &host);
        prop_assert_eq!(received.target(), &target);
        prop_assert_eq!(received.origin(), sent.origin_value());
        prop_assert!(received.subprotocols().eq(sent.subprotocols()));
        let own = 5 + usize::from(received.origin().is_some()) + usize::from(received.subprotocols().next().is_some());
        prop_assert!(received.headers().iter().skip(own).eq(sent.headers()));
        let kept = fields.iter().filter(|(name, value)| sent.clone().header(name, value).is_ok());
        prop_assert!(sent.headers().eq(kept.map(|(name, value)| (name.as_str(), value.as_bytes()))));

        let mut accept = Accept::new(OriginPolicy::Any);
        if let Some(first) = received.subprotocols().next() {
            accept = accept.subprotocol(first).unwrap();
        }
        let Ok(Accepted::Open { head, agreement }) = server.accept(&accept, None) else {
            return Err(TestCaseError::fail("not accepted"));
        };
        let step = client.receive(&mut BytesMut::from(&head[..]));
        prop_assert!(matches!(step, Some(ClientStep::Open(_, found)) if found == agreement));
    }
}
