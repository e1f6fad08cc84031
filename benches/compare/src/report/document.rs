//! RESULTS.md.

use std::fmt::Write;

use crate::{
    grid::{Grid, Line},
    peers::{About, PEERS},
    targets::{self, Verdict},
};

/// What is said of a file of figures.
struct Section {
    grid: &'static str,
    /// Only rows whose names begin so.
    rows: &'static str,
    title: &'static str,
    corner: &'static str,
    digits: usize,
}

const fn section(
    grid: &'static str,
    rows: &'static str,
    title: &'static str,
    corner: &'static str,
    digits: usize,
) -> Section {
    Section { grid, rows, title, corner, digits }
}

const SECTIONS: [Section; 18] = [
    section("counts", "receive", "Receiving, a server", "instructions a message", 0),
    section("counts", "send", "Sending", "instructions a message", 0),
    section("counts", "echo", "Echo in memory", "instructions a message", 0),
    section("counts", "handshake", "Opening handshake", "instructions", 0),
    section("counts", "broadcast", "Broadcast", "instructions a connection", 0),
    section("deflate-counts", "", "Echo of compressed messages in memory", "instructions a message", 0),
    section("deflate-time-core", "", "The same: time of ours-core divided by each column's", "ratio", 2),
    section("deflate-time-tokio", "", "The same: time of ours-tokio divided by each column's", "ratio", 2),
    section("deflate-time", "", "The same: time", "ns a message", 0),
    section(
        "deflate-memory",
        "",
        "Heap of 1,000 connections in memory, each of which has echoed a compressed message of 1 KiB",
        "bytes a connection",
        0,
    ),
    section("ownership", "", "What ownership costs", "instructions a message", 0),
    section("heartbeats", "", "1,000,000 idle connections with a heartbeat of 30 s, one thread", "ours", 0),
    section("idle", "", "9,000 idle tokio connections, after one message each", "a connection", 0),
    section(
        "loopback-ratio",
        "",
        "Echo over TCP: CPU time of the server, divided by the raw echo's",
        "ratio",
        2,
    ),
    section("loopback", "", "Echo over TCP: CPU time of the server", "ns a message", 0),
    section("time-core", "", "Time of ours-core divided by each column's (median of 7 rounds)", "ratio", 2),
    section("time-tokio", "", "Time of ours-tokio divided by each column's (median of 7 rounds)", "ratio", 2),
    section("time", "", "Time", "ns a message", 0),
];

pub(super) fn make(grids: &[(String, Grid)], verdicts: &[Verdict]) -> String {
    let mut text = "# Results\n\nMade by `./run.sh`; [README.md](README.md) says how the figures are taken and what to know \
        before quoting them. ![The chart](chart.svg)\n\n"
        .to_owned();
    text += "## Targets\n\n";
    text += &targets::table(verdicts);
    text += "\n`best other` is the best complete column of another crate, one that leaves nothing of an endpoint to its user; \
        for handshakes, one of those that make the checks which ours makes, or most of them. Ratios of time up to 1.15 are \
        ties. A target that is **missed** stays one; until it is met, the gate holds the row to what was reached.\n";
    for Section { grid, rows, title, corner, digits } in SECTIONS {
        let Some((origin, grid)) = grids.iter().find(|(_, candidate)| candidate.name == grid) else {
            continue;
        };
        let _ = write!(text, "\n## {title}\n\n{}\n{origin}\n", copy(grid, rows).markdown(corner, digits));
    }
    text += &spreads(grids);
    text += &left_out();
    text += &versions();
    text
}

/// The part of a grid whose rows begin with `rows`.
fn copy(grid: &Grid, rows: &str) -> Grid {
    let mut part = Grid::new(&grid.name, grid.columns.clone());
    for Line { name, title, cells } in grid.lines.iter().filter(|line| line.name.starts_with(rows)) {
        part.lines.push(Line { name: name.clone(), title: title.clone(), cells: cells.clone() });
    }
    part
}

/// How far the rounds lay apart.
fn spreads(grids: &[(String, Grid)]) -> String {
    let mut text = String::new();
    for name in ["time-core", "time-tokio"] {
        let Some((_, grid)) = grids.iter().find(|(_, grid)| grid.name == name) else { continue };
        let ours = name.replace("time-", "ours-");
        let _ = write!(text, "\n<details><summary>{ours}: least, median and largest ratio</summary>\n\n");
        text += &grid.spreads();
        text += "\n</details>\n";
    }
    text
}

/// What the documentation of some crates says that they leave to their users.
fn left_out() -> String {
    let mut text = "\n## Columns that leave part of an endpoint to their users\n\n".to_owned();
    for peer in PEERS {
        if let About { name, lacks: Some(lacks), .. } = peer.about() {
            let _ = writeln!(text, "- {name}: {lacks}");
        }
    }
    text
}

/// What stood in Cargo.lock when this was built.
fn versions() -> String {
    let lock = include_str!("../../Cargo.lock");
    let mut packages: Vec<_> = PEERS.iter().map(|peer| peer.about().package).collect();
    packages.extend(["bytes", "tokio", "zlib-rs"]);
    packages.sort_unstable();
    packages.dedup();
    let version = |package: &&str| {
        let begin = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
        Some(format!("{package} {}", begin.split_once('"')?.0))
    };
    let versions: Vec<_> = packages.iter().filter_map(version).collect();
    format!("\n## Versions\n\n{}\n", versions.join(", "))
}
