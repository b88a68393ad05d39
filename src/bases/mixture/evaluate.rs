//! Evaluation of components on the cells of a grid, at their centres or averaged over them.

use super::cells::{Lattice, VelocityScaling, padded};
use super::member::{Ellipsoid, Member, Profile};
use crate::distribution::grid::VelocityGrid;
use crate::numerics::exponential::{exp, ln};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// A component prepared to be added to rows of cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bump {
    pub peak: f64,
    pub ellipsoid: Ellipsoid,
    /// Value of q beyond which the component counts as zero.
    pub reach: f64,
}

/// The vectors of a row that a bump reaches; empty if it does not.
#[inline(always)]
pub(super) fn reached(z: &[Lanes], across: f64, centre: f64, narrowness: f64, reach: f64) -> std::ops::Range<usize> {
    let rest = reach - across;
    if rest <= 0.0 || rest.is_nan() {
        return 0..0;
    }
    let first = z[0][0];
    // Length of a vector along the row. The padding continues the spacing, so that the first vector has it even in a
    // short row.
    let per_vector = (z[0][LANES - 1] - first) * (LANES as f64 / (LANES - 1) as f64);
    let half = rest.sqrt() / narrowness;
    let start = ((centre - half - first) / per_vector).floor().max(0.0) as usize;
    let end = ((centre + half - first) / per_vector).floor() + 1.0;
    let end = if end > 0.0 { (end as usize).min(z.len()) } else { 0 };
    start.min(end)..end
}

struct Sum<'a> {
    lattice: &'a Lattice<'a>,
    bumps: &'a [Bump],
    profile: Profile,
    /// Values of the rows, one row after another.
    values: &'a mut [Lanes],
}

impl Vectorisable for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) {
        let Self { lattice, bumps, profile, values } = self;
        let z = lattice.z;
        let mut lines = vec![0..0; bumps.len()];
        for (plane, &x) in values.chunks_exact_mut(lattice.y.len() * z.len()).zip(lattice.x) {
            for (lines, bump) in lines.iter_mut().zip(bumps) {
                *lines = lattice.lines(&bump.ellipsoid, x, bump.reach);
            }
            for (line, (row, &y)) in plane.chunks_exact_mut(z.len()).zip(lattice.y).enumerate() {
                for (bump, lines) in bumps.iter().zip(&lines) {
                    if !lines.contains(&line) {
                        continue;
                    }
                    let cut = bump.ellipsoid.cut([x, y]);
                    let narrow = bump.ellipsoid.narrowness();
                    let range = reached(z, cut.across, cut.centre, narrow, bump.reach);
                    for (value, z) in row[range.clone()].iter_mut().zip(&z[range]) {
                        let d = (Vector::load(i, z) - cut.centre) * narrow;
                        let bare = profile.bare(d * d + cut.across);
                        (Vector::load(i, value) + bare * bump.peak).store(value);
                    }
                }
            }
        }
    }
}

impl Lattice<'_> {
    /// The lines of the plane at x that an ellipsoid reaches.
    pub fn lines(&self, ellipsoid: &Ellipsoid, x: f64, reach: f64) -> std::ops::Range<usize> {
        let [from, to] = ellipsoid.span(x, reach);
        let start = self.y.partition_point(|&y| y < from);
        start..start.max(self.y.partition_point(|&y| y <= to))
    }
}

impl Profile {
    /// The function of q without its peak.
    #[inline(always)]
    pub fn bare<I: Instructions>(self, q: Vector<I>) -> Vector<I> {
        match self {
            Self::Gaussian => exp(q * -0.5),
            Self::Kappa(kappa) => exp(ln(q * (1.0 / (2.0 * kappa - 3.0)) + 1.0) * -(kappa + 1.0)),
        }
    }

    /// The function of q that all derivatives have as a factor.
    #[inline(always)]
    pub fn slope<I: Instructions>(self, q: Vector<I>) -> Vector<I> {
        match self {
            Self::Gaussian => exp(q * -0.5),
            Self::Kappa(kappa) => exp(ln(q * (1.0 / (2.0 * kappa - 3.0)) + 1.0) * -(kappa + 2.0)),
        }
    }
}

/// Adds the bumps to the values of the lattice's rows.
pub(super) fn add(lattice: &Lattice<'_>, bumps: &[Bump], profile: Profile, values: &mut [Lanes]) {
    vectorised(Sum { lattice, bumps, profile, values });
}

/// Part of its own peak below which a component counts as zero: e^{−q/2} = 1e-30 at 11.7 standard deviations.
pub(super) const FAINT: f64 = 1e-30;

/// Mixture at the centres of the cells of a grid, in C order.
pub(super) fn at_centres(
    grid: &VelocityGrid,
    members: &[Member],
    profile: Profile,
    least: impl Fn(f64) -> f64,
) -> Vec<f64> {
    let scaling = VelocityScaling::new(grid);
    let [x, y, z] = [0, 1, 2].map(|axis| scaling.centres(grid, axis));
    let padded = padded(&z, scaling.spacing[2]);
    let bumps: Vec<Bump> = members.iter().filter_map(|m| bump(m, profile, scaling.cell_volume(), &least)).collect();
    let mut values = vec![[0.0; LANES]; x.len() * y.len() * padded.len()];
    add(&Lattice { x: &x, y: &y, z: &padded }, &bumps, profile, &mut values);
    unpadded(&values, padded.len(), z.len())
}

