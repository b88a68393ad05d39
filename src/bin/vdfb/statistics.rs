//! Errors of many cells: median, 95%, worst.

use serde_json::{Value, json};
use vdf_basis::{Fidelity, Figure};

/// The errors that are shown.
pub const FIGURES: [Figure; 7] =
    [Figure::L2, Figure::Linf, Figure::Dex, Figure::Density, Figure::BulkVelocity, Figure::Pressure, Figure::HeatFlux];

/// The errors of a cell.
#[derive(Debug, Clone)]
pub struct CellErrors {
    pub cell: u64,
    pub fidelity: Fidelity,
}

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
    /// Of at least one cell.
    pub fn of(figure: Figure, cells: &[CellErrors]) -> Option<Self> {
        let error = |cell: &CellErrors| figure.of(&cell.fidelity).unwrap_or_default();
        let mut sorted: Vec<f64> = cells.iter().map(error).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted.get(((sorted.len() - 1) as f64 * part).ceil() as usize).copied();
        let worst = *sorted.last()?;
        let cell = cells.iter().find(|cell| error(cell).total_cmp(&worst).is_eq())?.cell;
        Some(Self { median: at(0.5)?, upper: at(0.95)?, worst, cell })
    }

    pub fn to_json(&self) -> Value {
        json!({"median": self.median, "percentile_95": self.upper, "worst": self.worst, "worst_cell": self.cell})
    }
}

/// The errors of one distribution.
pub fn to_json(f: &Fidelity) -> Value {
    json!({
        "l1": f.l1,
        "l2": f.l2,
        "linf": f.linf,
        "dex": f.log10_rms,
        "relative": f.relative,
        "floor": f.log10_floor,
        "density": f.density,
        "bulk_velocity": f.bulk_velocity,
        "bulk_velocity_component": f.bulk_velocity_component,
        "pressure": f.pressure,
        "pressure_component": f.pressure_component,
        "heat_flux": f.heat_flux,
        "negative_mass": f.negative_mass,
    })
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
            CellErrors { cell, fidelity: Fidelity::compare(&one, &other).unwrap() }
        };
        let cells = [errors(7, 0.25), errors(3, 0.5), errors(9, 0.125)];
        let spread = Spread::of(Figure::L2, &cells).unwrap();
        assert_eq!(spread, Spread { median: 0.25, upper: 0.5, worst: 0.5, cell: 3 });
        assert!(Spread::of(Figure::L2, &[]).is_none());
    }
}
