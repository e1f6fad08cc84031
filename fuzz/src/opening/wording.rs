//! The target `header_values`: what the applications put into a handshake, and what arrives of it.

use std::fmt::Debug;

use bytes::{Buf, Bytes, BytesMut};
use websocket_proto::{
    Accept, ClientRequest, Connection, Event, InvalidHead, Misuse, OriginPolicy, Reject, Request, Response,
    Role, State, Timestamp,
};

use super::http::{self, Begins, is_authority, is_token};
use super::words::{Place, Wording};
use super::{grammar, judge_request};
use crate::scene::{self, Decision, Opening, Scene, Settings};
use crate::watch;

const NOW: Timestamp = Timestamp::from_nanos(1);

type Fields = Vec<(String, Vec<u8>)>;

/// Lets both sides say their words; what is accepted when it is said arrives as it is, and nothing besides.
pub fn word(wording: &Wording) {
    let (request, fields) = request(wording);
    let scene = Scene {
        opening: Opening::InStream,
        decision: Decision::Wait,
        echo: false,
        settings: Settings::default(),
    };
    let config = || scene.settings.config().into();
    let mut client = Connection::client(&request, config(), scene::SEED, NOW);
    let mut server = scene.connection(Role::Server, NOW);

    let mut wire = take(&mut client);
    let key =
        check_wire(&wire, &format!("GET {} HTTP/1.1", request.target()), "Sec-WebSocket-Key", &fields, b"");
    assert!(judge_request::is_key(&key), "{}", key.escape_ascii());
    let Some(Event::Request(received)) = watch::next_event(&mut server, &mut wire, NOW) else {
        panic!("a valid request, and the server does not take it");
    };
    check_request(&received, &request, wording);

    let policy = policy(wording);
    let allowed = check_policy(&policy, wording, &received);
    let said = if wording.status == 101 {
        accept(wording, policy, allowed, &mut server, &received)
    } else {
        reject(wording, &mut server)
    };
    let mut wire = take(&mut server);
    if let Some(said) = &said {
        let first = format!("HTTP/1.1 {} ", said.status);
        let proof = check_wire(&wire, &first, "Sec-WebSocket-Accept", &said.fields, &said.body);
        let right = if said.status == 101 { scene::accept_value(&key) } else { String::new() };
        assert_eq!(proof, right.as_bytes());
    }
    match watch::next_event(&mut client, &mut wire, NOW) {
        Some(Event::Open(response)) => {
            assert_eq!(client.subprotocol(), server.subprotocol());
            check_response(&response, said.as_ref());
        }
        Some(Event::Refused(response)) => check_response(&response, said.as_ref()),
        event => panic!("{event:?}, where an answer came"),
    }
}

/// The answer, where it is the application's.
struct Said {
    status: u16,
    fields: Fields,
    body: Bytes,
}

fn check_response(response: &Response, said: Option<&Said>) {
    let Some(Said { status, fields, body }) = said else {
        // The page is not allowed, or the status is none of a refusal.
        return assert!(matches!(response.status(), 403 | 503), "{}", response.status());
    };
    assert_eq!(response.status(), *status);
    let received = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_vec()));
    let proof = |(name, _): &(String, Vec<u8>)| name != "Sec-WebSocket-Accept";
    assert_eq!(received.filter(proof).collect::<Fields>(), *fields);
    assert!(body.starts_with(response.body()));
    assert_eq!(response.body_truncated(), response.body().len() < body.len());
    let value = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let value = value.and_then(|(_, value)| str::from_utf8(value).ok());
    assert_eq!(response.retry_after(), value.and_then(grammar::retry_after), "{value:?}");
}

/// Refused if and only if it must be.
fn is<T: Debug>(result: Result<T, InvalidHead>, right: bool, fault: InvalidHead) -> Option<T> {
    assert_eq!(result.as_ref().err(), if right { None } else { Some(&fault) }, "{result:?}");
    result.ok()
}

