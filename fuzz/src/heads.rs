//! What an application may read of a head: all of it keeps to its documentation, whatever the peer sent.

use websocket_proto::{Headers, HttpRequest, Request, Response};

/// A lookup walks all fields, so only so many of them are looked up.
pub(crate) const LOOKED_UP: usize = 64;

pub(crate) fn read_request(request: &Request) {
    read_target(request.target(), request.path(), request.query());
    read_headers(request.headers());
    assert!(request.host().bytes().all(is_visible));
    assert!(request.subprotocols().all(is_token));
    let last = request.subprotocols().last();
    assert_eq!(last.and_then(|last| request.select_subprotocol(&["", last])), last);
    for (name, value) in request.cookies() {
        assert!(!name.contains(['=', ';']) && !value.contains(';'));
    }
    assert_eq!(request.origin().is_some(), request.headers().get("ORIGIN").is_some());
    no_controls(&format!("{request:?}"));
}

pub(crate) fn read_http_request(request: &HttpRequest) {
    assert!(matches!(request.method(), "GET" | "HEAD"));
    read_target(request.target(), request.path(), request.query());
    read_headers(request.headers());
    assert!(request.host().is_none_or(|host| host.bytes().all(is_visible)));
    no_controls(&format!("{request:?}"));
}

pub(crate) fn read_response(response: &Response) {
    assert!(matches!(response.status(), 101 | 200..=999));
    assert!(response.status() != 101 || response.body().is_empty());
    assert!(response.reason().is_ascii());
    read_headers(response.headers());
    assert!(response.subprotocol().is_none_or(is_token));
    assert!(response.location().is_none_or(|location| !location.contains(['\r', '\n', '\0'])));
    let _ = response.retry_after();
    no_controls(&format!("{response:?}"));
}

fn read_target(target: &str, path: &str, query: Option<&str>) {
    assert!(target.bytes().all(is_visible), "{target:?}");
    assert!(path.starts_with('/') && !path.contains('?'), "{path:?}");
    if target.starts_with('/') {
        let parts = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        assert_eq!(parts, target);
    }
}

fn read_headers(headers: &Headers) {
    for (name, value) in headers.iter() {
        assert!(is_token(name), "{name:?}");
        let text = value.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t');
        assert!(text && value.trim_ascii() == value, "{:?}", value.escape_ascii());
    }
    for (name, value) in headers.iter().take(LOOKED_UP) {
        assert!(headers.get_all(&name.to_ascii_uppercase()).any(|found| found == value));
        assert!(headers.tokens(name).all(|token| !token.is_empty() && token.trim() == token));
    }
}

fn no_controls(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}

fn is_visible(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}
