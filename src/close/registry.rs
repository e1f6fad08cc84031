//! The registry of close codes, as data: RFC 6455 §7.4.1 and the IANA registry that §11.7 begins, with advice for whoever
//! is told one.

use super::code::{CloseCode, CodeRange, SentBy};
use super::retry::Retry;

pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) sent_by: SentBy,
    pub(super) retry: Retry,
    pub(super) advice: &'static str,
}

/// What the registry has for a code: those from 1000 to 1015, and the ones that libraries have registered.
#[rustfmt::skip]
pub(super) const fn entry(code: CloseCode) -> Option<Entry> {
    let (name, meaning, sent_by, retry, advice) = match code.as_u16() {
        1000 => (
            "Normal Closure", "The connection did what it was opened for.",
            SentBy::Either, Retry::Never, "Nothing is wrong.",
        ),
        1001 => (
            "Going Away", "The endpoint leaves: a server shuts down or a browser leaves the page.",
            SentBy::Either, Retry::Soon, "Connect again after a random delay, since others were told the same.",
        ),
        1002 => (
            "Protocol Error", "The other side broke the WebSocket protocol.",
            SentBy::Either, Retry::Soon, "Look for the fault in what this side sent, or in a proxy that changes frames.",
        ),
        1003 => (
            "Unsupported Data", "A kind of message arrived that this endpoint does not take.",
            SentBy::Either, Retry::Soon, "Send only text, or only binary, as the other side wants it.",
        ),
        1004 => (
            "Reserved", "Reserved; no meaning was ever given to it.",
            SentBy::Nobody, Retry::Soon, "Use another code.",
        ),
        1005 => (
            "No Status Received", "The Close frame that arrived carried no code.",
            SentBy::Nobody, Retry::Soon, "Let the other side close with a code, so that it says why.",
        ),
        1006 => (
            "Abnormal Closure", "The connection ended without a Close frame.",
            SentBy::Nobody, Retry::Soon, "Look at the cause on both sides; a heartbeat finds silent losses.",
        ),
        1007 => (
            "Invalid Frame Payload Data", "A message did not fit its type, such as text that is not UTF-8.",
            SentBy::Either, Retry::Soon, "Send text as UTF-8, and all else as binary.",
        ),
        1008 => (
            "Policy Violation", "A message broke a rule of the receiver.",
            SentBy::Either, Retry::Never, "Check the credentials and what was sent before connecting again.",
        ),
        1009 => (
            "Message Too Big", "A message was larger than the receiver takes.",
            SentBy::Either, Retry::Soon, "Send smaller messages, or raise the receiver's limit.",
        ),
        1010 => (
            "Mandatory Extension", "The client needs an extension that the server did not agree to.",
            SentBy::Client, Retry::Never, "Turn the extension on in the server, or do without it in the client.",
        ),
        1011 => (
            "Internal Error", "An unexpected condition kept the endpoint from going on.",
            SentBy::Server, Retry::Soon, "Look into the log of the other side.",
        ),
        1012 => (
            "Service Restart", "The service restarts; connect again later.",
            SentBy::Server, Retry::Later, "Connect again after a random delay of 5 to 30 s.",
        ),
        1013 => (
            "Try Again Later", "The service is overloaded; connect again later.",
            SentBy::Server, Retry::Later, "Connect again after a longer delay, or to another server.",
        ),
        1014 => (
            "Bad Gateway", "A gateway got an invalid answer from the server behind it.",
            SentBy::Server, Retry::Later, "Look at the server behind the gateway.",
        ),
        1015 => (
            "TLS Handshake", "The TLS handshake failed.",
            SentBy::Nobody, Retry::Later, "Check the certificate, its name and its dates.",
        ),
        3000 => (
            "Unauthorized", "The client is not authenticated.",
            SentBy::Server, Retry::Never, "Get new credentials before connecting again.",
        ),
        3003 => (
            "Forbidden", "The client may not use what it asked for.",
            SentBy::Server, Retry::Never, "Use other credentials, or ask for something else.",
        ),
        3008 => (
            "Timeout", "The client took too long over something.",
            SentBy::Server, Retry::Soon, "Look for what this side should have sent in time.",
        ),
        _ => return None,
    };
    Some(Entry { name, meaning, sent_by, retry, advice })
}

/// What a code without a registered meaning says, and what is to be done about it.
pub(super) const fn unregistered(range: CodeRange) -> (&'static str, Retry, &'static str) {
    match range {
        CodeRange::Registered => (
            "A library or framework defines this code.",
            Retry::Soon,
            "Look it up where the library or framework of the other side defines it.",
        ),
        CodeRange::Private => (
            "The application defines this code.",
            Retry::Soon,
            "Look it up where the application defines it.",
        ),
        CodeRange::Protocol | CodeRange::Reserved => {
            ("No version of the protocol defines this code yet.", Retry::Soon, "Use another code.")
        }
        CodeRange::Unused | CodeRange::Invalid => {
            ("This number is no valid close code.", Retry::Soon, "Use another code.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    fn row(code: CloseCode) -> String {
        let sent_by = match code.sent_by() {
            SentBy::Either => "either",
            SentBy::Client => "client",
            SentBy::Server => "server",
            SentBy::Nobody => "nobody",
        };
        let retry = match code.retry() {
            Retry::Soon => "soon",
            Retry::Later => "later",
            Retry::After(_) | Retry::Never => "never",
        };
        let (name, meaning, advice) = (code.name().unwrap_or(""), code.meaning(), code.advice());
        format!("| {} | {name} | {meaning} | {sent_by} | {retry} | {advice} |", code.as_u16())
    }

    #[test]
    fn the_readme_has_the_registry() {
        let readme = include_str!("../../README.md");
        let found: Vec<&str> = readme
            .lines()
            .filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()))
            .collect();
        let codes = (1000..=1015).chain([3000, 3003, 3008, 3999, 4000]);
        let expected: Vec<String> = codes
            .map(|code| match code {
                3999 => row(CloseCode::new(3999)).replace("| 3999 |", "| 3000–3999 |"),
                4000 => row(CloseCode::new(4000)).replace("| 4000 |", "| 4000–4999 |"),
                _ => row(CloseCode::new(code)),
            })
            .collect();
        assert_eq!(found, expected, "the README should have\n{}", expected.join("\n"));
    }

    #[test]
    fn the_script_for_pages_goes_by_the_registry() {
        let script = include_str!("../../examples/heartbeat.js");
        for (name, retry) in [("NEVER", Retry::Never), ("LATER", Retry::Later)] {
            let list = script.split_once(&format!("const {name} = new Set([")).unwrap().1;
            let list = list.split_once("])").unwrap().0;
            let found: Vec<u16> = list.split(", ").map(|code| code.parse().unwrap()).collect();
            let expected: Vec<u16> =
                (1000..5000).filter(|code| CloseCode::new(*code).retry() == retry).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn whoever_was_told_to_wait_or_to_stop_is_not_sent_back_at_once() {
        for number in 0..=u16::MAX {
            let expected = match number {
                1000 | 1008 | 1010 | 3000 | 3003 => Retry::Never,
                1012..=1015 => Retry::Later,
                _ => Retry::Soon,
            };
            assert_eq!(CloseCode::new(number).retry(), expected, "{number}");
        }
    }
}
