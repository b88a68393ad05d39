use approx::assert_relative_eq;

mod axes;

use super::*;
use crate::Fidelity;
use crate::basis::Stream;

/// A box that holds the distributions below to rounding, not a cube, in SI units.
fn roomy() -> VelocityGrid {
    VelocityGrid::from_edges([36, 40, 33], [-2.0e6, -2.2e6, -2.1e6], [2.0e6, 2.2e6, 2.1e6]).unwrap()
}

fn along(grid: VelocityGrid, frame: &Frame, density: impl Fn([f64; 3]) -> f64) -> Vdf {
    Vdf::from_fn(grid, |v| density(frame.to_frame(v))).unwrap()
}

/// A Maxwellian times a polynomial of degree 3: within every expansion of order 4 in its own frame.
fn skewed(xi: [f64; 3]) -> f64 {
    let [x, y, z] = xi;
    3e-13 * (-0.5 * (x * x + y * y + z * z)).exp() * (1.0 + 0.2 * x * y - 0.1 * z * z * z + 0.3 * y * y)
}

fn frame() -> Frame {
    Frame::grid_aligned([1.0e5, -0.5e5, 0.7e5], [2.1e5, 2.4e5, 2.6e5])
}

fn given(frame: &Frame) -> Scaling {
    Scaling::Given { centre: frame.centre, scales: frame.scales }
}

fn l2(basis: &Hermite, vdf: &Vdf) -> f64 {
    let back = basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap();
    Fidelity::compare(vdf, &back).unwrap().l2
}

/// The coefficients that a writer keeps, and those that a reader gets.
fn coded(
    basis: &Hermite,
    coefficients: &HermiteCoefficients,
    grid: &VelocityGrid,
    resolution: Resolution,
) -> [HermiteCoefficients; 2] {
    let (mut written, mut read) = (coefficients.clone(), basis.blank(grid));
    let mut writer = Coder::writing();
    basis.code(&mut written, grid, resolution, &mut writer).unwrap();
    basis.code(&mut read, grid, resolution, &mut Coder::reading(&writer.finish())).unwrap();
    [written, read]
}

#[test]
fn a_polynomial_times_a_maxwellian_comes_back_with_either_weight_and_every_truncation() {
    let cut = VelocityGrid::from_edges([20, 22, 18], [-3.0e5, -5.0e5, -4.0e5], [5.0e5, 3.0e5, 6.0e5]).unwrap();
    for grid in [roomy(), cut] {
        let vdf = along(grid, &frame(), skewed);
        let basis = Hermite::new([6; 3]).unwrap().with_scaling(given(&frame())).unwrap();
        assert!(l2(&basis, &vdf) < 1e-12);
        assert!(l2(&basis.clone().with_truncation(Truncation::TotalDegree).unwrap(), &vdf) < 1e-12);
        let best = l2(&basis.clone().with_truncation(Truncation::Best(100)).unwrap(), &vdf);
        assert!(best < 1e-10, "{best}");
        let asymmetric = l2(&basis.clone().with_weight(Weight::Asymmetric).unwrap(), &vdf);
        assert!(asymmetric < 1e-11, "{asymmetric}");
    }
}

#[test]
fn on_a_cut_box_least_squares_beats_plain_projection() {
    let cut = VelocityGrid::from_edges([20, 22, 18], [-3.0e5, -5.0e5, -4.0e5], [5.0e5, 3.0e5, 6.0e5]).unwrap();
    let vdf = along(cut, &frame(), skewed);
    let projected =
        Hermite::new([6; 3]).unwrap().with_scaling(given(&frame())).unwrap().with_projection(Projection::Quadrature);
    assert!(l2(&projected, &vdf) > 0.05, "{}", l2(&projected, &vdf));
    // Where the box holds everything the two agree.
    assert!(l2(&projected, &along(roomy(), &frame(), skewed)) < 1e-8);
}

