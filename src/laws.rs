//! Laws that every basis keeps, as functions to call in tests: of this crate's bases, and of your own.
//!
//! Each function checks one law for one basis and says what broke it. A test of a new basis calls [`all`]: it runs every
//! law but [`foreign`], which needs two bases, on one distribution that the box cuts off and on one that lies within it:
//!
//! ```
//! use vdf_basis::{Registry, laws};
//! laws::all(&Registry::standard(), "cosine:terms=60")?;
//! # Ok::<(), vdf_basis::laws::Broken>(())
//! ```

use std::fmt;
use std::thread;

use crate::basis::any_basis::{AnyBasis, AnyCoefficients};
use crate::basis::bound::{Bound, Figure};
use crate::basis::{Basis, Coefficients, Expansion, Quantise, Stream};
use crate::coding::{Coder, Resolution};
use crate::compose::quantized::Quantized;
use crate::distribution::fidelity::relative_l2;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::synthetic::{Sampling, Synthetic};
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// A law that does not hold.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The law.
    pub law: &'static str,
    /// The case in which it is broken, with numbers.
    pub case: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.case)
    }
}

impl std::error::Error for Broken {}

/// The outcome of a law.
pub type Outcome = std::result::Result<(), Broken>;

/// An error with this case if the law does not hold.
fn ensure(law: &'static str, holds: bool, case: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Broken { law, case: case() }) }
}

/// The answer; an error counts as a breach of the law.
fn answer<T>(law: &'static str, outcome: Result<T>) -> std::result::Result<T, Broken> {
    outcome.map_err(|error| Broken { law, case: error.to_string() })
}

fn round_trip(law: &'static str, basis: &AnyBasis, vdf: &Vdf) -> std::result::Result<Vdf, Broken> {
    answer(law, basis.encode(vdf).and_then(|found| basis.reconstruct(&found, vdf.grid())))
}

/// Largest difference over the largest value.
fn difference(a: &Vdf, b: &Vdf) -> f64 {
    let worst = a.as_slice().iter().zip(b.as_slice()).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    worst / a.peak()
}

fn numbers(coefficients: &AnyCoefficients) -> Vec<u64> {
    let mut numbers = Vec::new();
    coefficients.visit(&mut |_, value| numbers.push(value.to_bits()));
    numbers
}

/// All laws but [`foreign`], for the basis that a registry makes of a spec.
///
/// # Errors
/// The first law that is broken.
pub fn all(registry: &Registry, spec: &str) -> Outcome {
    let basis = answer("the spec is known", registry.parse(spec))?;
    for (name, cells) in [("gyrating-ring", 14), ("beams", 16)] {
        let vdf = answer(
            "synthetic distributions",
            Synthetic::default_grid(name, cells)
                .and_then(|grid| Synthetic::named(name, 0)?.sample(&grid, Sampling::default())),
        )?;
        unit_of_density(&basis, &vdf)?;
        determinism(&basis, &vdf)?;
        moments(&basis, &vdf)?;
        coefficients(&basis, &vdf)?;
        gradient(&basis, &vdf)?;
        streams(registry, &basis, &vdf)?;
        damage(registry, &basis, &vdf)?;
        rounding(&basis, &vdf)?;
        bounds(&basis, &vdf)?;
    }
    hostile(&basis)
}

/// The distribution in another unit, 2⁻¹⁰⁰ to 2¹⁰⁰ times as large, gives the same answer in that unit, to 1e-6 of the peak.
/// Powers of two, because steps of rounding are.
///
/// # Errors
/// The unit, and the difference.
pub fn unit_of_density(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "the unit of density does not matter";
    let reference = round_trip(LAW, basis, vdf)?;
    for factor in [-100, -57, 41, 100].map(|exponent| 2f64.powi(exponent)) {
        let scaled = |vdf: &Vdf, factor: f64| answer(LAW, Vdf::new(*vdf.grid(), &vdf.values() * factor));
        let back = round_trip(LAW, basis, &scaled(vdf, factor)?)?;
        let off = difference(&reference, &scaled(&back, 1.0 / factor)?);
        ensure(LAW, off < 1e-6, || format!("{basis} x {factor:e}: {off:e}"))?;
    }
    Ok(())
}

