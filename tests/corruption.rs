//! Damaged streams: every truncation and every single-bit flip of streams of every kind gives an error or a valid
//! distribution, never a panic, a hang or an allocation beyond what is stated. With the checksum as it was, each is an
//! error; with the checksum repaired, the decoder itself must cope.
#![allow(clippy::unwrap_used, clippy::panic)]

use peak_alloc::PeakAlloc;
use vdf_basis::MOST_COEFFICIENTS;
use vdf_basis::{Error, Expansion, Registry, Sampling, Synthetic, Vdf, VelocityGrid};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const SPECS: [&str; 32] = [
    "maxwellian",
    "quantized(maxwellian:covariance=full)",
    "hermite:order=2",
    "hermite:order=4,terms=5",
    "hermite:order=3,frame=pressure,search=moments,l2=0.3",
    "mixture:components=2,covariance=diagonal",
    "quantized(mixture:components=3)",
    "mixture:components=2,covariance=tied,kappa=3,l2=0.4",
    "cosine:terms=6",
    "cosine:l2=0.3",
    "cosine:block=3,keep=1/2/1",
    "wavelet:terms=6",
    "wavelet:filter=bior1.3,boundary=symmetric,level=1,rounding=int8,terms=8",
    "wavelet:l2=0.3",
    "cells:l2=0.3",
    "octree:l2=0.4",
    "quantized(octree:l2=0.2,leaf=best)",
    "pca:components=1",
    "quantized(pca:components=2,values=linear)",
    "spherical:degree=1,shells=4",
    "quantized(spherical:method=misner,degree=1)",
    "spherical:method=burnett,degree=3,l2=0.9",
    "smallest:l2=0.3",
    "log(maxwellian)",
    "log(cosine):l2=0.3",
    "maxwellian + cosine:terms=3",
    "maxwellian * cosine:terms=3",
    "quantized(mixture:components=2,refine=log10 * wavelet):l2=0.5",
    "quantized(maxwellian + wavelet):l2=0.3",
    "conserve(maxwellian)",
    "conserve(maxwellian + cosine):l2=0.3",
    "conserve(quantized(cosine):l2=0.4):heat-flux=yes",
];

/// Largest grid that is read here.
const MOST_CELLS: usize = 1 << 12;

fn grid() -> VelocityGrid {
    Synthetic::default_grid("gyrating-ring", 7).unwrap()
}

fn stream(spec: &str) -> Vec<u8> {
    let grid = grid();
    let vdf = Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    let vdf = Vdf::new(VelocityGrid::unit(grid.shape()).unwrap(), vdf.into_values()).unwrap();
    Expansion::encode(&Registry::standard().parse(spec).unwrap(), &vdf).unwrap().to_bytes().unwrap()
}

/// With the checksum that belongs to its content.
fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len().saturating_sub(4);
    let checksum = crc32fast::hash(&bytes[..end]).to_le_bytes();
    bytes.truncate(end);
    bytes.extend(checksum);
    bytes
}

/// Whether it is read; if so, to finite values or to a reason why there are none.
fn read(bytes: &[u8], what: &str) -> bool {
    match Registry::standard().decode_within(bytes, MOST_CELLS) {
        Ok(expansion) => {
            assert!(expansion.grid().cells() <= MOST_CELLS, "{what}");
            match expansion.reconstruct() {
                Ok(vdf) => assert_eq!(vdf.grid(), expansion.grid(), "{what}"),
                Err(Error::NotFinite { .. } | Error::ForeignCoefficients(_) | Error::GridMismatch { .. }) => {}
                Err(other) => panic!("{what}: {other:?}"),
            }
            true
        }
        Err(
            Error::MalformedStream(_)
            | Error::UnsupportedVersion { .. }
            | Error::LimitExceeded { .. }
            | Error::InvalidSpec { .. }
            | Error::InvalidParameter { .. }
            | Error::ForeignCoefficients(_)
            | Error::InvalidGrid(_),
        ) => false,
        Err(other) => panic!("{what}: {other:?}"),
    }
}

