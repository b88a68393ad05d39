//! Round trips to the bit, histograms, bounds.

use super::*;
use crate::basis::Expansion;
use crate::distribution::fidelity::relative_l2;
use crate::testing::{for_cases, vector};
use crate::{Registry, Sampling, Synthetic, laws};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Length of a stream, after it has been read and every bit compared.
fn exact_len(vdf: &Vdf) -> usize {
    let bytes = Expansion::encode(&Cells::default(), vdf).unwrap().to_bytes().unwrap();
    let back = Registry::standard().decode(&bytes).unwrap().reconstruct().unwrap();
    assert!(bits(back.as_slice()) == bits(vdf.as_slice()) && back.grid() == vdf.grid());
    bytes.len()
}

/// Counts of particles of two Gaussian beams in cells.
fn counts(particles: usize, cells: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut counts = vec![0.0; cells.pow(3)];
    for _ in 0..particles {
        let (drift, width) = if random.random_bool(0.7) { (0.4, 0.075) } else { (0.7, 0.045) };
        // A sum of twelve uniform numbers has a variance of 1.
        let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let place = [drift, 0.5, 0.5].map(|centre| ((centre + width * normal()) * cells as f64) as usize);
        if place.iter().all(|place| *place < cells) {
            counts[(place[0] * cells + place[1]) * cells + place[2]] += 1.0;
        }
    }
    counts
}

fn histogram(particles: usize, cells: usize, weight: f64) -> Vdf {
    let values = counts(particles, cells).into_iter().map(|count| count * weight).collect();
    Vdf::from_vec(VelocityGrid::unit([cells; 3]).unwrap(), values).unwrap()
}

#[test]
fn every_bit_comes_back_on_every_shape() {
    const SPECIAL: [f64; 12] =
        [0.0, -0.0, 5e-324, -5e-324, 1e-310, f64::MIN_POSITIVE, 1e308, f64::MAX, f64::MIN, 0.1, -3.0, 1e-300];
    for_cases(60, |random| {
        let mut shape = [1, 2, 7].map(|most| random.random_range(1..=most * 3));
        shape.rotate_left(random.random_range(0..3));
        let kind = random.random_range(0..6);
        let mut last = 1.0;
        let values = (0..shape.iter().product()).map(|_| match kind {
            0 => SPECIAL[random.random_range(0..SPECIAL.len())],
            1 => f64::from(random.random::<f32>() - 0.1),
            2 => random.random::<f64>(),
            3 => f64::from(random.random_range(-2..3)) * 1e-17,
            4 => {
                last *= random.random_range(0.5..2.1);
                last
            }
            _ => f64::from_bits(random.random::<u64>() % table::LARGEST),
        });
        exact_len(&Vdf::from_vec(VelocityGrid::unit(shape).unwrap(), values.collect()).unwrap());
    });
    for value in SPECIAL {
        exact_len(&Vdf::from_vec(VelocityGrid::unit([3, 1, 4]).unwrap(), vec![value; 12]).unwrap());
    }
}

#[test]
fn single_precision_costs_half_of_double() {
    let grid = Synthetic::default_grid("kappa", 20).unwrap();
    let vdf = Synthetic::named("kappa", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    let single = Vdf::new(grid, vdf.values().mapv(|f| f64::from(f as f32))).unwrap();
    let [double, single] = [exact_len(&vdf), exact_len(&single)];
    assert!(single < double - 29 * grid.cells() / 8 + 200, "{single}, {double}");
    // Neighbours tell the exponent, the sign and some of the mantissa.
    assert!(single < 22 * grid.cells() / 8, "{single}");
}

#[test]
fn a_histogram_is_shorter_than_positions_and_counts_by_themselves() {
    for (particles, at_most) in [(300, 0.7), (1000, 0.62), (10_000, 0.6)] {
        let counts = counts(particles, 32);
        let occupied: Vec<usize> = counts.iter().filter(|count| **count > 0.0).map(|count| *count as usize).collect();
        // log₂ of the number of ways to place so many cells, and the entropy of the counts.
        let (cells, n) = (counts.len(), occupied.len());
        let places: f64 = (0..n).map(|k| ((cells - k) as f64 / (n - k) as f64).log2()).sum();
        let largest = occupied.iter().max().copied().unwrap_or(0);
        let shares =
            (1..=largest).map(|count| occupied.iter().filter(|other| **other == count).count() as f64 / n as f64);
        let entropy: f64 = shares.filter(|share| *share > 0.0).map(|share| -share * share.log2()).sum();
        let bound = (places + entropy * n as f64) / 8.0;
        for weight in [3.71e-15, f64::from(3.71e-15_f32)] {
            let len = exact_len(&histogram(particles, 32, weight)) as f64;
            assert!(len < at_most * bound + 20.0, "{particles}: {len} bytes, {bound}");
        }
    }
}

#[test]
fn a_quantum_is_found_in_both_precisions_and_under_every_weight() {
    let counts = counts(20_000, 24);
    let table_len = |values: Vec<f64>| {
        let mut table = Table::of(&values).unwrap();
        let mut coder = Coder::writing();
        table.code(values.len(), &mut coder).unwrap();
        (coder.finish().len() as f64, table.len() as f64)
    };
    for weight in [1.0, 0.1, 3.71e-15, 1.0 / 3.0, 7e-310, 2e300] {
        let scaled = |f: fn(f64) -> f64| counts.iter().map(|count| f(count * weight)).collect::<Vec<_>>();
        // With the units of the last place of multiples that are rounded twice, and gaps among large counts.
        let (len, different) = table_len(scaled(|f| f));
        assert!(different > 50.0 && len < 14.0 + 0.9 * different, "{weight}: {len} bytes of {different}");
        if (1e-30..1e30).contains(&weight) {
            let (len, different) = table_len(scaled(|f| f64::from(f as f32)));
            assert!(different > 50.0 && len < 10.0 + 0.75 * different, "{weight}: {len} bytes of {different}");
        }
    }
    // Ten weights, multiples of one that is none of them.
    let weights = [3.0, 4.0, 7.0, 10.0, 13.0, 22.0, 29.0, 31.0, 40.0, 97.0].map(|n| n * 2.7e-16);
    let values: Vec<f64> = (0..500).map(|k| f64::from(weights[k * 7 % 10] as f32)).collect();
    assert!(table_len(values).0 < 20.0);
}

#[test]
fn few_values_that_are_no_multiples_are_a_table_too() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let different = vector(&mut random, 9..10, Rng::random::<f64>);
    let values = vector(&mut random, 1000..1001, |random| different[random.random_range(0..9)]);
    let vdf = Vdf::from_vec(VelocityGrid::unit([10; 3]).unwrap(), values).unwrap();
    assert_eq!(Cells::default().encode(&vdf).unwrap().different(), Some(9));
    // log₂ 9 bits a cell.
    assert!(exact_len(&vdf) < 397 + 9 * 8 + 60);
}

