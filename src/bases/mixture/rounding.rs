//! Joint rounding of the components of a mixture, in which each compensates for the rounding errors of others.
//!
//! Overlapping components are not independent. With H = JᵀJ at the fit, J the derivatives of all cells by the
//! parameters, and R its Cholesky factor, rounding by δ adds Σ_k ‖R_kk δ_k + Σ_{j>k} R_kj δ_j‖² to the squared error.
//! From the last component to the first, each is moved to where the sum in its row vanishes, and then rounded (nearest
//! plane; Babai 1986, Combinatorica 6, 1). The weakest, which have the coarsest steps, come first, the strongest last.

use std::cmp::Ordering;

use nalgebra::{Cholesky, DVector};

use super::cells::Cells;
use super::covariance::{Covariance, Structure};
use super::member::Member;
use super::parameters::Parameters;
use super::refine::MixtureProblem;
use super::{Mixture, MixtureCoefficients, MixtureComponent, NAME};
use crate::basis::{Basis, Stream};
use crate::coding::{Coder, Resolution};
use crate::distribution::fidelity::Reference;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::levenberg_marquardt::LeastSquaresProblem;

/// Part of its diagonal that is added to H, so that shifts stay where the linearisation holds (Levenberg's damping).
const DAMPING: f64 = 1e-2;

impl Mixture {
    /// Rounds components one by one and jointly, and returns the result that is nearer to `vdf`.
    pub(super) fn rounded_together(
        &self,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<MixtureCoefficients> {
        let alone = self.rounded_alone(coefficients.clone(), vdf.grid(), resolution)?;
        let shares = matches!(self.covariance, Covariance::Tied) || coefficients.components().len() < 2;
        if resolution == Resolution::Exact || shares {
            return Ok(alone);
        }
        let Some(together) = self.nearest_plane(coefficients, vdf, resolution) else { return Ok(alone) };
        let reference = Reference::new(vdf);
        let error = |c: &MixtureCoefficients| Ok(reference.relative_l2(&self.reconstruct(c, vdf.grid())?));
        Ok(if error(&together)?.total_cmp(&error(&alone)?) == Ordering::Less { together } else { alone })
    }

    /// Rounds all components one after another, each moved before to compensate for the rounding of those before it;
    /// `None` if the linearisation does not exist.
    fn nearest_plane(
        &self,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Option<MixtureCoefficients> {
        let grid = vdf.grid();
        let cells = Cells::new(NAME, vdf).ok()?;
        let volume = cells.scaling.cell_volume();
        let profile = coefficients.profile();
        let structure = Structure::new(self.covariance, cells.scaling.spacing);
        let mut components = coefficients.components().to_vec();
        components.sort_by(|a, b| self.norm(b, grid).total_cmp(&self.norm(a, grid)));
        let assembled = |components| MixtureCoefficients::new(self.covariance, self.kappa, components).ok();
        let one = |component: MixtureComponent| assembled(vec![component]);
        let member = |component: &MixtureComponent| -> Option<Member> {
            let mut member = one(*component)?.members(grid).pop()?;
            member.mass *= cells.factor;
            Some(member)
        };
        let members: Vec<Member> = components.iter().map(member).collect::<Option<_>>()?;
        let parameters = Parameters::new(&cells, structure, profile, members.len());
        let p = parameters.pack(&members, volume);
        let mut hessian = MixtureProblem::new(&cells, parameters).linearise(&p)?.into_matrix();
        for k in 0..p.len() {
            hessian[(k, k)] *= 1.0 + DAMPING;
        }
        // H = L Lᵀ, R = Lᵀ.
        let lower = Cholesky::new(hessian)?.unpack();
        let single = Parameters::new(&cells, structure, profile, 1);
        let size = single.len();
        let mut shift = DVector::zeros(p.len());
        for k in (0..members.len()).rev() {
            let (begin, end) = (k * size, (k + 1) * size);
            let behind = lower.view((end, begin), (p.len() - end, size)).tr_mul(&shift.rows(end, p.len() - end));
            let wanted = lower.view((begin, begin), (size, size)).tr_solve_lower_triangular(&-behind)?;
            let moved = single.unpack(&(p.rows(begin, size) + wanted)).and_then(|bells| {
                let moved = single.members(&bells, volume);
                let moved = MixtureCoefficients::from_members(moved, self.covariance, self.kappa, grid, cells.factor);
                self.rounded_alone(moved, grid, resolution).ok()
            });
            // A component that cannot be moved there is rounded where it is.
            let rounded = match moved {
                Some(moved) => moved,
                None => self.rounded_alone(one(components[k])?, grid, resolution).ok()?,
            };
            components[k] = *rounded.components().first()?;
            let change = single.pack(&[member(&components[k])?], volume) - p.rows(begin, size);
            shift.rows_mut(begin, size).copy_from(&change);
        }
        self.rounded_alone(assembled(components)?, grid, resolution).ok()
    }

    /// Rounds each component by itself.
    fn rounded_alone(
        &self,
        mut coefficients: MixtureCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
    ) -> Result<MixtureCoefficients> {
        self.code(&mut coefficients, grid, resolution, &mut Coder::writing())?;
        Ok(coefficients)
    }
}
