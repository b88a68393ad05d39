//! What the program is doing, on stderr where that is a terminal.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

/// Width of the bar, and of the whole line, which must not wrap: it is rewritten in place.
const BAR_WIDTH: usize = 30;
const LINE_WIDTH: usize = 79;
/// Moves to the beginning of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// A bar over all the work; it draws nothing where stderr is not a terminal.
pub struct Progress {
    steps: usize,
    done: Cell<usize>,
    is_shown: bool,
}

impl Progress {
    /// A bar over `steps` steps.
    pub fn new(steps: usize) -> Self {
        Self { steps, done: Cell::new(0), is_shown: io::stderr().is_terminal() }
    }

    /// Says what is being done.
    pub fn doing(&self, what: String) {
        if self.is_shown {
            eprint!("{CLEAR}{}", self.line(&what));
        }
    }

    /// One step is done.
    pub fn step(&self) {
        self.done.set(self.done.get() + 1);
    }

    /// Prints to stdout without tearing the bar.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.clear();
        writeln!(io::stdout(), "{text}")
    }

    fn line(&self, what: &str) -> String {
        let (done, steps) = (self.done.get(), self.steps);
        let filled = BAR_WIDTH * done / steps.max(1);
        let bar = format!("[{:─<BAR_WIDTH$}] {done}/{steps} {what}", "━".repeat(filled));
        bar.chars().take(LINE_WIDTH).collect()
    }

    fn clear(&self) {
        if self.is_shown {
            eprint!("{CLEAR}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fills_up_and_never_wraps() {
        let progress = Progress { steps: 3, done: Cell::new(0), is_shown: false };
        assert_eq!(progress.line("fast: encode"), format!("[{}] 0/3 fast: encode", "─".repeat(30)));
        (0..3).for_each(|_| progress.step());
        assert_eq!(progress.line(&"x".repeat(200)), format!("[{}] 3/3 {}", "━".repeat(30), "x".repeat(43)));
    }
}
