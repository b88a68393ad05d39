//! Distributions traced back through given fields: by Liouville's theorem the phase-space density at a place is that of
//! the source at the other end of the trajectory.
//!
//! ```
//! use vdf_basis::distribution::synthetic::{Traced, TracedShock};
//!
//! let shock = Traced::shock(TracedShock::default())?;
//! let grid = shock.grid(20)?;
//! // A third of a gyroradius upstream of the ramp some ions come back from it.
//! let foot = shock.sample(-0.3, &grid)?;
//! let backwards = foot.values().slice(vdf_basis::ndarray::s![..8, .., ..]).sum() / foot.values().sum();
//! assert!(backwards > 0.01);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod fields;
#[cfg(test)]
mod tests;
mod trajectory;

pub use fields::{CurrentSheet, TracedShock};

use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{grid_between, invalid};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use trajectory::{Field, State};

/// Angle by which a particle turns in one step, at most [rad]: the relative error of a gyration is about its square over
/// 12.
const TURN: f64 = 0.05;
/// Part of half the width of the ramp or sheet that a particle passes in one step, at most.
const PASSAGE: f64 = 0.1;
/// Steps after which a particle counts as trapped.
const MAX_STEPS: usize = 100_000;
/// Largest distance from the ramp or sheet, in the unit of length: particles are followed over several times as much.
const MAX_POSITION: f64 = 200.0;

/// Fields, and the Maxwellian from which the particles come.
///
/// Particles that come from elsewhere have density zero: those from downstream infinity of a shock, and those that stay
/// trapped in a current sheet for 1e5 steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traced {
    fields: Fields,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fields {
    Shock(TracedShock),
    Sheet(CurrentSheet),
}

const SHOCK: &str = "traced-shock";
const SHEET: &str = "current-sheet";

impl Traced {
    /// Distributions through a shock.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) naming the first parameter out of its range.
    pub fn shock(shock: TracedShock) -> Result<Self> {
        shock.check()?;
        Ok(Self { fields: Fields::Shock(shock) })
    }

    /// Distributions through a current sheet.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) naming the first parameter out of its range.
    pub fn current_sheet(sheet: CurrentSheet) -> Result<Self> {
        sheet.check()?;
        Ok(Self { fields: Fields::Sheet(sheet) })
    }

