//! A walk through a collisionless shock: many related distributions on one grid, each with closed-form moments.

use std::f64::consts::FRAC_PI_3;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Component, Shape, Synthetic, grid_between, invalid};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// A quasi-perpendicular, supercritical shock in its rest frame, where plasma flows along +x, the shock normal.
///
/// The position s runs from 0 (upstream) over the foot and the ramp (around s = 1/2) to 1 (downstream). The foot holds
/// ions that the shock reflected specularly: they leave it at −u₁, turn back where they have gyrated by 60° (Woods
/// 1969, J. Plasma Phys. 3, 435) after 0.68 u₁/Ω, and so gyrate about the flow with 2u₁ as a ring bunched in gyrophase
/// (Sckopke et al. 1983, JGR 88, 6121), which goes on turning, widens in gyrophase and dies out downstream: the
/// density overshoots behind the ramp, and undershoots. The core is slowed and heated at the ramp, more across the
/// field than along it.
///
/// The mass flux n u_x is exactly n₁ u₁ at every s. At s = 0 and 1, where there is no ring, the density is n₁ and r
/// n₁, and P_xx + n u_x² + B_z²/2μ₀m is the same at both (Rankine-Hugoniot for the normal momentum; field and flow
/// along the shock front are not balanced). With the foot's width above, the walk is about 2.3 u₁/Ω, or 2.3 Alfvén
/// Mach numbers ion inertial lengths, long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shock {
    /// Upstream number density n₁ [m⁻³].
    pub density: f64,
    /// Upstream flow speed u₁ [m s⁻¹].
    pub speed: f64,
    /// Upstream thermal speed [m s⁻¹].
    pub v_th: f64,
    /// Alfvén Mach number u₁/v_A, v_A of the upstream field along the shock front.
    pub alfven_mach: f64,
    /// Compression ratio r = n₂/n₁, above 1 and at most 4.
    pub compression: f64,
    /// Angle θ_Bn between the upstream field, in the xz plane, and the shock normal: 45 to 90 degrees.
    pub obliquity: f64,
    /// T⊥/T∥ downstream.
    pub anisotropy: f64,
    /// Largest density of the reflected ions, as a fraction of n₁; 0 to 0.3.
    pub reflected: f64,
}

impl Default for Shock {
    /// A bow shock at Alfvén Mach number 6: n₁ = 1e6 m⁻³, u₁ = 400 km/s, thermal speed 60 km/s, r = 3, θ_Bn = 75°,
    /// T⊥/T∥ = 1.5, reflected ions of up to n₁/5.
    fn default() -> Self {
        Self {
            density: 1e6,
            speed: 4e5,
            v_th: 6e4,
            alfven_mach: 6.0,
            compression: 3.0,
            obliquity: 75.0,
            anisotropy: 1.5,
            reflected: 0.2,
        }
    }
}

/// Reproducible differences between neighbouring cells, as turbulence leaves them. The mass flux stays exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Jitter {
    /// Largest relative change of thermal speed, anisotropy and reflected fraction, and of the velocity along the
    /// shock front in units of u₁; 0 to 0.5.
    pub amplitude: f64,
    /// Seed; every cell draws from a stream of its own.
    pub seed: u64,
}

impl Shock {
    fn check(&self) -> Result<()> {
        for (name, value) in [("density", self.density), ("speed", self.speed), ("v_th", self.v_th)] {
            if !(1e-30..=1e30).contains(&value) {
                return Err(invalid(name, value, "a positive number from 1e-30 to 1e30"));
            }
        }
        for (name, value, range, allowed) in [
            ("alfven_mach", self.alfven_mach, 1.0..=1e6, "a number from 1 to 1e6"),
            ("compression", self.compression, 1.0f64.next_up()..=4.0, "a number above 1, up to 4"),
            ("obliquity", self.obliquity, 45.0..=90.0, "an angle from 45 to 90 degrees"),
            ("anisotropy", self.anisotropy, 0.1..=10.0, "a number from 0.1 to 10"),
            ("reflected", self.reflected, 0.0..=0.3, "a fraction from 0 to 0.3"),
        ] {
            if !range.contains(&value) {
                return Err(invalid(name, value, allowed));
            }
        }
        if self.downstream_variance() <= 0.0 {
            let allowed = "a compression ratio that leaves a positive pressure downstream at this Mach number";
            return Err(invalid("compression", self.compression, allowed));
        }
        Ok(())
    }

