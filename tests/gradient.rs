//! Gradients of all bases that have one: against closed forms, against differences of the reconstruction, and what must
//! hold for any of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use vdf_basis::bases::hermite::Scaling;
use vdf_basis::{
    AnyBasis, AnyCoefficients, Basis, Coefficients, Error, Expansion, Frame, Gradient, Hermite, Maxwellian, Mixture,
    MixtureCoefficients, MixtureComponent, MixtureCovariance, Orientation, Registry, Sampling, Synthetic, Vdf,
    VelocityGrid, Weight,
};

fn named(name: &str, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn encoded(spec: &str, vdf: &Vdf) -> (AnyBasis, AnyCoefficients) {
    let basis = Registry::standard().parse(spec).unwrap();
    let coefficients = basis.encode(vdf).unwrap_or_else(|error| panic!("{spec}: {error}"));
    (basis, coefficients)
}

/// The grid moved along one axis.
fn moved(grid: &VelocityGrid, axis: usize, by: f64) -> VelocityGrid {
    let mut lower = grid.lower();
    lower[axis] += by;
    VelocityGrid::new(grid.shape(), lower, grid.spacing()).unwrap()
}

/// Cells between those of a grid, at places that no symmetry of it favours.
fn between(grid: &VelocityGrid) -> VelocityGrid {
    let offsets = [0.31, 0.17, 0.43];
    let lower = std::array::from_fn(|axis| grid.lower()[axis] + offsets[axis] * grid.spacing()[axis]);
    VelocityGrid::new(grid.shape().map(|n| n - 1), lower, grid.spacing()).unwrap()
}

/// Central differences of the reconstruction over a part of a cell.
fn differences(basis: &AnyBasis, found: &AnyCoefficients, grid: &VelocityGrid, part: f64) -> Gradient {
    std::array::from_fn(|axis| {
        let step = part * grid.spacing()[axis];
        let [up, down] = [step, -step].map(|step| basis.reconstruct(found, &moved(grid, axis, step)).unwrap());
        (&up.values() - &down.values()) / (2.0 * step)
    })
}

/// Root of the sum of the squared differences over that of the first, and the largest difference over the largest value.
fn apart(a: &Gradient, b: &Gradient) -> [f64; 2] {
    let (mut squares, mut norm, mut largest, mut peak) = (0.0, 0.0, 0.0f64, 0.0f64);
    let scale = a.iter().flatten().fold(0.0, |scale: f64, x| scale.max(x.abs()));
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        let (a, b) = (a / scale, b / scale);
        squares += (a - b) * (a - b);
        norm += a * a;
        largest = largest.max((a - b).abs());
        peak = peak.max(a.abs());
    }
    [(squares / norm).sqrt(), largest / peak]
}

/// Checks a gradient against differences at three steps: their error falls like the square of the step, and what is
/// extrapolated from the two smallest agrees to `tolerance` in the root mean square.
fn check(spec: &str, vdf: &Vdf, grid: &VelocityGrid, tolerance: f64) {
    let (basis, found) = encoded(spec, vdf);
    let gradient = basis.gradient(&found, grid).unwrap_or_else(|error| panic!("{spec}: {error}"));
    let [wide, middle, narrow] = [0.2, 0.1, 0.05].map(|part| differences(&basis, &found, grid, part));
    let [first, second, third] = [&wide, &middle, &narrow].map(|differences| apart(&gradient, differences)[0]);
    let extrapolated: Gradient = std::array::from_fn(|axis| (4.0 * &narrow[axis] - &middle[axis]) / 3.0);
    let [left, worst] = apart(&gradient, &extrapolated);
    let orders = [first / second, second / third].map(f64::log2);
    println!("{spec}: differences {first:.1e} {second:.1e} {third:.1e}, orders {orders:.2?}, {left:.1e} ({worst:.1e})");
    assert!(left < tolerance, "{spec}: {left:e}");
    assert!(orders.iter().all(|order| (1.6..2.4).contains(order)), "{spec}: orders {orders:?}");
}

const BEAMS: [&str; 2] = ["beams", "gyrating-ring"];

