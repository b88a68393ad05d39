//! Reduced distributions, gyro-averages and free energy of a Hermite expansion, from its amplitudes.

use std::f64::consts::{SQRT_2, TAU};

use faer::Mat;
use nalgebra::Vector3;
use ndarray::Array2;

use super::{HermiteCoefficients, NAME, functions};
use crate::distribution::frame::unit_vector;
use crate::distribution::physics::{FieldFrame, ReducedDistribution, ReducedGrid};
use crate::error::{Error, Result};
use crate::numerics::hermite_functions::{gauss_hermite_nodes, hermite_functions};
use crate::numerics::separable::transform;

/// Relative change at which the number of angles of an average is no longer doubled, and the largest number.
const CONVERGED: f64 = 1e-13;
const MOST_ANGLES: usize = 1 << 14;

impl HermiteCoefficients {
    /// The distribution of one velocity component, ∫ f d²v [s m⁻⁴], at the given values v·e [m/s] along one of the
    /// frame's axes e, in closed form: f(v∥) for an expansion with `frame=field-aligned` and the field as direction.
    /// Integrated over all of velocity space; it may be slightly negative, as the expansion may.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a direction that is zero, not finite, or none of the frame's axes.
    pub fn marginal(&self, direction: [f64; 3], velocities: &[f64]) -> Result<Vec<f64>> {
        let (axis, sign) = self.axis_along("direction", direction)?;
        let tables = [0, 1, 2].map(|i| match i == axis {
            true => Mat::identity(self.orders[i], self.orders[i]),
            false => {
                let integrals = &functions::integrals(self.weight, self.orders[i])[0];
                Mat::from_fn(1, self.orders[i], |_, n| integrals[n] * self.frame.scales[i])
            }
        });
        let amplitudes = transform(&self.densities(), tables.each_ref().map(Mat::as_ref));
        let centre = self.centre_along(axis);
        let xi: Vec<f64> = velocities.iter().map(|v| (sign * v - centre) / self.frame.scales[axis]).collect();
        Ok(summed(&amplitudes, &functions::evaluate(self.weight, &xi, amplitudes.len()), xi.len()))
    }

    /// Average over the gyrophase, f(v∥, v⊥) = ∮ f dφ / 2π [s³ m⁻⁶], about the velocity of a frame, from the amplitudes: as
    /// [`Vdf::gyro_average`](crate::Vdf::gyro_average) without cells. The field is to be one of the expansion's axes:
    /// encode with `frame=field-aligned`.
    ///
    /// Along the field the sum over functions stays; across it the average of each product of two functions is taken over
    /// equal steps of φ. About the expansion's own centre and with equal widths across the field a product of degrees a and b
    /// is a trigonometric polynomial of degree a + b, for which that is exact; else the number of steps is doubled until
    /// no average changes by more than 1e-13 of the largest (Trefethen and Weideman 2014, SIAM Rev. 56, 385). It may be slightly
    /// negative, as the expansion may.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a field that is along none of the expansion's axes.
    pub fn gyro_average(&self, frame: &FieldFrame, grid: &ReducedGrid) -> Result<ReducedDistribution> {
        let [e_1, e_2, b] = frame.field().axes();
        let (axis, _) = self.axis_along("field", b)?;
        let [e_1, e_2, b] = [e_1, e_2, b].map(Vector3::from);
        let own = self.frame.axes().map(Vector3::from);
        let offset = Vector3::from(frame.centre()) - Vector3::from(self.frame.centre);
        // ξ of the axes across the field at v⊥ = 0, and by v⊥ cos φ and v⊥ sin φ.
        let across =
            [0, 1, 2].map(|i| [offset, e_1, e_2].map(|direction| own[i].dot(&direction) / self.frame.scales[i]));
        let cube = self.densities();
        let (parallel, perpendicular) = (grid.parallel(), grid.perpendicular());
        let mut averaged = Array2::zeros(grid.shape());
        let xi: Vec<f64> =
            parallel.iter().map(|v| own[axis].dot(&(offset + b * *v)) / self.frame.scales[axis]).collect();
        let along = functions::evaluate(self.weight, &xi, self.orders[axis]);
        for (mut column, v) in averaged.columns_mut().into_iter().zip(perpendicular) {
            let amplitudes = self.averaged_across(&cube, axis, across, v);
            column.iter_mut().zip(summed(&amplitudes, &along, xi.len())).for_each(|(to, value)| *to = value);
        }
        Ok(ReducedDistribution::of_nodes(*frame, *grid, averaged))
    }

    /// Free energy of the expansion per particle, (1/2n) ∫ (f − F)²/F d³v, in units of kT: F is the Maxwellian of the
    /// frame's centre and widths with the expansion's density n over all of velocity space. 0 for that Maxwellian, never
    /// negative; for small deviations f − F it is the relative entropy ∫ f ln(f/F) d³v / n. See Schekochihin et al. 2009
    /// (Astrophys. J. Suppl. 182, 310); Servidio et al. 2017 (Phys. Rev. Lett. 119, 205101) and Pezzi et al. 2018 (Phys.
    /// Plasmas 25, 060704) for the cascade of it from degree to degree.
    ///
    /// A quadratic form of the amplitudes: with the asymmetric weight ½ Σ c²/c_000² over all terms but the first, so that
    /// `spectrum()` divides it among the degrees; with the symmetric weight as the sum of squares on the nodes of a Gauss
    /// quadrature that is exact for it. To read it as a thermodynamic energy choose `search=moments`, with which the widths
    /// are the thermal speeds.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for a density that is not positive, as of a residual.
    pub fn free_energy(&self) -> Result<f64> {
        let density = self.moments_over_velocity_space().density;
        if !(density > 0.0 && density.is_finite()) {
            let reason = format!("a density of {density:e} has no Maxwellian to compare with");
            return Err(Error::Degenerate { basis: NAME, reason });
        }
        // In units of the Maxwellian: one after another, because the volume may leave the range of f64.
        let unit = |amplitude: f64| self.frame.scales.iter().fold(amplitude / density, |x, scale| x * scale);
        let cube: Vec<f64> = self.densities().into_iter().map(unit).collect();
        let tables = self.orders.map(|order| self.over_root_of_maxwellian(order));
        let values = transform(&cube, tables.each_ref().map(|(table, _)| table.as_ref()));
        let [x, y, z] = tables.each_ref().map(|(_, maxwellian)| maxwellian);
        let mut sum = 0.0;
        for (place, value) in values.iter().enumerate() {
            let [i, j, k] = [place / (y.len() * z.len()), place / z.len() % y.len(), place % z.len()];
            sum += (value - x[i] * y[j] * z[k]).powi(2);
        }
        Ok(0.5 * sum)
    }

