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
    pub figures: Vec<(String, f64)>,
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
    let work = |(family, spec, basis, cell): &(&'static str, &String, AnyBasis, usize)| {
        let vdf = &population.distributions[*cell];
        let measured = one(basis, vdf, &registry);
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
type Measured = (usize, usize, Vec<(String, f64)>);

fn one(basis: &AnyBasis, vdf: &Vdf, registry: &Registry) -> Result<Measured> {
    let bytes = Expansion::encode(basis, vdf)?.to_bytes()?;
    let expansion = registry.decode(&bytes)?;
    let back = expansion.basis().reconstruct(expansion.coefficients(), expansion.grid())?;
    let mut figures = figures(&Fidelity::compare(vdf, &back)?);
    let axis = FieldDirection::new(axis_of_symmetry(&vdf.moments()))?;
    let about = FieldFidelity::compare(vdf, &back, axis)?;
    let physics = [
        ("parallel_temperature", about.parallel_temperature),
        ("perpendicular_temperature", about.perpendicular_temperature),
        ("temperature_anisotropy", about.anisotropy),
        ("sqrt_q", about.sqrt_q),
        ("relative_entropy", (relative_entropy(&back) - relative_entropy(vdf)).abs()),
    ];
    figures.extend(physics.map(|(name, value)| (name.to_owned(), value)));
    Ok((expansion.coefficients().count(), bytes.len(), figures))
}

/// All figures by name, in the order of `Fidelity`: read from what `Debug` prints, so that a new one appears by itself.
fn figures(fidelity: &Fidelity) -> Vec<(String, f64)> {
    let text = format!("{fidelity:?}");
    let fields = text.split_once('{').map_or("", |(_, fields)| fields).trim_end_matches('}').split(',');
    let pair = |field: &str| {
        let (name, value) = field.split_once(':')?;
        // The floor is a choice, no error.
        let name = name.trim();
        (name != "log10_floor").then_some(())?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    fields.filter_map(pair).collect()
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
    use vdf_basis::VelocityGrid;

    #[test]
    fn every_figure_of_fidelity_is_found() {
        let grid = VelocityGrid::unit([3, 1, 1]).unwrap();
        let [f, g] = [[1.0, 2.0, 1.0], [1.0, 1.5, -0.5]].map(|f| Vdf::from_slice(grid, &f).unwrap());
        let fidelity = Fidelity::compare(&f, &g).unwrap();
        let found = figures(&fidelity);
        let of = |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
        assert_eq!((of("l1"), of("l2"), of("negative_mass")), (Some(fidelity.l1), Some(fidelity.l2), Some(0.125)));
        assert_eq!((of("heat_flux"), of("log10_floor")), (Some(fidelity.heat_flux), None));
        let infinite = figures(&Fidelity { pressure: f64::INFINITY, ..fidelity });
        assert!(infinite.contains(&("pressure".to_owned(), f64::INFINITY)));
    }

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