#[test]
fn smooth_bases_agree_with_differences_to_second_order() {
    for name in BEAMS {
        let vdf = named(name, 16);
        for spec in [
            "maxwellian",
            "maxwellian:covariance=full",
            "mixture:components=3",
            "mixture:components=2,covariance=field-aligned,field=1/2/2",
            "mixture:components=2,kappa=3",
            "hermite:order=7",
            "hermite:order=7,truncation=total-degree,weight=asymmetric",
            "hermite:order=5,frame=pressure",
            "hermite:order=5,frame=field-aligned,field=1/2/2,weight=asymmetric",
            "hermite:order=8,l2=0.1",
            "quantized(mixture:components=3)",
            "maxwellian + hermite:order=6",
            "spherical:method=burnett,degree=6",
            "spherical:method=burnett,degree=5,field=1/2/2",
        ] {
            for grid in [*vdf.grid(), between(vdf.grid())] {
                check(spec, &vdf, &grid, 1e-4);
            }
        }
    }
}

#[test]
fn splines_of_the_radius_agree_with_differences_to_second_order() {
    for name in BEAMS {
        let vdf = named(name, 16);
        // Beyond the farthest cell nothing is represented: a difference at that cell would see the edge.
        let inside = |grid: &VelocityGrid| grid.window([1; 3], grid.shape().map(|n| n - 2)).unwrap();
        for spec in [
            "spherical:degree=6,shells=10",
            "spherical:degree=4,shells=8,field=1/2/2",
            "spherical:degree=5,shells=8,centre=bulk",
        ] {
            for grid in [*vdf.grid(), between(vdf.grid())] {
                check(spec, &vdf, &inside(&grid), 1e-2);
            }
        }
        // Within the innermost shell f_lm of this method need not vanish at the centre: not on a cell of it.
        check("spherical:method=misner,degree=4,shells=10", &vdf, &inside(&between(vdf.grid())), 1e-2);
    }
}

#[test]
fn leaves_agree_with_differences_to_second_order() {
    for name in BEAMS {
        let vdf = named(name, 16);
        for leaf in ["log", "linear"] {
            let spec = format!("octree:leaf={leaf},degree=3,l2=0.2");
            // Cell centres lie half a cell from any face: no step crosses one.
            check(&spec, &vdf, vdf.grid(), 1e-3);
            let blended = format!("{spec},blend=yes");
            let (basis, found) = encoded(&blended, &vdf);
            let grid = between(vdf.grid());
            let gradient = basis.gradient(&found, &grid).unwrap();
            let [left, worst] = apart(&gradient, &differences(&basis, &found, &grid, 1e-4));
            println!("{blended}: {left:.1e} ({worst:.1e})");
            assert!(worst < 1e-5, "{blended}: {worst:e}");
            // Without a blend the steps at faces are left out.
            let alone = Registry::standard().parse(&spec).unwrap();
            let own = alone.gradient(&found, vdf.grid()).unwrap();
            let same = basis.gradient(&found, vdf.grid()).unwrap();
            assert_eq!(own, same, "{spec}");
        }
    }
}

#[test]
fn logarithms_and_products_follow_the_chain_rule() {
    for name in BEAMS {
        let vdf = named(name, 16);
        for spec in [
            "log(maxwellian)",
            "log(hermite:order=6)",
            "maxwellian * hermite:order=5",
            "mixture:components=2 * hermite:order=4",
            "quantized(log(maxwellian))",
        ] {
            let (basis, found) = encoded(spec, &vdf);
            let grid = *vdf.grid();
            let gradient = basis.gradient(&found, &grid).unwrap_or_else(|error| panic!("{spec}: {error}"));
            // A step so small that few cells cross the floor or the ceiling, where the density has a kink.
            let [left, _] = apart(&gradient, &differences(&basis, &found, &grid, 1e-3));
            println!("{spec}: {left:.1e}");
            assert!(left < 1e-3, "{spec}: {left:e}");
        }
    }
}

/// The gradient of a cosine series of low degrees, sampled.
#[test]
fn cosines_become_sines() {
    for (shape, spec) in
        [([12, 9, 14], "cosine"), ([200, 3, 2], "cosine"), ([3, 2, 150], "cosine"), ([16, 8, 8], "cosine:block=8")]
    {
        let block: [usize; 3] = if spec == "cosine" { shape } else { [8; 3] };
        let grid = VelocityGrid::new(shape, [1.0, -2.0, 0.5], [0.5, 2.0, 0.25]).unwrap();
        let turn = |axis: usize, v: f64| {
            let place = (v - grid.lower()[axis]) / grid.spacing()[axis];
            std::f64::consts::PI * (place % block[axis] as f64) / block[axis] as f64
        };
        let vdf = Vdf::from_fn(grid, |v| {
            let [a, b, c] = [0, 1, 2].map(|axis| turn(axis, v[axis]));
            2.0 + (2.0 * a).cos() * b.cos() + 0.3 * c.cos()
        })
        .unwrap();
        let (basis, found) = encoded(spec, &vdf);
        let gradient = basis.gradient(&found, &grid).unwrap();
        let rate = |axis: usize| std::f64::consts::PI / (block[axis] as f64 * grid.spacing()[axis]);
        for ((i, j, k), x) in gradient[0].indexed_iter() {
            let [a, b, c] = [turn(0, grid.centre(0, i)), turn(1, grid.centre(1, j)), turn(2, grid.centre(2, k))];
            let expected = [
                -2.0 * rate(0) * (2.0 * a).sin() * b.cos(),
                -rate(1) * (2.0 * a).cos() * b.sin(),
                -0.3 * rate(2) * c.sin(),
            ];
            for (found, expected) in [*x, gradient[1][[i, j, k]], gradient[2][[i, j, k]]].into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-11, "{spec} {shape:?}: {found} {expected}");
            }
        }
    }
}

