//! Effect of a correction on a density.

use super::correction::Way;
use super::field::{AnyRule, Axes, EXCLUDED, Field, Raise, largest};
use super::halo::Maxwellian;
use super::lattice::Residues;
use super::moments::{CellMoments, Cells};
use super::newton::Search;
use super::occupancy::places_in;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;

/// Positive part of a density, scaled.
pub(super) fn positive(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| (f * factor).max(0.0)).collect()
}

/// Factor that brings the decoded densities near one.
pub(super) fn factor_of(decoded: &Vdf) -> f64 {
    normalising_factor(largest(decoded.as_slice()))
}

/// Change of a density to wanted moments, in units of their widths and of a density near one.
pub(super) struct Change {
    factor: f64,
    wanted: CellMoments,
    /// Standard deviations along the axes, in cells.
    widths: [f64; 3],
    heat_flux: bool,
    /// Σ a_j² w_j².
    energy: f64,
    /// Parts c_j = a_j² w_j² / `energy` of the axes.
    energies: [f64; 3],
}

impl Change {
    pub(super) fn new(decoded: &Vdf, residues: &Residues, heat_flux: bool) -> Result<Self> {
        let (factor, cells) = (factor_of(decoded), Cells::of(decoded.grid()));
        let found = CellMoments::of(&cells, &positive(decoded, factor));
        let wanted = residues.wanted(&cells, &found, heat_flux).ok_or_else(impossible)?;
        Self::to(wanted, factor, &cells, heat_flux)
    }

    /// Prepares the change to moments of values that have been multiplied by `factor`.
    pub(super) fn to(mut wanted: CellMoments, factor: f64, cells: &Cells, heat_flux: bool) -> Result<Self> {
        let widths = wanted.widths(cells);
        let unit = normalising_factor(wanted.density);
        wanted.density *= unit;
        wanted.pressure.iter_mut().chain(&mut wanted.flux).for_each(|moment| *moment *= unit);
        let energies: [f64; 3] = std::array::from_fn(|axis| cells.weights[axis] * widths[axis].powi(2));
        let energy: f64 = energies.iter().sum();
        let energies = energies.map(|part| part / energy);
        let change = Self { factor: factor * unit, wanted, widths, heat_flux, energy, energies };
        let possible = change.factor.is_normal() && widths.iter().all(|width| width.is_normal());
        if possible { Ok(change) } else { Err(impossible()) }
    }

    /// Factor of the densities.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// Cell centres of a grid relative to the mean, in widths; mean and widths are in cells of `own`.
    pub(super) fn axes(&self, grid: &VelocityGrid, own: &VelocityGrid) -> Axes {
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
    pub(super) fn most(&self, grid: &VelocityGrid, own: &VelocityGrid) -> Axes {
        self.axes(grid, own).map(|axis| axis.iter().map(|x| self.wanted.density / (1.0 + x * x)).collect())
    }

    /// Maxwellian with the wanted moments; `None` if there is none.
    pub(super) fn maxwellian(&self) -> Option<Maxwellian> {
        let CellMoments { density: n, pressure: [.., xy, xz, yz], .. } = self.wanted;
        let [x, y, z] = self.widths;
        Maxwellian::new(n, self.widths, [xy / n / x / y, xz / n / x / z, yz / n / y / z])
    }

    /// The changed density on the decoder's own grid, or on that of `elsewhere`.
    pub(super) fn changed(&self, decoded: &Vdf, elsewhere: Option<&Vdf>, way: &Way) -> Result<Vdf> {
        let own = *decoded.grid();
        let axes = self.axes(&own, &own);
        let field = self.field(decoded, &own, &axes, way)?;
        let rule = AnyRule::new(way.method, field.peak());
        let wanted = self.wanted_sums();
        let search = Search { axes: &axes, field: &field, method: way.method, rule, wanted, energies: self.energies };
        let polynomial = search.polynomial().ok_or_else(impossible)?;
        let Some(other) = elsewhere else {
            return Vdf::from_vec(own, field.changed(&axes, &polynomial, rule, self.factor));
        };
        let axes = self.axes(other.grid(), &own);
        let field = self.field(other, &own, &axes, way)?;
        Vdf::from_vec(*other.grid(), field.changed(&axes, &polynomial, rule, self.factor))
    }

    /// Decoded density in the scale of the change, limited to the maximum that the moments allow.
    fn field(&self, decoded: &Vdf, own: &VelocityGrid, axes: &Axes, way: &Way) -> Result<Field> {
        let grid = decoded.grid();
        let (most, [_, ny, nz], values) = (self.most(grid, own), grid.shape(), decoded.as_slice());
        let places = way.cells.as_ref().map(|cells| (cells, places_in(grid, own)));
        let raise = match way.halo {
            None => None,
            Some(halo) => {
                let (q, least) = self.maxwellian().ok_or_else(impossible)?.raised(halo);
                Some(Raise { axes, q, least })
            }
        };
        Ok(Field::new(grid.shape(), way.method, raise.as_ref(), |x, y, row| {
            let (start, at_row) = ((x * ny + y) * nz, most[0][x].min(most[1][y]));
            for ((h, g), most) in row.iter_mut().zip(&values[start..start + nz]).zip(&most[2]) {
                *h = (g * self.factor).max(0.0).min(at_row.min(*most));
            }
            if let Some((cells, [xs, ys, zs])) = &places {
                for (h, z) in row.iter_mut().zip(zs) {
                    if let (Some(x), Some(y), Some(z)) = (xs[x], ys[y], z)
                        && !cells.contains([x, y, *z])
                    {
                        *h = EXCLUDED;
                    }
                }
            }
        }))
    }

    /// Wanted sums of the functions. Velocities are counted from the wanted mean in wanted widths, so that the first
    /// moments are zero, and P_ii/w_i² is n, apart from the square of the minimum width in w_i².
    fn wanted_sums(&self) -> Vec<f64> {
        let CellMoments { density: n, pressure: [xx, yy, zz, xy, xz, yz], flux, .. } = self.wanted;
        let [x, y, z] = self.widths;
        let mut wanted = vec![n, 0.0, 0.0, 0.0];
        wanted.extend([xx / x / x, xy / x / y, xz / x / z, yy / y / y, yz / y / z, zz / z / z]);
        if self.heat_flux {
            wanted.extend((0..3).map(|axis| flux[axis] / (self.widths[axis] * self.energy)));
        }
        wanted
    }
}

fn impossible() -> Error {
    Error::ForeignCoefficients("no density has the moments they ask for".to_owned())
}
