//! What a server must make of a request: RFC 6455 §4.2.1 over the whole head, rule by rule, where the crate goes through
//! it once.

use websocket_proto::HandshakeError;

use super::http::{self, Begins, Fields, is_authority, is_token};

#[derive(Debug)]
pub(super) enum Verdict<'a> {
    Upgrade(Head<'a>),
    /// It asks for no upgrade, and is to be answered by the application.
    Http(Head<'a>),
    /// For one of these reasons; and whether the answer has no body.
    Refused(Vec<HandshakeError>, bool),
    /// Nothing is wrong yet.
    Incomplete,
}

#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) len: usize,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) fields: Fields<'a>,
}

impl<'a> Head<'a> {
    /// The authority of an absolute target, and its path and query.
    fn parts(&self) -> (Option<&'a str>, &'a str) {
        match self.target.split_once("://") {
            Some((scheme, rest)) if !scheme.starts_with('/') => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
            _ => (None, self.target),
        }
    }

    pub(super) fn path(&self) -> &'a str {
        let (_, path) = self.parts();
        let path = &path[..path.find('?').unwrap_or(path.len())];
        if path.is_empty() { "/" } else { path }
    }

    pub(super) fn query(&self) -> Option<&'a str> {
        let (_, path) = self.parts();
        path.find('?').map(|at| &path[at + 1..])
    }

    pub(super) fn host(&self) -> Option<&'a str> {
        let field = || str::from_utf8(http::values(&self.fields, "host").first()?).ok();
        self.parts().0.or_else(field)
    }
}

pub(super) fn judge(stream: &[u8], limit: usize, http_requests: bool) -> Verdict<'_> {
    let of_line =
        |line: Option<&[u8]>| line.map_or_else(Vec::new, |line| read_line(line).err().unwrap_or_default());
    let (lines, len) = match http::begins(stream, limit) {
        Begins::With(lines, len) => (lines, len),
        Begins::So(line) => {
            let faults = of_line(line);
            return if faults.is_empty() { Verdict::Incomplete } else { Verdict::Refused(faults, false) };
        }
        Begins::Wrong(error, line) => return Verdict::Refused([vec![error], of_line(line)].concat(), false),
    };
    let (method, target, is_http11) = match read_line(lines[0]) {
        Ok(line) => line,
        Err(faults) => return Verdict::Refused(faults, false),
    };
    let Some(fields) = http::fields(&lines[1..]) else {
        return Verdict::Refused(vec![HandshakeError::HeaderSyntax], method == "HEAD");
    };
    let head = Head { len, method, target, fields };
    let asks = http::lists(&head.fields, "upgrade", "websocket");
    // A key without the rest is a request that something on its way has spoilt.
    let is_plain = !asks && http::values(&head.fields, "sec-websocket-key").is_empty();

    let mut faults = general_faults(&head, is_http11, is_plain && http_requests);
    let may_be_head = method == "HEAD" && !asks && http_requests;
    if method != "GET" && !may_be_head {
        faults.push(HandshakeError::MethodNotGet);
    }
    match (is_plain, http_requests) {
        (true, true) if faults.is_empty() => return Verdict::Http(head),
        (true, true) => {}
        (true, false) => faults.push(HandshakeError::NotUpgrade),
        (false, _) => faults.extend(upgrade_faults(&head.fields)),
    }
    if faults.is_empty() { Verdict::Upgrade(head) } else { Verdict::Refused(faults, method == "HEAD") }
}

/// Method, target, and whether it is HTTP/1.1 (RFC 9112 §3).
fn read_line(line: &[u8]) -> Result<(&str, &str, bool), Vec<HandshakeError>> {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let version = words.get(2).copied().unwrap_or_default();
    let mut faults = Vec::new();
    if version.starts_with(b"HTTP/") && !matches!(version, b"HTTP/1.0" | b"HTTP/1.1") {
        faults.push(HandshakeError::HttpVersion);
    }
    let is_version = matches!(version, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']);
    let is_right = words.len() == 3 && is_token(words[0]) && is_target(words[1]) && is_version;
    if !is_right {
        faults.push(HandshakeError::RequestLine);
    }
    let text =
        |place: usize| str::from_utf8(words.get(place).copied().unwrap_or_default()).unwrap_or_default();
    if faults.is_empty() { Ok((text(0), text(1), version == b"HTTP/1.1")) } else { Err(faults) }
}

/// A path, or a URI with a scheme of HTTP or of WebSocket; in either no fragment (RFC 6455 §3).
fn is_target(target: &[u8]) -> bool {
    let schemes = ["http://", "https://", "ws://", "wss://"];
    let is_absolute = schemes.iter().any(|scheme| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes())) && {
            let rest = &target[scheme.len()..];
            let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
            is_authority(&rest[..end])
        }
    });
    (target.first() == Some(&b'/') || is_absolute)
        && target.iter().all(|byte| matches!(byte, b'!'..=b'~') && *byte != b'#')
}

