//! Amplitudes of functions that are orthonormal on the cells of a grid, as streams hold them in steps.
//!
//! Where the box cuts the Hermite functions, or the cells hardly resolve them, they are not orthogonal, and the errors
//! of rounded amplitudes add up to more than their squares. With ψ = Q R along each axis, y = R c are the amplitudes of
//! the columns of Q, which are orthonormal on the cells: the squared error is the sum of the squared rounding errors. R
//! is triangular, so that a set of terms that holds all lower ones is the same set for y. Rounded amplitudes stay in
//! this form. Going back to c would multiply their errors by the condition of R, which is the product of those of three
//! axes.

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
    /// The functions of the weight.
    Hermite,
    /// The columns of Q on the cells of this grid, with amplitudes in phase-space density for either weight.
    Orthonormal(VelocityGrid),
}

impl HermiteCoefficients {
    /// The amplitudes of the weight's functions, computed where those of orthonormal functions are kept.
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
    /// The same expansion in orthonormal functions. `None` along other axes than the grid's, for sets of terms that
    /// lack lower ones, and for functions that are hardly independent on the cells.
    ///
    /// The writer asks for twice the independence that a reader does ([`Hermite::code_functions`]): the reader computes
    /// the same functions, but another processor may round their last digit differently.
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

    /// Calls `make` with the cube of amplitudes, in phase-space density, and the functions of each axis on the cells of
    /// a grid, one a column. For frames along the grid's axes.
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

    /// The functions that the amplitudes belong to: in steps mostly the orthonormal ones, exactly mostly Hermite's.
    pub(super) fn code_functions(
        &self,
        coefficients: &mut HermiteCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let HermiteCoefficients { frame, orders, functions, .. } = coefficients;
        let orthonormal = Functions::Orthonormal(*grid);
        let possible = self.may_be_orthonormal(grid, frame, *orders);
        let known = *functions == Functions::Hermite || possible && *functions == orthonormal;
        if !known && !coder.is_reading() {
            let reason = format!("they are of functions that are orthonormal on other cells than those of {grid:?}");
            return Err(Error::ForeignCoefficients(reason));
        }
        // In steps nearly every stream holds amplitudes of the orthonormal functions, exactly of Hermite's: the other
        // choice costs four bits, the usual one a tenth of a bit.
        let usual = if resolution.step().is_some() { orthonormal } else { Functions::Hermite };
        let is_orthonormal = possible && (coder.rarely(*functions != usual) != (usual == orthonormal));
        if is_orthonormal
            && !self.orthonormal_tables(grid, frame, *orders).iter().all(|tables| tables.least > INDEPENDENT)
        {
            let reason = "Hermite functions that are hardly independent on the cells of the grid";
            return Err(coder.refusal(NAME, reason));
        }
        *functions = if is_orthonormal { orthonormal } else { Functions::Hermite };
        Ok(())
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
