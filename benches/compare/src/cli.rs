//! The command line.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::{
    Heap, check,
    grid::Grid,
    measure::{compression, counts, heartbeats, idle, loopback, ownership, regress, time},
    peers::{About, Answering, Failure, LIBRARY, Outcome, PEERS, Peer, RAW_TCP},
    report::{self, Judgement},
    server, targets,
    work::{COUNTED_CROWD, Row, TIMED_CROWD, compressed_rows, rows},
};

#[derive(Parser)]
#[command(name = "compare", about = "WebSocket crates side by side", arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything: all parts, RESULTS.md and chart.svg; what run.sh does without an argument
    All {
        #[command(flatten)]
        verdict: Leniency,
    },
    /// Make RESULTS.md and chart.svg of the figures that are kept; fails if a target is missed
    Report {
        #[command(flatten)]
        verdict: Leniency,
        /// From now on, hold the rows that miss their targets to what they reach in these figures
        #[arg(long, conflicts_with = "held")]
        accept: bool,
    },
    /// Print the columns and the rows
    List,
    /// Let every column do every row once, and compare what comes out
    Check(Selection),
    /// Count instructions
    Counts {
        #[command(flatten)]
        selection: Selection,
        /// As tab-separated values
        #[arg(long)]
        tsv: bool,
    },
    /// Take times, as ratios
    Time(Selection),
    /// Take the CPU time of echo servers over TCP
    Loopback {
        #[command(flatten)]
        columns: Columns,
        /// Only rows whose names begin with this
        #[arg(long, value_name = "NAME", default_value = "")]
        row: String,
    },
    /// Take the memory of idle connections over TCP
    Idle(Columns),
    /// Take what compression costs: instructions and time of an echo, and memory
    Deflate,
    /// Take what a million heartbeats need
    Heartbeats {
        /// The process that is counted
        #[arg(long, hide = true)]
        subject: bool,
    },
    /// Count what it costs to own a message
    Ownership {
        /// The process that is counted
        #[arg(long, hide = true)]
        subject: bool,
    },
    /// Count the rows that have a target; fails if one is missed
    Targets {
        #[command(flatten)]
        verdict: Leniency,
    },
    /// Count our own columns; fails if one is worse than before
    Regress {
        /// Keep these counts as what later ones are held against
        #[arg(long)]
        update: bool,
    },
    /// The process that is counted: one column
    #[command(hide = true)]
    Subject(Selection),
    /// The process that holds connections which compress: one column
    #[command(hide = true)]
    Hold {
        #[arg(long, value_parser = find_peer)]
        peer: &'static dyn Peer,
        #[arg(long)]
        policy: String,
    },
    /// The process that serves echoes: one column
    #[command(hide = true)]
    Serve {
        #[arg(long, value_parser = find_peer)]
        peer: &'static dyn Peer,
        #[arg(long)]
        batched: bool,
    },
}

#[derive(Args)]
struct Leniency {
    /// Fail only if a row that misses its target is also worse than what was reached before
    #[arg(long)]
    held: bool,
}

impl Leniency {
    fn judgement(&self) -> Judgement {
        if self.held { Judgement::Held } else { Judgement::Aims }
    }
}

#[derive(Args, Default)]
struct Columns {
    /// Only columns with this name
    #[arg(long, value_name = "NAME", value_parser = find_peer)]
    peer: Vec<&'static dyn Peer>,
}

impl Columns {
    fn peers(&self) -> Vec<&'static dyn Peer> {
        if self.peer.is_empty() { PEERS.to_vec() } else { self.peer.clone() }
    }
}

/// Which part of the table.
#[derive(Args, Default)]
struct Selection {
    #[command(flatten)]
    columns: Columns,
    /// Only rows whose names begin with this
    #[arg(long, value_name = "NAME", value_parser = find_rows)]
    row: Vec<String>,
}

impl Selection {
    fn is_everything(&self) -> bool {
        self.columns.peer.is_empty() && self.row.is_empty()
    }

