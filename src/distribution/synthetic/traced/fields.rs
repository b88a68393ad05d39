//! Fields of a shock and of a current sheet. Lengths are in gyroradii of the speed of the source, times in gyrations.

use super::super::invalid;
use super::trajectory::Field;
use crate::error::Result;

/// A collisionless shock in its rest frame with given fields, through which the plasma flows along +x.
///
/// The field along the front, B_z, grows from its upstream value to `compression` times that over the ramp, −w < x < w,
/// by a smooth step S; B_x is constant, and so is E_y = u₁ B_z1, as in every steady flow in one dimension. The
/// electrons' pressure leaves a potential `potential`·½ m u₁² S(x), which slows the ions. For fields of this kind see
/// Gedalin 1996 (J. Geophys. Res. 101, 4871).
///
/// Lengths are in u₁/Ω₁, Ω₁ the upstream gyrofrequency: charge and mass are not needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TracedShock {
    /// Upstream number density [m⁻³].
    pub density: f64,
    /// Upstream flow speed u₁ [m s⁻¹].
    pub speed: f64,
    /// Upstream thermal speed [m s⁻¹].
    pub v_th: f64,
    /// Ratio of the field along the front downstream and upstream, 1 to 4.
    pub compression: f64,
    /// Angle between the upstream field, in the xz plane, and the shock normal: 45 to 90 degrees.
    pub obliquity: f64,
    /// Potential across the ramp in units of ½ m u₁²/q, 0 to 0.9.
    pub potential: f64,
    /// Half the width w of the ramp in u₁/Ω₁, 0.01 to 10. One ion inertial length is 1/M_A.
    pub half_width: f64,
}

impl Default for TracedShock {
    /// A bow shock: 1e6 m⁻³, u₁ = 400 km/s, thermal speed 60 km/s, compression 3, 85°, a potential of 0.5, and a ramp of
    /// one inertial length at Alfvén Mach number 6.
    fn default() -> Self {
        Self {
            density: 1e6,
            speed: 4e5,
            v_th: 6e4,
            compression: 3.0,
            obliquity: 85.0,
            potential: 0.5,
            half_width: 1.0 / 12.0,
        }
    }
}

/// A current sheet with given fields, into which plasma flows from both lobes along ±z.
///
/// B_x = B₀ tanh(z/L) (Harris 1962, Nuovo Cimento 23, 115), with a constant normal field B_z = `normal`·B₀ and guide field
/// B_y = `guide`·B₀. The electric field is −u × B with u = (E_y/B_z, 0, 0) and E_y = `inflow`·B₀: uniform, and nowhere along the
/// magnetic field. In both lobes, beyond |z| = 4L, there is a Maxwellian that drifts with E × B/B². Ions meander about the middle of the sheet (Speiser 1965, J. Geophys. Res. 70, 4219) and leave it along
/// the field as beams.
///
/// Lengths are in v_th/Ω₀, Ω₀ the gyrofrequency of B₀.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurrentSheet {
    /// Number density of the lobes [m⁻³].
    pub density: f64,
    /// Thermal speed of the lobes [m s⁻¹].
    pub v_th: f64,
    /// Half the thickness L in v_th/Ω₀, 0.1 to 100.
    pub half_width: f64,
    /// Normal field B_z/B₀, 0.02 to 1.
    pub normal: f64,
    /// Guide field B_y/B₀, −2 to 2.
    pub guide: f64,
    /// Speed E_y/B₀ of the inflow in units of v_th, 0 to 2.
    pub inflow: f64,
}

impl Default for CurrentSheet {
    /// Lobes of 1e6 m⁻³ and 200 km/s; L of one gyroradius, B_z = 0.2 B₀, no guide field, inflow at 0.3 v_th.
    fn default() -> Self {
        Self { density: 1e6, v_th: 2e5, half_width: 1.0, normal: 0.2, guide: 0.0, inflow: 0.3 }
    }
}

fn within(name: &'static str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(invalid(name, value, format!("a number from {low:e} to {high:e}")))
    }
}

impl TracedShock {
    pub(super) fn check(&self) -> Result<()> {
        within("density", self.density, 1e-30, 1e30)?;
        within("speed", self.speed, 1e-30, 1e30)?;
        within("v_th", self.v_th, 1e-3 * self.speed, 1e2 * self.speed)?;
        within("compression", self.compression, 1.0, 4.0)?;
        within("obliquity", self.obliquity, 45.0, 90.0)?;
        within("potential", self.potential, 0.0, 0.9)?;
        within("half_width", self.half_width, 0.01, 10.0)
    }

    /// The fields at x in units of u₁ and Ω₁.
    pub(super) fn field(&self, x: f64) -> Field {
        let (sin, cos) = self.obliquity.to_radians().sin_cos();
        let (step, slope) = smooth_step(x / self.half_width);
        let along = sin * (1.0 + (self.compression - 1.0) * step);
        let retarding = -0.5 * self.potential * slope / self.half_width;
        Field { electric: [retarding, sin, 0.0], magnetic: [cos, 0.0, along] }
    }
}

impl CurrentSheet {
    pub(super) fn check(&self) -> Result<()> {
        within("density", self.density, 1e-30, 1e30)?;
        within("v_th", self.v_th, 1e-30, 1e30)?;
        within("half_width", self.half_width, 0.1, 100.0)?;
        within("normal", self.normal, 0.02, 1.0)?;
        within("guide", self.guide, -2.0, 2.0)?;
        within("inflow", self.inflow, 0.0, 2.0)
    }

    /// The fields at z in units of v_th and Ω₀. Beyond the lobes' edge they are uniform.
    pub(super) fn field(&self, z: f64) -> Field {
        let lobe = Self::LOBES * self.half_width;
        let along = (z.clamp(-lobe, lobe) / self.half_width).tanh();
        let electric = [0.0, self.inflow, -self.inflow * self.guide / self.normal];
        Field { electric, magnetic: [along, self.guide, self.normal] }
    }

    /// Distance of the lobes from the middle in half thicknesses.
    pub(super) const LOBES: f64 = 4.0;
}

/// A step from 0 at x = −1 to 1 at x = 1 whose first two derivatives are continuous, and its slope.
fn smooth_step(x: f64) -> (f64, f64) {
    let t = (0.5 * (x + 1.0)).clamp(0.0, 1.0);
    let step = t * t * t * (10.0 + t * (6.0 * t - 15.0));
    (step, 15.0 * (t * (1.0 - t)).powi(2))
}
