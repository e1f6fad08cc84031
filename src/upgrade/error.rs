//! What can be wrong with a handshake: in what the application builds, in when it calls, and in what the peer
//! sends.

use thiserror::Error;

/// A piece of an HTTP head that may not be written. Nothing was changed by the call that returned it.
///
/// What goes into a head is checked when it is given, not when it is sent: a CR or LF that slips into a field
/// lets whoever chose its value write fields of their own (RFC 9110 §5.5).
///
/// ```
/// use websocket_proto::{ClientRequest, InvalidHead};
///
/// let request = ClientRequest::new("example.com", "/").unwrap();
/// assert_eq!(request.header("X-Name", "a\r\nX-Other: b").unwrap_err(), InvalidHead::HeaderValue);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum InvalidHead {
    /// The host is not `name` or `name:port` (RFC 3986 §3.2.2, without user information).
    #[error("the host is not a name or address with an optional port")]
    Host,
    /// The target does not begin with `/`, or has a `#` or something besides visible ASCII in it (RFC 9112
    /// §3.2.1).
    #[error("the target is not a path in visible ASCII")]
    Target,
    /// The name of a header field is not a token (RFC 9110 §5.1).
    #[error("the name of the header field is not a token")]
    HeaderName,
    /// The value of a header field contains a control character, or begins or ends with white space, which a
    /// recipient would strip (RFC 9110 §5.5).
    #[error("the value of the header field has control characters, or white space around it")]
    HeaderValue,
    /// The handshake itself writes this header field: `Host`, `Origin`, `Upgrade`, `Connection`,
    /// `Content-Length`, `Transfer-Encoding`, and all that begin with `Sec-WebSocket-`.
    #[error("the handshake writes this header field itself")]
    HeaderReserved,
    /// The subprotocol's name is not a token (RFC 6455 §4.1, item 10).
    #[error("the name of the subprotocol is not a token")]
    Subprotocol,
    /// The subprotocol is offered already (RFC 6455 §4.1, item 10).
    #[error("the subprotocol is offered twice")]
    SubprotocolRepeated,
    /// The origin is neither `scheme://host`, with an optional port, nor `null` (RFC 6454 §6.2).
    #[error("the origin is not scheme://host with an optional port, nor null")]
    Origin,
    /// The status is not one that an answer can have: 200 to 599 (RFC 9110 §15).
    #[error("the status of the answer is not from 200 to 599")]
    Status,
}

/// A call that did not fit the state of the handshake: the caller's fault. It changed nothing and sent
/// nothing.
///
/// ```
/// use websocket_proto::Misuse;
///
/// assert_eq!(Misuse::NoRequestPending.to_string(), "no request waits for an answer");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Nothing waits for an answer: no request has come, or it was answered already.
    #[error("no request waits for an answer")]
    NoRequestPending,
    /// A plain HTTP request was accepted; it can only be rejected, which is to say answered.
    #[error("the request asks for no upgrade, so it cannot be accepted")]
    NotAnUpgrade,
    /// The answer names a subprotocol that the client did not offer (RFC 6455 §4.2.2, item 5).
    #[error("the client did not offer this subprotocol")]
    SubprotocolNotOffered,
    /// A request for an upgrade was answered with a status below 300, which a client may take for success.
    #[error("an upgrade cannot be rejected with this status")]
    StatusNotAllowed,
}

