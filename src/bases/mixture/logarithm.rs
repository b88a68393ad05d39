//! Minimisation of the error of the logarithm, Σ (log₁₀ g − log₁₀ f)² above a floor, by Levenberg-Marquardt.
//!
//! The residual of a cell is r = log₁₀((g + δ)/(max(f, floor) + δ)), δ a tenth of the floor: it is finite where the
//! mixture vanishes, and zero at g = f. A cell whose density is not above the floor counts only if the mixture is.
//!
//! Every derivative is s_k p/(g + δ), s_k the slope of component k and p a quadratic polynomial in v. With
//! u_k = s_k/((g + δ) ln 10), the gradient follows from the sums of r u_k times ten monomials, and JᵀJ from those of
//! u_k u_l times 35 monomials of degree four.

use nalgebra::{DMatrix, DVector};

use super::cells::Cells;
use super::covariance::Structure;
use super::logarithm_samples::Samples;
use super::member::{Cut, Member, Profile};
use super::parameters::{Bell, MONOMIALS, Parameters, Quadratic, dot, shifted};
use crate::numerics::lanes::{LANES, Lanes};
use crate::numerics::levenberg_marquardt::{
    LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report, minimise,
};

/// Part of δ below which a component counts as zero in a cell.
const NEGLIGIBLE: f64 = 1e-2;

/// Sums over the cells at one place of the search.
#[derive(Debug, Clone)]
struct Sums {
    squares: f64,
    /// Σ r u_k m for the ten monomials m of each component.
    gradient: Vec<Quadratic>,
    /// Σ u_k u_l x^a y^b z^c, at index 25 a + 5 b + c, for l ≤ k.
    pairs: Vec<[f64; 125]>,
}

fn pair(k: usize, l: usize) -> usize {
    k * (k + 1) / 2 + l
}

/// The problem min ½ Σ r².
pub(super) struct LogarithmProblem<'a> {
    samples: &'a Samples,
    parameters: Parameters,
}

impl<'a> LogarithmProblem<'a> {
    pub fn new(samples: &'a Samples, parameters: Parameters) -> Self {
        Self { samples, parameters }
    }

    fn sums(&self, bells: &[Bell], with_derivatives: bool) -> Sums {
        let Samples { axes: [x, y, z], targets, .. } = self.samples;
        let count = bells.len();
        let pairs = if with_derivatives { count * (count + 1) / 2 } else { 0 };
        let mut sums = Sums { squares: 0.0, gradient: vec![[0.0; 10]; count], pairs: vec![[0.0; 125]; pairs] };
        let mut row = Row::new(count, z.len());
        for (index, targets) in targets.chunks_exact(z.len()).enumerate() {
            let across = [x[index / y.len()], y[index % y.len()]];
            row.evaluate(self.samples, bells, self.parameters.profile, across, z);
            sums.squares += row.compare(self.samples, targets);
            if with_derivatives && row.differs {
                row.add_derivatives(&mut sums, across, z);
            }
        }
        sums
    }
}

/// Components along one row of cells.
struct Row {
    /// Components that reach the row: index, and the first and the end of the cells reached.
    reached: Vec<(usize, usize, usize)>,
    /// Slopes of the components, later u_k.
    slopes: Vec<Vec<f64>>,
    /// The mixture.
    sum: Vec<f64>,
    residuals: Vec<f64>,
    /// Σ over the row of u_k u_l z^c for c up to four.
    powers: [f64; 5],
    differs: bool,
}

impl Row {
    fn new(components: usize, len: usize) -> Self {
        Self {
            reached: Vec::new(),
            slopes: vec![vec![0.0; len]; components],
            sum: vec![0.0; len],
            residuals: vec![0.0; len],
            powers: [0.0; 5],
            differs: false,
        }
    }