#[test]
fn a_bound_is_never_longer_than_exact_where_exact_is_short() {
    let registry = Registry::standard();
    let vdf = histogram(1000, 32, f64::from(2e-15_f32));
    let exact = exact_len(&vdf);
    let mut last = exact + 6;
    for l2 in [1e-6, 0.01, 0.1, 0.3, 0.6] {
        let basis = registry.parse(&format!("cells:l2={l2}")).unwrap();
        let bytes = Expansion::encode(&basis, &vdf).unwrap().to_bytes().unwrap();
        let back = registry.decode(&bytes).unwrap().reconstruct().unwrap();
        assert!(relative_l2(&vdf, &back) <= l2);
        assert!(bytes.len() <= last, "{l2}: {} bytes, {last}", bytes.len());
        last = bytes.len();
    }
    assert!(3 * last < 2 * exact, "{last}, {exact}");
}

#[test]
fn different_weights_are_rounded_to_the_bound() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let weighted = counts(1000, 32).into_iter().map(|count| count * random.random_range(0.5..2.0)).collect();
    let vdf = Vdf::from_vec(VelocityGrid::unit([32; 3]).unwrap(), weighted).unwrap();
    let exact = exact_len(&vdf);
    for (spec, limit) in
        [("cells:l2=0.03", 0.03), ("cells:linf=0.05", f64::INFINITY), ("cells:bytes=700", f64::INFINITY)]
    {
        let basis = Registry::standard().parse(spec).unwrap();
        let expansion = Expansion::encode(&basis, &vdf).unwrap();
        let len = expansion.to_bytes().unwrap().len();
        assert!(relative_l2(&vdf, &expansion.reconstruct().unwrap()) <= limit);
        assert!(4 * len < exact, "{spec}: {len} bytes, {exact}");
    }
}

#[test]
fn streams_of_histograms_keep_the_laws() {
    let registry = Registry::standard();
    let basis = registry.parse("cells").unwrap();
    for vdf in [histogram(200, 12, 0.3), histogram(9000, 10, f64::from(1e-17_f32))] {
        laws::streams(&registry, &basis, &vdf).unwrap();
        laws::damage(&registry, &basis, &vdf).unwrap();
        laws::damage(&registry, &registry.parse("cells:l2=0.2").unwrap(), &vdf).unwrap();
        laws::rounding(&basis, &vdf).unwrap();
        laws::bounds(&basis, &vdf).unwrap();
    }
    laws::all(&registry, "cells").unwrap();
}

#[test]
fn made_up_streams_do_no_harm() {
    let grid = VelocityGrid::unit([5, 6, 4]).unwrap();
    for_cases(200, |random| {
        let bytes = vector(random, 0..300, Rng::random::<u8>);
        for resolution in [Resolution::Exact, Resolution::Step(1e-9), Resolution::Step(1e300)] {
            let (basis, mut found) = (Cells::default(), Cells::default().blank(&grid));
            if basis.code(&mut found, &grid, resolution, &mut Coder::reading(&bytes)).is_ok() {
                // Read again from what is written, they are the same.
                let (mut writer, mut again) = (Coder::writing(), basis.blank(&grid));
                let mut written = found.clone();
                basis.code(&mut written, &grid, resolution, &mut writer).unwrap();
                basis.code(&mut again, &grid, resolution, &mut Coder::reading(&writer.finish())).unwrap();
                assert!(written == found && bits(&again.values) == bits(&found.values));
            }
        }
    });
}

#[test]
fn lossless_is_cells_without_a_bound() {
    let registry = Registry::standard();
    assert_eq!(registry.parse("lossless").unwrap(), registry.parse("cells").unwrap());
    let message = registry.parse("lossless:l2=0.1").unwrap_err().to_string();
    assert!(message.contains("every bit is kept; write a bound after `cells`"), "{message}");
}
