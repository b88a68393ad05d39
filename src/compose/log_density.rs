//! Encoding of the logarithm of the density.

use std::fmt;

use super::free_decades::FreeDecades;
use crate::basis::bound::Bound;
use crate::basis::choices::{Choices, spec_around, write_spec};
use crate::basis::spec::{Spec, invalid};
use crate::basis::{Basis, Coefficients, Gradient, Kept, Quantise, Quantity, Slot, Stream, gradient};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// `log(B)`: B encodes h = log₁₀(max(f, floor) / floor). The reconstruction is floor·10^h where h > 0, zero elsewhere.
/// It is never negative, and its errors are relative; negative densities and those below the floor become zero. It is
/// limited to two to four times the distribution's peak, because the exponential of a basis that grows beyond its
/// data, on a larger grid, would have no bound.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensity<B: Basis> {
    inner: B,
    floor: Floor,
    /// True if rounding may choose the decades of cells below the floor.
    is_free_below: bool,
}

/// Coefficients of the logarithm, and the floor above which it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensityCoefficients<B: Basis> {
    /// The floor [s³ m⁻⁶].
    pub floor: f64,
    /// `round(log2(rms / floor))`, rms the root mean square of the density: sets the quantisation step of the
    /// logarithm.
    pub octaves: u32,
    /// `ceil(log2(peak / floor))`, if the floor was given: limits the reconstruction to twice this density. `None` for
    /// the default floor, above which the peak is 10⁶ floors.
    pub octaves_of_peak: Option<u32>,
    /// Coefficients of h in the inner basis.
    pub inner: B::Coefficients,
}

/// The name of the combinator.
pub(crate) const NAME: &str = "log";

impl<B: Basis> LogDensity<B> {
    /// The default floor, as a fraction of the peak.
    pub const RELATIVE_FLOOR: f64 = Floor::RELATIVE;

    /// Encodes the logarithm above a floor of [`Self::RELATIVE_FLOOR`] of each distribution's peak.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self::with_floor(inner, Floor::default())
    }

    /// Encodes the logarithm above a given floor [s³ m⁻⁶].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if the floor is not a positive number.
    pub fn above(inner: B, floor: f64) -> Result<Self> {
        Ok(Self::with_floor(inner, Floor::at(floor)?))
    }

    /// Encodes the logarithm above a floor of any kind.
    pub(crate) fn with_floor(inner: B, floor: Floor) -> Self {
        Self { inner, floor, is_free_below: false }
    }

    /// The same, in which rounding chooses decades below the floor that take fewer bytes. For errors of the logarithm: the
    /// step of a decoded density is then seldom found again, so that repeated encodings add up more of their errors.
    pub(crate) fn free_below(self) -> Self {
        Self { is_free_below: true, ..self }
    }

    /// Coefficients that `find` makes of the logarithm, with the floor and the ratios to it.
    fn encoded(
        &self,
        vdf: &Vdf,
        find: impl FnOnce(&Vdf) -> Result<B::Coefficients>,
    ) -> Result<LogDensityCoefficients<B>> {
        let floor = self.floor.of(vdf, "log")?;
        let inner = find(&logarithm(vdf, floor)?)?;
        let (octaves, octaves_of_peak) =
            (decades::octaves(vdf, floor), decades::octaves_of_peak(self.floor, floor, vdf));
        Ok(LogDensityCoefficients { floor, octaves, octaves_of_peak, inner })
    }
}

impl<B: Quantise> LogDensity<B> {
    pub(crate) fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        let mut floor = self.floor.given();
        choices.optional("floor", &mut floor)?;
        if let Some(floor) = floor {
            self.floor = Floor::at(floor)?;
        }
        Ok(())
    }
}

impl<B: Quantise> fmt::Display for LogDensity<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spec(self, f)
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

    /// ∂f/∂v = f ln 10 ∂h/∂v. Zero where f is zero or at its limit.
    fn gradient(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Gradient> {
        Floor::at(coefficients.floor)?;
        let mut slopes = self.inner.reconstruct(&coefficients.inner, grid)?.into_values().into_raw_vec_and_offset().0;
        decades::to_slopes(&mut slopes, coefficients.floor, decades::ceiling(coefficients.octaves_of_peak));
        let by_velocity = self.inner.gradient(&coefficients.inner, grid)?;
        gradient::finite(NAME, decades::by_chain_rule(&slopes, by_velocity))
    }
}

