//! Tests of archives.

use std::num::NonZeroUsize;

use super::set::Set;
use super::*;
use crate::basis::{Basis, Coefficients, Stream};
use crate::{Bound, Effort, Fidelity, Preset, Sampling, Synthetic, Vdf};

fn cells(name: &str, count: u64, side: usize) -> Vec<ArchiveCell> {
    let grid = Synthetic::default_grid(name, side).unwrap();
    let cell = |k: u64| {
        let vdf = Synthetic::named(name, k / 2).unwrap().sample(&grid, Sampling::default()).unwrap();
        let position = Some([1e6 * k as f64 + 0.1, 5e5, -1.25e7]);
        let magnetic_field = Some([1e-9 * (k as f64).sin(), f64::from(2.5e-9_f32), 0.0]);
        ArchiveCell { cell: 3 + 50 * k, facts: ArchiveFacts { time: Some(1.5), position, magnetic_field }, vdf }
    };
    (0..count).map(cell).collect()
}

fn archive(group: usize, threads: usize, spec: &str, populations: &[(&str, &[ArchiveCell])]) -> Vec<u8> {
    let [group, threads] = [group, threads].map(|number| NonZeroUsize::new(number).unwrap());
    let mut writer = ArchiveWriter::new(Vec::new()).unwrap().with_group(group).with_threads(threads);
    let basis = Registry::standard().parse(spec).unwrap();
    for (population, cells) in populations {
        let mut seen = Vec::new();
        let hook = |cell: Option<u64>, written: Result<()>| {
            seen.extend(cell);
            written
        };
        writer.write(population, &basis, cells.iter().cloned().map(Ok), hook).unwrap();
        assert!(seen.into_iter().eq(cells.iter().map(|cell| cell.cell)));
    }
    writer.finish().unwrap()
}

#[test]
fn cells_and_facts_come_back_and_the_bytes_do_not_depend_on_threads() {
    let (protons, helium) = (cells("beams", 11, 16), cells("bi-maxwellian", 5, 12));
    for spec in ["balanced:l2=0.03", "fast:l2=0.05", "quantized(hermite):l2=0.1", "wavelet", "mixture:components=2"] {
        let bytes = archive(4, 1, spec, &[("proton", &protons), ("helium", &helium)]);
        assert!(bytes == archive(4, 3, spec, &[("proton", &protons), ("helium", &helium)]), "{spec}");
        let read = Archive::from_bytes(bytes.clone()).unwrap();
        assert!(!read.is_recovered() && read.populations().eq(["proton", "helium"]));
        assert_eq!(read.groups().map(|group| group.cells.len()).collect::<Vec<_>>(), [4, 4, 3, 4, 1]);
        let info = read.info();
        assert_eq!(info.parts.iter().map(|(_, bytes)| bytes).sum::<u64>(), bytes.len() as u64);
        assert_eq!((info.sets.len(), info.sets[0].cells, info.sets[1].cells), (2, 11, 5));
        for (population, cells) in [("proton", &protons), ("helium", &helium)] {
            assert!(read.cells(population).unwrap().into_iter().eq(cells.iter().map(|cell| cell.cell)));
            for cell in cells {
                let record = read.read(cell.cell, population).unwrap();
                assert_eq!((record.facts, record.cell), (cell.facts, cell.cell));
                assert_eq!(record.expansion.basis().spec().unwrap().to_string(), spec);
                let error = Fidelity::compare(&cell.vdf, &record.expansion.reconstruct().unwrap()).unwrap().l2;
                let most = if spec.starts_with("mixture") { 0.6 } else { 0.1 };
                assert!(error <= most, "{spec}, cell {}: {error}", cell.cell);
            }
        }
        let grouped = read.read_group(1).unwrap();
        assert_eq!(grouped[2], read.read(grouped[2].cell, "proton").unwrap());
    }
}

#[test]
fn boxes_of_their_own_come_back_to_the_last_bit() {
    let whole = VelocityGrid::new([16, 12, 20], [-0.1, -1.0 / 3.0, 7.0], [0.1, 0.3, 1.0 / 7.0]).unwrap();
    let part = |first: [f64; 3], shape| {
        let lower = std::array::from_fn(|axis| whole.lower()[axis] + first[axis] * whole.spacing()[axis]);
        VelocityGrid::new(shape, lower, whole.spacing()).unwrap()
    };
    let grids = [
        whole,
        part([4.0, 0.0, 3.0], [8, 8, 8]),
        part([4.0, 1.0, 3.0], [8, 8, 9]),
        part([-5.0, 1.0, 3.0], [8, 8, 9]),
        VelocityGrid::unit([5, 6, 7]).unwrap(),
        whole,
    ];
    let vdf = |grid: &VelocityGrid| Vdf::from_fn(*grid, |[x, y, z]| 2.0 + x.sin() * y.cos() + 0.1 * z.sin()).unwrap();
    let cells: Vec<_> = grids
        .iter()
        .zip(0..)
        .map(|(grid, cell)| ArchiveCell { cell, facts: ArchiveFacts::default(), vdf: vdf(grid) })
        .collect();
    let bytes = archive(8, 2, "cosine", &[("avgs", &cells)]);
    let read = Archive::from_bytes(bytes.clone()).unwrap();
    for (grid, cell) in grids.iter().zip(0..) {
        let expansion = read.read(cell, "avgs").unwrap().expansion;
        assert_eq!(expansion.grid(), grid);
        assert!(Fidelity::compare(&vdf(grid), &expansion.reconstruct().unwrap()).unwrap().l2 < 1e-12);
    }
    assert!(Archive::from_bytes_within(bytes, 500).is_err());
}

