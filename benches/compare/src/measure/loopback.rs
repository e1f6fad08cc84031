//! Echo over TCP on the loopback interface: how much CPU time the server's process needs for a message, beside a server that
//! only echoes bytes. All servers run, on the same CPU as the client; in each round each of them is asked in turn.

use std::time::{Duration, Instant};

use super::{
    child::Server,
    load::{Burst, Clients},
    median_of,
};
use crate::{
    grid::{Grid, Line},
    peers::{Answering, Failure, Peer, RAW_TCP},
};

/// How long one column is asked in one round.
const SLICE: Duration = Duration::from_millis(100);

/// How many rounds.
const ROUNDS: usize = 5;

/// What is done.
struct Case {
    size: usize,
    connections: usize,
    depth: usize,
}

fn cases() -> impl Iterator<Item = Case> {
    let sizes = [16, 1024, 16 * 1024, 64 * 1024];
    sizes.into_iter().flat_map(|size| {
        let of = move |connections, depth| Case { size, connections, depth };
        [of(1, 1), of(1, 64), of(64, 1), of(64, 64)]
    })
}

/// A column, running.
struct Column {
    title: String,
    echoes_bytes: bool,
    server: Server,
}

/// All loops of the columns, the raw echo first.
fn columns(peers: &[&'static dyn Peer]) -> Result<Vec<Column>, Failure> {
    let mut columns = vec![Column {
        title: RAW_TCP.about().name.to_owned(),
        echoes_bytes: true,
        server: Server::start(RAW_TCP, Answering::Each, false)?,
    }];
    for peer in peers {
        for answering in peer.answers() {
            let title = title(*peer, *answering);
            let server = Server::start(*peer, *answering, false)?;
            columns.push(Column { title, echoes_bytes: false, server });
        }
    }
    Ok(columns)
}

pub(crate) fn title(peer: &dyn Peer, answering: Answering) -> String {
    let name = peer.about().name;
    match answering {
        Answering::Each => format!("{name}, each"),
        Answering::Batched => format!("{name}, batched"),
    }
}

/// Nanoseconds of the server's CPU for a message; `ratios` has them divided by those of the raw echo.
pub(crate) async fn measure(peers: &[&'static dyn Peer], filter: &str) -> Result<[Grid; 2], Failure> {
    // Everybody on one CPU: to wake a process on another one may cost more than a message, and is not always needed.
    let cpus = core_affinity::get_core_ids().unwrap_or_default();
    if !cpus.last().is_some_and(|cpu| core_affinity::set_for_current(*cpu)) {
        eprintln!("the processes cannot be kept on one CPU: the figures will vary more");
    }
    let columns = columns(peers)?;
    let titles: Vec<_> = columns.iter().map(|column| column.title.clone()).collect();
    let mut times = Grid::new("loopback", titles.clone());
    let mut ratios = Grid::new("loopback-ratio", titles);
    for case in cases() {
        let Case { size, connections, depth } = case;
        let name = format!("loopback-{size}-{connections}x{depth}");
        if !name.starts_with(filter) {
            continue;
        }
        eprintln!("{name}");
        let rounds = rounds(&columns, &case).await?;
        let word = if connections == 1 { "connection" } else { "connections" };
        let title = format!("{size} B, {connections} {word}, depth {depth}");
        let of = |index: usize, divide: bool| {
            median_of(rounds.iter().map(|round| if divide { round[index] / round[0] } else { round[index] }))
        };
        let cells = |divide| (0..columns.len()).map(|index| Some(of(index, divide))).collect();
        times.lines.push(Line { name: name.clone(), title: title.clone(), cells: cells(false) });
        ratios.lines.push(Line { name, title, cells: cells(true) });
    }
    Ok([times, ratios])
}

/// For each round, what each column needed.
async fn rounds(columns: &[Column], case: &Case) -> Result<Vec<Vec<f64>>, Failure> {
    let mut asked = Vec::new();
    for column in columns {
        let burst = Burst::new(case.size, case.depth, column.echoes_bytes);
        let mut clients = Clients::connect(column.server.port, case.connections).await?;
        // To warm up, and to learn how many fill the slice.
        let (start, mut bursts) = (Instant::now(), 0_u32);
        while start.elapsed() < SLICE / 2 {
            clients.bursts(&burst, 1).await?;
            bursts += 1;
        }
        let enough = f64::from(bursts) * SLICE.as_secs_f64() / start.elapsed().as_secs_f64();
        asked.push((column, burst, (enough as usize).max(1)));
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for (column, burst, bursts) in &asked {
            // Anew in each round: a connection that waits for its turn would be pinged.
            let mut clients = Clients::connect(column.server.port, case.connections).await?;
            clients.bursts(burst, 1).await?;
            let before = column.server.cpu_time()?;
            let messages = clients.bursts(burst, *bursts).await?;
            round.push((column.server.cpu_time()? - before) / messages as f64);
        }
        rounds.push(round);
    }
    Ok(rounds)
}
