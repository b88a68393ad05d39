//! Divergences of two distributions, as of two probability distributions over the cells.

use std::f64::consts::LN_2;

use super::undefined;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::{CompensatedSum, paired_sum};

impl Vdf {
    /// Jensen-Shannon divergence of this distribution f and another, g, in bits: with p = max(f, 0) / Σ max(f, 0), q
    /// likewise of g and m = (p + q)/2, Σ ½ (p log₂(p/m) + q log₂(q/m)) (Lin 1991, IEEE Trans. Inf. Theory 37, 145).
    ///
    /// Symmetric; 0 if the two are proportional, 1 if no cell is positive in both. Densities do not enter, shapes do.
    ///
    /// # Errors
    /// [`Error::GridMismatch`] if the two are on different grids, [`Error::Undefined`] if one has no positive cell.
    ///
    /// ```
    /// # use vdf_basis::{Vdf, VelocityGrid};
    /// let grid = VelocityGrid::unit([2, 1, 1])?;
    /// let [f, g] = [[1.0, 0.0], [0.0, 3.0]].map(|values| Vdf::from_slice(grid, &values).unwrap());
    /// assert_eq!(f.js_divergence(&g)?, 1.0);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn js_divergence(&self, other: &Self) -> Result<f64> {
        let quantity = "the Jensen-Shannon divergence";
        same_grid(self, other)?;
        both_positive(quantity, self, other)?;
        Ok(js_bits(self.as_slice(), other.as_slice()))
    }

    /// Kullback-Leibler divergence of this distribution f from another, g, in bits: Σ p log₂(p/q), p and q as in
    /// [`Vdf::js_divergence`] (Kullback and Leibler 1951, Ann. Math. Stat. 22, 79). Times ln 2, it is ∫ f ln(f/g) d³v / n
    /// for equal densities.
    ///
    /// From 0, for proportional distributions, to infinity, where g is not positive in a cell in which f is.
    ///
    /// # Errors
    /// Those of [`Vdf::js_divergence`].
    pub fn kl_divergence(&self, other: &Self) -> Result<f64> {
        let quantity = "the Kullback-Leibler divergence";
        same_grid(self, other)?;
        both_positive(quantity, self, other)?;
        let (f, g) = (Parts::of(self.as_slice()), Parts::of(other.as_slice()));
        let mut sum = CompensatedSum::default();
        for (f_, g_) in self.as_slice().iter().zip(other.as_slice()) {
            let (p, q) = (f.part(*f_), g.part(*g_));
            if p > 0.0 {
                if q == 0.0 {
                    return Ok(f64::INFINITY);
                }
                // p ln(p/q) − p + q, no term of which is negative: Σ p = Σ q.
                let r = (q - p) / p;
                sum.add(if r.abs() < 0.5 { p * (r - r.ln_1p()) } else { p * (p / q).ln() - p + q });
            } else {
                sum.add(q);
            }
        }
        Ok(sum.value() / LN_2)
    }
}

fn same_grid(f: &Vdf, g: &Vdf) -> Result<()> {
    if f.grid() == g.grid() {
        return Ok(());
    }
    Err(Error::GridMismatch { left: f.grid().to_string(), right: g.grid().to_string() })
}

fn both_positive(quantity: &'static str, f: &Vdf, g: &Vdf) -> Result<()> {
    for (name, vdf) in [("first", f), ("second", g)] {
        if !vdf.as_slice().iter().any(|f| *f > 0.0) {
            return Err(undefined(quantity, format!("the {name} distribution has no positive cell")));
        }
    }
    Ok(())
}

/// Turns values into parts of the sum of those that are positive.
struct Parts {
    /// Brings the values near one, so that the sum does not overflow.
    factor: f64,
    /// One over the sum; infinite if no value is positive.
    inverse: f64,
}

/// Terms whose sum is compensated as a whole.
const ROW: usize = 64;

impl Parts {
    fn of(values: &[f64]) -> Self {
        let factor = normalising_factor(values.iter().fold(0.0, |largest, f| if *f > largest { *f } else { largest }));
        let sum = paired_sum(values, values, ROW, |f, _| if f > 0.0 { f * factor } else { 0.0 });
        Self { factor, inverse: 1.0 / sum }
    }

