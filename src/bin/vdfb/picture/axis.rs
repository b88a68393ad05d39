//! Velocity axes: units, ticks and their labels.

use vdf_basis::{Vdf, VelocityGrid};

/// The units a grid is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// Metres per second, shown in km/s, and densities in s³ m⁻⁶.
    Si,
    /// Anything else: mostly cell indices.
    Cells,
}

/// The three velocities.
pub const VELOCITIES: [&str; 3] = ["v_{x}", "v_{y}", "v_{z}"];
/// The three velocities in the frame of a magnetic field.
pub const FIELD_VELOCITIES: [&str; 3] = ["v_{perp 1}", "v_{perp 2}", "v_{par}"];
/// Cells of a grid in m/s are wider than this, those of one in index units are 1 wide.
const SI_SPACING: f64 = 1e2;

impl Units {
    /// Told from the width of the cells.
    pub fn of(grid: &VelocityGrid) -> Self {
        if grid.spacing().iter().any(|&spacing| spacing > SI_SPACING) { Self::Si } else { Self::Cells }
    }

    /// One unit of the axes, in the grid's own.
    pub fn velocity(self) -> f64 {
        match self {
            Self::Si => 1e3,
            Self::Cells => 1.0,
        }
    }

    /// The name of that unit.
    pub fn velocity_name(self) -> &'static str {
        match self {
            Self::Si => "km/s",
            Self::Cells => "cells",
        }
    }

    /// The label of a velocity axis.
    pub fn axis_label(self, name: &str) -> String {
        format!("{name}  [{}]", self.velocity_name())
    }

    /// The label of phase-space densities.
    pub fn density_label(self) -> &'static str {
        match self {
            Self::Si => "f [s^{3} m^{−6}]",
            Self::Cells => "f [arbitrary units]",
        }
    }
}

/// A velocity axis of a grid, in the units shown.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub name: &'static str,
    pub units: Units,
    pub cells: usize,
    /// Edges of the grid.
    pub lower: f64,
    pub upper: f64,
}

impl Axis {
    pub fn of(vdf: &Vdf, index: usize) -> Self {
        let grid = vdf.grid();
        let units = Units::of(grid);
        let [lower, upper] = [grid.lower(), grid.upper()].map(|edges| edges[index] / units.velocity());
        Self { name: VELOCITIES[index], units, cells: grid.shape()[index], lower, upper }
    }

    pub fn label(&self) -> String {
        self.units.axis_label(self.name)
    }

    /// Position of a velocity between the edges, 0..1.
    pub fn fraction(&self, velocity: f64) -> f64 {
        (velocity - self.lower) / (self.upper - self.lower)
    }

    /// Position of the centre of a cell between the edges, 0..1.
    pub fn centre(&self, cell: usize) -> f64 {
        (cell as f64 + 0.5) / self.cells as f64
    }

    /// A velocity with its unit: of the centre of a cell, in four digits.
    pub fn at(&self, cell: usize) -> String {
        let velocity = self.lower + self.centre(cell) * (self.upper - self.lower);
        // Less than this part of a cell is a rounding error of the edges.
        let zero = velocity.abs() < 1e-9 * (self.upper - self.lower);
        let velocity = if zero { 0.0 } else { in_four_digits(velocity) };
        format!("{} = {} {}", self.name, number(velocity), self.units.velocity_name())
    }

    /// The cell at a fraction 0..1.
    pub fn cell(&self, fraction: f64) -> usize {
        ((fraction * self.cells as f64) as usize).min(self.cells - 1)
    }

    /// At most `count` round velocities between the edges.
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        ticks(self.lower, self.upper, count)
    }
}

/// A grid in words, for a terminal.
#[allow(dead_code, reason = "only the examples call it")]
pub fn grid_text(grid: &VelocityGrid) -> String {
    let units = Units::of(grid);
    let plain = |velocity: f64| {
        let velocity = in_four_digits(velocity / units.velocity());
        let readable = velocity == 0.0 || (1e-3..1e6).contains(&velocity.abs());
        if readable { velocity.to_string() } else { format!("{velocity:e}") }
    };
    let shape = grid.shape().map(|cells| cells.to_string()).join(" x ");
    let [lower, spacing] = [grid.lower(), grid.spacing()].map(|vector| vector.map(plain));
    match units {
        Units::Cells if grid.spacing() == [1.0; 3] => format!("{shape} cells"),
        Units::Cells => format!("{shape} cells of {} from ({})", spacing.join(" x "), lower.join(", ")),
        Units::Si => format!("{shape} cells of {} km/s from ({}) km/s", spacing.join(" x "), lower.join(", ")),
    }
}

