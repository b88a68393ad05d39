//! Velocity moments: density, bulk velocity, pressure tensor, heat flux.

/// The velocity moments of a distribution, up to the heat flux, per unit mass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Number density n = ∫ f d³v [m⁻³].
    pub density: f64,
    /// Bulk velocity u = ∫ v f d³v / n [m s⁻¹]; the middle of the grid where the density vanishes.
    pub bulk_velocity: [f64; 3],
    /// Pressure tensor per unit mass P_ij = ∫ (v−u)_i (v−u)_j f d³v [m⁻¹ s⁻²], symmetric.
    pub pressure: [[f64; 3]; 3],
    /// Heat-flux vector per unit mass q_i = ½ ∫ (v−u)_i |v−u|² f d³v [s⁻³].
    pub heat_flux: [f64; 3],
}
