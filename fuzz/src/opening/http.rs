//! Heads of HTTP a second time: from the text of RFC 9110 and RFC 9112, byte by byte and over the whole head, so that
//! each can be held against the other.

use websocket_proto::HandshakeError;

/// What a stream of bytes begins with.
#[derive(Debug)]
pub(super) enum Begins<'a> {
    /// A head that ends: its lines, without their ends, and its length.
    With(Vec<&'a [u8]>, usize),
    /// The beginning of one, which may still become anything; its first line, if that is complete.
    So(Option<&'a [u8]>),
    /// Bytes that are in no head, after the first line, if that is complete.
    Wrong(HandshakeError, Option<&'a [u8]>),
}

/// RFC 9112 §2.1 and §2.2, of at most `limit` bytes.
pub(super) fn begins(stream: &[u8], limit: usize) -> Begins<'_> {
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < stream.len().min(limit) {
        match (stream[at], stream.get(at + 1)) {
            (b'\r', Some(b'\n')) if at + 1 < limit => {
                at += 2;
                let line = &stream[start..at - 2];
                if line.is_empty() {
                    lines.push(line);
                    return Begins::With(lines, at);
                }
                lines.push(line);
                start = at;
            }
            // The other half is still to come, or is beyond the limit.
            (b'\r', None) => at += 1,
            (b'\r', Some(_)) if at + 1 == limit => at += 1,
            (b'\r', Some(_)) | (b'\n', _) => {
                return Begins::Wrong(HandshakeError::LineEnding, lines.first().copied());
            }
            (0..=0x1f, _) if stream[at] != b'\t' => {
                return Begins::Wrong(HandshakeError::ControlCharacter, lines.first().copied());
            }
            _ => at += 1,
        }
    }
    if stream.len() >= limit {
        return Begins::Wrong(HandshakeError::HeadTooLarge, lines.first().copied());
    }
    Begins::So(lines.first().copied())
}

/// The fields of a head, in order: names as they are, values without what surrounds them.
pub(super) type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

/// The lines after the first one as fields (RFC 9112 §5, RFC 9110 §5.5). `None`: one of them is none.
pub(super) fn fields<'a>(lines: &[&'a [u8]]) -> Option<Fields<'a>> {
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = trim(&line[colon + 1..]);
            (is_token(&line[..colon]) && !value.contains(&0x7f)).then_some((&line[..colon], value))
        })
        .collect()
}

/// All values of this name.
pub(super) fn values<'a>(fields: &Fields<'a>, name: &str) -> Vec<&'a [u8]> {
    let named = fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|(_, value)| *value).collect()
}

/// All elements of the lists of this name (RFC 9110 §5.6.1): a comma within quotes is none.
pub(super) fn list<'a>(fields: &Fields<'a>, name: &str) -> Vec<&'a [u8]> {
    let mut elements = Vec::new();
    for value in values(fields, name) {
        let (mut start, mut at, mut in_quotes) = (0, 0, false);
        while at < value.len() {
            match value[at] {
                b'\\' if in_quotes => at += 1,
                b'"' => in_quotes = !in_quotes,
                b',' if !in_quotes => {
                    elements.push(trim(&value[start..at]));
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        elements.push(trim(&value[start..]));
    }
    elements.retain(|element| !element.is_empty());
    elements
}

pub(super) fn lists(fields: &Fields<'_>, name: &str, wanted: &str) -> bool {
    list(fields, name).iter().any(|element| element.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let others = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || others.contains(byte))
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// `host[:port]` (RFC 3986 §3.2.2, §3.2.3), without an empty host and without commas, which are two hosts.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| *byte == b':' || *byte == b']') {
        Some(at) if text[at] == b':' => (&text[..at], &text[at + 1..]),
        _ => (text, &b""[..]),
    };
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    let is_host = match host {
        [b'[', address @ .., b']'] => {
            address.contains(&b':')
                && address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
        }
        name => !name.is_empty() && name.iter().all(in_name),
    };
    let number = port.iter().try_fold(0_u32, |number, byte| {
        let number = number * 10 + byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        (number <= 0xffff).then_some(number)
    });
    is_host && number.is_some()
}
