//! The non-Maxwellianity ε by its two usual definitions.

use super::equilibrium::Equilibrium;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::paired_sum;

/// Departure of a distribution f from the equilibrium f_M with its own density n, bulk velocity and temperatures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonMaxwellianity {
    /// ε = ∫ |f − f_M| d³v / 2n (Graham et al. 2021, JGR 126, e2021JA029260, there with the bi-Maxwellian). From 0 to 1
    /// for a density without negative cells.
    pub graham: f64,
    /// ε = √(∫ (f − f_M)² d³v) / n (Greco et al. 2012, PRE 86, 066405, there with the Maxwellian), for velocities in
    /// units of the thermal speed √(tr P/3n): the definition itself has the unit (s/m)^(3/2). From 0 on, without bound.
    pub greco: f64,
    /// The thermal speed that is this unit [m/s].
    pub thermal_speed: f64,
    /// 1 − Σ f_M dV / n: the part of f_M that the grid does not hold, because the box cuts it or cells are wider than the
    /// thermal speed. Both ε miss what f_M has there; they mean little where this is not small beside them.
    pub missing: f64,
}

impl NonMaxwellianity {
    /// ε of Greco et al. for velocities in units of another speed [m/s], such as the Alfvén speed; 1 m/s gives the
    /// definition in SI units.
    #[must_use]
    pub fn greco_in_units_of(&self, speed: f64) -> f64 {
        self.greco * (speed / self.thermal_speed).powf(1.5)
    }
}

