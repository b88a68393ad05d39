//! A single Maxwellian: the simplest reading of a distribution.

use std::f64::consts::TAU;

use nalgebra::{Matrix3, Vector3};

use crate::basis::choices::{Choices, spec_of};
use crate::basis::spec::Spec;
use crate::basis::{Basis, Coefficients, Gradient, Label, NamedBasis, Quantise, Quantity, Slot, Stream, gradient};
use crate::coding::{Coder, Resolution};
use crate::distribution::gaussian_coding::{BLANK, GaussianModels, Widths, best_step, is_same, off_whole};
use crate::distribution::gaussian_fit::{self, Covariance, Gaussian};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::levenberg_marquardt::Report;

/// How the Maxwellian is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// The smallest Σ (g − f)² over the cells, by Levenberg-Marquardt from the moments.
    #[default]
    LeastSquares,
    /// Density, bulk velocity and variances of the distribution itself.
    Moments,
}

/// f(v) = A exp(−½ Σ ξ_i²), ξ_i = e_i · (v − u) / s_i: isotropic, with a width per axis, or with a full covariance
/// (a bi-Maxwellian is one whose two widths across the field agree).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Maxwellian {
    fit: Fit,
    covariance: Covariance,
}

/// One Maxwellian.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxwellianCoefficients {
    covariance: Covariance,
    gaussian: Gaussian,
}

const NAME: &str = "maxwellian";
const FITS: [(&str, Fit); 2] = [("least-squares", Fit::LeastSquares), ("moments", Fit::Moments)];
const COVARIANCES: [(&str, Covariance); 3] =
    [("isotropic", Covariance::Isotropic), ("diagonal", Covariance::Diagonal), ("full", Covariance::Full)];

impl Maxwellian {
    /// A Maxwellian found in the given way, with the given widths.
    #[must_use]
    pub fn new(fit: Fit, covariance: Covariance) -> Self {
        Self { fit, covariance }
    }

    /// Encodes, and says how the least-squares search went; `None` where nothing was searched.
    ///
    /// # Errors
    /// [`Error::Degenerate`] if the distribution is zero everywhere, or its thermal width vanishes along an axis of
    /// several cells. An axis of a single cell is given the cell's width.
    pub fn fit(&self, vdf: &Vdf) -> Result<(MaxwellianCoefficients, Option<Report>)> {
        let (gaussian, report) = match self.fit {
            Fit::Moments => (gaussian_fit::from_moments(NAME, vdf, self.covariance)?, None),
            Fit::LeastSquares => {
                let (gaussian, report) = gaussian_fit::nearest(NAME, vdf, self.covariance)?;
                (gaussian, Some(report))
            }
        };
        Ok((MaxwellianCoefficients { covariance: self.covariance, gaussian }, report))
    }

    fn check(&self, coefficients: &MaxwellianCoefficients) -> Result<()> {
        if coefficients.covariance == self.covariance {
            return Ok(());
        }
        Err(Error::ForeignCoefficients(format!(
            "their covariance is {:?}, that of `{self}` is {:?}",
            coefficients.covariance, self.covariance
        )))
    }
}

impl MaxwellianCoefficients {
    /// Peak, centre and widths.
    #[must_use]
    pub fn gaussian(&self) -> &Gaussian {
        &self.gaussian
    }

    /// The moments over all of velocity space, in closed form: n = A (2π)^{3/2} s_1 s_2 s_3, P_ij = n Σ s_k² e_ki e_kj,
    /// no heat flux. On a grid that holds the whole distribution and resolves its widths they agree with the sums over
    /// cells ([`Basis::moments`]).
    #[must_use]
    pub fn moments_over_velocity_space(&self) -> Moments {
        let Gaussian { peak, frame } = &self.gaussian;
        let density = frame.scales.iter().fold(*peak, |n, scale| n * scale * TAU.sqrt());
        let axes = frame.axes();
        let pressure = std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..3).map(|k| density * frame.scales[k].powi(2) * axes[k][i] * axes[k][j]).sum())
        });
        Moments { density, bulk_velocity: frame.centre, pressure, heat_flux: [0.0; 3] }
    }
}

impl NamedBasis for Maxwellian {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.one_of("fit", &mut self.fit, &FITS)?;
        choices.one_of("covariance", &mut self.covariance, &COVARIANCES)
    }
}

impl Basis for Maxwellian {
    type Coefficients = MaxwellianCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<MaxwellianCoefficients> {
        Ok(self.fit(vdf)?.0)
    }

