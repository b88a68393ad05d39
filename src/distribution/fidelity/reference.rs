//! Comparison of one distribution with many reconstructions.

use std::cell::OnceCell;

use super::{MomentErrors, log10_rms, relative};
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::paired_sum;

/// Reference for the comparison with many reconstructions. Its norm and its moments are computed once. The errors are
/// those of [`Fidelity`](super::Fidelity), to the last bit where a field is named.
#[derive(Debug)]
pub(crate) struct Reference<'a> {
    vdf: &'a Vdf,
    peak: f64,
    factor: f64,
    /// Norm ‖f‖ times the factor.
    scaled_norm: f64,
    /// Moments of the values times the factor.
    moments: OnceCell<Moments>,
}

impl<'a> Reference<'a> {
    pub(crate) fn new(vdf: &'a Vdf) -> Self {
        let (f, row, peak) = (vdf.as_slice(), vdf.grid().shape()[2], vdf.peak());
        let factor = normalising_factor(peak);
        let scaled_norm = paired_sum(f, f, row, |f, _| (f * factor) * (f * factor)).sqrt();
        Self { vdf, peak, factor, scaled_norm, moments: OnceCell::new() }
    }

    /// Norm ‖f‖ [s³ m⁻⁶].
    pub(crate) fn norm(&self) -> f64 {
        self.scaled_norm / self.factor
    }

    /// Relative error ‖f−g‖ / ‖f‖. 0/0 counts as 0, and errors above 10¹⁵⁰ as infinite.
    pub(crate) fn relative_l2(&self, reconstruction: &Vdf) -> f64 {
        let (f, g) = (self.vdf.as_slice(), reconstruction.as_slice());
        // The reference is zero: the error is 0 or infinite.
        let factor = if self.peak > 0.0 { self.factor } else { normalising_factor(reconstruction.peak()) };
        let square = |f: f64, g: f64| ((f - g) * factor) * ((f - g) * factor);
        let difference = paired_sum(f, g, self.vdf.grid().shape()[2], square).sqrt();
        match difference {
            0.0 => 0.0,
            // An overflown compensated sum is NaN.
            _ if difference.is_nan() => f64::INFINITY,
            _ => difference / self.scaled_norm,
        }
    }

    /// Gain ‖f‖ / ‖g‖, the factor that gives g the norm of f.
    pub(crate) fn gain(&self, reconstruction: &Vdf) -> f64 {
        let g = reconstruction.as_slice();
        let square = |g: f64, _: f64| (g * self.factor) * (g * self.factor);
        self.scaled_norm / paired_sum(g, g, self.vdf.grid().shape()[2], square).sqrt()
    }

    /// Relative error max|f−g| / max|f|; 0/0 counts as 0.
    pub(crate) fn relative_linf(&self, reconstruction: &Vdf) -> f64 {
        let pairs = self.vdf.as_slice().iter().zip(reconstruction.as_slice());
        let worst = pairs.fold(0.0, |worst, (f, g)| f64::max(worst, (f - g).abs()));
        if worst == 0.0 { 0.0 } else { worst / self.peak }
    }

    /// Field `log10_rms` above a floor [s³ m⁻⁶].
    pub(crate) fn log10_rms(&self, reconstruction: &Vdf, floor: f64) -> f64 {
        log10_rms(self.vdf.as_slice(), reconstruction.as_slice(), floor)
    }

    /// Field `relative` above a floor [s³ m⁻⁶].
    pub(crate) fn relative(&self, reconstruction: &Vdf, floor: f64) -> f64 {
        relative(self.vdf.as_slice(), reconstruction.as_slice(), floor)
    }

    /// Fields `density`, `bulk_velocity`, `pressure` and `heat_flux`.
    pub(crate) fn moment_errors(&self, reconstruction: &Vdf) -> MomentErrors {
        // Both are scaled alike, so that neither overflows; nearly always by the factor of the original.
        let factor = normalising_factor(f64::max(self.peak, reconstruction.peak()));
        let moments = |vdf: &Vdf, factor| Moments::of_scaled(vdf.grid(), vdf.as_slice(), factor, |f| f);
        let original = match factor == self.factor {
            true => *self.moments.get_or_init(|| moments(self.vdf, factor)),
            false => moments(self.vdf, factor),
        };
        MomentErrors::between(&original, &moments(reconstruction, factor))
    }
}

/// ‖f−g‖ / ‖f‖; 0/0 is no error.
pub(crate) fn relative_l2(original: &Vdf, reconstruction: &Vdf) -> f64 {
    Reference::new(original).relative_l2(reconstruction)
}
