//! Scales of values: logarithmic for densities, symmetric for differences; their colours and their ticks.

use plotters::style::RGBColor;

use super::axis::{number, power_of_ten, ticks};
use super::colours::{EMPTY, NEGATIVE, diverging, sequential};

/// A mark on a scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Position, 0..1.
    pub fraction: f64,
    /// Its number; empty for a small mark without one.
    pub text: String,
}

/// Positive values between two limits, on a logarithmic scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogScale {
    /// Lower end of the scale.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl LogScale {
    /// A scale between two limits; a decade below the upper one where the lower is of no use, and up to 1 where the
    /// upper is not.
    pub fn new(lower: f64, upper: f64) -> Self {
        // Limits at the very ends of the range of f64 would have no room for a decade beside them.
        let upper = if upper > 1e-290 { upper.min(1e307) } else { 1.0 };
        Self { lower: if lower > 1e-300 && lower < upper { lower } else { 0.1 * upper }, upper }
    }

    /// Position of a positive value between the limits, 0..1 within them.
    pub fn fraction(&self, value: f64) -> f64 {
        let [lower, upper, value] = [self.lower, self.upper, value].map(f64::log10);
        (value - lower) / (upper - lower)
    }

    /// The colour of a density: neutral at or below the lower limit, another where it is as far below zero.
    pub fn colour(&self, value: f64) -> RGBColor {
        if value > self.lower {
            sequential(self.fraction(value))
        } else if value < -self.lower {
            NEGATIVE
        } else {
            EMPTY
        }
    }

    /// The value at a fraction 0..1.
    pub fn value(&self, fraction: f64) -> f64 {
        let [lower, upper] = [self.lower, self.upper].map(f64::log10);
        10f64.powf(lower + fraction * (upper - lower))
    }

    /// Powers of ten, at most nine with numbers, and their multiples without; where the scale has less than two
    /// powers, their multiples by 2 and 5 have numbers.
    pub fn ticks(&self) -> Vec<Tick> {
        const MOST: i32 = 8;
        let [lower, upper] = [self.lower, self.upper].map(f64::log10);
        let (first, last) = ((lower - 1e-9).ceil() as i32, (upper + 1e-9).floor() as i32);
        let step = ((last - first) / MOST + 1).max(1);
        let mut ticks = Vec::new();
        for decade in lower.floor() as i32..=upper.floor() as i32 {
            for factor in 1..10 {
                let value = f64::from(factor) * 10f64.powi(decade);
                let numbered = if last > first {
                    factor == 1 && (decade - first) % step == 0
                } else {
                    matches!(factor, 1 | 2 | 5)
                };
                let fraction = self.fraction(value);
                // Multiples would be a blur on a scale of many decades.
                let wanted = numbered || last - first < MOST && (factor == 1 || last - first <= MOST / 2);
                if wanted && (-1e-9..=1.0 + 1e-9).contains(&fraction) {
                    let text = match (numbered, factor) {
                        (false, _) => String::new(),
                        (true, 1) => power_of_ten(decade),
                        (true, _) => number(value),
                    };
                    ticks.push(Tick { fraction, text });
                }
            }
        }
        ticks
    }
}

/// Values of either sign, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymmetricScale(f64);

impl SymmetricScale {
    /// A scale from −`limit` to `limit`; to 1 where that is nothing.
    pub fn new(limit: f64) -> Self {
        Self(if limit > 0.0 && limit.is_finite() { limit } else { 1.0 })
    }

    /// Position of a value between the limits, 0..1.
    pub fn fraction(&self, value: f64) -> f64 {
        0.5 + 0.5 * value / self.0
    }

    /// The colour of a difference.
    pub fn colour(&self, value: f64) -> RGBColor {
        diverging(value / self.0)
    }

    /// The value at a fraction 0..1.
    pub fn value(&self, fraction: f64) -> f64 {
        (2.0 * fraction - 1.0) * self.0
    }

    /// Round numbers.
    pub fn ticks(&self) -> Vec<Tick> {
        let tick = |value| Tick { fraction: self.fraction(value), text: number(value) };
        ticks(-self.0, self.0, 7).into_iter().map(tick).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_survive_distributions_without_a_peak() {
        assert_eq!(LogScale::new(0.0, 0.0), LogScale { lower: 0.1, upper: 1.0 });
        assert_eq!(LogScale::new(1e-15, 1e-16).upper, 1e-16);
        for peak in [5e-324, 1e-300, 1e-280, f64::MAX, f64::INFINITY] {
            let ticks = LogScale::new(1e-6 * peak, peak).ticks();
            assert!((1..100).contains(&ticks.len()), "{peak}: {}", ticks.len());
        }
        assert_eq!(SymmetricScale::new(0.0), SymmetricScale(1.0));
        assert_eq!(SymmetricScale::new(f64::INFINITY), SymmetricScale(1.0));
    }

    #[test]
    fn values_out_of_range_have_colours_of_their_own() {
        let scale = LogScale::new(1e-3, 1.0);
        assert_eq!([0.0, 1e-3, -1e-4, -1.0].map(|value| scale.colour(value)), [EMPTY, EMPTY, EMPTY, NEGATIVE]);
        assert_eq!(scale.colour(1e9), sequential(1.0));
    }

    #[test]
    fn ticks_are_powers_of_ten_where_there_are_enough() {
        let texts = |lower, upper| {
            let ticks = LogScale::new(lower, upper).ticks().into_iter();
            ticks.map(|tick| tick.text).filter(|text| !text.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(texts(1e-15, 3e-13), ["10^{−15}", "10^{−14}", "10^{−13}"]);
        assert_eq!(texts(0.15, 0.6), ["0.2", "0.5"]);
        assert!(texts(1e-300, 1.0).len() <= 9);
    }
}
