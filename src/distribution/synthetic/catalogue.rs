//! Ten named distributions of space plasmas, each with a grid that suits it and any number of seeded variations.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Component, Shape, Synthetic, grid_between, invalid};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

struct Entry {
    name: &'static str,
    build: fn(&mut Variation) -> Result<Synthetic>,
    /// Corners of the default grid [m s⁻¹].
    lower: [f64; 3],
    upper: [f64; 3],
}

const fn cube(name: &'static str, build: fn(&mut Variation) -> Result<Synthetic>, half: f64) -> Entry {
    Entry { name, build, lower: [-half; 3], upper: [half; 3] }
}

static CATALOGUE: [Entry; 10] = [
    cube("maxwellian", maxwellian, 1.5e6),
    cube("bi-maxwellian", bi_maxwellian, 2e6),
    Entry { name: "beams", build: beams, lower: [-1.5e6, -1.2e6, -1.2e6], upper: [1.5e6, 1.2e6, 1.2e6] },
    Entry { name: "ring", build: ring, lower: [-1.25e6, -1.25e6, -1e6], upper: [1.25e6, 1.25e6, 1e6] },
    cube("shell", shell, 1.25e6),
    cube("kappa", kappa, 2.5e6),
    cube("loss-cone", loss_cone, 1.5e6),
    cube("flat-top", flat_top, 2e6),
    Entry { name: "crescent", build: crescent, lower: [-1.25e6, -0.9e6, -1.1e6], upper: [1.25e6, 1.35e6, 1.1e6] },
    Entry { name: "gyrating-ring", build: gyrating_ring, lower: [-1.2e6, -1.2e6, -8e5], upper: [8e5, 8e5, 1.2e6] },
];

impl Synthetic {
    /// The names that [`Synthetic::named`] knows.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        CATALOGUE.iter().map(|entry| entry.name)
    }

    /// A distribution of the catalogue, in SI units: 1e6 m⁻³, thermal speeds of some 1e5 m s⁻¹.
    ///
    /// Seed 0 gives the parameters below. Any other seed moves the drift by up to 1e5 m s⁻¹ an axis, tilts the field by
    /// up to about 45°, and scales every speed and width by up to 15%, reproducibly.
    ///
    /// | name | what (speeds in km/s) |
    /// |---|---|
    /// | `maxwellian` | v_th 300 |
    /// | `bi-maxwellian` | v_th∥ 200, v_th⊥ 350 about (1, 1, 2) |
    /// | `beams` | 70% at −300, v_th 200, and 30% at 600, v_th 120, along x |
    /// | `ring` | V 600, s 100, v_th∥ 150 about (0, 1, 4) |
    /// | `shell` | V 600, s 100 |
    /// | `kappa` | v_th 300, κ = 3 |
    /// | `loss-cone` | j = 2, v_th∥ 250, v_th⊥ 200 about (1, 0, 2) |
    /// | `flat-top` | v₀ 600, p = 5 |
    /// | `crescent` | V 700, s 100, v_th∥ 150, m = 4 towards y, about (1, 0, 4) |
    /// | `gyrating-ring` | 70% in a core of v_th 220, 30% in a ring of V 900, s 200, v_th∥ 250, m = 2 towards (1, 1, −1), about (1, 1, 2) |
    ///
    /// The gyrating ring is what a hybrid-Vlasov code shows in the magnetosphere, cropped as such data often are: the
    /// default grid cuts it at +x, +y and −z, while its closed-form moments are those of the whole.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) with the list of names for any other.
    pub fn named(name: &str, seed: u64) -> Result<Self> {
        let rng = (seed != 0).then(|| ChaCha8Rng::seed_from_u64(seed));
        (entry(name)?.build)(&mut Variation { rng })
    }

    /// A grid that suits the named distribution at any seed, with `cells` cells along its longest edge; for `beams`,
    /// `ring` and `crescent` it is not a cube.
    ///
    /// # Errors
    /// Those of [`Synthetic::named`], and [`Error::InvalidGrid`](crate::Error::InvalidGrid) for no cells or far too
    /// many.
    pub fn default_grid(name: &str, cells: usize) -> Result<VelocityGrid> {
        let Entry { lower, upper, .. } = *entry(name)?;
        grid_between(lower, upper, cells)
    }
}

fn entry(name: &str) -> Result<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        // A name may come from a file: quote its beginning, whatever its length.
        let quoted: String = name.chars().take(40).collect();
        let names: Vec<&str> = Synthetic::names().collect();
        invalid("name", quoted, format!("one of {}", names.join(", ")))
    })
}

/// Changes to the parameters; none without a generator.
struct Variation {
    rng: Option<ChaCha8Rng>,
}

impl Variation {
    /// A number between −1 and 1.
    fn draw(&mut self) -> f64 {
        self.rng.as_mut().map_or(0.0, |rng| rng.random_range(-1.0..1.0))
    }

    fn speed(&mut self, speed: f64) -> f64 {
        speed * (1.0 + 0.15 * self.draw())
    }

