//! The command `vdfb` from end to end: its outputs, its exit codes, and what it says of bad input.
#![allow(clippy::unwrap_used)]

mod continued;
mod folder;
mod undefined;

use std::process::{Command, Stdio};

use folder::Folder;
use vdf_basis::{Fidelity, Precision, Vdf, VelocityGrid};

#[test]
fn a_population_goes_into_an_archive_and_back() {
    let folder = Folder::new("population");
    folder.shock();
    let encoded = folder.json("encode shock.npy -o shock.vdfa --grid shock.json --group 2 --population proton --json");
    assert_eq!((&encoded["cells"], &encoded["left_out"]), (&3.into(), &0.into()));
    let info = folder.json("info shock.vdfa --json");
    assert_eq!((&info["cells"], &info["population"], &info["groups"]), (&3.into(), &"proton".into(), &2.into()));
    assert_eq!((&info["basis"], &info["bytes"]), (&"balanced:l2=0.03".into(), &encoded["bytes"]));
    let parts = info["parts"].as_array().unwrap().iter().map(|part| part["bytes"].as_u64().unwrap());
    assert_eq!(parts.sum::<u64>(), info["bytes"].as_u64().unwrap());

    let compared = folder.json("compare shock.vdfa shock.npy --json");
    assert!(compared["errors"]["l2"]["worst"].as_f64().unwrap() <= 0.03);
    assert!(compared["errors"]["l2"]["worst_cell"].is_u64());
    assert_eq!(folder.run("compare shock.vdfa shock.npy --bound l2=0.03").code, 0);
    let beyond = folder.run("compare shock.vdfa shock.npy --bound l2=1e-9");
    assert!(beyond.code == 1 && beyond.err.contains("3 of 3 cells exceed"), "{}", beyond.err);

    folder.done("decode shock.vdfa -o back.npy");
    let cut = folder.run("decode shock.vdfa -o one.npy --cells 1").code;
    let one = Vdf::read_npy(folder.path("one.npy")).unwrap();
    let back = vdf_basis::NpyPopulation::open(folder.path("back.npy")).unwrap();
    assert_eq!((cut, back.cells(), back.read(1).unwrap() == one), (0, 3, true));
    let grid = folder.read_json("one.json");
    assert_eq!((&grid["cells"][0]["cell"], &grid["population"]), (&1.into(), &"proton".into()));
    assert_eq!(grid["lower"], folder.read_json("shock.json")["lower"]);
    for (name, begin) in [("all.npz", "PK"), ("all.vti", "<?xml"), ("all.vtk", "# vtk")] {
        folder.done(&format!("decode shock.vdfa -o {name} --single"));
        assert!(folder.bytes(name).starts_with(begin.as_bytes()), "{name}");
    }
    folder.done("plot shock.vdfa shock.npy -o picture.png --quiet");
    folder.done("plot shock.vdfa -o alone.png --cell 2");
    // In the frame of a magnetic field.
    folder.done("plot shock.vdfa shock.npy -o turned.png --cell 2 --field 1,-1,0.5 --quiet");
    folder.done("plot shock.vdfa -o turned-alone.png --cell 2 --field 1,-1,0.5");
    for name in ["picture.png", "picture-errors.png", "alone.png", "turned.png", "turned-alone.png"] {
        assert!(folder.bytes(name).starts_with(b"\x89PNG"), "{name}");
    }
    assert_ne!(folder.bytes("alone.png"), folder.bytes("turned-alone.png"));
    assert_eq!(folder.run("plot shock.vdfa -o none.png --field 0,0,0").code, 2);
    assert!(folder.no_parts());
}

#[test]
fn threads_do_not_change_the_bytes() {
    let folder = Folder::new("threads");
    folder.shock();
    for threads in [1, 3] {
        folder.done(&format!("encode shock.npy -o {threads}.vdfa --threads {threads} --group 1 --basis fast:l2=0.05"));
    }
    assert_eq!(folder.bytes("1.vdfa"), folder.bytes("3.vdfa"));
}

