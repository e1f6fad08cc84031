//! The client's side (RFC 6455 §4.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use bytes::{Bytes, BytesMut};

use super::fields::{Field, Single, lists};
use super::{Limits, key};
use crate::config::Deflate;
use crate::http::body::{BodyReader, Framing};
use crate::http::head::{HeadReader, RawHead};
use crate::http::parse::{StatusLine, Version, for_each_field, status_line};
use crate::http::write::request_head;
use crate::upgrade::lines::values;
use crate::upgrade::list::elements;
use crate::upgrade::{Agreement, ClientRequest, HandshakeError, Headers, Response};

/// Reads the response to one request.
#[derive(Debug)]
pub(crate) struct ClientHandshake {
    accept_value: [u8; 28],
    offered: Vec<Box<str>>,
    deflate: Option<Deflate>,
    refusal_body: usize,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Head(HeadReader),
    RefusalBody(Box<Refusal>),
    Over,
}

#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: Box<str>,
    headers: Headers,
    body: BodyReader,
}

/// How the handshake ended. Each is the last step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ClientStep {
    /// The connection is open; what is left of the input are frames.
    Open(Response, Agreement),
    /// The server answered with something other than 101.
    Refused(Response),
    /// The server broke a rule, or the connection ended.
    Failed(HandshakeError),
}

impl ClientHandshake {
    /// The machine, and the head that has to be written. `nonce` must be chosen at random for each
    /// connection.
    pub(crate) fn new(
        request: &ClientRequest,
        nonce: [u8; 16],
        limits: Limits,
        deflate: Option<&Deflate>,
    ) -> (Self, Bytes) {
        let key = key::encode(nonce);
        let handshake = Self {
            accept_value: key::accept_value(&key),
            offered: request.subprotocols().map(Box::from).collect(),
            deflate: deflate.cloned(),
            refusal_body: limits.refusal_body,
            phase: Phase::Head(HeadReader::new(limits.head, |line| status_line(line).map(drop))),
        };
        let extensions = deflate.map(Deflate::offer);
        (handshake, request_head(request, &key, extensions.as_deref()))
    }

    /// Consumes input as far as it belongs to the handshake. None: all of it was consumed, and more is
    /// needed; or the last step was taken, and nothing is consumed any more.
    pub(crate) fn receive(&mut self, input: &mut BytesMut) -> Option<ClientStep> {
        let step = loop {
            match &mut self.phase {
                Phase::Head(reader) => match reader.read(input) {
                    Ok(Some(head)) => match self.judge(head) {
                        Ok(Some(step)) => break step,
                        Ok(None) => {}
                        Err(error) => break ClientStep::Failed(error),
                    },
                    Ok(None) => return None,
                    Err(error) => break ClientStep::Failed(error),
                },
                Phase::RefusalBody(refusal) => {
                    if !refusal.body.read(input) {
                        return None;
                    }
                    break ClientStep::Refused(refusal.finish());
                }
                Phase::Over => return None,
            }
        };
        self.phase = Phase::Over;
        Some(step)
    }

    /// The connection ended, and all that came was received before: a refusal's body ends with it, anything
    /// else is cut short by it.
    pub(crate) fn end_of_input(&mut self) -> ClientStep {
        self.end(BodyReader::end_of_input)
    }

    /// Nothing more is awaited, though it may come: of a refusal there is what there is.
    pub(crate) fn cut_short(&mut self) -> ClientStep {
        self.end(BodyReader::cut_short)
    }

    fn end(&mut self, end_body: fn(&mut BodyReader)) -> ClientStep {
        match mem::replace(&mut self.phase, Phase::Over) {
            Phase::RefusalBody(mut refusal) => {
                end_body(&mut refusal.body);
                ClientStep::Refused(refusal.finish())
            }
            Phase::Head(_) | Phase::Over => ClientStep::Failed(HandshakeError::EndedEarly),
        }
    }

