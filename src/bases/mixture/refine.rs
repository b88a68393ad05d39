//! The mixture with the smallest Σ (g − f)² near a start, by Levenberg-Marquardt with an analytic Jacobian that is never
//! stored.
//!
//! Every derivative is a component's bare function h times a quadratic polynomial. Jᵀ J therefore needs no more than the
//! sums Σ h_k h_l x^a y^b z^c, a + b + c ≤ 4, for each pair of components that overlap: five sums along each row that
//! both reach, whatever the number of parameters.

use std::cell::RefCell;

use nalgebra::{DMatrix, DVector};

use super::cells::Cells;
use super::evaluate::{Bump, Lattice, add, reached};
use super::member::{Member, Profile};
use super::parameters::{Bell, MONOMIALS, Parameters, Quadratic, shifted};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};
use crate::numerics::levenberg_marquardt::{
    LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report, minimise,
};

/// Below these parts of the data's peak a component counts as zero: in the residuals, and in the sums of JᵀJ, where a
/// small error changes the path of the search but not where it ends.
const UNSEEN: f64 = 1e-11;
const UNSEEN_IN_JACOBIAN: f64 = 1e-6;
/// Pairs of bare functions whose product is below this everywhere share no block of JᵀJ.
const APART: f64 = 1e-8;

/// Monomials x^a y^b z^c with a + b + c ≤ 4, as (b, c) in a plane of constant x, then with a.
const PLANE: [(usize, usize); 15] = [
    (0, 0),
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (1, 0),
    (1, 1),
    (1, 2),
    (1, 3),
    (2, 0),
    (2, 1),
    (2, 2),
    (3, 0),
    (3, 1),
    (4, 0),
];
/// Sums of powers, indexed by the three exponents.
type Powers = [[[f64; 5]; 5]; 5];

/// min ½ Σ (g − f)² over all cells of the grid, empty ones included.
pub(super) struct MixtureProblem<'a> {
    pub cells: &'a Cells,
    pub parameters: Parameters,
    /// The residuals at the parameters where the cost was last asked for, which is where the next linearisation is.
    last: RefCell<Option<(DVector<f64>, Vec<Lanes>)>>,
}

/// Searches from `start`; not converging is not an error.
pub(super) fn refine(
    cells: &Cells,
    start: &[Member],
    structure: super::covariance::Structure,
    profile: Profile,
    settings: &LevenbergMarquardt,
) -> (Vec<Member>, Report) {
    let parameters = Parameters::new(cells, structure, profile, start.len());
    let volume = cells.scaling.cell_volume();
    let problem = MixtureProblem::new(cells, parameters);
    let fit = minimise(&problem, parameters.pack(start, volume), settings);
    let members = match parameters.unpack(&fit.parameters) {
        Some(bells) if fit.report.cost.is_finite() => parameters.members(&bells, volume),
        _ => start.to_vec(),
    };
    (members, fit.report)
}

/// Data minus mixture, row by row; the padding is zero.
pub(super) fn residual(cells: &Cells, members: &[Member], profile: Profile) -> Vec<Lanes> {
    let volume = cells.scaling.cell_volume();
    let bumps: Vec<Bump> =
        members.iter().filter_map(|member| super::evaluate::bump(member, profile, volume, |_| UNSEEN)).collect();
    let mut residual = difference(cells, &bumps, profile);
    residual.as_flattened_mut().iter_mut().for_each(|r| *r = -*r);
    residual
}

/// The members of which some cell sees at least this part of the data's peak.
pub(super) fn visible(cells: &Cells, mut members: Vec<Member>, profile: Profile, part: f64) -> Vec<Member> {
    let volume = cells.scaling.cell_volume();
    let peak = cells.values.as_flattened().iter().fold(0.0, |peak, &f| f64::max(peak, f));
    let lattice = Lattice { x: &cells.axes[0], y: &cells.axes[1], z: &cells.z };
    members.retain(|member| {
        let Some(bump) = super::evaluate::bump(member, profile, volume, |_| part * peak) else { return false };
        // At the cell nearest to the mean, if that is enough; else wherever it is largest.
        let nearest = nalgebra::Vector3::from_fn(|i, _| {
            let ends = (cells.axes[i][0], cells.axes[i][cells.axes[i].len() - 1]);
            member.mean[i].clamp(ends.0, ends.1)
        });
        let q = (bump.ellipsoid.whitening * (nearest - member.mean)).norm_squared();
        if q < 0.5 * bump.reach {
            return true;
        }
        let mut values = vec![[0.0; LANES]; cells.values.len()];
        add(&lattice, &[bump], profile, &mut values);
        values.as_flattened().iter().any(|&g| g >= part * peak)
    });
    members
}

/// Mixture minus data.
fn difference(cells: &Cells, bumps: &[Bump], profile: Profile) -> Vec<Lanes> {
    let mut values = cells.values.clone();
    values.as_flattened_mut().iter_mut().for_each(|f| *f = -*f);
    add(&Lattice { x: &cells.axes[0], y: &cells.axes[1], z: &cells.z }, bumps, profile, &mut values);
    let (chunks, nz) = (cells.z.len(), cells.axes[2].len());
    for row in values.chunks_exact_mut(chunks) {
        row.as_flattened_mut()[nz..].fill(0.0);
    }
    values
}

