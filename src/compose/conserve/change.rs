//! Correction that makes decoded moments exact: its form in a stream, and its effect on a density.

use super::correction::{EXCLUDED, Method, Polynomial, Search, at};
use super::lattice::Residues;
use super::moments::{CellMoments, Cells};
use super::occupancy::{Occupancy, places_in};
use crate::coding::{Bit, Coder, Reals, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;

/// Correction of the moments in a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Correction {
    /// Differences of the moments; the decoder searches for the nearest density with the moments.
    Moments {
        method: Method,
        /// Boxes outside which the density is zero.
        occupied: Option<Occupancy>,
        residues: Residues,
    },
    /// Densities of the few occupied cells; the decoded ones are ignored.
    Densities { occupied: Occupancy, densities: Vec<f64> },
}

impl Correction {
    /// The corrected density.
    ///
    /// # Errors
    /// [`Error::ForeignCoefficients`] if no density has the moments.
    pub(super) fn changed(&self, decoded: &Vdf, heat_flux: bool) -> Result<Vdf> {
        self.changed_on(decoded, None, heat_flux)
    }

    /// The corrected density on another grid, `elsewhere` being the decoded function there.
    pub(super) fn changed_elsewhere(&self, decoded: &Vdf, elsewhere: &Vdf, heat_flux: bool) -> Result<Vdf> {
        self.changed_on(decoded, Some(elsewhere), heat_flux)
    }

    fn changed_on(&self, decoded: &Vdf, elsewhere: Option<&Vdf>, heat_flux: bool) -> Result<Vdf> {
        let own = *decoded.grid();
        match self {
            Self::Moments { method, occupied, residues } => {
                let change = Change::new(decoded, residues, heat_flux)?;
                let density = change.density(decoded, &own, occupied.as_ref());
                let polynomial = change.polynomial(&density, &own, *method, heat_flux)?;
                match elsewhere {
                    None => change.apply(&density, &own, &own, *method, &polynomial),
                    Some(other) => {
                        let density = change.density(other, &own, occupied.as_ref());
                        change.apply(&density, other.grid(), &own, *method, &polynomial)
                    }
                }
            }
            Self::Densities { occupied, densities } => {
                listed(occupied, densities, &own, elsewhere.map_or(&own, |other| other.grid()))
            }
        }
    }

    /// Empty correction to read into.
    pub(super) fn blank() -> Self {
        Self::Moments { method: Method::Even, occupied: None, residues: Residues::default() }
    }

    pub(super) fn code(&mut self, grid: &VelocityGrid, heat_flux: bool, coder: &mut Coder<'_>) -> Result<()> {
        let (method, listed) = match self {
            Self::Moments { method, .. } => (Some(*method), false),
            Self::Densities { .. } => (None, true),
        };
        let method = match coder.bit(&mut Bit::expected(1 << 14, 0), method == Some(Method::Tilt)) {
            true => Method::Tilt,
            false if coder.rarely(listed || method == Some(Method::Everywhere)) => {
                if coder.rarely(listed) {
                    return self.code_densities(grid, coder);
                }
                Method::Everywhere
            }
            false => Method::Even,
        };
        let (mut occupied, mut residues) = match self {
            Self::Moments { occupied, residues, .. } => (occupied.take(), std::mem::take(residues)),
            Self::Densities { .. } => (None, Residues::default()),
        };
        coder.part("moments");
        residues.code(heat_flux, coder)?;
        coder.part("occupied blocks");
        match coder.bit(&mut Bit::expected(1 << 13, 0), occupied.is_some()) {
            false => occupied = None,
            true => occupied.get_or_insert_default().code(grid.shape(), coder),
        }
        *self = Self::Moments { method, occupied, residues };
        Ok(())
    }