impl<B: Quantise> Stream for LogDensity<B> {
    fn spec(&self) -> Result<Spec> {
        let default = || Self::new(self.inner.clone());
        spec_around(NAME, self.inner.spec()?, |shown| self.clone().choose(shown), |shown| default().choose(shown))
    }

    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
        LogDensityCoefficients { floor: 1.0, octaves: 0, octaves_of_peak: None, inner: self.inner.blank(grid) }
    }

    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let LogDensityCoefficients { floor, octaves, octaves_of_peak, inner } = coefficients;
        self.floor.code(floor, octaves, coder)?;
        decades::code_octaves_of_peak(self.floor, octaves_of_peak, coder)?;
        self.inner.code(inner, grid, decades::resolution(resolution, *floor, *octaves), coder)
    }
}

impl<B: Quantise> Quantise for LogDensity<B> {
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let LogDensityCoefficients { floor, octaves, octaves_of_peak, .. } = *coefficients;
        let resolution = decades::resolution(resolution, floor, octaves);
        let target = logarithm(vdf, floor)?;
        let inner = if self.is_free_below {
            let free = target.as_slice().iter().map(|&decades| decades <= 0.0).collect();
            FreeDecades::new(target, free).rounded(&self.inner, &coefficients.inner, resolution)?
        } else {
            self.inner.rounded(&coefficients.inner, &target, resolution)?
        };
        Ok(LogDensityCoefficients { floor, octaves, octaves_of_peak, inner })
    }

    /// The estimate of the inner basis, whose densities are decades.
    fn logarithmic_error(&self, coefficients: &Self::Coefficients, step: f64) -> Option<f64> {
        let LogDensityCoefficients { floor, octaves, ref inner, .. } = *coefficients;
        self.inner.rounding_error(inner, decades::resolution(Resolution::Step(step), floor, octaves).step()?)
    }

    fn ignores_step(&self) -> bool {
        self.inner.ignores_step()
    }

    fn rounded_before(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, Self::Coefficients)> {
        let LogDensityCoefficients { floor, octaves, octaves_of_peak, ref inner } = *coefficients;
        let of_logarithm = |&step: &f64| decades::resolution(Resolution::Step(step), floor, octaves).step();
        let steps: Vec<f64> = steps.iter().filter_map(of_logarithm).collect();
        let (index, inner) = self.inner.rounded_before(inner, &logarithm(vdf, floor).ok()?, &steps)?;
        Some((index, LogDensityCoefficients { floor, octaves, octaves_of_peak, inner }))
    }

    /// Refuses a bound if the inner basis chooses its own step: its errors are those of logarithms.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        let Kept::AtAnyStep = self.inner.keep(bound)? else {
            let inner = self.inner.spec()?;
            let problem =
                format!("`{inner}` chooses its own step, and `{bound}` cannot be told to it through `{NAME}`");
            let instead = format!("write a basis that does not, as `{NAME}(wavelet)`, or `{inner}` alone");
            return Err(invalid(&self.spec()?.to_string(), format!("{problem}; {instead}")));
        };
        Ok(Kept::AtAnyStep)
    }
}

/// Logarithm h = log₁₀(max(f, floor) / floor).
fn logarithm(vdf: &Vdf, floor: f64) -> Result<Vdf> {
    Vdf::from_vec(*vdf.grid(), decades::above(vdf.as_slice(), floor))
}

/// A slot of a basis that encodes decades: amplitudes are densities to it, and here they are decades.
pub(super) fn in_decades(slot: Slot) -> Slot {
    let quantity = match slot.quantity {
        Quantity::PhaseSpaceDensity | Quantity::NumberDensity => Quantity::Decades,
        other => other,
    };
    Slot { quantity, ..slot }
}

impl<B: Basis> Coefficients for LogDensityCoefficients<B> {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), self.floor);
        self.inner.visit(&mut |slot, value| visitor(in_decades(slot), value));
    }

    fn scale(&mut self, factor: f64) {
        self.floor *= factor;
    }

    /// Number of ratios to the floor, plus that of the inner basis.
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

    fn stays_near_the_peak<B: Quantise>(basis: &LogDensity<B>, vdf: &Vdf) {
        let c = basis.encode(vdf).unwrap();
        for more in [1, 4, 40] {
            let back = basis.reconstruct(&c, &larger(vdf.grid(), more)).unwrap();
            assert!(back.peak() <= 4.0 * vdf.peak(), "{basis}: {:e} of {:e}", back.peak(), vdf.peak());
        }
        // A reader of the stream has the same ceiling.
        let (mut writer, mut written) = (Coder::writing(), c.clone());
        basis.code(&mut written, vdf.grid(), Resolution::Exact, &mut writer).unwrap();
        assert_eq!(written, c);
        let (bytes, mut read) = (writer.finish(), basis.blank(vdf.grid()));
        basis.code(&mut read, vdf.grid(), Resolution::Exact, &mut Coder::reading(&bytes)).unwrap();
        assert_eq!(read, c);
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
