//! A head that is right, and what was done to it: a mutation of bytes alone seldom spoils just one rule.

use arbitrary::{Result, Unstructured};

/// A head as a list of lines, or bytes as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    source: Source,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    AsIs,
    Edits,
}

/// What is done to a line; each takes three bytes of the input: what, which line, and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Remove,
    Double,
    /// It changes places with the line of this number.
    Swap,
    /// All letters change their case whose place, modulo eight, is a bit of the number.
    Case,
    /// A space or a tab comes in at this place.
    Space,
    Tab,
    /// The line ends at this place and goes on in a next one that begins with a space.
    Fold,
    /// The line ends at this place, and its rest is another.
    Break,
    BareLf,
    BareCr,
    /// A byte comes in before the colon: its value is the number.
    InName,
    /// And at the end.
    AtEnd,
    /// Its value becomes the word of this number.
    Value,
    /// The word of this number is added to its value, behind a comma.
    Element,
    /// Before it comes another field, of a name and a word of this number.
    Insert,
    /// Its digits become nines.
    Huge,
    /// Its second digit becomes a zero: that of the version, in a first line.
    Older,
    /// It is there so many times more, up to a thousand.
    Many,
    /// What follows the head loses so many bytes, or all of them, and then the head.
    CutOff,
}

const EDITS: [Edit; 19] = [
    Edit::Remove,
    Edit::Double,
    Edit::Swap,
    Edit::Case,
    Edit::Space,
    Edit::Tab,
    Edit::Fold,
    Edit::Break,
    Edit::BareLf,
    Edit::BareCr,
    Edit::InName,
    Edit::AtEnd,
    Edit::Value,
    Edit::Element,
    Edit::Insert,
    Edit::Huge,
    Edit::Older,
    Edit::Many,
    Edit::CutOff,
];

/// Values that mean something somewhere.
pub(super) const WORDS: [&str; 32] = [
    "",
    "0",
    "1",
    "00",
    "5",
    "8",
    "13",
    "13, 8",
    "websocket",
    "WebSocket",
    "\"websocket\"",
    "websocket/1",
    "h2c",
    "upgrade",
    "keep-alive, Upgrade",
    "close",
    "chat",
    "super chat",
    "chat, superchat",
    "\"a,b\", \"c\\\",d\", e",
    "permessage-deflate; client_max_window_bits",
    ",",
    "example.com",
    "[::1]:80",
    "a:65536",
    "null",
    "https://example.com",
    "chunked",
    "gzip, chunked",
    "AAAAAAAAAAAAAAAAAAAAAA==",
    "AAAAAAAAAAAAAAAAAAAAAB==",
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];

/// Names of fields that mean something, or nothing.
const NAMES: [&str; 8] = [
    "Content-Length",
    "Transfer-Encoding",
    "Sec-WebSocket-Extensions",
    "Retry-After",
    "Cookie",
    "X-List",
    "Sec-WebSocket-Accept",
    "x",
];

/// A draft is not made longer than this, whatever is repeated: beyond the limit on heads.
const LONGEST: usize = 20_000;

impl Draft {
    pub fn as_is(bytes: impl Into<Vec<u8>>) -> Self {
        Self { source: Source::AsIs, bytes: bytes.into() }
    }

    pub fn edits(edits: impl IntoIterator<Item = (Edit, u8, u8)>) -> Self {
        let place = |edit| EDITS.iter().position(|other| *other == edit).unwrap_or_default() as u8;
        let bytes = edits.into_iter().flat_map(|(edit, line, number)| [place(edit), line, number]).collect();
        Self { source: Source::Edits, bytes }
    }

    pub(super) fn take_rest(u: &mut Unstructured<'_>) -> Result<Self> {
        let source = if u.arbitrary::<u8>()? % 2 == 0 { Source::AsIs } else { Source::Edits };
        Ok(Self { source, bytes: u.bytes(u.len())?.to_vec() })
    }

    pub(super) fn encode(&self, input: &mut Vec<u8>) {
        input.push(u8::from(self.source == Source::Edits));
        input.extend(&self.bytes);
    }

