//! Physical quantities from coefficients against closed forms, and against sums over cells as these are refined.
#![allow(clippy::unwrap_used, clippy::panic)]

use vdf_basis::bases::hermite::Scaling;
use vdf_basis::bases::mixture::relative_entropy;
use vdf_basis::distribution::physics::FieldPressure;
use vdf_basis::{
    Basis, FieldDirection, FieldFrame, Frame, Hermite, HermiteCoefficients, Mixture, MixtureCoefficients,
    MixtureComponent, MixtureCovariance, Moments, Orientation, ReducedDistribution, ReducedGrid, Vdf, VelocityGrid,
    Weight,
};

const FIELD: [f64; 3] = [1.0, -2.0, 0.5];

/// Unit vectors along a field, which is the last of them.
fn axes_about(field: [f64; 3]) -> [[f64; 3]; 3] {
    let nothing = Moments { density: 1.0, bulk_velocity: [0.0; 3], pressure: [[0.0; 3]; 3], heat_flux: [0.0; 3] };
    Orientation::FieldAligned(field).frame(&nothing).axes()
}

fn combined(axes: [[f64; 3]; 3], along: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|j| (0..3).map(|i| along[i] * axes[i][j]).sum())
}

fn component(density: f64, axes: [[f64; 3]; 3], drift: [f64; 3], scales: [f64; 3]) -> MixtureComponent {
    MixtureComponent { density, frame: Frame::along(axes, combined(axes, drift), scales).unwrap() }
}

fn mixture(components: Vec<MixtureComponent>) -> MixtureCoefficients {
    MixtureCoefficients::new(MixtureCovariance::Full, None, components).unwrap()
}

/// A core and a beam along the field, gyrotropic together.
fn gyrotropic() -> MixtureCoefficients {
    let axes = axes_about(FIELD);
    mixture(vec![
        component(3.0, axes, [0.0, 0.0, -0.5], [1.2, 1.2, 0.8]),
        component(1.0, axes, [0.0, 0.0, 2.5], [0.7, 0.7, 1.1]),
    ])
}

/// Two components that are not gyrotropic, with axes and drifts of their own.
fn tilted() -> MixtureCoefficients {
    let axes = axes_about([0.3, 1.0, 2.0]);
    let other = axes_about([-2.0, 0.4, 1.0]);
    mixture(vec![
        component(3.0, axes, [0.4, -0.3, -0.5], [1.2, 0.8, 1.0]),
        component(1.0, other, [1.0, 1.5, 0.5], [0.7, 0.9, 1.3]),
    ])
}

fn box_of(cells: usize) -> VelocityGrid {
    VelocityGrid::from_edges([cells; 3], [-9.0; 3], [9.0; 3]).unwrap()
}

fn sampled(coefficients: &MixtureCoefficients, cells: usize) -> Vdf {
    Mixture::new(2).unwrap().reconstruct(coefficients, &box_of(cells)).unwrap()
}

/// The pressure tensor about a field.
fn about(coefficients: &MixtureCoefficients, field: [f64; 3]) -> FieldPressure {
    coefficients.moments_over_velocity_space().about_field(FieldDirection::new(field).unwrap())
}

#[test]
fn temperatures_and_agyrotropy_of_a_mixture_follow_their_definitions() {
    // P∥/n = ¾ · 0.64 + ¼ · 1.21 + ³⁄₁₆ · 9 for drifts 3 apart, P⊥/n = ¾ · 1.44 + ¼ · 0.49.
    let [along, across] = about(&gyrotropic(), FIELD).thermal_speeds().unwrap();
    assert!((along * along - (0.48 + 0.3025 + 1.6875)).abs() < 1e-12);
    assert!((across * across - (1.08 + 0.1225)).abs() < 1e-12);
    assert!(about(&gyrotropic(), FIELD).sqrt_q().unwrap() < 1e-14);
    // Pressure along one direction across the field only: the least gyrotropic tensor.
    let flat = mixture(vec![component(1.0, axes_about(FIELD), [0.0; 3], [1.0, 1e-5, 1e-5])]);
    assert!((about(&flat, FIELD).sqrt_q().unwrap() - 1.0).abs() < 1e-9);
    // Of one that is not gyrotropic, against sums over cells.
    let summed = sampled(&tilted(), 60).moments().about_field(FieldDirection::new(FIELD).unwrap());
    let exact = about(&tilted(), FIELD);
    assert!((summed.sqrt_q().unwrap() / exact.sqrt_q().unwrap() - 1.0).abs() < 1e-9);
    assert!((summed.anisotropy().unwrap() / exact.anisotropy().unwrap() - 1.0).abs() < 1e-9);
}

