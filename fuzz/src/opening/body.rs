//! The body of a refusal a second time (RFC 9112 §6 and §7.1), over all that came of it.

use super::http::{self, Fields};

/// How much of a body came, and whether it is known to be all.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) state: Came,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// All of it.
    Whole,
    /// More than is kept, or something that is no body: nothing more is awaited.
    TooMuch,
    /// A part: more was announced.
    Part,
    /// What comes until the end is the body.
    UntilTheEnd,
}

/// `stream` is what came behind the head; at most `cap` bytes are kept.
pub(super) fn read_body(status: u16, fields: &Fields<'_>, stream: &[u8], cap: usize) -> Body {
    if matches!(status, 204 | 304) {
        return Body { bytes: Vec::new(), state: Came::Whole };
    }
    let lengths = http::list(fields, "content-length");
    let length = lengths.first().and_then(|length| decimal(length));
    let one_length = length.is_some() && lengths.iter().all(|other| decimal(other) == length);
    let codings = http::list(fields, "transfer-encoding");
    let (bytes, state) = match (length, &codings[..]) {
        (Some(length), []) if one_length => up_to(stream, length),
        (None, [coding]) if lengths.is_empty() && coding.eq_ignore_ascii_case(b"chunked") => chunks(stream),
        _ => (stream.to_vec(), Came::UntilTheEnd),
    };
    if bytes.len() > cap {
        Body { bytes: bytes[..cap].to_vec(), state: Came::TooMuch }
    } else {
        Body { bytes, state }
    }
}

fn up_to(stream: &[u8], length: u64) -> (Vec<u8>, Came) {
    match usize::try_from(length).ok().and_then(|length| stream.get(..length)) {
        Some(body) => (body.to_vec(), Came::Whole),
        None => (stream.to_vec(), Came::Part),
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let all = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
}

fn chunks(mut stream: &[u8]) -> (Vec<u8>, Came) {
    let mut body = Vec::new();
    loop {
        // One by one, since what is wrong is wrong at once, and what is missing may still come.
        let digits = stream.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size =
            str::from_utf8(&stream[..digits]).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let line = &stream[digits..];
        let extension = match line.first() {
            _ if digits > 15 => return (body, Came::TooMuch),
            None => return (body, Came::Part),
            Some(_) if digits == 0 => return (body, Came::TooMuch),
            Some(b'\r') => 0,
            Some(b';' | b' ' | b'\t') => {
                line.iter().take_while(|byte| **byte == b'\t' || **byte >= b' ').count()
            }
            Some(_) => return (body, Came::TooMuch),
        };
        let Some(rest) = after_crlf(&line[extension..]) else { return (body, Came::TooMuch) };
        let Some(rest) = rest else { return (body, Came::Part) };
        let Some(size) = size.filter(|size| *size > 0) else { return (body, Came::Whole) };
        let (data, came) = up_to(rest, size);
        body.extend(&data);
        if came == Came::Part {
            return (body, Came::Part);
        }
        let Some(rest) = after_crlf(&rest[data.len()..]) else { return (body, Came::TooMuch) };
        let Some(rest) = rest else { return (body, Came::Part) };
        stream = rest;
    }
}

/// What follows a CR LF: nothing inside if that has not come whole, and nothing at all if something else has.
fn after_crlf(stream: &[u8]) -> Option<Option<&[u8]>> {
    match stream {
        [b'\r', b'\n', rest @ ..] => Some(Some(rest)),
        [] | [b'\r'] => Some(None),
        _ => None,
    }
}
