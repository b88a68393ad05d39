//! One Gaussian or two for nearly Maxwellian distributions, in a fraction of the time of a mixture's fit.
//!
//! Cells are gathered into blocks, each with its density, its mean velocity and its covariance. Expectation maximisation on
//! the blocks keeps the density, the bulk velocity and the pressure tensor of the whole.

use nalgebra::{Cholesky, Matrix3, Vector3};

use crate::bases::mixture::{Covariance, MixtureCoefficients, MixtureComponent};
use crate::distribution::frame::Orientation;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::numerics::scaling::normalising_factor;

/// Iterations of the expectation maximisation.
const ITERATIONS: usize = 24;
/// Error above which one Gaussian is so far off that a second is not tried.
const FAR: f64 = 0.7;

/// Cells gathered into a block: its mass, the mean index of its cells and their second moments about it.
struct Block {
    mass: f64,
    mean: Vector3<f64>,
    second: Matrix3<f64>,
    /// Cells of the grid in the block.
    cells: f64,
    /// Index of its middle, and its side in cells.
    middle: Vector3<f64>,
    side: usize,
}

/// A Gaussian in index space.
#[derive(Clone, Copy)]
struct Gaussian {
    mass: f64,
    mean: Vector3<f64>,
    covariance: Matrix3<f64>,
}

/// A mixture of one Gaussian or two whose error `l2` over the blocks is at most `target`, with that error; `None` if there is
/// none. Where the box cuts off much of the second, its moments in the box are not those of the whole.
pub(super) fn gaussians(vdf: &Vdf, target: f64) -> Option<(MixtureCoefficients, f64)> {
    let blocks = gathered(vdf)?;
    let one = [Gaussian::of(&blocks, |_| 1.0)?];
    let of_one = error(&blocks, &one)?;
    if of_one <= target {
        return Some((in_units(vdf, &one)?, of_one));
    }
    let two = if of_one < FAR { settled(&blocks, &one[0])? } else { return None };
    let of_two = error(&blocks, &two)?;
    if of_two <= target { Some((in_units(vdf, &two)?, of_two)) } else { None }
}

impl Gaussian {
    /// The Gaussian with the moments of the blocks, each times its weight; `None` if it is flat.
    fn of(blocks: &[Block], weight: impl Fn(usize) -> f64) -> Option<Self> {
        let weighted = || blocks.iter().enumerate().map(|(k, block)| (block, weight(k) * block.mass));
        let mass: f64 = weighted().map(|(_, mass)| mass).sum();
        let mean = weighted().fold(Vector3::zeros(), |sum, (block, mass)| sum + block.mean * mass) / mass;
        let covariance = weighted().fold(Matrix3::zeros(), |sum, (block, mass)| {
            let off = block.mean - mean;
            sum + (block.second + off * off.transpose()) * mass
        }) / mass;
        (mass > 0.0 && Cholesky::new(covariance).is_some()).then_some(Self { mass, mean, covariance })
    }

    /// The Gaussian whose mass, first and second moments are the sum of these, each times its factor; `None` if it is flat.
    fn sum(parts: &[(f64, &Self)]) -> Option<Self> {
        let mass: f64 = parts.iter().map(|(factor, part)| factor * part.mass).sum();
        let first = parts.iter().fold(Vector3::zeros(), |sum, (factor, part)| sum + part.mean * (factor * part.mass));
        let mean = first / mass;
        let second = parts.iter().fold(Matrix3::zeros(), |sum, (factor, part)| {
            sum + (part.covariance + part.mean * part.mean.transpose()) * (factor * part.mass)
        });
        let covariance = second / mass - mean * mean.transpose();
        (mass > 0.0 && Cholesky::new(covariance).is_some()).then_some(Self { mass, mean, covariance })
    }

    /// The density at an index, averaged over cubes of this side about it, as a function; `None` if the Gaussian is flat.
    /// The average over n cells along an axis is nearly a Gaussian that is wider by (n² − 1)/12.
    fn density(&self, side: usize) -> Option<impl Fn(&Vector3<f64>) -> f64 + use<>> {
        let widened = ((side * side) as f64 - 1.0) / 12.0;
        let factor = Cholesky::new(self.covariance + Matrix3::identity() * widened)?.l();
        let peak = self.mass / (factor.diagonal().product() * std::f64::consts::TAU.powf(1.5));
        let (inverse, mean) = (factor.try_inverse()?, self.mean);
        Some(move |index: &Vector3<f64>| peak * (-0.5 * (inverse * (index - mean)).norm_squared()).exp())
    }
}