#[test]
fn the_solution_is_the_least_squares_over_the_kept_terms() {
    // The residual is orthogonal to every kept function, for sets of terms and single terms, with noise in the data.
    let mut noise = 1u64;
    let vdf = Vdf::from_fn(VelocityGrid::unit([9, 11, 10]).unwrap(), |_| {
        noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (noise >> 11) as f64 / (1u64 << 53) as f64
    })
    .unwrap();
    let scaling = Scaling::Given { centre: [4.0, 5.0, 3.0], scales: [1.5, 1.8, 2.0] };
    for truncation in [Truncation::Cube, Truncation::TotalDegree, Truncation::HyperbolicCross, Truncation::Best(17)] {
        let basis =
            Hermite::new([5, 4, 6]).unwrap().with_truncation(truncation).unwrap().with_scaling(scaling).unwrap();
        let c = basis.encode(&vdf).unwrap();
        let back = basis.reconstruct(&c, vdf.grid()).unwrap();
        for (term, _) in c.terms() {
            let function = |axis: usize| {
                let nodes = Axis::new(vdf.grid(), axis, c.frame.centre[axis], c.frame.scales[axis]).nodes();
                let values = functions::evaluate(Weight::Symmetric, &nodes, 8);
                values[term[axis] * nodes.len()..][..nodes.len()].to_vec()
            };
            let [x, y, z] = [function(0), function(1), function(2)];
            let product: f64 = vdf
                .values()
                .indexed_iter()
                .map(|((i, j, k), f)| (f - back.values()[[i, j, k]]) * x[i] * y[j] * z[k])
                .sum();
            assert!(product.abs() < 1e-9, "{truncation:?} {term:?}: {product}");
        }
    }
}

#[test]
fn a_rotated_frame_solves_the_same_problem_as_the_grid_where_both_can() {
    let vdf = along(
        VelocityGrid::unit([12, 14, 13]).unwrap(),
        &Frame::grid_aligned([5.0, 6.0, 7.0], [2.0, 2.5, 3.0]),
        skewed,
    );
    // The field along z makes the frame's axes the grid's, but takes the path for any axes.
    for weight in [Weight::Symmetric, Weight::Asymmetric] {
        let grid = Hermite::new([5; 3])
            .unwrap()
            .with_scaling(Scaling::Given { centre: [5.3, 6.1, 7.4], scales: [2.2; 3] })
            .unwrap()
            .with_weight(weight)
            .unwrap();
        let field = grid.clone().with_orientation(Orientation::FieldAligned([0.0, 0.0, 1.0])).unwrap();
        let (a, b) = (grid.encode(&vdf).unwrap(), field.encode(&vdf).unwrap());
        assert!(b.frame.rotation.is_some());
        let (from_a, from_b) = (grid.reconstruct(&a, vdf.grid()).unwrap(), field.reconstruct(&b, vdf.grid()).unwrap());
        // Conjugate gradients stop where an iteration changes the residual by less than 1e-9 of itself.
        let difference = Fidelity::compare(&from_a, &from_b).unwrap().l2;
        assert!(difference < 1e-6, "{difference}");
    }
}

#[test]
fn tilted_distributions_come_back_in_their_own_frame() {
    let axes = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
    let tilted = Frame::along(axes, [1e5, 0.0, -1e5], [4e5, 1.5e5, 2.5e5]).unwrap();
    let vdf = along(roomy(), &tilted, |[x, y, z]| (-0.5 * (x * x + y * y + z * z)).exp());
    let own = Hermite::new([4; 3]).unwrap().with_scaling(Scaling::Moments(1.0)).unwrap();
    let own = own.with_orientation(Orientation::PressureEigenframe).unwrap();
    assert!(l2(&own, &vdf) < 1e-8, "{}", l2(&own, &vdf));
}

#[test]
fn the_search_finds_the_frame_a_distribution_was_made_in() {
    let vdf = along(roomy(), &frame(), skewed);
    // Order 4 holds it in its own frame only; the moments' widths are others.
    let basis = Hermite::new([4; 3]).unwrap();
    let (c, report) = basis.fit(&vdf).unwrap();
    assert!(l2(&basis, &vdf) < 1e-9, "{} {report:?}", l2(&basis, &vdf));
    for i in 0..3 {
        assert_relative_eq!(c.frame.scales[i], frame().scales[i], max_relative = 1e-5);
    }
    let moments = Hermite::new([4; 3]).unwrap().with_scaling(Scaling::Moments(1.0)).unwrap();
    assert!(l2(&moments, &vdf) > 1e-3);
}

