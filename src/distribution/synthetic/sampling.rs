//! Sampling of a formula on the cells of a grid.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use special::Error as ErrorFunction;

use super::{Component, Synthetic, invalid};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// Meaning of the value of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum CellValue {
    /// The phase-space density at the centre of the cell.
    #[default]
    Centre,
    /// The mean over the cell, as finite-volume codes store it: exact, by differences of error functions, for
    /// Maxwellians and for bi-Maxwellians along an axis of the grid, by Gauss-Legendre quadrature for all else.
    Average {
        /// Quadrature points along each axis, 1 to 32: exact for polynomials of degree 2·`points` − 1.
        points: usize,
    },
}

/// Reproducible noise, as a solver leaves it: in proportion to the value, and as a ripple about it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Noise {
    /// Largest relative error of a cell, 0 to 1.
    pub relative: f64,
    /// Largest ripple, as a fraction (0 to 1) of the largest value. Where the distribution is smaller than the ripple,
    /// values turn negative.
    pub ripple: f64,
    /// Seed of the uniformly distributed errors.
    pub seed: u64,
}

/// Settings of sampling. The default takes values at the centres, without threshold and noise.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sampling {
    /// Value at the centre, or average over the cell.
    pub value: CellValue,
    /// Sparsity threshold [s³ m⁻⁶]: cells below it are exactly zero, as outside the blocks that Vlasiator stores. Noise
    /// neither enters this choice nor the empty cells.
    pub threshold: Option<f64>,
    /// Noise on the cells that are kept.
    pub noise: Option<Noise>,
}

const MAX_POINTS: usize = 32;

impl Sampling {
    fn check(&self) -> Result<()> {
        if let CellValue::Average { points } = self.value
            && !(1..=MAX_POINTS).contains(&points)
        {
            return Err(invalid("points", points, format!("1 to {MAX_POINTS} points an axis")));
        }
        if let Some(threshold) = self.threshold
            && !(threshold >= 0.0 && threshold.is_finite())
        {
            return Err(invalid("threshold", threshold, "a phase-space density of at least 0"));
        }
        let Noise { relative, ripple, .. } = self.noise.unwrap_or_default();
        for (name, fraction) in [("relative", relative), ("ripple", ripple)] {
            if !(0.0..=1.0).contains(&fraction) {
                return Err(invalid(name, fraction, "a fraction from 0 to 1"));
            }
        }
        Ok(())
    }
}

impl Synthetic {
    /// The distribution on a grid.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a sampling out of its ranges.
    pub fn sample(&self, grid: &VelocityGrid, sampling: Sampling) -> Result<Vdf> {
        sampling.check()?;
        let mut values = vec![0.0; grid.cells()];
        for component in self.components() {
            match (sampling.value, component.separable_widths()) {
                (CellValue::Centre, _) => add_by_quadrature(component, grid, &[(0.0, 1.0)], &mut values),
                (CellValue::Average { .. }, Some(widths)) => add_gaussian(component, grid, widths, &mut values),
                (CellValue::Average { points }, None) => {
                    add_by_quadrature(component, grid, &gauss_legendre(points), &mut values);
                }
            }
        }
        let kept = |value: f64| sampling.threshold.is_none_or(|threshold| value >= threshold);
        if let Some(Noise { relative, ripple, seed }) = sampling.noise {
            let ripple = ripple * values.iter().fold(0.0, |peak, &value| f64::max(peak, value));
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut error = || rng.random_range(-1.0..1.0);
            for value in &mut values {
                // Drawn for empty cells too: a cell's noise does not depend on the threshold.
                let (factor, shift) = (1.0 + relative * error(), ripple * error());
                *value = if kept(*value) { *value * factor + shift } else { 0.0 };
            }
        } else {
            values.iter_mut().filter(|value| !kept(**value)).for_each(|value| *value = 0.0);
        }
        Vdf::from_vec(*grid, values)
    }
}

/// Adds the mean of a component over each cell; `rule` holds offsets from the centre in cell widths, and weights.
fn add_by_quadrature(component: &Component, grid: &VelocityGrid, rule: &[(f64, f64)], values: &mut [f64]) {
    let spacing = grid.spacing();
    let axes: [Vec<f64>; 3] = std::array::from_fn(|axis| grid.centres(axis));
    let nodes: Vec<([f64; 3], f64)> = rule
        .iter()
        .flat_map(|x| rule.iter().flat_map(move |y| rule.iter().map(move |z| [*x, *y, *z])))
        .map(|node| (std::array::from_fn(|i| node[i].0 * spacing[i]), node.iter().map(|n| n.1).product()))
        .collect();
    let mut values = values.iter_mut();
    for x in &axes[0] {
        for y in &axes[1] {
            for (z, value) in axes[2].iter().zip(&mut values) {
                *value += nodes
                    .iter()
                    .map(|([dx, dy, dz], weight)| weight * component.evaluate([x + dx, y + dy, z + dz]))
                    .sum::<f64>();
            }
        }
    }
}

