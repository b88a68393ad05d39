//! A trained network as coefficients: the basis inside [`Mlp`](super::Mlp), which rounds at any step.
#![allow(clippy::needless_range_loop, reason = "several arrays have the same index")]

use std::sync::Arc;

use vdf_basis::{
    Basis, Coder, Coefficients, Error, Label, Quantise, Quantity, Resolution, Result, Slot, Spec, Stream, Vdf,
    VelocityGrid, spec_of,
};

use super::rounding::Joint;
use super::{Architecture, Mlp, encode};
use crate::inference::outputs;
use crate::weights::Weights;

/// The networks of a basis, without its bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Net(pub(super) Mlp);

/// A network that describes one distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct NetCoefficients {
    pub(super) architecture: Architecture,
    pub(super) frame: Frame,
    /// Unit of the densities: the largest power of two that is at most the largest magnitude, unless it was scaled.
    pub(super) unit: f64,
    /// Octaves from the floor to the unit, of a logarithm.
    pub(super) span: u8,
    pub(super) width: usize,
    pub(super) weights: Weights,
    /// The factor of the curvature that training found. No stream holds it.
    pub(super) joint: Found,
}

/// The curvature of the loss, by which weights are rounded together; none in coefficients that were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Found(pub(super) Option<Arc<Joint>>);

/// It is no part of what the coefficients describe.
impl PartialEq for Found {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Centre and widths of the coordinates, in half cells of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) grid: VelocityGrid,
    pub(super) centre: [usize; 3],
    pub(super) width: [usize; 3],
}

impl Frame {
    /// The frame of a distribution: the mean and the standard deviations of |f|.
    pub(super) fn of(vdf: &Vdf) -> Self {
        let (grid, moments) = (*vdf.grid(), vdf.absolute_moments());
        let most = grid.shape().map(|cells| 2 * cells);
        let halves = |axis: usize, length: f64| (2.0 * length / grid.spacing()[axis]).round();
        let [centre, width] = [0, 1].map(|which| {
            [0, 1, 2].map(|axis| {
                let length = match which {
                    0 => moments.bulk_velocity[axis] - grid.lower()[axis],
                    _ => moments.thermal_speeds()[axis],
                };
                halves(axis, length).clamp(which as f64, (most[axis] - 1 + which) as f64) as usize
            })
        });
        Self { grid, centre, width }
    }

    fn centre(&self, axis: usize) -> f64 {
        self.grid.lower()[axis] + 0.5 * self.centre[axis] as f64 * self.grid.spacing()[axis]
    }

    fn width(&self, axis: usize) -> f64 {
        0.5 * self.width[axis] as f64 * self.grid.spacing()[axis]
    }

    /// The coordinates of all cells of a grid along each axis.
    pub(super) fn coordinates(&self, grid: &VelocityGrid) -> [Vec<f32>; 3] {
        [0, 1, 2].map(|axis| {
            let coordinate = |index| ((grid.centre(axis, index) - self.centre(axis)) / self.width(axis)) as f32;
            (0..grid.shape()[axis]).map(coordinate).collect()
        })
    }

    /// Codes the halves of cells; a reader knows how many there are.
    pub(super) fn code(&mut self, coder: &mut Coder<'_>) -> Result<()> {
        for axis in 0..3 {
            let cells = self.grid.shape()[axis];
            self.centre[axis] = coder.choice(self.centre[axis], 2 * cells)?;
            self.width[axis] = coder.choice(self.width[axis].saturating_sub(1), 2 * cells)? + 1;
        }
        Ok(())
    }
}

/// Densities of all cells of a grid, in units of the peak: plane by plane, so that little memory is needed.
pub(super) fn densities(coordinates: &[Vec<f32>; 3], mut evaluate: impl FnMut(&[[f32; 3]]) -> Vec<f32>) -> Vec<f32> {
    /// Points that are evaluated at a time.
    const AT_ONCE: usize = 1 << 18;
    let [x, y, z] = coordinates;
    let cells = x.len() * y.len() * z.len();
    let point = |cell: usize| [x[cell / (y.len() * z.len())], y[cell / z.len() % y.len()], z[cell % z.len()]];
    let mut all = Vec::with_capacity(cells);
    for begin in (0..cells).step_by(AT_ONCE) {
        let points: Vec<[f32; 3]> = (begin..(begin + AT_ONCE).min(cells)).map(point).collect();
        all.extend(evaluate(&points));
    }
    all
}

impl NetCoefficients {
    /// Number of weights.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights.values
    }

    /// Units of each hidden layer.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    fn check(&self, mlp: &super::Mlp) -> Result<()> {
        let architecture = &mlp.architecture;
        let belongs = |what: String| Err(Error::ForeignCoefficients(what));
        if let Some(width) = mlp.width.filter(|width| *width != self.width) {
            return belongs(format!("a network of width {} where one of width {width} belongs", self.width));
        }
        if self.architecture != *architecture {
            return belongs(format!("a network of {:?} where one of {architecture:?} belongs", self.architecture));
        }
        let expected = architecture.network(self.width, 0)?.len();
        match self.weights.values.len() {
            len if len == expected => Ok(()),
            len => belongs(format!("{len} weights where {expected} belong")),
        }
    }
}