    fn code_densities(&mut self, grid: &VelocityGrid, coder: &mut Coder<'_>) -> Result<()> {
        let (mut occupied, mut densities) = match self {
            Self::Densities { occupied, densities } => (std::mem::take(occupied), std::mem::take(densities)),
            Self::Moments { .. } => (Occupancy::default(), Vec::new()),
        };
        coder.part("occupied cells");
        occupied.code(grid.shape(), coder);
        coder.part("densities");
        coder.sized(&mut densities, occupied.cells_in(grid.shape()))?;
        let mut model = Reals::default();
        for density in &mut densities {
            *density = coder.real(&mut model, *density)?;
            if *density < 0.0 {
                return Err(malformed(format!("a density of {density:e}")));
            }
        }
        *self = Self::Densities { occupied, densities };
        Ok(())
    }

    /// Multiplies stored densities. Moments are stored relative to those of the decoded density, and stay.
    pub(super) fn scale(&mut self, factor: f64) {
        if let Self::Densities { densities, .. } = self {
            densities.iter_mut().for_each(|density| *density *= factor);
        }
    }

    /// Number of whole and real numbers in the stream.
    pub(super) fn len(&self, heat_flux: bool) -> usize {
        match self {
            Self::Moments { occupied, .. } => {
                Residues::len(heat_flux) + 1 + occupied.as_ref().map_or(0, Occupancy::count)
            }
            Self::Densities { occupied, densities } => occupied.count() + densities.len(),
        }
    }
}

/// Samples stored densities of the occupied cells of `own`, in C order, on another grid.
fn listed(occupied: &Occupancy, densities: &[f64], own: &VelocityGrid, grid: &VelocityGrid) -> Result<Vdf> {
    let mut values = Vdf::zeros(*own).into_values();
    let cells = values.indexed_iter_mut().filter(|((x, y, z), _)| occupied.contains([*x, *y, *z]));
    cells.zip(densities).for_each(|((_, value), density)| *value = *density);
    if grid == own {
        return Vdf::new(*own, values);
    }
    let [x, y, z] = places_in(grid, own);
    let mut sampled = Vec::with_capacity(grid.cells());
    for x in &x {
        for y in &y {
            sampled.extend(z.iter().map(|z| match (x, y, z) {
                (Some(x), Some(y), Some(z)) => values[[*x, *y, *z]],
                _ => 0.0,
            }));
        }
    }
    Vdf::from_vec(*grid, sampled)
}

/// Positive part of a density, scaled.
pub(super) fn positive(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| (f * factor).max(0.0)).collect()
}

/// Factor that brings the decoded densities near one.
pub(super) fn factor_of(decoded: &Vdf) -> f64 {
    normalising_factor(decoded.as_slice().iter().fold(0.0, |peak, &f| f64::max(peak, f)))
}

/// Change of a density to wanted moments, in units of their widths and of a density near one.
pub(super) struct Change {
    factor: f64,
    wanted: CellMoments,
    /// Standard deviations along the axes, in cells.
    widths: [f64; 3],
    /// Σ a_j² w_j².
    energy: f64,
    /// Parts c_j = a_j² w_j² / `energy` of the axes.
    energies: [f64; 3],
}

impl Change {
    fn new(decoded: &Vdf, residues: &Residues, heat_flux: bool) -> Result<Self> {
        let (factor, cells) = (factor_of(decoded), Cells::of(decoded.grid()));
        let found = CellMoments::of(&cells, &positive(decoded, factor));
        let wanted = residues.wanted(&cells, &found, heat_flux).ok_or_else(impossible)?;
        Self::to(wanted, factor, &cells)
    }

    /// Prepares the change to moments of values that have been multiplied by `factor`.
    pub(super) fn to(mut wanted: CellMoments, factor: f64, cells: &Cells) -> Result<Self> {
        let widths = wanted.widths(cells);
        let unit = normalising_factor(wanted.density);
        wanted.density *= unit;
        wanted.pressure.iter_mut().chain(&mut wanted.flux).for_each(|moment| *moment *= unit);
        let energies: [f64; 3] = std::array::from_fn(|axis| cells.weights[axis] * widths[axis].powi(2));
        let energy: f64 = energies.iter().sum();
        let energies = energies.map(|part| part / energy);
        let change = Self { factor: factor * unit, wanted, widths, energy, energies };
        let possible = change.factor.is_normal() && widths.iter().all(|width| width.is_normal());
        if possible { Ok(change) } else { Err(impossible()) }
    }

