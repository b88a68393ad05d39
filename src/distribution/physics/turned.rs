//! A distribution on a grid along a magnetic field.

use super::field::FieldFrame;
use super::interpolation::Interpolator;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::resample::Interpolation;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

impl Vdf {
    /// This distribution in the frame of a magnetic field: on a grid whose axes are v_⊥1, v_⊥2 and v_∥, the velocities along
    /// [`FieldDirection::axes`](super::FieldDirection::axes) from the centre of the frame [m/s]. Units, density and temperatures
    /// stay.
    ///
    /// Interpolated between the centres of cells: cubic, whose error is of third order in the width of the cells, but which
    /// undershoots zero beside steep flanks; linear, of second order and never negative for f ≥ 0; or of the nearest cell. Zero
    /// outside the grid of this distribution. For planes and pictures; moments about a field are exact by
    /// [`Moments::about_field`](crate::Moments::about_field).
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// use vdf_basis::{FieldDirection, FieldFrame, Interpolation, VelocityGrid};
    /// # let grid = Synthetic::default_grid("bi-maxwellian", 40)?;
    /// # let vdf = Synthetic::named("bi-maxwellian", 0)?.sample(&grid, Sampling::default())?;
    /// let frame = FieldFrame::new(FieldDirection::new([1.0, 2.0, 0.5])?, vdf.moments().bulk_velocity)?;
    /// let along = VelocityGrid::from_edges([40; 3], [-2e6; 3], [2e6; 3])?;
    /// let turned = vdf.in_field_frame(&frame, &along, Interpolation::Cubic)?;
    /// assert!((turned.moments().density / vdf.moments().density - 1.0).abs() < 1e-2);
    /// // From the bulk velocity, which is zero here.
    /// assert!(turned.moments().bulk_velocity[2].abs() < 1e3);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for [`Interpolation::Conservative`],
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a cubic leaves the range of f64.
    pub fn in_field_frame(
        &self,
        frame: &FieldFrame,
        grid: &VelocityGrid,
        interpolation: Interpolation,
    ) -> Result<Self> {
        let density = Interpolator::of(self, interpolation)?;
        let (axes, centre) = (frame.field().axes(), frame.centre());
        Self::from_fn(*grid, |w| {
            density.at(std::array::from_fn(|i| centre[i] + (0..3).map(|k| w[k] * axes[k][i]).sum::<f64>()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::FieldDirection;
    use super::super::test_distributions::{DRIFT, FIELDS, sampled};
    use super::*;
    use crate::distribution::synthetic::{Shape, Synthetic};

    #[test]
    fn a_crescent_is_that_of_its_closed_form_along_the_field_to_the_order_of_the_interpolation() {
        for field in FIELDS {
            let direction = FieldDirection::new(field).unwrap();
            let [e1, ..] = direction.axes();
            let shape = |field, towards| Shape::Crescent {
                speed: 4.0,
                width: 1.2,
                v_th_par: 1.4,
                field,
                towards,
                sharpness: 2.0,
            };
            let there = Synthetic::single(2.0, DRIFT, shape(field, e1)).unwrap();
            // The same along the axes: v_⊥1 is x, and v_∥ is z.
            let here = Synthetic::single(2.0, [0.0; 3], shape([0.0, 0.0, 1.0], [1.0, 0.0, 0.0])).unwrap();
            let along = VelocityGrid::from_edges([17, 16, 15], [-5.0; 3], [5.0; 3]).unwrap();
            let expected = here.sample(&along, Default::default()).unwrap();
            let error = |cells: usize, interpolation: Interpolation| {
                let frame = FieldFrame::new(direction, DRIFT).unwrap();
                let turned = sampled(&there, 10.0, cells).in_field_frame(&frame, &along, interpolation).unwrap();
                let off = turned.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs());
                off.fold(0.0, f64::max) / expected.peak()
            };
            for (interpolation, most, gain) in [(Interpolation::Cubic, 0.03, 0.2), (Interpolation::Linear, 0.1, 0.35)] {
                let [coarse, fine] = [40, 80].map(|cells| error(cells, interpolation));
                assert!(coarse < most && fine < gain * coarse, "{field:?}, {interpolation:?}: {coarse} {fine}");
            }
        }
    }

    #[test]
    fn nothing_is_outside_and_extremes_have_an_answer() {
        let vdf = Vdf::from_fn(VelocityGrid::unit([3; 3]).unwrap(), |_| 1e300).unwrap();
        let frame = FieldFrame::new(FieldDirection::new([1.0, 1.0, 0.0]).unwrap(), [1e200; 3]).unwrap();
        let grid = VelocityGrid::unit([2, 1, 3]).unwrap();
        let turned = |interpolation| vdf.in_field_frame(&frame, &grid, interpolation);
        for interpolation in [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic] {
            assert_eq!(turned(interpolation).unwrap().peak(), 0.0);
        }
        assert!(turned(Interpolation::Conservative).unwrap_err().to_string().contains("Conservative"));
    }
}
