//! Seeds of `server_bytes`, `client_bytes` and `chunking`: what one peer sends, right and wrong.

use websocket_proto::Role;
use websocket_proto_fuzz::{
    Action, Cuts, Cutting, Decision, Opening, Scene, Script, Settings, Step, Stream, recipe, write_frame,
};

/// Each kind of stream as a script that lets it arrive at once, and conversations with more in them.
pub(crate) fn scripts(role: Role) -> Vec<(String, Script)> {
    let mut scripts = Vec::new();
    for (name, stream) in frames(role) {
        scripts.push((format!("upgraded-{name}"), script(Opening::Upgraded, &[], stream)));
    }
    for (name, stream) in recipes() {
        scripts.push((format!("valid-{name}"), script(Opening::Valid, &[], stream)));
    }
    for (name, head) in heads(role) {
        scripts.push((format!("head-{name}"), script(Opening::InStream, &[], Stream::as_is(head))));
    }
    for (name, script) in conversations() {
        scripts.push((format!("conversation-{name}"), script));
    }
    if role == Role::Server {
        for (name, decision) in [
            ("accept-subprotocol", Decision::AcceptSubprotocol),
            ("same-host", Decision::AcceptSameHost),
            ("origin-not-allowed", Decision::AcceptOthers),
            ("reject", Decision::Reject),
            ("close-while-connecting", Decision::Close),
            ("decision-never-comes", Decision::Wait),
        ] {
            let mut script =
                script(Opening::Valid, &[Step(Action::Feed, 255), Step(Action::Deadline, 0)], hello());
            script.scene.decision = decision;
            scripts.push((format!("decision-{name}"), script));
        }
        for (name, head) in heads(role).into_iter().filter(|(name, _)| name.starts_with("plain")) {
            let mut script = script(Opening::InStream, &[], Stream::as_is(head));
            script.scene.settings = Settings(Settings::HTTP_REQUESTS);
            script.scene.decision = Decision::Reject;
            scripts.push((format!("http-{name}"), script));
        }
    }
    scripts
}

pub(crate) fn cuttings() -> Vec<(String, Cutting)> {
    let mut cuttings = Vec::new();
    for (role, side) in [(Role::Server, "server"), (Role::Client, "client")] {
        let cutting = |opening, cuts: &[u8], stream| {
            let script = script(opening, &[], stream);
            Cutting { role, scene: script.scene, cuts: Cuts(cuts.to_vec()), stream: script.stream }
        };
        for (name, stream) in frames(role) {
            cuttings.push((format!("{side}-{name}"), cutting(Opening::Upgraded, &[0], stream)));
        }
        for (name, stream) in recipes() {
            cuttings.push((format!("{side}-valid-{name}"), cutting(Opening::Valid, &[2, 0, 250], stream)));
        }
        for (name, head) in heads(role) {
            let cutting = cutting(Opening::InStream, &[0, 6], Stream::as_is(head));
            cuttings.push((format!("{side}-head-{name}"), cutting));
        }
    }
    cuttings
}

fn script(opening: Opening, steps: &[Step], stream: Stream) -> Script {
    let scene = Scene { opening, decision: Decision::Accept, echo: true, settings: Settings::default() };
    Script { scene, steps: steps.to_vec(), stream }
}

fn hello() -> Stream {
    Stream::recipes(recipe(0x81, b"hello"))
}

