//! Product of two bases, of which the second encodes the factor by which the first is off.

use std::f64::consts::LN_10;
use std::fmt;

use super::free_decades::FreeDecades;
use super::log_density::in_decades;
use super::second::{self, or_nothing};
use crate::basis::bound::Bound;
use crate::basis::choices::write_spec;
use crate::basis::spec::{Spec, Value, invalid};
use crate::basis::{Basis, Coefficients, Gradient, Kept, Quantise, Quantity, Slot, Stream, gradient};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// `A * B`: A encodes the distribution f, and B encodes h = log₁₀(max(f, floor) / max(a, floor)), a being A *as
/// decoded*, with the rounding errors of its coefficients. The reconstruction is max(a, floor)·10^h where that is above
/// the floor, zero elsewhere. So A carries the shape over many decades, and B the relative detail.
///
/// In cells where f is not above the floor, a smaller h gives the same reconstruction, zero. Rounding there chooses an h that
/// takes fewer bytes. The reconstruction is limited to two to four times the distribution's peak, as that of
/// [`LogDensity`](crate::LogDensity).
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio<A: Basis, B: Basis> {
    first: A,
    second: B,
    floor: Floor,
}

/// Coefficients of both factors, and the floor.
#[derive(Debug, Clone, PartialEq)]
pub struct RatioCoefficients<A: Basis, B: Basis> {
    /// Floor, and the ratios to it that set steps and the limit of the reconstruction.
    pub above: AboveFloor,
    /// Coefficients of the first basis.
    pub first: A::Coefficients,
    /// Coefficients of h in the second basis; `None` if it cannot encode h, which is zero for instance.
    pub second: Option<B::Coefficients>,
}

/// Floor of a ratio, and the octaves of the distribution above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AboveFloor {
    /// The floor [s³ m⁻⁶].
    pub floor: f64,
    /// `round(log2(rms / floor))`, rms the root mean square of the density: sets the quantisation step of h.
    pub octaves: u32,
    /// `ceil(log2(peak / floor))`, if the floor was given: limits the reconstruction to twice this density. `None` for
    /// the default floor, above which the peak is 10⁶ floors.
    pub octaves_of_peak: Option<u32>,
}

/// The option of the second factor in a spec that gives the floor.
pub(crate) const FLOOR: &str = "floor";
/// Name of the combinator in errors.
const NAME: &str = "A * B";

impl<A: Basis, B: Basis> Ratio<A, B> {
    /// Encodes the ratio to `first` in `second`, above a floor of 1e-6 of each distribution's peak.
    #[must_use]
    pub fn new(first: A, second: B) -> Self {
        Self::with_floor(first, second, Floor::default())
    }

    /// Encodes the ratio above a given floor [s³ m⁻⁶].
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] if the floor is not a positive number.
    pub fn above(first: A, second: B, floor: f64) -> Result<Self> {
        Ok(Self::with_floor(first, second, Floor::at(floor)?))
    }

    /// Encodes the ratio above a floor of any kind.
    pub(crate) fn with_floor(first: A, second: B, floor: Floor) -> Self {
        Self { first, second, floor }
    }

    /// Coefficients of the first basis alone, of which rounding finds the second's.
    pub(crate) fn around(&self, first: A::Coefficients, vdf: &Vdf) -> Result<RatioCoefficients<A, B>> {
        Ok(RatioCoefficients { above: self.above_floor(vdf)?, first, second: None })
    }

    /// The basis of the distribution.
    #[must_use]
    pub fn first(&self) -> &A {
        &self.first
    }

    /// The basis of the ratio.
    #[must_use]
    pub fn second(&self) -> &B {
        &self.second
    }

    /// Coefficients of both, given those of the first.
    fn encoded(&self, vdf: &Vdf, first: A::Coefficients, above: AboveFloor) -> Result<RatioCoefficients<A, B>> {
        let ratio = self.ratio(&first, vdf, above.floor)?;
        let second = or_nothing(self.second.encode(ratio.target()))?;
        Ok(RatioCoefficients { above, first, second })
    }

    fn above_floor(&self, vdf: &Vdf) -> Result<AboveFloor> {
        let floor = self.floor.of(vdf, NAME)?;
        let (octaves, octaves_of_peak) =
            (decades::octaves(vdf, floor), decades::octaves_of_peak(self.floor, floor, vdf));
        Ok(AboveFloor { floor, octaves, octaves_of_peak })
    }

    /// Decades h of the distribution above the first basis as decoded.
    fn ratio(&self, first: &A::Coefficients, vdf: &Vdf, floor: f64) -> Result<FreeDecades> {
        let decoded = self.first.reconstruct(first, vdf.grid())?;
        let (of, over) = (decades::above(vdf.as_slice(), floor), decades::above(decoded.as_slice(), floor));
        let free = of.iter().map(|&decades| decades <= 0.0).collect();
        let ratio = of.iter().zip(over).map(|(of, over)| of - over).collect();
        Ok(FreeDecades::new(Vdf::from_vec(*vdf.grid(), ratio)?, free))
    }
}

