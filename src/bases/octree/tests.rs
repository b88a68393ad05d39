use super::intervals::Intervals;
use super::model::Model;
use super::plan::{Goal, Plan};
use super::survey::{Choices, Survey, Threshold};
use super::*;
use crate::basis::{Coefficients, Label};
use crate::distribution::fidelity::Fidelity;
use crate::distribution::synthetic::{Sampling, Synthetic};
use nalgebra::{DMatrix, DVector};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn basis(spec: &str) -> Octree {
    crate::Registry::standard().parse(spec).unwrap().downcast_ref::<Octree>().unwrap().clone()
}

fn round_trip(basis: &Octree, vdf: &Vdf) -> (OctreeCoefficients, OctreeReport, Fidelity) {
    let (c, report) = basis.fit(vdf).unwrap();
    let back = basis.reconstruct(&c, vdf.grid()).unwrap();
    let fidelity = Fidelity::compare(vdf, &back).unwrap();
    (c, report, fidelity)
}

fn unit(shape: [usize; 3]) -> VelocityGrid {
    VelocityGrid::unit(shape).unwrap()
}

fn ring(cells: usize) -> Vdf {
    let grid = Synthetic::default_grid("gyrating-ring", cells).unwrap();
    Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn noise(shape: [usize; 3]) -> Vdf {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    Vdf::from_fn(unit(shape), |_| random.random::<f64>() - 0.5).unwrap()
}

/// Everything that is easily got wrong.
fn hostile() -> Vec<(&'static str, Vdf)> {
    let one = |shape: [usize; 3], cell: usize| {
        let mut values = vec![0.0; shape.iter().product()];
        values[cell] = 2.0;
        Vdf::from_vec(unit(shape), values).unwrap()
    };
    vec![
        ("noise", noise([17, 13, 11])),
        ("a step", Vdf::from_fn(unit([16; 3]), |[x, y, _]| f64::from(x + 2.0 * y > 21.0)).unwrap()),
        ("one cell", one([20, 19, 18], 3333)),
        ("a line", noise([1, 1, 97])),
        ("two cells", noise([1, 2, 1])),
        ("a spike on a slope", {
            Vdf::from_fn(unit([12; 3]), |[x, y, z]| if x * y * z == 125.0 { 1e6 } else { (-3.0 * (x + y + z)).exp() })
                .unwrap()
        }),
        ("flat", Vdf::from_fn(unit([9, 8, 7]), |_| 3.0).unwrap()),
        ("negative", Vdf::from_fn(unit([14; 3]), |[x, y, z]| -(-0.1 * (x * y + z)).exp()).unwrap()),
        ("cut ring", ring(20)),
        (
            "zeros among values",
            Vdf::from_fn(unit([16; 3]), |[x, _, z]| (x - 8.0).max(0.0) * (z - 5.0).max(0.0)).unwrap(),
        ),
    ]
}

#[test]
fn a_maxwellian_is_one_exponential_of_degree_two() {
    let rotated = |[x, y, z]: [f64; 3]| {
        let (a, b, c) = (0.6 * x + 0.8 * y - 14.0, -0.8 * x + 0.6 * y + 1.0, z - 9.0);
        3e-15 * (-0.5 * (a * a / 30.0 + b * b / 9.0 + (c + 0.3 * a).powi(2) / 14.0)).exp()
    };
    let straight =
        |[x, y, z]: [f64; 3]| (-0.05 * ((x - 8.0).powi(2) + (y - 9.5).powi(2)) - 0.02 * (z - 7.0).powi(2)).exp();
    for vdf in [Vdf::from_fn(unit([23, 20, 18]), rotated).unwrap(), Vdf::from_fn(unit([19; 3]), straight).unwrap()] {
        for spec in ["octree:l2=1e-8", "octree:l2=1e-8,degree=2", "octree:l2=1e-8,leaf=best"] {
            let (c, report, fidelity) = round_trip(&basis(spec), &vdf);
            assert_eq!((report.leaves, report.exponentials, c.count()), (1, 1, 11), "{spec}: {report:?}");
            assert!(fidelity.l2 < 1e-8, "{spec}: {}", fidelity.l2);
        }
    }
}

#[test]
fn a_polynomial_is_one_leaf_of_its_degree() {
    for degree in 0..=MAX_DEGREE {
        let p = degree as i32;
        let polynomial = |[x, y, z]: [f64; 3]| {
            0.3 + (0.1 * x - 0.2 * y + 0.05 * z).powi(p) + x.powi(p / 2) * z.powi(p - p / 2) * 1e-4 - 0.01 * y.powi(p)
        };
        let vdf = Vdf::from_fn(unit([13, 11, 17]), polynomial).unwrap();
        let (c, report, fidelity) = round_trip(&basis("octree:leaf=linear,l2=1e-12"), &vdf);
        assert!(report.leaves == 1 && c.leaves()[0].model == LeafModel::Polynomial(degree), "{degree}: {report:?}");
        assert!(fidelity.l2 < 1e-12 && fidelity.linf < 1e-12, "{degree}: {}", fidelity.l2);
    }
}

#[test]
fn targets_are_met_on_anything() {
    for (what, vdf) in hostile() {
        let cells = vdf.grid().cells();
        for leaf in ["log", "linear", "best"] {
            for target in [0.0, 0.003, 0.1, 1.0] {
                let (c, report, fidelity) = round_trip(&basis(&format!("octree:leaf={leaf},l2={target}")), &vdf);
                assert!(fidelity.l2 <= target + 1e-15, "{what}, {leaf}, l2 {target}: {}, {report:?}", fidelity.l2);
                // The leaves' errors are the error.
                assert!(
                    (report.l2 - fidelity.l2).abs() <= 1e-9 * report.l2 + 1e-15,
                    "{what}: {report:?}, {fidelity:?}"
                );
                assert!(c.count() <= cells + 1, "{what}, {leaf}, l2 {target}: {} of {cells}", c.count());
                let (_, report, fidelity) = round_trip(&basis(&format!("octree:leaf={leaf},linf={target}")), &vdf);
                assert!(
                    fidelity.linf <= target + 1e-15,
                    "{what}, {leaf}, linf {target}: {}, {report:?}",
                    fidelity.linf
                );
            }
            for target in [1, 7, 50, 100_000] {
                let (c, ..) = round_trip(&basis(&format!("octree:leaf={leaf},coefficients={target}")), &vdf);
                assert!(c.count() <= target, "{what}, {leaf}, {target} coefficients: {}", c.count());
            }
        }
    }
}

#[test]
fn leaves_are_positive_where_the_distribution_is() {
    let (c, _, fidelity) = round_trip(&basis("octree:l2=0.1"), &ring(24));
    assert!(c.leaves().iter().all(|leaf| matches!(leaf.model, LeafModel::Empty | LeafModel::Exponential(_))));
    assert_eq!(fidelity.negative_mass, 0.0);
}

#[test]
fn exponentials_need_fewer_coefficients() {
    let vdf = ring(30);
    let count = |spec: &str| basis(spec).encode(&vdf).unwrap().count();
    let (log, linear, best) = (count("octree"), count("octree:leaf=linear"), count("octree:leaf=best"));
    assert!(2 * log < linear && best <= log + log / 10, "{log}, {linear}, {best}");
    assert!(count("octree:leaf=linear") < count("octree:leaf=linear,split=octants"));
}

/// The squared error of the least squares with these columns, by QR; weights are those of each row.
fn reference(columns: &[Vec<f64>], values: &[f64], weights: &[f64]) -> f64 {
    let matrix = DMatrix::from_fn(values.len(), columns.len(), |row, column| columns[column][row] * weights[row]);
    let right = DVector::from_fn(values.len(), |row, _| values[row] * weights[row]);
    let q = matrix.qr().q();
    (&right - &q * (q.transpose() * &right)).norm_squared()
}

/// Monomials of total degree `degree` on a box.
fn monomials(shape: [usize; 3], degree: usize) -> Vec<Vec<f64>> {
    let at = |[i, j, k]: [usize; 3]| {
        let mut column = Vec::new();
        for x in 0..shape[0] {
            for y in 0..shape[1] {
                for z in 0..shape[2] {
                    let power = |x: usize, n: usize, p: usize| (x as f64 - 0.5 * n as f64).powi(p as i32);
                    column.push(power(x, shape[0], i) * power(y, shape[1], j) * power(z, shape[2], k));
                }
            }
        }
        column
    };
    polynomials::terms(degree, shape).map(at).collect()
}

fn block(vdf: &Vdf, extent: tree::Extent) -> Vec<f64> {
    let mut values = Vec::new();
    for x in extent[0].start..extent[0].start + extent[0].len {
        for y in extent[1].start..extent[1].start + extent[1].len {
            values.extend((extent[2].start..extent[2].start + extent[2].len).map(|z| vdf.values()[[x, y, z]]));
        }
    }
    values
}

fn survey(vdf: &Vdf, choices: Choices, smallest: usize, floor: f64) -> Survey {
    let axes = vdf.grid().shape().map(|n| Intervals::new(n, 1, smallest));
    let total = vdf.as_slice().iter().map(|f| f * f).sum();
    let threshold = Threshold { look_below: 0.0, keep_below: f64::INFINITY };
    Survey::new(vdf.as_slice(), total, axes, choices, threshold, floor, 1)
}

#[test]
fn the_survey_knows_the_error_of_every_box() {
    let vdf =
        Vdf::from_fn(unit([9, 7, 12]), |[x, y, z]| 1.5 + (0.7 * x + 0.9 * y - 0.4 * z + 0.1 * x * z).sin()).unwrap();
    let total: f64 = vdf.as_slice().iter().map(|f| f * f).sum();
    let choices = Choices { linear: Some([0, 4]), log: Some([0, 2]), unsurveyed_log: 0 };
    let survey = survey(&vdf, choices, 2, 1e-9);
    let [x, y, z] = [0, 1, 2].map(|axis| survey.axes[axis].len());
    for position in (0..x * y * z).step_by(7) {
        let index = [position / (y * z), position / z % y, position % z];
        let values = block(&vdf, survey.extent(index));
        let shape = survey.shape(index);
        let ones = vec![1.0; values.len()];
        let logs: Vec<f64> = values.iter().map(|f| f.ln()).collect();
        for (model, error) in survey.models.iter().zip(survey.errors(position)) {
            let expected = match *model {
                Model::Empty => values.iter().map(|f| f * f).sum(),
                Model::Linear(degree) => reference(&monomials(shape, degree), &values, &ones),
                Model::Log(degree) => reference(&monomials(shape, degree), &logs, &values),
                Model::Cells => 0.0,
            };
            let difference = (f64::from(*error) * total - expected).abs();
            assert!(
                difference < 1e-6 * expected + 1e-9,
                "{index:?} {model:?}: {} {expected}",
                f64::from(*error) * total
            );
        }
    }
}

/// The best cost by trying every tree.
fn least(vdf: &Vdf, extent: tree::Extent, degrees: usize, price: f64, total: f64) -> f64 {
    let values = block(vdf, extent);
    let shape = extent.map(|interval| interval.len);
    let ones = vec![1.0; values.len()];
    let mut best = (values.iter().map(|f| f * f).sum::<f64>() / total).min(values.len() as f64 * price);
    for degree in 0..=degrees {
        let columns = monomials(shape, degree);
        best = best.min(reference(&columns, &values, &ones) / total + price * columns.len() as f64);
    }
    for axis in 0..3 {
        if extent[axis].len > 1 {
            let mut cuts = [None; 3];
            cuts[axis] = Some(extent[axis].len.div_ceil(2));
            let parts = tree::parts(extent, cuts);
            best = best.min(parts.into_iter().map(|part| least(vdf, part, degrees, price, total)).sum());
        }
    }
    best
}

#[test]
fn no_tree_is_better_than_the_plan() {
    let vdf = Vdf::from_fn(unit([4, 2, 4]), |[x, y, z]| if x > 1.5 { x + y * z } else { (3.0 * y).sin() }).unwrap();
    let total: f64 = vdf.as_slice().iter().map(|f| f * f).sum();
    let choices = Choices { linear: Some([0, 1]), log: None, unsurveyed_log: 0 };
    let survey = survey(&vdf, choices, 1, 1e-9);
    for price in [1e-4, 3e-3, 0.02, 0.1] {
        let plan = Plan::search(&survey, Splitting::Axis, Goal::Price(price), price);
        let cost = plan.error + price * plan.coefficients as f64;
        let whole = [4, 2, 4].map(|len| intervals::Interval { start: 0, len });
        let expected = least(&vdf, whole, 1, price, total);
        assert!((cost - expected).abs() < 1e-6 * expected, "{price}: {cost} {expected}");
    }
}

#[test]
fn cuts_that_leave_the_middle_lower_the_error() {
    // The edge is at 5 of 16 cells.
    let vdf = Vdf::from_fn(unit([16, 9, 9]), |[x, _, _]| if x < 4.5 { 9.0 } else { 1.0 }).unwrap();
    let (c, report, fidelity) = round_trip(&basis("octree:leaf=linear,degree=0,coefficients=3,refine=splits"), &vdf);
    let (.., still) = round_trip(&basis("octree:leaf=linear,degree=0,coefficients=3"), &vdf);
    assert!(report.moved_cuts == 1 && c.count() == 3, "{report:?}");
    assert!(fidelity.l2 < 1e-12 && still.l2 > 0.05, "{} {}", fidelity.l2, still.l2);
    assert_eq!(c.leaves()[0].cells[0], 0..5);
    // With a target, an error that is left over is worth coefficients.
    let count = |spec: &str| basis(spec).encode(&ring(24)).unwrap().count();
    assert!(count("octree:leaf=linear,l2=0.1,refine=splits") <= count("octree:leaf=linear,l2=0.1"));
}

#[test]
fn blended_leaves_join_without_a_jump() {
    let vdf = ring(20);
    let steps = basis("octree:leaf=best,l2=0.1,smallest=2");
    let blended = steps.clone().with_blend(true);
    let c = blended.encode(&vdf).unwrap();
    assert_eq!(blended.reconstruct(&c, vdf.grid()).unwrap(), steps.reconstruct(&c, vdf.grid()).unwrap());
    // Along a fine line the largest step is that of the slope.
    let grid = vdf.grid();
    let largest = |basis: &Octree, points: usize| {
        let mut upper = grid.upper();
        upper[1] = grid.centre(1, 9) + 1e-3 * grid.spacing()[1];
        upper[2] = grid.centre(2, 10) + 1e-3 * grid.spacing()[2];
        let lower = [grid.lower()[0], grid.centre(1, 9), grid.centre(2, 10)];
        let line = VelocityGrid::from_edges([points, 1, 1], lower, upper).unwrap();
        let values = basis.reconstruct(&c, &line).unwrap();
        values.as_slice().windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max) / vdf.peak()
    };
    assert!(largest(&blended, 20_000) < 1e-3 && largest(&steps, 20_000) > 0.01);
    assert!(basis("octree:leaf=best,l2=0.1,blend=yes") != basis("octree:leaf=best,l2=0.1"));
}

