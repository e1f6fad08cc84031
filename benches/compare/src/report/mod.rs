//! What is kept of a run, and the two documents that are made of it.

mod chart;
mod document;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    grid::Grid,
    peers::{Failure, Outcome},
    targets::{self, Verdict},
};

/// The files of figures, in the order of the document.
const GRIDS: [&str; 14] = [
    "counts",
    "time",
    "time-core",
    "time-tokio",
    "deflate-counts",
    "deflate-time",
    "deflate-time-core",
    "deflate-time-tokio",
    "deflate-memory",
    "loopback",
    "loopback-ratio",
    "idle",
    "heartbeats",
    "ownership",
];

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> PathBuf {
    package().join("figures").join(format!("{name}.tsv"))
}

/// Keeps figures for the document, with where they come from.
pub(crate) fn keep(grid: &Grid) -> Outcome {
    fs::create_dir_all(package().join("figures"))?;
    fs::write(file(&grid.name), format!("# {}\n{}", surroundings(), grid.to_tsv()))?;
    Ok(())
}

/// All that is kept: where it comes from, and the figures.
fn kept() -> Result<Vec<(String, Grid)>, Failure> {
    let mut grids = Vec::new();
    for name in GRIDS {
        if let Ok(text) = fs::read_to_string(file(name)) {
            let (origin, rest) = text.split_once('\n').ok_or("a file of figures is empty")?;
            let grid = Grid::from_tsv(name, rest)?;
            grids.push((origin.trim_start_matches("# ").to_owned(), grid));
        }
    }
    Ok(grids)
}

/// How a missed target is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Judgement {
    /// As a failure.
    Aims,
    /// As a failure where the ratio is worse than what was reached before.
    Held,
    /// As what was reached: later runs are held to it.
    Accept,
}

/// Makes the document and the chart of what is kept, and prints the document.
pub(crate) fn write(judgement: Judgement) -> Outcome {
    let grids = kept()?;
    let all: Vec<_> = grids.iter().map(|(_, grid)| grid.clone()).collect();
    if judgement == Judgement::Accept {
        targets::accept(&targets::verdicts(&all)?)?;
    }
    let verdicts = targets::verdicts(&all)?;
    let document = document::make(&grids, &verdicts);
    fs::write(package().join("RESULTS.md"), &document)?;
    fs::write(package().join("chart.svg"), chart::draw(&grids))?;
    print!("{document}");
    judge(&verdicts, judgement)
}

/// Fails if one of these figures misses its target, or is worse than what is accepted.
pub(crate) fn judge(verdicts: &[Verdict], judgement: Judgement) -> Outcome {
    let (missed, is_worse): (Vec<_>, &str) = match judgement {
        Judgement::Aims => {
            (verdicts.iter().filter(|verdict| !verdict.is_met()).collect(), "miss their targets")
        }
        _ => (
            verdicts.iter().filter(|verdict| !verdict.is_held()).collect(),
            "are worse than what was reached",
        ),
    };
    if missed.is_empty() {
        return Ok(());
    }
    let lines: String = missed.iter().map(|verdict| verdict.markdown()).collect();
    Err(format!("{} of {} rows {is_worse}:\n{lines}", missed.len(), verdicts.len()).into())
}

/// Compiler, machine and day.
fn surroundings() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
        text.lines().next().unwrap_or("unknown").to_owned()
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("an unknown CPU");
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    [
        said("rustc", &["--version"]),
        format!("{cpus} CPUs: {cpu}"),
        said("uname", &["-srm"]),
        said("valgrind", &["--version"]),
        said("ldd", &["--version"]),
        said("date", &["-u", "+%Y-%m-%d"]),
    ]
    .join(" · ")
}
