//! Seeds of `request_head`: each rule of the head, broken alone.

use websocket_proto::Role;
use websocket_proto_fuzz::{Asking, Cuts, Draft, Edit, Settings};

use crate::streams::heads;

/// The lines of a request, as the drafts count them.
const REQUEST_LINE: u8 = 0;
const HOST: u8 = 1;
const UPGRADE: u8 = 2;
const CONNECTION: u8 = 3;
const KEY: u8 = 4;
const VERSION: u8 = 5;
const PROTOCOL: u8 = 6;
const ORIGIN: u8 = 7;

pub(crate) fn askings() -> Vec<(String, Asking)> {
    let mut askings = Vec::new();
    for (name, head) in heads(Role::Server) {
        for (kind, settings) in [("head", 0), ("http", Settings::HTTP_REQUESTS)] {
            askings.push((format!("{kind}-{name}"), asking(settings, Draft::as_is(head.clone()))));
        }
    }
    for (name, edits) in edits() {
        askings.push((format!("edit-{name}"), asking(0, Draft::edits(edits))));
    }
    askings.push(("edit-over-the-limit".into(), asking(Settings::SMALL_HEADS, Draft::edits([]))));
    askings
}

fn asking(settings: u16, draft: Draft) -> Asking {
    Asking { settings: Settings(settings), cuts: Cuts(vec![0, 6]), draft }
}

type Edited = (&'static str, Vec<(Edit, u8, u8)>);

fn edits() -> Vec<Edited> {
    use Edit::{
        AtEnd, BareCr, BareLf, Break, Case, CutOff, Double, Element, Fold, Huge, InName, Many, Remove, Space,
        Swap, Tab, Value,
    };
    vec![
        ("nothing", vec![]),
        ("no-host", vec![(Remove, HOST, 0)]),
        ("no-upgrade", vec![(Remove, UPGRADE, 0)]),
        ("no-upgrade-and-no-key", vec![(Remove, KEY, 0), (Remove, UPGRADE, 0)]),
        ("no-connection", vec![(Remove, CONNECTION, 0)]),
        ("no-key", vec![(Remove, KEY, 0)]),
        ("no-version", vec![(Remove, VERSION, 0)]),
        ("no-origin", vec![(Remove, ORIGIN, 0)]),
        ("no-request-line", vec![(Remove, REQUEST_LINE, 0)]),
        ("two-hosts", vec![(Double, HOST, 0)]),
        ("two-upgrades", vec![(Double, UPGRADE, 0)]),
        ("two-keys", vec![(Double, KEY, 0)]),
        ("two-versions", vec![(Double, VERSION, 0)]),
        ("two-origins", vec![(Double, ORIGIN, 0)]),
        ("two-protocols", vec![(Double, PROTOCOL, 0)]),
        ("other-order", vec![(Swap, HOST, ORIGIN), (Swap, KEY, UPGRADE)]),
        (
            "other-case",
            vec![(Case, HOST, 0xaa), (Case, UPGRADE, 0xff), (Case, CONNECTION, 0x55), (Case, KEY, 7)],
        ),
        ("method-in-small", vec![(Case, REQUEST_LINE, 0xff)]),
        ("space-before-colon", vec![(Space, HOST, 4)]),
        ("spaces-around-value", vec![(Space, HOST, 5), (Tab, HOST, 6), (Tab, HOST, 255), (Space, HOST, 255)]),
        ("tab-in-value", vec![(Tab, HOST, 9)]),
        ("two-spaces-in-request-line", vec![(Space, REQUEST_LINE, 3)]),
        ("folded", vec![(Fold, HOST, 8)]),
        ("broken-off", vec![(Break, KEY, 10)]),
        ("ends-early", vec![(Break, UPGRADE, 0)]),
        ("bare-lf", vec![(BareLf, HOST, 255)]),
        ("bare-cr", vec![(BareCr, HOST, 8)]),
        ("nul-at-end", vec![(AtEnd, HOST, 0)]),
        ("delete-at-end", vec![(AtEnd, PROTOCOL, 0x7f)]),
        ("bytes-at-end", vec![(AtEnd, PROTOCOL, 0xff)]),
        ("space-in-name", vec![(InName, PROTOCOL, b' ')]),
        ("version-8", vec![(Value, VERSION, 5)]),
        ("version-list", vec![(Value, VERSION, 7)]),
        ("version-99", vec![(Huge, VERSION, 0)]),
        ("http-9.9", vec![(Huge, REQUEST_LINE, 0)]),
        ("upgrade-to-others-too", vec![(Element, UPGRADE, 12)]),
        ("upgrade-quoted", vec![(Value, UPGRADE, 10)]),
        ("upgrade-with-version", vec![(Value, UPGRADE, 11)]),
        ("connection-list", vec![(Value, CONNECTION, 14)]),
        ("connection-close", vec![(Value, CONNECTION, 15)]),
        ("key-not-canonical", vec![(Value, KEY, 30)]),
        ("key-too-long", vec![(Value, KEY, 31)]),
        ("host-with-comma", vec![(Element, HOST, 22)]),
        ("host-address", vec![(Value, HOST, 23)]),
        ("host-port-too-large", vec![(Value, HOST, 24)]),
        ("host-empty", vec![(Value, HOST, 0)]),
        ("protocol-with-space", vec![(Value, PROTOCOL, 17)]),
        ("protocol-list", vec![(Value, PROTOCOL, 18), (Element, PROTOCOL, 21), (Element, PROTOCOL, 16)]),
        ("protocol-quoted", vec![(Value, PROTOCOL, 19)]),
        ("many-fields", vec![(Many, ORIGIN, 255), (Remove, ORIGIN, 0)]),
        ("many-protocols", vec![(Many, PROTOCOL, 30)]),
        ("too-long", vec![(Many, PROTOCOL, 255)]),
        ("cut-off", vec![(CutOff, 0, 14)]),
        ("cut-off-in-a-line", vec![(CutOff, 0, 60)]),
    ]
}
