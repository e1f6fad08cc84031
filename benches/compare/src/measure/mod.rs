//! How figures are taken.

pub(crate) mod counts;
