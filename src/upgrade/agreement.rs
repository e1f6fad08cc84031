//! What the two sides agreed on.

use alloc::boxed::Box;

use super::DeflateParameters;

/// What the opening handshake settled for the life of the connection.
///
/// Both handshakes make one. It is built by hand only where the upgrade was done elsewhere: by an HTTP
/// server, or over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220).
///
/// ```
/// use websocket_proto::Agreement;
///
/// let agreed = Agreement::new().with_subprotocol("chat");
/// assert_eq!(agreed.subprotocol(), Some("chat"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    subprotocol: Option<Box<str>>,
    deflate: Option<DeflateParameters>,
}

impl Agreement {
    /// An agreement on nothing beyond RFC 6455 itself.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes the subprotocol. It is told to the application and never written, so it is not checked.
    #[must_use]
    pub fn with_subprotocol(mut self, name: impl Into<Box<str>>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Notes what was agreed on for compression, if that is anything. How it is done is up to
    /// [`Config::deflate`](crate::Config::deflate), or to a policy of defaults if there is none.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(self, parameters: impl Into<Option<DeflateParameters>>) -> Self {
        self.with_any_deflate(parameters.into())
    }

    pub(crate) fn with_any_deflate(mut self, parameters: Option<DeflateParameters>) -> Self {
        self.deflate = parameters;
        self
    }

    /// What was agreed on for compression (RFC 7692), if it was.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self) -> Option<DeflateParameters> {
        self.deflate_parameters()
    }

    pub(crate) fn deflate_parameters(&self) -> Option<DeflateParameters> {
        self.deflate
    }

    /// The subprotocol both sides speak (RFC 6455 §1.9), if one was agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}
