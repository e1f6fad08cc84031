//! How figures are taken.

mod child;
pub(crate) mod compression;
pub(crate) mod counts;
pub(crate) mod heartbeats;
pub(crate) mod idle;
mod load;
pub(crate) mod loopback;
pub(crate) mod ownership;
pub(crate) mod regress;
pub(crate) mod time;

use crate::grid::Spread;

/// The least, the middle and the largest of some figures.
fn median_of(values: impl Iterator<Item = f64>) -> Spread {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    match &values[..] {
        [] => Spread { least: f64::NAN, median: f64::NAN, most: f64::NAN },
        [least, .., most] => Spread { least: *least, median: values[values.len() / 2], most: *most },
        [only] => Spread { least: *only, median: *only, most: *only },
    }
}
