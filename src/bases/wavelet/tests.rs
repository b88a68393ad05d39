use super::*;
use crate::basis::Coefficients;

fn bumpy(shape: [usize; 3]) -> Vdf {
    let grid = VelocityGrid::new(shape, [-3.0, 1.0, 0.5], [0.5, 0.25, 1.0]).unwrap();
    Vdf::from_fn(grid, |[x, y, z]| (x * 1.3 + y * 0.7 + z * 2.1).sin() + 0.5 + 1e-3 * x * y).unwrap()
}

fn made(spec: &str) -> Wavelet {
    let spec: Spec = spec.parse().unwrap();
    let mut basis = Wavelet::default();
    basis.choose(&mut Choices::of(&spec.terms[0])).unwrap();
    basis
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |w: f64, (a, b)| w.max((a - b).abs()))
}

fn every_choice() -> impl Iterator<Item = Wavelet> {
    WaveletFilter::all().flat_map(|filter| {
        let all = BOUNDARIES.map(|(_, boundary)| Wavelet::new(filter).with_boundary(boundary));
        all.into_iter().filter_map(Result::ok)
    })
}

#[test]
fn golden_vectors_of_pywavelets_are_met() {
    let text = include_str!("../../../tests/data/wavelet/golden.txt");
    let mut checked = 0;
    for line in text.lines() {
        let (words, numbers) = line.split_once('|').unwrap();
        let words: Vec<&str> = words.split_whitespace().collect();
        let expected: Vec<f64> = numbers.split_whitespace().map(|v| v.parse().unwrap()).collect();
        let filter = WaveletFilter::named(words[1]).unwrap();
        let level = words[3].parse().unwrap();
        let shape: [usize; 3] = std::array::from_fn(|axis| words[4 + axis].parse().unwrap());
        let values = |k: usize| ((7 * k * k + 3 * k) % 11) as f64 / 4.0 - 1.0;
        // A line's numbers are the same along each axis.
        let rotations = if shape[0] == 1 { 3 } else { 1 };
        for turn in 0..rotations {
            let mut shape = shape;
            shape.rotate_left(turn);
            let cells = shape.iter().product();
            let grid = VelocityGrid::unit(shape).unwrap();
            let vdf = Vdf::from_vec(grid, (0..cells).map(values).collect()).unwrap();
            let found = if words[0] == "dwt" {
                let boundary = if words[2] == "symmetric" { Boundary::Symmetric } else { Boundary::Periodic };
                Wavelet::new(filter).with_boundary(boundary).unwrap().with_level(level).encode(&vdf).unwrap().to_dense()
            } else {
                let c = Stationary::new(filter, level).analyse(&vdf).unwrap();
                let details = (1..=level).rev().flat_map(|level| c.details(level));
                std::iter::once(c.approximation()).chain(details).flatten().copied().collect()
            };
            let error = worst(&found, &expected);
            assert!(error < 1e-10, "{} turned {turn}: {error:e}", words.join(" "));
            checked += 1;
        }
    }
    assert_eq!(checked, (21 * 2 * 3 + 7) * 3 + 4);
}

#[test]
fn everything_comes_back_at_every_level() {
    let shapes = [[1, 1, 1], [1, 1, 31], [2, 3, 5], [16, 8, 4], [9, 1, 13], [3, 17, 2]];
    for basis in every_choice() {
        for shape in shapes {
            let vdf = bumpy(shape);
            for level in 0..=Wavelet::max_level(shape) {
                let basis = basis.clone().with_level(level);
                let c = basis.encode(&vdf).unwrap();
                let back = basis.reconstruct(&c, vdf.grid()).unwrap();
                let error = worst(vdf.as_slice(), back.as_slice()) / vdf.peak();
                assert!(error < 1e-12, "{basis} of {shape:?}: {error:e}");
            }
        }
    }
}