    fn evaluate(&mut self, samples: &Samples, bells: &[Bell], profile: Profile, across: [f64; 2], z: &[f64]) {
        self.reached.clear();
        self.sum.fill(0.0);
        let least = NEGLIGIBLE * samples.softness();
        for (k, bell) in bells.iter().enumerate() {
            let reach = profile.reach(bell.peak, least);
            let cut = bell.ellipsoid.cut(across);
            if cut.across >= reach || cut.across.is_nan() {
                continue;
            }
            let narrow = bell.ellipsoid.narrowness();
            let half = (reach - cut.across).sqrt() / narrow;
            let first = z.partition_point(|&z| z < cut.centre - half);
            let end = z.partition_point(|&z| z <= cut.centre + half).max(first);
            if first == end {
                continue;
            }
            self.reached.push((k, first, end));
            let (slopes, sum) = (&mut self.slopes[k], &mut self.sum);
            if profile == Profile::Gaussian {
                gaussian_row(&mut slopes[first..end], &z[first..end], cut, narrow);
                sum[first..end].iter_mut().zip(&slopes[first..end]).for_each(|(sum, bare)| *sum += bell.peak * bare);
                continue;
            }
            let cells = slopes[first..end].iter_mut().zip(&mut sum[first..end]).zip(&z[first..end]);
            for ((slope, sum), z) in cells {
                let (own_slope, bare) = slope_and_bare(profile, cut.across + (narrow * (z - cut.centre)).powi(2));
                *slope = own_slope;
                *sum += bell.peak * bare;
            }
        }
    }

    /// Residuals, and the sum of their squares.
    fn compare(&mut self, samples: &Samples, targets: &[f64]) -> f64 {
        let mut squares = 0.0;
        self.differs = false;
        for ((residual, &g), &target) in self.residuals.iter_mut().zip(&self.sum).zip(targets) {
            *residual = samples.residual(g, target);
            squares += *residual * *residual;
            self.differs |= *residual != 0.0;
        }
        // From here on the sums are factors of the slopes: zero in cells that do not count.
        for ((sum, residual), &target) in self.sum.iter_mut().zip(&self.residuals).zip(targets) {
            let counts = *residual != 0.0 || target > samples.floor + samples.softness();
            *sum = if counts { std::f64::consts::LOG10_E / (*sum + samples.softness()) } else { 0.0 };
        }
        squares
    }

    fn add_derivatives(&mut self, sums: &mut Sums, [x, y]: [f64; 2], z: &[f64]) {
        for &(k, first, end) in &self.reached {
            let mut moments = [0.0; 3];
            let factors = self.sum[first..end].iter().zip(&self.residuals[first..end]).zip(&z[first..end]);
            for (slope, ((factor, residual), z)) in self.slopes[k][first..end].iter_mut().zip(factors) {
                *slope *= factor;
                let weighted = *slope * residual;
                moments[0] += weighted;
                moments[1] += weighted * z;
                moments[2] += weighted * z * z;
            }
            for (sum, [a, b, c]) in sums.gradient[k].iter_mut().zip(MONOMIALS) {
                *sum += moments[c] * x.powi(a as i32) * y.powi(b as i32);
            }
        }
        let [xs, ys] = [x, y].map(|x| [1.0, x, x * x, x * x * x, x * x * x * x]);
        for (index, &(k, from, to)) in self.reached.iter().enumerate() {
            for &(l, first, end) in &self.reached[..=index] {
                self.powers = [0.0; 5];
                let begin = from.max(first);
                let both = begin..to.min(end).max(begin);
                let slopes = self.slopes[k][both.clone()].iter().zip(&self.slopes[l][both.clone()]);
                for ((one, other), z) in slopes.zip(&z[both]) {
                    let (product, square) = (one * other, z * z);
                    self.powers[0] += product;
                    self.powers[1] += product * z;
                    self.powers[2] += product * square;
                    self.powers[3] += product * square * z;
                    self.powers[4] += product * square * square;
                }
                let sums = &mut sums.pairs[pair(k, l)];
                for a in 0..5 {
                    for b in 0..5 - a {
                        let by = xs[a] * ys[b];
                        for c in 0..5 - a - b {
                            sums[25 * a + 5 * b + c] += by * self.powers[c];
                        }
                    }
                }
            }
        }
    }
}

