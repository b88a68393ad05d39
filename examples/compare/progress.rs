//! What the program says: results on stdout, and on stderr, where that is a terminal, what it is doing.

use std::io;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use crate::files;

/// A bar over all the work; it draws nothing where stderr is not a terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar over `steps` steps.
    pub fn new(steps: usize) -> Self {
        let bar = ProgressBar::new(steps as u64);
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {elapsed} {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Says what is being done.
    pub fn doing(&self, what: String) {
        self.0.set_message(what);
    }

    /// One step is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// Prints to stdout without tearing the bar.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.0.suspend(|| files::print(text))
    }

    /// Prints to stderr without tearing the bar.
    pub fn complain(&self, text: &str) {
        self.0.suspend(|| eprintln!("{text}"));
    }
}

/// Columns of text where stdout is not a terminal.
const PLAIN_COLUMNS: usize = 120;
/// A terminal that says it has fewer does not know.
const FEWEST_COLUMNS: usize = 20;

/// Columns of the terminal that stdout is.
pub fn columns() -> usize {
    let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns >= FEWEST_COLUMNS).unwrap_or(PLAIN_COLUMNS)
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
