//! What our columns aim at in the rows that matter most, as data, and what they are held to where the aim is out of reach.

use std::{fmt::Write, fs, path::Path};

use crate::{
    grid::{Grid, number},
    measure::compression::POLICIES,
    peers::{Failure, LIBRARY, Outcome, PEERS, Peer, Shape},
    work::{compressed_rows, probes},
};

/// What a figure is divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Against {
    /// The least of all complete columns of other crates.
    Best,
    /// The least of those with an asynchronous socket.
    BestAsync,
    /// The least of those that make all checks of the opening handshake that ours makes, or, where none does, most of them.
    BestHandshake,
    /// The column that is the DEFLATE library alone.
    Library,
    /// Nothing: the limit is for the figure itself.
    Nothing,
    /// The figures of that row are ratios already, of ours to each column: the largest one counts.
    Each,
    /// The same, but only asynchronous columns count.
    EachAsync,
}

pub(crate) struct Target {
    /// The file that the figure is in.
    pub(crate) grid: &'static str,
    pub(crate) row: String,
    pub(crate) column: &'static str,
    pub(crate) against: Against,
    /// The aim: what should not be exceeded.
    pub(crate) limit: f64,
    /// What is as good as equal here: the limit may be exceeded by this factor.
    pub(crate) tie: f64,
    /// Where the aim is not reached: what must not be exceeded, the ratio that was reached last with a margin.
    pub(crate) reached: Option<f64>,
}

pub(crate) struct Verdict {
    pub(crate) target: Target,
    pub(crate) ours: f64,
    /// What ours was divided by, and which column that is.
    pub(crate) other: Option<(f64, String)>,
    pub(crate) ratio: f64,
}

const CORE: &str = "ours-core";
const TOKIO: &str = "ours-tokio";

/// In memory.
const TIE: f64 = 1.15;

/// Which rows miss their aim, and the ratio that each of them is held to.
fn accepted() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("figures/reached.tsv")
}

/// All targets, with what was reached.
pub(crate) fn targets() -> Result<Vec<Target>, Failure> {
    let mut targets = aims();
    let Ok(text) = fs::read_to_string(accepted()) else { return Ok(targets) };
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [grid, row, column, ratio] = fields[..] else {
            return Err(format!("reached.tsv: {line:?}").into());
        };
        let same =
            |target: &&mut Target| (target.grid, &target.row[..], target.column) == (grid, row, column);
        let target = targets.iter_mut().find(same);
        target.ok_or_else(|| format!("reached.tsv: {row} of {column} is no target"))?.reached =
            Some(ratio.parse()?);
    }
    Ok(targets)
}

fn aims() -> Vec<Target> {
    let mut targets = Vec::new();
    let mut add = |grid, row: &str, column, against, limit, tie| {
        targets.push(Target { grid, row: row.to_owned(), column, against, limit, tie, reached: None });
    };
    for (row, limit) in [
        ("receive-16-binary-frame", 0.8),
        ("receive-125-binary-frame", 0.8),
        ("receive-16-binary-16k", 0.7),
        ("receive-1k-binary-frame", 0.8),
        ("receive-1k-mixed-frame", 0.9),
    ] {
        add("counts", row, CORE, Against::Best, limit, 1.0);
        add("counts", row, TOKIO, Against::BestAsync, 0.8, 1.0);
    }
    add("counts", "send-server-125-1", CORE, Against::Best, 1.0, 1.0);
    add("counts", "send-client-125-1", CORE, Against::Best, 1.25, 1.0);
    add("counts", "echo-125-1", TOKIO, Against::BestAsync, 0.7, 1.0);
    for row in ["handshake-server-minimal", "handshake-server-browser", "handshake-client"] {
        add("counts", row, CORE, Against::BestHandshake, 1.0, 1.0);
    }
    for cut in ["frame", "16k"] {
        for size in ["16k", "64k", "1m"] {
            for content in ["binary", "ascii", "mixed"] {
                let row = format!("receive-{size}-{content}-{cut}");
                add("time-core", &row, CORE, Against::Each, 1.0, TIE);
                add("time-tokio", &row, TOKIO, Against::EachAsync, 1.0, TIE);
            }
        }
    }
    for row in compressed_rows() {
        add("deflate-counts", &row.name, CORE, Against::Library, 1.03, 1.0);
        add("deflate-counts", &row.name, TOKIO, Against::BestAsync, 1.0, 1.0);
        add("deflate-time-tokio", &row.name, TOKIO, Against::EachAsync, 1.0, TIE);
    }
    for (policy, ..) in POLICIES {
        for when in ["idle", "peak"] {
            add("deflate-memory", &format!("deflate-{when}-{policy}"), TOKIO, Against::BestAsync, 1.0, 1.0);
        }
    }
    add("idle", "idle-heap-beside", CORE, Against::Nothing, 0.0, 1.0);
    add("idle", "idle-heap-beside", TOKIO, Against::Nothing, 400.0, 1.0);
    add("idle", "idle-resident", TOKIO, Against::BestAsync, 1.0, 1.0);
    add("loopback-ratio", "loopback-1024-1x1", "ours-tokio, batched", Against::Nothing, 1.15, 1.0);
    add("loopback-ratio", "loopback-16-64x64", "ours-tokio, batched", Against::Nothing, 1.5, 1.0);
    targets
}