impl<A: Quantise, B: Quantise> fmt::Display for Ratio<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spec(self, f)
    }
}

impl<A: Basis, B: Basis> Basis for Ratio<A, B> {
    type Coefficients = RatioCoefficients<A, B>;

    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        let above = self.above_floor(vdf)?;
        self.encoded(vdf, self.first.encode(vdf)?, above)
    }

    /// Only the first basis starts from the given coefficients: the ratio differs too much from the one before.
    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let above = self.above_floor(vdf)?;
        self.encoded(vdf, self.first.encode_from(vdf, &start.first)?, above)
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let AboveFloor { floor, octaves_of_peak, .. } = coefficients.above;
        Floor::at(floor)?;
        let first = self.first.reconstruct(&coefficients.first, grid)?;
        let mut values = decades::above(first.as_slice(), floor);
        if let Some(second) = &coefficients.second {
            let ratio = self.second.reconstruct(second, grid)?;
            values.iter_mut().zip(ratio.as_slice()).for_each(|(decades, ratio)| *decades += ratio);
        }
        decades::to_densities(&mut values, floor, decades::ceiling(octaves_of_peak));
        Vdf::from_vec(*grid, values)
    }

    /// ∂f/∂v = f (∂a/∂v / a + ln 10 ∂h/∂v), without the first term where a is not above the floor. Zero where f is zero
    /// or at its limit.
    fn gradient(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Gradient> {
        let AboveFloor { floor, octaves_of_peak, .. } = coefficients.above;
        Floor::at(floor)?;
        let first = self.first.reconstruct(&coefficients.first, grid)?;
        let mut by_velocity = self.first.gradient(&coefficients.first, grid)?;
        for part in &mut by_velocity {
            part.zip_mut_with(&first.values(), |part, &a| *part = if a > floor { *part / (a * LN_10) } else { 0.0 });
        }
        let mut slopes = decades::above(first.as_slice(), floor);
        if let Some(second) = &coefficients.second {
            let ratio = self.second.reconstruct(second, grid)?;
            slopes.iter_mut().zip(ratio.as_slice()).for_each(|(decades, ratio)| *decades += ratio);
            for (part, other) in by_velocity.iter_mut().zip(self.second.gradient(second, grid)?) {
                *part += &other;
            }
        }
        decades::to_slopes(&mut slopes, floor, decades::ceiling(octaves_of_peak));
        gradient::finite(NAME, decades::by_chain_rule(&slopes, by_velocity))
    }
}

impl<A: Quantise, B: Quantise> Stream for Ratio<A, B> {
    fn spec(&self) -> Result<Spec> {
        let [mut first, second] = [self.first.spec()?, self.second.spec()?];
        let problem = "a product is read from left to right: a sum or a product may not be its second factor, nor a \
                       sum its first";
        let one = |spec: &Spec| spec.terms.len() == 1 && spec.terms[0].factors.is_empty();
        if first.terms.len() != 1 || !one(&second) {
            let spec = if first.terms.len() == 1 { second } else { first };
            return Err(invalid(&spec.to_string(), problem));
        }
        let mut factors = second.terms;
        for factor in &mut factors {
            if let Some(floor) = self.floor.given() {
                if factor.option(FLOOR).is_some() {
                    let problem = "the basis of a ratio above a given floor may not have a floor of its own";
                    return Err(invalid(&factor.to_string(), problem));
                }
                factor.options.push((FLOOR.to_owned(), Value::Number(floor)));
            }
        }
        first.terms[0].factors.extend(factors);
        Ok(first)
    }

    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
        let above = AboveFloor { floor: 1.0, octaves: 0, octaves_of_peak: None };
        RatioCoefficients { above, first: self.first.blank(grid), second: None }
    }

    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let RatioCoefficients { above: AboveFloor { floor, octaves, octaves_of_peak }, first, second } = coefficients;
        self.floor.code(floor, octaves, coder)?;
        decades::code_octaves_of_peak(self.floor, octaves_of_peak, coder)?;
        coder.part_of(&self.first)?;
        self.first.code(first, grid, resolution, coder)?;
        second::code(&self.second, second, grid, decades::resolution(resolution, *floor, *octaves), coder)
    }
}

