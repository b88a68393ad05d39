//! Mixtures that are coded after those of other distributions.

use super::*;
use crate::coding::{Coder, Resolution};

/// Mixtures that change from one distribution to the next, and lose and gain a component; then another grid.
fn generations(kind: Covariance) -> Vec<(VelocityGrid, MixtureCoefficients)> {
    let grid = VelocityGrid::new([40, 36, 30], [-6e5, -5e5, -7e5], [3e4, 3.3e4, 4e4]).unwrap();
    let coarse = VelocityGrid::new([21, 18, 20], [-7e5, -5e5, -7e5], [6e4, 6.6e4, 7e4]).unwrap();
    let component = |k: usize, t: f64| {
        let x = k as f64;
        let scales = [9e4 + 1e4 * x + 2e3 * t, 6e4 + 5e3 * x, 1.2e5 - 1e4 * x + 1e3 * t];
        let centre = [1e5 * x - 3e5 + 4e3 * t, 2e4 * x * x - 1e5, -5e4 * x + 1e3 * t];
        let frame = Frame { centre, rotation: Some([0.3 + 0.01 * t, 0.1 * x, -0.2]), scales };
        MixtureComponent { density: 1e6 / (1.0 + x) * (1.0 + 0.02 * t), frame }
    };
    let mixture = |members: &[usize], t: f64| {
        let components = members.iter().map(|&k| component(k, t)).collect();
        MixtureCoefficients::new(kind, None, components).unwrap()
    };
    let fine = [(&[0, 1, 2, 3, 4][..], 0.0), (&[0, 1, 2, 3, 4], 1.0), (&[0, 2, 3, 4], 2.0), (&[0, 1, 2, 3, 4, 5], 3.0)];
    let mut all: Vec<_> = fine.map(|(members, t)| (grid, mixture(members, t))).into();
    all.push((coarse, mixture(&[1, 2, 4], 4.0)));
    all
}

fn code(basis: &Mixture, coder: &mut Coder<'_>, resolution: Resolution, given: bool) -> Vec<MixtureCoefficients> {
    let each = |(grid, coefficients): (VelocityGrid, MixtureCoefficients)| {
        let mut coefficients = if given { coefficients } else { basis.blank(&grid) };
        basis.code(&mut coefficients, &grid, resolution, coder).unwrap();
        coefficients
    };
    generations(basis.covariance).into_iter().map(each).collect()
}

#[test]
fn descendants_come_back_as_from_streams_of_their_own_and_take_fewer_bytes() {
    for kind in KINDS {
        let basis = Mixture::new(8).unwrap().with_covariance(kind).unwrap();
        for resolution in [Resolution::Step(1e-15), Resolution::Step(1e-12), Resolution::Exact] {
            let mut writer = Coder::writing().remembering();
            let written = code(&basis, &mut writer, resolution, true);
            let together = writer.finish();
            let read = code(&basis, &mut Coder::reading(&together).remembering(), resolution, false);
            assert!(read == written, "{kind:?} {resolution:?}");
            let mut alone = 0;
            for ((grid, mut coefficients), written) in generations(kind).into_iter().zip(written) {
                let mut writer = Coder::writing();
                basis.code(&mut coefficients, &grid, resolution, &mut writer).unwrap();
                alone += writer.finish().len();
                assert!(coefficients == written, "{kind:?} {resolution:?}");
            }
            if matches!(kind, Covariance::Full | Covariance::Diagonal) && resolution.step().is_some() {
                assert!(together.len() * 6 < alone * 5, "{kind:?} {resolution:?}: {} of {alone}", together.len());
            }
        }
    }
}

#[test]
fn damaged_descendants_are_refused_or_are_others() {
    let basis = Mixture::new(8).unwrap();
    let mut writer = Coder::writing().remembering();
    code(&basis, &mut writer, Resolution::Step(1e-13), true);
    let bytes = writer.finish();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            let mut reader = Coder::reading(&damaged).remembering();
            for (grid, _) in generations(basis.covariance) {
                let mut coefficients = basis.blank(&grid);
                if basis.code(&mut coefficients, &grid, Resolution::Step(1e-13), &mut reader).is_err() {
                    break;
                }
                assert!(coefficients.components().len() <= Mixture::MAX_COMPONENTS);
            }
        }
    }
}
