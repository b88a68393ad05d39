//! Many distributions on one grid: encoded and decoded in parallel, in order, in bounded memory.
//!
//! Threads of the standard library take one run of distributions after another from an iterator and hand their streams
//! over in the iterator's order. A thread that is far ahead of the others waits, so that no more than a few runs for each
//! thread are in memory, however many there are. Each distribution is worked on by one thread: its bytes are those that
//! encoding it alone gives, on any number of threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::any_basis::AnyBasis;
use crate::basis::{Basis, Expansion};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::registry::Registry;

/// How a batch is worked on.
///
/// ```
/// use vdf_basis::{Batch, Registry, Sampling, Synthetic, VelocityGrid};
///
/// let grid = Synthetic::default_grid("beams", 12)?;
/// let cells = (0..5).map(|seed| Synthetic::named("beams", seed).unwrap().sample(&grid, Sampling::default()).unwrap());
/// let basis = Registry::standard().parse("conserve(wavelet):l2=0.05")?;
/// let mut streams = Vec::new();
/// Batch::default().encode(&basis, cells, |index, bytes| {
///     println!("{} of 5", index + 1);
///     streams.push(bytes?);
///     Ok::<(), vdf_basis::Error>(())
/// })?;
/// assert_eq!(streams.len(), 5);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    threads: NonZeroUsize,
    run: NonZeroUsize,
}

impl Default for Batch {
    /// As many threads as the machine has processors, no warm starts.
    fn default() -> Self {
        Self { threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), run: NonZeroUsize::MIN }
    }
}

impl Batch {
    /// Runs that each thread may be ahead of the one that is due.
    const AHEAD: usize = 4;

    /// On so many threads.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// In runs of so many distributions that follow each other: within a run each search starts from what was found for
    /// the one before ([`Basis::encode_from`]). The bytes then depend on the length of the runs, and still not on the
    /// number of threads. A run of one is the default: no warm start.
    #[must_use]
    pub fn with_warm_runs(self, run: NonZeroUsize) -> Self {
        Self { run, ..self }
    }