    fn part(&self, value: f64) -> f64 {
        // One after another: their product may be subnormal.
        if value > 0.0 { value * self.factor * self.inverse } else { 0.0 }
    }
}

/// Jensen-Shannon divergence in bits. 0 where neither has a positive cell, 1 where only one has.
pub(crate) fn js_bits(f: &[f64], g: &[f64]) -> f64 {
    let parts = [Parts::of(f), Parts::of(g)];
    match parts.each_ref().map(|parts| parts.inverse.is_finite()) {
        [true, true] => {}
        [false, false] => return 0.0,
        _ => return 1.0,
    }
    // ½ (p ln(p/m) + q ln(q/m)) = (p + q)/4 · ((1+d) ln(1+d) + (1−d) ln(1−d)), d = (p−q)/(p+q).
    let sum = paired_sum(f, g, ROW, |f, g| {
        let (p, q) = (parts[0].part(f), parts[1].part(g));
        let both = p + q;
        if both > 0.0 { both * divergence_of_halves((p - q) / both) } else { 0.0 }
    });
    (0.25 * sum / LN_2).clamp(0.0, 1.0)
}

/// (1+d) ln(1+d) + (1−d) ln(1−d) for |d| ≤ 1.
fn divergence_of_halves(d: f64) -> f64 {
    /// 1/(k (2k−1)): the series Σ d^(2k) / (k (2k−1)), k from 1 on, of which the ninth term is below 1e-17 of the first.
    const SERIES: [f64; 8] = [1.0, 1.0 / 6.0, 1.0 / 15.0, 1.0 / 28.0, 1.0 / 45.0, 1.0 / 66.0, 1.0 / 91.0, 1.0 / 120.0];
    let square = d * d;
    if square < 0.01 {
        // The two logarithms cancel, and they are slow: in good reconstructions nearly all cells are here.
        return square * SERIES.iter().rev().fold(0.0, |sum, c| sum * square + c);
    }
    let part = |x: f64| if x > 0.0 { x * x.ln() } else { 0.0 };
    part(1.0 + d) + part(1.0 - d)
}

#[cfg(test)]
mod tests {
    use super::super::equilibrium::Equilibrium;
    use super::super::test_distributions::{FIELDS, bi_maxwellian};
    use super::super::{FieldDirection, relative_entropy};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use crate::testing::{for_cases, vector};
    use approx::assert_relative_eq;
    use rand::Rng;

    fn by_definition(f: &[f64], g: &[f64]) -> [f64; 2] {
        let total = |f: &[f64]| f.iter().map(|f| f.max(0.0)).sum::<f64>();
        let (n_f, n_g) = (total(f), total(g));
        let mut sums = [0.0; 2];
        for (f, g) in f.iter().zip(g) {
            let (p, q) = (f.max(0.0) / n_f, g.max(0.0) / n_g);
            let m = 0.5 * (p + q);
            if p > 0.0 {
                sums[0] += 0.5 * p * (p / m).log2();
                sums[1] += p * (p / q).log2();
            }
            if q > 0.0 {
                sums[0] += 0.5 * q * (q / m).log2();
            }
        }
        sums
    }

    #[test]
    fn both_divergences_follow_their_definitions() {
        for_cases(100, |random| {
            let mut f = vector(random, 2..60, |random| random.random_range(-0.2..1.0));
            f[0] = 1.0;
            let width = 10f64.powf(random.random_range(-3.0..1.0));
            let mut g: Vec<f64> = f.iter().map(|f| f + width * random.random_range(-0.5..1.0)).collect();
            g[0] = 1.0;
            let grid = VelocityGrid::unit([1, f.len(), 1]).unwrap();
            let [a, b] = [&f, &g].map(|values| Vdf::from_slice(grid, values).unwrap());
            let [js, kl] = by_definition(&f, &g);
            assert_relative_eq!(a.js_divergence(&b).unwrap(), js, max_relative = 1e-9, epsilon = 1e-15);
            assert_relative_eq!(b.js_divergence(&a).unwrap(), js, max_relative = 1e-9, epsilon = 1e-15);
            assert_relative_eq!(a.kl_divergence(&b).unwrap(), kl, max_relative = 1e-9, epsilon = 1e-14);
            assert!((0.0..=1.0).contains(&js) && a.kl_divergence(&a).unwrap() == 0.0);
            assert_eq!(a.js_divergence(&a).unwrap(), 0.0);
        });
    }