    /// Downstream P_xx/n [m² s⁻²], from the balance of normal momentum P_xx + n u_x² + B_z²/2μ₀m.
    fn downstream_variance(&self) -> f64 {
        let r = self.compression;
        let magnetic = (r * r - 1.0) / (2.0 * self.alfven_mach.powi(2));
        (self.v_th.powi(2) + self.speed.powi(2) * (1.0 - 1.0 / r - magnetic)) / r
    }

    /// The distribution at position `s`, from 0 (upstream) to 1 (downstream).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a parameter or a position out of its range, and
    /// where reflected ions alone would carry more than the whole mass flux.
    pub fn at(&self, s: f64) -> Result<Synthetic> {
        self.check()?;
        if !(0.0..=1.0).contains(&s) {
            return Err(invalid("s", s, "a position from 0 to 1"));
        }
        self.drifting(s, [0.0; 2])
    }

    /// The distribution at `s`, carried along the shock front with the velocity `front` in y and z.
    fn drifting(&self, s: f64, front: [f64; 2]) -> Result<Synthetic> {
        let ramp = smooth_step(0.45, 0.58, s);
        let heated = smooth_step(0.45, 0.7, s);
        let foot = smooth_step(0.15, 0.45, s) * (1.0 - smooth_step(0.55, 0.95, s));
        let turning = smooth_step(0.52, 0.95, s);

        let flow = self.speed * mix(1.0, 1.0 / self.compression, ramp);
        let compressed = self.speed / flow;
        let drift = [flow, front[0], front[1]];
        // B_x is continuous; the field along the front is compressed with the plasma.
        let (sin, cos) = self.obliquity.to_radians().sin_cos();
        let field = [cos, 0.0, sin * compressed];

        let anisotropy = mix(1.0, self.anisotropy, heated);
        let variance = mix(self.v_th.powi(2), self.downstream_variance(), heated);
        // P_xx = P⊥ + (P∥ − P⊥) b_x².
        let b_x2 = cos * cos / (cos * cos + field[2] * field[2]);
        let perp = variance / (1.0 + (1.0 / anisotropy - 1.0) * b_x2);
        let shape = Shape::BiMaxwellian { v_th_par: (perp / anisotropy).sqrt(), v_th_perp: perp.sqrt(), field };

        // Without the ring, mass flux alone gives the density.
        let mut core_flux = self.density * self.speed;
        let ring_density = self.reflected * foot * self.density;
        let ring = if ring_density > 0.0 {
            // The gyrophase grows from −x towards the motional electric field −u × B, along +y.
            let (sin, cos) = (FRAC_PI_3 * (1.0 + 3.0 * turning)).sin_cos();
            let shape = Shape::Crescent {
                speed: self.speed + flow,
                width: 2.0 * self.v_th,
                v_th_par: 2.0 * self.v_th,
                field,
                towards: [-cos, sin, 0.0],
                sharpness: mix(4.0, 0.25, turning),
            };
            let ring = Component::new(ring_density, drift, shape)?;
            core_flux -= ring_density * ring.moments().bulk_velocity[0];
            Some(ring)
        } else {
            None
        };
        let core = Component::new(core_flux / flow, drift, shape)?;
        Synthetic::new([Some(core), ring].into_iter().flatten().collect())
    }
}

/// Distributions at equally spaced positions through a [`Shock`], from upstream to downstream.
///
/// ```
/// use vdf_basis::distribution::synthetic::{Sampling, ShockPopulation};
///
/// let population = ShockPopulation::new(100);
/// let grid = population.grid(32)?;
/// for distribution in population.iter().step_by(25) {
///     let vdf = distribution?.sample(&grid, Sampling::default())?;
///     assert_eq!(vdf.grid().shape(), [32, 32, 25]);
/// }
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShockPopulation {
    shock: Shock,
    jitter: Jitter,
    cells: usize,
}

impl ShockPopulation {
    /// `cells` distributions through the default shock, without jitter.
    #[must_use]
    pub fn new(cells: usize) -> Self {
        Self { shock: Shock::default(), jitter: Jitter::default(), cells }
    }