/// Adds what may be added, and the fields that are to arrive.
fn field<T: Debug>(
    head: T,
    (name, value): (&str, &str),
    add: impl FnOnce(T, &str, &str) -> Result<T, InvalidHead>,
    fields: &mut Fields,
) -> Option<T> {
    let fault = if !is_token(name.as_bytes()) {
        InvalidHead::HeaderName
    } else if grammar::is_reserved(name) {
        InvalidHead::HeaderReserved
    } else {
        InvalidHead::HeaderValue
    };
    let right = is_token(name.as_bytes()) && !grammar::is_reserved(name) && grammar::is_value(value);
    if right {
        fields.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    is(add(head, name, value), right, fault)
}

fn request(wording: &Wording) -> (ClientRequest, Fields) {
    let mut request = ClientRequest::new("example.com", "/").expect("a request");
    let all = |place, other| wording.all(place).chain(std::iter::repeat(other));
    let most = wording.all(Place::Host).count().max(wording.all(Place::Target).count());
    for (host, target) in all(Place::Host, "example.com").zip(all(Place::Target, "/")).take(most) {
        let in_target = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        let is_target = target.starts_with('/') && target.bytes().all(in_target);
        let is_host = is_authority(host.as_bytes());
        let fault = if is_host { InvalidHead::Target } else { InvalidHead::Host };
        request = is(ClientRequest::new(host, target), is_host && is_target, fault).unwrap_or(request);
    }
    let (mut origin, mut offered) = (None, Vec::new());
    for page in wording.all(Place::Origin) {
        if let Some(with) =
            is(request.clone().origin(page), grammar::origin(page).is_some(), InvalidHead::Origin)
        {
            (request, origin) = (with, Some(page));
        }
    }
    for name in wording.all(Place::Subprotocol) {
        let is_new = !offered.contains(&name);
        let fault = if is_new { InvalidHead::Subprotocol } else { InvalidHead::SubprotocolRepeated };
        let right = is_token(name.as_bytes()) && is_new;
        if let Some(with) = is(request.clone().subprotocol(name), right, fault) {
            request = with;
            offered.push(name);
        }
    }
    let mut fields = named([
        ("Host", request.host()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
    ]);
    fields.extend(origin.map(|origin| ("Origin".into(), origin.into())));
    if !offered.is_empty() {
        fields.push(("Sec-WebSocket-Protocol".into(), offered.join(", ").into()));
    }
    for added in wording.fields(Place::Field) {
        let with = field(request.clone(), added, ClientRequest::header, &mut fields);
        request = with.unwrap_or(request);
    }
    (request, fields)
}

fn take(connection: &mut Connection) -> BytesMut {
    let mut output = connection.output(NOW);
    let count = output.remaining();
    BytesMut::from(output.copy_to_bytes(count))
}

/// The head has these fields, in this order, and `secret`, whose value is returned; and this body is all that follows.
fn check_wire(wire: &[u8], first: &str, secret: &str, expected: &Fields, body: &[u8]) -> Vec<u8> {
    let Begins::With(lines, len) = http::begins(wire, wire.len()) else { panic!("no head") };
    assert!(lines[0].starts_with(first.as_bytes()), "{}", lines[0].escape_ascii());
    let fields = http::fields(&lines[1..]).expect("fields");
    let others = fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(secret.as_bytes()));
    let others: Fields =
        others.map(|(name, value)| (String::from_utf8_lossy(name).into(), value.to_vec())).collect();
    assert_eq!(others, *expected);
    assert_eq!(wire[len..], *body);
    match http::values(&fields, secret)[..] {
        [] => Vec::new(),
        [value] => value.to_vec(),
        _ => panic!("{secret} more than once"),
    }
}

fn check_request(received: &Request, sent: &ClientRequest, wording: &Wording) {
    assert_eq!((received.host(), received.target()), (sent.host(), sent.target()));
    let origins = wording.all(Place::Origin).filter(|page| grammar::origin(page).is_some());
    assert_eq!(received.origin(), origins.last());
    assert!(received.subprotocols().eq(sent.subprotocols()));
    let added: Vec<_> = sent.headers().collect();
    let all: Vec<_> = received.headers().iter().collect();
    assert!(all.ends_with(&added), "{added:?} came as {all:?}");
}

fn policy(wording: &Wording) -> OriginPolicy {
    let mut list = Vec::new();
    for page in wording.all(Place::Allowed) {
        let right = grammar::origin(page).is_some();
        let alone = is(OriginPolicy::list([page]), right, InvalidHead::Origin);
        list.extend(alone.map(|_| page));
    }
    if list.is_empty() { OriginPolicy::SameHost } else { OriginPolicy::list(list).expect("origins") }
}

fn check_policy(policy: &OriginPolicy, wording: &Wording, request: &Request) -> bool {
    let allows = request.origin().is_none_or(|page| match policy {
        OriginPolicy::List(_) => {
            let page = grammar::origin(page);
            wording.all(Place::Allowed).filter_map(grammar::origin).any(|allowed| Some(allowed) == page)
        }
        _ => grammar::is_same_host(page, request.host()),
    });
    assert_eq!(policy.allows(request), allows, "{policy:?}, {:?} at {:?}", request.origin(), request.host());
    assert!(OriginPolicy::Any.allows(request));
    allows
}

fn accept(
    wording: &Wording,
    policy: OriginPolicy,
    allowed: bool,
    server: &mut Connection,
    request: &Request,
) -> Option<Said> {
    let mut added = Vec::new();
    let mut accept = Accept::new(policy);
    for header in wording.fields(Place::AnswerField) {
        let with = field(accept.clone(), header, Accept::header, &mut added);
        accept = with.unwrap_or(accept);
    }
    let mut chosen = None;
    for name in wording.all(Place::Chosen) {
        let right = is_token(name.as_bytes());
        let Some(with) = is(accept.clone().subprotocol(name), right, InvalidHead::Subprotocol) else {
            continue;
        };
        if request.select_subprotocol(&[name]).is_some() {
            (accept, chosen) = (with, Some(name));
        } else {
            assert_eq!(server.accept(&with, NOW), Err(Misuse::SubprotocolNotOffered));
            assert_eq!(server.state(), State::Connecting);
        }
    }
    assert_eq!(server.accept(&accept, NOW), Ok(()));
    assert_eq!(server.state() == State::Open, allowed);
    assert_eq!(server.subprotocol(), chosen.filter(|_| allowed));
    let mut fields = named([("Upgrade", "websocket"), ("Connection", "Upgrade")]);
    fields.extend(chosen.map(|name| ("Sec-WebSocket-Protocol".into(), name.into())));
    fields.extend(added);
    allowed.then_some(Said { status: 101, fields, body: Bytes::new() })
}

fn reject(wording: &Wording, server: &mut Connection) -> Option<Said> {
    let right = (200..600).contains(&wording.status);
    let reject = is(Reject::new(wording.status), right, InvalidHead::Status);
    let mut reject = reject.unwrap_or_else(|| Reject::new(404).expect("a status"));
    let mut added = Vec::new();
    for header in wording.fields(Place::AnswerField) {
        let with = field(reject.clone(), header, Reject::header, &mut added);
        reject = with.unwrap_or(reject);
    }
    let status = reject.status();
    let text: Bytes = wording.all(Place::Body).collect::<String>().into();
    if status < 300 {
        assert_eq!(server.reject(&reject.body(text), NOW), Err(Misuse::StatusNotAllowed));
        assert_eq!(server.state(), State::Connecting);
        server.close(None, NOW);
        return None;
    }
    assert_eq!(server.reject(&reject.body(text.clone()), NOW), Ok(()));
    assert_eq!(server.state(), State::Closing);
    let body = if status == 304 { Bytes::new() } else { text };
    let mut fields = match status {
        // Which protocol to upgrade to (RFC 9110 §15.5.22).
        426 => named([
            ("Connection", "close, Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
        ]),
        _ => named([("Connection", "close")]),
    };
    if status != 304 {
        fields.push(("Content-Length".into(), body.len().to_string().into()));
    }
    fields.extend(added);
    Some(Said { status, fields, body })
}

fn named<const N: usize>(fields: [(&str, &str); N]) -> Fields {
    fields.map(|(name, value)| (name.to_owned(), value.into())).into()
}
