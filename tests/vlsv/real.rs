//! Vlasiator's own files, where they are at hand, beside the oracle that lies with them, `vlsv_to_npy.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use vdf_basis::{Crop, Vdf, VlsvFile};

use crate::folder;

/// The path of a VLSV file: in the folder that the environment variable `VDF_BASIS_DATA` names, in `vlsv` beside it, or
/// in `../shared/vlsv` beside the package. None, said plainly, where it is not there.
fn real_file(name: &str) -> Option<PathBuf> {
    let given = std::env::var_os("VDF_BASIS_DATA").map(PathBuf::from);
    let folders = match given {
        Some(data) => vec![data.join("../vlsv"), data],
        None => vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vlsv"))],
    };
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: {name} not found in {folders:?}");
    }
    found
}

/// The oracle's arrays of a file, in a folder; None, said plainly, without Python, numpy or the oracle.
fn oracle(path: &Path, output: &Path) -> Option<()> {
    let script = real_file("vlsv_to_npy.py")?;
    let ran = Command::new("python3").arg(script).arg(path).arg(output).output();
    match ran {
        Ok(ran) if ran.status.success() => Some(()),
        other => {
            println!("skipped: the oracle did not run: {other:?}");
            None
        }
    }
}

fn oracles_array(output: &Path, file: &str, population: &str, cell: u64) -> Vdf {
    Vdf::read_npy(output.join(format!("{file}_{population}_cell{cell}.npy"))).unwrap()
}

