//! Joint least squares: cubic B-splines of the radius times harmonics, over every cell at once.
//!
//! f(v) = Σ_j B_j(r) Σ_lm c_jlm Y_lm(n). On any interval four splines differ from zero, so that the normal equations
//! couple an unknown with those of three shells on either side. Their matrix is never summed cell by cell: the product
//! of two harmonics of degree L is a sum of harmonics up to 2L, so that the sums of the products of two splines times
//! Y_lm up to degree 2L say everything, and a quadrature on the sphere turns them into the blocks. At degree 10 that is
//! 4410 sums a cell instead of 117 000.
//!
//! Near the centre f_lm must vanish like r^l for f to be smooth there: the first spline is part of l = 0 only, with the
//! second's coefficient (so that the slope vanishes), the second of l ≤ 1, the third of l ≤ 2, and so on: few cells
//! near the centre, few harmonics. These hold 1, v and v v: the residual is orthogonal to them, and density, bulk
//! velocity and pressure tensor come out exact.

use std::sync::OnceLock;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::block_banded::{BlockBanded, MIN_RIDGE, RIDGE, ROUNDING};
use super::cell_factor;
use super::cells::{Block, Geometry, Sorted};
use super::harmonics::{Harmonics, count, count_in_shell, degree_and_order};
use super::radial::Pieces;
use super::sphere::Sphere;

/// Everything that depends on grid, centre, shells and degree, and not on the values.
pub(super) struct Joint {
    harmonics: Harmonics,
    pieces: Pieces,
    cells: Sorted,
    /// Of the normal matrix.
    factor: BlockBanded,
    /// Of the cells, for data that lie in the span or nearly so.
    fine: OnceLock<BlockBanded>,
    sizes: Vec<u32>,
    unresolved: usize,
    conserved: Conserved,
}

/// Pairs (a, b), a ≤ b, of the four splines of an interval.
const PAIRS: [[usize; 2]; 10] = [[0, 0], [0, 1], [0, 2], [0, 3], [1, 1], [1, 2], [1, 3], [2, 2], [2, 3], [3, 3]];

/// The result of [`Joint::solve`].
pub(super) struct Solved {
    /// Coefficients, shell after shell.
    pub(super) amplitudes: Vec<f64>,
    /// Refinements made for data in the span of the functions, or nearly so.
    pub(super) refinements: usize,
    /// True if the equations themselves show that the residual is no larger than Σ f². Otherwise it must be measured.
    pub(super) bounded: bool,
}

impl Joint {
    pub(super) fn new(geometry: Geometry, degree: usize, breaks: Vec<f64>) -> Self {
        let pieces = Pieces::splines(breaks);
        let cells = Sorted::by_pieces(geometry, &pieces);
        let matrix = BlockBanded::new(normal_matrix(&cells, &pieces, degree));
        let unresolved = matrix.unresolved();
        let factor = matrix.factorise(RIDGE, ROUNDING);
        let shells = pieces.intervals() + 2;
        let sizes = (0..shells).map(|shell| held(factor.dropped(shell))).collect();
        let (harmonics, fine) = (Harmonics::new(degree), OnceLock::new());
        let mut joint =
            Self { harmonics, pieces, cells, factor, fine, sizes, unresolved, conserved: Conserved::default() };
        joint.conserved = Conserved::new(&joint);
        joint
    }

    /// Harmonics that each shell has coefficients of.
    pub(super) fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// Functions that the cells hardly tell from others of their shell, and the total.
    pub(super) fn unresolved(&self) -> [usize; 2] {
        [self.unresolved, (0..self.sizes.len()).map(|shell| count_in_shell(shell, self.harmonics.degree())).sum()]
    }