    /// `cells` distributions through a given shock.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) naming the first parameter out of its range.
    pub fn through(shock: Shock, cells: usize, jitter: Jitter) -> Result<Self> {
        shock.check()?;
        if !(0.0..=0.5).contains(&jitter.amplitude) {
            return Err(invalid("amplitude", jitter.amplitude, "a fraction from 0 to 0.5"));
        }
        Ok(Self { shock, jitter, cells })
    }

    /// Number of distributions.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Position of cell `k`: 0 for the first, 1 for the last.
    #[must_use]
    pub fn position(&self, k: usize) -> f64 {
        if self.cells > 1 { k as f64 / (self.cells - 1) as f64 } else { 0.0 }
    }

    /// The distribution in cell `k`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if there is no such cell, or as [`Shock::at`].
    pub fn get(&self, k: usize) -> Result<Synthetic> {
        if k >= self.cells {
            return Err(invalid("k", k, format!("an index below {}", self.cells)));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.jitter.seed);
        rng.set_stream(k as u64);
        let mut draw = || self.jitter.amplitude * rng.random_range(-1.0..1.0);
        let mut shock = self.shock;
        for parameter in [&mut shock.v_th, &mut shock.anisotropy, &mut shock.reflected] {
            *parameter *= 1.0 + draw();
        }
        let front = [shock.speed * draw(), shock.speed * draw()];
        shock.drifting(self.position(k), front)
    }

    /// All distributions, upstream first. For the default shock each is `Ok`.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<Synthetic>> + '_ {
        (0..self.cells).map(|k| self.get(k))
    }

    /// A grid that holds them all, with `cells` cells along its longest edge: from −2.5 to 4 u₁ in x, ±3.25 u₁ in y and
    /// ±2.5 u₁ in z. Below about 40 cells the default shock's upstream beam is narrower than a cell.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`](crate::Error::InvalidGrid) for no cells or far too many.
    pub fn grid(&self, cells: usize) -> Result<VelocityGrid> {
        let scaled = |corner: [f64; 3]| corner.map(|x| x * self.shock.speed);
        grid_between(scaled([-2.5, -3.25, -2.5]), scaled([4.0, 3.25, 2.5]), cells)
    }
}

fn mix(from: f64, to: f64, share: f64) -> f64 {
    from * (1.0 - share) + to * share
}