#[test]
fn a_group_takes_fewer_bytes_than_streams_and_larger_groups_fewer_still() {
    let cells = cells("beams", 24, 20);
    for spec in ["fast:l2=0.03", "balanced:l2=0.03"] {
        let basis = Registry::standard().parse(spec).unwrap();
        let alone: usize =
            cells.iter().map(|cell| Expansion::encode(&basis, &cell.vdf).unwrap().to_bytes().unwrap().len()).sum();
        let [one, all] = [1, 24].map(|group| archive(group, 2, spec, &[("proton", &cells)]).len());
        assert!(all < one && all * 5 < alone * 4, "{spec}: {all}, {one}, {alone}");
    }
}

#[test]
fn what_cannot_be_written_is_left_out_and_the_hook_is_told() {
    let mut cells = cells("beams", 6, 12);
    cells[0].vdf = Vdf::zeros(*cells[0].vdf.grid());
    cells[3].vdf = Vdf::zeros(*cells[0].vdf.grid());
    cells[4].facts.time = Some(f64::NAN);
    let basis = Registry::standard().parse("maxwellian").unwrap();
    let mut writer = ArchiveWriter::new(Vec::new()).unwrap().with_group(NonZeroUsize::new(2).unwrap());
    let unread = Err(Error::parameter("cell", 9, "one that exists"));
    let all = [unread.clone()].into_iter().chain(cells.iter().cloned().map(Ok)).chain([unread]);
    let mut outcomes = Vec::new();
    let hook = |cell, written: Result<()>| {
        outcomes.push((cell, written.is_ok()));
        Ok(())
    };
    writer.write("proton", &basis, all, hook).unwrap();
    let told: Vec<_> = outcomes.into_iter().filter(|(_, written)| !written).map(|(cell, _)| cell).collect();
    assert_eq!(told, [None, Some(3), Some(153), Some(203), None]);
    let read = Archive::from_bytes(writer.finish().unwrap()).unwrap();
    assert_eq!(read.cells("proton").unwrap(), [53, 103, 253]);
    // A hook that fails ends the writing.
    let mut writer = ArchiveWriter::new(Vec::new()).unwrap();
    let ended = writer.write("proton", &basis, cells.into_iter().map(Ok), |_, written| written);
    assert!(ended.is_err());
    let none = ArchiveWriter::new(Vec::new()).unwrap().finish().unwrap();
    assert_eq!(Archive::from_bytes(none).unwrap().populations().count(), 0);
}

#[test]
fn a_cell_that_is_too_much_for_its_group_begins_the_next() {
    let cells = cells("beams", 5, 8);
    let basis = Registry::standard().parse("wavelet").unwrap();
    let set = Set::new("proton", *cells[0].vdf.grid(), basis.spec().unwrap(), &Registry::standard()).unwrap();
    let run = || cells.iter().cloned().map(Ok).collect::<Vec<_>>();
    let (all, numbers) = (cells.len(), basis.encode(&cells[0].vdf).unwrap().count());
    for (most, groups) in [(all * numbers, vec![5]), (2 * numbers, vec![2, 2, 1]), (3 * numbers - 1, vec![2, 2, 1])] {
        let encoded = writer::encoded(&Group::writing(&set).with_most_numbers(most), &basis, run());
        assert_eq!(encoded.iter().map(|group| group.outcomes.len()).collect::<Vec<_>>(), groups);
        assert!(encoded.iter().all(|group| group.outcomes.iter().all(|(_, outcome)| outcome.is_ok())));
    }
    // One that is too much for any group is left out.
    let none = writer::encoded(&Group::writing(&set).with_most_numbers(1), &basis, run());
    assert!(none.iter().flat_map(|group| &group.outcomes).all(|(_, outcome)| outcome.is_err()));
}

