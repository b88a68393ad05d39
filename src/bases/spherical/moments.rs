//! Moments over velocity space, in closed form: harmonics of degree 0 to 2 hold density, bulk velocity and pressure,
//! those of degree 0 to 2 with two more powers of the radius the heat flux (Viñas and Gurgiolo 2009).

use std::f64::consts::PI;

use nalgebra::{Matrix3, Vector3};

use super::SphericalCoefficients;
use super::coefficients::Radial;
use crate::distribution::frame::axes_along;
use crate::distribution::moments::Moments;

impl SphericalCoefficients {
    /// The moments over all of velocity space, or over the sphere that the shells fill, in closed form. Where the box
    /// holds the whole distribution they agree with the sums over its cells to the error of the latter; where it cuts,
    /// they tell what the expansion makes of the part outside.
    #[must_use]
    pub fn moments_over_velocity_space(&self) -> Moments {
        // ∫ f_lm r^power dr times the factor that makes of Y_lm the polynomial wanted.
        let with = |factor: f64, position: usize, power: i32| factor.sqrt() * self.radial_integral(position, power);
        let density = with(4.0 * PI, 0, 2);
        let vector = |power| {
            let component = |position| with(4.0 * PI / 3.0, position, power);
            Vector3::new(component(3), component(1), component(2))
        };
        let (momentum, energy_flux) = (vector(3), vector(5));
        let trace = with(4.0 * PI, 0, 4);
        let mixed = |position| with(4.0 * PI / 15.0, position, 4);
        let (xy, yz, xz) = (mixed(4), mixed(5), mixed(7));
        // Of 3 z² − r² and of x² − y².
        let (axial, across) = (with(16.0 * PI / 5.0, 6, 4), with(16.0 * PI / 15.0, 8, 4));
        let zz = (trace + axial) / 3.0;
        let (xx, yy) = (0.5 * (trace - zz + across), 0.5 * (trace - zz - across));
        let second = Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz);

        let drift = momentum / density;
        let drift = if drift.iter().all(|u| u.is_finite()) { drift } else { Vector3::zeros() };
        let pressure = second - drift * drift.transpose() * density;
        let heat_flux =
            0.5 * (energy_flux - drift * trace - 2.0 * (second * drift) + 2.0 * drift * drift.norm_squared() * density);

        let axes = self.axis.map_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], axes_along);
        let rotation = Matrix3::from_fn(|i, j| axes[j][i]);
        let pressure = rotation * pressure * rotation.transpose();
        Moments {
            density,
            bulk_velocity: (Vector3::from(self.centre) + rotation * drift).into(),
            pressure: std::array::from_fn(|i| std::array::from_fn(|j| pressure[(i, j)])),
            heat_flux: (rotation * heat_flux).into(),
        }
    }

    /// ∫ f_lm(r) r^power dr of the harmonic at a position, for powers l + 2 and l + 4; 0 beyond the degree.
    fn radial_integral(&self, position: usize, power: i32) -> f64 {
        if position >= super::harmonics::count(self.degree) {
            return 0.0;
        }
        match self.pieces(1.0) {
            Radial::Pieces(pieces, columns) => (0..pieces.intervals())
                .map(|i| {
                    let integrals = pieces.integrals(i, power);
                    (0..4).map(|k| integrals[k] * columns[i][(position, k)]).sum::<f64>()
                })
                .sum(),
            Radial::Burnett(width) => {
                let l = position.isqrt();
                let alpha = l as f64 + 0.5;
                // ∫ R_nl ρ^(l+2) dρ = (−1)ⁿ 2^(α+½) √(Γ(n + α + 1)/n!), α = l + ½; with two more powers 2 (2n + α + 1)
                // times as much.
                let mut squared = (0..l).fold(0.5 * PI.sqrt(), |gamma, k| gamma * (k as f64 + 1.5));
                let mut start = 0;
                let mut sum = 0.0;
                for (n, &size) in self.sizes.iter().enumerate() {
                    let order = n as f64;
                    if n > 0 {
                        squared *= (order + alpha) / order;
                    }
                    if position < size as usize {
                        let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
                        let more = if power > l as i32 + 2 { 2.0 * (2.0 * order + alpha + 1.0) } else { 1.0 };
                        let integral = sign * 2f64.powf(alpha + 0.5) * squared.sqrt() * more;
                        sum += integral * self.amplitudes[start + position];
                    }
                    start += size as usize;
                }
                sum * width.powi(power + 1)
            }
        }
    }
}