    /// The least-squares coefficients, shell after shell, of values times a factor.
    ///
    /// Of f = B y the ridge ρ leaves at most Σ ρ y²/4, since σ²ρ²/(σ² + ρ)² ≤ ρ/4 along every singular vector: about a
    /// quarter of [`RIDGE`] of Σ f². Where no more than the ridge is left, f may lie in the span, and the factor made
    /// of the cells themselves, which is more accurate, is tried.
    pub(super) fn solve(&self, values: &[f64], factor: f64) -> Solved {
        let norm_squared = self.cells.square(values, factor);
        let b = self.project(values, factor);
        let mut x = b.clone();
        self.factor.solve_raised(&mut x);
        let left = norm_squared - dot(&b, &x) - weighted_square(self.factor.ridge(), &x);
        let nearly_all = left <= RIDGE * norm_squared;
        let fine = if nearly_all { self.solve_finely(values, factor, &b, &x, left) } else { None };
        let (mut x, refinements) = fine.unwrap_or_else(|| {
            self.factor.iterate(&mut x, 2);
            (x, 0)
        });
        let moved = self.conserved.correct(&b, &mut x);
        // Iterations leave no more than the first solution. Entries of the matrix are off by less than the ridge, so
        // that `left` is off by less than the ridge's part of the coefficients.
        let uncertain = weighted_square(self.factor.ridge(), &x) + moved;
        let bounded = refinements == 0 && left + uncertain <= norm_squared;
        Solved { amplitudes: self.held(&x), refinements, bounded }
    }

    /// The solution with the factor made of the cells, and the refinements made for it: none unless it is better than
    /// another, `coarse`, that leaves the part `left` of Σ f², by the product of the norms of what is left and of the
    /// coefficients (Regińska 1996, SIAM J. Sci. Comput. 17, 740). Of data that are not in the span it may fit the last
    /// digits by large coefficients of what the cells hardly see.
    ///
    /// Bᵀf is known to 1e-16 of f only: the solution is refined by what it leaves of f (corrected seminormal equations,
    /// Björck 1996, 2.9.3), and this with the ridge, or rounding would grow where the ridge decides. Only then is the
    /// ridge taken away.
    fn solve_finely(
        &self,
        values: &[f64],
        factor: f64,
        b: &[Vec<f64>],
        coarse: &[Vec<f64>],
        left: f64,
    ) -> Option<(Vec<Vec<f64>>, usize)> {
        /// Part of ‖f‖ below which a step is the last: the next would be smaller by as much again, and below rounding.
        const LAST_STEP: f64 = 1e-9;
        const MAX_REFINEMENTS: usize = 4;
        let norm_squared = self.cells.square(values, factor);
        let fine = self.fine.get_or_init(|| cell_factor::factorise(&self.cells, &self.pieces, &self.harmonics));
        let mut x = b.to_vec();
        fine.solve_raised(&mut x);
        let mut refinements = 0;
        loop {
            let (mut step, squares) = self.project_left(&x, values, factor);
            for ((step, ridge), x) in step.iter_mut().zip(fine.ridge()).zip(&x) {
                step.iter_mut().zip(ridge).zip(x).for_each(|((step, ridge), x)| *step -= ridge * x);
            }
            let gradient = step.clone();
            fine.solve_raised(&mut step);
            add(&mut x, 1.0, &step);
            refinements += 1;
            let gain = dot(&gradient, &step);
            if refinements == 1 {
                let sizes = [x.as_slice(), coarse].map(|x| weighted_square(fine.ridge(), x));
                if (squares - gain) * sizes[0] > left.max(f64::EPSILON * norm_squared) * sizes[1] {
                    return None;
                }
            }
            if gain <= LAST_STEP * LAST_STEP * norm_squared || refinements == MAX_REFINEMENTS {
                break;
            }
        }
        fine.iterate(&mut x, 1);
        Some((x, refinements))
    }

    /// The values that the coefficients have on the table's own cells.
    pub(super) fn evaluate(&self, amplitudes: &[f64]) -> Vec<f64> {
        let columns = columns(amplitudes, &self.sizes, count(self.harmonics.degree()));
        self.cells.evaluate(&self.harmonics, &self.pieces, &columns)
    }