/// exp(−q/2) along a row of equal spacings h: from one cell to the next, away from the cell nearest to the centre, the
/// value changes by a factor that itself changes by exp(−h²/σ²).
fn gaussian_row(values: &mut [f64], z: &[f64], cut: Cut, narrow: f64) {
    let nearest = z.partition_point(|&z| z < cut.centre).min(z.len() - 1);
    values[nearest] = (-0.5 * (cut.across + (narrow * (z[nearest] - cut.centre)).powi(2))).exp();
    let Some(spacing) = z.get(1).map(|next| next - z[0]) else { return };
    let change = (-(narrow * spacing).powi(2)).exp();
    let ratio =
        |towards: f64| (-0.5 * narrow * narrow * spacing * (2.0 * towards * (z[nearest] - cut.centre) + spacing)).exp();
    let (mut value, mut factor) = (values[nearest], ratio(1.0));
    for next in &mut values[nearest + 1..] {
        value *= factor;
        factor *= change;
        *next = value;
    }
    (value, factor) = (values[nearest], ratio(-1.0));
    for next in values[..nearest].iter_mut().rev() {
        value *= factor;
        factor *= change;
        *next = value;
    }
}

/// The function of q that derivatives have as a factor, and that of the component itself.
pub(super) fn slope_and_bare(profile: Profile, q: f64) -> (f64, f64) {
    match profile {
        Profile::Gaussian => {
            let bare = (-0.5 * q).exp();
            (bare, bare)
        }
        Profile::Kappa(kappa) => {
            let base = 1.0 + q / (2.0 * kappa - 3.0);
            let slope = base.powf(-(kappa + 2.0));
            (slope, slope * base)
        }
    }
}

impl LeastSquaresProblem for LogarithmProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, p: &DVector<f64>) -> f64 {
        let Some(bells) = self.parameters.unpack(p) else { return f64::NAN };
        0.5 * self.sums(&bells, false).squares
    }

    fn linearise(&self, p: &DVector<f64>) -> Option<NormalEquations> {
        let bells = self.parameters.unpack(p)?;
        let sums = self.sums(&bells, true);
        let n = self.parameters.len();
        let (mut matrix, mut gradient) = (DMatrix::zeros(n, n), DVector::zeros(n));
        // Polynomials about the origin, as the sums are.
        let derivatives: Vec<Vec<(usize, Quadratic)>> = bells
            .iter()
            .enumerate()
            .map(|(k, bell)| {
                let about_mean = self.parameters.derivatives(p, k, bell);
                about_mean.into_iter().map(|(index, by)| (index, shifted(&by, &-bell.mean))).collect()
            })
            .collect();
        for (by, sums) in derivatives.iter().zip(&sums.gradient) {
            for (index, polynomial) in by {
                gradient[*index] += dot(polynomial, sums);
            }
        }
        for k in 0..bells.len() {
            for l in 0..=k {
                let moments = products(&sums.pairs[pair(k, l)]);
                for (column, by) in &derivatives[l] {
                    let image = moments.map(|row| dot(&row, by));
                    for (row, by) in &derivatives[k] {
                        let value = dot(by, &image);
                        matrix[(*row, *column)] += value;
                        if k != l {
                            matrix[(*column, *row)] += value;
                        }
                    }
                }
            }
        }
        NormalEquations::from_parts(matrix, gradient)
    }
}

/// Sums of products of two monomials.
fn products(sums: &[f64; 125]) -> [Quadratic; 10] {
    MONOMIALS.map(|[a, b, c]| MONOMIALS.map(|[d, e, f]| sums[25 * (a + d) + 5 * (b + e) + c + f]))
}

/// Minimises from `start`. A search that does not converge returns its best mixture.
pub(super) fn refine(
    cells: &Cells,
    samples: &Samples,
    start: &[Member],
    structure: Structure,
    profile: Profile,
    settings: &LevenbergMarquardt,
) -> (Vec<Member>, Report) {
    let parameters = Parameters::new(cells, structure, profile, start.len());
    let volume = cells.scaling.cell_volume();
    let problem = LogarithmProblem::new(samples, parameters);
    let fit = minimise(&problem, parameters.pack(start, volume), settings);
    let members = match parameters.unpack(&fit.parameters) {
        Some(bells) if fit.report.cost.is_finite() => parameters.members(&bells, volume),
        _ => start.to_vec(),
    };
    (members, fit.report)
}