    /// Factor of the densities.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// Cell centres of a grid relative to the mean, in widths; mean and widths are in cells of `own`.
    fn axes(&self, grid: &VelocityGrid, own: &VelocityGrid) -> [Vec<f64>; 3] {
        std::array::from_fn(|axis| {
            let (cell, offset, width) = (self.wanted.cell[axis], self.wanted.offset[axis], self.widths[axis]);
            // The distance to the nearest cell is exact; the offset is subtracted afterwards, so that a narrow beam
            // far from the origin keeps its digits.
            let from_mean = |place: f64| (place - offset) / width;
            if grid == own {
                return (0..own.shape()[axis]).map(|k| from_mean((k as i64).wrapping_sub(cell) as f64)).collect();
            }
            let place = |v: f64| (v - own.lower()[axis]) / own.spacing()[axis] - 0.5 - cell as f64;
            grid.centres(axis).into_iter().map(|v| from_mean(place(v))).collect()
        })
    }

    /// Maximum density of a cell, for each centre along each axis: n/(1 + x²), x in widths from the mean (Cantelli's
    /// inequality). The smallest of the three bounds every density with these moments.
    pub(super) fn most(&self, grid: &VelocityGrid, own: &VelocityGrid) -> [Vec<f64>; 3] {
        self.axes(grid, own).map(|axis| axis.iter().map(|x| self.wanted.density / (1.0 + x * x)).collect())
    }

    /// Decoded density in the scale of the change, limited to the maximum that the moments allow.
    fn density(&self, decoded: &Vdf, own: &VelocityGrid, occupied: Option<&Occupancy>) -> Vec<f64> {
        let [x, y, z] = self.most(decoded.grid(), own);
        let mut density = Vec::with_capacity(decoded.as_slice().len());
        for (row, g) in decoded.as_slice().chunks_exact(z.len()).enumerate() {
            let most = x[row / y.len()].min(y[row % y.len()]);
            density.extend(g.iter().zip(&z).map(|(g, z)| (g * self.factor).max(0.0).min(z.min(most))));
        }
        if let Some(occupied) = occupied {
            occupied.for_each_outside(decoded.grid(), own, |cell| density[cell] = EXCLUDED);
        }
        density
    }

    fn polynomial(&self, density: &[f64], own: &VelocityGrid, method: Method, heat_flux: bool) -> Result<Polynomial> {
        let CellMoments { density: n, pressure: [xx, yy, zz, xy, xz, yz], flux, .. } = self.wanted;
        // Wanted sums of the functions. Velocities are counted from the wanted mean in wanted widths, so that the first
        // moments are zero, and P_ii/w_i² is n, apart from the square of the minimum width in w_i².
        let [x, y, z] = self.widths;
        let mut wanted = vec![n, 0.0, 0.0, 0.0];
        wanted.extend([xx / x / x, xy / x / y, xz / x / z, yy / y / y, yz / y / z, zz / z / z]);
        if heat_flux {
            wanted.extend((0..3).map(|axis| flux[axis] / (self.widths[axis] * self.energy)));
        }
        let search = Search { axes: self.axes(own, own), density, wanted, energies: self.energies };
        search.polynomial(method).ok_or_else(impossible)
    }

    fn apply(
        &self,
        density: &[f64],
        grid: &VelocityGrid,
        own: &VelocityGrid,
        method: Method,
        polynomial: &Polynomial,
    ) -> Result<Vdf> {
        let [x, y, z] = self.axes(grid, own);
        let mut values = Vec::with_capacity(grid.cells());
        for (row, g) in density.chunks_exact(z.len()).enumerate() {
            let along = polynomial.along_z(x[row / y.len()], y[row % y.len()]);
            values.extend(g.iter().zip(&z).map(|(&g, &z)| method.changed(g, at(along, z))[0] / self.factor));
        }
        Vdf::from_vec(*grid, values)
    }
}

fn impossible() -> Error {
    Error::ForeignCoefficients("no density has the moments they ask for".to_owned())
}
