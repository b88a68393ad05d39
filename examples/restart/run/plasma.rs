//! Electrons in one space and three velocity dimensions, with a uniform background of ions.

use std::f64::consts::TAU;

use nalgebra::Complex;
use rayon::prelude::*;
use vdf_basis::{Result, Vdf, VelocityGrid};

use super::advection::{Layout, SpaceShift, shift_parallel};
use super::cases::Case;

/// Edge of the grid in vy and vz, in thermal speeds.
const EDGE_ACROSS: f64 = 4.8;

/// Numbers of cells, and the time step.
#[derive(Debug, Clone, Copy)]
pub struct Resolution {
    /// Cells in x.
    pub space: usize,
    /// Cells in vx.
    pub parallel: usize,
    /// Cells in vy and in vz.
    pub across: usize,
    /// Time step.
    pub step: f64,
}

impl Resolution {
    /// That of the figures in the documentation.
    pub const FULL: Self = Self { space: 32, parallel: 64, across: 12, step: 0.1 };
    /// For a run of seconds.
    pub const QUICK: Self = Self { space: 16, parallel: 48, across: 8, step: 0.1 };

    /// Bytes of one cell's distribution without a codec, 8 a value.
    pub fn dense_bytes(&self) -> f64 {
        (8 * self.parallel * self.across.pow(2)) as f64
    }

    /// Steps to a time, which is a multiple of the step.
    pub fn steps(&self, time: f64) -> usize {
        (time / self.step).round() as usize
    }
}

/// Field energies at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Time.
    pub time: f64,
    /// ½ ∫ E² dx.
    pub field_energy: f64,
    /// |E_k|² of the mode that fills the box.
    pub mode: f64,
}

/// Conserved sums over the box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Number of electrons per unit area, and so their charge.
    pub charge: f64,
    /// Their momentum.
    pub momentum: [f64; 3],
    /// Their kinetic energy and the field's.
    pub energy: f64,
}

/// The state.
#[derive(Debug, Clone)]
pub struct Plasma {
    grid: VelocityGrid,
    layout: Layout,
    length: f64,
    step: f64,
    half_shift: std::sync::Arc<SpaceShift>,
    cells: Vec<Vec<f64>>,
    time: f64,
}

impl Plasma {
    /// The start of a run.
    pub fn new(case: &Case, resolution: &Resolution) -> Result<Self> {
        let Resolution { space, parallel, across, step } = *resolution;
        let [lower, upper] = case.edges;
        let grid = VelocityGrid::from_edges(
            [parallel, across, across],
            [lower, -EDGE_ACROSS, -EDGE_ACROSS],
            [upper, EDGE_ACROSS, EDGE_ACROSS],
        )?;
        let [along, side, _] = [0, 1, 2].map(|axis| grid.centres(axis));
        let length = case.length();
        let density = case.density();
        let cell = |x: usize| -> Vec<f64> {
            let x = length * x as f64 / space as f64;
            let reduced: Vec<f64> = along.iter().map(|&v| density(x, v)).collect();
            let gaussian = |v: f64| (-0.5 * v * v).exp();
            let plane = side.iter().flat_map(|&vy| side.iter().map(move |&vz| gaussian(vy) * gaussian(vz)));
            let plane: Vec<f64> = plane.collect();
            reduced.iter().flat_map(|f| plane.iter().map(move |g| f * g)).collect()
        };
        let layout = Layout { space, parallel, row: across * across };
        let distances: Vec<f64> = along.iter().map(|v| 0.5 * v * step / length).collect();
        let half_shift = SpaceShift::new(layout, &distances).into();
        let cells = (0..space).map(cell).collect();
        let mut plasma = Self { grid, layout, length, step, half_shift, cells, time: 0.0 };
        // The mean density is 1 on the grid, that of the ions.
        let mean = plasma.densities().iter().sum::<f64>() / space as f64;
        plasma.cells.iter_mut().flatten().for_each(|f| *f /= mean);
        Ok(plasma)
    }

    /// One step of Strang's splitting: half in x, whole in vx by the field in between, half in x. The error is of second
    /// order in the step; mass and momentum are conserved to rounding.
    pub fn advance(&mut self) {
        self.cells = self.half_shift.apply(&self.cells);
        let field = self.field();
        // Electrons have charge −1: a = −E.
        let cells_per_field = -self.step / self.grid.spacing()[0];
        let layout = self.layout;
        let work = self.cells.par_iter_mut().zip(field);
        work.for_each(|(cell, field)| shift_parallel(cell, layout, cells_per_field * field));
        self.cells = self.half_shift.apply(&self.cells);
        self.time += self.step;
    }

    /// Steps, and the field energies after each.
    pub fn run(&mut self, steps: usize) -> Vec<Sample> {
        let step = |_| {
            self.advance();
            self.sample()
        };
        (0..steps).map(step).collect()
    }

    /// Field energies.
    pub fn sample(&self) -> Sample {
        let field = self.field();
        let cells = field.len() as f64;
        let wave = |x: usize| Complex::from_polar(2.0 / cells, -TAU * x as f64 / cells);
        let mode: Complex<f64> = field.iter().enumerate().map(|(x, field)| wave(x) * *field).sum();
        Sample { time: self.time, field_energy: self.field_energy(&field), mode: mode.norm_sqr() }
    }

