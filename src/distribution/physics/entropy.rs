//! Kinetic entropy, and the entropies relative to the Maxwellian.

use std::f64::consts::TAU;

use super::undefined;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::CompensatedSum;

/// Entropies of a distribution per particle, in units of the Boltzmann constant.
///
/// Cells that are not positive count as empty everywhere: in the sums, in the density n and the thermal speed v_th, and
/// hence in the Maxwellian f_M with the same density, bulk velocity and temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KineticEntropy {
    /// s / (k_B n) = −∫ f ln f d³v / n, f in the unit of the values (s³ m⁻⁶), on which it depends by a constant.
    pub kinetic: f64,
    /// The same of f_M: 3/2 (1 + ln 2π) + 3 ln v_th − ln n. Not smaller but for sums over coarse cells.
    pub maxwellian: f64,
    /// Velocity-space entropy s_V / (k_B n) = −Σ p ln p, p = f dV / n the part of the particles in a cell (Liang et al.
    /// 2019, Phys. Plasmas 26, 082903). From 0, all in one cell, to the logarithm of the number of cells.
    pub velocity_space: f64,
    /// The same of f_M: 3/2 (1 + ln(2π v_th² / dV^(2/3))).
    pub velocity_space_maxwellian: f64,
    /// Relative entropy ∫ f ln(f/f_M) d³v / n, the difference of the first two and of the second two: [`relative_entropy`].
    pub relative: f64,
}

impl KineticEntropy {
    /// M_KP = (s_M − s) / (3/2 k_B n) (Kaufmann and Paterson 2009, JGR 114, A00D04; Liang et al. 2020, J. Plasma Phys.
    /// 86, 825860502). From 0, Maxwellian, without bound.
    #[must_use]
    pub fn kaufmann_paterson(&self) -> f64 {
        self.relative / 1.5
    }

    /// M = (s_VM − s_V) / s_VM = M_KP / (1 + ln(2π v_th² / dV^(2/3))) (Liang et al. 2020). From 0, Maxwellian, to 1, all
    /// particles in one cell; it depends on the cells.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if the cells are so wide that the velocity-space entropy of the
    /// Maxwellian is not positive: v_th below 0.242 dV^(1/3).
    pub fn liang(&self) -> Result<f64> {
        if self.velocity_space_maxwellian > 0.0 {
            return Ok(self.relative / self.velocity_space_maxwellian);
        }
        let reason =
            "the cells are wider than four thermal speeds, so that the Maxwellian has no velocity-space entropy";
        Err(undefined("Liang's non-Maxwellianity", reason))
    }
}

impl Vdf {
    /// Entropies per particle, by sums over the cells.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if no cell is positive, or all density is in one cell, which has no
    /// temperature.
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// # let grid = Synthetic::default_grid("beams", 32)?;
    /// # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
    /// let entropy = vdf.kinetic_entropy()?;
    /// assert!(entropy.kinetic < entropy.maxwellian);
    /// assert!(entropy.liang()? < entropy.kaufmann_paterson());
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn kinetic_entropy(&self) -> Result<KineticEntropy> {
        let quantity = "the kinetic entropy";
        let Positive { values, factor, moments } = Positive::of(self);
        let (n, v_th) = (values.iter().sum::<f64>(), moments.thermal_speed());
        if n <= 0.0 {
            return Err(undefined(quantity, "no cell is positive"));
        }
        if v_th <= 0.0 {
            return Err(undefined(quantity, "all density is in one cell, which has no temperature"));
        }
        let mut sum = CompensatedSum::default();
        for f in values.iter().filter(|f| **f > 0.0) {
            let p = f / n;
            sum.add(-p * p.ln());
        }
        let velocity_space = sum.value();
        let spacing = self.grid().spacing();
        let velocity_space_maxwellian = 1.5 * (1.0 + TAU.ln()) + spacing.iter().map(|h| (v_th / h).ln()).sum::<f64>();
        // f = p n / dV: −∫ f ln f d³v / n = −Σ p ln p − ln(n / dV), where n / dV is the sum of the values.
        let unit = factor.ln() - n.ln();
        Ok(KineticEntropy {
            kinetic: velocity_space + unit,
            maxwellian: velocity_space_maxwellian + unit,
            velocity_space,
            velocity_space_maxwellian,
            relative: relative_entropy(self),
        })
    }
}

/// The positive cells of a distribution, scaled; the others are zero.
struct Positive {
    values: Vec<f64>,
    /// The factor of the values.
    factor: f64,
    /// Moments of the values.
    moments: Moments,
}

impl Positive {
    fn of(vdf: &Vdf) -> Self {
        let largest = vdf.as_slice().iter().fold(0.0, |largest, &f| f64::max(largest, f));
        let factor = normalising_factor(largest);
        let values: Vec<f64> = vdf.as_slice().iter().map(|&f| if f > 0.0 { f * factor } else { 0.0 }).collect();
        let moments = Moments::of(vdf.grid(), &values, |f| f);
        Self { values, factor, moments }
    }
}

