//! Gradients of distributions in velocity space.

use ndarray::Array3;

use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// ∂f/∂v_x, ∂f/∂v_y and ∂f/∂v_z [s⁴ m⁻⁷] at the cell centres of a grid, each an array of the grid's shape.
pub type Gradient = [Array3<f64>; 3];

/// The gradient from its three components in C order.
///
/// # Errors
/// [`Error::NotDifferentiable`] in the name of `basis` for a number that is not finite.
pub(crate) fn from_parts(basis: &str, grid: &VelocityGrid, parts: [Vec<f64>; 3]) -> Result<Gradient> {
    let [x, y, z] = parts.map(|values| {
        let found = vec![values.len()];
        Array3::from_shape_vec(grid.shape(), values).map_err(|_| Error::ShapeMismatch { expected: grid.shape(), found })
    });
    finite(basis, [x?, y?, z?])
}

/// The gradient, if all its numbers are finite: a derivative may leave the range of `f64` where the density does not.
///
/// # Errors
/// [`Error::NotDifferentiable`] in the name of `basis`, with the place of the first number that is not finite.
pub(crate) fn finite(basis: &str, gradient: Gradient) -> Result<Gradient> {
    for (axis, part) in ["x", "y", "z"].into_iter().zip(&gradient) {
        if let Some(((i, j, k), value)) = part.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let reason = format!("∂f/∂v_{axis} at index {:?} is {value}, beyond the range of f64", [i, j, k]);
            return Err(Error::NotDifferentiable { basis: basis.to_owned(), reason });
        }
    }
    Ok(gradient)
}

/// The refusal of a basis that has no gradient in closed form.
pub(super) fn refused<B>() -> Error {
    // `Wavelet` of `vdf_basis::bases::wavelet::Wavelet`; what a generic type is made of is left out.
    let path = std::any::type_name::<B>();
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    let basis = path.rsplit_once("::").map_or(path, |(_, name)| name).to_owned();
    let reason = "maxwellian, mixture, hermite, spherical, octree and cosine have one, and their sums (A + B), products \
                  (A * B), `log` and `quantized`; of others take differences of the reconstruction, or encode it in one \
                  of these";
    Error::NotDifferentiable { basis, reason: reason.to_owned() }
}
