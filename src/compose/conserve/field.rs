//! Density on the cells of a grid, in vectors of eight cells along z, and its change by a polynomial.

use std::ops::Range;

use super::method::{Flat, Method, Mixed, Rule, Threshold, Tilt};
use super::polynomial::{Polynomial, at};
use crate::numerics::exponential::exp;
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// Cell centres along each axis, in the unit of a polynomial.
pub(super) type Axes = [Vec<f64>; 3];

/// Value of cells that stay empty for every method.
pub(super) const EXCLUDED: f64 = f64::NEG_INFINITY;

/// Density in vectors along z. Those with the same x and the same cells of z follow one another, for a loop over y.
pub(super) struct Field {
    shape: [usize; 3],
    density: Vec<Lanes>,
    peak: f64,
    /// Range of y whose cells may hold something, for each x and each vector of z.
    occupied: Vec<Range<usize>>,
}

/// Densities to which a field is raised where it has less: e^q, as far as that is at least `least`.
pub(super) struct Raise<'a> {
    pub(super) axes: &'a Axes,
    pub(super) q: Polynomial,
    pub(super) least: f64,
}

impl Field {
    /// Field for a method, of densities that `fill` writes for the row of cells at given x and y.
    pub(super) fn new(
        shape: [usize; 3],
        method: Method,
        raise: Option<&Raise<'_>>,
        mut fill: impl FnMut(usize, usize, &mut [f64]),
    ) -> Self {
        let [nx, ny, nz] = shape;
        let blocks = nz.div_ceil(LANES);
        let mut field = Self {
            shape,
            density: Vec::with_capacity(nx * blocks * ny),
            occupied: Vec::with_capacity(nx * blocks),
            peak: 0.0,
        };
        // One plane at a time, which stays in the cache.
        let mut plane = vec![[EXCLUDED; LANES]; ny * blocks];
        for x in 0..nx {
            for (y, row) in plane.chunks_exact_mut(blocks).enumerate() {
                fill(x, y, &mut row.as_flattened_mut()[..nz]);
            }
            if let Some(raise) = raise {
                vectorised(RaisePlane { plane: &mut plane, raise, x: raise.axes[0][x] });
            }
            field.peak = field.peak.max(largest(plane.as_flattened()));
            field.push(&plane, method);
        }
        field
    }

    /// Adds a plane. Marks cells that stay empty under the method, and finds the others.
    fn push(&mut self, plane: &[Lanes], method: Method) {
        let [_, ny, nz] = self.shape;
        let blocks = nz.div_ceil(LANES);
        let empty = if method.is_flat() { EXCLUDED } else { 0.0 };
        for block in 0..blocks {
            let start = self.density.len();
            for vector in plane[block..].iter().step_by(blocks) {
                let mut vector = *vector;
                if method != Method::Everywhere {
                    for g in &mut vector {
                        *g = if *g > 0.0 { *g } else { empty };
                    }
                }
                self.density.push(vector);
            }
            let column = &self.density[start..start + ny];
            let holds = |vector: &Lanes| vector.iter().any(|g| *g > empty);
            let first = column.iter().position(holds).unwrap_or(0);
            let end = column.iter().rposition(holds).map_or(first, |last| last + 1);
            self.occupied.push(first..end);
        }
    }

    /// Largest density.
    pub(super) fn peak(&self) -> f64 {
        self.peak
    }

    /// Columns of vectors along y that may hold something: x, the vector of z, and their range of y.
    pub(super) fn columns(&self, x: usize) -> impl Iterator<Item = (usize, usize, &[Lanes])> {
        let ny = self.shape[1];
        let blocks = self.shape[2].div_ceil(LANES);
        (0..blocks).map(move |block| {
            let column = x * blocks + block;
            let occupied = self.occupied[column].clone();
            (block, occupied.start, &self.density[column * ny + occupied.start..column * ny + occupied.end])
        })
    }

