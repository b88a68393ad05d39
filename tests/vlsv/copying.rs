//! Copies with other distributions.

use std::fs;

use vdf_basis::{Crop, Error, Vdf, VlsvFile};

use crate::folder;
use crate::writer::{Naming, Run, hermite_stream};

fn halved(vdf: &Vdf) -> Vdf {
    Vdf::from_vec(*vdf.grid(), vdf.as_slice().iter().map(|f| 0.5 * f).collect()).unwrap()
}

#[test]
fn only_the_densities_of_replaced_cells_change() {
    let folder = folder("copies");
    for big_endian in [false, true] {
        for (size, width) in [(4, 4), (8, 4), (4, 8), (8, 8)] {
            let run = Run::new(big_endian, size, width, Naming::Named("proton"));
            let (path, output) = (folder.join("run.vlsv"), folder.join("copy.vlsv"));
            let before = run.file();
            fs::write(&path, &before).unwrap();
            let file = VlsvFile::open(&path).unwrap();
            for crop in [Crop::Stored, Crop::Whole] {
                let copy = file.copy_to(&output).unwrap();
                copy.replace(2, "proton", &halved(&file.read(2, "proton", crop).unwrap().vdf)).unwrap();
                copy.finish().unwrap();
                let after = fs::read(&output).unwrap();
                assert_eq!(after.len(), before.len());
                let changed = (0..after.len()).filter(|&k| after[k] != before[k]);
                let (first, last) = (changed.clone().min().unwrap(), changed.max().unwrap());
                // The last four blocks of the file, just before its footer.
                let footer = before.windows(6).rposition(|window| window == b"<VLSV>").unwrap();
                assert!(first >= footer - 4 * size * width.pow(3) && last < footer, "{first} {last} {footer}");
                let copied = VlsvFile::open(&output).unwrap();
                assert_eq!(copied.read(5, "proton", crop).unwrap(), file.read(5, "proton", crop).unwrap());
                let expected = halved(&file.read(2, "proton", crop).unwrap().vdf);
                assert_eq!(copied.read(2, "proton", crop).unwrap().vdf, expected);
            }
            // All cells, by what they are: the same bytes.
            let copy = file.copy_to(&output).unwrap();
            for &cell in file.cells("proton").unwrap() {
                copy.replace(cell, "proton", &file.read(cell, "proton", Crop::Stored).unwrap().vdf).unwrap();
            }
            copy.finish().unwrap();
            assert_eq!(fs::read(&output).unwrap(), before);
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_left_of_a_copy_that_is_not_finished() {
    let folder = folder("unfinished");
    let (path, output) = (folder.join("run.vlsv"), folder.join("copy.vlsv"));
    fs::write(&path, Run::new(false, 4, 4, Naming::Avgs).file()).unwrap();
    fs::write(&output, "before").unwrap();
    let file = VlsvFile::open(&path).unwrap();
    drop(file.copy_to(&output).unwrap());
    assert_eq!(fs::read_to_string(&output).unwrap(), "before");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    file.copy_to(&output).unwrap().finish().unwrap();
    assert_eq!(fs::read(&output).unwrap(), fs::read(&path).unwrap());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_copied_is_refused() {
    let folder = folder("refused");
    let path = folder.join("run.vlsv");
    let run = Run::new(false, 4, 4, Naming::Named("proton"));
    fs::write(&path, run.file()).unwrap();
    let file = VlsvFile::open(&path).unwrap();
    fs::hard_link(&path, folder.join("same.vlsv")).unwrap();
    for output in [path.clone(), folder.join("../").join(folder.file_name().unwrap()).join("same.vlsv")] {
        assert!(file.copy_to(&output).unwrap_err().to_string().contains("another file"), "{}", output.display());
    }
    assert!(matches!(file.copy_to(folder.join("nowhere/copy.vlsv")), Err(Error::Io { .. })));

    let copy = file.copy_to(folder.join("copy.vlsv")).unwrap();
    let vdf = file.read(2, "proton", Crop::Stored).unwrap().vdf;
    let refused = |cell, population: &str, vdf: &Vdf| copy.replace(cell, population, vdf).unwrap_err().to_string();
    assert!(refused(2, "electron", &vdf).contains("run.vlsv has proton"));
    assert!(refused(4, "proton", &vdf).contains("the nearest is 5"));
    let part = file.read(2, "proton", Crop::Peak(2)).unwrap().vdf;
    assert!(refused(2, "proton", &part).contains("where blocks are stored"));
    let shifted = vdf.clone().with_geometry(vdf.grid().lower().map(|edge| edge + 1.0), vdf.grid().spacing()).unwrap();
    assert!(refused(2, "proton", &shifted).contains("needs one grid"));
    let large = Vdf::from_vec(*vdf.grid(), vec![1e39; vdf.grid().cells()]).unwrap();
    assert!(refused(2, "proton", &large).contains("single precision"));
    drop(copy);

    let file = VlsvFile::from_bytes(run.compressed("HERMITE", &hermite_stream(3e8))).unwrap();
    let copy = file.copy_to(folder.join("copy.vlsv")).unwrap();
    let vdf = file.read(3, "proton", Crop::Stored).unwrap().vdf;
    assert!(copy.replace(3, "proton", &vdf).unwrap_err().to_string().contains("are no blocks"));
    drop(copy);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    fs::remove_dir_all(folder).unwrap();
}