impl<A: Quantise, B: Quantise> Quantise for Ratio<A, B> {
    /// Rounds the first, encodes the ratio to the result again, and rounds the second.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let above = coefficients.above;
        let first = self.first.rounded(&coefficients.first, vdf, resolution)?;
        let ratio = self.ratio(&first, vdf, above.floor)?;
        let second = match or_nothing(self.second.encode(ratio.target()))? {
            Some(second) => {
                let resolution = decades::resolution(resolution, above.floor, above.octaves);
                Some(ratio.rounded(&self.second, &second, resolution)?)
            }
            None => None,
        };
        Ok(RatioCoefficients { above, first, second })
    }

    /// Refuses a bound if a factor chooses its own step: its errors are not those of the product.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        refuse_own_step(&self.first, bound)?;
        refuse_own_step(&self.second, bound)?;
        Ok(Kept::AtAnyStep)
    }
}

fn refuse_own_step<B: Quantise>(factor: &B, bound: &Bound) -> Result<()> {
    if factor.keep(bound)? == Kept::AtAnyStep {
        return Ok(());
    }
    let factor = factor.spec()?;
    let problem = format!("it chooses its own step, and what `{bound}` leaves to it in a product is not known");
    Err(invalid(&factor.to_string(), format!("{problem}; write a basis that does not, as `mixture * wavelet`")))
}

