//! Amplitudes of functions that are orthonormal on the cells of a grid, as streams hold them in steps.
//!
//! Where the box cuts the Hermite functions, or the cells hardly resolve them, they are not orthogonal: rounding one
//! amplitude by itself is made up for by no other. ψ = Q R along each axis, so that y = R c are the amplitudes of the
//! columns of Q: each changes the distribution by itself, and all equally. R is triangular, so that a set of terms that
//! holds all lower ones is the same set for y. What has been rounded stays in this form: neither values nor integers go
//! through R again, whose condition is the product of three.

use std::borrow::Cow;
use std::sync::Arc;

use faer::{Mat, MatRef};

use super::axis::{Axis, INDEPENDENT, Orthogonalised};
use super::{AxisTables, Hermite, HermiteCoefficients, NAME, Projection, Truncation};
use crate::coding::{Coder, Resolution};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};
use crate::numerics::selection::{gathered, scattered};
use crate::numerics::separable::transform;

/// The functions that amplitudes belong to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Functions {
    /// Those of the weight.
    Hermite,
    /// Q's columns on the cells of this grid; amplitudes in phase-space density, whatever the weight.
    Orthonormal(VelocityGrid),
}

impl HermiteCoefficients {
    /// The amplitudes of the weight's functions.
    pub(super) fn of_hermite_functions(&self) -> Cow<'_, [f64]> {
        let Functions::Orthonormal(grid) = self.functions else { return Cow::Borrowed(&self.amplitudes) };
        let inverse = [0, 1, 2].map(|axis| {
            let place = Axis::new(&grid, axis, self.frame.centre[axis], self.frame.scales[axis]);
            Orthogonalised::new(&place, self.weight, self.orders[axis]).inverse(self.orders[axis])
        });
        let mut cube = transform(&self.cube(), inverse.each_ref().map(Mat::as_ref));
        let volume = self.weight.volume(&self.frame);
        cube.iter_mut().for_each(|amplitude| *amplitude *= volume);
        Cow::Owned(gathered(&cube, &self.positions))
    }

    /// All amplitudes as they are, zeros where no term is kept.
    pub(super) fn cube(&self) -> Vec<f64> {
        scattered(&self.amplitudes, &self.positions, self.orders.iter().product())
    }
}

impl Hermite {
    /// The same expansion in orthonormal functions; none where they are not known: along other axes than the grid's, for
    /// terms without the lower ones, and for functions that are hardly independent on the cells, with a margin within which
    /// a reader that finds them by another last digit does not refuse them.
    pub(super) fn orthonormal(
        &self,
        coefficients: &HermiteCoefficients,
        grid: &VelocityGrid,
    ) -> Option<HermiteCoefficients> {
        let HermiteCoefficients { weight, frame, orders, positions, .. } = coefficients;
        if coefficients.functions != Functions::Hermite || !self.may_be_orthonormal(grid, frame, *orders) {
            return None;
        }
        let tables = self.orthonormal_tables(grid, frame, *orders);
        if !tables.iter().all(|tables| tables.least > 2.0 * INDEPENDENT) {
            return None;
        }
        let [Some([x, _]), Some([y, _]), Some([z, _])] = tables.each_ref().map(|tables| tables.triangular.as_ref())
        else {
            return None;
        };
        let volume = weight.volume(frame);
        let mut cube = coefficients.cube();
        cube.iter_mut().for_each(|amplitude| *amplitude /= volume);
        let cube = transform(&cube, [x, y, z].map(Mat::as_ref));
        let amplitudes = gathered(&cube, positions);
        let functions = Functions::Orthonormal(*grid);
        Some(HermiteCoefficients { functions, amplitudes, ..coefficients.clone() }).filter(HermiteCoefficients::finite)
    }

    /// What the cube of amplitudes, in phase-space density, and the functions of each axis on the cells of a grid, one a
    /// column, make; for a frame along the grid's axes.
    pub(super) fn with_functions<T>(
        &self,
        coefficients: &HermiteCoefficients,
        grid: &VelocityGrid,
        make: impl FnOnce(Vec<f64>, [MatRef<'_, f64>; 3]) -> T,
    ) -> T {
        let HermiteCoefficients { weight, frame, orders, .. } = coefficients;
        if coefficients.functions == Functions::Orthonormal(*grid) {
            let tables = self.orthonormal_tables(grid, frame, *orders);
            return make(coefficients.cube(), tables.each_ref().map(|tables| tables.analysis.transpose()));
        }
        let functions = [0, 1, 2].map(|axis| {
            let key = Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]);
            let count = orders[axis];
            self.functions.get_or_build((key, count, *weight), || key.functions(*weight, count))
        });
        make(coefficients.densities(), functions.each_ref().map(|table| Mat::as_ref(table)))
    }

    /// Which functions the amplitudes belong to: in steps, rarely not the orthonormal ones.
    pub(super) fn code_functions(
        &self,
        given: Option<Functions>,
        grid: &VelocityGrid,
        (frame, orders): (&Frame, [usize; 3]),
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Functions> {
        let orthonormal = Functions::Orthonormal(*grid);
        let possible = self.may_be_orthonormal(grid, frame, orders);
        if let Some(given) = given
            && given != Functions::Hermite
            && !(possible && given == orthonormal)
        {
            let reason = format!("they are of functions that are orthonormal on other cells than those of {grid:?}");
            return Err(Error::ForeignCoefficients(reason));
        }
        let usual = if resolution.step().is_some() { orthonormal } else { Functions::Hermite };
        let is_orthonormal =
            possible && (coder.rarely(given.is_some_and(|given| given != usual)) != (usual == orthonormal));
        if is_orthonormal
            && !self.orthonormal_tables(grid, frame, orders).iter().all(|tables| tables.least > INDEPENDENT)
        {
            let reason = "Hermite functions that are hardly independent on the cells of the grid";
            return Err(coder.refusal(NAME, reason));
        }
        Ok(if is_orthonormal { orthonormal } else { Functions::Hermite })
    }

    fn may_be_orthonormal(&self, grid: &VelocityGrid, frame: &Frame, orders: [usize; 3]) -> bool {
        frame.rotation.is_none()
            && self.projection == Projection::LeastSquares
            && !matches!(self.truncation, Truncation::Best(_))
            && (0..3).all(|axis| orders[axis] <= grid.shape()[axis])
    }

    fn orthonormal_tables(&self, grid: &VelocityGrid, frame: &Frame, orders: [usize; 3]) -> [Arc<AxisTables>; 3] {
        [0, 1, 2].map(|axis| self.axis_tables(grid, axis, frame, orders[axis]))
    }
}
