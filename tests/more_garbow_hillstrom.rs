//! The test collection of Moré, Garbow and Hillstrom (1981, ACM Trans. Math. Software 7, 17), numbered as there.

mod least_squares;

use least_squares::dual::Dual;
use least_squares::{Dense, Streamed};
use nalgebra::DVector;
use std::f64::consts::PI;
use vdf_basis::numerics::levenberg_marquardt::{LevenbergMarquardt, minimise};

/// A problem: residuals, standard start, published minima of Σ r² (the lowest and others that are known), and the
/// multiple of the standard start, of 1, 10 and 100, up to which one of these minima is found.
struct Entry {
    name: &'static str,
    residuals: fn(&[Dual]) -> Vec<Dual>,
    start: Vec<f64>,
    farthest: f64,
    minima: &'static [f64],
}

fn entry(
    name: &'static str,
    start: impl Into<Vec<f64>>,
    farthest: f64,
    minima: &'static [f64],
    residuals: fn(&[Dual]) -> Vec<Dual>,
) -> Entry {
    Entry { name, residuals, start: start.into(), farthest, minima }
}

fn collection() -> Vec<Entry> {
    vec![
        entry("1 Rosenbrock", [-1.2, 1.0], 100.0, &[0.0], rosenbrock),
        entry("2 Freudenstein-Roth", [0.5, -2.0], 100.0, &[0.0, 48.9842], |x| {
            vec![-13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1], -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1]]
        }),
        entry("3 Powell badly scaled", [0.0, 1.0], 10.0, &[0.0], |x| {
            vec![1e4 * x[0] * x[1] - 1.0, (-x[0]).exp() + (-x[1]).exp() - 1.0001]
        }),
        entry("4 Brown badly scaled", [1.0, 1.0], 100.0, &[0.0], |x| vec![x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0]),
        entry("5 Beale", [1.0, 1.0], 1.0, &[0.0], |x| {
            (1..).zip([1.5, 2.25, 2.625]).map(|(i, y)| y - x[0] * (1.0 - x[1].powi(i))).collect()
        }),
        entry("6 Jennrich-Sampson", [0.3, 0.4], 1.0, &[124.362], |x| {
            numbers(1, 10).map(|i| 2.0 + 2.0 * i - ((i * x[0]).exp() + (i * x[1]).exp())).collect()
        }),
        entry("7 helical valley", [-1.0, 0.0, 0.0], 100.0, &[0.0], |x| {
            let half_turn = if x[0].value < 0.0 { 0.5 } else { 0.0 };
            let turns = (x[1] / x[0]).atan() / (2.0 * PI) + half_turn;
            vec![10.0 * (x[2] - 10.0 * turns), 10.0 * ((x[0] * x[0] + x[1] * x[1]).sqrt() - 1.0), x[2]]
        }),
        entry("8 Bard", [1.0; 3], 10.0, &[8.21487e-3, 17.4286], |x| {
            const Y: [f64; 15] =
                [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
            numbers(1, 15).zip(Y).map(|(u, y)| y - (x[0] + u / ((16.0 - u) * x[1] + u.min(16.0 - u) * x[2]))).collect()
        }),
        entry("9 Gaussian", [0.4, 1.0, 0.0], 100.0, &[1.12793e-8], |x| {
            const Y: [f64; 8] = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989];
            let y = Y.into_iter().chain(Y.into_iter().rev().skip(1));
            numbers(1, 15)
                .zip(y)
                .map(|(i, y)| x[0] * (-0.5 * x[1] * ((8.0 - i) / 2.0 - x[2]).powi(2)).exp() - y)
                .collect()
        }),
        entry("10 Meyer", [0.02, 4000.0, 250.0], 1.0, &[87.9458], |x| {
            const Y: [f64; 16] = [
                34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0, 6005.0, 5147.0,
                4427.0, 3820.0, 3307.0, 2872.0,
            ];
            numbers(1, 16).zip(Y).map(|(i, y)| x[0] * (x[1] / (45.0 + 5.0 * i + x[2])).exp() - y).collect()
        }),
        entry("11 Gulf", [5.0, 2.5, 0.15], 10.0, &[0.0], |x| {
            numbers(1, 99)
                .map(|i| {
                    let y = 25.0 + (-50.0 * (0.01 * i).ln()).powf(2.0 / 3.0);
                    let distance = (y - x[1]).powi(2).sqrt();
                    (-distance.powf(x[2]) / x[0]).exp() - 0.01 * i
                })
                .collect()
        }),
        entry("12 Box 3-D", [0.0, 10.0, 20.0], 1.0, &[0.0], |x| {
            let residual = |t: f64| (-t * x[0]).exp() - (-t * x[1]).exp() - x[2] * ((-t).exp() - (-10.0 * t).exp());
            numbers(1, 10).map(|i| residual(0.1 * i)).collect()
        }),
        entry("13 Powell singular", [3.0, -1.0, 0.0, 1.0], 100.0, &[0.0], powell_singular),
        entry("14 Wood", [-3.0, -1.0, -3.0, -1.0], 100.0, &[0.0], |x| {
            vec![
                10.0 * (x[1] - x[0] * x[0]),
                1.0 - x[0],
                90_f64.sqrt() * (x[3] - x[2] * x[2]),
                1.0 - x[2],
                10_f64.sqrt() * (x[1] + x[3] - 2.0),
                (x[1] - x[3]) / 10_f64.sqrt(),
            ]
        }),
        entry("15 Kowalik-Osborne", [0.25, 0.39, 0.415, 0.39], 100.0, &[3.07505e-4, 1.02734e-3], |x| {
            const ROWS: [(f64, f64); 11] = [
                (0.1957, 4.0),
                (0.1947, 2.0),
                (0.1735, 1.0),
                (0.1600, 0.5),
                (0.0844, 0.25),
                (0.0627, 0.167),
                (0.0456, 0.125),
                (0.0342, 0.1),
                (0.0323, 0.0833),
                (0.0235, 0.0714),
                (0.0246, 0.0625),
            ];
            ROWS.map(|(y, u)| y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])).to_vec()
        }),
        entry("16 Brown-Dennis", [25.0, 5.0, -5.0, -1.0], 100.0, &[85822.2], |x| {
            let residual = |t: f64| (x[0] + t * x[1] - t.exp()).powi(2) + (x[2] + x[3] * t.sin() - t.cos()).powi(2);
            numbers(1, 20).map(|i| residual(i / 5.0)).collect()
        }),
        entry("17 Osborne 1", [0.5, 1.5, -1.0, 0.01, 0.02], 100.0, &[5.46489e-5], |x| {
            const Y: [f64; 33] = [
                0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658,
                0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431,
                0.424, 0.420, 0.414, 0.411, 0.406,
            ];
            let model = |t: f64| x[0] + x[1] * (-t * x[3]).exp() + x[2] * (-t * x[4]).exp();
            numbers(0, 32).zip(Y).map(|(i, y)| y - model(10.0 * i)).collect()
        }),
        entry("18 Biggs EXP6", [1.0, 2.0, 1.0, 1.0, 1.0, 1.0], 10.0, &[0.0, 5.65565e-3], |x| {
            let y = |t: f64| (-t).exp() - 5.0 * (-10.0 * t).exp() + 3.0 * (-4.0 * t).exp();
            let model = |t: f64| x[2] * (-t * x[0]).exp() - x[3] * (-t * x[1]).exp() + x[5] * (-t * x[4]).exp();
            numbers(1, 13).map(|i| model(0.1 * i) - y(0.1 * i)).collect()
        }),
        entry("19 Osborne 2", [1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5], 1.0, &[4.01377e-2], |x| {
            const Y: [f64; 65] = [
                1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655,
                0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558,
                0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562,
                0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710,
                0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
            ];
            let peak = |k: usize, t: f64| x[k] * (-(t - x[k + 7]).powi(2) * x[k + 4]).exp();
            let model = |t: f64| x[0] * (-t * x[4]).exp() + peak(1, t) + peak(2, t) + peak(3, t);
            numbers(0, 64).zip(Y).map(|(i, y)| y - model(0.1 * i)).collect()
        }),
        entry("20 Watson, n = 6", [0.0; 6], 100.0, &[2.28767e-3], watson),
        entry("20 Watson, n = 9", [0.0; 9], 100.0, &[1.39976e-6], watson),
        entry("20 Watson, n = 12", [0.0; 12], 100.0, &[4.72238e-10], watson),
        entry("21 extended Rosenbrock", [-1.2, 1.0].repeat(10), 100.0, &[0.0], |x| {
            x.chunks(2).flat_map(rosenbrock).collect()
        }),
        entry("22 extended Powell singular", [3.0, -1.0, 0.0, 1.0].repeat(5), 100.0, &[0.0], |x| {
            x.chunks(4).flat_map(powell_singular).collect()
        }),
        entry("23 penalty I, n = 4", up_to(4), 100.0, &[2.24997e-5], penalty_1),
        entry("23 penalty I, n = 10", up_to(10), 100.0, &[7.08765e-5], penalty_1),
        entry("24 penalty II, n = 4", [0.5; 4], 100.0, &[9.37629e-6], penalty_2),
        entry("24 penalty II, n = 10", [0.5; 10], 100.0, &[2.93660e-4], penalty_2),
        entry(
            "25 variably dimensioned",
            up_to(10).iter().map(|j| 1.0 - j / 10.0).collect::<Vec<_>>(),
            100.0,
            &[0.0],
            |x| {
                let weighted = (1..).zip(x).fold(Dual::from(0.0), |sum, (j, &x)| sum + f64::from(j) * (x - 1.0));
                x.iter().map(|&x| x - 1.0).chain([weighted, weighted * weighted]).collect()
            },
        ),
        entry("26 trigonometric", [0.1; 10], 1.0, &[0.0, 2.79506e-5], |x| {
            let cosines = sum(x.iter().map(|x| x.cos()));
            (1..).zip(x).map(|(i, x)| 10.0 - cosines + f64::from(i) * (1.0 - x.cos()) - x.sin()).collect()
        }),
        entry("27 Brown almost linear", [0.5; 10], 100.0, &[0.0, 1.0], |x| {
            let (n, total) = (x.len(), sum(x.iter().copied()));
            let product = x.iter().fold(Dual::from(1.0), |product, &x| product * x);
            x[..n - 1].iter().map(|&x| x + total - (n as f64 + 1.0)).chain([product - 1.0]).collect()
        }),
        entry("28 discrete boundary value", nodes(10), 100.0, &[0.0], |x| {
            let h = 1.0 / (x.len() as f64 + 1.0);
            padded(x)
                .windows(3)
                .zip(1..)
                .map(|(w, i)| 2.0 * w[1] - w[0] - w[2] + h * h * (w[1] + f64::from(i) * h + 1.0).powi(3) / 2.0)
                .collect()
        }),
        entry("30 Broyden tridiagonal", [-1.0; 10], 100.0, &[0.0], |x| {
            padded(x).windows(3).map(|w| (3.0 - 2.0 * w[1]) * w[1] - w[0] - 2.0 * w[2] + 1.0).collect()
        }),
        entry("31 Broyden banded", [-1.0; 10], 100.0, &[0.0], |x| {
            let coupling = |i: usize| {
                let band = i.saturating_sub(5)..(i + 2).min(x.len());
                sum(band.filter(|&j| j != i).map(|j| x[j] * (1.0 + x[j])))
            };
            (0..x.len()).map(|i| x[i] * (2.0 + 5.0 * x[i] * x[i]) + 1.0 - coupling(i)).collect()
        }),
        entry("32 linear, full rank", [1.0; 5], 100.0, &[5.0], |x| {
            let total = sum(x.iter().copied());
            (0..10).map(|i| x.get(i).copied().unwrap_or(0.0.into()) - 0.2 * total - 1.0).collect()
        }),
        entry("33 linear, rank one", [1.0; 5], 100.0, &[90.0 / 42.0], |x| {
            let weighted = sum((1..).zip(x).map(|(j, &x)| f64::from(j) * x));
            numbers(1, 10).map(|i| i * weighted - 1.0).collect()
        }),
        entry("34 linear, rank one, zero columns", [1.0; 5], 100.0, &[124.0 / 34.0], |x| {
            let weighted = sum((1..).zip(x).take(4).skip(1).map(|(j, &x)| f64::from(j) * x));
            numbers(0, 9).map(|i| if i == 0.0 || i == 9.0 { (-1.0).into() } else { i * weighted - 1.0 }).collect()
        }),
        entry(
            "35 Chebyquad, n = 8",
            up_to(8).iter().map(|j| j / 9.0).collect::<Vec<_>>(),
            1.0,
            &[3.51687e-3],
            chebyquad,
        ),
        entry("35 Chebyquad, n = 9", up_to(9).iter().map(|j| j / 10.0).collect::<Vec<_>>(), 1.0, &[0.0], chebyquad),
        entry(
            "35 Chebyquad, n = 10",
            up_to(10).iter().map(|j| j / 11.0).collect::<Vec<_>>(),
            1.0,
            &[6.50395e-3, 4.77271e-3],
            chebyquad,
        ),
    ]
}

