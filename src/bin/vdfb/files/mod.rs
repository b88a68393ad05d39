//! Output: files never over an input, and whole or not at all; text to whoever reads it.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// True if two paths name one file, also through relative paths, symbolic links and hard links. A path at which there is
/// no file names none.
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

/// Refuses an output file that cannot be written: found out before the work whose result it is to hold.
pub fn check_writable(path: &Path) -> Result<(), String> {
    let failed = |problem: &dyn Display| format!("the output {} cannot be written: {problem}", path.display());
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => return Err(failed(&"it is a folder")),
        // A pipe, which to open could wait for its reader, or a terminal.
        Ok(metadata) if !metadata.is_file() => return Ok(()),
        Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(failed(&problem)),
        _ if target.file_name().is_none() => return Err(failed(&"it is no name of a file")),
        _ => {}
    }
    let part = beside(&target);
    let made = File::options().write(true).create_new(true).open(&part);
    made.and_then(|_| fs::remove_file(&part)).map_err(|problem| failed(&problem))
}

/// Makes a folder for outputs where there is none, and refuses one that nothing can be written to.
#[allow(dead_code, reason = "only the examples call it")]
pub fn check_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|problem| format!("the folder {}: {problem}", folder.display()))?;
    check_writable(&folder.join("file"))
}

/// True for names that end with `.vlsv`.
pub fn is_vlsv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("vlsv"))
}

/// A problem with the contents of a file, with the file's name.
pub fn in_file(path: &Path, problem: impl Display) -> String {
    let (path, problem) = (path.display().to_string(), problem.to_string());
    // Problems with the file itself are named already.
    if problem.contains(&format!("{path}: ")) { problem } else { format!("{path}: {problem}") }
}

/// Prints a line, or several, to stdout. Nothing is wrong where whoever reads has seen enough and closed it.
pub fn print(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints bytes to stdout, as [`print`] does text.
pub fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says something on stderr. `eprintln!` panics where whoever reads has closed it.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|problem| in_file(path, problem))
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
        // On the disk before it takes the name, so that a power failure leaves the old file or the new one.
        file.get_ref().sync_all().map_err(failed)?;
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

/// The folders in which this process made temporary files.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A name in the same folder that nobody else uses.
fn beside(target: &Path) -> PathBuf {
    // Short, whatever the length of the target's own name; the clock tells apart what one process writes at once.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let part = target.with_file_name(format!("{}{now}.part", own_prefix()));
    let folder = part.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if folders.iter().all(|known| known != folder) {
        folders.push(folder.to_path_buf());
    }
    part
}

/// Removes the temporary files of this process, also those of [`vdf_basis::VlsvCopy`], which have such names, too: for a
/// process that is about to end.
pub fn remove_parts() {
    let folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    for entry in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&own_prefix()) && name.ends_with(".part") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The beginning of the names of the temporary files of this process.
fn own_prefix() -> String {
    format!(".{}-", std::process::id())
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
    fn what_cannot_be_written_is_refused_and_nothing_is_left_of_the_trial() {
        let folder = folder("writable");
        let file = folder.join("x.json");
        fs::write(&file, "before").unwrap();
        for good in [file.clone(), folder.join("new.json"), PathBuf::from("new.json")] {
            assert_eq!(check_writable(&good), Ok(()));
        }
        let long = folder.join("x".repeat(300));
        for bad in [&*folder, &folder.join("nowhere/x.json"), &file.join("x.json"), &long, Path::new("")] {
            assert!(check_writable(bad).unwrap_err().contains("cannot be written"), "{}", bad.display());
        }
        assert_eq!(check_folder(&folder.join("deeper/still")), Ok(()));
        assert!(check_folder(&file).unwrap_err().contains("x.json"));
        assert!(check_folder(&file.join("deeper")).unwrap_err().contains("x.json"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn problems_name_their_file_once() {
        let path = Path::new("a/b.npy");
        assert_eq!(in_file(path, "not finite"), "a/b.npy: not finite");
        assert_eq!(in_file(path, "a/b.npy: no such file"), "a/b.npy: no such file");
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
