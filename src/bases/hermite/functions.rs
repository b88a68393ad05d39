//! Hermite functions of one variable, their derivatives and their moments.

use std::f64::consts::{PI, TAU};

use super::Weight;
use crate::numerics::hermite_functions::{by_recurrence, hermite_factors, hermite_functions, hermite_slopes};

/// Values of the functions below `count` at every z; column k of the result (one column after another) holds function k
/// at all nodes.
///
/// Symmetric: ψ_n(z) = (√π 2ⁿ n!)^{−½} H_n(z) e^{−z²/2} with the physicists' H_n, orthonormal over z.
///
/// Asymmetric: φ_n(z) = He_n(z)/√n! · e^{−z²/2}/√2π with the probabilists' He_n; φ_n is dual to He_n/√n!.
pub(super) fn evaluate(weight: Weight, z: &[f64], count: usize) -> Vec<f64> {
    match weight {
        Weight::Symmetric => hermite_functions(z, count),
        Weight::Asymmetric => {
            let norm = 1.0 / TAU.sqrt();
            by_recurrence(z, count, |z| norm * (-0.5 * z * z).exp(), |k| factors(weight, k))
        }
    }
}

/// Derivatives f′_n(z) of the functions below `count` at every z, as [`evaluate`] orders them: φ′_n = −√(n+1) φ_{n+1} with
/// the asymmetric weight.
pub(super) fn slopes(weight: Weight, z: &[f64], count: usize) -> Vec<f64> {
    match weight {
        Weight::Symmetric => hermite_slopes(z, count),
        Weight::Asymmetric => {
            let mut values = evaluate(weight, z, count + 1).split_off(z.len());
            for (n, column) in (1..).zip(values.chunks_exact_mut(z.len())) {
                column.iter_mut().for_each(|value| *value *= -f64::from(n).sqrt());
            }
            values
        }
    }
}

/// The factors `[up, down]` of f_k = up · z f_{k−1} − down · f_{k−2}.
fn factors(weight: Weight, k: usize) -> [f64; 2] {
    match weight {
        Weight::Symmetric => hermite_factors(k),
        Weight::Asymmetric => [(k as f64).sqrt().recip(), ((k as f64 - 1.0) / k as f64).sqrt()],
    }
}

/// The dual of each function: Σ_i dual_n(z_i) f_m(z_i) Δz = δ_nm, up to the quadrature's error. The functions
/// themselves for the symmetric weight, He_n/√n! for the asymmetric.
pub(super) fn duals(weight: Weight, z: &[f64], count: usize) -> Vec<f64> {
    match weight {
        Weight::Symmetric => evaluate(weight, z, count),
        Weight::Asymmetric => by_recurrence(z, count, |_| 1.0, |k| factors(weight, k)),
    }
}

/// ∂ψ_n/∂c and ∂ψ_n/∂(log s), z = (v − c)/s, of the symmetric functions as combinations of ψ_0, ψ_1, …: each a list of
/// (index, factor); the first in units of 1/s.
pub(super) fn derivatives(n: usize) -> [Vec<(usize, f64)>; 2] {
    let k = n as f64;
    let mut centre = vec![(n + 1, ((k + 1.0) / 2.0).sqrt())];
    let mut width = vec![(n, 0.5), (n + 2, 0.5 * ((k + 1.0) * (k + 2.0)).sqrt())];
    if n >= 1 {
        centre.push((n - 1, -(k / 2.0).sqrt()));
    }
    if n >= 2 {
        width.push((n - 2, -0.5 * (k * (k - 1.0)).sqrt()));
    }
    [centre, width]
}