/// −∫ p ln p by summation over cells.
fn entropy(vdf: &Vdf) -> f64 {
    let volume = vdf.grid().cell_volume();
    let density = vdf.as_slice().iter().sum::<f64>() * volume;
    let terms = vdf.as_slice().iter().filter(|f| **f > 0.0).map(|f| f / density * (f / density).ln());
    -terms.sum::<f64>() * volume
}

#[test]
fn bounds_of_the_entropy_hold_it_and_meet_for_one_component() {
    let axes = axes_about(FIELD);
    let one = mixture(vec![component(2.0, axes, [1.0, 0.2, 0.1], [1.2, 0.7, 1.9])]);
    let expected = 1.5 * (std::f64::consts::TAU * std::f64::consts::E).ln() + (1.2f64 * 0.7 * 1.9).ln();
    for bound in one.entropy_bounds().unwrap() {
        assert!((bound - expected).abs() < 1e-12, "{bound} {expected}");
    }
    let apart = |distance: f64| {
        mixture(vec![
            component(3.0, axes, [0.0, 0.0, -0.5 * distance], [1.0; 3]),
            component(1.0, axes, [0.0, 0.0, 0.5 * distance], [0.8, 0.9, 1.1]),
        ])
    };
    for coefficients in [gyrotropic(), tilted(), apart(0.3), apart(2.0), apart(5.0)] {
        let [lower, upper] = coefficients.entropy_bounds().unwrap();
        // The sums converge faster than any power: those of two grids agree.
        let [coarse, fine] = [40, 60].map(|cells| entropy(&sampled(&coefficients, cells)));
        assert!((coarse - fine).abs() < 1e-6, "{coarse} {fine}");
        println!("entropy {fine:.6} in [{lower:.6}, {upper:.6}]");
        assert!(lower <= fine + 1e-9 && fine <= upper + 1e-9, "{lower} {fine} {upper}");
        assert!(upper - lower < 0.3, "{lower} {upper}");
        let [least, most] = coefficients.relative_entropy_bounds().unwrap();
        let relative = relative_entropy(&sampled(&coefficients, 60));
        assert!(least <= relative + 1e-7 && relative <= most + 1e-7, "{least} {relative} {most}");
        assert!(least >= 0.0 && most <= coefficients.free_energy_bound() + 1e-12);
    }
    // Far apart the upper bound is the entropy: that of the parts and of mixing.
    let [lower, upper] = apart(60.0).entropy_bounds().unwrap();
    let own = |volume: f64| 1.5 * (std::f64::consts::TAU * std::f64::consts::E).ln() + volume.ln();
    let mixing = -0.75 * 0.75f64.ln() - 0.25 * 0.25f64.ln();
    let exact = 0.75 * own(1.0) + 0.25 * own(0.8 * 0.9 * 1.1) + mixing;
    assert!((upper - exact).abs() < 1e-12 && (lower - exact).abs() < 1e-12, "{lower} {upper} {exact}");
    // In m/s, of any magnitude: the bounds move by 3 ln of the unit.
    let fast = mixture(
        tilted()
            .components()
            .iter()
            .map(|c| MixtureComponent {
                density: 1e6 * c.density,
                frame: Frame {
                    centre: c.frame.centre.map(|u| 1e5 * u),
                    scales: c.frame.scales.map(|s| 1e5 * s),
                    ..c.frame
                },
            })
            .collect(),
    );
    for (fast, slow) in fast.entropy_bounds().unwrap().into_iter().zip(tilted().entropy_bounds().unwrap()) {
        assert!((fast - slow - 3.0 * 1e5f64.ln()).abs() < 1e-11);
    }
    let kappa = MixtureCoefficients::new(MixtureCovariance::Full, Some(3.0), tilted().components().to_vec()).unwrap();
    assert!(kappa.entropy_bounds().unwrap_err().to_string().contains("kappa"));
}

/// The density of a mixture at one velocity.
fn density_at(coefficients: &MixtureCoefficients, v: [f64; 3]) -> f64 {
    let grid = VelocityGrid::new([1; 3], v.map(|v| v - 0.5), [1.0; 3]).unwrap();
    let basis = Mixture::new(2).unwrap();
    let basis = coefficients.kappa().map_or(basis, |kappa| basis.with_kappa(kappa).unwrap());
    basis.reconstruct(coefficients, &grid).unwrap().as_slice()[0]
}

/// The frame of the field about a velocity.
fn frame_at(centre: [f64; 3]) -> FieldFrame {
    FieldFrame::new(FieldDirection::new(FIELD).unwrap(), centre).unwrap()
}

