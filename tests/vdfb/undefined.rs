//! Quantities that distributions do not have.

use vdf_basis::{Precision, Vdf, VelocityGrid};

use crate::folder::Folder;

/// All density in one cell off the middle of the grid.
fn one_cell(folder: &Folder, name: &str) {
    let mut values = vec![0.0; 7 * 6 * 5];
    values[(5 * 6 + 4) * 5 + 1] = 1.3e-13;
    let vdf = Vdf::from_slice(VelocityGrid::unit([7, 6, 5]).unwrap(), &values).unwrap();
    vdf.write_npy(folder.path(name), Precision::Double).unwrap();
}

#[test]
fn one_filled_cell_has_temperature_zero_and_no_anisotropy() {
    let folder = Folder::new("one-cell");
    one_cell(&folder, "one.npy");
    let line = "one.npy --lower=-3.1e5,1e6,-2.7e5 --spacing 7.1e4,3.3e4,2.9e4 --field 1,2,0.3";
    let cell = folder.json(&format!("moments {line} --json"))["cells"][0].clone();
    for key in ["temperature", "parallel_temperature", "perpendicular_temperature", "thermal_speed"] {
        assert_eq!(cell[key], 0.0, "{key}: {cell}");
    }
    for key in ["anisotropy", "sqrt_q", "agyrotropy", "nongyrotropy", "non_maxwellianity"] {
        assert!(cell[key].is_null(), "{key}: {cell}");
    }
    let line = folder.done(&format!("moments {line}")).lines().nth(1).unwrap().to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[5..], ["0.000", "0.000", "0.000", "-", "-"], "{line}");
}

#[test]
fn what_neither_distribution_has_is_undefined_and_not_infinite() {
    let folder = Folder::new("undefined");
    one_cell(&folder, "one.npy");
    folder.done("encode one.npy -o one.vdfa --basis cells");
    let table = folder.done("compare one.vdfa one.npy --field 0,0,1");
    assert!(!table.contains(" inf") && !table.contains("NaN"), "{table}");
    for name in ["anisotropy", "sqrt_q"] {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.ends_with("-         -         -  undefined"), "{line}");
    }
    let errors = folder.json("compare one.vdfa one.npy --field 0,0,1 --json")["errors"].clone();
    assert!(errors["anisotropy"].is_null() && errors["t_parallel"]["worst"] == 0.0, "{errors}");
    assert!(folder.json("compare one.vdfa one.npy --json")["errors"].get("anisotropy").is_none());
    // Beside a cell that has them.
    folder.done("synthesise bi-maxwellian --cells 12 -o b.npy");
    folder.done("encode one.npy b.npy -o both.vdfa --basis cells");
    let table = folder.done("compare both.vdfa one.npy b.npy --field 0,0,1");
    let line = table.lines().find(|line| line.starts_with("anisotropy")).unwrap();
    assert!(line.ends_with("0  1, defined in 1"), "{table}");
    let spread = folder.json("compare both.vdfa one.npy b.npy --field 0,0,1 --json")["errors"]["anisotropy"].clone();
    assert_eq!((&spread["cells"], &spread["infinite"], &spread["worst"]), (&1.into(), &0.into(), &0.0.into()));
}
