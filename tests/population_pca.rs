//! Principal components of a population: exact, mergeable in any order, by threads and by processes, kept in files.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;
use std::thread;

use nalgebra::DMatrix;
use vdf_basis::bases::pca::Values;
use vdf_basis::{
    Basis, Coefficients, Error, Fidelity, PcaAccumulator, PopulationPca, Registry, Sampling, ShockPopulation, Vdf,
    VelocityGrid,
};

const LOG: Values = Values::Log10 { floor: None };

/// Distributions through a shock, on a coarse grid.
fn shock(cells: usize) -> Vec<Vdf> {
    let population = ShockPopulation::new(cells);
    let grid = population.grid(12).unwrap();
    population.iter().map(|distribution| distribution.unwrap().sample(&grid, Sampling::default()).unwrap()).collect()
}

/// More distributions than cells.
fn tall(count: usize) -> Vec<Vdf> {
    let grid = VelocityGrid::unit([3, 2, 3]).unwrap();
    let wave =
        |k: usize| move |[x, y, z]: [f64; 3]| ((k as f64).sin() * 3.0 + x * y - z * (k as f64).cos()).sin() + 0.1 * x;
    (0..count).map(|k| Vdf::from_fn(grid, wave(k * k)).unwrap()).collect()
}

fn taken(vdfs: &[Vdf], values: Values) -> PcaAccumulator {
    let mut accumulator = PcaAccumulator::new(*vdfs[0].grid(), values).unwrap();
    vdfs.iter().for_each(|vdf| accumulator.add(vdf).unwrap());
    accumulator
}

/// Parts of the population taken in separately and merged in the order given.
fn merged(vdfs: &[Vdf], values: Values, parts: &[std::ops::Range<usize>]) -> PcaAccumulator {
    let mut accumulator = PcaAccumulator::new(*vdfs[0].grid(), values).unwrap();
    for part in parts {
        let mut taken = PcaAccumulator::new(*vdfs[0].grid(), values).unwrap();
        vdfs[part.clone()].iter().for_each(|vdf| taken.add(vdf).unwrap());
        accumulator.merge(&taken).unwrap();
    }
    accumulator
}

fn worst<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    pairs.fold(0.0, |worst, (a, b)| worst.max((a - b).abs()))
}

/// Equal to 1e-12: variances, mean and what the basis makes of every distribution.
fn assert_same(a: &PopulationPca, b: &PopulationPca, vdfs: &[Vdf]) {
    assert_eq!(a.count(), b.count());
    let (largest, peak) = (a.explained_variance()[0], vdfs.iter().map(Vdf::peak).fold(0.0, f64::max));
    assert!(worst(a.explained_variance().iter().zip(b.explained_variance())) < 1e-12 * largest);
    let values = if a.values() == Values::Linear { peak } else { 6.0 };
    assert!(worst(a.mean().iter().zip(b.mean())) < 1e-12 * values);
    for vdf in vdfs {
        let [a, b] = [a, b].map(|basis| basis.encode(vdf).unwrap());
        assert!(worst(a.scores().iter().zip(b.scores())) < 1e-12 * largest.sqrt() * 1e2);
    }
}

fn l2(basis: &PopulationPca, vdfs: &[Vdf]) -> f64 {
    let squares = |vdf: &Vdf| {
        let back = basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap();
        let error = Fidelity::compare(vdf, &back).unwrap().l2;
        let norm: f64 = vdf.as_slice().iter().map(|f| (f / 1e-11).powi(2)).sum();
        (error * error * norm, norm)
    };
    let sums = vdfs.iter().map(squares).fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    (sums.0 / sums.1).sqrt()
}

/// Covariance by its definition, eigenvalues by another library.
fn variances_by_definition(vdfs: &[Vdf]) -> Vec<f64> {
    let x = DMatrix::from_fn(vdfs.len(), vdfs[0].grid().cells(), |i, j| vdfs[i].as_slice()[j] / vdfs[0].peak());
    let mean = x.row_mean();
    let centred = DMatrix::from_fn(x.nrows(), x.ncols(), |i, j| x[(i, j)] - mean[j]);
    let mut variances: Vec<f64> =
        centred.singular_values().iter().map(|s| (s * vdfs[0].peak()).powi(2) / (vdfs.len() as f64 - 1.0)).collect();
    variances.sort_by(|a, b| b.total_cmp(a));
    variances
}

