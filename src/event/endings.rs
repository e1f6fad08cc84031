//! Endings, counted.

use alloc::collections::BTreeMap;
use core::fmt;

use super::close_event::CloseEvent;
use crate::close::CloseCode;

/// Counts how connections ended, by code and by cause: for a whole server, or any part of it.
///
/// It holds one counter for each code and each kind of cause that occurred. Codes that arrive are valid, so there are at most
/// 2,014 of them, however hostile the peers. Keep one for each thread and [merge](Self::merge) them to look, or share one behind
/// a lock: to [record](Self::record) is two look-ups in small trees.
///
/// ```
/// use websocket_proto::{CloseCode, CloseEvent, Endings};
///
/// fn log(endings: &mut Endings, close: &CloseEvent) {
///     endings.record(close);
///     // 3 endings, 2 clean: 1001 Going Away ×2, 1006 Abnormal Closure ×1; closing_handshake ×2, reset ×1
///     println!("{endings}");
/// }
///
/// let endings = Endings::default();
/// assert_eq!((endings.total(), endings.with_code(CloseCode::ABNORMAL)), (0, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    clean: u64,
    codes: BTreeMap<CloseCode, u64>,
    causes: BTreeMap<&'static str, u64>,
}

impl Endings {
    /// Nothing counted yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { clean: 0, codes: BTreeMap::new(), causes: BTreeMap::new() }
    }

    /// Counts one.
    pub fn record(&mut self, close: &CloseEvent) {
        self.clean = self.clean.saturating_add(u64::from(close.was_clean()));
        add(&mut self.codes, close.code(), 1);
        add(&mut self.causes, close.cause().label(), 1);
    }

    /// Adds what others counted.
    pub fn merge(&mut self, others: &Self) {
        self.clean = self.clean.saturating_add(others.clean);
        others.codes.iter().for_each(|(code, count)| add(&mut self.codes, *code, *count));
        others.causes.iter().for_each(|(cause, count)| add(&mut self.causes, *cause, *count));
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.codes.values().fold(0, |total, count| total.saturating_add(*count))
    }

    /// How many of them were [clean](CloseEvent::was_clean).
    #[must_use]
    pub fn clean(&self) -> u64 {
        self.clean
    }

    /// How many ended with this [code](CloseEvent::code).
    #[must_use]
    pub fn with_code(&self, code: CloseCode) -> u64 {
        self.codes.get(&code).copied().unwrap_or_default()
    }

    /// How many ended by this cause, by its [label](crate::Cause::label).
    #[must_use]
    pub fn with_cause(&self, label: &str) -> u64 {
        self.causes.get(label).copied().unwrap_or_default()
    }

    /// The codes that occurred, in their order, with how often.
    pub fn by_code(&self) -> impl Iterator<Item = (CloseCode, u64)> {
        self.codes.iter().map(|(code, count)| (*code, *count))
    }

    /// The [labels](crate::Cause::label) of the causes that occurred, in alphabetical order, with how often.
    pub fn by_cause(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.causes.iter().map(|(cause, count)| (*cause, *count))
    }
}

/// One line with all of it.
impl fmt::Display for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} endings, {} clean", self.total(), self.clean)?;
        list(f, ": ", self.by_code())?;
        list(f, "; ", self.by_cause())
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    before: &str,
    counts: impl Iterator<Item = (impl fmt::Display, u64)>,
) -> fmt::Result {
    let mut separator = before;
    for (what, count) in counts {
        write!(f, "{separator}{what} ×{count}")?;
        separator = ", ";
    }
    Ok(())
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: u64) {
    let counted = counts.entry(key).or_default();
    *counted = counted.saturating_add(count);
}
