//! The target `response_head`: any answer, or one that is almost right, to a client.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::{Buf, BytesMut};
use websocket_proto::{
    Cause, Deadline, Event, HandshakeError, Response, Role, State, Timestamp, TransportFailure,
};

use super::body::Came;
use super::draft::Draft;
use super::http;
use super::judge_response::{Answered, Client, Verdict, judge};
use super::request::check_headers;
use crate::cuts::Cuts;
use crate::heads;
use crate::scene::{self, Decision, Opening, Scene, Settings};
use crate::watch::{self, Watch};

/// An answer, where it is cut, and how it ends.
///
/// As bytes: the settings, the kind of answer, the ending, the number of cuts, the cuts, and the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    pub settings: Settings,
    pub kind: Kind,
    pub ending: Ending,
    pub cuts: Cuts,
    pub draft: Draft,
}

/// What the draft begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Switching,
    /// The same, after an interim answer.
    Interim,
    /// Refusals, whose body ends with its length, with its last chunk, with the stream.
    Length,
    Chunked,
    UntilTheEnd,
}

/// What happens after the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    EndOfInput,
    Reset,
    /// The deadline of the handshake passes.
    Silence,
    /// The application has enough of it.
    Close,
}

const KINDS: [Kind; 5] = [Kind::Switching, Kind::Interim, Kind::Length, Kind::Chunked, Kind::UntilTheEnd];

const ENDINGS: [Ending; 4] = [Ending::EndOfInput, Ending::Reset, Ending::Silence, Ending::Close];

const NOW: Timestamp = Timestamp::from_nanos(1);

impl<'a> Arbitrary<'a> for Answering {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let [settings, kind, ending] = u.arbitrary::<[u8; 3]>()?;
        Ok(Self {
            settings: Settings(if settings % 2 == 1 { Settings::SMALL_HEADS } else { 0 }),
            kind: KINDS[usize::from(kind) % KINDS.len()],
            ending: ENDINGS[usize::from(ending) % ENDINGS.len()],
            cuts: Cuts::take(u)?,
            draft: Draft::take_rest(u)?,
        })
    }
}

impl Answering {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let kind = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or_default() as u8;
        let ending = ENDINGS.iter().position(|ending| *ending == self.ending).unwrap_or_default() as u8;
        let mut input = vec![u8::from(self.settings.0 != 0), kind, ending];
        self.cuts.encode(&mut input);
        self.draft.encode(&mut input);
        input
    }

    fn build(&self) -> Vec<u8> {
        let switching = || scene::switching(&scene::client_key());
        match self.kind {
            Kind::Switching => self.draft.build(&switching(), b"\x81\x05hello"),
            Kind::Interim => {
                let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
                self.draft.build(&[&interim[..], &switching()].concat(), b"")
            }
            Kind::Length => self
                .draft
                .build(b"HTTP/1.1 403 Forbidden\r\nServer: a\r\nContent-Length: 12\r\n\r\n", b"not for you."),
            Kind::Chunked => self.draft.build(
                b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nTransfer-Encoding: chunked\r\n\r\n\
                  4\r\nbusy\r\na;x=\"y\"\r\n0123456789\r\n0\r\n",
                b"\r\n",
            ),
            Kind::UntilTheEnd => self
                .draft
                .build(b"HTTP/1.0 302 Found\r\nLocation: https://a.example/b\r\n\r\n", b"<a href=/b>"),
        }
    }
}

/// What a client made of a stream.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// After so many bytes.
    Open(Response, usize),
    Refused(Response),
    Failed(Cause),
}