fn damaged(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let cut = (0..bytes.len()).map(|len| (format!("cut to {len}"), bytes[..len].to_vec()));
    let flipped = (0..8 * bytes.len()).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit} flipped"), bytes)
    });
    cut.chain(flipped).collect()
}

/// One test, since memory is that of the whole process.
#[test]
fn damage_is_noticed_and_repaired_checksums_do_no_harm() {
    // Tables and coefficients: a multiple of the largest grid that is read, and of the most coefficients.
    let bound = 64 * 8 * MOST_CELLS + 4 * 8 * MOST_COEFFICIENTS;
    // Whatever does not claim more than the stream had before: its own cells, and the models of the coder.
    let usual = 64 * 8 * grid().cells() + (1 << 20);
    let (mut valid, mut all, mut larger) = (0, 0, 0);
    for spec in SPECS {
        let bytes = stream(spec);
        assert!(read(&bytes, spec));
        for (damage, damaged) in damaged(&bytes) {
            let what = format!("{spec}, {damage}");
            let refused = Registry::standard().decode(&damaged);
            assert!(
                matches!(refused, Err(Error::MalformedStream(_) | Error::UnsupportedVersion { .. })),
                "{what}: {refused:?}"
            );
            let before = ALLOCATED.current_usage();
            ALLOCATED.reset_peak_usage();
            valid += usize::from(read(&repaired(damaged), &what));
            let used = ALLOCATED.peak_usage() - before;
            assert!(used < bound, "{what}: {used} bytes");
            all += 1;
            larger += usize::from(used > usual);
        }
    }
    // On a long line of cells, too, where tables by cells and functions would be large.
    for shape in [[8192, 1, 1], [1, 8192, 1], [1, 1, 8192]] {
        for spec in ["cosine:terms=2", "wavelet:terms=2", "hermite:order=128,search=moments,l2=0.5", "octree:l2=0.5"] {
            let grid = VelocityGrid::unit(shape).unwrap();
            let vdf = Vdf::from_fn(grid, |[x, y, z]| (-1e-6 * (x + y + z - 3000.0).powi(2)).exp()).unwrap();
            let bytes =
                Expansion::encode(&Registry::standard().parse(spec).unwrap(), &vdf).unwrap().to_bytes().unwrap();
            let before = ALLOCATED.current_usage();
            ALLOCATED.reset_peak_usage();
            Registry::standard().decode(&bytes).unwrap().reconstruct().unwrap();
            let used = ALLOCATED.peak_usage() - before;
            assert!(used < 64 * 8 * grid.cells() + 8 * MOST_COEFFICIENTS, "{spec} on {shape:?}: {used} bytes");
        }
    }
    // The decoder itself was reached, and often found something valid.
    assert!(valid > 1000, "{valid}");
    assert!(1000 * larger < all, "{larger} of {all}");
}

#[test]
fn what_is_no_stream_says_why() {
    let problem = |bytes: &[u8]| Registry::standard().decode(bytes).unwrap_err().to_string();
    assert!(problem(b"").contains("shorter than any stream"));
    assert!(problem(b"VDF\x01").contains("shorter than any stream"));
    assert!(problem(&[0x93; 200]).contains("begins with"));
    let future = repaired([b"VDF\xfe".as_slice(), &[7; 100]].concat());
    assert!(problem(&future).contains("version 254 of the format; this crate reads version"));
    // 2⁶⁰ cells: three axes of 2²⁰.
    let mut coder = vdf_basis::Coder::writing();
    coder.count(1 << 20, usize::MAX).unwrap();
    coder.bits(0b11, 2);
    let claims = repaired([b"VDF\x01", &coder.finish()[..], &[0; 4]].concat());
    assert!(problem(&claims).contains("[1048576, 1048576, 1048576]"));
}

#[test]
fn a_larger_grid_is_read_only_where_it_is_allowed() {
    let bytes = stream("maxwellian");
    let cells = Registry::standard().decode(&bytes).unwrap().grid().cells();
    assert!(Registry::standard().decode_within(&bytes, cells).is_ok());
    let refused = Registry::standard().decode_within(&bytes, cells - 1).unwrap_err();
    assert!(matches!(refused, Error::LimitExceeded { .. }), "{refused}");
}
