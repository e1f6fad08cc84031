//! The input of `header_values`: what two applications put into a handshake.

use arbitrary::{Arbitrary, Result, Unstructured};

/// Words, in the order in which they are given, and the status that answers.
///
/// As bytes: the status, and for each word what it is, its length, and the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// 101 accepts.
    pub status: u16,
    pub words: Vec<(Place, String)>,
}

/// Where a word goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Host,
    Target,
    Origin,
    Subprotocol,
    /// The name of the fields that follow.
    Name,
    /// A field of the request, of the answer.
    Field,
    AnswerField,
    /// The policy is a list with this origin in it; without any word of this kind, it is the same host.
    Allowed,
    /// The subprotocol that the server chooses.
    Chosen,
    Body,
    RetryAfter,
}

const PLACES: [Place; 11] = [
    Place::Host,
    Place::Target,
    Place::Origin,
    Place::Subprotocol,
    Place::Name,
    Place::Field,
    Place::AnswerField,
    Place::Allowed,
    Place::Chosen,
    Place::Body,
    Place::RetryAfter,
];

/// A head stays below the limit on heads, so that this one is not what is tested.
const MOST_WORDS: usize = 40;

impl<'a> Arbitrary<'a> for Wording {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let status = u.arbitrary()?;
        let mut words = Vec::new();
        while words.len() < MOST_WORDS && !u.is_empty() {
            let place = PLACES[usize::from(u.arbitrary::<u8>()?) % PLACES.len()];
            let len = usize::from(u.arbitrary::<u8>()?).min(u.len());
            words.push((place, String::from_utf8_lossy(u.bytes(len)?).into_owned()));
        }
        Ok(Self { status, words })
    }
}

impl Wording {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let mut input = self.status.to_le_bytes().to_vec();
        for (place, word) in &self.words {
            let kind = PLACES.iter().position(|other| other == place).unwrap_or_default();
            input.extend([kind as u8, u8::try_from(word.len()).expect("at most 255 bytes")]);
            input.extend(word.as_bytes());
        }
        input
    }

    pub(super) fn all(&self, wanted: Place) -> impl Iterator<Item = &str> {
        self.words.iter().filter(move |(place, _)| *place == wanted).map(|(_, word)| word.as_str())
    }

    /// The fields of one kind, each with the name that was given last.
    pub(super) fn fields(&self, wanted: Place) -> Vec<(&str, &str)> {
        let mut name = "X-Field";
        let mut fields = Vec::new();
        for (place, word) in &self.words {
            match *place {
                Place::Name => name = word,
                Place::RetryAfter if wanted == Place::AnswerField => {
                    fields.push(("Retry-After", word.as_str()));
                }
                place if place == wanted => fields.push((name, word)),
                _ => {}
            }
        }
        fields
    }
}
