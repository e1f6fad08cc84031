//! The same bytes through several WebSocket crates. `run.sh` counts what each of them needs; `README.md` says how.

mod check;
mod peers;
mod transport;
mod work;

use std::{hint::black_box, num::NonZeroUsize, process::ExitCode};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::{
    peers::{Failure, PEERS, Peer},
    transport::Transport,
    work::{WORKS, Work},
};

#[derive(Parser)]
#[command(about = "WebSocket crates side by side", arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the columns and the workloads, tab-separated, for run.sh
    List,
    /// Let every column receive every workload and compare what it delivers
    Check,
    /// Let one column receive one workload: what is run under callgrind
    Run {
        /// The column
        #[arg(long, value_name = "NAME", value_parser = find_peer)]
        peer: &'static dyn Peer,
        /// The workload
        #[arg(long, value_name = "NAME", value_parser = find_work)]
        work: &'static Work,
        /// How many messages to receive
        #[arg(long, value_name = "N")]
        count: NonZeroUsize,
    },
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
    let result = match command {
        Command::List => {
            list();
            Ok(())
        }
        Command::Check => check::all(PEERS, WORKS).map(|summary| println!("{summary}")),
        Command::Run { peer, work, count } => run(peer, work, count.get()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for peer in PEERS {
        println!("peer\t{}\t{}\t{}", peer.name(), peer.package(), peer.note());
    }
    for work in WORKS {
        let target = work.target.map_or("-".to_owned(), |ratio| ratio.to_string());
        println!("work\t{}\t{}\t{target}\t{}", work.name, work.title, work.count());
    }
}

fn run(peer: &dyn Peer, work: &Work, count: usize) -> Result<(), Failure> {
    let script = work.script();
    peer.receive(Transport::new(&script), count, &mut |message| {
        black_box(message);
    })
}

fn find_peer(name: &str) -> Result<&'static dyn Peer, String> {
    let found = PEERS.iter().copied().find(|peer| peer.name() == name);
    found.ok_or_else(|| unknown("column", PEERS.iter().map(|peer| peer.name())))
}

fn find_work(name: &str) -> Result<&'static Work, String> {
    let found = WORKS.iter().find(|work| work.name == name);
    found.ok_or_else(|| unknown("workload", WORKS.iter().map(|work| work.name)))
}

fn unknown(what: &str, known: impl Iterator<Item = &'static str>) -> String {
    format!("there is no such {what}, only {}", known.collect::<Vec<_>>().join(", "))
}

/// clap explains an error in several paragraphs. The first one names the fault; it becomes one line.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}