#[test]
fn a_cut_archive_is_read_up_to_its_last_whole_group() {
    let cells = cells("beams", 9, 12);
    let bytes = archive(3, 1, "fast:l2=0.1", &[("proton", &cells)]);
    let whole = Archive::from_bytes(bytes.clone()).unwrap();
    let ends: Vec<usize> = whole.index.groups.iter().map(|group| (group.offset + group.bytes) as usize).collect();
    for length in 0..bytes.len() {
        let cut = Archive::from_bytes(&bytes[..length]);
        if length < 5 {
            assert!(cut.is_err());
            continue;
        }
        let cut = cut.unwrap();
        let groups = ends.iter().filter(|&&end| end <= length).count();
        assert!(cut.is_recovered() && cut.groups().count() == groups, "{length}");
        if groups > 0 {
            assert_eq!(cut.cells("proton").unwrap(), whole.cells("proton").unwrap()[..3 * groups]);
            assert_eq!(cut.read_group(groups - 1).unwrap(), whole.read_group(groups - 1).unwrap());
        }
    }
}

#[test]
fn appending_goes_on_after_the_last_group() {
    let path = std::env::temp_dir().join(format!("vdf-basis-append-{}.vdfa", std::process::id()));
    let cells = cells("beams", 6, 12);
    let basis = Preset::new(Effort::Fast, Bound::l2(0.1)).unwrap();
    let group = NonZeroUsize::new(3).unwrap();
    let write = |writer: ArchiveWriter<std::fs::File>, population: &str, cells: &[ArchiveCell], finish: bool| {
        let mut writer = writer.with_group(group);
        writer.write(population, &basis, cells.iter().cloned().map(Ok), |_, written| written).unwrap();
        if finish {
            writer.finish().unwrap();
        }
    };
    write(ArchiveWriter::new(std::fs::File::create(&path).unwrap()).unwrap(), "proton", &cells[..3], true);
    // Not finished, as if killed: the index is missing, and part of a group is there.
    write(ArchiveWriter::append(&path).unwrap(), "proton", &cells[3..], false);
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    let cut = Archive::open(&path).unwrap();
    assert!(cut.is_recovered() && cut.cells("proton").unwrap().len() == 3);
    write(ArchiveWriter::append(&path).unwrap(), "proton", &cells[3..], true);
    write(ArchiveWriter::append(&path).unwrap(), "helium", &cells[..2], true);
    let all = Archive::open(&path).unwrap();
    assert!(!all.is_recovered());
    let once = archive(3, 1, "fast:l2=0.1", &[("proton", &cells), ("helium", &cells[..2])]);
    assert!(std::fs::read(&path).unwrap() == once);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn damage_and_lies_are_found() {
    let cells = cells("beams", 6, 12);
    let bytes = archive(3, 1, "fast:l2=0.1", &[("proton", &cells)]);
    let whole = Archive::from_bytes(bytes.clone()).unwrap();
    let truth: Vec<_> = (0..2).map(|group| whole.read_group(group).unwrap()).collect();
    // Any flipped bit is found, or changes nothing.
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        let Ok(read) = Archive::from_bytes(damaged) else { continue };
        for (group, truth) in truth.iter().enumerate() {
            assert!(read.read_group(group).is_err() || read.read_group(group).unwrap() == *truth, "byte {place}");
        }
    }
    // Two groups that have changed places, each sound by itself.
    let [one, two] = [0, 1].map(|k| &whole.index.groups[k]);
    let [a, b, c] = [one.offset, two.offset, whole.index.end].map(|offset| offset as usize);
    let swapped = [&bytes[..a], &bytes[b..c], &bytes[a..b], &bytes[c..]].concat();
    let read = Archive::from_bytes(swapped);
    let problem = match read {
        Ok(read) => read.read_group(0).unwrap_err(),
        Err(problem) => problem,
    };
    assert!(problem.to_string().contains("index"), "{problem}");
    // An index of another archive.
    let other = archive(2, 1, "fast:l2=0.1", &[("proton", &cells)]);
    let end = Archive::from_bytes(other.clone()).unwrap().index.end as usize;
    let mut lies = [&bytes[..c], &other[end..other.len() - 12]].concat();
    lies.extend(chunk::trailer(c as u64));
    assert!(Archive::from_bytes(lies).unwrap_err().to_string().contains("contradicts"));
    // An index that claims far too much.
    let mut payload = Vec::new();
    chunk::put(&mut payload, u64::MAX);
    let mut claims = [&bytes[..c], &chunk::chunk(Kind::Index, &payload)].concat();
    claims.extend(chunk::trailer(c as u64));
    assert!(Archive::from_bytes(claims).is_err());
}

