//! Whether our own columns need more instructions than before: than the figures that are kept for this compiler, or, where
//! there are none, than the commit that this work began from, counted in the same run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::counts;
use crate::{
    grid::{Grid, Spread, number},
    peers::{Failure, Outcome, PEERS, Peer},
    work::{COUNTED_CROWD, rows},
};

/// More than this is worse.
const TOLERANCE: f64 = 0.05;

/// In one program with other columns, ours would be inlined differently.
fn alone() -> Outcome {
    if cfg!(feature = "peers") {
        return Err(
            "our own counts are taken in a program without the other columns: `run.sh regress` builds it"
                .into(),
        );
    }
    Ok(())
}

fn ours() -> Vec<&'static dyn Peer> {
    PEERS.iter().copied().filter(|peer| peer.about().name.starts_with("ours-")).collect()
}

/// Where the figures of this compiler are kept.
fn kept() -> Result<PathBuf, Failure> {
    let version = said(Command::new("rustc").arg("--version"))?;
    let version = version.split(' ').nth(1).ok_or("rustc tells no version")?;
    let file = format!("rustc-{version}-{}.tsv", std::env::consts::ARCH);
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("figures").join(file))
}

fn said(command: &mut Command) -> Result<String, Failure> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
    }
}

/// Writes what is counted now as what later counts are held against.
pub(crate) fn update() -> Outcome {
    alone()?;
    let path = kept()?;
    let grid = counts::measure(&ours(), &rows(COUNTED_CROWD))?;
    fs::create_dir_all(path.parent().ok_or("no directory")?)?;
    fs::write(&path, grid.to_tsv())?;
    println!("{} figures are kept in {}", grid.lines.len() * grid.columns.len(), path.display());
    Ok(())
}

/// Fails where a figure is worse.
pub(crate) fn check() -> Outcome {
    alone()?;
    let path = kept()?;
    let before = if path.exists() {
        Grid::from_tsv("counts", &fs::read_to_string(&path)?)?
    } else {
        eprintln!("{} does not exist: the merge base is counted instead", path.display());
        merge_base()?
    };
    let after = counts::measure(&ours(), &rows(COUNTED_CROWD))?;
    let changes = changes(&before, &after);
    let worse: Vec<_> = changes.iter().filter(|change| change.is_worse()).collect();
    let better = changes.iter().filter(|change| change.is_better()).count();
    for change in &changes {
        if change.is_worse() || change.is_better() {
            println!("{}", change.describe());
        }
    }
    println!("{} figures, {} worse and {better} better by more than 5 %", changes.len(), worse.len());
    if better > 0 && path.exists() {
        println!("hint: `run.sh regress --update` keeps what was gained");
    }
    if worse.is_empty() { Ok(()) } else { Err(format!("{} figures are worse", worse.len()).into()) }
}

struct Change {
    row: String,
    column: String,
    before: f64,
    after: f64,
}

impl Change {
    fn is_worse(&self) -> bool {
        self.after > self.before * (1.0 + TOLERANCE)
    }

    fn is_better(&self) -> bool {
        self.after < self.before * (1.0 - TOLERANCE)
    }

    fn describe(&self) -> String {
        let percent = (self.after / self.before - 1.0) * 100.0;
        let word = if self.is_worse() { "worse" } else { "better" };
        let (before, after) = (number(self.before, 0), number(self.after, 0));
        format!("{word}: {} of {}: {before} before, {after} now, {percent:+.1} %", self.row, self.column)
    }
}

/// All figures that both have.
fn changes(before: &Grid, after: &Grid) -> Vec<Change> {
    let mut changes = Vec::new();
    for line in &after.lines {
        for (column, cell) in after.columns.iter().zip(&line.cells) {
            if let (Some(Spread { median: after, .. }), Some(Spread { median: before, .. })) =
                (*cell, before.cell(&line.name, column))
            {
                changes.push(Change { row: line.name.clone(), column: column.clone(), before, after });
            }
        }
    }
    changes
}

/// Counts the commit that this work began from, in a worktree of its own. This harness is used for it, so that only the crate
/// differs; if it does not fit that crate, the one of that commit.
fn merge_base() -> Result<Grid, Failure> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let git = |arguments: &[&str]| said(Command::new("git").current_dir(package).args(arguments));
    let base = git(&["merge-base", "HEAD", "origin/main"]).or_else(|_| git(&["rev-parse", "HEAD~1"]))?;
    let head = git(&["rev-parse", "HEAD"])?;
    let base = if base == head { git(&["rev-parse", "HEAD~1"])? } else { base };
    let tree = std::env::temp_dir().join(format!("compare-base-{}", std::process::id()));
    let tree_name = tree.to_str().ok_or("the temporary directory has a strange name")?;
    git(&["worktree", "add", "--quiet", "--detach", tree_name, &base])?;
    let grid = count_worktree(&tree);
    git(&["worktree", "remove", "--force", tree_name])?;
    grid.map_err(|failure| format!("{base}: {failure}").into())
}

fn count_worktree(tree: &Path) -> Result<Grid, Failure> {
    let theirs = tree.join("benches/compare");
    let set_aside = tree.join("benches/compare-of-then");
    fs::rename(&theirs, &set_aside)?;
    copy(Path::new(env!("CARGO_MANIFEST_DIR")), &theirs)?;
    count_package(&theirs).or_else(|failure| {
        eprintln!("this harness does not fit that crate, so its own is used: {failure}");
        fs::remove_dir_all(&theirs)?;
        fs::rename(&set_aside, &theirs)?;
        count_package(&theirs)
    })
}

fn count_package(package: &Path) -> Result<Grid, Failure> {
    let target = package.join("target");
    said(Command::new("cargo").current_dir(package).env("CARGO_TARGET_DIR", &target).args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--no-default-features",
        "--bin",
        "compare",
    ]))?;
    let mut command = Command::new(target.join("release/compare"));
    command.args(["counts", "--tsv"]).args(ours().iter().flat_map(|peer| ["--peer", peer.about().name]));
    Grid::from_tsv("counts", &said(&mut command)?)
}

/// Copies a package, without what was built.
fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, into) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            if entry.file_name() != "target" {
                copy(&path, &into)?;
            }
        } else {
            fs::copy(&path, &into)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Line;

    fn grid(figures: &[(&str, f64)]) -> Grid {
        let mut grid = Grid::new("counts", vec!["ours-core".to_owned()]);
        for (row, figure) in figures {
            let cells = vec![Some(Spread::single(*figure))];
            grid.lines.push(Line { name: (*row).to_owned(), title: String::new(), cells });
        }
        grid
    }

    #[test]
    fn six_percent_more_is_worse_and_five_is_not() {
        let before = grid(&[("a", 100.0), ("b", 100.0), ("c", 100.0), ("gone", 1.0)]);
        let after = grid(&[("a", 106.0), ("b", 105.0), ("c", 94.0), ("new", 1.0)]);
        let changes = changes(&before, &after);
        let worse: Vec<_> = changes.iter().filter(|change| change.is_worse()).map(Change::describe).collect();
        assert_eq!(worse, ["worse: a of ours-core: 100 before, 106 now, +6.0 %"]);
        assert_eq!(changes.iter().filter(|change| change.is_better()).count(), 1);
        assert_eq!(changes.len(), 3);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let kept = grid(&[("a", 100.5), ("b", 7.0)]);
        let read = Grid::from_tsv("counts", &kept.to_tsv()).unwrap();
        assert!(changes(&kept, &read).iter().all(|change| change.before == change.after));
        assert!(Grid::from_tsv("counts", "nonsense").is_err());
    }
}
