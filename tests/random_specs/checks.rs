//! The promises that are checked for one distribution and one spec.

use std::panic::{AssertUnwindSafe, catch_unwind};

use peak_alloc::PeakAlloc;
use vdf_basis::{AnyBasis, Error, Expansion, Fidelity, Figure, Moments, Registry, Vdf, VelocityGrid};

use super::specs::{Drawn, tighter};

/// The heap may grow to this multiple of the distribution's 8 bytes a cell, plus a constant for tables that do not grow
/// with the grid: those of two spherical bases in a sum (`docs/architecture.md`).
const HEAP_MULTIPLE: usize = 320;
const HEAP_CONSTANT: usize = 128 << 20;

/// The outcome in a word; an error if a promise is broken.
pub fn check(heap: &PeakAlloc, vdf: &Vdf, drawn: &Drawn) -> Result<&'static str, String> {
    let registry = Registry::standard();
    let basis = match registry.parse(&drawn.spec) {
        Ok(basis) => basis,
        // A bound that does not reach inside a combinator, or choices that exclude each other.
        Err(Error::InvalidSpec { .. } | Error::InvalidParameter { .. }) => return Ok("refused spec"),
        Err(other) => return Err(format!("parse: {other}")),
    };
    let before = heap.current_usage();
    heap.reset_peak_usage();
    let outcome = caught(|| Expansion::encode(&basis, vdf).and_then(|e| Ok((e.to_bytes()?, e))))?;
    let used = heap.peak_usage().saturating_sub(before);
    if used > HEAP_MULTIPLE * size_of_val(vdf.as_slice()) + HEAP_CONSTANT {
        return Err(format!("the heap grew by {used} bytes for {} cells", vdf.grid().cells()));
    }
    match outcome {
        Ok((bytes, expansion)) => {
            let back = caught(|| decoded(&registry, &bytes, &expansion))??;
            promises(vdf, &back, bytes.len(), drawn)?;
            Ok("encoded")
        }
        Err(Error::TargetNotMet { reached, .. }) if reached.contains("nothing") => Err(format!("reached {reached}")),
        Err(error @ Error::TargetNotMet { .. }) => {
            looser_bounds_are_no_harder(&registry, vdf, drawn, &error)?;
            Ok("bound not met")
        }
        Err(Error::Degenerate { .. })
            if drawn.conserves && has_nonnegative_values(vdf) && inner_exists(&registry, vdf, drawn)? =>
        {
            Err("conserve refuses a distribution that is itself a density".to_owned())
        }
        Err(Error::Degenerate { .. }) => Ok("nothing to describe"),
        Err(Error::InvalidParameter { .. }) => Ok("does not suit the grid"),
        // Values near the largest double, or densities and amplitudes: values times volumes of velocity space.
        Err(Error::NotFinite { .. } | Error::OutOfRange { .. }) if vdf.peak() > 1e280 => Ok("overflow"),
        Err(other) => Err(format!("encode: {other}")),
    }
}

/// The outcome of a call, or its panic as an error.
fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        format!("panic: {}", text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
    })
}

/// What a reader of the stream gets, if it is what the writer has.
fn decoded(registry: &Registry, bytes: &[u8], written: &Expansion<AnyBasis>) -> Result<Vdf, String> {
    let read = registry.decode(bytes).map_err(|error| format!("decode: {error}"))?;
    if read.coefficients() != written.coefficients() || read.basis() != written.basis() {
        let (read, written) = (format!("{:?}", read.coefficients()), format!("{:?}", written.coefficients()));
        let same = read.bytes().zip(written.bytes()).take_while(|(a, b)| a == b).count();
        let from = same.saturating_sub(80);
        let there = |text: &str| text.chars().skip(from).take(200).collect::<String>();
        return Err(format!(
            "the stream holds other coefficients than were written: …{}… and …{}…",
            there(&read),
            there(&written)
        ));
    }
    read.reconstruct().map_err(|error| format!("reconstruct: {error}"))
}