/// The average over an angle by its definition.
fn averaged(at: impl Fn([f64; 3]) -> f64, centre: [f64; 3], parallel: f64, perpendicular: f64, points: usize) -> f64 {
    let axes = axes_about(FIELD);
    let sum: f64 = (0..points)
        .map(|k| {
            let (sine, cosine) = (std::f64::consts::TAU * k as f64 / points as f64).sin_cos();
            let from_centre = combined(axes, [perpendicular * cosine, perpendicular * sine, parallel]);
            at(std::array::from_fn(|j| centre[j] + from_centre[j]))
        })
        .sum();
    sum / points as f64
}

#[test]
fn gyro_averages_of_mixtures_equal_averages_over_the_angle() {
    let axes = axes_about(FIELD);
    // Across the field the first drifts and the second is not isotropic; the third has kappa tails.
    let drifting = mixture(vec![component(2.0, axes, [1.5, -0.7, 0.4], [0.9, 0.9, 1.3])]);
    let kappa = MixtureCoefficients::new(MixtureCovariance::Full, Some(2.2), tilted().components().to_vec()).unwrap();
    let nodes = ReducedGrid::new([-2.0, 0.7], 3.5, [3, 4]).unwrap();
    let (parallel, perpendicular) = (nodes.parallel(), nodes.perpendicular());
    for coefficients in [gyrotropic(), drifting, tilted(), kappa] {
        for centre in [[0.0; 3], [0.3, -0.8, 0.2]] {
            let found = coefficients.gyro_average(&frame_at(centre), &nodes);
            for ((i, j), found) in found.values().indexed_iter() {
                let at = |v| density_at(&coefficients, v);
                let expected = averaged(at, centre, parallel[i], perpendicular[j], 256);
                assert!((found / expected - 1.0).abs() < 1e-11, "{centre:?} {i} {j}: {found:e} {expected:e}");
            }
        }
    }
}

#[test]
fn the_closed_form_of_a_drifting_gaussian_meets_the_quadrature_and_holds_the_density() {
    let axes = axes_about(FIELD);
    // So little off gyrotropy that the sum over angles is taken: it agrees with the Bessel function.
    let of = |widths: [f64; 3]| mixture(vec![component(2.0, axes, [30.0, -14.0, 0.4], widths)]);
    let nodes = ReducedGrid::new([0.0, 1.0], 53.1, [3, 60]).unwrap();
    let average = |c: &MixtureCoefficients| c.gyro_average(&frame_at([0.0; 3]), &nodes);
    let [closed, quadrature] = [of([0.9, 0.9, 1.3]), of([0.9, 0.9 * (1.0 + 1e-10), 1.3])].map(|c| average(&c));
    let peak = closed.values().iter().fold(0.0, |peak: f64, f| peak.max(*f));
    for (closed, quadrature) in closed.values().iter().zip(quadrature.values()) {
        assert!((closed - quadrature).abs() < 1e-8 * closed + 1e-12 * peak, "{closed:e} {quadrature:e}");
    }
    // 2π ∫∫ v⊥ f̄ is the density, and 2π ∫ v⊥ f̄ dv⊥ is f(v∥), by quadratures of sixth order on ever more nodes.
    let coefficients = tilted();
    let expected = coefficients.moments_over_velocity_space().density;
    let mut last = f64::INFINITY;
    for nodes in [25, 49, 97] {
        let nodes = ReducedGrid::new([-10.0, 10.0], 10.0, [101, nodes]).unwrap();
        let average = coefficients.gyro_average(&frame_at([0.0; 3]), &nodes);
        let marginal = coefficients.marginal(FIELD, &nodes.parallel()).unwrap();
        let along = average.parallel();
        let off = along.iter().zip(&marginal).map(|(f, expected)| (f - expected).abs());
        let worst = off.fold((average.density() - expected).abs(), f64::max);
        println!("{} nodes of v⊥: {worst:.1e}", nodes.shape()[1]);
        assert!(worst < last / 30.0 || worst < 1e-12, "{worst:e} after {last:e}");
        last = worst;
    }
    assert!(last < 1e-8, "{last:e}");
}

