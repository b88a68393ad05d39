//! What is in a sound file comes out of it.

use vdf_basis::{Crop, VlsvFile};

use crate::folder;
use crate::writer::{LOWER, Naming, Run, SPACING, hermite_stream};

/// Runs of every byte order, precision, block width and naming.
fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for big_endian in [false, true] {
        for size in [4, 8] {
            for width in [1, 4, 5, 8] {
                for naming in [Naming::Named("proton"), Naming::Avgs, Naming::Nameless] {
                    runs.push(Run::new(big_endian, size, width, naming));
                }
            }
        }
    }
    runs
}

fn name(run: &Run) -> &'static str {
    match run.naming {
        Naming::Named(name) => name,
        _ => "avgs",
    }
}

#[test]
fn every_density_comes_out_where_it_belongs() {
    for run in runs() {
        let file = VlsvFile::from_bytes(run.file()).unwrap();
        assert_eq!(file.populations().collect::<Vec<_>>(), [name(&run)]);
        assert_eq!(file.cells(name(&run)).unwrap(), [5, 2]);
        let [_, ny, nz] = run.blocks.map(|blocks| blocks * run.width);
        for cell in [5, 2] {
            let dense = run.dense(cell);
            let whole = file.read(cell, name(&run), Crop::Whole).unwrap();
            assert_eq!(whole.vdf.as_slice(), dense, "{run:?}");
            assert_eq!((whole.first, whole.vdf.grid()), ([0; 3], &whole.mesh.grid));
            let (lower, spacing) = (whole.mesh.grid.lower(), whole.mesh.grid.spacing());
            assert!(
                (0..3).all(|axis| lower[axis] == LOWER[axis] && (spacing[axis] / SPACING[axis] - 1.0).abs() < 1e-12)
            );
            for crop in [Crop::Stored, Crop::Peak(3), Crop::Peak(100)] {
                let part = file.read(cell, name(&run), crop).unwrap();
                let first = part.first;
                for ((x, y, z), &f) in part.vdf.values().indexed_iter() {
                    assert_eq!(f, dense[((first[0] + x) * ny + first[1] + y) * nz + first[2] + z]);
                }
                let lower = part.vdf.grid().lower();
                assert!((0..3).all(|axis| {
                    (lower[axis] - LOWER[axis] - first[axis] as f64 * SPACING[axis]).abs() < 1e-9 * SPACING[axis]
                }));
                assert_eq!(part.vdf.peak(), whole.vdf.peak());
                if crop == Crop::Stored {
                    assert_eq!(part.vdf.as_slice().iter().sum::<f64>(), dense.iter().sum::<f64>());
                    let stored = part.blocks.unwrap();
                    assert_eq!(stored.occupancy, part.vdf.block_occupancy(0.0, run.width).unwrap());
                    assert_eq!(stored.first.map(|block| block * run.width), first);
                }
            }
        }
    }
}

#[test]
fn the_box_about_the_peak_is_that_of_the_notebooks() {
    let run = Run::new(false, 4, 8, Naming::Named("proton"));
    let file = VlsvFile::from_bytes(run.file()).unwrap();
    let dense = run.dense(2);
    let peak = (0..dense.len()).rev().max_by(|&a, &b| dense[a].total_cmp(&dense[b])).unwrap();
    let shape = run.blocks.map(|blocks| blocks * run.width);
    let peak = [peak / (shape[1] * shape[2]), peak / shape[2] % shape[1], peak % shape[2]];
    let part = file.read(2, "proton", Crop::Peak(3)).unwrap();
    for axis in 0..3 {
        assert_eq!(part.first[axis], peak[axis].saturating_sub(3));
        assert_eq!(part.vdf.grid().shape()[axis], (peak[axis] + 3).min(shape[axis]) - part.first[axis]);
    }
}

