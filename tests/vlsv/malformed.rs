//! Files that are cut, damaged, hostile, or of a kind that is not read: an error that names the file and the value.

use rand::Rng;
use vdf_basis::{Crop, Error, VlsvFile};

use crate::testing::for_cases;
use crate::writer::{Naming, Run, VlsvWriter, hermite_stream};

fn run() -> Run {
    Run::new(false, 4, 4, Naming::Named("proton"))
}

/// Everything that can be asked of a file; the errors that it gives.
fn exercise(bytes: &[u8]) -> Vec<Error> {
    let file = match VlsvFile::from_bytes(bytes) {
        Ok(file) => file.with_limit(1 << 20),
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    for population in file.populations() {
        let cells = match file.cells(population) {
            Ok(cells) => cells,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        problems.extend(file.mesh(population).err());
        for &cell in cells.iter().take(4) {
            let crops = [Crop::Stored, Crop::Peak(3), Crop::Whole];
            problems.extend(crops.into_iter().filter_map(|crop| file.read(cell, population, crop).err()));
            problems.extend(file.facts(cell, population).err());
        }
        problems.extend(file.read(u64::MAX, population, Crop::Stored).err());
    }
    problems
}

/// The complaint about reading cell 5.
fn complaint(bytes: Vec<u8>) -> String {
    let read = VlsvFile::from_bytes(bytes).and_then(|file| file.read(5, "proton", Crop::Stored));
    read.unwrap_err().to_string()
}

/// The file with a change in its footer.
fn with(from: &str, to: &str) -> Vec<u8> {
    let bytes = run().file();
    let footer = bytes.windows(6).rposition(|window| window == b"<VLSV>").unwrap();
    let text = std::str::from_utf8(&bytes[footer..]).unwrap();
    assert!(text.contains(from), "{from}");
    [&bytes[..footer], text.replacen(from, to, 1).as_bytes()].concat()
}

/// The whole element with this tag that contains `part`.
fn element(tag: &str, part: &str) -> String {
    let bytes = run().file();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let line = text.lines().find(|line| line.contains(&format!("<{tag} ")) && line.contains(part));
    line.unwrap().trim().to_owned()
}

#[test]
fn other_files_and_cut_ones_are_refused() {
    for (bytes, part) in [
        (vec![], "0 bytes; a VLSV file has 16"),
        (b"\x93NUMPY and so on, and on".to_vec(), "here it is 147"),
        (vec![0; 64], "the footer should begin at byte 0 of 64"),
        ([vec![0; 8], 17_u64.to_le_bytes().to_vec()].concat(), "the footer should begin at byte 17 of 16"),
        ([vec![0; 8], 16_u64.to_le_bytes().to_vec(), vec![b'x'; 9]].concat(), "does not end with </VLSV>"),
    ] {
        let problem = VlsvFile::from_bytes(bytes).unwrap_err().to_string();
        assert!(problem.contains(part) && problem.contains("VLSV bytes: "), "{problem}");
    }
    let whole = run().file();
    for end in 0..whole.len() - 8 {
        assert!(VlsvFile::from_bytes(&whole[..end]).is_err(), "{end}");
    }
    let folder = crate::folder("kinds");
    assert!(matches!(VlsvFile::open(&folder), Err(Error::Io { .. })));
    assert!(
        matches!(VlsvFile::open(folder.join("none.vlsv")), Err(Error::Io { path, .. }) if path.ends_with("none.vlsv"))
    );
    std::fs::write(folder.join("short.vlsv"), "short").unwrap();
    assert!(VlsvFile::open(folder.join("short.vlsv")).unwrap_err().to_string().contains("short.vlsv: 5 bytes"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let file = VlsvFile::from_bytes(run().file()).unwrap();
    let refused = |cell, population| file.read(cell, population, Crop::Stored).unwrap_err().to_string();
    assert_eq!(refused(5, "electron"), "population = electron is not allowed: VLSV bytes has proton");
    // Cell 1 lies beside 2, cell 6 beside 5, which is saved without blocks itself.
    assert!(refused(1, "proton").contains("cell = 1 is not allowed: 2 cells"));
    assert!(refused(1, "proton").contains("the nearest is 2"));
    assert!(refused(6, "proton").contains("the nearest is 5"));
    assert!(refused(7_000_000, "proton").contains("the nearest is"));
    assert!(file.read(5, "proton", Crop::Peak(0)).is_err());

    let none = VlsvFile::from_bytes(run().facts().finish()).unwrap();
    assert_eq!(none.populations().count(), 0);
    assert!(none.cells("proton").unwrap_err().to_string().contains("has no distributions"));
    let empty = Run { cells: vec![], ..run() };
    let file = VlsvFile::from_bytes(empty.file()).unwrap();
    assert_eq!(file.cells("proton").unwrap(), [] as [u64; 0]);
    let problem = file.read(5, "proton", Crop::Stored).unwrap_err().to_string();
    assert!(problem.contains("was saved without distributions of proton"), "{problem}");
}

#[test]
fn lists_that_lie_are_refused() {
    let cells = |cells: Vec<(u64, Vec<u64>)>| complaint(Run { cells, ..run() }.file());
    assert!(cells(vec![(5, vec![0]), (5, vec![1])]).contains("cell 5 is twice in CELLSWITHBLOCKS of proton"));
    assert!(cells(vec![(5, vec![3, 0, 3])]).contains("cell 5: a block is there twice"));
    assert!(complaint(with("arraysize=\"3\" datasize=\"4\"", "arraysize=\"2\" datasize=\"4\"")).contains("2 counts"));
    let ids = element("BLOCKIDS", "proton");
    assert!(complaint(with(&ids, &ids.replace("\"7\"", "\"6\""))).contains("6 BLOCKIDS of proton, but 7 blocks"));
    assert!(complaint(with(&ids, "")).contains("blocks by coordinates, of before 2014, are not read"));
    assert!(complaint(with(&ids, &ids.replace("uint", "float"))).contains("floating-point numbers"));
    let mut file = run().file();
    let offset: usize = ids.split(['>', '<']).nth(2).unwrap().parse().unwrap();
    file[offset..offset + 4].copy_from_slice(&24_u32.to_le_bytes());
    let problem = complaint(file.clone());
    assert!(
        problem.contains("VLSV bytes: BLOCKIDS of proton, cell 5: block 24, but the velocity mesh has 24"),
        "{problem}"
    );
    let text = String::from_utf8_lossy(&file).into_owned();
    let level = text.find("max_velocity_ref_level=\"0\"").unwrap();
    let place = file.windows(26).position(|window| window == &text.as_bytes()[level..level + 26]);
    file[place.unwrap() + 24] = b'1';
    assert!(complaint(file).contains("a refined velocity mesh is not read"));
}

#[test]
fn arrays_beyond_the_file_are_refused_before_memory_is_taken() {
    let blocks = element("BLOCKVARIABLE", "proton");
    for (from, to) in [("\"7\"", "\"1152921504606846976\""), ("\"64\"", "\"18446744073709551615\"")] {
        let problem = complaint(with(&blocks, &blocks.replace(from, to)));
        assert!(problem.contains("VLSV bytes: "), "{problem}");
    }
    let offset = blocks.split(['>', '<']).nth(2).unwrap();
    for end in ["99999999", "18446744073709551615", "-1", "many", "", "1&amp;2"] {
        let problem = complaint(with(&format!(">{offset}<"), &format!(">{end}<")));
        assert!(problem.contains("BLOCKVARIABLE of proton"), "{problem}");
    }
    for tag in ["CELLSWITHBLOCKS", "BLOCKSPERCELL"] {
        let list = element(tag, "proton");
        let problem = complaint(with(&list, &list.replace("\"3\"", "\"1152921504606846976\"")));
        assert!(problem.contains(tag) && problem.contains("bytes"), "{problem}");
    }
    let mesh = element("MESH_BBOX", "proton");
    assert!(complaint(with(&mesh, &mesh.replace("\"6\"", "\"5\""))).contains("MESH_BBOX of proton"));
    assert!(complaint(with(&mesh, "")).contains("neither MESH_BBOX nor vxblocks_ini"));
    let edges = element("MESH_NODE_CRDS_Y", "proton");
    assert!(complaint(with(&edges, &edges.replace("\"17\"", "\"16\""))).contains("has 16 edges, not 17"));
}

#[test]
fn meshes_that_are_no_grids_are_refused() {
    let with_box = |numbers: &[u64]| {
        let mut writer = VlsvWriter::new(false);
        writer.integers("MESH_BBOX", "mesh=\"proton\"", 8, numbers);
        writer.integers("CELLSWITHBLOCKS", "name=\"proton\"", 8, &[5]);
        writer.integers("BLOCKSPERCELL", "name=\"proton\"", 8, &[1]);
        writer.integers("BLOCKIDS", "name=\"proton\"", 8, &[0]);
        writer.floats("BLOCKVARIABLE", "name=\"proton\"", 4, 64, &[1.0; 64]);
        for (axis, edges) in [("X", 5), ("Y", 5), ("Z", 5)] {
            let edges: Vec<f64> = (0..edges).map(|k| f64::from(k * k)).collect();
            writer.floats(&format!("MESH_NODE_CRDS_{axis}"), "mesh=\"proton\"", 8, 1, &edges);
        }
        complaint(writer.finish())
    };
    assert!(with_box(&[1, 1, 1, 4, 4, 4]).contains("not uniform: edge 1 along x is 1"));
    assert!(with_box(&[1, 1, 1, 4, 4, 2]).contains("only cubes are read"));
    assert!(with_box(&[1, 1, 1, 5, 5, 5]).contains("5^3 cells, but BLOCKVARIABLE has 64"));
    assert!(with_box(&[0, 1, 1, 4, 4, 4]).contains("[0, 1, 1] blocks"));
    assert!(with_box(&[1 << 31, 1 << 31, 1 << 31, 4, 4, 4]).contains("2^32 - 1 are allowed"));
    assert!(with_box(&[1 << 20, 1, 1, 4, 4, 4]).contains("has 5 edges, not 4194305"));
    assert!(with_box(&[1, 1, 1, 1 << 40, 1 << 40, 1 << 40]).contains("1 to 64 are read"));
    // Two blocks far apart in a mesh whose ends are parameters: a large box of few bytes.
    let far = Run { blocks: [1 << 8; 3], cells: vec![(5, vec![0, (1 << 24) - 1])], ..run() };
    let far = Run { naming: Naming::Avgs, ..far };
    let problem = VlsvFile::from_bytes(far.file()).unwrap().read(5, "avgs", Crop::Stored).unwrap_err().to_string();
    assert!(problem.contains("box = [1024, 1024, 1024] is not allowed: at most 67108864 cells"), "{problem}");
}

#[test]
fn codecs_that_are_not_read_are_refused_by_name() {
    for codec in ["ZFP", "OCTREE", "MLP", "MLP_MULTI", "SOMETHING"] {
        let file = VlsvFile::from_bytes(run().compressed(codec, &[1, 2, 3])).unwrap();
        assert_eq!(file.cells("proton").unwrap(), [3]);
        match file.read(3, "proton", Crop::Stored).unwrap_err() {
            Error::UnsupportedFile { problem, .. } => assert!(problem.contains(&format!("stored by {codec}, which"))),
            other => panic!("{other}"),
        }
    }
    let numbered = |number: u64| {
        let bytes = run().compressed("NONE", &[1, 2, 3]);
        let footer = bytes.windows(6).rposition(|window| window == b"<VLSV>").unwrap();
        let text = String::from_utf8_lossy(&bytes[footer..]).into_owned();
        let value = format!("<PARAMETERS name=\"COMPRESSION\" value=\"{number}\"/></VLSV>");
        let file = [&bytes[..footer], text.replace("</VLSV>", &value).as_bytes()].concat();
        VlsvFile::from_bytes(file).unwrap().read(3, "proton", Crop::Stored).unwrap_err().to_string()
    };
    assert!(numbered(1).contains("ZFP") && numbered(2).contains("OCTREE") && numbered(9).contains("codec 9"));
    assert!(numbered(5).contains("the Hermite stream of proton, cell 3: a stream that was cut"));
}

#[test]
fn hermite_streams_that_lie_are_refused() {
    let whole = hermite_stream(3e8);
    let refused = |stream: &[u8]| {
        let file = VlsvFile::from_bytes(run().compressed("HERMITE", stream)).unwrap().with_limit(1 << 20);
        file.read(3, "proton", Crop::Stored).map(|_| ()).map_err(|problem| problem.to_string())
    };
    assert_eq!(refused(&whole), Ok(()));
    for end in 1..whole.len() {
        assert!(refused(&whole[..end]).is_err());
    }
    let changed = |at: usize, bytes: &[u8]| {
        let mut stream = whole.clone();
        stream[at..at + bytes.len()].copy_from_slice(bytes);
        refused(&stream).unwrap_err()
    };
    assert!(changed(0, &2000_i32.to_le_bytes()).contains("lengths that do not agree"));
    assert!(changed(0, &(-1_i32).to_le_bytes()).contains("lengths that do not agree"));
    assert!(changed(4, &f32::NAN.to_le_bytes()).contains("not finite"));
    assert!(changed(28, &f32::INFINITY.to_le_bytes()).contains("not finite"));
    for count in [0, 1, 1 << 20, 1 << 60, u64::MAX] {
        assert!(changed(whole.len() - 8, &u64::to_le_bytes(count)).contains("the mesh has 8 cells"));
    }
    let without = Run { naming: Naming::Avgs, ..run() };
    let file = VlsvFile::from_bytes(without.compressed("HERMITE", &whole)).unwrap();
    let problem = file.read(3, "avgs", Crop::Stored).unwrap_err().to_string();
    assert!(problem.contains("need a sparsity threshold"), "{problem}");
}

#[test]
fn xml_bombs_have_no_effect() {
    let whole = run().file();
    let footer = whole.windows(6).rposition(|window| window == b"<VLSV>").unwrap();
    let with_footer = |text: &str| VlsvFile::from_bytes([&whole[..footer], text.as_bytes()].concat());
    let laughs =
        "<!DOCTYPE lolz [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><VLSV><MESH name=\"&b;\"/></VLSV>";
    assert!(with_footer(laughs).unwrap_err().to_string().contains("document type"));
    assert!(with_footer("<VLSV><MESH name=\"&b;\"/></VLSV>").unwrap_err().to_string().contains("MESH"));
    assert!(with_footer("<VLSV><MESH></VLSV></MESH></VLSV>").is_err());
    assert!(with_footer("<VLSV><MESH name=unquoted></MESH></VLSV>").is_err());
    // Deep, wide, many attributes: all in linear time.
    let deep = format!("<VLSV>{}{}</VLSV>", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert_eq!(with_footer(&deep).unwrap().populations().count(), 0);
    let attributes: String = (0..200_000).map(|k| format!(" a{k}=\"\"")).collect();
    assert_eq!(with_footer(&format!("<VLSV><MESH{attributes}/></VLSV>")).unwrap().populations().count(), 0);
    let wide = format!("<VLSV>{}</VLSV>", "<MESH/>".repeat(70_000));
    assert!(with_footer(&wide).unwrap_err().to_string().contains("more than 65536 elements"));
}

#[test]
fn densities_that_are_not_finite_are_refused() {
    let mut file = run().file();
    let offset: usize = element("BLOCKVARIABLE", "proton").split(['>', '<']).nth(2).unwrap().parse().unwrap();
    file[offset + 4 * 64 + 20..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let problem = complaint(file);
    assert!(problem.contains("proton, cell 5") && problem.contains("is NaN"), "{problem}");
}

#[test]
fn damaged_files_never_panic() {
    let files = [
        run().file(),
        Run::new(true, 8, 1, Naming::Nameless).file(),
        run().compressed("HERMITE", &hermite_stream(3e8)),
    ];
    for file in &files {
        assert!(exercise(file).iter().all(|problem| problem.to_string().contains("18446744073709551615")));
    }
    // Every bit of the footers, whose bytes are text.
    for file in &files {
        let footer = file.windows(6).rposition(|window| window == b"<VLSV>").unwrap();
        for bit in (0..128).chain(8 * footer..8 * file.len()) {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            exercise(&damaged);
        }
    }
    for_cases(3000, |random| {
        let mut file = files[random.random_range(0..files.len())].clone();
        for _ in 0..random.random_range(1..6) {
            let place = random.random_range(0..file.len());
            file[place] =
                if random.random_bool(0.5) { random.random() } else { b"0123456789<>\"/ "[random.random_range(0..15)] };
        }
        exercise(&file);
    });
}
