//! Comma-separated lists in header fields (RFC 9110 §5.6.1), and what their elements may be.

use super::check::is_token_byte;

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
            let element = match comma(value).and_then(|comma| value.split_at_checked(comma)) {
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

/// The name and the parameters of an element of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), if it begins as one does.
pub(crate) fn extension(element: &[u8]) -> Option<(&[u8], Parameters<'_>)> {
    let (name, rest) = token(element)?;
    Some((name, Parameters { rest }))
}

/// Whether an element of `Sec-WebSocket-Extensions` is one. Every byte is looked at twice at most.
pub(crate) fn is_extension(element: &[u8]) -> bool {
    extension(element).is_some_and(|(_, mut parameters)| parameters.all(|parameter| parameter.is_some()))
}

/// The parameters of an extension; `None` for one that breaks the grammar, with which they end.
#[derive(Clone, Debug)]
pub(crate) struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Option<Parameter<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((parameter, rest)) = parameter(self.rest) else {
            self.rest = &[];
            return Some(None);
        };
        self.rest = rest;
        Some(Some(parameter))
    }
}

/// A name, and the value if there is one: a token, or what stands between quotes.
type Parameter<'a> = (&'a [u8], Option<&'a [u8]>);

/// A semicolon and a parameter, and what follows it.
fn parameter(text: &[u8]) -> Option<(Parameter<'_>, &[u8])> {
    let (name, rest) = token(text.strip_prefix(b";")?.trim_ascii_start())?;
    let Some(rest) = rest.strip_prefix(b"=") else { return Some(((name, None), rest)) };
    let (value, rest) = value(rest.trim_ascii_start())?;
    Some(((name, Some(value)), rest))
}

/// A value, and what follows it.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(text) = text.strip_prefix(b"\"") else { return token(text) };
    // A quote that is escaped would be no token.
    let (quoted, rest) = text.split_at_checked(text.iter().position(|&byte| byte == b'"')?)?;
    is_token_once_unquoted(quoted).then_some((quoted, rest.get(1..)?.trim_ascii_start()))
}

/// A token, and what follows it and the white space behind it.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = text.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(text.len());
    let (token, rest) = text.split_at_checked(length)?;
    (!token.is_empty()).then_some((token, rest.trim_ascii_start()))
}

/// What stands between quotes must be a token too, once it is unquoted (RFC 6455 §9.1).
fn is_token_once_unquoted(quoted: &[u8]) -> bool {
    let mut escaped = false;
    let bytes = quoted.iter().all(|&byte| {
        escaped = byte == b'\\' && !escaped;
        escaped || is_token_byte(byte)
    });
    bytes && !escaped && !quoted.is_empty()
}

/// Where the first comma outside of quotes is.
fn comma(value: &[u8]) -> Option<usize> {
    let mut bytes = value.iter().enumerate();
    while let Some((place, &byte)) = bytes.find(|(_, byte)| matches!(byte, b',' | b'"')) {
        if byte == b',' {
            return Some(place);
        }
        // to the end of what is quoted
        while let Some((_, b'\\')) = bytes.find(|(_, byte)| matches!(byte, b'"' | b'\\')) {
            bytes.next();
        }
    }
    None
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