#[test]
fn an_archive_is_continued_and_another_population_added() {
    let folder = Folder::new("append");
    folder.shock();
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian");
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian --append");
    folder.done("encode shock.npy -o a.vdfa --basis fast:l2=0.1 --append --population helium --cells 0-1");
    let info = folder.json("info a.vdfa --json");
    assert_eq!((&info["cells"], &info["population"]), (&8.into(), &serde_json::json!(["avgs", "helium"])));
    assert_eq!(info["lists"][0]["cells"], "0-5");
    let several = folder.run("decode a.vdfa -o x.npy");
    assert!(several.code == 1 && several.err.contains("avgs, helium"), "{}", several.err);
    folder.done("compare a.vdfa shock.npy shock.npy --population avgs");
    // An archive that was cut is read up to its last whole group.
    let bytes = folder.bytes("a.vdfa");
    folder.write("cut.vdfa", &bytes[..bytes.len() - 20]);
    let cut = folder.run("info cut.vdfa --json");
    let content: serde_json::Value = serde_json::from_slice(&cut.out_bytes).unwrap();
    assert_eq!((cut.code, &content["recovered"], &content["cells"]), (3, &true.into(), &8.into()));
    // There may have been more.
    for line in [
        "decode cut.vdfa -o cut.npy --population avgs",
        "compare cut.vdfa shock.npy shock.npy --population avgs",
        "moments cut.vdfa --population avgs",
        "plot cut.vdfa shock.npy shock.npy -o cut.png --population avgs",
        "plot cut.vdfa -o cut.png --population avgs",
    ] {
        let partly = folder.run(line);
        assert!(partly.code == 3 && partly.err.contains("8 cells were found, and there may have been more"), "{line}");
    }
}

#[test]
fn one_cell_goes_into_a_stream_and_back() {
    let folder = Folder::new("stream");
    folder.done("synthesise beams -o x.npy --cells 12");
    let said = folder.done("encode x.npy -o x.vdfb --basis wavelet");
    assert!(said.contains("bytes for") && said.contains("l2") && said.contains("dex"), "{said}");
    folder.done("decode x.vdfb -o back.npy");
    let read = |name: &str| Vdf::read_npy(folder.path(name)).unwrap();
    assert!(Fidelity::compare(&read("x.npy"), &read("back.npy")).unwrap().l2 < 1e-12);
    let info = folder.json("info x.vdfb --json");
    assert_eq!((&info["kind"], &info["basis"], &info["cells"]), (&"stream".into(), &"wavelet".into(), &1.into()));
    assert_eq!(info["bytes"], folder.bytes("x.vdfb").len());
    let parts = info["parts"].as_array().unwrap().iter().map(|part| part["bytes"].as_u64().unwrap());
    assert_eq!(parts.sum::<u64>(), info["bytes"].as_u64().unwrap());
    folder.done("compare x.vdfb x.npy --bound l2=1e-9");
    // Which of several cells a stream is of is not known.
    folder.done("synthesise beams --population 3 -o many.npy --cells 12");
    for line in ["compare x.vdfb many.npy", "plot x.vdfb many.npy -o x.png"] {
        let refused = folder.run(line);
        assert!(refused.code == 2 && refused.err.contains("many.npy: it holds 3 cells: say with --cells"), "{line}");
    }
    let l2 = |cell: u64| folder.json(&format!("compare x.vdfb many.npy --json --cells {cell}"))["errors"]["l2"].clone();
    assert_eq!((&l2(0)["worst_cell"], &l2(2)["worst_cell"]), (&0.into(), &2.into()));
    folder.done("plot x.vdfb many.npy -o x.png --cell 2");
    let population = Vdf::read_npy(folder.path("many.npy")).unwrap_err().to_string();
    assert!(population.contains("a population of 3 cells"), "{population}");
    assert_eq!(folder.run("cat 0 x.vdfb --stream").out_bytes, folder.bytes("x.vdfb"));
    folder.done("cat 0 x.vdfb --coefficients -o c.npy");
    assert!(folder.bytes("c.npy").starts_with(b"\x93NUMPY") && folder.bytes("c.json").starts_with(b"{"));
    let values = folder.done("cat 0 x.vdfb");
    assert_eq!(values.lines().count(), 1 + read("x.npy").grid().cells());
}

