//! Output files of the examples: never over an input, and whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether two paths name one file, by whatever way: relative paths, symbolic links and hard links. A path where nothing is
/// names no file.
pub fn is_same(a: &Path, b: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::canonicalize(a), fs::canonicalize(b)) else { return false };
    one == other || is_linked(&one, &other)
}

#[cfg(unix)]
fn is_linked(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(one), Ok(other)) = (fs::metadata(a), fs::metadata(b)) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_linked(_: &Path, _: &Path) -> bool {
    false
}

/// Refuses an output that is one of the inputs.
pub fn check_output<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), String> {
    match inputs.into_iter().find(|input| is_same(input, output)) {
        None => Ok(()),
        Some(input) => {
            let (input, output) = (input.display(), output.display());
            Err(format!("the output {output} is the input {input}, which would be lost: give it another name"))
        }
    }
}

/// Writes a file: into a new one beside it, which takes its name when it is whole. A failure leaves what was there before.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), String>) -> Result<(), String> {
    let failed = |problem: io::Error| format!("{}: {problem}", path.display());
    // A link stays one; what is no plain file (a pipe, a terminal) has nothing that could be lost.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        let mut file = File::options().write(true).open(&target).map_err(failed)?;
        return write(&mut file);
    }
    let part = beside(&target);
    let fill = || {
        let mut file = BufWriter::new(File::options().write(true).create_new(true).open(&part).map_err(failed)?);
        write(&mut file)?;
        file.flush().map_err(failed)?;
        if let Some(metadata) = &before {
            file.get_ref().set_permissions(metadata.permissions()).map_err(failed)?;
        }
        drop(file);
        fs::rename(&part, &target).map_err(failed)
    };
    let outcome = fill();
    if outcome.is_err() {
        // Where it was never made there is nothing to remove.
        let _ = fs::remove_file(&part);
    }
    outcome
}

/// A name in the same folder that nobody else uses.
fn beside(target: &Path) -> PathBuf {
    // Short, whatever the length of the target's own name; the clock tells apart what one process writes at once.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    target.with_file_name(format!(".{}-{now}.part", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("vdf-basis-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("deeper")).unwrap();
        folder
    }

    #[test]
    fn one_file_is_known_by_all_its_names() {
        let folder = folder("names");
        let (input, other) = (folder.join("x.npy"), folder.join("y.npy"));
        fs::write(&input, "input").unwrap();
        fs::write(&other, "input").unwrap();
        let mut names = vec![input.clone(), folder.join("deeper/../x.npy")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&input, folder.join("soft.npy")).unwrap();
            names.push(folder.join("soft.npy"));
        }
        fs::hard_link(&input, folder.join("hard.npy")).unwrap();
        names.push(folder.join("hard.npy"));
        for name in &names {
            assert!(
                check_output(name, [&*other, &*input]).unwrap_err().contains("would be lost"),
                "{}",
                name.display()
            );
        }
        for name in [other.clone(), folder.join("new.npy"), folder.join("nowhere/x.npy")] {
            assert!(check_output(&name, [&*input]).is_ok());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_failure_leaves_what_was_there_before() {
        let folder = folder("whole");
        let path = folder.join("x.vdfb");
        for before in [None, Some("before")] {
            if let Some(before) = before {
                fs::write(&path, before).unwrap();
            }
            let half = |writer: &mut dyn Write| {
                writer.write_all(b"half").map_err(|problem| problem.to_string())?;
                Err("enough".to_owned())
            };
            assert_eq!(write_whole(&path, half), Err("enough".to_owned()));
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
        }
        write_whole(&path, |writer| writer.write_all(b"after").map_err(|problem| problem.to_string())).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        // Nothing else is left in the folder.
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert!(write_whole(&folder.join("nowhere/x"), |_| Ok(())).unwrap_err().contains("nowhere"));
        fs::remove_dir_all(folder).unwrap();
    }
}
