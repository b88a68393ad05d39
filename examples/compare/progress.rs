//! Output of the program: results on stdout, progress on stderr if that is a terminal.

use std::cell::Cell;
use std::io;

use console::Term;

use crate::files;

/// Columns of text where stdout is not a terminal.
const PLAIN_COLUMNS: usize = 120;
/// A terminal that says it has fewer does not know.
const FEWEST_COLUMNS: usize = 20;
/// Columns of the bar.
const BAR_WIDTH: usize = 30;
/// Moves to the beginning of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// A bar over all the work; it draws nothing where stderr is not a terminal.
pub struct Progress {
    steps: usize,
    done: Cell<usize>,
    /// Columns of the line, which must not wrap since it is rewritten in place; none where stderr is not a terminal.
    columns: Option<usize>,
}

impl Progress {
    /// A bar over `steps` steps.
    pub fn new(steps: usize) -> Self {
        let stderr = Term::stderr();
        let columns = stderr.is_term().then(|| width(&stderr).unwrap_or(PLAIN_COLUMNS) - 1);
        Self { steps, done: Cell::new(0), columns }
    }

    /// Says what is being done.
    pub fn doing(&self, what: String) {
        if let Some(columns) = self.columns {
            eprint!("{CLEAR}{}", self.line(&what, columns));
        }
    }

    /// One step is done.
    pub fn step(&self) {
        self.done.set(self.done.get() + 1);
    }

    /// Prints to stdout without tearing the bar.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.clear();
        files::print(text)
    }

    /// Prints to stderr without tearing the bar.
    pub fn complain(&self, text: &str) {
        self.clear();
        files::complain(text);
    }

    fn line(&self, what: &str, columns: usize) -> String {
        let (done, steps) = (self.done.get(), self.steps);
        let filled = BAR_WIDTH * done / steps.max(1);
        let bar = format!("[{:─<BAR_WIDTH$}] {done}/{steps} {what}", "━".repeat(filled));
        bar.chars().take(columns).collect()
    }

    fn clear(&self) {
        if self.columns.is_some() {
            eprint!("{CLEAR}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Columns of the terminal that stdout is.
pub fn columns() -> usize {
    width(&Term::stdout()).unwrap_or(PLAIN_COLUMNS)
}

fn width(terminal: &Term) -> Option<usize> {
    let columns = usize::from(terminal.size_checked()?.1);
    (columns >= FEWEST_COLUMNS).then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fills_up_and_never_wraps() {
        let progress = Progress { steps: 3, done: Cell::new(0), columns: None };
        assert_eq!(progress.line("fast: encode", 79), format!("[{}] 0/3 fast: encode", "─".repeat(30)));
        (0..3).for_each(|_| progress.step());
        assert_eq!(progress.line(&"x".repeat(200), 79), format!("[{}] 3/3 {}", "━".repeat(30), "x".repeat(42)));
    }
}
