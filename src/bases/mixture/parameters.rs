//! Parameters of a mixture in the least-squares search.
//!
//! The parameters of a component are its log peak, its mean, and a factor L of its covariance in excess of the floor,
//! Σ = F + L Lᵀ. No step can therefore make a component negative, indefinite, or narrower than the cells. (With a
//! Cholesky factor of the precision the minimum width would be a constraint of the solver.) Means are bounded in the
//! same way, μ = R s/√(1 + s²): if the box cuts a distribution, the best component may lie far outside, with any mass,
//! so that only its edge is in the box.

use nalgebra::{DVector, Matrix3, Vector3};

use super::cells::Cells;
use super::covariance::{Covariance, Structure};
use super::member::{Ellipsoid, Member, Profile};

/// A quadratic polynomial in x, y, z: coefficients of 1, x, y, z, x², xy, xz, y², yz, z².
pub(super) type Quadratic = [f64; 10];

/// Exponents of the monomials of a [`Quadratic`].
pub(super) const MONOMIALS: [[usize; 3]; 10] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];

/// A component of the model.
#[derive(Debug, Clone)]
pub(super) struct Bell {
    pub peak: f64,
    pub mean: Vector3<f64>,
    pub covariance: Matrix3<f64>,
    pub ellipsoid: Ellipsoid,
}

/// Map between vectors of parameters and mixtures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters {
    pub structure: Structure,
    pub profile: Profile,
    pub components: usize,
    /// Maximum distance R of a mean from the middle of the box along each axis.
    pub farthest: Vector3<f64>,
}

/// Maximum width of a component, in units of the maximum distance of a mean. A component may be nearly constant along
/// an axis; a larger width would change it by about 1e-4 in the box, but cost digits of the narrow axes.
const MAX_WIDTH: f64 = 100.0;
/// Maximum distance of a mean from the middle, in lengths of the box: a quarter of the length outside.
const MAX_DISTANCE: f64 = 0.75;

/// Positions of the entries of L that are searched.
const LOWER: [(usize, usize); 6] = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)];
/// Number of parameters of log peak and mean.
const LOCATION: usize = 4;

impl Parameters {
    pub fn new(cells: &Cells, structure: Structure, profile: Profile, components: usize) -> Self {
        let farthest = Vector3::from_fn(|i, _| MAX_DISTANCE * cells.axes[i].len() as f64 * cells.scaling.spacing[i]);
        Self { structure, profile, components, farthest }
    }

    /// Mean along an axis for a parameter s R, by R s/√(1 + s²).
    fn bounded(&self, axis: usize, number: f64) -> f64 {
        number / (1.0 + (number / self.farthest[axis]).powi(2)).sqrt()
    }

    fn unbounded(&self, axis: usize, mean: f64) -> f64 {
        let part = (mean / self.farthest[axis]).clamp(-0.99, 0.99);
        part * self.farthest[axis] / (1.0 - part * part).sqrt()
    }

    fn shape_len(&self) -> usize {
        self.structure.kind.parameters(1)
    }

    pub fn len(&self) -> usize {
        LOCATION * self.components + self.structure.kind.parameters(self.components)
    }

    fn location(&self, component: usize) -> usize {
        match self.structure.kind {
            Covariance::Tied => LOCATION * component,
            _ => (LOCATION + self.shape_len()) * component,
        }
    }

    fn shape(&self, component: usize) -> usize {
        match self.structure.kind {
            Covariance::Tied => LOCATION * self.components,
            _ => self.location(component) + LOCATION,
        }
    }

    pub fn pack(&self, members: &[Member], cell_volume: f64) -> DVector<f64> {
        let mut p = DVector::zeros(self.len());
        for (k, member) in members.iter().enumerate() {
            let at = self.location(k);
            p[at] = member.peak(self.profile, cell_volume).max(f64::MIN_POSITIVE).ln();
            (0..3).for_each(|i| p[at + 1 + i] = self.unbounded(i, member.mean[i]));
            let excess = self.excess(&member.covariance);
            let at = self.shape(k);
            excess.into_iter().enumerate().for_each(|(i, x)| p[at + i] = x);
        }
        p
    }

