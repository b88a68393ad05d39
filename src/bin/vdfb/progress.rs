//! A bar with rate and time left, on stderr if that is a terminal.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::arguments::Common;
use crate::{cells, files};

/// Progress over cells, and those that were left out.
pub struct Progress {
    bar: ProgressBar,
    /// Further cells of each problem that has been printed.
    left_out: Mutex<BTreeMap<String, Vec<u64>>>,
}

impl Progress {
    /// A bar over `cells` cells; nothing is drawn where stderr is no terminal, or if `--quiet` was given.
    pub fn new(cells: usize, common: &Common) -> Self {
        let target = if common.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(cells as u64), target);
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} cells, {per_sec}, {eta} left") {
            bar.set_style(style.progress_chars("━━─"));
        }
        Self { bar, left_out: Mutex::default() }
    }

    /// One more cell is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Says on stderr that a cell of a file is left out. Of several cells with the same problem, the first is named at once,
    /// and the others in one line at the end.
    pub fn leave_out(&self, path: &Path, cell: u64, problem: &dyn Display) {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = problem.to_string();
        let text = files::in_file(path, format!("cell {cell}: {problem}"));
        match left_out.get_mut(&problem) {
            Some(others) => others.push(cell),
            None => {
                left_out.insert(problem, Vec::new());
                self.bar.suspend(|| files::complain(&format!("left out: {text}")));
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        let left_out = self.left_out.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (problem, others) in std::mem::take(left_out) {
            if !others.is_empty() {
                let cells = cells::in_words(&others);
                files::complain(&format!("left out as well: cells {cells}: {problem}"));
            }
        }
    }
}