#[test]
fn the_search_ends_where_no_neighbour_is_better() {
    let ring = Frame::grid_aligned([2e5, 1e5, -1e5], [2.5e5; 3]);
    let vdf = along(roomy(), &ring, |[x, y, z]| (-2.0 * ((x * x + y * y).sqrt() - 2.0).powi(2) - 0.5 * z * z).exp());
    for truncation in [Truncation::Cube, Truncation::TotalDegree, Truncation::HyperbolicCross] {
        let basis = Hermite::new([8; 3]).unwrap().with_truncation(truncation).unwrap();
        let (c, report) = basis.fit(&vdf).unwrap();
        let best = l2(&basis, &vdf);
        for axis in 0..3 {
            for (shift, stretch) in [(0.02, 1.0), (-0.02, 1.0), (0.0, 1.02), (0.0, 0.98)] {
                let mut other = c.frame;
                other.centre[axis] += shift * other.scales[axis];
                other.scales[axis] *= stretch;
                let neighbour = basis.clone().with_scaling(given(&other)).unwrap();
                let ratio = l2(&neighbour, &vdf) / best;
                assert!(ratio >= 1.0 - 1e-6, "{truncation:?} {axis} {shift} {stretch}: {ratio} {report:?}");
            }
        }
    }
}

#[test]
fn moments_from_coefficients_equal_the_sums_over_cells() {
    let cut = VelocityGrid::from_edges([20, 22, 18], [-3.0e5, -5.0e5, -4.0e5], [5.0e5, 3.0e5, 6.0e5]).unwrap();
    for (grid, weight) in [(roomy(), Weight::Symmetric), (cut, Weight::Symmetric), (cut, Weight::Asymmetric)] {
        let vdf = along(grid, &frame(), skewed);
        let basis = Hermite::new([7; 3]).unwrap().with_weight(weight).unwrap();
        let c = basis.encode(&vdf).unwrap();
        let (closed, sums) = (basis.moments(&c, &grid).unwrap(), basis.reconstruct(&c, &grid).unwrap().moments());
        close(&closed, &sums, 1e-10);
    }
}

#[test]
fn moments_over_velocity_space_equal_the_sums_on_a_roomy_box() {
    let tilted = Orientation::FieldAligned([1.0, 2.0, -1.0]);
    for (weight, orientation) in
        [(Weight::Symmetric, Orientation::Grid), (Weight::Asymmetric, Orientation::Grid), (Weight::Asymmetric, tilted)]
    {
        let vdf = along(roomy(), &frame(), skewed);
        let basis = Hermite::new([4; 3])
            .unwrap()
            .with_weight(weight)
            .unwrap()
            .with_scaling(Scaling::Moments(1.0))
            .unwrap()
            .with_orientation(orientation)
            .unwrap();
        let c = basis.encode(&vdf).unwrap();
        close(&c.moments_over_velocity_space(), &basis.moments(&c, vdf.grid()).unwrap(), 1e-7);
    }
}

fn close(a: &Moments, b: &Moments, tolerance: f64) {
    let v_th = b.thermal_speed();
    assert_relative_eq!(a.density, b.density, max_relative = tolerance);
    for i in 0..3 {
        assert_relative_eq!(a.bulk_velocity[i], b.bulk_velocity[i], epsilon = tolerance * v_th);
        assert_relative_eq!(a.heat_flux[i], b.heat_flux[i], epsilon = tolerance * b.density * v_th.powi(3));
        for j in 0..3 {
            assert_relative_eq!(a.pressure[i][j], b.pressure[i][j], epsilon = tolerance * b.density * v_th * v_th);
        }
    }
}

