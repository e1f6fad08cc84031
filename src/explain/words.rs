//! Numbers and foreign text, as a log line takes them.

use core::fmt::{self, Write};
use core::time::Duration;

/// More of a peer's text than this many characters, escapes included, is not shown.
const MAX_SHOWN: usize = 120;

/// A stretch of time in the unit that suits it.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if self.0 < Duration::from_millis(100) {
            write!(f, "{} ms", self.0.as_millis())
        } else if seconds < 600.0 {
            write!(f, "{seconds:.1} s")
        } else if seconds < 7200.0 {
            write!(f, "{:.0} min", seconds / 60.0)
        } else {
            write!(f, "{:.1} h", seconds / 3600.0)
        }
    }
}

/// So many of something.
pub(super) struct Count(pub(super) u64, pub(super) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, what) = self;
        write!(f, "{count} {what}{}", if *count == 1 { "" } else { "s" })
    }
}

/// A text of the peer's: in quotes, escaped and cut, so that it can do nothing to a terminal or a log.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut shown = 0_usize;
        for c in self.0.chars() {
            let escaped = c.escape_debug();
            shown = shown.saturating_add(escaped.len());
            if shown > MAX_SHOWN {
                f.write_char('…')?;
                break;
            }
            match c {
                '\'' => f.write_char(c)?,
                _ => write!(f, "{escaped}")?,
            }
        }
        f.write_char('"')
    }
}

/// `, saying "…"`, or nothing where nothing was said.
pub(super) struct Saying<'a>(pub(super) &'a str);

impl fmt::Display for Saying<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", saying {}", Quoted(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::{String, ToString};

    proptest! {
        #[test]
        fn foreign_text_is_escaped_and_bounded(text in any::<String>()) {
            let shown = Quoted(&text).to_string();
            prop_assert!(!shown.contains(char::is_control), "{shown:?}");
            prop_assert!(shown.chars().count() <= MAX_SHOWN + 3);
            prop_assert!(!shown[1..shown.len() - 1].replace("\\\\", "").replace("\\\"", "").contains('"'));
        }
    }

    #[test]
    fn what_turns_a_line_around_is_escaped() {
        assert_eq!(Quoted("it's \u{202e}x\u{2028}\n\"").to_string(), r#""it's \u{202e}x\u{2028}\n\"""#);
        let long = Quoted(&"ab".repeat(100)).to_string();
        assert!(long.ends_with("b…\"") && long.chars().count() == MAX_SHOWN + 3);
    }

    #[test]
    fn spans_are_readable() {
        let spans = [
            (Duration::ZERO, "0 ms"),
            (Duration::from_micros(99_999), "99 ms"),
            (Duration::from_millis(100), "0.1 s"),
            (Duration::from_secs(60), "60.0 s"),
            (Duration::from_secs(3600), "60 min"),
            (Duration::from_secs(86_400), "24.0 h"),
        ];
        for (span, text) in spans {
            assert_eq!(Span(span).to_string(), text);
        }
    }
}
