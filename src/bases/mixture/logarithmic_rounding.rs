//! Joint rounding of a mixture that was fitted in the logarithm: as in [`rounding`](super::rounding), but with the
//! derivatives of the logarithm, and from the first component in the stream to the last.

use nalgebra::{Cholesky, DVector};

use super::cells::Cells;
use super::covariance::{Covariance, Structure};
use super::logarithm::{LogarithmProblem, rms};
use super::logarithm_samples::Samples;
use super::logarithmic_coding::{ComponentCoder, bounded_octaves};
use super::member::Member;
use super::parameters::Parameters;
use super::{Mixture, MixtureCoefficients, NAME};
use crate::coding::{Coder, Resolution};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::levenberg_marquardt::LeastSquaresProblem;

/// Part of its diagonal that is added to JᵀJ, so that shifts stay where the linearisation holds (Levenberg's damping).
const DAMPING: f64 = 1e-2;
/// Change of the logarithm by rounding one number, as a part of that by rounding one number of an orthonormal basis of
/// the logarithm. Parts of 0.5 to 2 make streams of `mixture * wavelet` of about equal length where the wavelets have most
/// of the bytes; where they have none, smaller parts keep them out.
const STEP_PART: f64 = 0.7;

impl Mixture {
    /// Rounds components one by one and jointly, and returns the result whose logarithm is nearer to that of `vdf`.
    pub(super) fn rounded_in_logarithm(
        &self,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        step: f64,
    ) -> Result<MixtureCoefficients> {
        let alone = |octaves: Vec<i8>| {
            let mut rounded = MixtureCoefficients { octaves_of_shares: octaves, ..coefficients.clone() };
            self.code_components(&mut rounded, vdf.grid(), Resolution::Step(step), &mut Coder::writing())?;
            Ok(rounded)
        };
        let Some(linear) = Linearised::new(self, coefficients, vdf) else { return alone(Vec::new()) };
        let octaves = linear.octaves(vdf);
        let together = linear.nearest_plane(self, coefficients, vdf, step, &octaves);
        let alone = alone(octaves)?;
        Ok(match together {
            Some(together) if linear.error(self, &together, vdf) < linear.error(self, &alone, vdf) => together,
            _ => alone,
        })
    }
}

/// Linearisation of the logarithm about a mixture. The parameters of the components are in reverse order.
struct Linearised {
    cells: Cells,
    samples: Samples,
    parameters: Parameters,
    p: DVector<f64>,
    hessian: nalgebra::DMatrix<f64>,
    norm_of_first: f64,
}

impl Linearised {
    fn new(mixture: &Mixture, coefficients: &MixtureCoefficients, vdf: &Vdf) -> Option<Self> {
        let cells = Cells::new(NAME, vdf).ok()?;
        let floor = mixture.floor.of(vdf, NAME).ok()? * cells.factor;
        let samples = Samples::enough(&cells, floor);
        let structure = Structure::new(mixture.covariance, cells.scaling.spacing);
        let parameters = Parameters::new(&cells, structure, coefficients.profile(), coefficients.components.len());
        let members: Vec<Member> = members(coefficients, vdf, &cells).into_iter().rev().collect();
        let p = parameters.pack(&members, cells.scaling.cell_volume());
        let hessian = LogarithmProblem::new(&samples, parameters).linearise(&p)?.into_matrix();
        let norm_of_first = mixture.norm(coefficients.components.first()?, vdf.grid());
        Some(Self { cells, samples, parameters, p, hessian, norm_of_first })
    }

    /// Octaves of the shares. The first parameter of a component is the logarithm of its peak, so that the diagonal of
    /// the Hessian holds N/(ln 10)² there. An orthonormal basis of the logarithm has the step s/rms of ln g, rms the root
    /// mean square of the density.
    fn octaves(&self, vdf: &Vdf) -> Vec<i8> {
        let count = self.parameters.components;
        let per_component = self.p.len() / count.max(1);
        let values = vdf.as_slice();
        let peak = vdf.peak();
        let mean = values.iter().map(|f| (f / peak).powi(2)).sum::<f64>() / values.len() as f64;
        let rms = peak * mean.sqrt();
        let octaves = |k: usize| {
            let at = (count - 1 - k) * per_component;
            let root = (self.hessian[(at, at)] * self.samples.stand_for(&self.cells)).sqrt() * std::f64::consts::LN_10;
            let octaves = (STEP_PART * self.norm_of_first / rms / root.max(1e-3)).log2();
            if octaves.is_finite() { bounded_octaves(octaves) } else { 0 }
        };
        (0..count).map(octaves).collect()
    }

    /// Error of the logarithm.
    fn error(&self, mixture: &Mixture, coefficients: &MixtureCoefficients, vdf: &Vdf) -> f64 {
        let members = members(coefficients, vdf, &self.cells);
        let structure = Structure::new(mixture.covariance, self.cells.scaling.spacing);
        rms(&self.cells, &self.samples, &members, structure, coefficients.profile())
    }

    /// Rounds all components one after another, each moved before to compensate for the rounding of those before it;
    /// `None` if the linearisation does not exist.
    fn nearest_plane(
        &self,
        mixture: &Mixture,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        step: f64,
        octaves: &[i8],
    ) -> Option<MixtureCoefficients> {
        let count = self.parameters.components;
        if count < 2 || matches!(mixture.covariance, Covariance::Tied) {
            return None;
        }
        let (grid, volume) = (vdf.grid(), self.cells.scaling.cell_volume());
        let mut damped = self.hessian.clone();
        for k in 0..damped.nrows() {
            damped[(k, k)] *= 1.0 + DAMPING;
        }
        // H = L Lᵀ, R = Lᵀ.
        let lower = Cholesky::new(damped)?.unpack();
        let single = Parameters { components: 1, ..self.parameters };
        let size = single.len();
        let mut shift = DVector::zeros(self.p.len());
        let mut rounded = coefficients.clone();
        rounded.octaves_of_shares = octaves.to_vec();
        let (mut components, mut coder) = (ComponentCoder::new(mixture, grid, step), Coder::writing());
        for k in 0..count {
            let begin = (count - 1 - k) * size;
            let end = begin + size;
            let behind =
                lower.view((end, begin), (self.p.len() - end, size)).tr_mul(&shift.rows(end, self.p.len() - end));
            let wanted = lower.view((begin, begin), (size, size)).tr_solve_lower_triangular(&-behind)?;
            let moved = single.unpack(&(self.p.rows(begin, size) + wanted)).and_then(|bells| {
                let moved = single.members(&bells, volume);
                let (covariance, kappa) = (mixture.covariance, mixture.kappa);
                MixtureCoefficients::from_members(moved, covariance, kappa, grid, self.cells.factor).components.pop()
            });
            // A component that cannot be moved there is rounded where it is.
            let mut component = moved.filter(|c| c.density.is_normal()).unwrap_or(coefficients.components[k]);
            components.code(&mut coder, &mut component, &mut rounded.octaves_of_shares[k]).ok()?;
            rounded.components[k] = component;
            let one = MixtureCoefficients { components: vec![component], ..rounded.clone() };
            let change = single.pack(&members(&one, vdf, &self.cells), volume) - self.p.rows(begin, size);
            shift.rows_mut(begin, size).copy_from(&change);
        }
        rounded.validate().ok()?;
        Some(rounded)
    }
}

/// Members in the units of the cells.
fn members(coefficients: &MixtureCoefficients, vdf: &Vdf, cells: &Cells) -> Vec<Member> {
    let mut members = coefficients.members(vdf.grid());
    members.iter_mut().for_each(|member| member.mass *= cells.factor);
    members
}
