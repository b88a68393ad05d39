//! Writing archives cell by cell.
//!
//! The library's writer takes an iterator of cells. A thread runs it on cells that arrive through a channel, so that
//! Python hands over one cell at a time, while those before are encoded.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use numpy::PyReadonlyArray3;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use vdf_basis::{AnyBasis, ArchiveCell, ArchiveFacts, ArchiveWriter, Error};

use crate::archive::FactTuple;
use crate::arrays::copied;
use crate::errors::{Problem, Result};
use crate::functions::basis_of;
use crate::grid::Grid;

/// Cells that wait between Python and the thread; the writer itself holds some groups.
const WAITING: usize = 4;

/// What the archive is written to.
enum Target {
    File(ArchiveWriter<File>),
    Memory(ArchiveWriter<Vec<u8>>),
}

impl Target {
    fn with(self, group: Option<NonZeroUsize>, threads: Option<NonZeroUsize>) -> Self {
        fn set<W: std::io::Write>(
            mut writer: ArchiveWriter<W>,
            group: Option<NonZeroUsize>,
            threads: Option<NonZeroUsize>,
        ) -> ArchiveWriter<W> {
            if let Some(group) = group {
                writer = writer.with_group(group);
            }
            match threads {
                Some(threads) => writer.with_threads(threads),
                None => writer,
            }
        }
        match self {
            Self::File(writer) => Self::File(set(writer, group, threads)),
            Self::Memory(writer) => Self::Memory(set(writer, group, threads)),
        }
    }

    fn write(
        &mut self,
        population: &str,
        basis: &AnyBasis,
        cells: impl Iterator<Item = vdf_basis::Result<ArchiveCell>>,
        hook: impl FnMut(Option<u64>, vdf_basis::Result<()>) -> vdf_basis::Result<()>,
    ) -> vdf_basis::Result<()> {
        match self {
            Self::File(writer) => writer.write(population, basis, cells, hook),
            Self::Memory(writer) => writer.write(population, basis, cells, hook),
        }
    }

    /// The bytes of an archive in memory.
    fn finish(self) -> vdf_basis::Result<Option<Vec<u8>>> {
        match self {
            Self::File(writer) => writer.finish().map(|_| None),
            Self::Memory(writer) => writer.finish().map(Some),
        }
    }
}

/// What the thread and Python tell each other.
#[derive(Default)]
struct Shared {
    /// True if the cells that wait are not to be encoded any more.
    aborted: AtomicBool,
    /// The cell that ended the writing.
    failed: Mutex<Option<u64>>,
    /// Cells that were left out, and why.
    skipped: Mutex<Vec<(u64, String)>>,
}

/// A run of cells of one population in one basis.
struct Run {
    population: String,
    spec: String,
    cells: SyncSender<ArchiveCell>,
    thread: JoinHandle<(Target, vdf_basis::Result<()>)>,
}

struct State {
    target: Option<Target>,
    run: Option<Run>,
}

/// Archive that is being written.
#[pyclass(frozen, module = "vdf_basis._native")]
pub struct Writer {
    state: Mutex<State>,
    shared: Arc<Shared>,
    skips: bool,
}

