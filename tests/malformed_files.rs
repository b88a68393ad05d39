//! Files that are not what they claim: each gives an error that says why, and none a panic, a hang or an allocation
//! beyond the bytes that are there.
#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "../src/testing.rs"]
mod testing;

use std::io::{self, Read};

use rand::Rng;
use testing::{for_cases, vector};
use vdf_basis::distribution::io::Precision;
use vdf_basis::{Error, Vdf, VelocityGrid};

/// An `.npy` file of version 1.0, laid out by hand.
fn npy(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(dictionary.len()).unwrap();
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], dictionary.as_bytes(), data].concat()
}

fn dictionary(descr: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")
}

/// Twelve values.
fn valid() -> Vec<u8> {
    let data: Vec<u8> = (0..12).flat_map(|k| f64::from(k).to_le_bytes()).collect();
    npy(&dictionary("'<f8'", "(2, 3, 2)"), &data)
}

/// The complaint about bytes that are not an `.npy` file.
fn complaint(bytes: &[u8]) -> String {
    match Vdf::from_npy(bytes) {
        Err(Error::MalformedFile { format: ".npy", problem }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_file_to_be_spoilt_is_sound() {
    assert_eq!(Vdf::from_npy(&valid()[..]).unwrap().as_slice()[11], 11.0);
}

#[test]
fn other_files_are_refused() {
    for bytes in [&b""[..], b"\x93", b"\x93NUMPY\x01", b"PK\x03\x04 is an archive", b"\x80\x04\x95 is a pickle"] {
        assert_eq!(complaint(bytes), "it does not begin with \\x93NUMPY and a version");
    }
    for (major, minor) in [(0, 0), (1, 1), (4, 0), (255, 255)] {
        let bytes = [b"\x93NUMPY", &[major, minor][..], &[0; 100]].concat();
        assert_eq!(complaint(&bytes), format!("version {major}.{minor}; versions 1.0, 2.0 and 3.0 are allowed"));
    }
}

#[test]
fn absurd_header_lengths_are_refused_unread() {
    for length in [65_537, 1 << 31, u32::MAX] {
        let bytes = [b"\x93NUMPY\x02\x00", &length.to_le_bytes()[..]].concat();
        assert_eq!(complaint(&bytes), format!("a header of {length} bytes; at most 65536 are allowed"));
    }
    assert_eq!(complaint(b"\x93NUMPY\x03\x00\x10\x00\x00"), "it ends before the length of its header");
    assert_eq!(complaint(b"\x93NUMPY\x03\x00\x10\x00\x00\x00{'de"), "it ends 4 bytes into a header of 16");
    assert_eq!(complaint(&npy("", &[])), "the header has \"\" where `{` should be");
}

#[test]
fn other_dtypes_are_refused_by_name() {
    const ALLOWED: &str = "<f4, >f4, <f8 and >f8 are allowed";
    for dtype in ["|O", "<i4", ">i8", "|u1", "|b1", "<c16", "<f2", "<f16", "<M8[s]", "<U8", "|V8"] {
        let bytes = npy(&dictionary(&format!("'{dtype}'"), "(2, 3, 2)"), &[0; 96]);
        assert_eq!(complaint(&bytes), format!("dtype {dtype:?}; {ALLOWED}"));
    }
    let structured = complaint(&npy(&dictionary("[('f', '<f8'), ('v', '<f8', (3,))]", "(2, 3, 2)"), &[0; 96]));
    assert!(structured.starts_with("structured dtype \"('f', '<f8'), "), "{structured}");
    assert!(structured.ends_with(ALLOWED), "{structured}");
}

#[test]
fn other_shapes_are_refused_by_name() {
    for shape in [
        "()",
        "(12,)",
        "(12)",
        "(6, 2)",
        "(1, 2, 3, 2)",
        "(2, 3, 2, 1)",
        "(-2, 3, 2)",
        "(+2, 3, 2)",
        "(2, , 2)",
        "(2.0, 3, 2)",
        "(0x2, 3, 2)",
        "(2 3, 3, 2)",
        "(2, 3, 2,,)",
        "(True, 3, 2)",
        "(99999999999999999999, 1, 1)",
    ] {
        let bytes = npy(&dictionary("'<f8'", shape), &[0; 96]);
        // A shape that is no list of lengths is quoted.
        let found = complaint(&bytes).replace('"', "");
        assert!(found.starts_with(&format!("shape {shape}; three lengths are allowed")), "{found}");
    }
    assert!(complaint(&npy(&dictionary("'<f8'", "[2, 3, 2]"), &[0; 96])).contains("where `(` should be"));
    assert!(complaint(&npy(&dictionary("'<f8'", "(0, 3, 2)"), &[])).contains("shape [0, 3, 2] has no cells"));
    // The products of the last two overflow 64 bits, one of them to zero.
    for shape in ["(4294967297, 1, 1)", "(4294967296, 4294967296, 1)", "(1152921504606846976, 3, 7)"] {
        let problem = complaint(&npy(&dictionary("'<f8'", shape), &[0; 96]));
        assert!(problem.contains("has more than 4294967296 cells"), "{problem}");
    }
}

#[test]
fn dictionaries_that_numpy_does_not_write_are_refused() {
    let whole = dictionary("'<f8'", "(2, 3, 2)");
    let spoilt = |from: &str, to: &str| {
        assert!(whole.contains(from));
        complaint(&npy(&whole.replace(from, to), &[0; 96]))
    };
    assert_eq!(spoilt("'descr': '<f8', ", ""), "the header has no descr");
    assert_eq!(spoilt("'fortran_order': False, ", ""), "the header has no fortran_order");
    assert_eq!(spoilt("'shape': (2, 3, 2), ", ""), "the header has no shape");
    assert_eq!(spoilt("'shape'", "'shapes'"), "header key \"shapes\"; descr, fortran_order and shape are allowed");
    assert_eq!(spoilt("'fortran_order': False", "'descr': '<f4'"), "the header has descr twice");
    assert_eq!(spoilt("False", "0"), "the header has \"0, 'shape': (2, 3, 2), }\\n\" where True or False should be");
    assert_eq!(spoilt("'shape'", "shape"), "the header has \"shape: (2, 3, 2), }\\n\" where a string should be");
    assert_eq!(spoilt("}", "} + {}"), "the header has \" + {}\\n\" where the end should be");
    assert_eq!(spoilt(", }", ""), "the header has \"\" where `}` should be");
    assert_eq!(spoilt("2), }", "2"), "the header has \"2, 3, 2\\n\" where a whole shape should be");
    assert!(spoilt("'<f8'", "'<f8").starts_with("dtype \"<f8, \"; "));
    assert_eq!(spoilt("'shape': (2, 3, 2), }", "'"), "the header has \"\\n\" where a whole string should be");
    let mut latin = npy(&whole, &[0; 96]);
    latin[14] = 0xff;
    assert_eq!(complaint(&latin), "the header is not text");
}

#[test]
fn brackets_in_depth_cost_nothing() {
    // Parsers that recurse run out of stack here, and those that go back on their steps out of time.
    for bracket in ["(", "[", "{", "{'descr':", "{'shape':("] {
        let text = bracket.repeat(65_535 / bracket.len());
        assert!(complaint(&npy(&text, &[])).len() < 200);
        assert!(
            complaint(&npy(&dictionary(&text[..60_000 / bracket.len() * bracket.len()], "(1, 1, 1)"), &[])).len() < 200
        );
    }
}

#[test]
fn data_that_do_not_fill_the_shape_are_refused() {
    let whole = valid();
    for missing in 1..=96 {
        let problem = complaint(&whole[..whole.len() - missing]);
        assert_eq!(problem, format!("found {} bytes of values, expected 96", 96 - missing));
    }
    assert_eq!(complaint(&[&whole[..], &[0]].concat()), "found more bytes of values, expected 96");
}

#[test]
fn lengths_of_files_are_checked_before_they_are_read() {
    let folder = std::env::temp_dir().join(format!("vdf-basis-malformed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("file");
    let whole = valid();

    std::fs::write(&path, &whole).unwrap();
    assert_eq!(Vdf::read_npy(&path).unwrap(), Vdf::from_npy(&whole[..]).unwrap());
    for (bytes, found) in [(&whole[..whole.len() - 5], 91), (&[&whole[..], &[0; 7]].concat()[..], 103)] {
        std::fs::write(&path, bytes).unwrap();
        let problem = Vdf::read_npy(&path).unwrap_err().to_string();
        assert_eq!(problem, format!("malformed .npy data: found {found} bytes of values, expected 96"));
    }

    let grid = VelocityGrid::unit([2, 3, 2]).unwrap();
    let problem = Vdf::read_raw(&path, grid, Precision::Single).unwrap_err().to_string();
    let length = whole.len() + 7;
    assert_eq!(problem, format!("malformed raw data: found {length} bytes of values, expected 48"));
    std::fs::write(&path, &whole[whole.len() - 96..]).unwrap();
    let raw = Vdf::read_raw(&path, grid, Precision::Double).unwrap();
    assert_eq!(raw, Vdf::from_npy(&whole[..]).unwrap());

    raw.write_npy(&path, Precision::Single).unwrap();
    assert_eq!(Vdf::read_npy(&path).unwrap(), raw);
    raw.write_raw(&path, Precision::Single).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 48);
    assert_eq!(Vdf::read_raw(&path, grid, Precision::Single).unwrap(), raw);
    std::fs::remove_dir_all(&folder).unwrap();

    for refused in [Vdf::read_npy(&path), Vdf::read_raw(&path, grid, Precision::Double).and(Vdf::read_npy(&folder))] {
        assert!(matches!(refused, Err(Error::Io { path, .. }) if path.contains("vdf-basis-malformed")));
    }
    assert!(matches!(raw.write_raw(&path, Precision::Double), Err(Error::Io { .. })));
}

/// Ends as the disk does, not as a file.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn failing_readers_are_not_short_files() {
    let whole = valid();
    for end in [0, 7, 9, 40, whole.len() - 20, whole.len()] {
        let problem = Vdf::from_npy(whole[..end].chain(Broken)).unwrap_err().to_string();
        assert_eq!(problem, "reader: the disk is gone");
    }
}

#[test]
fn at_most_one_byte_is_read_beyond_the_values() {
    let whole = [&valid()[..], &[0; 1000]].concat();
    let mut rest = &whole[..];
    assert!(Vdf::from_npy(&mut rest).is_err());
    assert_eq!(rest.len(), 999);
}

#[test]
fn large_claims_with_few_bytes_allocate_little() {
    // 32 GiB claimed: were they allocated and zeroed, this would not end well.
    let problem = complaint(&npy(&dictionary("'<f8'", "(65536, 256, 256)"), &[0; 1000]));
    assert_eq!(problem, "found 1000 bytes of values, expected 34359738368");
    let grid = VelocityGrid::unit([65_536, 256, 256]).unwrap();
    assert!(Vdf::from_raw(io::repeat(0).take(100_000), grid, Precision::Single).is_err());
}

#[test]
fn values_that_are_not_finite_are_refused_with_their_index() {
    let mut data = [0; 96];
    // Place 10 of 12, counted from 0.
    data[80..88].copy_from_slice(&f64::NAN.to_le_bytes());
    let whole = dictionary("'<f8'", "(2, 3, 2)");
    for (dictionary, expected) in [(whole.clone(), [1, 2, 0]), (whole.replace("False", "True"), [0, 2, 1])] {
        match Vdf::from_npy(&npy(&dictionary, &data)[..]) {
            Err(Error::NotFinite { index, value }) => assert!(index == expected && value.is_nan()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_survived() {
    let whole = valid();
    for bit in 0..8 * whole.len() {
        let mut spoilt = whole.clone();
        spoilt[bit / 8] ^= 1 << (bit % 8);
        if let Ok(vdf) = Vdf::from_npy(&spoilt[..]) {
            assert_eq!(vdf.grid().cells(), 12);
        }
    }
    for end in 0..whole.len() {
        assert!(Vdf::from_npy(&whole[..end]).is_err());
    }
}

#[test]
fn spoilt_files_never_panic() {
    for_cases(1000, |random| {
        let mut bytes = valid();
        for _ in 0..random.random_range(1..8) {
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.random();
        }
        bytes.truncate(random.random_range(0..=bytes.len()));
        let _ = Vdf::from_npy(&bytes[..]);
    });
}

#[test]
fn headers_of_likely_words_never_panic() {
    const WORDS: &[&str] = &[
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        "'",
        "\"",
        "'descr'",
        "'fortran_order'",
        "'shape'",
        "'<f8'",
        "True",
        "False",
        "1",
        "0",
        "-",
        "4294967296",
        "18446744073709551616",
        " ",
        "\n",
        "\\",
        "é",
        "\u{0}",
    ];
    for_cases(1000, |random| {
        let words = vector(random, 0..40, |random| WORDS[random.random_range(0..WORDS.len())]);
        let data = vector(random, 0..64, Rng::random::<u8>);
        let _ = Vdf::from_npy(&npy(&words.concat(), &data)[..]);
    });
}