/// Streams as they are on the wire: what is wrong with a frame is easiest said in its own bytes.
fn frames(role: Role) -> Vec<(&'static str, Stream)> {
    let mask = (role == Role::Server).then_some([0; 4]);
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    let frame = |first: u8, payload: &[u8]| {
        let mut stream = Vec::new();
        write_frame(&mut stream, first, mask, payload);
        stream
    };
    let wrong_role = |payload: &[u8]| {
        let mut stream = Vec::new();
        write_frame(&mut stream, 0x81, if mask.is_none() { Some([1, 2, 3, 4]) } else { None }, payload);
        stream
    };
    let streams: [(&str, Vec<u8>); 21] = [
        ("text", frame(0x81, "grüß dich 😀".as_bytes())),
        ("binary-126", frame(0x82, &[7; 126])),
        ("empty", [frame(0x81, b""), frame(0x82, b"")].concat()),
        ("ping", frame(0x89, b"are you there")),
        ("pong", frame(0x8a, b"")),
        ("close", frame(0x88, b"\x03\xe8bye")),
        ("close-empty", frame(0x88, b"")),
        ("close-half-a-code", frame(0x88, b"\x03")),
        ("close-code-1005", frame(0x88, b"\x03\xed")),
        ("close-reason-not-utf8", frame(0x88, b"\x03\xe8\xff")),
        ("after-close", [frame(0x88, b"\x0f\xa0"), frame(0x81, b"late")].concat()),
        ("text-surrogate", frame(0x81, b"ok \xed\xa0\x80")),
        ("text-cut-off", frame(0x81, b"ok \xf0\x9f\x98")),
        // Judged where it is wrong, not where it ends.
        ("text-wrong-before-its-end", frame(0x81, b"ok \xc3\x28 and so on")[..14].to_vec()),
        ("reserved-bit", frame(0xc1, b"x")),
        ("reserved-opcode", frame(0x83, b"x")),
        ("ping-fragmented", frame(0x09, b"x")),
        ("ping-too-long", frame(0x89, &[0; 126])),
        ("mask-of-the-other-role", wrong_role(b"x")),
        ("length-not-minimal", vec![0x82, mask_bit | 126, 0, 1, 0, 0, 0, 0, 0]),
        ("claims-two-to-the-40", vec![0x82, mask_bit | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    streams.into_iter().map(|(name, bytes)| (name, Stream::as_is(bytes))).collect()
}

/// Streams of frames that are right, each at least: their order may not be.
fn recipes() -> Vec<(&'static str, Stream)> {
    // Two halves of one character.
    const HEAD: &[u8] = b"split: \xf0\x9f";
    const TAIL: &[u8] = b"\x98\x80";
    type Sequence = (&'static str, &'static [(u8, &'static [u8])]);
    let sequences: [Sequence; 9] = [
        ("fragmented-text", &[(0x01, HEAD), (0x00, TAIL), (0x80, b" end")]),
        ("ping-between-fragments", &[(0x01, HEAD), (0x89, b"now"), (0x80, TAIL)]),
        ("empty-fragments", &[(0x02, b""), (0x00, b""), (0x00, b""), (0x80, b"")]),
        ("continuation-of-nothing", &[(0x80, b"x")]),
        ("message-in-message", &[(0x01, b"x"), (0x82, b"y")]),
        ("fragments-wrong-utf8", &[(0x01, b"\xe2\x82"), (0x80, b"x")]),
        ("unfinished", &[(0x02, b"half")]),
        ("pings", &[(0x89, b"0123456789" as &[u8]); 18]),
        ("talk-and-close", &[(0x81, b"a"), (0x82, b"b"), (0x8a, b"c"), (0x88, b"\x03\xe9going")]),
    ];
    let mut streams: Vec<_> = sequences
        .into_iter()
        .map(|(name, frames)| {
            let recipes = frames.iter().flat_map(|(first, payload)| recipe(*first, payload));
            (name, Stream::recipes(recipes.collect::<Vec<_>>()))
        })
        .collect();
    // Large payloads by their place in the list of sizes.
    streams.push(("large-text", Stream::recipes([0x40, 209, 0x40, 211, 0x40, 213])));
    streams.push(("large-fragments", Stream::recipes([0x43, 205, 0x84, 209, 0xc5, 207])));
    streams
}

pub(crate) fn heads(role: Role) -> Vec<(&'static str, Vec<u8>)> {
    let heads: &[(&str, &str)] = match role {
        Role::Server => &[
            (
                "browser",
                "GET /?a=b HTTP/1.1\r\nHost: a.example:8080\r\nOrigin: http://a.example:8080\r\n\
                 Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nCookie: a=b; c=d\r\n\
                 Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\u{1}",
            ),
            ("plain", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("plain-head", "HEAD /health HTTP/1.0\r\nUser-Agent: check\r\n\r\n"),
            ("post", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
            ("http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            (
                "old-version",
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                 Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            ),
            ("two-hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            ("bare-lf", "GET / HTTP/1.1\nHost: a\n\n"),
            ("folded", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
            ("nul", "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"),
            ("no-end", "GET / HTTP/1.1\r\nHost: a\r\nX: "),
            ("tls", "\u{16}\u{3}\u{1}\u{2}"),
        ],
        Role::Client => &[
            (
                "wrong-accept",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            ),
            ("forbidden", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
            (
                "retry-at",
                "HTTP/1.1 503 \r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "chunked",
                "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nRetry-After: 5\r\n\r\n2;a=b\r\nno\r\n0\r\n\r\n",
            ),
            ("redirect", "HTTP/1.0 302 Found\r\nLocation: https://a.example/\r\n\r\n<a href=...>"),
            ("interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
            ("not-http", "SSH-2.0-OpenSSH_9.6\r\n"),
            ("http10-switching", "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
            ("no-end", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "),
        ],
    };
    heads.iter().map(|(name, head)| (*name, head.as_bytes().to_vec())).collect()
}

fn conversations() -> Vec<(&'static str, Script)> {
    use Action::{
        Close, Credit, Deadline, EndOfInput, Feed, FeedUnseen, Ping, Pong, ReadFailed, SendBinary, SendText,
        Take, Wait, Write, WriteFailed,
    };
    let talk =
        || Stream::recipes([recipe(0x81, b"one"), recipe(0x82, b"two"), recipe(0x88, b"\x03\xe8")].concat());
    let nothing = || Stream::as_is(*b"");
    let with = |settings, mut script: Script| {
        script.scene.settings = Settings(settings);
        script
    };
    let play = |steps: &[Step], stream| script(Opening::Upgraded, steps, stream);
    vec![
        ("echo", play(&[Step(Feed, 255), Step(Write, 255), Step(EndOfInput, 0)], talk())),
        ("opened", script(Opening::Valid, &[Step(Write, 255), Step(Feed, 255), Step(Write, 255)], talk())),
        ("we-close", play(&[Step(SendText, 5), Step(Close, 0), Step(Write, 255), Step(Feed, 255)], talk())),
        ("we-close-and-wait", play(&[Step(Close, 1), Step(Write, 255), Step(Deadline, 0)], nothing())),
        ("large", play(&[Step(SendBinary, 255), Step(Write, 100), Step(Ping, 3), Step(Write, 255)], talk())),
        (
            "taken",
            play(
                &[Step(SendText, 50), Step(Take, 20), Step(Credit, 5), Step(Credit, 255), Step(Take, 255)],
                talk(),
            ),
        ),
        (
            "heartbeat",
            play(&[Step(Deadline, 0), Step(Write, 255), Step(Deadline, 0), Step(Write, 255)], nothing()),
        ),
        (
            "heartbeat-late",
            play(&[Step(Deadline, 0), Step(Write, 255), Step(Deadline, 255), Step(Deadline, 0)], talk()),
        ),
        (
            "write-stall",
            play(&[Step(SendText, 9), Step(Write, 3), Step(Deadline, 0), Step(Deadline, 0)], talk()),
        ),
        (
            "write-stall-noticed-late",
            play(&[Step(SendText, 9), Step(Write, 3), Step(FeedUnseen, 64), Step(Deadline, 127)], talk()),
        ),
        (
            "slow-message",
            play(&[Step(Feed, 3), Step(Wait, 255), Step(FeedUnseen, 1), Step(Deadline, 0)], hello()),
        ),
        ("write-failed", play(&[Step(SendText, 9), Step(WriteFailed, 0), Step(Feed, 255)], talk())),
        ("read-failed", play(&[Step(Ping, 9), Step(Write, 255), Step(ReadFailed, 0)], talk())),
        (
            "ping-flood",
            play(
                &[Step(Feed, 255), Step(Write, 255)],
                Stream::recipes(recipe(0x89, b"0123456789").repeat(18)),
            ),
        ),
        ("pongs", play(&[Step(Pong, 9), Step(Pong, 125), Step(Pong, 126), Step(Write, 255)], talk())),
        (
            "small-everything",
            with(
                Settings::SMALL_QUEUE | Settings::SMALL_OUTGOING_FRAMES | Settings::FAST_HEARTBEAT,
                play(
                    &[Step(SendBinary, 255), Step(SendText, 1), Step(Write, 255), Step(Deadline, 3)],
                    talk(),
                ),
            ),
        ),
        (
            "idle",
            with(
                Settings::INBOUND_IDLE | Settings::NO_HEARTBEAT,
                play(&[Step(Deadline, 0), Step(Write, 255), Step(Deadline, 0)], nothing()),
            ),
        ),
    ]
}
