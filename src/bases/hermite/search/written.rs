//! The frame of the stream from which a distribution was decoded.
//!
//! An encoder that is given what was decoded from a stream, and finds the frame to the last digit, finds the amplitudes
//! of the stream too, and makes no new error.

use std::cell::RefCell;

use super::super::coding::{self, FEW_DIGITS};
use super::{CentreAndScales, ResidualProblem};
use crate::distribution::frame::Frame;
use crate::numerics::levenberg_marquardt::{self, LeastSquaresProblem, LevenbergMarquardt};

/// Relative residual at which functions are enough to hold a distribution. Their frame is then known to about nine
/// digits, enough to look for the exact one among its neighbours.
const HELD_RESIDUAL: f64 = 1e-9;

impl ResidualProblem<'_> {
    /// The frame of few digits near to the one found that leaves nothing of the distribution, if there is one.
    pub(super) fn written(&self, found: CentreAndScales) -> Option<CentreAndScales> {
        let (lowest, frame) = self.lowest(found);
        FEW_DIGITS.into_iter().find_map(|fine| lowest.written_near(frame, fine))
    }

    /// The problem with as few functions along each axis as hold the distribution, and the frame in which they do.
    ///
    /// Rounding takes the highest terms of an expansion first. Without them it is the same, to the last digit, in every
    /// frame moved a little: the terms that are missing make up for it. Only without the functions beyond the highest
    /// term that is left is there a single frame.
    fn lowest(&self, mut frame: CentreAndScales) -> (Self, CentreAndScales) {
        const MAX_ITERATIONS: usize = 30;
        let settings = LevenbergMarquardt::default().max_iterations(MAX_ITERATIONS);
        let mut problem = self.with_orders(self.orders);
        for axis in (0..3).filter(|&axis| !self.complete[axis]) {
            // Bisection between an order that is too low and one that is enough.
            let (mut few, mut enough) = (0, self.orders[axis]);
            while enough - few > 1 {
                let mut orders = problem.orders;
                orders[axis] = few.midpoint(enough);
                let lower = self.with_orders(orders);
                let fit = levenberg_marquardt::minimise(&lower, lower.parameters(frame), &settings);
                if fit.report.cost <= HELD_RESIDUAL * HELD_RESIDUAL * self.norm_squared {
                    frame = lower.centre_and_scales(&fit.parameters);
                    (problem, enough) = (lower, orders[axis]);
                } else {
                    few = orders[axis];
                }
            }
        }
        (problem, frame)
    }

    fn with_orders(&self, orders: [usize; 3]) -> Self {
        Self::of_orders(orders, Self { outside: Vec::new(), last: RefCell::new(None), ..*self })
    }

    /// The frame near to one that a stream of so many digits may have held, if it leaves nothing of the distribution.
    ///
    /// The widths and centres of frames of few digits are whole numbers: each in turn is moved by a step either way,
    /// and the step is halved when no move lowers the residual.
    fn written_near(&self, (centre, scales): CentreAndScales, fine: u32) -> Option<CentreAndScales> {
        /// First step of the search, in units of the coarsest digits that streams have.
        const FIRST_STEP: i64 = 16;
        /// Relative residual in the right frame: rounding in the transforms.
        const ROUNDING_RESIDUAL: f64 = 1e-13;
        /// Most residuals computed.
        const MAX_TRIALS: usize = 300;
        let grid = self.vdf.grid();
        let place = |numbers: &[[i64; 2]; 3]| {
            let axes = [0, 1, 2].map(|axis| coding::from_numbers(grid, axis, fine, numbers[axis]));
            (axes.map(|(_, centre)| centre), axes.map(|(scale, _)| scale))
        };
        let cost = |numbers: &[[i64; 2]; 3]| self.cost(&self.parameters(place(numbers)));
        let frame = Frame::grid_aligned(centre, scales);
        let mut numbers = [0, 1, 2].map(|axis| coding::coarse_numbers(&frame, grid, axis, fine));
        let mut least = cost(&numbers);
        let (mut step, mut tried) = (FIRST_STEP << (fine - FEW_DIGITS[0]), 0);
        let nothing = ROUNDING_RESIDUAL * ROUNDING_RESIDUAL * self.norm_squared;
        // The loop ends at a residual of rounding alone, which would lead it away again.
        while step > 0 && tried < MAX_TRIALS && least > nothing {
            let mut better = false;
            for (axis, kind, sign) in (0..12).map(|k| (k / 4, k / 2 % 2, 1 - 2 * (k as i64 % 2))) {
                let mut next = numbers;
                next[axis][kind] += sign * step;
                let there = if self.complete[axis] { f64::NAN } else { cost(&next) };
                tried += 1;
                if there < least && least > nothing {
                    (numbers, least, better) = (next, there, true);
                }
            }
            if !better {
                step /= 2;
            }
        }
        (least <= nothing).then(|| place(&numbers))
    }
}