#[test]
fn wide_and_tall_populations_have_the_variances_of_the_definition() {
    for vdfs in [shock(20), tall(9), tall(200)] {
        let basis = taken(&vdfs, Values::Linear).learn(6).unwrap();
        let expected = variances_by_definition(&vdfs);
        assert!(worst(basis.explained_variance().iter().zip(&expected)) < 1e-12 * expected[0]);
        let total: f64 = expected.iter().sum();
        let shares: Vec<f64> = expected.iter().map(|variance| variance / total).collect();
        assert!(worst(basis.explained_variance_ratio().iter().zip(&shares)) < 1e-12);
        let components: Vec<&[f64]> = basis.components().collect();
        assert_eq!(components.len(), 6);
        for (i, a) in components.iter().enumerate() {
            for (j, b) in components.iter().enumerate() {
                let product: f64 = a.iter().zip(*b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(i == j)).abs() < 1e-12, "{i} {j}: {product:e}");
            }
        }
    }
}

#[test]
fn merging_in_any_order_equals_one_pass() {
    for (vdfs, values) in [(shock(41), Values::Linear), (shock(41), LOG), (tall(41), Values::Linear)] {
        let once = taken(&vdfs, values).learn(5).unwrap();
        for parts in [
            vec![0..20, 20..41],
            vec![20..41, 0..20],
            vec![40..41, 0..1, 1..2, 2..40],
            vec![13..30, 30..41, 0..0, 0..13],
            (0..41).rev().map(|k| k..k + 1).collect(),
        ] {
            assert_same(&once, &merged(&vdfs, values, &parts).learn(5).unwrap(), &vdfs);
        }
    }
}

#[test]
fn threads_take_in_parts_and_the_bits_do_not_depend_on_their_number() {
    let vdfs = shock(32);
    let parts: Vec<&[Vdf]> = vdfs.chunks(4).collect();
    let on_threads = |threads: usize| {
        let mut accumulators: Vec<Option<PcaAccumulator>> = vec![None; parts.len()];
        thread::scope(|scope| {
            let parts = parts.chunks(parts.len() / threads);
            for (parts, accumulators) in parts.zip(accumulators.chunks_mut(8 / threads)) {
                scope.spawn(move || {
                    accumulators.iter_mut().zip(parts).for_each(|(to, part)| *to = Some(taken(part, LOG)));
                });
            }
        });
        let mut all = PcaAccumulator::new(*vdfs[0].grid(), LOG).unwrap();
        accumulators.iter().flatten().for_each(|part| all.merge(part).unwrap());
        all.learn(6).unwrap()
    };
    let alone = on_threads(1);
    assert_same(&taken(&vdfs, LOG).learn(6).unwrap(), &alone, &vdfs);
    for threads in [2, 4, 8] {
        assert_eq!(on_threads(threads).hash(), alone.hash());
    }
}

const FOLDER: &str = "VDF_BASIS_TEST_PART_FOLDER";

/// What a second process does: takes in the second half and leaves the accumulator in a file.
#[test]
fn the_second_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    taken(&shock(30)[15..], LOG).write(std::path::Path::new(&folder).join("second.pca")).unwrap();
}

