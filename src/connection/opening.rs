//! The opening handshake, in whichever role, and what its outcome means for the connection.

use bytes::{Bytes, BytesMut};

use super::sender::{Sender, Stage};
use crate::config::Config;
use crate::error::Deadline;
use crate::event::{Cause, Event, Side};
use crate::handshake::{
    Accepted, ClientHandshake, ClientStep, Limits, ServerHandshake, ServerStep, plain_answer,
};
use crate::upgrade::{Accept, ClientRequest, HandshakeError, Misuse, Reject};

#[derive(Debug)]
pub(super) enum Opening {
    Client(ClientHandshake),
    Server(ServerHandshake),
}

impl Opening {
    pub(super) fn client(request: &ClientRequest, key: [u8; 16], config: &Config) -> (Self, Bytes) {
        let (handshake, head) = ClientHandshake::new(request, key, limits(config));
        (Self::Client(handshake), head)
    }

    pub(super) fn server(config: &Config) -> Self {
        Self::Server(ServerHandshake::new(limits(config), config.http_requests))
    }

    pub(super) fn waits_for_decision(&self) -> bool {
        match self {
            Self::Client(_) => false,
            Self::Server(handshake) => handshake.waits_for_decision(),
        }
    }

    pub(super) fn poll(&mut self, input: &mut BytesMut, sender: &mut Sender) -> Option<Event> {
        match self {
            Self::Client(handshake) => {
                let step = handshake.receive(input)?;
                client_event(step, sender)
            }
            Self::Server(handshake) => match handshake.receive(input)? {
                ServerStep::Request(request) => {
                    sender.enter(Stage::Decision);
                    Some(Event::Request(request))
                }
                ServerStep::HttpRequest(request) => {
                    sender.enter(Stage::Decision);
                    Some(Event::HttpRequest(request))
                }
                ServerStep::Failed { answer, error } => {
                    sender.answer_and_end(answer, Cause::Handshake(error));
                    None
                }
            },
        }
    }

    pub(super) fn end_of_input(&mut self, sender: &mut Sender) -> Option<Event> {
        match self {
            Self::Client(handshake) => {
                let step = handshake.end_of_input();
                client_event(step, sender)
            }
            Self::Server(_) => {
                sender.abandon(Cause::Handshake(HandshakeError::EndedEarly), Some(Side::Remote));
                None
            }
        }
    }

    pub(super) fn accept(&mut self, accept: &Accept, sender: &mut Sender) -> Result<(), Misuse> {
        let Self::Server(handshake) = self else { return Err(Misuse::NoRequestPending) };
        match handshake.accept(accept)? {
            Accepted::Open { head, agreement } => {
                sender.send_handshake(head);
                sender.open(agreement);
            }
            Accepted::Denied { answer, error } => sender.answer_and_end(answer, Cause::Handshake(error)),
        }
        Ok(())
    }

    pub(super) fn reject(&mut self, reject: &Reject, sender: &mut Sender) -> Result<(), Misuse> {
        let Self::Server(handshake) = self else { return Err(Misuse::NoRequestPending) };
        let status = reject.status();
        let answer = handshake.reject(reject)?;
        sender.answer_and_end(answer, Cause::Rejected(status));
        Ok(())
    }

    /// Ends the handshake from this side: a server says so by an answer, a client by leaving.
    pub(super) fn cancel(&self, cause: Cause, sender: &mut Sender) {
        match self {
            Self::Client(_) => sender.abandon(cause, Some(Side::Local)),
            Self::Server(_) => {
                let (status, explanation) = match cause {
                    Cause::Deadline(Deadline::Handshake) => (408, "The request did not arrive in time."),
                    _ => (503, "The server cannot take this connection."),
                };
                sender.answer_and_end(plain_answer(status, explanation), cause);
            }
        }
    }
}

fn client_event(step: ClientStep, sender: &mut Sender) -> Option<Event> {
    match step {
        ClientStep::Open(response, agreement) => {
            sender.open(agreement);
            Some(Event::Open(response))
        }
        ClientStep::Refused(response) => {
            sender.abandon(Cause::Refused(response.status()), Some(Side::Remote));
            Some(Event::Refused(response))
        }
        ClientStep::Failed(error) => {
            sender.abandon(Cause::Handshake(error), Some(Side::Local));
            None
        }
    }
}

fn limits(config: &Config) -> Limits {
    Limits { head: config.max_head_size, refusal_body: config.max_refusal_body }
}