/// Free energy and entropy of a distribution relative to the Maxwellian with its own density, bulk velocity and thermal
/// speed, ∫ f ln(f/f_M) d³v / n (entropy that relaxation would produce, in units of k per particle), by summation over
/// the cells. Not negative, but for cells too coarse to sum the Maxwellian.
///
/// Cells that are not positive count as empty everywhere: in the sum, and in the density, the bulk velocity and the
/// thermal speed of the Maxwellian. 0 where nothing is positive, or all of it is in one cell.
#[must_use]
pub fn relative_entropy(vdf: &Vdf) -> f64 {
    let grid = vdf.grid();
    let Positive { values, moments, .. } = Positive::of(vdf);
    // In units of the cells' volume: densities stay in the range of f64.
    let (n, u, v_th) = (values.iter().sum::<f64>(), moments.bulk_velocity, moments.thermal_speed());
    if !(n > 0.0 && v_th > 0.0) {
        return 0.0;
    }
    let widths_in_cells: f64 = grid.spacing().iter().map(|h| (v_th / h).ln()).sum();
    let log_peak = n.ln() - 1.5 * TAU.ln() - widths_in_cells;
    let distances: [Vec<f64>; 3] =
        std::array::from_fn(|axis| grid.centres(axis).iter().map(|v| 0.5 * ((v - u[axis]) / v_th).powi(2)).collect());
    let mut sum = CompensatedSum::default();
    let [_, ny, nz] = grid.shape();
    for (row, values) in values.chunks_exact(nz).enumerate() {
        let across = distances[0][row / ny] + distances[1][row % ny];
        for (f, along) in values.iter().zip(&distances[2]) {
            if *f > 0.0 {
                sum.add(f / n * (f.ln() - log_peak + across + along));
            }
        }
    }
    sum.value()
}

#[cfg(test)]
mod tests {
    use super::super::test_distributions::{FIELDS, bi_maxwellian, sampled};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use crate::distribution::synthetic::{Shape, Synthetic};
    use approx::assert_relative_eq;

    #[test]
    fn a_bi_maxwellian_has_the_entropies_of_its_closed_form() {
        for field in FIELDS {
            let vdf = bi_maxwellian(field, 60);
            let entropy = vdf.kinetic_entropy().unwrap();
            // −∫ f ln f / n = 3/2 (1 + ln 2π) + ln(v∥ v⊥²) − ln n, with v∥ = 2, v⊥ = 1, v_th² = 2 and n = 5.
            let constant = 1.5 * (1.0 + TAU.ln()) - 5f64.ln();
            assert_relative_eq!(entropy.kinetic, constant + 2f64.ln(), max_relative = 1e-12);
            assert_relative_eq!(entropy.maxwellian, constant + 1.5 * 2f64.ln(), max_relative = 1e-12);
            // Liang's M_KP = ln(T / (T⊥^(2/3) T∥^(1/3))), here (1 − 2/3) ln 2.
            assert_relative_eq!(entropy.kaufmann_paterson(), 2f64.ln() / 3.0, max_relative = 1e-11);
            let volume = vdf.grid().cell_volume();
            let expected = entropy.kaufmann_paterson() / (1.0 + (2.0 * TAU / volume.powf(2.0 / 3.0)).ln());
            assert_relative_eq!(entropy.liang().unwrap(), expected, max_relative = 1e-12);
            for (less, more) in
                [(entropy.kinetic, entropy.maxwellian), (entropy.velocity_space, entropy.velocity_space_maxwellian)]
            {
                assert_relative_eq!(more - less, entropy.relative, max_relative = 1e-11);
            }
        }
    }

    #[test]
    fn a_kappa_distribution_has_the_entropy_of_the_integral_over_speeds() {
        let kappa = Synthetic::single(2.0, [0.0; 3], Shape::Kappa { v_th: 1.0, kappa: 6.0 }).unwrap();
        let found = sampled(&kappa, 24.0, 80).kinetic_entropy().unwrap();
        let (h, mut entropy) = (1e-3, 0.0);
        for k in 0..200_000 {
            let v = (f64::from(k) + 0.5) * h;
            let f = kappa.evaluate([v, 0.0, 0.0]);
            entropy -= 2.0 * TAU * v * v * h * f * f.ln() / 2.0;
        }
        // The box of 24 thermal speeds cuts a tail of 2e-5 of the density.
        assert_relative_eq!(found.kinetic, entropy, max_relative = 1e-3);
        assert!(found.kaufmann_paterson() > 0.01);
    }

    #[test]
    fn magnitude_and_cells_below_zero_change_nothing_but_the_unit() {
        let vdf = bi_maxwellian(FIELDS[1], 30);
        let base = vdf.kinetic_entropy().unwrap();
        for scale in [1e-290, 1e290] {
            let values: Vec<f64> = vdf.as_slice().iter().map(|f| if *f > 1e-12 { f * scale } else { -f }).collect();
            let found = Vdf::from_vec(*vdf.grid(), values).unwrap().kinetic_entropy().unwrap();
            assert_relative_eq!(found.kinetic, base.kinetic - f64::ln(scale), max_relative = 1e-9);
            assert_relative_eq!(found.relative, base.relative, max_relative = 1e-8);
            assert_relative_eq!(found.velocity_space, base.velocity_space, max_relative = 1e-9);
        }
    }

    #[test]
    fn what_has_no_entropy_says_why() {
        let grid = VelocityGrid::unit([3, 3, 3]).unwrap();
        assert!(Vdf::zeros(grid).kinetic_entropy().unwrap_err().to_string().contains("no cell is positive"));
        let mut values = vec![-1.0; 27];
        assert!(Vdf::from_slice(grid, &values).unwrap().kinetic_entropy().is_err());
        values[13] = 1.0;
        let one = Vdf::from_slice(grid, &values).unwrap().kinetic_entropy().unwrap_err().to_string();
        assert!(one.contains("one cell"), "{one}");
        // Two cells, one of which holds nearly all.
        values[12] = 1e-6;
        let narrow = Vdf::from_slice(grid, &values).unwrap().kinetic_entropy().unwrap();
        assert!(narrow.liang().unwrap_err().to_string().contains("wider"));
        // All cells alike: the logarithm of their number.
        let even = Vdf::from_fn(grid, |_| 3.0).unwrap().kinetic_entropy().unwrap();
        assert_relative_eq!(even.velocity_space, 27f64.ln(), max_relative = 1e-14);
    }
}