    fn drift(&mut self, drift: [f64; 3]) -> [f64; 3] {
        drift.map(|u| u + 1e5 * self.draw())
    }

    /// A direction tilted by at most arcsin(0.4 √3), 44°.
    fn direction(&mut self, direction: [f64; 3]) -> [f64; 3] {
        let length = direction.iter().map(|b| b * b).sum::<f64>().sqrt();
        direction.map(|b| b / length + 0.4 * self.draw())
    }
}

const DENSITY: f64 = 1e6;
const REST: [f64; 3] = [0.0; 3];

fn maxwellian(vary: &mut Variation) -> Result<Synthetic> {
    let drift = vary.drift(REST);
    Synthetic::single(DENSITY, drift, Shape::Maxwellian { v_th: vary.speed(3e5) })
}

fn bi_maxwellian(vary: &mut Variation) -> Result<Synthetic> {
    let (drift, field) = (vary.drift(REST), vary.direction([1.0, 1.0, 2.0]));
    let (v_th_par, v_th_perp) = (vary.speed(2e5), vary.speed(3.5e5));
    Synthetic::single(DENSITY, drift, Shape::BiMaxwellian { v_th_par, v_th_perp, field })
}

fn beams(vary: &mut Variation) -> Result<Synthetic> {
    let mut beam = |share, speed, v_th| {
        let drift = vary.drift([speed, 0.0, 0.0]);
        Component::new(share * DENSITY, drift, Shape::Maxwellian { v_th: vary.speed(v_th) })
    };
    Synthetic::new(vec![beam(0.7, -3e5, 2e5)?, beam(0.3, 6e5, 1.2e5)?])
}

fn ring(vary: &mut Variation) -> Result<Synthetic> {
    let (drift, field) = (vary.drift(REST), vary.direction([0.0, 1.0, 4.0]));
    let (speed, width, v_th_par) = (vary.speed(6e5), vary.speed(1e5), vary.speed(1.5e5));
    Synthetic::single(DENSITY, drift, Shape::Ring { speed, width, v_th_par, field })
}

fn shell(vary: &mut Variation) -> Result<Synthetic> {
    let drift = vary.drift(REST);
    Synthetic::single(DENSITY, drift, Shape::Shell { speed: vary.speed(6e5), width: vary.speed(1e5) })
}

fn kappa(vary: &mut Variation) -> Result<Synthetic> {
    let drift = vary.drift(REST);
    let (v_th, kappa) = (vary.speed(3e5), 3.0 + vary.draw());
    Synthetic::single(DENSITY, drift, Shape::Kappa { v_th, kappa })
}

fn loss_cone(vary: &mut Variation) -> Result<Synthetic> {
    let (drift, field) = (vary.drift(REST), vary.direction([1.0, 0.0, 2.0]));
    let (v_th_par, v_th_perp) = (vary.speed(2.5e5), vary.speed(2e5));
    Synthetic::single(DENSITY, drift, Shape::LossCone { v_th_par, v_th_perp, order: 2, field })
}

fn flat_top(vary: &mut Variation) -> Result<Synthetic> {
    let drift = vary.drift(REST);
    let (edge, exponent) = (vary.speed(6e5), 5.0 + vary.draw());
    Synthetic::single(DENSITY, drift, Shape::FlatTop { edge, exponent })
}

fn crescent(vary: &mut Variation) -> Result<Synthetic> {
    let (drift, field) = (vary.drift(REST), vary.direction([1.0, 0.0, 4.0]));
    let (speed, width, v_th_par) = (vary.speed(7e5), vary.speed(1e5), vary.speed(1.5e5));
    let (towards, sharpness) = ([0.0, 1.0, 0.0], 4.0 + vary.draw());
    Synthetic::single(DENSITY, drift, Shape::Crescent { speed, width, v_th_par, field, towards, sharpness })
}

fn gyrating_ring(vary: &mut Variation) -> Result<Synthetic> {
    let (drift, field) = (vary.drift(REST), vary.direction([1.0, 1.0, 2.0]));
    let (speed, width, v_th_par) = (vary.speed(9e5), vary.speed(2e5), vary.speed(2.5e5));
    let (towards, sharpness) = ([1.0, 1.0, -1.0], 2.0);
    Synthetic::new(vec![
        Component::new(0.7 * DENSITY, drift, Shape::Maxwellian { v_th: vary.speed(2.2e5) })?,
        Component::new(0.3 * DENSITY, drift, Shape::Crescent { speed, width, v_th_par, field, towards, sharpness })?,
    ])
}

#[cfg(test)]
mod tests {
    use super::super::{Noise, Sampling};
    use super::*;
    use crate::error::Error;
    use approx::assert_relative_eq;

