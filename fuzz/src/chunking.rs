//! The same stream whole and in pieces, its messages whole and in chunks, and the connection whole and in halves.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::BytesMut;
use websocket_proto::{Cause, CloseEvent, Event, Message, Role, Timestamp};

use crate::cuts::Cuts;
use crate::driven::{Driven, Manner};
use crate::frames::{self, End, Item};
use crate::output;
use crate::player::PONGS;
use crate::scene::{Decision, Opening, Scene, Settings};
use crate::stream::Stream;

/// A stream, and where it is cut.
///
/// As bytes: the role, the scene, the number of cuts, the cuts, and the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutting {
    pub role: Role,
    pub scene: Scene,
    pub cuts: Cuts,
    pub stream: Stream,
}

impl<'a> Arbitrary<'a> for Cutting {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let role = if u.arbitrary::<u8>()? % 2 == 0 { Role::Server } else { Role::Client };
        let scene = Scene::take(u)?;
        Ok(Self { role, scene, cuts: Cuts::take(u)?, stream: Stream::take_rest(u)? })
    }
}

impl Cutting {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let mut input = vec![u8::from(self.role == Role::Client)];
        self.scene.encode(&mut input);
        self.cuts.encode(&mut input);
        self.stream.encode(&mut input);
        input
    }
}

#[derive(Debug)]
struct Seen {
    events: Vec<Event>,
    close: CloseEvent,
    output: Vec<u8>,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        (&self.events, &self.output) == (&other.events, &other.output) && same_end(&self.close, &other.close)
    }
}

/// A client that meets a wrong head ends at once, with the bytes behind the fault unread: how many that are, only the
/// transport knows.
fn same_end(one: &CloseEvent, other: &CloseEvent) -> bool {
    let facts = |close: &CloseEvent| {
        let mut stats = *close.stats();
        if matches!(close.cause(), Cause::Handshake(_)) {
            stats.bytes_received = 0;
        }
        let codes = [close.sent(), close.received()];
        (close.cause(), close.closed_first_by(), codes, close.unsent_messages(), close.local_stall(), stats)
    };
    facts(one) == facts(other) && one.reason() == other.reason() && one.was_clean() == other.was_clean()
}

/// Plays the stream whole and in pieces; both must be the same to the application and to the peer, and what the frames
/// in it mean.
pub fn compare(cutting: &Cutting) {
    let frames = cutting.stream.build(cutting.role == Role::Server);
    let mut stream = cutting.scene.prefix(cutting.role);
    stream.extend(&frames);

    let whole = run(cutting, Manner::Whole, [&stream[..]].into_iter());
    let pieces = run(cutting, Manner::Whole, cutting.cuts.pieces(&stream));
    assert_eq!(whole, pieces, "whole, and in pieces");
    let chunks = run(cutting, Manner::Chunks, cutting.cuts.pieces(&stream));
    assert_eq!(whole, chunks, "whole, and in chunks");
    let halves = run(cutting, Manner::Halves, cutting.cuts.pieces(&stream));
    assert_eq!(whole, halves, "whole, and in halves");

    let written = output::read(&whole.output, cutting.role, cutting.scene.opening == Opening::Upgraded);
    let pongs = written.items.iter().filter(|(_, item)| matches!(item, Item::Pong(_)));
    assert!(pongs.count() <= PONGS);

    if opens(cutting) {
        let opened = match cutting.role {
            Role::Server => written.status.is_none_or(|status| status == 101),
            Role::Client => {
                cutting.scene.opening == Opening::Upgraded || matches!(whole.events[..], [Event::Open(_), ..])
            }
        };
        assert!(opened, "the opening handshake is a valid one");
        if !cutting.scene.settings.has(Settings::RECEIVING) {
            expect_what_the_frames_say(cutting, &frames, &whole);
        }
    }
}

/// Whether the connection opens before the stream begins.
fn opens(cutting: &Cutting) -> bool {
    let accepts = matches!(
        cutting.scene.decision,
        Decision::Accept | Decision::AcceptSubprotocol | Decision::AcceptSameHost
    );
    match cutting.scene.opening {
        Opening::Upgraded => true,
        Opening::InStream => false,
        Opening::Valid => {
            (accepts || cutting.role == Role::Client) && !cutting.scene.settings.has(Settings::SMALL_HEADS)
        }
    }
}

/// All happens at one point in time, and output is taken out once the stream is through: then it does not matter to the
/// other side either how the bytes came.
fn run<'a>(cutting: &Cutting, manner: Manner, pieces: impl Iterator<Item = &'a [u8]>) -> Seen {
    let now = Timestamp::from_nanos(1);
    let mut driven = Driven::new(manner, cutting.scene.connection_in(manner, cutting.role, now));
    let mut input = BytesMut::new();
    let (mut events, mut closed) = (Vec::new(), None);
    let mut settle = |driven: &mut Driven, input: &mut BytesMut| {
        while let Some(event) = driven.poll_event(input, now) {
            match &event {
                Event::Request(_) | Event::HttpRequest(_) => {
                    cutting.scene.decide(driven.connection().expect("not open yet"), now);
                }
                Event::Message(message) if cutting.scene.echo => driven.send(message.clone()),
                _ => {}
            }
            match event {
                Event::Closed(close) => closed = Some(close),
                event => events.push(event),
            }
        }
    };
    for piece in pieces {
        // Another buffer each time, unless something was left in the last one.
        if input.is_empty() {
            input = BytesMut::new();
        }
        input.extend_from_slice(piece);
        settle(&mut driven, &mut input);
    }
    let output = driven.output(now);
    settle(&mut driven, &mut input);
    driven.end_of_input(now);
    settle(&mut driven, &mut input);
    // A request that waits for its answer keeps the connection until the deadlines for it and for the end.
    for _ in 0..2 {
        driven.pass_deadline();
        settle(&mut driven, &mut input);
    }
    Seen { events, close: closed.expect("the stream ended"), output }
}

fn expect_what_the_frames_say(cutting: &Cutting, stream: &[u8], seen: &Seen) {
    let reading = frames::read(stream, cutting.role == Role::Server, 16 * 1024 * 1024);
    let mut items: Vec<Item> = reading.items.into_iter().map(|(_, item)| item).collect();
    let close = match items.last() {
        Some(Item::Close(_)) => items.pop(),
        _ => None,
    };
    let heard = seen.events.iter().filter_map(|event| {
        Some(match event {
            Event::Message(Message::Text(text)) => Item::Text(text.to_string()),
            Event::Message(Message::Binary(payload)) => Item::Binary(payload.to_vec()),
            Event::Ping(payload) => Item::Ping(payload.to_vec()),
            Event::Pong { payload, .. } => Item::Pong(payload.to_vec()),
            _ => return None,
        })
    });
    assert_eq!(heard.collect::<Vec<_>>(), items);

    let event = &seen.close;
    let received = event.received().map(|code| Item::Close(Some((code.as_u16(), event.reason().to_owned()))));
    let close = close.map(|close| match close {
        Item::Close(None) => Item::Close(Some((1005, String::new()))),
        close => close,
    });
    assert_eq!(received, close);
    match (event.cause(), reading.end) {
        (Cause::EndOfStream(position), End::Bytes(expected)) => assert_eq!(position, expected),
        (Cause::Violation(violation), End::Broken(code)) => assert_eq!(violation.close_code().as_u16(), code),
        (Cause::Limit(_), End::Broken(1009)) | (Cause::ClosingHandshake, End::Closed { .. }) => {}
        (cause, end) => panic!("{cause:?}, where the frames say {end:?}"),
    }
}
