//! Seeds of `header_values`: words that may be said, and words that would say more than they seem to.

use websocket_proto_fuzz::{Place, Wording};

use Place::{Allowed, AnswerField, Body, Chosen, Field, Host, Name, Origin, RetryAfter, Subprotocol, Target};

type Words = (&'static str, u16, &'static [(Place, &'static str)]);

const WORDS: &[Words] = &[
    ("nothing", 101, &[]),
    ("host-with-port", 101, &[(Host, "a.example:9001"), (Target, "/chat?room=1")]),
    ("host-address", 101, &[(Host, "[2001:db8::1]:80"), (Target, "//x")]),
    (
        "host-injects",
        101,
        &[(Host, "a\r\nX: y"), (Host, "a, b"), (Host, "u@a"), (Host, ""), (Host, "a:65536")],
    ),
    ("host-almost", 101, &[(Host, "a,b"), (Host, "[12]"), (Host, "[::1"), (Host, "a:1:2"), (Host, "::1")]),
    ("target-almost", 101, &[(Target, "/a b"), (Target, "/a\tb"), (Target, "http://a/"), (Target, "/%20")]),
    ("target-injects", 101, &[(Host, "a"), (Target, "/ HTTP/1.1\r\nX: y"), (Host, "a"), (Target, "/a#b")]),
    (
        "target-not-ascii",
        101,
        &[(Host, "a"), (Target, "/\u{e4}"), (Host, "a"), (Target, "a"), (Host, "a"), (Target, "*")],
    ),
    (
        "field",
        101,
        &[(Name, "Authorization"), (Field, "Bearer 123"), (Field, ""), (AnswerField, "b, \"c\\\",\"")],
    ),
    (
        "field-injects",
        101,
        &[(Field, "a\r\nHost: b"), (Field, "a\n b"), (Field, "a\0"), (AnswerField, "a\rb")],
    ),
    (
        "field-of-spaces",
        101,
        &[(Field, " a"), (Field, "a\t"), (Field, "a\tb"), (Field, "\u{a0}a"), (Field, "\u{85}")],
    ),
    ("field-not-ascii", 101, &[(Field, "gr\u{fc}\u{df}e"), (AnswerField, "\u{1f600}"), (Field, "\u{7f}")]),
    (
        "name-injects",
        101,
        &[(Name, "X\r\nY"), (Field, "a"), (Name, "X:"), (Field, "a"), (Name, ""), (Field, "a")],
    ),
    (
        "name-reserved",
        101,
        &[(Name, "hOST"), (Field, "a"), (Name, "SEC-WebSocket-X"), (Field, "a"), (AnswerField, "b")],
    ),
    (
        "name-framing",
        404,
        &[(Name, "Content-Length"), (AnswerField, "0"), (Name, "transfer-encoding"), (AnswerField, "a")],
    ),
    (
        "name-almost-reserved",
        101,
        &[(Name, "Sec-WebSocket"), (Field, "a"), (Name, "Hosts"), (AnswerField, "b")],
    ),
    (
        "backslashes",
        101,
        &[(Field, "\\\\\\\\\\\\\\\\\\\\"), (Field, "\"\\\"\\\"\\\"\\\""), (Field, "\"\"\"\"\"\"\"\"\"")],
    ),
    ("subprotocols", 101, &[(Subprotocol, "v2.chat"), (Subprotocol, "v1.chat"), (Chosen, "v1.chat")]),
    ("subprotocol-twice", 101, &[(Subprotocol, "a"), (Subprotocol, "a"), (Subprotocol, "A"), (Chosen, "A")]),
    (
        "subprotocol-injects",
        101,
        &[(Subprotocol, "a, b"), (Subprotocol, "a\r\nX: y"), (Chosen, "c\r\n"), (Chosen, "c")],
    ),
    ("subprotocol-not-offered", 101, &[(Subprotocol, "a"), (Chosen, "b"), (Chosen, "a"), (AnswerField, "c")]),
    ("origin-same-host", 101, &[(Host, "A.example"), (Target, "/"), (Origin, "https://a.EXAMPLE:443")]),
    ("origin-other-port", 101, &[(Host, "a.example:80"), (Target, "/"), (Origin, "https://a.example")]),
    ("origin-empty-port", 101, &[(Host, "a.example:"), (Target, "/"), (Origin, "http://a.example:80")]),
    ("origin-null", 101, &[(Origin, "null"), (Allowed, "null"), (AnswerField, "a")]),
    ("origin-listed", 101, &[(Origin, "HTTPS://b"), (Allowed, "http://b"), (Allowed, "https://b:443")]),
    (
        "origin-not-listed",
        101,
        &[(Origin, "https://b:444"), (Allowed, "https://b"), (Allowed, "b"), (Allowed, "b://")],
    ),
    ("origin-longer", 101, &[(Host, "a.example"), (Origin, "https://not-a.example")]),
    ("origin-other-scheme", 101, &[(Origin, "https://b"), (Allowed, "http://b:443")]),
    ("origin-null-not-listed", 101, &[(Origin, "null"), (Allowed, "https://b")]),
    ("origin-beside-null", 101, &[(Origin, "https://b"), (Allowed, "null")]),
    (
        "origin-injects",
        101,
        &[(Origin, "https://a\r\nX: y"), (Origin, "https://a/"), (Origin, "1a://b"), (Origin, "")],
    ),
    ("rejected", 403, &[(Body, "not for you"), (Name, "X-Reason"), (AnswerField, "none")]),
    ("upgrade-required", 426, &[(Body, "use another protocol"), (Name, "X"), (AnswerField, "y")]),
    ("not-modified", 304, &[(Body, "not written"), (RetryAfter, "120")]),
    ("accepted-by-rejecting", 200, &[(Body, "welcome")]),
];

const RETRY: &[(&str, &str)] = &[
    ("delay", "120"),
    ("delay-huge", "99999999999999999999"),
    ("delay-signed", "+1"),
    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("leap-day", "Tue, 29 Feb 2000 23:59:60 GMT"),
    ("no-leap-day", "Wed, 29 Feb 2023 00:00:00 GMT"),
    ("no-leap-day-either", "Thu, 29 Feb 2100 00:00:00 GMT"),
    ("before-1970", "Wed, 31 Dec 1969 23:59:59 GMT"),
    ("first", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("last", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("old-format", "Sunday, 06-Nov-94 08:49:37 GMT"),
    ("hour-24", "Sun, 06 Nov 1994 24:00:00 GMT"),
];

pub(crate) fn wordings() -> Vec<(String, Wording)> {
    let wording = |status, words: &[(Place, &str)]| {
        let words = words.iter().map(|(place, word)| (*place, (*word).to_owned()));
        Wording { status, words: words.collect() }
    };
    let mut wordings: Vec<_> =
        WORDS.iter().map(|(name, status, words)| ((*name).to_owned(), wording(*status, words))).collect();
    for (name, value) in RETRY {
        wordings.push((format!("retry-{name}"), wording(503, &[(RetryAfter, *value)])));
    }
    wordings
}
