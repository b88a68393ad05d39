//! The radii of the shells.

use std::collections::BTreeMap;

use super::Spherical;
use super::cells::{self, Geometry};
use crate::distribution::vdf::Vdf;
use crate::numerics::scaling::normalising_factor;

/// The radii of the shells of [`Method::Joint`](super::Method::Joint). [`Method::Misner`](super::Method::Misner) has
/// the ones at equal steps, without the wide one beyond them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shells {
    /// At equal steps up to the farthest cell: they depend on the grid and the centre alone.
    #[default]
    Uniform,
    /// At equal steps up to the radius, in whole cells, that holds 99.9 % of Σ f², and one wide one from there to the
    /// farthest cell: for distributions that fill a small part of their box.
    Placed,
}

impl Spherical {
    /// The radius up to which shells stand at equal steps, the outermost radius, and how many shells there are: in
    /// units of the cells.
    pub(super) fn extent(&self, vdf: &Vdf, geometry: &Geometry) -> (f64, f64, usize) {
        /// Smallest step between shells, in cells: the cells cannot resolve a smaller one.
        const FINEST: f64 = 1.0;
        /// Part of Σ f² beyond the radius up to which shells are narrow.
        const BEYOND: f64 = 1e-3;
        // A grid of a single cell has its farthest cell at distance zero.
        let farthest = geometry.farthest().max(FINEST);
        let outer = self.radius.map_or(farthest, |radius| farthest.min(radius / cells::unit(vdf.grid())));
        let inner = match self.placing {
            Shells::Uniform => outer,
            Shells::Placed => {
                // Counted by whole cells: the radius is the same for distributions that are alike. In a map, because
                // the farthest of a few long cells is millions of the shortest away.
                let mut squares = BTreeMap::<u64, f64>::new();
                let factor = normalising_factor(vdf.peak());
                let values = vdf.as_slice();
                geometry.for_radii(|cell, radius| {
                    *squares.entry(radius.ceil() as u64).or_default() += (values[cell] * factor).powi(2);
                });
                let mut beyond = BEYOND * squares.values().sum::<f64>();
                let radius = squares.iter().rev().find(|(_, square)| {
                    beyond -= *square;
                    beyond < 0.0
                });
                radius.map_or(outer, |(&radius, _)| radius.max(1) as f64).min(outer)
            }
        };
        // A last step from the inner radius on that would be no wider than the others is one of them.
        let inner = if outer - inner < 1.0 { outer } else { inner };
        let most = (inner / FINEST).ceil() as usize + usize::from(inner < outer) + 2;
        (inner, outer, self.shells.min(most).max(3))
    }
}