#[test]
fn asymmetric_coefficients_are_the_moments() {
    let vdf = along(roomy(), &frame(), skewed);
    let m = vdf.moments();
    let own = Frame { centre: m.bulk_velocity, rotation: None, scales: m.thermal_speeds() };
    let basis = Hermite::new([5; 3])
        .unwrap()
        .with_weight(Weight::Asymmetric)
        .unwrap()
        .with_projection(Projection::Quadrature)
        .with_scaling(given(&own))
        .unwrap();
    for basis in [basis.clone(), basis.with_orientation(Orientation::FieldAligned([0.0, 0.0, 1.0])).unwrap()] {
        let c = basis.encode(&vdf).unwrap();
        let at = |term: [usize; 3]| c.terms().find(|(t, _)| *t == term).unwrap().1;
        assert_relative_eq!(at([0, 0, 0]), m.density, max_relative = 1e-12);
        // About the bulk velocity, in units of the thermal speeds, degree 1 and the diagonal of degree 2 vanish.
        for term in [[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [0, 2, 0], [0, 0, 2]] {
            assert!(at(term).abs() < 1e-12 * m.density, "{term:?}");
        }
        let axes = c.frame().axes();
        let xy: f64 = (0..9).map(|k| axes[0][k / 3] * axes[1][k % 3] * m.pressure[k / 3][k % 3]).sum();
        assert_relative_eq!(at([1, 1, 0]), xy / c.frame().scales[0] / c.frame().scales[1], max_relative = 1e-9);
    }
}

#[test]
fn the_spectrum_shares_out_the_norm() {
    let vdf = along(roomy(), &frame(), skewed);
    let basis = Hermite::new([4; 3]).unwrap().with_scaling(given(&frame())).unwrap();
    let spectrum = basis.encode(&vdf).unwrap().spectrum();
    let norm: f64 = vdf.as_slice().iter().map(|f| f * f).sum::<f64>() * vdf.grid().cell_volume();
    let volume: f64 = frame().scales.iter().product();
    for parts in [&spectrum.total_degree, &spectrum.axis[0], &spectrum.axis[2]] {
        assert_relative_eq!(parts.iter().sum::<f64>() * volume, norm, max_relative = 1e-9);
    }
    // xyz-degree 3 comes from z³ alone: nothing above it.
    assert!(spectrum.total_degree[4..].iter().all(|c| *c < 1e-20 * spectrum.total_degree[0]));
}

#[test]
fn few_cells_are_held_exactly() {
    for shape in [[1, 1, 9], [3, 1, 4], [5, 6, 7], [1, 1, 1]] {
        let grid = VelocityGrid::unit(shape).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, y, z]| 1.0 + (x * 3.0 + y * 5.0 + z * 1.7).sin()).unwrap();
        let basis = Hermite::new([12; 3]).unwrap();
        assert!(l2(&basis, &vdf) < 1e-9, "{shape:?}: {}", l2(&basis, &vdf));
    }
}

#[test]
fn impossible_choices_are_refused() {
    assert!(Hermite::new([0, 1, 1]).is_err());
    assert!(Hermite::new([Hermite::MAX_ORDER + 1; 3]).is_err());
    assert!(Hermite::new([25; 3]).unwrap().with_weight(Weight::Asymmetric).is_err());
    assert!(Hermite::default().with_scaling(Scaling::Given { centre: [0.0; 3], scales: [1e-200; 3] }).is_err());
    assert!(Hermite::default().with_truncation(Truncation::Best(0)).is_err());
    assert!(Hermite::default().with_scaling(Scaling::Moments(-1.0)).is_err());
    assert!(Hermite::default().with_scaling(Scaling::Given { centre: [f64::NAN; 3], scales: [1.0; 3] }).is_err());
    let asymmetric = Hermite::default().with_weight(Weight::Asymmetric).unwrap();
    assert!(asymmetric.with_truncation(Truncation::Best(5)).is_err());
    let zero = Vdf::zeros(VelocityGrid::unit([4; 3]).unwrap());
    assert!(Hermite::default().encode(&zero).unwrap_err().to_string().contains("zero everywhere"));
}

#[test]
fn coefficients_of_another_basis_are_refused() {
    let vdf = along(roomy(), &frame(), skewed);
    let c = Hermite::new([4; 3]).unwrap().encode(&vdf).unwrap();
    let other = Hermite::new([3; 3]).unwrap();
    assert!(matches!(other.reconstruct(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))));
    assert!(matches!(other.moments(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))));
}

#[test]
fn a_least_squares_never_does_worse_than_nothing() {
    // Functions far wider than the box are nearly dependent, far narrower ones vanish on most cells.
    let vdf = along(roomy(), &frame(), skewed);
    for order in [8, 15, 24] {
        for weight in [Weight::Symmetric, Weight::Asymmetric] {
            for factor in [0.01, 0.1, 0.5, 2.0, 4.0, 10.0, 100.0] {
                let basis = Hermite::new([order; 3]).unwrap().with_weight(weight).unwrap();
                let basis = basis.with_scaling(Scaling::Moments(factor)).unwrap();
                assert!(l2(&basis, &vdf) < 1.0 + 1e-3, "{basis}: {}", l2(&basis, &vdf));
            }
        }
    }
}

