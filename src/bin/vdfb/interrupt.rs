//! Ctrl-C, and the signals that ask a process to end.

use crate::files;

/// Exit code of a process that was interrupted: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// From now on a signal removes files that are half written, which have temporary names, and ends the process.
pub fn watch() {
    let end = || {
        files::remove_parts();
        std::process::exit(INTERRUPTED);
    };
    // Without a handler a temporary file may stay; no file under a final name is half written.
    let _ = ctrlc::set_handler(end);
}