impl Vdf {
    /// Non-Maxwellianity ε, by sums over the cells, which are exact to rounding for smooth densities that the box holds.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if the density or a temperature is not positive.
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// use vdf_basis::Equilibrium;
    /// # let grid = Synthetic::default_grid("beams", 32)?;
    /// # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
    /// let epsilon = vdf.non_maxwellianity(Equilibrium::Maxwellian)?;
    /// assert!(epsilon.graham > 0.0 && epsilon.graham < 1.0);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn non_maxwellianity(&self, equilibrium: Equilibrium) -> Result<NonMaxwellianity> {
        let (grid, f) = (self.grid(), self.as_slice());
        let factor = normalising_factor(self.peak());
        let moments = Moments::of_scaled(grid, f, factor, |f| f);
        let model = equilibrium.values(&moments, grid)?;
        let sum = |term: fn(f64, f64) -> f64| paired_sum(f, &model, grid.shape()[2], |f, m| term(f * factor, m));
        let thermal_speed = moments.thermal_speed();
        // dV / n, and √(v_th³ dV) / n: the cubes of speeds may overflow.
        let volume = grid.cell_volume() / moments.density;
        let root: f64 = grid.spacing().iter().map(|h| (thermal_speed / h).sqrt()).product::<f64>() * volume;
        Ok(NonMaxwellianity {
            graham: 0.5 * volume * sum(|f, m| (f - m).abs()),
            greco: root * sum(|f, m| (f - m) * (f - m)).sqrt(),
            thermal_speed,
            missing: 1.0 - volume * sum(|_, m| m),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::FieldDirection;
    use super::super::test_distributions::{FIELDS, bi_maxwellian, sampled};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use crate::distribution::synthetic::{Component, Shape, Synthetic};
    use approx::assert_relative_eq;
    use std::f64::consts::{PI, TAU};

    #[test]
    fn a_bi_maxwellian_departs_from_the_maxwellian_as_its_closed_form_does() {
        for field in FIELDS {
            let vdf = bi_maxwellian(field, 60);
            let found = vdf.non_maxwellianity(Equilibrium::Maxwellian).unwrap();
            // v_th² = (2·1 + 4)/3 = 2. ∫ N(Σ_1) N(Σ_2) d³v = det(2π (Σ_1 + Σ_2))^(−½).
            let overlap =
                |a: [f64; 3], b: [f64; 3]| (0..3).map(|i| 1.0 / (TAU * (a[i] + b[i])).sqrt()).product::<f64>();
            let (own, isotropic) = ([1.0, 1.0, 4.0], [2.0; 3]);
            let square = overlap(own, own) + overlap(isotropic, isotropic) - 2.0 * overlap(own, isotropic);
            assert_relative_eq!(found.thermal_speed, 2f64.sqrt(), max_relative = 1e-12);
            assert_relative_eq!(found.greco_in_units_of(1.0), square.sqrt(), max_relative = 1e-12);
            assert!(found.missing.abs() < 1e-12);
            // The kinks of |f − f_M| cost digits: midpoint sums are of second order.
            assert_relative_eq!(found.graham, graham_by_quadrature(), max_relative = 5e-3);
            let own = Equilibrium::BiMaxwellian(FieldDirection::new(field).unwrap());
            let none = vdf.non_maxwellianity(own).unwrap();
            assert!(none.graham < 1e-12 && none.greco < 1e-12);
        }
    }

    /// ∫ |f − f_M| d³v / 2n of that bi-Maxwellian, in (w∥, w⊥).
    fn graham_by_quadrature() -> f64 {
        let (n, h) = (4000, 0.004);
        let mut sum = 0.0;
        for i in 0..n {
            for j in 0..n / 2 {
                let (along, across) = ((i as f64 + 0.5) * h, (j as f64 + 0.5) * h);
                let own = (-0.125 * along * along - 0.5 * across * across).exp() / (2.0 * TAU.powf(1.5));
                let isotropic = (-0.25 * (along * along + across * across)).exp() / (2.0 * TAU).powf(1.5);
                sum += 2.0 * TAU * across * h * h * (own - isotropic).abs();
            }
        }
        0.5 * sum
    }

    #[test]
    fn grahams_sum_converges_with_second_order() {
        let exact = graham_by_quadrature();
        let error = |cells: usize| {
            let found = bi_maxwellian([0.0, 0.0, 1.0], cells).non_maxwellianity(Equilibrium::Maxwellian).unwrap();
            (found.graham - exact).abs()
        };
        assert!(error(96) < 0.5 * error(36), "{} {}", error(36), error(96));
    }

    #[test]
    fn two_far_beams_have_one_to_which_nothing_is_common() {
        let shape = Shape::Maxwellian { v_th: 1.0 };
        let beam = |u: f64| Component::new(1.0, [0.0, 0.0, u], shape).unwrap();
        let beams = Synthetic::new(vec![beam(-30.0), beam(30.0)]).unwrap();
        let vdf = sampled(&beams, 70.0, 120);
        let found = vdf.non_maxwellianity(Equilibrium::Maxwellian).unwrap();
        assert!((0.9..1.0).contains(&found.graham), "{found:?}");
    }

    #[test]
    fn neither_magnitude_nor_units_of_velocity_matter() {
        let vdf = bi_maxwellian(FIELDS[1], 30);
        let base = vdf.non_maxwellianity(Equilibrium::Maxwellian).unwrap();
        for (scale, width) in [(1e-290, 1.0), (1e290, 1.0), (1e-14, 1e6), (1.0, 1e40), (1.0, 1e-40)] {
            let grid = VelocityGrid::new(
                vdf.grid().shape(),
                vdf.grid().lower().map(|v| v * width),
                vdf.grid().spacing().map(|h| h * width),
            );
            let values: Vec<f64> = vdf.as_slice().iter().map(|f| f * scale).collect();
            let scaled = Vdf::from_vec(grid.unwrap(), values).unwrap();
            let found = scaled.non_maxwellianity(Equilibrium::Maxwellian).unwrap();
            assert_relative_eq!(found.graham, base.graham, max_relative = 1e-10);
            assert_relative_eq!(found.greco, base.greco, max_relative = 1e-10);
        }
    }

    #[test]
    fn a_box_that_cuts_the_maxwellian_is_reported() {
        let shape = Shape::Maxwellian { v_th: 1.0 };
        let grid = VelocityGrid::from_edges([40; 3], [-8.0, -8.0, 0.0], [8.0; 3]).unwrap();
        let half = Synthetic::single(1.0, [0.0; 3], shape).unwrap().sample(&grid, Default::default()).unwrap();
        let found = half.non_maxwellianity(Equilibrium::Maxwellian).unwrap();
        assert!(found.missing > 0.05 && found.graham < 1.0, "{found:?}");
        // A step of the width of the thermal speed misses part of the integral as well.
        assert!(Vdf::zeros(grid).non_maxwellianity(Equilibrium::Maxwellian).is_err());
        let constant = Vdf::from_fn(VelocityGrid::unit([8; 3]).unwrap(), |_| 1.0).unwrap();
        let found = constant.non_maxwellianity(Equilibrium::Maxwellian).unwrap();
        assert!(found.missing > 0.1 && found.greco > 0.0 && found.greco < PI);
    }
}