pub(super) fn sum_of_squares(values: &[Lanes]) -> f64 {
    struct Squares<'a>(&'a [Lanes]);
    impl Vectorisable for Squares<'_> {
        type Output = f64;

        #[inline(always)]
        fn run<I: Instructions>(self, i: I) -> f64 {
            let mut sum = Vector::splat(i, 0.0);
            for values in self.0 {
                let values = Vector::load(i, values);
                sum += values * values;
            }
            sum.sum()
        }
    }
    vectorised(Squares(values))
}

impl<'a> MixtureProblem<'a> {
    pub fn new(cells: &'a Cells, parameters: Parameters) -> Self {
        Self { cells, parameters, last: RefCell::new(None) }
    }

    fn residuals(&self, bells: &[Bell]) -> Vec<Lanes> {
        let profile = self.parameters.profile;
        let bump =
            |bell: &Bell| Bump { peak: bell.peak, ellipsoid: bell.ellipsoid, reach: profile.reach(bell.peak, UNSEEN) };
        difference(self.cells, &bells.iter().map(bump).collect::<Vec<_>>(), profile)
    }
}

impl LeastSquaresProblem for MixtureProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, p: &DVector<f64>) -> f64 {
        let Some(bells) = self.parameters.unpack(p) else { return f64::NAN };
        let residuals = self.residuals(&bells);
        let cost = 0.5 * sum_of_squares(&residuals);
        *self.last.borrow_mut() = Some((p.clone(), residuals));
        cost
    }

    fn linearise(&self, p: &DVector<f64>) -> Option<NormalEquations> {
        let bells = self.parameters.unpack(p)?;
        let last = self.last.borrow_mut().take().filter(|(at, _)| at == p);
        let residuals = last.map_or_else(|| self.residuals(&bells), |(_, residuals)| residuals);
        let profile = self.parameters.profile;
        let reach: Vec<f64> = bells.iter().map(|bell| profile.reach(bell.peak, UNSEEN_IN_JACOBIAN)).collect();
        let pairs = overlapping(&bells, profile);
        let sums = vectorised(Sums { cells: self.cells, residuals: &residuals, bells: &bells, reach, pairs, profile });

        let derivatives: Vec<_> =
            bells.iter().enumerate().map(|(k, bell)| self.parameters.derivatives(p, k, bell)).collect();
        let n = self.parameters.len();
        let (mut matrix, mut gradient) = (DMatrix::zeros(n, n), DVector::zeros(n));
        for (by, sums) in derivatives.iter().zip(&sums.gradient) {
            for (index, polynomial) in by {
                gradient[*index] += dot(polynomial, sums);
            }
        }
        for (pair, powers) in &sums.pairs {
            let moments: [Quadratic; 10] = std::array::from_fn(|p| {
                std::array::from_fn(|q| {
                    let [a, b, c]: [usize; 3] = std::array::from_fn(|i| MONOMIALS[p][i] + MONOMIALS[q][i]);
                    powers[a][b][c]
                })
            });
            let about_origin = |k: usize| {
                let shift = bells[pair.origin].mean - bells[k].mean;
                derivatives[k].iter().map(move |(index, by)| (*index, shifted(by, &shift)))
            };
            let left: Vec<_> = about_origin(pair.first).collect();
            for (column, by) in about_origin(pair.second) {
                let image = moments.map(|row| dot(&row, &by));
                for (row, by) in &left {
                    let value = dot(by, &image);
                    matrix[(*row, column)] += value;
                    if pair.first != pair.second {
                        matrix[(column, *row)] += value;
                    }
                }
            }
        }
        NormalEquations::from_parts(matrix, gradient)
    }
}

fn dot(a: &Quadratic, b: &Quadratic) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Two components that share a block of JᵀJ, and the one about whose mean their sums are taken: the narrower, from which
/// the product of the two is never far, so that no digits cancel.
#[derive(Debug, Clone, Copy)]
struct Pair {
    first: usize,
    second: usize,
    origin: usize,
}

fn overlapping(bells: &[Bell], profile: Profile) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(bells.len() * (bells.len() + 1) / 2);
    for (first, a) in bells.iter().enumerate() {
        for (second, b) in bells.iter().enumerate().skip(first) {
            let apart = a.mean - b.mean;
            // The peak of the product of two Gaussians, over those of the two.
            let distance = (a.covariance + b.covariance).cholesky().map_or(0.0, |sum| apart.dot(&sum.solve(&apart)));
            if first != second && profile == Profile::Gaussian && distance > -2.0 * APART.ln() {
                continue;
            }
            let narrower = a.covariance.determinant() <= b.covariance.determinant();
            pairs.push(Pair { first, second, origin: if narrower { first } else { second } });
        }
    }
    pairs
}

struct Sums<'a> {
    cells: &'a Cells,
    residuals: &'a [Lanes],
    bells: &'a [Bell],
    reach: Vec<f64>,
    pairs: Vec<Pair>,
    profile: Profile,
}

