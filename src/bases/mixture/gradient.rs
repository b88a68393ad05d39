//! Gradient of a mixture in velocity space.
//!
//! With q = |w|², w = W (v − u) and W the inverse Cholesky factor of the covariance, the gradient of a component g(q) is
//! 2 g′(q) Wᵀ w: for a Gaussian −g Wᵀ w. All three components of the gradient share one exponential.

use super::cells::{Lattice, VelocityScaling, padded};
use super::evaluate::{Bump, FAINT, bump, reached, unpadded};
use super::member::{Member, Profile};
use crate::distribution::grid::VelocityGrid;
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

impl Profile {
    /// −2 g′(q) over the factor that [`Profile::slope`] gives, for a peak of one.
    fn fall(self) -> f64 {
        match self {
            Self::Gaussian => 1.0,
            Self::Kappa(kappa) => 2.0 * (kappa + 1.0) / (2.0 * kappa - 3.0),
        }
    }
}

struct Slopes<'a> {
    lattice: &'a Lattice<'a>,
    bumps: &'a [Bump],
    profile: Profile,
    /// The three components of the gradient, each in rows one after another.
    parts: &'a mut [Vec<Lanes>; 3],
}

impl Vectorisable for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) {
        let Self { lattice, bumps, profile, parts } = self;
        let z = lattice.z;
        let mut lines = vec![0..0; bumps.len()];
        for (plane, &x) in lattice.x.iter().enumerate() {
            for (lines, bump) in lines.iter_mut().zip(bumps) {
                *lines = lattice.lines(&bump.ellipsoid, x, bump.reach);
            }
            for (line, &y) in lattice.y.iter().enumerate() {
                let row = (plane * lattice.y.len() + line) * z.len();
                for (bump, lines) in bumps.iter().zip(&lines) {
                    if !lines.contains(&line) {
                        continue;
                    }
                    let (w, narrow) = (&bump.ellipsoid.whitening, bump.ellipsoid.narrowness());
                    let [dx, dy] = [x - bump.ellipsoid.mean[0], y - bump.ellipsoid.mean[1]];
                    // The first two components of w = W d do not change along a row.
                    let [first, second] = [w[(0, 0)] * dx, w[(1, 0)] * dx + w[(1, 1)] * dy];
                    let across = [w[(0, 0)] * first + w[(1, 0)] * second, w[(1, 1)] * second, 0.0];
                    let height = -bump.peak * profile.fall();
                    let cut = bump.ellipsoid.cut([x, y]);
                    for k in reached(z, cut.across, cut.centre, narrow, bump.reach) {
                        let third = (Vector::load(i, &z[k]) - cut.centre) * narrow;
                        let slope = profile.slope(third * third + cut.across) * height;
                        for (axis, part) in parts.iter_mut().enumerate() {
                            let by_velocity = third * w[(2, axis)] + across[axis];
                            (Vector::load(i, &part[row + k]) + slope * by_velocity).store(&mut part[row + k]);
                        }
                    }
                }
            }
        }
    }
}

/// ∂f/∂v at the centres of the cells of a grid, in C order. A component counts as zero where its density does
/// ([`FAINT`] of its peak).
pub(super) fn at_centres(grid: &VelocityGrid, members: &[Member], profile: Profile) -> [Vec<f64>; 3] {
    let scaling = VelocityScaling::new(grid);
    let [x, y, z] = [0, 1, 2].map(|axis| scaling.centres(grid, axis));
    let padded = padded(&z, scaling.spacing[2]);
    let least = |peak: f64| peak * FAINT;
    let bumps: Vec<Bump> = members.iter().filter_map(|m| bump(m, profile, scaling.cell_volume(), least)).collect();
    let mut parts = [0, 1, 2].map(|_| vec![[0.0; LANES]; x.len() * y.len() * padded.len()]);
    vectorised(Slopes { lattice: &Lattice { x: &x, y: &y, z: &padded }, bumps: &bumps, profile, parts: &mut parts });
    parts.map(|part| {
        let mut plain = unpadded(&part, padded.len(), z.len());
        plain.iter_mut().for_each(|value| *value /= scaling.unit);
        plain
    })
}
