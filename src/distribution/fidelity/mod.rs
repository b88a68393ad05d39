//! Fidelity of a reconstruction: one set of error measures for all bases.

mod reference;
mod storage;

use std::fmt;

pub(crate) use reference::{Reference, relative_l2};
pub use storage::StorageCost;

use super::grid::VelocityGrid;
use super::moments::Moments;
use super::physics::js_bits;
use super::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::{CompensatedSum, paired_sum};

/// Errors of a reconstruction g of an original distribution f, all dimensionless.
///
/// If the reference of an error vanishes (for a zero distribution), the error is 0 if the difference vanishes, too, and
/// infinite otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fidelity {
    /// Σ|f−g| / Σ|f|.
    pub l1: f64,
    /// ‖f−g‖ / ‖f‖. The norm is that of the *original*; with the reconstruction's, diverging reconstructions would
    /// have small errors.
    pub l2: f64,
    /// max|f−g| / max|f|.
    pub linf: f64,
    /// Root mean square over all cells of log₁₀ max(f, floor) − log₁₀ max(g, floor) \[dex\].
    pub log10_rms: f64,
    /// Largest |f−g| / f over the cells with f ≥ floor.
    pub relative: f64,
    /// Floor of `log10_rms` and `relative` [s³ m⁻⁶].
    pub log10_floor: f64,
    /// |n_g − n_f| / n_f.
    pub density: f64,
    /// |u_g − u_f| / v_th of f, which does not depend on the frame of reference.
    pub bulk_velocity: f64,
    /// Largest |u_g − u_f|_i / v_i, v_i the thermal speed of f along axis i, for cells or temperatures that differ by
    /// orders of magnitude between the axes. Each v_i is at least that of a density uniform in one cell.
    pub bulk_velocity_component: f64,
    /// ‖P_g − P_f‖ / ‖P_f‖, Frobenius norms of the pressure tensors.
    pub pressure: f64,
    /// Largest |P_g − P_f|_ij / (n v_i v_j): the error of each component relative to √(P_ii P_jj). The norms of
    /// `pressure` do not show errors of components that are small in the grid's units.
    pub pressure_component: f64,
    /// |q_g − q_f| / (n v_th³) of f.
    pub heat_flux: f64,
    /// Mass of the negative part of g, over n_f.
    pub negative_mass: f64,
    /// Jensen-Shannon divergence of the shapes of f and g in bits ([`Vdf::js_divergence`]), 0 to 1: cells below zero count as
    /// empty, densities do not enter. 1 where only one of the two has a positive cell.
    pub js_divergence: f64,
}

/// Floor of the logarithmic error in SI units [s³ m⁻⁶]: Vlasiator's usual sparsity threshold.
const SI_FLOOR: f64 = 1e-15;
/// Range of the peaks of space-plasma distributions in SI units; other peaks are taken for other units.
const SI_PEAKS: std::ops::RangeInclusive<f64> = 1e-14..=1e-7;
/// Floor in other units, as a fraction of the peak.
const RELATIVE_FLOOR: f64 = 1e-6;

impl Fidelity {
    /// Compares a reconstruction with its original, with the default floor ([`Fidelity::default_floor`]).
    ///
    /// # Errors
    /// [`Error::GridMismatch`] if the two live on different grids.
    pub fn compare(original: &Vdf, reconstruction: &Vdf) -> Result<Self> {
        Self::compare_above(original, reconstruction, Self::default_floor(original))
    }

    /// All errors by name, in the order of the fields, without the floor, which is a choice.
    ///
    /// ```
    /// # use vdf_basis::{Fidelity, Vdf, VelocityGrid};
    /// # let vdf = Vdf::from_fn(VelocityGrid::unit([3; 3])?, |[x, ..]| x)?;
    /// let errors = Fidelity::compare(&vdf, &vdf)?.errors();
    /// assert!(errors.into_iter().all(|(_, error)| error == 0.0));
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    #[must_use]
    pub fn errors(&self) -> Vec<(&'static str, f64)> {
        // Without `..`, so that no field is forgotten.
        let Self {
            l1,
            l2,
            linf,
            log10_rms,
            relative,
            log10_floor: _,
            density,
            bulk_velocity,
            bulk_velocity_component,
            pressure,
            pressure_component,
            heat_flux,
            negative_mass,
            js_divergence,
        } = *self;
        vec![
            ("l1", l1),
            ("l2", l2),
            ("linf", linf),
            ("log10_rms", log10_rms),
            ("relative", relative),
            ("density", density),
            ("bulk_velocity", bulk_velocity),
            ("bulk_velocity_component", bulk_velocity_component),
            ("pressure", pressure),
            ("pressure_component", pressure_component),
            ("heat_flux", heat_flux),
            ("negative_mass", negative_mass),
            ("js_divergence", js_divergence),
        ]
    }