    /// The bytes, where `head` is the head that is right, and `tail` what follows it.
    pub(super) fn build(&self, head: &[u8], tail: &[u8]) -> Vec<u8> {
        if self.source == Source::AsIs {
            return self.bytes.clone();
        }
        let mut lines: Vec<Vec<u8>> =
            head.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let mut missing = 0;
        for [edit, line, number] in self.bytes.as_chunks().0 {
            let (line, count) = (usize::from(*line) % lines.len().max(1), usize::from(*number));
            match EDITS[usize::from(*edit) % EDITS.len()] {
                _ if lines.is_empty() => break,
                Edit::Remove => drop(lines.remove(line)),
                Edit::Double => lines.insert(line, lines[line].clone()),
                Edit::Swap => {
                    let other = count % lines.len();
                    lines.swap(line, other);
                }
                Edit::Many => {
                    let room = LONGEST.saturating_sub(lines.iter().map(Vec::len).sum());
                    let times = (count * 4).min(room / lines[line].len().max(1));
                    let copies = vec![lines[line].clone(); times];
                    lines.splice(line..line, copies);
                }
                Edit::Insert => {
                    let name = NAMES[count / WORDS.len() % NAMES.len()];
                    let field = format!("{name}: {}\r\n", WORDS[count % WORDS.len()]);
                    lines.insert(line, field.into_bytes());
                }
                Edit::CutOff => missing += count,
                edit => spoil(&mut lines[line], edit, *number),
            }
        }
        let mut stream = lines.concat();
        stream.extend(tail);
        stream.truncate(stream.len().saturating_sub(missing));
        stream
    }
}

fn spoil(line: &mut Vec<u8>, edit: Edit, number: u8) {
    let (line_end, colon) = (line.len().saturating_sub(2), line.iter().position(|byte| *byte == b':'));
    let at = usize::from(number).min(line_end);
    let value = colon.map_or(0, |colon| colon + 1).min(line_end);
    let mut put = |at: usize, bytes: &[u8]| drop(line.splice(at..at, bytes.iter().copied()));
    let word = WORDS[usize::from(number) % WORDS.len()];
    match edit {
        Edit::Space => put(at, b" "),
        Edit::Tab => put(at, b"\t"),
        Edit::Fold => put(at, b"\r\n "),
        Edit::Break => put(at, b"\r\n"),
        Edit::BareLf => put(at, b"\n"),
        Edit::BareCr => put(at, b"\r"),
        Edit::InName => put(colon.unwrap_or(0), &[number]),
        Edit::AtEnd => put(line_end, &[number]),
        Edit::Element => put(line_end, format!(", {word}").as_bytes()),
        Edit::Value => drop(line.splice(value..line_end, format!(" {word}").into_bytes())),
        Edit::Case => {
            let letters = line.iter_mut().enumerate().filter(|(place, _)| number >> (place % 8) & 1 == 1);
            letters.filter(|(_, byte)| byte.is_ascii_alphabetic()).for_each(|(_, byte)| *byte ^= 0x20);
        }
        Edit::Huge => {
            let digits = line[value..].iter_mut().filter(|byte| byte.is_ascii_digit());
            digits.for_each(|digit| *digit = b'9');
        }
        Edit::Older => {
            line.iter_mut()
                .filter(|byte| byte.is_ascii_digit())
                .nth(1)
                .into_iter()
                .for_each(|digit| *digit = b'0');
        }
        Edit::Remove | Edit::Double | Edit::Swap | Edit::Insert | Edit::Many | Edit::CutOff => {}
    }
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.source == Source::AsIs {
            return write!(f, "{:?} \"{}\"", self.source, self.bytes.escape_ascii());
        }
        let edits = self.bytes.as_chunks().0.iter();
        let edits = edits.map(|[edit, line, number]| (EDITS[usize::from(*edit) % EDITS.len()], line, number));
        f.debug_list().entries(edits).finish()
    }
}