    /// The names that [`Traced::named`] knows.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        [SHOCK, SHEET].into_iter()
    }

    /// The default shock (`traced-shock`) or current sheet (`current-sheet`). Seeds other than 0 change every width and
    /// speed by up to 15%, and the angle of the field at the shock by up to 5°, reproducibly.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) with the names for any other.
    pub fn named(name: &str, seed: u64) -> Result<Self> {
        let mut random = (seed != 0).then(|| ChaCha8Rng::seed_from_u64(seed));
        let mut draw = || random.as_mut().map_or(0.0, |random| random.random_range(-1.0..1.0));
        let tilt = 5.0 * draw();
        let mut vary = |value: &mut f64| *value *= 1.0 + 0.15 * draw();
        match name {
            SHOCK => {
                let mut shock = TracedShock::default();
                shock.obliquity += tilt;
                let TracedShock { v_th, compression, potential, half_width, .. } = &mut shock;
                [v_th, compression, potential, half_width].into_iter().for_each(&mut vary);
                Self::shock(shock)
            }
            SHEET => {
                let mut sheet = CurrentSheet::default();
                let CurrentSheet { v_th, half_width, normal, inflow, .. } = &mut sheet;
                [v_th, half_width, normal, inflow].into_iter().for_each(&mut vary);
                Self::current_sheet(sheet)
            }
            _ => {
                // A name may come from a file: quote its beginning, whatever its length.
                let quoted: String = name.chars().take(40).collect();
                Err(invalid("name", quoted, format!("{SHOCK} or {SHEET}")))
            }
        }
    }

    /// The walk that shows the fields: from upstream of the shock to downstream (x in u₁/Ω₁), or from one lobe of the
    /// sheet to the other (z in v_th/Ω₀).
    #[must_use]
    pub fn walk(&self) -> [f64; 2] {
        match self.fields {
            Fields::Shock(_) => [-1.0, 2.0],
            Fields::Sheet(sheet) => [-3.0 * sheet.half_width, 3.0 * sheet.half_width],
        }
    }

    /// Position of cell `k` of `cells` on the walk: its ends for the first and the last.
    #[must_use]
    pub fn position(&self, k: usize, cells: usize) -> f64 {
        let [from, to] = self.walk();
        from + (to - from) * if cells > 1 { k as f64 / (cells - 1) as f64 } else { 0.5 }
    }

    /// A grid that holds the distributions of the walk, with `cells` cells along its longest edge.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`](crate::Error::InvalidGrid) for no cells or far too many.
    pub fn grid(&self, cells: usize) -> Result<VelocityGrid> {
        match self.fields {
            Fields::Shock(TracedShock { speed, v_th, .. }) => {
                // Reflected ions gyrate about the flow with 2 u₁.
                let (across, along) = (1.5 * speed + 5.0 * v_th, 6.0 * v_th + 0.3 * speed);
                let lower = [-across, -across, -along];
                grid_between(lower, [speed + across, speed + across, along], cells)
            }
            Fields::Sheet(CurrentSheet { v_th, normal, inflow, .. }) => {
                // Beams leave at twice the speed E_y/B_z of the frame in which E vanishes.
                let beam = (2.0 * inflow / normal).min(20.0) * v_th;
                let rest = 5.0 * v_th;
                grid_between([-rest, -rest, -rest], [beam + rest, rest + 0.5 * beam, rest], cells)
            }
        }
    }

    /// Phase-space density [s³ m⁻⁶] at a position and the velocity `v` [m s⁻¹].
    ///
    /// The particle is followed backwards by the method of Boris, in steps in which it turns by at most 0.05 rad and, near
    /// the ramp or sheet, passes at most a tenth of its half width.
    #[must_use]
    pub fn evaluate(&self, position: f64, v: [f64; 3]) -> f64 {
        let unit = self.unit();
        let start = State { position: self.place(position), velocity: v.map(|v| v / unit) };
        self.traced_back(start, 1.0).map_or(0.0, |source| self.source(&source))
    }

    /// The distribution at a position, values at the centres of the cells.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a position beyond ±200.
    pub fn sample(&self, position: f64, grid: &VelocityGrid) -> Result<Vdf> {
        check_position(position)?;
        let values = (0..grid.cells()).into_par_iter().map(|index| {
            let place = grid.index_of(index);
            self.evaluate(position, std::array::from_fn(|axis| grid.centre(axis, place[axis])))
        });
        Vdf::from_vec(*grid, values.collect())
    }

    /// True for a shock, false for a current sheet.
    #[must_use]
    pub fn is_shock(&self) -> bool {
        matches!(self.fields, Fields::Shock(_))
    }

    /// The magnetic field at a position, in units of that upstream of the shock or of B₀ of the sheet.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a position beyond ±200.
    pub fn magnetic_field(&self, position: f64) -> Result<[f64; 3]> {
        check_position(position)?;
        Ok(self.field(self.place(position)).magnetic)
    }

    /// The unit of velocities [m/s]: u₁ of the shock, v_th of the sheet. Over the gyrofrequency q B/m of the field's unit B it is
    /// the unit of positions.
    #[must_use]
    pub fn unit(&self) -> f64 {
        match self.fields {
            Fields::Shock(shock) => shock.speed,
            Fields::Sheet(sheet) => sheet.v_th,
        }
    }

    /// The point of a position: along x through the shock, along z through the sheet, in the same unit.
    #[must_use]
    pub fn place(&self, position: f64) -> [f64; 3] {
        match self.fields {
            Fields::Shock(_) => [position, 0.0, 0.0],
            Fields::Sheet(_) => [0.0, 0.0, position],
        }
    }

    fn field(&self, at: [f64; 3]) -> Field {
        match self.fields {
            Fields::Shock(shock) => shock.field(at[0]),
            Fields::Sheet(sheet) => sheet.field(at[2]),
        }
    }

    /// Steps of time for a particle, parts of 1/Ω times `refinement`.
    fn steps(&self, velocity: [f64; 3], refinement: f64) -> Steps {
        let speed = length(velocity);
        let (strongest, width, edge, gained) = match self.fields {
            Fields::Shock(shock) => (shock.compression, shock.half_width, shock.half_width, 2.0),
            Fields::Sheet(sheet) => {
                let strongest = (1.0 + sheet.guide.powi(2)).sqrt() + sheet.normal;
                let edge = CurrentSheet::LOBES * sheet.half_width;
                (strongest, sheet.half_width, edge, sheet.inflow * (1.0 + sheet.guide.abs()) / sheet.normal)
            }
        };
        let far = refinement * TURN / strongest;
        let near = far.min(refinement * PASSAGE * width / (speed + gained));
        Steps { near, far, beyond: edge + far * (speed + gained) }
    }

    /// A state of a particle in the source, in units of the fields; `None` if it comes from elsewhere.
    fn traced_back(&self, start: State, refinement: f64) -> Option<State> {
        let steps = self.steps(start.velocity, refinement);
        let mut state = start;
        for _ in 0..MAX_STEPS {
            match self.origin(&state) {
                Origin::Source => return Some(state),
                Origin::Elsewhere => return None,
                Origin::Unknown => {
                    let dt = steps.at(self.distance(&state));
                    state = state.step(-dt, |at| self.field(at));
                }
            }
        }
        None
    }

    /// Distance from the middle of the ramp or sheet.
    fn distance(&self, state: &State) -> f64 {
        match self.fields {
            Fields::Shock(_) => state.position[0].abs(),
            Fields::Sheet(_) => state.position[2].abs(),
        }
    }

    /// The origin of a particle, if its past can be told from the uniform fields around it.
    ///
    /// Backwards in time the guiding centre moves with −(u + b (w·b)), u the drift and w = v − u. If it leaves the ramp or
    /// sheet and no part of the gyration, of radius |w|/Ω, reaches it, the particle never was there.
    fn origin(&self, state: &State) -> Origin {
        let field = self.field(state.position);
        let (magnetic, drift) = (field.magnetic, field.drift());
        let strength = length(magnetic);
        let w: [f64; 3] = std::array::from_fn(|i| state.velocity[i] - drift[i]);
        let along: f64 = (0..3).map(|i| w[i] * magnetic[i]).sum::<f64>() / strength;
        let guiding = |axis: usize| drift[axis] + along * magnetic[axis] / strength;
        let reach = 2.0 * length(w) / strength;
        match self.fields {
            Fields::Shock(shock) => {
                let x = state.position[0];
                if x + reach < -shock.half_width && guiding(0) > 0.0 {
                    Origin::Source
                } else if x - reach > shock.half_width && guiding(0) < 0.0 {
                    Origin::Elsewhere
                } else {
                    Origin::Unknown
                }
            }
            Fields::Sheet(sheet) => {
                let z = state.position[2];
                let outside = z.abs() - reach > CurrentSheet::LOBES * sheet.half_width;
                if outside && guiding(2) * z < 0.0 { Origin::Source } else { Origin::Unknown }
            }
        }
    }

    /// The Maxwellian of the source at a state in units of the fields.
    fn source(&self, state: &State) -> f64 {
        let (density, v_th, drift) = match self.fields {
            Fields::Shock(shock) => (shock.density, shock.v_th, [1.0, 0.0, 0.0]),
            Fields::Sheet(sheet) => (sheet.density, sheet.v_th, self.field(state.position).drift()),
        };
        let unit = self.unit();
        let q: f64 = (0..3).map(|i| ((state.velocity[i] - drift[i]) * unit / v_th).powi(2)).sum();
        density * (-0.5 * q).exp() / (TAU.sqrt() * v_th).powi(3)
    }
}

fn check_position(position: f64) -> Result<()> {
    if position.abs() <= MAX_POSITION {
        return Ok(());
    }
    Err(invalid("position", position, "a number from -200 to 200"))
}

/// Steps of time near the ramp or sheet, and where the field is uniform over the next step.
struct Steps {
    near: f64,
    far: f64,
    /// The distance from which on it is.
    beyond: f64,
}

impl Steps {
    fn at(&self, distance: f64) -> f64 {
        if distance > self.beyond { self.far } else { self.near }
    }
}

enum Origin {
    Source,
    Elsewhere,
    Unknown,
}

fn length(v: [f64; 3]) -> f64 {
    (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()
}
