//! What a connection wrote, read back.

use std::str;

use websocket_proto::Role;

use crate::frames::{self, End, Item};

/// The output of a connection: the HTTP head that it begins with, if it had to open, and what follows.
#[derive(Debug)]
pub(crate) struct Written {
    /// Of a server's answer; a client's request has none.
    pub(crate) status: Option<u16>,
    /// The frames, each with the place in the output where it ends.
    pub(crate) items: Vec<(usize, Item)>,
}

/// Reads the output of `role` and holds it to the rules that do not depend on what happened. It may be cut off anywhere,
/// since a transport may fail.
pub(crate) fn read(output: &[u8], role: Role, upgraded: bool) -> Written {
    let mut written = Written { status: None, items: Vec::new() };
    let mut frames_at = 0;
    if !upgraded {
        let Some(end) = output.windows(4).position(|window| window == b"\r\n\r\n") else { return written };
        frames_at = end + 4;
        let head = str::from_utf8(&output[..frames_at]).expect("a head in ASCII");
        let mut lines = head.split_terminator("\r\n");
        let first = lines.next().unwrap_or_default();
        assert!(lines.clone().filter(|line| !line.is_empty()).all(|line| line.contains(": ")), "{head:?}");
        if role == Role::Server {
            let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
            let status = status.unwrap_or_else(|| panic!("no status line: {first:?}"));
            written.status = Some(status);
            if status != 101 {
                let length = lines.find_map(|line| line.strip_prefix("Content-Length: "));
                let length = length.map_or(0, |length| length.parse().expect("a length"));
                assert!(output.len() - frames_at <= length, "more than the body that was announced");
                return written;
            }
        } else {
            assert!(first.starts_with("GET /chat HTTP/1.1"), "{first:?}");
        }
    }
    let reading = frames::read(&output[frames_at..], role == Role::Client, u64::MAX >> 1);
    match reading.end {
        End::Bytes(_) | End::Closed { behind: 0 } => {}
        end => panic!("wrong output: {end:?} after {:?}", reading.items),
    }
    written.items = reading.items.into_iter().map(|(end, item)| (frames_at + end, item)).collect();
    written
}

impl Written {
    pub(crate) fn close(&self) -> Option<(usize, u16)> {
        match self.items.last() {
            Some((end, Item::Close(frame))) => Some((*end, frame.as_ref().map_or(1005, |(code, _)| *code))),
            _ => None,
        }
    }
}
