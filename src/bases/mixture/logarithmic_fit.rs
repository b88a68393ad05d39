//! Fit of a mixture to the logarithm of a distribution: one component after another is inserted at the largest residual
//! of the logarithm, and all are refitted.

use nalgebra::Matrix3;

use super::cells::Cells;
use super::fit::MixtureReport;
use super::logarithm::{refine, residuals};
use super::logarithm_samples::Samples;
use super::member::Member;
use super::search::{Found, Search};
use super::{Mixture, MixtureCoefficients, NAME};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::lanes::Lanes;
use crate::numerics::levenberg_marquardt::LevenbergMarquardt;

/// Steps after each insertion, on a part of the cells: enough for the new component to take its shape.
const STEPS_PER_INSERTION: usize = 10;
/// Relative change of the sum of squares below which a search ends.
const COST_TOLERANCE: f64 = 1e-3;
/// Maximum steps of the last search on a part of the cells, and on all.
const LAST_STEPS: [usize; 2] = [40, 15];
/// Root mean square of the residuals at which insertion ends: rounding errors are left.
const EXACT: f64 = 1e-9;
/// Part of the floor below which the peak of a component in the cells makes it useless.
const MIN_PEAK: f64 = 1e-2;

impl Mixture {
    /// Fits the logarithm above the floor, from given components or from none.
    pub(super) fn fit_logarithm(&self, vdf: &Vdf, start: Vec<Member>) -> Result<(MixtureCoefficients, MixtureReport)> {
        let cells = Cells::new(NAME, vdf)?;
        let search = self.search(&cells);
        let floor = self.floor.of(vdf, NAME)? * cells.factor;
        let largest = self.components.min(cells.positive);
        let samples = self.samples.unwrap_or(cells.effective).max(2.0);
        let found = search.in_logarithm(start, largest, floor);
        let (mut coefficients, report) = self.report(&search, found, samples)?;
        coefficients.components.sort_by(|a, b| self.norm(b, vdf.grid()).total_cmp(&self.norm(a, vdf.grid())));
        Ok((coefficients, report))
    }
}

impl Search<'_> {
    fn in_logarithm(&self, start: Vec<Member>, largest: usize, floor: f64) -> Found {
        let all = Samples::all(self.cells, floor);
        let some = Samples::enough(self.cells, floor);
        let (structure, profile) = (self.structure, self.profile);
        let fit = |samples: &Samples, members: &[Member], steps: usize, tolerance: f64| {
            let settings = LevenbergMarquardt::default().max_iterations(steps).cost_tolerance(tolerance);
            refine(self.cells, samples, members, structure, profile, &settings)
        };
        let useful =
            |members| super::residual::visible(self.cells, members, profile, MIN_PEAK * floor / self.cells.peak);
        let (mut members, mut refinement) = (start, None);
        let mut insertions = 2 * largest;
        while members.len() < largest && insertions > 0 {
            insertions -= 1;
            let (missing, error) = residuals(self.cells, &all, &members, structure, profile);
            if error < EXACT {
                break;
            }
            let Some(inserted) = self.logarithmic_insertion(&missing, &members, floor) else { break };
            members.push(inserted);
            let (refined, report) = fit(&some, &members, STEPS_PER_INSERTION, COST_TOLERANCE);
            members = useful(refined);
            refinement = Some(report);
        }
        let last = LAST_STEPS.map(|steps| steps.min(self.iterations));
        if !members.is_empty() {
            if some.stand_for(self.cells) > 1.0 {
                members = fit(&some, &members, last[0], COST_TOLERANCE).0;
            }
            let (refined, report) = fit(&all, &members, last[1], COST_TOLERANCE);
            members = useful(refined);
            refinement = Some(report);
        }
        Found { members, refinement, ..Found::default() }
    }

    /// A component for the largest residual of the logarithm. There the residual is like a e^{−d²/2w²} decades, and the
    /// density missing like (g + floor)(10^{a e^{−d²/2w²}} − 1), g the mixture: it has the curvature −1/w² · a ln 10 ·
    /// 10^a/(10^a − 1) relative to its peak.
    fn logarithmic_insertion(&self, missing: &[Lanes], members: &[Member], floor: f64) -> Option<Member> {
        let bump = self.insertion().best(self.cells, missing, &self.structure, self.profile)?;
        let volume = self.cells.scaling.cell_volume();
        // Decades of a residual are at most those of the data.
        let decades = bump.peak(self.profile, volume).clamp(1e-6, 12.0);
        let power = 10f64.powf(decades);
        let narrower = decades * std::f64::consts::LN_10 * power / (power - 1.0);
        let mut inserted = [Member { covariance: bump.covariance / narrower, ..bump }];
        self.structure.constrain(&mut inserted);
        let [Member { mean, covariance, .. }] = inserted;
        let there: f64 = members.iter().map(|member| value_at(member, &mean, self, volume)).sum();
        let peak = (there + floor) * (power - 1.0);
        Some(Member { mass: Member::mass_of(peak, &covariance, self.profile, volume), mean, covariance })
    }
}

