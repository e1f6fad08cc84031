//! Comma-separated lists in header fields (RFC 9110 §5.6.1).

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
            let element = match separator(value).and_then(|comma| value.split_at_checked(comma)) {
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

fn separator(value: &[u8]) -> Option<usize> {
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
            b',' => return !quoted,
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

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