/// A rule of the opening handshake that the peer broke. Each variant is one rule; a server answers it with
/// [`status`](HandshakeError::status).
///
/// ```
/// use websocket_proto::HandshakeError;
///
/// assert_eq!(HandshakeError::OriginNotAllowed.status(), Some(403));
/// assert_eq!(HandshakeError::AcceptMismatch.status(), None); // a client answers nothing
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head is longer than the limit on heads. Responses skipped on the way (1xx) count as well.
    #[error("the head is longer than the limit")]
    HeadTooLarge,
    /// A line ends in something other than CR LF. A bare LF is tolerated by some and not by others, which is
    /// what request smuggling lives on (RFC 9112 §2.2).
    #[error("a line of the head does not end in CR LF")]
    LineEnding,
    /// The head contains NUL or another control character (RFC 9110 §5.5).
    #[error("the head contains a control character")]
    ControlCharacter,
    /// A header field is malformed: its name is no token, there is a space before the colon, or the line
    /// continues the one before it (RFC 9112 §5).
    #[error("a header field is malformed")]
    HeaderSyntax,
    /// The protocol is not HTTP/1.1 (RFC 6455 §4.1 item 1, §4.2.1 item 1).
    #[error("the handshake is not HTTP/1.1")]
    HttpVersion,
    /// There is no `Upgrade: websocket`. A server says so of requests that carry other fields of the
    /// handshake, where most often a proxy removed this one; a client also when anything else is in the field
    /// (RFC 6455 §4.1, §4.2.1).
    #[error("there is no `Upgrade: websocket`")]
    UpgradeMissing,
    /// The `Connection` field does not list `upgrade` (RFC 6455 §4.1, §4.2.1 item 4).
    #[error("there is no `Connection: Upgrade`")]
    ConnectionMissing,

    /// The request line is malformed (RFC 9112 §3).
    #[error("the request line is malformed")]
    RequestLine,
    /// The method is not GET (RFC 6455 §4.1, item 2).
    #[error("the method is not GET")]
    MethodNotGet,
    /// There is no `Host` (RFC 6455 §4.2.1 item 2, RFC 9112 §3.2).
    #[error("there is no Host")]
    HostMissing,
    /// There is more than one `Host` (RFC 9112 §3.2).
    #[error("there is more than one Host")]
    HostRepeated,
    /// The `Host` is not a name or address with an optional port (RFC 9112 §3.2).
    #[error("the Host is malformed")]
    HostInvalid,
    /// The request announces a body: a `Transfer-Encoding`, or a `Content-Length` other than 0. Its bytes
    /// would be taken for frames.
    #[error("the request announces a body")]
    BodyAnnounced,
    /// A well-formed request that asks for no upgrade at all (RFC 6455 §4.2.1 item 3).
    #[error("the request asks for no upgrade")]
    NotUpgrade,
    /// There is no `Sec-WebSocket-Key` (RFC 6455 §4.2.1 item 5).
    #[error("there is no Sec-WebSocket-Key")]
    KeyMissing,
    /// There is more than one `Sec-WebSocket-Key` (RFC 6455 §11.3.1).
    #[error("there is more than one Sec-WebSocket-Key")]
    KeyRepeated,
    /// The `Sec-WebSocket-Key` is not the base64 of 16 bytes (RFC 6455 §4.2.1 item 5).
    #[error("the Sec-WebSocket-Key is not 16 bytes in base64")]
    KeyInvalid,
    /// There is no `Sec-WebSocket-Version` (RFC 6455 §4.2.1 item 6).
    #[error("there is no Sec-WebSocket-Version")]
    VersionMissing,
    /// There is more than one `Sec-WebSocket-Version` (RFC 6455 §11.3.5).
    #[error("there is more than one Sec-WebSocket-Version")]
    VersionRepeated,
    /// The `Sec-WebSocket-Version` is not 13 (RFC 6455 §4.4).
    #[error("the Sec-WebSocket-Version is not 13")]
    VersionUnsupported,
    /// The list of offered subprotocols contains something that is no token (RFC 6455 §4.1, item 10).
    #[error("an offered subprotocol is not a token")]
    SubprotocolSyntax,
    /// The list of extensions is malformed (RFC 6455 §9.1).
    #[error("an extension is malformed")]
    ExtensionSyntax,
    /// There is more than one `Origin` (RFC 6454 §7.3), so it cannot be said which one the policy should
    /// judge.
    #[error("there is more than one Origin")]
    OriginRepeated,
    /// The [`OriginPolicy`](crate::OriginPolicy) does not allow the request's `Origin` (RFC 6455 §10.2).
    #[error("the origin is not allowed")]
    OriginNotAllowed,

    /// The status line is malformed, most often because the peer speaks no HTTP (RFC 9112 §4).
    #[error("the status line is malformed")]
    StatusLine,
    /// There is no `Sec-WebSocket-Accept` (RFC 6455 §4.1).
    #[error("there is no Sec-WebSocket-Accept")]
    AcceptMissing,
    /// There is more than one `Sec-WebSocket-Accept` (RFC 6455 §11.3.3).
    #[error("there is more than one Sec-WebSocket-Accept")]
    AcceptRepeated,
    /// The `Sec-WebSocket-Accept` does not belong to the key that was sent (RFC 6455 §4.1).
    #[error("the Sec-WebSocket-Accept does not belong to the key that was sent")]
    AcceptMismatch,
    /// The server agreed to an extension that was not offered (RFC 6455 §4.1).
    #[error("the server agreed to an extension that was not offered")]
    ExtensionNotOffered,
    /// The server agreed to an extension in a way that was not offered (RFC 6455 §9.1, RFC 7692 §7.1): with parameters that are
    /// unknown, repeated, invalid, missing, or more than was asked for.
    #[error("the server agreed to an extension in a way that was not offered")]
    ExtensionParameters,
    /// The server chose a subprotocol that was not offered (RFC 6455 §4.1).
    #[error("the server chose a subprotocol that was not offered")]
    SubprotocolNotOffered,
    /// There is more than one `Sec-WebSocket-Protocol` in the response (RFC 6455 §11.3.4).
    #[error("the server chose more than one subprotocol")]
    SubprotocolRepeated,
    /// The input ended before the handshake was complete.
    #[error("the connection ended before the handshake was complete")]
    EndedEarly,
}

impl HandshakeError {
    /// The status a server answers with: 400, 403, 405, 426, 431 or 505. None for what only a client finds; a
    /// client answers nothing, it ends the connection (RFC 6455 §4.1).
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::LineEnding
            | Self::ControlCharacter
            | Self::HeaderSyntax
            | Self::ConnectionMissing
            | Self::RequestLine
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::BodyAnnounced
            | Self::KeyMissing
            | Self::KeyRepeated
            | Self::KeyInvalid
            | Self::VersionMissing
            | Self::VersionRepeated
            | Self::SubprotocolSyntax
            | Self::ExtensionSyntax
            | Self::OriginRepeated => Some(400),
            Self::OriginNotAllowed => Some(403),
            Self::MethodNotGet => Some(405),
            Self::NotUpgrade | Self::UpgradeMissing | Self::VersionUnsupported => Some(426),
            Self::HeadTooLarge => Some(431),
            Self::HttpVersion => Some(505),
            Self::StatusLine
            | Self::AcceptMissing
            | Self::AcceptRepeated
            | Self::AcceptMismatch
            | Self::ExtensionNotOffered
            | Self::ExtensionParameters
            | Self::SubprotocolNotOffered
            | Self::SubprotocolRepeated
            | Self::EndedEarly => None,
        }
    }
}
