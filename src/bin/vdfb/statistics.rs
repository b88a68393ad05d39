//! Errors of many cells: median, 95%, worst.

use serde_json::{Value, json};
use vdf_basis::{Fidelity, FieldFidelity, Figure};

/// The errors of a cell.
#[derive(Debug, Clone)]
pub struct CellErrors {
    pub cell: u64,
    pub fidelity: Fidelity,
    /// Errors about the magnetic field, where that is known.
    pub about_field: Option<FieldFidelity>,
}

/// An error that is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub name: &'static str,
    /// The error of a cell; `None` where it is not known, or not defined.
    pub of: fn(&CellErrors) -> Option<f64>,
    /// True if the magnetic field is needed.
    pub about_field: bool,
}

impl Shown {
    const fn plain(name: &'static str, of: fn(&CellErrors) -> Option<f64>) -> Self {
        Self { name, of, about_field: false }
    }

    const fn about_field(name: &'static str, of: fn(&CellErrors) -> Option<f64>) -> Self {
        Self { name, of, about_field: true }
    }

    /// True if it is known in a cell at least, if only to be undefined.
    pub fn is_known(&self, cells: &[CellErrors]) -> bool {
        !self.about_field || cells.iter().any(|cell| cell.about_field.is_some())
    }
}

/// The errors that are shown. The last four need a magnetic field.
pub const SHOWN: [Shown; 12] = [
    Shown::plain("l2", |cell| Figure::L2.of(&cell.fidelity)),
    Shown::plain("linf", |cell| Figure::Linf.of(&cell.fidelity)),
    Shown::plain("dex", |cell| Figure::Dex.of(&cell.fidelity)),
    Shown::plain("js_divergence", |cell| Some(cell.fidelity.js_divergence)),
    Shown::plain("density", |cell| Figure::Density.of(&cell.fidelity)),
    Shown::plain("bulk_velocity", |cell| Figure::BulkVelocity.of(&cell.fidelity)),
    Shown::plain("pressure", |cell| Figure::Pressure.of(&cell.fidelity)),
    Shown::plain("heat_flux", |cell| Figure::HeatFlux.of(&cell.fidelity)),
    Shown::about_field("t_parallel", |cell| cell.about_field?.parallel_temperature),
    Shown::about_field("t_perpendicular", |cell| cell.about_field?.perpendicular_temperature),
    Shown::about_field("anisotropy", |cell| cell.about_field?.anisotropy),
    Shown::about_field("sqrt_q", |cell| cell.about_field?.sqrt_q),
];

/// The distribution of one error over the cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub upper: f64,
    pub worst: f64,
    /// The cell of the worst, the first of several.
    pub cell: u64,
    /// The number of cells in which it is known and defined.
    pub cells: usize,
    /// The number of those in which it is infinite: of the original and the reconstruction only one has the quantity.
    pub infinite: usize,
}

impl Spread {
    /// The spread over those cells in which the error is known and defined; `None` if there are none.
    pub fn of(error: impl Fn(&CellErrors) -> Option<f64>, cells: &[CellErrors]) -> Option<Self> {
        let mut sorted: Vec<f64> = cells.iter().filter_map(&error).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted.get(((sorted.len() - 1) as f64 * part).ceil() as usize).copied();
        let worst = *sorted.last()?;
        let cell = cells.iter().find(|cell| error(cell).is_some_and(|error| error.total_cmp(&worst).is_eq()))?.cell;
        let infinite = sorted.iter().filter(|error| error.is_infinite()).count();
        Some(Self { median: at(0.5)?, upper: at(0.95)?, worst, cell, cells: sorted.len(), infinite })
    }

    /// JSON has no infinity: such an error is null, and counted.
    pub fn to_json(&self) -> Value {
        json!({
            "median": self.median,
            "percentile_95": self.upper,
            "worst": self.worst,
            "worst_cell": self.cell,
            "cells": self.cells,
            "infinite": self.infinite,
        })
    }
}

/// The errors of one distribution.
pub fn to_json(f: &Fidelity) -> Value {
    let key = |name| if name == "log10_rms" { Figure::Dex.key() } else { name };
    let errors = f.errors().into_iter().map(|(name, error)| (key(name).to_owned(), json!(error)));
    errors.chain([("floor".to_owned(), json!(f.log10_floor))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::{Vdf, VelocityGrid};

    #[test]
    fn the_worst_cell_is_named() {
        let grid = VelocityGrid::unit([2, 1, 1]).unwrap();
        let one = Vdf::from_slice(grid, &[1.0, 0.0]).unwrap();
        let errors = |cell: u64, by: f64| {
            let other = Vdf::from_slice(grid, &[1.0 + by, 0.0]).unwrap();
            CellErrors { cell, fidelity: Fidelity::compare(&one, &other).unwrap(), about_field: None }
        };
        let cells = [errors(7, 0.25), errors(3, 0.5), errors(9, 0.125)];
        let l2 = |cell: &CellErrors| Some(cell.fidelity.l2);
        let spread = Spread::of(l2, &cells).unwrap();
        assert_eq!(spread, Spread { median: 0.25, upper: 0.5, worst: 0.5, cell: 3, cells: 3, infinite: 0 });
        assert!(Spread::of(l2, &[]).is_none() && Spread::of(|_| None, &cells).is_none());
    }
}
