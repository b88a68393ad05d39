use super::*;
use crate::basis::Coefficients;
use crate::distribution::fidelity::Fidelity;
use crate::distribution::moments::Moments;

mod boxes;

fn l2<B: Basis>(basis: &B, vdf: &Vdf) -> f64 {
    let back = basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap();
    Fidelity::compare(vdf, &back).unwrap().l2
}

/// Of unequal widths along axes that are not the grid's, off the middle, and cut by the box.
fn skewed([x, y, z]: [f64; 3]) -> f64 {
    let (a, b, c) = (0.8 * (x - 0.4) + 0.6 * (y + 0.3), 0.8 * (y + 0.3) - 0.6 * (x - 0.4), z - 0.2);
    (-0.5 * (a * a / 0.36 + b * b / 0.16 + c * c / 0.25)).exp() * (1.0 + 0.4 * a * b + 0.3 * c)
}

fn grid(shape: [usize; 3]) -> VelocityGrid {
    VelocityGrid::from_edges(shape, [-1.2, -1.5, -1.0], [1.6, 1.0, 1.5]).unwrap()
}

/// The largest error of density, bulk velocity and pressure, each in its own measure.
fn moment_errors(vdf: &Vdf, back: &Vdf) -> f64 {
    let f = Fidelity::compare(vdf, back).unwrap();
    f.density.max(f.bulk_velocity).max(f.pressure)
}

/// B with columns of norm one, its right singular vectors and its singular values, and the norms: by a dense
/// decomposition of what `reconstruct` makes of single coefficients.
fn singular_values(
    basis: &Spherical,
    template: &SphericalCoefficients,
    grid: &VelocityGrid,
) -> (faer::Mat<f64>, Vec<f64>, Vec<f64>) {
    let n = template.amplitudes.len();
    let mut b = faer::Mat::zeros(grid.cells(), n);
    let mut one = template.clone();
    let mut norms = vec![0.0; n];
    for (k, column) in b.col_iter_mut().enumerate() {
        one.amplitudes.fill(0.0);
        one.amplitudes[k] = 1.0;
        let values = basis.reconstruct(&one, grid).unwrap();
        norms[k] = norm(values.as_slice());
        column.iter_mut().zip(values.as_slice()).for_each(|(b, f)| *b = f / f64::max(norms[k], f64::MIN_POSITIVE));
    }
    let svd = b.qr().thin_R().svd().unwrap();
    (svd.V().to_owned(), svd.S().column_vector().iter().copied().collect(), norms)
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|f| f * f).sum::<f64>().sqrt()
}

