//! What the example programs share: options from the command line, and one line on stderr when something fails.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// Runs `program` with the options of the command line. Whatever fails is one line on stderr and exit status 1.
pub(crate) fn run<O: Parser, E: Display>(program: impl FnOnce(O) -> Result<(), E>) -> ExitCode {
    let result = match O::try_parse() {
        Ok(options) => program(options).map_err(|error| error.to_string()),
        Err(error) if error.use_stderr() => Err(in_one_line(&error)),
        // The text that --help asked for.
        Err(help) => help.print().map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads it, the exit status must suffice.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What clap says first; after an empty line it goes on with advice.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let first: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    format!("{}; try --help", first.join(" ").trim_start_matches("error: "))
}