    /// The changed densities in C order, divided by `factor`.
    pub(super) fn changed(&self, axes: &Axes, polynomial: &Polynomial, rule: AnyRule, factor: f64) -> Vec<f64> {
        match rule {
            AnyRule::Flat(rule) => vectorised(Apply { field: self, axes, polynomial, rule, factor }),
            AnyRule::Mixed(rule) => vectorised(Apply { field: self, axes, polynomial, rule, factor }),
            AnyRule::Tilt(rule) => vectorised(Apply { field: self, axes, polynomial, rule, factor }),
        }
    }
}

/// Rule of a method.
#[derive(Clone, Copy)]
pub(super) enum AnyRule {
    Flat(Flat),
    Mixed(Mixed),
    Tilt(Tilt),
}

impl AnyRule {
    /// Rule of a method for densities up to `peak`.
    pub(super) fn new(method: Method, peak: f64) -> Self {
        match method {
            Method::Even | Method::Everywhere => Self::Flat(Flat),
            Method::Mixed(threshold) => {
                let part = match threshold {
                    Threshold::Low => 1.0 / 256.0,
                    Threshold::High => 1.0 / 8.0,
                };
                Self::Mixed(Mixed { threshold: (part * peak).max(f64::MIN_POSITIVE) })
            }
            Method::Tilt => Self::Tilt(Tilt),
        }
    }
}

/// An axis in vectors, continued by zeros.
pub(super) fn in_vectors(axis: &[f64]) -> Vec<Lanes> {
    let mut vectors = vec![[0.0; LANES]; axis.len().div_ceil(LANES)];
    vectors.as_flattened_mut()[..axis.len()].copy_from_slice(axis);
    vectors
}

/// Largest positive value, or zero.
pub(super) fn largest(values: &[f64]) -> f64 {
    // Eight independent maxima, which the compiler vectorises: a single one is a chain of dependent operations.
    let (vectors, rest) = values.as_chunks::<LANES>();
    let mut peaks = [0.0; LANES];
    for vector in vectors {
        for (peak, g) in peaks.iter_mut().zip(vector) {
            *peak = if *g > *peak { *g } else { *peak };
        }
    }
    peaks.iter().chain(rest).fold(0.0, |peak, &g| f64::max(peak, g))
}

struct RaisePlane<'a> {
    plane: &'a mut [Lanes],
    raise: &'a Raise<'a>,
    x: f64,
}

impl Vectorisable for RaisePlane<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) {
        let [_, y, z] = self.raise.axes;
        let z = in_vectors(z);
        let empty = Vector::splat(i, EXCLUDED);
        for (row, y) in self.plane.chunks_exact_mut(z.len()).zip(y) {
            let along = self.raise.q.along_z(self.x, *y);
            for (g, z) in row.iter_mut().zip(&z) {
                let value = Vector::load(i, g);
                let halo = exp(at(along, Vector::load(i, z)));
                let raised = value.larger(halo.where_at_least(halo, self.raise.least));
                // Cells behind the end of the row stay empty.
                raised.where_below(empty, value, value).store(g);
            }
        }
    }
}

struct Apply<'a, R> {
    field: &'a Field,
    axes: &'a Axes,
    polynomial: &'a Polynomial,
    rule: R,
    factor: f64,
}

impl<R: Rule> Vectorisable for Apply<'_, R> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Vec<f64> {
        let [x, y, z] = self.axes;
        let blocks = in_vectors(z);
        let mut values = vec![0.0; x.len() * y.len() * z.len()];
        let factor = Vector::splat(i, self.factor);
        for (row, &x) in x.iter().enumerate() {
            let along: Vec<[f64; 4]> = y.iter().map(|y| self.polynomial.along_z(x, *y)).collect();
            for (block, first, column) in self.field.columns(row) {
                let at_z = Vector::load(i, &blocks[block]);
                let low = block * LANES;
                let count = LANES.min(z.len() - low);
                for (k, (g, along)) in column.iter().zip(&along[first..]).enumerate() {
                    let [h, _] = self.rule.changed(Vector::load(i, g), at(*along, at_z));
                    let mut changed = [0.0; LANES];
                    (h / factor).store(&mut changed);
                    let start = (row * y.len() + first + k) * z.len() + low;
                    values[start..start + count].copy_from_slice(&changed[..count]);
                }
            }
        }
        values
    }
}
