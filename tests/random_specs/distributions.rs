//! Random small distributions of thirteen kinds, on grids of any shape and aspect.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vdf_basis::{Sampling, Synthetic, Vdf, VelocityGrid};

/// Most cells of a distribution: enough for every code path, few enough for thousands of encodes a minute.
const MAX_CELLS: usize = 4000;

/// A distribution, and the name of its kind.
pub struct Drawn {
    pub kind: &'static str,
    pub vdf: Vdf,
}

/// Draws one distribution.
pub fn draw(random: &mut ChaCha8Rng) -> Drawn {
    if random.random_bool(0.1) {
        return Drawn { kind: "catalogue", vdf: catalogue(random) };
    }
    let shape = shape(random);
    let kinds: [(&str, Density); 12] = [
        ("Maxwellian", gaussians),
        ("narrow beam", narrow_beam),
        ("parallel cigars", cigars),
        ("ring", ring),
        ("kappa", kappa),
        ("noise", noise),
        ("particles", particles),
        ("block", block),
        ("few cells", few_cells),
        ("ramp", ramp),
        ("chaotic map", chaotic_map),
        ("ripples", ripples),
    ];
    let (kind, density) = kinds[random.random_range(0..kinds.len())];
    let mut values = density(random, shape);
    // Peaks of space plasmas in SI units, of index units, and both ends of the range that the docs promise.
    let peak = [1.0, 1e-13, 1e-30, 1e30, 1e-290, 1e290][random.random_range(0..6)];
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest > 0.0 {
        values.iter_mut().for_each(|value| *value = *value / largest * peak);
    }
    Drawn { kind, vdf: Vdf::from_vec(grid(random, shape), values).expect("finite densities on a valid grid") }
}

/// Cubes, boxes, planes and lines.
fn shape(random: &mut ChaCha8Rng) -> [usize; 3] {
    let mut shape = match random.random_range(0..6) {
        0 => [random.random_range(4..=15); 3],
        1 => [1, random.random_range(1..=40), random.random_range(1..=40)],
        2 => [1, 1, random.random_range(1..=400)],
        3 => [8, 8, 62],
        _ => [0; 3].map(|_| random.random_range(1..=20)),
    };
    for last in (1..3).rev() {
        shape.swap(last, random.random_range(0..=last));
    }
    while shape.iter().product::<usize>() > MAX_CELLS {
        let longest = (0..3).max_by_key(|&axis| shape[axis]).unwrap_or(0);
        shape[longest] -= 1;
    }
    shape
}

/// Index units, or SI units, with cells of three aspects in any order of the axes.
fn grid(random: &mut ChaCha8Rng, shape: [usize; 3]) -> VelocityGrid {
    if random.random_bool(0.3) {
        return VelocityGrid::unit(shape).expect("a valid shape");
    }
    let mut aspect = [[1.0, 1.0, 1.0], [1.0, 6.0, 36.0], [1.0, 1e3, 1e6]][random.random_range(0..3)];
    for last in (1..3).rev() {
        aspect.swap(last, random.random_range(0..=last));
    }
    let unit = [1.0, 3e4][random.random_range(0..2)];
    let spacing = aspect.map(|a| a * unit);
    let lower = std::array::from_fn(|axis| {
        let cells = shape[axis] as f64 * spacing[axis];
        -cells * random.random_range(-0.5..1.5)
    });
    VelocityGrid::new(shape, lower, spacing).expect("a valid grid")
}

/// Values on a grid of some shape, with velocities counted in cells.
type Density = fn(&mut ChaCha8Rng, [usize; 3]) -> Vec<f64>;

fn values(shape: [usize; 3], mut density: impl FnMut([f64; 3]) -> f64) -> Vec<f64> {
    let [nx, ny, nz] = shape;
    let mut values = Vec::with_capacity(nx * ny * nz);
    for x in 0..nx {
        for y in 0..ny {
            for z in 0..nz {
                values.push(density([x as f64, y as f64, z as f64]));
            }
        }
    }
    values
}

/// A point in the box, or up to a tenth of the box beside it.
fn centre(random: &mut ChaCha8Rng, shape: [usize; 3]) -> [f64; 3] {
    shape.map(|cells| cells as f64 * random.random_range(-0.1..1.1) - 0.5)
}

fn quadratic(v: [f64; 3], centre: [f64; 3], widths: [f64; 3]) -> f64 {
    (0..3).map(|axis| ((v[axis] - centre[axis]) / widths[axis]).powi(2)).sum()
}

fn gaussians(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let count = random.random_range(1..=4);
    let bells: Vec<_> = (0..count)
        .map(|_| {
            let widths = [0; 3].map(|_| f64::exp(random.random_range(-0.5..1.8)));
            (random.random_range(0.1..1.0), centre(random, shape), widths)
        })
        .collect();
    values(shape, |v| bells.iter().map(|(peak, c, w)| peak * (-0.5 * quadratic(v, *c, *w)).exp()).sum())
}