    /// Default floor for `log10_rms` and `relative` [s³ m⁻⁶]: 1e-15 if the peak lies between 1e-14 and 1e-7, as it does for space
    /// plasmas in SI units, and 1e-6 of the peak otherwise.
    #[must_use]
    pub fn default_floor(original: &Vdf) -> f64 {
        let peak = original.peak();
        if SI_PEAKS.contains(&peak) {
            SI_FLOOR
        } else {
            (RELATIVE_FLOOR * peak).max(if peak > 0.0 { f64::MIN_POSITIVE } else { 0.0 })
        }
    }

    /// Compares a reconstruction with its original; densities below `floor` [s³ m⁻⁶] count as equal to it in
    /// `log10_rms`, and do not count in `relative`.
    ///
    /// # Errors
    /// [`Error::GridMismatch`] if the two live on different grids, [`Error::InvalidParameter`] if the floor is
    /// negative or not finite. A floor of zero is allowed only for an all-zero original.
    pub fn compare_above(original: &Vdf, reconstruction: &Vdf, floor: f64) -> Result<Self> {
        let others = Self::without_divergence(original, reconstruction, floor)?;
        Ok(Self { js_divergence: js_bits(original.as_slice(), reconstruction.as_slice()), ..others })
    }

    /// All figures but `js_divergence`, which is NaN: for searches, which compare often and need the others only.
    pub(crate) fn without_divergence(original: &Vdf, reconstruction: &Vdf, floor: f64) -> Result<Self> {
        if original.grid() != reconstruction.grid() {
            return Err(Error::GridMismatch {
                left: original.grid().to_string(),
                right: reconstruction.grid().to_string(),
            });
        }
        let peak = original.peak();
        if !(floor.is_finite() && (floor > 0.0 || floor == 0.0 && peak == 0.0)) {
            return Err(Error::parameter("floor", floor, "a positive phase-space density"));
        }
        let (f, g) = (original.as_slice(), reconstruction.as_slice());
        let row = original.grid().shape()[2];
        // Both are scaled by the same power of two, so that no square overflows or underflows.
        let factor = normalising_factor(f64::max(peak, reconstruction.peak()));
        let sum = |term: fn(f64, f64) -> f64| paired_sum(f, g, row, |f, g| term(f * factor, g * factor));
        let largest_difference = f.iter().zip(g).fold(0.0, |worst, (f, g)| f64::max(worst, (f - g).abs()));

        // Moments are those of the scaled values, because an energy density may overflow.
        let moments = |vdf: &Vdf| Moments::of_scaled(vdf.grid(), vdf.as_slice(), factor, |f| f);
        let (m, r) = (moments(original), moments(reconstruction));
        let MomentErrors { density, bulk_velocity, pressure, heat_flux } = MomentErrors::between(&m, &r);
        Ok(Self {
            l1: ratio(sum(|f, g| (f - g).abs()), sum(|f, _| f.abs())),
            l2: ratio(sum(|f, g| (f - g) * (f - g)).sqrt(), sum(|f, _| f * f).sqrt()),
            linf: ratio(largest_difference, peak),
            log10_rms: log10_rms(f, g, floor),
            relative: relative(f, g, floor),
            log10_floor: floor,
            density,
            bulk_velocity,
            bulk_velocity_component: velocity_component_error(&m, &r, original.grid()),
            pressure,
            pressure_component: pressure_component_error(&m, &r, original.grid()),
            heat_flux,
            negative_mass: ratio(sum(|_, g| f64::max(-g, 0.0)) * original.grid().cell_volume(), m.density.abs()),
            js_divergence: f64::NAN,
        })
    }
}