#[test]
fn a_damaged_set_takes_only_its_own_cells() {
    let cells = cells("beams", 4, 12);
    let mut bytes = archive(2, 1, "fast:l2=0.1", &[("proton", &cells), ("helium", &cells[..2])]);
    let whole = Archive::from_bytes(bytes.clone()).unwrap();
    let truth = whole.read(cells[1].cell, "helium").unwrap();
    bytes[whole.index.sets[0].offset as usize + 6] ^= 1;
    let read = Archive::from_bytes(bytes.clone()).unwrap();
    assert_eq!((read.lost_cells(), read.populations().collect::<Vec<_>>()), (4, vec!["helium"]));
    assert_eq!(
        (read.lost_cell_ids().unwrap(), whole.lost_cell_ids().unwrap()),
        (whole.cells("proton").unwrap(), vec![])
    );
    assert!(read.read(cells[1].cell, "helium").unwrap() == truth);
    assert!(read.read(cells[1].cell, "proton").is_err() && read.read_group(1).is_err());
    let parts: u64 = read.info().parts.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!((parts, read.info().sets.len()), (bytes.len() as u64, 1));
    let path = std::env::temp_dir().join(format!("vdf-basis-damaged-set-{}.vdfa", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    assert!(ArchiveWriter::append(&path).unwrap_err().to_string().contains("lose its cells"));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let read = Archive::from_bytes(archive(2, 1, "fast:l2=0.1", &[("proton", &cells("beams", 3, 12))])).unwrap();
    let message = |result: Result<ArchiveRecord>| result.unwrap_err().to_string();
    assert!(message(read.read(3, "helium")).contains("holds proton"));
    let nearest = message(read.read(60, "proton"));
    assert!(nearest.contains("3 cells of proton") && nearest.contains("nearest is 53"), "{nearest}");
    assert!(read.read_group(2).unwrap_err().to_string().contains("2 groups"));
    assert!(Archive::from_bytes(b"VDFB?".to_vec()).unwrap_err().to_string().contains("VDFA"));
    assert!(matches!(Archive::from_bytes(b"VDFA\x09".to_vec()), Err(Error::UnsupportedVersion { found: 9, .. })));
    assert!(Archive::open("/nowhere/x.vdfa").unwrap_err().to_string().contains("/nowhere/x.vdfa"));
    assert!(
        ArchiveWriter::new(Vec::new())
            .unwrap()
            .write("", &Preset::of(Effort::Fast), cells("beams", 1, 8).into_iter().map(Ok), |_, w| w)
            .is_err()
    );
}

/// Damage that a checksum does not show: made up by someone who repairs it.
#[test]
fn groups_that_are_made_up_are_refused_or_are_others() {
    for spec in ["fast:l2=0.2", "quantized(mixture:components=2):l2=0.6", "cosine:terms=4"] {
        let bytes = archive(3, 1, spec, &[("proton", &cells("beams", 3, 8))]);
        let whole = Archive::from_bytes(bytes.clone()).unwrap();
        let place = &whole.index.groups[0];
        let payload = chunk::read(&whole.input, place.offset).unwrap().unwrap().payload;
        for bit in 0..8 * payload.len() {
            let mut made_up = payload.clone();
            made_up[bit / 8] ^= 1 << (bit % 8);
            // Without the index: its cells need not be those that it lists.
            let found = [&bytes[..place.offset as usize], &chunk::chunk(Kind::Group, &made_up)].concat();
            let found = Archive::from_bytes(found).unwrap();
            for group in 0..found.groups().count() {
                assert!(found.read_group(group).unwrap().len() <= MAX_GROUP);
            }
        }
    }
}

#[test]
fn nothing_is_appended_behind_damage() {
    let path = std::env::temp_dir().join(format!("vdf-basis-damaged-{}.vdfa", std::process::id()));
    let bytes = archive(2, 1, "fast:l2=0.1", &[("proton", &cells("beams", 6, 12))]);
    let whole = Archive::from_bytes(bytes.clone()).unwrap();
    // A flipped bit in the first group and one in the index: the groups between are sound.
    let mut damaged = bytes.clone();
    damaged[whole.index.groups[0].offset as usize + 9] ^= 1;
    damaged[whole.index.end as usize + 3] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    assert!(ArchiveWriter::append(&path).unwrap_err().to_string().contains("lose what follows"));
    assert!(std::fs::read(&path).unwrap() == damaged);
    // The index alone is damaged, or what follows the last whole group is part of one.
    for (length, groups) in [(bytes.len() - 3, 3), (whole.index.groups[2].offset as usize + 20, 2)] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        ArchiveWriter::append(&path).unwrap().finish().unwrap();
        assert_eq!(Archive::open(&path).unwrap().groups().count(), groups);
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn after_a_failed_write_nothing_follows() {
    /// Takes so many bytes.
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let basis = Registry::standard().parse("fast:l2=0.1").unwrap();
    let mut writer = ArchiveWriter::new(Full(60)).unwrap();
    let all = cells("beams", 3, 12).into_iter().map(Ok);
    assert!(writer.write("proton", &basis, all, |_, written| written).is_err());
    assert!(writer.finish().is_err());
}
