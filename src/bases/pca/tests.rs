use super::*;
use crate::distribution::synthetic::{Sampling, Synthetic};

fn ring(cells: usize) -> Vdf {
    let grid = Synthetic::default_grid("gyrating-ring", cells).unwrap();
    Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn made(spec: &str) -> Pca {
    parsed(spec).unwrap()
}

fn parsed(spec: &str) -> Result<Pca> {
    let spec: Spec = spec.parse().unwrap();
    let mut pca = Pca::default();
    pca.choose(&mut Choices::of(&spec.terms[0]))?;
    Ok(pca)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |x: f64| x * x;
    (a.iter().zip(b).map(|(a, b)| square(a - b)).sum::<f64>() / b.iter().map(|b| square(*b)).sum::<f64>()).sqrt()
}

#[test]
fn slices_across_every_axis_come_back() {
    let shape = [3, 17, 18];
    let values: Vec<f64> = (0..shape.iter().product()).map(|k| k as f64).collect();
    for axis in 0..3 {
        let slices = slices(&values, shape, axis);
        let [nx, ny, nz] = shape;
        // Slice 2, the first cell along the others.
        let expected = [2 * ny * nz, 2 * nz, 2][axis];
        assert_eq!(slices[2 * nx * ny * nz / shape[axis]], expected as f64);
        assert_eq!(from_slices(slices, shape, axis), values);
    }
}

/// The error that Eckart and Young allow, from all singular values by an independent routine.
#[test]
fn no_other_components_of_that_number_describe_the_slices_better() {
    let vdf = ring(20);
    for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
        let shape = vdf.grid().shape();
        let samples = shape[axis];
        let slices = nalgebra::DMatrix::from_row_slice(
            samples,
            vdf.grid().cells() / samples,
            &slices(vdf.as_slice(), shape, axis),
        );
        let mean = slices.row_mean();
        let centred =
            nalgebra::DMatrix::from_fn(samples, slices.ncols(), |i, j| (slices[(i, j)] - mean[j]) / vdf.peak());
        let mut values: Vec<f64> = centred.singular_values().iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        for k in [1, 4, 9] {
            let basis = made(&format!("pca:components={k},axis={name},values=linear"));
            let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), vdf.grid()).unwrap();
            let found: f64 =
                back.as_slice().iter().zip(vdf.as_slice()).map(|(a, b)| ((a - b) / vdf.peak()).powi(2)).sum();
            let best: f64 = values[k..].iter().map(|s| s * s).sum();
            assert!((found / best - 1.0).abs() < 1e-9, "{k} across {name}: {found:e}, best {best:e}");
        }
    }
}

#[test]
fn components_are_orthonormal_and_scores_are_projections() {
    let vdf = ring(18);
    let c = made("pca:components=6").encode(&vdf).unwrap();
    let components: Vec<_> = c.components().collect();
    for (i, a) in components.iter().enumerate() {
        for (j, b) in components.iter().enumerate() {
            let product: f64 = a.iter().zip(*b).map(|(a, b)| a * b).sum();
            assert!((product - f64::from(i == j)).abs() < 1e-12);
        }
    }
    let floor = c.floor().unwrap();
    let h = decades::above(vdf.as_slice(), floor);
    for (component, scores) in components.iter().zip(c.scores()) {
        for (slice, score) in h.chunks_exact(c.mean().len()).zip(scores) {
            let product: f64 = slice.iter().zip(c.mean()).zip(*component).map(|((h, m), c)| (h - m) * c).sum();
            assert!((product - score).abs() < 1e-10);
        }
    }
}

#[test]
fn every_component_describes_everything() {
    let vdf = ring(16);
    for spec in ["pca:values=linear", "pca:values=linear,axis=z", "pca:floor=1e-300"] {
        let basis = made(spec);
        let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), vdf.grid()).unwrap();
        assert!(distance(back.as_slice(), vdf.as_slice()) < 1e-11, "{spec}");
    }
}

#[test]
fn small_components_keep_their_digits() {
    // Two patterns, one 1e-9 of the other: their Gram matrix sees only the first.
    let grid = VelocityGrid::unit([6, 5, 4]).unwrap();
    let vdf = Vdf::from_fn(grid, |[x, y, z]| (x + 0.3).sin() * (y * z + 1.0) + 1e-9 * (x * x).cos() * (y - z)).unwrap();
    let basis = made("pca:components=2,values=linear");
    let c = basis.encode(&vdf).unwrap();
    assert_eq!(c.components().len(), 2);
    let back = basis.reconstruct(&c, &grid).unwrap();
    assert!(distance(back.as_slice(), vdf.as_slice()) < 1e-14);
}

