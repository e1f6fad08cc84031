use alloc::format;
use alloc::string::String;

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { head: 16 << 10, refusal_body: 8 };
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

fn handshake() -> ClientHandshake {
    let request = ClientRequest::new("example.com", "/").unwrap();
    let request = request.subprotocol("v1").and_then(|r| r.subprotocol("v2")).unwrap();
    ClientHandshake::new(&request, *b"the sample nonce", LIMITS, None).0
}

/// The last step, with what is left of the input, when it comes in pieces of this size.
fn run(bytes: &[u8], step: usize) -> (ClientStep, usize) {
    let mut handshake = handshake();
    let mut left = bytes.len();
    for piece in bytes.chunks(step) {
        let mut input = BytesMut::from(piece);
        left -= piece.len();
        if let Some(last) = handshake.receive(&mut input) {
            left += input.len();
            let rest = input.clone();
            assert_eq!(handshake.receive(&mut input), None);
            assert_eq!(input, rest, "nothing is consumed after the last step");
            return (last, left);
        }
        assert!(input.is_empty());
    }
    (handshake.end_of_input(), left)
}

fn whole(response: &str) -> ClientStep {
    run(response.as_bytes(), response.len().max(1)).0
}

fn switching(fields: &str) -> ClientStep {
    whole(&format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n"))
}

#[test]
fn the_request() {
    let request = ClientRequest::new("example.com:9001", "/chat?a")
        .and_then(|r| r.header("X-A", "b"))
        .and_then(|r| r.subprotocol("v1"))
        .and_then(|r| r.subprotocol("v2"))
        .and_then(|r| r.origin("https://example.com"))
        .unwrap();
    let (_, head) = ClientHandshake::new(&request, *b"the sample nonce", LIMITS, None);
    assert_eq!(
        head,
        "GET /chat?a HTTP/1.1\r\nHost: example.com:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Origin: https://example.com\r\nSec-WebSocket-Protocol: v1, v2\r\nX-A: b\r\n\r\n"
    );
}

#[test]
fn opens() {
    let table = [
        ("", None),
        ("Sec-WebSocket-Protocol: v2\r\n", Some("v2")),
        ("Sec-WebSocket-Extensions: \r\n", None),
        ("X: y\r\n", None),
    ];
    for (fields, subprotocol) in table {
        let ClientStep::Open(response, agreement) = switching(&format!("{UPGRADE}{ACCEPT}{fields}")) else {
            panic!("not open: {fields}");
        };
        assert_eq!((response.status(), response.reason()), (101, "Switching Protocols"));
        assert_eq!((response.subprotocol(), agreement.subprotocol()), (subprotocol, subprotocol));
    }
    let list = format!("uPGRADE: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n{ACCEPT}");
    assert!(matches!(switching(&list), ClientStep::Open(..)));
}

#[test]
fn what_a_101_must_have() {
    use HandshakeError::*;
    let table = [
        (format!("Connection: Upgrade\r\n{ACCEPT}"), UpgradeMissing),
        (format!("Upgrade: h2c\r\nConnection: Upgrade\r\n{ACCEPT}"), UpgradeMissing),
        (format!("Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n{ACCEPT}"), UpgradeMissing),
        (format!("Upgrade: websocket\r\n{UPGRADE}{ACCEPT}"), UpgradeMissing),
        (format!("Upgrade: websocket\r\n{ACCEPT}"), ConnectionMissing),
        (format!("Upgrade: websocket\r\nConnection: close\r\n{ACCEPT}"), ConnectionMissing),
        (String::from(UPGRADE), AcceptMissing),
        (format!("{UPGRADE}Sec-WebSocket-Accept:\r\n"), AcceptMismatch),
        (format!("{UPGRADE}Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n"), AcceptMismatch),
        (format!("{UPGRADE}{}", ACCEPT.replace("s3p", "S3p")), AcceptMismatch),
        (format!("{UPGRADE}{ACCEPT}{ACCEPT}"), AcceptRepeated),
        (format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Extensions: permessage-deflate\r\n"), ExtensionNotOffered),
        (format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: v3\r\n"), SubprotocolNotOffered),
        (format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: V1\r\n"), SubprotocolNotOffered),
        (format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: v1, v2\r\n"), SubprotocolNotOffered),
        (format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol:\r\n"), SubprotocolNotOffered),
        (
            format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v1\r\n"),
            SubprotocolRepeated,
        ),
        (format!("{UPGRADE}{ACCEPT}X : y\r\n"), HeaderSyntax),
        (format!("{UPGRADE}{ACCEPT}X: y\r\n z\r\n"), HeaderSyntax),
        (format!("{UPGRADE}{ACCEPT}X: y\n"), LineEnding),
        (format!("{UPGRADE}{ACCEPT}X: \0\r\n"), ControlCharacter),
        ("X: y\r\n".repeat(4096), HeadTooLarge),
    ];
    for (fields, error) in table {
        assert_eq!(switching(&fields), ClientStep::Failed(error), "{fields}");
        assert_eq!(
            error.status().is_none(),
            !matches!(
                error,
                UpgradeMissing
                    | ConnectionMissing
                    | HeaderSyntax
                    | LineEnding
                    | ControlCharacter
                    | HeadTooLarge
            )
        );
    }
}

#[test]
fn other_protocols_fail_at_once() {
    let table = [
        ("SSH-2.0-OpenSSH_9.6\r\n", HandshakeError::StatusLine),
        ("220 mail.example.com ESMTP\r\n", HandshakeError::StatusLine),
        ("HTTP/2 101\r\n", HandshakeError::HttpVersion),
        ("\x15\x03\x01", HandshakeError::ControlCharacter),
        ("hello\n", HandshakeError::LineEnding),
    ];
    for (bytes, error) in table {
        let mut handshake = handshake();
        let last = bytes.bytes().find_map(|byte| handshake.receive(&mut BytesMut::from(&[byte][..])));
        assert_eq!(last, Some(ClientStep::Failed(error)), "{bytes}");
    }
    let old = format!("HTTP/1.0 101 x\r\n{UPGRADE}{ACCEPT}\r\n");
    assert_eq!(whole(&old), ClientStep::Failed(HandshakeError::HttpVersion));
}

#[test]
fn pieces_change_nothing_and_frames_are_left() {
    let table = [
        (format!("HTTP/1.1 101 x\r\n{UPGRADE}{ACCEPT}\r\n\u{1}\0frames\n"), 9),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 101 x\r\n{UPGRADE}{ACCEPT}\r\nab"
            ),
            2,
        ),
        (String::from("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabcd"), 1),
        (
            String::from("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            2,
        ),
        (String::from("HTTP/1.1 404 Not Found\r\n\r\nabc"), 0),
        (String::from("HTTP/1.1 404 Not Found\r\n\r\nabcdefghij"), 2),
    ];
    for (bytes, left) in table {
        let expected = run(bytes.as_bytes(), bytes.len());
        assert_eq!(expected.1, left, "{bytes}");
        for step in 1..bytes.len() {
            assert_eq!(run(bytes.as_bytes(), step), expected, "{bytes} in steps of {step}");
        }
    }
}

#[test]
fn refusals() {
    let ClientStep::Refused(response) =
        whole("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 20\r\n\r\n0123456789")
    else {
        panic!("not refused");
    };
    assert_eq!((response.status(), response.reason()), (503, "Busy"));
    assert_eq!(response.retry_after(), Some(crate::RetryAfter::Delay(core::time::Duration::from_secs(7))));
    assert_eq!((&response.body()[..], response.body_truncated()), (&b"01234567"[..], true));
    assert_eq!((response.subprotocol(), response.location()), (None, None));

    let ClientStep::Refused(response) =
        whole("HTTP/1.0 302 \r\nLocation: /x\r\nSec-WebSocket-Protocol: v1\r\n\r\n")
    else {
        panic!("not refused");
    };
    assert_eq!((response.location(), response.subprotocol()), (Some("/x"), None));
    assert_eq!((response.body().len(), response.body_truncated()), (0, false));

    assert!(matches!(whole("HTTP/1.1 200 OK\r\n\r\n"), ClientStep::Refused(_)));
}

#[test]
fn the_end_at_every_place() {
    let head = format!("HTTP/1.1 101 x\r\n{UPGRADE}{ACCEPT}\r\n");
    for end in 0..head.len() {
        assert_eq!(whole(&head[..end]), ClientStep::Failed(HandshakeError::EndedEarly));
    }
    let mut over = handshake();
    assert!(over.receive(&mut BytesMut::from(head.as_str())).is_some());
    assert_eq!(over.end_of_input(), ClientStep::Failed(HandshakeError::EndedEarly));
}

#[test]
fn endless_interim_responses_run_into_the_limit() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    assert_eq!(whole(&interim), ClientStep::Failed(HandshakeError::HeadTooLarge));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: alloc::vec::Vec<u8>, step in 1..9_usize) {
        run(&bytes, step);
    }

    #[test]
    fn pieces_change_no_step(
        text in "HTTP/1\\.1 (100|101|404)( x)?\r\n([A-Za-z-]{1,4}: ?[a-z,;\"\\\\]{0,4}\r?\n|Content-Length: 3\r\n|Transfer-Encoding: chunked\r\n){0,4}\r\n[0-9a-f\r\n;]{0,20}",
        step in 1..9_usize,
    ) {
        prop_assert_eq!(run(text.as_bytes(), step).0, run(text.as_bytes(), text.len()).0);
    }
}