/// Ratio numerator / denominator; 0/0 counts as 0.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if numerator == 0.0 || numerator.is_nan() && denominator == 0.0 { 0.0 } else { numerator / denominator }
}

/// Errors of the moments, each as the field of [`Fidelity`] of the same name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MomentErrors {
    pub(crate) density: f64,
    pub(crate) bulk_velocity: f64,
    pub(crate) pressure: f64,
    pub(crate) heat_flux: f64,
}

impl MomentErrors {
    fn between(m: &Moments, r: &Moments) -> Self {
        let v_th = m.thermal_speed();
        let norm = |v: [f64; 3]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let drift = norm(std::array::from_fn(|i| r.bulk_velocity[i] - m.bulk_velocity[i]));
        // Divided by the thermal speed before it is squared.
        let heat = |i: usize| ratio((r.heat_flux[i] - m.heat_flux[i]) / m.density.abs(), v_th.powi(3));
        Self {
            density: ratio((r.density - m.density).abs(), m.density.abs()),
            bulk_velocity: ratio(drift, v_th),
            pressure: pressure_error(m, r),
            heat_flux: norm(std::array::from_fn(heat)),
        }
    }
}

fn pressure_error(original: &Moments, reconstruction: &Moments) -> f64 {
    let (p, r) = (original.pressure.as_flattened(), reconstruction.pressure.as_flattened());
    // Entries are divided by the largest one, so that the squares of pressures of 1e200 do not overflow.
    let scale = p.iter().chain(r).fold(0.0, |scale, p| f64::max(scale, p.abs()));
    if scale == 0.0 {
        return 0.0;
    }
    let norm = |entries: &mut dyn Iterator<Item = f64>| entries.map(|p| (p / scale).powi(2)).sum::<f64>().sqrt();
    ratio(norm(&mut p.iter().zip(r).map(|(p, r)| r - p)), norm(&mut p.iter().copied()))
}

/// Thermal speeds along the axes, at least the width of a cell over √12, that of a density uniform in one cell: the
/// thermal speed of a distribution in one plane of cells is zero.
fn resolved_speeds(moments: &Moments, grid: &VelocityGrid) -> [f64; 3] {
    let (speeds, spacing) = (moments.thermal_speeds(), grid.spacing());
    std::array::from_fn(|axis| speeds[axis].max(spacing[axis] / 12f64.sqrt()))
}

fn velocity_component_error(original: &Moments, reconstruction: &Moments, grid: &VelocityGrid) -> f64 {
    let speeds = resolved_speeds(original, grid);
    let error = |axis: usize| (reconstruction.bulk_velocity[axis] - original.bulk_velocity[axis]).abs() / speeds[axis];
    (0..3).map(error).fold(0.0, f64::max)
}

fn pressure_component_error(original: &Moments, reconstruction: &Moments, grid: &VelocityGrid) -> f64 {
    let speeds = resolved_speeds(original, grid);
    let error = |i: usize, j: usize| {
        let off = (reconstruction.pressure[i][j] - original.pressure[i][j]).abs();
        // Divided one after another, because the product may overflow.
        ratio(off / speeds[i] / speeds[j], original.density.abs())
    };
    (0..3).flat_map(|i| (i..3).map(move |j| (i, j))).map(|(i, j)| error(i, j)).fold(0.0, f64::max)
}

fn relative(f: &[f64], g: &[f64], floor: f64) -> f64 {
    let above = f.iter().zip(g).filter(|(f, _)| **f >= floor && **f > 0.0);
    above.fold(0.0, |worst, (f, g)| f64::max(worst, (f - g).abs() / f))
}

