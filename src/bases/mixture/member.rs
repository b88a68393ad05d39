//! A component of a fit, in the scaled coordinates of [`Cells`](super::cells::Cells).

use std::f64::consts::{PI, TAU};

use nalgebra::{Cholesky, Matrix3, Vector3};
use special::Gamma;

/// The shape of a component as a function of q = dᵀ Σ⁻¹ d, Σ its covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Profile {
    /// exp(−q/2).
    Gaussian,
    /// (1 + q/(2κ−3))^(−κ−1): Student's t with 2κ − 1 degrees of freedom.
    Kappa(f64),
}

impl Profile {
    pub fn new(kappa: Option<f64>) -> Self {
        kappa.map_or(Self::Gaussian, Self::Kappa)
    }

    /// 2κ − 3, the scale of q in the tail; `None` for Gaussians.
    pub fn tail(self) -> Option<f64> {
        match self {
            Self::Gaussian => None,
            Self::Kappa(kappa) => Some(2.0 * kappa - 3.0),
        }
    }

    /// Value at the centre for ∫ f d³v = 1 and det Σ = 1.
    pub fn unit_peak(self) -> f64 {
        match self {
            Self::Gaussian => TAU.powf(-1.5),
            Self::Kappa(kappa) => unit_peak_of(kappa),
        }
    }

    /// Value of q beyond which a component of the given peak is below `least`.
    pub fn reach(self, peak: f64, least: f64) -> f64 {
        let fall = peak / least;
        match self {
            _ if fall <= 1.0 => 0.0,
            Self::Gaussian => 2.0 * fall.ln(),
            Self::Kappa(kappa) => (2.0 * kappa - 3.0) * (fall.ln() / (kappa + 1.0)).exp_m1(),
        }
    }
}

/// [`Profile::unit_peak`] of a kappa distribution. Not inlined: the compiler would compute the power for Gaussians too, of a
/// kappa that is not set, and tools such as valgrind would report it.
#[inline(never)]
fn unit_peak_of(kappa: f64) -> f64 {
    (Gamma::ln_gamma(kappa + 1.0).0 - Gamma::ln_gamma(kappa - 0.5).0).exp() / (PI * (2.0 * kappa - 3.0)).powf(1.5)
}

/// A component: mass Σ f over the cells, mean and covariance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub mass: f64,
    pub mean: Vector3<f64>,
    pub covariance: Matrix3<f64>,
}

impl Member {
    /// Value at the centre.
    pub fn peak(&self, profile: Profile, cell_volume: f64) -> f64 {
        self.mass * profile.unit_peak() * cell_volume / volume(&self.covariance)
    }

    /// A component with the mass, the mean and the covariance of two together.
    pub fn merged_with(&self, other: &Self) -> Self {
        let mass = self.mass + other.mass;
        let (a, b) = (self.mass / mass, other.mass / mass);
        let apart = other.mean - self.mean;
        let covariance = self.covariance * a + other.covariance * b + apart * apart.transpose() * (a * b);
        Self { mass, mean: self.mean + apart * b, covariance }
    }

    /// Mass of a component with the given value at the centre.
    pub fn mass_of(peak: f64, covariance: &Matrix3<f64>, profile: Profile, cell_volume: f64) -> f64 {
        peak * volume(covariance) / (profile.unit_peak() * cell_volume)
    }
}

/// √det Σ, the product of the three widths; NaN if Σ is not positive definite.
///
/// It is the product of the diagonal of the Cholesky factor: in the sum of products that defines a determinant all digits
/// cancel where a component is oblique and 10⁴ times longer than wide.
pub(super) fn volume(covariance: &Matrix3<f64>) -> f64 {
    Cholesky::new(*covariance).map_or(f64::NAN, |factor| factor.l_dirty().diagonal().product())
}

/// Ellipsoids of constant q, and their sections along the rows of a grid: q = across(x, y) + (narrowness · (z −
/// centre(x, y)))².
#[derive(Debug, Clone, Copy)]
pub(super) struct Ellipsoid {
    pub mean: Vector3<f64>,
    /// Inverse of the Cholesky factor of Σ, lower triangular: q = |W d|².
    pub whitening: Matrix3<f64>,
}

/// Section of an ellipsoid along a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Minimum of q along the line of the row.
    pub across: f64,
    /// Position z of the minimum.
    pub centre: f64,
}

impl Ellipsoid {
    /// `None` if the covariance is not positive definite.
    pub fn new(mean: Vector3<f64>, covariance: Matrix3<f64>) -> Option<Self> {
        let factor = Cholesky::new(covariance)?.l();
        let whitening = factor.try_inverse()?;
        (whitening.iter().chain(mean.iter()).all(|w| w.is_finite())).then_some(Self { mean, whitening })
    }

