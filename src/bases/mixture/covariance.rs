//! Kinds of covariance of the components, and their minimum widths.

use nalgebra::{Matrix3, SymmetricEigen, Vector3};

use super::member::Member;
use crate::distribution::frame::Orientation;
use crate::distribution::moments::Moments;

/// Minimum standard deviation of a component, in cells. A narrower one may lie between the centres of the cells, where
/// its mass has no effect on them.
pub const NARROWEST: f64 = 0.4;

/// The kind of covariance of the components.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Covariance {
    /// Full covariances, six numbers per component. EM keeps the whole pressure tensor.
    #[default]
    Full,
    /// One full covariance for all components, six numbers. EM keeps the whole pressure tensor.
    Tied,
    /// Covariances along the grid's axes, three numbers per component. EM keeps the diagonal of the pressure tensor.
    Diagonal,
    /// Isotropic covariances, one number per component. EM keeps the trace of the pressure tensor.
    Spherical,
    /// Covariances gyrotropic about the given magnetic field (any unit, not zero), two numbers per component: across
    /// and along it. EM keeps the parallel and the perpendicular pressure.
    FieldAligned([f64; 3]),
}

impl Covariance {
    /// Number of parameters in the covariances of `components` components.
    #[must_use]
    pub fn parameters(self, components: usize) -> usize {
        match self {
            Self::Full => 6 * components,
            Self::Tied => 6 * components.min(1),
            Self::Diagonal => 3 * components,
            Self::Spherical => components,
            Self::FieldAligned(_) => 2 * components,
        }
    }
}

/// Kind of covariance on one grid, with the minimum widths there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Structure {
    pub kind: Covariance,
    /// Axes of the field as rows, the field itself last; the identity for other kinds.
    pub axes: Matrix3<f64>,
    /// Minimum standard deviation along each of the grid's axes, scaled.
    pub narrowest: Vector3<f64>,
}

impl Structure {
    pub fn new(kind: Covariance, spacing: Vector3<f64>) -> Self {
        let axes = match kind {
            Covariance::FieldAligned(field) => {
                let nothing =
                    Moments { density: 1.0, bulk_velocity: [0.0; 3], pressure: [[0.0; 3]; 3], heat_flux: [0.0; 3] };
                let axes = Orientation::FieldAligned(field).frame(&nothing).axes();
                Matrix3::from_fn(|i, j| axes[i][j])
            }
            _ => Matrix3::identity(),
        };
        Self { kind, axes, narrowest: spacing * NARROWEST }
    }

    /// Minimum covariance of a component; a sphere if the kind has one width for several axes.
    pub fn floor(&self) -> Matrix3<f64> {
        match self.kind {
            Covariance::Full | Covariance::Tied | Covariance::Diagonal => {
                Matrix3::from_diagonal(&self.narrowest.component_mul(&self.narrowest))
            }
            Covariance::Spherical | Covariance::FieldAligned(_) => {
                Matrix3::from_diagonal_element(self.narrowest.max().powi(2))
            }
        }
    }

    /// Replaces second moments by the likeliest covariances of the kind (Celeux and Govaert 1995, Pattern Recognit.
    /// 28, 781) that are not below the floor. Returns the number of covariances on the floor.
    pub fn constrain(&self, members: &mut [Member]) -> usize {
        if self.kind == Covariance::Tied {
            let mass: f64 = members.iter().map(|member| member.mass).sum();
            let mut pooled: Matrix3<f64> = members
                .iter()
                .map(|member| member.covariance * (member.mass / mass))
                .fold(Matrix3::zeros(), |a, b| a + b);
            let floored = self.raise(&mut pooled);
            members.iter_mut().for_each(|member| member.covariance = pooled);
            return if floored { members.len() } else { 0 };
        }
        members.iter_mut().filter_map(|member| self.constrain_one(&mut member.covariance).then_some(())).count()
    }

