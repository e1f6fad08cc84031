//! What compression costs: instructions and time of an echo, and the heap of many connections, each in a process of its own
//! with an allocator that counts.

use std::process::Command;

use super::{child::program, counts, time};
use crate::{
    Heap,
    grid::{Grid, Line, Spread},
    peers::{Compression, Failure, LIBRARY, NotOffered, Outcome, PEERS, Peer},
    transport::Transport,
    work::{compressed_rows, one_message},
};

/// How many connections are open.
const CONNECTIONS: usize = 1_000;

/// What can be agreed on: the name, what it is called, whether contexts are kept, and the window of what is sent.
pub(crate) const POLICIES: [(&str, &str, bool, u8); 4] = [
    ("alone", "no takeover", false, 15),
    ("takeover-9", "takeover, window of 9 bits", true, 9),
    ("takeover-12", "takeover, window of 12 bits", true, 12),
    ("takeover-15", "takeover, window of 15 bits", true, 15),
];

/// The columns that show an echo of compressed messages, and the library.
pub(crate) fn peers() -> Vec<&'static dyn Peer> {
    let row = compressed_rows().remove(0).prepare();
    let offers = |peer: &&dyn Peer| !row.run(*peer, 1).is_err_and(|failure| failure.is::<NotOffered>());
    PEERS.iter().copied().filter(offers).chain([LIBRARY]).collect()
}

/// Instructions, time, and our times divided by those of each column.
pub(crate) fn measure() -> Result<(Grid, Vec<Grid>), Failure> {
    let (peers, rows) = (peers(), compressed_rows());
    let mut grids = vec![counts::measure(&peers, &rows)?];
    grids.extend(time::measure(&peers, &rows)?);
    for grid in &mut grids {
        grid.name = format!("deflate-{}", grid.name);
    }
    Ok((grids.remove(0), grids))
}

/// Bytes on the heap for a connection: while all wait, and the most there were until then.
pub(crate) fn memory() -> Result<Grid, Failure> {
    let peers: Vec<_> =
        peers().into_iter().filter(|peer| peer.about().name != LIBRARY.about().name).collect();
    let names = peers.iter().map(|peer| peer.about().name.to_owned()).collect();
    let mut grid = Grid::new("deflate-memory", names);
    for (policy, title, ..) in POLICIES {
        let mut lines = ["idle", "peak"].map(|when| Line {
            name: format!("deflate-{when}-{policy}"),
            title: format!("{when}, {title}"),
            cells: Vec::new(),
        });
        for peer in &peers {
            eprintln!("memory: {}, {title}", peer.about().name);
            let figures = held(*peer, policy)?;
            for (index, line) in lines.iter_mut().enumerate() {
                line.cells.push(figures.map(|figures| Spread::single(figures[index])));
            }
        }
        grid.lines.extend(lines);
    }
    Ok(grid)
}

/// Asks a process for both figures.
fn held(peer: &dyn Peer, policy: &str) -> Result<Option<[f64; 2]>, Failure> {
    let mut command = Command::new(program(true)?);
    let output = command.args(["hold", "--peer", peer.about().name, "--policy", policy]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let said = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    Ok(<[f64; 2]>::try_from(numbers).ok())
}

/// The process that is asked. It says nothing where the column does not offer this.
pub(crate) fn subject(peer: &dyn Peer, policy: &str, heap: Option<fn() -> Heap>) -> Outcome {
    let heap = heap.ok_or("this program does not count what is on the heap")?;
    let policy = POLICIES.iter().find(|(name, ..)| *name == policy).ok_or("there is no such policy")?;
    let compression = Compression { level: 1, takeover: policy.2, window_bits: policy.3 };
    let script = one_message();
    let before = heap().bytes;
    let ios = (0..CONNECTIONS).map(|_| Transport::new(&script)).collect();
    let mut idle = Heap::default();
    match peer.hold_compressed(ios, compression, &mut || idle = heap()) {
        Err(failure) if failure.is::<NotOffered>() => return Ok(()),
        outcome => outcome?,
    }
    let each = |bytes: usize| (bytes - before) / CONNECTIONS;
    println!("{} {}", each(idle.bytes), each(idle.peak));
    Ok(())
}