/// The first `cells` numbers of each row of `vectors` vectors.
pub(super) fn unpadded(values: &[Lanes], vectors: usize, cells: usize) -> Vec<f64> {
    values.chunks_exact(vectors).flat_map(|row| &row.as_flattened()[..cells]).copied().collect()
}

pub(super) fn bump(member: &Member, profile: Profile, cell_volume: f64, least: impl Fn(f64) -> f64) -> Option<Bump> {
    let ellipsoid = Ellipsoid::new(member.mean, member.covariance)?;
    let peak = member.peak(profile, cell_volume);
    Some(Bump { peak, ellipsoid, reach: profile.reach(peak, least(peak)) })
}

/// Gauss-Legendre nodes and weights on [−½, ½], exact for polynomials of degree 7.
const NODES: [(f64, f64); 4] = [
    (-0.430_568_155_797_026_3, 0.173_927_422_568_726_93),
    (-0.169_990_521_792_428_13, 0.326_072_577_431_273_05),
    (0.169_990_521_792_428_13, 0.326_072_577_431_273_05),
    (0.430_568_155_797_026_3, 0.173_927_422_568_726_93),
];

/// Mixture averaged over the cells of a grid, in C order.
///
/// The average of a Gaussian is exact along the last axis (a difference of error functions), and exact across it if
/// the Gaussian lies along the grid's axes. Gauss-Legendre quadrature with four points per axis gives the others:
/// across the last axis for tilted Gaussians, along all axes for kappa components.
pub(super) fn averaged(grid: &VelocityGrid, members: &[Member], profile: Profile) -> Vec<f64> {
    let scaling = VelocityScaling::new(grid);
    let [x, y, z] = [0, 1, 2].map(|axis| scaling.centres(grid, axis));
    let h = scaling.spacing;
    let mut values = vec![0.0; grid.cells()];
    for member in members {
        let Some(bump) = bump(member, profile, scaling.cell_volume(), |peak| peak * FAINT) else { continue };
        let off_diagonal = [(0, 1), (0, 2), (1, 2)].iter().any(|&(i, j)| member.covariance[(i, j)] != 0.0);
        match profile {
            Profile::Gaussian if !off_diagonal => {
                let along = |axis: usize, centres: &[f64]| -> Vec<f64> {
                    let narrow = bump.ellipsoid.whitening[(axis, axis)];
                    centres.iter().map(|v| mean_of_gaussian(v - member.mean[axis], h[axis], narrow)).collect()
                };
                let [x, y, z] = [along(0, &x), along(1, &y), along(2, &z)];
                for (index, row) in values.chunks_exact_mut(z.len()).enumerate() {
                    let across = bump.peak * (x[index / y.len()] * y[index % y.len()]);
                    row.iter_mut().zip(&z).for_each(|(value, z)| *value += across * z);
                }
            }
            _ => {
                for (index, row) in values.chunks_exact_mut(z.len()).enumerate() {
                    for (nx, wx) in NODES {
                        for (ny, wy) in NODES {
                            let position = [x[index / y.len()] + nx * h[0], y[index % y.len()] + ny * h[1]];
                            let across = wx * wy * bump.peak;
                            add_row_averages(row, &z, h[2], &bump, profile, position, across);
                        }
                    }
                }
            }
        }
    }
    values
}

fn add_row_averages(
    row: &mut [f64],
    z: &[f64],
    spacing: f64,
    bump: &Bump,
    profile: Profile,
    position: [f64; 2],
    weight: f64,
) {
    let cut = bump.ellipsoid.cut(position);
    if cut.across > bump.reach {
        return;
    }
    let narrow = bump.ellipsoid.narrowness();
    match profile {
        Profile::Gaussian => {
            let weight = weight * (-0.5 * cut.across).exp();
            for (value, z) in row.iter_mut().zip(z) {
                *value += weight * mean_of_gaussian(z - cut.centre, spacing, narrow);
            }
        }
        Profile::Kappa(kappa) => {
            for (value, z) in row.iter_mut().zip(z) {
                for (node, share) in NODES {
                    let q = cut.across + (narrow * (z + node * spacing - cut.centre)).powi(2);
                    *value += weight * share * (-(kappa + 1.0) * (q / (2.0 * kappa - 3.0)).ln_1p()).exp();
                }
            }
        }
    }
}

/// Mean of exp(−½ (narrow · v)²) over |v − d| < spacing / 2, accurate relative to its value in the tails too.
fn mean_of_gaussian(d: f64, spacing: f64, narrow: f64) -> f64 {
    use special::Error;
    let scale = narrow * std::f64::consts::FRAC_1_SQRT_2;
    let (a, b) = ((d.abs() - 0.5 * spacing) * scale, (d.abs() + 0.5 * spacing) * scale);
    let difference = if a > 0.0 { a.compl_error() - b.compl_error() } else { b.error() - a.error() };
    0.5 * std::f64::consts::PI.sqrt() * difference / (scale * spacing)
}