#[test]
fn processes_take_in_parts_and_leave_them_in_files() {
    let folder = std::env::temp_dir().join(format!("vdf-basis-pca-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_second_process"])
        .env(FOLDER, &folder)
        .status()
        .unwrap();
    assert!(status.success());
    let vdfs = shock(30);
    let mut all = taken(&vdfs[..15], LOG);
    all.merge(&PcaAccumulator::read(folder.join("second.pca")).unwrap()).unwrap();
    let basis = all.learn(6).unwrap();
    assert_same(&taken(&vdfs, LOG).learn(6).unwrap(), &basis, &vdfs);

    // The basis is a value: read back, it decodes what the first one encoded.
    basis.write(folder.join("basis.pca")).unwrap();
    let read = PopulationPca::read(folder.join("basis.pca")).unwrap();
    assert_eq!((&read, read.hash()), (&basis, basis.hash()));
    let c = basis.encode(&vdfs[3]).unwrap();
    assert_eq!(read.reconstruct(&c, vdfs[3].grid()).unwrap(), basis.reconstruct(&c, vdfs[3].grid()).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_bounded_accumulator_says_what_it_lost() {
    let vdfs = shock(60);
    let exact = taken(&vdfs, LOG).learn(8).unwrap();
    let mut errors = vec![];
    for directions in [8, 16, 32] {
        let mut bounded = PcaAccumulator::new(*vdfs[0].grid(), LOG).unwrap().with_capacity(directions, 7).unwrap();
        vdfs.iter().for_each(|vdf| bounded.add(vdf).unwrap());
        let basis = bounded.learn(8).unwrap();
        let explained = |basis: &PopulationPca| basis.explained_variance_ratio().iter().sum::<f64>();
        let missing = explained(&exact) - explained(&basis);
        assert!(
            (-1e-12..=bounded.lost() + 1e-12).contains(&missing),
            "{directions}: {missing:e}, {:e}",
            bounded.lost()
        );
        errors.push(missing);
    }
    assert!(errors.is_sorted_by(|a, b| b <= a) && errors[2] < 1e-3 * errors[0], "{errors:?}");
}

#[test]
fn a_population_in_few_directions_loses_nothing_in_a_bounded_accumulator() {
    let grid = VelocityGrid::unit([5, 4, 6]).unwrap();
    let patterns = |a: f64, b: f64| move |[x, y, z]: [f64; 3]| 1.0 + a * (x - y).sin() + b * (z * x).cos();
    let vdfs: Vec<Vdf> =
        (0..50).map(|k| Vdf::from_fn(grid, patterns((k as f64).sin(), (k as f64 * 1.7).cos())).unwrap()).collect();
    let mut bounded = PcaAccumulator::new(grid, Values::Linear).unwrap().with_capacity(3, 4).unwrap();
    vdfs.iter().for_each(|vdf| bounded.add(vdf).unwrap());
    let basis = bounded.learn(9).unwrap();
    // No more components than there are.
    assert_eq!(basis.components().len(), 2);
    assert!(bounded.lost() < 1e-14);
    assert_same(&taken(&vdfs, Values::Linear).learn(9).unwrap(), &basis, &vdfs);
    assert!(l2(&basis, &vdfs) < 1e-12);
}

#[test]
fn random_projections_explain_as_much_as_they_say() {
    for (vdfs, values) in [(shock(80), LOG), (shock(80), Values::Linear), (tall(60), Values::Linear)] {
        let accumulator = taken(&vdfs, values);
        let explained = |basis: &PopulationPca| basis.explained_variance_ratio().iter().sum::<f64>();
        for components in [1, 5, 12] {
            let best = explained(&accumulator.learn(components).unwrap());
            for tolerance in [1e-3, 1e-9] {
                let missing = best - explained(&accumulator.learn_randomised(components, tolerance).unwrap());
                assert!((-1e-12..=tolerance).contains(&missing), "{components} to {tolerance:e}: {missing:e}");
            }
        }
    }
}

#[test]
fn more_components_describe_the_population_better() {
    let vdfs = shock(40);
    let accumulator = taken(&vdfs, Values::Linear);
    let errors = [1, 3, 8, 20, 39].map(|components| l2(&accumulator.learn(components).unwrap(), &vdfs));
    assert!(errors.is_sorted_by(|a, b| b < a) && errors[4] < 1e-6, "{errors:?}");
}

#[test]
fn units_of_density_do_not_matter() {
    let vdfs = shock(12);
    let reference = l2(&taken(&vdfs, Values::Linear).learn(3).unwrap(), &vdfs);
    for factor in [1e-280, 1e-30, 1e30, 1e280] {
        let scaled: Vec<Vdf> =
            vdfs.iter().map(|v| Vdf::new(*v.grid(), &v.values() * (factor / 1e-12)).unwrap()).collect();
        let basis = taken(&scaled, LOG).learn(3).unwrap();
        let back = basis.reconstruct(&basis.encode(&scaled[5]).unwrap(), scaled[5].grid()).unwrap();
        let expected = taken(&vdfs, LOG).learn(3).unwrap();
        let expected = expected.reconstruct(&expected.encode(&vdfs[5]).unwrap(), vdfs[5].grid()).unwrap();
        let difference = worst(
            back.as_slice().iter().map(|f| f / factor * 1e-12).collect::<Vec<_>>().iter().zip(expected.as_slice()),
        );
        assert!(difference < 1e-10 * expected.peak(), "{factor:e}: {difference:e}");
        let basis = taken(&scaled, Values::Linear).learn(3).unwrap();
        let errors = scaled.iter().map(|vdf| {
            let back = basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap();
            Fidelity::compare(vdf, &back).unwrap().l2
        });
        let expected = taken(&vdfs, Values::Linear).learn(3).unwrap();
        for (error, vdf) in errors.zip(&vdfs) {
            let back = expected.reconstruct(&expected.encode(vdf).unwrap(), vdf.grid()).unwrap();
            assert!((error - Fidelity::compare(vdf, &back).unwrap().l2).abs() < 1e-9);
        }
    }
    assert!(reference > 1e-3);
}

#[test]
fn variances_keep_their_digits_where_their_squares_leave_the_range_of_f64() {
    let vdfs = shock(9);
    let scaled = |factor: f64| -> Vec<Vdf> {
        vdfs.iter().map(|v| Vdf::new(*v.grid(), &v.values() * (factor / 1e-12)).unwrap()).collect()
    };
    let one = taken(&scaled(1.0), Values::Linear).learn(3).unwrap();
    for factor in [1e-290, 1e-170, 1e-155, 1e-100, 1e100, 1e153, 1e160, 1e290] {
        let vdfs = scaled(factor);
        let all = taken(&vdfs, Values::Linear);
        let basis = all.learn(3).unwrap();
        let ratios = |basis: &PopulationPca| basis.explained_variance_ratio();
        assert!(worst(ratios(&basis).iter().zip(&ratios(&one))) < 1e-12, "{factor:e}: {:?}", ratios(&basis));
        let deviations: Vec<f64> = basis.explained_deviation().iter().map(|d| d / factor).collect();
        assert!(worst(deviations.iter().zip(&one.explained_deviation())) < 1e-12 * one.explained_deviation()[0]);
        if (1e-140..1e140).contains(&factor) {
            let expected: Vec<f64> = basis.explained_deviation().iter().map(|d| d * d).collect();
            let largest = expected[0];
            assert!(worst(basis.explained_variance().iter().zip(&expected)) < 1e-14 * largest);
        }
        // Files of both, and parts that were taken in apart.
        let mut bytes = Vec::new();
        basis.to_bytes(&mut bytes).unwrap();
        let read = PopulationPca::from_bytes(&bytes[..]).unwrap();
        assert_eq!((&read, read.hash()), (&basis, basis.hash()));
        assert_eq!(bytes[7], if (1e-140..1e140).contains(&factor) { 1 } else { 2 });
        let mut parts = [taken(&vdfs[..4], Values::Linear), taken(&vdfs[4..], Values::Linear)];
        for part in &mut parts {
            let mut bytes = Vec::new();
            part.to_bytes(&mut bytes).unwrap();
            *part = PcaAccumulator::from_bytes(&bytes[..]).unwrap();
        }
        let [mut merged, other] = parts;
        merged.merge(&other).unwrap();
        assert!(worst(ratios(&merged.learn(3).unwrap()).iter().zip(&ratios(&one))) < 1e-12, "{factor:e}");
    }
    // Of very different magnitudes: the larger decide, in either order.
    let (small, large) = (scaled(1e-200), scaled(1e200));
    for (first, second) in [(&small, &large), (&large, &small)] {
        let mut all = taken(first, Values::Linear);
        all.merge(&taken(second, Values::Linear)).unwrap();
        let mut one_by_one = taken(first, Values::Linear);
        second.iter().for_each(|vdf| one_by_one.add(vdf).unwrap());
        let (all, one_by_one) = (all.learn(3).unwrap(), one_by_one.learn(3).unwrap());
        assert!(all.explained_variance_ratio()[0] > 0.5 && all.explained_deviation()[0].is_finite());
        let (a, b) = (all.explained_variance_ratio(), one_by_one.explained_variance_ratio());
        assert!(worst(a.iter().zip(&b)) < 1e-12, "{a:?} {b:?}");
    }
}

#[test]
fn what_makes_no_population_is_refused_with_the_reason() {
    let (a, b) = (VelocityGrid::unit([4; 3]).unwrap(), VelocityGrid::unit([4, 4, 5]).unwrap());
    let mut accumulator = PcaAccumulator::new(a, LOG).unwrap();
    assert!(accumulator.learn(3).unwrap_err().to_string().contains("the population is empty"));
    match accumulator.add(&Vdf::zeros(b)).unwrap_err() {
        Error::GridMismatch { left, right } => assert!(left.contains("4 x 4 x 4") && right.contains("4 x 4 x 5")),
        other => panic!("{other}"),
    }
    assert!(matches!(accumulator.merge(&PcaAccumulator::new(b, LOG).unwrap()), Err(Error::GridMismatch { .. })));
    let linear = PcaAccumulator::new(a, Values::Linear).unwrap();
    assert!(accumulator.merge(&linear).unwrap_err().to_string().contains("Log10"));
    let refused = |result: vdf_basis::Result<PopulationPca>| result.unwrap_err().to_string();
    accumulator.add(&Vdf::from_fn(a, |[x, ..]| 1.0 + x).unwrap()).unwrap();
    assert!(refused(accumulator.learn(0)).contains("components = 0"));
    assert!(refused(accumulator.learn_randomised(1, 0.0)).contains("tolerance = 0"));
    assert!(accumulator.clone().with_capacity(0, 3).is_err() && accumulator.clone().with_capacity(3, 0).is_err());
    assert!(PcaAccumulator::new(a, Values::Log10 { floor: Some(-1.0) }).is_err());
    // One distribution has a mean and no variance; nor have many equal ones.
    for _ in 0..3 {
        let basis = accumulator.learn(5).unwrap();
        assert_eq!(basis.components().len(), 0);
        let vdf = Vdf::from_fn(a, |[x, ..]| 1.0 + x).unwrap();
        assert!(l2(&basis, std::slice::from_ref(&vdf)) < 1e-12);
        accumulator.add(&vdf).unwrap();
    }
    // All zero is a population as well.
    let zeros = taken(&vec![Vdf::zeros(a); 3], LOG).learn(2).unwrap();
    assert_eq!(zeros.reconstruct(&zeros.encode(&Vdf::zeros(a)).unwrap(), &a).unwrap(), Vdf::zeros(a));
}

#[test]
fn coefficients_name_their_basis_and_another_refuses_them() {
    let vdfs = shock(12);
    let [first, second] = [0..12, 0..11].map(|part| taken(&vdfs[part], LOG).learn(4).unwrap());
    assert_ne!(first.hash(), second.hash());
    let c = first.encode(&vdfs[0]).unwrap();
    assert_eq!((c.basis(), c.count(), c.topology_len()), (first.hash(), 5, 1));
    match second.reconstruct(&c, vdfs[0].grid()).unwrap_err() {
        Error::ForeignCoefficients(problem) => assert!(problem.contains(&format!("{:016x}", first.hash()))),
        other => panic!("{other}"),
    }
    let mut visited = 0;
    c.visit(&mut |_, _| visited += 1);
    assert_eq!(visited, 5);
    let other = VelocityGrid::unit([3; 3]).unwrap();
    assert!(matches!(first.reconstruct(&c, &other), Err(Error::GridMismatch { .. })));
    assert!(matches!(first.encode(&Vdf::zeros(other)), Err(Error::GridMismatch { .. })));
}

#[test]
fn a_registry_knows_the_bases_it_was_given() {
    let vdfs = shock(9);
    let basis = taken(&vdfs, LOG).learn(3).unwrap();
    let spec = format!("{basis} + cosine:keep=3");
    assert!(spec.starts_with("pca:learnt="));
    let unknown = Registry::standard().parse(&spec).unwrap_err().to_string();
    assert!(unknown.contains("Registry::with_value"), "{unknown}");
    let registry = Registry::standard().with_value(basis).unwrap();
    let sum = registry.parse(&spec).unwrap();
    assert_eq!(sum.to_string(), spec);
    let back = sum.reconstruct(&sum.encode(&vdfs[4]).unwrap(), vdfs[4].grid()).unwrap();
    assert!(Fidelity::compare(&vdfs[4], &back).unwrap().l2 < 0.5);
    assert_eq!(registry.parse("pca:components=3").unwrap().to_string(), "pca:components=3");
}

#[test]
fn damaged_files_are_refused() {
    let vdfs = tall(5);
    let accumulator = taken(&vdfs, Values::Log10 { floor: Some(0.2) });
    let basis = accumulator.learn(2).unwrap();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    accumulator.to_bytes(&mut a).unwrap();
    basis.to_bytes(&mut b).unwrap();
    assert_eq!(PcaAccumulator::from_bytes(&a[..]).unwrap(), accumulator);
    assert_eq!(PopulationPca::from_bytes(&b[..]).unwrap(), basis);
    assert_eq!(b[b.len() - 8..], basis.hash().to_le_bytes());
    // One for the other.
    assert!(
        PcaAccumulator::from_bytes(&b[..]).unwrap_err().to_string().contains("a learnt basis where an accumulator")
    );
    assert!(PopulationPca::from_bytes(&a[..]).is_err());
    for bytes in [&a, &b] {
        let refused =
            |bytes: &[u8]| PcaAccumulator::from_bytes(bytes).is_err() && PopulationPca::from_bytes(bytes).is_err();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(refused(&damaged), "bit {bit}");
        }
        (0..bytes.len()).for_each(|length| assert!(refused(&bytes[..length]), "{length} bytes"));
        assert!(refused(&[&bytes[..], &[0]].concat()));
    }
}