impl Basis for Net {
    type Coefficients = NetCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<NetCoefficients> {
        encode::once(&self.0, vdf).map(|(found, _)| found)
    }

    fn reconstruct(&self, coefficients: &NetCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let architecture = &self.0.architecture;
        coefficients.check(&self.0)?;
        let network = architecture.network(coefficients.width, 0)?;
        let weights: Vec<f32> = coefficients.weights.values.iter().map(|weight| *weight as f32).collect();
        let span = f32::from(coefficients.span);
        let evaluate = |points: &[[f32; 3]]| outputs(&network, &weights, &[], points);
        let outputs = densities(&coefficients.frame.coordinates(grid), evaluate);
        let density = |output: f32| f64::from(architecture.density(output, span)) * coefficients.unit;
        Vdf::from_vec(*grid, outputs.into_iter().map(density).collect())
    }
}

impl Coefficients for NetCoefficients {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for axis in 0..3 {
            visitor(Slot::new(Quantity::Velocity, 0).at(Label::Axis(axis)), self.frame.centre(axis.into()));
        }
        for axis in 0..3 {
            visitor(Slot::new(Quantity::Speed, 0).at(Label::Axis(axis)), self.frame.width(axis.into()));
        }
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), self.unit);
        let Ok(network) = self.architecture.network(self.width, 0) else { return };
        for (level, place) in (0..).zip(network.places()) {
            for (position, weight) in (0..).zip(self.weights.values.get(place).unwrap_or_default()) {
                visitor(Slot::new(Quantity::Dimensionless, 0).at(Label::Place { level, position }), *weight);
            }
        }
    }

    fn scale(&mut self, factor: f64) {
        self.unit *= factor;
    }

    /// The width, the octaves of a logarithm, and the sensitivities.
    fn topology_len(&self) -> usize {
        2 + self.weights.sensitivities()
    }
}

impl Stream for Net {
    fn spec(&self) -> Result<Spec> {
        spec_of(&self.0)
    }

    fn blank(&self, grid: &VelocityGrid) -> NetCoefficients {
        let frame = Frame { grid: *grid, centre: [0; 3], width: [1; 3] };
        let weights = Weights::blank();
        NetCoefficients {
            architecture: self.0.architecture,
            frame,
            unit: 1.0,
            span: 0,
            width: 1,
            weights,
            joint: Found::default(),
        }
    }

    fn code(
        &self,
        coefficients: &mut NetCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        if !coder.is_reading() {
            coefficients.check(&self.0)?;
            if coefficients.frame.grid != *grid {
                let [left, right] = [coefficients.frame.grid, *grid].map(|grid| grid.to_string());
                return Err(Error::GridMismatch { left, right });
            }
        }
        coefficients.frame.code(coder)?;
        coefficients.unit = code_unit(coefficients.unit, coder)?;
        if self.0.architecture.target == super::Target::Logarithm {
            coefficients.span = coder.bits(u64::from(coefficients.span), 7) as u8;
        }
        coefficients.width = match self.0.width {
            Some(width) => width,
            None => coder.choice(coefficients.width.saturating_sub(1), super::architecture::MOST_WIDTH)? + 1,
        };
        let made = self.0.architecture.network(coefficients.width, 0);
        let network = made.map_err(|error| Error::MalformedStream(error.to_string()))?;
        let step = resolution.step().map(|step| step / coefficients.unit);
        coefficients.weights.code(&network.tensors(), step, coder)
    }
}

/// Codes a positive number: a power of two by its exponent, another one by all digits.
pub(super) fn code_unit(unit: f64, coder: &mut Coder<'_>) -> Result<f64> {
    const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
    const DIGITS: u64 = (1 << MANTISSA) - 1;
    if !(coder.is_reading() || unit.is_finite() && unit > 0.0) {
        return Err(Error::OutOfRange { basis: "mlp", reason: format!("{unit} as the unit of densities") });
    }
    let bits = unit.to_bits();
    let exponent = coder.bits(bits >> MANTISSA, 11);
    let has_digits = coder.rarely(bits & DIGITS != 0);
    let digits = if has_digits { coder.bits(bits & DIGITS, MANTISSA) } else { 0 };
    let unit = f64::from_bits(exponent << MANTISSA | digits);
    if unit.is_finite() && unit > 0.0 {
        return Ok(unit);
    }
    Err(Error::MalformedStream(format!("{unit} as the unit of densities")))
}

impl Quantise for Net {
    /// Rounds the weights one after another: each makes up for the errors of those before, by the curvature of the loss that
    /// training found.
    fn rounded(&self, coefficients: &NetCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<NetCoefficients> {
        // Without the factor of the curvature, which is large and has served.
        let mut rounded = NetCoefficients { joint: Found::default(), ..coefficients.clone() };
        if let (Some(joint), Some(step)) = (&coefficients.joint.0, resolution.step()) {
            let network = self.0.architecture.network(coefficients.width, 0)?;
            let steps = coefficients.weights.steps(&network.tensors(), step / coefficients.unit);
            joint.round(&mut rounded.weights.values, &steps);
        }
        self.code(&mut rounded, vdf.grid(), resolution, &mut Coder::writing())?;
        Ok(rounded)
    }
}
