//! The same work in several WebSocket crates, counted and timed. `README.md` says how; `run.sh` runs it.

mod check;
mod measure;
mod peers;
mod transport;
mod work;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, error::ErrorKind};

use crate::{
    measure::counts,
    peers::{About, Outcome, PEERS, Peer},
    work::{Row, rows},
};

#[derive(Parser)]
#[command(about = "WebSocket crates side by side", arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the columns and the rows
    List,
    /// Let every column do every row once, and compare what comes out
    Check(Selection),
    /// Count instructions
    Counts(Selection),
    /// The process that is counted: one column
    #[command(hide = true)]
    Subject(Selection),
}

/// Which part of the table.
#[derive(Args)]
struct Selection {
    /// Only columns with this name
    #[arg(long, value_name = "NAME", value_parser = find_peer)]
    peer: Vec<&'static dyn Peer>,
    /// Only rows whose names begin with this
    #[arg(long, value_name = "NAME", value_parser = find_rows)]
    row: Vec<String>,
}

impl Selection {
    fn peers(&self) -> Vec<&'static dyn Peer> {
        if self.peer.is_empty() { PEERS.to_vec() } else { self.peer.clone() }
    }

    fn rows(&self) -> Vec<Row> {
        let wanted =
            |row: &Row| self.row.is_empty() || self.row.iter().any(|name| row.name.starts_with(name));
        rows().into_iter().filter(wanted).collect()
    }
}

fn main() -> ExitCode {
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
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Outcome {
    // Entered, not run: for the timers of the columns that have some.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let _entered = runtime.enter();
    match command {
        Command::List => {
            list();
            Ok(())
        }
        Command::Check(selection) => {
            println!("{}", check::all(&selection.peers(), &selection.rows())?);
            Ok(())
        }
        Command::Counts(selection) => count(&selection.peers(), &selection.rows()),
        Command::Subject(selection) => {
            let rows = selection.rows();
            let rows: Vec<_> = rows.iter().collect();
            selection.peers().iter().try_for_each(|peer| counts::subject(*peer, &rows))
        }
    }
}

fn list() {
    for peer in PEERS {
        let About { name, package, shape, lacks } = peer.about();
        let lacks = lacks.map(|lacks| format!(", without {lacks}")).unwrap_or_default();
        println!("column {name}: {package}, {shape:?}{lacks}");
    }
    for row in rows() {
        println!("row {}: {}", row.name, row.title);
    }
}

fn count(peers: &[&dyn Peer], rows: &[Row]) -> Outcome {
    let scratch = std::env::temp_dir().join(format!("compare-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let rows: Vec<_> = rows.iter().collect();
    let mut columns = Vec::new();
    for peer in peers {
        columns.push(counts::count(*peer, &rows, &scratch)?);
    }
    print!("| instructions |");
    for peer in peers {
        print!(" {} |", peer.about().name);
    }
    println!();
    for row in rows {
        print!("| {} |", row.name);
        for column in &columns {
            match column.iter().find(|count| count.row == row.name) {
                Some(count) => print!(" {:.0} |", count.instructions),
                None => print!(" – |"),
            }
        }
        println!();
    }
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn find_peer(name: &str) -> Result<&'static dyn Peer, String> {
    let found = PEERS.iter().copied().find(|peer| peer.about().name == name);
    let known = || PEERS.iter().map(|peer| peer.about().name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("there is no such column, only {}", known()))
}

fn find_rows(name: &str) -> Result<String, String> {
    let found = rows().iter().any(|row| row.name.starts_with(name));
    if found { Ok(name.to_owned()) } else { Err("there is no such row; `list` names them".to_owned()) }
}

/// clap explains an error in several paragraphs. The first one names the fault; it becomes one line.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}
