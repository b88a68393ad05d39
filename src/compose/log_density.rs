//! A basis for the logarithm of the density.

use std::fmt;

use crate::basis::{Basis, Coefficients, Quantity, Slot};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::spec::SpecWriter;

/// `log(B)`: B encodes h = log₁₀(max(f, floor) / floor), and the reconstruction is floor·10^h where h > 0, zero
/// elsewhere. It is never negative, and its errors are relative; negative densities and those below the floor become
/// zero. It is never more than two to four times the distribution's peak: where B grows beyond its data, on a larger grid,
/// its exponential would be without bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensity<B: Basis> {
    inner: B,
    floor: Floor,
}

/// What was found in the logarithm, and the floor it was taken above.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensityCoefficients<B: Basis> {
    /// The floor [s³ m⁻⁶].
    pub floor: f64,
    /// How often the root mean square of the density is twice the floor: with it a stream knows how fine the
    /// logarithm must be.
    pub octaves: u32,
    /// How often the peak is twice the floor, rounded up, where the floor was given: nothing is reconstructed above twice
    /// that. Above the default floor the peak is 10⁶ floors.
    pub octaves_of_peak: Option<u32>,
    /// What the inner basis found in h.
    pub inner: B::Coefficients,
}

impl<B: Basis> LogDensity<B> {
    /// The default floor, as a fraction of the peak.
    pub const RELATIVE_FLOOR: f64 = Floor::RELATIVE;

    /// The logarithm above a floor of [`Self::RELATIVE_FLOOR`] of each distribution's peak.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, floor: Floor::default() }
    }

    /// The logarithm above a given floor [s³ m⁻⁶].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if the floor is not a positive number.
    pub fn above(inner: B, floor: f64) -> Result<Self> {
        Ok(Self { inner, floor: Floor::at(floor)? })
    }

    /// What `find` finds in the logarithm, with the floor and the octaves.
    fn encoded(
        &self,
        vdf: &Vdf,
        find: impl FnOnce(&Vdf) -> Result<B::Coefficients>,
    ) -> Result<LogDensityCoefficients<B>> {
        let floor = self.floor.of(vdf, "log")?;
        let inner = find(&logarithm(vdf, floor)?)?;
        let (octaves, octaves_of_peak) = (decades::octaves(vdf, floor), decades::octaves_of_peak(self.floor, vdf));
        Ok(LogDensityCoefficients { floor, octaves, octaves_of_peak, inner })
    }
}

impl<B: Basis> fmt::Display for LogDensity<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = self.floor.given();
        SpecWriter::new(&format!("log({})", self.inner))
            .option(floor.is_some(), "floor", format!("{:e}", floor.unwrap_or_default()))
            .write(f)
    }
}

impl<B: Basis> Basis for LogDensity<B> {
    type Coefficients = LogDensityCoefficients<B>;

    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        self.encoded(vdf, |logarithm| self.inner.encode(logarithm))
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        self.encoded(vdf, |logarithm| self.inner.encode_from(logarithm, &start.inner))
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        Floor::at(coefficients.floor)?;
        let mut values = self.inner.reconstruct(&coefficients.inner, grid)?.into_values().into_raw_vec_and_offset().0;
        decades::to_densities(&mut values, coefficients.floor, decades::ceiling(coefficients.octaves_of_peak));
        Vdf::from_vec(*grid, values)
    }

    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let (floor, octaves) = self.floor.code(coefficients.map(|c| (c.floor, c.octaves)), coder)?;
        let resolution = decades::resolution(resolution, floor, octaves);
        let given = coefficients.and_then(|c| c.octaves_of_peak);
        let octaves_of_peak = decades::code_octaves_of_peak(self.floor, given, coder)?;
        let inner = self.inner.code(coefficients.map(|c| &c.inner), grid, resolution, coder)?;
        Ok(LogDensityCoefficients { floor, octaves, octaves_of_peak, inner })
    }

    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let LogDensityCoefficients { floor, octaves, octaves_of_peak, .. } = *coefficients;
        let resolution = decades::resolution(resolution, floor, octaves);
        let inner = self.inner.rounded(&coefficients.inner, &logarithm(vdf, floor)?, resolution)?;
        Ok(LogDensityCoefficients { floor, octaves, octaves_of_peak, inner })
    }

    fn rounded_before(&self, coefficients: &Self::Coefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        let LogDensityCoefficients { floor, octaves, ref inner, .. } = *coefficients;
        let of_logarithm = |&step: &f64| decades::resolution(Resolution::Step(step), floor, octaves).step();
        let steps: Vec<f64> = steps.iter().filter_map(of_logarithm).collect();
        self.inner.rounded_before(inner, &logarithm(vdf, floor).ok()?, &steps)
    }
}

