//! Principal components of a population: accumulators that merge, and the basis that is learnt from them.

use std::ffi::c_char;

use vdf_basis::bases::pca::Values;
use vdf_basis::{PcaAccumulator, PopulationPca, Stream};

use crate::boxes::{Value, read_box};
use crate::bytes::{give_bytes, vdfb_bytes};
use crate::grid::{grid_at, vdfb_grid, vdfb_layout};
use crate::pointers::{Output, free, give, reference, reference_mut, slice, write_optional, write_text};
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// Components describe log10 of the densities above a floor: errors are relative, densities never negative.
pub const VDFB_VALUES_LOG10: u32 = 0;
/// Components describe the densities themselves.
pub const VDFB_VALUES_LINEAR: u32 = 1;

/// Mean and covariance of a population of distributions on one grid, gathered one after another. Changed by one thread at a
/// time.
pub struct vdfb_accumulator {
    accumulator: PcaAccumulator,
}

/// The mean and the leading components of a population. It does not change: any number of threads may use it at once.
pub struct vdfb_population {
    pub(crate) basis: PopulationPca,
}

/// Makes an accumulator of distributions on `grid`. `values` is `VDFB_VALUES_LOG10` or `VDFB_VALUES_LINEAR`; `floor` that of
/// the logarithm [s^3 m^-6], 0 for a millionth of each distribution's peak. The accumulator is exact and holds up to two
/// rows of 8 bytes a cell for each cell (`vdfb_accumulator_limit`). The caller frees `*accumulator`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_new(
    grid: *const vdfb_grid,
    values: u32,
    floor: f64,
    accumulator: *mut *mut vdfb_accumulator,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's grid.
        let grid = unsafe { grid_at(grid) }?;
        let values = match values {
            VDFB_VALUES_LOG10 => Values::Log10 { floor: (floor != 0.0).then_some(floor) },
            VDFB_VALUES_LINEAR => Values::Linear,
            other => return Err(Failure::argument("values", other, "VDFB_VALUES_LOG10 or VDFB_VALUES_LINEAR")),
        };
        let made = vdfb_accumulator { accumulator: PcaAccumulator::new(grid, values)? };
        // SAFETY: the caller's pointer.
        unsafe { give(made, accumulator, "accumulator") }
    })
}

/// Keeps only the `directions` leading directions whenever `batch` more distributions have been added: never more than
/// `directions + batch` rows of 8 bytes a cell are held. Twice the components to be learnt is a good number of directions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_limit(
    accumulator: *mut vdfb_accumulator,
    directions: u64,
    batch: u64,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let held = unsafe { reference_mut(accumulator, "accumulator") }?;
        let [directions, batch] = [directions, batch].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        held.accumulator = held.accumulator.clone().with_capacity(directions, batch)?;
        Ok(())
    })
}

/// `vdfb_accumulator_add_f64` and `_f32`.
///
/// # Safety
/// As [`read_box`]; if it is not null, `accumulator` points to an accumulator that nobody else uses during the call.
unsafe fn add<T: Value>(
    accumulator: *mut vdfb_accumulator,
    (values, count): (*const T, usize),
    layout: *const vdfb_layout,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let held = unsafe { reference_mut(accumulator, "accumulator") }?;
        // SAFETY: the caller's array.
        let vdf = unsafe { read_box(*held.accumulator.grid(), values, count, layout) }?;
        Ok(held.accumulator.add(&vdf)?)
    })
}

/// Takes a distribution in; `values`, `count` and `layout` as of `vdfb_encode_f64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_add_f64(
    accumulator: *mut vdfb_accumulator,
    values: *const f64,
    count: usize,
    layout: *const vdfb_layout,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { add(accumulator, (values, count), layout) }
}

/// As `vdfb_accumulator_add_f64`, in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_add_f32(
    accumulator: *mut vdfb_accumulator,
    values: *const f32,
    count: usize,
    layout: *const vdfb_layout,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { add(accumulator, (values, count), layout) }
}

/// Takes in all that `other`, which does not change, has taken in: in any order to the same within rounding. The two must
/// be of one grid and one kind of values, and not the same handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_merge(
    accumulator: *mut vdfb_accumulator,
    other: *const vdfb_accumulator,
) -> vdfb_status {
    guard(|| {
        if std::ptr::eq(accumulator, other) && !other.is_null() {
            return Err(Failure::argument("other", "the accumulator itself", "another accumulator"));
        }
        // SAFETY: the caller's handle.
        let other = unsafe { reference(other, "other") }?;
        // SAFETY: the caller's handle, which is not the other one.
        let held = unsafe { reference_mut(accumulator, "accumulator") }?;
        Ok(held.accumulator.merge(&other.accumulator)?)
    })
}

/// The number of distributions taken in, and the share of the variance that `vdfb_accumulator_limit` has left out (either
/// may be null).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_state(
    accumulator: *const vdfb_accumulator,
    count: *mut u64,
    lost: *mut f64,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let held = unsafe { reference(accumulator, "accumulator") }?;
        // SAFETY: the caller's pointer.
        unsafe { write_optional(count, held.accumulator.count(), "count") }?;
        // SAFETY: the caller's pointer.
        unsafe { write_optional(lost, held.accumulator.lost(), "lost") }
    })
}