/// Equal input gives equal bits, on any number of threads, whatever was encoded in between.
///
/// # Errors
/// That two encodings differ.
pub fn determinism(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "equal input gives equal bits";
    let reference = answer(LAW, basis.encode(vdf))?;
    let other = answer(LAW, Vdf::new(*vdf.grid(), vdf.values().mapv(|f| f * f)))?;
    let runs = thread::scope(|scope| {
        let spawn = |k| {
            let other = &other;
            scope.spawn(move || {
                // Tables that encodings share must not change an answer.
                if k % 2 == 1 {
                    let _ = basis.encode(other);
                }
                basis.encode(vdf)
            })
        };
        let runs: Vec<_> = (0..4).map(spawn).collect();
        runs.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for run in runs {
        let Ok(found) = run else { return ensure(LAW, false, || format!("{basis}: a panic")) };
        let same = numbers(&answer(LAW, found)?) == numbers(&reference);
        ensure(LAW, same, || format!("{basis}: two encodings differ"))?;
    }
    Ok(())
}

/// Moments from coefficients are those of the cells, to 1e-9 in their own scales, on the grid encoded and on another. A
/// basis that is bound to its grid may refuse another one, but then in both.
///
/// # Errors
/// The grid, and the moments.
pub fn moments(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "moments from coefficients are those of the cells";
    let found = answer(LAW, basis.encode(vdf))?;
    let other = answer(LAW, VelocityGrid::from_edges([17, 23, 19], vdf.grid().lower(), vdf.grid().upper()))?;
    for grid in [*vdf.grid(), other] {
        match (basis.moments(&found, &grid), basis.reconstruct(&found, &grid)) {
            (Ok(closed), Ok(cells)) => {
                let off = moments_apart(&closed, &cells.moments());
                ensure(LAW, off < 1e-9, || format!("{basis} on {grid}: {off:e} apart"))?;
            }
            // A basis that is bound to its own grid says so both ways.
            (Err(Error::GridMismatch { .. }), Err(Error::GridMismatch { .. })) if grid != *vdf.grid() => {}
            (closed, cells) => {
                let case = format!("{basis} on {grid}: {closed:?}, {:?}", cells.map(|_| "an answer"));
                return ensure(LAW, false, || case);
            }
        }
    }
    Ok(())
}

/// The largest difference of density, bulk velocity, pressure and heat flux, each in its own scale.
fn moments_apart(a: &Moments, b: &Moments) -> f64 {
    let (n, v) = (b.density.abs(), b.thermal_speed());
    let worst = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    [
        (a.density - b.density).abs() / n,
        worst(&a.bulk_velocity, &b.bulk_velocity) / v,
        worst(a.pressure.as_flattened(), b.pressure.as_flattened()) / (n * v * v),
        worst(&a.heat_flux, &b.heat_flux) / (n * v.powi(3)),
    ]
    .into_iter()
    .fold(0.0, f64::max)
}

/// [`Coefficients::visit`] shows as many numbers as [`Coefficients::count`] says, and [`Coefficients::scale`] scales the
/// distribution.
///
/// # Errors
/// The numbers that disagree.
pub fn coefficients(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "coefficients are counted, and scale with the distribution";
    let found = answer(LAW, basis.encode(vdf))?;
    let visited = numbers(&found).len();
    ensure(LAW, visited == found.count(), || format!("{basis}: {visited} visited, {} counted", found.count()))?;
    // One half is exact in binary, and no bits are lost.
    let mut half = found.clone();
    half.scale(0.5);
    let [once, half] = [&found, &half].map(|found| basis.reconstruct(found, vdf.grid()));
    let off = difference(&answer(LAW, Vdf::new(*vdf.grid(), &answer(LAW, once)?.values() * 0.5))?, &answer(LAW, half)?);
    ensure(LAW, off < 1e-9, || format!("{basis}: half the coefficients are {off:e} away from half the distribution"))
}

/// [`Basis::gradient`] has the shape of the grid and scales with the distribution, or is refused with
/// [`Error::NotDifferentiable`].
///
/// # Errors
/// The difference of the gradients, or another error.
pub fn gradient(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "gradients scale with the distribution";
    let found = answer(LAW, basis.encode(vdf))?;
    let mut half = found.clone();
    half.scale(0.5);
    let (once, half) = match (basis.gradient(&found, vdf.grid()), basis.gradient(&half, vdf.grid())) {
        (Err(Error::NotDifferentiable { .. }), Err(Error::NotDifferentiable { .. })) => return Ok(()),
        (once, half) => (answer(LAW, once)?, answer(LAW, half)?),
    };
    for (once, half) in once.iter().zip(&half) {
        let fits = once.shape() == vdf.grid().shape() && half.shape() == once.shape();
        ensure(LAW, fits, || format!("{basis}: {:?} on {}", once.shape(), vdf.grid()))?;
        let largest = once.iter().fold(0.0, |largest: f64, slope| largest.max(slope.abs()));
        let off = once.iter().zip(half).fold(0.0, |off: f64, (once, half)| off.max((half - 0.5 * once).abs()));
        ensure(LAW, off <= 1e-9 * largest, || format!("{basis}: {off:e} of {largest:e}"))?;
    }
    Ok(())
}

/// Coefficients of another basis are refused with [`Error::ForeignCoefficients`]. Choose for `other` a basis whose
/// coefficients mean something else, such as the same basis with another block size or symmetry.
///
/// # Errors
/// The outcome other than this error. A panic is not caught: it fails the test that called this.
pub fn foreign(basis: &AnyBasis, other: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "coefficients of another basis are refused";
    let found = answer(LAW, other.encode(vdf))?;
    let outcome = basis.reconstruct(&found, vdf.grid()).map(|_| "a distribution");
    let is_refused = matches!(outcome, Err(Error::ForeignCoefficients(_)));
    ensure(LAW, is_refused, || format!("{basis} makes of those of {other}: {outcome:?}"))
}

/// A stream restores every bit of the coefficients, and what was read is written again as it was.
///
/// # Errors
/// The part that differs.
pub fn streams(registry: &Registry, basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "streams restore every bit";
    let expansion = answer(LAW, Expansion::encode(basis, vdf))?;
    let bytes = answer(LAW, registry.to_bytes(&expansion))?;
    let read = answer(LAW, registry.decode(&bytes))?;
    ensure(LAW, read.grid() == vdf.grid() && read.basis() == basis, || format!("{basis}: read as {}", read.basis()))?;
    let same = numbers(read.coefficients()) == numbers(expansion.coefficients());
    ensure(LAW, same && read.coefficients() == expansion.coefficients(), || format!("{basis}: other coefficients"))?;
    ensure(LAW, answer(LAW, read.to_bytes())? == bytes, || format!("{basis}: written differently a second time"))
}

/// Damaged streams, with their checksum made right again, give an error or a distribution, and no panic. They are cut, and
/// with a bit flipped, at each byte of a short stream and at some hundred places of a long one.
///
/// # Errors
/// Only errors of encoding. A panic is not caught: it fails the test that called this.
pub fn damage(registry: &Registry, basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "damaged streams do no harm";
    /// Fewest places of a long stream that are damaged; as the distance between them is rounded down, up to twice as many.
    const PLACES: usize = 64;
    let bytes = answer(LAW, Expansion::encode(basis, vdf).and_then(|expansion| registry.to_bytes(&expansion)))?;
    let body = &bytes[..bytes.len() - 4];
    for place in (4..body.len()).step_by((body.len() / PLACES).max(1)) {
        let mut flipped = body.to_vec();
        flipped[place] ^= 1 << (place % 8);
        for mut damaged in [body[..place].to_vec(), flipped] {
            damaged.extend(crc32fast::hash(&damaged).to_le_bytes());
            if let Ok(expansion) = registry.decode_within(&damaged, 2 * vdf.grid().cells()) {
                let _ = expansion.reconstruct();
            }
        }
    }
    Ok(())
}

/// Rounding twice is rounding once: a stream holds rounded coefficients as they are. Finer steps give smaller errors, below
/// 1e-3 at a millionth of the norm.
///
/// # Errors
/// The step, and the difference.
pub fn rounding(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "rounding is a projection";
    let norm = vdf.as_slice().iter().map(|f| (f / vdf.peak()).powi(2)).sum::<f64>().sqrt() * vdf.peak();
    let exact = answer(LAW, basis.encode(vdf))?;
    let reference = answer(LAW, basis.reconstruct(&exact, vdf.grid()))?;
    let mut last = f64::INFINITY;
    for digits in [2, 4, 6] {
        let resolution = Resolution::Step(norm * 0.1_f64.powi(digits));
        let rounded = answer(LAW, basis.rounded(&exact, vdf, resolution))?;
        let (mut writer, mut written, mut read) = (Coder::writing(), rounded.clone(), basis.blank(vdf.grid()));
        answer(LAW, basis.code(&mut written, vdf.grid(), resolution, &mut writer))?;
        ensure(LAW, numbers(&written) == numbers(&rounded), || format!("{basis} {resolution:?}: rounded twice"))?;
        answer(LAW, basis.code(&mut read, vdf.grid(), resolution, &mut Coder::reading(&writer.finish())))?;
        ensure(LAW, numbers(&read) == numbers(&rounded), || format!("{basis} {resolution:?}: read as another"))?;
        let error = relative_l2(&reference, &answer(LAW, basis.reconstruct(&read, vdf.grid()))?);
        ensure(LAW, error < last || error < 1e-12, || format!("{basis}: {error:e} after {last:e}"))?;
        last = error;
    }
    ensure(LAW, last < 1e-3, || format!("{basis}: an error of {last:e} at a millionth of the norm"))
}

/// The decoded distribution meets the bound, or the encoder refuses with [`Error::TargetNotMet`].
///
/// # Errors
/// The bound, and the error.
pub fn bounds(basis: &AnyBasis, vdf: &Vdf) -> Outcome {
    const LAW: &str = "bounds are met on what is decoded";
    for bound in [Bound::l2(0.5), Bound::l2(0.05), Bound::linf(0.3), Bound::l2(0.4).and(Figure::Linf, 0.2)] {
        let quantized = answer(LAW, Quantized::new(basis.clone(), bound))?;
        match quantized.encode(vdf) {
            Ok(found) => {
                let back = answer(LAW, quantized.reconstruct(&found, vdf.grid()))?;
                let (l2, linf) = (relative_l2(vdf, &back), difference(vdf, &back));
                // The peak may be a negative value's, and the quotient differ in its last digits.
                let reached = |figure| if figure == Figure::L2 { l2 } else { linf * (1.0 - 1e-12) };
                let met = bound.limits().all(|(figure, limit)| reached(figure) <= limit);
                ensure(LAW, met, || format!("{quantized}: l2 {l2:e}, linf {linf:e}"))?;
            }
            Err(Error::TargetNotMet { .. }) => {}
            Err(other) => return ensure(LAW, false, || format!("{quantized}: {other}")),
        }
    }
    Ok(())
}

/// Hostile distributions give an answer or a reason: zeros, one cell, constants, negative ones, lines and planes, primes,
/// subnormal and enormous ones, 23 decades.
///
/// An answer has finite coefficients. A reason is [`Error::Degenerate`] or [`Error::OutOfRange`], for subnormal values also
/// [`Error::TargetNotMet`]. Enormous values may overflow in [`Basis::reconstruct`] ([`Error::NotFinite`]).
///
/// # Errors
/// The distribution, and what came of it.
pub fn hostile(basis: &AnyBasis) -> Outcome {
    const LAW: &str = "hostile distributions give an answer or a reason";
    for (what, vdf) in answer(LAW, hostile_distributions())? {
        let broken = |case: String| ensure(LAW, false, || format!("{basis} of {what}: {case}"));
        match basis.encode(&vdf) {
            Ok(found) => {
                let mut finite = true;
                found.visit(&mut |_, value| finite &= value.is_finite());
                ensure(LAW, finite, || format!("{basis} of {what}: coefficients that are not finite"))?;
                match basis.reconstruct(&found, vdf.grid()) {
                    Ok(_) => drop(answer(LAW, basis.moments(&found, vdf.grid()))?),
                    Err(Error::NotFinite { .. }) if what == "enormous" => {}
                    Err(other) => return broken(other.to_string()),
                }
            }
            Err(Error::Degenerate { .. } | Error::OutOfRange { .. }) => {}
            // Subnormal numbers have few digits.
            Err(Error::TargetNotMet { .. }) if what == "subnormal" => {}
            Err(other) => return broken(other.to_string()),
        }
    }
    Ok(())
}

fn hostile_distributions() -> Result<Vec<(&'static str, Vdf)>> {
    let unit = VelocityGrid::unit;
    let one_cell = |shape: [usize; 3]| {
        let mut values = vec![0.0; shape.iter().product()];
        let middle = values.len() / 2;
        values[middle] = 0.3;
        Vdf::from_vec(unit(shape)?, values)
    };
    let bumpy = |shape| Vdf::from_fn(unit(shape)?, |[x, y, z]| (x * 1.3 + y * 0.7 + z * 2.1).sin() + 0.5);
    Ok(vec![
        ("all zero", Vdf::zeros(unit([6, 5, 7])?)),
        ("a single cell", Vdf::from_slice(unit([1; 3])?, &[3.0])?),
        ("constant", Vdf::from_fn(unit([7; 3])?, |_| 2.0)?),
        ("one cell that is not zero", one_cell([8, 9, 7])?),
        ("negative only", Vdf::from_fn(unit([8; 3])?, |[x, y, z]| -(-0.1 * (x * x + y * y + z * z)).exp())?),
        ("cancelling", Vdf::from_fn(unit([8; 3])?, |[x, y, z]| (x + y + z - 10.5).signum())?),
        ("a line", bumpy([1, 1, 31])?),
        ("a plane", bumpy([13, 1, 11])?),
        ("primes", bumpy([7, 11, 13])?),
        ("fewer cells than functions", bumpy([3, 2, 4])?),
        ("subnormal", Vdf::from_fn(unit([9; 3])?, |[x, _, _]| 1e-310 * (1.0 + x))?),
        ("enormous", Vdf::from_fn(unit([9; 3])?, |[x, _, z]| 1e300 * (-0.1 * (x * x + z * z)).exp())?),
        ("23 decades", Vdf::from_fn(unit([12; 3])?, |[x, y, z]| 10f64.powf(-2.0 * (x + y + z) / 3.0 - 10.0))?),
    ])
}