    fn reconstruct(&self, coefficients: &MaxwellianCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients)?;
        let Gaussian { peak, frame } = &coefficients.gaussian;
        if frame.rotation.is_none() {
            let [x, y, z]: [Vec<f64>; 3] = std::array::from_fn(|axis| {
                let (centre, scale) = (frame.centre[axis], frame.scales[axis]);
                grid.centres(axis).iter().map(|v| (-0.5 * ((v - centre) / scale).powi(2)).exp()).collect()
            });
            let mut values = Vec::with_capacity(grid.cells());
            for x in &x {
                for y in &y {
                    let across = peak * (x * y);
                    values.extend(z.iter().map(|z| across * z));
                }
            }
            return Vdf::from_vec(*grid, values);
        }
        let axes = frame.axes();
        let whitening = Matrix3::from_fn(|i, j| axes[i][j] / frame.scales[i]);
        Vdf::from_fn(*grid, |v| {
            let offset = Vector3::from_fn(|i, _| v[i] - frame.centre[i]);
            peak * (-0.5 * (whitening * offset).norm_squared()).exp()
        })
    }

    /// ∂f/∂v = −f Σ_i ξ_i e_i / s_i.
    fn gradient(&self, coefficients: &MaxwellianCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        let vdf = self.reconstruct(coefficients, grid)?;
        let frame = &coefficients.gaussian.frame;
        let axes = frame.axes();
        let whitening = Matrix3::from_fn(|i, j| axes[i][j] / frame.scales[i]);
        let [x, y, z]: [Vec<f64>; 3] =
            std::array::from_fn(|axis| grid.centres(axis).iter().map(|v| v - frame.centre[axis]).collect());
        let mut parts = [0, 1, 2].map(|_| Vec::with_capacity(grid.cells()));
        for (row, values) in vdf.as_slice().chunks_exact(z.len()).enumerate() {
            for (f, &z) in values.iter().zip(&z) {
                let offset = Vector3::new(x[row / y.len()], y[row % y.len()], z);
                let by_velocity = whitening.tr_mul(&(whitening * offset));
                for (part, factor) in parts.iter_mut().zip(&by_velocity) {
                    part.push(-f * factor);
                }
            }
        }
        gradient::from_parts(NAME, grid, parts)
    }
}

impl Stream for Maxwellian {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, _: &VelocityGrid) -> MaxwellianCoefficients {
        MaxwellianCoefficients { covariance: self.covariance, gaussian: BLANK }
    }

    fn code(
        &self,
        coefficients: &mut MaxwellianCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.check(coefficients)?;
        let widths = match self.covariance {
            Covariance::Isotropic => Widths::One,
            Covariance::Diagonal => Widths::PerAxis,
            Covariance::Full => Widths::Full,
        };
        GaussianModels::of(NAME).code(coder, &mut coefficients.gaussian, widths, grid, resolution)
    }
}

impl Quantise for Maxwellian {
    fn rounded_before(
        &self,
        coefficients: &MaxwellianCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, MaxwellianCoefficients)> {
        let (gaussian, grid) = (&coefficients.gaussian, vdf.grid());
        let index = best_step(steps, |step| {
            let off = off_whole(gaussian, grid, step)?;
            let rounded = self.rounded(coefficients, vdf, Resolution::Step(step)).ok()?;
            is_same(gaussian, &rounded.gaussian, grid, step).then_some(off)
        })?;
        Some((index, coefficients.clone()))
    }
}

