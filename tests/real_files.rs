//! Files and blocks of real distributions, where they are at hand (see [`common::real_data`]).
#![allow(clippy::unwrap_used)]

mod common;

use vdf_basis::Vdf;
use vdf_basis::distribution::blocks::BlockOccupancy;
use vdf_basis::distribution::io::Precision;

/// The blocks of the sample above a threshold, when the first block begins `before` cells before the grid.
fn sample_blocks(vdf: &Vdf, before: [isize; 3], threshold: f64) -> BlockOccupancy {
    vdf.window(before.map(|cells| -cells), [56; 3]).unwrap().block_occupancy(threshold, 4).unwrap()
}

/// The sample was cut out of a larger grid: how many blocks it occupies depends on where they begin.
#[test]
fn blocks_of_the_sample_depend_on_their_alignment() {
    let Some(path) = common::real_data("sample_vdf.npy") else { return };
    let vdf = Vdf::read_npy(path).unwrap();
    let occupancy = vdf.block_occupancy(1e-15, 4).unwrap();
    assert_eq!((occupancy.block_shape(), occupancy.count()), ([13; 3], 1096));
    assert_eq!(sample_blocks(&vdf, [0; 3], 1e-15).count(), 1096);

    let alignments: Vec<[isize; 3]> = (0..64).map(|k| [k / 16, k / 4 % 4, k % 4]).collect();
    let fewest = alignments.iter().min_by_key(|before| sample_blocks(&vdf, **before, 1e-15).count()).unwrap();
    assert_eq!((*fewest, sample_blocks(&vdf, *fewest, 1e-15).count()), ([2, 1, 2], 1007));

    // In Vlasiator's own alignment, and in no other, the blocks that are not empty have no empty cell.
    let stored = vdf.as_slice().iter().filter(|f| **f != 0.0).count();
    let own = alignments.into_iter().filter(|before| {
        let start = before.map(|cells| cells as usize);
        let mask = sample_blocks(&vdf, *before, 0.0).mask();
        let inside = mask.slice_each_axis(|axis| (start[axis.axis.index()]..start[axis.axis.index()] + 50).into());
        inside.iter().filter(|inside| **inside).count() == stored
    });
    assert_eq!(own.collect::<Vec<_>>(), [[0, 3, 1]]);
    assert_eq!(sample_blocks(&vdf, [0, 3, 1], 0.0).count(), 1567);
}

#[test]
fn blocks_hold_the_whole_sample() {
    let Some(path) = common::real_data("sample_vdf.npy") else { return };
    let vdf = Vdf::read_npy(path).unwrap();
    let occupancy = vdf.block_occupancy(0.0, 4).unwrap();
    let ids: Vec<u32> = occupancy.ids().collect();
    let values = vdf.block_values(&occupancy).unwrap();
    assert_eq!(Vdf::from_blocks(*vdf.grid(), 4, &ids, &values).unwrap(), vdf);
}

#[test]
fn numpys_own_files_are_rewritten_byte_by_byte() {
    for (name, precision) in
        [("sample_vdf.npy", Precision::Double), ("gyrating_two_maxwellians.npy", Precision::Single)]
    {
        let Some(path) = common::real_data(name) else { return };
        let mut written = Vec::new();
        Vdf::read_npy(&path).unwrap().to_npy(&mut written, precision).unwrap();
        assert!(written == std::fs::read(&path).unwrap(), "{name}");
    }
}

#[test]
fn the_gyration_test_has_its_density() {
    let Some(path) = common::real_data("gyrating_two_maxwellians.npy") else { return };
    let vdf = Vdf::read_npy(path).unwrap().with_geometry([-560e3, -640e3, -640e3], [20e3; 3]).unwrap();
    assert_eq!(vdf.grid().shape(), [68, 72, 56]);
    let density = vdf.moments().density;
    assert!((density / 4.0e6 - 1.0).abs() < 1e-3, "{density:e}");
}
