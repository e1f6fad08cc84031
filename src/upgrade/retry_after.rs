//! The `Retry-After` field (RFC 9110 §10.2.3).

use core::time::Duration;

/// When a refused client may try again.
///
/// ```
/// use std::time::Duration;
///
/// use websocket_proto::RetryAfter;
///
/// fn wait(retry: RetryAfter, unix_now: u64) -> Duration {
///     match retry {
///         RetryAfter::Delay(delay) => delay,
///         RetryAfter::Date(date) => Duration::from_secs(date.saturating_sub(unix_now)),
///     }
/// }
/// # assert_eq!(wait(RetryAfter::Date(5), 2), Duration::from_secs(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryAfter {
    /// After this time.
    Delay(Duration),
    /// At this time, in seconds since 1970-01-01T00:00:00Z without leap seconds. It is the server's clock
    /// that counts.
    Date(u64),
}

impl RetryAfter {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match number(value) {
            Some(seconds) => Some(Self::Delay(Duration::from_secs(seconds))),
            None => imf_fixdate(value).map(Self::Date),
        }
    }
}

/// Digits only: the parser of the standard library would take a sign as well.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7). The name of the day adds nothing and is not checked
/// against the date.
fn imf_fixdate(value: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

    let (name, rest) = value.strip_suffix(" GMT")?.split_once(", ")?;
    let (day, rest) = rest.split_once(' ')?;
    let (month, rest) = rest.split_once(' ')?;
    let (year, time) = rest.split_once(' ')?;
    let (hour, rest) = time.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;

    let field = |text: &str, width: usize| (text.len() == width).then(|| number(text)).flatten();
    let (day, year) = (field(day, 2)?, field(year, 4)?);
    let (hour, minute, second) = (field(hour, 2)?, field(minute, 2)?, field(second, 2)?);
    let month = MONTHS.iter().position(|name| *name == month)?;

    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(month)?;
    // 60 is a leap second
    if !DAYS.contains(&name) || year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }

    // four digits of year: nothing below comes near an overflow
    let leap_days_before = |year: u64| year / 4 - year / 100 + year / 400;
    let days = (year - 1970) * 365 + leap_days_before(year - 1) - leap_days_before(1969)
        + lengths.iter().take(month).sum::<u64>()
        + (day - 1);
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses() {
        let table = [
            ("0", Some(RetryAfter::Delay(Duration::ZERO))),
            ("120", Some(RetryAfter::Delay(Duration::from_secs(120)))),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(RetryAfter::Date(0))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(RetryAfter::Date(784_111_777))),
            ("Tue, 29 Feb 2000 23:59:60 GMT", Some(RetryAfter::Date(951_868_800))),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(RetryAfter::Date(1_709_251_200))),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(RetryAfter::Date(253_402_300_799))),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("99999999999999999999", None),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("Thu, 29 Feb 1900 00:00:00 GMT", None),
            ("Wed, 29 Feb 2023 00:00:00 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, 31 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun Nov  6 08:49:37 1994", None),
        ];
        for (value, expected) in table {
            assert_eq!(RetryAfter::parse(value), expected, "{value}");
        }
    }
}