#[test]
fn any_grid_is_decoded_and_nothing_is_outside() {
    let vdf = ring(24);
    let basis = basis("octree:l2=0.02");
    let c = basis.encode(&vdf).unwrap();
    let (grid, s) = (vdf.grid(), vdf.grid().spacing()[0]);
    // The same cells in a larger box.
    let wider = grid.window([-3, -2, 0], [30, 26, 25]).unwrap();
    let there = basis.reconstruct(&c, &wider).unwrap();
    let here = basis.reconstruct(&c, grid).unwrap();
    let shape = grid.shape();
    let mut worst = 0.0_f64;
    for (cell, value) in there.as_slice().iter().enumerate() {
        let [x, y, z] = wider.index_of(cell);
        let inside = x >= 3 && y >= 2 && x - 3 < shape[0] && y - 2 < shape[1] && z < shape[2];
        let expected = if inside { here.values()[[x - 3, y - 2, z]] } else { 0.0 };
        worst = worst.max((value - expected).abs() / here.peak());
    }
    assert!(worst < 1e-9, "{worst} {s}");
    // Twice as fine, it is nearly the distribution itself there.
    let fine = VelocityGrid::from_edges(shape.map(|n| 2 * n), grid.lower(), grid.upper()).unwrap();
    let original = Synthetic::named("gyrating-ring", 0).unwrap().sample(&fine, Sampling::default()).unwrap();
    assert!(Fidelity::compare(&original, &basis.reconstruct(&c, &fine).unwrap()).unwrap().l2 < 0.06);
}

