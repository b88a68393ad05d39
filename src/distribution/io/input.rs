//! A file, or its bytes in memory, read at given positions from any thread.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// A file that is open for reading, or its bytes. It knows its name and its length.
#[derive(Debug)]
pub(crate) struct Input {
    data: Data,
    name: String,
    length: u64,
}

#[derive(Debug)]
enum Data {
    File(Positioned),
    Memory(Vec<u8>),
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`], also for what is not a plain file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let failed = |error| Error::io(&name, error);
        // Not opened before this is known: opening a pipe waits for its writer.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file")));
        }
        let data = Data::File(Positioned::new(File::open(path).map_err(failed)?));
        Ok(Self { data, name, length: metadata.len() })
    }

    /// Bytes in memory, with a word for a name.
    pub(crate) fn in_memory(bytes: Vec<u8>, name: &str) -> Self {
        let length = bytes.len() as u64;
        Self { data: Data::Memory(bytes), name: name.to_owned(), length }
    }

    /// The path, or a word for it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The number of bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// `count` bytes from `offset` on; `None` beyond the end, before memory is taken for them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn bytes(&self, offset: u64, count: u64) -> Result<Option<Vec<u8>>> {
        let end = offset.checked_add(count).filter(|&end| end <= self.length);
        let (Some(_), Ok(count)) = (end, usize::try_from(count)) else { return Ok(None) };
        let mut bytes = vec![0; count];
        self.fill(&mut bytes, offset).map_err(|error| Error::io(&self.name, error))?;
        Ok(Some(bytes))
    }

    /// Reads the bytes from `offset` on, which must be there.
    fn fill(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.data {
            Data::Memory(all) => {
                let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
                let found = all[begin..].get(..bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
                bytes.copy_from_slice(found);
                Ok(())
            }
            Data::File(file) => file.read_at(bytes, offset),
        }
    }

    /// A reader of all bytes, from the first.
    #[cfg(feature = "vlsv")]
    pub(crate) fn reader(&self) -> Whole<'_> {
        Whole { input: self, position: 0 }
    }
}

/// A file that is read and written at given positions.
#[derive(Debug)]
pub(crate) struct Positioned {
    #[cfg(unix)]
    file: File,
    #[cfg(not(unix))]
    file: std::sync::Mutex<File>,
}

#[cfg(unix)]
impl Positioned {
    pub(crate) fn new(file: File) -> Self {
        Self { file }
    }

    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, offset)
    }

    #[cfg(feature = "vlsv")]
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset)
    }

    #[cfg(feature = "vlsv")]
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[cfg(not(unix))]
impl Positioned {
    pub(crate) fn new(file: File) -> Self {
        Self { file: std::sync::Mutex::new(file) }
    }

    fn with<T>(&self, offset: u64, run: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        io::Seek::seek(&mut *file, io::SeekFrom::Start(offset))?;
        run(&mut file)
    }

    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(offset, |file| io::Read::read_exact(file, bytes))
    }

    #[cfg(feature = "vlsv")]
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(offset, |file| io::Write::write_all(file, bytes))
    }

    #[cfg(feature = "vlsv")]
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.with(0, |file| file.sync_all())
    }
}

/// Reads an input from its beginning to its end.
#[cfg(feature = "vlsv")]
pub(crate) struct Whole<'a> {
    input: &'a Input,
    position: u64,
}

#[cfg(feature = "vlsv")]
impl io::Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.input.length - self.position;
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.input.fill(&mut buffer[..count], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}
