//! The words of permessage-deflate (RFC 7692 §7.1): an offer, the answer to it, and what they agree on.

use alloc::string::{String, ToString};
use core::fmt;

use super::HandshakeError;
use super::list::{elements, extension, is_extension};
use crate::config::{Deflate, Role};

const NAME: &[u8] = b"permessage-deflate";

/// The largest window, and what it is if nothing is said of it.
const MAX_WINDOW_BITS: u8 = 15;

/// What both sides agreed on for compression (RFC 7692 §7.1), as part of an [`Agreement`](crate::Agreement).
///
/// The opening handshake settles it by itself, from [`Config::deflate`](crate::Config::deflate). It is made by hand only where
/// the upgrade is done elsewhere: a server takes it from [`Deflate::answer`](crate::Deflate::answer) and writes it, a client takes
/// it from [`Deflate::agree`](crate::Deflate::agree).
///
/// Its `Display` is the value of the `Sec-WebSocket-Extensions` field with which a server answers.
///
/// ```
/// use websocket_proto::{Agreement, Deflate};
///
/// // A server behind somebody else's HTTP: the values of the request's Sec-WebSocket-Extensions fields.
/// let offers = [&b"permessage-deflate; client_max_window_bits"[..]];
/// let agreed = Deflate::default().answer(offers);
/// let answer = agreed.map(|agreed| agreed.to_string());
/// assert_eq!(
///     answer.as_deref(),
///     Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
/// );
/// let agreement = Agreement::new().with_deflate(agreed); // for `Connection::upgraded`
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeflateParameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<u8>,
}

impl DeflateParameters {
    /// Whether each message of this side may refer to earlier ones.
    #[must_use]
    pub fn context_takeover(&self, of: Role) -> bool {
        match of {
            Role::Server => !self.server_no_context_takeover,
            Role::Client => !self.client_no_context_takeover,
        }
    }

    /// How far back this side may refer: the base-2 logarithm of a number of bytes, from 8 to 15.
    #[must_use]
    pub fn window_bits(&self, of: Role) -> u8 {
        let bits = match of {
            Role::Server => self.server_max_window_bits,
            Role::Client => self.client_max_window_bits,
        };
        bits.unwrap_or(MAX_WINDOW_BITS)
    }
}

impl fmt::Display for DeflateParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate")?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        if let Some(bits) = self.client_max_window_bits {
            write!(f, "; client_max_window_bits={bits}")?;
        }
        Ok(())
    }
}

impl Deflate {
    /// Client: what to offer, as the value of a `Sec-WebSocket-Extensions` field. The opening handshake does so by itself.
    ///
    /// ```
    /// assert_eq!(
    ///     websocket_proto::Deflate::default().offer(),
    ///     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
    /// );
    /// ```
    #[must_use]
    pub fn offer(&self) -> String {
        let limit = |bits: u8| (bits < MAX_WINDOW_BITS).then_some(bits);
        let parameters = DeflateParameters {
            server_no_context_takeover: !self.peer_context_takeover,
            client_no_context_takeover: !self.context_takeover,
            server_max_window_bits: limit(self.peer_window_bits()),
            client_max_window_bits: limit(self.window_bits()),
        };
        // Without a value it only says that the server may set one, as browsers say (§7.1.2.2).
        let any_bits =
            if parameters.client_max_window_bits.is_none() { "; client_max_window_bits" } else { "" };
        parameters.to_string() + any_bits
    }

