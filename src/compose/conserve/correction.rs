//! Correction that makes decoded moments exact, as a stream holds it.

use super::change::Change;
use super::halo::Halo;
use super::lattice::Residues;
use super::method::Method;
use super::occupancy::{Occupancy, places_in};
use crate::coding::{Coder, Reals, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// Way from a decoded density to one with given moments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Way {
    pub(super) method: Method,
    /// Density that stands in for missing tails.
    pub(super) halo: Option<Halo>,
    /// Cells outside which the density is zero.
    pub(super) cells: Option<Occupancy>,
}

impl Way {
    pub(super) fn new(method: Method, halo: Option<Halo>) -> Self {
        Self { method, halo, cells: None }
    }

    fn code(&mut self, grid: &VelocityGrid, coder: &mut Coder<'_>) {
        self.method = self.method.code(coder);
        self.halo = Halo::code(self.halo, coder);
        if coder.rarely(self.cells.is_some()) {
            coder.part("occupied cells");
            self.cells.get_or_insert_default().code(grid.shape(), coder);
        } else {
            self.cells = None;
        }
    }
}

/// Correction of the moments in a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Correction {
    /// Differences of the moments; the decoder searches for the nearest density with the moments.
    Moments { way: Way, residues: Residues },
    /// Densities of the few occupied cells; the decoded ones are ignored.
    Densities { occupied: Occupancy, densities: Vec<f64> },
}

impl Correction {
    /// The corrected density.
    ///
    /// # Errors
    /// [`Error::ForeignCoefficients`](crate::Error::ForeignCoefficients) if no density has the moments.
    pub(super) fn changed(&self, decoded: &Vdf, heat_flux: bool) -> Result<Vdf> {
        self.changed_on(decoded, None, heat_flux)
    }

    /// The corrected density on another grid, `elsewhere` being the decoded function there.
    pub(super) fn changed_elsewhere(&self, decoded: &Vdf, elsewhere: &Vdf, heat_flux: bool) -> Result<Vdf> {
        self.changed_on(decoded, Some(elsewhere), heat_flux)
    }

    fn changed_on(&self, decoded: &Vdf, elsewhere: Option<&Vdf>, heat_flux: bool) -> Result<Vdf> {
        match self {
            Self::Moments { way, residues } => {
                Change::new(decoded, residues, heat_flux)?.changed(decoded, elsewhere, way)
            }
            Self::Densities { occupied, densities } => {
                let own = decoded.grid();
                listed(occupied, densities, own, elsewhere.map_or(own, |other| other.grid()))
            }
        }
    }

    /// Empty correction to read into.
    pub(super) fn blank() -> Self {
        Self::Moments { way: Way::new(Method::Even, None), residues: Residues::default() }
    }

    pub(super) fn code(&mut self, grid: &VelocityGrid, heat_flux: bool, coder: &mut Coder<'_>) -> Result<()> {
        if coder.rarely(matches!(self, Self::Densities { .. })) {
            return self.code_densities(grid, coder);
        }
        if let Self::Densities { .. } = self {
            *self = Self::blank();
        }
        if let Self::Moments { way, residues } = self {
            way.code(grid, coder);
            coder.part("moments");
            residues.code(heat_flux, coder)?;
        }
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
        coder.sized(&mut densities, occupied.count())?;
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
            Self::Moments { way, .. } => {
                let halo = if way.halo.is_some() { 2 } else { 0 };
                Residues::len(heat_flux) + 1 + halo + way.cells.as_ref().map_or(0, Occupancy::count)
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
