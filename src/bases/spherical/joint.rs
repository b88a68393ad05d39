//! Joint least squares: cubic B-splines of the radius times harmonics, over every cell at once.
//!
//! f(v) = Σ_j B_j(r) Σ_lm c_jlm Y_lm(n). On any interval four splines differ from zero, so that the normal equations couple
//! an unknown with those of three shells on either side. Their matrix is never summed cell by cell: the product of two
//! harmonics of degree L is a sum of harmonics up to 2L, so that the sums of the products of two splines times Y_lm up to
//! degree 2L say everything, and a quadrature on the sphere turns them into the blocks. At degree 10 that is 4410 sums a
//! cell instead of 117 000.
//!
//! Near the centre f_lm must vanish like r^l for f to be smooth there: the first spline is part of l = 0 only, with the
//! second's coefficient (so that the slope vanishes), the second of l ≤ 1, the third of l ≤ 2, and so on: few cells near the
//! centre, few harmonics. These hold 1, v and v v: the residual is orthogonal to them, and density, bulk velocity and pressure tensor come out
//! exact.

use std::sync::OnceLock;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::block_banded::{BlockBanded, LEAST_RIDGE, RIDGE};
use super::cells::{Block, Geometry, Sorted};
use super::harmonics::{Harmonics, count, degree_and_order};
use super::radial::Pieces;
use super::sphere::Sphere;
use crate::numerics::cgls::{self, Limits};

/// Everything that depends on grid, centre, shells and degree, and not on the values.
pub(super) struct Joint {
    harmonics: Harmonics,
    pieces: Pieces,
    cells: Sorted,
    factor: BlockBanded,
    fine: OnceLock<BlockBanded>,
    sizes: Vec<u32>,
    unresolved: usize,
    conserved: Conserved,
}

/// Pairs (a, b), a ≤ b, of the four splines of an interval.
const PAIRS: [[usize; 2]; 10] = [[0, 0], [0, 1], [0, 2], [0, 3], [1, 1], [1, 2], [1, 3], [2, 2], [2, 3], [3, 3]];

/// Harmonics of a shell, the innermost 0: one degree more from shell to shell until the highest is reached.
fn functions(shell: usize, degree: usize) -> usize {
    count(degree.min(shell + 1))
}

impl Joint {
    pub(super) fn new(geometry: Geometry, degree: usize, breaks: Vec<f64>) -> Self {
        let pieces = Pieces::splines(breaks);
        let cells = Sorted::by_pieces(geometry, &pieces);
        let matrix = BlockBanded::new(normal_matrix(&cells, &pieces, degree));
        let unresolved = matrix.unresolved();
        let factor = matrix.factorise(RIDGE);
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
        [self.unresolved, (0..self.sizes.len()).map(|shell| functions(shell, self.harmonics.degree())).sum()]
    }

    /// The least-squares coefficients, shell after shell, of values times a factor, and the iterations made for them.
    ///
    /// Where next to nothing is left, what is left may be the doing of the factor's ridge: conjugate gradients then take the
    /// solution further, to combinations of which the cells see one part in 1e10, as long as that is worth while. They are
    /// preconditioned by a factor with the least ridge, made when it is first needed.
    pub(super) fn solve(&self, values: &[f64], factor: f64) -> (Vec<f64>, usize) {
        /// Part of Σ f² left below which the solution is taken further.
        const NEARLY_ALL: f64 = 1e-6;
        const LIMITS: Limits = Limits { gradient: 1e-13, worthwhile: 1e-7, iterations: 150 };
        let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
        let b = self.project(&scaled);
        let mut x = b.clone();
        self.factor.solve(&mut x);
        self.conserved.correct(&b, &mut x);
        let norm_squared: f64 = scaled.iter().map(|f| f * f).sum();
        let explained: f64 = b.iter().flatten().zip(x.iter().flatten()).map(|(b, x)| b * x).sum();
        if norm_squared - explained > NEARLY_ALL * norm_squared {
            return (self.held(&x), 0);
        }
        let fine = self.fine.get_or_init(|| {
            let degree = self.harmonics.degree();
            BlockBanded::new(normal_matrix(&self.cells, &self.pieces, degree))
                .without_dependent()
                .factorise(LEAST_RIDGE)
        });
        x = b.clone();
        fine.solve(&mut x);
        let back = self.evaluate(&self.held(&x));
        let left: Vec<f64> = scaled.iter().zip(&back).map(|(f, g)| f - g).collect();
        let (y, iterations) = cgls::solve(
            left,
            |y| {
                let mut x = self.split(y);
                fine.solve_upper(&mut x);
                self.evaluate(&self.held(&x))
            },
            |r| {
                let mut y = self.project(r);
                fine.solve_lower(&mut y);
                y.concat()
            },
            &LIMITS,
        );
        let mut more = self.split(&y);
        fine.solve_upper(&mut more);
        add(&mut x, 1.0, &more);
        self.conserved.correct(&b, &mut x);
        (self.held(&x), iterations)
    }

