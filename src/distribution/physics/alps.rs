//! Tables f(p⊥, p∥) for the linear solver ALPS.

use std::fmt::Write;
use std::path::Path;

use ndarray::{Array2, ArrayView2};

use super::reduced::ReducedDistribution;
use super::undefined;
use crate::error::{Error, Result};

/// A background distribution as ALPS reads it (Verscharen et al. 2018, J. Plasma Phys. 84, 905840403; the f0-tables of its
/// documentation): lines of three numbers, p⊥ and p∥ in units of m_ref v_A, and f0 in units of (m_ref v_A)⁻³, with
/// 2π ∫∫ f0 p⊥ dp⊥ dp∥ = 1. p∥ runs fastest; p⊥ begins at zero.
///
/// m_ref and v_A are mass and Alfvén speed of the reference species, mostly the protons. A table of X by Y momenta needs
/// `nperp = X − 1` and `npar = Y − 1` in ALPS' input.
#[derive(Debug, Clone, PartialEq)]
pub struct AlpsTable {
    perpendicular: Vec<f64>,
    parallel: Vec<f64>,
    values: Array2<f64>,
    clipped: usize,
}

impl ReducedDistribution {
    /// The table of this distribution. `mass_ratio` is m/m_ref, the mass of its particles over that of the reference
    /// species, `alfven_speed` the v_A of the reference species [m/s]. The momentum is p = m v, not relativistic, in the
    /// frame of this distribution: all species of a run need the same.
    ///
    /// Negative values, which cubic interpolation leaves beside steep flanks, become zero; [`AlpsTable::clipped`] counts
    /// them. The normalisation is that of the quadrature of [`ReducedDistribution::density`], of sixth order in p⊥.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if one of the two is not positive, [`Error::Undefined`] if the density is not.
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// use vdf_basis::FieldDirection;
    /// use vdf_basis::distribution::physics::{FieldFrame, ReducedGrid};
    /// # let grid = Synthetic::default_grid("bi-maxwellian", 40)?;
    /// # let vdf = Synthetic::named("bi-maxwellian", 0)?.sample(&grid, Sampling::default())?;
    /// let frame = FieldFrame::new(FieldDirection::new([0.0, 0.0, 1.0])?, vdf.moments().bulk_velocity)?;
    /// let nodes = ReducedGrid::covering(vdf.grid(), &frame, [241, 121])?;
    /// let table = vdf.gyro_average(&frame, &nodes).alps_table(1.0, 5e4)?;
    /// assert_eq!(table.to_text().lines().count(), 241 * 121); // ALPS: nperp = 120, npar = 240
    /// // table.write("distribution/run.1.array")?;
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn alps_table(&self, mass_ratio: f64, alfven_speed: f64) -> Result<AlpsTable> {
        for (name, value) in [("mass_ratio", mass_ratio), ("alfven_speed", alfven_speed)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::parameter(name, value, "a positive number"));
            }
        }
        // Momentum over velocity, in units of m_ref v_A.
        let unit = mass_ratio / alfven_speed;
        let mut values = self.values.t().to_owned();
        let mut clipped = 0;
        values.iter_mut().filter(|f| **f < 0.0).for_each(|f| {
            clipped += 1;
            *f = 0.0;
        });
        let peak = values.iter().copied().fold(0.0, f64::max);
        let positive = Self { values: values.t().mapv(|f| if peak > 0.0 { f / peak } else { 0.0 }), ..self.clone() };
        let density = positive.density();
        if !(density > 0.0 && density.is_finite()) {
            return Err(undefined("the table for ALPS", "the distribution has no positive density at the nodes"));
        }
        Ok(AlpsTable {
            perpendicular: self.grid.perpendicular().into_iter().map(|v| v * unit).collect(),
            parallel: self.grid.parallel().into_iter().map(|v| v * unit).collect(),
            values: positive.values.t().mapv(|f| f / density / unit / unit / unit).mapv(normal_or_zero),
            clipped,
        })
    }
}

/// Not every Fortran reads subnormal numbers.
fn normal_or_zero(f: f64) -> f64 {
    if f.is_normal() { f } else { 0.0 }
}

impl AlpsTable {
    /// Momenta p⊥ in units of m_ref v_A.
    #[must_use]
    pub fn perpendicular(&self) -> &[f64] {
        &self.perpendicular
    }

    /// Momenta p∥ in units of m_ref v_A.
    #[must_use]
    pub fn parallel(&self) -> &[f64] {
        &self.parallel
    }

    /// f0 in units of (m_ref v_A)⁻³, `[p⊥, p∥]`.
    #[must_use]
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// The number of values that were negative and are now zero.
    #[must_use]
    pub fn clipped(&self) -> usize {
        self.clipped
    }

