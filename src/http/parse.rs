//! The syntax of start lines and header fields, which httparse knows.

use core::str;

use httparse::{EMPTY_HEADER, Status};

use crate::upgrade::{HandshakeError, check};

/// How many fields are parsed at once. It is no limit: where there are more, parsing resumes after the last.
const BATCH: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) version: Version,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatusLine<'a> {
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) reason: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http10,
    Http11,
}

/// Parses a request line that ends in CR LF. The target is an absolute path, or a URI with one of the schemes
/// that HTTP and WebSocket have (RFC 9112 §3.2); the other forms are for proxies and OPTIONS.
pub(crate) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, HandshakeError> {
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse(line);
    if parsed == Err(httparse::Error::Version) {
        let names_http =
            line.split(|&byte| byte == b' ').nth(2).is_some_and(|word| word.starts_with(b"HTTP/"));
        return Err(if names_http { HandshakeError::HttpVersion } else { HandshakeError::RequestLine });
    }
    // the fields that would follow are missing, and that is all that may be wrong
    match (parsed, request.method, request.path, request.version) {
        (Ok(Status::Partial), Some(method), Some(target), Some(minor)) if is_target(target) => {
            Ok(RequestLine { method, target, version: version(minor) })
        }
        _ => Err(HandshakeError::RequestLine),
    }
}

/// Parses a status line that ends in CR LF.
pub(crate) fn status_line(line: &[u8]) -> Result<StatusLine<'_>, HandshakeError> {
    let mut response = httparse::Response::new(&mut []);
    let parsed = response.parse(line);
    if parsed == Err(httparse::Error::Version) && line.starts_with(b"HTTP/") {
        return Err(HandshakeError::HttpVersion);
    }
    match (parsed, response.version, response.code, response.reason) {
        (Ok(Status::Partial), Some(minor), Some(status), Some(reason)) if status >= 100 => {
            Ok(StatusLine { version: version(minor), status, reason })
        }
        _ => Err(HandshakeError::StatusLine),
    }
}

fn version(minor: u8) -> Version {
    if minor == 0 { Version::Http10 } else { Version::Http11 }
}

fn is_target(target: &str) -> bool {
    let absolute = || check::absolute_form(target).is_some_and(|(host, _)| check::authority(host).is_some());
    check::is_target_text(target) && (target.starts_with('/') || absolute())
}

/// Shows each field of a block to `visit`. The block is complete lines and the blank line that ends them.
///
/// A field may have been shown before a later one turns out to be malformed.
pub(crate) fn for_each_field<'a>(
    block: &'a [u8],
    mut visit: impl FnMut(&'a str, &'a [u8]),
) -> Result<(), HandshakeError> {
    let mut rest = block;
    loop {
        let mut batch = [EMPTY_HEADER; BATCH];
        match httparse::parse_headers(rest, &mut batch) {
            Ok(Status::Complete((_, fields))) => {
                fields.iter().for_each(|field| visit(field.name, field.value));
                return Ok(());
            }
            Err(httparse::Error::TooManyHeaders) => {
                batch.iter().for_each(|field| visit(field.name, field.value));
                let last = batch.last().map(|field| field.value).unwrap_or_default();
                rest = after_line(rest, last).ok_or(HandshakeError::HeaderSyntax)?;
            }
            Ok(Status::Partial) | Err(_) => return Err(HandshakeError::HeaderSyntax),
        }
    }
}

