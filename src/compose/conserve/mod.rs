//! Moments made exact, and densities never negative.

mod correction;
mod lattice;
mod occupancy;
#[cfg(test)]
mod tests;

use std::fmt;

use correction::{Method, Polynomial, Search, at};
use lattice::{Figures, Residues};

use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Bit, Coder, Resolution};
use crate::distribution::blocks::{BLOCK_EDGE, BlockOccupancy};
use crate::distribution::fidelity::Reference;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;
use crate::spec::SpecWriter;

/// `conserve(B)`: what B decodes to, without its negative densities, and changed as little as gives it the original's
/// density n, bulk velocity u and pressure tensor P (and heat flux q, if asked for): to 1e-12 of n, of the thermal speed
/// v_th and of the Frobenius norm of P (of n v_th³).
///
/// The change is a quadratic polynomial of velocity that is added wherever B's density is positive, as far as that leaves
/// it so: of all such densities the nearest in the sum of squares, and therefore nearer to an original that has none
/// below zero, too; everywhere, if B has so few of the original's cells that this would not be so. Where B itself is positive, an exponential of a quadratic polynomial is tried as well.
///
/// The stream holds by how much the moments differ, about 35 bits each, and, where that makes the stream shorter for its
/// error, which 4×4×4 blocks of the original hold anything. An all-zero distribution stays zero, whatever B says to it.
///
/// The change is a function of velocity: on another grid than that of the original it is applied to what B gives there.
#[derive(Debug, Clone, PartialEq)]
pub struct Conserve<B: Basis> {
    inner: B,
    heat_flux: bool,
}

/// The coefficients of the inner basis, and what makes its moments exact.
#[derive(Debug, Clone, PartialEq)]
pub struct ConserveCoefficients<B: Basis> {
    grid: VelocityGrid,
    heat_flux: bool,
    /// None of an all-zero distribution.
    found: Option<(B::Coefficients, Correction)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Correction {
    method: Method,
    blocks: Option<BlockOccupancy>,
    residues: Residues,
}

const NAME: &str = "conserve";
/// Blocks are worth a thought only if they take away so much of the error.
const LEAST_GAIN: f64 = 1e-4;

impl<B: Basis> Conserve<B> {
    /// n, u and P of what `inner` encodes become exact.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, heat_flux: false }
    }

    /// And the heat flux, or not.
    #[must_use]
    pub fn with_heat_flux(mut self, heat_flux: bool) -> Self {
        self.heat_flux = heat_flux;
        self
    }

    /// The basis inside.
    #[must_use]
    pub fn inner(&self) -> &B {
        &self.inner
    }

    fn corrected(&self, vdf: &Vdf, inner: impl FnOnce() -> Result<B::Coefficients>) -> Result<ConserveCoefficients<B>> {
        let found = match vdf.peak() > 0.0 {
            false => None,
            true => {
                let inner = inner()?;
                let correction = self.correction(&inner, vdf, Resolution::Exact)?;
                Some((inner, correction))
            }
        };
        Ok(ConserveCoefficients { grid: *vdf.grid(), heat_flux: self.heat_flux, found })
    }