#[test]
fn the_stationary_transform_comes_back_at_every_level() {
    for filter in WaveletFilter::all() {
        for shape in [[1, 1, 1], [1, 1, 31], [2, 3, 5], [8, 4, 4], [9, 1, 13]] {
            let vdf = bumpy(shape);
            for level in 0..=Wavelet::max_level(shape) {
                let stationary = Stationary::new(filter, level);
                let c = stationary.analyse(&vdf).unwrap();
                let back = stationary.synthesise(&c, vdf.grid()).unwrap();
                let error = worst(vdf.as_slice(), back.as_slice()) / vdf.peak();
                assert!(error < 1e-12, "{filter:?} level {level} of {shape:?}: {error:e}");
            }
        }
    }
    let vdf = bumpy([4; 3]);
    let refused = Stationary::new(WaveletFilter::default(), 3).analyse(&vdf).unwrap_err().to_string();
    assert!(refused.contains("0 to 2"), "{refused}");
}

#[test]
fn a_shift_only_shifts_the_stationary_coefficients() {
    let line = |shift: usize| -> Vec<f64> {
        let values = (0..15).map(|k| ((k + shift) % 15 * 7 % 11) as f64).collect();
        let vdf = Vdf::from_vec(VelocityGrid::unit([1, 15, 1]).unwrap(), values).unwrap();
        let c = Stationary::new(WaveletFilter::named("sym5").unwrap(), 2).analyse(&vdf).unwrap();
        c.details(2).next().unwrap().to_vec()
    };
    let mut shifted = line(0);
    shifted.rotate_left(4);
    assert!(worst(&shifted, &line(4)) < 1e-14);
}

#[test]
fn orthonormal_wavelets_keep_the_norm() {
    let vdf = bumpy([16, 8, 32]);
    let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    for filter in WaveletFilter::all().filter(|filter| filter.is_orthogonal()) {
        let c = Wavelet::new(filter).encode(&vdf).unwrap();
        assert_eq!(c.count(), 16 * 8 * 32);
        assert!((norm(&c.amplitudes) / norm(vdf.as_slice()) - 1.0).abs() < 1e-13, "{filter:?}");
    }
}

#[test]
fn smooth_parts_have_no_details() {
    // A cubic is invisible to four vanishing moments, away from the ends.
    let grid = VelocityGrid::unit([1, 1, 64]).unwrap();
    let vdf = Vdf::from_fn(grid, |[_, _, z]| 1.0 + z - 0.03 * z * z + 1e-4 * z * z * z).unwrap();
    for name in ["db4", "sym4", "bior4.4", "coif2"] {
        let c = Wavelet::new(WaveletFilter::named(name).unwrap()).with_level(1).encode(&vdf).unwrap();
        assert!(c.to_dense()[40..56].iter().all(|detail| detail.abs() < 1e-11), "{name}");
    }
}

#[test]
fn thresholds_do_what_they_say() {
    let vdf = bumpy([12, 11, 10]);
    let all = made("wavelet:filter=db3,level=2").encode(&vdf).unwrap();
    let dense = all.to_dense();
    let hard = made("wavelet:filter=db3,level=2,threshold=0.1").encode(&vdf).unwrap();
    assert_eq!(hard.topology_len(), hard.count());
    for (all, kept) in dense.iter().zip(hard.to_dense()) {
        assert_eq!(kept, if all.abs() > 0.1 { *all } else { 0.0 });
    }
    let soft = made("wavelet:filter=db3,level=2,soft=0.1").encode(&vdf).unwrap();
    for (k, (all, kept)) in dense.iter().zip(soft.to_dense()).enumerate() {
        let wanted = if k < all_approximation(&soft) { *all } else { all.signum() * (all.abs() - 0.1).max(0.0) };
        assert!((kept - wanted).abs() < 1e-15);
    }
    let best = made("wavelet:filter=db3,level=2,terms=37").encode(&vdf).unwrap();
    assert_eq!((best.count(), best.topology_len()), (37, 37));
    let least = best.amplitudes.iter().fold(f64::INFINITY, |least, c| least.min(c.abs()));
    assert_eq!(dense.iter().filter(|c| c.abs() >= least).count(), 37);
}