/// −f Σ ξ_i e_i / s_i, cell by cell.
fn of_gaussian(frame: &Frame, f: f64, v: [f64; 3]) -> [f64; 3] {
    let (axes, xi) = (frame.axes(), frame.to_frame(v));
    std::array::from_fn(|j| -f * (0..3).map(|i| xi[i] * axes[i][j] / frame.scales[i]).sum::<f64>())
}

#[test]
fn gaussians_follow_their_closed_form_to_1e_12() {
    let vdf = named("beams", 18);
    let grid = *vdf.grid();
    for covariance in [vdf_basis::Covariance::Isotropic, vdf_basis::Covariance::Diagonal, vdf_basis::Covariance::Full] {
        let expansion = Expansion::encode(&Maxwellian::new(vdf_basis::Fit::LeastSquares, covariance), &vdf).unwrap();
        let gaussian = expansion.coefficients().gaussian();
        let gradient = expansion.gradient().unwrap();
        assert_eq!(gradient, expansion.gradient_on(&grid).unwrap());
        for ((i, j, k), _) in vdf.values().indexed_iter() {
            let v = [grid.centre(0, i), grid.centre(1, j), grid.centre(2, k)];
            let xi = gaussian.frame.to_frame(v);
            let f = gaussian.peak * (-0.5 * xi.iter().map(|x| x * x).sum::<f64>()).exp();
            let expected = of_gaussian(&gaussian.frame, f, v);
            let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
            for axis in 0..3 {
                let off = (gradient[axis][[i, j, k]] - expected[axis]).abs();
                assert!(off <= 1e-12 * size, "{covariance:?} {v:?}: {off:e} of {size:e}");
            }
        }
    }
}

fn two_components() -> Vec<MixtureComponent> {
    let axes = Orientation::FieldAligned([1.0, 2.0, -0.5]).validated().unwrap();
    let moments = named("beams", 8).moments();
    let tilted = Frame { centre: [0.5, -0.2, 0.1], scales: [1.1, 0.7, 1.9], ..axes.frame(&moments) };
    vec![
        MixtureComponent { density: 3e6, frame: tilted },
        MixtureComponent { density: 1e6, frame: Frame::grid_aligned([-1.0, 2.0, 0.3], [0.8, 1.2, 0.6]) },
    ]
}

#[test]
fn mixtures_follow_their_closed_form_to_1e_12() {
    let grid = VelocityGrid::from_edges([19, 24, 21], [-5.0, -6.0, -5.5], [5.0, 6.5, 5.0]).unwrap();
    for kappa in [None, Some(2.5)] {
        let coefficients = MixtureCoefficients::new(MixtureCovariance::Full, kappa, two_components()).unwrap();
        let mut basis = Mixture::new(2).unwrap();
        if let Some(kappa) = kappa {
            basis = basis.with_kappa(kappa).unwrap();
        }
        let gradient = basis.gradient(&coefficients, &grid).unwrap();
        for ((i, j, k), x) in gradient[0].indexed_iter() {
            let v = [grid.centre(0, i), grid.centre(1, j), grid.centre(2, k)];
            let (mut expected, mut size) = ([0.0; 3], 0.0);
            for component in coefficients.components() {
                let xi = component.frame.to_frame(v);
                let q = xi.iter().map(|x| x * x).sum::<f64>();
                let volume: f64 = component.frame.scales.iter().product();
                let n = component.density / volume;
                let (f, steeper) = match kappa {
                    None => (n * std::f64::consts::TAU.powf(-1.5) * (-0.5 * q).exp(), 1.0),
                    // κ = 5/2: Γ(7/2)/Γ(2) = 15 √π / 8, over (2π)^{3/2}.
                    Some(kappa) => {
                        let peak = 15.0 * std::f64::consts::PI.sqrt() / 8.0 / std::f64::consts::TAU.powf(1.5);
                        (n * peak * (1.0 + q / 2.0).powf(-kappa - 1.0), 2.0 * (kappa + 1.0) / (2.0 + q))
                    }
                };
                let own = of_gaussian(&component.frame, f * steeper, v);
                size += own.iter().map(|x| x * x).sum::<f64>().sqrt();
                (0..3).for_each(|axis| expected[axis] += own[axis]);
            }
            for (found, expected) in [*x, gradient[1][[i, j, k]], gradient[2][[i, j, k]]].into_iter().zip(expected) {
                // Beyond 11.7 standard deviations a Gaussian component counts as zero.
                assert!((found - expected).abs() <= 1e-12 * size + 1e-25, "{v:?}: {found:e} {expected:e}");
            }
        }
    }
}

