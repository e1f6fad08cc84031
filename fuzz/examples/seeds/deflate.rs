//! Seeds of `deflate_offers`, `inflate` and `deflate_round_trip`.

use websocket_proto::{Delivery, Role};
use websocket_proto_fuzz::{Cuts, Inflating, Offering, Piece, Trip};

pub(crate) fn offerings() -> Vec<(String, Offering)> {
    let values = [
        ("nothing", ""),
        ("bare", "permessage-deflate"),
        ("browser", "permessage-deflate; client_max_window_bits"),
        ("limits", "permessage-deflate; server_max_window_bits=10; client_max_window_bits=8"),
        ("alone", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ("quoted", "permessage-deflate ; server_max_window_bits = \"1\\2\""),
        (
            "several",
            "foo, permessage-deflate; unknown\npermessage-deflate; server_max_window_bits=9, permessage-deflate",
        ),
        ("twice", "permessage-deflate; client_max_window_bits; client_max_window_bits=15"),
        (
            "out-of-range",
            "permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=08",
        ),
        ("malformed", "permessage-deflate; server_max_window_bits=\"9, permessage-deflate;;"),
        ("flood", "\"\\\"\\\\\"\",\\,\"\\\"\\\\\"\",\\,\"\\\"\\\\\"\",\\"),
    ];
    let mut seeds = Vec::new();
    for (name, value) in values {
        for (policy, takeover, bits) in [("open", true, 15), ("strict", false, 11)] {
            let offering = Offering {
                context_takeover: takeover,
                peer_context_takeover: takeover,
                window_bits: bits,
                peer_window_bits: bits,
                values: value.as_bytes().to_vec(),
            };
            seeds.push((format!("{policy}-{name}"), offering));
        }
    }
    seeds
}

pub(crate) fn inflatings() -> Vec<(String, Inflating)> {
    // Those of RFC 7692 §7.2.3, and what is wrong in one way each.
    let hello: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let back: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
    let payloads: [(&str, &[&[u8]]); 8] = [
        ("hello", &[hello, hello, back]),
        ("stored", &[&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]]),
        (
            "last-block",
            &[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]],
        ),
        (
            "two-blocks",
            &[&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], &[], &[0]],
        ),
        ("no-such-block", &[hello, &[0xff]]),
        ("too-far-back", &[&[0x02, 0x06]]),
        ("cut-off", &[&[0xf2, 0x48, 0xcd], hello]),
        // A hundred thousand zeros, and then as many again.
        (
            "bomb",
            &[
                &[
                    0xec, 0xc1, 0x01, 0x0d, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xf7, 0x4f, 0x6d, 0x0e, 0x37, 0xa0,
                    0x00, 0x00,
                ],
                hello,
            ],
        ),
    ];
    let mut seeds = Vec::new();
    for (name, payloads) in payloads {
        for (switches, role) in [Role::Server, Role::Client].into_iter().enumerate() {
            let inflating = Inflating {
                role,
                delivery: if switches == 0 { Delivery::Messages } else { Delivery::Chunks },
                takeover: name != "cut-off",
                fragment: if switches == 0 { 255 } else { 2 },
                cuts: Cuts(vec![3, 0, 90]),
                payloads: payloads.iter().map(|payload| payload.to_vec()).collect(),
            };
            seeds.push((format!("{role:?}-{name}").to_lowercase(), inflating));
        }
    }
    seeds
}

pub(crate) fn trips() -> Vec<(String, Trip)> {
    let piece = |is_last, times, bytes: &str| Piece { is_last, compresses: true, times, bytes: bytes.into() };
    let plain = Piece { compresses: false, ..piece(true, 9, "plain ") };
    let talks = [
        ("empty", vec![piece(true, 0, ""), piece(true, 0, "")]),
        (
            "text",
            vec![
                piece(true, 3, "{\"id\":1,\"name\":\"one\"},"),
                piece(true, 0, "{\"id\":2,\"name\":\"two\"}"),
            ],
        ),
        ("long", vec![piece(true, 255, &"0123456789abcdef".repeat(20))]),
        (
            "chunks",
            vec![piece(false, 1, "once upon "), piece(false, 0, ""), piece(true, 0, "a time"), plain.clone()],
        ),
        ("empty-end", vec![piece(false, 9, "all of it "), piece(true, 0, ""), piece(true, 0, "more")]),
        (
            "switched",
            vec![
                plain,
                piece(false, 4, "compressed "),
                Piece { compresses: false, ..piece(true, 0, "still") },
            ],
        ),
    ];
    let mut seeds = Vec::new();
    for (name, pieces) in talks {
        for (takeover, bits, level) in [(false, 15, 1), (true, 8, 6), (true, 15, 9)] {
            let delivery = if takeover { Delivery::Chunks } else { Delivery::Messages };
            let trip =
                Trip { takeover, delivery, bits, level, cuts: Cuts(vec![6, 1]), pieces: pieces.clone() };
            let kept = if takeover { "kept" } else { "alone" };
            seeds.push((format!("{name}-{kept}-{bits}"), trip));
        }
    }
    seeds
}
