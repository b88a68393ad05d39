//! The codec: a basis with its bound, and the bases that streams may name.

use std::ffi::c_char;

use vdf_basis::{AnyBasis, Quantise, Registry, Stream};

use crate::pointers::{free, give, optional, output, reference, slice, text, write_text};
use crate::population::vdfb_population;
use crate::status::vdfb_status::VDFB_INVALID_SPEC;
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// Choices of a codec besides its spec. `vdfb_codec_options_init` sets the defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vdfb_codec_options {
    /// Sparsity threshold [s^3 m^-6] for distributions that are given as boxes: only blocks with a density of larger
    /// magnitude are kept, and the stream holds their set. Negative, the default: the whole box. Blocks that are given as
    /// blocks are all kept.
    pub sparsity_threshold: f64,
    /// Cells along the edge of such a block, by default 4.
    pub block_width: u64,
    /// Most cells of a grid that is encoded, or that a stream may claim, by default 2^26. Presets and bounds encode at most
    /// 2^26 cells, of blocks in the box around them. A stream of a few bytes can make the library take 4 numbers of 8 bytes
    /// for each of these cells, and no less than 2^24 numbers: for streams from elsewhere set it to the cells that you expect.
    pub max_cells: u64,
    /// Learnt bases that streams may name, or null. The codec keeps what it needs of them: they may be freed before it.
    pub populations: *const *const vdfb_population,
    /// Their number.
    pub population_count: usize,
}

/// A codec: encodes by its spec, and decodes any stream. It does not change: any number of threads may use it at once.
pub struct vdfb_codec {
    pub(crate) registry: Registry,
    basis: Option<AnyBasis>,
    pub(crate) threshold: Option<f64>,
    pub(crate) width: usize,
    pub(crate) max_cells: usize,
}

impl Default for vdfb_codec {
    fn default() -> Self {
        Self { registry: Registry::standard(), basis: None, threshold: None, width: 4, max_cells: MAX_CELLS }
    }
}

const MAX_CELLS: usize = vdf_basis::container::MOST_CELLS;

impl vdfb_codec {
    /// The basis that encodes.
    pub(crate) fn basis(&self) -> Outcome<&AnyBasis> {
        let problem = "this codec was made without a spec: it decodes only";
        self.basis.as_ref().ok_or_else(|| Failure::new(VDFB_INVALID_SPEC, problem))
    }

    fn with_options(mut self, options: &vdfb_codec_options) -> Outcome<Self> {
        let threshold = options.sparsity_threshold;
        if threshold.is_nan() || threshold == f64::INFINITY {
            let allowed = "a phase-space density, or a negative number for none";
            return Err(Failure::argument("sparsity_threshold", threshold, allowed));
        }
        self.threshold = (threshold >= 0.0).then_some(threshold);
        let most = vdf_basis::distribution::blocks::MAX_WIDTH;
        self.width = usize::try_from(options.block_width).unwrap_or(usize::MAX);
        if !(1..=most).contains(&self.width) {
            return Err(Failure::argument("block_width", options.block_width, &format!("1 to {most} cells")));
        }
        self.max_cells = usize::try_from(options.max_cells).unwrap_or(usize::MAX);
        if self.max_cells == 0 {
            return Err(Failure::argument("max_cells", 0, "at least one"));
        }
        Ok(self)
    }
}

/// A codec that a caller may leave out to decode streams of standard bases: the one that is given, or a new one.
pub(crate) enum Decoder<'a> {
    Given(&'a vdfb_codec),
    Standard(Box<vdfb_codec>),
}

impl std::ops::Deref for Decoder<'_> {
    type Target = vdfb_codec;

    fn deref(&self) -> &vdfb_codec {
        match self {
            Self::Given(codec) => codec,
            Self::Standard(codec) => codec,
        }
    }
}

/// The codec at a pointer, or a new one if it is null.
///
/// # Safety
/// If it is not null, it points to a codec that nobody frees for `'a`.
pub(crate) unsafe fn decoder<'a>(codec: *const vdfb_codec) -> Outcome<Decoder<'a>> {
    // SAFETY: as the caller has promised.
    let given = unsafe { optional(codec, "codec") }?;
    Ok(given.map_or_else(|| Decoder::Standard(Box::default()), Decoder::Given))
}

/// Sets the default choices.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_codec_options_init(options: *mut vdfb_codec_options) -> vdfb_status {
    guard(|| {
        let defaults = vdfb_codec_options {
            sparsity_threshold: -1.0,
            block_width: 4,
            max_cells: MAX_CELLS as u64,
            populations: std::ptr::null(),
            population_count: 0,
        };
        // SAFETY: the caller's pointer.
        unsafe { output(options, "options") }?.put(0, defaults);
        Ok(())
    })
}

/// Makes a codec from a spec, such as `conserve(fast:l2=0.01)`: a basis with its options and bounds (README, Bases). A null
/// spec makes one that only decodes; a learnt basis among the options is named `pca:learnt=` and its hash
/// (`vdfb_population_spec`). Null options are the defaults. The caller frees `*codec` with `vdfb_codec_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_codec_new(
    spec: *const c_char,
    options: *const vdfb_codec_options,
    codec: *mut *mut vdfb_codec,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointer.
        unsafe { output(codec, "codec") }?;
        let mut made = vdfb_codec::default();
        // SAFETY: the caller's pointer.
        if let Some(options) = unsafe { optional(options, "options") }? {
            made = made.with_options(options)?;
            // SAFETY: the caller's array.
            for &population in unsafe { slice(options.populations, options.population_count, "populations") }? {
                // SAFETY: the caller's handle.
                let population = unsafe { reference(population, "population") }?;
                made.registry = made.registry.with_value(population.basis.clone())?;
            }
        }
        if !spec.is_null() {
            // SAFETY: the caller's text.
            made.basis = Some(made.registry.parse(unsafe { text(spec, "spec") }?)?);
        }
        // SAFETY: the caller's pointer.
        unsafe { give(made, codec, "codec") }
    })
}

/// Frees a codec; does nothing for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_codec_free(codec: *mut vdfb_codec) {
    // SAFETY: a codec that the caller gives back, or null.
    unsafe { free(codec) }
}

/// Writes the codec's spec, with the bound passed on to where it is kept, and a zero behind it into `buffer`. `*needed`
/// becomes the bytes of both; it may be null. With a null buffer and capacity 0 only `*needed` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_codec_spec(
    codec: *const vdfb_codec,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let codec = unsafe { reference(codec, "codec") }?;
        let spec = codec.basis()?.spec()?.to_string();
        // SAFETY: the caller's pointers.
        unsafe { write_text(&spec, buffer, capacity, needed) }
    })
}

/// The floor below which densities are equal, as the codec's bound asks for; `None` if it says nothing.
pub(crate) fn floor_of(basis: &AnyBasis) -> Option<f64> {
    basis.kept_bound().and_then(|bound| bound.floor())
}
