//! An independent EM: on cells of equal weight, which are points, linfa's finds the same mixture as ours.

use linfa::prelude::{DatasetBase, Fit};
use linfa_clustering::GaussianMixtureModel;
use ndarray016::Array2;

use super::super::*;

#[test]
fn linfa_finds_the_same_on_points_of_equal_weight() {
    let grid = VelocityGrid::unit([22, 20, 18]).unwrap();
    let inside = |v: [f64; 3], centre: [f64; 3], half: [f64; 3]| {
        (0..3).map(|i| ((v[i] - centre[i]) / half[i]).powi(2)).sum::<f64>() <= 1.0
    };
    let filled =
        |v: [f64; 3]| inside(v, [6.0, 8.0, 7.0], [5.0, 4.0, 3.0]) || inside(v, [15.0, 12.0, 11.0], [3.0, 5.0, 6.0]);
    let vdf = Vdf::from_fn(grid, |v| f64::from(u8::from(filled(v)))).unwrap();
    let mut points = Vec::new();
    for x in grid.centres(0) {
        for y in grid.centres(1) {
            points.extend(grid.centres(2).into_iter().filter(|z| filled([x, y, *z])).flat_map(|z| [x, y, z]));
        }
    }
    let total = points.len() as f64 / 3.0;
    let points = DatasetBase::from(Array2::from_shape_vec((points.len() / 3, 3), points).unwrap());
    let theirs = GaussianMixtureModel::params(2)
        .tolerance(1e-9)
        .max_n_iterations(2000)
        .reg_covariance(1e-12)
        .fit(&points)
        .unwrap();
    let ours = Mixture::new(2).unwrap().with_refine(Refine::None).with_tolerance(1e-12).unwrap();
    for start in [Start::KMeans, Start::Linfa] {
        let (c, report) = ours.with_start(start).fit(&vdf).unwrap();
        assert_eq!(c.components().len(), 2, "{report:?}");
        for component in c.components() {
            let distance =
                |k: &usize| (0..3).map(|i| (theirs.means()[[*k, i]] - component.frame.centre[i]).abs()).sum::<f64>();
            let k = (0..2).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap();
            assert!(distance(&k) < 1e-3, "{start:?}: {}", distance(&k));
            assert!((component.density / total - theirs.weights()[k]).abs() < 1e-3);
            for (i, row) in component.covariance().iter().enumerate() {
                for (j, covariance) in row.iter().enumerate() {
                    assert!((covariance - theirs.covariances()[[k, i, j]]).abs() < 1e-2, "{start:?}");
                }
            }
        }
    }
}