/// Adds the exact cell means of a Gaussian that is a product over the grid's axes.
fn add_gaussian(component: &Component, grid: &VelocityGrid, widths: [f64; 3], values: &mut [f64]) {
    let means: [Vec<f64>; 3] = std::array::from_fn(|axis| {
        let (half, scale) = (0.5 * grid.spacing()[axis], FRAC_1_SQRT_2 / widths[axis]);
        let mean = |centre: f64| {
            let w = centre - component.drift()[axis];
            0.5 * erf_difference((w - half) * scale, (w + half) * scale) / grid.spacing()[axis]
        };
        grid.centres(axis).into_iter().map(mean).collect()
    });
    let mut values = values.iter_mut();
    for x in &means[0] {
        for y in &means[1] {
            let factor = component.density() * x * y;
            for (z, value) in means[2].iter().zip(&mut values) {
                *value += factor * z;
            }
        }
    }
}

/// erf b − erf a for a < b, with its relative accuracy kept in the tails.
fn erf_difference(a: f64, b: f64) -> f64 {
    let erfc = ErrorFunction::compl_error;
    match (a > 0.0, b < 0.0) {
        (true, _) => erfc(a) - erfc(b),
        (_, true) => erfc(-b) - erfc(-a),
        _ => b.error() - a.error(),
    }
}

