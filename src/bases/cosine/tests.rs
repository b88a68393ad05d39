use super::*;
use std::f64::consts::PI;

fn bumpy(shape: [usize; 3]) -> Vdf {
    let grid = VelocityGrid::new(shape, [-3.0, 1.0, 0.5], [0.5, 0.25, 1.0]).unwrap();
    Vdf::from_fn(grid, |[x, y, z]| (x * 1.3 + y * 0.7 + z * 2.1).sin() + 0.5 + 1e-3 * x * y).unwrap()
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |w: f64, (a, b)| w.max((a - b).abs()))
}

fn made(spec: &str) -> Cosine {
    let spec: Spec = spec.parse().unwrap();
    let mut basis = Cosine::default();
    basis.choose(&mut Choices::of(&spec.terms[0])).unwrap();
    basis
}

/// The definition, term by term.
fn by_definition(vdf: &Vdf) -> Vec<f64> {
    let shape = vdf.grid().shape();
    let function = |axis: usize, k: usize, i: usize| {
        let n = shape[axis] as f64;
        let weight = if k == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
        weight * (PI * (i as f64 + 0.5) * k as f64 / n).cos()
    };
    let mut coefficients = Vec::new();
    for a in 0..shape[0] {
        for b in 0..shape[1] {
            for c in 0..shape[2] {
                let terms = vdf.values();
                let terms = terms
                    .indexed_iter()
                    .map(|((i, j, k), f)| f * function(0, a, i) * function(1, b, j) * function(2, c, k));
                coefficients.push(terms.sum());
            }
        }
    }
    coefficients
}

#[test]
fn coefficients_are_the_sums_of_the_definition() {
    for shape in [[4, 5, 6], [1, 1, 9], [7, 1, 3], [2, 70, 1], [128, 2, 2], [1, 3, 137], [2, 150, 1]] {
        let vdf = bumpy(shape);
        let c = Cosine::new().encode(&vdf).unwrap();
        assert!(worst(&c.amplitudes, &by_definition(&vdf)) < 1e-12, "{shape:?}");
    }
}

#[test]
fn values_of_scipy_are_met() {
    // scipy.fft.dctn(numpy.arange(6.0).reshape(1, 2, 3) ** 2, norm="ortho")
    let grid = VelocityGrid::unit([1, 2, 3]).unwrap();
    let vdf = Vdf::from_vec(grid, (0..6).map(|k| f64::from(k * k)).collect()).unwrap();
    let expected = [22.453655975512472, -10.0, 1.1547005383792524, -18.371173070873837, 6.0, 0.0];
    assert!(worst(&Cosine::new().encode(&vdf).unwrap().amplitudes, &expected) < 1e-13);
}

#[test]
fn everything_comes_back_when_everything_is_kept() {
    for spec in
        ["cosine", "cosine:block=8", "cosine:block=5/64/3", "cosine:block=100,padding=zeros", "cosine:discard=0"]
    {
        for shape in [[9, 11, 13], [1, 1, 31], [1, 1, 1], [3, 130, 2], [170, 3, 64], [16, 8, 24]] {
            let (basis, vdf) = (made(spec), bumpy(shape));
            let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), vdf.grid()).unwrap();
            assert!(worst(vdf.as_slice(), back.as_slice()) < 2e-14 * 70.0, "{spec} of {shape:?}");
        }
    }
}

#[test]
fn fast_and_plain_transforms_agree() {
    // Keeping less than a quarter takes the plain product, keeping all the fast transform.
    for shape in [[128, 3, 2], [2, 131, 3], [3, 2, 150]] {
        let vdf = bumpy(shape);
        let all = Cosine::new().encode(&vdf).unwrap();
        let few = Cosine::new().with_kept([10; 3]).unwrap().encode(&vdf).unwrap();
        for (block, degrees, amplitude) in few.terms() {
            assert_eq!(block, [0; 3]);
            let position = (degrees[0] * shape[1] + degrees[1]) * shape[2] + degrees[2];
            assert!((all.amplitudes[position] - amplitude).abs() < 1e-13 * 100.0, "{shape:?} {degrees:?}");
        }
    }
}

#[test]
fn the_low_degrees_of_a_block_describe_a_block() {
    let vdf = bumpy([16, 8, 24]);
    let basis = made("cosine:block=8,keep=4");
    let c = basis.encode(&vdf).unwrap();
    assert_eq!((c.count(), c.topology_len()), (2 * 3 * 64, 0));
    let back = basis.reconstruct(&c, vdf.grid()).unwrap();
    // The block in the corner alone is the same as the block in the corner of all.
    let corner = |vdf: &Vdf| -> Vec<f64> {
        vdf.values().indexed_iter().filter(|((x, y, z), _)| *x >= 8 && *y < 8 && *z >= 16).map(|(_, &f)| f).collect()
    };
    let grid = VelocityGrid::unit([8; 3]).unwrap();
    let alone = Vdf::from_vec(grid, corner(&vdf)).unwrap();
    let low = made("cosine:keep=4");
    let alone = low.reconstruct(&low.encode(&alone).unwrap(), &grid).unwrap();
    assert!(worst(alone.as_slice(), &corner(&back)) < 1e-14);
}