    /// The entries of L for a covariance Σ = F + L Lᵀ.
    fn excess(&self, covariance: &Matrix3<f64>) -> Vec<f64> {
        /// Minimum of L Lᵀ, in floors. L = 0 is a saddle, ∂Σ/∂L = 0, which the search would never leave.
        const NUDGE: f64 = 1e-2;
        let floor = self.structure.floor();
        let root = |variance: f64, floor: f64| (variance - floor).max(NUDGE * floor).sqrt();
        match self.structure.kind {
            Covariance::Full | Covariance::Tied => {
                let above = covariance - floor;
                // Near the floor a growing multiple of it is added, until the excess has a Cholesky factor.
                let factor = (0..8).find_map(|k| {
                    let nudge = if k == 0 { 0.0 } else { NUDGE * 4f64.powi(k - 1) };
                    let factor = (above + floor * nudge).cholesky()?.l();
                    (0..3).all(|i| factor[(i, i)].powi(2) >= 0.5 * NUDGE * floor[(i, i)] || k == 7).then_some(factor)
                });
                let factor = factor.unwrap_or_else(|| floor.map(f64::sqrt));
                LOWER.map(|at| factor[at]).to_vec()
            }
            Covariance::Diagonal => (0..3).map(|i| root(covariance[(i, i)], floor[(i, i)])).collect(),
            Covariance::Spherical => vec![root(covariance[(0, 0)], floor[(0, 0)])],
            Covariance::FieldAligned(_) => {
                let turned = self.structure.axes * covariance * self.structure.axes.transpose();
                vec![root(turned[(0, 0)], floor[(0, 0)]), root(turned[(2, 2)], floor[(0, 0)])]
            }
        }
    }

    fn factor(p: &[f64]) -> Matrix3<f64> {
        let mut factor = Matrix3::zeros();
        LOWER.iter().zip(p).for_each(|(&at, &x)| factor[at] = x);
        factor
    }

    fn covariance(&self, p: &[f64]) -> Matrix3<f64> {
        let above = match self.structure.kind {
            Covariance::Full | Covariance::Tied => {
                let factor = Self::factor(p);
                factor * factor.transpose()
            }
            Covariance::Diagonal => Matrix3::from_diagonal(&Vector3::new(p[0] * p[0], p[1] * p[1], p[2] * p[2])),
            Covariance::Spherical => Matrix3::from_diagonal_element(p[0] * p[0]),
            Covariance::FieldAligned(_) => self.structure.gyrotropic(p[0] * p[0], p[1] * p[1]),
        };
        self.structure.floor() + above
    }

    /// Components of the model; `None` if a parameter overflows or a width exceeds the maximum.
    pub fn unpack(&self, p: &DVector<f64>) -> Option<Vec<Bell>> {
        (0..self.components)
            .map(|k| {
                let at = self.location(k);
                let peak = p[at].exp();
                let mean = Vector3::from_fn(|i, _| self.bounded(i, p[at + 1 + i]));
                let covariance = self.covariance(&p.as_slice()[self.shape(k)..][..self.shape_len()]);
                let ellipsoid = Ellipsoid::new(mean, covariance)?;
                (peak.is_finite() && self.in_proportion(&covariance)).then_some(Bell {
                    peak,
                    mean,
                    covariance,
                    ellipsoid,
                })
            })
            .collect()
    }

    /// True if no width exceeds the maximum: along each axis, or, if the kind has one width for several axes, along the
    /// longest.
    fn in_proportion(&self, covariance: &Matrix3<f64>) -> bool {
        let widest = match self.structure.kind {
            Covariance::Full | Covariance::Tied | Covariance::Diagonal => self.farthest,
            Covariance::Spherical | Covariance::FieldAligned(_) => Vector3::repeat(self.farthest.amax()),
        };
        (0..3).all(|i| covariance[(i, i)] <= (MAX_WIDTH * widest[i]).powi(2))
    }

