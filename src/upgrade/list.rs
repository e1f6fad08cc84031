//! Comma-separated lists in header fields (RFC 9110 §5.6.1), and what their elements may be.

use super::check::is_token;

/// The elements of one field line, trimmed, without the empty ones. A comma inside a quoted string does not
/// separate (RFC 9110 §5.6.4); a quote that is never closed takes the rest of the line with it. Every byte is
/// looked at once.
pub(crate) fn elements(value: &[u8]) -> Elements<'_> {
    Elements { rest: Some(value) }
}

#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let value = self.rest.take()?;
            let element = match position(value, b',').and_then(|comma| value.split_at_checked(comma)) {
                Some((element, rest)) => {
                    self.rest = rest.get(1..);
                    element
                }
                None => value,
            };
            let element = element.trim_ascii();
            if !element.is_empty() {
                return Some(element);
            }
        }
    }
}

/// Whether an element of `Sec-WebSocket-Extensions` is one: a name and parameters (RFC 6455 §9.1). Every byte is looked at
/// three times at most.
pub(crate) fn is_extension(element: &[u8]) -> bool {
    let (name, mut parameters) = parameters(element);
    is_token(name)
        && parameters.all(|(name, value)| is_token(name) && value.is_none_or(Value::is_well_formed))
}

/// The name of an extension, and its parameters.
pub(crate) fn parameters(element: &[u8]) -> (&[u8], impl Iterator<Item = (&[u8], Option<Value<'_>>)>) {
    let mut rest = Some(element);
    let mut parts = core::iter::from_fn(move || {
        let value = rest.take()?;
        let (part, after) =
            position(value, b';').and_then(|semicolon| value.split_at_checked(semicolon)).unzip();
        rest = after.and_then(|after| after.get(1..));
        Some(part.unwrap_or(value).trim_ascii())
    });
    (parts.next().unwrap_or_default(), parts.map(parameter))
}

fn parameter(part: &[u8]) -> (&[u8], Option<Value<'_>>) {
    match part.iter().position(|&byte| byte == b'=').and_then(|equals| part.split_at_checked(equals)) {
        Some((name, value)) => {
            (name.trim_ascii(), Some(Value(value.get(1..).unwrap_or_default().trim_ascii())))
        }
        None => (part, None),
    }
}

/// The value of a parameter, a token or a quoted string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a>(&'a [u8]);

impl Value<'_> {
    fn is_well_formed(self) -> bool {
        match self.0.strip_prefix(b"\"").map(|value| value.strip_suffix(b"\"")) {
            Some(quoted) => quoted.is_some_and(is_token_once_unquoted),
            None => is_token(self.0),
        }
    }

    /// Whether a well-formed value says this.
    #[cfg(feature = "deflate")]
    pub(crate) fn is(self, token: &[u8]) -> bool {
        // In a token, and around one, quotes and backslashes are nothing but quotation.
        self.0.iter().filter(|byte| !matches!(byte, b'"' | b'\\')).eq(token)
    }
}

/// What stands between quotes must be a token too, once it is unquoted (RFC 6455 §9.1).
fn is_token_once_unquoted(quoted: &[u8]) -> bool {
    let mut escaped = false;
    let bytes = quoted.iter().all(|&byte| {
        escaped = byte == b'\\' && !escaped;
        escaped || is_token(&[byte])
    });
    bytes && !escaped && !quoted.is_empty()
}

/// Where this separator comes first outside of quotes.
fn position(value: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    value.iter().position(|&byte| {
        if escaped {
            escaped = false;
            return false;
        }
        match byte {
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => return byte == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn extensions() {
        let good =
            ["foo", "permessage-deflate; client_max_window_bits", "a;b=1; c = \"2\" ;d", "a;b=\"\\1\\2\""];
        for value in good {
            assert!(is_extension(value.as_bytes()), "{value}");
        }
        let bad = [
            "",
            ";",
            "a;",
            "a;;b",
            ";a",
            "a b",
            "a=1",
            "a;b=",
            "a;=1",
            "a;b=\"\"",
            "a;b=\"1",
            "a;b=1\"",
            "a;b=\"1 2\"",
            "a;b=\"1;2\"",
            "a;b=\"1\\\"",
            "a;b=\"\\,\"",
            "a;b=1=2",
            "\"a\"",
            "a;\"b\"",
            "a;b=\"1\"2",
            "a\\",
        ];
        for value in bad {
            assert!(!is_extension(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn splits() {
        let table: [(&str, &[&str]); 8] = [
            ("", &[]),
            (" , ,", &[]),
            ("a", &["a"]),
            ("keep-alive, Upgrade", &["keep-alive", "Upgrade"]),
            ("a;x=\"1,2\" ,b", &["a;x=\"1,2\"", "b"]),
            ("a;x=\"\\\",\",b", &["a;x=\"\\\",\"", "b"]),
            ("a\\,b", &["a\\", "b"]),
            ("a,\"b,c", &["a", "\"b,c"]),
        ];
        for (value, expected) in table {
            let found: Vec<_> =
                elements(value.as_bytes()).map(|e| core::str::from_utf8(e).unwrap()).collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
