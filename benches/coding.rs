//! Our coder of rounded wavelet coefficients beside those of other crates, on the very same integers.
//!
//! `cargo bench --bench coding` prints, for each distribution and error, the bytes of every coder and its least time of
//! several runs there and back. Every stream is decoded and compared. Ours expects a coefficient by its neighbours,
//! parents and siblings; the others are given the integers level by level: constriction's range coder the histogram of
//! each level too, which is counted with the stream; pco all of them; zstd the narrowest integers that hold each level.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::time::Instant;

use constriction::UnwrapInfallible;
use constriction::stream::model::{DefaultContiguousCategoricalEntropyModel as Histogram, DefaultUniformModel};
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::{Decode, Encode};
use vdf_basis::bases::wavelet::WaveletCoefficients;
use vdf_basis::{Basis, Bound, Coder, Coefficients, Quantized, Resolution, Stream, Vdf, VelocityGrid, Wavelet};

const ERRORS: [f64; 4] = [0.1, 0.03, 0.01, 0.002];
const RUNS: usize = 15;

/// The multiples of a step that an error needs, and which level each belongs to.
struct Integers<'a> {
    grid: &'a VelocityGrid,
    wavelet: Wavelet,
    coefficients: WaveletCoefficients,
    step: f64,
    multiples: Vec<i32>,
    levels: Vec<usize>,
}

impl<'a> Integers<'a> {
    fn of(vdf: &'a Vdf, error: f64) -> Self {
        let wavelet = Wavelet::default();
        let mut levels = Vec::new();
        wavelet.encode(vdf).unwrap().visit(&mut |slot, _| levels.push(slot.degree as usize));
        let rounded = Quantized::new(wavelet.clone(), Bound::l2(error)).unwrap().encode(vdf).unwrap();
        let (coefficients, step) = (rounded.inner().clone(), rounded.step());
        let multiples = coefficients.to_dense().iter().map(|amplitude| (amplitude / step).round() as i32).collect();
        Self { grid: vdf.grid(), wavelet, coefficients, step, multiples, levels }
    }

    /// Those of each level, in their order.
    fn by_level(&self, values: &[i32]) -> Vec<Vec<i32>> {
        let mut parts = vec![Vec::new(); self.levels.iter().max().unwrap() + 1];
        values.iter().zip(&self.levels).for_each(|(value, level)| parts[*level].push(*value));
        parts
    }

    fn ours(&self) -> Vec<u8> {
        let mut coder = Coder::writing();
        self.wavelet.code(&mut self.coefficients.clone(), self.grid, Resolution::Step(self.step), &mut coder).unwrap();
        coder.finish()
    }

    fn ours_back(&self, bytes: &[u8]) -> Vec<i32> {
        let mut coder = Coder::reading(bytes);
        let mut read = self.wavelet.blank(self.grid);
        self.wavelet.code(&mut read, self.grid, Resolution::Step(self.step), &mut coder).unwrap();
        read.to_dense().iter().map(|amplitude| (amplitude / self.step).round() as i32).collect()
    }
}

/// What a reader would be told of a level's integers: two bytes for each small one, four for the largest.
struct Told {
    low: i32,
    counts: Vec<f64>,
    largest: u32,
    len: usize,
}

impl Told {
    /// From here on digits follow, all of them equally likely.
    const LARGE: i32 = 12;

    fn of(values: &[i32]) -> Self {
        let small = |v: &i32| (*v).clamp(-Self::LARGE, Self::LARGE);
        let (low, high) = values.iter().map(small).fold((0, 1), |(low, high), v| (low.min(v), high.max(v)));
        let mut counts = vec![0.0; (high - low) as usize + 1];
        values.iter().for_each(|v| counts[(small(v) - low) as usize] += 1.0);
        let largest = values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
        Self { low, counts, largest, len: values.len() }
    }

    fn model(&self) -> Histogram {
        Histogram::from_floating_point_probabilities_fast(&self.counts, None).unwrap()
    }

    /// Of how much a large one is beyond the small ones; none where it is the same for all.
    fn digits(&self) -> Option<DefaultUniformModel> {
        (self.largest > Self::LARGE as u32)
            .then(|| DefaultUniformModel::new((self.largest - Self::LARGE as u32 + 1) as usize))
    }

    fn bytes(&self) -> usize {
        2 * self.counts.len() + 4
    }
}

