//! Values of a leaf at points: products of one table an axis.

use super::polynomials::{Table, terms};
use crate::numerics::exponential::exp;
use crate::numerics::lanes::{Instructions, LANES, Vector, Vectorisable, vectorised};
use crate::numerics::separable::transform;
use faer::MatRef;

/// The products of total degree up to some degree, at the points of three tables.
pub(super) struct Polynomials {
    degree: usize,
    tables: [Table; 3],
}

impl Polynomials {
    /// Products of the tables' rows; the tables hold the degrees up to `degree` at least.
    pub fn new(degree: usize, tables: [Table; 3]) -> Self {
        Self { degree, tables }
    }

    /// Σ c_ijk p_i p_j p_k at every point, for the coefficients of the terms that a box of this shape has.
    pub fn values_in(&self, coefficients: &[f64], shape: [usize; 3]) -> Vec<f64> {
        let sizes = shape.map(|n| n.min(self.degree + 1));
        let mut dense = vec![0.0; sizes.iter().product()];
        for ([i, j, k], &c) in terms(self.degree, shape).zip(coefficients) {
            dense[(i * sizes[1] + j) * sizes[2] + k] = c;
        }
        let matrix = |axis: usize| -> MatRef<'_, f64> { self.tables[axis].matrix(sizes[axis]).transpose() };
        transform(&dense, [matrix(0), matrix(1), matrix(2)])
    }

    /// The same for tables on the cells of the box itself.
    pub fn values(&self, coefficients: &[f64]) -> Vec<f64> {
        self.values_in(coefficients, [0, 1, 2].map(|axis| self.tables[axis].points))
    }
}

/// Exponents below this give zero: e⁻³⁰⁰ is 130 decades below the ceiling, and its square is still a normal number.
const LEAST: f64 = -300.0;

/// `factor` times e to the values, or to `ceiling` where they are larger.
pub(super) fn exponentiate(values: &mut [f64], ceiling: f64, factor: f64) {
    vectorised(Exponentials { values, ceiling, factor });
}

/// `ceiling` times ten to the values, never above the ceiling.
pub(super) fn decay(values: &mut [f64], ceiling: f64) {
    values.iter_mut().for_each(|decades| *decades *= std::f64::consts::LN_10);
    exponentiate(values, 0.0, ceiling);
}

struct Exponentials<'a> {
    values: &'a mut [f64],
    ceiling: f64,
    factor: f64,
}

impl Vectorisable for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) {
        let Self { values, ceiling, factor } = self;
        let (chunks, rest) = values.as_chunks_mut::<LANES>();
        for lanes in chunks {
            bounded_exponential(i, lanes, ceiling, factor);
        }
        if !rest.is_empty() {
            let mut lanes = [0.0; LANES];
            lanes[..rest.len()].copy_from_slice(rest);
            bounded_exponential(i, &mut lanes, ceiling, factor);
            rest.copy_from_slice(&lanes[..rest.len()]);
        }
    }
}

/// `factor` times e to eight values, or to `ceiling`; zero for those below `LEAST`.
#[inline(always)]
fn bounded_exponential<I: Instructions>(i: I, lanes: &mut [f64; LANES], ceiling: f64, factor: f64) {
    let exponent = Vector::load(i, lanes).smaller(Vector::splat(i, ceiling));
    // Bounded first: what is left out must not become a denormal number, which takes a hundred times as long.
    let value = exp(exponent.larger(exponent.of(LEAST))) * factor;
    value.where_at_least(exponent, LEAST).store(lanes);
}
