//! Sums over the cells that a search for multipliers needs.

use super::field::{AnyRule, Axes, Field, in_vectors};
use super::method::{Ones, Rule};
use super::polynomial::{MOMENTS, Polynomial, at, quadratic};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};
use crate::numerics::summation::CompensatedSums;

/// Number of vectors that are added without compensation.
const RUN: usize = 64;

/// Sums over the cells of monomials times h (up to degree 3) and times its derivative by p (up to degree 6).
pub(super) struct Sums {
    pub(super) of_h: [[[f64; 4]; 4]; 4],
    pub(super) of_slope: [[[f64; 7]; 7]; 7],
}

impl Sums {
    /// Sums for the density that `rule` makes of a field.
    pub(super) fn new(field: &Field, axes: &Axes, polynomial: &Polynomial, rule: AnyRule) -> Self {
        match rule {
            AnyRule::Flat(rule) => Self::of(field, axes, polynomial, rule),
            AnyRule::Mixed(rule) => Self::of(field, axes, polynomial, rule),
            AnyRule::Tilt(rule) => Self::of(field, axes, polynomial, rule),
        }
    }

    /// Sums with one in every cell that may hold something.
    pub(super) fn of_ones(field: &Field, axes: &Axes, polynomial: &Polynomial) -> Self {
        Self::of(field, axes, polynomial, Ones)
    }

    fn of<R: Rule>(field: &Field, axes: &Axes, polynomial: &Polynomial, rule: R) -> Self {
        match polynomial.multipliers.len() {
            MOMENTS => vectorised(Pass::<R, 3, 5> { field, axes, polynomial, rule }),
            _ => vectorised(Pass::<R, 4, 7> { field, axes, polynomial, rule }),
        }
    }
}

/// The sums with H powers of each coordinate for h, and S for its derivative.
struct Pass<'a, R, const H: usize, const S: usize> {
    field: &'a Field,
    axes: &'a Axes,
    polynomial: &'a Polynomial,
    rule: R,
}

impl<R: Rule, const H: usize, const S: usize> Vectorisable for Pass<'_, R, H, S> {
    type Output = Sums;

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Sums {
        let [x, y, z] = self.axes;
        let blocks = in_vectors(z);
        let mut sums = Sums { of_h: [[[0.0; 4]; 4]; 4], of_slope: [[[0.0; 7]; 7]; 7] };
        let mut of_h = CompensatedSums::<64>::zero();
        let mut scratch = [[[0.0; LANES]; RUN]; 2];
        for (row, &x) in x.iter().enumerate() {
            let along: Vec<[f64; 4]> = y.iter().map(|y| self.polynomial.along_z(x, *y)).collect();
            for (block, first, column) in self.field.columns(row) {
                let runs = column.chunks(RUN).zip(along[first..].chunks(RUN)).zip(y[first..].chunks(RUN));
                for ((column, along), y) in runs {
                    let (h, slope) = self.along_y(i, column, along, y, &blocks[block], &mut scratch);
                    add_slopes::<S>(&mut sums.of_slope, x, &moments_of_z(i, slope, &blocks[block]));
                    of_h.add(products::<H>(x, &moments_of_z(i, h, &blocks[block])));
                }
            }
        }
        for (k, value) in of_h.values().into_iter().enumerate() {
            sums.of_h[k / 16][k / 4 % 4][k % 4] = value;
        }
        sums
    }
}

impl<R: Rule, const H: usize, const S: usize> Pass<'_, R, H, S> {
    /// Sums of yʲ h and of yʲ times the derivative of h along a column of vectors.
    ///
    /// Both are stored before they are summed: in one loop, the sums would take all registers of AVX2.
    #[inline(always)]
    fn along_y<I: Instructions>(
        &self,
        i: I,
        column: &[Lanes],
        along: &[[f64; 4]],
        y: &[f64],
        z: &Lanes,
        [changed, slopes]: &mut [[Lanes; RUN]; 2],
    ) -> ([Vector<I>; H], [Vector<I>; S]) {
        let z = Vector::load(i, z);
        for (((g, along), changed), slope) in column.iter().zip(along).zip(&mut *changed).zip(&mut *slopes) {
            let p = if H == 3 { quadratic(*along, z) } else { at(*along, z) };
            let [h, derivative] = self.rule.changed(Vector::load(i, g), p);
            h.store(changed);
            derivative.store(slope);
        }
        (powers_of_y(i, &changed[..column.len()], y), powers_of_y(i, &slopes[..column.len()], y))
    }
}

/// Sums of N powers of y times the vectors of a column.
#[inline(always)]
fn powers_of_y<I: Instructions, const N: usize>(i: I, column: &[Lanes], y: &[f64]) -> [Vector<I>; N] {
    let mut sums = [Vector::splat(i, 0.0); N];
    for (vector, y) in column.iter().zip(y) {
        let mut term = Vector::load(i, vector);
        for sum in &mut sums {
            *sum += term;
            term = term * *y;
        }
    }
    sums
}

/// Sums over the vector of zᵏ times each of N vectors, for j + k < N.
#[inline(always)]
fn moments_of_z<I: Instructions, const N: usize>(i: I, vectors: [Vector<I>; N], z: &Lanes) -> [[f64; N]; N] {
    let z = Vector::load(i, z);
    let mut moments = [[0.0; N]; N];
    for (j, (vector, moments)) in vectors.into_iter().zip(&mut moments).enumerate() {
        let mut vector = vector;
        for moment in &mut moments[..N - j] {
            *moment = vector.sum();
            vector = vector * z;
        }
    }
    moments
}

/// xⁱ times the sums of yʲ zᵏ, as a flat array of [4][4][4].
#[inline(always)]
fn products<const H: usize>(x: f64, of: &[[f64; H]; H]) -> [f64; 64] {
    let mut products = [0.0; 64];
    let mut power = 1.0;
    for i in 0..H {
        for (j, of) in of.iter().enumerate().take(H - i) {
            for (k, of) in of.iter().enumerate().take(H - i - j) {
                products[16 * i + 4 * j + k] = power * of;
            }
        }
        power *= x;
    }
    products
}

/// Adds xⁱ times the sums of yʲ zᵏ.
#[inline(always)]
fn add_slopes<const S: usize>(sums: &mut [[[f64; 7]; 7]; 7], x: f64, of: &[[f64; S]; S]) {
    let mut power = 1.0;
    for (i, sums) in sums.iter_mut().enumerate().take(S) {
        for (j, (sums, of)) in sums.iter_mut().zip(of).enumerate().take(S - i) {
            for (sum, of) in sums.iter_mut().zip(of).take(S - i - j) {
                *sum += power * of;
            }
        }
        power *= x;
    }
}
