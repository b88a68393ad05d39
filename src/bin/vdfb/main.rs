//! Velocity distribution functions of many cells to an archive, and back: the command `vdfb`.
//!
//! Each subcommand has a file of its own; `docs/command.md` shows them at work.
#![forbid(unsafe_code)]

mod appended;
mod arguments;
mod cat;
mod cells;
mod compare;
mod decode;
mod encode;
mod encoded;
mod files;
mod grid_file;
mod info;
mod interrupt;
mod map;
mod moments;
mod output;
mod picture;
mod plot;
mod progress;
mod source;
mod statistics;
mod synthesise;
mod turned;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};

/// The end of a run that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// All was done.
    All,
    /// Some cells were left out, as stderr says.
    LeftOut,
}

/// A reason to fail.
#[derive(Debug)]
enum Problem {
    /// The work failed: exit code 1.
    Failed(String),
    /// The command line asks for what cannot be: exit code 2.
    Usage(String),
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("stdout: {error}"))
    }
}

/// The outcome of a command.
type Outcome = Result<Done, Problem>;

fn main() -> ExitCode {
    interrupt::watch();
    match run(Arguments::parse()) {
        Ok(Done::All) => ExitCode::SUCCESS,
        Ok(Done::LeftOut) => ExitCode::from(3),
        Err(Problem::Failed(text)) => complain(&text, 1),
        Err(Problem::Usage(text)) => complain(&text, 2),
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    files::complain(&format!("error: {text}"));
    ExitCode::from(code)
}

fn run(Arguments { common, command }: Arguments) -> Outcome {
    if let Some(threads) = common.threads() {
        // Only the first call in a process has an effect; the command makes one.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    match command {
        Command::Encode(arguments) => encode::run(&arguments, &common),
        Command::Decode(arguments) => decode::run(&arguments, &common),
        Command::Info(arguments) => info::run(&arguments, &common),
        Command::Compare(arguments) => compare::run(&arguments, &common),
        Command::Moments(arguments) => moments::run(&arguments, &common),
        Command::Plot(arguments) => plot::run(&arguments, &common),
        Command::Cat(arguments) => cat::run(&arguments),
        Command::Synthesise(arguments) => synthesise::run(&arguments, &common),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "vdfb", &mut script);
            files::print_bytes(&script)?;
            Ok(Done::All)
        }
    }
}
