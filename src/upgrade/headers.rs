//! Header fields as received.

use core::ops::Range;
use core::{fmt, str};

use bytes::Bytes;

use super::lines::{fields, values};
use super::list::elements;

/// The header fields of a head, in the order they came.
///
/// They are kept as the bytes that were received, with no index: a head of thousands of tiny fields takes no
/// more memory than its bytes, which the limit on heads bounds. Each lookup walks them once. Names are
/// compared without regard to ASCII case (RFC 9110 §5.1). Cloning shares the bytes.
///
/// `Debug` shows the values, except those of the fields that carry credentials and cookies.
///
/// ```
/// use websocket_proto::Headers;
///
/// fn client_address(headers: &Headers) -> Option<&str> {
///     headers.tokens("X-Forwarded-For").next()
/// }
/// # assert_eq!(client_address(&Headers::default()), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    block: Bytes,
}

impl Headers {
    /// `block` holds complete lines whose syntax was checked, with or without the blank line that ends a
    /// head.
    pub(crate) fn new(block: Bytes) -> Self {
        Self { block }
    }

    /// The value that stands at this place of the block.
    pub(super) fn at(&self, place: &Range<usize>) -> &[u8] {
        self.block.get(place.clone()).unwrap_or_default()
    }

    /// All fields: name as received, value without the white space around it. A value may hold bytes that are
    /// not ASCII (RFC 9110 §5.5), but no control characters besides the tab.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        fields(&self.block)
    }

    /// The first value of this name, if it is UTF-8 (as visible ASCII is).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_bytes(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// The first value of this name.
    #[must_use]
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The values of all fields of this name.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> + Clone {
        values(&self.block, name)
    }

    /// The elements of a comma-separated list, over all fields of this name, as if they were one (RFC 9110
    /// §5.3). A comma inside a quoted string does not separate. Empty elements, and elements that are not
    /// UTF-8, are left out.
    pub fn tokens(&self, name: &str) -> impl Iterator<Item = &str> + Clone {
        self.get_all(name).flat_map(elements).filter_map(|element| str::from_utf8(element).ok())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_fields(&self.block, f)
    }
}

/// What is logged is read by more people than may know a password.
pub(super) fn debug_fields(block: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
    f.debug_map()
        .entries(fields(block).map(|(name, value)| {
            let secret = SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret));
            (name, Shown(if secret { b"(hidden)" } else { value }))
        }))
        .finish()
}

struct Shown<'a>(&'a [u8]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;

    const BLOCK: Headers = Headers {
        block: Bytes::from_static(
            b"Host: a\r\nX-List: one, \"two, three\"\r\nempty:\r\nx-list:four ,, \xff,\t\r\nCookie: s=1\r\nBin: \xff\r\n",
        ),
    };

    #[test]
    fn lookups() {
        assert_eq!(BLOCK.iter().count(), 6);
        assert_eq!(BLOCK.get("HOST"), Some("a"));
        assert_eq!(BLOCK.get("Empty"), Some(""));
        assert_eq!(BLOCK.get("absent"), None);
        assert_eq!(BLOCK.get("bin"), None);
        assert_eq!(BLOCK.get_bytes("bin"), Some(&b"\xff"[..]));
        assert_eq!(BLOCK.get_all("x-list").count(), 2);
        assert_eq!(BLOCK.tokens("X-List").collect::<Vec<_>>(), ["one", "\"two, three\"", "four"]);
    }

    #[test]
    fn debug_escapes_and_hides() {
        let text = format!("{BLOCK:?}");
        assert!(text.contains(r#""Bin": "\xff""#), "{text}");
        assert!(text.contains(r#""Cookie": "(hidden)""#), "{text}");
    }
}