impl Coefficients for MaxwellianCoefficients {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        let Gaussian { peak, frame } = &self.gaussian;
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), *peak);
        let mut visit_axes = |quantity, values: &[f64]| {
            for (axis, value) in (0..).zip(values) {
                visitor(Slot::new(quantity, 0).at(Label::Axis(axis)), *value);
            }
        };
        visit_axes(Quantity::Velocity, &frame.centre);
        let widths = if self.covariance == Covariance::Isotropic { 1 } else { 3 };
        visit_axes(Quantity::Speed, &frame.scales[..widths]);
        visit_axes(Quantity::Angle, frame.rotation.as_ref().map_or(&[], |angles| &angles[..]));
    }

    fn scale(&mut self, factor: f64) {
        self.gaussian.peak *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::frame::{Frame, Orientation};
    use approx::assert_relative_eq;

    fn grid() -> VelocityGrid {
        VelocityGrid::new([30, 34, 26], [-7.5e5, -8.0e5, -7.0e5], [5e4, 5e4, 5.5e4]).unwrap()
    }

    fn sample(frame: Frame, peak: f64) -> Vdf {
        let axes = frame.axes();
        Vdf::from_fn(grid(), |v| {
            let xi: [f64; 3] = std::array::from_fn(|i| {
                (0..3).map(|j| axes[i][j] * (v[j] - frame.centre[j])).sum::<f64>() / frame.scales[i]
            });
            peak * (-0.5 * xi.iter().map(|x| x * x).sum::<f64>()).exp()
        })
        .unwrap()
    }

    #[test]
    fn a_maxwellian_is_found_exactly_even_where_the_box_cuts_it() {
        let centre = [4.0e5, -1.0e5, 2.0e5];
        for (covariance, scales, count) in
            [(Covariance::Isotropic, [2.0e5; 3], 5), (Covariance::Diagonal, [2.0e5, 1.2e5, 2.9e5], 7)]
        {
            let frame = Frame::grid_aligned(centre, scales);
            let vdf = sample(frame, 3e-13);
            let basis = Maxwellian::new(Fit::LeastSquares, covariance);
            let (c, report) = basis.fit(&vdf).unwrap();
            assert!(report.unwrap().iterations < 30, "{report:?}");
            assert_relative_eq!(c.gaussian.peak / 3e-13, 1.0, max_relative = 1e-11);
            for i in 0..3 {
                assert_relative_eq!(c.gaussian.frame.centre[i], centre[i], max_relative = 1e-10);
                assert_relative_eq!(c.gaussian.frame.scales[i], scales[i], max_relative = 1e-10);
            }
            assert_eq!(c.count(), count);
        }
    }

    #[test]
    fn a_tilted_maxwellian_needs_the_full_covariance() {
        let moments = Moments {
            density: 1.0,
            bulk_velocity: [1e5, -2e5, 0.0],
            pressure: [[5e10, 2e10, 1e10], [2e10, 3e10, 0.0], [1e10, 0.0, 2e10]],
            heat_flux: [0.0; 3],
        };
        let frame = Orientation::PressureEigenframe.frame(&moments);
        let vdf = sample(frame, 2e-14);
        let basis = Maxwellian::new(Fit::LeastSquares, Covariance::Full);
        let c = basis.encode(&vdf).unwrap();
        let back = basis.reconstruct(&c, vdf.grid()).unwrap();
        let worst = vdf.as_slice().iter().zip(back.as_slice()).fold(0.0, |w, (a, b)| f64::max(w, (a - b).abs()));
        assert!(worst < 1e-10 * 2e-14, "{worst}");
        let closed = c.moments_over_velocity_space();
        for i in 0..3 {
            for j in 0..3 {
                let expected = closed.density * moments.pressure[i][j];
                assert_relative_eq!(closed.pressure[i][j], expected, epsilon = 1e-9 * closed.density * 5e10);
            }
        }
        assert_eq!(c.count(), 10);
    }

    #[test]
    fn closed_form_moments_equal_the_sums_over_cells() {
        let frame = Frame::grid_aligned([1e4, 2e4, -3e4], [9e4, 8e4, 1e5]);
        let vdf = sample(frame, 1e-12);
        for fit in [Fit::LeastSquares, Fit::Moments] {
            let basis = Maxwellian::new(fit, Covariance::Diagonal);
            let c = basis.encode(&vdf).unwrap();
            let (closed, sums) = (c.moments_over_velocity_space(), basis.moments(&c, vdf.grid()).unwrap());
            assert_relative_eq!(closed.density, sums.density, max_relative = 1e-8);
            for i in 0..3 {
                assert_relative_eq!(closed.pressure[i][i], sums.pressure[i][i], max_relative = 1e-8);
                assert_relative_eq!(closed.bulk_velocity[i], sums.bulk_velocity[i], max_relative = 1e-6);
            }
        }
    }

    #[test]
    fn what_has_no_width_is_refused_with_the_reason() {
        let unit = VelocityGrid::unit([4, 4, 4]).unwrap();
        let refused = |vdf: &Vdf| Maxwellian::default().encode(vdf).unwrap_err().to_string();
        assert!(refused(&Vdf::zeros(unit)).contains("zero everywhere"));
        let mut one = vec![0.0; 64];
        one[21] = 1.0;
        assert!(refused(&Vdf::from_slice(unit, &one).unwrap()).contains("thermal width along axis 0 is zero"));
        // A width of rounding errors is none.
        for plane in 0..grid().shape()[0] {
            let values = Vdf::zeros(grid()).into_values();
            let mut vdf = values;
            for (k, f) in vdf.index_axis_mut(ndarray::Axis(0), plane).iter_mut().enumerate() {
                *f = 1e-13 * (0.3 + (k as f64 * 0.7).sin().abs());
            }
            assert!(refused(&Vdf::new(grid(), vdf).unwrap()).contains("axis 0 is zero"), "plane {plane}");
        }
    }

    #[test]
    fn an_axis_of_one_cell_gets_the_cells_width() {
        let grid = VelocityGrid::new([1, 1, 40], [0.0, 0.0, -10.0], [2.0, 3.0, 0.5]).unwrap();
        let vdf = Vdf::from_fn(grid, |[_, _, z]| (-0.5 * (z / 1.5f64).powi(2)).exp()).unwrap();
        let basis = Maxwellian::default();
        let c = basis.encode(&vdf).unwrap();
        assert_relative_eq!(c.gaussian.frame.scales[2], 1.5, max_relative = 1e-8);
        let back = basis.reconstruct(&c, &grid).unwrap();
        assert_relative_eq!(back.as_slice()[20], vdf.as_slice()[20], max_relative = 1e-8);
    }
}
