//! The filters by name: from published taps, or, for two pairs, in closed form.
//!
//! Daubechies 1988 (Commun. Pure Appl. Math. 41, 909) for `db`, Daubechies 1992 (Ten Lectures on Wavelets, SIAM, tables
//! 6.3 and 8.1 to 8.4) for `sym`, `coif` and the biorthogonal pairs, Cohen, Daubechies and Feauveau 1992 (Commun. Pure
//! Appl. Math. 45, 485) for the latter.

mod taps;

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::error::{Error, Result};
use taps::{NINE, ORTHOGONAL, SEVEN};

/// A pair of wavelet filters.
///
/// `haar` (also named `db1`), `db2` to `db10` (n vanishing moments, 2n taps), `sym4` to `sym8` (as `db`, closest to
/// symmetric), `coif1` to `coif3` (2n vanishing moments of both functions, 6n taps), and the symmetric biorthogonal
/// `bior1.3`, `bior2.2` (the 5/3 pair, also named `cdf5/3`) and `bior4.4` (the 9/7 pair, also named `cdf9/7`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveletFilter {
    name: &'static str,
}

impl Default for WaveletFilter {
    /// `bior4.4`, the 9/7 pair.
    fn default() -> Self {
        Self { name: "bior4.4" }
    }
}

impl WaveletFilter {
    /// The filter of this name.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] with the names that exist.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::names().into_iter().find(|(other, _)| *other == name);
        let allowed = || Self::all().map(|filter| filter.name).collect::<Vec<_>>().join(", ");
        let shown = || name.chars().take(40).collect::<String>();
        found.map(|(_, filter)| filter).ok_or_else(|| Error::parameter("filter", shown(), allowed()))
    }

    /// Every name and its filter, those by which filters print themselves first.
    pub(super) fn names() -> Vec<(&'static str, Self)> {
        let aliases = ALIASES.map(|(alias, name)| (alias, Self { name }));
        Self::all().map(|filter| (filter.name, filter)).chain(aliases).collect()
    }

    /// Every filter there is.
    pub fn all() -> impl Iterator<Item = Self> {
        ORTHOGONAL.iter().map(|(name, _)| *name).chain(BIORTHOGONAL).map(|name| Self { name })
    }

    /// True for the symmetric pairs of odd length.
    pub(super) fn is_odd(&self) -> bool {
        ["bior2.2", "bior4.4"].contains(&self.name())
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// True if the functions are orthonormal: then, where the boundary is periodic and sizes are even, the sum of the
    /// squared coefficients is that of the values.
    #[must_use]
    pub fn is_orthogonal(self) -> bool {
        !BIORTHOGONAL.contains(&self.name)
    }

    /// The four filters.
    pub(super) fn bank(self) -> Bank {
        let (analysis, synthesis) = self.lowpass();
        // High-pass filters from the other side's low-pass, every second sign turned.
        let turned = |filter: &[f64], first: f64| -> Vec<f64> {
            filter.iter().enumerate().map(|(k, h)| if k % 2 == 0 { first * h } else { -first * h }).collect()
        };
        Bank { analysis: [analysis.clone(), turned(&synthesis, -1.0)], synthesis: [synthesis, turned(&analysis, 1.0)] }
    }

    /// Low-pass filters of analysis and synthesis.
    fn lowpass(self) -> (Vec<f64>, Vec<f64>) {
        if let Some((_, filter)) = ORTHOGONAL.iter().find(|(name, _)| *name == self.name) {
            return (filter.iter().rev().copied().collect(), filter.to_vec());
        }
        match self.name {
            "bior1.3" => {
                let (a, b) = (SQRT_2 / 16.0, FRAC_1_SQRT_2);
                (vec![-a, a, b, b, a, -a], vec![0.0, 0.0, b, b, 0.0, 0.0])
            }
            "bior2.2" => {
                let unit = SQRT_2 / 8.0;
                let scaled = |taps: [f64; 6]| taps.map(|tap| tap * unit).to_vec();
                (scaled([0.0, -1.0, 2.0, 6.0, 2.0, -1.0]), scaled([0.0, 2.0, 4.0, 2.0, 0.0, 0.0]))
            }
            _ => {
                let [a, b, c, d, e] = NINE;
                let [p, q, r, s] = SEVEN;
                (vec![0.0, e, d, c, b, a, b, c, d, e], vec![0.0, s, r, q, p, q, r, s, 0.0, 0.0])
            }
        }
    }
}

