//! What a client got for an answer.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::Bytes;

use super::{Headers, RetryAfter};

/// The response to a client's request: the 101 that opened the connection, or the refusal with any other
/// status.
///
/// Cloning shares it.
///
/// ```
/// use websocket_proto::Response;
///
/// fn explain(refusal: &Response) -> String {
///     match refusal.location() {
///         Some(location) => format!("moved to {location}"),
///         None => format!("{} {}", refusal.status(), refusal.reason()),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    parts: Arc<Parts>,
}

#[derive(Debug, PartialEq, Eq)]
struct Parts {
    status: u16,
    reason: Box<str>,
    headers: Headers,
    body: Bytes,
    body_truncated: bool,
}

impl Response {
    pub(crate) fn new(
        status: u16,
        reason: Box<str>,
        headers: Headers,
        body: Bytes,
        body_truncated: bool,
    ) -> Self {
        Self { parts: Arc::new(Parts { status, reason, headers, body, body_truncated }) }
    }

    /// The status code: 101, or 200 to 999 in a refusal (RFC 9110 §15).
    #[must_use]
    pub fn status(&self) -> u16 {
        self.parts.status
    }

    /// The reason phrase, often empty. Empty as well if it is not ASCII.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.parts.reason
    }

    /// All header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.parts.headers
    }

    /// The subprotocol that was agreed on: one of those offered. None in a refusal.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        (self.status() == 101).then(|| self.headers().get("sec-websocket-protocol")).flatten()
    }

    /// The body of a refusal, up to the limit on refusal bodies.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.parts.body
    }

    /// Whether the body is only the beginning: the rest was over the limit, malformed, or never came.
    #[must_use]
    pub fn body_truncated(&self) -> bool {
        self.parts.body_truncated
    }

    /// The `Location` field: where a redirect points, as a URI reference (RFC 9110 §10.2.2).
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers().get("location")
    }

    /// When to try again, if the server says so (RFC 9110 §10.2.3). None also for a date that is not in the
    /// one format that may be generated, as `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[must_use]
    pub fn retry_after(&self) -> Option<RetryAfter> {
        RetryAfter::parse(self.headers().get("retry-after")?)
    }
}