#[test]
fn every_number_is_visited_at_its_place_and_densities_are_scaled() {
    for spec in ["octree:l2=0.1", "octree:leaf=linear,l2=0.1,refine=splits", "octree:leaf=best,linf=0.01,align=4"] {
        let vdf = ring(20);
        let basis = basis(spec);
        let c = basis.encode(&vdf).unwrap();
        let mut slots = Vec::new();
        c.visit(&mut |slot, value| slots.push((slot, value)));
        let leaves = c.leaves();
        let numbers: usize = leaves.iter().map(|leaf| leaf.numbers.len()).sum();
        assert_eq!(slots.len(), numbers + usize::from(c.ceiling() > 0.0), "{spec}");
        for (slot, value) in &slots[slots.len() - numbers..] {
            let Label::Place { level, position } = slot.label else { panic!("{slot:?}") };
            assert_eq!(leaves[level as usize].numbers[position as usize], *value);
        }
        let mut scaled = c.clone();
        scaled.scale(4.0);
        let [once, four] = [&c, &scaled].map(|c| basis.reconstruct(c, vdf.grid()).unwrap());
        assert!(once.as_slice().iter().zip(four.as_slice()).all(|(f, g)| 4.0 * f == *g), "{spec}");
    }
}

#[test]
fn threads_change_no_bit() {
    for spec in ["octree:l2=0.05", "octree:leaf=linear,l2=0.01"] {
        let (vdf, basis) = (ring(26), basis(spec));
        let reference = basis.fit(&vdf).unwrap();
        for threads in [2, 3, 7, 1000] {
            assert_eq!(basis.clone().with_threads(threads).fit(&vdf).unwrap(), reference);
        }
    }
}

