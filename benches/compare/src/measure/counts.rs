//! Instructions, counted by callgrind.
//!
//! One process counts one column, in all rows. callgrind writes down what it has counted, and starts anew, whenever the
//! process enters [`count_mark`]. The process does the work of a row a few times, N times, and 2 N times, with a mark after
//! each; (the third count - the second) / N is the figure, in which setting up the connection cancels out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    peers::{Failure, NotOffered, Outcome, Peer},
    work::{Row, Work},
};

/// About how many instructions the smaller of the two counts should come to.
const BUDGET: usize = 2_000_000;

/// How many marks the process makes for each row.
const MARKS: usize = 3;

/// What a count is taken over.
fn repetitions(work: &dyn Work) -> usize {
    (BUDGET / work.weight()).clamp(8, 4096).next_multiple_of(16)
}

/// callgrind knows it by this name.
#[inline(never)]
fn count_mark() {
    std::hint::black_box(());
}

/// The process that is counted. It prints the name of each row that the column offers.
pub(crate) fn subject(peer: &dyn Peer, rows: &[&Row]) -> Outcome {
    let works: Vec<_> = rows.iter().map(|row| (row, row.prepare())).collect();
    for (row, work) in works {
        let count = repetitions(&*work);
        match work.run(peer, 16) {
            Err(failure) if failure.is::<NotOffered>() => continue,
            outcome => outcome?,
        }
        count_mark();
        work.run(peer, count)?;
        count_mark();
        work.run(peer, 2 * count)?;
        count_mark();
        println!("{}\t{count}", row.name);
    }
    Ok(())
}

/// One figure: instructions for one repetition of the row.
pub(crate) struct Count {
    pub(crate) row: String,
    pub(crate) instructions: f64,
}

/// Counts one column in the rows it offers.
pub(crate) fn count(peer: &dyn Peer, rows: &[&Row], scratch: &Path) -> Result<Vec<Count>, Failure> {
    let out = scratch.join(format!("{}.out", peer.about().name));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--dump-line=no", "--dump-before=*count_mark*"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(std::env::current_exe()?).args(["subject", "--peer", peer.about().name]);
    command.args(rows.iter().flat_map(|row| ["--row", &row.name]));
    // Its environment is always the same, so that no stack shifts. Without ERMS, the C library fills and copies memory by
    // vector instructions. With it, it may use `rep stosb` and `rep movsb`, which callgrind counts once for every byte.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} under valgrind: {}: {log}", peer.about().name, output.status).into());
    }
    let offered = String::from_utf8(output.stdout)?;
    offered.lines().enumerate().map(|(index, line)| figure(line, index * MARKS, &out)).collect()
}

/// The figure of a row whose marks are the ones after number `marks`.
fn figure(line: &str, marks: usize, out: &Path) -> Result<Count, Failure> {
    let (row, count) = line.split_once('\t').ok_or("the counted process printed nonsense")?;
    let count: u32 = count.parse()?;
    // callgrind numbers its dumps from 1.
    let [once, twice] = [total(out, marks + 2)?, total(out, marks + 3)?];
    let instructions = (twice as f64 - once as f64) / f64::from(count);
    Ok(Count { row: row.to_owned(), instructions })
}

/// What dump number `number` counted.
fn total(out: &Path, number: usize) -> Result<u64, Failure> {
    let path = PathBuf::from(format!("{}.{number}", out.display()));
    let dump = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let is_string_copy =
        |line: &&str| line.strip_prefix("c").unwrap_or(line).starts_with("fn=") && line.ends_with("_erms");
    if let Some(line) = dump.lines().find(is_string_copy) {
        return Err(format!("the C library used string instructions, which count once a byte: {line}").into());
    }
    let total = dump.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("a dump of callgrind's has no total")?.trim().parse()?)
}
