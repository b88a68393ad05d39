//! A bar with rate and time left, on stderr if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::arguments::Common;

/// Progress over cells.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar over `cells` cells; nothing is drawn where stderr is no terminal, or if `--quiet` was given.
    pub fn new(cells: usize, common: &Common) -> Self {
        let target = if common.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(cells as u64), target);
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} cells, {per_sec}, {eta} left") {
            bar.set_style(style.progress_chars("━━─"));
        }
        Self(bar)
    }

    /// One more cell is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// Prints a line to stderr without tearing the bar.
    pub fn complain(&self, text: &str) {
        self.0.suspend(|| eprintln!("{text}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