fn constriction(parts: &[Vec<i32>]) -> (Vec<u32>, Vec<Told>) {
    let told: Vec<Told> = parts.iter().map(|part| Told::of(part)).collect();
    let mut encoder = DefaultRangeEncoder::new();
    for (part, told) in parts.iter().zip(&told) {
        let (model, digits) = (told.model(), told.digits());
        for value in part {
            let small = (*value).clamp(-Told::LARGE, Told::LARGE);
            encoder.encode_symbol((small - told.low) as usize, &model).unwrap();
            if let Some(digits) = digits.filter(|_| small.abs() == Told::LARGE) {
                encoder.encode_symbol((value.abs() - Told::LARGE) as usize, digits).unwrap();
            }
        }
    }
    (encoder.into_compressed().unwrap_infallible(), told)
}

fn constriction_back(words: &[u32], told: &[Told]) -> Vec<Vec<i32>> {
    let mut decoder = DefaultRangeDecoder::from_compressed(words.to_vec()).unwrap_infallible();
    let mut read = |told: &Told| {
        let (model, digits) = (told.model(), told.digits());
        let mut value = || {
            let small = decoder.decode_symbol(&model).unwrap() as i32 + told.low;
            match digits.filter(|_| small.abs() == Told::LARGE) {
                Some(digits) => small + small.signum() * decoder.decode_symbol(digits).unwrap() as i32,
                None => small,
            }
        };
        (0..told.len).map(|_| value()).collect()
    };
    told.iter().map(&mut read).collect()
}

/// Each level in as many bytes an integer as its largest needs.
fn narrow(parts: &[Vec<i32>]) -> Vec<u8> {
    let bytes = |part: &Vec<i32>| {
        let fits = |most: i32| part.iter().all(|v| v.abs() <= most);
        let width = if fits(127) { 1 } else { 2 + 2 * usize::from(!fits(32767)) };
        part.iter().flat_map(|v| v.to_le_bytes()[..width].to_vec()).collect::<Vec<u8>>()
    };
    parts.iter().flat_map(bytes).collect()
}

/// Bits that no coder of integers one by one does without, of one level.
fn entropy(part: &[i32]) -> f64 {
    let mut counts = BTreeMap::new();
    part.iter().for_each(|v| *counts.entry(v).or_insert(0.0) += 1.0);
    counts.values().map(|count: &f64| -count * (count / part.len() as f64).log2()).sum()
}

/// The result, and the least time in milliseconds.
fn timed<T>(work: impl Fn() -> T) -> (T, f64) {
    let once = || {
        let start = Instant::now();
        (std::hint::black_box(work()), start.elapsed().as_secs_f64() * 1e3)
    };
    (0..RUNS).map(|_| once()).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

fn row(name: &str, bytes: usize, there: f64, back: f64) {
    println!("    {name:<34} {bytes:>7} bytes {there:>8.3} ms there {back:>8.3} ms back");
}

fn main() {
    let distributions = [("gyrating-ring".to_owned(), common::ring(50))];
    for (name, vdf) in distributions.into_iter().chain(common::real()) {
        for error in ERRORS {
            let integers = Integers::of(&vdf, error);
            let (all, parts) = (&integers.multiples, integers.by_level(&integers.multiples));
            let kept = all.iter().filter(|multiple| **multiple != 0).count();
            println!("{name}, l2 {error}: {} integers, {kept} of them not zero", all.len());
            let (stream, there) = timed(|| integers.ours());
            let (read, back) = timed(|| integers.ours_back(&stream));
            assert!(read == *all);
            row("vdf-basis, contexts", stream.len(), there, back);
            let ((words, told), there) = timed(|| constriction(&parts));
            let (read, back) = timed(|| constriction_back(&words, &told));
            assert!(read == parts);
            let tables: usize = told.iter().map(Told::bytes).sum();
            row("constriction, histogram a level", 4 * words.len() + tables, there, back);
            let (sorted, narrow) = (parts.concat(), narrow(&parts));
            for level in [8, 12] {
                let config = pco::ChunkConfig::default().with_compression_level(level);
                let (stream, there) = timed(|| pco::standalone::simple_compress(&sorted, &config).unwrap());
                let (read, back) = timed(|| pco::standalone::simple_decompress::<i32>(&stream).unwrap());
                assert!(read == sorted);
                row(&format!("pco, level {level}"), stream.len(), there, back);
            }
            for level in [3, 19] {
                let (stream, there) = timed(|| zstd::bulk::compress(&narrow, level).unwrap());
                let (read, back) = timed(|| zstd::bulk::decompress(&stream, narrow.len()).unwrap());
                assert!(read == narrow);
                row(&format!("zstd, level {level}"), stream.len(), there, back);
            }
            let entropy: f64 = parts.iter().map(|part| entropy(part)).sum();
            println!("    {:<34} {:>7.0} bytes", "entropy of the levels' histograms", entropy / 8.0);
        }
    }
}
