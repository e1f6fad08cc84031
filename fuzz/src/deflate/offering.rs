//! The target `deflate_offers`: any header values as offers and as answers, beside a second reading of RFC 7692 §7.1.

use arbitrary::{Arbitrary, Result, Unstructured};
use websocket_proto::{Deflate, DeflateParameters, Role};

/// What one side says, and the policy of the other.
///
/// As bytes: a byte of switches, both windows, and header values with line feeds between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    pub context_takeover: bool,
    pub peer_context_takeover: bool,
    pub window_bits: u8,
    pub peer_window_bits: u8,
    pub values: Vec<u8>,
}

impl<'a> Arbitrary<'a> for Offering {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let switches: u8 = u.arbitrary()?;
        Ok(Self {
            context_takeover: switches & 1 != 0,
            peer_context_takeover: switches & 2 != 0,
            window_bits: 8 + u.arbitrary::<u8>()? % 8,
            peer_window_bits: 8 + u.arbitrary::<u8>()? % 8,
            values: u.bytes(u.len())?.to_vec(),
        })
    }
}

impl Offering {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let switches = u8::from(self.context_takeover) | u8::from(self.peer_context_takeover) << 1;
        let mut input = vec![switches, self.window_bits - 8, self.peer_window_bits - 8];
        input.extend(&self.values);
        input
    }

    fn policy(&self) -> Deflate {
        let mut policy = Deflate::default();
        policy.context_takeover = self.context_takeover;
        policy.peer_context_takeover = self.peer_context_takeover;
        policy.window_bits = self.window_bits;
        policy.peer_window_bits = self.peer_window_bits;
        policy
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.values.split(|byte| *byte == b'\n')
    }
}

/// Both sides' context takeover and windows, the server's first.
type Meaning = [(bool, u8); 2];

fn meaning(agreed: DeflateParameters) -> Meaning {
    [Role::Server, Role::Client].map(|role| (agreed.context_takeover(role), agreed.window_bits(role)))
}

pub fn offer(offering: &Offering) {
    let policy = offering.policy();
    let elements: Vec<Element> = offering.lines().flat_map(elements).collect();

    // As offers to a server.
    let answered = policy.answer(offering.lines());
    let offer = elements.iter().find_map(|element| element.extension().as_ref().and_then(Offer::of));
    let expected = offer.map(|offer| -> Meaning {
        let (server, client) =
            (offer.server_bits.unwrap_or(15), offer.client_bits.map_or(15, |bits| bits.unwrap_or(15)));
        let client_limit = if offer.client_bits.is_some() { policy.peer_window_bits } else { 15 };
        [
            (policy.context_takeover && !offer.server_alone, server.min(policy.window_bits)),
            (policy.peer_context_takeover && !offer.client_alone, client.min(client_limit)),
        ]
    });
    // A client that only hints at its window is free to use it; the answer need not name it.
    assert_eq!(answered.map(meaning), expected);
    if let Some(answered) = answered {
        let answer = answered.to_string();
        let mut open = Deflate::default();
        (open.context_takeover, open.peer_context_takeover) = (true, true);
        let agreed = open.agree([answer.as_bytes()]).expect("a valid answer").expect("an answer");
        assert_eq!(meaning(agreed), meaning(answered), "{answer}");
    }

    // As answers to a client.
    let agreed = policy.agree(offering.lines());
    let expected = match &elements[..] {
        [] => Some(None),
        [only] => only
            .extension()
            .as_ref()
            .and_then(Offer::of)
            .and_then(|answer| accepts(&policy, &answer))
            .map(Some),
        _ => None,
    };
    assert_eq!(agreed.ok().map(|agreed| agreed.map(meaning)), expected);
}

/// What this answer comes to for a client with this policy, if it takes it.
fn accepts(policy: &Deflate, answer: &Offer) -> Option<Meaning> {
    let asks_window = policy.peer_window_bits < 15;
    let server_window = answer.server_bits.unwrap_or(15);
    let has_value = answer.client_bits != Some(None);
    let fits = has_value
        && (policy.peer_context_takeover || answer.server_alone)
        && (!asks_window || answer.server_bits.is_some())
        && server_window <= policy.peer_window_bits;
    let client_window = answer.client_bits.flatten().unwrap_or(15).min(policy.window_bits);
    fits.then_some([
        (!answer.server_alone, server_window),
        (policy.context_takeover && !answer.client_alone, client_window),
    ])
}

/// Its name and its parameters.
type Extension = (String, Vec<(String, Option<String>)>);

/// permessage-deflate with valid parameters.
#[derive(Default)]
struct Offer {
    server_alone: bool,
    client_alone: bool,
    server_bits: Option<u8>,
    client_bits: Option<Option<u8>>,
}