    /// Encodes distributions, and hands over each stream, or the error of its distribution, with its index and in order.
    /// The hook runs on the caller's thread, as the iterator does not; it also is the place to report progress.
    ///
    /// # Errors
    /// The first error that the hook returns: it ends the batch.
    pub fn encode<B: Basis, E>(
        &self,
        basis: &B,
        distributions: impl IntoIterator<Item = Vdf, IntoIter: Send>,
        hook: impl FnMut(usize, Result<Vec<u8>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.work(
            distributions,
            |run| {
                let mut last: Option<B::Coefficients> = None;
                let encode = |vdf: Vdf| {
                    let found = match &last {
                        Some(last) => basis.encode_from(&vdf, last),
                        None => basis.encode(&vdf),
                    };
                    // A distribution that cannot be encoded leaves nothing to start from.
                    last = found.as_ref().ok().cloned();
                    Expansion::from_parts(*vdf.grid(), basis.clone(), found?).to_bytes()
                };
                run.into_iter().map(encode).collect()
            },
            hook,
        )
    }

    /// Decodes streams, and hands over each expansion and its reconstruction, or the error of its stream, with its index
    /// and in order.
    ///
    /// # Errors
    /// The first error that the hook returns: it ends the batch.
    pub fn decode<S: AsRef<[u8]> + Send, E>(
        &self,
        registry: &Registry,
        streams: impl IntoIterator<Item = S, IntoIter: Send>,
        hook: impl FnMut(usize, Result<(Expansion<AnyBasis>, Vdf)>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let decode = |stream: S| {
            let expansion = registry.decode(stream.as_ref())?;
            let vdf = expansion.reconstruct()?;
            Ok((expansion, vdf))
        };
        self.work(streams, |run| run.into_iter().map(decode).collect(), hook)
    }

    fn work<T: Send, R: Send, E>(
        &self,
        items: impl IntoIterator<Item = T, IntoIter: Send>,
        work: impl Fn(Vec<T>) -> Vec<R> + Sync,
        mut hook: impl FnMut(usize, R) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let window = Self::AHEAD * self.threads.get();
        let desk = Desk::new(items.into_iter());
        thread::scope(|scope| {
            for _ in 0..self.threads.get() {
                scope.spawn(|| {
                    // Whoever leaves, by a panic too, says so.
                    let _leaving = Leaving(&desk);
                    while let Some((number, run)) = desk.take(self.run.get(), window) {
                        desk.put(number, work(run));
                    }
                });
            }
            // However this ends, by a panic of the hook too, nobody goes on waiting.
            let _closing = Closing(&desk);
            let mut index = 0;
            while let Some(results) = desk.next(self.threads.get()) {
                for result in results {
                    hook(index, result)?;
                    index += 1;
                }
            }
            Ok(())
        })
    }
}

/// Where runs are taken and results put.
struct Desk<I, R> {
    state: Mutex<State<I, R>>,
    changed: Condvar,
}

struct State<I, R> {
    /// None once it has ended.
    items: Option<I>,
    /// Runs taken, and results handed over.
    taken: usize,
    delivered: usize,
    done: BTreeMap<usize, Vec<R>>,
    left: usize,
}

impl<I: Iterator, R> Desk<I, R> {
    fn new(items: I) -> Self {
        let state = State { items: Some(items), taken: 0, delivered: 0, done: BTreeMap::new(), left: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<I, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<I, R>>) -> MutexGuard<'a, State<I, R>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next run and its number, as soon as it is within the window.
    fn take(&self, len: usize, window: usize) -> Option<(usize, Vec<I::Item>)> {
        let mut state = self.state();
        while state.items.is_some() && state.taken >= state.delivered + window {
            state = self.wait(state);
        }
        let run: Vec<I::Item> = state.items.as_mut()?.take(len).collect();
        if run.len() < len {
            state.items = None;
            self.changed.notify_all();
        }
        if run.is_empty() {
            return None;
        }
        state.taken += 1;
        Some((state.taken - 1, run))
    }

    fn put(&self, number: usize, results: Vec<R>) {
        self.state().done.insert(number, results);
        self.changed.notify_all();
    }

    /// The results that are due; none when all have been handed over, or all `threads` have left without them.
    fn next(&self, threads: usize) -> Option<Vec<R>> {
        let mut state = self.state();
        loop {
            let due = state.delivered;
            if let Some(results) = state.done.remove(&due) {
                state.delivered += 1;
                self.changed.notify_all();
                return Some(results);
            }
            if state.left == threads || state.items.is_none() && state.delivered == state.taken {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Nothing more is taken.
    fn close(&self) {
        self.state().items = None;
        self.changed.notify_all();
    }
}

/// The caller, who alone makes room.
struct Closing<'a, I: Iterator, R>(&'a Desk<I, R>);

impl<I: Iterator, R> Drop for Closing<'_, I, R> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A thread that leaves the desk.
struct Leaving<'a, I: Iterator, R>(&'a Desk<I, R>);

impl<I: Iterator, R> Drop for Leaving<'_, I, R> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.left += 1;
        // After a panic the others need not go on.
        if thread::panicking() {
            state.items = None;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Sampling, Synthetic, VelocityGrid};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn sequence(count: usize) -> Vec<Vdf> {
        let grid = Synthetic::default_grid("beams", 12).unwrap();
        (0..count as u64)
            .map(|k| Synthetic::named("beams", k / 3).unwrap().sample(&grid, Sampling::default()).unwrap())
            .collect()
    }

    fn streams(batch: &Batch, spec: &str, vdfs: &[Vdf]) -> Vec<Vec<u8>> {
        let basis = Registry::standard().parse(spec).unwrap();
        let mut streams = Vec::new();
        let hook = |index, bytes: Result<Vec<u8>>| {
            assert_eq!(index, streams.len());
            streams.push(bytes?);
            Ok::<(), Error>(())
        };
        batch.encode(&basis, vdfs.iter().cloned(), hook).unwrap();
        streams
    }

    /// What nobody but the basis has a part in.
    fn one_by_one(run: usize, spec: &str, vdfs: &[Vdf]) -> Vec<Vec<u8>> {
        let basis = Registry::standard().parse(spec).unwrap();
        let mut last = None;
        let encode = |(index, vdf): (usize, &Vdf)| {
            let found = match last.take().filter(|_| index % run > 0) {
                Some(last) => basis.encode_from(vdf, &last).unwrap(),
                None => basis.encode(vdf).unwrap(),
            };
            last = Some(found.clone());
            Expansion::from_parts(*vdf.grid(), basis.clone(), found).to_bytes().unwrap()
        };
        vdfs.iter().enumerate().map(encode).collect()
    }

    fn on(threads: usize) -> Batch {
        Batch::default().with_threads(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn bytes_are_those_of_one_by_one_in_order_on_any_number_of_threads() {
        let vdfs = sequence(23);
        for spec in ["wavelet:l2=0.05", "conserve(maxwellian)", "quantized(mixture:components=2)", "balanced:l2=0.05"] {
            let basis = Registry::standard().parse(spec).unwrap();
            let alone: Vec<_> =
                vdfs.iter().map(|vdf| Expansion::encode(&basis, vdf).unwrap().to_bytes().unwrap()).collect();
            for threads in [1, 2, 5] {
                assert!(streams(&on(threads), spec, &vdfs) == alone, "{spec} on {threads}");
            }
        }
    }

    #[test]
    fn warm_starts_depend_on_runs_and_not_on_threads() {
        let vdfs = sequence(9);
        let run = NonZeroUsize::new(3).unwrap();
        for spec in [
            "quantized(mixture:components=3)",
            "conserve(mixture:components=3 + wavelet):l2=0.02",
            "log(maxwellian)",
            "balanced:l2=0.02",
            "conserve(smallest):l2=0.05",
        ] {
            let one = streams(&on(1).with_warm_runs(run), spec, &vdfs);
            assert!(streams(&on(3).with_warm_runs(run), spec, &vdfs) == one, "{spec}");
            assert!(one_by_one(run.get(), spec, &vdfs) == one, "{spec}");
            let mut k = 0;
            on(2)
                .decode(&Registry::standard(), &one, |index, read| {
                    let (expansion, vdf) = read?;
                    let error = crate::Fidelity::compare(&vdfs[index], &vdf)?.l2;
                    assert!(
                        (error < 0.5 || spec.starts_with("log")) && expansion.grid() == vdfs[index].grid(),
                        "{spec}: {error}"
                    );
                    k += 1;
                    Ok::<(), Error>(())
                })
                .unwrap();
            assert_eq!(k, 9);
        }
    }

    #[test]
    fn what_fails_alone_fails_alone() {
        let mut vdfs = sequence(6);
        vdfs[2] = Vdf::zeros(*vdfs[0].grid());
        let basis = Registry::standard().parse("maxwellian").unwrap();
        let mut outcomes = Vec::new();
        let batch = on(2).with_warm_runs(NonZeroUsize::new(4).unwrap());
        batch
            .encode(&basis, vdfs, |_, bytes| {
                outcomes.push(bytes.is_ok());
                Ok::<(), Error>(())
            })
            .unwrap();
        assert_eq!(outcomes, [true, true, false, true, true, true]);
        let mut none = 0;
        batch
            .encode(&basis, Vec::new(), |_, _| {
                none += 1;
                Ok::<(), Error>(())
            })
            .unwrap();
        assert_eq!(none, 0);
    }

    #[test]
    fn memory_is_bounded_and_a_hook_can_end_the_batch() {
        let vdf = Vdf::from_fn(VelocityGrid::unit([4; 3]).unwrap(), |[x, y, z]| 1.0 + x + y * z).unwrap();
        let basis = Registry::standard().parse("cosine").unwrap();
        let (asked, handed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let endless = std::iter::repeat_with(|| {
            let ahead = asked.fetch_add(1, Ordering::SeqCst) + 1 - handed.load(Ordering::SeqCst);
            assert!(ahead <= 3 * (Batch::AHEAD + 2) * 2, "{ahead}");
            vdf.clone()
        });
        let batch = on(2).with_warm_runs(NonZeroUsize::new(3).unwrap());
        let end = batch.encode(&basis, endless, |index, _| {
            handed.store(index + 1, Ordering::SeqCst);
            if index == 200 { Err("enough") } else { Ok(()) }
        });
        assert_eq!(end, Err("enough"));
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            on(2).encode(&basis, std::iter::repeat_with(|| vdf.clone()), |_, _| -> std::result::Result<(), ()> {
                panic!()
            })
        }));
        assert!(panics.is_err());
    }
}
