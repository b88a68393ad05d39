use super::super::{Wavelet, coding};
use super::*;
use crate::basis::{Basis, Quantise};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;

/// A Gaussian of these widths in cells.
fn bell(shape: [usize; 3], widths: [f64; 3]) -> Vdf {
    let squared = |v: [f64; 3]| -> f64 {
        (0..3).map(|axis| ((v[axis] - 0.47 * shape[axis] as f64) / widths[axis]).powi(2)).sum()
    };
    Vdf::from_fn(VelocityGrid::unit(shape).unwrap(), |v| (-0.5 * squared(v)).exp()).unwrap()
}

/// Halvings of each axis in the rounded coefficients.
fn halvings(vdf: &Vdf) -> [usize; 3] {
    let basis = Wavelet::default();
    let found = basis.encode(vdf).unwrap();
    let rounded = basis.rounded(&found, vdf, Resolution::Step(0.02)).unwrap();
    let back = basis.reconstruct(&rounded, vdf.grid()).unwrap();
    assert!(crate::distribution::fidelity::relative_l2(vdf, &back) < 0.1);
    let axes = rounded.layout.axes();
    std::array::from_fn(|axis| axes.iter().filter(|axes| axes[axis]).count())
}

#[test]
fn a_finer_grid_has_more_levels() {
    assert_eq!(halvings(&bell([16; 3], [1.0; 3])), [0; 3]);
    let coarse = halvings(&bell([24; 3], [3.0; 3]));
    let fine = halvings(&bell([96; 3], [12.0; 3]));
    assert_eq!(fine, coarse.map(|levels| levels + 2));
}

#[test]
fn an_axis_with_finer_cells_is_halved_more_often() {
    let [x, y, z] = halvings(&bell([160, 20, 20], [20.0, 2.5, 2.5]));
    assert!(x >= y + 2 && x >= z + 2, "{x} {y} {z}");
    assert_eq!(halvings(&bell([20, 20, 160], [2.5, 2.5, 20.0])), [z, y, x]);
}

#[test]
fn a_level_that_holds_what_its_parent_would_lose_stays() {
    // Numbers of half a step in a wide block: each level makes them √8 times larger, without any they are zero.
    let block = |v: [f64; 3]| if v.iter().all(|v| (8.0..24.0).contains(v)) { 0.5 } else { 0.0 };
    let vdf = Vdf::from_fn(VelocityGrid::unit([32; 3]).unwrap(), block).unwrap();
    let basis = Wavelet::default();
    let rounded = basis.rounded(&basis.encode(&vdf).unwrap(), &vdf, Resolution::Step(1.0)).unwrap();
    let back = basis.reconstruct(&rounded, vdf.grid()).unwrap();
    let l2 = crate::distribution::fidelity::relative_l2(&vdf, &back);
    assert!(!rounded.layout.axes().is_empty() && l2 < 0.5, "{l2}");
    // Where nothing is lost, levels are taken back that make no fewer bits.
    let rounded = basis.rounded(
        &basis.encode(&bell([16; 3], [1.0; 3])).unwrap(),
        &bell([16; 3], [1.0; 3]),
        Resolution::Step(0.02),
    );
    assert!(rounded.unwrap().layout.axes().is_empty());
}

#[test]
fn levels_are_read_as_they_were_written() {
    let shape = [5, 1, 30];
    for levels in [
        vec![],
        vec![[true, false, true]; 3],
        vec![[false, false, true], [true, false, true], [true, false, false], [true, false, true]],
    ] {
        let mut coder = Coder::writing();
        coding::code_levels(shape, &mut levels.clone(), &mut coder).unwrap();
        let (bytes, mut read) = (coder.finish(), vec![[true; 3]; 2]);
        coding::code_levels(shape, &mut read, &mut Coder::reading(&bytes)).unwrap();
        assert_eq!(read, levels);
    }
    // More halvings than there are cells.
    let mut coder = Coder::writing();
    let refused = coding::code_levels([2, 2, 1], &mut vec![[true, false, false]; 2], &mut coder);
    assert!(refused.is_err());
}

#[test]
fn most_is_lost_where_the_dead_zone_holds_more_than_half_of_the_squares() {
    assert!(loses_most(&[0.5, 0.5, 0.55, 0.1], 1.0) && !loses_most(&[0.5, 0.7, 0.1], 1.0));
    assert!(!loses_most(&[0.0; 3], 1.0));
}

#[test]
fn the_bits_of_nothing_are_none_and_those_of_noise_are_its_entropy() {
    assert_eq!(bits([5, 4, 3], &[0.1; 60], 1.0, f64::INFINITY), 0.0);
    // Magnitudes of geometric distribution with mean 1: 2 bits each, if the mean is known.
    let noise = |k: usize| ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
    let values: Vec<f64> = (0..8000).map(|k| (-(noise(k) + 1e-9).log2()).floor() + 0.2).collect();
    let each = bits([20; 3], &values, 1.0, f64::INFINITY) / 8000.0;
    assert!((1.7..2.05).contains(&each), "{each}");
}