#[test]
fn polynomials_times_a_gaussian_follow_their_closed_form() {
    // f = e^{−ξ²/2} (1 + ξ_1 ξ_2 / 5 − ξ_3³ / 10) in a frame of any axes.
    let scales = [0.9, 1.3, 1.1];
    let polynomial = |[x, y, z]: [f64; 3]| 1.0 + 0.2 * x * y - 0.1 * z * z * z;
    let grid = VelocityGrid::from_edges([30, 32, 28], [-8.0; 3], [8.5; 3]).unwrap();
    for (orientation, weight) in [
        (Orientation::Grid, Weight::Symmetric),
        (Orientation::Grid, Weight::Asymmetric),
        (Orientation::FieldAligned([1.0, -2.0, 0.7]), Weight::Symmetric),
        (Orientation::FieldAligned([1.0, -2.0, 0.7]), Weight::Asymmetric),
    ] {
        let moments = named("beams", 8).moments();
        let frame = Frame { centre: [0.4, -0.3, 0.2], scales, ..orientation.frame(&moments) };
        let bell = |xi: [f64; 3]| (-0.5 * xi.iter().map(|x| x * x).sum::<f64>()).exp();
        let vdf = Vdf::from_fn(grid, |v| polynomial(frame.to_frame(v)) * bell(frame.to_frame(v))).unwrap();
        let basis = Hermite::new([5; 3])
            .and_then(|basis| basis.with_scaling(Scaling::Given { centre: frame.centre, scales }))
            .and_then(|basis| basis.with_orientation(orientation)?.with_weight(weight))
            .unwrap();
        let expansion = Expansion::encode(&basis, &vdf).unwrap();
        let gradient = expansion.gradient().unwrap();
        for ((i, j, k), x) in gradient[0].indexed_iter() {
            let xi = frame.to_frame([grid.centre(0, i), grid.centre(1, j), grid.centre(2, k)]);
            let [a, b, c] = xi;
            let slopes = [0.2 * b, 0.2 * a, -0.3 * c * c];
            let along: [f64; 3] = std::array::from_fn(|m| (slopes[m] - xi[m] * polynomial(xi)) * bell(xi));
            let axes = frame.axes();
            let expected: [f64; 3] = std::array::from_fn(|j| (0..3).map(|m| axes[m][j] * along[m] / scales[m]).sum());
            for (found, expected) in [*x, gradient[1][[i, j, k]], gradient[2][[i, j, k]]].into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{orientation:?} {weight:?}: {found:e} {expected:e}");
            }
        }
    }
}

/// ∫ ∂f/∂v_i d³v = 0 and ∫ v_j ∂f/∂v_i d³v = −n δ_ij where the box holds the whole distribution.
#[test]
fn gradients_integrate_by_parts() {
    let grid = VelocityGrid::from_edges([40, 44, 42], [-9.0, -10.0, -9.5], [9.0, 10.0, 9.5]).unwrap();
    let coefficients = MixtureCoefficients::new(MixtureCovariance::Full, None, two_components()).unwrap();
    let basis = Mixture::new(2).unwrap();
    let density = basis.moments(&coefficients, &grid).unwrap().density;
    let gradient = basis.gradient(&coefficients, &grid).unwrap();
    for (axis, part) in gradient.iter().enumerate() {
        let sum = part.sum() * grid.cell_volume();
        assert!(sum.abs() < 1e-6 * density, "{sum:e}");
        for other in 0..3 {
            let centre = |(i, j, k): (usize, usize, usize)| grid.centre(other, [i, j, k][other]);
            let sum: f64 = part.indexed_iter().map(|(place, x)| centre(place) * x).sum::<f64>() * grid.cell_volume();
            let expected = if other == axis { -density } else { 0.0 };
            assert!((sum - expected).abs() < 1e-6 * density, "{axis} {other}: {sum:e}");
        }
    }
}

