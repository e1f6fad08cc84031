//! The target `request_head`: any request, or one that is almost right, to a server.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::{Buf, BytesMut};
use websocket_proto::{
    Cause, CloseEvent, Event, HandshakeError, Headers, HttpRequest, Reject, Request, Role, State, Timestamp,
};

use super::answer::{Answer, read_answer};
use super::http::Fields;
use super::judge_request::{Verdict, judge};
use super::{draft::Draft, http};
use crate::cuts::Cuts;
use crate::heads;
use crate::scene::{self, Decision, Opening, Scene, Settings};
use crate::watch::{self, Watch};

/// A request, where it is cut, and how the server is configured.
///
/// As bytes: the settings, the number of cuts, the cuts, and the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    pub settings: Settings,
    pub cuts: Cuts,
    pub draft: Draft,
}

/// What concerns a request.
const SETTINGS: u16 = Settings::SMALL_HEADS | Settings::HTTP_REQUESTS;

/// What a client may send behind its request, without waiting for an answer.
const BEHIND: &[u8] = b"\x81\x85\0\0\0\0hello";

const NOW: Timestamp = Timestamp::from_nanos(1);

impl<'a> Arbitrary<'a> for Asking {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let settings = Settings(u.arbitrary::<u16>()? & SETTINGS);
        Ok(Self { settings, cuts: Cuts::take(u)?, draft: Draft::take_rest(u)? })
    }
}

impl Asking {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let mut input = self.settings.0.to_le_bytes().to_vec();
        self.cuts.encode(&mut input);
        self.draft.encode(&mut input);
        input
    }
}

#[derive(Debug, PartialEq)]
enum Asked {
    Upgrade(Request),
    Http(HttpRequest),
}

/// What a server made of a stream.
#[derive(Debug, PartialEq)]
struct Outcome {
    asked: Option<Asked>,
    /// How many bytes it took for that.
    taken: usize,
    output: Vec<u8>,
    cause: Cause,
}

/// Sends the request whole and in pieces, and holds what comes of it against what the RFCs say.
pub fn ask(asking: &Asking) {
    let stream = asking.draft.build(scene::REQUEST, BEHIND);
    let outcome = serve(asking.settings, std::iter::once(&stream[..]));
    assert_eq!(outcome, serve(asking.settings, asking.cuts.pieces(&stream)), "whole, and in pieces");

    let config = asking.settings.config();
    let verdict = judge(&stream, config.max_head_size, config.http_requests);
    match (&verdict, &outcome.asked) {
        (Verdict::Upgrade(head), Some(Asked::Upgrade(request))) => {
            assert_eq!(outcome.taken, head.len, "it ends with its head");
            let said = (request.target(), request.path(), request.query(), request.host());
            assert_eq!(said, (head.target, head.path(), head.query(), head.host().unwrap_or_default()));
            check_headers(request.headers(), &head.fields);
            let origin =
                http::values(&head.fields, "origin").first().and_then(|value| str::from_utf8(value).ok());
            assert_eq!(request.origin(), origin);
            let offered = http::list(&head.fields, "sec-websocket-protocol");
            assert!(request.subprotocols().map(str::as_bytes).eq(offered));
            check_switching(&outcome, &head.fields);
        }
        (Verdict::Http(head), Some(Asked::Http(request))) => {
            assert_eq!(outcome.taken, head.len);
            let said = (request.method(), request.target(), request.path(), request.query(), request.host());
            assert_eq!(said, (head.method, head.target, head.path(), head.query(), head.host()));
            check_headers(request.headers(), &head.fields);
            let answer = read_answer(&outcome.output, head.method == "HEAD").expect("an answer");
            assert_eq!((answer.status, outcome.cause), (204, Cause::Rejected(204)));
        }
        (Verdict::Refused(faults, is_head), None) => check_refusal(&outcome, faults, *is_head),
        (Verdict::Incomplete, None) => {
            let early = Cause::Handshake(HandshakeError::EndedEarly);
            assert_eq!((&outcome.output[..], outcome.cause), (&b""[..], early));
        }
        (verdict, asked) => panic!("{asked:?}, where the RFCs say {verdict:?}"),
    }
}