/// Value of a component at a place.
fn value_at(member: &Member, place: &nalgebra::Vector3<f64>, search: &Search<'_>, volume: f64) -> f64 {
    let inverse = member.covariance.try_inverse().unwrap_or_else(Matrix3::zeros);
    let apart = place - member.mean;
    let q = apart.dot(&(inverse * apart));
    member.peak(search.profile, volume) * super::logarithm::slope_and_bare(search.profile, q).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basis::{Basis, Quantise, Stream};
    use crate::coding::{Coder, Resolution};
    use crate::distribution::fidelity::Fidelity;
    use crate::distribution::grid::VelocityGrid;
    use crate::{Error, MixtureSelection, Refine, Registry, laws};

    const FLOOR: f64 = 1e-16;

    /// A core, and a wide halo of a ten-thousandth of its peak.
    fn core_and_halo() -> Vdf {
        let bell = |v: [f64; 3], centre: f64, width: f64| {
            (-0.5 * v.iter().map(|v| ((v - centre) / width).powi(2)).sum::<f64>()).exp()
        };
        let grid = VelocityGrid::unit([24, 22, 23]).unwrap();
        Vdf::from_fn(grid, |v| 1e-11 * (bell(v, 10.3, 2.0) + 1e-4 * bell(v, 12.0, 5.0))).unwrap()
    }

    fn error(vdf: &Vdf, basis: &Mixture, coefficients: &MixtureCoefficients) -> f64 {
        let back = basis.reconstruct(coefficients, vdf.grid()).unwrap();
        Fidelity::compare_above(vdf, &back, FLOOR).unwrap().log10_rms
    }

    #[test]
    fn a_halo_counts_as_much_as_a_core() {
        let vdf = core_and_halo();
        let basis = Mixture::new(2).unwrap().above(FLOOR).unwrap();
        let (found, report) = basis.fit(&vdf).unwrap();
        let reached = error(&vdf, &basis, &found);
        assert!(reached < 1e-3, "{reached}");
        assert_eq!(report.components, 2);
        let [core, halo] = found.components() else { panic!("two components") };
        assert!((core.thermal_speed() - 2.0).abs() < 0.01 && (halo.thermal_speed() - 5.0).abs() < 0.05);
    }

    #[test]
    fn more_components_have_smaller_errors_of_the_logarithm() {
        let grid = crate::Synthetic::default_grid("gyrating-ring", 20).unwrap();
        let vdf = crate::Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Default::default()).unwrap();
        let mut last = f64::INFINITY;
        for components in [1, 3, 8] {
            let basis = Mixture::new(components).unwrap().above(1e-15).unwrap();
            let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap();
            let reached = Fidelity::compare_above(&vdf, &back, 1e-15).unwrap().log10_rms;
            assert!(reached < last, "{components}: {reached} after {last}");
            last = reached;
        }
        assert!(last < 0.2, "{last}");
    }

    #[test]
    fn rounding_costs_little_and_a_reader_gets_the_same() {
        let vdf = core_and_halo();
        let basis = Mixture::new(2).unwrap().above(FLOOR).unwrap();
        let found = basis.encode(&vdf).unwrap();
        let norm = vdf.as_slice().iter().map(|f| f * f).sum::<f64>().sqrt();
        for (part, most, bytes) in [(30.0, 0.3, 14), (3.0, 0.03, 22), (0.03, 2e-3, 40)] {
            let resolution = Resolution::Step(part * norm / (vdf.grid().cells() as f64).sqrt());
            let mut rounded = basis.rounded(&found, &vdf, resolution).unwrap();
            let mut coder = Coder::writing();
            let before = rounded.clone();
            basis.code(&mut rounded, vdf.grid(), resolution, &mut coder).unwrap();
            assert_eq!(rounded, before);
            let stream = coder.finish();
            let mut read = basis.blank(vdf.grid());
            basis.code(&mut read, vdf.grid(), resolution, &mut Coder::reading(&stream)).unwrap();
            assert_eq!(read, rounded);
            let reached = error(&vdf, &basis, &read);
            assert!(reached < most && stream.len() <= bytes, "{part}: {reached} in {} bytes", stream.len());
        }
    }

    #[test]
    fn the_laws_hold() {
        for spec in ["mixture:components=3,refine=log10", "mixture:components=2,covariance=tied,refine=log10"] {
            laws::all(&Registry::standard(), spec).unwrap();
        }
    }

    #[test]
    fn a_floor_above_the_peak_and_a_selection_are_refused() {
        let basis = Mixture::new(2).unwrap().above(1e-10).unwrap();
        assert!(matches!(basis.encode(&core_and_halo()), Err(Error::Degenerate { .. })));
        assert!(basis.with_selection(MixtureSelection::Bic).is_err());
        assert!(Mixture::new(2).unwrap().with_selection(MixtureSelection::Mml).unwrap().above(1e-15).is_err());
        assert!(Mixture::new(2).unwrap().above(0.0).is_err());
        assert_eq!(
            Mixture::new(2).unwrap().with_refine(Refine::Logarithm).to_string(),
            "mixture:components=2,refine=log10"
        );
    }

    #[test]
    fn a_fit_from_a_neighbour_is_as_good() {
        let vdf = core_and_halo();
        let basis = Mixture::new(2).unwrap().above(FLOOR).unwrap();
        let start = Mixture::new(1).unwrap().above(FLOOR).unwrap().encode(&vdf).unwrap();
        let (found, _) = basis.fit_from(&vdf, &start).unwrap();
        let reached = error(&vdf, &basis, &found);
        assert!(reached < 2e-3, "{reached}");
    }
}