/// Two Gaussians, a core and what surrounds it, that expectation maximisation has settled; `None` if one of them vanishes.
fn settled(blocks: &[Block], whole: &Gaussian) -> Option<[Gaussian; 2]> {
    /// Part of the largest density that the core has at least.
    const CORE: f64 = 0.3;
    /// Relative change of the core's mass and widths below which they have settled.
    const SETTLED: f64 = 3e-3;
    let largest = blocks.iter().map(|block| block.mass / block.cells).fold(0.0, f64::max);
    let is_core = |k: usize| f64::from(blocks[k].mass / blocks[k].cells > CORE * largest);
    let mut pair = [Gaussian::of(blocks, is_core)?, Gaussian::of(blocks, |k| 1.0 - is_core(k)).unwrap_or(*whole)];
    for _ in 0..ITERATIONS {
        let [core, other] = [pair[0].density(1)?, pair[1].density(1)?];
        let of_core: Vec<f64> = blocks
            .iter()
            .map(|Block { mean, .. }| match (core(mean), other(mean)) {
                // Far from both.
                (0.0, 0.0) => 0.0,
                (core, other) => core / (core + other),
            })
            .collect();
        let core = Gaussian::of(blocks, |k| of_core[k])?;
        let next = [core, Gaussian::sum(&[(1.0, whole), (-1.0, &core)])?];
        let is_near = |a: f64, b: f64| (a - b).abs() <= SETTLED * a;
        let has_settled =
            is_near(next[0].mass, pair[0].mass) && is_near(next[0].covariance.trace(), pair[0].covariance.trace());
        pair = next;
        if has_settled {
            break;
        }
    }
    Some(pair)
}

/// Error `l2` of Gaussians, each block taken as so many cells of its mean density; `None` if one is flat.
fn error(blocks: &[Block], gaussians: &[Gaussian]) -> Option<f64> {
    let (mut off, mut all) = (0.0, 0.0);
    for (block, model) in blocks.iter().zip(models(blocks, gaussians)?) {
        let density = block.mass / block.cells;
        off += block.cells * (density - model).powi(2);
        all += block.cells * density.powi(2);
    }
    Some((off / all).sqrt())
}

/// Mean density of a sum of Gaussians in each block; `None` if one is flat.
fn models(blocks: &[Block], gaussians: &[Gaussian]) -> Option<Vec<f64>> {
    let mut models = Vec::with_capacity(blocks.len());
    for of_one_side in blocks.chunk_by(|a, b| a.side == b.side) {
        let side = of_one_side.first()?.side;
        let densities = gaussians.iter().map(|gaussian| gaussian.density(side)).collect::<Option<Vec<_>>>()?;
        models.extend(
            of_one_side.iter().map(|block| densities.iter().map(|density| density(&block.middle)).sum::<f64>()),
        );
    }
    Some(models)
}

/// All cells of a distribution in blocks: large ones, and smaller ones where the density is high, so many that the fits take
/// well below a millisecond. `None` without density, and on planes and lines of cells.
fn gathered(vdf: &Vdf) -> Option<Vec<Block>> {
    /// Large blocks along the longest axis.
    const ALONG: usize = 16;
    /// Least cells along each axis of a large block.
    const LEAST: usize = 4;
    /// Part of the peak above which a block is divided.
    const HIGH: f64 = 0.01;
    /// Most of the smaller blocks.
    const MOST: usize = 2048;
    let shape = vdf.grid().shape();
    let longest = shape.into_iter().max()?;
    let factor = normalising_factor(vdf.peak());
    if shape.contains(&1) {
        return None;
    }
    let side = LEAST.max(longest.div_ceil(ALONG)).next_power_of_two();
    let large: Vec<_> = corners([0; 3], shape, side).map(|corner| (corner, block(vdf, factor, corner, side))).collect();
    let peak = large.iter().flat_map(|(_, block)| block).map(|(_, peak)| *peak).fold(0.0, f64::max);
    let high = large.iter().flat_map(|(_, block)| block).filter(|(_, of_block)| *of_block > HIGH * peak).count();
    let mut small = 1;
    while small < side && high * (side / small).pow(3) > MOST {
        small *= 2;
    }
    let (mut blocks, mut parts) = (Vec::new(), Vec::new());
    for (corner, whole) in large {
        match whole {
            None => {}
            Some((_, of_block)) if of_block > HIGH * peak && small < side => {
                let end = std::array::from_fn(|axis| shape[axis].min(corner[axis] + side));
                let inside = corners(corner, end, small).filter_map(|corner| block(vdf, factor, corner, small));
                parts.extend(inside.map(|(block, _)| block));
            }
            Some((whole, _)) => blocks.push(whole),
        }
    }
    blocks.append(&mut parts);
    Some(blocks).filter(|blocks| !blocks.is_empty())
}

/// The first cells of the blocks of this side from `start` up to `end`.
fn corners(start: [usize; 3], end: [usize; 3], side: usize) -> impl Iterator<Item = [usize; 3]> {
    let along = move |axis: usize| (start[axis]..end[axis]).step_by(side);
    along(0).flat_map(move |x| along(1).flat_map(move |y| along(2).map(move |z| [x, y, z])))
}

