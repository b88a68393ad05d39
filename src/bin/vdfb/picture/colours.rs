//! Colour maps that are perceptually uniform, and the few other colours.

use plotters::style::RGBColor;

pub const INK: RGBColor = RGBColor(33, 37, 41);
pub const FADED_INK: RGBColor = RGBColor(108, 117, 125);
pub const RULE: RGBColor = RGBColor(222, 226, 230);
/// Boxes of cells.
pub const OUTLINE: RGBColor = RGBColor(173, 181, 189);
/// Cells at or below the floor.
pub const EMPTY: RGBColor = RGBColor(236, 238, 240);
/// Cells below minus the floor.
pub const NEGATIVE: RGBColor = RGBColor(232, 165, 172);
/// Curve of a reconstruction.
pub const RECONSTRUCTED: RGBColor = RGBColor(214, 69, 65);

/// Viridis of matplotlib (S. van der Walt and N. Smith, CC0), every 16th of its 256 colours.
const VIRIDIS: [RGBColor; 17] = [
    RGBColor(68, 1, 84),
    RGBColor(72, 24, 106),
    RGBColor(71, 45, 123),
    RGBColor(66, 64, 134),
    RGBColor(59, 82, 139),
    RGBColor(51, 99, 141),
    RGBColor(44, 114, 142),
    RGBColor(38, 130, 142),
    RGBColor(33, 145, 140),
    RGBColor(31, 160, 136),
    RGBColor(40, 174, 128),
    RGBColor(63, 188, 115),
    RGBColor(94, 201, 98),
    RGBColor(132, 212, 75),
    RGBColor(173, 220, 48),
    RGBColor(216, 226, 25),
    RGBColor(253, 231, 37),
];

/// Blue, white, red: ColorBrewer's RdBu (C. Brewer), reversed.
const DIVERGING: [RGBColor; 11] = [
    RGBColor(5, 48, 97),
    RGBColor(33, 102, 172),
    RGBColor(67, 147, 195),
    RGBColor(146, 197, 222),
    RGBColor(209, 229, 240),
    RGBColor(247, 247, 247),
    RGBColor(253, 219, 199),
    RGBColor(244, 165, 130),
    RGBColor(214, 96, 77),
    RGBColor(178, 24, 43),
    RGBColor(103, 0, 31),
];

/// Dark to bright for 0..1; values beyond are clamped.
pub fn sequential(fraction: f64) -> RGBColor {
    between(&VIRIDIS, fraction)
}

/// Blue over white to red for −1..1; values beyond are clamped.
pub fn diverging(fraction: f64) -> RGBColor {
    between(&DIVERGING, 0.5 * (fraction + 1.0))
}

fn between(stops: &[RGBColor], fraction: f64) -> RGBColor {
    let position = fraction.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let lower = (position as usize).min(stops.len() - 2);
    let (RGBColor(r0, g0, b0), RGBColor(r1, g1, b1)) = (stops[lower], stops[lower + 1]);
    let mix = |a: u8, b: u8| (f64::from(a) + (position - lower as f64) * (f64::from(b) - f64::from(a))).round() as u8;
    RGBColor(mix(r0, r1), mix(g0, g1), mix(b0, b1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_end_in_their_last_colours_and_pass_through_their_middle() {
        assert_eq!([-1.0, 0.5, 2.0].map(sequential), [VIRIDIS[0], VIRIDIS[8], VIRIDIS[16]]);
        assert_eq!([-2.0, 0.0, 1.0].map(diverging), [DIVERGING[0], DIVERGING[5], DIVERGING[10]]);
    }
}
