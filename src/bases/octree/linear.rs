//! Leaves that are polynomials: Gram's, orthonormal on the leaf's own cells, so that a sum over the cells is the fit.

use super::evaluate::Polynomials;
use super::polynomials::{Table, terms};
use crate::numerics::separable::transform;

/// The coefficients of the polynomial of a total degree nearest to the values of a box, and its values.
pub(super) fn fit(values: &[f64], shape: [usize; 3], degree: usize) -> (Vec<f64>, Vec<f64>) {
    let tables = shape.map(|n| Table::gram(n, degree));
    let rows = shape.map(|n| n.min(degree + 1));
    let matrices = [0, 1, 2].map(|axis| tables[axis].matrix(rows[axis]));
    let all = transform(values, matrices);
    let coefficients: Vec<f64> = terms(degree, shape).map(|[i, j, k]| all[(i * rows[1] + j) * rows[2] + k]).collect();
    let found = Polynomials::new(degree, tables).values(&coefficients);
    (coefficients, found)
}