    /// Bᵀ f, shell by shell.
    fn project(&self, values: &[f64]) -> Vec<Vec<f64>> {
        self.project_cells(|block, k| values[block.cells[k] as usize])
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
        let degree = self.harmonics.degree();
        let mut x: Vec<Vec<f64>> = (0..self.sizes.len()).map(|shell| vec![0.0; functions(shell, degree)]).collect();
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

    /// All coefficients, one vector a shell.
    fn split(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut rest = x;
        let take = |shell| rest.split_off(..functions(shell, self.harmonics.degree())).unwrap_or_default().to_vec();
        (0..self.sizes.len()).map(take).collect()
    }

    /// The values that the coefficients have on the table's own cells.
    pub(super) fn evaluate(&self, amplitudes: &[f64]) -> Vec<f64> {
        let columns = columns(amplitudes, &self.sizes, count(self.harmonics.degree()));
        self.cells.evaluate(&self.harmonics, &self.pieces, &columns)
    }
}

/// Powers of the radius and positions of the harmonics that make 1, v and v v.
const LOW: [(usize, usize); 10] = [(0, 0), (2, 0), (1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6), (2, 7), (2, 8)];

/// The ten equations that make density, bulk velocity and pressure exact, once more: those of 1, r², r Y_1m and r² Y_2m.
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
                let mut coefficients = vec![0.0; functions(shell, degree)];
                if let Some(coefficient) = coefficients.get_mut(position) {
                    *coefficient = multiple * joint.pieces.power(shell + 1, power);
                }
                coefficients
            };
            conserved.functions.push((0..joint.sizes.len()).map(shell).collect());
        }
        let Self { projections, functions, .. } = &conserved;
        let matrix = Mat::from_fn(projections.len(), projections.len(), |i, j| dot(&projections[i], &functions[j]));
        conserved.products = Some(BlockBanded::new(vec![vec![matrix]]).factorise(LEAST_RIDGE));
        conserved
    }

    /// Moves x so that Σ p g is Σ p f for every p, given b = Bᵀ f.
    fn correct(&self, b: &[Vec<f64>], x: &mut [Vec<f64>]) {
        let Some(products) = &self.products else { return };
        let gap = |(function, projection): (&Vec<Vec<f64>>, &Vec<Vec<f64>>)| dot(function, b) - dot(projection, x);
        let mut gaps = [self.functions.iter().zip(&self.projections).map(gap).collect::<Vec<f64>>()];
        products.solve(&mut gaps);
        for (factor, function) in gaps[0].iter().zip(&self.functions) {
            add(x, *factor, function);
        }
    }
}

fn dot(x: &[Vec<f64>], y: &[Vec<f64>]) -> f64 {
    x.iter().flatten().zip(y.iter().flatten()).map(|(x, y)| x * y).sum()
}

fn add(x: &mut [Vec<f64>], factor: f64, y: &[Vec<f64>]) {
    x.iter_mut().flatten().zip(y.iter().flatten()).for_each(|(x, y)| *x += factor * y);
}

/// How many harmonics a shell needs to store: up to the highest degree of which one is left, and those of 1, v and v v.
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
            let sizes = |spline: usize| functions(spline - 1, degree);
            (0..4.min(splines - j)).map(|d| blocks.block(&overlap(j, d), sizes(j + d), sizes(j))).collect()
        })
        .collect();
    // The first spline's l = 0 goes with the second's.
    for d in 0..4.min(splines) {
        let rows = if d == 0 { 1 } else { functions(d - 1, degree) };
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