    /// What makes the decoded moments those of `vdf`.
    fn correction(&self, inner: &B::Coefficients, vdf: &Vdf, resolution: Resolution) -> Result<Correction> {
        let decoded = self.inner.reconstruct(inner, vdf.grid())?;
        let residues = self.residues(&decoded, vdf)?;
        let reference = Reference::new(vdf);
        let (factor, cells) = (normalising_factor(vdf.peak()), cells_about_zero(vdf.grid()));
        let figures = |vdf: &Vdf| Figures::of(&cells, &scaled(vdf, factor));
        let wanted = figures(vdf);
        // None where this way no density has the moments.
        let attempt = |method, blocks: Option<BlockOccupancy>| {
            let correction = Correction { method, blocks, residues: residues.clone() };
            let changed =
                correction.change(&decoded, self.heat_flux).ok()?.apply(&decoded, correction.blocks.as_ref()).ok()?;
            figures(&changed).agree(&wanted, &cells).then(|| (reference.relative_l2(&changed), correction, changed))
        };
        let mut best = attempt(Method::Even, None);
        if best.is_none() || decoded.as_slice().iter().all(|&g| g >= 0.0) {
            let tilted = attempt(Method::Tilt, None);
            best = [best, tilted].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0));
        }
        if best.as_ref().is_none_or(|(error, ..)| *error > reference.relative_l2(&decoded)) {
            let everywhere = attempt(Method::Everywhere, None);
            best = [best, everywhere].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0));
        }
        let Some((error, correction, changed)) = best else {
            let reason =
                format!("no density on the cells where `{}` decodes to a positive one has these moments", self.inner);
            return Err(Error::Degenerate { basis: NAME, reason });
        };
        let blocks = vdf.block_occupancy(0.0)?;
        if reference.relative_l2(&within(&changed, vdf.grid(), &blocks)?) < (1.0 - LEAST_GAIN) * error
            && let Some((less, in_blocks, _)) = attempt(correction.method, Some(blocks))
        {
            let length = |correction: &Correction| {
                let mut coder = Coder::writing();
                Correction::code(Some(correction), vdf.grid(), self.heat_flux, &mut coder)?;
                self.inner.code(Some(inner), vdf.grid(), resolution, &mut coder)?;
                Ok::<f64, Error>(coder.finish().len() as f64)
            };
            // Of two streams, that with the smaller product of length and error is the better.
            if less * length(&in_blocks)? < error * length(&correction)? {
                return Ok(in_blocks);
            }
        }
        Ok(correction)
    }

    fn residues(&self, decoded: &Vdf, vdf: &Vdf) -> Result<Residues> {
        let factor = normalising_factor(decoded.peak());
        let cells = cells_about_zero(vdf.grid());
        let wanted = Figures::of(&cells, &scaled(vdf, factor));
        let found = Figures::of(&cells, &positive(decoded, factor));
        Residues::new(&cells, &wanted, &found, self.heat_flux).ok_or_else(|| {
            let [wanted, found] = [wanted, found].map(|figures| {
                let n = figures.density();
                format!("density {:e} and width {:e}", n / factor, figures.width(&cells))
            });
            let reason = format!(
                "the moments of the original ({wanted} cells) and of what `{}` decodes to ({found}) are too far apart",
                self.inner
            );
            Error::Degenerate { basis: NAME, reason }
        })
    }
}

/// A grid of the same cells about zero, whose widest cell is about one: moments on it keep their digits, and stay in
/// range.
fn cells_about_zero(grid: &VelocityGrid) -> VelocityGrid {
    let unit = unit_of(grid);
    let spacing = grid.spacing().map(|width| width * unit);
    let lower = std::array::from_fn(|axis| -0.5 * grid.shape()[axis] as f64 * spacing[axis]);
    // Cells so different that this is no grid keep their own.
    VelocityGrid::new(grid.shape(), lower, spacing).unwrap_or(*grid)
}

/// A power of two by which the widest cell is about one.
fn unit_of(grid: &VelocityGrid) -> f64 {
    normalising_factor(grid.spacing().into_iter().fold(0.0, f64::max))
}

fn scaled(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| f * factor).collect()
}

/// Where it is positive: the cells that a correction may change.
fn positive(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| (f * factor).max(0.0)).collect()
}

/// The density in these blocks of `own`, zero in its others, and as it is outside of it.
fn within(vdf: &Vdf, own: &VelocityGrid, blocks: &BlockOccupancy) -> Result<Vdf> {
    let grid = *vdf.grid();
    let [nbx, nby, _] = blocks.block_shape();
    let places: [Vec<Option<usize>>; 3] = std::array::from_fn(|axis| {
        let place = |v: &f64| {
            let cell = ((v - own.lower()[axis]) / own.spacing()[axis]).floor();
            (cell >= 0.0 && cell < own.shape()[axis] as f64).then_some(cell as usize / BLOCK_EDGE)
        };
        grid.centres(axis).iter().map(place).collect()
    });
    let mut values = vdf.values().to_owned();
    for ((x, y, z), f) in values.indexed_iter_mut() {
        if let (Some(x), Some(y), Some(z)) = (places[0][x], places[1][y], places[2][z])
            && !blocks.contains((x + nbx * (y + nby * z)) as u32)
        {
            *f = 0.0;
        }
    }
    Vdf::new(grid, values)
}