    /// Bᵀ f of values times a factor, shell by shell.
    fn project(&self, values: &[f64], factor: f64) -> Vec<Vec<f64>> {
        self.project_cells(|block, k| values[block.cells[k] as usize] * factor)
    }

    /// The same of values given by a block and a position in it.
    fn project_cells(&self, value: impl Fn(&Block<'_>, usize) -> f64) -> Vec<Vec<f64>> {
        let sums = self.cells.project(&self.harmonics, 4, |block, weights, rows| {
            let mut any = false;
            for (k, &radius) in block.radii.iter().enumerate() {
                let value = value(block, k);
                any |= value != 0.0;
                for (column, w) in self.pieces.values(block.interval, radius).into_iter().enumerate() {
                    weights[column * rows + k] = w * value;
                }
            }
            any
        });
        self.by_shell(&sums)
    }

    /// Bᵀ of what x leaves of values times a factor, and the sum of its squares.
    fn project_left(&self, x: &[Vec<f64>], values: &[f64], factor: f64) -> (Vec<Vec<f64>>, f64) {
        let columns = columns(&self.held(x), &self.sizes, count(self.harmonics.degree()));
        let (sums, squares) = self.cells.project_left(&self.harmonics, &self.pieces, &columns, values, factor);
        (self.by_shell(&sums), squares)
    }

    /// Sums of every interval's four splines, shell by shell.
    fn by_shell(&self, sums: &[Mat<f64>]) -> Vec<Vec<f64>> {
        let degree = self.harmonics.degree();
        let mut x: Vec<Vec<f64>> =
            (0..self.sizes.len()).map(|shell| vec![0.0; count_in_shell(shell, degree)]).collect();
        for (interval, sums) in sums.iter().enumerate() {
            for column in 0..4 {
                // Spline j is shell j − 1; the first spline shares the second's coefficient of l = 0.
                match (interval + column).checked_sub(1) {
                    Some(shell) => x[shell].iter_mut().enumerate().for_each(|(k, x)| *x += sums[(k, column)]),
                    None => x[0][0] += sums[(0, 0)],
                }
            }
        }
        x
    }

    /// The coefficients of the harmonics that shells hold.
    fn held(&self, x: &[Vec<f64>]) -> Vec<f64> {
        x.iter().zip(&self.sizes).flat_map(|(x, &size)| &x[..size as usize]).copied().collect()
    }
}

/// Powers of the radius and positions of the harmonics whose products span 1, v and v v.
const LOW: [(usize, usize); 10] = [(0, 0), (2, 0), (1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6), (2, 7), (2, 8)];

/// The ten equations that make density, bulk velocity and pressure exact, once more: those of 1, r², r Y_1m and r²
/// Y_2m.
///
/// Rounding in the normal matrix leaves them to 1e-11 or so, the more the larger the coefficients. Σ p f and Σ p g are
/// known to all digits from sums over the cells, and a multiple of each p closes the gap.
#[derive(Default)]
struct Conserved {
    /// Bᵀ p of each p.
    projections: Vec<Vec<Vec<f64>>>,
    /// Coefficients of each p.
    functions: Vec<Vec<Vec<f64>>>,
    /// Σ p q over the cells, factorised.
    products: Option<BlockBanded>,
}

impl Conserved {
    fn new(joint: &Joint) -> Self {
        let degree = joint.harmonics.degree();
        let mut conserved = Self::default();
        for (power, position) in LOW.into_iter().filter(|(_, position)| *position < count(degree)) {
            let polynomial = |[x, y, z]: [f64; 3]| match (power, position) {
                (0, _) => 1.0,
                (2, 0) => x * x + y * y + z * z,
                (_, 1) => y,
                (_, 2) => z,
                (_, 3) => x,
                (_, 4) => x * y,
                (_, 5) => y * z,
                (_, 6) => 2.0 * z * z - x * x - y * y,
                (_, 7) => x * z,
                _ => x * x - y * y,
            };
            // The unit vector's components from one place: the harmonic that the polynomial is a multiple of.
            let somewhere = [0.36, 0.48, 0.8];
            let multiple = polynomial(somewhere) / Harmonics::new(2).evaluate(&[somewhere])[position];
            conserved.projections.push(joint.project_cells(|block, k| {
                polynomial(block.directions.map(|component| component.as_flattened()[k] * block.radii[k]))
            }));
            let shell = |shell: usize| {
                let mut coefficients = vec![0.0; count_in_shell(shell, degree)];
                if let Some(coefficient) = coefficients.get_mut(position) {
                    *coefficient = multiple * joint.pieces.power(shell + 1, power);
                }
                coefficients
            };
            conserved.functions.push((0..joint.sizes.len()).map(shell).collect());
        }
        let Self { projections, functions, .. } = &conserved;
        let matrix = Mat::from_fn(projections.len(), projections.len(), |i, j| dot(&projections[i], &functions[j]));
        conserved.products = Some(BlockBanded::new(vec![vec![matrix]]).factorise(MIN_RIDGE, 0.0));
        conserved
    }

