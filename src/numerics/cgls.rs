//! Conjugate gradients for linear least squares (Björck 1996, Numerical Methods for Least Squares Problems, 7.4.1).

use super::scaling::normalising_factor;

/// Stopping criteria.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Value of ‖Aᵀr‖, over its first value, at which the iteration ends.
    pub(crate) gradient: f64,
    /// Relative decrease of ‖r‖² per iteration below which the iteration ends.
    pub(crate) worthwhile: f64,
    /// Maximum number of iterations. A small one regularises an ill-conditioned problem.
    pub(crate) iterations: usize,
}

/// Minimises ‖b − A x‖ from x = 0, given products with A and Aᵀ. Returns x and the number of iterations.
pub(crate) fn solve(
    b: Vec<f64>,
    apply: impl Fn(&[f64]) -> Vec<f64>,
    apply_transposed: impl Fn(&[f64]) -> Vec<f64>,
    limits: &Limits,
) -> (Vec<f64>, usize) {
    // The data are scaled, so that no square underflows or overflows.
    let factor = normalising_factor(b.iter().fold(0.0, |peak, b| f64::max(peak, b.abs())));
    let mut residual = b;
    residual.iter_mut().for_each(|r| *r *= factor);
    let mut gradient = apply_transposed(&residual);
    let mut direction = gradient.clone();
    let mut x = vec![0.0; gradient.len()];
    let first = norm_squared(&gradient);
    let mut now = first;
    let mut iterations = 0;
    while iterations < limits.iterations && now > limits.gradient.powi(2) * first {
        let image = apply(&direction);
        let curvature = norm_squared(&image);
        if curvature == 0.0 {
            break;
        }
        iterations += 1;
        let step = now / curvature;
        add(&mut x, step, &direction);
        add(&mut residual, -step, &image);
        let left = norm_squared(&residual);
        if step * now < limits.worthwhile * left {
            break;
        }
        gradient = apply_transposed(&residual);
        let next = norm_squared(&gradient);
        let turn = next / now;
        now = next;
        for (d, g) in direction.iter_mut().zip(&gradient) {
            *d = g + turn * *d;
        }
    }
    x.iter_mut().for_each(|x| *x /= factor);
    (x, iterations)
}

/// Conjugate gradients on the normal equations G x = b, G = AᵀA and b = Aᵀf, for the case that products with G cost
/// less than those with A; `norm_squared` is ‖f‖². The residual is known only to about 1e-16 of ‖f‖²: for smaller
/// residuals, solve again for the residual. Returns x, the iterations made, and ‖f − A x‖².
pub(crate) fn solve_normal(
    b: Vec<f64>,
    norm_squared: f64,
    gram: impl Fn(&[f64]) -> Vec<f64>,
    limits: &Limits,
) -> (Vec<f64>, usize, f64) {
    let mut gradient = b;
    let mut direction = gradient.clone();
    let mut x = vec![0.0; gradient.len()];
    let first = dot(&gradient, &gradient);
    let (mut now, mut left) = (first, norm_squared);
    let mut iterations = 0;
    while iterations < limits.iterations && now > limits.gradient.powi(2) * first {
        let image = gram(&direction);
        let curvature = dot(&direction, &image);
        // pᵀG p is not positive if rounding errors of G exceed its curvature along the direction.
        if curvature <= f64::EPSILON * dot(&direction, &direction) {
            break;
        }
        iterations += 1;
        let step = now / curvature;
        add(&mut x, step, &direction);
        add(&mut gradient, -step, &image);
        left = f64::max(left - step * now, 0.0);
        if step * now < limits.worthwhile * left {
            break;
        }
        let next = dot(&gradient, &gradient);
        let turn = next / now;
        now = next;
        for (d, g) in direction.iter_mut().zip(&gradient) {
            *d = g + turn * *d;
        }
    }
    (x, iterations, left)
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn norm_squared(x: &[f64]) -> f64 {
    dot(x, x)
}

fn add(x: &mut [f64], factor: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += factor * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    const LIMITS: Limits = Limits { gradient: 1e-14, worthwhile: 0.0, iterations: 50 };

    #[test]
    fn agrees_with_a_dense_solver() {
        let a = DMatrix::from_fn(12, 5, |i, j| ((3 * i + 7 * j * j) as f64).sin() + f64::from(u8::from(i == j)) * 2.0);
        let b = DVector::from_fn(12, |i, _| (i as f64).cos());
        let expected = (a.transpose() * &a).cholesky().unwrap().solve(&(a.transpose() * &b));
        let (x, iterations) = solve(
            b.as_slice().to_vec(),
            |x| (&a * DVector::from_row_slice(x)).as_slice().to_vec(),
            |y| a.tr_mul(&DVector::from_row_slice(y)).as_slice().to_vec(),
            &LIMITS,
        );
        assert!(iterations <= 12, "{iterations}");
        for (x, expected) in x.iter().zip(expected.iter()) {
            assert!((x - expected).abs() < 1e-11);
        }
        let gram = a.tr_mul(&a);
        let (normal, _, left) = solve_normal(
            a.tr_mul(&b).as_slice().to_vec(),
            b.norm_squared(),
            |x| (&gram * DVector::from_row_slice(x)).as_slice().to_vec(),
            &LIMITS,
        );
        for (x, expected) in normal.iter().zip(expected.iter()) {
            assert!((x - expected).abs() < 1e-11);
        }
        assert!((left - (b - &a * expected).norm_squared()).abs() < 1e-12);
        let (zero, iterations) = solve(vec![0.0; 3], <[f64]>::to_vec, <[f64]>::to_vec, &LIMITS);
        assert_eq!((zero, iterations), (vec![0.0; 3], 0));
    }
}
