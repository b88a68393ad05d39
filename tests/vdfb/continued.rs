//! Archives that are continued, and arrays whose cells have grids of their own.

use vdf_basis::{Archive, Precision, Vdf, VelocityGrid};

use crate::folder::Folder;

#[test]
fn what_is_refused_is_not_said_to_be_cut_off() {
    let folder = Folder::new("torn");
    folder.shock();
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian --group 1");
    let bytes = folder.bytes("a.vdfa");
    folder.write("a.vdfa", &bytes[..bytes.len() - 20]);
    let torn = folder.bytes("a.vdfa");
    for line in [
        "encode shock.npy -o a.vdfa --basis maxwellian --append --cells 0",
        "encode shock.npy -o a.vdfa --basis maxwellian --append --order curve --population x",
        "encode none.npy -o a.vdfa --basis maxwellian --append",
    ] {
        let refused = folder.run(line);
        assert!(refused.code == 1 && !refused.err.contains("cut off"), "{}", refused.err);
        assert_eq!(folder.bytes("a.vdfa"), torn, "{line}");
    }
    let done = folder.run("encode shock.npy -o a.vdfa --basis maxwellian --append");
    assert!(done.code == 0 && done.err.contains("bytes after the last whole group are cut off"), "{}", done.err);
    assert_eq!(folder.json("info a.vdfa --json")["cells"], 6);
}

#[cfg(unix)]
#[test]
fn an_archive_whose_continuation_is_interrupted_is_as_it_was() {
    use std::process::Command;
    let folder = Folder::new("interrupted");
    folder.done("synthesise shock --population 40 --cells 20 -o many.npy");
    folder.done("encode many.npy -o a.vdfa --basis maxwellian --cells 0-2");
    let before = folder.bytes("a.vdfa");
    let slow = "encode many.npy -o a.vdfa --basis smallest:l2=0.001 --append --cells 3-39 --group 1 --quiet";
    let mut child = folder.begun(slow);
    // The index is cut off before anything is written.
    while folder.bytes("a.vdfa") == before {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began to write");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(folder.bytes("a.vdfa") == before && folder.no_parts());
    folder.done("decode a.vdfa -o back.npy");
}

#[test]
fn cells_of_different_grids_come_back_by_their_grid_file() {
    let folder = Folder::new("grids");
    let vdf = |u: f64| {
        let grid = VelocityGrid::new([6, 5, 4], [u - 3e5, -2e5, -2e5], [1e5, 9e4, 1e5]).unwrap();
        Vdf::from_fn(grid, |[x, y, z]| (-((x - u).powi(2) + y * y + z * z) / 2e10).exp()).unwrap()
    };
    for (place, u) in [-1.5e5, 0.0, 3e5].into_iter().enumerate() {
        vdf(u).write_npy(folder.path(&format!("{place}.npy")), Precision::Double).unwrap();
        let append = if place == 0 { "" } else { "--append" };
        let lower = format!("{},-2e5,-2e5", u - 3e5);
        folder.done(&format!(
            "encode {place}.npy -o a.vdfa --basis cells --lower={lower} --spacing 1e5,9e4,1e5 {append}"
        ));
    }
    folder.done("decode a.vdfa -o all.npy");
    folder.done("encode all.npy --grid all.json -o b.vdfa --basis cells");
    let read = |name: &str, cell: u64| {
        let record = Archive::open(folder.path(name)).unwrap().read(cell, "avgs").unwrap();
        record.expansion.reconstruct().unwrap()
    };
    for (cell, u) in [(0, -1.5e5), (1, 0.0), (2, 3e5)] {
        assert_eq!(read("a.vdfa", cell), vdf(u));
        assert_eq!(read("b.vdfa", cell), vdf(u));
    }
    folder.done("compare b.vdfa all.npy --bound l2=1e-15");
    let text = String::from_utf8(folder.bytes("all.json")).unwrap();
    // The second cell's own lower edge, and a shape that is not that of the array.
    for (from, to, part) in
        [("-300000.0", "\"x\"", "three numbers"), ("\"shape\": [\n        6", "\"shape\": [\n        7", "cells")]
    {
        let place = text.rfind(from).unwrap();
        folder.write("bad.json", format!("{}{to}{}", &text[..place], &text[place + from.len()..]).as_bytes());
        let bad = folder.run("encode all.npy --grid bad.json -o c.vdfa");
        assert!(bad.code == 1 && bad.err.contains("bad.json") && bad.err.contains(part), "{}", bad.err);
    }
}