/// Every Y_lm up to degree 10 times a spline of the radius comes back: its values to 1e-10, and its coefficients to
/// 1e-10 along every right singular vector of B of which values rounded to f64 say so much. Returns how many of the
/// functions' own coefficients come back to 1e-10, how many of them rounding once would not move so far, and of how
/// many.
///
/// Along a vector with the singular value σ values that are off by δ move the coefficients by δ/σ: nothing else is
/// excused.
fn single_functions_come_back(centre: [f64; 3]) -> [usize; 3] {
    const BAR: f64 = 1e-10;
    /// Of a value: the recurrence of the harmonics, and a sum of 484.
    const ROUNDING: f64 = 64.0 * f64::EPSILON;
    /// Twice the ridge: what moves the values by less than this, of the largest singular value, is not asked for.
    const UNSEEN: f64 = 2e-11;
    let grid = VelocityGrid::unit([14, 15, 13]).unwrap();
    let basis = Spherical::new(10, 16).unwrap().with_centre(Centre::Given(centre)).unwrap();
    let template = basis.encode(&Vdf::from_fn(grid, |_| 1.0).unwrap()).unwrap();
    let (vectors, values, norms) = singular_values(&basis, &template, &grid);
    let [mut back_to_bar, mut determined, mut all] = [0; 3];
    let mut worst: f64 = 0.0;
    for position in 0..count(10) {
        let (l, m) = harmonics::degree_and_order(position);
        // A shell that has all degrees.
        let shell = 9 + position % 3;
        let start: u32 = template.sizes[..shell].iter().sum();
        let own = start as usize + position;
        let mut c = template.clone();
        c.amplitudes.fill(0.0);
        c.amplitudes[own] = 1.0;
        if norms[own] == 0.0 {
            continue;
        }
        let vdf = basis.reconstruct(&c, &grid).unwrap();
        let found = basis.encode(&vdf).unwrap();
        let error = Fidelity::compare(&vdf, &basis.reconstruct(&found, &grid).unwrap()).unwrap().l2;
        assert!(error < BAR, "l = {l}, m = {m} about {centre:?}: {error:e}");
        let off = |k: usize| (found.amplitudes[k] - c.amplitudes[k]) * norms[k] / norms[own];
        let off = faer::Mat::from_fn(norms.len(), 1, |k, _| off(k));
        let along = vectors.transpose() * &off;
        for (i, sigma) in values.iter().enumerate().filter(|(_, sigma)| **sigma > UNSEEN * values[0]) {
            let error = along[(i, 0)].abs();
            assert!(error < f64::max(BAR, ROUNDING / sigma), "{l} {m} about {centre:?}: {error:e} along σ = {sigma:e}");
        }
        let moves: f64 = (0..values.len()).map(|i| (vectors[(own, i)] / values[i].max(f64::EPSILON)).powi(2)).sum();
        all += 1;
        worst = worst.max(off[(own, 0)].abs());
        back_to_bar += usize::from(off[(own, 0)].abs() < BAR);
        determined += usize::from(f64::EPSILON * moves.sqrt() < BAR);
    }
    println!(
        "{centre:?}: of {all} coefficients {back_to_bar} come back to {BAR:e} (worst {worst:.1e}), {determined} are determined so far"
    );
    assert!(back_to_bar >= determined, "{back_to_bar} of {determined} about {centre:?}");
    [back_to_bar, determined, all]
}

#[test]
fn single_functions_come_back_about_the_middle() {
    assert_eq!(single_functions_come_back([6.5, 7.0, 6.0]), [121; 3]);
}

#[test]
fn single_functions_come_back_about_another_point() {
    assert_eq!(single_functions_come_back([4.3, 9.1, 5.7])[2], 121);
}

#[test]
fn single_functions_come_back_about_a_point_on_a_face() {
    assert_eq!(single_functions_come_back([-0.5, 7.2, 6.0])[2], 121);
}

#[test]
fn single_functions_come_back_about_a_point_near_an_edge() {
    assert_eq!(single_functions_come_back([0.2, 13.9, 6.3])[2], 121);
}

#[test]
fn single_functions_come_back_about_a_point_in_a_corner() {
    assert_eq!(single_functions_come_back([0.1, 14.2, 12.3])[2], 121);
}

#[test]
fn single_functions_come_back_inside_a_radius_whatever_lies_outside() {
    let grid = VelocityGrid::unit([14, 15, 13]).unwrap();
    let basis = Spherical::new(6, 9).unwrap().with_centre(Centre::Given([6.2, 7.1, 6.3])).unwrap();
    let basis = basis.with_radius(5.5).unwrap();
    let mut c = basis.encode(&Vdf::from_fn(grid, |_| 1.0).unwrap()).unwrap();
    c.amplitudes.iter_mut().enumerate().for_each(|(k, a)| *a = (k as f64).sin());
    let inside = basis.reconstruct(&c, &grid).unwrap();
    let [inside_alone, with_more] = [0.0, 3.0].map(|outside| {
        let beyond = |(x, y, z): (usize, usize, usize)| {
            (x as f64 - 6.2).powi(2) + (y as f64 - 7.1).powi(2) + (z as f64 - 6.3).powi(2) > 5.5 * 5.5
        };
        let mut values = inside.values().to_owned();
        values.indexed_iter_mut().filter(|(cell, _)| beyond(*cell)).for_each(|(_, f)| *f += outside);
        basis.encode(&Vdf::new(grid, values).unwrap()).unwrap()
    });
    let worst = inside_alone.amplitudes.iter().zip(&with_more.amplitudes).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-10);
}

