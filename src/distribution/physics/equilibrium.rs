//! The Maxwellian or bi-Maxwellian that has the moments of a distribution.

use super::field::FieldDirection;
use super::undefined;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// The distribution from which another departs: it has the same density, bulk velocity and temperatures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Equilibrium {
    /// f_M = n (2π v_th²)^(−3/2) exp(−|v−u|²/2v_th²), v_th² = tr P / 3n.
    Maxwellian,
    /// Thermal speeds √(P∥/n) along a magnetic field and √(P⊥/n) across it.
    BiMaxwellian(FieldDirection),
}

impl Equilibrium {
    /// Thermal speeds [m/s] along e_1, e_2 and b, and these directions.
    fn widths(self, moments: &Moments) -> Result<([f64; 3], [[f64; 3]; 3])> {
        let quantity = "the equilibrium distribution";
        let (widths, axes) = match self {
            Self::Maxwellian => ([moments.thermal_speed(); 3], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            Self::BiMaxwellian(field) => {
                let [along, across] = moments.about_field(field).thermal_speeds()?;
                ([across, across, along], field.axes())
            }
        };
        if !(moments.density > 0.0 && moments.density.is_finite()) {
            return Err(undefined(quantity, format!("the density is {:e}, not positive", moments.density)));
        }
        if !widths.iter().all(|width| *width > 0.0 && width.is_finite()) {
            let reason = format!(
                "the thermal speeds {widths:?} are not all positive: the distribution has no width, or a pressure beyond the \
                 range of f64"
            );
            return Err(undefined(quantity, reason));
        }
        Ok((widths, axes))
    }

    /// The equilibrium distribution of some moments, at the centres of a grid's cells.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if the density or a temperature is not positive,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if the peak is beyond the range of f64.
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// use vdf_basis::distribution::physics::Equilibrium;
    /// # let grid = Synthetic::default_grid("beams", 24)?;
    /// # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
    /// let maxwellian = Equilibrium::Maxwellian.sample(&vdf.moments(), vdf.grid())?;
    /// assert!(maxwellian.peak() < vdf.peak());
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn sample(self, moments: &Moments, grid: &VelocityGrid) -> Result<Vdf> {
        Vdf::from_vec(*grid, self.values(moments, grid)?)
    }

    /// The values of the equilibrium distribution at the cells, in C order.
    pub(super) fn values(self, moments: &Moments, grid: &VelocityGrid) -> Result<Vec<f64>> {
        let (widths, axes) = self.widths(moments)?;
        // Divided one after another, because the product of three widths may overflow.
        let peak = widths.iter().fold(moments.density, |peak, width| peak / (std::f64::consts::TAU.sqrt() * width));
        // Parts of ξ_k = e_k · (v − u) / width_k that each of the grid's axes adds.
        let parts: [Vec<[f64; 3]>; 3] = std::array::from_fn(|axis| {
            let part = |v: f64| std::array::from_fn(|k| axes[k][axis] * (v - moments.bulk_velocity[axis]) / widths[k]);
            grid.centres(axis).into_iter().map(part).collect()
        });
        let mut values = Vec::with_capacity(grid.cells());
        for x in &parts[0] {
            for y in &parts[1] {
                let xy: [f64; 3] = std::array::from_fn(|k| x[k] + y[k]);
                values.extend(parts[2].iter().map(|z| {
                    let square: f64 = (0..3).map(|k| (xy[k] + z[k]) * (xy[k] + z[k])).sum();
                    peak * (-0.5 * square).exp()
                }));
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_distributions::{FIELDS, bi_maxwellian};
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_bi_maxwellian_is_its_own_equilibrium() {
        for field in FIELDS {
            let vdf = bi_maxwellian(field, 60);
            let equilibrium = Equilibrium::BiMaxwellian(FieldDirection::new(field).unwrap());
            let same = equilibrium.sample(&vdf.moments(), vdf.grid()).unwrap();
            for (f, same) in vdf.as_slice().iter().zip(same.as_slice()) {
                assert_relative_eq!(f, same, max_relative = 1e-10, epsilon = 1e-14);
            }
        }
    }

    #[test]
    fn the_moments_come_back() {
        let vdf = bi_maxwellian(FIELDS[2], 60);
        let moments = vdf.moments();
        let isotropic = Equilibrium::Maxwellian.sample(&moments, vdf.grid()).unwrap().moments();
        assert_relative_eq!(isotropic.density, moments.density, max_relative = 1e-12);
        assert_relative_eq!(isotropic.thermal_speed(), moments.thermal_speed(), max_relative = 1e-12);
        assert_relative_eq!(isotropic.bulk_velocity[1], moments.bulk_velocity[1], max_relative = 1e-10);
    }

    #[test]
    fn without_density_or_width_there_is_none() {
        let grid = VelocityGrid::unit([3, 3, 3]).unwrap();
        let b = FieldDirection::new([0.0, 1.0, 0.0]).unwrap();
        let mut cell = vec![0.0; 27];
        cell[13] = 1.0;
        let cell = Vdf::from_vec(grid, cell).unwrap();
        for equilibrium in [Equilibrium::Maxwellian, Equilibrium::BiMaxwellian(b)] {
            let refused = |vdf: &Vdf| equilibrium.sample(&vdf.moments(), &grid).unwrap_err().to_string();
            assert!(refused(&Vdf::zeros(grid)).contains("density"), "{}", refused(&Vdf::zeros(grid)));
            assert!(refused(&cell).contains("width"), "{}", refused(&cell));
        }
    }
}
