//! What makes decoded moments exact: how it is stored and how it changes a density.

use super::correction::{EXCLUDED, Method, Polynomial, Search, at};
use super::figures::{Cells, Figures};
use super::lattice::Residues;
use super::occupancy::{Occupancy, places_in};
use crate::coding::{Bit, Coder, Reals, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;

/// What a stream holds to make moments exact.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Correction {
    /// The moments, which a change of what is decoded is searched for.
    Moments {
        method: Method,
        /// Outside of it there is nothing.
        occupied: Option<Occupancy>,
        residues: Residues,
    },
    /// The densities themselves, of the few cells that hold any: what is decoded counts for nothing.
    Densities { occupied: Occupancy, densities: Vec<f64> },
}

impl Correction {
    /// What is decoded, changed.
    ///
    /// # Errors
    /// [`Error::ForeignCoefficients`] where no density has the moments.
    pub(super) fn changed(&self, decoded: &Vdf, heat_flux: bool) -> Result<Vdf> {
        self.changed_on(decoded, None, heat_flux)
    }

    /// The same on another grid, on which the same function was sampled.
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

    pub(super) fn code(
        given: Option<&Self>,
        grid: &VelocityGrid,
        heat_flux: bool,
        coder: &mut Coder<'_>,
    ) -> Result<Self> {
        let (method, given_residues, given_occupied) = match given {
            Some(Self::Moments { method, occupied, residues }) => (Some(*method), Some(residues), occupied.as_ref()),
            Some(Self::Densities { occupied, .. }) => (None, None, Some(occupied)),
            None => (None, None, None),
        };
        let listed = matches!(given, Some(Self::Densities { .. }));
        let method = match coder.bit(&mut Bit::expected(1 << 14, 0), method == Some(Method::Tilt)) {
            true => Method::Tilt,
            false if coder.rarely(listed || method == Some(Method::Everywhere)) => {
                if coder.rarely(listed) {
                    return Self::code_densities(given, grid, coder);
                }
                Method::Everywhere
            }
            false => Method::Even,
        };
        coder.part("moments");
        let residues = Residues::code(given_residues, heat_flux, coder)?;
        coder.part("occupied blocks");
        let occupied = match coder.bit(&mut Bit::expected(1 << 13, 0), given_occupied.is_some()) {
            false => None,
            true => Some(Occupancy::code(given_occupied, grid.shape(), coder)),
        };
        Ok(Self::Moments { method, occupied, residues })
    }

    fn code_densities(given: Option<&Self>, grid: &VelocityGrid, coder: &mut Coder<'_>) -> Result<Self> {
        let given = match given {
            Some(Self::Densities { occupied, densities }) => Some((occupied, densities)),
            _ => None,
        };
        coder.part("occupied cells");
        let occupied = Occupancy::code(given.map(|(occupied, _)| occupied), grid.shape(), coder);
        coder.part("densities");
        let mut model = Reals::default();
        let density = |k: usize| {
            let density = coder.real(&mut model, given.and_then(|(_, d)| d.get(k)).copied().unwrap_or(0.0))?;
            if density < 0.0 { Err(malformed(format!("a density of {density:e}"))) } else { Ok(density) }
        };
        let densities = (0..occupied.cells_in(grid.shape())).map(density).collect::<Result<_>>()?;
        Ok(Self::Densities { occupied, densities })
    }

    /// How many whole and real numbers there are.
    pub(super) fn len(&self, heat_flux: bool) -> usize {
        match self {
            Self::Moments { occupied, .. } => {
                Residues::len(heat_flux) + 1 + occupied.as_ref().map_or(0, Occupancy::count)
            }
            Self::Densities { occupied, densities } => occupied.count() + densities.len(),
        }
    }
}

/// Densities in the cells of `own` that hold any, in C order, sampled on a grid.
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

/// Where a density is positive, scaled: what is decoded, as far as its moments count.
pub(super) fn positive(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| (f * factor).max(0.0)).collect()
}

/// The scale in which moments are compared with those of what is decoded.
pub(super) fn factor_of(decoded: &Vdf) -> f64 {
    normalising_factor(decoded.as_slice().iter().fold(0.0, |peak, &f| f64::max(peak, f)))
}

/// The space in which a density is changed: moments wanted, and the scale in which their density is near one.
pub(super) struct Change {
    factor: f64,
    wanted: Figures,
    /// Standard deviations along the axes, in cells.
    widths: [f64; 3],
    /// Σ a_j² w_j², and the parts of it that the axes have.
    energy: f64,
    energies: [f64; 3],
}

impl Change {
    fn new(decoded: &Vdf, residues: &Residues, heat_flux: bool) -> Result<Self> {
        let (factor, cells) = (factor_of(decoded), Cells::of(decoded.grid()));
        let found = Figures::of(&cells, &positive(decoded, factor));
        let wanted = residues.wanted(&cells, &found, heat_flux).ok_or_else(impossible)?;
        Self::to(wanted, factor, &cells)
    }

    /// To moments of values that have been multiplied by `factor`.
    pub(super) fn to(mut wanted: Figures, factor: f64, cells: &Cells) -> Result<Self> {
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

    /// What densities are multiplied by.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// Cell centres of a grid from the mean in widths, both in cells of `own`.
    fn axes(&self, grid: &VelocityGrid, own: &VelocityGrid) -> [Vec<f64>; 3] {
        std::array::from_fn(|axis| {
            let (cell, offset, width) = (self.wanted.cell[axis], self.wanted.offset[axis], self.widths[axis]);
            let from_mean = |place: f64| (place - offset) / width;
            if grid == own {
                return (0..own.shape()[axis]).map(|k| from_mean((k as i64).wrapping_sub(cell) as f64)).collect();
            }
            let place = |v: f64| (v - own.lower()[axis]) / own.spacing()[axis] - 0.5 - cell as f64;
            grid.centres(axis).into_iter().map(|v| from_mean(place(v))).collect()
        })
    }

    /// The largest density of any cell, for each centre along each axis: n/(1 + x²), x in widths from the mean (Cantelli's
    /// inequality). More than the least of the three no density with these moments has.
    pub(super) fn most(&self, grid: &VelocityGrid, own: &VelocityGrid) -> [Vec<f64>; 3] {
        self.axes(grid, own).map(|axis| axis.iter().map(|x| self.wanted.density / (1.0 + x * x)).collect())
    }

    /// What is decoded, in the scale of the change, without what no density with these moments has.
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
        let Figures { density: n, pressure: [xx, yy, zz, xy, xz, yz], flux, .. } = self.wanted;
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
