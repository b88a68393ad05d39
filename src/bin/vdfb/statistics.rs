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
    /// The error of a cell; `None` where it is not known.
    pub of: fn(&CellErrors) -> Option<f64>,
}

/// The errors that are shown. The last four need a magnetic field.
pub const SHOWN: [Shown; 12] = [
    Shown { name: "l2", of: |cell| Figure::L2.of(&cell.fidelity) },
    Shown { name: "linf", of: |cell| Figure::Linf.of(&cell.fidelity) },
    Shown { name: "dex", of: |cell| Figure::Dex.of(&cell.fidelity) },
    Shown { name: "js_divergence", of: |cell| Some(cell.fidelity.js_divergence) },
    Shown { name: "density", of: |cell| Figure::Density.of(&cell.fidelity) },
    Shown { name: "bulk_velocity", of: |cell| Figure::BulkVelocity.of(&cell.fidelity) },
    Shown { name: "pressure", of: |cell| Figure::Pressure.of(&cell.fidelity) },
    Shown { name: "heat_flux", of: |cell| Figure::HeatFlux.of(&cell.fidelity) },
    Shown { name: "t_parallel", of: |cell| Some(cell.about_field?.parallel_temperature) },
    Shown { name: "t_perpendicular", of: |cell| Some(cell.about_field?.perpendicular_temperature) },
    Shown { name: "anisotropy", of: |cell| Some(cell.about_field?.anisotropy) },
    Shown { name: "sqrt_q", of: |cell| Some(cell.about_field?.sqrt_q) },
];

/// The distribution of one error over the cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub upper: f64,
    pub worst: f64,
    /// The cell of the worst, the first of several.
    pub cell: u64,
}

impl Spread {
    /// The spread over those cells in which the error is known; `None` if there are none.
    pub fn of(error: impl Fn(&CellErrors) -> Option<f64>, cells: &[CellErrors]) -> Option<Self> {
        let mut sorted: Vec<f64> = cells.iter().filter_map(&error).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted.get(((sorted.len() - 1) as f64 * part).ceil() as usize).copied();
        let worst = *sorted.last()?;
        let cell = cells.iter().find(|cell| error(cell).is_some_and(|error| error.total_cmp(&worst).is_eq()))?.cell;
        Some(Self { median: at(0.5)?, upper: at(0.95)?, worst, cell })
    }

    pub fn to_json(&self) -> Value {
        json!({"median": self.median, "percentile_95": self.upper, "worst": self.worst, "worst_cell": self.cell})
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
        assert_eq!(spread, Spread { median: 0.25, upper: 0.5, worst: 0.5, cell: 3 });
        assert!(Spread::of(l2, &[]).is_none() && Spread::of(|_| None, &cells).is_none());
    }
}
