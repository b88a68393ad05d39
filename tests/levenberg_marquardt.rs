//! Levenberg-Marquardt under a change of units, and by either decomposition. `tests/oracles` has MINPACK beside it.

mod least_squares;

use approx::assert_relative_eq;
use least_squares::dual::Dual;
use least_squares::{Dense, Streamed, cost, peak};
use nalgebra::DVector;
use vdf_basis::numerics::levenberg_marquardt::{LevenbergMarquardt, Report, minimise};

fn start() -> DVector<f64> {
    DVector::from_row_slice(&[1.0, 0.0, 1.0, 0.0, 0.0])
}

#[test]
fn both_decompositions_agree_where_the_problem_is_well_conditioned() {
    let settings = LevenbergMarquardt::to_rounding();
    let dense = minimise(&Dense(peak), start(), &settings);
    let streamed = minimise(&Streamed(peak), start(), &settings);
    assert_relative_eq!(dense.parameters, streamed.parameters, max_relative = 1e-13);
    assert_relative_eq!(dense.report.cost, streamed.report.cost, max_relative = 1e-14);
}

/// Parameters in units of `units`.
fn in_units(units: [f64; 5]) -> impl Fn(&[Dual]) -> Vec<Dual> {
    move |p| peak(&p.iter().zip(units).map(|(&p, unit)| p * unit).collect::<Vec<_>>())
}

#[test]
fn the_units_of_the_parameters_do_not_matter() {
    let settings = LevenbergMarquardt::default();
    let counters = |report: Report| (report.iterations, report.evaluations, report.linearisations, report.stopped);
    let plain = minimise(&Dense(peak), start(), &settings);
    for units in [[1e8, 1e-8, 1e8, 1e-8, 1e8], [1e-8; 5], [3e7, 1.0, 1e-7, 2e-3, 1e8]] {
        let units_vector = DVector::from_row_slice(&units);
        let start = start().component_div(&units_vector);
        for fit in [
            minimise(&Dense(in_units(units)), start.clone(), &settings),
            minimise(&Streamed(in_units(units)), start, &settings),
        ] {
            assert_eq!(counters(fit.report), counters(plain.report));
            assert_relative_eq!(fit.parameters.component_mul(&units_vector), plain.parameters, max_relative = 1e-9);
        }
    }
}

#[test]
fn the_result_is_the_same_bit_for_bit() {
    let fits = [(); 2].map(|()| minimise(&Streamed(peak), start(), &LevenbergMarquardt::default()));
    assert_eq!(fits[0], fits[1]);
    assert_eq!(cost(&peak, &fits[0].parameters), fits[0].report.cost);
}