struct Summed {
    /// Σ r h monomials(v − mean), for each component.
    gradient: Vec<Quadratic>,
    pairs: Vec<(Pair, Powers)>,
}

impl Vectorisable for Sums<'_> {
    type Output = Summed;

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Summed {
        let Self { cells, residuals, bells, reach, pairs, profile } = self;
        let (z, chunks) = (&cells.z[..], cells.z.len());
        let ny = cells.axes[1].len();
        let mut gradient = vec![[0.0; 10]; bells.len()];
        let mut powers: Vec<Powers> = vec![[[[0.0; 5]; 5]; 5]; pairs.len()];
        let mut planes = vec![[0.0; PLANE.len()]; pairs.len()];
        let mut functions = vec![[0.0; LANES]; chunks * bells.len()];
        let mut ranges = vec![0..0; bells.len()];
        for (plane, &x) in cells.axes[0].iter().enumerate() {
            planes.fill([0.0; PLANE.len()]);
            for (line, &y) in cells.axes[1].iter().enumerate() {
                let start = (plane * ny + line) * chunks;
                let row = &residuals[start..start + chunks];
                for (k, bell) in bells.iter().enumerate() {
                    let cut = bell.ellipsoid.cut([x, y]);
                    let narrow = bell.ellipsoid.narrowness();
                    let range = reached(z, cut.across, cut.centre, narrow, reach[k]);
                    ranges[k] = range.clone();
                    if range.is_empty() {
                        continue;
                    }
                    let zero = Vector::splat(i, 0.0);
                    let (mut s0, mut s1, mut s2) = (zero, zero, zero);
                    let function = &mut functions[k * chunks..][range.clone()];
                    for ((h, z), r) in function.iter_mut().zip(&z[range.clone()]).zip(&row[range]) {
                        let z = Vector::load(i, z);
                        let along = (z - cut.centre) * narrow;
                        let bare = profile.slope(along * along + cut.across);
                        bare.store(h);
                        let d = z - bell.mean[2];
                        let product = bare * Vector::load(i, r);
                        let linear = product * d;
                        s0 += product;
                        s1 += linear;
                        s2 += linear * d;
                    }
                    let [s0, s1, s2] = [s0, s1, s2].map(Vector::sum);
                    let (dx, dy) = (x - bell.mean[0], y - bell.mean[1]);
                    let terms =
                        [s0, dx * s0, dy * s0, s1, dx * dx * s0, dx * dy * s0, dx * s1, dy * dy * s0, dy * s1, s2];
                    for (sum, term) in gradient[k].iter_mut().zip(terms) {
                        *sum += term;
                    }
                }
                // The padding holds no cells.
                let nz = cells.axes[2].len();
                for k in 0..bells.len() {
                    functions[k * chunks..(k + 1) * chunks].as_flattened_mut()[nz..].fill(0.0);
                }
                for (pair, plane) in pairs.iter().zip(&mut planes) {
                    let (a, b) = (&ranges[pair.first], &ranges[pair.second]);
                    let (from, to) = (a.start.max(b.start), a.end.min(b.end));
                    if from >= to {
                        continue;
                    }
                    let origin = bells[pair.origin].mean;
                    let first = &functions[pair.first * chunks..][from..to];
                    let second = &functions[pair.second * chunks..][from..to];
                    let sums = products(i, first, second, &z[from..to], origin[2]);
                    let dy = y - origin[1];
                    let ys = [1.0, dy, dy * dy, dy * dy * dy, dy * dy * dy * dy];
                    for (sum, (b, c)) in plane.iter_mut().zip(PLANE) {
                        *sum += ys[b] * sums[c];
                    }
                }
            }
            for ((pair, plane), powers) in pairs.iter().zip(&planes).zip(&mut powers) {
                let dx = x - bells[pair.origin].mean[0];
                let mut xs = 1.0;
                for (a, powers) in powers.iter_mut().enumerate() {
                    for (sum, (b, c)) in plane.iter().zip(PLANE) {
                        if a + b + c <= 4 {
                            powers[b][c] += xs * sum;
                        }
                    }
                    xs *= dx;
                }
            }
        }
        Summed { gradient, pairs: pairs.into_iter().zip(powers).collect() }
    }
}

/// Σ h_k h_l (z − origin)^c along a row for c = 0 … 4.
#[inline(always)]
fn products<I: Instructions>(i: I, first: &[Lanes], second: &[Lanes], z: &[Lanes], origin: f64) -> [f64; 5] {
    let mut sums = [Vector::splat(i, 0.0); 5];
    for ((a, b), z) in first.iter().zip(second).zip(z) {
        let (product, d) = (Vector::load(i, a) * Vector::load(i, b), Vector::load(i, z) - origin);
        let d2 = d * d;
        let (linear, square) = (product * d, product * d2);
        sums[0] += product;
        sums[1] += linear;
        sums[2] += square;
        sums[3] += linear * d2;
        sums[4] += square * d2;
    }
    sums.map(Vector::sum)
}