/// h = log₁₀(max(f, floor) / floor).
fn logarithm(vdf: &Vdf, floor: f64) -> Result<Vdf> {
    Vdf::from_vec(*vdf.grid(), decades::above(vdf.as_slice(), floor))
}

impl<B: Basis> Coefficients for LogDensityCoefficients<B> {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), &mut self.floor);
        // The inner basis counts its amplitudes as densities; here they are decades.
        self.inner.visit(&mut |slot, value| {
            let quantity = match slot.quantity {
                Quantity::PhaseSpaceDensity | Quantity::NumberDensity => Quantity::Decades,
                other => other,
            };
            visitor(Slot { quantity, ..slot }, value);
        });
    }

    /// The octaves and the inner basis' own.
    fn topology_len(&self) -> usize {
        1 + usize::from(self.octaves_of_peak.is_some()) + self.inner.topology_len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bases::cosine::Cosine;
    use crate::bases::hermite::Hermite;
    use crate::bases::spherical::Spherical;
    use crate::distribution::fidelity::Fidelity;

    #[test]
    fn an_element_below_the_ceiling_comes_back() {
        // The logarithm is a Gaussian, with a peak of five decades, wherever it is above zero.
        let floor = 1e-18;
        let grid = VelocityGrid::unit([17, 15, 16]).unwrap();
        let logarithm = |[x, y, z]: [f64; 3]| {
            let q = ((x - 8.2) / 3.0).powi(2) + ((y - 6.7) / 2.5).powi(2) + ((z - 7.9) / 2.0).powi(2);
            5.0 * (-0.5 * q).exp()
        };
        let vdf = Vdf::from_fn(grid, |v| floor * 10f64.powf(logarithm(v))).unwrap();
        let basis = LogDensity::above(crate::Maxwellian::default(), floor).unwrap();
        let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap();
        let l2 = Fidelity::compare(&vdf, &back).unwrap().l2;
        assert!(l2 < 1e-9, "{l2:e}");
    }

    /// A beam and a core, cut by the box on one side.
    fn cut() -> Vdf {
        Vdf::from_fn(VelocityGrid::unit([18, 20, 16]).unwrap(), |[x, y, z]| {
            let core = (x - 3.0).powi(2) + (y - 11.0).powi(2) + (z - 8.0).powi(2);
            let beam = (x - 12.0).powi(2) + (y - 6.0).powi(2) + 2.0 * (z - 9.0).powi(2);
            1e-13 * ((-core / 18.0).exp() + 0.3 * (-beam / 8.0).exp())
        })
        .unwrap()
    }

    /// A grid of so many cells more on every side.
    fn larger(grid: &VelocityGrid, more: usize) -> VelocityGrid {
        grid.window([-(more as isize); 3], grid.shape().map(|n| n + 2 * more)).unwrap()
    }

    fn stays_near_the_peak<B: Basis>(basis: &LogDensity<B>, vdf: &Vdf) {
        let c = basis.encode(vdf).unwrap();
        for more in [1, 4, 40] {
            let back = basis.reconstruct(&c, &larger(vdf.grid(), more)).unwrap();
            assert!(back.peak() <= 4.0 * vdf.peak(), "{basis}: {:e} of {:e}", back.peak(), vdf.peak());
        }
        // A reader of the stream has the same ceiling.
        let mut writer = Coder::writing();
        let written = basis.code(Some(&c), vdf.grid(), Resolution::Exact, &mut writer).unwrap();
        assert_eq!(written, c);
        let bytes = writer.finish();
        let mut reader = Coder::reading(&bytes);
        assert_eq!(basis.code(None, vdf.grid(), Resolution::Exact, &mut reader).unwrap(), c);
    }

    #[test]
    fn beyond_its_data_no_logarithm_grows_above_the_peak() {
        let vdf = cut();
        let hermite = Hermite::new([6; 3]).unwrap();
        stays_near_the_peak(&LogDensity::new(hermite.clone()), &vdf);
        stays_near_the_peak(&LogDensity::above(hermite, 3e-17).unwrap(), &vdf);
        stays_near_the_peak(&LogDensity::new(Spherical::new(4, 50).unwrap()), &vdf);
        stays_near_the_peak(&LogDensity::above(Spherical::new(4, 12).unwrap(), 1e-20).unwrap(), &vdf);
    }

    #[test]
    fn on_its_own_cells_the_ceiling_changes_nothing() {
        for basis in [LogDensity::new(Cosine::new()), LogDensity::above(Cosine::new(), 1e-20).unwrap()] {
            let vdf = cut();
            let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), vdf.grid()).unwrap();
            let above = Vdf::from_vec(
                *vdf.grid(),
                vdf.as_slice()
                    .iter()
                    .map(|f| if *f > basis.floor.of(&vdf, "log").unwrap() { *f } else { 0.0 })
                    .collect(),
            );
            assert!(Fidelity::compare(&above.unwrap(), &back).unwrap().log10_rms < 1e-9);
        }
    }
}