/// Residuals log₁₀ f − log₁₀ g of all cells, in rows padded with zeros, and the root of their mean square.
pub(super) fn residuals(
    cells: &Cells,
    all: &Samples,
    members: &[Member],
    structure: Structure,
    profile: Profile,
) -> (Vec<Lanes>, f64) {
    let mut residuals = vec![[0.0; LANES]; cells.values.len()];
    let mut rows = residuals.chunks_exact_mut(cells.z.len());
    let rms = compared(cells, all, members, structure, profile, |row| {
        if let Some(into) = rows.next() {
            into.as_flattened_mut().iter_mut().zip(row).for_each(|(into, residual)| *into = -residual);
        }
    });
    (residuals, rms)
}

/// Root mean square of the residuals of the samples.
pub(super) fn rms(cells: &Cells, samples: &Samples, members: &[Member], structure: Structure, profile: Profile) -> f64 {
    compared(cells, samples, members, structure, profile, |_| {})
}

/// Calls `see` with the residuals of each row of samples, and returns the root of their mean square.
fn compared(
    cells: &Cells,
    samples: &Samples,
    members: &[Member],
    structure: Structure,
    profile: Profile,
    mut see: impl FnMut(&[f64]),
) -> f64 {
    let parameters = Parameters::new(cells, structure, profile, members.len());
    let bells = parameters.unpack(&parameters.pack(members, cells.scaling.cell_volume())).unwrap_or_default();
    let [x, y, z] = &samples.axes;
    let mut row = Row::new(bells.len(), z.len());
    let mut squares = 0.0;
    for (index, targets) in samples.targets.chunks_exact(z.len()).enumerate() {
        row.evaluate(samples, &bells, profile, [x[index / y.len()], y[index % y.len()]], z);
        squares += row.compare(samples, targets);
        see(&row.residuals);
    }
    (squares / samples.targets.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{KINDS, named};
    use super::super::{NAME, start};
    use super::*;
    use crate::numerics::levenberg_marquardt::LinearisedSystem;

    #[test]
    fn the_gradient_is_that_of_the_cost_and_the_matrix_is_jtj() {
        let vdf = named("gyrating-ring", 2, 14);
        let cells = Cells::new(NAME, &vdf).unwrap();
        let samples = Samples::all(&cells, 1e-4 * cells.peak);
        for profile in [Profile::Gaussian, Profile::Kappa(2.5)] {
            for kind in KINDS {
                let structure = Structure::new(kind, cells.scaling.spacing);
                let members = start::k_means(&cells, 3, 1, &structure);
                let parameters = Parameters::new(&cells, structure, profile, 3);
                let problem = LogarithmProblem::new(&samples, parameters);
                let p = parameters.pack(&members, cells.scaling.cell_volume());
                let system = problem.linearise(&p).unwrap();
                let h = 1e-5;
                let cost = |i: usize, h: f64| {
                    let mut q = p.clone();
                    q[i] += h;
                    problem.cost(&q)
                };
                let numeric = DVector::from_fn(p.len(), |i, _| (cost(i, h) - cost(i, -h)) / (2.0 * h));
                let scale = system.gradient().amax();
                // Cells at the floor make the cost one-sided, so that differences are less accurate than derivatives.
                assert!((system.gradient() - &numeric).amax() < 1e-3 * scale, "{kind:?} {profile:?}");
                let symmetric = system.diagonal();
                assert!(symmetric.iter().all(|d| *d >= 0.0));
            }
        }
    }

    #[test]
    fn a_mixture_has_no_residual_at_its_own_logarithm() {
        let vdf = named("beams", 0, 16);
        let cells = Cells::new(NAME, &vdf).unwrap();
        let structure = Structure::new(super::super::Covariance::Full, cells.scaling.spacing);
        let members = start::k_means(&cells, 2, 1, &structure);
        let mut own = cells.clone();
        let empty = vec![[0.0; LANES]; cells.values.len()];
        own.values.clone_from(&empty);
        own.values = super::super::residual::residual(&own, &members, Profile::Gaussian);
        own.values.as_flattened_mut().iter_mut().for_each(|f| *f = -*f);
        let all = Samples::all(&own, 1e-5 * cells.peak);
        let (_, rms) = residuals(&own, &all, &members, structure, Profile::Gaussian);
        assert!(rms < 1e-3, "{rms}");
        assert!(all.stand_for(&own) == 1.0);
    }
}