#[test]
fn gyro_averages_of_cells_approach_those_of_the_coefficients() {
    let (frame, nodes) = (frame_at([0.3, -0.8, 0.2]), ReducedGrid::new([-3.0, 3.0], 4.0, [13, 9]).unwrap());
    let exact = tilted().gyro_average(&frame, &nodes);
    let peak = exact.values().iter().fold(0.0, |peak: f64, f| peak.max(*f));
    let worst = |other: &ReducedDistribution| {
        let off = other.values().into_iter().zip(exact.values()).map(|(a, b)| (a - b).abs());
        off.fold(0.0, f64::max) / peak
    };
    // Interpolation between the cells is of third order.
    let [coarse, fine] = [30, 60].map(|cells| worst(&sampled(&tilted(), cells).gyro_average(&frame, &nodes)));
    println!("of 30³ and 60³ cells: {coarse:.1e} {fine:.1e}");
    assert!(coarse < 0.05 && fine < 0.2 * coarse, "{coarse:e} {fine:e}");
    // A Hermite expansion of the same, in a frame about the field.
    let basis =
        Hermite::new([12; 3]).and_then(|basis| basis.with_orientation(Orientation::FieldAligned(FIELD))).unwrap();
    let expanded = basis.encode(&sampled(&tilted(), 30)).unwrap();
    assert!(worst(&expanded.gyro_average(&frame, &nodes).unwrap()) < 3e-2);
    // All three are of one type: tables for linear solvers follow from coefficients, too.
    let wide = ReducedGrid::new([-9.0, 9.0], 9.0, [121, 81]).unwrap();
    let table = tilted().gyro_average(&frame, &wide).alps_table(1.0, 2.0).unwrap();
    assert_eq!((table.clipped(), table.values().dim()), (0, (81, 121)));
}

/// An expansion in a field-aligned frame, and its distribution at a velocity.
fn expanded(weight: Weight, scales: [f64; 3]) -> (Hermite, HermiteCoefficients) {
    let vdf = sampled(&tilted(), 36);
    let centre = [0.2, -0.1, 0.3];
    let basis = Hermite::new([6, 5, 7])
        .and_then(|basis| basis.with_scaling(Scaling::Given { centre, scales }))
        .and_then(|basis| basis.with_orientation(Orientation::FieldAligned(FIELD))?.with_weight(weight))
        .unwrap();
    let coefficients = basis.encode(&vdf).unwrap();
    (basis, coefficients)
}

#[test]
fn reduced_distributions_of_hermite_expansions_equal_sums_over_cells() {
    for weight in [Weight::Symmetric, Weight::Asymmetric] {
        let (basis, coefficients) = expanded(weight, [1.1, 0.9, 1.2]);
        let axes = axes_about(FIELD);
        for (axis, sign) in [(2, 1.0), (2, -1.0), (0, 1.0), (1, -1.0)] {
            let velocities = [-2.0, 0.3, 1.1];
            let direction = axes[axis].map(|e| sign * e);
            let found = coefficients.marginal(direction, &velocities).unwrap();
            for (v, found) in velocities.iter().zip(found) {
                // A plane of points across the direction, summed at steps of 0.4: exact to rounding for Gaussians.
                let mut sum = 0.0;
                for p in -30..=30 {
                    for q in -30..=30 {
                        let mut place = [0.0; 3];
                        place[axis] = sign * v;
                        place[(axis + 1) % 3] = 0.4 * f64::from(p);
                        place[(axis + 2) % 3] = 0.4 * f64::from(q);
                        let v = combined(axes, place);
                        sum += value_at(&basis, &coefficients, v) * 0.16;
                    }
                }
                assert!((found - sum).abs() < 1e-9 * (1.0 + sum.abs()), "{weight:?} {axis}: {found} {sum}");
            }
        }
        let density: f64 = {
            let velocities: Vec<f64> = (-60..=60).map(|k| 0.2 * f64::from(k)).collect();
            coefficients.marginal(FIELD, &velocities).unwrap().iter().sum::<f64>() * 0.2
        };
        let expected = coefficients.moments_over_velocity_space().density;
        assert!((density / expected - 1.0).abs() < 1e-9, "{density} {expected}");
        let askew = coefficients.marginal([1.0, 1.0, 1.0], &[0.0]).unwrap_err().to_string();
        assert!(askew.contains("direction") && askew.contains("frame=field-aligned"), "{askew}");
        assert!(coefficients.marginal([0.0; 3], &[0.0]).is_err());
    }
}

fn value_at(basis: &Hermite, coefficients: &HermiteCoefficients, v: [f64; 3]) -> f64 {
    let grid = VelocityGrid::new([1; 3], v.map(|v| v - 0.5), [1.0; 3]).unwrap();
    basis.reconstruct(coefficients, &grid).unwrap().as_slice()[0]
}