fn promises(vdf: &Vdf, back: &Vdf, len: usize, drawn: &Drawn) -> Result<(), String> {
    let floor = drawn.bound.unwrap_or_default().floor_of(vdf);
    let fidelity = Fidelity::compare_above(vdf, back, floor).map_err(|error| error.to_string())?;
    for (figure, limit) in drawn.bound.iter().flat_map(|bound| bound.limits()) {
        let reached = figure.of(&fidelity).unwrap_or(len as f64);
        if reached.is_nan() || reached > limit {
            return Err(format!("{} {reached:e} instead of {limit:e}", figure.key()));
        }
    }
    // Rounding may add 5% to an error where no bound is given.
    if drawn.is_least_squares && drawn.bound.is_none() && fidelity.l2 > 1.0 + 1e-9 {
        return Err(format!("l2 {:e}: worse than nothing at all", fidelity.l2));
    }
    if drawn.conserves {
        conserved(&vdf.moments(), &back.moments(), vdf.grid())?;
        if back.as_slice().iter().any(|&g| g < 0.0) {
            return Err("a negative density".to_owned());
        }
    }
    Ok(())
}

/// Each component of each moment, relative to its own scale.
fn conserved(f: &Moments, g: &Moments, grid: &VelocityGrid) -> Result<(), String> {
    const TOLERANCE: f64 = 2e-12;
    let n = f.density;
    // Densities near the largest double times the volume of a cell overflow.
    if n <= 0.0 || !n.is_finite() {
        return Ok(());
    }
    let broken = |name: &str, error: f64| Err(format!("conserve: {name} is off by {error:e}"));
    let density = (g.density - n).abs() / n;
    if density > TOLERANCE {
        return broken("the density", density);
    }
    // A width of zero is measured against that of one full cell; positions are known to a part of the box.
    let spacing = grid.spacing().map(|h| h / 12f64.sqrt());
    let reach = |i: usize| grid.lower()[i].abs().max(grid.upper()[i].abs());
    let width = |i: usize| (f.pressure[i][i] / n).max(0.0).sqrt().max(spacing[i]);
    for i in 0..3 {
        let velocity = (g.bulk_velocity[i] - f.bulk_velocity[i]).abs() / width(i);
        if velocity > TOLERANCE + 1e-15 * reach(i) / width(i) {
            return broken(&format!("u_{i}"), velocity);
        }
        for j in 0..3 {
            let pressure = (g.pressure[i][j] - f.pressure[i][j]).abs() / (n * width(i) * width(j));
            if pressure > TOLERANCE {
                return broken(&format!("P_{i}{j}"), pressure);
            }
        }
    }
    Ok(())
}

fn has_nonnegative_values(vdf: &Vdf) -> bool {
    vdf.peak() > 0.0 && vdf.as_slice().iter().all(|&f| f >= 0.0)
}

/// Whether the basis inside `conserve` encodes the distribution.
fn inner_exists(registry: &Registry, vdf: &Vdf, drawn: &Drawn) -> Result<bool, String> {
    let Some(inner) = drawn.spec.strip_prefix("conserve(").and_then(|spec| spec.strip_suffix(')')) else {
        return Ok(false);
    };
    let basis = registry.parse(inner).map_err(|error| error.to_string())?;
    caught(|| Expansion::encode(&basis, vdf).is_ok())
}

/// A spec that misses a bound must miss a tighter one too. Not so a sum with Hermite functions: they refuse what lies in one
/// plane of cells, which the rounded first term may leave at one step and not at another.
fn looser_bounds_are_no_harder(registry: &Registry, vdf: &Vdf, drawn: &Drawn, error: &Error) -> Result<(), String> {
    // The errors of moments and logarithms may vanish by chance.
    let grows = |figure| matches!(figure, Figure::L2 | Figure::Linf | Figure::Bytes);
    let is_exempt = drawn.spec.contains(" + ") && drawn.spec.contains("hermite");
    let Some(bound) = drawn
        .bound
        .filter(|bound| !is_exempt && bound.limits().count() == 1 && bound.limits().all(|(figure, _)| grows(figure)))
    else {
        return Ok(());
    };
    let Some(spec) = drawn.with(tighter(&bound)) else { return Ok(()) };
    let Ok(basis) = registry.parse(&spec) else { return Ok(()) };
    match caught(|| Expansion::encode(&basis, vdf))? {
        Ok(_) => Err(format!("{error}; but `{spec}` is met")),
        Err(_) => Ok(()),
    }
}
