//! Who may connect: the `Origin` of a request, and the policy that judges it (RFC 6455 §10.2).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{InvalidHead, Request, check};

/// The origin of a web page: `scheme://host`, with an optional port, or `null` (RFC 6454 §6.2).
///
/// Two origins are equal when scheme, host and port are: without regard to ASCII case, and with the scheme's
/// default port in place of none.
///
/// ```
/// use websocket_proto::Origin;
///
/// assert_eq!(Origin::new("https://example.com")?, Origin::new("HTTPS://Example.com:443")?);
/// assert!(Origin::new("https://example.com/").is_err()); // a path is no part of it
/// # Ok::<(), websocket_proto::InvalidHead>(())
/// ```
#[derive(Clone, Debug)]
pub struct Origin {
    text: Box<str>,
}

impl Origin {
    /// An origin as browsers write it.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Origin`].
    pub fn new(text: &str) -> Result<Self, InvalidHead> {
        Parts::parse(text.as_bytes()).ok_or(InvalidHead::Origin)?;
        Ok(Self { text: text.into() })
    }

    /// The origin as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn into_text(self) -> Box<str> {
        self.text
    }

    fn parts(&self) -> Option<Parts<'_>> {
        Parts::parse(self.text.as_bytes())
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Origin {}

/// Which pages may connect from a browser.
///
/// A browser lets every page open a WebSocket to every host, and sends the user's cookies along. What tells
/// the pages apart is the `Origin` field, so a server that trusts cookies has to look at it; there is no
/// default here, the server's author chooses.
///
/// A request without `Origin` comes from something other than a browser, which could send any `Origin` it
/// likes: it is allowed by every policy. Keep such clients out by authentication.
///
/// ```
/// use websocket_proto::OriginPolicy;
///
/// let policy = OriginPolicy::list(["https://example.com", "https://admin.example.com"])?;
/// # assert_ne!(policy, OriginPolicy::Any);
/// # Ok::<(), websocket_proto::InvalidHead>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Every page: for services that take nothing from the browser on trust.
    Any,
    /// Pages from the host and port that the request itself goes to. Where the `Host` names no port, the
    /// default port of the origin's scheme is meant. The scheme is not compared, as a server behind a TLS
    /// proxy does not know its own. The origin `null` is nobody's host.
    SameHost,
    /// Pages of these origins. `null` matches only an entry `null`, and is best left out: sandboxed pages of
    /// anyone have it.
    List(Vec<Origin>),
}

impl OriginPolicy {
    /// A [`List`](Self::List) of these origins.
    ///
    /// # Errors
    ///
    /// [`InvalidHead::Origin`] if one of them is none.
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidHead> {
        origins.into_iter().map(Origin::new).collect::<Result<_, _>>().map(Self::List)
    }

    /// Whether the request may be accepted.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        if *self == Self::Any {
            return true;
        }
        let Some(value) = request.origin_bytes() else {
            return true;
        };
        let Some(origin) = Parts::parse(value) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::SameHost => origin.is_host(request.host_bytes()),
            Self::List(list) => list.iter().any(|entry| entry.parts().as_ref() == Some(&origin)),
        }
    }
}

enum Parts<'a> {
    Null,
    Tuple { scheme: &'a [u8], host: &'a [u8], port: Option<u16> },
}

impl<'a> Parts<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        if text == b"null" {
            return Some(Self::Null);
        }
        let (scheme, rest) = check::scheme(text)?;
        let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let (host, port) = check::authority(rest)?;
        is_scheme.then(|| Self::Tuple { scheme, host, port: port.or_else(|| check::default_port(scheme)) })
    }

    fn is_host(&self, authority: &[u8]) -> bool {
        match (self, check::authority(authority)) {
            (Self::Tuple { scheme, host, port }, Some((wanted, wanted_port))) => {
                host.eq_ignore_ascii_case(wanted)
                    && *port == wanted_port.or_else(|| check::default_port(scheme))
            }
            _ => false,
        }
    }
}

impl PartialEq for Parts<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (
                Self::Tuple { scheme, host, port },
                Self::Tuple { scheme: other_scheme, host: other_host, port: other_port },
            ) => {
                scheme.eq_ignore_ascii_case(other_scheme)
                    && host.eq_ignore_ascii_case(other_host)
                    && port == other_port
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use bytes::Bytes;

    use super::*;
    use crate::upgrade::{Headers, Places};

    fn request(host: &str, origin: Option<&str>) -> Request {
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let block = format!("Host: {host}\r\n{origin}");
        let places = Places::find(block.as_bytes());
        Request::new("/".into(), Headers::new(Bytes::from(block)), places)
    }

    #[test]
    fn same_host() {
        let table = [
            ("example.com", None, true),
            ("example.com", Some("https://example.com"), true),
            ("example.com", Some("http://EXAMPLE.com"), true),
            ("Example.com:443", Some("https://example.com"), true),
            ("example.com", Some("https://example.com:443"), true),
            ("example.com:80", Some("http://example.com"), true),
            ("example.com:8080", Some("http://example.com:8080"), true),
            ("[::1]:8080", Some("http://[::1]:8080"), true),
            ("example.com:80", Some("https://example.com"), false),
            ("example.com", Some("https://example.com:8443"), false),
            ("example.com:8080", Some("http://example.com"), false),
            ("example.com", Some("https://example.com.evil.net"), false),
            ("example.com", Some("https://evil.net"), false),
            ("example.com", Some("https://sub.example.com"), false),
            ("example.com", Some("null"), false),
            ("null", Some("null"), false),
            ("example.com", Some(""), false),
            ("example.com", Some("example.com"), false),
            ("example.com", Some("https://example.com/"), false),
            ("example.com", Some("https://example.com https://evil.net"), false),
        ];
        for (host, origin, allowed) in table {
            assert_eq!(OriginPolicy::SameHost.allows(&request(host, origin)), allowed, "{host} {origin:?}");
        }
    }

    #[test]
    fn list_and_any() {
        let list =
            OriginPolicy::list(["https://example.com", "http://a:8080", "chrome-extension://abc"]).unwrap();
        let table = [
            (None, true),
            (Some("https://example.com"), true),
            (Some("https://EXAMPLE.COM:443"), true),
            (Some("http://a:8080"), true),
            (Some("chrome-extension://abc"), true),
            (Some("http://example.com"), false),
            (Some("https://example.com:444"), false),
            (Some("http://a"), false),
            (Some("null"), false),
            (Some("garbage"), false),
        ];
        for (origin, allowed) in table {
            assert_eq!(list.allows(&request("h", origin)), allowed, "{origin:?}");
            assert!(OriginPolicy::Any.allows(&request("h", origin)), "{origin:?}");
        }
        assert!(OriginPolicy::list(["null"]).unwrap().allows(&request("h", Some("null"))));
        assert_eq!(OriginPolicy::list(["example.com"]), Err(InvalidHead::Origin));
    }
}