    fn rows(&self, crowd: usize) -> Vec<Row> {
        if self.row.is_empty() {
            return rows(crowd);
        }
        let wanted = |row: &Row| self.row.iter().any(|name| row.name.starts_with(name));
        rows(crowd).into_iter().chain(compressed_rows()).filter(wanted).collect()
    }
}

/// Does what the arguments say. `heap` tells what is on the heap, where the program's allocator counts that.
pub fn main(heap: Option<fn() -> Heap>) -> ExitCode {
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            print!("{error}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{}", first_paragraph(&error.to_string()));
            return ExitCode::from(2);
        }
    };
    match run(&command, heap) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command, heap: Option<fn() -> Heap>) -> Outcome {
    if let Command::Serve { peer, batched } = command {
        let answering = if *batched { Answering::Batched } else { Answering::Each };
        return server::run(*peer, answering, heap);
    }
    // Where instructions are counted, no deadline must come nearer because counting is slow: there, the clock stands still.
    let is_counted = matches!(
        command,
        Command::Subject(_) | Command::Ownership { subject: true } | Command::Heartbeats { subject: true }
    );
    let runtime = Builder::new_current_thread().enable_all().start_paused(is_counted).build()?;
    // For the timers of the columns that have some: entered, not run.
    let entered = runtime.enter();
    match command {
        Command::List => list(),
        Command::Check(selection) => {
            println!("{}", check::all(&selection.columns.peers(), &selection.rows(COUNTED_CROWD))?);
        }
        Command::Counts { selection, tsv } => {
            let grid = count(selection)?;
            let text = if *tsv { grid.to_tsv() } else { grid.markdown("instructions", 0) };
            println!("{text}");
        }
        Command::Time(selection) => time(selection)?,
        Command::Deflate => deflate()?,
        Command::Hold { peer, policy } => compression::subject(*peer, policy, heap)?,
        Command::Ownership { subject: true } => counts::subject(&ownership::jobs())?,
        Command::Heartbeats { subject: true } => counts::subject(&heartbeats::jobs())?,
        Command::Ownership { .. } => show(&[ownership::measure()?], "instructions", 0, true)?,
        Command::Heartbeats { .. } => show(&[heartbeats::measure()?], "ours", 0, true)?,
        Command::Targets { verdict } => targets_only(verdict.judgement())?,
        Command::Regress { update: true } => regress::update()?,
        Command::Regress { .. } => regress::check()?,
        Command::Subject(selection) => {
            let rows = selection.rows(COUNTED_CROWD);
            selection.columns.peers().iter().try_for_each(|peer| counts::subject_peer(*peer, &rows))?;
        }
        Command::Report { .. } if cfg!(not(feature = "peers")) => {
            return Err("without the other columns there is nothing to hold ours against".into());
        }
        Command::Report { accept: true, .. } => report::write(Judgement::Accept)?,
        Command::Report { verdict, .. } => report::write(verdict.judgement())?,
        Command::All { verdict } => all(entered, &runtime, verdict.judgement())?,
        Command::Loopback { columns, row } => {
            drop(entered);
            loopback(&runtime, columns, row)?;
        }
        Command::Idle(columns) => {
            drop(entered);
            idle(&runtime, columns)?;
        }
        Command::Serve { .. } => {}
    }
    Ok(())
}

fn all(entered: EnterGuard<'_>, runtime: &Runtime, judgement: Judgement) -> Outcome {
    let everything = Selection::default();
    eprintln!("{}", check::all(PEERS, &rows(COUNTED_CROWD))?);
    count(&everything)?;
    report::keep(&ownership::measure()?)?;
    report::keep(&heartbeats::measure()?)?;
    time(&everything)?;
    deflate()?;
    drop(entered);
    idle(runtime, &everything.columns)?;
    loopback(runtime, &everything.columns, "")?;
    let _entered = runtime.enter();
    report::write(judgement)
}

