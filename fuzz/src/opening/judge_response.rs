//! What a client must make of an answer: RFC 6455 §4.1 over all that came, rule by rule.

use websocket_proto::HandshakeError;

use super::body::{Body, read_body};
use super::http::{self, Begins, Fields};

#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// It opens the connection after this many bytes.
    Open(usize, Answered<'a>),
    Refused(Answered<'a>, Body),
    /// For one of these reasons.
    Failed(Vec<HandshakeError>),
    /// Nothing is wrong yet.
    Incomplete,
}

#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) status: u16,
    /// Empty where it is not ASCII.
    pub(super) reason: &'a str,
    pub(super) fields: Fields<'a>,
    is_http11: bool,
}

/// What the client is, as far as it matters here.
pub(super) struct Client<'a> {
    /// For all heads together, and for a body.
    pub(super) head_limit: usize,
    pub(super) body_limit: usize,
    /// The value that its key asks for, and the one subprotocol that it offers.
    pub(super) accept: &'a str,
    pub(super) offers: &'a str,
}

pub(super) fn judge<'a>(stream: &'a [u8], client: &Client<'_>) -> Verdict<'a> {
    let of_line =
        |line: Option<&'a [u8]>| line.map_or_else(Vec::new, |line| read_line(line).err().unwrap_or_default());
    let mut taken = 0;
    loop {
        let rest = &stream[taken..];
        let lines = match http::begins(rest, client.head_limit - taken) {
            Begins::With(lines, len) => {
                taken += len;
                lines
            }
            Begins::So(line) => {
                let faults = of_line(line);
                return if faults.is_empty() { Verdict::Incomplete } else { Verdict::Failed(faults) };
            }
            Begins::Wrong(error, line) => return Verdict::Failed([vec![error], of_line(line)].concat()),
        };
        let answered = match read_line(lines[0]) {
            Ok((status, reason, is_http11)) => match http::fields(&lines[1..]) {
                Some(fields) => Answered { status, reason, fields, is_http11 },
                None => return Verdict::Failed(vec![HandshakeError::HeaderSyntax]),
            },
            Err(faults) => return Verdict::Failed(faults),
        };
        match answered.status {
            101 => {
                let faults = faults(&answered, client);
                let opens = faults.is_empty();
                return if opens { Verdict::Open(taken, answered) } else { Verdict::Failed(faults) };
            }
            // More is to come (RFC 9110 §15.2).
            100..200 => {}
            status => {
                let body = read_body(status, &answered.fields, &stream[taken..], client.body_limit);
                return Verdict::Refused(answered, body);
            }
        }
    }
}

/// Status, reason, and whether it is HTTP/1.1 (RFC 9112 §4). The space before an empty reason may be missing.
fn read_line(line: &[u8]) -> Result<(u16, &str, bool), Vec<HandshakeError>> {
    let is_http = line.starts_with(b"HTTP/");
    let wrong = || {
        if is_http {
            vec![HandshakeError::HttpVersion, HandshakeError::StatusLine]
        } else {
            vec![HandshakeError::StatusLine]
        }
    };
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'1', b' ', code @ ..] = line else {
        return Err(wrong());
    };
    let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', reason @ ..] = code else { return Err(wrong()) };
    let status = [a, b, c].into_iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    let reason = match reason {
        [] => reason,
        [b' ', reason @ ..] if !reason.contains(&0x7f) => reason,
        _ => return Err(wrong()),
    };
    let reason = str::from_utf8(reason).ok().filter(|reason| reason.is_ascii()).unwrap_or_default();
    Ok((status, reason, *minor == b'1'))
}

fn faults(answered: &Answered<'_>, client: &Client<'_>) -> Vec<HandshakeError> {
    let Answered { fields, is_http11, .. } = answered;
    let mut faults = Vec::new();
    let mut rule = |holds: bool, fault| {
        if !holds {
            faults.push(fault);
        }
    };
    rule(*is_http11, HandshakeError::HttpVersion);
    let upgrades = http::values(fields, "upgrade");
    rule(
        matches!(upgrades[..], [upgrade] if upgrade.eq_ignore_ascii_case(b"websocket")),
        HandshakeError::UpgradeMissing,
    );
    rule(http::lists(fields, "connection", "upgrade"), HandshakeError::ConnectionMissing);
    let accepts = http::values(fields, "sec-websocket-accept");
    rule(!accepts.is_empty(), HandshakeError::AcceptMissing);
    rule(accepts.len() < 2, HandshakeError::AcceptRepeated);
    rule(accepts.iter().all(|accept| *accept == client.accept.as_bytes()), HandshakeError::AcceptMismatch);
    rule(http::list(fields, "sec-websocket-extensions").is_empty(), HandshakeError::ExtensionNotOffered);
    let chosen = http::values(fields, "sec-websocket-protocol");
    rule(chosen.len() < 2, HandshakeError::SubprotocolRepeated);
    rule(
        chosen.iter().all(|chosen| *chosen == client.offers.as_bytes()),
        HandshakeError::SubprotocolNotOffered,
    );
    faults
}
