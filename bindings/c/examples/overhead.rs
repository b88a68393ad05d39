//! What a call through C takes beside the Rust call, in one run: medians of alternating calls.
//! `cargo run --release -p vdf-basis-c --example overhead`

use std::ffi::CString;
use std::hint::black_box;
use std::ptr::null;
use std::time::Instant;

use vdf_basis::{Expansion, Registry, Sampling, Synthetic, Vdf};
use vdf_basis_c::boxes::{vdfb_decode_f32, vdfb_decode_f64, vdfb_encode_f32, vdfb_encode_f64};
use vdf_basis_c::bytes::{vdfb_bytes, vdfb_bytes_free};
use vdf_basis_c::codec::{vdfb_codec, vdfb_codec_free, vdfb_codec_new};
use vdf_basis_c::grid::vdfb_grid;
use vdf_basis_c::status::vdfb_status::VDFB_OK;

const NONE: vdfb_bytes = vdfb_bytes { data: std::ptr::null_mut(), size: 0 };

/// The medians of two calls in microseconds, called in turn, and the difference of their lower quartiles: what else the machine
/// does only adds to a call, and on a busy one to half of the long calls.
fn medians(repeats: usize, mut rust: impl FnMut(), mut c: impl FnMut()) -> [f64; 3] {
    let time = |call: &mut dyn FnMut()| {
        let begin = Instant::now();
        call();
        begin.elapsed().as_secs_f64() * 1e6
    };
    let mut times = [Vec::new(), Vec::new()];
    for repeat in 0..repeats {
        let [rust, c] = match repeat % 2 {
            0 => [time(&mut rust), time(&mut c)],
            _ => {
                let c = time(&mut c);
                [time(&mut rust), c]
            }
        };
        times[0].push(rust);
        times[1].push(c);
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let of = |way: usize, part: usize| times[way][times[way].len() / part];
    [of(0, 2), of(1, 2), of(1, 4) - of(0, 4)]
}

fn report(what: &str, [rust, c, difference]: [f64; 3]) {
    println!("{what:46} {rust:10.1} {c:10.1} {difference:10.2} {:9.2}%", 100.0 * difference / rust);
}

fn main() -> vdf_basis::Result<()> {
    println!("{:46} {:>10} {:>10} {:>10} {:>10}", "", "Rust [µs]", "C [µs]", "more [µs]", "more");
    for (cells, spec, repeats) in [
        (10, "conserve(fast:l2=0.01)", 801),
        (10, "cosine:l2=0.05", 801),
        (50, "conserve(fast:l2=0.01)", 41),
        (50, "wavelet:l2=0.01", 41),
    ] {
        let grid = Synthetic::default_grid("gyrating-ring", cells)?;
        let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
        let single: Vec<f32> = vdf.as_slice().iter().map(|&value| value as f32).collect();
        let double: Vec<f64> = single.iter().map(|&value| value.into()).collect();
        let count = double.len();
        let registry = Registry::standard();
        let basis = registry.parse(spec)?;
        let bytes = Expansion::encode(&basis, &Vdf::from_slice(grid, &double)?)?.to_bytes()?;
        let c_grid = vdfb_grid::from(&grid);
        let mut codec: *mut vdfb_codec = std::ptr::null_mut();
        let text = CString::new(spec).unwrap_or_default();
        // SAFETY: a text, no options, and a place for the codec.
        assert_eq!(unsafe { vdfb_codec_new(text.as_ptr(), null(), &mut codec) }, VDFB_OK);

        let mut stream = NONE;
        let rust_encode = |vdf: vdf_basis::Result<Vdf>| {
            let bytes = vdf.and_then(|vdf| Expansion::encode(&basis, &vdf)).and_then(|found| found.to_bytes());
            assert!(black_box(bytes).is_ok());
        };
        let encoded = medians(
            repeats,
            || rust_encode(Vdf::from_slice(grid, &single)),
            || {
                // SAFETY: the codec above, and as many values as are counted.
                let status = unsafe { vdfb_encode_f32(codec, &c_grid, single.as_ptr(), count, null(), &mut stream) };
                assert_eq!(status, VDFB_OK);
                // SAFETY: the bytes of the call before.
                unsafe { vdfb_bytes_free(&mut stream) };
            },
        );
        report(&format!("encode {cells}³ f32 {spec}"), encoded);
        let encoded = medians(
            repeats,
            || rust_encode(Vdf::from_slice(grid, &double)),
            || {
                // SAFETY: the codec above, and as many values as are counted.
                let status = unsafe { vdfb_encode_f64(codec, &c_grid, double.as_ptr(), count, null(), &mut stream) };
                assert_eq!(status, VDFB_OK);
                // SAFETY: the bytes of the call before.
                unsafe { vdfb_bytes_free(&mut stream) };
            },
        );
        report(&format!("encode {cells}³ f64 {spec}"), encoded);

        // Both have the values in an array of their own in the end.
        let (mut back, mut back_single) = (vec![0.0; count], vec![0.0_f32; count]);
        let rust_decode = || registry.decode(&bytes).and_then(|expansion| expansion.reconstruct());
        let mut place = vec![0.0; count];
        let decoded = medians(
            repeats,
            || place.copy_from_slice(rust_decode().unwrap_or_else(|_| Vdf::zeros(grid)).as_slice()),
            || {
                let into = back.as_mut_ptr();
                // SAFETY: the stream, and as many places as are counted.
                let status = unsafe {
                    vdfb_decode_f64(codec, bytes.as_ptr(), bytes.len(), into, count, null(), std::ptr::null_mut())
                };
                assert_eq!(status, VDFB_OK);
            },
        );
        assert_eq!(place, back);
        report(&format!("decode {cells}³ f64 {spec}"), decoded);
        let mut place = vec![0.0_f32; count];
        let decoded = medians(
            repeats,
            || {
                let vdf = rust_decode().unwrap_or_else(|_| Vdf::zeros(grid));
                place.iter_mut().zip(vdf.as_slice()).for_each(|(place, value)| *place = *value as f32);
            },
            || {
                let into = back_single.as_mut_ptr();
                // SAFETY: the stream, and as many places as are counted.
                let status = unsafe {
                    vdfb_decode_f32(codec, bytes.as_ptr(), bytes.len(), into, count, null(), std::ptr::null_mut())
                };
                assert_eq!(status, VDFB_OK);
            },
        );
        assert_eq!(place, back_single);
        report(&format!("decode {cells}³ f32 {spec}"), decoded);
        // SAFETY: the codec above.
        unsafe { vdfb_codec_free(codec) };
    }
    Ok(())
}