#[test]
fn facts_are_those_of_the_cell() {
    for big_endian in [false, true] {
        let run = Run::new(big_endian, 4, 4, Naming::Named("helium"));
        let file = VlsvFile::from_bytes(run.file()).unwrap();
        let facts = file.facts(5, "helium").unwrap();
        assert_eq!((facts.time, facts.density, facts.sparsity_threshold), (Some(12.5), Some(5e6), Some(1e-15)));
        // The second of three cells along x in the second of two rows; the fourth row of the variables.
        assert_eq!(facts.position, Some([1.5e6, 0.5e6, 0.5e6]));
        let field = facts.magnetic_field.unwrap();
        assert_eq!((field.value, field.variable), ([9.0 * 1e-9, 10.0 * 1e-9, 11.0 * 1e-9], "vg_b_vol"));
        assert_eq!((facts.bulk_velocity, facts.pressure_diagonal), (None, None));
        // A cell of the first level of refinement: 6 before it, the last of 6 x 4 x 2.
        let refined = file.facts(6 + 48, "helium").unwrap();
        assert_eq!((refined.position, refined.density), (Some([2.75e6, 0.75e6, 0.75e6]), None));
        assert_eq!(file.facts(u64::MAX, "helium").unwrap().position, None);
    }
    let file = VlsvFile::from_bytes(Run::new(false, 8, 4, Naming::Avgs).file()).unwrap();
    let facts = file.facts(5, "avgs").unwrap();
    assert_eq!((facts.sparsity_threshold, facts.density, facts.time), (None, None, Some(12.5)));
}

#[test]
fn streams_of_vlasiators_hermite_codec_are_decoded() {
    for big_endian in [false, true] {
        let run = Run::new(big_endian, 4, 4, Naming::Named("proton"));
        let file = VlsvFile::from_bytes(run.compressed("HERMITE", &hermite_stream(3e8))).unwrap();
        assert_eq!(file.cells("proton").unwrap(), [3]);
        let read = file.read(3, "proton", Crop::Stored).unwrap();
        assert_eq!((read.first, read.vdf.grid().shape(), read.codec), ([2, 3, 1], [8, 6, 4], Some("HERMITE")));
        assert!(read.blocks.is_none());
        let mut positive = 0;
        for ((x, y, z), &f) in read.vdf.values().indexed_iter() {
            let v: [f64; 3] = std::array::from_fn(|axis| {
                LOWER[axis] + ([2.0 + x as f64, 3.0 + y as f64, 1.0 + z as f64][axis] + 0.5) * SPACING[axis]
            });
            let r: f64 = v.iter().zip([-1e5, -1e5, 2e4]).map(|(v, u)| ((v - u) / 8e4_f64).powi(2)).sum();
            let spread = 8.0 / 7.0 * 6.0 / 5.0 * 4.0 / 3.0;
            let psi = (-0.5 * r).exp() / (std::f64::consts::PI.sqrt() * 8e4_f64).powf(1.5);
            let expected = 1e-16 * 10.0_f64.powf(3e8 * psi * spread);
            let expected = if expected < 1e-15 { 0.0 } else { expected };
            assert!((f - expected).abs() < 1e-6 * expected, "{f} {expected}");
            positive += usize::from(f > 0.0);
        }
        assert!(positive > 50, "{positive}");
        let whole = file.read(3, "proton", Crop::Whole).unwrap().vdf;
        assert_eq!((whole.grid().shape(), whole.moments().density), ([12, 16, 8], read.vdf.moments().density));
        let about = file.read(3, "proton", Crop::Peak(2)).unwrap();
        assert_eq!((about.vdf.grid().shape(), about.vdf.peak()), ([4, 4, 3], read.vdf.peak()));
        // An explosion of the codec ends at the largest power that single precision holds.
        let file = VlsvFile::from_bytes(run.compressed("HERMITE", &hermite_stream(1e12))).unwrap();
        assert!(file.read(3, "proton", Crop::Stored).unwrap().vdf.peak() <= 1.0001e22);
    }
}

#[test]
fn files_are_read_from_any_thread() {
    let path = folder("threads").join("run.vlsv");
    let run = Run::new(true, 8, 8, Naming::Named("proton"));
    std::fs::write(&path, run.file()).unwrap();
    let file = VlsvFile::open(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (file, run) = (&file, &run);
            scope.spawn(move || {
                for _ in 0..20 {
                    let cell = [5, 2][thread % 2];
                    assert_eq!(file.read(cell, "proton", Crop::Whole).unwrap().vdf.as_slice(), run.dense(cell));
                }
            });
        }
    });
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}
