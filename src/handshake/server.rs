//! The server's side (RFC 6455 §4.2).

use alloc::string::ToString;

use bytes::{Bytes, BytesMut};

use super::fields::{Field, Single, lists};
use super::{Limits, key};
use crate::config::Deflate;
use crate::http::head::{HeadReader, RawHead};
use crate::http::parse::{RequestLine, Version, for_each_field, request_line};
use crate::http::write::{Content, answer, plain_answer, switching_head};
use crate::upgrade::list::{elements, is_extension};
use crate::upgrade::{
    Accept, Agreement, HandshakeError, Headers, HttpRequest, Misuse, Places, Reject, Request, check,
};

/// Reads one request and writes its answer.
#[derive(Debug)]
pub(crate) struct ServerHandshake {
    http_requests: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Head(HeadReader),
    /// An upgrade waits for the application, with the value that answers its key.
    Upgrade(Request, [u8; 28]),
    /// A plain request waits for the application.
    Http(Content),
    Over,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ServerStep {
    /// Waits for [`ServerHandshake::accept`] or [`ServerHandshake::reject`].
    Request(Request),
    /// Waits for [`ServerHandshake::reject`].
    HttpRequest(HttpRequest),
    /// The last step: the answer is to be written, and the connection ended.
    Failed { answer: Bytes, error: HandshakeError },
}

/// What came of accepting a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// The connection is open once the head is written.
    Open { head: Bytes, agreement: Agreement },
    /// The policy on origins forbids it: the answer is to be written, and the connection ended.
    Denied { answer: Bytes, error: HandshakeError },
}

impl ServerHandshake {
    /// With `http_requests`, requests that ask for no upgrade are surfaced; without, they are answered with
    /// 426.
    pub(crate) fn new(limits: Limits, http_requests: bool) -> Self {
        Self {
            http_requests,
            phase: Phase::Head(HeadReader::new(limits.head, |line| request_line(line).map(drop))),
        }
    }

    /// Consumes input up to the end of the request. None: all of it was consumed, and more is needed; or a
    /// request waits for its answer, or has it, and nothing is consumed.
    pub(crate) fn receive(&mut self, input: &mut BytesMut) -> Option<ServerStep> {
        let Phase::Head(reader) = &mut self.phase else {
            return None;
        };
        let (phase, step) = match reader.read(input) {
            Ok(None) => return None,
            Ok(Some(head)) => judge(head, self.http_requests),
            Err(error) => fail(error, Content::Body),
        };
        self.phase = phase;
        Some(step)
    }

    /// Whether a request waits for its answer.
    pub(crate) fn waits_for_decision(&self) -> bool {
        matches!(self.phase, Phase::Upgrade(..) | Phase::Http(_))
    }

    /// Answers the waiting request with 101, or with 403 where the policy forbids it.
    pub(crate) fn accept(&mut self, accept: &Accept, deflate: Option<&Deflate>) -> Result<Accepted, Misuse> {
        let (request, accept_value) = match &self.phase {
            Phase::Upgrade(request, accept_value) => (request, accept_value),
            Phase::Http(_) => return Err(Misuse::NotAnUpgrade),
            Phase::Head(_) | Phase::Over => return Err(Misuse::NoRequestPending),
        };
        let chosen = accept.chosen_subprotocol();
        if chosen.is_some_and(|chosen| request.select_subprotocol(&[chosen]).is_none()) {
            return Err(Misuse::SubprotocolNotOffered);
        }
        let accepted = if accept.policy().allows(request) {
            let offers = request.headers().get_all("sec-websocket-extensions");
            let deflate = deflate.and_then(|policy| policy.answer(offers));
            let mut agreement = Agreement::new().with_any_deflate(deflate);
            if let Some(name) = chosen {
                agreement = agreement.with_subprotocol(name);
            }
            let extensions = deflate.map(|agreed| agreed.to_string());
            Accepted::Open { head: switching_head(accept, accept_value, extensions.as_deref()), agreement }
        } else {
            let error = HandshakeError::OriginNotAllowed;
            Accepted::Denied { answer: error_answer(error, Content::Body), error }
        };
        self.phase = Phase::Over;
        Ok(accepted)
    }

    /// The answer to the waiting request, after which the connection ends.
    pub(crate) fn reject(&mut self, reject: &Reject) -> Result<Bytes, Misuse> {
        let content = match self.phase {
            Phase::Upgrade(..) if reject.status() < 300 => return Err(Misuse::StatusNotAllowed),
            Phase::Upgrade(..) => Content::Body,
            Phase::Http(content) => content,
            Phase::Head(_) | Phase::Over => return Err(Misuse::NoRequestPending),
        };
        self.phase = Phase::Over;
        Ok(answer(reject.status(), reject.header_lines(), reject.body_bytes(), content))
    }
}

fn fail(error: HandshakeError, content: Content) -> (Phase, ServerStep) {
    (Phase::Over, ServerStep::Failed { answer: error_answer(error, content), error })
}