#[test]
fn no_more_components_are_stored_than_describe_the_slices() {
    let grid = VelocityGrid::unit([9, 4, 3]).unwrap();
    let count = |f: &dyn Fn([f64; 3]) -> f64, spec: &str| {
        made(spec).encode(&Vdf::from_fn(grid, f).unwrap()).unwrap().components().len()
    };
    assert_eq!(count(&|_| 2.0, "pca:values=linear"), 0);
    assert_eq!(count(&|_| 0.0, "pca"), 0);
    assert_eq!(count(&|[x, y, z]| x * (y + z), "pca:values=linear"), 1);
    assert_eq!(count(&|[x, y, z]| (x * (3.1 + y * y * 1.7 + z)).sin(), "pca:values=linear"), 8);
    assert_eq!(count(&|[x, y, z]| (x * (3.1 + y * y * 1.7 + z)).sin(), "pca:values=linear,axis=z"), 2);
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let refused = |spec: &str| parsed(spec).unwrap_err().to_string();
    assert!(refused("pca:components=0").contains("at least one"));
    assert!(refused("pca:axis=w").contains("one of x, y, z"));
    assert!(refused("pca:floor=-1").contains("floor = -1"));
    assert!(refused("pca:values=linear,floor=1").contains("only with values=log10"));
    assert!(refused("pca:learnt=0123456789abcdef").contains("Registry::with_value"));
    assert!(Pca::default().with_axis(3).is_err());
}

#[test]
fn coefficients_of_other_choices_are_refused() {
    let vdf = ring(12);
    let c = made("pca:axis=y").encode(&vdf).unwrap();
    for spec in ["pca", "pca:axis=y,values=linear"] {
        assert!(matches!(made(spec).reconstruct(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))), "{spec}");
    }
    let other = VelocityGrid::unit([12, 11, 12]).unwrap();
    assert!(matches!(made("pca:axis=y").reconstruct(&c, &other), Err(Error::GridMismatch { .. })));
}

#[test]
fn a_basis_is_made_of_parts_of_any_length_and_angle() {
    let grid = VelocityGrid::unit([5, 4, 3]).unwrap();
    let wave = |k: f64| Vdf::from_fn(grid, move |[x, y, z]| (k * x + k * k * y - z).sin()).unwrap();
    let [mean, a, b] = [0.3, 0.7, 1.1].map(wave);
    let sum = |p: f64, q: f64, r: f64| {
        let values = |i: usize| p * mean.as_slice()[i] + q * a.as_slice()[i] + r * b.as_slice()[i];
        Vdf::from_vec(grid, (0..grid.cells()).map(values).collect()).unwrap()
    };
    let basis =
        PopulationPca::from_parts(Values::Linear, &mean, &[sum(0.0, 1e-200, 0.0), sum(0.0, 3e90, 1e86)]).unwrap();
    let components: Vec<&[f64]> = basis.components().collect();
    let dot = |i: usize, j: usize| components[i].iter().zip(components[j]).map(|(a, b)| a * b).sum::<f64>();
    assert!((dot(0, 0) - 1.0).abs() < 1e-14 && (dot(1, 1) - 1.0).abs() < 1e-14 && dot(0, 1).abs() < 1e-14);
    let vdf = sum(1.0, 0.2, -0.1);
    let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap();
    assert!(distance(back.as_slice(), vdf.as_slice()) < 1e-10);
    // Twice the components are the same ones; without any the mean is all. A component too many, or a foreign one, is refused.
    let [once, twice] =
        [1.0, 2.0].map(|s| PopulationPca::from_parts(Values::Linear, &mean, &[sum(0.0, s, 0.0)]).unwrap());
    assert_eq!((once.hash(), once.components().len()), (twice.hash(), 1));
    let alone = PopulationPca::from_parts(Values::Log10 { floor: None }, &mean, &[]).unwrap();
    assert_eq!((alone.components().len(), alone.mean() == mean.as_slice()), (0, true));
    assert!(PopulationPca::from_parts(Values::Log10 { floor: Some(-1.0) }, &mean, &[]).is_err());
    let dependent = PopulationPca::from_parts(Values::Linear, &mean, &[a.clone(), b.clone(), sum(0.0, 1.0, 2.0)]);
    assert!(dependent.unwrap_err().to_string().contains("component 2"));
    let zero = Vdf::from_vec(grid, vec![0.0; 60]).unwrap();
    assert!(PopulationPca::from_parts(Values::Linear, &mean, &[zero]).is_err());
    let elsewhere = Vdf::from_fn(VelocityGrid::unit([4; 3]).unwrap(), |[x, ..]| x).unwrap();
    assert!(matches!(PopulationPca::from_parts(Values::Linear, &mean, &[elsewhere]), Err(Error::GridMismatch { .. })));
}