    /// Σ⁻¹.
    pub fn precision(&self) -> Matrix3<f64> {
        self.whitening.transpose() * self.whitening
    }

    /// ½ ln det Σ⁻¹.
    pub fn half_log_det_precision(&self) -> f64 {
        (0..3).map(|i| self.whitening[(i, i)].ln()).sum()
    }

    /// Inverse width along a row.
    pub fn narrowness(&self) -> f64 {
        self.whitening[(2, 2)]
    }

    /// Values of y between which q < reach somewhere in the plane at x. The first exceeds the second if there is none.
    pub fn span(&self, x: f64, reach: f64) -> [f64; 2] {
        let (w, dx) = (&self.whitening, x - self.mean[0]);
        let rest = reach - (w[(0, 0)] * dx).powi(2);
        if rest.is_nan() || rest <= 0.0 {
            return [f64::INFINITY, f64::NEG_INFINITY];
        }
        [-1.0, 1.0].map(|side| self.mean[1] + (side * rest.sqrt() - w[(1, 0)] * dx) / w[(1, 1)])
    }

    #[inline(always)]
    pub fn cut(&self, [x, y]: [f64; 2]) -> Cut {
        let (w, dx, dy) = (&self.whitening, x - self.mean[0], y - self.mean[1]);
        let first = w[(0, 0)] * dx;
        let second = w[(1, 0)] * dx + w[(1, 1)] * dy;
        let shift = (w[(2, 0)] * dx + w[(2, 1)] * dy) / w[(2, 2)];
        Cut { across: first * first + second * second, centre: self.mean[2] - shift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn rows_cut_the_quadratic_form() {
        let covariance = Matrix3::new(4.0, 1.0, -0.5, 1.0, 2.0, 0.3, -0.5, 0.3, 1.0);
        let mean = Vector3::new(0.3, -1.0, 2.0);
        let ellipsoid = Ellipsoid::new(mean, covariance).unwrap();
        for v in [Vector3::new(1.0, 2.0, 3.0), Vector3::new(-4.0, 0.1, 0.7)] {
            let cut = ellipsoid.cut([v.x, v.y]);
            let q = cut.across + (ellipsoid.narrowness() * (v.z - cut.centre)).powi(2);
            let exact = (v - mean).dot(&(covariance.try_inverse().unwrap() * (v - mean)));
            assert_relative_eq!(q, exact, max_relative = 1e-13);
        }
        let [from, to] = ellipsoid.span(1.0, 9.0);
        for (y, q) in [(from, 9.0), (to, 9.0), (0.5 * (from + to), 0.7f64.powi(2) / 4.0)] {
            assert_relative_eq!(ellipsoid.cut([1.0, y]).across, q, max_relative = 1e-12);
        }
        assert!(ellipsoid.span(10.0, 9.0)[0] > ellipsoid.span(10.0, 9.0)[1]);
        assert!(Ellipsoid::new(mean, -covariance).is_none());
    }

    #[test]
    fn the_volume_of_a_long_oblique_component_keeps_its_digits() {
        // Widths 1 and 10⁶ along (1, 2, −1)/√6, of which the sum of products keeps no digit.
        let field = Vector3::new(1.0, 2.0, -1.0) / 6f64.sqrt();
        let covariance = Matrix3::identity() + field * field.transpose() * (1e12 - 1.0);
        assert_relative_eq!(volume(&covariance), 1e6, max_relative = 1e-3);
        let full = Matrix3::new(4.0, 1.0, -0.5, 1.0, 2.0, 0.3, -0.5, 0.3, 1.0);
        assert_relative_eq!(volume(&full).powi(2), full.determinant(), max_relative = 1e-14);
        assert!(volume(&-full).is_nan());
    }

    #[test]
    fn peaks_and_reach_follow_the_profile() {
        // κ → ∞ is the Gaussian.
        assert_relative_eq!(Profile::Kappa(1e6).unit_peak(), Profile::Gaussian.unit_peak(), max_relative = 1e-5);
        // κ = 2: Γ(3)/Γ(3/2) / π^{3/2}.
        assert_relative_eq!(Profile::Kappa(2.0).unit_peak(), 4.0 / (PI * PI), max_relative = 1e-12);
        let q = Profile::Kappa(3.0).reach(2.0, 1e-5);
        assert_relative_eq!(2.0 * (1.0 + q / 3.0).powi(-4), 1e-5, max_relative = 1e-12);
        assert_eq!(Profile::Gaussian.reach(1.0, 2.0), 0.0);
    }
}
