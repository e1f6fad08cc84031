//! What the pieces of a head may look like. Builders refuse what does not; the server holds peers to the same
//! rules.

/// The host and port of `host[:port]`, or None when it is no such thing. The host of an IPv6 address keeps
/// its brackets. A port that is there but empty counts as none (RFC 3986 §3.2.3).
pub(crate) fn authority(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let (host, rest) = if let Some(address) = text.strip_prefix(b"[") {
        let length = address.iter().position(|&byte| byte == b']')?;
        let address = address.get(..length)?;
        let plausible = address.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        (plausible && address.contains(&b':')).then_some(text.split_at_checked(length.checked_add(2)?)?)?
    } else {
        let length = text.iter().position(|&byte| !is_host_byte(byte)).unwrap_or(text.len());
        (length > 0).then_some(text.split_at_checked(length)?)?
    };
    let port = match rest {
        [] | [b':'] => None,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            Some(str::from_utf8(digits).ok()?.parse().ok()?)
        }
        _ => return None,
    };
    Some((host, port))
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
    let (scheme, rest) = scheme(target.as_bytes())?;
    default_port(scheme)?;
    let rest = target.get(target.len().checked_sub(rest.len())?..)?;
    rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))
}

/// Splits off a scheme and the `://` behind it. One without a `:` in it, as all schemes are (RFC 3986 §3.1).
pub(crate) fn scheme(uri: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = uri.split_at_checked(uri.iter().position(|&byte| byte == b':')?)?;
    Some((scheme, rest.strip_prefix(b"://")?))
}

/// The port that an origin or URI of this scheme means when it names none (RFC 6455 §3, RFC 9110 §4.2).
pub(crate) fn default_port(scheme: &[u8]) -> Option<u16> {
    let is = |name: &[u8]| scheme.eq_ignore_ascii_case(name);
    if is(b"http") || is(b"ws") {
        Some(80)
    } else if is(b"https") || is(b"wss") {
        Some(443)
    } else {
        None
    }
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    is_of(byte, TOKEN)
}

/// RFC 3986 §3.2.2 without the comma: no real host has one, and two `Host` fields joined by a proxy do.
fn is_host_byte(byte: u8) -> bool {
    is_of(byte, HOST)
}

const TOKEN: u8 = 1;
const HOST: u8 = 2;

/// What a byte may be part of, worked out once: heads are judged byte by byte.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut rest = classes.as_mut_slice();
    let mut byte: u8 = 0;
    while let Some((class, after)) = rest.split_first_mut() {
        *class = match byte {
            b'0'..=b'9'
            | b'A'..=b'Z'
            | b'a'..=b'z'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'!'
            | b'$'..=b'\''
            | b'*'
            | b'+' => TOKEN | HOST,
            b'#' | b'^' | b'`' | b'|' => TOKEN,
            b'(' | b')' | b';' | b'=' => HOST,
            _ => 0,
        };
        byte = byte.wrapping_add(1);
        rest = after;
    }
    classes
};

fn is_of(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
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
        for (text, (host, port)) in good {
            assert_eq!(authority(text.as_bytes()), Some((host.as_bytes(), port)), "{text}");
        }
        let bad = [
            "", ":80", "a b", "a/b", "u@h", "a:65536", "a:-1", "a:+1", "a:1:2", "[::1", "[]", "[::1]x",
            "::1", "a,b", "ä", "a\r\nb", "a?b", "a#b", "[g::1]",
        ];
        for text in bad {
            assert_eq!(authority(text.as_bytes()), None, "{text}");
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