    /// Charge, momentum and energy.
    pub fn totals(&self) -> Totals {
        let [nx, ny, nz] = [0, 1, 2].map(|axis| self.grid.centres(axis));
        let (mut charge, mut momentum, mut kinetic) = (0.0, [0.0; 3], 0.0);
        for cell in &self.cells {
            // Sums of f, f v and f v² of one cell, which the rounding errors of the whole do not touch.
            let mut sums = [0.0; 5];
            let mut values = cell.iter();
            for x in &nx {
                for y in &ny {
                    for (z, f) in nz.iter().zip(&mut values) {
                        let terms = [1.0, *x, *y, *z, x * x + y * y + z * z];
                        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += f * term);
                    }
                }
            }
            charge += sums[0];
            momentum.iter_mut().zip(&sums[1..4]).for_each(|(total, sum)| *total += sum);
            kinetic += 0.5 * sums[4];
        }
        let volume = self.grid.cell_volume() * self.width();
        Totals {
            charge: charge * volume,
            momentum: momentum.map(|momentum| momentum * volume),
            energy: kinetic * volume + self.field_energy(&self.field()),
        }
    }

    /// The distributions of all cells.
    pub fn distributions(&self) -> Result<Vec<Vdf>> {
        self.cells.iter().map(|cell| Vdf::from_vec(self.grid, cell.clone())).collect()
    }

    /// This state with other distributions.
    pub fn with(&self, distributions: &[Vdf]) -> Self {
        let cells = distributions.iter().map(|vdf| vdf.as_slice().to_vec()).collect();
        Self { cells, ..self.clone() }
    }

    /// ‖f − g‖ / ‖f‖ over all of phase space.
    pub fn distance(&self, other: &Self) -> f64 {
        let (mut difference, mut norm) = (0.0, 0.0);
        for (f, g) in self.cells.iter().flatten().zip(other.cells.iter().flatten()) {
            difference += (f - g).powi(2);
            norm += f * f;
        }
        (difference / norm).sqrt()
    }

    /// ‖f − ⟨f⟩‖ / ‖f‖, ⟨f⟩ the mean over x: the relative size of the perturbation.
    pub fn perturbation(&self) -> f64 {
        let mut mean = vec![0.0; self.cells[0].len()];
        for cell in &self.cells {
            mean.iter_mut().zip(cell).for_each(|(mean, f)| *mean += f / self.cells.len() as f64);
        }
        self.distance(&Self { cells: vec![mean; self.cells.len()], ..self.clone() })
    }

    fn width(&self) -> f64 {
        self.length / self.layout.space as f64
    }

    fn densities(&self) -> Vec<f64> {
        let volume = self.grid.cell_volume();
        self.cells.iter().map(|cell| cell.iter().sum::<f64>() * volume).collect()
    }

    fn field_energy(&self, field: &[f64]) -> f64 {
        0.5 * field.iter().map(|field| field * field).sum::<f64>() * self.width()
    }

    /// The electric field: dE/dx = 1 − n for every mode of the grid, by the Green's function (2/N) Σ sin(k x) / k. As this
    /// function is odd, the field exerts no force on the whole.
    fn field(&self) -> Vec<f64> {
        let cells = self.layout.space;
        let green = |d: usize| {
            let term = |m: usize| {
                let angle = TAU * (m * d % cells) as f64 / cells as f64;
                angle.sin() / (TAU * m as f64 / self.length)
            };
            2.0 / cells as f64 * (1..cells.div_ceil(2)).map(term).sum::<f64>()
        };
        let green: Vec<f64> = (0..cells).map(green).collect();
        let charges: Vec<f64> = self.densities().iter().map(|density| 1.0 - density).collect();
        let at = |x: usize| (0..cells).map(|from| green[(x + cells - from) % cells] * charges[from]).sum();
        (0..cells).map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_a_wave_is_that_of_the_closed_form() {
        let case = Case::named("landau").unwrap();
        let plasma = Plasma::new(case, &Resolution::QUICK).unwrap();
        // n = 1 + a cos kx, so E = −(a / k) sin kx, ½ ∫ E² dx = a² L / 4 k².
        for (x, field) in plasma.field().iter().enumerate() {
            let expected = -0.02 * (TAU * x as f64 / 16.0).sin();
            assert!((field - expected).abs() < 1e-12, "{field}, not {expected}");
        }
        let sample = plasma.sample();
        assert!((sample.field_energy / (1e-4 * case.length()) - 1.0).abs() < 1e-10);
        assert!((sample.mode / 4e-4 - 1.0).abs() < 1e-10);
        assert!((plasma.perturbation() - 0.01 / 2f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn charge_and_momentum_are_conserved_and_energy_to_second_order_in_the_step() {
        let case = Case::named("bump-on-tail").unwrap();
        let drift = |step: f64| {
            let mut plasma = Plasma::new(case, &Resolution { step, ..Resolution::QUICK }).unwrap();
            // Strong enough for a drift of energy well above rounding.
            plasma.cells.iter_mut().enumerate().for_each(|(x, cell)| {
                cell.iter_mut().for_each(|f| *f *= 1.0 + 0.2 * (TAU * x as f64 / 16.0).cos());
            });
            let start = plasma.totals();
            plasma.run(Resolution { step, ..Resolution::QUICK }.steps(4.0));
            let end = plasma.totals();
            assert!((end.charge / start.charge - 1.0).abs() < 1e-12);
            for (end, start) in end.momentum.iter().zip(start.momentum) {
                assert!((end - start).abs() < 1e-7 * end.abs().max(1.0), "{end}, not {start}");
            }
            (end.energy / start.energy - 1.0).abs()
        };
        let (coarse, fine) = (drift(0.2), drift(0.1));
        assert!(fine < 1e-4 && (3.0..5.0).contains(&(coarse / fine)), "{coarse} {fine}");
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let of = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut plasma = Plasma::new(Case::named("landau").unwrap(), &Resolution::QUICK).unwrap();
                plasma.run(5);
                plasma.cells
            })
        };
        assert_eq!(of(1), of(3));
    }
}