fn numbers(first: i32, last: i32) -> impl Iterator<Item = f64> {
    (first..=last).map(f64::from)
}

fn up_to(n: i32) -> Vec<f64> {
    numbers(1, n).collect()
}

fn sum(terms: impl Iterator<Item = Dual>) -> Dual {
    terms.fold(Dual::from(0.0), |sum, term| sum + term)
}

/// x with a zero at either end.
fn padded(x: &[Dual]) -> Vec<Dual> {
    let zero = Dual::from(0.0);
    [&[zero], x, &[zero]].concat()
}

/// t (t − 1) at the inner nodes of [0, 1].
fn nodes(n: i32) -> Vec<f64> {
    numbers(1, n).map(|i| i / f64::from(n + 1)).map(|t| t * (t - 1.0)).collect()
}

fn rosenbrock(x: &[Dual]) -> Vec<Dual> {
    vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]]
}

fn powell_singular(x: &[Dual]) -> Vec<Dual> {
    vec![
        x[0] + 10.0 * x[1],
        5_f64.sqrt() * (x[2] - x[3]),
        (x[1] - 2.0 * x[2]).powi(2),
        10_f64.sqrt() * (x[0] - x[3]).powi(2),
    ]
}

fn watson(x: &[Dual]) -> Vec<Dual> {
    let residual = |t: f64| {
        let polynomial = x.iter().rev().fold(Dual::from(0.0), |sum, &x| sum * t + x);
        let derivative = (1..x.len()).rev().fold(Dual::from(0.0), |sum, j| sum * t + j as f64 * x[j]);
        derivative - polynomial * polynomial - 1.0
    };
    numbers(1, 29).map(|i| residual(i / 29.0)).chain([x[0], x[1] - x[0] * x[0] - 1.0]).collect()
}

