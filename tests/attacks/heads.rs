//! Text in heads and Close frames: what could break out of its place is refused where it is given, and whatever is accepted
//! comes out as it went in, read by a parser that is not ours.

use std::sync::Arc;

use bytes::BytesMut;
use proptest::prelude::*;
use websocket_proto::{
    Accept, ClientRequest, CloseFrame, Connection, Event, OriginPolicy, Reject, Request, Role, Timestamp,
};

use crate::pair::{Endpoint, Pair};
use crate::quiet;

const NOW: Timestamp = Timestamp::from_nanos(0);

/// A place that takes text for a head, and whether it takes this one.
type Taker = (&'static str, fn(&str) -> bool);

/// Every one of them.
fn takers() -> [Taker; 11] {
    fn request() -> ClientRequest {
        ClientRequest::new("a", "/").unwrap()
    }
    fn accept() -> Accept {
        Accept::new(OriginPolicy::Any)
    }
    fn reject() -> Reject {
        Reject::new(404).unwrap()
    }
    [
        ("host", |text| ClientRequest::new(text, "/").is_ok()),
        ("target", |text| ClientRequest::new("a", &format!("/{text}")).is_ok()),
        ("name in a request", |text| request().header(text, "v").is_ok()),
        ("value in a request", |text| request().header("n", text).is_ok()),
        ("subprotocol in a request", |text| request().subprotocol(text).is_ok()),
        ("origin", |text| request().origin(&format!("https://{text}")).is_ok()),
        ("name in a 101", |text| accept().header(text, "v").is_ok()),
        ("value in a 101", |text| accept().header("n", text).is_ok()),
        ("subprotocol in a 101", |text| accept().subprotocol(text).is_ok()),
        ("name in an answer", |text| reject().header(text, "v").is_ok()),
        ("value in an answer", |text| reject().header("n", text).is_ok()),
    ]
}

#[test]
fn no_control_character_gets_into_a_head() {
    for (place, takes) in takers() {
        assert!(takes("ab"), "{place}");
        for control in (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32) {
            for text in [format!("{control}ab"), format!("a{control}b"), format!("ab{control}")] {
                let within = control == '\t' && text.starts_with('a') && text.ends_with('b');
                let harmless = within && place.starts_with("value");
                assert_eq!(takes(&text), harmless, "{text:?} as {place}");
            }
        }
        for text in ["a\r\nX: b", "a\r\n\r\nGET / HTTP/1.1", "a\n b"] {
            assert!(!takes(text), "{text:?} as {place}");
        }
    }
}

/// Texts of all kinds, many of which are refused.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z-]{1,12}", "[ -~]{0,12}", "[ -~\t\r\n\0ä\u{85}]{0,6}", any::<String>()]
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((text(), text()), 0..6)
}

/// The fields of `fields` that `add` takes, added one after the other.
fn add_all<T: Clone, E>(
    mut builder: T,
    fields: &[(String, String)],
    add: impl Fn(T, &str, &str) -> Result<T, E>,
) -> (T, Vec<(String, Vec<u8>)>) {
    let mut taken = Vec::new();
    for (name, value) in fields {
        if let Ok(with) = add(builder.clone(), name, value) {
            builder = with;
            taken.push((name.clone(), value.clone().into_bytes()));
        }
    }
    (builder, taken)
}

/// The first line as httparse has it, the fields that are not the handshake's own, and what follows the head.
type Read<'a> = (String, Vec<(String, Vec<u8>)>, &'a [u8]);

fn foreign(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    let own = |name: &str| {
        let name = name.to_ascii_lowercase();
        matches!(
            &name[..],
            "host" | "origin" | "upgrade" | "connection" | "content-length" | "transfer-encoding"
        ) || name.starts_with("sec-websocket-")
    };
    let foreign = headers.iter().filter(|header| !own(header.name));
    foreign.map(|header| (header.name.to_owned(), header.value.to_vec())).collect()
}