#[test]
fn cuts_keep_to_blocks_where_asked() {
    let c = basis("octree:leaf=linear,l2=0.05,align=4").encode(&ring(22)).unwrap();
    let ends: Vec<usize> = c.leaves().iter().flat_map(|leaf| leaf.cells.clone().map(|cells| cells.start)).collect();
    assert!(ends.iter().all(|start| start % 4 == 0) && ends.iter().any(|start| *start > 8));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_range() {
    let message = |spec: &str| crate::Registry::standard().parse(spec).unwrap_err().to_string();
    assert!(message("octree:degree=7").contains("0 to 6"));
    assert!(message("octree:degree=x").contains("auto"));
    assert!(message("octree:l2=1.5").contains("0 to 1") && message("octree:linf=-1").contains("0 to 1"));
    assert!(message("octree:l2=nan").contains("0 to 1"));
    assert!(message("octree:coefficients=0").contains("at least one"));
    assert!(message("octree:l2=0.1,linf=0.1").contains("only one"));
    assert!(message("octree:smallest=0").contains("at least one") && message("octree:align=0").contains("1 to 255"));
}

/// A slower search is a failing test, not a noisy timer.
#[test]
fn the_work_is_what_it_was() {
    let (_, report) = basis("octree:l2=0.05").fit(&ring(30)).unwrap();
    let OctreeReport { leaves, fits, steps, rounds, boxes, .. } = report;
    println!("{report:?}");
    assert!(boxes == 3375 && leaves <= 60 && fits <= 200 && steps <= 800 && rounds <= 12, "{report:?}");
}