/// The block at a corner, and its largest density, both times the factor; `None` without density.
fn block(vdf: &Vdf, factor: f64, corner: [usize; 3], side: usize) -> Option<(Block, f64)> {
    let shape = vdf.grid().shape();
    let [ex, ey, ez]: [usize; 3] = std::array::from_fn(|axis| shape[axis].min(corner[axis] + side));
    let (mut mass, mut first, mut second, mut peak) = (0.0, Vector3::zeros(), Matrix3::zeros(), 0.0);
    for x in corner[0]..ex {
        for y in corner[1]..ey {
            let row = (x * shape[1] + y) * shape[2];
            let [mut s0, mut s1, mut s2] = [0.0; 3];
            for (z, f) in vdf.as_slice()[row + corner[2]..row + ez].iter().enumerate() {
                let (f, z) = (f64::max(f * factor, 0.0), z as f64);
                peak = f64::max(peak, f);
                s0 += f;
                s1 += f * z;
                s2 += f * z * z;
            }
            let (x, y) = ((x - corner[0]) as f64, (y - corner[1]) as f64);
            mass += s0;
            first += Vector3::new(x * s0, y * s0, s1);
            second += Matrix3::new(x * x * s0, x * y * s0, x * s1, x * y * s0, y * y * s0, y * s1, x * s1, y * s1, s2);
        }
    }
    if mass == 0.0 {
        return None;
    }
    let mean = first / mass;
    let extent = [ex - corner[0], ey - corner[1], ez - corner[2]].map(|n| n as f64);
    let second = second / mass - mean * mean.transpose();
    let corner = Vector3::from(corner.map(|index| index as f64));
    let middle = corner + Vector3::from(extent.map(|n| 0.5 * (n - 1.0)));
    Some((Block { mass, mean: mean + corner, second, cells: extent.iter().product(), middle, side }, peak))
}

/// The mixture of these Gaussians in the units of the grid.
fn in_units(vdf: &Vdf, gaussians: &[Gaussian]) -> Option<MixtureCoefficients> {
    let (grid, factor) = (vdf.grid(), normalising_factor(vdf.peak()));
    let (lower, spacing) = (grid.lower(), grid.spacing());
    let component = |gaussian: &Gaussian| {
        let density = gaussian.mass / factor * grid.cell_volume();
        let bulk_velocity = std::array::from_fn(|axis| lower[axis] + (gaussian.mean[axis] + 0.5) * spacing[axis]);
        let pressure = std::array::from_fn(|i| {
            std::array::from_fn(|j| density * gaussian.covariance[(i, j)] * spacing[i] * spacing[j])
        });
        let moments = Moments { density, bulk_velocity, pressure, heat_flux: [0.0; 3] };
        MixtureComponent { density, frame: Orientation::PressureEigenframe.frame(&moments) }
    };
    MixtureCoefficients::new(Covariance::Full, None, gaussians.iter().map(component).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::fidelity::Fidelity;
    use crate::{Basis, Mixture, VelocityGrid};

    /// A core of this width in cells, and a halo of twice its width with this part of its mass, on cells that are no cubes.
    fn core_and_halo(width: f64, halo: f64) -> Vdf {
        let grid = VelocityGrid::new([30, 26, 34], [-3e5, -2e5, 1e5], [2e4, 1e4, 3e4]).unwrap();
        let centre = [-3e5 + 14.2 * 2e4, -2e5 + 13.0 * 1e4, 1e5 + 17.7 * 3e4];
        Vdf::from_fn(grid, |v| {
            let r2: f64 = (0..3).map(|i| ((v[i] - centre[i]) / grid.spacing()[i] / width).powi(2)).sum();
            1e-13 * ((-0.5 * r2).exp() + halo / 8.0 * (-0.5 * r2 / 4.0).exp())
        })
        .unwrap()
    }

    #[test]
    fn a_maxwellian_is_one_gaussian_and_a_halo_is_a_second() {
        for (width, halo, count) in [(1.0, 0.0, 1), (3.0, 0.0, 1), (1.0, 0.1, 2), (2.0, 0.3, 2)] {
            let vdf = core_and_halo(width, halo);
            let (found, error) = gaussians(&vdf, 0.05).unwrap();
            assert_eq!(found.components().len(), count, "{width} {halo}");
            let back = Mixture::default().reconstruct(&found, vdf.grid()).unwrap();
            let fidelity = Fidelity::compare(&vdf, &back).unwrap();
            assert!((fidelity.l2 - error).abs() < 0.01, "{width} {halo}: {error}, {fidelity}");
            assert!(fidelity.pressure < 0.02 && fidelity.density < 0.01, "{width} {halo}: {fidelity}");
        }
    }

    #[test]
    fn what_is_far_from_maxwellian_is_left() {
        let grid = VelocityGrid::unit([20; 3]).unwrap();
        let ring = Vdf::from_fn(grid, |[x, y, z]| {
            let r = (x - 9.5).hypot(y - 9.5);
            (-(r - 6.0).powi(2) - (z - 9.0).powi(2) / 4.0).exp()
        });
        assert!(gaussians(&ring.unwrap(), 0.1).is_none());
        assert!(gaussians(&Vdf::zeros(grid), 0.1).is_none());
        let flat = Vdf::from_vec(VelocityGrid::unit([1, 5, 5]).unwrap(), vec![1.0; 25]).unwrap();
        assert!(gaussians(&flat, 0.1).is_none());
    }
}
