//! The C face on any bytes: a status for each call, nothing written where a call says that there is no room, nothing held.

use std::ptr::{null, null_mut};
use std::sync::LazyLock;

use vdf_basis_c::archive_reader::{
    vdfb_archive, vdfb_archive_free, vdfb_archive_from_bytes, vdfb_archive_info, vdfb_archive_lost_cells,
    vdfb_archive_read_group, vdfb_archive_read_info, vdfb_record_values_f32, vdfb_records, vdfb_records_count,
    vdfb_records_free,
};
use vdf_basis_c::blocks::vdfb_decode_blocks_f32;
use vdf_basis_c::boxes::vdfb_decode_f32;
use vdf_basis_c::codec::{vdfb_codec, vdfb_codec_new, vdfb_codec_options, vdfb_codec_options_init};
use vdf_basis_c::population::{
    vdfb_accumulator, vdfb_accumulator_free, vdfb_accumulator_from_bytes, vdfb_population, vdfb_population_free,
    vdfb_population_from_bytes,
};
use vdf_basis_c::status::vdfb_status;
use vdf_basis_c::status::vdfb_status::{VDFB_INTERNAL, VDFB_OK};
use vdf_basis_c::stream::{vdfb_stream_info, vdfb_stream_read_info};

use crate::MOST_CELLS;

/// A codec that any number of threads may use.
struct Codec(*mut vdfb_codec);

// SAFETY: a codec does not change, as the header promises.
unsafe impl Send for Codec {}
// SAFETY: as above.
unsafe impl Sync for Codec {}

/// Made once: that takes as long as to decode a short stream.
static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    let mut options = std::mem::MaybeUninit::<vdfb_codec_options>::uninit();
    let mut codec = null_mut();
    // SAFETY: a place for options, which the call fills.
    assert_eq!(unsafe { vdfb_codec_options_init(options.as_mut_ptr()) }, VDFB_OK);
    // SAFETY: filled by the call before.
    let mut options = unsafe { options.assume_init() };
    options.max_cells = MOST_CELLS as u64;
    // SAFETY: options as they should be, and a place for the codec.
    assert_eq!(unsafe { vdfb_codec_new(null(), &options, &mut codec) }, VDFB_OK);
    Codec(codec)
});

/// Any bytes: the bytes themselves, and behind a right magic and version with a right checksum, as a stream of either kind.
pub fn decode(content: &[u8]) {
    let stream = |magic: &[u8; 3]| {
        let mut bytes = [magic.as_slice(), &[vdf_basis::container::VERSION], content].concat();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    };
    for bytes in [stream(b"VDF"), stream(b"VDS"), content.to_vec()] {
        read(&bytes);
    }
    crate::archives(content).iter().for_each(|archive| read_archive(archive));
    read_population(content);
}

fn sound(status: vdfb_status) -> bool {
    assert_ne!(status, VDFB_INTERNAL);
    status == VDFB_OK
}

fn read(bytes: &[u8]) {
    let (codec, data, size) = (CODEC.0, bytes.as_ptr(), bytes.len());
    let mut info = std::mem::MaybeUninit::<vdfb_stream_info>::uninit();
    // SAFETY: a codec, bytes, and a place for the answer.
    if !sound(unsafe { vdfb_stream_read_info(codec, data, size, info.as_mut_ptr()) }) {
        return;
    }
    // SAFETY: filled by the call that has succeeded.
    let info = unsafe { info.assume_init() };
    let cells = info.cells as usize;
    assert!(cells <= MOST_CELLS);
    let mut values = vec![7.0_f32; cells + 1];
    let mut needed = 0;
    // SAFETY: a codec, bytes, and places as many as are counted.
    let status = unsafe { vdfb_decode_f32(codec, data, size, values.as_mut_ptr(), cells - 1, null(), &mut needed) };
    assert!(!sound(status));
    // SAFETY: a codec, bytes, and places as many as are counted.
    let read = unsafe { vdfb_decode_f32(codec, data, size, values.as_mut_ptr(), cells, null(), &mut needed) };
    if sound(read) {
        assert!(needed == cells && values[..cells].iter().all(|value| value.is_finite()));
    }
    assert_eq!(values[cells], 7.0);
    let (blocks, width) = (info.block_count as usize, info.block_width as usize);
    let (mut ids, mut count) = (vec![7_u32; blocks + 1], 0);
    let mut values = vec![7.0_f32; blocks * width.pow(3) + 1];
    let (room, values_room) = (blocks, values.len() - 1);
    // SAFETY: a codec, bytes, and places as many as are counted.
    let read = unsafe {
        let (ids, values) = (ids.as_mut_ptr(), values.as_mut_ptr());
        vdfb_decode_blocks_f32(codec, data, size, ids, room, values, values_room, &mut count)
    };
    assert!(!sound(read) || (info.has_blocks == 1 && count == blocks));
    assert!(ids.last() == Some(&7) && values.last() == Some(&7.0));
}

fn read_archive(bytes: &[u8]) {
    let mut archive: *mut vdfb_archive = null_mut();
    // SAFETY: bytes, a codec, and a place for the archive.
    if !sound(unsafe { vdfb_archive_from_bytes(bytes.as_ptr(), bytes.len(), CODEC.0, &mut archive) }) {
        return;
    }
    let mut info = std::mem::MaybeUninit::<vdfb_archive_info>::uninit();
    // SAFETY: the archive, and a place for the answer.
    assert!(sound(unsafe { vdfb_archive_read_info(archive, info.as_mut_ptr()) }));
    // SAFETY: filled by the call before.
    let info = unsafe { info.assume_init() };
    let mut count = 0;
    // SAFETY: the archive, and a place for the number.
    if sound(unsafe { vdfb_archive_lost_cells(archive, null_mut(), 0, &mut count) }) {
        assert_eq!(count as u64, info.lost_cells);
        let mut cells = vec![0; count];
        // SAFETY: the archive, and places as many as are counted.
        assert!(sound(unsafe { vdfb_archive_lost_cells(archive, cells.as_mut_ptr(), count, null_mut()) }));
    }
    for group in 0..2 {
        let mut records: *mut vdfb_records = null_mut();
        // SAFETY: the archive, and a place for records.
        if sound(unsafe { vdfb_archive_read_group(archive, group, &mut records) }) {
            // SAFETY: the records.
            for index in 0..unsafe { vdfb_records_count(records) }.min(3) {
                let mut values = vec![0.0_f32; MOST_CELLS];
                // SAFETY: the records, and places as many as are counted.
                sound(unsafe {
                    vdfb_record_values_f32(records, index, values.as_mut_ptr(), values.len(), null(), null_mut())
                });
            }
            // SAFETY: the records, which nobody uses any more.
            unsafe { vdfb_records_free(records) };
        }
    }
    // SAFETY: the archive, which nobody uses any more.
    unsafe { vdfb_archive_free(archive) };
}

fn read_population(bytes: &[u8]) {
    let mut accumulator: *mut vdfb_accumulator = null_mut();
    // SAFETY: bytes, and a place for the accumulator.
    if sound(unsafe { vdfb_accumulator_from_bytes(bytes.as_ptr(), bytes.len(), &mut accumulator) }) {
        // SAFETY: the accumulator, which nobody uses any more.
        unsafe { vdfb_accumulator_free(accumulator) };
    }
    let mut population: *mut vdfb_population = null_mut();
    // SAFETY: bytes, and a place for the population.
    if sound(unsafe { vdfb_population_from_bytes(bytes.as_ptr(), bytes.len(), &mut population) }) {
        // SAFETY: the population, which nobody uses any more.
        unsafe { vdfb_population_free(population) };
    }
}
