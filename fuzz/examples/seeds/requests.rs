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

/// Names of inserted fields; the rest of the number is a word.
pub(crate) const CONTENT_LENGTH: u8 = 0;
pub(crate) const TRANSFER_ENCODING: u8 = 32;
pub(crate) const EXTENSIONS: u8 = 64;
pub(crate) const LIST: u8 = 160;

pub(crate) fn askings() -> Vec<(String, Asking)> {
    let mut askings = Vec::new();
    for (name, head) in heads(Role::Server) {
        for (kind, settings) in [("head", 0), ("http", Settings::HTTP_REQUESTS)] {
            askings.push((format!("{kind}-{name}"), asking(settings, Draft::as_is(head.clone()))));
        }
    }
    for (name, edits) in of_request() {
        askings.push((format!("edit-{name}"), asking(0, Draft::edits(edits))));
    }
    for (name, line) in [
        ("absolute", "GET http://a.example:80/b?c HTTP/1.1"),
        ("absolute-without-path", "GET WSS://a.example?c HTTP/1.1"),
        ("absolute-without-host", "GET http:///b HTTP/1.1"),
        ("of-no-known-scheme", "GET ftp://a/b HTTP/1.1"),
        ("asterisk", "GET * HTTP/1.1"),
        ("fragment", "GET /a#b HTTP/1.1"),
        ("not-ascii", "GET /\u{e4} HTTP/1.1"),
        ("http-1.0", "GET / HTTP/1.0"),
        ("http-2.0", "GET / HTTP/2.0"),
        ("http-in-small", "GET / http/1.1"),
        ("head", "HEAD / HTTP/1.1"),
        ("no-version", "GET /"),
        ("space-at-end", "GET / HTTP/1.1 "),
    ] {
        for (kind, settings) in [("line", 0), ("http-line", Settings::HTTP_REQUESTS)] {
            let plain = Draft::as_is(format!("{line}\r\nHost: a\r\n\r\n"));
            askings.push((format!("plain-{kind}-{name}"), asking(settings, plain)));
            let upgrade = format!(
                "{line}\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            );
            askings.push((format!("{kind}-{name}"), asking(settings, Draft::as_is(upgrade))));
        }
    }
    askings.push(("edit-over-the-limit".into(), asking(Settings::SMALL_HEADS, Draft::edits([]))));
    askings
}

fn asking(settings: u16, draft: Draft) -> Asking {
    Asking { settings: Settings(settings), cuts: Cuts(vec![0, 6]), draft }
}

type Edited = (&'static str, Vec<(Edit, u8, u8)>);

fn of_request() -> Vec<Edited> {
    use Edit::{
        AtEnd, BareCr, BareLf, Break, Case, CutOff, Double, Element, Fold, Huge, InName, Insert, Many,
        Remove, Space, Swap, Tab, Value,
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
        ("vertical-tab", vec![(AtEnd, ORIGIN, 0x0b)]),
        ("empty-body", vec![(Insert, HOST, CONTENT_LENGTH | 1)]),
        ("body", vec![(Insert, HOST, CONTENT_LENGTH | 4)]),
        ("body-of-two-zeros", vec![(Insert, HOST, CONTENT_LENGTH | 3)]),
        ("chunked-body", vec![(Insert, HOST, TRANSFER_ENCODING | 27)]),
        ("extensions", vec![(Insert, HOST, EXTENSIONS | 20)]),
        ("quoted-list", vec![(Insert, HOST, LIST | 19)]),
        ("backslash", vec![(Insert, HOST, LIST | 16), (AtEnd, HOST, b'\\'), (Element, HOST, 16)]),
        ("some-fields", vec![(Insert, ORIGIN, LIST | 2), (Many, ORIGIN, 17), (Insert, KEY, LIST | 4)]),
        // The second Host is the 33rd field.
        (
            "two-hosts-far-apart",
            vec![
                (Double, HOST, 0),
                (Swap, HOST + 1, ORIGIN + 1),
                (Insert, ORIGIN + 1, LIST | 2),
                (Many, ORIGIN + 1, 6),
            ],
        ),
        ("too-long", vec![(Many, PROTOCOL, 255)]),
        ("cut-off", vec![(CutOff, 0, 14)]),
        ("cut-off-in-a-line", vec![(CutOff, 0, 60)]),
    ]
}
