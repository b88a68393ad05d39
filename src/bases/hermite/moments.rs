//! Moments of a Hermite expansion from its coefficients: products of one-dimensional moments.

use faer::{Mat, MatRef};
use nalgebra::{Matrix3, Vector3};

use super::axis::Axis;
use super::{Weight, functions};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::numerics::separable::transform;

/// Powers 0 to 3 of one coordinate, one a row, integrated against each function, one a column.
type PowerMoments = Mat<f64>;

/// Over all values of the coordinate, in closed form.
pub(super) fn over_velocity_space(weight: Weight, order: usize) -> PowerMoments {
    let integrals = functions::integrals(weight, order);
    Mat::from_fn(4, order, |power, n| integrals[power][n])
}

/// Summed over the cells of one axis of a grid, given the functions there, one a column.
pub(super) fn over_cells(grid: &VelocityGrid, frame: &Frame, axis: usize, functions: MatRef<'_, f64>) -> PowerMoments {
    let table = Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]);
    let (nodes, step) = (table.nodes(), table.spacing / table.scale);
    let powers = Mat::from_fn(4, nodes.len(), |power, k| step * nodes[k].powi(power as i32));
    powers * functions
}

/// The moments of Σ c_abc f_a(ξ_1) f_b(ξ_2) f_c(ξ_3), from the power moments of each coordinate.
pub(super) fn assemble(cube: &[f64], powers: &[PowerMoments; 3], frame: &Frame) -> Moments {
    let raw = transform(cube, [0, 1, 2].map(|axis| powers[axis].as_ref()));
    let moment = |exponents: [usize; 3]| raw[(exponents[0] * 4 + exponents[1]) * 4 + exponents[2]];
    // ⟨ξ_i ξ_j …⟩ for a list of axes.
    let of = |axes: &[usize]| {
        let mut exponents = [0; 3];
        axes.iter().for_each(|&axis| exponents[axis] += 1);
        moment(exponents)
    };
    let total = of(&[]);
    let drift: [f64; 3] = std::array::from_fn(|i| of(&[i]) / total);
    let drift = if drift.iter().all(|d| d.is_finite()) { drift } else { [0.0; 3] };

    let scales = frame.scales;
    // One after another: the volume of the frame may leave the range of f64 where the density does not.
    let physical = |value: f64| scales.iter().fold(value, |value, scale| value * scale);
    let pressure = Matrix3::from_fn(|i, j| {
        let central = of(&[i, j]) - drift[i] * of(&[j]) - drift[j] * of(&[i]) + drift[i] * drift[j] * total;
        physical(central) * scales[i] * scales[j]
    });
    let heat_flux = Vector3::from_fn(|i, _| {
        (0..3)
            .map(|j| {
                let central = of(&[i, j, j]) - 2.0 * drift[j] * of(&[i, j]) + drift[j].powi(2) * of(&[i])
                    - drift[i] * of(&[j, j])
                    + 2.0 * drift[i] * drift[j] * of(&[j])
                    - drift[i] * drift[j].powi(2) * total;
                0.5 * physical(central) * scales[i] * scales[j].powi(2)
            })
            .sum()
    });

    let axes = frame.axes();
    let rotation = Matrix3::from_fn(|i, j| axes[i][j]);
    let pressure = rotation.transpose() * pressure * rotation;
    Moments {
        density: physical(total),
        bulk_velocity: frame.to_velocity(drift),
        pressure: std::array::from_fn(|i| std::array::from_fn(|j| pressure[(i, j)])),
        heat_flux: (rotation.transpose() * heat_flux).into(),
    }
}