    fn constrain_one(&self, covariance: &mut Matrix3<f64>) -> bool {
        let floor = self.floor();
        let raised = |value: f64, least: f64| if value >= least { (value, false) } else { (least, true) };
        match self.kind {
            Covariance::Full | Covariance::Tied => self.raise(covariance),
            Covariance::Diagonal => {
                let mut any = false;
                let diagonal = Vector3::from_fn(|i, _| {
                    let (value, floored) = raised(covariance[(i, i)], floor[(i, i)]);
                    any |= floored;
                    value
                });
                *covariance = Matrix3::from_diagonal(&diagonal);
                any
            }
            Covariance::Spherical => {
                let (value, floored) = raised(covariance.trace() / 3.0, floor[(0, 0)]);
                *covariance = Matrix3::from_diagonal_element(value);
                floored
            }
            Covariance::FieldAligned(_) => {
                let turned = self.axes * *covariance * self.axes.transpose();
                let (across, first) = raised(0.5 * (turned[(0, 0)] + turned[(1, 1)]), floor[(0, 0)]);
                let (along, second) = raised(turned[(2, 2)], floor[(0, 0)]);
                *covariance = self.gyrotropic(across, along);
                first || second
            }
        }
    }

    /// Variances across and along the field as a matrix.
    pub fn gyrotropic(&self, across: f64, along: f64) -> Matrix3<f64> {
        let field = self.axes.row(2).transpose();
        Matrix3::from_diagonal_element(across) + field * field.transpose() * (along - across)
    }

    /// Raises the eigenvalues, measured in cells, that are below the floor. The result is the likeliest covariance
    /// above it.
    fn raise(&self, covariance: &mut Matrix3<f64>) -> bool {
        let scale = Matrix3::from_diagonal(&self.narrowest);
        let inverse = Matrix3::from_diagonal(&self.narrowest.map(|width| 1.0 / width));
        let symmetric = (*covariance + covariance.transpose()) * 0.5;
        let measured = inverse * symmetric * inverse;
        // A Cholesky factor of Σ − F exists only above the floor: most covariances need no eigenvalues.
        if nalgebra::Cholesky::new(measured - Matrix3::identity()).is_some() {
            *covariance = symmetric;
            return false;
        }
        let finite = measured.iter().all(|x| x.is_finite());
        let eigen = SymmetricEigen::new(if finite { measured } else { Matrix3::identity() });
        let raised = Matrix3::from_diagonal(&eigen.eigenvalues.map(|value| value.max(1.0)));
        let above = eigen.eigenvectors * raised * eigen.eigenvectors.transpose();
        *covariance = scale * ((above + above.transpose()) * 0.5) * scale;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn member(covariance: Matrix3<f64>) -> Member {
        Member { mass: 2.0, mean: Vector3::zeros(), covariance }
    }

    #[test]
    fn each_kind_keeps_what_it_can() {
        let full = Matrix3::new(5.0, 1.0, 0.5, 1.0, 3.0, -0.4, 0.5, -0.4, 4.0);
        let constrained = |kind| {
            let mut members = [member(full), member(full * 2.0)];
            assert_eq!(Structure::new(kind, Vector3::repeat(1.0)).constrain(&mut members), 0);
            members[0].covariance
        };
        assert_eq!(constrained(Covariance::Full), full);
        assert_relative_eq!(constrained(Covariance::Tied), full * 1.5, max_relative = 1e-15);
        assert_eq!(constrained(Covariance::Diagonal), Matrix3::from_diagonal(&full.diagonal()));
        assert_relative_eq!(constrained(Covariance::Spherical).trace(), full.trace(), max_relative = 1e-15);
        let field = [0.0, 3.0, 4.0];
        let gyrotropic = constrained(Covariance::FieldAligned(field));
        let b = Vector3::new(0.0, 0.6, 0.8);
        assert_relative_eq!(b.dot(&(gyrotropic * b)), b.dot(&(full * b)), max_relative = 1e-14);
        assert_relative_eq!(gyrotropic.trace(), full.trace(), max_relative = 1e-14);
        assert_relative_eq!(gyrotropic * b, b * b.dot(&(full * b)), max_relative = 1e-13);
    }

    #[test]
    fn nothing_is_narrower_than_the_cells_allow() {
        let flat = Matrix3::new(4.0, 4.0, 0.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0);
        for kind in [
            Covariance::Full,
            Covariance::Tied,
            Covariance::Diagonal,
            Covariance::Spherical,
            Covariance::FieldAligned([1.0, -1.0, 0.0]),
        ] {
            for covariance in [flat, Matrix3::zeros()] {
                let structure = Structure::new(kind, Vector3::new(1.0, 0.5, 0.25));
                let mut members = [member(covariance)];
                structure.constrain(&mut members);
                let measured = members[0].covariance;
                let floor = Matrix3::from_diagonal(&structure.narrowest.component_mul(&structure.narrowest));
                assert!((measured - floor * 0.999_999).cholesky().is_some(), "{kind:?} {measured}");
            }
        }
    }
}