fn error_answer(error: HandshakeError, content: Content) -> Bytes {
    // a fault that only a client finds does not get here
    plain_answer(error.status().unwrap_or(400), &alloc::format!("{error}"), content)
}

fn judge(head: RawHead, http_requests: bool) -> (Phase, ServerStep) {
    let line = match request_line(head.first_line()) {
        Ok(line) => line,
        Err(error) => return fail(error, Content::Body),
    };
    // Of the others, none but GET is judged to be right.
    let (method, content) =
        if line.method == "HEAD" { ("HEAD", Content::HeadOnly) } else { ("GET", Content::Body) };
    let (places, accept_value) = match judge_fields(&line, head.block(), http_requests) {
        Ok(judged) => judged,
        Err(error) => return fail(error, content),
    };
    let target = line.target.into();
    let headers = Headers::new(head.into_block());
    match accept_value {
        Some(accept_value) => {
            let request = Request::new(target, headers, places);
            (Phase::Upgrade(request.clone(), accept_value), ServerStep::Request(request))
        }
        None => {
            let request = HttpRequest::new(method, target, headers, places);
            (Phase::Http(content), ServerStep::HttpRequest(request))
        }
    }
}

/// With the value that answers the key, or without one for a request that asks for no upgrade.
fn judge_fields(
    line: &RequestLine<'_>,
    block: &[u8],
    http_requests: bool,
) -> Result<(Places, Option<[u8; 28]>), HandshakeError> {
    use HandshakeError::{BodyAnnounced, HttpVersion, MethodNotGet, NotUpgrade, UpgradeMissing};

    let mut fields = Fields::default();
    for_each_field(block, |name, value| fields.add(name, value))?;

    if !(line.method == "GET" || (line.method == "HEAD" && http_requests && !fields.upgrade)) {
        return Err(MethodNotGet);
    }
    let plain = !fields.upgrade && fields.key.is_missing();
    if line.version == Version::Http10 && !(plain && http_requests) {
        return Err(HttpVersion);
    }
    fields.check_host(line)?;
    if fields.body {
        return Err(BodyAnnounced);
    }
    let places = Places { host: fields.host.place(block), origin: fields.origin.place(block) };
    if plain {
        return if http_requests { Ok((places, None)) } else { Err(NotUpgrade) };
    }
    if !fields.upgrade {
        return Err(UpgradeMissing);
    }
    Ok((places, Some(key::accept_value(fields.upgrade_key()?))))
}

#[derive(Debug, Default)]
struct Fields<'a> {
    host: Single<'a>,
    origin: Single<'a>,
    upgrade: bool,
    connection: bool,
    body: bool,
    key: Single<'a>,
    version: Single<'a>,
    bad_protocol: bool,
    bad_extension: bool,
}

impl<'a> Fields<'a> {
    fn add(&mut self, name: &[u8], value: &'a [u8]) {
        match Field::of(name) {
            Some(Field::Host) => self.host.add(value),
            Some(Field::Origin) => self.origin.add(value),
            Some(Field::Upgrade) => self.upgrade |= lists(value, b"websocket"),
            Some(Field::Connection) => self.connection |= lists(value, b"upgrade"),
            Some(Field::ContentLength) => self.body |= value != b"0",
            Some(Field::TransferEncoding) => self.body = true,
            Some(Field::Key) => self.key.add(value),
            Some(Field::Version) => self.version.add(value),
            Some(Field::Protocol) => self.bad_protocol |= !elements(value).all(check::is_token),
            Some(Field::Extensions) => self.bad_extension |= !elements(value).all(is_extension),
            Some(Field::Accept) | None => {}
        }
    }

    fn check_host(&self, line: &RequestLine<'_>) -> Result<(), HandshakeError> {
        let Some(host) = self.host.optional(HandshakeError::HostRepeated)? else {
            // HTTP/1.0 does without
            return if line.version == Version::Http10 { Ok(()) } else { Err(HandshakeError::HostMissing) };
        };
        check::authority(host).map(|_| ()).ok_or(HandshakeError::HostInvalid)
    }

    /// What is left to be checked of a request for an upgrade: items 4 to 8 (RFC 6455 §4.2.1).
    fn upgrade_key(&self) -> Result<&'a [u8], HandshakeError> {
        use HandshakeError::{
            ConnectionMissing, ExtensionSyntax, KeyInvalid, KeyMissing, KeyRepeated, OriginRepeated,
            SubprotocolSyntax, VersionMissing, VersionRepeated, VersionUnsupported,
        };
        if !self.connection {
            return Err(ConnectionMissing);
        }
        // before the key: an older version may have none
        if self.version.required(VersionMissing, VersionRepeated)? != b"13" {
            return Err(VersionUnsupported);
        }
        let key = self.key.required(KeyMissing, KeyRepeated)?;
        if !key::is_valid(key) {
            return Err(KeyInvalid);
        }
        if self.bad_protocol {
            return Err(SubprotocolSyntax);
        }
        if self.bad_extension {
            return Err(ExtensionSyntax);
        }
        self.origin.optional(OriginRepeated)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests;