    /// Moves x so that Σ p g is Σ p f for every p, given b = Bᵀ f. Returns the sum of squares over the cells of what is
    /// added.
    fn correct(&self, b: &[Vec<f64>], x: &mut [Vec<f64>]) -> f64 {
        let Some(products) = &self.products else { return 0.0 };
        let gap = |(function, projection): (&Vec<Vec<f64>>, &Vec<Vec<f64>>)| dot(function, b) - dot(projection, x);
        let mut gaps = [self.functions.iter().zip(&self.projections).map(gap).collect::<Vec<f64>>()];
        let wanted = gaps[0].clone();
        products.solve(&mut gaps);
        for (factor, function) in gaps[0].iter().zip(&self.functions) {
            add(x, *factor, function);
        }
        // The addition is orthogonal to the new residual, so that its square is its product with the gaps.
        gaps[0].iter().zip(&wanted).map(|(factor, gap)| factor * gap).sum::<f64>().abs()
    }
}

fn dot(x: &[Vec<f64>], y: &[Vec<f64>]) -> f64 {
    x.iter().flatten().zip(y.iter().flatten()).map(|(x, y)| x * y).sum()
}

/// Σ w x².
fn weighted_square(weights: &[Vec<f64>], x: &[Vec<f64>]) -> f64 {
    weights.iter().flatten().zip(x.iter().flatten()).map(|(w, x)| w * x * x).sum()
}

fn add(x: &mut [Vec<f64>], factor: f64, y: &[Vec<f64>]) {
    x.iter_mut().flatten().zip(y.iter().flatten()).for_each(|(x, y)| *x += factor * y);
}

/// Number of harmonics that a shell stores: up to the highest degree of which one is left, and at least those of 1, v
/// and v v.
fn held(dropped: &[bool]) -> u32 {
    let last = dropped.iter().rposition(|dropped| !dropped).unwrap_or_default();
    count(degree_and_order(last).0.max(2)).min(dropped.len()) as u32
}

/// The coefficients of the four splines of every interval, as `Sorted::evaluate` takes them.
pub(super) fn columns(amplitudes: &[f64], sizes: &[u32], functions: usize) -> Vec<Mat<f64>> {
    let mut rest = amplitudes;
    let shells: Vec<&[f64]> = sizes.iter().map(|&size| rest.split_off(..size as usize).unwrap_or_default()).collect();
    let coefficient = |spline: usize, k: usize| match spline.checked_sub(1) {
        Some(shell) => shells.get(shell).and_then(|shell| shell.get(k)),
        None if k == 0 => shells.first().and_then(|shell| shell.first()),
        None => None,
    };
    let intervals = sizes.len().saturating_sub(2);
    let matrix = |i: usize| Mat::from_fn(functions, 4, |k, j| coefficient(i + j, k).copied().unwrap_or(0.0));
    (0..intervals).map(matrix).collect()
}

/// The blocks of BᵀB at and below the diagonal, shell by shell.
fn normal_matrix(cells: &Sorted, pieces: &Pieces, degree: usize) -> Vec<Vec<Mat<f64>>> {
    let products = cells.project(&Harmonics::new(2 * degree), PAIRS.len(), |block, weights, rows| {
        for (k, &radius) in block.radii.iter().enumerate() {
            let w = pieces.values(block.interval, radius);
            for (column, [a, b]) in PAIRS.into_iter().enumerate() {
                weights[column * rows + k] = w[a] * w[b];
            }
        }
        true
    });
    let blocks = ProductBlocks::new(degree);
    let splines = pieces.intervals() + 3;
    // Of splines j and j + d: intervals that both live on.
    let overlap = |j: usize, d: usize| {
        let mut sum = vec![0.0; count(2 * degree)];
        let first = (j + d).saturating_sub(3);
        for (i, products) in products.iter().enumerate().take(j + 1).skip(first) {
            let pair = PAIRS.iter().position(|pair| *pair == [j - i, j + d - i]).unwrap_or_default();
            sum.iter_mut().zip(products.col(pair).iter()).for_each(|(sum, product)| *sum += product);
        }
        sum
    };
    let mut matrix: Vec<Vec<Mat<f64>>> = (1..splines)
        .map(|j| {
            let sizes = |spline: usize| count_in_shell(spline - 1, degree);
            (0..4.min(splines - j)).map(|d| blocks.block(&overlap(j, d), sizes(j + d), sizes(j))).collect()
        })
        .collect();
    // The first spline's l = 0 goes with the second's.
    for d in 0..4.min(splines) {
        let rows = if d == 0 { 1 } else { count_in_shell(d - 1, degree) };
        let column = blocks.block(&overlap(0, d), rows, 1);
        for k in 0..rows {
            let times = if d == 1 && k == 0 { 2.0 } else { 1.0 };
            matrix[0][d.saturating_sub(1)][(k, 0)] += times * column[(k, 0)];
        }
    }
    matrix
}

/// From the sums Σ w Y_LM, L up to twice the degree, to the sums Σ w Y_lm Y_l'm'.
///
/// On the sphere the function with these sums as its coefficients has the same products with every Y_lm Y_l'm' as the
/// cells; a quadrature exact to four times the degree integrates them.
pub(super) struct ProductBlocks {
    weights: Vec<f64>,
    /// Harmonics up to twice the degree at the nodes.
    table: Mat<f64>,
}

impl ProductBlocks {
    pub(super) fn new(degree: usize) -> Self {
        let sphere = Sphere::exact_to(4 * degree);
        let nodes = sphere.directions().len();
        let values = Harmonics::new(2 * degree).evaluate(sphere.directions());
        let table = MatRef::from_column_major_slice(&values, nodes, count(2 * degree)).to_owned();
        Self { weights: sphere.weights().to_vec(), table }
    }

    /// The first `rows` harmonics times the first `columns`.
    pub(super) fn block(&self, sums: &[f64], rows: usize, columns: usize) -> Mat<f64> {
        let mut density = vec![0.0; self.weights.len()];
        for (sum, function) in sums.iter().zip(self.table.col_iter()) {
            density.iter_mut().zip(function.iter()).for_each(|(density, y)| *density += sum * y);
        }
        let weighted =
            Mat::from_fn(self.weights.len(), columns, |i, j| self.weights[i] * density[i] * self.table[(i, j)]);
        let mut block = Mat::zeros(rows, columns);
        let left = self.table.get(.., ..rows).transpose();
        matmul(block.as_mut(), Accum::Replace, left, weighted.as_ref(), 1.0, Par::Seq);
        block
    }
}