    /// The component's derivatives by each of its parameters: the parameter's index and a polynomial in v − mean, to be
    /// multiplied by the component's bare function (exp(−q/2), or (1 + q/(2κ−3))^(−κ−2)).
    pub fn derivatives(&self, p: &DVector<f64>, k: usize, bell: &Bell) -> Vec<(usize, Quadratic)> {
        let precision = bell.ellipsoid.precision();
        let mut derivatives = Vec::with_capacity(LOCATION + self.shape_len());
        let (by_peak, steepness) = match self.profile {
            Profile::Gaussian => (constant(bell.peak), 1.0),
            Profile::Kappa(kappa) => {
                let tail = 2.0 * kappa - 3.0;
                let mut polynomial = form(&(precision * (bell.peak / tail)));
                polynomial[0] = bell.peak;
                (polynomial, 2.0 * (kappa + 1.0) / tail)
            }
        };
        let at = self.location(k);
        derivatives.push((at, by_peak));
        let scale = bell.peak * steepness;
        // −½ ∂q/∂mean_i = (Σ⁻¹ d)_i
        for i in 0..3 {
            let by_number = (1.0 + (p[at + 1 + i] / self.farthest[i]).powi(2)).powf(-1.5);
            let row = precision.row(i) * (scale * by_number);
            derivatives.push((at + 1 + i, [0.0, row[0], row[1], row[2], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        }
        // −½ ∂q/∂Σ = ½ Σ⁻¹ d dᵀ Σ⁻¹
        let at = self.shape(k);
        let p = &p.as_slice()[at..][..self.shape_len()];
        for (index, by_shape) in self.covariance_derivatives(p).into_iter().enumerate() {
            derivatives.push((at + index, form(&(precision * by_shape * precision * (0.5 * scale)))));
        }
        derivatives
    }

    fn covariance_derivatives(&self, p: &[f64]) -> Vec<Matrix3<f64>> {
        match self.structure.kind {
            Covariance::Full | Covariance::Tied => {
                let factor = Self::factor(p);
                LOWER
                    .iter()
                    .map(|&(i, j)| {
                        // ∂(L Lᵀ)/∂L_ij: column j of L in row and column i.
                        let mut by_entry = Matrix3::zeros();
                        for row in 0..3 {
                            by_entry[(i, row)] += factor[(row, j)];
                            by_entry[(row, i)] += factor[(row, j)];
                        }
                        by_entry
                    })
                    .collect()
            }
            Covariance::Diagonal => (0..3)
                .map(|i| {
                    let mut by_width = Matrix3::zeros();
                    by_width[(i, i)] = 2.0 * p[i];
                    by_width
                })
                .collect(),
            Covariance::Spherical => vec![Matrix3::from_diagonal_element(2.0 * p[0])],
            Covariance::FieldAligned(_) => {
                vec![self.structure.gyrotropic(2.0 * p[0], 0.0), self.structure.gyrotropic(0.0, 2.0 * p[1])]
            }
        }
    }

    pub fn members(&self, bells: &[Bell], cell_volume: f64) -> Vec<Member> {
        let member = |bell: &Bell| Member {
            mass: Member::mass_of(bell.peak, &bell.covariance, self.profile, cell_volume),
            mean: bell.mean,
            covariance: bell.covariance,
        };
        bells.iter().map(member).collect()
    }
}

/// Sum of the products of the coefficients.
pub(super) fn dot(a: &Quadratic, b: &Quadratic) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn constant(value: f64) -> Quadratic {
    let mut polynomial = [0.0; 10];
    polynomial[0] = value;
    polynomial
}

/// dᵀ M d for a symmetric M.
fn form(m: &Matrix3<f64>) -> Quadratic {
    [
        0.0,
        0.0,
        0.0,
        0.0,
        m[(0, 0)],
        m[(0, 1)] + m[(1, 0)],
        m[(0, 2)] + m[(2, 0)],
        m[(1, 1)],
        m[(1, 2)] + m[(2, 1)],
        m[(2, 2)],
    ]
}

/// The polynomial p(d + shift) in d.
pub(super) fn shifted(p: &Quadratic, s: &Vector3<f64>) -> Quadratic {
    let [c, x, y, z, xx, xy, xz, yy, yz, zz] = *p;
    [
        c + x * s[0]
            + y * s[1]
            + z * s[2]
            + s[0] * (xx * s[0] + xy * s[1] + xz * s[2])
            + s[1] * (yy * s[1] + yz * s[2])
            + zz * s[2] * s[2],
        x + 2.0 * xx * s[0] + xy * s[1] + xz * s[2],
        y + xy * s[0] + 2.0 * yy * s[1] + yz * s[2],
        z + xz * s[0] + yz * s[1] + 2.0 * zz * s[2],
        xx,
        xy,
        xz,
        yy,
        yz,
        zz,
    ]
}