/// The change of a density that gives it its moments.
struct Change {
    own: VelocityGrid,
    factor: f64,
    method: Method,
    mean: [f64; 3],
    width: f64,
    polynomial: Polynomial,
}

impl Correction {
    fn change(&self, decoded: &Vdf, heat_flux: bool) -> Result<Change> {
        let impossible = || Error::ForeignCoefficients("no density has the moments they ask for".to_owned());
        let own = *decoded.grid();
        let (factor, cells) = (normalising_factor(decoded.peak()), cells_about_zero(&own));
        let mut density = positive(decoded, factor);
        let found = Figures::of(&cells, &density);
        let wanted = self.residues.wanted(&cells, &found, heat_flux).ok_or_else(impossible)?;
        if let Some(blocks) = &self.blocks {
            density = positive(&within(decoded, &own, blocks)?, factor);
        }
        let (width, volume) = (wanted.width(&cells), cells.cell_volume());
        let [n, ux, uy, uz, ..] = wanted.0;
        let mut sums = vec![n / volume, 0.0, 0.0, 0.0];
        sums.extend(wanted.0[4..10].iter().map(|p| p / volume / (width * width)));
        if heat_flux {
            sums.extend(wanted.0[10..].iter().map(|q| 2.0 * q / volume / width.powi(3)));
        }
        let mean = [ux, uy, uz];
        let axes = axes(&own, &own, mean, width);
        let search = Search { axes, density: &density, wanted: sums };
        let polynomial = search.polynomial(self.method).ok_or_else(impossible)?;
        Ok(Change { own, factor, method: self.method, mean, width, polynomial })
    }

    fn code(given: Option<&Self>, grid: &VelocityGrid, heat_flux: bool, coder: &mut Coder<'_>) -> Result<Self> {
        let is = |method| given.is_some_and(|given| given.method == method);
        let method = match coder.bit(&mut Bit::expected(1 << 14, 0), is(Method::Tilt)) {
            true => Method::Tilt,
            false if coder.rarely(is(Method::Everywhere)) => Method::Everywhere,
            false => Method::Even,
        };
        coder.part("moments");
        let residues = Residues::code(given.map(|given| &given.residues), heat_flux, coder)?;
        coder.part("occupied blocks");
        let blocks = given.and_then(|given| given.blocks.as_ref());
        let blocks = match coder.bit(&mut Bit::expected(1 << 13, 0), blocks.is_some()) {
            false => None,
            true => Some(occupancy::code(blocks, grid.shape(), coder)?),
        };
        Ok(Self { method, blocks, residues })
    }
}

/// Cell centres of a grid from the mean in widths, both in the units of `own` about its middle.
fn axes(grid: &VelocityGrid, own: &VelocityGrid, mean: [f64; 3], width: f64) -> [Vec<f64>; 3] {
    let (cells, unit) = (cells_about_zero(own), unit_of(own));
    std::array::from_fn(|axis| {
        let centres = match grid == own {
            true => cells.centres(axis),
            false => grid.centres(axis).iter().map(|v| (v - own.middle()[axis]) * unit).collect(),
        };
        centres.iter().map(|v| (v - mean[axis]) / width).collect()
    })
}