/// ∫ f_n(z) z^power dz over all z for n in 0..count and powers 0 to 3, in closed form.
pub(super) fn integrals(weight: Weight, count: usize) -> [Vec<f64>; 4] {
    // ∫ f_n dz first; every power of z then leads to neighbouring n.
    let longer = count + 3;
    let mut base = vec![0.0; longer];
    match weight {
        Weight::Symmetric => {
            base[0] = 2.0f64.sqrt() * PI.powf(0.25);
            for n in (2..longer).step_by(2) {
                base[n] = ((n as f64 - 1.0) / n as f64).sqrt() * base[n - 2];
            }
        }
        Weight::Asymmetric => base[0] = 1.0,
    }
    let times_z = |values: &[f64]| -> Vec<f64> {
        // z f_n = (f_{n+1} + down f_{n−1}) / up, the recurrence for k = n + 1 solved for z f_n.
        (0..values.len() - 1)
            .map(|n| {
                let [up, down] = factors(weight, n + 1);
                (values[n + 1] + down * if n > 0 { values[n - 1] } else { 0.0 }) / up
            })
            .collect()
    };
    let first = times_z(&base);
    let second = times_z(&first);
    let third = times_z(&second);
    [base, first, second, third].map(|mut values| {
        values.truncate(count);
        values
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    const STEP: f64 = 0.05;

    fn nodes() -> Vec<f64> {
        (-400..=400).map(|k| f64::from(k) * STEP).collect()
    }

    #[test]
    fn low_orders_follow_their_closed_forms() {
        let z = [-2.3, -0.4, 0.0, 1.1, 3.7];
        let symmetric = evaluate(Weight::Symmetric, &z, 4);
        let asymmetric = evaluate(Weight::Asymmetric, &z, 4);
        for (i, z) in z.into_iter().enumerate() {
            let e = (-0.5 * z * z).exp();
            let physicists = [1.0, 2.0 * z, 4.0 * z * z - 2.0, 8.0 * z.powi(3) - 12.0 * z];
            let probabilists = [1.0, z, z * z - 1.0, z.powi(3) - 3.0 * z];
            let mut factorial = 1.0;
            for n in 0..4 {
                factorial *= f64::max(n as f64, 1.0);
                let norm = (PI.sqrt() * 2.0f64.powi(n as i32) * factorial).sqrt();
                assert_relative_eq!(symmetric[n * 5 + i], physicists[n] * e / norm, epsilon = 1e-14);
                let expected = probabilists[n] * e / (factorial.sqrt() * TAU.sqrt());
                assert_relative_eq!(asymmetric[n * 5 + i], expected, epsilon = 1e-14);
            }
        }
    }

    #[test]
    fn functions_and_duals_are_biorthonormal() {
        let z = nodes();
        for weight in [Weight::Symmetric, Weight::Asymmetric] {
            let (functions, duals) = (evaluate(weight, &z, 30), duals(weight, &z, 30));
            for n in 0..30 {
                for m in 0..30 {
                    let dot: f64 = (0..z.len()).map(|i| duals[n * z.len() + i] * functions[m * z.len() + i]).sum();
                    let expected = if n == m { 1.0 } else { 0.0 };
                    assert_relative_eq!(dot * STEP, expected, epsilon = 1e-9);
                }
            }
        }
    }

    #[test]
    fn derivatives_agree_with_differences() {
        let (centre, scale, step) = (0.3, 1.4, 1e-5);
        let v: Vec<f64> = (-40..40).map(|k| f64::from(k) * 0.1).collect();
        let at = |centre: f64, scale: f64| {
            let z: Vec<f64> = v.iter().map(|v| (v - centre) / scale).collect();
            evaluate(Weight::Symmetric, &z, 12)
        };
        let values = at(centre, scale);
        let (up, down) = (at(centre + step, scale), at(centre - step, scale));
        let (wide, narrow) = (at(centre, scale * step.exp()), at(centre, scale * (-step).exp()));
        for n in 0..10 {
            let [by_centre, by_width] = derivatives(n);
            for i in 0..v.len() {
                let combined =
                    |terms: &[(usize, f64)]| terms.iter().map(|(k, a)| a * values[k * v.len() + i]).sum::<f64>();
                let k = n * v.len() + i;
                assert_relative_eq!((up[k] - down[k]) / (2.0 * step), combined(&by_centre) / scale, epsilon = 1e-8);
                assert_relative_eq!((wide[k] - narrow[k]) / (2.0 * step), combined(&by_width), epsilon = 1e-8);
            }
        }
    }

    #[test]
    fn integrals_agree_with_sums() {
        let z = nodes();
        for weight in [Weight::Symmetric, Weight::Asymmetric] {
            let values = evaluate(weight, &z, 15);
            for (power, integrals) in integrals(weight, 15).iter().enumerate() {
                for n in 0..15 {
                    let sum: f64 = (0..z.len()).map(|i| values[n * z.len() + i] * z[i].powi(power as i32)).sum();
                    assert_relative_eq!(sum * STEP, integrals[n], epsilon = 1e-10, max_relative = 1e-10);
                }
            }
        }
    }
}