#[test]
fn both_weights_span_the_same() {
    let ring = Frame::grid_aligned([2e5, 1e5, -1e5], [2.5e5; 3]);
    let vdf = along(roomy(), &ring, |[x, y, z]| (-2.0 * ((x * x + y * y).sqrt() - 2.0).powi(2) - 0.5 * z * z).exp());
    for order in [12, Hermite::MAX_ASYMMETRIC_ORDER] {
        let symmetric = Hermite::new([order; 3]).unwrap();
        let asymmetric = symmetric.clone().with_weight(Weight::Asymmetric).unwrap();
        let (a, b) = (l2(&symmetric, &vdf), l2(&asymmetric, &vdf));
        assert!((a - b).abs() < 0.01 * a + 1e-5, "order {order}: {a} {b}");
    }
}

#[test]
fn thin_grids_have_their_cells_along_the_frames_axes() {
    let line = Vdf::from_fn(VelocityGrid::unit([1, 1, 31]).unwrap(), |[_, _, z]| {
        (-0.02 * (z - 11.0).powi(2)).exp() + 0.5 * (-0.05 * (z - 22.0).powi(2)).exp()
    })
    .unwrap();
    for field in [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] {
        let basis = Hermite::new([12; 3]).unwrap().with_orientation(Orientation::FieldAligned(field)).unwrap();
        assert!(l2(&basis, &line) < 0.01, "{field:?}: {}", l2(&basis, &line));
    }
}

#[test]
fn a_search_in_a_rotated_frame_is_no_worse_than_none() {
    let axes = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
    let tilted = Frame::along(axes, [1e5, 0.0, -1e5], [4e5, 1.5e5, 2.5e5]).unwrap();
    let vdf = along(roomy(), &tilted, |[x, y, z]| (-0.5 * (x * x + y * y + z * z)).exp());
    let searched = Hermite::new([4; 3]).unwrap().with_orientation(Orientation::PressureEigenframe).unwrap();
    assert!(l2(&searched, &vdf) < 1e-8, "{}", l2(&searched, &vdf));
}

#[test]
fn rounding_changes_the_distribution_as_little_as_the_step_where_the_box_cuts_it_too() {
    let grid = VelocityGrid::from_edges([18, 20, 17], [-1e5, -5e5, -4e5], [6e5, 3e5, 4e5]).unwrap();
    let vdf = along(grid, &frame(), skewed);
    let norm = |left: &Vdf, right: &Vdf| {
        left.as_slice().iter().zip(right.as_slice()).map(|(f, g)| (f - g).powi(2)).sum::<f64>().sqrt()
    };
    let size = norm(&vdf, &Vdf::zeros(grid));
    for weight in [Weight::Symmetric, Weight::Asymmetric] {
        for truncation in [Truncation::Cube, Truncation::TotalDegree] {
            let basis = Hermite::new([9, 8, 7]).unwrap().with_weight(weight).unwrap();
            let basis = basis.with_truncation(truncation).unwrap();
            let found = basis.encode(&vdf).unwrap();
            let decoded = |c: &HermiteCoefficients| basis.reconstruct(c, &grid).unwrap();
            for step in [1e-2, 1e-4].map(|part| part * size) {
                let resolution = Resolution::Step(step);
                let rounded = basis.rounded(&found, &vdf, resolution).unwrap();
                assert_eq!(basis.rounded(&rounded, &vdf, resolution).unwrap(), rounded);
                // Half a step from the nearest, hardly more from the cheapest; the frame is another, too.
                let lost = norm(&decoded(&rounded), &decoded(&found));
                let terms = found.amplitudes.len() as f64;
                assert!(lost < 0.6 * step * terms.sqrt(), "{weight:?} {truncation:?}: {} steps", lost / step);
                let [written, read] = coded(&basis, &rounded, &grid, resolution);
                assert!(written == rounded && read == rounded);
            }
        }
    }
}