fn log10_rms(f: &[f64], g: &[f64], floor: f64) -> f64 {
    let mut sum = CompensatedSum::default();
    for (f, g) in f.iter().zip(g) {
        let (f, g) = (f.max(floor), g.max(floor));
        if f != g {
            // One logarithm of the quotient instead of two, unless the quotient overflows.
            let quotient = f / g;
            let dex = if quotient.is_normal() { quotient.log10() } else { f.log10() - g.log10() };
            sum.add(dex * dex);
        }
    }
    (sum.value() / f.len() as f64).sqrt()
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "l1 {:.3e}, l2 {:.3e}, linf {:.3e}, log10 rms {:.3} dex and relative {:.3e} above {:.0e}, \
             density {:.3e}, bulk velocity \
             {:.3e} (component {:.3e}), pressure {:.3e} (component {:.3e}), heat flux {:.3e}, negative mass {:.3e}, \
             Jensen-Shannon divergence {:.3e} bits",
            self.l1,
            self.l2,
            self.linf,
            self.log10_rms,
            self.relative,
            self.log10_floor,
            self.density,
            self.bulk_velocity,
            self.bulk_velocity_component,
            self.pressure,
            self.pressure_component,
            self.heat_flux,
            self.negative_mass,
            self.js_divergence
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn vdf(values: &[f64]) -> Vdf {
        Vdf::from_slice(VelocityGrid::unit([values.len(), 1, 1]).unwrap(), values).unwrap()
    }

    #[test]
    fn figures_follow_their_definitions() {
        let (f, g) = (vdf(&[0.0, 3.0, 4.0, 1.0]), vdf(&[-1.0, 3.0, 2.0, 1.0]));
        let fidelity = Fidelity::compare_above(&f, &g, 0.1).unwrap();
        assert_relative_eq!(fidelity.l1, 3.0 / 8.0);
        assert_relative_eq!(fidelity.l2, (5.0f64 / 26.0).sqrt());
        assert_relative_eq!(fidelity.linf, 0.5);
        assert_relative_eq!(fidelity.log10_rms, (2.0f64.log10().powi(2) / 4.0).sqrt());
        assert_relative_eq!(fidelity.density, 3.0 / 8.0);
        assert_relative_eq!(fidelity.negative_mass, 1.0 / 8.0);
        // u_f = 14/8 and u_g = 10/5; P_f = Σ (x - 14/8)² f, the other pressures vanish; v_th² = P_f / 3n.
        let p_f = 3.0 * 0.75f64.powi(2) + 4.0 * 0.25f64.powi(2) + 1.25f64.powi(2);
        let p_g = -4.0 + 3.0 + 0.0 + 1.0;
        assert_relative_eq!(fidelity.bulk_velocity, 0.25 / (p_f / 24.0).sqrt());
        assert_relative_eq!(fidelity.pressure, (p_f - p_g) / p_f, max_relative = 1e-12);
        let errors = fidelity.errors();
        let of = |name: &str| errors.iter().find(|(other, _)| *other == name).map(|(_, error)| *error);
        assert_eq!((of("l1"), of("linf"), of("negative_mass")), (Some(3.0 / 8.0), Some(0.5), Some(1.0 / 8.0)));
        assert_eq!((of("pressure"), of("log10_floor"), errors.len()), (Some(fidelity.pressure), None, 13));
    }

    #[test]
    fn components_are_compared_in_their_own_scale() {
        // Two cells along x, one plane of cells along y, and cells so different that Frobenius norms see z alone.
        let of = |spacing: [f64; 3]| {
            let grid = VelocityGrid::new([2, 3, 4], [0.0; 3], spacing).unwrap();
            let values = |a: f64| -> Vec<f64> {
                (0..24).map(|k| if k / 4 % 3 == 1 { 1.0 + if k < 12 { a } else { 0.1 } } else { 0.0 }).collect()
            };
            let [f, g] = [0.2, 0.5].map(|a| Vdf::from_slice(grid, &values(a)).unwrap());
            Fidelity::compare(&f, &g).unwrap()
        };
        let (cubes, long) = (of([1.0; 3]), of([1.0, 1e3, 1e6]));
        assert_relative_eq!(cubes.pressure_component, long.pressure_component, max_relative = 1e-12);
        assert_relative_eq!(cubes.bulk_velocity_component, long.bulk_velocity_component, max_relative = 1e-12);
        assert!(long.bulk_velocity < 1e-6 * long.bulk_velocity_component);
        // n_f = 9.2 and 10.4, half the cells hold 1.1: n v_x² = Σ f/4 to first order, n v_x v_x its own P_xx.
        let p = |n: f64, a: f64| n * (a / n) * (1.0 - a / n);
        assert_relative_eq!(
            cubes.pressure_component,
            f64::max(1.2 / 9.2, (p(10.4, 4.4) - p(9.2, 4.4)).abs() / p(9.2, 4.4)),
            max_relative = 1e-12
        );
        assert_relative_eq!(
            cubes.bulk_velocity_component,
            (4.4 / 9.2 - 4.4 / 10.4) / (p(9.2, 4.4) / 9.2).sqrt(),
            max_relative = 1e-12
        );
        // A cell that moves has no width but the cell's.
        let cell = |k: usize| vdf(&[0, 1, 2].map(|i| if i == k { 2.0 } else { 0.0 }));
        let moved = Fidelity::compare(&cell(0), &cell(1)).unwrap();
        assert_relative_eq!(moved.bulk_velocity_component, 12f64.sqrt(), max_relative = 1e-12);
        assert_eq!(moved.pressure_component, 0.0);
    }

    #[test]
    fn equal_distributions_have_no_error_at_any_magnitude() {
        for scale in [0.0, 1e-300, 1e-13, 1.0, 1e300] {
            let f = vdf(&[0.0, scale, 2.0 * scale]);
            let fidelity = Fidelity::compare(&f, &f).unwrap();
            assert_eq!(
                (fidelity.l1, fidelity.l2, fidelity.linf, fidelity.log10_rms, fidelity.pressure, fidelity.heat_flux),
                (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
            );
        }
    }

    #[test]
    fn an_error_against_nothing_is_infinite() {
        let fidelity = Fidelity::compare_above(&vdf(&[0.0, 0.0]), &vdf(&[0.0, 1.0]), 0.5).unwrap();
        assert_eq!((fidelity.l2, fidelity.density), (f64::INFINITY, f64::INFINITY));
    }

    #[test]
    fn errors_do_not_depend_on_the_magnitude() {
        let of = |scale: f64| {
            let scaled = |values: [f64; 4]| vdf(&values.map(|value| value * scale));
            Fidelity::compare(&scaled([0.5, 3.0, 4.0, 1.0]), &scaled([0.7, 3.0, 2.0, 1.0])).unwrap()
        };
        let (one, tiny, huge) = (of(1.0), of(1e-250), of(1e250));
        for (a, b) in [(one, tiny), (one, huge)] {
            assert_relative_eq!(a.l2, b.l2, max_relative = 1e-13);
            assert_relative_eq!(a.pressure, b.pressure, max_relative = 1e-12);
            assert_relative_eq!(a.heat_flux, b.heat_flux, max_relative = 1e-12);
            assert_relative_eq!(a.log10_rms, b.log10_rms, max_relative = 1e-12);
        }
    }

    #[test]
    fn moments_beyond_the_range_of_f64_are_compared_all_the_same() {
        let grid = VelocityGrid::new([4, 3, 5], [-2e5; 3], [1e5; 3]).unwrap();
        let of = |power: i32| {
            let factor = f64::powi(2.0, power);
            let f = Vdf::from_fn(grid, |[x, y, z]| factor * (1.0 + (x + 2.0 * y - z).abs() * 1e-5)).unwrap();
            let g = Vdf::from_fn(grid, |[x, y, z]| factor * ((x + 2.0 * y - z).abs() * 1e-5 - 0.3)).unwrap();
            (f.moments().pressure[0][0], Fidelity::compare(&f, &g).unwrap())
        };
        let (_, one) = of(0);
        for power in [-1000, 995] {
            let (pressure, found) = of(power);
            assert!(pressure > 1.0 && pressure.is_infinite() || power < 0);
            let figures = |f: Fidelity| [f.l2, f.density, f.bulk_velocity, f.pressure, f.heat_flux, f.negative_mass];
            for (found, expected) in figures(found).into_iter().zip(figures(one)) {
                assert_relative_eq!(found, expected, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn different_grids_and_impossible_floors_are_refused() {
        let other = Vdf::zeros(VelocityGrid::unit([1, 3, 1]).unwrap());
        assert!(matches!(Fidelity::compare(&vdf(&[0.0; 3]), &other), Err(Error::GridMismatch { .. })));
        for floor in [0.0, -1.0, f64::NAN] {
            let refused = Fidelity::compare_above(&vdf(&[1.0]), &vdf(&[1.0]), floor);
            assert!(matches!(refused, Err(Error::InvalidParameter { .. })));
        }
    }
}
