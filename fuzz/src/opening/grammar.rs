//! What words may be, a second time: fields, origins, and when to try again.

use std::time::Duration;

use websocket_proto::RetryAfter;

use super::http::is_authority;

/// Fields that the handshake writes itself.
pub(super) fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let names = ["host", "origin", "upgrade", "connection", "content-length", "transfer-encoding"];
    names.contains(&name.as_str()) || name.starts_with("sec-websocket-")
}

/// Whatever reads this value reads it as it is: nothing that ends a line, and nothing to strip.
pub(super) fn is_value(value: &str) -> bool {
    let edges = [value.chars().next(), value.chars().next_back()];
    !edges.into_iter().flatten().any(|edge| edge == ' ' || edge == '\t')
        && !value.chars().any(|c| c != '\t' && (c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c)))
}

/// Scheme, host and port, in a form in which equal ones are the same (RFC 6454 §4); all empty for `null`.
pub(super) fn origin(text: &str) -> Option<(String, String, Option<u16>)> {
    if text == "null" {
        return Some((String::new(), String::new(), None));
    }
    let (scheme, rest) = text.split_once("://")?;
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.bytes().next()?.is_ascii_alphabetic() || !scheme.bytes().all(in_scheme) {
        return None;
    }
    let (host, port) = authority(rest)?;
    let scheme = scheme.to_ascii_lowercase();
    let port = port.or(default_port(&scheme));
    Some((scheme, host, port))
}

/// Host, in small letters, and port.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    is_authority(text.as_bytes()).then_some(())?;
    let end = text.rfind(']').map_or_else(|| text.find(':'), |end| Some(end + 1)).unwrap_or(text.len());
    let port = text[end..].trim_start_matches(':').parse().ok();
    Some((text[..end].to_ascii_lowercase(), port))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// Whether a page of this origin comes from this host, whatever its scheme.
pub(super) fn is_same_host(page: &str, host: &str) -> bool {
    match (origin(page), authority(host)) {
        (Some((scheme, name, port)), Some((other, other_port))) => {
            name == other && port == other_port.or(default_port(&scheme))
        }
        _ => false,
    }
}

/// RFC 9110 §10.2.3: seconds, or a date as RFC 9110 §5.6.7 wants dates to be written.
pub(super) fn retry_after(value: &str) -> Option<RetryAfter> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(|seconds| RetryAfter::Delay(Duration::from_secs(seconds)));
    }
    // `Sun, 06 Nov 1994 08:49:37 GMT`: everything has its place.
    let shape = |byte: u8| match byte {
        b'0'..=b'9' => b'0',
        b'A'..=b'Z' | b'a'..=b'z' => b'a',
        other => other,
    };
    if !value.bytes().map(shape).eq(*b"aaa, 00 aaa 0000 00:00:00 aaa") || !value.ends_with("GMT") {
        return None;
    }
    let number = |from: usize, to: usize| value[from..to].parse::<i64>().unwrap_or_default();
    let name = |names: &str, from: usize| {
        names.as_bytes().chunks(3).position(|name| name == &value.as_bytes()[from..from + 3])
    };
    name("MonTueWedThuFriSatSun", 0)?;
    let month = name("JanFebMarAprMayJunJulAugSepOctNovDec", 8)? as i64 + 1;
    let (day, year) = (number(5, 7), number(12, 16));
    let (hour, minute, second) = (number(17, 19), number(20, 22), number(23, 25));
    let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    let right = (1..=next - days(year, month, 1)).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    (right && year >= 1970).then(|| RetryAfter::Date(seconds.unsigned_abs()))
}

/// Days since 1970-01-01, by years that begin in March, so that a leap day is the last of one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let until_month = (153 * month + 2) / 5;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + until_month + day
        - 719_469
}
