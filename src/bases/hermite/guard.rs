//! A guard against expansions whose error is larger than the distribution itself.

use super::{Hermite, HermiteCoefficients, HermiteReport, Projection, Truncation};
use crate::basis::Basis;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::multiple::no_worse_than_nothing;

impl Hermite {
    /// Replaces coefficients that are worse than none (Σ (g − f)² > Σ f²) by those of the least squares in the same
    /// frame, shrinks these where they are worse too, and says so in the report. Plain projection is worse where the
    /// box or the cells do not hold the functions, above all with the asymmetric weight, whose duals grow towards the
    /// edge of the box. The least squares along the grid's axes is never worse: zero is among the expansions it chooses
    /// from.
    pub(super) fn guard(
        &self,
        coefficients: &mut HermiteCoefficients,
        report: &mut HermiteReport,
        vdf: &Vdf,
    ) -> Result<()> {
        let plain = self.projection == Projection::Quadrature;
        let direct = coefficients.frame.rotation.is_none() && !matches!(self.truncation, Truncation::Best(_));
        if direct && !plain {
            return Ok(());
        }
        let kept = |c: &HermiteCoefficients| match self.reconstruct(c, vdf.grid()) {
            Ok(back) => Ok(no_worse_than_nothing(vdf.as_slice(), back.as_slice())),
            Err(Error::NotFinite { .. }) => Ok(0.0),
            Err(error) => Err(error),
        };
        let mut multiple = kept(coefficients)?;
        if plain && multiple < 1.0 {
            report.least_squares_instead = true;
            let least_squares = self.clone().with_projection(Projection::LeastSquares);
            *coefficients = least_squares.solve(vdf, coefficients.frame).0;
            multiple = if coefficients.finite() { kept(coefficients)? } else { 0.0 };
        }
        if multiple < 1.0 {
            report.shrunk_by = Some(multiple);
            coefficients.amplitudes.iter_mut().for_each(|c| *c = if multiple > 0.0 { *c * multiple } else { 0.0 });
        }
        Ok(())
    }
}
