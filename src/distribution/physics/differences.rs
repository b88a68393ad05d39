//! First derivatives on uniform nodes by finite differences.

/// Nodes of a difference formula, as far as an axis has as many: fourth order.
const NODES: usize = 5;

/// Weights, times the spacing, of the derivative at node `at` of the polynomial through the nodes 0 … `nodes` − 1 (Fornberg
/// 1988, Math. Comp. 51, 699).
fn weights(nodes: usize, at: usize) -> [f64; NODES] {
    let mut weights = [0.0; NODES];
    let product = |of: usize, without: usize| {
        let others = (0..nodes).filter(|l| *l != of && *l != without);
        others.map(|l| of as f64 - l as f64).product::<f64>()
    };
    for (j, weight) in weights.iter_mut().enumerate().take(nodes) {
        // The derivative of the Lagrange polynomial of node j.
        *weight = if j == at {
            (0..nodes).filter(|l| *l != at).map(|l| 1.0 / (at as f64 - l as f64)).sum()
        } else {
            product(at, j) / product(j, j)
        };
    }
    weights
}

/// Derivatives along one axis of an array in C order: `n` nodes, `inner` values apart in memory, `spacing` apart in space.
///
/// In the middle these are central differences of five nodes, (f_(−2) − 8 f_(−1) + 8 f_1 − f_2)/12h; at the ends the five
/// outermost nodes are taken, so that the order is the same. Axes of fewer nodes take all of them; of one node, the
/// derivative is zero.
pub(super) fn derivative(values: &[f64], n: usize, inner: usize, spacing: f64) -> Vec<f64> {
    let nodes = n.min(NODES);
    let formulas: Vec<[f64; NODES]> = (0..nodes).map(|at| weights(nodes, at).map(|weight| weight / spacing)).collect();
    let mut derivatives = vec![0.0; values.len()];
    if nodes < 2 || inner == 0 {
        return derivatives;
    }
    for (from, to) in values.chunks_exact(n * inner).zip(derivatives.chunks_exact_mut(n * inner)) {
        for (k, to) in to.chunks_exact_mut(inner).enumerate() {
            let first = k.saturating_sub(NODES / 2).min(n - nodes);
            for (weight, from) in formulas[k - first].iter().zip(from[first * inner..].chunks_exact(inner)).take(nodes)
            {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
            }
        }
    }
    derivatives
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_formulas_are_the_usual_ones() {
        for (at, expected) in [
            (2, [1.0, -8.0, 0.0, 8.0, -1.0]),
            (0, [-25.0, 48.0, -36.0, 16.0, -3.0]),
            (1, [-3.0, -10.0, 18.0, -6.0, 1.0]),
        ] {
            for (found, expected) in weights(5, at).into_iter().zip(expected) {
                assert_relative_eq!(found, expected / 12.0, max_relative = 1e-14, epsilon = 1e-16);
            }
        }
        assert_eq!(weights(2, 1)[..2], [-1.0, 1.0]);
    }

    #[test]
    fn polynomials_of_the_order_are_exact_everywhere() {
        for n in 1..9 {
            let degree = (n.min(NODES) - 1) as i32;
            let f = |x: f64| (x - 1.3).powi(degree);
            let values: Vec<f64> = (0..n).flat_map(|k| [f(0.5 * k as f64), -3.0 * f(0.5 * k as f64)]).collect();
            let found = derivative(&values, n, 2, 0.5);
            for (k, pair) in found.chunks_exact(2).enumerate() {
                let exact = f64::from(degree) * if degree == 0 { 0.0 } else { (0.5 * k as f64 - 1.3).powi(degree - 1) };
                assert_relative_eq!(pair[0], exact, max_relative = 1e-11, epsilon = 1e-11);
                assert_relative_eq!(pair[1], -3.0 * exact, max_relative = 1e-11, epsilon = 1e-11);
            }
        }
    }
}
