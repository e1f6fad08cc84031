//! What a server application decides about a request.

use alloc::boxed::Box;
use core::fmt;

use bytes::Bytes;

use super::headers::debug_fields;
use super::lines::HeaderLines;
use super::{InvalidHead, OriginPolicy, check};

/// The decision to open the connection, if the policy on origins allows it (RFC 6455 §4.2.2).
///
/// There is no way to accept without an [`OriginPolicy`]: a server that forgets to look at the origin lets
/// every page on the web act in its users' names (RFC 6455 §10.2).
///
/// ```
/// use websocket_proto::{Accept, InvalidHead, OriginPolicy, Request};
///
/// fn decide(request: &Request) -> Result<Accept, InvalidHead> {
///     let accept = Accept::new(OriginPolicy::SameHost).header("Server", "chat/1")?;
///     match request.select_subprotocol(&["v2.chat", "v1.chat"]) {
///         Some(name) => accept.subprotocol(name),
///         None => Ok(accept),
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Accept {
    policy: OriginPolicy,
    subprotocol: Option<Box<str>>,
    lines: HeaderLines,
}

impl Accept {
    /// Accepts the requests that `policy` allows; others are answered with 403.
    #[must_use]
    pub fn new(policy: OriginPolicy) -> Self {
        Self { policy, subprotocol: None, lines: HeaderLines::default() }
    }

    /// Chooses a subprotocol. It has to be one that the client offers, which is checked when the request is
    /// accepted; [`Request::select_subprotocol`](crate::Request::select_subprotocol) finds one. Called again,
    /// it replaces the first.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Subprotocol`].
    pub fn subprotocol(mut self, name: &str) -> Result<Self, InvalidHead> {
        if !check::is_token(name.as_bytes()) {
            return Err(InvalidHead::Subprotocol);
        }
        self.subprotocol = Some(name.into());
        Ok(self)
    }

    /// Adds a header field to the 101; a name may come more than once.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::HeaderName`], [`InvalidHead::HeaderValue`], and [`InvalidHead::HeaderReserved`] for
    /// what belongs to the handshake.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidHead> {
        self.lines.push(name, value)?;
        Ok(self)
    }

    pub(crate) fn policy(&self) -> &OriginPolicy {
        &self.policy
    }

    pub(crate) fn chosen_subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    pub(crate) fn header_lines(&self) -> &[u8] {
        self.lines.as_bytes()
    }
}

impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("policy", &self.policy)
            .field("subprotocol", &self.subprotocol)
            .field("headers", &fmt::from_fn(|f| debug_fields(self.lines.as_bytes(), f)))
            .finish()
    }
}

/// An answer that opens no connection: the rejection of an upgrade, or the response to an
/// [`HttpRequest`](crate::HttpRequest). The connection ends with it; `Content-Length` and `Connection: close`
/// are written by themselves.
///
/// ```
/// use websocket_proto::Reject;
///
/// let busy = Reject::new(503)?.header("Retry-After", "30")?.body("try again later");
/// # Ok::<(), websocket_proto::InvalidHead>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Reject {
    status: u16,
    lines: HeaderLines,
    body: Bytes,
}

impl Reject {
    /// An answer with this status, from 200 to 599. A request for an upgrade can be rejected only with a
    /// status from 300, which is checked when it is.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Status`].
    pub fn new(status: u16) -> Result<Self, InvalidHead> {
        if !(200..=599).contains(&status) {
            return Err(InvalidHead::Status);
        }
        Ok(Self { status, lines: HeaderLines::default(), body: Bytes::new() })
    }

    /// Adds a header field; a name may come more than once.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::HeaderName`], [`InvalidHead::HeaderValue`], and [`InvalidHead::HeaderReserved`] for
    /// what belongs to the handshake.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidHead> {
        self.lines.push(name, value)?;
        Ok(self)
    }

    /// Sets the body. Its type is up to a `Content-Type` field. A response to HEAD, and one with status 204,
    /// 205 or 304, has no body (RFC 9110 §6.4.1): there it is not written.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn header_lines(&self) -> &[u8] {
        self.lines.as_bytes()
    }

    pub(crate) fn body_bytes(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject")
            .field("status", &self.status)
            .field("headers", &fmt::from_fn(|f| debug_fields(self.lines.as_bytes(), f)))
            .field("body", &self.body)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        for status in [0, 100, 101, 199, 600, u16::MAX] {
            assert_eq!(Reject::new(status).unwrap_err(), InvalidHead::Status, "{status}");
        }
        assert!(Reject::new(200).is_ok() && Reject::new(599).is_ok());
        let accept = Accept::new(OriginPolicy::Any);
        assert_eq!(accept.clone().subprotocol("a b").unwrap_err(), InvalidHead::Subprotocol);
        assert_eq!(accept.header("Connection", "x").unwrap_err(), InvalidHead::HeaderReserved);
    }
}