/// Answers whole and in pieces, and holds what comes of it against what the RFCs say.
pub fn answer(answering: &Answering) {
    let stream = answering.build();
    let outcome = receive(answering, std::iter::once(&stream[..]));
    assert_eq!(outcome, receive(answering, answering.cuts.pieces(&stream)), "whole, and in pieces");

    let config = answering.settings.config();
    let client = Client {
        head_limit: config.max_head_size,
        body_limit: config.max_refusal_body,
        accept: &scene::accept_value(&scene::client_key()),
        offers: scene::SUBPROTOCOL,
    };
    let cut_short = match answering.ending {
        Ending::EndOfInput => Cause::Handshake(HandshakeError::EndedEarly),
        Ending::Reset => Cause::Transport(TransportFailure::Reset),
        Ending::Silence => Cause::Deadline(Deadline::Handshake),
        Ending::Close => Cause::ClosedWhileConnecting,
    };
    match (judge(&stream, &client), &outcome) {
        (Verdict::Open(len, answered), Outcome::Open(response, taken)) => {
            assert_eq!(*taken, len, "it ends with its head");
            check_response(response, &answered);
            assert!(response.body().is_empty() && !response.body_truncated());
        }
        (Verdict::Refused(answered, body), Outcome::Refused(response)) => {
            check_response(response, &answered);
            assert_eq!(response.body(), &body.bytes[..]);
            let was_cut = match body.state {
                Came::Whole => false,
                Came::TooMuch | Came::Part => true,
                Came::UntilTheEnd => answering.ending != Ending::EndOfInput,
            };
            assert_eq!(response.body_truncated(), was_cut, "{body:?}");
        }
        // Of what the application does not wait for, it is told the status alone.
        (Verdict::Refused(answered, body), Outcome::Failed(cause)) => {
            assert!(matches!(body.state, Came::Part | Came::UntilTheEnd));
            assert_eq!((answering.ending, *cause), (Ending::Close, Cause::Refused(answered.status)));
        }
        (Verdict::Failed(faults), Outcome::Failed(Cause::Handshake(error))) => {
            assert!(faults.contains(error), "{error:?}, where only {faults:?} are wrong");
        }
        (Verdict::Incomplete, Outcome::Failed(cause)) => assert_eq!(*cause, cut_short),
        (verdict, outcome) => panic!("{outcome:?}, where the RFCs say {verdict:?}"),
    }
}

fn receive<'a>(answering: &Answering, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let settings = answering.settings;
    let scene = Scene { opening: Opening::InStream, decision: Decision::Accept, echo: false, settings };
    let mut connection = scene.connection(Role::Client, NOW);
    let mut watch = Watch::new(&connection);
    let mut shown = connection.output(NOW);
    shown.advance(shown.remaining());
    let mut input = BytesMut::new();
    let mut refusal = None;
    let ends = std::iter::once(None);
    for piece in pieces.map(Some).chain(ends) {
        match (piece, answering.ending) {
            (Some(piece), _) => {
                if input.is_empty() {
                    input = BytesMut::new();
                }
                input.extend_from_slice(piece);
            }
            (None, Ending::EndOfInput) => connection.end_of_input(NOW),
            (None, Ending::Reset) => connection.read_failed(TransportFailure::Reset, NOW),
            (None, Ending::Silence) => {
                connection.handle_timeout(NOW.saturating_add(settings.config().handshake_timeout));
            }
            (None, Ending::Close) => connection.close(None, NOW),
        }
        while let Some(event) = watch::next_event(&mut connection, &mut input, NOW) {
            watch.look(&connection);
            assert!(!connection.wants_write(), "a client answers nothing");
            match event {
                Event::Open(response) => {
                    assert_eq!((connection.state(), refusal), (State::Open, None));
                    assert_eq!(connection.subprotocol(), response.subprotocol());
                    heads::read_response(&response);
                    return Outcome::Open(response, connection.stats().bytes_received as usize);
                }
                Event::Refused(response) => {
                    assert_eq!(refusal, None);
                    heads::read_response(&response);
                    refusal = Some(response);
                }
                Event::Closed(close) => {
                    watch::check_close(&close, &connection, 0);
                    let Some(response) = refusal else { return Outcome::Failed(close.cause()) };
                    assert_eq!(close.cause(), Cause::Refused(response.status()));
                    return Outcome::Refused(response);
                }
                event => panic!("{event:?} before it is open"),
            }
        }
    }
    panic!("neither open nor at an end");
}

fn check_response(response: &Response, answered: &Answered<'_>) {
    assert_eq!((response.status(), response.reason()), (answered.status, answered.reason));
    check_headers(response.headers(), &answered.fields);
    let text = |name| str::from_utf8(http::values(&answered.fields, name).first()?).ok();
    assert_eq!(response.location(), text("location"));
    let chosen = text("sec-websocket-protocol").filter(|_| answered.status == 101);
    assert_eq!(response.subprotocol(), chosen);
}
