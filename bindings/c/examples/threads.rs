//! The speed-up of many threads through C beside that of `Batch`, in one run: medians of alternating rounds, whose bytes and
//! densities must be the same. `cargo run --release -p vdf-basis-c --example threads -- [THREADS] [ROUNDS]`, by default 8, 9

use std::convert::Infallible;
use std::ffi::CString;
use std::num::NonZeroUsize;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use vdf_basis::{Batch, Registry, Sampling, Synthetic, Vdf};
use vdf_basis_c::boxes::{vdfb_decode_f64, vdfb_encode_f64};
use vdf_basis_c::bytes::{vdfb_bytes, vdfb_bytes_free};
use vdf_basis_c::codec::{vdfb_codec, vdfb_codec_free, vdfb_codec_new};
use vdf_basis_c::grid::vdfb_grid;
use vdf_basis_c::status::vdfb_status::VDFB_OK;

/// Distributions of a round: twelve for each of eight threads.
const DISTRIBUTIONS: u64 = 96;

/// A codec that all threads use.
struct Codec(*mut vdfb_codec);

// SAFETY: a codec does not change, as the header promises.
unsafe impl Sync for Codec {}

/// Calls `work` with each index on so many threads, of which each takes the next index when it is done, as the threads of a
/// dynamic OpenMP loop do; returns the results in order.
fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let run = || {
        let indices = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        let own = indices.take_while(|&index| index < DISTRIBUTIONS as usize);
        own.map(|index| (index, work(index))).collect::<Vec<_>>()
    };
    let mut results = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn encode_through_c(codec: &Codec, vdf: &Vdf) -> Vec<u8> {
    let (grid, values) = (vdfb_grid::from(vdf.grid()), vdf.as_slice());
    let mut stream = vdfb_bytes { data: null_mut(), size: 0 };
    // SAFETY: a codec, and as many values as are counted.
    let status = unsafe { vdfb_encode_f64(codec.0, &grid, values.as_ptr(), values.len(), null(), &mut stream) };
    assert_eq!(status, VDFB_OK);
    // SAFETY: the bytes of the call before.
    let bytes = unsafe { std::slice::from_raw_parts(stream.data, stream.size) }.to_vec();
    // SAFETY: the same bytes, which nobody uses any more.
    unsafe { vdfb_bytes_free(&mut stream) };
    bytes
}

fn decode_through_c(codec: &Codec, stream: &[u8], cells: usize) -> Vec<f64> {
    let mut values = vec![0.0; cells];
    let (data, size, into) = (stream.as_ptr(), stream.len(), values.as_mut_ptr());
    // SAFETY: a codec, a stream, and as many places as are counted.
    let status = unsafe { vdfb_decode_f64(codec.0, data, size, into, cells, null(), null_mut()) };
    assert_eq!(status, VDFB_OK);
    values
}

/// Seconds of four ways of doing the same in each round, called in turn: with one thread and with many, in Rust and through
/// C. Each time the results must be those of the first way.
fn times<T: PartialEq>(rounds: usize, ways: [&dyn Fn() -> T; 4]) -> Vec<[f64; 4]> {
    let expected = ways[0]();
    let mut round_of = |round: usize| {
        let mut times = [0.0; 4];
        for place in 0..ways.len() {
            let way = (round + place) % ways.len();
            let begin = Instant::now();
            let result = ways[way]();
            times[way] = begin.elapsed().as_secs_f64();
            assert!(result == expected, "way {way} gives another result than one thread in Rust");
        }
        times
    };
    (0..rounds).map(&mut round_of).collect()
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Prints medians of times, and of the speed-ups of each round: what else the machine does changes from round to round.
fn report(what: &str, times: &[[f64; 4]]) {
    let way = |way: usize| 1e3 * median(times.iter().map(|times| times[way]));
    let of_rust = median(times.iter().map(|[rust, many, ..]| rust / many));
    let of_c = median(times.iter().map(|[.., c, many]| c / many));
    let beside = median(times.iter().map(|[rust, rust_many, c, c_many]| (c / c_many) / (rust / rust_many)));
    let [rust, rust_many, c, c_many] = [0, 1, 2, 3].map(way);
    println!("{what:32} {rust:9.1} {rust_many:9.1} {c:9.1} {c_many:9.1} {of_rust:10.2} {of_c:10.2} {beside:10.3}");
}

fn main() -> vdf_basis::Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|number| number.parse::<usize>().ok());
    let threads = numbers.next().and_then(NonZeroUsize::new).unwrap_or(const { NonZeroUsize::new(8).unwrap() });
    let rounds = numbers.next().unwrap_or(9).max(1);
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    println!(
        "{DISTRIBUTIONS} distributions, {threads} threads on {processors} processors, {rounds} rounds, times in ms"
    );
    let columns = ["Rust, 1", "many", "C, 1", "many"].map(|column| format!("{column:>9}")).join(" ");
    println!("{:32} {columns} {:>10} {:>10} {:>10}", "", "faster", "C faster", "C / Rust");
    for (cells, spec) in [(20, "conserve(fast:l2=0.01)"), (50, "wavelet:l2=0.01")] {
        let grid = Synthetic::default_grid("gyrating-ring", cells)?;
        let sample = |seed| Synthetic::named("gyrating-ring", seed)?.sample(&grid, Sampling::default());
        let vdfs = (0..DISTRIBUTIONS).map(sample).collect::<vdf_basis::Result<Vec<Vdf>>>()?;
        let registry = Registry::standard();
        let basis = registry.parse(spec)?;
        let mut codec = Codec(null_mut());
        let text = CString::new(spec).unwrap_or_default();
        // SAFETY: a text, no options, and a place for the codec.
        assert_eq!(unsafe { vdfb_codec_new(text.as_ptr(), null(), &mut codec.0) }, VDFB_OK);

        let encode = |threads: NonZeroUsize| {
            let mut streams = Vec::new();
            let Ok(()) = Batch::default().with_threads(threads).encode(&basis, vdfs.iter().cloned(), |_, stream| {
                streams.push(stream.unwrap_or_default());
                Ok::<(), Infallible>(())
            });
            streams
        };
        let encode_c = |threads| on_threads(threads, |index| encode_through_c(&codec, &vdfs[index]));
        let one = NonZeroUsize::MIN;
        let ways: [&dyn Fn() -> Vec<Vec<u8>>; 4] =
            [&|| encode(one), &|| encode(threads), &|| encode_c(1), &|| encode_c(threads.get())];
        report(&format!("encode {cells}³ {spec}"), &times(rounds, ways));

        let streams = encode(one);
        let decode = |threads: NonZeroUsize| {
            let mut decoded = Vec::new();
            let Ok(()) = Batch::default().with_threads(threads).decode(&registry, &streams, |_, read| {
                decoded.push(read.map(|(_, vdf)| vdf.as_slice().to_vec()).unwrap_or_default());
                Ok::<(), Infallible>(())
            });
            decoded
        };
        let decode_c = |threads| on_threads(threads, |index| decode_through_c(&codec, &streams[index], grid.cells()));
        let ways: [&dyn Fn() -> Vec<Vec<f64>>; 4] =
            [&|| decode(one), &|| decode(threads), &|| decode_c(1), &|| decode_c(threads.get())];
        report(&format!("decode {cells}³ {spec}"), &times(rounds, ways));
        // SAFETY: the codec above, which no thread uses any more.
        unsafe { vdfb_codec_free(codec.0) };
    }
    Ok(())
}
