//! What is UTF-8 and what is not, against `core::str`, however it is cut: by reads, or by fragments.
//!
//! Not all 2^32 sequences of four bytes are needed. A sequence whose first bytes cannot be mended fails at them, and nothing
//! behind is looked at (`headers` shows that); one that begins with a whole character stands where it began. So these are fed:
//! every sequence of one byte and of two; of three, those whose first two begin a longer character, with any third; of four,
//! those with a lead byte from F0 to F7 over continuation bytes from the edges of what may follow some lead, and of what never
//! may.

use std::sync::LazyLock;

use bytes::BytesMut;
use websocket_proto::{Event, Role, State, Violation};

use super::frames::{KEY, closing, frame, header, mask};
use super::{NOW, open};

/// The edges of what continues a character, with a byte on either side.
const EDGES: [u8; 12] = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xf4, 0xff];

/// Whether nothing that follows could make it UTF-8.
fn is_beyond_mending(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some())
}

/// Whether a character has begun and is not whole.
fn is_begun(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Every way of cutting so many bytes into pieces, as the lengths of the pieces.
fn cuttings(len: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1_u32 << (len - 1)).map(move |cuts| {
        let mut pieces = vec![1];
        for place in 0..len - 1 {
            match pieces.last_mut() {
                Some(last) if cuts & 1 << place == 0 => *last += 1,
                _ => pieces.push(1),
            }
        }
        pieces
    })
}

/// The Close frame of a server that was sent what is no UTF-8.
static TOLD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    frame(Role::Server, 0x88, &closing(1007, Violation::InvalidUtf8.to_string().as_bytes()))
});

/// Gives a server a text message part by part, each with the payload that has come with it; whatever cannot be mended fails
/// there and then, and the whole arrives equal if it is UTF-8.
fn assert_told(bytes: &[u8], parts: impl Iterator<Item = (Vec<u8>, usize)>) {
    let mut server = open(Role::Server);
    for (part, come) in parts {
        server.receive(&part, NOW);
        let failed = server.connection.state() != State::Open;
        let last = come == bytes.len();
        let wrong = is_beyond_mending(&bytes[..come]) || last && str::from_utf8(bytes).is_err();
        assert_eq!(failed, wrong, "after {come} of {bytes:x?}");
        if failed {
            assert_eq!((&server.written, &server.events[..]), (&*TOLD, &[][..]), "{bytes:x?}");
            return;
        }
    }
    let [Event::Message(message)] = &server.events[..] else { panic!("one message: {bytes:x?}") };
    assert_eq!(message.as_text().map(str::as_bytes), Some(bytes));
}

/// In one frame that comes in pieces.
fn in_reads(bytes: &[u8], pieces: &[usize]) {
    let mut start = header(Role::Client, 0x81, bytes.len() as u64);
    let masked: Vec<u8> = mask(bytes, KEY).collect();
    let mut come = 0;
    let parts = pieces.iter().map(|len| {
        start.extend_from_slice(&masked[come..come + len]);
        come += len;
        (std::mem::take(&mut start), come)
    });
    assert_told(bytes, parts);
}

/// In one fragment for each piece.
fn in_fragments(bytes: &[u8], pieces: &[usize]) {
    let mut come = 0;
    let parts = pieces.iter().map(|len| {
        let first = u8::from(come == 0) | if come + len == bytes.len() { 0x80 } else { 0 };
        let part = frame(Role::Client, first, &bytes[come..come + len]);
        come += len;
        (part, come)
    });
    assert_told(bytes, parts);
}

fn in_every_way(bytes: &[u8]) {
    for pieces in cuttings(bytes.len()) {
        in_reads(bytes, &pieces);
        // One fragment is a message in one piece again.
        if pieces.len() > 1 {
            in_fragments(bytes, &pieces);
        }
    }
    // While more is to come, whatever is wrong in a piece that begins well is told at that piece.
    in_fragments(&[bytes, b"."].concat(), &[bytes.len(), 1]);
}

#[test]
fn every_byte_and_every_pair_of_bytes_however_cut() {
    for first in 0..=u8::MAX {
        in_every_way(&[first]);
        for second in 0..=u8::MAX {
            in_every_way(&[first, second]);
        }
    }
}

/// All pairs that begin a character of three or four bytes.
fn beginnings() -> impl Iterator<Item = [u8; 2]> {
    (0xe0..=0xff)
        .flat_map(|first| (0..=u8::MAX).map(move |second| [first, second]))
        .filter(|pair| is_begun(pair))
}

#[test]
fn every_three_bytes_that_begin_a_character_of_three_or_four_in_one_piece() {
    assert_eq!(beginnings().count(), 960 + 256);
    for [first, second] in beginnings() {
        for third in 0..=u8::MAX {
            // Only the verdict, since these are many; what is told to whom is the other tests' part.
            let bytes = [first, second, third];
            let mut server = open(Role::Server).connection;
            let mut input = BytesMut::from(&frame(Role::Client, 0x81, &bytes)[..]);
            let event = server.poll_event(&mut input, NOW);
            assert_eq!(
                event,
                str::from_utf8(&bytes).ok().map(|text| Event::Message(text.into())),
                "{bytes:x?}"
            );
            assert_eq!(server.state() == State::Open, event.is_some(), "{bytes:x?}");
        }
    }
}

#[test]
fn every_three_bytes_with_an_edge_at_their_end_however_cut() {
    for [first, second] in beginnings() {
        for third in EDGES {
            in_every_way(&[first, second, third]);
        }
    }
}

#[test]
fn four_bytes_over_the_edges_of_what_may_follow_however_cut() {
    for first in 0xf0..=0xf7 {
        for second in EDGES {
            for third in EDGES {
                for fourth in EDGES {
                    in_every_way(&[first, second, third, fourth]);
                }
            }
        }
    }
}

#[test]
fn every_character_there_is_arrives_equal() {
    let all: String = ('\0'..=char::MAX).collect();
    let mut server = open(Role::Server);
    // Pieces of a prime length cut characters at all their places.
    let mut rest = BytesMut::from(&frame(Role::Client, 0x81, all.as_bytes())[..]);
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(65_537));
        server.receive(&piece, NOW);
    }
    let [Event::Message(message)] = &server.events[..] else { panic!("one message") };
    assert!(message.as_text() == Some(&all), "all that was sent, and nothing else");
}
