//! Ctrl-C, and the signals that ask a process to end.

use crate::{appended, files};

/// Exit code of a process that was interrupted: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// From now on a signal removes files that are half written, which have temporary names, puts back an archive that is being
/// continued as it was before, and ends the process.
pub fn watch() {
    let end = || {
        files::remove_parts();
        // Held to the end, so that no other thread writes behind what was put back.
        let held = appended::put_back_for_good();
        if let Err(problem) = &held {
            let what = "the archive's index could not be put back, and its groups are read without it";
            files::complain(&format!("error: {what}: {problem}"));
        }
        std::process::exit(INTERRUPTED);
    };
    // Without a handler a temporary file may stay; no file under a final name is half written.
    let _ = ctrlc::set_handler(end);
}