/// A number rounded to four digits.
fn in_four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// At most `count` multiples of 1, 2 or 5 times a power of ten from `lower` to `upper`.
pub fn ticks(lower: f64, upper: f64, count: usize) -> Vec<f64> {
    let span = upper - lower;
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let magnitude = 10f64.powf((span / count.max(1) as f64).log10().floor());
    let multiples = |step: f64| ((lower / step - 1e-9).ceil() as i64)..=((upper / step + 1e-9).floor() as i64);
    let fits = |step: &f64| multiples(*step).count() <= count;
    match [1.0, 2.0, 5.0, 10.0, 20.0].map(|factor| factor * magnitude).iter().copied().find(fits) {
        Some(step) => multiples(step).map(|multiple| multiple as f64 * step).collect(),
        None => Vec::new(),
    }
}

/// A tick's number: plain where that is short, else with a power of ten; with a true minus sign.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    // Multiples of a step carry rounding errors in their last digits.
    let plain = format!("{:.6}", magnitude);
    let text = if magnitude < 1e-300 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&magnitude) {
        plain.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        let exponent = magnitude.log10().floor() as i32;
        let mantissa = format!("{:.3}", magnitude / 10f64.powi(exponent));
        match mantissa.trim_end_matches('0').trim_end_matches('.') {
            "1" => power_of_ten(exponent),
            "10" => power_of_ten(exponent + 1),
            mantissa => format!("{mantissa}·{}", power_of_ten(exponent)),
        }
    };
    if value < 0.0 && text != "0" { format!("−{text}") } else { text }
}

/// 10 with a raised exponent.
pub fn power_of_ten(exponent: i32) -> String {
    let sign = if exponent < 0 { "−" } else { "" };
    format!("10^{{{sign}{}}}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(-0.5, 49.5, 6), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(ticks(-560.0, 800.0, 6), [-500.0, 0.0, 500.0]);
        assert!(ticks(1.0, 1.0, 6).is_empty() && ticks(0.0, f64::INFINITY, 6).is_empty());
        for (lower, upper) in [(-0.5, 0.5), (-1e6, 3e6), (1e-15, 2e-15), (0.0, 7.0)] {
            let ticks = ticks(lower, upper, 5);
            assert!((2..=5).contains(&ticks.len()), "{ticks:?}");
        }
    }

    #[test]
    fn numbers_are_written_for_print() {
        let expected = [
            (0.0, "0"),
            (-400.0, "−400"),
            (0.30000000000000004, "0.3"),
            (2e-15, "2·10^{−15}"),
            (1e6, "10^{6}"),
            (-5e-5, "−5·10^{−5}"),
        ];
        for (value, text) in expected {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn units_follow_the_spacing() {
        assert_eq!(Units::of(&VelocityGrid::unit([4, 4, 4]).unwrap()), Units::Cells);
        let grid = VelocityGrid::new([4, 4, 4], [-4e4; 3], [2e4; 3]).unwrap();
        assert_eq!(Units::of(&grid), Units::Si);
        let axis = Axis::of(&Vdf::zeros(grid), 1);
        assert_eq!((axis.lower, axis.upper, axis.fraction(0.0), axis.cell(0.99)), (-40.0, 40.0, 0.5, 3));
        assert_eq!(axis.at(1), "v_{y} = −10 km/s");
        let grid = VelocityGrid::new([3, 3, 3], [-1e5; 3], [2e5 / 3.0; 3]).unwrap();
        let axis = Axis::of(&Vdf::zeros(grid), 2);
        assert_eq!(
            [0, 1, 2].map(|cell| axis.at(cell)),
            ["−66.67", "0", "66.67"].map(|v| format!("v_{{z}} = {v} km/s"))
        );
        let axis = Axis::of(&Vdf::zeros(VelocityGrid::unit([4, 4, 4]).unwrap()), 0);
        assert_eq!(axis.at(3), "v_{x} = 3 cells");
        assert_eq!(grid_text(&grid), "3 x 3 x 3 cells of 66.67 x 66.67 x 66.67 km/s from (-100, -100, -100) km/s");
        let grid = VelocityGrid::new([3, 4, 5], [-1.0, 0.0, 1e9], [1e-5, 0.5, 2.0]).unwrap();
        assert_eq!(grid_text(&grid), "3 x 4 x 5 cells of 1e-5 x 0.5 x 2 from (-1, 0, 1e9)");
        assert_eq!(grid_text(&VelocityGrid::unit([3, 4, 5]).unwrap()), "3 x 4 x 5 cells");
    }
}
