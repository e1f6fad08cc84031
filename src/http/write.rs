//! Writes heads, and the answers of a server with their bodies.

use alloc::format;
use alloc::string::String;

use bytes::Bytes;

use crate::upgrade::{Accept, ClientRequest};

/// The request of the opening handshake (RFC 6455 §4.1), with a key in base64 and the extensions on offer.
pub(crate) fn request_head(request: &ClientRequest, key: &[u8], extensions: Option<&str>) -> Bytes {
    let (origin_name, origin) = match request.origin_value() {
        Some(origin) => ("\r\nOrigin: ", origin),
        None => ("", ""),
    };
    let mut protocols = String::new();
    for name in request.subprotocols() {
        protocols.push_str(if protocols.is_empty() { "\r\nSec-WebSocket-Protocol: " } else { ", " });
        protocols.push_str(name);
    }
    let (extensions_name, extensions) = extensions_field(extensions);
    let parts: &[&[u8]] = &[
        b"GET ",
        request.target().as_bytes(),
        b" HTTP/1.1\r\nHost: ",
        request.host().as_bytes(),
        b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ",
        key,
        b"\r\nSec-WebSocket-Version: 13",
        origin_name.as_bytes(),
        origin.as_bytes(),
        protocols.as_bytes(),
        extensions_name.as_bytes(),
        extensions.as_bytes(),
        b"\r\n",
        request.header_lines(),
        b"\r\n",
    ];
    parts.concat().into()
}

/// The 101 that opens the connection (RFC 6455 §4.2.2), with the value that answers the client's key and the extensions
/// agreed to.
pub(crate) fn switching_head(accept: &Accept, accept_value: &[u8], extensions: Option<&str>) -> Bytes {
    let (protocol_name, protocol) = match accept.chosen_subprotocol() {
        Some(name) => ("\r\nSec-WebSocket-Protocol: ", name),
        None => ("", ""),
    };
    let (extensions_name, extensions) = extensions_field(extensions);
    let parts: &[&[u8]] = &[
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        accept_value,
        protocol_name.as_bytes(),
        protocol.as_bytes(),
        extensions_name.as_bytes(),
        extensions.as_bytes(),
        b"\r\n",
        accept.header_lines(),
        b"\r\n",
    ];
    parts.concat().into()
}

fn extensions_field(value: Option<&str>) -> (&str, &str) {
    match value {
        Some(value) => ("\r\nSec-WebSocket-Extensions: ", value),
        None => ("", ""),
    }
}

/// Whether an answer carries its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Body,
    /// For HEAD: as if, but without (RFC 9110 §9.3.2).
    HeadOnly,
}

/// An answer after which the connection ends. `lines` are complete field lines.
pub(crate) fn answer(status: u16, lines: &[u8], body: &[u8], content: Content) -> Bytes {
    let body = if matches!(status, 204 | 205 | 304) { b"" } else { body };
    // 204 must not have a length, and that of a 304 would be the page's (RFC 9110 §8.6)
    let length = match status {
        204 | 304 => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    // 426 names the protocol, and what it names is an option of the connection (RFC 9110 §7.8, §15.5.22)
    let connection = match status {
        426 => "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        _ => "Connection: close\r\n",
    };
    let status_line = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    let parts: &[&[u8]] = &[
        status_line.as_bytes(),
        connection.as_bytes(),
        length.as_bytes(),
        lines,
        b"\r\n",
        if content == Content::HeadOnly { b"" } else { body },
    ];
    parts.concat().into()
}

/// An answer of the machine's own, with a line for whoever debugs the peer.
pub(crate) fn plain_answer(status: u16, explanation: &str, content: Content) -> Bytes {
    let lines: &[u8] = match status {
        // a 405 names the methods that are allowed (RFC 9110 §15.5.6)
        405 => b"Allow: GET\r\nContent-Type: text/plain\r\n",
        _ => b"Content-Type: text/plain\r\n",
    };
    answer(status, lines, format!("{explanation}\n").as_bytes(), content)
}

/// The phrase is for people only (RFC 9110 §15.1): the common ones are enough.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(
            answer(503, b"Retry-After: 5\r\n", b"busy", Content::Body),
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 4\r\nRetry-After: 5\r\n\r\nbusy"
        );
        assert_eq!(
            answer(200, b"", b"page", Content::HeadOnly),
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n"
        );
        assert_eq!(
            answer(599, b"", b"", Content::Body),
            "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(
            answer(204, b"", b"page", Content::Body),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            plain_answer(426, "no", Content::Body),
            "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nno\n"
        );
    }
}
