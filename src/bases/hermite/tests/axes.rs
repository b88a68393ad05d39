//! The order and the sense of the axes, and fits that are worse than nothing.

use super::*;

/// The distribution with its axes in another order, and some of them reversed.
fn turned(vdf: &Vdf, order: [usize; 3], reversed: [bool; 3]) -> Vdf {
    let grid = vdf.grid();
    let shape = order.map(|axis| grid.shape()[axis]);
    let lower = std::array::from_fn(|k| if reversed[k] { -grid.upper()[order[k]] } else { grid.lower()[order[k]] });
    let other = VelocityGrid::new(shape, lower, order.map(|axis| grid.spacing()[axis])).unwrap();
    let mut values = vdf.values().permuted_axes(order);
    for (axis, _) in reversed.into_iter().enumerate().filter(|(_, reversed)| *reversed) {
        values.invert_axis(ndarray::Axis(axis));
    }
    Vdf::new(other, values.to_owned()).unwrap()
}

/// The smallest and the largest error over the six orders of the axes and some reflections.
fn errors_turned(basis: &Hermite, vdf: &Vdf) -> [f64; 2] {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let reflections = [[false; 3], [true, false, false], [false, true, true], [true; 3]];
    let all = orders.into_iter().flat_map(|order| reflections.map(|reversed| (order, reversed)));
    all.map(|(order, reversed)| l2(basis, &turned(vdf, order, reversed)))
        .fold([f64::INFINITY, 0.0], |[least, most], error| [least.min(error), most.max(error)])
}

#[test]
fn the_order_and_the_sense_of_the_axes_change_no_fit() {
    let unit = |shape| VelocityGrid::unit(shape).unwrap();
    let ring = |[x, y, z]: [f64; 3]| {
        let r = ((x - 12.8).hypot(y - 11.6) - 7.0) / 1.4;
        (-0.5 * r * r - 0.5 * ((z - 10.5) / 2.2).powi(2)).exp()
    };
    let gaussian = |centre: [f64; 3], widths: [f64; 3]| {
        move |v: [f64; 3]| (-0.5 * (0..3).map(|k| ((v[k] - centre[k]) / widths[k]).powi(2)).sum::<f64>()).exp()
    };
    let beams =
        move |v| gaussian([6.0, 9.3, 11.0], [2.0, 2.5, 3.0])(v) + gaussian([14.0, 10.0, 7.0], [1.5, 2.0, 1.5])(v);
    let distributions = [
        Vdf::from_fn(unit([26, 24, 22]), ring),
        Vdf::from_fn(unit([20, 22, 18]), beams),
        Vdf::from_fn(unit([20, 22, 24]), gaussian([1.0, 11.5, 12.8], [3.0, 2.0, 2.5])),
        Vdf::from_fn(unit([20, 22, 24]), gaussian([1.0, 11.5, 12.8], [3.0; 3])),
    ];
    for vdf in distributions.map(Result::unwrap) {
        for order in [6, 10] {
            let along_grid = Hermite::new([order; 3]).unwrap();
            let along_pressure = along_grid.clone().with_orientation(Orientation::PressureEigenframe).unwrap();
            for basis in [along_grid, along_pressure] {
                let [least, most] = errors_turned(&basis, &vdf);
                assert!(most <= 1.01 * least + 1e-7, "{basis}: {least:e} to {most:e}");
            }
        }
    }
}

#[test]
fn plain_projection_that_is_worse_than_nothing_becomes_least_squares() {
    let noise = |[x, y, z]: [f64; 3]| (3.0 * x + 5.0 * y * z).sin();
    let vdf = Vdf::from_fn(VelocityGrid::unit([8, 9, 20]).unwrap(), noise).unwrap();
    for weight in [Weight::Symmetric, Weight::Asymmetric] {
        for scales in [[0.3, 2.0, 40.0], [3.0; 3]] {
            let scaling = Scaling::Given { centre: [0.0, 4.0, 25.0], scales };
            let least_squares =
                Hermite::new([6; 3]).unwrap().with_scaling(scaling).unwrap().with_weight(weight).unwrap();
            let plain = least_squares.clone().with_projection(Projection::Quadrature);
            let (_, report) = plain.fit(&vdf).unwrap();
            assert!(l2(&plain, &vdf) <= 1.0 + 1e-12);
            if report.least_squares_instead {
                assert_relative_eq!(l2(&plain, &vdf), l2(&least_squares, &vdf), max_relative = 1e-6);
            }
        }
    }
    let far = Scaling::Given { centre: [0.0, 4.0, 25.0], scales: [0.3, 2.0, 40.0] };
    let basis = Hermite::new([6; 3]).unwrap().with_scaling(far).unwrap().with_weight(Weight::Asymmetric).unwrap();
    assert!(basis.with_projection(Projection::Quadrature).fit(&vdf).unwrap().1.least_squares_instead);
}
