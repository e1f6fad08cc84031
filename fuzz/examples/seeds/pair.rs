//! Seeds of `pair`: talks that end in every way there is, and what comes between.

use websocket_proto::Role::{Client, Server};
use websocket_proto_fuzz::{Decision, Deed, Finale, Move, Opening, Scene, Settings, Talk};

use Deed::{
    Carry, Close, Credit, Deadline, Decide, EndOfInput, Flow, Pass, Ping, Pong, ReadFailed, SendBinary,
    SendText, SetPolling, SetReading, Take, Wait, Write, WriteFailed,
};

/// Everything there is of it.
const ALL: u8 = 255;

/// Places of large sizes: 126, 65,535 and 70,000 bytes.
const SMALL_LONG: u8 = 201;
const TWO_BYTES: u8 = 210;
const LARGE: u8 = 213;

pub(crate) fn talks() -> Vec<(String, Talk)> {
    let mut talks = Vec::new();
    for (name, finale) in [
        ("client-closes", Finale::ClientCloses),
        ("server-closes", Finale::ServerCloses),
        ("both-close", Finale::BothClose),
        ("stalled", Finale::Stalled),
        ("cut", Finale::Cut),
    ] {
        talks.push((format!("upgraded-{name}"), talk(Opening::Upgraded, finale, &chat())));
        talks.push((format!("opened-{name}"), talk(Opening::InStream, finale, &chat())));
        talks.push((format!("connecting-{name}"), talk(Opening::InStream, finale, &[])));
    }
    for (name, moves) in conversations() {
        talks.push((name.to_owned(), talk(Opening::Upgraded, Finale::BothClose, &moves)));
    }
    for (name, client, server, moves) in configured() {
        let mut talk = talk(Opening::InStream, Finale::ClientCloses, &moves);
        (talk.scene.settings, talk.server) = (Settings(client), Settings(server));
        talks.push((format!("with-{name}"), talk));
    }
    for (name, decision) in [
        ("subprotocol", Decision::AcceptSubprotocol),
        ("same-host", Decision::AcceptSameHost),
        ("others-only", Decision::AcceptOthers),
        ("reject", Decision::Reject),
        ("close", Decision::Close),
        ("wait", Decision::Wait),
    ] {
        let moves = [
            Move(Client, Flow, 0),
            Move(Server, Decide, 0),
            Move(Client, Flow, 0),
            Move(Client, Deadline, 0),
        ];
        let mut talk = talk(Opening::InStream, Finale::ServerCloses, &moves);
        talk.scene.decision = decision;
        talks.push((format!("decision-{name}"), talk));
    }
    talks
}

fn talk(opening: Opening, finale: Finale, moves: &[Move]) -> Talk {
    let scene = Scene { opening, decision: Decision::Accept, echo: false, settings: Settings::default() };
    Talk { scene, server: Settings::default(), finale, moves: moves.to_vec() }
}

/// Both talk at once, in pieces.
fn chat() -> Vec<Move> {
    vec![
        Move(Client, Flow, 0),
        Move(Client, SendText, 40),
        Move(Server, SendBinary, SMALL_LONG),
        Move(Client, Ping, 4),
        Move(Client, Write, 9),
        Move(Client, Carry, 5),
        Move(Server, Write, ALL),
        Move(Server, Carry, 100),
        Move(Client, Flow, 0),
        Move(Server, SendText, 0),
    ]
}