/// Prints figures; those of everything are kept.
fn show(grids: &[Grid], corner: &str, digits: usize, keep: bool) -> Outcome {
    for grid in grids {
        eprintln!("{}", grid.markdown(corner, digits));
        if keep {
            report::keep(grid)?;
        }
    }
    Ok(())
}

fn count(selection: &Selection) -> Result<Grid, Failure> {
    let (peers, rows) = (selection.columns.peers(), selection.rows(COUNTED_CROWD));
    check::all(&peers, &rows)?;
    let grid = counts::measure(&peers, &rows)?;
    if selection.is_everything() {
        report::keep(&grid)?;
    }
    Ok(grid)
}

fn time(selection: &Selection) -> Outcome {
    let (peers, rows) = (selection.columns.peers(), selection.rows(TIMED_CROWD));
    check::all(&peers, &rows)?;
    let grids = time::measure(&peers, &rows)?;
    show(&grids[..1], "ns", 0, selection.is_everything())?;
    show(&grids[1..], "ratio", 2, selection.is_everything())
}

fn deflate() -> Outcome {
    eprintln!("{}", check::all(&compression::peers(), &compressed_rows())?);
    let (counts, times) = compression::measure()?;
    show(&[counts], "instructions", 0, true)?;
    show(&times[..1], "ns", 0, true)?;
    show(&times[1..], "ratio", 2, true)?;
    show(&[compression::memory()?], "bytes a connection", 0, true)
}

fn loopback(runtime: &Runtime, columns: &Columns, row: &str) -> Outcome {
    let [times, ratios] = runtime.block_on(loopback::measure(&columns.peers(), row))?;
    let everything = columns.peer.is_empty() && row.is_empty();
    show(&[times], "ns of CPU a message", 0, everything)?;
    show(&[ratios], "divided by the raw echo's", 2, everything)
}

fn idle(runtime: &Runtime, columns: &Columns) -> Outcome {
    let grid = runtime.block_on(idle::measure(&columns.peers()))?;
    show(&[grid], "an idle connection", 0, columns.peer.is_empty())
}

fn targets_only(judgement: Judgement) -> Outcome {
    let wanted: Vec<_> = targets::targets()?.into_iter().filter(|target| target.grid == "counts").collect();
    let is_wanted = |row: &Row| wanted.iter().any(|target| target.row == row.name);
    let rows: Vec<_> = rows(COUNTED_CROWD).into_iter().filter(is_wanted).collect();
    check::all(PEERS, &rows)?;
    let grid = counts::measure(PEERS, &rows)?;
    let shown = grid.markdown("instructions", 0);
    let verdicts = targets::verdicts(&[grid])?;
    println!("{shown}\n{}", targets::table(&verdicts));
    report::judge(&verdicts, judgement)
}

fn list() {
    for peer in PEERS {
        let About { name, package, shape, lacks } = peer.about();
        let lacks = lacks.map(|lacks| format!(", without {lacks}")).unwrap_or_default();
        println!("column {name}: {package}, {shape:?}{lacks}");
    }
    for row in rows(COUNTED_CROWD).into_iter().chain(compressed_rows()) {
        println!("row {}: {}", row.name, row.title);
    }
}

fn find_peer(name: &str) -> Result<&'static dyn Peer, String> {
    let mut all = PEERS.iter().copied().chain([RAW_TCP, LIBRARY]);
    let known = || PEERS.iter().map(|peer| peer.about().name).collect::<Vec<_>>().join(", ");
    all.find(|peer| peer.about().name == name)
        .ok_or_else(|| format!("there is no such column, only {}", known()))
}

fn find_rows(name: &str) -> Result<String, String> {
    let mut known = rows(COUNTED_CROWD).into_iter().chain(compressed_rows());
    let found = known.any(|row| row.name.starts_with(name));
    if found { Ok(name.to_owned()) } else { Err("there is no such row; `list` names them".to_owned()) }
}

/// clap explains an error in several paragraphs. The first one names the fault; it becomes one line.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}