    /// Server: chooses among what a client offers, given the values of all its `Sec-WebSocket-Extensions` fields. `None` if it
    /// offers nothing that can be agreed to. The opening handshake does so by itself.
    ///
    /// The first acceptable offer counts; one that has an unknown parameter, one twice or an invalid value is passed over (RFC 7692
    /// §7.1), and so is all that is not permessage-deflate.
    pub fn answer<'a>(&self, offers: impl IntoIterator<Item = &'a [u8]>) -> Option<DeflateParameters> {
        let offer = offers.into_iter().flat_map(elements).find_map(Words::read)?;
        let client_limit =
            self.peer_window_bits().min(offer.client_max_window_bits.flatten().unwrap_or(MAX_WINDOW_BITS));
        let server_limit = self.window_bits();
        Some(DeflateParameters {
            server_no_context_takeover: offer.server_no_context_takeover || !self.context_takeover,
            client_no_context_takeover: offer.client_no_context_takeover || !self.peer_context_takeover,
            server_max_window_bits: match offer.server_max_window_bits {
                // What was asked for has to be confirmed (§7.1.2.1).
                Some(asked) => Some(asked.min(server_limit)),
                None => (server_limit < MAX_WINDOW_BITS).then_some(server_limit),
            },
            client_max_window_bits: offer
                .client_max_window_bits
                .and((client_limit < MAX_WINDOW_BITS).then_some(client_limit)),
        })
    }

    /// Client: what a server's answer to [`offer`](Self::offer) comes to, given the values of all its `Sec-WebSocket-Extensions`
    /// fields; `None` if it declined. The opening handshake does so by itself.
    ///
    /// # Errors
    /// If the server agrees to something that was not offered. The connection must then be failed (RFC 6455 §4.1, RFC 7692
    /// §7.1).
    pub fn agree<'a>(
        &self,
        answers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<DeflateParameters>, HandshakeError> {
        let mut agreed = None;
        for element in answers.into_iter().flat_map(elements) {
            if !is_extension(element) {
                return Err(HandshakeError::ExtensionSyntax);
            }
            if extension(element).is_none_or(|(name, _)| name != NAME) || agreed.is_some() {
                return Err(HandshakeError::ExtensionNotOffered);
            }
            let answer = Words::read(element).and_then(|words| self.judge(&words));
            agreed = Some(answer.ok_or(HandshakeError::ExtensionParameters)?);
        }
        Ok(agreed)
    }

    /// What was answered, if it is an answer to what is offered.
    fn judge(&self, answer: &Words) -> Option<DeflateParameters> {
        let client_max_window_bits = match answer.client_max_window_bits {
            // An answer has a value (§7.1.2.2).
            Some(bits) => Some(bits?),
            None => None,
        };
        let takeover_is_right = answer.server_no_context_takeover || self.peer_context_takeover;
        let window_is_right = match answer.server_max_window_bits {
            Some(bits) => bits <= self.peer_window_bits(),
            None => self.peer_window_bits() == MAX_WINDOW_BITS,
        };
        (takeover_is_right && window_is_right).then_some(DeflateParameters {
            server_no_context_takeover: answer.server_no_context_takeover,
            // What the client says of itself it does, whatever the server says to it.
            client_no_context_takeover: answer.client_no_context_takeover || !self.context_takeover,
            server_max_window_bits: answer.server_max_window_bits,
            client_max_window_bits: match client_max_window_bits {
                Some(bits) => Some(bits.min(self.window_bits())),
                None => (self.window_bits() < MAX_WINDOW_BITS).then(|| self.window_bits()),
            },
        })
    }
}

/// The parameters of one offer or answer.
#[derive(Debug, Default)]
struct Words {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Possibly without a value.
    client_max_window_bits: Option<Option<u8>>,
}

impl Words {
    /// Reads an element of the list; `None` if it is not this extension, or breaks a rule of it.
    fn read(element: &[u8]) -> Option<Self> {
        let (_, parameters) = extension(element).filter(|(name, _)| *name == NAME)?;
        let mut words = Self::default();
        for parameter in parameters {
            let (name, value) = parameter?;
            words.add(name, value)?;
        }
        Some(words)
    }

    /// `None` for a parameter that is unknown or there already, and for a value that it cannot have.
    fn add(&mut self, name: &[u8], value: Option<&[u8]>) -> Option<()> {
        let is_new = match (name, value) {
            (b"server_no_context_takeover", None) => {
                !core::mem::replace(&mut self.server_no_context_takeover, true)
            }
            (b"client_no_context_takeover", None) => {
                !core::mem::replace(&mut self.client_no_context_takeover, true)
            }
            (b"server_max_window_bits", Some(value)) => {
                self.server_max_window_bits.replace(window_bits(value)?).is_none()
            }
            (b"client_max_window_bits", Some(value)) => {
                self.client_max_window_bits.replace(Some(window_bits(value)?)).is_none()
            }
            (b"client_max_window_bits", None) => self.client_max_window_bits.replace(None).is_none(),
            _ => false,
        };
        is_new.then_some(())
    }
}

/// From 8 to 15, without leading zeros (§7.1.2).
fn window_bits(value: &[u8]) -> Option<u8> {
    const BITS: [(u8, &[u8]); 8] =
        [(8, b"8"), (9, b"9"), (10, b"10"), (11, b"11"), (12, b"12"), (13, b"13"), (14, b"14"), (15, b"15")];
    // In a token there are no backslashes, so here they are nothing but quotation.
    let is = |digits: &[u8]| value.iter().filter(|&&byte| byte != b'\\').eq(digits);
    BITS.into_iter().find(|(_, digits)| is(digits)).map(|(bits, _)| bits)
}

#[cfg(test)]
mod tests;