impl<A: Basis, B: Basis> Coefficients for RatioCoefficients<A, B> {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), self.above.floor);
        self.first.visit(visitor);
        if let Some(second) = &self.second {
            second.visit(&mut |slot, value| visitor(in_decades(slot), value));
        }
    }

    fn scale(&mut self, factor: f64) {
        self.above.floor *= factor;
        self.first.scale(factor);
    }

    /// Number of ratios to the floor, and one for the bit that tells whether there is a second; plus those of the
    /// factors.
    fn topology_len(&self) -> usize {
        let own = 2 + usize::from(self.above.octaves_of_peak.is_some());
        own + self.first.topology_len() + self.second.as_ref().map_or(0, Coefficients::topology_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::bases::cosine::Cosine;
    use crate::bases::maxwellian::Maxwellian;
    use crate::distribution::fidelity::Fidelity;
    use crate::registry::Registry;
    use crate::{Mixture, Refine, Wavelet, laws};

    /// A Maxwellian of eight decades in the box.
    fn bell([x, y, z]: [f64; 3]) -> f64 {
        2e-12
            * (-0.5 * ((x - 8.2) / 2.0).powi(2) - 0.5 * ((y - 7.1) / 2.5).powi(2) - 0.5 * ((z - 7.7) / 2.2).powi(2))
                .exp()
    }

    fn grid() -> VelocityGrid {
        VelocityGrid::unit([17, 15, 16]).unwrap()
    }

    #[test]
    fn the_laws_hold() {
        let registry = Registry::standard();
        for spec in [
            "maxwellian * wavelet:filter=db2,level=1,terms=200",
            "maxwellian * cosine:terms=300 * cosine",
            "mixture:components=2,refine=log10 * wavelet",
            "maxwellian * cosine:terms=20 + cosine:terms=50",
        ] {
            laws::all(&registry, spec).unwrap();
        }
    }

    #[test]
    fn a_known_factor_comes_back() {
        let factor = |[x, y, _]: [f64; 3]| 10f64.powf(0.4 * (0.7 * x).sin() + 0.2 * (y / 3.0).cos());
        let vdf = Vdf::from_fn(grid(), |v| bell(v) * factor(v)).unwrap();
        let basis = Ratio::above(Maxwellian::default(), Cosine::new(), 1e-16).unwrap();
        let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid()).unwrap();
        let fidelity = Fidelity::compare_above(&vdf, &back, 1e-16).unwrap();
        assert!(fidelity.log10_rms < 1e-9 && fidelity.l2 < 1e-3, "{fidelity}");
        // What is not above the floor is zero.
        assert!(vdf.as_slice().iter().zip(back.as_slice()).all(|(&f, &g)| f > 1e-16 || g < 1.001e-16));
    }

    #[test]
    fn floors_above_the_peak_are_refused() {
        let vdf = Vdf::from_fn(grid(), bell).unwrap();
        let basis = Ratio::above(Maxwellian::default(), Cosine::new(), 1e-11).unwrap();
        assert!(matches!(basis.encode(&vdf), Err(Error::Degenerate { .. })));
        for floor in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-310] {
            assert!(Ratio::above(Maxwellian::default(), Cosine::new(), floor).is_err());
        }
    }

    #[test]
    fn beyond_its_data_no_ratio_grows_above_the_peak() {
        let vdf = Vdf::from_fn(grid(), |v| bell(v) * 10f64.powf(0.3 * v[0])).unwrap();
        let hermite = crate::Hermite::new([6; 3]).unwrap();
        for basis in
            [Ratio::new(hermite.clone(), hermite.clone()), Ratio::above(hermite.clone(), hermite, 1e-16).unwrap()]
        {
            let c = basis.encode(&vdf).unwrap();
            let larger = vdf.grid().window([-20; 3], vdf.grid().shape().map(|n| n + 40)).unwrap();
            let back = basis.reconstruct(&c, &larger).unwrap();
            assert!(back.peak() <= 4.0 * vdf.peak(), "{basis}: {:e}", back.peak());
        }
    }

    #[test]
    fn specs_that_no_text_makes_are_refused() {
        let [first, second] = [Cosine::new(), Cosine::new()];
        let product = Ratio::new(first.clone(), second.clone());
        assert_eq!(Ratio::new(product.clone(), second.clone()).to_string(), "cosine * cosine * cosine");
        assert!(Ratio::new(first.clone(), product).spec().is_err());
        let sum = crate::Residual::new(first.clone(), second.clone());
        assert!(Ratio::new(sum.clone(), second).spec().is_err());
        assert!(Ratio::new(first, sum).spec().is_err());
    }

    #[test]
    fn a_mixture_of_the_logarithm_leaves_wavelets_little_to_do() {
        let vdf = Vdf::from_fn(grid(), |v| bell(v) + 1e-4 * bell([0.6 * v[0], 0.5 * v[1] + 5.0, 0.6 * v[2]])).unwrap();
        let mixture = Mixture::new(2).unwrap().with_refine(Refine::Logarithm);
        let step = 1e-14;
        let bytes = |basis: &dyn Fn(&mut Coder<'_>) -> Fidelity| {
            let mut coder = Coder::writing();
            let fidelity = basis(&mut coder);
            (coder.finish().len(), fidelity.log10_rms)
        };
        fn coded<B: Quantise>(basis: &B, vdf: &Vdf, step: f64, coder: &mut Coder<'_>) -> Fidelity {
            let found = basis.encode(vdf).unwrap();
            let mut rounded = basis.rounded(&found, vdf, Resolution::Step(step)).unwrap();
            basis.code(&mut rounded, vdf.grid(), Resolution::Step(step), coder).unwrap();
            Fidelity::compare(vdf, &basis.reconstruct(&rounded, vdf.grid()).unwrap()).unwrap()
        }
        let ratio = Ratio::new(mixture, Wavelet::default());
        let log = crate::LogDensity::new(Wavelet::default());
        let (of_ratio, error) = bytes(&|coder| coded(&ratio, &vdf, step, coder));
        let (of_log, error_of_log) = bytes(&|coder| coded(&log, &vdf, step, coder));
        assert!(of_ratio * 2 < of_log && error <= error_of_log, "{of_ratio} B at {error}, {of_log} at {error_of_log}");
    }
}