/// Feeds a server, lets it answer, and ends the stream.
fn serve<'a>(settings: Settings, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let scene = Scene { opening: Opening::InStream, decision: Decision::Accept, echo: false, settings };
    let mut connection = scene.connection(Role::Server, NOW);
    let mut watch = Watch::new(&connection);
    let (mut input, mut asked, mut taken) = (BytesMut::new(), None, 0);
    for piece in pieces {
        if input.is_empty() {
            input = BytesMut::new();
        }
        input.extend_from_slice(piece);
        while let Some(event) = watch::next_event(&mut connection, &mut input, NOW) {
            assert!(asked.is_none(), "{event:?} after a request");
            taken = connection.stats().bytes_received as usize;
            asked = Some(match event {
                Event::Request(request) => Asked::Upgrade(request),
                Event::HttpRequest(request) => Asked::Http(request),
                event => panic!("{event:?} before a request"),
            });
        }
        watch.look(&connection);
        if asked.is_some() {
            assert!(!connection.wants_read() && connection.state() == State::Connecting);
            assert!(!connection.wants_write(), "an answer before the decision");
        }
    }
    match &asked {
        Some(Asked::Upgrade(request)) => {
            heads::read_request(request);
            assert!(scene.decide(&mut connection, NOW) && connection.state() == State::Open);
        }
        Some(Asked::Http(request)) => {
            heads::read_http_request(request);
            let answer = Reject::new(204).expect("a status").body("nothing");
            connection.reject(&answer, NOW).expect("it waits for an answer");
        }
        None => {}
    }
    let mut shown = connection.output(NOW);
    let output = shown.copy_to_bytes(shown.remaining()).to_vec();
    let mut close: Option<CloseEvent> = None;
    connection.end_of_input(NOW);
    // What came behind the request are frames, right or wrong, and both have their events.
    while let Some(event) = watch::next_event(&mut connection, &mut input, NOW) {
        assert!(close.is_none(), "{event:?} after the end");
        if let Event::Closed(event) = event {
            close = Some(event);
        }
    }
    watch.look(&connection);
    if close.is_none() {
        // Wrong frames: a Close frame says so.
        let mut shown = connection.output(NOW);
        let _ = shown.copy_to_bytes(shown.remaining());
        let last = watch::next_event(&mut connection, &mut input, NOW);
        let Some(Event::Closed(event)) = last else { panic!("{last:?}, and no end") };
        close = Some(event);
    }
    let close = close.expect("an end");
    watch::check_close(&close, &connection, 0);
    Outcome { asked, taken, output, cause: close.cause() }
}

pub(super) fn check_headers(headers: &Headers, fields: &Fields<'_>) {
    assert!(headers.iter().map(|(name, value)| (name.as_bytes(), value)).eq(fields.iter().copied()));
    for (name, _) in headers.iter().take(heads::LOOKED_UP) {
        assert_eq!(headers.get_bytes(name), http::values(fields, name).first().copied());
        let readable = http::list(fields, name).into_iter().filter(|element| str::from_utf8(element).is_ok());
        assert!(headers.tokens(name).map(str::as_bytes).eq(readable));
    }
}

fn check_switching(outcome: &Outcome, request: &Fields<'_>) {
    let answer = read_answer(&outcome.output, true).expect("an answer");
    assert_eq!(answer.status, 101);
    let key = http::values(request, "sec-websocket-key")[0];
    assert_eq!(answer.values("sec-websocket-accept"), [scene::accept_value(key).as_bytes()]);
    assert_eq!(answer.values("upgrade"), [b"websocket"]);
    assert_eq!(answer.values("connection"), [b"Upgrade"]);
    assert!(answer.values("sec-websocket-protocol").is_empty());
    assert!(answer.values("sec-websocket-extensions").is_empty());
}

fn check_refusal(outcome: &Outcome, faults: &[HandshakeError], is_head: bool) {
    let Cause::Handshake(error) = outcome.cause else {
        panic!("{:?} is no fault of a request", outcome.cause)
    };
    assert!(faults.contains(&error), "{error:?}, where only {faults:?} are wrong");
    let answer: Answer<'_> = read_answer(&outcome.output, is_head).expect("an answer");
    assert_eq!((answer.status, error.status()), (status(error), Some(status(error))));
    assert!(!answer.body.is_empty() || is_head, "nothing for whoever debugs the peer");
    assert!(answer.list("connection").iter().any(|option| option.eq_ignore_ascii_case(b"close")));
    if answer.status == 426 {
        assert_eq!(answer.values("sec-websocket-version"), [b"13"]);
        assert_eq!(answer.values("upgrade"), [b"websocket"]);
    }
    if answer.status == 405 {
        assert_eq!(answer.values("allow"), [b"GET"]);
    }
}

/// The status that belongs to a fault (RFC 9110 §15.5 and §15.6, RFC 6585 §5).
fn status(error: HandshakeError) -> u16 {
    match error {
        HandshakeError::MethodNotGet => 405,
        HandshakeError::NotUpgrade | HandshakeError::UpgradeMissing | HandshakeError::VersionUnsupported => {
            426
        }
        HandshakeError::HeadTooLarge => 431,
        HandshakeError::HttpVersion => 505,
        _ => 400,
    }
}