/// What is asked of any request.
fn general_faults(head: &Head<'_>, is_http11: bool, old_is_served: bool) -> Vec<HandshakeError> {
    let mut faults = Vec::new();
    if !is_http11 && !old_is_served {
        faults.push(HandshakeError::HttpVersion);
    }
    match http::values(&head.fields, "host")[..] {
        [] if !is_http11 => {}
        [] => faults.push(HandshakeError::HostMissing),
        [host] if is_authority(host) => {}
        [_] => faults.push(HandshakeError::HostInvalid),
        _ => faults.push(HandshakeError::HostRepeated),
    }
    let has_length = http::values(&head.fields, "content-length").iter().any(|length| *length != b"0");
    if has_length || !http::values(&head.fields, "transfer-encoding").is_empty() {
        faults.push(HandshakeError::BodyAnnounced);
    }
    faults
}

fn upgrade_faults(fields: &Fields<'_>) -> Vec<HandshakeError> {
    let mut faults = Vec::new();
    let mut rule = |holds: bool, fault| {
        if !holds {
            faults.push(fault);
        }
    };
    rule(http::lists(fields, "upgrade", "websocket"), HandshakeError::UpgradeMissing);
    rule(http::lists(fields, "connection", "upgrade"), HandshakeError::ConnectionMissing);
    let versions = http::values(fields, "sec-websocket-version");
    rule(!versions.is_empty(), HandshakeError::VersionMissing);
    rule(versions.len() < 2, HandshakeError::VersionRepeated);
    rule(versions.iter().all(|version| *version == b"13"), HandshakeError::VersionUnsupported);
    let keys = http::values(fields, "sec-websocket-key");
    rule(!keys.is_empty(), HandshakeError::KeyMissing);
    rule(keys.len() < 2, HandshakeError::KeyRepeated);
    rule(keys.iter().all(|key| is_key(key)), HandshakeError::KeyInvalid);
    let offered = http::list(fields, "sec-websocket-protocol");
    rule(offered.iter().all(|name| is_token(name)), HandshakeError::SubprotocolSyntax);
    let extensions = http::list(fields, "sec-websocket-extensions");
    rule(extensions.iter().all(|offer| is_extension(offer)), HandshakeError::ExtensionSyntax);
    rule(http::values(fields, "origin").len() < 2, HandshakeError::OriginRepeated);
    faults
}

/// A name, and after it parameters, each perhaps with a value (RFC 6455 §9.1).
fn is_extension(mut rest: &[u8]) -> bool {
    let is_blank = |byte: &u8| b" \t".contains(byte);
    let skip_blank =
        |rest: &mut &[u8]| *rest = &rest[rest.iter().take_while(|byte| is_blank(byte)).count()..];
    let take_token = |rest: &mut &[u8]| {
        let len = rest.iter().take_while(|byte| is_token(&[**byte])).count();
        *rest = &rest[len..];
        len > 0
    };
    if !take_token(&mut rest) {
        return false;
    }
    loop {
        skip_blank(&mut rest);
        match rest.split_first() {
            None => return true,
            Some((b';', after)) => rest = after,
            Some(_) => return false,
        }
        skip_blank(&mut rest);
        if !take_token(&mut rest) {
            return false;
        }
        skip_blank(&mut rest);
        let Some((b'=', after)) = rest.split_first() else { continue };
        rest = after;
        skip_blank(&mut rest);
        let Some((b'"', mut quoted)) = rest.split_first() else {
            if !take_token(&mut rest) {
                return false;
            }
            continue;
        };
        let mut value = Vec::new();
        loop {
            quoted = match quoted {
                [] | [b'\\'] => return false,
                [b'"', after @ ..] => break rest = after,
                [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                    value.push(*byte);
                    after
                }
            };
        }
        if !is_token(&value) {
            return false;
        }
    }
}

/// Sixteen bytes in base64: 22 digits, of whose last one four bits are left over and zero, and the padding.
pub(super) fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key[..22].iter().all(is_digit) && b"AQgw".contains(&key[21]) && &key[22..] == b"=="
}