/// A cold beam, with widths of 0.12 to 0.5 cells.
fn narrow_beam(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let c = shape.map(|cells| random.random_range(-0.5..cells as f64 - 0.5));
    let w = [0; 3].map(|_| random.random_range(0.12..0.5));
    values(shape, |v| (-0.5 * quadratic(v, c, w)).exp())
}

fn cigars(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let count = random.random_range(2..=4);
    let long = random.random_range(0..3);
    let bells: Vec<_> = (0..count)
        .map(|_| {
            let mut widths = [0; 3].map(|_| random.random_range(0.6..1.2));
            widths[long] = shape[long] as f64 / 4.0;
            (random.random_range(0.3..1.0), centre(random, shape), widths)
        })
        .collect();
    values(shape, |v| bells.iter().map(|(peak, c, w)| peak * (-0.5 * quadratic(v, *c, *w)).exp()).sum())
}

fn ring(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let c = centre(random, shape);
    let radius = random.random_range(1.0..8.0);
    let [across, along] = [0; 2].map(|_| random.random_range(0.5..3.0));
    let axis = random.random_range(0..3);
    values(shape, |v| {
        let r = (0..3).filter(|&k| k != axis).map(|k| (v[k] - c[k]).powi(2)).sum::<f64>().sqrt();
        (-0.5 * ((r - radius) / across).powi(2) - 0.5 * ((v[axis] - c[axis]) / along).powi(2)).exp()
    })
}

fn kappa(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let c = centre(random, shape);
    let w = [0; 3].map(|_| random.random_range(0.5..4.0));
    let kappa = random.random_range(1.6..6.0);
    values(shape, |v| (1.0 + quadratic(v, c, w) / kappa).powf(-kappa - 1.0))
}

fn noise(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let signed = random.random_bool(0.2);
    values(shape, |_| if signed { random.random_range(-1.0..1.0) } else { random.random_range(0.0..1.0) })
}

/// A histogram of a few hundred particles of one Maxwellian.
fn particles(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let mut values = vec![0.0; shape.iter().product()];
    let c = centre(random, shape);
    let w = random.random_range(0.5..5.0);
    for _ in 0..random.random_range(1..=500) {
        // The sum of twelve uniform numbers is nearly Gaussian.
        let v: [f64; 3] =
            std::array::from_fn(|k| c[k] + w * ((0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0));
        if (0..3).all(|k| (-0.5..shape[k] as f64 - 0.5).contains(&v[k])) {
            let [x, y, z] = v.map(|v| v.round().max(0.0) as usize);
            values[(x * shape[1] + y) * shape[2] + z] += 1.0;
        }
    }
    values
}

fn block(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let corner = shape.map(|cells| random.random_range(0..cells) as f64);
    let size = [0; 3].map(|_| random.random_range(1..=6) as f64);
    values(shape, |v| f64::from((0..3).all(|k| v[k] >= corner[k] && v[k] < corner[k] + size[k])))
}

fn few_cells(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let mut values = vec![0.0; shape.iter().product()];
    for _ in 0..random.random_range(0..=5) {
        let cell = random.random_range(0..values.len());
        values[cell] = random.random_range(0.1..1.0);
    }
    values
}

/// A ramp, or a constant.
fn ramp(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let slope = if random.random_bool(0.5) { 0.0 } else { 1.0 };
    let mut next = random.random_range(0.0..0.2);
    values(shape, |_| {
        next += slope;
        next
    })
}

/// The logistic map: white noise with every digit in use.
fn chaotic_map(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let mut y = random.random_range(0.1..0.9);
    values(shape, |_| {
        y = 4.0 * y * (1.0 - y);
        y
    })
}

/// A bell over ten decades with ripples below zero, as a semi-Lagrangian solver leaves them.
fn ripples(random: &mut ChaCha8Rng, shape: [usize; 3]) -> Vec<f64> {
    let c = centre(random, shape);
    let w = random.random_range(0.8..3.0);
    let height = 10_f64.powf(random.random_range(-20.0..-2.0));
    values(shape, |v| (-0.5 * quadratic(v, c, [w; 3])).exp() + height * (v[0] + 2.0 * v[1] + 3.0 * v[2]).sin())
}

fn catalogue(random: &mut ChaCha8Rng) -> Vdf {
    let names: Vec<_> = Synthetic::names().collect();
    let name = names[random.random_range(0..names.len())];
    let grid = Synthetic::default_grid(name, random.random_range(6..=15)).expect("a grid of this size");
    let synthetic = Synthetic::named(name, random.random_range(0..100)).expect("a name of the catalogue");
    synthetic.sample(&grid, Sampling::default()).expect("finite densities")
}
