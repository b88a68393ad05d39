use super::*;

fn grid() -> VelocityGrid {
    VelocityGrid::new([40, 36, 30], [-6e5, -5e5, -7e5], [3e4, 3.3e4, 4e4]).unwrap()
}

fn gaussians() -> Vec<Gaussian> {
    let tilted = Frame { centre: [1e5, -2e5, 3e5], rotation: Some([0.3, -0.8, 1.9]), scales: [2e5, 5e4, 9e4] };
    let round = Frame { centre: [-3e5, 2e4, 1e4], rotation: Some([1e-3, 0.0, 0.2]), scales: [1e5, 1e5, 1e5] };
    let aligned = Frame::grid_aligned([9e5, 0.0, -1e4], [3e4, 2e5, 4e5]);
    vec![
        Gaussian { peak: 3e-13, frame: tilted },
        Gaussian { peak: -1e-13, frame: round },
        Gaussian { peak: 1e-14, frame: aligned },
    ]
}

fn code(coder: &mut Coder<'_>, given: Option<&[Gaussian]>, widths: Widths, resolution: Resolution) -> Vec<Gaussian> {
    let mut models = GaussianModels::default();
    let mut coded = given.map_or(vec![BLANK; 3], <[Gaussian]>::to_vec);
    coded.iter_mut().for_each(|gaussian| models.code(coder, gaussian, widths, &grid(), resolution).unwrap());
    coded
}

fn values(gaussian: &Gaussian) -> Vec<f64> {
    let axes = gaussian.frame.axes();
    let cells: [Vec<f64>; 3] = [0, 1, 2].map(|axis| grid().centres(axis));
    let mut values = Vec::new();
    for x in &cells[0] {
        for y in &cells[1] {
            for z in &cells[2] {
                let d = [x - gaussian.frame.centre[0], y - gaussian.frame.centre[1], z - gaussian.frame.centre[2]];
                let q: f64 = (0..3)
                    .map(|i| ((0..3).map(|j| axes[i][j] * d[j]).sum::<f64>() / gaussian.frame.scales[i]).powi(2))
                    .sum();
                values.push(gaussian.peak * (-0.5 * q).exp());
            }
        }
    }
    values
}

fn distance(a: &Gaussian, b: &Gaussian) -> f64 {
    values(a).iter().zip(values(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn what_is_written_is_read_and_rounding_is_a_projection() {
    for widths in [Widths::One, Widths::PerAxis, Widths::Full, Widths::AcrossAndAlong([1.0, 2.0, -1.0]), Widths::Same] {
        for resolution in [Resolution::Exact, Resolution::Step(1e-14), Resolution::Step(1e-18)] {
            let mut writer = Coder::writing();
            let written = code(&mut writer, Some(&gaussians()), widths, resolution);
            let bytes = writer.finish();
            let read = code(&mut Coder::reading(&bytes), None, widths, resolution);
            if matches!(resolution, Resolution::Step(_)) || widths == Widths::Full {
                assert_eq!(read, written, "{widths:?} {resolution:?}");
            }
            assert_eq!(code(&mut Coder::writing(), Some(&read), widths, resolution), read, "{widths:?} {resolution:?}");
        }
    }
    assert_eq!(code(&mut Coder::writing(), Some(&gaussians()), Widths::Full, Resolution::Exact), gaussians());
}

#[test]
fn every_number_is_rounded_as_finely_as_the_distribution_needs() {
    // Ten numbers off by up to half a step each: together at most half a step times the root of ten, if their
    // derivatives are orthogonal, as those of a Gaussian nearly are; and no finer than needed.
    for gaussian in &gaussians()[..2] {
        let step = 0.01 * norm(gaussian, &grid());
        let mut models = GaussianModels::default();
        let resolution = Resolution::Step(step);
        let mut rounded = *gaussian;
        models.code(&mut Coder::writing(), &mut rounded, Widths::Full, &grid(), resolution).unwrap();
        let error = distance(gaussian, &rounded) / step;
        assert!((0.3..1.7).contains(&error), "{error}");
    }
}
