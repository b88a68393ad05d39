//! Many distributions on one grid: encoded and decoded in parallel, in order, in bounded memory.
//!
//! Runs of distributions are taken from an iterator as tasks for a pool of threads, and their streams handed over in the
//! iterator's order. No more than a few runs for each thread are taken before the first of them is handed over, and so in
//! memory, however many there are. Each distribution is worked on by one thread: its bytes are those that encoding it
//! alone gives, on any number of threads.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use rayon::{Scope, ThreadPoolBuilder};

use crate::basis::any_basis::AnyBasis;
use crate::basis::framing;
use crate::basis::{Expansion, Stream};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::registry::Registry;

/// The options of working on a batch: threads, and runs for warm starts.
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

impl From<Vdf> for Result<Vdf> {
    fn from(vdf: Vdf) -> Self {
        Ok(vdf)
    }
}

impl Default for Batch {
    /// As many threads as the machine has processors, no warm starts.
    fn default() -> Self {
        Self { threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), run: NonZeroUsize::MIN }
    }
}

impl Batch {
    /// Runs for each thread that are taken from the iterator before the next run in order is handed over.
    const AHEAD: usize = 4;

    /// This batch on `threads` threads, but no more than there are runs of distributions: no thread is started that would
    /// find nothing to do. One thread is the caller's, and none is started.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// This batch in runs of `run` distributions that follow each other. Within a run each search starts from the
    /// coefficients of the distribution before ([`Basis::encode_from`](crate::Basis::encode_from)). The bytes then depend on the length of the runs,
    /// and still not on the number of threads. A run of one is the default: no warm start.
    #[must_use]
    pub fn with_warm_runs(self, run: NonZeroUsize) -> Self {
        Self { run, ..self }
    }

    /// Encodes distributions, or the results of reading them. Hands over each stream, or the error of its distribution, with
    /// its index and in order. The iterator and the hook run on the caller's thread, while other threads work; the hook is
    /// the place to report progress.
    ///
    /// # Errors
    /// The first error that the hook returns: it ends the batch.
    pub fn encode<B: Stream, V: Into<Result<Vdf>>, E>(
        &self,
        basis: &B,
        distributions: impl IntoIterator<Item = V>,
        hook: impl FnMut(usize, Result<Vec<u8>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.work(
            distributions.into_iter().map(Into::into),
            |run: Vec<Result<Vdf>>| {
                let mut last: Option<B::Coefficients> = None;
                let encode = |vdf: Result<Vdf>| {
                    let vdf = vdf?;
                    framing::check_cells(vdf.grid(), framing::MOST_CELLS)?;
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
        streams: impl IntoIterator<Item = S>,
        hook: impl FnMut(usize, Result<(Expansion<AnyBasis>, Vdf)>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let decode = |stream: S| {
            let expansion = registry.decode(stream.as_ref())?;
            let vdf = expansion.reconstruct()?;
            Ok((expansion, vdf))
        };
        self.work(streams, |run| run.into_iter().map(decode).collect(), hook)
    }

    /// Works on runs of items in parallel, and hands over the results in order.
    ///
    /// # Errors
    /// The first error that the hook returns: it ends the work.
    pub(crate) fn work<T: Send, R: Send, E>(
        &self,
        items: impl IntoIterator<Item = T>,
        work: impl Fn(Vec<T>) -> Vec<R> + Sync,
        mut hook: impl FnMut(usize, R) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut items = items.into_iter().fuse();
        let mut runs = std::iter::from_fn(|| {
            let run: Vec<T> = items.by_ref().take(self.run.get()).collect();
            (!run.is_empty()).then_some(run)
        });
        let mut index = 0;
        let mut hand_over = |results: Vec<R>| {
            results.into_iter().try_for_each(|result| {
                index += 1;
                hook(index - 1, result)
            })
        };
        if self.threads == NonZeroUsize::MIN {
            // The caller's thread does the work: whoever asks for one thread wants none to be started.
            return runs.try_for_each(|run| hand_over(work(run)));
        }
        // One thread a run, if there are fewer runs than threads.
        let first: Vec<Vec<T>> = runs.by_ref().take(self.threads.get()).collect();
        let threads = first.len();
        if threads == 0 {
            return Ok(());
        }
        let mut runs = first.into_iter().chain(runs);
        let Ok(pool) = ThreadPoolBuilder::new().num_threads(threads).build() else {
            // If no threads can be started, the caller's does the work.
            return runs.try_for_each(|run| hand_over(work(run)));
        };
        let window = threads.saturating_mul(Self::AHEAD);
        let ended = AtomicBool::new(false);
        pool.in_place_scope(|scope| {
            let mut due = VecDeque::new();
            loop {
                due.extend(runs.by_ref().take(window - due.len()).map(|run| in_time(scope, run, &work, &ended)));
                // A task that panicked has nothing to hand over: the scope passes its panic on.
                let Some(Ok(results)) = due.pop_front().map(|results: mpsc::Receiver<_>| results.recv()) else {
                    return Ok(());
                };
                hand_over(results).inspect_err(|_| ended.store(true, Ordering::Relaxed))?;
            }
        })
    }
}

/// Spawns the work on a run. The receiver gets the results, or nothing if the batch has ended before.
fn in_time<'scope, T: Send + 'scope, R: Send + 'scope>(
    scope: &Scope<'scope>,
    run: Vec<T>,
    work: &'scope (impl Fn(Vec<T>) -> Vec<R> + Sync),
    ended: &'scope AtomicBool,
) -> mpsc::Receiver<Vec<R>> {
    let (sender, receiver) = mpsc::channel();
    scope.spawn(move |_| {
        if !ended.load(Ordering::Relaxed) {
            // If the batch has ended, nobody waits for the results any more.
            let _ = sender.send(work(run));
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basis::Basis;
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

    /// The streams that the basis gives without a batch.
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
            .encode(&basis, Vec::<Vdf>::new(), |_, _| {
                none += 1;
                Ok::<(), Error>(())
            })
            .unwrap();
        assert_eq!(none, 0);
    }

    #[test]
    fn no_more_threads_are_started_than_there_are_runs() {
        for (count, run, most) in [(3, 1, 3), (7, 3, 3), (1, 1, 1), (40, 1, 8000)] {
            let batch = on(8000).with_warm_runs(NonZeroUsize::new(run).unwrap());
            // Counts the threads of the pool that does the work.
            let work = |run: Vec<usize>| run.into_iter().map(|k| (k, rayon::current_num_threads())).collect();
            let mut handed = 0;
            // An iterator that does not say how long it is.
            let mut left = 0..count;
            batch
                .work(std::iter::from_fn(|| left.next()), work, |index, (k, threads)| {
                    assert!(index == k && threads <= most.min(count), "{threads} threads for {count} in runs of {run}");
                    handed += 1;
                    Ok::<(), ()>(())
                })
                .unwrap();
            assert_eq!(handed, count);
        }
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
        // A panic of a task is passed on, too.
        let work = |run: Vec<u32>| run.into_iter().inspect(|k| assert!(*k != 7)).collect();
        let panics = std::panic::catch_unwind(|| on(2).work(0..100, work, |_, _| Ok::<(), ()>(())));
        assert!(panics.is_err());
    }
}