#[test]
fn stored_blocks_equal_the_oracles_bit_by_bit() {
    let Some(path) = real_file("fullf.0000001.vlsv") else { return };
    let folder = folder("oracle");
    let file = VlsvFile::open(&path).unwrap();
    assert_eq!(file.populations().collect::<Vec<_>>(), ["proton", "antiproton"]);
    if oracle(&path, &folder).is_some() {
        for population in ["proton", "antiproton"] {
            for &cell in file.cells(population).unwrap() {
                let read = file.read(cell, population, Crop::Stored).unwrap();
                let expected = oracles_array(&folder, "fullf.0000001", population, cell);
                assert_eq!(read.vdf.grid().shape(), expected.grid().shape());
                let pairs = read.vdf.as_slice().iter().zip(expected.as_slice());
                assert!(pairs.into_iter().all(|(a, b)| a.to_bits() == b.to_bits()));
                println!("{population}, cell {cell}: {} cells equal the oracle's", expected.grid().cells());
            }
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn moments_are_those_that_vlasiator_stored() {
    let Some(path) = real_file("fullf.0000001.vlsv") else { return };
    let file = VlsvFile::open(path).unwrap();
    for population in ["proton", "antiproton"] {
        let (read, facts) = (file.read(1, population, Crop::Stored).unwrap(), file.facts(1, population).unwrap());
        let moments = read.vdf.moments();
        let density = facts.density.unwrap();
        assert!((moments.density / density - 1.0).abs() < 1e-6, "{} {density}", moments.density);
        // Two drifts that cancel: Vlasiator's sums of single precision are off by 5 m/s. Sums of double precision over the
        // oracle's array agree with ours to 1e-11 of the thermal speed.
        for (u, stored) in moments.bulk_velocity.iter().zip(facts.bulk_velocity.unwrap()) {
            assert!((u - stored).abs() < 2e-5 * moments.thermal_speed(), "{u} {stored}");
        }
        assert_eq!((facts.sparsity_threshold, facts.time), (Some(1e-16), Some(50.0)));
        assert_eq!(facts.position, Some([5e5; 3]));
        assert_eq!(facts.magnetic_field.unwrap().value[0], 1.2e-10);
    }
}

#[test]
fn the_set_of_stored_blocks_is_short() {
    let Some(path) = real_file("fullf.0000001.vlsv") else { return };
    let file = VlsvFile::open(path).unwrap();
    for population in ["proton", "antiproton"] {
        let stored = file.read(1, population, Crop::Stored).unwrap().blocks.unwrap().occupancy;
        let bytes = stored.to_bytes().unwrap();
        println!("{population}: {} blocks of {:?} in {} bytes", stored.count(), stored.block_shape(), bytes.len());
        assert!(bytes.len() <= 120);
        assert_eq!(vdf_basis::BlockOccupancy::from_bytes(&bytes).unwrap(), stored);
        let whole = file.read(1, population, Crop::Whole).unwrap().vdf.block_occupancy(0.0, 4).unwrap();
        assert!(whole.count() <= stored.count() && whole.to_bytes().unwrap().len() <= 120);
    }
}

#[test]
fn vlasiators_hermite_streams_are_decoded_as_by_the_oracle() {
    let Some(path) = real_file("bulk_hermite_compressed.0000001.vlsv") else { return };
    let folder = folder("hermite");
    let file = VlsvFile::open(&path).unwrap();
    let cells = file.cells("proton").unwrap();
    assert_eq!((cells.len(), cells[0]), (96, 42));
    if oracle(&path, &folder).is_some() {
        let mut worst: f64 = 0.0;
        for &cell in cells {
            let vdf = file.read(cell, "proton", Crop::Stored).unwrap().vdf;
            let expected = oracles_array(&folder, "bulk_hermite_compressed.0000001", "proton", cell);
            assert_eq!(vdf.grid().shape(), expected.grid().shape());
            let pairs = vdf.as_slice().iter().zip(expected.as_slice());
            let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / expected.peak();
            worst = worst.max(difference);
        }
        println!("96 Hermite cells: at most {worst:.1e} of the peak from the oracle's");
        assert!(worst < 1e-6, "{worst}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_without_distributions_say_so() {
    for name in ["bulk.amr.vlsv", "init.vlsv"] {
        let Some(path) = real_file(name) else { return };
        let file = VlsvFile::open(path).unwrap();
        assert_eq!(file.cells("proton").unwrap(), [] as [u64; 0]);
        let problem = file.read(1, "proton", Crop::Stored).unwrap_err().to_string();
        assert!(problem.contains("was saved without distributions of proton") && problem.contains(name), "{problem}");
        assert!(file.facts(1, "proton").unwrap().magnetic_field.is_some());
    }
    let Some(path) = real_file("Fluctuations_small.vlsv") else { return };
    let file = VlsvFile::open(path).unwrap();
    assert_eq!(file.populations().count(), 0);
    assert!(file.cells("proton").unwrap_err().to_string().contains("has no distributions"));
}

#[test]
fn copies_are_read_by_the_oracle() {
    let Some(path) = real_file("fullf.0000001.vlsv") else { return };
    let folder = folder("copied");
    let (copied, arrays) = (folder.join("copy.vlsv"), folder.join("arrays"));
    let file = VlsvFile::open(&path).unwrap();
    let vdf = file.read(1, "proton", Crop::Stored).unwrap().vdf;
    let changed = Vdf::from_vec(*vdf.grid(), vdf.as_slice().iter().map(|f| 0.25 * f).collect()).unwrap();
    let copy = file.copy_to(&copied).unwrap();
    copy.replace(1, "proton", &changed).unwrap();
    copy.finish().unwrap();
    let (before, after) = (std::fs::read(&path).unwrap(), std::fs::read(&copied).unwrap());
    let differ = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    println!("{differ} of {} bytes differ", before.len());
    assert!(before.len() == after.len() && differ <= 4 * 64 * 1390);
    if oracle(&copied, &arrays).is_some() {
        assert_eq!(oracles_array(&arrays, "copy", "proton", 1).as_slice(), changed.as_slice());
        let other = file.read(1, "antiproton", Crop::Stored).unwrap().vdf;
        assert_eq!(oracles_array(&arrays, "copy", "antiproton", 1).as_slice(), other.as_slice());
    }
    std::fs::remove_dir_all(folder).unwrap();
}