#[test]
fn the_error_is_the_norm_of_what_is_left_out() {
    let vdf = bumpy([16, 15, 14]);
    for spec in ["cosine:discard=0.1", "cosine:discard=0.001", "cosine:block=7/5/2,discard=0.03"] {
        let basis = made(spec);
        let c = basis.encode(&vdf).unwrap();
        assert_eq!(c.topology_len(), c.count());
        let Selection::Error(share) = basis.selection else { panic!() };
        let back = basis.reconstruct(&c, vdf.grid()).unwrap();
        let l2 = crate::Fidelity::compare(&vdf, &back).unwrap().l2;
        // Padded cells are not counted in l2.
        assert!(l2 <= 1.1 * share && l2 > 0.1 * share, "{spec}: {l2}");
        let fewer = made(&format!("cosine:terms={}", c.count() - 1));
        if !spec.contains("block") {
            let back = fewer.reconstruct(&fewer.encode(&vdf).unwrap(), vdf.grid()).unwrap();
            assert!(crate::Fidelity::compare(&vdf, &back).unwrap().l2 > share);
        }
    }
}

#[test]
fn moments_in_closed_form_are_those_of_the_cells() {
    let vdf = bumpy([9, 135, 13]);
    for spec in ["cosine", "cosine:block=4,keep=2", "cosine:terms=40", "cosine:block=8,threshold=1"] {
        let basis = made(spec);
        let c = basis.encode(&vdf).unwrap();
        for grid in [*vdf.grid(), VelocityGrid::new([9, 135, 13], [1e3; 3], [10.0; 3]).unwrap()] {
            let closed = basis.moments(&c, &grid).unwrap();
            let sums = basis.reconstruct(&c, &grid).unwrap().moments();
            let (n, v) = (sums.density, sums.thermal_speed());
            assert!((closed.density / n - 1.0).abs() < 1e-12, "{spec}");
            for i in 0..3 {
                assert!((closed.bulk_velocity[i] - sums.bulk_velocity[i]).abs() < 1e-11 * v, "{spec}");
                assert!((closed.heat_flux[i] - sums.heat_flux[i]).abs() < 1e-10 * n * v.powi(3), "{spec}");
                for j in 0..3 {
                    assert!((closed.pressure[i][j] - sums.pressure[i][j]).abs() < 1e-10 * n * v * v, "{spec}");
                }
            }
        }
    }
}

#[test]
fn other_shapes_and_other_choices_are_refused() {
    let vdf = bumpy([8, 9, 10]);
    let c = made("cosine:block=4").encode(&vdf).unwrap();
    let other = VelocityGrid::unit([8, 10, 9]).unwrap();
    let message = made("cosine:block=4").reconstruct(&c, &other).unwrap_err().to_string();
    assert!(message.contains("8 x 9 x 10") && message.contains("8 x 10 x 9"), "{message}");
    assert!(matches!(made("cosine:block=5").reconstruct(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))));
    let same = VelocityGrid::unit([8, 9, 10]).unwrap();
    assert!(made("cosine:block=4,padding=zeros").reconstruct(&c, &same).is_ok());
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let message = |spec: &str| crate::Registry::standard().parse(spec).unwrap_err().to_string();
    for (spec, expected) in [
        ("cosine:block=0", "block"),
        ("cosine:keep=1/0/1", "keep"),
        ("cosine:keep=1/2", "three written x/y/z"),
        ("cosine:terms=0", "at least one"),
        ("cosine:threshold=-1", "not negative"),
        ("cosine:threshold=NaN", "finite"),
        ("cosine:discard=2", "from 0 to 1"),
        ("cosine:discard=0.1,terms=3", "only one of them"),
        ("cosine:padding=ones", "one of mirror, zeros"),
    ] {
        assert!(message(spec).contains(expected), "{spec}: {}", message(spec));
    }
    for spec in ["cosine:block=8,keep=4", "cosine:block=1/2/3,padding=zeros,discard=0.01", "cosine:threshold=1e-16"] {
        assert_eq!(made(spec).to_string(), spec);
    }
}

#[test]
fn nothing_is_an_answer() {
    let grid = VelocityGrid::unit([5, 6, 7]).unwrap();
    for spec in ["cosine", "cosine:terms=5", "cosine:block=4,keep=2", "cosine:discard=0.1", "cosine:threshold=0"] {
        let basis = made(spec);
        let c = basis.encode(&Vdf::zeros(grid)).unwrap();
        assert_eq!(basis.reconstruct(&c, &grid).unwrap(), Vdf::zeros(grid));
    }
}

#[test]
fn what_mirrored_blocks_leave_is_no_more_than_nothing() {
    // A last block of one cell, mirrored: its mean says more of the cells before.
    let alternating = |[x, _, _]: [f64; 3]| [0.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 1.0][x as usize];
    let by_reflection = |[x, _, _]: [f64; 3]| [-3.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 0.0][x as usize];
    let grid = VelocityGrid::unit([9, 1, 1]).unwrap();
    let basis = Cosine::new().with_blocks([8, 1, 1]).unwrap().with_kept([1, 1, 1]).unwrap();
    let mut instead = 0;
    for vdf in [Vdf::from_fn(grid, alternating).unwrap(), Vdf::from_fn(grid, by_reflection).unwrap()] {
        let c = basis.encode(&vdf).unwrap();
        let back = basis.reconstruct(&c, &grid).unwrap();
        assert!(crate::Fidelity::compare(&vdf, &back).unwrap().l2 <= 1.0 + 1e-12);
        let zeros = basis.clone().with_padding(Padding::Zeros).encode(&vdf).unwrap();
        instead += usize::from(c == zeros);
    }
    assert!(instead > 0);
}
