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
    targets,
};

/// The files of figures, in the order of the document.
const GRIDS: [&str; 9] = [
    "counts",
    "time",
    "time-core",
    "time-tokio",
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

/// Makes the document and the chart of what is kept, and prints the document. Fails if a target is missed.
pub(crate) fn write() -> Outcome {
    let grids = kept()?;
    let document = document::make(&grids);
    fs::write(package().join("RESULTS.md"), &document)?;
    fs::write(package().join("chart.svg"), chart::draw(&grids))?;
    print!("{document}");
    judge(&grids.into_iter().map(|(_, grid)| grid).collect::<Vec<_>>())
}

/// Fails if one of these figures misses its target.
pub(crate) fn judge(grids: &[Grid]) -> Outcome {
    let (table, all_met) = targets::report(grids);
    if all_met {
        return Ok(());
    }
    let missed: Vec<_> = table.lines().filter(|line| line.contains("**missed**")).collect();
    Err(format!("{} targets are missed:\n{}", missed.len(), missed.join("\n")).into())
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