    #[test]
    fn small_differences_keep_their_digits() {
        // Two cells with p = ½ ± e: JS = e² / ln 2 · (1 + …) bits, in the limit.
        let grid = VelocityGrid::unit([2, 1, 1]).unwrap();
        let even = Vdf::from_slice(grid, &[1.0, 1.0]).unwrap();
        for e in [1e-3, 1e-6, 1e-9] {
            let other = Vdf::from_slice(grid, &[1.0 + 2.0 * e, 1.0 - 2.0 * e]).unwrap();
            let expected = 0.5 * e * e / LN_2;
            assert_relative_eq!(even.js_divergence(&other).unwrap(), expected, max_relative = 2e-6);
            assert_relative_eq!(even.kl_divergence(&other).unwrap(), 4.0 * expected, max_relative = 1e-5);
        }
        // Where the series ends and the logarithms begin.
        for d in [0.0999_f64, 0.1001] {
            let exact = (1.0 + d) * d.ln_1p() + (1.0 - d) * (-d).ln_1p();
            assert_relative_eq!(divergence_of_halves(d), exact, max_relative = 1e-13);
        }
    }

    #[test]
    fn the_divergence_from_an_equilibrium_is_the_closed_form_of_gaussians() {
        for field in FIELDS {
            let vdf = bi_maxwellian(field, 60);
            let isotropic = Equilibrium::Maxwellian.sample(&vdf.moments(), vdf.grid()).unwrap();
            // ½ (tr Σ/T − 3 − ln(det Σ/T³)), Σ = diag(1, 1, 4), T = 2.
            let nats = -0.5 * (4.0f64 / 8.0).ln();
            assert_relative_eq!(vdf.kl_divergence(&isotropic).unwrap() * LN_2, nats, max_relative = 1e-11);
            assert_relative_eq!(relative_entropy(&vdf), nats, max_relative = 1e-11);
            let own = Equilibrium::BiMaxwellian(FieldDirection::new(field).unwrap());
            let same = own.sample(&vdf.moments(), vdf.grid()).unwrap();
            assert!(vdf.js_divergence(&same).unwrap() < 1e-20);
        }
    }

    #[test]
    fn scale_does_not_matter_and_the_ends_of_the_range_are_reached() {
        let vdf = bi_maxwellian(FIELDS[0], 20);
        for scale in [1e-290, 1e290] {
            let scaled = Vdf::from_vec(*vdf.grid(), vdf.as_slice().iter().map(|f| f * scale).collect()).unwrap();
            assert!(vdf.js_divergence(&scaled).unwrap() < 1e-25);
        }
        let grid = VelocityGrid::unit([3, 1, 1]).unwrap();
        let [f, g] = [[1.0, 0.0, -1.0], [-2.0, 4.0, 0.0]].map(|values| Vdf::from_slice(grid, &values).unwrap());
        assert_eq!((f.js_divergence(&g).unwrap(), f.kl_divergence(&g).unwrap()), (1.0, f64::INFINITY));
        let zero = Vdf::zeros(grid);
        assert!(f.js_divergence(&zero).unwrap_err().to_string().contains("second"));
        assert!(zero.kl_divergence(&f).unwrap_err().to_string().contains("first"));
        let other = Vdf::zeros(VelocityGrid::unit([1, 3, 1]).unwrap());
        assert!(matches!(f.js_divergence(&other), Err(Error::GridMismatch { .. })));
        assert_eq!([js_bits(&[0.0], &[-1.0]), js_bits(&[0.0], &[1.0])], [0.0, 1.0]);
    }
}
