//! Before anything is measured: every column must deliver the same messages from the same bytes, and send frames that hold
//! the same messages. Each is held against what the work was made from, so no column is another's measure.

use crate::{
    peers::{Failure, NotOffered, Peer},
    work::Row,
};

/// Checks every column in every row; says which columns do not offer which row.
pub(crate) fn all(peers: &[&dyn Peer], rows: &[Row]) -> Result<String, Failure> {
    let mut checked = 0;
    for row in rows {
        let work = row.prepare();
        for peer in peers {
            match work.check(*peer) {
                Ok(()) => checked += 1,
                Err(failure) if failure.is::<NotOffered>() => {}
                Err(failure) => return Err(format!("{}: {}: {failure}", peer.about().name, row.name).into()),
            }
        }
    }
    Ok(format!("{} columns agree in {} rows: {checked} checks", peers.len(), rows.len()))
}