    /// Some: the connection is open. None: goes on, with the next head or with the body of a refusal.
    fn judge(&mut self, head: RawHead) -> Result<Option<ClientStep>, HandshakeError> {
        let line = status_line(head.first_line())?;
        let mut fields = Fields::default();
        for_each_field(head.block(), |name, value| fields.add(name, value))?;

        match line.status {
            101 => {
                let agreement = self.agreement(&line, &fields, head.block())?;
                let reason = line.reason.into();
                let headers = Headers::new(head.into_block());
                let response = Response::new(101, reason, headers, Bytes::new(), false);
                Ok(Some(ClientStep::Open(response, agreement)))
            }
            // interim: the answer is still to come (RFC 9110 §15.2)
            100..200 => Ok(None),
            status => {
                self.phase = Phase::RefusalBody(Box::new(Refusal {
                    status,
                    reason: line.reason.into(),
                    body: BodyReader::new(status, &fields.framing, self.refusal_body),
                    headers: Headers::new(head.into_block()),
                }));
                Ok(None)
            }
        }
    }

    /// Items 2 to 6 of what a client checks in a 101 (RFC 6455 §4.1).
    fn agreement(
        &self,
        line: &StatusLine<'_>,
        fields: &Fields<'_>,
        block: &[u8],
    ) -> Result<Agreement, HandshakeError> {
        use HandshakeError::{
            AcceptMismatch, AcceptMissing, AcceptRepeated, ConnectionMissing, ExtensionNotOffered,
            HttpVersion, SubprotocolNotOffered, SubprotocolRepeated, UpgradeMissing,
        };
        if line.version != Version::Http11 {
            return Err(HttpVersion);
        }
        let upgrade = fields.upgrade.required(UpgradeMissing, UpgradeMissing)?;
        if !upgrade.eq_ignore_ascii_case(b"websocket") {
            return Err(UpgradeMissing);
        }
        if !fields.connection {
            return Err(ConnectionMissing);
        }
        if fields.accept.required(AcceptMissing, AcceptRepeated)? != self.accept_value {
            return Err(AcceptMismatch);
        }
        let deflate = match &self.deflate {
            Some(deflate) => deflate.agree(values(block, "sec-websocket-extensions"))?,
            None if fields.extension => return Err(ExtensionNotOffered),
            None => None,
        };
        let agreement = Agreement::new().with_any_deflate(deflate);
        let Some(chosen) = fields.protocol.optional(SubprotocolRepeated)? else {
            return Ok(agreement);
        };
        let chosen =
            self.offered.iter().find(|name| name.as_bytes() == chosen).ok_or(SubprotocolNotOffered)?;
        Ok(agreement.with_subprotocol(chosen.clone()))
    }
}

impl Refusal {
    fn finish(&mut self) -> Response {
        let (body, truncated) = self.body.finish();
        Response::new(self.status, mem::take(&mut self.reason), mem::take(&mut self.headers), body, truncated)
    }
}

#[derive(Debug, Default)]
struct Fields<'a> {
    upgrade: Single<'a>,
    connection: bool,
    accept: Single<'a>,
    extension: bool,
    protocol: Single<'a>,
    framing: Framing,
}

impl<'a> Fields<'a> {
    fn add(&mut self, name: &[u8], value: &'a [u8]) {
        match Field::of(name) {
            Some(Field::Upgrade) => self.upgrade.add(value),
            Some(Field::Connection) => self.connection |= lists(value, b"upgrade"),
            Some(Field::Accept) => self.accept.add(value),
            Some(Field::Extensions) => self.extension |= elements(value).next().is_some(),
            Some(Field::Protocol) => self.protocol.add(value),
            Some(Field::ContentLength) => self.framing.content_length(value),
            Some(Field::TransferEncoding) => self.framing.transfer_encoding(value),
            Some(Field::Host | Field::Origin | Field::Key | Field::Version) | None => {}
        }
    }
}

#[cfg(test)]
mod tests;