#[pymethods]
impl Writer {
    /// Writes to a file, or to memory without a path. With `append` it goes on at the end of an archive; with `skips` cells
    /// that cannot be encoded are left out.
    #[new]
    #[pyo3(signature = (path=None, append=false, group=None, threads=None, skips=false))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        append: bool,
        group: Option<NonZeroUsize>,
        threads: Option<NonZeroUsize>,
        skips: bool,
    ) -> Result<Self> {
        let target = match path {
            None => Target::Memory(ArchiveWriter::new(Vec::new())?),
            Some(path) if append => Target::File(py.detach(|| ArchiveWriter::append(path)).map_err(Problem::File)?),
            Some(path) => {
                let file = File::create(&path)
                    .map_err(|source| Error::Io { path: path.display().to_string(), source: Arc::new(source) })?;
                Target::File(ArchiveWriter::new(file)?)
            }
        };
        let state = State { target: Some(target.with(group, threads)), run: None };
        Ok(Self { state: Mutex::new(state), shared: Arc::default(), skips })
    }

    /// Hands over a cell; waits if many are waiting.
    #[pyo3(signature = (cell, values, grid, spec, population, facts=(None, None, None)))]
    #[expect(clippy::too_many_arguments, reason = "called from one place, by name")]
    fn add(
        &self,
        py: Python<'_>,
        cell: u64,
        values: PyReadonlyArray3<'_, f64>,
        grid: &Bound<'_, Grid>,
        spec: &str,
        population: &str,
        facts: FactTuple,
    ) -> Result<()> {
        let vdf = copied(&values, &grid.get().inner)?;
        let (time, position, magnetic_field) = facts;
        let facts = ArchiveFacts { time, position, magnetic_field };
        py.detach(|| self.send(ArchiveCell { cell, facts, vdf }, population, spec))
    }

    /// Waits until all cells are written.
    fn flush(&self, py: Python<'_>) -> Result<()> {
        py.detach(|| self.end_run(&mut self.lock()))
    }

    /// Writes what is waiting and the index, and gives back the bytes of an archive in memory.
    fn finish<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyBytes>>> {
        let bytes = py.detach(|| {
            let mut state = self.lock();
            self.end_run(&mut state)?;
            let target = state.target.take().ok_or_else(closed)?;
            Ok::<_, Problem>(target.finish()?)
        })?;
        Ok(bytes.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Ends without encoding the cells that are waiting, and without an index.
    fn abort(&self, py: Python<'_>) {
        self.shared.aborted.store(true, Ordering::Relaxed);
        py.detach(|| {
            let mut state = self.lock();
            // The writing has failed or is given up: its result does not matter.
            let _ = self.end_run(&mut state);
            state.target = None;
        });
    }

    /// The cells that were left out, and why.
    fn skipped(&self) -> Vec<(u64, String)> {
        self.shared.skipped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_closed(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            let state = self.lock();
            state.target.is_none() && state.run.is_none()
        })
    }
}

impl Writer {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, cell: ArchiveCell, population: &str, spec: &str) -> Result<()> {
        let mut state = self.lock();
        if state.run.as_ref().is_some_and(|run| run.population != population || run.spec != spec) {
            self.end_run(&mut state)?;
        }
        if state.run.is_none() {
            let basis = basis_of(spec)?;
            let target = state.target.take().ok_or_else(closed)?;
            state.run = Some(self.begin_run(target, basis, population, spec));
        }
        let sent = state.run.as_ref().is_some_and(|run| run.cells.send(cell).is_ok());
        // The thread has ended before its time: it says why.
        if sent { Ok(()) } else { self.end_run(&mut state) }
    }

    fn begin_run(&self, mut target: Target, basis: AnyBasis, population: &str, spec: &str) -> Run {
        let (sender, receiver) = sync_channel(WAITING);
        let (shared, skips, name) = (Arc::clone(&self.shared), self.skips, population.to_owned());
        let thread = thread::spawn(move || {
            let hook = |cell: Option<u64>, written: vdf_basis::Result<()>| {
                let (Some(cell), Err(error)) = (cell, &written) else { return written };
                if skips {
                    let mut skipped = shared.skipped.lock().unwrap_or_else(PoisonError::into_inner);
                    skipped.push((cell, error.to_string()));
                    return Ok(());
                }
                *shared.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(cell);
                written
            };
            let result = target.write(&name, &basis, arriving(&receiver, &shared.aborted), hook);
            (target, result)
        });
        Run { population: population.to_owned(), spec: spec.to_owned(), cells: sender, thread }
    }

    /// Waits for the thread, and takes back the target unless something went wrong.
    fn end_run(&self, state: &mut State) -> Result<()> {
        let Some(Run { cells, thread, .. }) = state.run.take() else { return Ok(()) };
        drop(cells);
        let Ok((target, result)) = thread.join() else {
            return Err(PyValueError::new_err("the thread that writes the archive has ended").into());
        };
        let failed = self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (result, failed) {
            (Ok(()), _) => {
                state.target = Some(target);
                Ok(())
            }
            (Err(error), Some(cell)) => Err(Problem::Cell(cell, error)),
            (Err(error), None) => Err(error.into()),
        }
    }
}

/// The cells as they arrive, until they end or are not wanted any more.
fn arriving<'a>(
    cells: &'a Receiver<ArchiveCell>,
    aborted: &'a AtomicBool,
) -> impl Iterator<Item = vdf_basis::Result<ArchiveCell>> + 'a {
    cells.iter().take_while(|_| !aborted.load(Ordering::Relaxed)).map(Ok)
}

fn closed() -> Problem {
    PyValueError::new_err("the archive is closed, or its writing has failed before").into()
}
