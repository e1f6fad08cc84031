//! What the pieces of a head may look like. Builders refuse what does not; the server holds peers to the same
//! rules.

/// The host and port of `host[:port]`, or None when it is no such thing. The host of an IPv6 address keeps
/// its brackets. A port that is there but empty counts as none (RFC 3986 §3.2.3).
pub(crate) fn authority(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = if text.starts_with('[') {
        let (host, rest) = text.split_at_checked(text.find(']')?.checked_add(1)?)?;
        let address = host.strip_prefix('[')?.strip_suffix(']')?;
        let plausible = address.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        (plausible && address.contains(':')).then_some((host, rest))?
    } else {
        let (host, rest) = text.split_at_checked(text.find(':').unwrap_or(text.len()))?;
        (!host.is_empty() && host.bytes().all(is_host_byte)).then_some((host, rest))?
    };
    if !rest.is_empty() && !rest.starts_with(':') {
        return None;
    }
    let port = match rest.get(1..) {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    Some((host, port))
}

/// RFC 3986 §3.2.2 without the comma: no real host has one, and two `Host` fields joined by a proxy do.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&byte)
}

/// Whether the text is the origin-form of a request target (RFC 9112 §3.2.1), as far as its bytes go.
pub(crate) fn is_origin_form(target: &str) -> bool {
    target.starts_with('/') && is_target_text(target)
}

/// Visible ASCII without a fragment, which never goes on the wire (RFC 6455 §3).
pub(crate) fn is_target_text(target: &str) -> bool {
    target.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// Splits an absolute-form target (RFC 9112 §3.2.2) into authority and the rest; None for any other form.
pub(crate) fn absolute_form(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    default_port(scheme)?;
    rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))
}

/// The port that an origin or URI of this scheme means when it names none (RFC 6455 §3, RFC 9110 §4.2).
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    if is("http") || is("ws") {
        Some(80)
    } else if is("https") || is("wss") {
        Some(443)
    } else {
        None
    }
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

/// Whether a recipient reads back exactly this value: no line breaks or other controls, nothing around it to
/// strip.
pub(crate) fn is_field_value(value: &str) -> bool {
    value.trim_ascii() == value && value.chars().all(|c| c == '\t' || !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities() {
        let good = [
            ("example.com", ("example.com", None)),
            ("example.com:9001", ("example.com", Some(9001))),
            ("example.com:", ("example.com", None)),
            ("127.0.0.1:0", ("127.0.0.1", Some(0))),
            ("[::1]", ("[::1]", None)),
            ("[2001:db8::1]:65535", ("[2001:db8::1]", Some(65535))),
        ];
        for (text, parts) in good {
            assert_eq!(authority(text), Some(parts), "{text}");
        }
        let bad = [
            "", ":80", "a b", "a/b", "u@h", "a:65536", "a:-1", "a:+1", "a:1:2", "[::1", "[]", "[::1]x",
            "::1", "a,b", "ä", "a\r\nb", "a?b", "a#b", "[g::1]",
        ];
        for text in bad {
            assert_eq!(authority(text), None, "{text}");
        }
    }

    #[test]
    fn absolute_forms() {
        assert_eq!(absolute_form("http://h:1/a?b"), Some(("h:1", "/a?b")));
        assert_eq!(absolute_form("WSS://h?b"), Some(("h", "?b")));
        assert_eq!(absolute_form("https://h"), Some(("h", "")));
        assert_eq!(absolute_form("/http://h"), None);
        assert_eq!(absolute_form("ftp://h/"), None);
    }
}