fn conversations() -> Vec<(&'static str, Vec<Move>)> {
    vec![
        (
            "large",
            vec![Move(Client, SendBinary, LARGE), Move(Client, Ping, 125), Move(Server, SendText, TWO_BYTES)],
        ),
        (
            "taken-and-answered-before-it-is-credited",
            vec![
                Move(Client, Ping, 7),
                Move(Client, SendText, 90),
                Move(Client, Take, 50),
                Move(Client, Carry, ALL),
                Move(Server, Write, ALL),
                Move(Server, Carry, ALL),
                Move(Client, Credit, 20),
                Move(Client, Credit, ALL),
                Move(Client, Take, ALL),
                Move(Client, Carry, ALL),
            ],
        ),
        (
            "pongs",
            [vec![Move(Client, Pong, 3), Move(Server, Ping, 1)], vec![Move(Client, Pong, 2); 17]].concat(),
        ),
        (
            "crossing-closes",
            vec![
                Move(Client, SendText, 5),
                Move(Server, SendText, 6),
                Move(Client, Close, 60),
                Move(Server, Close, 1),
                Move(Client, Write, ALL),
                Move(Server, Write, ALL),
                Move(Client, Carry, ALL),
                Move(Server, Carry, ALL),
            ],
        ),
        ("close-with-a-reason", vec![Move(Client, Close, 60), Move(Client, Flow, 0)]),
        (
            "echo-waits-behind-messages",
            vec![
                Move(Server, SendBinary, LARGE),
                Move(Client, Close, 0),
                Move(Client, Write, ALL),
                Move(Client, Carry, ALL),
                Move(Server, Write, 100),
                Move(Server, Carry, ALL),
            ],
        ),
        (
            "deaf",
            vec![
                Move(Server, SetReading, 0),
                Move(Client, SendText, 30),
                Move(Client, Write, ALL),
                Move(Client, Carry, ALL),
                Move(Client, Deadline, 0),
                Move(Client, Deadline, 0),
                Move(Server, SetReading, 1),
            ],
        ),
        (
            "nobody-polls",
            vec![
                Move(Server, SetPolling, 0),
                Move(Client, SendText, 30),
                Move(Client, Write, ALL),
                Move(Client, Carry, ALL),
                Move(Client, Pass, ALL),
                Move(Client, Pass, ALL),
                Move(Server, SetPolling, 1),
            ],
        ),
        ("heartbeat", vec![Move(Client, Deadline, 0), Move(Client, Flow, 0), Move(Server, Deadline, 0)]),
        ("dead", vec![Move(Client, Deadline, 0), Move(Client, Write, ALL), Move(Client, Deadline, 0)]),
        ("stall-of-ours", vec![Move(Client, Wait, ALL), Move(Client, Wait, ALL), Move(Client, Deadline, 0)]),
        (
            "write-stall",
            vec![
                Move(Client, SendText, 30),
                Move(Client, Write, 3),
                Move(Client, Deadline, 0),
                Move(Client, Deadline, 0),
            ],
        ),
        (
            "end-of-input",
            vec![Move(Client, SendText, 30), Move(Client, Write, 9), Move(Server, EndOfInput, 0)],
        ),
        (
            "read-failed",
            vec![Move(Client, SendText, 30), Move(Server, Close, 0), Move(Server, ReadFailed, 0)],
        ),
        (
            "write-failed",
            vec![Move(Client, SendText, 30), Move(Client, WriteFailed, 0), Move(Server, Close, 20)],
        ),
    ]
}

type Configured = (&'static str, u16, u16, Vec<Move>);

fn configured() -> Vec<Configured> {
    let flow = Move(Client, Flow, 0);
    let long = vec![flow, Move(Client, SendText, 205), flow, Move(Client, SendText, 9), flow];
    let both = vec![flow, Move(Client, SendText, 9), Move(Client, SendBinary, 9), flow];
    let idle = vec![flow, Move(Client, Deadline, 0), Move(Client, Deadline, 0), flow];
    let late =
        vec![flow, Move(Client, Pass, 20), Move(Client, SendText, 1), flow, Move(Client, Pass, 20), flow];
    vec![
        ("small-messages", 0, Settings::SMALL_MESSAGES, long.clone()),
        ("small-frames", 0, Settings::SMALL_FRAMES, long.clone()),
        ("few-fragments", Settings::SMALL_OUTGOING_FRAMES, Settings::FEW_FRAGMENTS, long.clone()),
        ("small-outgoing-frames", Settings::SMALL_OUTGOING_FRAMES, 0, long.clone()),
        ("small-queue", Settings::SMALL_QUEUE, Settings::SMALL_QUEUE, long),
        ("only-text", 0, Settings::ONLY_TEXT, both.clone()),
        ("only-binary", 0, Settings::ONLY_BINARY, both),
        ("small-heads", 0, Settings::SMALL_HEADS, vec![flow]),
        (
            "inbound-idle",
            Settings::NO_HEARTBEAT,
            Settings::INBOUND_IDLE | Settings::NO_HEARTBEAT,
            idle.clone(),
        ),
        ("idle-after-a-word", Settings::NO_HEARTBEAT, Settings::INBOUND_IDLE, late),
        ("fast-heartbeat", Settings::FAST_HEARTBEAT, Settings::NO_AUTOMATIC_PONG, idle.clone()),
        (
            "no-time-at-all",
            Settings::NO_TIME_TO_CLOSE,
            Settings::NO_HEARTBEAT | Settings::FAST_HEARTBEAT,
            idle,
        ),
    ]
}
