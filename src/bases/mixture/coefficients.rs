//! The coefficients of a mixture: its components, in physical units.

use nalgebra::{Cholesky, Matrix3, Vector3};

use super::cells::VelocityScaling;
use super::covariance::Covariance;
use super::member::{Member, Profile};
use crate::basis::{Coefficients, Label, Quantity, Slot};
use crate::distribution::frame::{Frame, Orientation};
use crate::distribution::gaussian_fit::frame_of_factor;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::error::{Error, Result};

/// One component of a mixture: a population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixtureComponent {
    /// Number density over all of velocity space [m⁻³].
    pub density: f64,
    /// Drift velocity, principal axes and thermal speeds along them: the standard deviations, √(kT/m) [m s⁻¹].
    pub frame: Frame,
}

/// A mixture found in one distribution: components by descending density.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureCoefficients {
    pub(super) covariance: Covariance,
    pub(super) kappa: Option<f64>,
    pub(super) components: Vec<MixtureComponent>,
    /// Octaves of the components' shares above that of the first, once they are rounded in the logarithm; else empty.
    pub(super) octaves_of_shares: Vec<i8>,
}

impl MixtureComponent {
    /// The covariance Σ = P/n [m² s⁻²].
    #[must_use]
    pub fn covariance(&self) -> [[f64; 3]; 3] {
        let axes = self.frame.axes();
        std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..3).map(|k| self.frame.scales[k].powi(2) * axes[k][i] * axes[k][j]).sum())
        })
    }
}

impl MixtureCoefficients {
    /// Makes a mixture from given components, to be evaluated or to start a fit from.
    ///
    /// The frames are changed to the kind of covariance. With tied covariances all components get that of the first.
    /// With diagonal and spherical ones the frames lie along the grid's axes. With field-aligned ones the third axis
    /// lies along the field, and the other two scales are equal.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if there is no component, if a density or scale is not positive and finite, if a
    /// drift is not finite, or if κ is not above 3/2.
    pub fn new(covariance: Covariance, kappa: Option<f64>, components: Vec<MixtureComponent>) -> Result<Self> {
        let mut coefficients = Self { components, ..Self::blank(covariance, kappa) };
        coefficients.validate()?;
        Ok(coefficients)
    }

    /// A mixture without components.
    pub(super) fn blank(covariance: Covariance, kappa: Option<f64>) -> Self {
        Self { covariance, kappa, components: Vec::new(), octaves_of_shares: Vec::new() }
    }

    /// Checks the conditions of [`MixtureCoefficients::new`], and changes the frames to the kind of covariance.
    pub(super) fn validate(&mut self) -> Result<()> {
        let Self { covariance, kappa, components, .. } = &*self;
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let valid = |c: &MixtureComponent| {
            positive(c.density)
                && c.frame.scales.into_iter().all(positive)
                && c.frame.centre.iter().chain(c.frame.rotation.iter().flatten()).all(|x| x.is_finite())
        };
        let kappa_valid = kappa.is_none_or(|kappa| kappa > 1.5 && kappa.is_finite());
        if components.is_empty() || !kappa_valid || !components.iter().all(valid) {
            let value = format!("{} components, κ {kappa:?}", components.len());
            let allowed = "at least one, densities and scales positive, κ above 3/2";
            return Err(Error::parameter("components", value, allowed));
        }
        if let Covariance::FieldAligned(field) = *covariance {
            Orientation::FieldAligned(field).validated()?;
        }
        self.unify();
        Ok(())
    }

    /// Makes those numbers equal that several components or axes share.
    fn unify(&mut self) {
        let Some(first) = self.components.first().map(|component| component.frame) else { return };
        for MixtureComponent { frame, .. } in &mut self.components {
            match self.covariance {
                Covariance::Full => {}
                Covariance::Tied => *frame = Frame { centre: frame.centre, ..first },
                Covariance::Diagonal => frame.rotation = None,
                Covariance::Spherical => *frame = Frame::grid_aligned(frame.centre, [frame.scales[0]; 3]),
                Covariance::FieldAligned(field) => {
                    frame.rotation = oriented(Orientation::FieldAligned(field), &Matrix3::identity()).rotation;
                    frame.scales[1] = frame.scales[0];
                }
            }
        }
    }

    /// The components, by descending density where a fit found them.
    #[must_use]
    pub fn components(&self) -> &[MixtureComponent] {
        &self.components
    }

    /// The kind of covariance of the components.
    #[must_use]
    pub fn covariance(&self) -> Covariance {
        self.covariance
    }

    /// The index κ of kappa components; `None` for Gaussians.
    #[must_use]
    pub fn kappa(&self) -> Option<f64> {
        self.kappa
    }

    /// The same mixture with all densities times a factor.
    pub(super) fn scaled(mut self, factor: f64) -> Self {
        self.scale(factor);
        self
    }

    pub(super) fn profile(&self) -> Profile {
        Profile::new(self.kappa)
    }

    /// Converts members of a fit on `grid`, whose densities were multiplied by `factor`, to physical units.
    pub(super) fn from_members(
        members: Vec<Member>,
        covariance: Covariance,
        kappa: Option<f64>,
        grid: &VelocityGrid,
        factor: f64,
    ) -> Self {
        let scaling = VelocityScaling::new(grid);
        let density = |mass: f64| mass / factor * grid.cell_volume();
        Self::from_scaled(members, covariance, kappa, &scaling, density)
    }