fn read_request(bytes: &[u8]) -> Read<'_> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let end = request.parse(bytes).unwrap().unwrap();
    let line = format!("{} {}", request.method.unwrap(), request.path.unwrap());
    (line, foreign(request.headers), &bytes[end..])
}

fn read_response(bytes: &[u8]) -> Read<'_> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let end = response.parse(bytes).unwrap().unwrap();
    (response.code.unwrap().to_string(), foreign(response.headers), &bytes[end..])
}

/// A server with a request to decide on, for these subprotocols.
fn asked(subprotocols: &[String]) -> (Endpoint, Request) {
    let mut request = ClientRequest::new("a", "/").unwrap();
    for name in subprotocols {
        request = request.clone().subprotocol(name).unwrap_or(request);
    }
    let mut client = Endpoint::new(Connection::client(&request, Arc::new(quiet()), [1; 32], NOW));
    client.run(NOW);
    let mut server = Endpoint::new(Connection::server(Arc::new(quiet()), [2; 32], NOW));
    let event = server.connection.poll_event(&mut BytesMut::from(&client.written[..]), NOW);
    let Some(Event::Request(request)) = event else { panic!("{event:?}") };
    (server, request)
}

proptest! {
    #[test]
    fn a_request_reads_back_as_it_went_in(
        host in prop_oneof![Just(String::from("example.com:80")), text()],
        target in prop_oneof!["/[!-~]{0,12}", text()],
        fields in fields(),
    ) {
        let Ok(request) = ClientRequest::new(&host, &target) else { return Ok(()) };
        let (request, taken) = add_all(request, &fields, ClientRequest::header);
        let mut client = Endpoint::new(Connection::client(&request, Arc::new(quiet()), [1; 32], NOW));
        client.run(NOW);
        let (line, found, rest) = read_request(&client.written);
        prop_assert_eq!((line, found, rest), (format!("GET {target}"), taken, &b""[..]));
    }

    #[test]
    fn a_101_reads_back_as_it_went_in(fields in fields(), offered in prop::collection::vec(text(), 0..3)) {
        let (mut server, request) = asked(&offered);
        let mut accept = Accept::new(OriginPolicy::Any);
        if let Some(chosen) = request.subprotocols().next() {
            accept = accept.subprotocol(chosen).unwrap();
        }
        let (accept, taken) = add_all(accept, &fields, Accept::header);
        server.connection.accept(&accept, NOW).unwrap();
        server.run(NOW);
        let (status, found, rest) = read_response(&server.written);
        prop_assert_eq!((status, found, rest), ("101".to_owned(), taken, &b""[..]));
    }

    #[test]
    fn an_answer_reads_back_as_it_went_in(
        status in 300_u16..600,
        fields in fields(),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (mut server, _) = asked(&[]);
        let (reject, taken) = add_all(Reject::new(status).unwrap(), &fields, Reject::header);
        server.connection.reject(&reject.body(body.clone()), NOW).unwrap();
        server.run(NOW);
        let (found_status, found, rest) = read_response(&server.written);
        prop_assert_eq!((found_status, found), (status.to_string(), taken));
        prop_assert_eq!(rest, if status == 304 { &b""[..] } else { &body });
    }

    /// A reason has its length in front of it, so nothing in it can break out.
    #[test]
    fn a_reason_reads_back_as_it_went_in(reason in text()) {
        for role in crate::ROLES {
            let Ok(frame) = CloseFrame::new(4000, reason.clone()) else { return Ok(()) };
            let mut pair = Pair::with(&quiet());
            let now = pair.now;
            let from = if role == Role::Client { &mut pair.client } else { &mut pair.server };
            from.connection.close(frame, now);
            pair.run();
            let to = if role == Role::Client { &pair.server } else { &pair.client };
            prop_assert_eq!(to.closed().unwrap().reason(), &reason);
        }
    }
}