#[test]
fn joint_least_squares_keeps_density_bulk_velocity_and_pressure() {
    let tall = VelocityGrid::from_edges([11, 24, 17], [-1.2, -1.5, -1.0], [1.6, 1.0, 1.5]).unwrap();
    for grid in [grid([20, 19, 21]), tall] {
        let vdf = Vdf::from_fn(grid, skewed).unwrap();
        for degree in [2, 3, 7] {
            let basis = Spherical::new(degree, 14).unwrap();
            for basis in [
                basis.clone(),
                basis.clone().with_placing(Shells::Placed),
                basis.clone().with_centre(Centre::Given([0.9, -1.1, 0.3])).unwrap(),
                basis.clone().with_centre(Centre::Searched).unwrap(),
                basis.with_polar_axis([1.0, -0.4, 0.3]).unwrap(),
            ] {
                let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap();
                let error = moment_errors(&vdf, &back);
                assert!(error < 1e-10, "{basis}: {error:e}");
            }
        }
        // Without v v in the span the pressure is not.
        let basis = Spherical::new(1, 14).unwrap();
        let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap();
        assert!(moment_errors(&vdf, &back) > 1e-3);
    }
}

#[test]
fn the_joint_solution_is_the_least_squares() {
    // The residual is orthogonal to every function that the cells see well.
    let vdf = Vdf::from_fn(grid([13, 12, 14]), skewed).unwrap();
    let basis = Spherical::new(4, 9).unwrap();
    let c = basis.encode(&vdf).unwrap();
    let back = basis.reconstruct(&c, vdf.grid()).unwrap();
    let left: Vec<f64> = vdf.as_slice().iter().zip(back.as_slice()).map(|(f, g)| f - g).collect();
    for k in (0..c.amplitudes.len()).step_by(5) {
        let mut one = c.clone();
        one.amplitudes.fill(0.0);
        one.amplitudes[k] = 1.0;
        let function = basis.reconstruct(&one, vdf.grid()).unwrap();
        let product: f64 = function.as_slice().iter().zip(&left).map(|(b, r)| b * r).sum();
        let norm: f64 = function.as_slice().iter().map(|b| b * b).sum::<f64>().sqrt();
        assert!(product.abs() < 1e-6 * norm, "{k}: {product:e} of {norm}");
    }
}

/// Exact f_lm of a displaced anisotropic Gaussian, and the mean error of the extraction at one resolution.
fn misner_errors(cells: usize, misner: Misner) -> f64 {
    let gaussian = |[x, y, z]: [f64; 3]| {
        let (x, y, z) = (x - 0.15, y + 0.1, z - 0.05);
        (-0.5 * (x * x / 0.16 + y * y / 0.2 + z * z / 0.3)).exp()
    };
    let grid = VelocityGrid::from_edges([cells; 3], [-1.6; 3], [1.6; 3]).unwrap();
    let vdf = Vdf::from_fn(grid, gaussian).unwrap();
    // A centre that no symmetry of the grid helps.
    let centre = [0.013, -0.021, 0.008];
    // Degrees high enough that what lies beyond them does not come back as an alias.
    let basis = Spherical::new(12, 50)
        .and_then(|basis| basis.with_method(Method::Misner(misner)))
        .and_then(|basis| basis.with_centre(Centre::Given(centre)))
        .unwrap();
    let radii = [0.55, 0.7, 0.85];
    let found = basis.extract(&vdf, &radii).unwrap();
    let sphere = sphere::Sphere::exact_to(60);
    let values = Harmonics::new(4).evaluate(sphere.directions());
    let nodes = sphere.directions().len();
    let (mut squares, mut norm) = (0.0, 0.0);
    for (radius, found) in radii.iter().zip(&found) {
        for (position, found) in found.iter().enumerate().take(count(4)) {
            let exact: f64 = (0..nodes)
                .map(|k| {
                    let direction = sphere.directions()[k];
                    let v = std::array::from_fn(|axis| centre[axis] + radius * direction[axis]);
                    sphere.weights()[k] * values[position * nodes + k] * gaussian(v)
                })
                .sum();
            squares += (found - exact).powi(2);
            norm += exact * exact;
        }
    }
    (squares / norm).sqrt()
}

