//! Memory follows the cells and not the longest axis: the peak of the heap over encoding, writing, reading and
//! reconstructing is at most a stated multiple of the data, for every basis, combinator and preset.
//!
//! One test function only: the peak is that of the whole process.

mod long_axes;

use long_axes::{SPECS, Taken, allowed, distribution, is_quick, measure, shapes};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[test]
fn memory_is_a_multiple_of_the_data_on_long_axes() {
    // A part of the specs, to look at one of them.
    let only = std::env::var("VDF_BASIS_SPECS").unwrap_or_default();
    let mut wrong = Vec::new();
    for shape in shapes() {
        let vdf = distribution(shape);
        let data = size_of_val(vdf.as_slice());
        for spec in SPECS.iter().filter(|spec| spec.contains(&only) && is_quick(spec, vdf.as_slice().len())) {
            let Taken { peaks, times, stream } = measure(&HEAP, spec, &vdf);
            let [encoding, decoding] = peaks.map(|peak| peak as f64 / data as f64);
            println!("{shape:?} {spec}: encoding {encoding:.1}, decoding {decoding:.1}, {times:.2?}, {stream:?}");
            if peaks[0].max(peaks[1]) > allowed(spec, data) {
                wrong.push(format!("{shape:?} {spec}: {encoding:.1} and {decoding:.1} times the data"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