/// What follows the line of `block` that `value`, a part of the block, is on.
fn after_line<'a>(block: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    let start = value.as_ptr().addr().checked_sub(block.as_ptr().addr())?;
    let rest = block.get(start.checked_add(value.len())?..)?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    rest.get(end.checked_add(1)?..)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn request_lines() {
        use HandshakeError::{HttpVersion, RequestLine as Malformed};
        let table = [
            ("GET / HTTP/1.1\r\n", Ok(("GET", "/", Version::Http11))),
            ("GET /a?b HTTP/1.0\r\n", Ok(("GET", "/a?b", Version::Http10))),
            ("BREW /pot HTTP/1.1\r\n", Ok(("BREW", "/pot", Version::Http11))),
            ("GET http://a:1/x HTTP/1.1\r\n", Ok(("GET", "http://a:1/x", Version::Http11))),
            ("PRI * HTTP/2.0\r\n", Err(HttpVersion)),
            ("GET / HTTP/1.2\r\n", Err(HttpVersion)),
            ("GET / http/1.1\r\n", Err(Malformed)),
            ("GET * HTTP/1.1\r\n", Err(Malformed)),
            ("GET ftp://a/ HTTP/1.1\r\n", Err(Malformed)),
            ("GET http:///x HTTP/1.1\r\n", Err(Malformed)),
            ("GET http://u@a/x HTTP/1.1\r\n", Err(Malformed)),
            ("GET a HTTP/1.1\r\n", Err(Malformed)),
            ("GET /a#b HTTP/1.1\r\n", Err(Malformed)),
            ("GET /ä HTTP/1.1\r\n", Err(Malformed)),
            ("GET /a b HTTP/1.1\r\n", Err(Malformed)),
            ("GET  / HTTP/1.1\r\n", Err(Malformed)),
            ("GET / HTTP/1.1 \r\n", Err(Malformed)),
            (" GET / HTTP/1.1\r\n", Err(Malformed)),
            ("GET /\r\n", Err(Malformed)),
            ("SSH-2.0-x\r\n", Err(Malformed)),
            ("\r\n", Err(Malformed)),
            ("", Err(Malformed)),
        ];
        for (line, expected) in table {
            let parsed = request_line(line.as_bytes()).map(|line| (line.method, line.target, line.version));
            assert_eq!(parsed, expected, "{line}");
        }
    }

    #[test]
    fn status_lines() {
        use HandshakeError::{HttpVersion, StatusLine as Malformed};
        let table = [
            ("HTTP/1.1 101 Switching Protocols\r\n", Ok((101, "Switching Protocols", Version::Http11))),
            ("HTTP/1.0 404 \r\n", Ok((404, "", Version::Http10))),
            ("HTTP/1.1 404\r\n", Ok((404, "", Version::Http11))),
            ("HTTP/1.1 404 \u{e4}\r\n", Ok((404, "", Version::Http11))),
            ("HTTP/1.1 099 x\r\n", Err(Malformed)),
            ("HTTP/1.1 1010 x\r\n", Err(Malformed)),
            ("HTTP/1.1  101 x\r\n", Err(Malformed)),
            ("HTTP/2 101\r\n", Err(HttpVersion)),
            ("SSH-2.0-x\r\n", Err(Malformed)),
            ("\r\n", Err(Malformed)),
        ];
        for (line, expected) in table {
            let parsed = status_line(line.as_bytes()).map(|line| (line.status, line.reason, line.version));
            assert_eq!(parsed, expected, "{line}");
        }
    }

    #[test]
    fn any_number_of_fields() {
        for count in [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH, 1000] {
            let lines: String = (0..count).map(|n| format!("n{n}: {n} \t\r\n")).collect();
            let block = lines + "\r\n";
            let mut found = Vec::new();
            for_each_field(block.as_bytes(), |name, value| {
                found.push((String::from(name), value.to_vec()));
            })
            .unwrap();
            let expected: Vec<_> =
                (0..count).map(|n| (format!("n{n}"), format!("{n}").into_bytes())).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn empty_values_at_the_edge_of_a_batch() {
        let block = "a: \t\r\n".repeat(3 * BATCH + 1) + "\r\n";
        let mut count = 0;
        for_each_field(block.as_bytes(), |name, value| {
            assert_eq!((name, value), ("a", &b""[..]));
            count += 1;
        })
        .unwrap();
        assert_eq!(count, 3 * BATCH + 1);
    }

    #[test]
    fn malformed_fields() {
        for line in ["a : b", " a: b", "\ta: b", ": b", "a", "a b: c", "ä: b", "a: b\r\n c", "a: \x7f"] {
            for before in [0, 1, BATCH - 1, BATCH, BATCH + 1] {
                let block = format!("{}{line}\r\n\r\n", "x: y\r\n".repeat(before));
                assert_eq!(
                    for_each_field(block.as_bytes(), |_, _| ()),
                    Err(HandshakeError::HeaderSyntax),
                    "{line}"
                );
            }
        }
    }
}