fn all_approximation(c: &WaveletCoefficients) -> usize {
    c.layout.approximation_len()
}

#[test]
fn rounded_coefficients_are_multiples_of_the_step() {
    let vdf = bumpy([12, 11, 10]);
    let dense = made("wavelet:filter=bior1.3").encode(&vdf).unwrap().to_dense();
    for (spec, sparse) in [
        ("rounding=int8", false),
        ("step=0.01", false),
        ("step=0.5,terms=200", true),
        ("rounding=int8,discard=0.01", true),
    ] {
        let c = made(&format!("wavelet:filter=bior1.3,{spec}")).encode(&vdf).unwrap();
        let step = c.step().unwrap();
        assert_eq!(c.positions.is_some(), sparse);
        for (found, all) in c.to_dense().iter().zip(&dense) {
            let multiple = found / step;
            assert!((multiple - multiple.round()).abs() < 1e-12);
            assert!(spec != "rounding=int8" || multiple.abs() <= 127.0 + 1e-9);
            assert!(sparse && *found == 0.0 || (found - all).abs() <= 0.5001 * step);
        }
    }
}

#[test]
fn levels_beyond_the_maximum_are_refused_with_it() {
    let vdf = bumpy([9, 1, 4]);
    assert_eq!(Wavelet::max_level([9, 1, 4]), 4);
    let message = made("wavelet:level=5").encode(&vdf).unwrap_err().to_string();
    assert!(message.contains("level = 5") && message.contains("0 to 4 on a grid of 9 x 1 x 4"), "{message}");
    assert!(made("wavelet:level=4").encode(&vdf).is_ok());
}

#[test]
fn the_rank_of_a_coefficient_is_its_level() {
    let c = made("wavelet:filter=haar,level=2").encode(&bumpy([4, 4, 8])).unwrap();
    let mut ranks = [0; 3];
    c.visit(&mut |slot, _| ranks[slot.degree as usize] += 1);
    assert_eq!(ranks, [2, 14, 112]);
}

#[test]
fn other_shapes_and_other_choices_are_refused() {
    let vdf = bumpy([8, 9, 10]);
    let c = made("wavelet:filter=db2").encode(&vdf).unwrap();
    let other = VelocityGrid::unit([8, 10, 9]).unwrap();
    let message = made("wavelet:filter=db2").reconstruct(&c, &other).unwrap_err().to_string();
    assert!(message.contains("8 x 9 x 10") && message.contains("8 x 10 x 9"), "{message}");
    for spec in ["wavelet:filter=db3", "wavelet:filter=db2,boundary=symmetric", "wavelet:filter=db2,level=1"] {
        assert!(matches!(made(spec).reconstruct(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))), "{spec}");
    }
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let message = |spec: &str| crate::Registry::standard().parse(spec).unwrap_err().to_string();
    for (spec, expected) in [
        ("wavelet:filter=db1x", "haar, db2"),
        ("wavelet:boundary=zero", "one of periodic, symmetric, whole-sample"),
        ("wavelet:filter=haar,boundary=whole-sample", "only with filter bior2.2 or bior4.4"),
        ("wavelet:level=-1", "whole number"),
        ("wavelet:soft=NaN", "soft"),
        ("wavelet:terms=0", "at least one"),
        ("wavelet:step=0", "positive"),
        ("wavelet:step=1,rounding=int8", "only one of them"),
        ("wavelet:discard=0.1,terms=3", "only one of them"),
    ] {
        assert!(message(spec).contains(expected), "{spec}: {}", message(spec));
    }
    for spec in [
        "wavelet",
        "wavelet:filter=db4,boundary=symmetric,level=2,soft=1e-16,rounding=int8",
        "wavelet:filter=sym8,terms=2150,step=2e-17",
    ] {
        assert_eq!(made(spec).to_string(), spec);
    }
    assert_eq!(made("wavelet:filter=cdf5/3").to_string(), "wavelet:filter=bior2.2");
}