fn is_ours(peer: &dyn Peer) -> bool {
    peer.about().name.starts_with("ours-")
}

impl Target {
    fn counts(&self, peer: &dyn Peer) -> bool {
        let about = peer.about();
        if self.against == Against::Library {
            return about.name == LIBRARY.about().name;
        }
        if is_ours(peer) || about.lacks.is_some() {
            return false;
        }
        match self.against {
            Against::Best | Against::Each => true,
            Against::BestAsync | Against::EachAsync => about.shape == Shape::Async,
            Against::BestHandshake => {
                let others = PEERS.iter().filter(|peer| !is_ours(**peer));
                let most = others.filter_map(|peer| self.checks(*peer)).max();
                most.is_some() && self.checks(peer) == most
            }
            Against::Library | Against::Nothing => false,
        }
    }

    /// How many checks of the handshake a column makes; nothing where it does not offer the handshake.
    fn checks(&self, peer: &dyn Peer) -> Option<usize> {
        if self.row.contains("client") { probes::client_checks(peer) } else { probes::server_checks(peer) }
    }

    /// What comes of it, if the grid has the figures.
    pub(crate) fn judge(self, grid: &Grid) -> Option<Verdict> {
        let others = PEERS.iter().chain([&LIBRARY]).filter(|peer| self.counts(**peer)).filter_map(|peer| {
            let name = peer.about().name;
            Some((grid.cell(&self.row, name)?.median, name.to_owned()))
        });
        let ascending = |a: &(f64, String), b: &(f64, String)| a.0.total_cmp(&b.0);
        match self.against {
            Against::Each | Against::EachAsync => {
                let other = others.max_by(ascending)?;
                Some(Verdict { ours: other.0, ratio: other.0, other: Some(other), target: self })
            }
            _ => {
                let ours = grid.cell(&self.row, self.column)?.median;
                let other = others.min_by(ascending);
                let ratio = other.as_ref().map_or(ours, |(best, _)| ours / best);
                Some(Verdict { target: self, ours, other, ratio })
            }
        }
    }
}

impl Verdict {
    pub(crate) fn is_met(&self) -> bool {
        self.ratio <= self.target.limit * self.target.tie
    }

    /// Whether the ratio is no worse than what was reached before; where that was the aim, the margin is around the aim.
    pub(crate) fn is_held(&self) -> bool {
        let Target { limit, tie, reached, .. } = &self.target;
        self.is_met() || self.ratio <= reached.unwrap_or(limit * tie * self.margin())
    }

    /// By how much a figure of this kind may vary from run to run.
    fn margin(&self) -> f64 {
        match self.target.grid {
            "counts" | "deflate-counts" => 1.05,
            "idle" | "deflate-memory" => 1.1,
            _ => 1.2,
        }
    }

    /// A row of a table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let Target { row, column, limit, against, grid, reached, .. } = &self.target;
        let digits = if grid.contains("time") || grid.contains("ratio") { 2 } else { 0 };
        let ours = number(self.ours, digits);
        let (ours, other) = match (&self.other, against) {
            (Some((_, name)), Against::Each | Against::EachAsync) => ("time".to_owned(), name.clone()),
            (Some((best, name)), _) => (ours, format!("{name}: {}", number(*best, digits))),
            (None, Against::Nothing) if *grid == "idle" => (ours, String::new()),
            (None, Against::Nothing) => (ours, "raw echo".to_owned()),
            (None, _) => (ours, "none that qualifies".to_owned()),
        };
        let held = reached.filter(|_| !self.is_met()).map(|reached| format!("{reached:.2}"));
        let word = if !self.is_held() {
            "**missed, and worse than before**"
        } else if !self.is_met() {
            "**missed**"
        } else if self.ratio > *limit {
            "tie"
        } else {
            "met"
        };
        let held = held.unwrap_or_default();
        format!("| {row} | {column} | {ours} | {other} | {:.2} | ≤ {limit} | {held} | {word} |\n", self.ratio)
    }
}

/// All verdicts that these grids allow.
pub(crate) fn verdicts(grids: &[Grid]) -> Result<Vec<Verdict>, Failure> {
    let judge = |target: Target| {
        let grid = grids.iter().find(|grid| grid.name == target.grid)?;
        target.judge(grid)
    };
    Ok(targets()?.into_iter().filter_map(judge).collect())
}

/// Verdicts as a table.
pub(crate) fn table(verdicts: &[Verdict]) -> String {
    let mut text = "| row | column | ours | best other | ratio | target | held to | |\n\
        | --- | --- | ---: | --- | ---: | ---: | ---: | --- |\n"
        .to_owned();
    text.extend(verdicts.iter().map(Verdict::markdown));
    text
}

/// Holds our columns to these ratios from now on, with a margin, where the aim is missed.
pub(crate) fn accept(verdicts: &[Verdict]) -> Outcome {
    let mut text = String::new();
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_met()) {
        let Target { grid, row, column, .. } = &verdict.target;
        let _ = writeln!(text, "{grid}\t{row}\t{column}\t{:.3}", verdict.ratio * verdict.margin());
    }
    Ok(fs::write(accepted(), text)?)
}
