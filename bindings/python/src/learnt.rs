//! The findings of a fit by name, as the classes of the package show them.

use numpy::{PyArray1, PyArray2, PyArrayMethods, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use vdf_basis::bases::mixture::MixtureReport;
use vdf_basis::bases::octree::{LeafModel, OctreeLeaf};
use vdf_basis::numerics::levenberg_marquardt::Report;
use vdf_basis::{
    AnyBasis, AnyCoefficients, Basis, CosineCoefficients, Frame, Hermite, HermiteCoefficients, Maxwellian,
    MaxwellianCoefficients, Mixture, MixtureCoefficients, OctreeCoefficients, PcaCoefficients, SphericalCoefficients,
    Vdf, WaveletCoefficients,
};

use crate::arrays::numbers;

/// Steps of a search, and whether it ended at a minimum.
pub type Search = Option<(usize, bool)>;

/// Coefficients of a distribution, and how the search for them went, if there was one.
pub fn fit(basis: &AnyBasis, vdf: &Vdf) -> vdf_basis::Result<(AnyCoefficients, Search)> {
    let of_report = |report: Report| (report.iterations, report.stopped.converged());
    if let Some(basis) = basis.downcast_ref::<Maxwellian>() {
        let (found, report) = basis.fit(vdf)?;
        return Ok((AnyCoefficients::new(found), report.map(of_report)));
    }
    if let Some(basis) = basis.downcast_ref::<Hermite>() {
        let (found, report) = basis.fit(vdf)?;
        return Ok((AnyCoefficients::new(found), report.search.map(of_report)));
    }
    if let Some(basis) = basis.downcast_ref::<Mixture>() {
        let (found, MixtureReport { em, refinement, .. }) = basis.fit(vdf)?;
        let em = em.map(|em| (em.iterations, em.converged));
        return Ok((AnyCoefficients::new(found), refinement.map(of_report).or(em)));
    }
    Ok((basis.encode(vdf)?, None))
}

/// The findings of one of the bases, by name; empty for combinations of bases.
pub fn findings<'py>(py: Python<'py>, coefficients: &AnyCoefficients) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    if let Some(own) = coefficients.downcast_ref() {
        maxwellian(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        hermite(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        spherical(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        mixture(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        octree(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        cosine(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        wavelet(&found, own)?;
    } else if let Some(own) = coefficients.downcast_ref() {
        pca(&found, own)?;
    }
    Ok(found)
}

/// The power of a Hermite or a spherical expansion, by name; `None` for other bases.
pub fn spectrum<'py>(py: Python<'py>, coefficients: &AnyCoefficients) -> PyResult<Option<Bound<'py, PyDict>>> {
    let found = PyDict::new(py);
    if let Some(own) = coefficients.downcast_ref::<HermiteCoefficients>() {
        let spectrum = own.spectrum();
        found.set_item("total_degree", numbers(py, &spectrum.total_degree))?;
        found.set_item("axis", spectrum.axis.each_ref().map(|axis| numbers(py, axis)))?;
        found.set_item("unit", spectrum.unit)?;
    } else if let Some(own) = coefficients.downcast_ref::<SphericalCoefficients>() {
        let spectrum = own.spectrum();
        let radii: Vec<f64> = spectrum.spheres.iter().map(|sphere| sphere.radius).collect();
        let by_degree: Vec<f64> = spectrum.spheres.iter().flat_map(|sphere| sphere.degree.iter().copied()).collect();
        let by_order: Vec<f64> = spectrum.spheres.iter().flat_map(|sphere| sphere.order.iter().copied()).collect();
        found.set_item("degree", numbers(py, &spectrum.degree))?;
        found.set_item("order", numbers(py, &spectrum.order))?;
        found.set_item("radii", numbers(py, &radii))?;
        found.set_item("sphere_degree", rows(py, by_degree, spectrum.degree.len())?)?;
        found.set_item("sphere_order", rows(py, by_order, spectrum.order.len())?)?;
        found.set_item("gyrotropy", spectrum.gyrotropy())?;
        found.set_item("anisotropy", spectrum.anisotropy())?;
        found.set_item("unit", spectrum.unit)?;
    } else {
        return Ok(None);
    }
    Ok(Some(found))
}

fn maxwellian(found: &Bound<'_, PyDict>, own: &MaxwellianCoefficients) -> PyResult<()> {
    let gaussian = own.gaussian();
    let moments = own.moments_over_velocity_space();
    set_frame(found, &gaussian.frame)?;
    let covariance = moments.pressure.as_flattened().iter().map(|p| p / moments.density).collect();
    found.set_item("peak", gaussian.peak)?;
    found.set_item("density", moments.density)?;
    found.set_item("covariance", rows(found.py(), covariance, 3)?)
}

fn hermite(found: &Bound<'_, PyDict>, own: &HermiteCoefficients) -> PyResult<()> {
    let py = found.py();
    let [mx, my, mz] = own.orders();
    let (mut cube, mut terms) = (vec![0.0; mx * my * mz], Vec::new());
    for ([a, b, c], amplitude) in own.terms() {
        terms.extend([a, b, c].map(|degree| degree as i64));
        if let Some(place) = cube.get_mut((a * my + b) * mz + c) {
            *place = amplitude;
        }
    }
    set_frame(found, own.frame())?;
    found.set_item("orders", own.orders())?;
    found.set_item("coef", PyArray1::from_vec(py, cube).reshape([mx, my, mz])?)?;
    found.set_item("terms", rows(py, terms, 3)?)
}

fn spherical(found: &Bound<'_, PyDict>, own: &SphericalCoefficients) -> PyResult<()> {
    let py = found.py();
    let (mut terms, mut amplitudes) = (Vec::new(), Vec::new());
    for (shell, (l, m), amplitude) in own.terms() {
        terms.extend([shell as i64, l as i64, m as i64]);
        amplitudes.push(amplitude);
    }
    found.set_item("centre", numbers(py, &own.centre()))?;
    found.set_item("degrees", own.degrees().map(|degree| degree.map_or(-1, |l| l as i64)).collect::<Vec<_>>())?;
    found.set_item("coef", PyArray1::from_vec(py, amplitudes))?;
    found.set_item("terms", rows(py, terms, 3)?)
}

fn mixture(found: &Bound<'_, PyDict>, own: &MixtureCoefficients) -> PyResult<()> {
    let py = found.py();
    let components = own.components();
    let all = |of: &dyn Fn(&vdf_basis::MixtureComponent) -> Vec<f64>| components.iter().flat_map(of).collect();
    let count = components.len();
    found.set_item("densities", PyArray1::from_vec(py, all(&|component| vec![component.density])))?;
    found.set_item("means", rows(py, all(&|component| component.frame.centre.to_vec()), 3)?)?;
    found.set_item("widths", rows(py, all(&|component| component.frame.scales.to_vec()), 3)?)?;
    let covariances = PyArray1::from_vec(py, all(&|component| component.covariance().as_flattened().to_vec()));
    found.set_item("covariances", covariances.reshape([count, 3, 3])?)?;
    let axes = PyArray1::from_vec(py, all(&|component| component.frame.axes().as_flattened().to_vec()));
    found.set_item("axes", axes.reshape([count, 3, 3])?)?;
    found.set_item("kappa", own.kappa())
}

fn octree(found: &Bound<'_, PyDict>, own: &OctreeCoefficients) -> PyResult<()> {
    let py = found.py();
    let leaves = own.leaves();
    let edges = |leaf: &OctreeLeaf<'_>| leaf.cells.each_ref().map(|cells| [cells.start as i64, cells.end as i64]);
    let boxes: Vec<i64> = leaves.iter().flat_map(|leaf| edges(leaf).as_flattened().to_vec()).collect();
    let model = |leaf: &OctreeLeaf<'_>| match leaf.model {
        LeafModel::Empty => ("empty", 0),
        LeafModel::Polynomial(degree) => ("polynomial", degree),
        LeafModel::Exponential(degree) => ("exponential", degree),
        LeafModel::Cells => ("cells", 0),
    };
    found.set_item("boxes", boxes.to_pyarray(py).reshape([leaves.len(), 3, 2])?)?;
    found.set_item("models", leaves.iter().map(model).collect::<Vec<_>>())?;
    found.set_item("sizes", leaves.iter().map(|leaf| leaf.numbers.len()).collect::<Vec<_>>())?;
    let coefficients = leaves.iter().flat_map(|leaf| leaf.numbers.iter().copied()).collect();
    found.set_item("coef", PyArray1::from_vec(py, coefficients))
}

fn cosine(found: &Bound<'_, PyDict>, own: &CosineCoefficients) -> PyResult<()> {
    let py = found.py();
    let (mut terms, mut amplitudes) = (Vec::new(), Vec::new());
    for (block, degrees, amplitude) in own.terms() {
        terms.extend(block.into_iter().chain(degrees).map(|number| number as i64));
        amplitudes.push(amplitude);
    }
    found.set_item("coef", PyArray1::from_vec(py, amplitudes))?;
    found.set_item("terms", rows(py, terms, 6)?)
}

fn wavelet(found: &Bound<'_, PyDict>, own: &WaveletCoefficients) -> PyResult<()> {
    found.set_item("coef", PyArray1::from_vec(found.py(), own.to_dense()))?;
    found.set_item("step", own.step())
}

fn pca(found: &Bound<'_, PyDict>, own: &PcaCoefficients) -> PyResult<()> {
    let py = found.py();
    let cells = own.mean().len();
    let count = own.components().len();
    let components: Vec<f64> = own.components().flatten().copied().collect();
    let scores: Vec<f64> = own.scores().flatten().copied().collect();
    let slices = scores.len() / count.max(1);
    found.set_item("mean", numbers(py, own.mean()))?;
    found.set_item("components", PyArray1::from_vec(py, components).reshape([count, cells])?)?;
    found.set_item("scores", PyArray1::from_vec(py, scores).reshape([count, slices])?)?;
    found.set_item("floor", own.floor())
}

/// Centre, widths, and the axes that the widths belong to, one a row.
fn set_frame(found: &Bound<'_, PyDict>, frame: &Frame) -> PyResult<()> {
    let py = found.py();
    found.set_item("centre", numbers(py, &frame.centre))?;
    found.set_item("widths", numbers(py, &frame.scales))?;
    found.set_item("axes", rows(py, frame.axes().as_flattened().to_vec(), 3)?)
}

/// Numbers as an array of two axes.
fn rows<T: numpy::Element>(py: Python<'_>, numbers: Vec<T>, columns: usize) -> PyResult<Bound<'_, PyArray2<T>>> {
    let count = numbers.len() / columns.max(1);
    PyArray1::from_vec(py, numbers).reshape([count, columns])
}