/// 0 up to `start`, 1 from `end`, a cubic with continuous slope between.
fn smooth_step(start: f64, end: f64, s: f64) -> f64 {
    let x = ((s - start) / (end - start)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::super::reference::assert_moments;
    use super::super::{CellValue, Sampling};
    use super::*;
    use crate::error::Error;
    use approx::assert_relative_eq;

    fn jittered(cells: usize) -> ShockPopulation {
        ShockPopulation::through(Shock::default(), cells, Jitter { amplitude: 0.2, seed: 5 }).unwrap()
    }

    #[test]
    fn the_mass_flux_is_the_same_everywhere() {
        let shock = Shock::default();
        for population in [ShockPopulation::new(101), jittered(101)] {
            for distribution in population.iter() {
                let m = distribution.unwrap().moments();
                assert_relative_eq!(m.density * m.bulk_velocity[0], shock.density * shock.speed, max_relative = 1e-13);
            }
        }
    }

    #[test]
    fn the_ends_jump_as_rankine_and_hugoniot_demand() {
        let shock = Shock::default();
        let [up, down] = [0.0, 1.0].map(|s| shock.at(s).unwrap().moments());
        assert_relative_eq!(down.density, shock.compression * up.density, max_relative = 1e-14);
        assert_relative_eq!(down.bulk_velocity[0], up.bulk_velocity[0] / shock.compression, max_relative = 1e-14);
        // B_z²/2μ₀m, from v_A² = B²/μ₀ n m.
        let magnetic = |b: f64| 0.5 * shock.density * (shock.speed / shock.alfven_mach * b).powi(2);
        let flux = |m: &crate::Moments| m.pressure[0][0] + m.density * m.bulk_velocity[0].powi(2);
        assert_relative_eq!(flux(&up) + magnetic(1.0), flux(&down) + magnetic(shock.compression), max_relative = 1e-13);
        assert_relative_eq!(up.pressure[1][1] / up.density, shock.v_th.powi(2), max_relative = 1e-13);
        let [perp, oblique] = [down.pressure[1][1], down.pressure[2][2]];
        assert!(perp / oblique > 1.4 && perp / oblique < 1.5, "{}", perp / oblique);
    }

    #[test]
    fn the_foot_holds_a_ring_that_slows_and_heats_the_whole() {
        let shock = Shock::default();
        let [up, foot, overshoot] = [0.0, 0.42, 0.58].map(|s| shock.at(s).unwrap());
        assert_eq!((up.components().len(), foot.components().len()), (1, 2));
        let [up, foot, overshoot] = [up, foot, overshoot].map(|distribution| distribution.moments());
        assert!(foot.density > 1.1 * up.density && foot.thermal_speed() > 3.0 * up.thermal_speed());
        // Reflected ions gain their energy along the motional electric field.
        assert!(foot.bulk_velocity[1] > 0.1 * shock.speed);
        assert!(overshoot.density > shock.compression * up.density);
    }

    #[test]
    fn the_grid_holds_every_cell() {
        let population = ShockPopulation::new(9);
        let grid = population.grid(52).unwrap();
        assert_eq!(grid.shape(), [52, 52, 40]);
        for distribution in population.iter() {
            let distribution = distribution.unwrap();
            let vdf = distribution.sample(&grid, Sampling::default()).unwrap();
            assert!(vdf.as_slice().iter().all(|f| *f >= 0.0) && (1e-14..1e-9).contains(&vdf.peak()));
            assert_moments(&distribution.moments(), &vdf.moments(), 1e-3);
        }
        let coarse = population.get(0).unwrap();
        let sampling = Sampling { value: CellValue::Average { points: 4 }, ..Sampling::default() };
        let vdf = coarse.sample(&population.grid(26).unwrap(), sampling).unwrap();
        assert_relative_eq!(vdf.moments().density, coarse.moments().density, max_relative = 1e-3);
    }

    #[test]
    fn neighbours_are_alike_and_any_number_of_cells_spans_the_walk() {
        let fine = ShockPopulation::new(1001);
        let speeds: Vec<f64> = fine.iter().map(|d| d.unwrap().moments().thermal_speed()).collect();
        assert!(speeds.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.05 * pair[0]));
        assert_eq!(ShockPopulation::new(2).get(1).unwrap(), fine.get(1000).unwrap());
        assert_eq!(ShockPopulation::new(1).get(0).unwrap(), fine.get(0).unwrap());
        assert_eq!(ShockPopulation::new(0).iter().len(), 0);
        assert!(matches!(fine.get(1001), Err(Error::InvalidParameter { name: "k", .. })));
    }

    #[test]
    fn jitter_is_reproducible_and_pinned() {
        let population = jittered(11);
        assert_eq!(population.get(4).unwrap(), jittered(11).get(4).unwrap());
        assert_ne!(population.get(4).unwrap(), ShockPopulation::new(11).get(4).unwrap());
        let m = population.get(4).unwrap().moments();
        for (found, pinned) in [
            (m.density, 1_161_735.727_158_234_7),
            (m.bulk_velocity[1], 94_488.248_303_013_39),
            (m.heat_flux[0], -1.477_361_705_550_156e22),
        ] {
            assert_relative_eq!(found, pinned, max_relative = 1e-11);
        }
    }

    #[test]
    fn impossible_shocks_are_refused() {
        let refused = |shock: Shock| match ShockPopulation::through(shock, 3, Jitter::default()) {
            Err(Error::InvalidParameter { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        let shock = Shock::default();
        assert_eq!(refused(Shock { density: 0.0, ..shock }), "density");
        assert_eq!(refused(Shock { v_th: f64::NAN, ..shock }), "v_th");
        assert_eq!(refused(Shock { compression: 1.0, ..shock }), "compression");
        assert_eq!(refused(Shock { compression: 4.0, alfven_mach: 1.5, ..shock }), "compression");
        assert_eq!(refused(Shock { obliquity: 30.0, ..shock }), "obliquity");
        assert_eq!(refused(Shock { reflected: 0.4, ..shock }), "reflected");
        assert!(shock.at(1.1).is_err() && shock.at(f64::NAN).is_err());
        assert!(ShockPopulation::through(shock, 3, Jitter { amplitude: 0.6, seed: 0 }).is_err());
    }
}