#[test]
fn gradients_scale_with_the_density_and_move_with_the_origin() {
    let vdf = named("gyrating-ring", 14);
    let grid = *vdf.grid();
    let elsewhere = VelocityGrid::new(grid.shape(), grid.lower().map(|v| v + 1e7), grid.spacing()).unwrap();
    let there = Vdf::new(elsewhere, vdf.values().to_owned()).unwrap();
    let wide = VelocityGrid::new(grid.shape(), grid.lower().map(|v| 8.0 * v), grid.spacing().map(|h| 8.0 * h)).unwrap();
    let stretched = Vdf::new(wide, vdf.values().to_owned()).unwrap();
    for spec in [
        "maxwellian",
        "mixture:components=2",
        "hermite:order=5",
        "hermite:order=4,frame=field-aligned,field=1/2/2,search=moments",
        "spherical:degree=4,shells=6",
        "spherical:method=burnett,degree=4",
        "octree:l2=0.2,degree=2",
        "cosine:keep=7",
        "maxwellian + cosine:keep=5",
        "log(hermite:order=4)",
        "maxwellian * hermite:order=4",
    ] {
        let (basis, found) = encoded(spec, &vdf);
        let gradient = basis.gradient(&found, &grid).unwrap();
        for factor in [2f64.powi(90), 2f64.powi(-90)] {
            let mut scaled = found.clone();
            scaled.scale(factor);
            let times = gradient.clone().map(|part| part * factor);
            let [_, worst] = apart(&times, &basis.gradient(&scaled, &grid).unwrap());
            assert!(worst < 1e-9, "{spec} x {factor:e}: {worst:e}");
        }
        let [_, worst] = apart(&gradient, &basis.gradient(&basis.encode(&there).unwrap(), &elsewhere).unwrap());
        assert!(worst < 1e-5, "{spec} elsewhere: {worst:e}");
        let eighth = gradient.clone().map(|part| part / 8.0);
        let [_, worst] = apart(&eighth, &basis.gradient(&basis.encode(&stretched).unwrap(), &wide).unwrap());
        assert!(worst < 1e-5, "{spec} stretched: {worst:e}");
    }
}

#[test]
fn bases_that_are_not_smooth_refuse_with_their_name() {
    let vdf = named("beams", 12);
    for (spec, name) in [
        ("wavelet", "Wavelet"),
        ("cells", "Cells"),
        ("pca", "Pca"),
        ("conserve(maxwellian)", "conserve"),
        ("maxwellian + wavelet", "Wavelet"),
        ("log(wavelet)", "Wavelet"),
        ("octree:l2=0", "octree"),
    ] {
        let (basis, found) = encoded(spec, &vdf);
        match basis.gradient(&found, vdf.grid()) {
            Err(error @ Error::NotDifferentiable { .. }) => {
                assert!(error.to_string().starts_with(name), "{spec}: {error}");
            }
            other => panic!("{spec}: {other:?}"),
        }
    }
    // Coefficients of another basis, and another grid, are refused as in a reconstruction.
    let (_, foreign) = encoded("hermite:order=3", &vdf);
    let basis = Registry::standard().parse("hermite:order=3,weight=asymmetric").unwrap();
    assert!(matches!(basis.gradient(&foreign, vdf.grid()), Err(Error::ForeignCoefficients(_))));
    let (cosine, found) = encoded("cosine", &vdf);
    let other = VelocityGrid::unit([5; 3]).unwrap();
    assert!(matches!(cosine.gradient(&found, &other), Err(Error::GridMismatch { .. })));
    // A width of 1e-10 m/s under a peak of 1e300: the density is finite, its slope is not.
    let grid = VelocityGrid::new([9; 3], [-4.5e-10; 3], [1e-10; 3]).unwrap();
    let steep = Vdf::from_fn(grid, |v| 1e300 * (-0.5 * v.iter().map(|v| (v / 1.5e-10).powi(2)).sum::<f64>()).exp());
    let (basis, found) = encoded("maxwellian", &steep.unwrap());
    assert!(basis.reconstruct(&found, &grid).is_ok());
    assert!(matches!(basis.gradient(&found, &grid), Err(Error::NotDifferentiable { .. })));
}