/// The accumulator as bytes, for another rank or a file (docs/methods/pca.md has the layout). The caller frees `*bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_to_bytes(
    accumulator: *const vdfb_accumulator,
    bytes: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let held = unsafe { reference(accumulator, "accumulator") }?;
        let mut written = Vec::new();
        held.accumulator.to_bytes(&mut written)?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(written, bytes, "bytes") }
    })
}

/// Reads what `vdfb_accumulator_to_bytes` has written. The caller frees `*accumulator`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_from_bytes(
    data: *const u8,
    size: usize,
    accumulator: *mut *mut vdfb_accumulator,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's bytes.
        let bytes = unsafe { slice(data, size, "data") }?;
        let read = vdfb_accumulator { accumulator: PcaAccumulator::from_bytes(bytes)? };
        // SAFETY: the caller's pointer.
        unsafe { give(read, accumulator, "accumulator") }
    })
}

/// Learns at most `components` components; fewer where fewer describe the population. The caller frees `*population`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_learn(
    accumulator: *const vdfb_accumulator,
    components: u64,
    population: *mut *mut vdfb_population,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let held = unsafe { reference(accumulator, "accumulator") }?;
        let components = usize::try_from(components).unwrap_or(usize::MAX);
        let learnt = vdfb_population { basis: held.accumulator.learn(components)? };
        // SAFETY: the caller's pointer.
        unsafe { give(learnt, population, "population") }
    })
}

/// Frees an accumulator; does nothing for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_accumulator_free(accumulator: *mut vdfb_accumulator) {
    // SAFETY: an accumulator that the caller gives back, or null.
    unsafe { free(accumulator) }
}

/// The learnt basis as bytes, for readers of its streams. The caller frees `*bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_to_bytes(
    population: *const vdfb_population,
    bytes: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let population = unsafe { reference(population, "population") }?;
        let mut written = Vec::new();
        population.basis.to_bytes(&mut written)?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(written, bytes, "bytes") }
    })
}

/// Reads what `vdfb_population_to_bytes` has written. The caller frees `*population`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_from_bytes(
    data: *const u8,
    size: usize,
    population: *mut *mut vdfb_population,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's bytes.
        let bytes = unsafe { slice(data, size, "data") }?;
        let read = vdfb_population { basis: PopulationPca::from_bytes(bytes)? };
        // SAFETY: the caller's pointer.
        unsafe { give(read, population, "population") }
    })
}

/// Writes the spec of a learnt basis, `pca:learnt=` and its hash, and a zero into `buffer`, as `vdfb_codec_spec` does. A codec
/// that has the basis among its options knows it by this name, alone, bounded, and in combinations:
/// `conserve(pca:learnt=0123456789abcdef)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_spec(
    population: *const vdfb_population,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let population = unsafe { reference(population, "population") }?;
        // SAFETY: the caller's pointers.
        unsafe { write_text(&population.basis.spec()?.to_string(), buffer, capacity, needed) }
    })
}

/// The number of components, of cells of the grid, and of the distributions they were learnt from (any may be null).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_sizes(
    population: *const vdfb_population,
    components: *mut usize,
    cells: *mut usize,
    distributions: *mut u64,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let basis = &unsafe { reference(population, "population") }?.basis;
        // SAFETY: the caller's pointer.
        unsafe { write_optional(components, basis.components().len(), "components") }?;
        // SAFETY: the caller's pointer.
        unsafe { write_optional(cells, basis.grid().cells(), "cells") }?;
        // SAFETY: the caller's pointer.
        unsafe { write_optional(distributions, basis.count(), "distributions") }
    })
}

/// Copies numbers into a caller's array of at least as many elements.
///
/// # Safety
/// If it is not null, `count` numbers at `values` may be written to.
unsafe fn copy(numbers: &[f64], values: *mut f64, count: usize) -> Outcome {
    if count < numbers.len() {
        return Err(Failure::too_small("values", count, numbers.len()));
    }
    // SAFETY: the caller's array.
    unsafe { Output::new(values, numbers.len(), "values") }?.fill(numbers.iter().copied());
    Ok(())
}

/// Copies the mean, in C order of the grid, into `values`, which has `count` elements, at least as many as cells.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_mean(
    population: *const vdfb_population,
    values: *mut f64,
    count: usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let population = unsafe { reference(population, "population") }?;
        // SAFETY: the caller's array.
        unsafe { copy(population.basis.mean(), values, count) }
    })
}

/// Copies component `index`, a unit vector in C order of the grid, into `values`, which has `count` elements, at least as
/// many as cells. The first component has the largest variance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_component(
    population: *const vdfb_population,
    index: usize,
    values: *mut f64,
    count: usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let population = unsafe { reference(population, "population") }?;
        let mut components = population.basis.components();
        let allowed = format!("less than {}", components.len());
        let component = components.nth(index).ok_or_else(|| Failure::argument("index", index, &allowed))?;
        // SAFETY: the caller's array.
        unsafe { copy(component, values, count) }
    })
}

/// Copies the standard deviation of the population along each component into `values`, which has `count` elements, at least
/// as many as components.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_deviations(
    population: *const vdfb_population,
    values: *mut f64,
    count: usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let population = unsafe { reference(population, "population") }?;
        // SAFETY: the caller's array.
        unsafe { copy(&population.basis.explained_deviation(), values, count) }
    })
}

/// Frees a learnt basis; does nothing for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_population_free(population: *mut vdfb_population) {
    // SAFETY: a population that the caller gives back, or null.
    unsafe { free(population) }
}