    /// Converts members of a fit in scaled velocities to physical units, masses by the function `density`.
    pub(super) fn from_scaled(
        mut members: Vec<Member>,
        covariance: Covariance,
        kappa: Option<f64>,
        scaling: &VelocityScaling,
        density: impl Fn(f64) -> f64,
    ) -> Self {
        members.sort_by(|a, b| b.mass.total_cmp(&a.mass));
        let component = |member: &Member| {
            let mut frame = match covariance {
                Covariance::Full | Covariance::Tied => principal(&member.covariance),
                Covariance::Diagonal | Covariance::Spherical => oriented(Orientation::Grid, &member.covariance),
                Covariance::FieldAligned(field) => oriented(Orientation::FieldAligned(field), &member.covariance),
            };
            frame.centre = scaling.velocity(&member.mean);
            frame.scales = frame.scales.map(|scale| scale * scaling.unit);
            MixtureComponent { density: density(member.mass), frame }
        };
        let components = members.iter().map(component).collect();
        let mut coefficients = Self { components, ..Self::blank(covariance, kappa) };
        coefficients.unify();
        coefficients
    }

    /// Converts to the scaled units of a grid, with densities per cell.
    pub(super) fn members(&self, grid: &VelocityGrid) -> Vec<Member> {
        let mut members = self.members_in(&VelocityScaling::new(grid));
        members.iter_mut().for_each(|member| member.mass /= grid.cell_volume());
        members
    }

    /// Converts to scaled velocities; the masses are the densities.
    pub(super) fn members_in(&self, scaling: &VelocityScaling) -> Vec<Member> {
        let member = |component: &MixtureComponent| {
            let axes = component.frame.axes();
            let scales = component.frame.scales.map(|scale| scale / scaling.unit);
            let covariance = if component.frame.rotation.is_none() {
                Matrix3::from_diagonal(&Vector3::from(scales).map(|scale| scale * scale))
            } else {
                Matrix3::from_fn(|i, j| (0..3).map(|k| scales[k].powi(2) * axes[k][i] * axes[k][j]).sum())
            };
            Member { mass: component.density, mean: scaling.scaled(component.frame.centre), covariance }
        };
        self.components.iter().map(member).collect()
    }
}

/// The frame along the principal axes of a covariance, accurate on cells of unequal sides too.
fn principal(covariance: &Matrix3<f64>) -> Frame {
    match Cholesky::new(*covariance) {
        Some(factor) => frame_of_factor([0.0; 3], &factor.l()),
        None => oriented(Orientation::PressureEigenframe, covariance),
    }
}

/// The frame of a covariance.
fn oriented(orientation: Orientation, covariance: &Matrix3<f64>) -> Frame {
    orientation.frame(&Moments {
        density: 1.0,
        bulk_velocity: [0.0; 3],
        pressure: std::array::from_fn(|i| std::array::from_fn(|j| covariance[(i, j)])),
        heat_flux: [0.0; 3],
    })
}

impl Coefficients for MixtureCoefficients {
    /// Visits density, drift, thermal speeds and, with full covariances, rotation of each component. Tied covariances
    /// follow the drift of the first.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for (k, component) in self.components.iter().enumerate() {
            let Frame { centre, rotation, scales } = &component.frame;
            let mut visit = |quantity, axes: &[usize], values: &[f64; 3]| {
                for &axis in axes {
                    let label = Label::Component { index: k as u32, axis: axis as u8 };
                    visitor(Slot::new(quantity, k).at(label), values[axis]);
                }
            };
            visit(Quantity::NumberDensity, &[0], &[component.density; 3]);
            visit(Quantity::Velocity, &[0, 1, 2], centre);
            match self.covariance {
                Covariance::Tied if k > 0 => {}
                Covariance::Full | Covariance::Tied => {
                    visit(Quantity::Speed, &[0, 1, 2], scales);
                    visit(Quantity::Angle, &[0, 1, 2], &rotation.unwrap_or_default());
                }
                Covariance::Diagonal => visit(Quantity::Speed, &[0, 1, 2], scales),
                Covariance::Spherical => visit(Quantity::Speed, &[0], scales),
                Covariance::FieldAligned(_) => visit(Quantity::Speed, &[0, 2], scales),
            }
        }
    }

    fn scale(&mut self, factor: f64) {
        self.components.iter_mut().for_each(|component| component.density *= factor);
    }

    /// One: the number of components, which may be smaller than the basis requests.
    fn topology_len(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn members_go_to_coefficients_and_back() {
        let grid = VelocityGrid::new([4, 5, 6], [-1e5, 2e5, 0.0], [3e4, 2e4, 5e4]).unwrap();
        let covariance = Matrix3::new(4.0, 1.0, -0.5, 1.0, 2.0, 0.3, -0.5, 0.3, 1.0);
        let member = Member { mass: 3.0, mean: Vector3::new(0.3, -1.0, 2.0), covariance };
        let c = MixtureCoefficients::from_members(vec![member.clone()], Covariance::Full, None, &grid, 0.5);
        let [back] = &c.members(&grid)[..] else { panic!("one component") };
        assert_relative_eq!(back.mass, 6.0, max_relative = 1e-14);
        assert_relative_eq!(back.mean, member.mean, max_relative = 1e-13);
        assert_relative_eq!(back.covariance, covariance, max_relative = 1e-13);
    }
}
