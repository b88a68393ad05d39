//! Sums Σ h_k h_l x^a y^b z^c, a + b + c ≤ 4, over the cells for each pair of overlapping components. JᵀJ follows from
//! them, since each derivative is a bare function h times a quadratic polynomial.

use nalgebra::{Cholesky, Vector3};

use super::cells::Cells;
use super::member::{Ellipsoid, Profile, volume};
use super::parameters::{Bell, MONOMIALS, Quadratic};
use super::plane::{Plane, Tile, Window};
use crate::numerics::lanes::{Instructions, Vectorisable, vectorised};

/// Part of the data's peak below which a component counts as zero here. It is larger than that of the cost
/// ([`UNSEEN`](super::residual::UNSEEN)): an error of JᵀJ changes the path of the search, but not its minimum, which
/// the gradient determines.
const NEGLIGIBLE_PEAK: f64 = 1e-6;
/// Product of two bare functions below which it counts as zero: such cells are not summed, and pairs without any other
/// cell have no block in JᵀJ.
const NEGLIGIBLE_PRODUCT: f64 = 1e-9;

/// Sums of powers, indexed by the three exponents.
type Powers = [[[f64; 5]; 5]; 5];

/// The sums from which the block of JᵀJ of two components follows.
#[derive(Debug, Clone)]
pub(super) struct Overlap {
    pub first: usize,
    pub second: usize,
    /// Origin of the powers, near the peak of the product, so that no digits cancel.
    pub origin: Vector3<f64>,
    /// Half the extent of the product along each axis.
    half: Vector3<f64>,
    powers: Powers,
}

impl Overlap {
    /// Empty sums of a pair; `None` if the components are too far apart.
    fn new(first: usize, second: usize, [a, b]: [&Bell; 2], profile: Profile) -> Option<Self> {
        let everywhere = Vector3::repeat(f64::INFINITY);
        let (origin, half) = match (profile, Cholesky::new(a.covariance + b.covariance)) {
            // The product of two Gaussians is a Gaussian with mean a + A (A+B)⁻¹ (b − a) and covariance A − A (A+B)⁻¹
            // A, times exp(−½ (b−a)ᵀ (A+B)⁻¹ (b−a)).
            (Profile::Gaussian, Some(sum)) => {
                let apart = b.mean - a.mean;
                let solved = sum.solve(&apart);
                let reach = -2.0 * NEGLIGIBLE_PRODUCT.ln() - apart.dot(&solved);
                if reach <= 0.0 {
                    return None;
                }
                let variances = (a.covariance - a.covariance * sum.solve(&a.covariance)).diagonal();
                (a.mean + a.covariance * solved, variances.map(|variance| (reach * variance).sqrt()))
            }
            _ if volume(&a.covariance) <= volume(&b.covariance) => (a.mean, everywhere),
            _ => (b.mean, everywhere),
        };
        Some(Self { first, second, origin, half, powers: [[[0.0; 5]; 5]; 5] })
    }

    /// Sums of products of two monomials of a [`Quadratic`] each.
    pub fn moments(&self) -> [Quadratic; 10] {
        std::array::from_fn(|p| {
            std::array::from_fn(|q| {
                let [a, b, c]: [usize; 3] = std::array::from_fn(|i| MONOMIALS[p][i] + MONOMIALS[q][i]);
                self.powers[a][b][c]
            })
        })
    }

    /// Adds the sums over the plane at x.
    fn add(&mut self, x: f64, plane: [[f64; 5]; 5]) {
        let dx = x - self.origin[0];
        let mut power = 1.0;
        for (a, powers) in self.powers.iter_mut().enumerate() {
            for (powers, plane) in powers.iter_mut().zip(&plane).take(5 - a) {
                powers.iter_mut().zip(plane).for_each(|(sum, term)| *sum += power * term);
            }
            power *= dx;
        }
    }
}

/// All pairs that overlap, each component with itself among them.
pub(super) fn overlaps(cells: &Cells, bells: &[Bell], profile: Profile) -> Vec<Overlap> {
    let mut overlaps = Vec::with_capacity(bells.len() * (bells.len() + 1) / 2);
    for (first, a) in bells.iter().enumerate() {
        let pairs = bells.iter().enumerate().skip(first);
        overlaps.extend(pairs.filter_map(|(second, b)| Overlap::new(first, second, [a, b], profile)));
    }
    let reaches: Vec<(&Ellipsoid, f64)> =
        bells.iter().map(|bell| (&bell.ellipsoid, profile.reach(bell.peak, NEGLIGIBLE_PEAK * cells.peak))).collect();
    vectorised(Sums { cells, reaches, overlaps, profile })
}

struct Sums<'a> {
    cells: &'a Cells,
    reaches: Vec<(&'a Ellipsoid, f64)>,
    overlaps: Vec<Overlap>,
    profile: Profile,
}

impl Vectorisable for Sums<'_> {
    type Output = Vec<Overlap>;

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Vec<Overlap> {
        let Self { cells, reaches, mut overlaps, profile } = self;
        let tiles = Tile::all(cells, reaches.len());
        let Some(first) = tiles.first() else { return overlaps };
        let mut plane = Plane::new(first, reaches.len());
        for &x in &cells.axes[0] {
            for tile in &tiles {
                plane.begin(tile);
                for (function, &(ellipsoid, reach)) in reaches.iter().enumerate() {
                    plane.fill(i, cells, x, (function, ellipsoid, reach), profile, |_, _, _, _| ());
                }
                let empty: Vec<bool> = (0..reaches.len()).map(|function| plane.is_empty(function)).collect();
                for overlap in &mut overlaps {
                    let (a, b) = (overlap.first, overlap.second);
                    if (x - overlap.origin[0]).abs() < overlap.half[0] && !empty[a] && !empty[b] {
                        let window = Window::new(&overlap.origin, &overlap.half);
                        let sums = plane.moments::<I, 5>(i, cells, a, (&plane, b), &window);
                        overlap.add(x, sums);
                    }
                }
            }
        }
        overlaps
    }
}
