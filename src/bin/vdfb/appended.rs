//! The end of an archive that is being continued: put back if that is interrupted or fails.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The end of an archive before anything was appended: its old index, or the rest of a group that was cut short.
struct End {
    path: PathBuf,
    offset: u64,
    bytes: Vec<u8>,
}

impl End {
    fn put_back(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(self.offset)?;
        file.seek(SeekFrom::Start(self.offset))?;
        file.write_all(&self.bytes)?;
        file.sync_all()
    }
}

/// The end of the archive that this process is continuing. Held while anything is written to the archive.
static END: Mutex<Option<End>> = Mutex::new(None);

fn end() -> MutexGuard<'static, Option<End>> {
    END.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An archive that is being continued.
pub struct Appended(File);

impl Appended {
    /// Keeps what is in the file from an offset on, and cuts it off.
    pub fn begin(path: &Path, file: File, offset: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut there = File::open(path)?;
        there.seek(SeekFrom::Start(offset))?;
        there.read_to_end(&mut bytes)?;
        let mut held = end();
        *held = Some(End { path: path.to_path_buf(), offset, bytes });
        file.set_len(offset)?;
        Ok(Self(file))
    }

    /// The archive is whole: nothing is to be put back.
    pub fn done(self) -> io::Result<()> {
        self.0.sync_all()?;
        *end() = None;
        Ok(())
    }
}

impl Write for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _held = end();
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Puts the archive back as it was, if one is being continued.
pub fn put_back() -> io::Result<()> {
    end().take().map_or(Ok(()), |end| end.put_back())
}

/// Puts the archive back as it was for a process that is about to end: nothing can be written to it any more.
pub fn put_back_for_good() -> io::Result<impl Sized> {
    let held = end();
    held.as_ref().map_or(Ok(()), End::put_back)?;
    Ok(held)
}