#[test]
fn misner_converges_with_the_order_that_the_paper_gives() {
    let cells = [24, 36, 54, 81];
    for (order, half_width, expected) in [(0, 1.0, 2.0), (2, 1.0, 4.0), (4, 1.5, 4.0)] {
        let errors = cells.map(|cells| misner_errors(cells, Misner { order, half_width, ..Misner::default() }));
        let rates: Vec<f64> = errors.windows(2).map(|pair| (pair[0] / pair[1]).ln() / 1.5f64.ln()).collect();
        let errors_text = errors.map(|error| format!("{error:.2e}")).join(", ");
        println!("N = {order}, half-width {half_width} cells: errors {errors_text}; orders {rates:.2?}");
        let overall = (errors[0] / errors[3]).ln() / 3.375f64.ln();
        assert!(overall > expected - 0.3, "N = {order}: {errors:?}");
        assert!(order > 0 || overall < expected + 0.4, "{errors:?}");
    }
}

fn assert_moments_agree(a: &Moments, b: &Moments, tolerance: f64) {
    let (n, v) = (b.density, b.thermal_speed());
    assert!((a.density / n - 1.0).abs() < tolerance, "{} {}", a.density, n);
    for i in 0..3 {
        assert!((a.bulk_velocity[i] - b.bulk_velocity[i]).abs() < tolerance * v, "{a:?} {b:?}");
        assert!((a.heat_flux[i] - b.heat_flux[i]).abs() < tolerance * n * v.powi(3), "{a:?} {b:?}");
        for j in 0..3 {
            assert!((a.pressure[i][j] - b.pressure[i][j]).abs() < tolerance * n * v * v, "{a:?} {b:?}");
        }
    }
}

#[test]
fn closed_form_moments_are_those_of_the_distribution() {
    let grid = VelocityGrid::from_edges([36; 3], [-3.6; 3], [3.6; 3]).unwrap();
    let vdf = Vdf::from_fn(grid, skewed).unwrap();
    for (basis, tolerance) in [
        (Spherical::new(6, 26).unwrap(), 2e-3),
        (Spherical::new(6, 26).unwrap().with_polar_axis([0.3, -1.0, 0.5]).unwrap(), 2e-3),
        (Spherical::new(6, 36).unwrap().with_method(Method::Misner(Misner::default())).unwrap(), 2e-2),
    ] {
        // Spheres inside the box: what an expansion is where it has no cells says nothing.
        let basis = basis.with_radius(3.2).unwrap();
        let c = basis.encode(&vdf).unwrap();
        assert_moments_agree(&c.moments_over_velocity_space(), &vdf.moments(), tolerance);
    }
    // Of Burnett's functions sums over cells and integrals agree to rounding.
    for axis in [None, Some([0.3, -1.0, 0.5])] {
        let basis = Spherical::new(8, 26).unwrap().with_method(Method::Burnett(None)).unwrap();
        let basis = axis.map_or_else(|| basis.clone(), |axis| basis.clone().with_polar_axis(axis).unwrap());
        let c = basis.encode(&vdf).unwrap();
        let sums = basis.moments(&c, &grid).unwrap();
        assert_moments_agree(&c.moments_over_velocity_space(), &sums, 1e-6);
    }
}