    #[test]
    fn every_name_gives_a_finite_distribution_that_its_grid_holds() {
        for name in Synthetic::names() {
            for seed in 0..8 {
                let distribution = Synthetic::named(name, seed).unwrap();
                let vdf =
                    distribution.sample(&Synthetic::default_grid(name, 36).unwrap(), Sampling::default()).unwrap();
                assert!(vdf.as_slice().iter().all(|f| f.is_finite() && *f >= 0.0), "{name}, seed {seed}");
                assert!((1e-14..1e-10).contains(&vdf.peak()), "{name}, seed {seed} peaks at {:e}", vdf.peak());
                let (exact, summed) = (distribution.moments(), vdf.moments());
                let held = summed.density / exact.density;
                assert_relative_eq!(exact.density, 1e6, max_relative = 1e-14);
                let expected = if name == "gyrating-ring" { 0.75..0.98 } else { 0.98..1.001 };
                assert!(expected.contains(&held), "{name}, seed {seed}: {held} of the density");
            }
        }
    }

    #[test]
    fn the_box_cuts_the_gyrating_ring_on_three_sides() {
        let distribution = Synthetic::named("gyrating-ring", 0).unwrap();
        let vdf =
            distribution.sample(&Synthetic::default_grid("gyrating-ring", 50).unwrap(), Sampling::default()).unwrap();
        let side = |axis: usize, last: bool| {
            let index = if last { vdf.grid().shape()[axis] - 1 } else { 0 };
            vdf.values().index_axis(ndarray::Axis(axis), index).fold(0.0, |most: f64, f| most.max(*f)) / vdf.peak()
        };
        for (axis, cut_above) in [(0, true), (1, true), (2, false)] {
            assert!(side(axis, cut_above) > 2e-2, "axis {axis}: {:e}", side(axis, cut_above));
            assert!(side(axis, !cut_above) < 5e-3, "axis {axis}: {:e}", side(axis, !cut_above));
        }
    }

    #[test]
    fn grids_have_nearly_cubic_cells_and_need_not_be_cubes() {
        assert_eq!(Synthetic::default_grid("maxwellian", 50).unwrap().shape(), [50, 50, 50]);
        assert_eq!(Synthetic::default_grid("beams", 50).unwrap().shape(), [50, 40, 40]);
        assert_eq!(Synthetic::default_grid("crescent", 50).unwrap().shape(), [50, 45, 44]);
        assert!(matches!(Synthetic::default_grid("ring", 0), Err(Error::InvalidGrid(_))));
        assert!(matches!(Synthetic::default_grid("ring", usize::MAX), Err(Error::InvalidGrid(_))));
    }

    #[test]
    fn seeds_are_reproducible_and_differ() {
        for name in Synthetic::names() {
            let moments: Vec<_> = (0..4).map(|seed| Synthetic::named(name, seed).unwrap().moments()).collect();
            for seed in 1..4 {
                assert_eq!(moments[seed], Synthetic::named(name, seed as u64).unwrap().moments());
                assert_ne!(moments[seed].pressure, moments[seed - 1].pressure, "{name}");
            }
        }
    }

    #[test]
    fn values_are_pinned_across_versions() {
        // Another value here breaks every published figure that names a seed.
        let drift = |seed| Synthetic::named("maxwellian", seed).unwrap().components()[0].drift();
        assert_eq!(drift(0), [0.0; 3]);
        for (found, pinned) in
            drift(7).into_iter().zip([-68_440.780_595_876_13, -66_402.127_445_579_77, 40_855.225_607_291_29])
        {
            assert_relative_eq!(found, pinned, epsilon = 0.0, max_relative = 1e-12);
        }
        let at = |name, seed| Synthetic::named(name, seed).unwrap().evaluate([1e5, -2e5, 3e5]);
        for (name, seed, pinned) in [
            ("kappa", 0, 1.086_586_300_256_901_6e-12),
            ("bi-maxwellian", 1, 1.113_038_863_786_577_3e-12),
            ("loss-cone", 2, 6.946_139_239_786_925e-13),
            ("gyrating-ring", 3, 1.075_132_522_215_201_7e-12),
        ] {
            assert_relative_eq!(at(name, seed), pinned, epsilon = 0.0, max_relative = 1e-12);
        }
        let grid = Synthetic::default_grid("maxwellian", 4).unwrap();
        let noise = Some(Noise { relative: 0.1, ripple: 0.01, seed: 11 });
        let vdf = Synthetic::named("maxwellian", 0).unwrap().sample(&grid, Sampling { noise, ..Sampling::default() });
        assert_relative_eq!(
            vdf.unwrap().values()[(1, 2, 1)],
            2.385_755_859_575_156_7e-13,
            epsilon = 0.0,
            max_relative = 1e-12
        );
    }

    #[test]
    fn unknown_names_are_refused_with_the_list() {
        let message = Synthetic::named("maxwell", 0).unwrap_err().to_string();
        assert!(message.contains("maxwell is not allowed") && message.contains("flat-top, crescent"), "{message}");
        assert!(Synthetic::default_grid(&"ü".repeat(1 << 20), 50).unwrap_err().to_string().len() < 400);
    }
}