impl Change {
    fn apply(&self, decoded: &Vdf, blocks: Option<&BlockOccupancy>) -> Result<Vdf> {
        let grid = *decoded.grid();
        let [x, y, z] = axes(&grid, &self.own, self.mean, self.width);
        let mut values = Vec::with_capacity(grid.cells());
        for (row, g) in decoded.as_slice().chunks_exact(z.len()).enumerate() {
            let along = self.polynomial.along_z(x[row / y.len()], y[row % y.len()]);
            let changed =
                |(&g, &z): (&f64, &f64)| self.method.changed((g * self.factor).max(0.0), at(along, z))[0] / self.factor;
            values.extend(g.iter().zip(&z).map(changed));
        }
        let changed = Vdf::from_vec(grid, values)?;
        blocks.map_or(Ok(changed.clone()), |blocks| within(&changed, &self.own, blocks))
    }
}

impl<B: Basis> fmt::Display for Conserve<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SpecWriter::new(&format!("{NAME}({})", self.inner)).option(self.heat_flux, "heat-flux", "yes").write(f)
    }
}

impl<B: Basis> Basis for Conserve<B> {
    type Coefficients = ConserveCoefficients<B>;

    /// # Errors
    /// As the inner basis; [`Error::Degenerate`] where what it decodes to has hardly anything in common with the
    /// original, or where no density has the original's moments, as where most of it is negative.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        self.corrected(vdf, || self.inner.encode(vdf))
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        match &start.found {
            Some((inner, _)) => self.corrected(vdf, || self.inner.encode_from(vdf, inner)),
            None => self.encode(vdf),
        }
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        if coefficients.heat_flux != self.heat_flux {
            let problem = format!("they conserve other moments than `{self}`");
            return Err(Error::ForeignCoefficients(problem));
        }
        let Some((inner, correction)) = &coefficients.found else { return Ok(Vdf::zeros(*grid)) };
        let decoded = self.inner.reconstruct(inner, &coefficients.grid)?;
        let change = correction.change(&decoded, self.heat_flux)?;
        match *grid == coefficients.grid {
            true => change.apply(&decoded, correction.blocks.as_ref()),
            false => change.apply(&self.inner.reconstruct(inner, grid)?, correction.blocks.as_ref()),
        }
    }

    /// The inner basis in the resolution asked for, the moments always in their own: to have them exact, round first
    /// ([`Basis::rounded`]).
    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let found = match coder.rarely(coefficients.is_some_and(|c| c.found.is_none())) {
            true => None,
            false => {
                let given = coefficients.and_then(|c| c.found.as_ref());
                // First, since the zeros that many a basis ends with cost nothing at the end of a stream.
                let correction = Correction::code(given.map(|(_, c)| c), grid, self.heat_flux, coder)?;
                coder.part(self.inner.to_string());
                let inner = self.inner.code(given.map(|(inner, _)| inner), grid, resolution, coder)?;
                Some((inner, correction))
            }
        };
        Ok(ConserveCoefficients { grid: *grid, heat_flux: self.heat_flux, found })
    }

    /// That of the inner basis: making its moments exact changes its numbers little.
    fn rounded_before(&self, coefficients: &Self::Coefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        let (inner, _) = coefficients.found.as_ref()?;
        self.inner.rounded_before(inner, vdf, steps)
    }

    /// The inner basis rounds, and what makes its moments exact is found anew.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let Some((inner, _)) = &coefficients.found else { return Ok(coefficients.clone()) };
        let inner = self.inner.rounded(inner, vdf, resolution)?;
        let correction = self.correction(&inner, vdf, resolution)?;
        Ok(ConserveCoefficients { found: Some((inner, correction)), ..coefficients.clone() })
    }
}

impl<B: Basis> Coefficients for ConserveCoefficients<B> {
    /// Those of the inner basis: the moments are whole numbers.
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        if let Some((inner, _)) = &mut self.found {
            inner.visit(visitor);
        }
    }

    /// The digits of the moments, the numbers of the blocks, and the inner basis' own.
    fn topology_len(&self) -> usize {
        let blocks = |c: &Correction| 1 + c.blocks.as_ref().map_or(0, BlockOccupancy::count);
        let found = self.found.as_ref();
        1 + found.map_or(0, |(inner, c)| inner.topology_len() + Residues::len(self.heat_flux) + blocks(c))
    }
}