#[test]
fn turning_the_distribution_or_the_axis_leaves_the_power_of_each_degree() {
    let grid = VelocityGrid::from_edges([30; 3], [-2.6; 3], [2.6; 3]).unwrap();
    let vdf = Vdf::from_fn(grid, skewed).unwrap();
    let turned = Vdf::from_fn(grid, |[x, y, z]| skewed([y, -x, z])).unwrap();
    let centre = Centre::Given([0.0; 3]);
    for method in [Method::Joint, Method::Misner(Misner::default()), Method::Burnett(Some(0.45))] {
        let basis = Spherical::new(5, 14)
            .and_then(|basis| basis.with_method(method))
            .and_then(|basis| basis.with_radius(2.4))
            .and_then(|basis| basis.with_centre(centre))
            .unwrap();
        let tilted = basis.clone().with_polar_axis([1.0, 2.0, -0.5]).unwrap();
        let spectrum = |basis: &Spherical, vdf: &Vdf| basis.encode(vdf).unwrap().spectrum();
        let reference = spectrum(&basis, &vdf);
        let total: f64 = reference.degree.iter().sum();
        assert!((reference.order.iter().sum::<f64>() / total - 1.0).abs() < 1e-12);
        for (other, tolerance) in [(spectrum(&basis, &turned), 1e-9), (spectrum(&tilted, &vdf), 1e-3)] {
            for l in 0..=5 {
                let difference = (other.degree[l] - reference.degree[l]).abs();
                assert!(difference < tolerance * total, "{method:?} {l}: {difference:e} of {total:e}");
            }
        }
    }
}

#[test]
fn burnett_amplitudes_hold_the_norm() {
    let grid = VelocityGrid::from_edges([30; 3], [-3.0; 3], [3.0; 3]).unwrap();
    let vdf = Vdf::from_fn(grid, skewed).unwrap();
    let basis = Spherical::new(9, 50).unwrap().with_method(Method::Burnett(Some(0.4))).unwrap();
    let c = basis.encode(&vdf).unwrap();
    let back = basis.reconstruct(&c, &grid).unwrap();
    let norm: f64 = back.as_slice().iter().map(|f| f * f).sum::<f64>() * grid.cell_volume();
    let spectrum = c.spectrum();
    assert!((spectrum.degree.iter().sum::<f64>() / norm - 1.0).abs() < 1e-6);
    let mut squares = 0.0;
    c.visit(&mut |slot, value| {
        if slot.quantity == crate::basis::Quantity::PhaseSpaceDensity {
            squares += value * value;
        }
    });
    assert!((squares * 0.4f64.powi(3) / norm - 1.0).abs() < 1e-6);
}

#[test]
fn the_polar_axis_along_the_field_makes_a_gyrotropic_distribution_one_of_m_0() {
    let grid = VelocityGrid::from_edges([30; 3], [-2.6; 3], [2.6; 3]).unwrap();
    let field = [2.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0];
    let vdf = Vdf::from_fn(grid, |v| {
        let along: f64 = (0..3).map(|k| field[k] * v[k]).sum();
        let squared: f64 = v.iter().map(|v| v * v).sum();
        (-0.5 * (along * along / 0.36 + (squared - along * along) / 0.16)).exp() * (1.2 + 0.3 * along)
    })
    .unwrap();
    let centre = Centre::Given([0.0; 3]);
    let about_z = Spherical::new(6, 16).and_then(|basis| basis.with_radius(2.5)).unwrap().with_centre(centre).unwrap();
    let about_field = about_z.clone().with_polar_axis(field).unwrap();
    let gyrotropy = |basis: &Spherical| basis.encode(&vdf).unwrap().spectrum().gyrotropy();
    assert!(gyrotropy(&about_field) > 1.0 - 1e-4 && gyrotropy(&about_z) < 0.95, "{}", gyrotropy(&about_field));
    let anisotropy = about_field.encode(&vdf).unwrap().spectrum().anisotropy();
    assert!((0.05..0.9).contains(&anisotropy), "{anisotropy}");
}

