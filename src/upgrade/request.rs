//! The requests that a server receives.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ops::Range;
use core::str;

use super::{Headers, check};

/// A request for an upgrade that breaks no rule of RFC 6455 §4.2.1: a server accepts or rejects it.
///
/// Cloning shares it.
///
/// ```
/// use websocket_proto::Request;
///
/// fn room(request: &Request) -> Option<&str> {
///     request.path().strip_prefix("/rooms/")
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    head: Arc<Head>,
}

impl Request {
    pub(crate) fn new(target: Box<str>, headers: Headers, places: Places) -> Self {
        Self { head: Arc::new(Head { method: "GET", target, headers, places }) }
    }

    /// The request target as received: most often path and query, or an absolute URI (RFC 9112 §3.2.2).
    /// Visible ASCII, percent-encoding left as it is.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.head.target
    }

    /// The path of the target. It always begins with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// What follows the first `?` of the target, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.head.query()
    }

    /// The host asked for, with its port if it names one: the `Host` field, or the authority of an absolute
    /// target, which takes its place (RFC 9112 §3.2.2).
    #[must_use]
    pub fn host(&self) -> &str {
        self.head.host().unwrap_or_default()
    }

    pub(super) fn host_bytes(&self) -> &[u8] {
        self.head.host_bytes().unwrap_or_default()
    }

    /// The `Origin` field: where the page comes from that asks (RFC 6455 §10.2). None from what is no
    /// browser.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin_bytes().and_then(|origin| str::from_utf8(origin).ok())
    }

    pub(super) fn origin_bytes(&self) -> Option<&[u8]> {
        self.head.places.origin.as_ref().map(|place| self.headers().at(place))
    }

    /// All header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// The subprotocols on offer, the client's favourite first (RFC 6455 §11.3.4).
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> + Clone {
        self.headers().tokens("sec-websocket-protocol")
    }

    /// The first of `supported` that the client offers: the server's order decides. Names are compared
    /// exactly.
    #[must_use]
    pub fn select_subprotocol<'a>(&self, supported: &[&'a str]) -> Option<&'a str> {
        supported.iter().copied().find(|name| self.subprotocols().any(|offered| offered == *name))
    }

    /// The cookies, in order, as name and value, quotes and all (RFC 6265 §4.2.1). What is no `name=value`,
    /// and what is not UTF-8, is left out.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.headers().get_all("cookie").flat_map(|line| line.split(|&byte| byte == b';')).filter_map(
            |pair| {
                let (name, value) = str::from_utf8(pair).ok()?.split_once('=')?;
                Some((name.trim_ascii(), value.trim_ascii()))
            },
        )
    }
}

/// A plain GET or HEAD that asks for no upgrade: a page, a health check. It is surfaced where the server
/// enables that, and then waits for an answer, made with [`Reject`](crate::Reject) and any status from 200.
///
/// HTTP/1.0 is served as well, since health checks speak it. Cloning shares it.
///
/// ```
/// use websocket_proto::{HttpRequest, InvalidHead, Reject};
///
/// fn answer(request: &HttpRequest) -> Result<Reject, InvalidHead> {
///     match request.path() {
///         "/health" => Ok(Reject::new(200)?.body("ok")),
///         _ => Reject::new(404),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    head: Arc<Head>,
}

impl HttpRequest {
    pub(crate) fn new(method: &'static str, target: Box<str>, headers: Headers, places: Places) -> Self {
        Self { head: Arc::new(Head { method, target, headers, places }) }
    }

    /// `GET` or `HEAD`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.method
    }

    /// The request target as received; see [`Request::target`].
    #[must_use]
    pub fn target(&self) -> &str {
        &self.head.target
    }

    /// The path of the target. It always begins with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// What follows the first `?` of the target, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.head.query()
    }

    /// The host asked for; see [`Request::host`]. None only in HTTP/1.0.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.head.host()
    }

    /// All header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    method: &'static str,
    target: Box<str>,
    headers: Headers,
    places: Places,
}

/// Where the values of fields that are asked for in every handshake stand among the headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) host: Option<Range<usize>>,
    pub(crate) origin: Option<Range<usize>>,
}

impl Head {
    fn path_and_query(&self) -> &str {
        check::absolute_form(&self.target).map_or(&*self.target, |(_, rest)| rest)
    }

    fn path(&self) -> &str {
        match self.path_and_query().split('?').next() {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    fn query(&self) -> Option<&str> {
        self.path_and_query().split_once('?').map(|(_, query)| query)
    }

    fn host_bytes(&self) -> Option<&[u8]> {
        let field = || self.places.host.as_ref().map(|place| self.headers.at(place));
        check::absolute_form(&self.target).map(|(authority, _)| authority.as_bytes()).or_else(field)
    }

    fn host(&self) -> Option<&str> {
        self.host_bytes().and_then(|host| str::from_utf8(host).ok())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::*;
    use crate::upgrade::lines::{place, values};

    impl Places {
        pub(in crate::upgrade) fn find(block: &[u8]) -> Self {
            let find = |name| values(block, name).next().map(|value| place(block, value));
            Self { host: find("host"), origin: find("origin") }
        }
    }

    fn request(target: &str, block: &'static str) -> Request {
        let places = Places::find(block.as_bytes());
        Request::new(target.into(), Headers::new(Bytes::from_static(block.as_bytes())), places)
    }

    #[test]
    fn targets() {
        let table = [
            ("/", "/", None, "h"),
            ("/a/b?c=d?e", "/a/b", Some("c=d?e"), "h"),
            ("/?", "/", Some(""), "h"),
            ("//evil/x", "//evil/x", None, "h"),
            ("http://x:1/a?b", "/a", Some("b"), "x:1"),
            ("ws://x?b", "/", Some("b"), "x"),
            ("https://x", "/", None, "x"),
        ];
        for (target, path, query, host) in table {
            let request = request(target, "Host: h\r\n");
            assert_eq!((request.path(), request.query(), request.host()), (path, query, host), "{target}");
        }
    }

    #[test]
    fn subprotocols_in_the_servers_order() {
        let request = request("/", "Sec-WebSocket-Protocol: a, b\r\nsec-websocket-protocol: C\r\n");
        assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["a", "b", "C"]);
        assert_eq!(request.select_subprotocol(&["x", "b", "a"]), Some("b"));
        assert_eq!(request.select_subprotocol(&["c"]), None);
        assert_eq!(request.select_subprotocol(&[]), None);
    }

    #[test]
    fn cookies() {
        let request = request("/", "Cookie: a=1; b=\"2=3\";c\r\ncookie: d=\r\n");
        assert_eq!(request.cookies().collect::<Vec<_>>(), [("a", "1"), ("b", "\"2=3\""), ("d", "")]);
    }
}
