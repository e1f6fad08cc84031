//! What an open connection costs while nothing happens on it: many connections to one server, each of which has echoed one
//! message, and then the server's memory, divided.

use std::time::Duration;

use super::{
    child::{Account, Server},
    load::{Burst, Clients},
    median_of,
};
use crate::{
    grid::{Grid, Line},
    peers::{Failure, Peer, RAW_TCP},
};

/// How many connections are open.
const CONNECTIONS: usize = 9_000;

/// How many are opened before, so that what a server needs once is there.
const BEFORE: usize = 64;

/// Each of which echoes this, once.
const SIZE: usize = 125;

/// Bytes a connection: resident; on the heap; of that, beside the task and the socket; and the number of allocations.
pub(crate) async fn measure(peers: &[&'static dyn Peer]) -> Result<Grid, Failure> {
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    let needed = CONNECTIONS as u64 + 200;
    if files < needed {
        return Err(format!(
            "IDLE MEMORY NOT MEASURED: it needs {needed} open files, and the limit (ulimit -Hn) is {files}"
        )
        .into());
    }
    let serving = peers.iter().copied().filter(|peer| !peer.answers().is_empty());
    let peers: Vec<_> = [RAW_TCP].into_iter().chain(serving).collect();
    let mut grid = Grid::new("idle", peers.iter().map(|peer| peer.about().name.to_owned()).collect());
    let mut lines = [
        ("idle-resident", "resident bytes"),
        ("idle-heap", "bytes on the heap"),
        ("idle-heap-beside", "of those, beside the task and its socket"),
        ("idle-blocks", "allocations"),
    ]
    .map(|(name, title)| Line { name: name.into(), title: title.into(), cells: Vec::new() });
    let mut raw = None;
    for peer in peers {
        eprintln!("idle: {}", peer.about().name);
        let resident = resident(peer).await?;
        let Account { heap_bytes, heap_blocks, future } = heap(peer).await?;
        // What tokio needs for a task and a socket beside the task's future: the raw echo owns nothing else. tokio rounds the
        // size of a task up to 128 bytes, so what is left over means nothing where there is no further allocation.
        let (tokio, tokio_blocks) = *raw.get_or_insert((heap_bytes - future, heap_blocks));
        let owns_some = heap_blocks - tokio_blocks > 0.5;
        let beside = if owns_some { (heap_bytes - future - tokio).max(0.0) } else { 0.0 };
        for (line, value) in lines.iter_mut().zip([resident, heap_bytes, beside, heap_blocks]) {
            line.cells.push(Some(median_of([value].into_iter())));
        }
    }
    grid.lines.extend(lines);
    Ok(grid)
}

async fn resident(peer: &dyn Peer) -> Result<f64, Failure> {
    let server = Server::start(peer, peer.answers()[0], false)?;
    let _before = open(peer, &server, BEFORE).await?;
    let before = server.resident()?;
    let _clients = open(peer, &server, CONNECTIONS).await?;
    Ok((server.resident()? - before) / CONNECTIONS as f64)
}

async fn heap(peer: &dyn Peer) -> Result<Account, Failure> {
    let mut server = Server::start(peer, peer.answers()[0], true)?;
    let _before = open(peer, &server, BEFORE).await?;
    let before = server.account()?;
    let _clients = open(peer, &server, CONNECTIONS).await?;
    let after = server.account()?;
    Ok(Account {
        heap_bytes: (after.heap_bytes - before.heap_bytes) / CONNECTIONS as f64,
        heap_blocks: (after.heap_blocks - before.heap_blocks) / CONNECTIONS as f64,
        future: after.future,
    })
}

/// A few at a time, lest the server's backlog overflows.
async fn open(peer: &dyn Peer, server: &Server, count: usize) -> Result<Vec<Clients>, Failure> {
    let burst = Burst::new(SIZE, 1, peer.about().name == RAW_TCP.about().name);
    let mut all = Vec::new();
    for first in (0..count).step_by(BEFORE) {
        let mut clients = Clients::connect(server.port, BEFORE.min(count - first)).await?;
        clients.bursts(&burst, 1).await?;
        all.push(clients);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(all)
}
