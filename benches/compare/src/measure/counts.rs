//! Instructions, counted by callgrind.
//!
//! One process counts one column, in all rows. callgrind writes down what it has counted, and starts anew, whenever the
//! process enters [`count_mark`]. The process does the work of a row a few times, N times, and 2 N times, with a mark after
//! each; (the third count - the second) / N is the figure, in which setting up the connection cancels out. What the harness
//! does for the work and should not count is then counted in the same way, and subtracted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread::{self, ScopedJoinHandle},
};

use crate::{
    grid::{Grid, Line, Spread},
    peers::{Failure, NotOffered, Outcome, Peer},
    work::{Row, Work},
};

/// About how many instructions the smaller of the two counts should come to.
const BUDGET: usize = 2_000_000;

/// How many marks the process makes for each row.
const MARKS: usize = 5;

/// What a count is taken over.
fn repetitions(work: &dyn Work) -> usize {
    (BUDGET / work.weight()).clamp(8, 4096).next_multiple_of(work.multiple())
}

/// callgrind knows it by this name.
#[inline(never)]
fn count_mark() {
    std::hint::black_box(());
}

/// What is counted: how often it is done, and how.
pub(crate) struct Job<'a> {
    pub(crate) name: String,
    pub(crate) count: usize,
    pub(crate) run: Box<dyn Fn(usize) -> Outcome + 'a>,
    pub(crate) harness: Box<dyn Fn(usize) + 'a>,
}

/// The process that is counted. It prints the name of each job that was not refused.
pub(crate) fn subject(jobs: &[Job<'_>]) -> Outcome {
    for Job { name, count, run, harness } in jobs {
        match run(16) {
            Err(failure) if failure.is::<NotOffered>() => continue,
            outcome => outcome?,
        }
        count_mark();
        run(*count)?;
        count_mark();
        run(2 * count)?;
        count_mark();
        harness(*count);
        count_mark();
        harness(2 * count);
        count_mark();
        println!("{name}\t{count}");
    }
    Ok(())
}

/// The rows of one column, all made before the first is counted.
pub(crate) fn subject_peer(peer: &dyn Peer, rows: &[Row]) -> Outcome {
    let works: Vec<_> = rows.iter().map(|row| (row, row.prepare())).collect();
    let jobs: Vec<_> = works
        .iter()
        .map(|(row, work)| Job {
            name: row.name.clone(),
            count: repetitions(&**work),
            run: Box::new(|count| work.run(peer, count)),
            harness: Box::new(|count| work.harness(count)),
        })
        .collect();
    subject(&jobs)
}

/// One figure: instructions for one repetition of the row.
struct Count {
    row: String,
    instructions: f64,
}

/// Counts all columns in all rows, two columns at a time.
pub(crate) fn measure(peers: &[&dyn Peer], rows: &[Row]) -> Result<Grid, Failure> {
    let scratch = scratch()?;
    let next = Mutex::new(peers.iter().enumerate());
    let work = || {
        let mut done = Vec::new();
        // Taken before the loop's body, which must not hold the lock.
        let next = || next.lock().expect("nobody panics holding it").next();
        while let Some((index, peer)) = next() {
            eprintln!("counting: {}", peer.about().name);
            done.push((index, count_peer(*peer, rows, &scratch)?));
        }
        Ok(done)
    };
    let halves = thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(ScopedJoinHandle::join));
    fs::remove_dir_all(&scratch)?;
    let mut columns = Vec::new();
    for half in halves {
        let half: Result<Vec<_>, Failure> = half.map_err(|_| "a counting thread has panicked")?;
        columns.extend(half?);
    }
    columns.sort_by_key(|(index, _)| *index);
    let mut grid = Grid::new("counts", peers.iter().map(|peer| peer.about().name.to_owned()).collect());
    for Row { name, title, .. } in rows {
        let of = |(_, column): &(usize, Vec<Count>)| {
            column.iter().find(|count| count.row == *name).map(|count| Spread::single(count.instructions))
        };
        let cells = columns.iter().map(of).collect();
        grid.lines.push(Line { name: name.clone(), title: title.clone(), cells });
    }
    Ok(grid)
}

/// Counts what one of the hidden commands marks: the name of each job, and its instructions.
pub(crate) fn measure_command(command: &str) -> Result<Vec<(String, f64)>, Failure> {
    let scratch = scratch()?;
    let counts = count(command, &[command, "--subject"], &scratch);
    fs::remove_dir_all(&scratch)?;
    Ok(counts?.into_iter().map(|Count { row, instructions }| (row, instructions)).collect())
}

/// A directory for callgrind's dumps.
fn scratch() -> Result<PathBuf, Failure> {
    let scratch = std::env::temp_dir().join(format!("compare-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    Ok(scratch)
}

/// Counts one column in the rows it offers.
fn count_peer(peer: &dyn Peer, rows: &[Row], scratch: &Path) -> Result<Vec<Count>, Failure> {
    let name = peer.about().name;
    let rows = rows.iter().flat_map(|row| ["--row", &row.name]);
    count(name, &["subject", "--peer", name].into_iter().chain(rows).collect::<Vec<_>>(), scratch)
}

/// Counts a process that marks what it does, called `name` here.
fn count(name: &str, arguments: &[&str], scratch: &Path) -> Result<Vec<Count>, Failure> {
    let out = scratch.join(format!("{name}.out"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--dump-line=no", "--dump-before=*count_mark*"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(std::env::current_exe()?).args(arguments);
    // Its environment is always the same, so that no stack shifts. Without ERMS, the C library fills and copies memory by
    // vector instructions. With it, it may use `rep stosb` and `rep movsb`, which callgrind counts once for every byte.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} under valgrind: {}: {log}", output.status).into());
    }
    let offered = String::from_utf8(output.stdout)?;
    offered.lines().enumerate().map(|(index, line)| figure(line, index * MARKS, &out)).collect()
}

/// The figure of a row whose marks are the ones after number `marks`.
fn figure(line: &str, marks: usize, out: &Path) -> Result<Count, Failure> {
    let (row, count) = line.split_once('\t').ok_or("the counted process printed nonsense")?;
    let count: u32 = count.parse()?;
    // callgrind numbers its dumps from 1.
    let difference = |first| Ok::<_, Failure>(total(out, first + 1)? as f64 - total(out, first)? as f64);
    let instructions = (difference(marks + 2)? - difference(marks + 4)?) / f64::from(count);
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
