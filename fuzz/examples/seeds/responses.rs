//! Seeds of `response_head`: each rule of the head, broken alone, and bodies in every framing, cut off in every way.

use websocket_proto::Role;
use websocket_proto_fuzz::{Answering, Cuts, Draft, Edit, Ending, Kind, Settings};

use crate::requests::{CONTENT_LENGTH, EXTENSIONS};
use crate::streams::heads;

/// The lines of a 101, as the drafts count them.
const STATUS_LINE: u8 = 0;
const UPGRADE: u8 = 1;
const CONNECTION: u8 = 2;
const ACCEPT: u8 = 3;
const CHOSEN: u8 = 4;

pub(crate) fn answerings() -> Vec<(String, Answering)> {
    let mut answerings = Vec::new();
    let mut push = |name: String, kind, ending, draft| {
        let answering = Answering { settings: Settings(0), kind, ending, cuts: Cuts(vec![0, 6]), draft };
        answerings.push((name, answering));
    };
    for (name, head) in heads(Role::Client) {
        push(format!("head-{name}"), Kind::Switching, Ending::EndOfInput, Draft::as_is(head));
    }
    for (name, kind, edits) in of_response() {
        push(format!("edit-{name}"), kind, Ending::EndOfInput, Draft::edits(edits));
    }
    for (end, ending) in [
        ("end-of-input", Ending::EndOfInput),
        ("reset", Ending::Reset),
        ("silence", Ending::Silence),
        ("close", Ending::Close),
    ] {
        for (name, kind, missing) in [
            ("head", Kind::Switching, 20),
            ("length", Kind::Length, 2),
            ("chunked", Kind::Chunked, 16),
            ("until-the-end", Kind::UntilTheEnd, 0),
        ] {
            push(format!("{end}-in-{name}"), kind, ending, Draft::edits([(Edit::CutOff, 0, missing)]));
        }
    }
    for (name, draft) in [
        ("too-many-interims", Draft::as_is(b"HTTP/1.1 103\r\n\r\n".repeat(20))),
        ("body-at-the-limit", Draft::as_is(*b"HTTP/1.1 403 No\r\nContent-Length: 8\r\n\r\n12345678")),
        ("body-over-the-limit", Draft::as_is(*b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n123456789")),
        ("no-body", Draft::as_is(*b"HTTP/1.1 304 No\r\nContent-Length: 8\r\n\r\n12345678")),
        (
            "chunk-with-zeros",
            Draft::as_is(*b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n000004 \r\nbusy\r\n0\r\n"),
        ),
    ] {
        let settings = Settings(Settings::SMALL_HEADS);
        let (kind, ending, cuts) = (Kind::Switching, Ending::EndOfInput, Cuts(vec![0, 40]));
        answerings.push((format!("small-{name}"), Answering { settings, kind, ending, cuts, draft }));
    }
    answerings
}

type EditedKind = (&'static str, Kind, Vec<(Edit, u8, u8)>);

fn of_response() -> Vec<EditedKind> {
    use Edit::{
        AtEnd, BareLf, Case, CutOff, Double, Element, Fold, Huge, Insert, Many, Older, Remove, Space, Swap,
        Value,
    };
    use Kind::{Chunked, Interim, Length, Switching, UntilTheEnd};
    vec![
        ("nothing", Switching, vec![]),
        ("no-upgrade", Switching, vec![(Remove, UPGRADE, 0)]),
        ("no-connection", Switching, vec![(Remove, CONNECTION, 0)]),
        ("no-accept", Switching, vec![(Remove, ACCEPT, 0)]),
        ("no-protocol", Switching, vec![(Remove, CHOSEN, 0)]),
        ("two-upgrades", Switching, vec![(Double, UPGRADE, 0)]),
        ("two-accepts", Switching, vec![(Double, ACCEPT, 0)]),
        ("two-protocols", Switching, vec![(Double, CHOSEN, 0)]),
        ("wrong-accept", Switching, vec![(Value, ACCEPT, 31)]),
        ("accept-in-other-case", Switching, vec![(Case, ACCEPT, 0xff)]),
        ("accept-and-more", Switching, vec![(Element, ACCEPT, 31)]),
        ("other-case", Switching, vec![(Case, UPGRADE, 0xff), (Case, CONNECTION, 0xaa)]),
        ("upgrade-list", Switching, vec![(Element, UPGRADE, 12)]),
        ("connection-list", Switching, vec![(Value, CONNECTION, 14)]),
        ("other-protocol", Switching, vec![(Value, CHOSEN, 18)]),
        ("other-order", Switching, vec![(Swap, ACCEPT, 1), (Swap, CHOSEN, 2)]),
        ("folded", Switching, vec![(Fold, ACCEPT, 30)]),
        ("bare-lf", Switching, vec![(BareLf, ACCEPT, 255)]),
        ("nul", Switching, vec![(AtEnd, CHOSEN, 0)]),
        ("no-reason", Switching, vec![(Fold, STATUS_LINE, 12)]),
        ("reason-not-ascii", Switching, vec![(AtEnd, STATUS_LINE, 0xe4)]),
        ("reason-with-delete", Switching, vec![(AtEnd, STATUS_LINE, 0x7f)]),
        ("status-with-spaces", Switching, vec![(Space, STATUS_LINE, 9)]),
        ("reason-with-spaces", Switching, vec![(Space, STATUS_LINE, 255), (Space, STATUS_LINE, 13)]),
        ("http-1.0", Switching, vec![(Older, STATUS_LINE, 0)]),
        ("protocol-in-other-case", Switching, vec![(Case, CHOSEN, 0xff)]),
        ("http-9.9", Switching, vec![(Huge, STATUS_LINE, 0)]),
        ("too-long", Switching, vec![(Many, CHOSEN, 255)]),
        ("extension", Switching, vec![(Insert, ACCEPT, EXTENSIONS | 20)]),
        ("no-extension", Switching, vec![(Insert, ACCEPT, EXTENSIONS | 21)]),
        ("interim", Interim, vec![]),
        ("interims-without-end", Interim, vec![(Many, 1, 255), (Many, 2, 255)]),
        ("length", Length, vec![]),
        ("length-twice", Length, vec![(Double, 2, 0)]),
        ("length-list", Length, vec![(Element, 2, 4)]),
        ("length-huge", Length, vec![(Huge, 2, 0)]),
        ("length-zero", Length, vec![(Value, 2, 1)]),
        ("length-and-more", Length, vec![(Value, 2, 4)]),
        ("chunked", Chunked, vec![]),
        ("chunked-twice", Chunked, vec![(Double, 2, 0)]),
        ("chunked-and-gzip", Chunked, vec![(Value, 2, 28)]),
        ("chunked-and-length", Chunked, vec![(Insert, 2, CONTENT_LENGTH | 4)]),
        ("chunk-cut-off", Chunked, vec![(CutOff, 0, 9)]),
        ("chunk-too-long", Chunked, vec![(Huge, 6, 0)]),
        ("chunks-without-end", Chunked, vec![(Many, 5, 255)]),
        ("until-the-end", UntilTheEnd, vec![]),
    ]
}
