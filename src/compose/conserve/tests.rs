use super::*;
use crate::bases::cosine::Cosine;
use crate::compose::quantized::Quantized;
use crate::compose::target::Target;
use crate::distribution::fidelity::relative_l2;
use crate::{AnyBasis, Fidelity, Registry, Sampling, Synthetic};

fn sampled(name: &str, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn basis(spec: &str) -> AnyBasis {
    Registry::standard().parse(spec).unwrap()
}

/// Of n, u, P and q.
fn errors(f: &Vdf, g: &Vdf) -> [f64; 4] {
    let Fidelity { density, bulk_velocity, pressure, heat_flux, .. } = Fidelity::compare(f, g).unwrap();
    [density, bulk_velocity, pressure, heat_flux]
}

/// The largest difference of a component of P.
fn worst_pressure(f: &Vdf, g: &Vdf) -> f64 {
    let (p, q) = (f.moments().pressure, g.moments().pressure);
    p.as_flattened().iter().zip(q.as_flattened()).fold(0.0, |worst, (p, q)| worst.max((p - q).abs()))
}

fn round_trip(basis: &AnyBasis, vdf: &Vdf) -> Vdf {
    basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap()
}

const INNER: [&str; 6] = [
    "wavelet:l2=0.1",
    "cosine:l2=0.02",
    "hermite:order=6,l2=0.5",
    "quantized(maxwellian) + wavelet:l2=0.01",
    "quantized(mixture:components=2)",
    "wavelet:filter=db3,level=1",
];

#[test]
fn moments_are_exact_densities_positive_and_the_error_no_larger() {
    for vdf in ["beams", "gyrating-ring", "loss-cone", "kappa"].map(|name| sampled(name, 22)) {
        for spec in INNER {
            let before = basis(spec).encode(&vdf).unwrap();
            let exact = Fidelity::compare(&vdf, &basis(spec).reconstruct(&before, vdf.grid()).unwrap()).unwrap();
            for (key, count) in [("", 3), (":heat-flux=yes", 4)] {
                let g = round_trip(&basis(&format!("conserve({spec}){key}")), &vdf);
                assert!(
                    errors(&vdf, &g)[..count].iter().all(|error| *error <= 1e-12),
                    "{spec}: {:?}",
                    errors(&vdf, &g)
                );
                assert!(g.as_slice().iter().all(|&g| g >= 0.0));
                let l2 = relative_l2(&vdf, &g);
                assert!(l2 <= 1.02 * exact.l2.max(1e-9), "{spec}: {l2:e} after {:e}", exact.l2);
            }
        }
    }
}

/// Bytes that a stream has beyond what is inside and its occupied blocks.
fn cost(inner: &str, vdf: &Vdf) -> usize {
    let conserve = Conserve::new(basis(inner));
    let coefficients = conserve.encode(vdf).unwrap();
    let len = |write: &dyn Fn(&mut Coder<'_>)| {
        let mut coder = Coder::writing();
        write(&mut coder);
        coder.finish().len()
    };
    let (inner, correction) = coefficients.found.as_ref().unwrap();
    let all = len(&|coder| {
        conserve.code(Some(&coefficients), vdf.grid(), Resolution::Exact, coder).unwrap();
    });
    let inner = len(&|coder| {
        conserve.inner.code(Some(inner), vdf.grid(), Resolution::Exact, coder).unwrap();
    });
    let blocks = correction.blocks.as_ref().map_or(0, |blocks| {
        len(&|coder| {
            occupancy::code(Some(blocks), vdf.grid().shape(), coder).unwrap();
        })
    });
    all - inner - blocks
}

#[test]
fn exact_moments_cost_no_more_than_48_bytes() {
    let data = std::env::var_os("VDF_BASIS_DATA").map_or_else(
        || std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")),
        std::path::PathBuf::from,
    );
    let real = ["sample_vdf.npy", "gyrating_two_maxwellians.npy"].map(|name| Vdf::read_npy(data.join(name)).ok());
    let synthetic = ["beams", "gyrating-ring", "loss-cone", "kappa"].map(|name| Some(sampled(name, 26)));
    for (k, vdf) in real.into_iter().chain(synthetic).enumerate() {
        let Some(vdf) = vdf else { continue };
        // The real ones are large.
        for &l2 in if k < 2 { &[0.1, 0.005][..] } else { &[0.1, 0.05, 0.02, 0.005, 0.002] } {
            for inner in [format!("fast:l2={l2}"), format!("quantized(maxwellian) + wavelet:l2={l2}")] {
                let cost = cost(&inner, &vdf);
                assert!(cost <= 48, "{inner}: {cost} bytes of distribution {k}");
            }
        }
    }
}

#[test]
fn a_thousand_encodings_keep_the_moments() {
    let original = sampled("gyrating-ring", 9);
    let conserve = basis("conserve(cosine:l2=0.05)");
    let mut now = original.clone();
    for cycle in 0..1000 {
        now = round_trip(&conserve, &now);
        if cycle % 100 == 99 {
            assert!(
                errors(&original, &now)[..3].iter().all(|error| *error <= 1e-12),
                "{cycle}: {:?}",
                errors(&original, &now)
            );
        }
    }
}

#[test]
fn rounding_from_outside_keeps_the_moments_and_the_bound() {
    let vdf = sampled("beams", 24);
    for spec in ["conserve(wavelet):l2=0.03", "conserve(maxwellian + wavelet):l2=0.01", "conserve(cosine):bytes=300"] {
        let g = round_trip(&basis(spec), &vdf);
        assert!(errors(&vdf, &g)[..3].iter().all(|error| *error <= 1e-12), "{spec}: {:?}", errors(&vdf, &g));
    }
    let quantized = Quantized::new(Conserve::new(Cosine::new()), Target::L2(0.03)).unwrap();
    let coefficients = quantized.encode(&vdf).unwrap();
    let l2 = relative_l2(&vdf, &quantized.reconstruct(&coefficients, vdf.grid()).unwrap());
    assert!((0.025..=0.03).contains(&l2), "{l2}");
}

#[test]
fn zero_stays_zero_and_what_has_no_such_density_says_so() {
    let grid = VelocityGrid::unit([6, 5, 4]).unwrap();
    for spec in ["conserve(maxwellian)", "conserve(wavelet):heat-flux=yes", "conserve(cosine):l2=0.1"] {
        assert_eq!(round_trip(&basis(spec), &Vdf::zeros(grid)), Vdf::zeros(grid));
    }
    let negative = Vdf::from_fn(grid, |_| -1.0).unwrap();
    let reason = basis("conserve(cosine)").encode(&negative).unwrap_err().to_string();
    assert!(reason.contains("conserve") && reason.contains("density -1.2e2"), "{reason}");
    // More is negative than positive along x: no density has such a pressure.
    let hollow =
        Vdf::from_fn(grid, |[x, y, z]| if y == 2.0 && z == 1.0 { 3.0 - (x - 2.5).powi(2) } else { 0.0 }).unwrap();
    assert!(hollow.moments().density > 0.0 && hollow.moments().pressure[0][0] < 0.0);
    assert!(matches!(basis("conserve(cosine)").encode(&hollow), Err(Error::Degenerate { basis: "conserve", .. })));
}

#[test]
fn one_cell_a_line_and_a_plane_keep_their_moments() {
    for shape in [[1, 1, 1], [1, 1, 9], [8, 1, 7]] {
        let grid = VelocityGrid::new(shape, [1e5, -3e5, 0.0], [2e4, 3e4, 1e4]).unwrap();
        let mut k = 0.0;
        let vdf = Vdf::from_fn(grid, |_| {
            k += 1.0;
            1.5e-13 + 1e-13 * f64::sin(k)
        });
        let vdf = vdf.unwrap();
        for spec in ["conserve(cosine)", "conserve(quantized(cosine):l2=0.1)"] {
            let g = round_trip(&basis(spec), &vdf);
            assert!(errors(&vdf, &g)[..1].iter().all(|error| *error <= 1e-12), "{spec}");
            let (p, worst) = (vdf.moments().pressure, worst_pressure(&vdf, &g));
            assert!(worst <= 1e-12 * (p[0][0] + p[1][1] + p[2][2]), "{spec}: {worst:e}");
        }
    }
    // One occupied cell, a line and a plane of cells within a larger grid: nothing moves them but themselves.
    let grid = VelocityGrid::new([9; 3], [1e5, -3e5, 0.0], [2e4, 3e4, 1e4]).unwrap();
    for fixed in 1..=3 {
        let mut k = 0.0;
        let mut values = Vdf::zeros(grid).into_values();
        for ((x, y, z), f) in values.indexed_iter_mut() {
            if [x, y, z][..fixed] == [3, 4, 6][..fixed] {
                k += 1.0;
                *f = 1.5e-13 + 1e-13 * f64::sin(k);
            }
        }
        let vdf = Vdf::new(grid, values).unwrap();
        // Of a basis that leaves no ripples on the other cells.
        for spec in ["conserve(wavelet:filter=haar)", "conserve(wavelet:level=0)"] {
            let g = round_trip(&basis(spec), &vdf);
            assert!(errors(&vdf, &g)[..1].iter().all(|error| *error <= 1e-12), "{spec}, {fixed}");
            let (p, worst) = (vdf.moments().pressure, worst_pressure(&vdf, &g));
            let [a, b, c] = grid.spacing();
            let unit = p[0][0] + p[1][1] + p[2][2] + vdf.moments().density * (a * a + b * b + c * c);
            assert!(worst <= 1e-12 * unit, "{spec}, {fixed}: {worst:e} of {unit:e}");
        }
    }
    // Ripples about a single cell: no other density has its moments, and ripples are one.
    let grid = VelocityGrid::unit([9; 3]).unwrap();
    let vdf = Vdf::from_fn(grid, |v| if v == [3.0, 4.0, 6.0] { 2.0 } else { 0.0 }).unwrap();
    let rippled = basis("conserve(wavelet:l2=0.01)").encode(&vdf);
    assert!(matches!(rippled, Err(Error::Degenerate { basis: "conserve", .. })));
}

#[test]
fn on_another_grid_the_same_function_is_sampled() {
    let vdf = sampled("gyrating-ring", 24);
    let conserve = basis("conserve(hermite:order=8)");
    let coefficients = conserve.encode(&vdf).unwrap();
    let window = vdf.grid().window([3, 2, 1], [15, 17, 20]).unwrap();
    let (whole, part) = [*vdf.grid(), window].map(|grid| conserve.reconstruct(&coefficients, &grid).unwrap()).into();
    for ((x, y, z), &part) in part.values().indexed_iter() {
        assert!((part - whole.values()[[x + 3, y + 2, z + 1]]).abs() < 1e-9 * vdf.peak());
    }
}

#[test]
fn blocks_are_stored_where_they_make_a_better_stream() {
    // Faint ripples everywhere around a small body that is kept in every digit: what they hold is most of the error.
    let grid = VelocityGrid::unit([40; 3]).unwrap();
    let body = |[x, y, z]: [f64; 3]| {
        let q = (x - 12.0).powi(2) + (y - 12.0).powi(2) + (z - 12.0).powi(2);
        if q < 16.0 { (-0.1 * q).exp() + 0.3 * (3.0 * x + y * z).sin().abs() } else { 0.0 }
    };
    let vdf = Vdf::from_fn(grid, body).unwrap();
    let conserve = Conserve::new(Quantized::new(Cosine::new(), Target::L2(0.3)).unwrap());
    let coefficients = conserve.encode(&vdf).unwrap();
    assert!(coefficients.found.as_ref().unwrap().1.blocks.is_some());
    let g = conserve.reconstruct(&coefficients, &grid).unwrap();
    assert!(errors(&vdf, &g)[..3].iter().all(|error| *error <= 1e-12));
    assert_eq!(g.values()[[30, 30, 30]], 0.0);
}