#[test]
fn orthonormal_amplitudes_tell_the_same_distribution() {
    // The box cuts the functions so that the condition of R is beyond 10⁶.
    let grid = VelocityGrid::from_edges([18, 20, 17], [-1e5, -5e5, -4e5], [6e5, 3e5, 4e5]).unwrap();
    let cut = Frame::grid_aligned([1.0e5, -0.5e5, 0.7e5], [3.0e5, 3.4e5, 3.2e5]);
    let finer = VelocityGrid::from_edges([21, 23, 16], [-0.5e5, -5e5, -4e5], [5e5, 3e5, 3e5]).unwrap();
    let vdf = along(grid, &cut, skewed);
    for weight in [Weight::Symmetric, Weight::Asymmetric] {
        let basis = Hermite::new([7, 8, 6]).unwrap().with_weight(weight).unwrap().with_scaling(given(&cut)).unwrap();
        let found = basis.encode(&vdf).unwrap();
        let orthonormal = basis.orthonormal(&found, &grid).unwrap();
        // The norm is that of the cells.
        let squares = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>();
        assert_relative_eq!(squares(&orthonormal.amplitudes), squares(vdf.as_slice()), max_relative = 1e-12);
        for (on, tolerance) in [(grid, 1e-12), (finer, 1e-9)] {
            let back = |c: &HermiteCoefficients| basis.reconstruct(c, &on).unwrap();
            assert!(Fidelity::compare(&along(on, &cut, skewed), &back(&orthonormal)).unwrap().l2 < tolerance);
            close(&basis.moments(&orthonormal, &on).unwrap(), &back(&orthonormal).moments(), 1e-9);
        }
        close(&orthonormal.moments_over_velocity_space(), &found.moments_over_velocity_space(), 1e-7);
        let largest = found.terms().fold(0.0, |largest, (_, c)| f64::max(largest, c.abs()));
        for ((term, a), (other, b)) in found.terms().zip(orthonormal.terms()) {
            assert_eq!(term, other);
            assert!((a - b).abs() < 1e-7 * largest, "{weight:?} {term:?} {a} {b}");
        }
        // To the last bit, too; and nowhere but on the cells they are orthonormal on.
        let [_, read] = coded(&basis, &orthonormal, &grid, Resolution::Exact);
        assert_eq!(read, orthonormal);
        let refused = basis.code(&mut orthonormal.clone(), &finer, Resolution::Exact, &mut Coder::writing());
        assert!(matches!(refused, Err(Error::ForeignCoefficients(_))));
    }
}

#[test]
fn what_is_written_is_read_also_at_the_edge_of_independence() {
    // Wider and wider functions on one line of cells, until they are hardly independent there.
    let grid = VelocityGrid::unit([16, 1, 1]).unwrap();
    let vdf = Vdf::from_fn(grid, |[x, ..]| (-0.05 * (x - 6.0).powi(2)).exp() + 0.1).unwrap();
    for k in 0..2000 {
        let scales = [7.1 + 1e-4 * f64::from(k) / 3.0, 1.0, 1.0];
        let scaling = Scaling::Given { centre: [7.5, 0.0, 0.0], scales };
        let basis = Hermite::new([9, 1, 1]).unwrap().with_weight(Weight::Asymmetric).unwrap();
        let basis = basis.with_scaling(scaling).unwrap();
        let resolution = Resolution::Step(0.1);
        let rounded = basis.rounded(&basis.encode(&vdf).unwrap(), &vdf, resolution).unwrap();
        let [_, read] = coded(&basis, &rounded, &grid, resolution);
        assert_eq!(read, rounded, "{scales:?}");
    }
}

#[test]
fn fine_steps_reach_small_errors_in_a_frame_of_single_precision() {
    let frame = Frame::grid_aligned([1.0e5 / 3.0, -0.5e5 / 7.0, 0.7e5 / 9.0], [2.1e5 / 1.1, 2.4e5 / 1.1, 2.6e5 / 1.1]);
    let vdf = along(roomy(), &frame, skewed);
    let basis = Hermite::new([6; 3]).unwrap().with_scaling(given(&frame)).unwrap();
    let norm = vdf.as_slice().iter().map(|f| f * f).sum::<f64>().sqrt();
    let found = basis.encode(&vdf).unwrap();
    let rounded = basis.rounded(&found, &vdf, Resolution::Step(1e-11 * norm)).unwrap();
    assert!(rounded.frame != found.frame);
    let l2 = Fidelity::compare(&vdf, &basis.reconstruct(&rounded, vdf.grid()).unwrap()).unwrap().l2;
    assert!(l2 < 1e-9, "{l2}");
}