#[test]
fn an_input_is_never_written_over() {
    let folder = Folder::new("inputs");
    folder.shock();
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian");
    for line in ["encode shock.npy -o shock.npy", "decode a.vdfa -o a.vdfa", "plot a.vdfa shock.npy -o a.vdfa"] {
        assert_ne!(folder.run(line).code, 0, "{line}");
    }
    std::fs::hard_link(folder.path("shock.npy"), folder.path("same.vdfa")).unwrap();
    let before = folder.bytes("shock.npy");
    let refused = folder.run("encode shock.npy -o same.vdfa");
    assert!(refused.code == 1 && refused.err.contains("would be lost"), "{}", refused.err);
    assert_eq!(folder.bytes("shock.npy"), before);
    std::fs::rename(folder.path("a.vdfa"), folder.path("a.npy")).unwrap();
    let refused = folder.run("decode a.npy -o a.npy");
    assert!(refused.code == 1 && refused.err.contains("would be lost"), "{}", refused.err);
}

#[test]
fn cells_that_cannot_be_encoded_are_left_out_and_said_to_be() {
    let folder = Folder::new("left-out");
    folder.shock();
    let zero = Vdf::zeros(VelocityGrid::unit([4, 5, 6]).unwrap());
    zero.write_npy(folder.path("zero.npy"), Precision::Double).unwrap();
    let partly = folder.run("encode shock.npy zero.npy -o a.vdfa --basis maxwellian");
    assert!(partly.code == 3 && partly.err.contains("zero.npy: cell 3"), "{}: {}", partly.code, partly.err);
    assert_eq!(folder.json("info a.vdfa --json")["cells"], 3);
    let many = folder.run("encode zero.npy zero.npy shock.npy zero.npy -o b.vdfa --basis maxwellian");
    assert_eq!(many.err.lines().filter(|line| line.starts_with("left out")).count(), 2, "{}", many.err);
    assert!(many.err.contains("as well: cells 1,5"), "{}", many.err);
    let none = folder.run("encode zero.npy -o none.vdfa --basis maxwellian");
    assert!(none.code == 1 && !folder.path("none.vdfa").exists() && folder.no_parts(), "{}", none.err);
}