    /// The text of the file: p⊥, p∥ and f0, one momentum a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for ((i, j), f) in self.values.indexed_iter() {
            let (perpendicular, parallel) = (self.perpendicular[i], self.parallel[j]);
            // Writing to a string does not fail.
            let _ = writeln!(text, "{perpendicular:24.16e} {parallel:24.16e} {f:24.16e}");
        }
        text
    }

    /// Writes the file, which ALPS expects as `distribution/NAME.N.array`, N the number of the species.
    ///
    /// # Errors
    /// [`Error::Io`] if that fails.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.to_text()).map_err(|problem| Error::io(path.display().to_string(), problem))
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{FieldDirection, FieldFrame};
    use super::super::reduced_grid::ReducedGrid;
    use super::*;
    use approx::assert_relative_eq;
    use std::f64::consts::{PI, TAU};

    fn maxwellian(v_th: f64, density: f64) -> ReducedDistribution {
        let frame = FieldFrame::new(FieldDirection::new([0.0, 0.0, 1.0]).unwrap(), [0.0; 3]).unwrap();
        let nodes = ReducedGrid::new([-9.0 * v_th, 9.0 * v_th], 9.0 * v_th, [181, 121]).unwrap();
        let f =
            |a: f64, b: f64| density * (TAU.sqrt() * v_th).powi(-3) * (-0.5 * (a * a + b * b) / (v_th * v_th)).exp();
        ReducedDistribution::from_fn(frame, nodes, f).unwrap()
    }

    #[test]
    fn a_maxwellian_of_beta_one_is_that_of_alps() {
        // β = 1: √(2kT/m) = v_A, f0 = π^(−3/2) exp(−p²) for the reference species; for electrons p = (m/m_ref) v/v_A.
        for ratio in [1.0_f64, 1.0 / 1836.0] {
            let (v_a, n) = (5e4_f64, 7e6);
            let v_th = v_a / (2.0 * ratio).sqrt();
            let table = maxwellian(v_th, n).alps_table(ratio, v_a).unwrap();
            for ((i, j), f) in table.values().indexed_iter() {
                let (a, b) = (table.perpendicular()[i], table.parallel()[j]);
                let exact = (PI * ratio).powf(-1.5) * (-(a * a + b * b) / ratio).exp();
                assert_relative_eq!(*f, exact, max_relative = 1e-9);
            }
            assert_eq!((table.clipped(), table.perpendicular()[0]), (0, 0.0));
        }
    }

    #[test]
    fn the_text_holds_the_numbers_line_by_line() {
        let table = maxwellian(1.0, 1.0).alps_table(1.0, 1.0).unwrap();
        let rows: Vec<Vec<f64>> = table
            .to_text()
            .lines()
            .map(|line| line.split_whitespace().map(|number| number.parse().unwrap()).collect())
            .collect();
        assert!(rows.len() == 121 * 181 && rows.iter().all(|row| row.len() == 3));
        // As ALPS itself sums, by the trapezoidal rule.
        let (h, k) = (rows[181][0] - rows[0][0], rows[1][1] - rows[0][1]);
        let sum: f64 = rows.iter().map(|row| TAU * row[0] * row[2] * h * k).sum();
        assert_relative_eq!(sum, 1.0, max_relative = 2e-3);
        assert_eq!((rows[1][0], rows[1][1]), (0.0, table.parallel()[1]));
        assert_eq!(rows[182], [table.perpendicular()[1], table.parallel()[1], table.values()[[1, 1]]]);
    }

    #[test]
    fn negative_values_are_cut_and_counted_and_nonsense_refused() {
        let mut reduced = maxwellian(1.0, 1.0);
        reduced.values[[90, 3]] = -1.0;
        reduced.values[[0, 0]] = 1e-310;
        let table = reduced.alps_table(1.0, 1.0).unwrap();
        assert_eq!((table.clipped(), table.values()[[3, 90]], table.values()[[0, 0]]), (1, 0.0, 0.0));
        reduced.values.fill(-1.0);
        assert!(reduced.alps_table(1.0, 1.0).unwrap_err().to_string().contains("no positive density"));
        for bad in [0.0, -1.0, f64::NAN] {
            assert!(reduced.alps_table(bad, 1.0).is_err() && reduced.alps_table(1.0, bad).is_err());
        }
        let missing = maxwellian(1.0, 1.0).alps_table(1.0, 1.0).unwrap().write("/no/such/folder/x.1.array");
        assert!(matches!(missing, Err(Error::Io { .. })));
    }
}