impl Offer {
    fn of((name, parameters): &Extension) -> Option<Self> {
        if name != "permessage-deflate" {
            return None;
        }
        let mut offer = Self::default();
        for (place, (name, value)) in parameters.iter().enumerate() {
            if parameters[..place].iter().any(|(other, _)| other == name) {
                return None;
            }
            let bits = value.as_deref().map(|value| {
                ["8", "9", "10", "11", "12", "13", "14", "15"]
                    .iter()
                    .position(|bits| *bits == value)
                    .map(|at| at as u8 + 8)
            });
            match (name.as_str(), bits) {
                ("server_no_context_takeover", None) => offer.server_alone = true,
                ("client_no_context_takeover", None) => offer.client_alone = true,
                ("server_max_window_bits", Some(Some(bits))) => offer.server_bits = Some(bits),
                ("client_max_window_bits", None) => offer.client_bits = Some(None),
                ("client_max_window_bits", Some(Some(bits))) => offer.client_bits = Some(Some(bits)),
                _ => return None,
            }
        }
        Some(offer)
    }
}

/// An element of the list, as lexical parts (RFC 9110 §5.6): `None` is what fits nowhere.
struct Element(Vec<Option<Part>>);

#[derive(Clone, PartialEq)]
enum Part {
    Token(String),
    Quoted(String),
    Sign(u8),
}

const SEPARATORS: &[u8] = b"()<>@,;:\\\"/[]?={} \t";

fn is_token_byte(byte: u8) -> bool {
    (0x21..0x7f).contains(&byte) && !SEPARATORS.contains(&byte)
}

/// Takes a line apart, byte by byte.
fn elements(line: &[u8]) -> Vec<Element> {
    let mut elements = vec![Element(Vec::new())];
    let mut rest = line;
    while let [byte, after @ ..] = rest {
        rest = after;
        let parts = &mut elements.last_mut().expect("one at least").0;
        match byte {
            b',' => elements.push(Element(Vec::new())),
            b';' | b'=' => parts.push(Some(Part::Sign(*byte))),
            b'"' => parts.push(quoted(&mut rest)),
            // White space around parts; within one it makes two of it.
            b' ' | b'\t' | b'\r' | 0x0c => parts.push(Some(Part::Sign(b' '))),
            byte if is_token_byte(*byte) => match parts.last_mut() {
                Some(Some(Part::Token(token))) => token.push(char::from(*byte)),
                _ => parts.push(Some(Part::Token(char::from(*byte).to_string()))),
            },
            _ => parts.push(None),
        }
    }
    elements.retain(|Element(parts)| parts.iter().any(|part| *part != Some(Part::Sign(b' '))));
    elements
}

/// The rest of a quoted string; `None` if it is none.
fn quoted(rest: &mut &[u8]) -> Option<Part> {
    let mut text = Vec::new();
    loop {
        let [byte, after @ ..] = *rest else { return None };
        *rest = after;
        match (byte, after) {
            (b'"', _) => return Some(Part::Quoted(String::from_utf8(text).ok()?)),
            (b'\\', [escaped, after @ ..]) => {
                *rest = after;
                text.push(*escaped);
            }
            (b'\\', []) => return None,
            (byte, _) => text.push(*byte),
        }
    }
}

impl Element {
    /// Name and parameters, if that is what it is (RFC 6455 §9.1).
    fn extension(&self) -> Option<Extension> {
        let mut groups = vec![Vec::new()];
        for part in &self.0 {
            match part.clone()? {
                Part::Sign(b';') => groups.push(Vec::new()),
                part => groups.last_mut().expect("one at least").push(part),
            }
        }
        let mut groups = groups.into_iter().map(trimmed);
        let first = groups.next().unwrap_or_default();
        let [Part::Token(name)] = &first[..] else { return None };
        let parameters = groups.map(|parts| {
            let (name, value) = match parts.iter().position(|part| *part == Part::Sign(b'=')) {
                Some(at) => (trimmed(parts[..at].to_vec()), Some(trimmed(parts[at + 1..].to_vec()))),
                None => (parts, None),
            };
            let [Part::Token(name)] = &name[..] else { return None };
            let value = match value.as_deref() {
                None => None,
                Some([Part::Token(value)]) => Some(value.clone()),
                Some([Part::Quoted(value)]) if !value.is_empty() && value.bytes().all(is_token_byte) => {
                    Some(value.clone())
                }
                Some(_) => return None,
            };
            Some((name.clone(), value))
        });
        Some((name.clone(), parameters.collect::<Option<Vec<_>>>()?))
    }
}

fn trimmed(mut parts: Vec<Part>) -> Vec<Part> {
    let space = Part::Sign(b' ');
    while parts.last() == Some(&space) {
        parts.pop();
    }
    let leading = parts.iter().take_while(|part| **part == space).count();
    parts.split_off(leading)
}