#[test]
fn the_searched_centre_is_better_than_the_bulk_velocity() {
    // A core and a beam far away.
    let grid = VelocityGrid::unit([24, 20, 22]).unwrap();
    let vdf = Vdf::from_fn(grid, |[x, y, z]| {
        let core = (x - 8.0).powi(2) + (y - 9.0).powi(2) + (z - 10.0).powi(2);
        let beam = (x - 19.0).powi(2) + (y - 9.0).powi(2) + (z - 10.0).powi(2);
        (-core / 8.0).exp() + 0.4 * (-beam / 6.0).exp()
    })
    .unwrap();
    let basis = Spherical::new(3, 14).unwrap();
    let searched = basis.clone().with_centre(Centre::Searched).unwrap();
    assert!(l2(&searched, &vdf) < l2(&basis, &vdf), "{} {}", l2(&searched, &vdf), l2(&basis, &vdf));
}

#[test]
fn what_cannot_be_is_refused_with_what_could() {
    let refused = |result: Result<Spherical>| result.unwrap_err().to_string();
    assert!(refused(Spherical::new(33, 10)).contains("degree = 33"));
    assert!(refused(Spherical::new(10, 2)).contains("shells = 2"));
    assert!(refused(Spherical::new(32, 900)).contains("at most"));
    assert!(refused(Spherical::default().with_radius(-1.0)).contains("radius = -1"));
    assert!(refused(Spherical::default().with_centre(Centre::Given([f64::NAN; 3]))).contains("centre"));
    assert!(refused(Spherical::default().with_polar_axis([0.0; 3])).contains("field"));
    let thin = Misner { half_width: 0.0, ..Misner::default() };
    assert!(refused(Spherical::default().with_method(Method::Misner(thin))).contains("half-width = 0"));

    let vdf = Vdf::from_fn(grid([9, 10, 8]), skewed).unwrap();
    let outside = Spherical::new(3, 6).unwrap().with_centre(Centre::Given([9.0, 0.0, 0.0])).unwrap();
    let message = outside.encode(&vdf).unwrap_err().to_string();
    assert!(message.contains("outside the grid") && message.contains("-1.2"), "{message}");
    let message = Spherical::default().extract(&vdf, &[0.1, 50.0]).unwrap_err().to_string();
    assert!(message.contains("radius = 50"), "{message}");
    assert!(Spherical::default().encode(&Vdf::zeros(*vdf.grid())).is_err());
    let zero = Spherical::new(3, 6).unwrap().with_centre(Centre::Given([0.0; 3])).unwrap();
    let c = zero.encode(&Vdf::zeros(*vdf.grid())).unwrap();
    assert_eq!(zero.reconstruct(&c, vdf.grid()).unwrap().peak(), 0.0);
    // Joint coefficients are not Misner's.
    let other = zero.with_method(Method::Misner(Misner::default())).unwrap();
    assert!(matches!(other.reconstruct(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))));
}

#[test]
fn the_report_says_what_the_cells_cannot_tell_apart() {
    // In a plane of cells harmonics that are odd across it vanish.
    let plane = Vdf::from_fn(VelocityGrid::unit([15, 14, 1]).unwrap(), |[x, y, _]| {
        (-0.1 * ((x - 7.0).powi(2) + (y - 6.0).powi(2))).exp()
    })
    .unwrap();
    let (_, report) = Spherical::new(4, 8).unwrap().fit(&plane).unwrap();
    assert!(report.unresolved > report.functions / 3, "{report:?}");
    let (_, report) = Spherical::new(4, 8).unwrap().fit(&Vdf::from_fn(grid([16; 3]), skewed).unwrap()).unwrap();
    assert!(report.unresolved < report.functions / 10, "{report:?}");
    assert_eq!(report.degrees[..3], [Some(1), Some(2), Some(3)]);
    // A small radius leaves the cells beyond it at zero.
    let near = Spherical::new(4, 8).unwrap().with_radius(0.5).unwrap();
    let vdf = Vdf::from_fn(grid([16; 3]), skewed).unwrap();
    let back = near.reconstruct(&near.encode(&vdf).unwrap(), vdf.grid()).unwrap();
    assert_eq!(back.as_slice()[0], 0.0);
}
