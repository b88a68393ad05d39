//! Hermite functions, and the nodes of Gauss-Hermite quadrature.

use std::f64::consts::PI;

use nalgebra::{DMatrix, SymmetricEigen};

/// Values of functions with a recurrence of three terms, f_k = up · z f_{k−1} − down · f_{k−2}, at every z: column k of
/// the result (one column after another) holds function k at all nodes. `factors` gives `[up, down]` of each k from 1
/// on.
pub(crate) fn by_recurrence(
    z: &[f64],
    count: usize,
    first: impl Fn(f64) -> f64,
    factors: impl Fn(usize) -> [f64; 2],
) -> Vec<f64> {
    let n = z.len();
    let mut values = vec![0.0; n * count];
    for (value, z) in values.iter_mut().zip(z) {
        *value = first(*z);
    }
    for k in 1..count {
        let [up, down] = factors(k);
        let (before, rest) = values.split_at_mut(k * n);
        let (last, previous) = (&before[(k - 1) * n..], if k > 1 { &before[(k - 2) * n..(k - 1) * n] } else { &[] });
        for i in 0..n {
            let previous = previous.get(i).copied().unwrap_or(0.0);
            rest[i] = up * z[i] * last[i] - down * previous;
        }
    }
    values
}

/// Values of ψ_n(z) = (√π 2ⁿ n!)^{−½} H_n(z) e^{−z²/2} for n below `count`, with the physicists' H_n: orthonormal over
/// z. The recurrence is stable upwards and never overflows.
pub(crate) fn hermite_functions(z: &[f64], count: usize) -> Vec<f64> {
    by_recurrence(z, count, |z| PI.powf(-0.25) * (-0.5 * z * z).exp(), hermite_factors)
}

/// Derivatives ψ′_n(z) = √(n/2) ψ_{n−1} − √((n+1)/2) ψ_{n+1} for n below `count`, as [`hermite_functions`] orders them.
pub(crate) fn hermite_slopes(z: &[f64], count: usize) -> Vec<f64> {
    let (values, nodes) = (hermite_functions(z, count + 1), z.len());
    let mut slopes = vec![0.0; nodes * count];
    for (place, slope) in slopes.iter_mut().enumerate() {
        let n = (place / nodes) as f64;
        let lower = if place < nodes { 0.0 } else { values[place - nodes] };
        *slope = (0.5 * n).sqrt() * lower - (0.5 * (n + 1.0)).sqrt() * values[place + nodes];
    }
    slopes
}

/// Factors `[up, down]` of the recurrence ψ_k = up · z ψ_{k−1} − down · ψ_{k−2}.
pub(crate) fn hermite_factors(k: usize) -> [f64; 2] {
    let k = k as f64;
    [(2.0 / k).sqrt(), ((k - 1.0) / k).sqrt()]
}

/// Nodes of Gauss-Hermite quadrature, the zeros of ψ_n, n = `count`: eigenvalues of the matrix of the recurrence
/// (Golub and Welsch 1969, Math. Comp. 23, 221), accurate to about 1e-14, unsorted.
pub(crate) fn gauss_hermite_nodes(count: usize) -> Vec<f64> {
    let matrix =
        DMatrix::from_fn(count, count, |i, j| if i.abs_diff(j) == 1 { (0.5 * i.max(j) as f64).sqrt() } else { 0.0 });
    SymmetricEigen::new(matrix).eigenvalues.as_slice().to_vec()
}
