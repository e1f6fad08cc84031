//! Where a stream is cut into pieces.

use arbitrary::{Result, Unstructured};

/// The lengths of the pieces, less one; after the last one they start over. After [`MOST_PIECES`] the rest comes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts(pub Vec<u8>);

const MOST_PIECES: usize = 4096;

const MOST_CUTS: u8 = 32;

impl Cuts {
    pub(crate) fn take(u: &mut Unstructured<'_>) -> Result<Self> {
        let count = usize::from(u.arbitrary::<u8>()? % MOST_CUTS);
        Ok(Self(u.bytes(count.min(u.len()))?.to_vec()))
    }

    pub(crate) fn encode(&self, input: &mut Vec<u8>) {
        let count = u8::try_from(self.0.len()).ok().filter(|count| *count < MOST_CUTS);
        input.push(count.expect("at most 31 cuts"));
        input.extend(&self.0);
    }

    pub(crate) fn pieces<'a>(&self, stream: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let cuts = if self.0.is_empty() { &[0] } else { &self.0[..] };
        let mut lengths = cuts.iter().map(|cut| usize::from(*cut) + 1).cycle().take(MOST_PIECES);
        let mut rest = stream;
        std::iter::from_fn(move || {
            let len = lengths.next().unwrap_or(usize::MAX).min(rest.len());
            let (piece, after) = rest.split_at(len);
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
