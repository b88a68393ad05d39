//! Deposition of particles on a grid.

use super::Particles;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::summation::CompensatedSum;

/// The cloud of a particle: the function by which its weight is shared among cells (Birdsall and Langdon 1985, "Plasma
/// Physics via Computer Simulation", chapter 8). Each is a product over the axes of a B-spline.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Deposition {
    /// All weight goes to the cell that holds the particle: a histogram.
    NearestCell,
    /// Linear shares of the two nearest cells along each axis. The bulk velocity is that of the particles.
    #[default]
    CloudInCell,
    /// Quadratic shares of the three nearest cells along each axis (triangular-shaped cloud). The bulk velocity is that
    /// of the particles, and P_ij is larger by exactly n h_i²/4 for i = j, h the spacing.
    TriangularCloud,
}

/// A deposited distribution, and what is missing in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Deposit {
    /// Phase-space density: weight per volume of a cell.
    pub vdf: Vdf,
    /// Number of particles of which nothing is on the grid.
    pub outside: usize,
    /// Number of particles whose cloud the edge of the grid cuts.
    pub cut: usize,
    /// Weight that is not on the grid, of both \[m⁻³\]: Σ f dV + `outside_weight` = Σ w.
    pub outside_weight: f64,
}

impl Vdf {
    /// Deposits particles on a grid. Shares that fall outside are counted.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a density exceeds the range of `f64`.
    pub fn from_particles(grid: VelocityGrid, particles: &Particles, deposition: Deposition) -> Result<Deposit> {
        let mut values = vec![0.0; grid.cells()];
        let (mut outside, mut cut, mut lost) = (0, 0, CompensatedSum::default());
        let (shape, lower, spacing) = (grid.shape(), grid.lower(), grid.spacing());
        for (velocity, &weight) in particles.velocities().iter().zip(particles.weights()) {
            let shares: [Shares; 3] = std::array::from_fn(|axis| {
                Shares::new(deposition, (velocity[axis] - lower[axis]) / spacing[axis], shape[axis])
            });
            let kept: f64 = shares.iter().map(Shares::sum).product();
            if kept == 0.0 {
                outside += 1;
                lost.add(weight);
                continue;
            }
            if shares.iter().any(|shares| shares.cut) {
                cut += 1;
                lost.add(weight * (1.0 - kept));
            }
            add(&mut values, shape, &shares, weight);
        }
        // One axis after another, because the volume may overflow.
        let densities = |value: f64| spacing.iter().fold(value, |value, width| value / width);
        values.iter_mut().for_each(|value| *value = densities(*value));
        Ok(Deposit { vdf: Vdf::from_vec(grid, values)?, outside, cut, outside_weight: lost.value() })
    }
}

/// Adds the weight of one particle to its cells.
fn add(values: &mut [f64], [_, ny, nz]: [usize; 3], shares: &[Shares; 3], weight: f64) {
    let [x, y, z] = shares;
    for (ix, x) in x.cells() {
        for (iy, y) in y.cells() {
            let (row, weight) = ((ix * ny + iy) * nz, weight * x * y);
            for (iz, z) in z.cells() {
                values[row + iz] += weight * z;
            }
        }
    }
}

/// Shares of up to three cells along one axis, from cell `first` on. Those outside the grid are zero.
struct Shares {
    first: usize,
    shares: [f64; 3],
    cut: bool,
}

impl Shares {
    /// Shares of a particle at `position`, in cells from the lower edge of an axis with `cells` cells.
    fn new(deposition: Deposition, position: f64, cells: usize) -> Self {
        let nothing = Self { first: 0, shares: [0.0; 3], cut: true };
        // A cloud is at most three cells wide. Not a number, and positions that no integer holds, are outside too.
        if !(position > -1.0 && position < cells as f64 + 1.0) {
            return nothing;
        }
        let (first, shares) = match deposition {
            Deposition::NearestCell => (position.floor(), [1.0, 0.0, 0.0]),
            Deposition::CloudInCell => {
                let first = (position - 0.5).floor();
                let along = position - 0.5 - first;
                (first, [1.0 - along, along, 0.0])
            }
            Deposition::TriangularCloud => {
                let middle = position.floor();
                // Distance from the centre of the middle cell, −½ to ½.
                let d = position - middle - 0.5;
                (middle - 1.0, [0.5 * (0.5 - d).powi(2), 0.75 - d * d, 0.5 * (0.5 + d).powi(2)])
            }
        };
        let mut found = nothing;
        found.cut = false;
        found.first = first.max(0.0) as usize;
        for (k, share) in shares.into_iter().enumerate() {
            let cell = first as i64 + k as i64;
            let inside = (0..cells as i64).contains(&cell);
            if inside {
                found.shares[cell as usize - found.first] = share;
            } else {
                found.cut |= share > 0.0;
            }
        }
        found
    }

    fn sum(&self) -> f64 {
        self.shares.iter().sum()
    }

    fn cells(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let cells = self.shares.iter().enumerate().map(|(k, &share)| (self.first + k, share));
        cells.filter(|&(_, share)| share > 0.0)
    }
}
