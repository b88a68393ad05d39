//! The properties that the fuzz targets test, without libFuzzer: a target hands its bytes over, `src/bin/speed.rs`
//! changes seeds by itself.

pub mod c_face;

use std::sync::LazyLock;

use vdf_basis::{AnyBasis, Archive, Basis, Crop, Expansion, PopulationPca, Precision, Registry, Vdf, VlsvFile};

/// Largest grid that is decoded. Work grows with the cells, coverage hardly does.
const MOST_CELLS: usize = 1 << 6;

/// Made once: that takes as long as to decode a short stream.
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

/// Any bytes behind a right magic, version and checksum: an error, or an expansion.
pub fn decode(content: &[u8]) {
    let _ = expansion(content);
}

/// What was decoded can be reconstructed, and is written as coefficients that are read and written again to the bit. Several
/// times as slow as [`decode`] alone.
pub fn rewrite(content: &[u8]) {
    let Some(expansion) = expansion(content) else { return };
    let _ = expansion.reconstruct();
    if let Ok(again) = expansion.to_bytes() {
        let read = REGISTRY.decode_within(&again, MOST_CELLS).expect("what was written is read");
        assert!(read.to_bytes().expect("what was read is written") == again);
    }
}

fn expansion(content: &[u8]) -> Option<Expansion<AnyBasis>> {
    let expansion = REGISTRY.decode_within(&sealed(content), MOST_CELLS).ok()?;
    assert!(expansion.grid().cells() <= MOST_CELLS);
    Some(expansion)
}

/// Any bytes as the mean and the components of a population: the first says how many streams of equal length the others are,
/// which get right magics, versions and checksums, as the whole does.
pub fn components(content: &[u8]) {
    let Some((count, rest)) = content.split_first() else { return };
    let length = rest.len().div_ceil(1 + usize::from(count % 4)).max(1);
    let mut bytes = [b"VDC".as_slice(), &[vdf_basis::container::VERSION]].concat();
    for stream in rest.chunks(length).map(sealed) {
        bytes.extend(u32::try_from(stream.len()).expect("inputs are short").to_le_bytes());
        bytes.extend(stream);
    }
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let Ok(read) = PopulationPca::from_stream_within(&bytes, 4 * MOST_CELLS) else { return };
    assert!(read.grid().cells() * (1 + read.components().len()) <= 4 * MOST_CELLS);
    let zeros = Vdf::zeros(*read.grid());
    let _ = read.encode(&zeros).and_then(|scores| read.reconstruct(&scores, read.grid()));
}

/// A stream of any bytes behind a right magic, version and checksum.
fn sealed(content: &[u8]) -> Vec<u8> {
    let mut bytes = [b"VDF".as_slice(), &[vdf_basis::container::VERSION], content].concat();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Any bytes as a `.npy` file: an error, or a distribution that is written and read again bit by bit.
pub fn npy(bytes: &[u8]) {
    let Ok(vdf) = Vdf::from_npy(bytes) else { return };
    let mut written = Vec::new();
    vdf.to_npy(&mut written, Precision::Double).expect("a vector takes all");
    let read = Vdf::from_npy(&written[..]).expect("what was written is read");
    assert!(read.as_slice().iter().zip(vdf.as_slice()).all(|(a, b)| a.to_bits() == b.to_bits()));
}

/// Any bytes as a VLSV file: an error, or distributions that lie on their velocity mesh.
pub fn vlsv(bytes: &[u8]) {
    const MOST_VLSV_CELLS: usize = 1 << 14;
    let Ok(file) = VlsvFile::from_bytes(bytes) else { return };
    let file = file.with_limit(MOST_VLSV_CELLS);
    for population in file.populations() {
        let Ok(cells) = file.cells(population) else { continue };
        for &cell in cells.iter().take(3) {
            for crop in [Crop::Stored, Crop::Peak(2), Crop::Whole] {
                let Ok(read) = file.read(cell, population, crop) else { continue };
                let (shape, mesh) = (read.vdf.grid().shape(), read.mesh.grid.shape());
                assert!((0..3).all(|axis| read.first[axis] + shape[axis] <= mesh[axis]));
                assert!(read.vdf.grid().cells() <= MOST_VLSV_CELLS);
            }
            let _ = file.facts(cell, population);
        }
        let _ = file.read(u64::MAX, population, Crop::Stored);
    }
}

/// Any bytes as archives.
pub fn archive(bytes: &[u8]) {
    archives(bytes).into_iter().for_each(read_archive);
}

/// Archives made of any bytes: as they are; and in two parts, the first byte being the length of the former, which are the
/// payloads of a set and of a group, or a damaged set and the payload of an index, with right checksums.
fn archives(bytes: &[u8]) -> Vec<Vec<u8>> {
    let prefix = [b"VDFA".as_slice(), &[vdf_basis::archive::VERSION]].concat();
    let mut made = vec![[&prefix, bytes].concat()];
    if let Some((length, rest)) = bytes.split_first() {
        let (first, second) = rest.split_at(usize::from(*length & 0x7f).min(rest.len()));
        made.push([&prefix[..], &chunk(b'S', first), &chunk(b'G', second)].concat());
        let offset = (prefix.len() + first.len()) as u64;
        made.push([&prefix[..], first, &chunk(b'I', second), &offset.to_le_bytes(), b"AFDV"].concat());
    }
    made
}

/// A chunk of an archive.
fn chunk(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut length = payload.len();
    while length >= 1 << 7 {
        bytes.push(length as u8 | 1 << 7);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(payload);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn read_archive(bytes: Vec<u8>) {
    let Ok(archive) = Archive::from_bytes_within(bytes, MOST_CELLS) else { return };
    let populations: Vec<_> = archive.populations().map(str::to_owned).collect();
    for population in populations {
        let Ok(cells) = archive.cells(&population) else { continue };
        for &cell in cells.iter().take(3) {
            let Ok(record) = archive.read(cell, &population) else { continue };
            assert!(record.cell == cell && record.expansion.grid().cells() <= MOST_CELLS);
        }
    }
    let _ = archive.info();
    if let Ok(lost) = archive.lost_cell_ids() {
        assert_eq!(lost.len(), archive.lost_cells());
    }
}
