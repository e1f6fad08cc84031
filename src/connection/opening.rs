//! The opening handshake, in whichever role, and what its outcome means for the connection.

use bytes::{Bytes, BytesMut};

use super::sender::Sender;
use crate::config::Config;
use crate::error::{Deadline, TransportFailure};
use crate::event::{Cause, Event, Side};
use crate::handshake::{
    Accepted, ClientHandshake, ClientStep, Limits, ServerHandshake, ServerStep, plain_answer,
};
use crate::upgrade::{Accept, ClientRequest, HandshakeError, Misuse, Reject, Response};

#[derive(Debug)]
pub(super) enum Opening {
    Client(ClientHandshake),
    Server(ServerHandshake),
}

impl Opening {
    pub(super) fn client(request: &ClientRequest, key: [u8; 16], config: &Config) -> (Self, Bytes) {
        let (handshake, head) = ClientHandshake::new(request, key, limits(config), config.deflate_policy());
        (Self::Client(handshake), head)
    }

    pub(super) fn server(config: &Config) -> Self {
        Self::Server(ServerHandshake::new(limits(config), config.http_requests))
    }

    pub(super) fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
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
                    sender.requested();
                    Some(Event::Request(request))
                }
                ServerStep::HttpRequest(request) => {
                    sender.requested();
                    Some(Event::HttpRequest(request))
                }
                ServerStep::Failed { answer, error } => {
                    sender.answer_and_end(answer, Cause::Handshake(error));
                    None
                }
            },
        }
    }

    /// The stream ended, or failed.
    pub(super) fn end_of_input(
        &mut self,
        failure: Option<TransportFailure>,
        sender: &mut Sender,
    ) -> Option<Event> {
        let cause = failure.map_or(Cause::Handshake(HandshakeError::EndedEarly), Cause::Transport);
        match self {
            Self::Client(handshake) => {
                let step = if failure.is_some() { handshake.cut_short() } else { handshake.end_of_input() };
                if let ClientStep::Refused(response) = step {
                    return Some(refused(response, sender));
                }
            }
            Self::Server(_) => {}
        }
        sender.abandon(cause, failure.is_none().then_some(Side::Remote));
        None
    }

    pub(super) fn accept(&mut self, accept: &Accept, sender: &mut Sender) -> Result<(), Misuse> {
        let Self::Server(handshake) = self else { return Err(Misuse::NoRequestPending) };
        match handshake.accept(accept, sender.config.deflate_policy())? {
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

    /// Ends the handshake from this side: a server says so by an answer, a client by leaving. A refusal whose head has come is
    /// told as far as it has.
    pub(super) fn cancel(&mut self, cause: Cause, sender: &mut Sender) -> Option<Event> {
        match self {
            Self::Client(handshake) => {
                if let ClientStep::Refused(response) = handshake.cut_short() {
                    return Some(refused(response, sender));
                }
                sender.abandon(cause, Some(Side::Local));
            }
            Self::Server(_) => {
                let (status, explanation) = match cause {
                    Cause::Deadline(Deadline::Handshake) => (408, "The request did not arrive in time."),
                    _ => (503, "The server cannot take this connection."),
                };
                sender.answer_and_end(plain_answer(status, explanation), cause);
            }
        }
        None
    }
}

fn refused(response: Response, sender: &mut Sender) -> Event {
    sender.refused(response.status());
    Event::Refused(response)
}

fn client_event(step: ClientStep, sender: &mut Sender) -> Option<Event> {
    match step {
        // Too late: nothing can be written any more. The failure is the cause, since it came first.
        ClientStep::Open(..) if !sender.life.goes_on() => {
            sender.abandon(Cause::ClosedWhileConnecting, None);
            None
        }
        ClientStep::Open(response, agreement) => {
            sender.open(agreement);
            Some(Event::Open(response))
        }
        ClientStep::Refused(response) => Some(refused(response, sender)),
        ClientStep::Failed(error) => {
            sender.abandon(Cause::Handshake(error), Some(Side::Local));
            None
        }
    }
}

fn limits(config: &Config) -> Limits {
    Limits { head: config.max_head_size, refusal_body: config.max_refusal_body }
}
