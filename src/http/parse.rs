//! The syntax of start lines, which httparse knows, and of header fields.

use httparse::Status;

use crate::upgrade::lines::{field, lines};
use crate::upgrade::{HandshakeError, check};

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
    let absolute =
        || check::absolute_form(target).is_some_and(|(host, _)| check::authority(host.as_bytes()).is_some());
    check::is_target_text(target) && (target.starts_with('/') || absolute())
}

/// Shows each field of a block to `visit`. The block is complete lines and the blank line that ends them.
///
/// A field may have been shown before a later one turns out to be malformed.
pub(crate) fn for_each_field<'a>(
    block: &'a [u8],
    mut visit: impl FnMut(&'a [u8], &'a [u8]),
) -> Result<(), HandshakeError> {
    // the controls but this one are not in a head
    if block.iter().fold(false, |found, &byte| found | (byte == 0x7f)) {
        return Err(HandshakeError::HeaderSyntax);
    }
    for line in lines(block) {
        let (name, value) = field(line).ok_or(HandshakeError::HeaderSyntax)?;
        visit(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::http::head::HeadReader;

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

    proptest! {
        #[test]
        fn fields_are_read_as_httparse_reads_them(
            lines in proptest::collection::vec("[a-cA!~ :\t\u{7f}ä]{1,3}:?[ -~\t\u{7f}ä]{0,20}", 0..6),
        ) {
            let block: String = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>() + "\r\n";
            let mut headers = [httparse::EMPTY_HEADER; 6];
            let expected = match httparse::parse_headers(block.as_bytes(), &mut headers) {
                Ok(Status::Complete((_, fields))) => {
                    Ok(fields.iter().map(|field| (field.name.as_bytes(), field.value)).collect::<Vec<_>>())
                }
                Ok(Status::Partial) | Err(_) => Err(HandshakeError::HeaderSyntax),
            };
            let mut found = Vec::new();
            let read = for_each_field(block.as_bytes(), |name, value| found.push((name, value)));
            prop_assert_eq!(read.map(|()| found), expected);
        }
    }

    proptest! {
        /// What ends a line for some and not for others does not get through: what is accepted of any bytes, httparse reads as the
        /// same fields.
        #[test]
        fn a_head_that_is_accepted_is_read_by_httparse_alike(
            pieces in proptest::collection::vec(
                prop::sample::select(&["a", "b", ":", ": ", " ", "\t", "\r\n", "\r\n", "\r", "\n", "\0", "\u{7f}"][..]),
                0..16,
            ),
        ) {
            let bytes = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", pieces.concat());
            let mut input = BytesMut::from(bytes.as_str());
            let mut reader = HeadReader::new(4096, |line| request_line(line).map(drop));
            let Ok(Some(head)) = reader.read(&mut input) else { return Ok(()) };
            let mut found = Vec::new();
            if for_each_field(head.block(), |name, value| found.push((name, value))).is_err() {
                return Ok(());
            }
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut request = httparse::Request::new(&mut headers);
            let read = request.parse(bytes.as_bytes());
            prop_assert_eq!(read, Ok(Status::Complete(bytes.len() - input.len())));
            let expected: Vec<_> =
                request.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn any_number_of_fields() {
        for count in [0, 1, 2, 1000] {
            let lines: String = (0..count).map(|n| format!("n{n}: {n} \t\r\n")).collect();
            let block = lines + "\r\n";
            let mut found = Vec::new();
            for_each_field(block.as_bytes(), |name, value| {
                found.push((name.to_vec(), value.to_vec()));
            })
            .unwrap();
            let expected: Vec<_> =
                (0..count).map(|n| (format!("n{n}").into_bytes(), format!("{n}").into_bytes())).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn malformed_fields() {
        for line in ["a : b", " a: b", "\ta: b", ": b", "a", "a b: c", "ä: b", "a: b\r\n c", "a: \x7f"] {
            for before in [0, 1, 100] {
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
