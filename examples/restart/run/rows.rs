//! Measurements of one run with one codec.

use serde::{Deserialize, Serialize};

/// Name of the run without a restart.
pub const UNCOMPRESSED: &str = "none";

/// One case with one codec. Jumps are those at the restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Name of the case.
    pub case: String,
    /// Spec of the codec, or `none`.
    pub codec: String,
    /// Mean length of a cell's stream; 8 bytes a value without a codec.
    pub bytes_per_cell: f64,
    /// Bytes that all cells share, which are part of it.
    pub shared_bytes: usize,
    /// Rate γ of the wave after the restart, in plasma frequencies.
    pub rate: Option<f64>,
    /// Rate of the dispersion relation.
    pub theory: f64,
    /// Total energy after the restart less that before, over that before.
    pub energy_jump: f64,
    /// Change of the total momentum, over that of all electrons moving with a thermal speed.
    pub momentum_jump: f64,
    /// Change of the total charge, over it.
    pub charge_jump: f64,
    /// Change of the field's energy, over it.
    pub field_energy_jump: f64,
    /// Distance of f right after the restart from f before, ‖f − g‖ / ‖f‖ over all of phase space.
    pub l2_restart: f64,
    /// Largest of the relative changes of charge and momentum from the start to the end without a restart.
    pub momentum_drift: f64,
    /// Relative change of the total energy from the start to the end without a restart.
    pub energy_drift: f64,
    /// Size of the perturbation before the restart in the same norm, ‖f − ⟨f⟩‖ / ‖f‖ with the mean over x.
    pub perturbation: f64,
    /// Distance of f at the end from the run without a restart.
    pub l2_end: f64,
    /// Energy of the mode at the end, over that without a restart.
    pub mode_ratio_end: f64,
    /// Times of `field_energy`.
    pub times: Vec<f64>,
    /// Energy of the electric field.
    pub field_energy: Vec<f64>,
}

impl Row {
    /// True for the run without a restart.
    pub fn is_uncompressed(&self) -> bool {
        self.codec == UNCOMPRESSED
    }

    /// The row of the same case without a restart.
    pub fn reference<'a>(&self, rows: &'a [Self]) -> Option<&'a Self> {
        rows.iter().find(|row| row.case == self.case && row.is_uncompressed())
    }

    /// Relative difference of the rate from that of the run without a restart.
    pub fn rate_error(&self, rows: &[Self]) -> Option<f64> {
        Some(self.rate? / self.reference(rows)?.rate? - 1.0)
    }
}