/// Filters of analysis and of synthesis, low-pass first, all of one even length.
pub(super) struct Bank {
    pub(super) analysis: [Vec<f64>; 2],
    pub(super) synthesis: [Vec<f64>; 2],
}

impl Bank {
    pub(super) fn len(&self) -> usize {
        self.analysis[0].len()
    }
}

const ALIASES: [(&str, &str); 3] = [("db1", "haar"), ("cdf5/3", "bior2.2"), ("cdf9/7", "bior4.4")];
const BIORTHOGONAL: [&str; 3] = ["bior1.3", "bior2.2", "bior4.4"];

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(a: &[f64], b: &[f64], shift: usize) -> f64 {
        a[..a.len() - shift].iter().zip(&b[shift..]).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn the_defining_equations_hold() {
        for filter in WaveletFilter::all() {
            let bank = filter.bank();
            let [lo, hi] = &bank.analysis;
            let [dual_lo, dual_hi] = &bank.synthesis;
            let reversed = |filter: &[f64]| -> Vec<f64> { filter.iter().rev().copied().collect() };
            let (dual_lo, dual_hi) = (reversed(dual_lo), reversed(dual_hi));
            for shift in (0..bank.len()).step_by(2) {
                let one = if shift == 0 { 1.0 } else { 0.0 };
                for (a, b, wanted) in
                    [(lo, &dual_lo, one), (hi, &dual_hi, one), (lo, &dual_hi, 0.0), (hi, &dual_lo, 0.0)]
                {
                    // To the last digits: perfect reconstruction rests on it.
                    assert!((overlap(a, b, shift) - wanted).abs() < 6e-16, "{filter:?} {shift}");
                    assert!((overlap(b, a, shift) - wanted).abs() < 6e-16, "{filter:?} {shift}");
                }
            }
            assert!((lo.iter().sum::<f64>() - SQRT_2).abs() < 1e-14);
        }
    }

    #[test]
    fn wavelets_are_blind_to_polynomials() {
        for filter in WaveletFilter::all() {
            let digits: String = filter.name.chars().filter(char::is_ascii_digit).collect();
            let number: usize = digits.chars().next().map_or(1, |_| digits.parse().unwrap());
            let moments = match filter.name {
                "haar" => 1,
                "bior1.3" => 1,
                "bior2.2" => 2,
                "bior4.4" => 4,
                name if name.starts_with("coif") => 2 * number,
                _ => number,
            };
            let bank = filter.bank();
            let scale = bank.len() as f64;
            for power in 0..moments as i32 {
                let terms = bank.analysis[1].iter().enumerate();
                let moment: f64 = terms.map(|(k, h)| h * (k as f64 / scale - 0.5).powi(power)).sum();
                assert!(moment.abs() < 1e-11, "{filter:?} power {power}: {moment:e}");
            }
        }
    }

    #[test]
    fn names_are_found_and_others_refused() {
        assert_eq!(WaveletFilter::all().count(), 21);
        assert_eq!(WaveletFilter::named("cdf9/7").unwrap(), WaveletFilter::default());
        let message = WaveletFilter::named("db11").unwrap_err().to_string();
        assert!(
            message.contains("db11") && message.contains("sym8, coif1") && message.contains("bior4.4"),
            "{message}"
        );
        assert!(WaveletFilter::named("sym8").unwrap().is_orthogonal());
        assert!(!WaveletFilter::default().is_orthogonal());
    }
}