#[test]
fn gyro_averages_of_hermite_expansions_equal_averages_over_the_angle() {
    for (weight, scales) in [
        (Weight::Symmetric, [1.1, 1.1, 1.2]),
        (Weight::Asymmetric, [1.1, 1.1, 1.2]),
        (Weight::Symmetric, [1.1, 0.8, 1.2]),
    ] {
        let (basis, coefficients) = expanded(weight, scales);
        let nodes = ReducedGrid::new([-1.5, 2.0], 3.5, [3, 5]).unwrap();
        let (parallel, perpendicular) = (nodes.parallel(), nodes.perpendicular());
        for centre in [coefficients.frame().centre, [0.0; 3], [0.8, -0.5, 0.1]] {
            let found = coefficients.gyro_average(&frame_at(centre), &nodes).unwrap();
            let peak = found.values().iter().fold(0.0, |peak: f64, f| peak.max(f.abs()));
            for ((i, j), found) in found.values().indexed_iter() {
                let at = |v| value_at(&basis, &coefficients, v);
                let expected = averaged(at, centre, parallel[i], perpendicular[j], 256);
                assert!((found - expected).abs() < 1e-12 * peak, "{weight:?} {i} {j}: {found:e} {expected:e}");
            }
        }
        let askew = FieldFrame::new(FieldDirection::new([1.0, 0.0, 0.0]).unwrap(), [0.0; 3]).unwrap();
        let refused = coefficients.gyro_average(&askew, &nodes).unwrap_err().to_string();
        assert!(refused.contains("field") && refused.contains("frame=field-aligned"), "{refused}");
    }
}

#[test]
fn the_free_energy_of_a_hermite_expansion_is_its_quadratic_form() {
    let scales = [1.1, 0.9, 1.2];
    let mut energies = Vec::new();
    for weight in [Weight::Asymmetric, Weight::Symmetric] {
        let (basis, coefficients) = expanded(weight, scales);
        let energy = coefficients.free_energy().unwrap();
        // ∫ (f − F)²/2F by sums over cells.
        let density = coefficients.moments_over_velocity_space().density;
        let grid = VelocityGrid::from_edges([60; 3], [-13.0; 3], [13.0; 3]).unwrap();
        let vdf = basis.reconstruct(&coefficients, &grid).unwrap();
        let frame = coefficients.frame();
        let peak = density / (std::f64::consts::TAU.powf(1.5) * scales.iter().product::<f64>());
        let sum: f64 = vdf
            .values()
            .indexed_iter()
            .map(|((i, j, k), f)| {
                let xi = frame.to_frame([grid.centre(0, i), grid.centre(1, j), grid.centre(2, k)]);
                let maxwellian = peak * (-0.5 * xi.iter().map(|x| x * x).sum::<f64>()).exp();
                (f - maxwellian).powi(2) / maxwellian
            })
            .sum();
        let expected = 0.5 * sum * grid.cell_volume() / density;
        println!("{weight:?}: {energy} {expected}");
        assert!((energy / expected - 1.0).abs() < 1e-6, "{weight:?}: {energy} {expected}");
        energies.push(energy);
        if weight == Weight::Asymmetric {
            let spectrum = coefficients.spectrum();
            let squares: f64 = spectrum.total_degree[1..].iter().sum();
            let form = 0.5 * squares / spectrum.total_degree[0];
            assert!((energy / form - 1.0).abs() < 1e-10, "{energy} {form}");
        }
    }
    // Both weights span the same functions, so that the least squares is the same.
    assert!((energies[0] / energies[1] - 1.0).abs() < 1e-3, "{energies:?}");
    // A Maxwellian in its own frame has none, and one whose density is small deviations' has that of them.
    let one = |order: usize, skew: f64| {
        let grid = VelocityGrid::from_edges([40; 3], [-9.0; 3], [9.0; 3]).unwrap();
        let vdf =
            Vdf::from_fn(grid, |[x, y, z]| (-0.5 * (x * x + y * y + z * z)).exp() * (1.0 + skew * x * y)).unwrap();
        let scaling = Scaling::Given { centre: [0.0; 3], scales: [1.0; 3] };
        let basis = Hermite::new([order; 3]).and_then(|basis| basis.with_scaling(scaling)).unwrap();
        basis.encode(&vdf).unwrap().free_energy().unwrap()
    };
    assert!(one(1, 0.0) < 1e-25 && one(12, 0.0) < 1e-12, "{} {}", one(1, 0.0), one(12, 0.0));
    // ½ ⟨(s x y)²⟩ = s²/2.
    assert!((one(6, 0.1) / 0.005 - 1.0).abs() < 1e-8, "{}", one(6, 0.1));
}
