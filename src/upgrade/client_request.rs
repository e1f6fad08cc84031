//! The request that a client sends.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::headers::debug_fields;
use super::lines::{HeaderLines, fields};
use super::{InvalidHead, Origin, check};

/// What a client asks for: the request of the opening handshake (RFC 6455 §4.1), without the key and the
/// other fields that the handshake adds by itself.
///
/// Whatever goes in is read back by the server exactly as it was given, or refused here with an
/// [`InvalidHead`].
///
/// ```
/// use websocket_proto::ClientRequest;
///
/// let request = ClientRequest::new("example.com:9001", "/chat?room=1")?
///     .header("Authorization", "Bearer 123")?
///     .subprotocol("v2.chat")?
///     .subprotocol("v1.chat")?;
/// assert_eq!(request.host(), "example.com:9001");
/// # Ok::<(), websocket_proto::InvalidHead>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRequest {
    host: Box<str>,
    target: Box<str>,
    origin: Option<Box<str>>,
    subprotocols: Vec<Box<str>>,
    lines: HeaderLines,
}

impl ClientRequest {
    /// A request for `target` at `host`.
    ///
    /// `host` is what goes into the `Host` field: a name or address, an IPv6 address in brackets, with
    /// `:port` where the port is not the scheme's default. `target` is path and query, percent-encoded where
    /// it has to be.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Host`] and [`InvalidHead::Target`].
    pub fn new(host: &str, target: &str) -> Result<Self, InvalidHead> {
        check::authority(host.as_bytes()).ok_or(InvalidHead::Host)?;
        if !check::is_origin_form(target) {
            return Err(InvalidHead::Target);
        }
        Ok(Self {
            host: host.into(),
            target: target.into(),
            origin: None,
            subprotocols: Vec::new(),
            lines: HeaderLines::default(),
        })
    }

    /// Adds a header field, after those that are there; a name may come more than once.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::HeaderName`], [`InvalidHead::HeaderValue`], and [`InvalidHead::HeaderReserved`] for
    /// what has a method of its own here, or belongs to the handshake.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidHead> {
        self.lines.push(name, value)?;
        Ok(self)
    }

    /// Offers a subprotocol. The order of the calls is the client's order of preference (RFC 6455 §4.1, item
    /// 10).
    ///
    /// A server may choose none of them and still open the connection.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Subprotocol`] and [`InvalidHead::SubprotocolRepeated`].
    pub fn subprotocol(mut self, name: &str) -> Result<Self, InvalidHead> {
        if !check::is_token(name.as_bytes()) {
            return Err(InvalidHead::Subprotocol);
        }
        if self.subprotocols().any(|offered| offered == name) {
            return Err(InvalidHead::SubprotocolRepeated);
        }
        self.subprotocols.push(name.into());
        Ok(self)
    }

    /// Sets the `Origin` field, as a browser would (RFC 6455 §4.1, item 8). Called again, it replaces the
    /// first.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Origin`].
    pub fn origin(mut self, value: &str) -> Result<Self, InvalidHead> {
        self.origin = Some(Origin::new(value)?.into_text());
        Ok(self)
    }

    /// The `Host` field.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The subprotocols on offer, the preferred one first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> + Clone {
        self.subprotocols.iter().map(AsRef::as_ref)
    }

    /// The fields added by [`header`](Self::header), in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        fields(self.lines.as_bytes())
    }

    pub(crate) fn origin_value(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    pub(crate) fn header_lines(&self) -> &[u8] {
        self.lines.as_bytes()
    }
}

impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("host", &self.host)
            .field("target", &self.target)
            .field("origin", &self.origin)
            .field("subprotocols", &self.subprotocols)
            .field("headers", &fmt::from_fn(|f| debug_fields(self.lines.as_bytes(), f)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        for host in ["", "a b", "a/b", "user@a", "a\r\nb", "http://a"] {
            assert_eq!(ClientRequest::new(host, "/").unwrap_err(), InvalidHead::Host, "{host}");
        }
        for target in ["", "a", "*", "http://a/", "/a b", "/a#b", "/a\r\nb", "/ä", "/\0"] {
            assert_eq!(ClientRequest::new("a", target).unwrap_err(), InvalidHead::Target, "{target}");
        }
        let request = ClientRequest::new("a", "/").unwrap().subprotocol("x").unwrap();
        assert_eq!(request.clone().subprotocol("x").unwrap_err(), InvalidHead::SubprotocolRepeated);
        assert_eq!(request.clone().subprotocol("X").unwrap().subprotocols().count(), 2);
        for name in ["", "a b", "a,b", "a\r\n", "\"a\""] {
            assert_eq!(request.clone().subprotocol(name).unwrap_err(), InvalidHead::Subprotocol, "{name}");
        }
        for origin in ["", "a", "https://a/", "https://a\r\n", "https://"] {
            assert_eq!(request.clone().origin(origin).unwrap_err(), InvalidHead::Origin, "{origin}");
        }
    }
}