#[test]
fn bad_input_is_refused_with_the_name_of_the_file_and_what_there_is() {
    let folder = Folder::new("bad");
    folder.shock();
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian --population proton");
    folder.write("bad.vdfa", b"VDFA\x01 and then nothing of use");
    folder.write("text.vdfa", b"no archive");
    folder.write("other.json", br#"{"shape": [4, 4, 4], "lower": [0, 0, 0], "spacing": [1, 1, 1]}"#);
    let large = Vdf::from_fn(VelocityGrid::unit([4, 5, 6]).unwrap(), |v| 1e40 * v[0]).unwrap();
    large.write_npy(folder.path("large.npy"), Precision::Double).unwrap();
    folder.done("encode large.npy -o large.vdfa --basis cells");
    folder.write("bad.npy", b"no array");
    folder.write("bad.vlsv", b"no VLSV file");
    let lines = [
        ("info none.vdfa", 1, "none.vdfa"),
        ("info text.vdfa", 1, "text.vdfa: neither an archive"),
        ("info .", 1, "."),
        ("encode bad.npy -o x.vdfa", 1, "bad.npy"),
        ("encode bad.vlsv -o x.vdfa", 1, "bad.vlsv"),
        ("encode none.npy -o x.vdfa", 1, "none.npy"),
        ("encode shock.npy -o nowhere/x.vdfa", 1, "nowhere"),
        ("encode shock.npy -o x.zip", 2, ".vdfa"),
        ("encode shock.npy -o x.vdfb", 2, "one cell, not 3"),
        ("encode shock.npy -o x.vdfa --basis nonsense", 2, "nonsense"),
        ("encode shock.npy -o x.vdfa --cells 7", 1, "the nearest is 2"),
        ("encode shock.npy -o x.vdfa --cells 7-9", 1, "from 7 to 9"),
        ("encode shock.npy -o x.vdfa --cells many", 2, "ranges"),
        ("encode shock.npy -o x.vdfa --order curve", 1, "position"),
        ("encode shock.npy -o x.vdfa --box 5", 2, ".vlsv"),
        ("encode shock.npy -o x.vdfa --grid other.json", 1, "other.json: its grid has [4,4,4] cells"),
        ("encode shock.npy -o x.vdfa --grid other.json --spacing 1,1,1", 2, "--spacing"),
        ("decode a.vdfa -o x.npy --population helium", 1, "there is no population helium; there is proton"),
        ("decode a.vdfa -o x.npy --cells 9", 1, "the nearest is 2"),
        ("decode a.vdfa -o x.txt", 2, ".npz"),
        ("decode a.vdfa -o x.vlsv", 2, "--like"),
        ("decode a.vdfa -o nowhere/x.npy", 1, "nowhere"),
        ("cat 9 a.vdfa", 1, "a.vdfa"),
        ("compare a.vdfa shock.npy --bound l3=1", 2, "l2"),
        ("plot a.vdfa -o x.svg", 2, ".png"),
        ("synthesise no-such -o x.npy", 2, "beams"),
        ("synthesise beams -o p.json", 2, "p.json: its name must end with .npy"),
        ("synthesise beams -o p", 2, "must end with .npy"),
        ("synthesise beams --cells 600 -o x.npy", 2, "more than"),
        ("decode large.vdfa --single -o x.npy", 1, "too large for --single"),
        ("encode", 2, "Usage"),
    ];
    for (line, code, part) in lines {
        let refused = folder.run(line);
        assert!(refused.code == code && refused.err.contains(part), "{line}: {}: {}", refused.code, refused.err);
    }
    assert!(!folder.path("x.vdfa").exists() && !folder.path("x.npy").exists() && folder.no_parts());
    // What is left of an archive is nothing, and that is said.
    let bad = folder.run("info bad.vdfa");
    assert!(bad.code == 3 && String::from_utf8(bad.out_bytes).unwrap().contains("no group is whole"));
    assert_eq!(folder.run("decode bad.vdfa -o x.npy").code, 1);
}

#[test]
fn a_check_finds_the_damaged_groups() {
    let folder = Folder::new("check");
    folder.shock();
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian --group 1");
    assert!(folder.done("info a.vdfa --check").contains("all cells can be decoded"));
    let mut bytes = folder.bytes("a.vdfa");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    folder.write("b.vdfa", &bytes);
    let found = folder.run("info b.vdfa --check --json");
    let content: serde_json::Value = serde_json::from_slice(&found.out_bytes).unwrap();
    assert!(found.code == 3 && content["damaged"].as_array().unwrap().len() == 1, "{}: {content}", found.code);
    // The cell keeps its place in the array and in the file beside it.
    assert_eq!(folder.run("decode b.vdfa -o x.npy").code, 3);
    assert_eq!(folder.read_json("x.json")["cells"].as_array().unwrap().len(), 3);
}

#[test]
fn moments_are_printed_of_files_and_of_what_was_encoded() {
    let folder = Folder::new("moments");
    folder.done("synthesise bi-maxwellian --cells 20 -o b.npy");
    folder.done("encode b.npy -o b.vdfb --cells 0 --grid b.json --basis conserve(fast):l2=0.05");
    let of = |line: &str| folder.json(&format!("moments {line} --field 0,0,-2 --json"))["cells"][0].clone();
    let (source, back) = (of("b.npy --grid b.json"), of("b.vdfb"));
    // Those of the library, in kelvin; T is the mean of the three.
    let grid = folder.read_json("b.json");
    let three = |key: &str| std::array::from_fn(|axis| grid[key][axis].as_f64().unwrap());
    let vdf = Vdf::read_npy(folder.path("b.npy")).unwrap().with_geometry(three("lower"), three("spacing")).unwrap();
    let moments = vdf.moments();
    let kelvin = |axis: usize| 1.67262192595e-27 * moments.pressure[axis][axis] / moments.density / 1.380649e-23;
    let figure = |key: &str| source[key].as_f64().unwrap();
    for (key, expected) in [
        ("density", moments.density),
        ("parallel_temperature", kelvin(2)),
        ("perpendicular_temperature", 0.5 * (kelvin(0) + kelvin(1))),
        ("temperature", (kelvin(0) + kelvin(1) + kelvin(2)) / 3.0),
    ] {
        assert!((figure(key) / expected - 1.0).abs() < 1e-12, "{key}: {} {expected}", figure(key));
    }
    for key in ["density", "temperature", "parallel_temperature", "perpendicular_temperature", "anisotropy"] {
        let [source, back] = [&source, &back].map(|cell| cell[key].as_f64().unwrap());
        assert!((back / source - 1.0).abs() < 1e-9, "{key}: {source} {back}");
    }
    assert!(source["heat_flux"].as_array().unwrap().len() == 3 && source["field_direction"][2] == -1.0);
    // Twice the mass, twice the temperature; without a field none along it.
    let heavy = folder.json("moments b.vdfb --mass 3.345243847e-27 --json");
    let ratio = heavy["cells"][0]["temperature"].as_f64().unwrap() / source["temperature"].as_f64().unwrap();
    assert!((ratio - 2.0).abs() < 1e-6 && heavy["cells"][0]["sqrt_q"].is_null());
    assert!(folder.done("moments b.vdfb").lines().nth(1).unwrap().ends_with('-'));
    // A grid in cells is said to be one, also after a stream, an archive, and the grid file beside what is decoded.
    folder.done("encode b.npy -o cells.vdfb --basis cells");
    folder.done("encode b.npy -o cells.vdfa --basis cells");
    folder.done("decode cells.vdfa -o back.npy");
    for input in ["b.npy", "cells.vdfb", "cells.vdfa", "back.npy --grid back.json"] {
        assert!(folder.run(&format!("moments {input}")).err.contains("the grid is not known"), "{input}");
        assert_eq!(folder.json(&format!("moments {input} --json"))["velocities_in_cells"], true, "{input}");
    }
    assert_eq!(folder.json("moments b.vdfb --json")["velocities_in_cells"], false);
    // So is a field that is not known.
    assert!(folder.run("moments b.vdfb").err.contains("no magnetic field is known; give --field"));
    for line in ["moments b.vdfb --quiet", "moments b.vdfb --field 0,0,1"] {
        assert!(!folder.run(line).err.contains("magnetic field"), "{line}");
    }
    for wrong in ["--field 0,0,0", "--mass -1", "--lower 0,0,0 --spacing 1,1,1"] {
        assert_eq!(folder.run(&format!("moments b.vdfb {wrong}")).code, 2, "{wrong}");
    }
}

#[test]
fn the_field_of_a_traced_population_goes_from_its_grid_file_into_an_archive() {
    let folder = Folder::new("traced");
    folder.done("synthesise current-sheet --cells 8 --position 0.5 -o t.npy");
    let field = folder.read_json("t.json")["cells"][0]["magnetic_field"].clone();
    assert!(field[0].as_f64().unwrap() > 0.0, "{field}");
    // Half a gyroradius v_th m/(q B) from the middle of the sheet, B = 13 nT.
    let position = folder.read_json("t.json")["cells"][0]["position"].clone();
    let v_th = vdf_basis::distribution::synthetic::CurrentSheet::default().v_th;
    let expected = 0.5 * v_th * 1.67262192595e-27 / (1.602176634e-19 * 1.3e-8);
    assert!((position[2].as_f64().unwrap() / expected - 1.0).abs() < 1e-12, "{position} {expected}");
    assert_eq!((&position[0], &position[1]), (&0.0.into(), &0.0.into()));
    // One position makes one distribution.
    assert!(Vdf::read_npy(folder.path("t.npy")).is_ok());
    folder.done("encode t.npy -o t.vdfa --grid t.json");
    folder.done("decode t.vdfa -o back.npy");
    let back = folder.read_json("back.json")["cells"][0].clone();
    assert_eq!((&back["magnetic_field"], &back["position"]), (&field, &position));
    assert!(folder.done("compare t.vdfa t.npy").contains("anisotropy"));
    let turned = folder.json("compare t.vdfa t.npy --field 0,1,0 --json");
    assert!(turned["errors"]["anisotropy"] != folder.json("compare t.vdfa t.npy --json")["errors"]["anisotropy"]);
    assert_eq!(folder.run("synthesise beams --position 1 -o x.npy").code, 2);
    for wrong in ["201", "nan", "x"] {
        let outcome = folder.run(&format!("synthesise current-sheet --position {wrong} -o x.npy"));
        assert!(outcome.code == 2 && outcome.err.contains("from -200 to 200"), "{}", outcome.err);
    }
    let text = String::from_utf8(folder.bytes("t.json")).unwrap();
    folder.write("bad.json", text.replace("\"magnetic_field\": [", "\"magnetic_field\": [\"x\", ").as_bytes());
    let bad = folder.run("moments t.npy --grid bad.json");
    assert!(bad.code == 1 && bad.err.contains("three numbers or null"), "{}", bad.err);
    // The facts belong to cells: a file of other cells is refused, and cells that are damaged keep their places.
    folder.shock();
    let other = folder.run("encode shock.npy -o x.vdfa --grid t.json");
    assert!(other.code == 1 && other.err.contains("t.json"), "{}", other.err);
}

#[test]
fn cells_of_a_damaged_set_are_said_to_be_lost() {
    let folder = Folder::new("lost");
    folder.shock();
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian --population proton");
    folder.done("encode shock.npy -o a.vdfa --basis maxwellian --population helium --append --cells 0-1");
    let mut bytes = folder.bytes("a.vdfa");
    // In the name of the first population.
    bytes[9] ^= 1;
    folder.write("b.vdfa", &bytes);
    for line in
        ["info b.vdfa", "info b.vdfa --check", "decode b.vdfa -o x.npy", "compare b.vdfa shock.npy", "moments b.vdfa"]
    {
        assert_eq!(folder.run(line).code, 3, "{line}");
    }
    assert!(folder.run("moments b.vdfa").err.contains("3 cells are lost"));
    assert!(folder.run("encode shock.npy -o b.vdfa --append --population x").err.contains("a set is damaged"));
}

#[test]
fn nothing_is_wrong_where_nobody_reads_stderr() {
    let folder = Folder::new("closed");
    let mut child = Command::new(env!("CARGO_BIN_EXE_vdfb"))
        .args(["info", "none.vdfa"])
        .current_dir(folder.path(""))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    // Not the 101 of a panic.
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn help_has_examples_and_shells_complete() {
    let folder = Folder::new("help");
    assert!(folder.done("help encode").contains("Examples:\n  vdfb encode"));
    assert!(folder.done("--help").contains("Exit codes"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.done(&format!("completions {shell}")).contains("synthesise"));
    }
}