fn penalty_1(x: &[Dual]) -> Vec<Dual> {
    let squares = sum(x.iter().map(|&x| x * x));
    x.iter().map(|&x| 1e-5_f64.sqrt() * (x - 1.0)).chain([squares - 0.25]).collect()
}

fn penalty_2(x: &[Dual]) -> Vec<Dual> {
    let (n, a) = (x.len(), 1e-5_f64.sqrt());
    let y = |i: usize| (i as f64 / 10.0).exp() + ((i as f64 - 1.0) / 10.0).exp();
    let weighted = sum(x.iter().enumerate().map(|(j, &x)| (n - j) as f64 * x * x));
    let first = (2..=n).map(|i| a * ((x[i - 1] / 10.0).exp() + (x[i - 2] / 10.0).exp() - y(i)));
    let second = x[1..].iter().map(|&x| a * ((x / 10.0).exp() - (-0.1_f64).exp()));
    [x[0] - 0.2].into_iter().chain(first).chain(second).chain([weighted - 1.0]).collect()
}

fn chebyquad(x: &[Dual]) -> Vec<Dual> {
    let n = x.len();
    let integral = |i: usize| if i.is_multiple_of(2) { -1.0 / ((i * i) as f64 - 1.0) } else { 0.0 };
    let shifted: Vec<Dual> = x.iter().map(|&x| 2.0 * x - 1.0).collect();
    let (mut before, mut now) = (vec![Dual::from(1.0); n], shifted.clone());
    (1..=n)
        .map(|i| {
            let mean = sum(now.iter().copied()) / n as f64;
            let next = (0..n).map(|k| 2.0 * shifted[k] * now[k] - before[k]).collect();
            before = std::mem::replace(&mut now, next);
            mean - integral(i)
        })
        .collect()
}