/// Gauss-Legendre nodes on (−½, ½) and weights that add up to 1, by Newton's method on the Legendre recurrence.
fn gauss_legendre(points: usize) -> Vec<(f64, f64)> {
    let n = points as f64;
    (0..points)
        .map(|k| {
            let mut x = (PI * (k as f64 + 0.75) / (n + 0.5)).cos();
            let mut slope = 1.0;
            // Quadratic convergence from a start this good: five steps are two more than 32 points need.
            for _ in 0..5 {
                let (mut previous, mut p) = (1.0, x);
                for degree in 2..=points {
                    let d = degree as f64;
                    (previous, p) = (p, ((2.0 * d - 1.0) * x * p - (d - 1.0) * previous) / d);
                }
                slope = n * (previous - x * p) / (1.0 - x * x);
                x -= p / slope;
            }
            (0.5 * x, 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;
    use approx::assert_relative_eq;

    fn grid() -> VelocityGrid {
        VelocityGrid::new([9, 7, 8], [-4.0, -3.5, -2.5], [0.9, 1.1, 0.7]).unwrap()
    }

    fn average(points: usize) -> Sampling {
        Sampling { value: CellValue::Average { points }, ..Sampling::default() }
    }

    fn maxwellian() -> Synthetic {
        Synthetic::single(2.0, [0.2, -0.3, 0.5], Shape::Maxwellian { v_th: 1.0 }).unwrap()
    }

    #[test]
    fn gauss_legendre_integrates_polynomials_exactly() {
        for points in 1..=MAX_POINTS {
            let rule = gauss_legendre(points);
            for degree in 0..2 * points as i32 {
                let exact = if degree % 2 == 0 { 0.5f64.powi(degree) / f64::from(degree + 1) } else { 0.0 };
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(degree)).sum();
                assert_relative_eq!(sum, exact, max_relative = 1e-11, epsilon = 1e-15);
            }
        }
    }

    #[test]
    fn centres_are_the_formula_at_the_centres() {
        let vdf = maxwellian().sample(&grid(), Sampling::default()).unwrap();
        let centre = [grid().centre(0, 3), grid().centre(1, 5), grid().centre(2, 7)];
        assert_eq!(vdf.values()[(3, 5, 7)], maxwellian().evaluate(centre));
    }

    #[test]
    fn means_of_gaussians_are_exact() {
        let field = [0.0, -3.0, 0.0];
        let along_y =
            Synthetic::single(1.0, [0.1, 0.2, 0.3], Shape::BiMaxwellian { v_th_par: 0.6, v_th_perp: 1.2, field });
        for distribution in [maxwellian(), along_y.unwrap()] {
            let component = distribution.components()[0];
            let exact = distribution.sample(&grid(), average(1)).unwrap();
            let mut quadrature = vec![0.0; grid().cells()];
            add_by_quadrature(&component, &grid(), &gauss_legendre(12), &mut quadrature);
            for (exact, quadrature) in exact.as_slice().iter().zip(quadrature) {
                assert_relative_eq!(*exact, quadrature, epsilon = 0.0, max_relative = 1e-11);
            }
        }
    }

    #[test]
    fn means_over_cells_are_sums_over_subcells() {
        let field = [1.0, 2.0, -2.0];
        let shape = Shape::Ring { speed: 2.0, width: 0.5, v_th_par: 0.8, field };
        let ring = Synthetic::single(1.0, [0.2, 0.0, 0.1], shape).unwrap();
        let mean = ring.sample(&grid(), average(6)).unwrap();
        const PARTS: usize = 8;
        let fine = VelocityGrid::new(
            grid().shape().map(|n| n * PARTS),
            grid().lower(),
            grid().spacing().map(|h| h / PARTS as f64),
        )
        .unwrap();
        let fine = ring.sample(&fine, average(2)).unwrap();
        for (mean, parts) in mean.as_slice().iter().zip(fine.values().exact_chunks([PARTS; 3])) {
            assert_relative_eq!(*mean, parts.mean().unwrap(), max_relative = 1e-3, epsilon = 1e-8);
        }
    }

    #[test]
    fn the_far_tail_of_a_mean_keeps_its_digits() {
        let grid = VelocityGrid::new([1, 1, 1], [20.0, -0.5, -0.5], [1e-3, 1.0, 1.0]).unwrap();
        let origin = Synthetic::single(1.0, [0.0; 3], Shape::Maxwellian { v_th: 1.0 }).unwrap();
        let mirrored = VelocityGrid::new([1, 1, 1], [-20.0 - 1e-3, -0.5, -0.5], [1e-3, 1.0, 1.0]).unwrap();
        let [right, left] = [grid, mirrored].map(|grid| origin.sample(&grid, average(1)).unwrap().as_slice()[0]);
        let mut quadrature = [0.0];
        add_by_quadrature(&origin.components()[0], &grid, &gauss_legendre(8), &mut quadrature);
        assert_relative_eq!(right, quadrature[0], epsilon = 0.0, max_relative = 1e-10);
        assert_relative_eq!(right, left, epsilon = 0.0, max_relative = 1e-10);
    }

    #[test]
    fn below_the_threshold_cells_are_exactly_zero() {
        let (distribution, threshold) = (maxwellian(), 1e-3);
        let full = distribution.sample(&grid(), Sampling::default()).unwrap();
        let noise = Some(Noise { relative: 0.01, ripple: 1e-6, seed: 3 });
        for noise in [None, noise] {
            let sampling = Sampling { threshold: Some(threshold), noise, ..Sampling::default() };
            let sparse = distribution.sample(&grid(), sampling).unwrap();
            let zeros = sparse.as_slice().iter().filter(|value| **value == 0.0).count();
            assert!(zeros > 50 && zeros < 450, "{zeros} of {} cells are empty", grid().cells());
            for (full, sparse) in full.as_slice().iter().zip(sparse.as_slice()) {
                assert_eq!(*sparse == 0.0, *full < threshold);
                assert!(noise.is_some() || *sparse == 0.0 || sparse == full);
            }
        }
    }

    #[test]
    fn noise_is_bounded_negative_in_places_and_reproducible() {
        let clean = maxwellian().sample(&grid(), Sampling::default()).unwrap();
        let noisy = |seed| {
            let noise = Some(Noise { relative: 0.05, ripple: 1e-3, seed });
            maxwellian().sample(&grid(), Sampling { noise, ..Sampling::default() }).unwrap()
        };
        let first = noisy(1);
        for (clean_value, value) in clean.as_slice().iter().zip(first.as_slice()) {
            assert!((value - clean_value).abs() <= 0.05 * clean_value + 1e-3 * clean.peak());
        }
        assert!(first.as_slice().iter().any(|value| *value < 0.0));
        assert_eq!(first, noisy(1));
        assert_ne!(first, noisy(2));
    }

    #[test]
    fn samplings_out_of_range_are_refused() {
        let refused = |sampling| maxwellian().sample(&grid(), sampling).unwrap_err().to_string();
        assert!(refused(average(0)).starts_with("points = 0"));
        assert!(refused(average(33)).starts_with("points = 33"));
        for threshold in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(
                refused(Sampling { threshold: Some(threshold), ..Sampling::default() }).starts_with("threshold = ")
            );
        }
        let noise = Some(Noise { ripple: f64::NAN, ..Noise::default() });
        assert!(refused(Sampling { noise, ..Sampling::default() }).starts_with("ripple = NaN"));
    }
}