#[test]
fn nothing_is_an_answer() {
    let grid = VelocityGrid::unit([5, 6, 7]).unwrap();
    for spec in ["wavelet", "wavelet:terms=5", "wavelet:soft=1", "wavelet:rounding=int8", "wavelet:discard=0.1"] {
        let basis = made(spec);
        let c = basis.encode(&Vdf::zeros(grid)).unwrap();
        assert_eq!(basis.reconstruct(&c, &grid).unwrap(), Vdf::zeros(grid));
    }
}

#[test]
fn mirrored_ends_keep_the_count_and_polynomials_have_no_details_inside() {
    for (name, degree) in [("bior2.2", 1), ("bior4.4", 3)] {
        for n in [2, 3, 4, 5, 8, 31, 50] {
            let grid = VelocityGrid::unit([1, n, 1]).unwrap();
            let vdf = Vdf::from_fn(grid, |[_, y, _]| (0.1 * y - 1.0).powi(degree)).unwrap();
            let c = Wavelet::new(WaveletFilter::named(name).unwrap()).with_level(1).encode(&vdf).unwrap();
            assert_eq!(c.count(), n);
            let details = &c.to_dense()[n.div_ceil(2)..];
            assert!(details.iter().skip(2).rev().skip(2).all(|detail| detail.abs() < 1e-12), "{name} {n}: {details:?}");
            // A constant stays one up to the ends.
            let flat = Vdf::from_fn(grid, |_| 1.0).unwrap();
            let c = Wavelet::new(WaveletFilter::named(name).unwrap()).with_level(1).encode(&flat).unwrap().to_dense();
            let (low, high) = c.split_at(n.div_ceil(2));
            assert!(low.iter().all(|c| (c - std::f64::consts::SQRT_2).abs() < 1e-12), "{name} {n}: {low:?}");
            assert!(high.iter().all(|c| c.abs() < 1e-12), "{name} {n}: {high:?}");
        }
    }
}

#[test]
fn inside_the_mirrored_transform_is_the_periodic_one() {
    let grid = VelocityGrid::unit([1, 1, 64]).unwrap();
    let vdf = Vdf::from_fn(grid, |[_, _, z]| (-((z - 30.0) / 4.0).powi(2)).exp() * (1.0 + 0.3 * z)).unwrap();
    for name in ["bior2.2", "bior4.4"] {
        let of = |boundary| {
            let basis = Wavelet::new(WaveletFilter::named(name).unwrap()).with_boundary(boundary).unwrap();
            let dense = basis.with_level(1).encode(&vdf).unwrap().to_dense();
            let mut sizes: Vec<f64> = dense.iter().map(|c| c.abs()).collect();
            sizes.sort_by(f64::total_cmp);
            sizes
        };
        // The same numbers up to place and sign.
        assert!(worst(&of(Boundary::WholeSample), &of(Boundary::Periodic)) < 1e-9, "{name}");
    }
}

#[test]
fn a_few_terms_are_never_worse_than_nothing() {
    let mut noise = 1u64;
    for shape in [[1, 5, 31], [9, 5, 12], [8, 8, 8]] {
        for _ in 0..20 {
            let vdf = Vdf::from_fn(VelocityGrid::unit(shape).unwrap(), |_| {
                noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (noise >> 11) as f64 / (1u64 << 53) as f64 - 0.5
            })
            .unwrap();
            for filter in ["bior2.2", "bior4.4", "bior1.3", "db4"] {
                for choice in ["terms=1", "terms=3,rounding=int8", "discard=0.95", "soft=0.4", "threshold=0.6"] {
                    let basis = made(&format!("wavelet:filter={filter},{choice}"));
                    let c = basis.encode(&vdf).unwrap();
                    let back = basis.reconstruct(&c, vdf.grid()).unwrap();
                    let l2 = crate::distribution::fidelity::Fidelity::compare(&vdf, &back).unwrap().l2;
                    assert!(l2 <= 1.0 + 1e-12, "{basis} {shape:?}: {l2}");
                }
            }
        }
    }
}
