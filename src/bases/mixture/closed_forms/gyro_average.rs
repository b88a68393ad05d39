//! Average of a mixture over the angle about a magnetic field.

use std::f64::consts::TAU;

use ndarray::Array2;

use super::super::coefficients::{MixtureCoefficients, MixtureComponent};
use super::super::member::Profile;
use crate::distribution::physics::{FieldFrame, ReducedDistribution, ReducedGrid};
use crate::numerics::angle_average::angle_average;
use crate::numerics::bessel::scaled_i0;

/// One component in the velocities along and across the field.
struct About {
    profile: Profile,
    peak: f64,
    /// ξ at v∥ = v⊥ = 0, and its derivatives by v∥, v⊥ cos φ and v⊥ sin φ.
    xi: [[f64; 4]; 3],
    /// The component's drift and variances along and across the field, if it is a Gaussian that is gyrotropic about a
    /// parallel axis.
    gyrotropic: Option<Gyrotropic>,
}

struct Gyrotropic {
    drift: [f64; 2],
    variance: [f64; 2],
}

impl MixtureCoefficients {
    /// Average over the gyrophase, f(v∥, v⊥) = ∮ f dφ / 2π [s³ m⁻⁶], about the velocity of a frame, from the components: as
    /// [`Vdf::gyro_average`](crate::Vdf::gyro_average) without cells.
    ///
    /// A Gaussian component that is isotropic across the field and drifts by u⊥ from the frame's velocity has the closed form
    /// n (2π)^(−3/2)/(σ∥ σ⊥²) exp(−(v∥ − u∥)²/2σ∥² − (v⊥² + u⊥²)/2σ⊥²) I_0(v⊥ u⊥/σ⊥²). Others, and kappa components, are averaged
    /// over equal steps of φ, which converges faster than any power of their number (Trefethen and Weideman 2014, SIAM Rev.
    /// 56, 385): the number is doubled until the average changes by less than 1e-13 of itself, or is 65536.
    ///
    /// ```
    /// use vdf_basis::{FieldDirection, FieldFrame, Frame, MixtureCoefficients, MixtureComponent, MixtureCovariance, ReducedGrid};
    /// // A beam that drifts across the field becomes a ring.
    /// let frame = Frame::grid_aligned([0.0, 6.0, 0.0], [1.0; 3]);
    /// let components = vec![MixtureComponent { density: 1.0, frame }];
    /// let mixture = MixtureCoefficients::new(MixtureCovariance::Full, None, components)?;
    /// let about = FieldFrame::new(FieldDirection::new([0.0, 0.0, 1.0])?, [0.0; 3])?;
    /// let ring = mixture.gyro_average(&about, &ReducedGrid::new([-6.0, 6.0], 12.0, [49, 97])?);
    /// assert!(ring.at(0.0, 6.0) > 1e6 * ring.at(0.0, 0.0));
    /// assert!((ring.density() - 1.0).abs() < 1e-6);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    #[must_use]
    pub fn gyro_average(&self, frame: &FieldFrame, grid: &ReducedGrid) -> ReducedDistribution {
        let (axes, centre) = (frame.field().axes(), frame.centre());
        let components: Vec<About> =
            self.components().iter().map(|c| About::new(c, self.profile(), axes, centre)).collect();
        let (parallel, perpendicular) = (grid.parallel(), grid.perpendicular());
        let values = Array2::from_shape_fn(grid.shape(), |(i, j)| {
            components.iter().map(|component| component.average(parallel[i], perpendicular[j])).sum()
        });
        ReducedDistribution::of_nodes(*frame, *grid, values)
    }
}

impl About {
    fn new(component: &MixtureComponent, profile: Profile, axes: [[f64; 3]; 3], centre: [f64; 3]) -> Self {
        let frame = &component.frame;
        let own = frame.axes();
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let offset: [f64; 3] = std::array::from_fn(|j| centre[j] - frame.centre[j]);
        let xi = std::array::from_fn(|i| {
            [offset, axes[2], axes[0], axes[1]].map(|direction| dot(own[i], direction) / frame.scales[i])
        });
        let peak = frame.scales.iter().fold(component.density * profile.unit_peak(), |peak, scale| peak / scale);
        let covariance = |a: [f64; 3], b: [f64; 3]| {
            (0..3).map(|i| frame.scales[i].powi(2) * dot(own[i], a) * dot(own[i], b)).sum::<f64>()
        };
        let [across, other, along] = axes.map(|axis| covariance(axis, axis));
        /// Part of the widths up to which a difference from gyrotropy counts as rounding.
        const ROUNDING: f64 = 1e-12;
        let tilt = [axes[0], axes[1]].map(|axis| covariance(axis, axes[2]).abs() / (across * along).sqrt());
        let is_gyrotropic = profile == Profile::Gaussian
            && (across - other).abs() <= ROUNDING * across
            && covariance(axes[0], axes[1]).abs() <= ROUNDING * across
            && tilt.iter().all(|tilt| *tilt <= ROUNDING);
        let gyrotropic = is_gyrotropic.then(|| Gyrotropic {
            drift: [-dot(offset, axes[2]), dot(offset, axes[0]).hypot(dot(offset, axes[1]))],
            variance: [along, 0.5 * (across + other)],
        });
        Self { profile, peak, xi, gyrotropic }
    }

    fn average(&self, parallel: f64, perpendicular: f64) -> f64 {
        if let Some(Gyrotropic { drift, variance }) = &self.gyrotropic {
            let along = (parallel - drift[0]).powi(2) / variance[0];
            let across = (perpendicular - drift[1]).powi(2) / variance[1];
            return self.peak * (-0.5 * (along + across)).exp() * scaled_i0(perpendicular * drift[1] / variance[1]);
        }
        let at = |angle: f64| {
            let (sine, cosine) = angle.sin_cos();
            let q = self
                .xi
                .map(|[rest, along, x, y]| (rest + parallel * along + perpendicular * (cosine * x + sine * y)).powi(2));
            let q = q[0] + q[1] + q[2];
            match self.profile.tail() {
                None => (-0.5 * q).exp(),
                Some(tail) => (-(0.5 * (tail + 3.0) + 1.0) * (q / tail).ln_1p()).exp(),
            }
        };
        // One point for each standard deviation along the circle.
        let turn = self.xi.iter().map(|[_, _, x, y]| x.hypot(*y)).fold(0.0, f64::max);
        let start = (TAU * perpendicular * turn).min(1e4) as usize;
        self.peak * angle_average(start, at)
    }
}