#[test]
fn published_minima_are_found() {
    let settings = LevenbergMarquardt::default().max_iterations(1000);
    for entry in collection() {
        for multiple in [1.0, 10.0, 100.0].into_iter().filter(|multiple| *multiple <= entry.farthest) {
            let start = DVector::from_vec(entry.start.clone()) * multiple;
            let report = minimise(&Dense(entry.residuals), start, &settings).report;
            let squares = 2.0 * report.cost;
            // Published to six digits, some of them cut off; zero is reached to rounding of the residuals.
            let found = |minimum: f64| (squares - minimum).abs() <= 1e-5 * minimum + 1e-18;
            assert!(
                entry.minima.iter().any(|minimum| found(*minimum)) && report.stopped.converged(),
                "{} from {multiple} times the start: {report:?}",
                entry.name
            );
        }
    }
}

#[test]
fn normal_equations_find_the_same_minima() {
    // Not those whose Jacobian at the minimum, or on the way there, is singular to the root of the rounding error.
    let singular = ["13 ", "22 "];
    for entry in collection().iter().filter(|entry| !singular.iter().any(|number| entry.name.starts_with(number))) {
        let settings = LevenbergMarquardt::default().max_iterations(1000);
        let start = DVector::from_vec(entry.start.clone());
        let dense = minimise(&Dense(entry.residuals), start.clone(), &settings).report;
        let streamed = minimise(&Streamed(entry.residuals), start, &settings).report;
        let difference = (dense.cost - streamed.cost).abs();
        assert!(difference <= 1e-9 * dense.cost + 1e-18, "{}: {dense:?} against {streamed:?}", entry.name);
    }
}