    /// Functions over the root of the Maxwellian φ_0, times the root of the weight, at nodes where sums of products of two
    /// such functions are their integrals; and φ_0 in the same form.
    ///
    /// With z = √2 x the integrand f²/φ_0 is e^{−x²} times a polynomial of degree 2 (order − 1): Gauss and Hermite's case.
    fn over_root_of_maxwellian(&self, order: usize) -> (Mat<f64>, Vec<f64>) {
        let nodes = gauss_hermite_nodes(order);
        let own = hermite_functions(&nodes, order);
        let z: Vec<f64> = nodes.iter().map(|x| SQRT_2 * x).collect();
        let functions = functions::evaluate(self.weight, &z, order);
        let maxwellian = |k: usize| (-0.5 * z[k] * z[k]).exp() / TAU.sqrt();
        let root = |k: usize| {
            // Christoffel's weight for products of two Hermite functions, 1/Σ ψ_n².
            let christoffel = 1.0 / (0..order).map(|n| own[n * order + k].powi(2)).sum::<f64>();
            (SQRT_2 * christoffel / maxwellian(k)).sqrt()
        };
        let roots: Vec<f64> = (0..order).map(root).collect();
        let table = Mat::from_fn(order, order, |k, n| roots[k] * functions[n * order + k]);
        (table, (0..order).map(|k| roots[k] * maxwellian(k)).collect())
    }

    /// The amplitudes of the functions along an axis once those across it are averaged over the angle at v⊥.
    fn averaged_across(&self, cube: &[f64], axis: usize, across: [[f64; 3]; 3], v: f64) -> Vec<f64> {
        let [first, second] = [(axis + 1) % 3, (axis + 2) % 3];
        let [rows, columns] = [self.orders[first], self.orders[second]];
        let sums_at = |angles: usize, shift: f64| {
            let turns = (0..angles).map(|k| TAU * (k as f64 + shift) / angles as f64);
            let [x, y] = [first, second].map(|i| {
                let [rest, cosine, sine] = across[i];
                let xi: Vec<f64> = turns.clone().map(|t| rest + v * (cosine * t.cos() + sine * t.sin())).collect();
                let values = functions::evaluate(self.weight, &xi, self.orders[i]);
                Mat::from_fn(angles, self.orders[i], |k, n| values[n * angles + k])
            });
            x.transpose() * y
        };
        let mut angles = (rows + columns).next_power_of_two();
        let mut sums = sums_at(angles, 0.0);
        while angles < MOST_ANGLES {
            let between = sums_at(angles, 0.5);
            let change = 0.5 * (&between - &sums).norm_max();
            sums += &between;
            angles *= 2;
            if change <= 0.5 * CONVERGED * sums.norm_max() {
                break;
            }
        }
        let stride = [self.orders[1] * self.orders[2], self.orders[2], 1];
        let mut amplitudes = vec![0.0; self.orders[axis]];
        for (n, amplitude) in amplitudes.iter_mut().enumerate() {
            for i in 0..rows {
                for j in 0..columns {
                    let place = n * stride[axis] + i * stride[first] + j * stride[second];
                    *amplitude += cube[place] * sums[(i, j)] / angles as f64;
                }
            }
        }
        amplitudes
    }

    /// The axis of the frame along a direction, and its sense.
    fn axis_along(&self, name: &'static str, direction: [f64; 3]) -> Result<(usize, f64)> {
        /// Largest deviation of a component across an axis that counts as rounding.
        const ALONG: f64 = 1e-9;
        let unit = unit_vector(name, direction)?;
        let axes = self.frame.axes().map(Vector3::from);
        let along = (0..3).find(|&i| unit.cross(&axes[i]).norm() < ALONG);
        let axis = along.ok_or_else(|| {
            let allowed = "along an axis of the frame: encode with frame=field-aligned and this direction as the field";
            Error::parameter(name, format!("{direction:?}"), allowed)
        })?;
        Ok((axis, unit.dot(&axes[axis]).signum()))
    }

    /// The centre's component along an axis of the frame.
    fn centre_along(&self, axis: usize) -> f64 {
        Vector3::from(self.frame.axes()[axis]).dot(&Vector3::from(self.frame.centre))
    }
}

/// Σ amplitude times function, at every node.
fn summed(amplitudes: &[f64], functions: &[f64], nodes: usize) -> Vec<f64> {
    let mut sums = vec![0.0; nodes];
    for (amplitude, function) in amplitudes.iter().zip(functions.chunks_exact(nodes.max(1))) {
        sums.iter_mut().zip(function).for_each(|(sum, value)| *sum += amplitude * value);
    }
    sums
}
