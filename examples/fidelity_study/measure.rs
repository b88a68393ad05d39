//! One basis on one distribution: coefficients, bytes, and every figure.

use nalgebra::Matrix3;
use rayon::prelude::*;
use vdf_basis::distribution::physics::relative_entropy;
use vdf_basis::{
    AnyBasis, Basis, Coefficients, Expansion, Fidelity, FieldDirection, FieldFidelity, Moments, Registry, Result, Vdf,
};

use crate::families::Family;
use crate::population::Population;

/// The measurements of one basis on one distribution.
#[derive(Debug, Clone)]
pub struct Row {
    /// Name of the population.
    pub population: String,
    /// Index of the distribution among those of the study.
    pub cell: usize,
    /// Name of the family.
    pub family: &'static str,
    /// The spec.
    pub spec: String,
    /// Numbers that a decoder needs.
    pub coefficients: usize,
    /// Length of the whole stream.
    pub bytes: usize,
    /// Names and values of all figures.
    pub figures: Vec<(&'static str, f64)>,
}

/// Rows of all specs on all distributions of a population, spec by spec, and what failed.
pub fn measure(population: &Population, families: &[Family]) -> Result<(Vec<Row>, Vec<String>)> {
    let registry = Registry::standard();
    let mut jobs = Vec::new();
    for family in families {
        for spec in &family.specs {
            let basis = registry.parse(spec)?;
            jobs.extend((0..population.distributions.len()).map(|cell| (family.name, spec, basis.clone(), cell)));
        }
    }
    let originals: Result<Vec<Original<'_>>> = population.distributions.iter().map(Original::new).collect();
    let originals = originals?;
    let work = |(family, spec, basis, cell): &(&'static str, &String, AnyBasis, usize)| {
        let measured = one(basis, &originals[*cell], &registry);
        let (coefficients, bytes, figures) =
            measured.map_err(|problem| format!("{spec}, distribution {cell} of {}: {problem}", population.name))?;
        let (population, spec) = (population.name.clone(), (*spec).clone());
        Ok(Row { population, cell: *cell, family, spec, coefficients, bytes, figures })
    };
    let outcomes: Vec<std::result::Result<Row, String>> = jobs.par_iter().map(work).collect();
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(row) => rows.push(row),
            Err(problem) => failures.push(problem),
        }
    }
    Ok((rows, failures))
}

/// Coefficients, bytes, and figures by name.
type Measured = (usize, usize, Vec<(&'static str, f64)>);

/// A distribution, and what all bases are compared with.
struct Original<'a> {
    vdf: &'a Vdf,
    axis: FieldDirection,
    relative_entropy: f64,
}

impl<'a> Original<'a> {
    fn new(vdf: &'a Vdf) -> Result<Self> {
        let axis = FieldDirection::new(axis_of_symmetry(&vdf.moments()))?;
        Ok(Self { vdf, axis, relative_entropy: relative_entropy(vdf) })
    }
}

fn one(basis: &AnyBasis, original: &Original<'_>, registry: &Registry) -> Result<Measured> {
    let Original { vdf, axis, relative_entropy: entropy } = *original;
    let bytes = Expansion::encode(basis, vdf)?.to_bytes()?;
    let expansion = registry.decode(&bytes)?;
    let back = expansion.basis().reconstruct(expansion.coefficients(), expansion.grid())?;
    let mut figures = Fidelity::compare(vdf, &back)?.errors();
    let about = FieldFidelity::compare(vdf, &back, axis)?;
    // What neither distribution has is no number.
    let of = |error: Option<f64>| error.unwrap_or(f64::NAN);
    let physics = [
        ("parallel_temperature", of(about.parallel_temperature)),
        ("perpendicular_temperature", of(about.perpendicular_temperature)),
        ("temperature_anisotropy", of(about.anisotropy)),
        ("sqrt_q", of(about.sqrt_q)),
        ("relative_entropy", (relative_entropy(&back) - entropy).abs()),
    ];
    figures.extend(physics);
    Ok((expansion.coefficients().count(), bytes.len(), figures))
}

/// The principal axis of the pressure whose eigenvalue differs most from the middle one: of a gyrotropic distribution the
/// direction of the magnetic field, which the study does not know.
fn axis_of_symmetry(moments: &Moments) -> [f64; 3] {
    let p = moments.pressure;
    let largest = p.as_flattened().iter().fold(0.0, |largest, p| f64::max(largest, p.abs()));
    let matrix = Matrix3::from_fn(|i, j| if largest > 0.0 { p[i][j] / largest } else { 0.0 });
    let eigen = matrix.symmetric_eigen();
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    let [low, middle, high] = order.map(|k| eigen.eigenvalues[k]);
    eigen.eigenvectors.column(if high - middle > middle - low { order[2] } else { order[0] }).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_of_symmetry_is_that_of_rods_and_of_discs() {
        let of = |pressure| {
            axis_of_symmetry(&Moments { density: 1.0, bulk_velocity: [0.0; 3], pressure, heat_flux: [0.0; 3] })
        };
        assert!(of([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])[0].abs() > 1.0 - 1e-14);
        assert!(of([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 2.0]])[1].abs() > 1.0 - 1e-14);
        // Turned by 45 degrees about z.
        let turned = of([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]);
        assert!((turned[0] - turned[1]).abs() < 1e-14 && turned[2].abs() < 1e-14);
    }
}
