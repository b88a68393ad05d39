//! Distributions in the frame of a magnetic field, for pictures.

use vdf_basis::{Fidelity, FieldDirection, FieldFrame, Interpolation, Vdf, VelocityGrid};

/// Most cells along an axis of a picture.
const MOST_CELLS: f64 = 160.0;
/// Cells shown beyond the last one above the floor.
const MARGIN: f64 = 2.0;

/// The velocities along and across a field, from the bulk velocity of an original.
pub struct Turned {
    frame: FieldFrame,
    grid: VelocityGrid,
}

impl Turned {
    /// The frame of the first of some distributions on one grid, and a grid in it that holds all cells of any that are above
    /// the floor of the first.
    pub fn new<const N: usize>(vdfs: [&Vdf; N], field: FieldDirection) -> vdf_basis::Result<Self> {
        let original = vdfs[0];
        let frame = FieldFrame::new(field, original.moments().bulk_velocity)?;
        let (from, floor) = (original.grid(), Fidelity::default_floor(original));
        let narrowest = from.spacing().into_iter().fold(f64::INFINITY, f64::min);
        let mut held: Vec<[f64; 3]> = (0..from.cells())
            .filter(|index| vdfs.iter().any(|vdf| vdf.as_slice()[*index] > floor))
            .map(|index| from.index_of(index))
            .map(|cell| std::array::from_fn(|axis| from.centre(axis, cell[axis])))
            .collect();
        if held.is_empty() {
            held.extend([from.lower(), from.upper()]);
        }
        let mut ends = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
        for v in held {
            let place = field.components(std::array::from_fn(|axis| v[axis] - frame.centre()[axis]));
            for (axis, v) in place.into_iter().enumerate() {
                ends[0][axis] = ends[0][axis].min(v);
                ends[1][axis] = ends[1][axis].max(v);
            }
        }
        let lower: [f64; 3] = ends[0].map(|end| end - MARGIN * narrowest);
        let upper: [f64; 3] = ends[1].map(|end| end + MARGIN * narrowest);
        let cells = |axis: usize| ((upper[axis] - lower[axis]) / narrowest).ceil().clamp(1.0, MOST_CELLS) as usize;
        let grid = VelocityGrid::from_edges(std::array::from_fn(cells), lower, upper)?;
        Ok(Self { frame, grid })
    }

    /// A distribution in this frame. A cubic interpolation would leave holes of negative density beside steep flanks.
    pub fn turn(&self, vdf: &Vdf) -> vdf_basis::Result<Vdf> {
        vdf.in_field_frame(&self.frame, &self.grid, Interpolation::Linear)
    }

    /// The field, for the text of a picture.
    pub fn in_words(&self) -> String {
        let [x, y, z] = self.frame.field().along().map(|b| format!("{b:.2}").replace('-', "−"));
        format!("velocities from the bulk velocity, along b = ({x}, {y}, {z}) and across it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::{Sampling, Synthetic};

    #[test]
    fn all_that_is_above_the_floor_is_in_the_picture() {
        let grid = Synthetic::default_grid("beams", 24).unwrap();
        let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        let field = FieldDirection::new([1.0, -0.4, 0.2]).unwrap();
        let turned = Turned::new([&vdf], field).unwrap();
        let [f, g] = [vdf.moments(), turned.turn(&vdf).unwrap().moments()];
        assert!((g.density / f.density - 1.0).abs() < 2e-2, "{} {}", g.density, f.density);
        assert!((g.pressure[2][2] / f.about_field(field).parallel() - 1.0).abs() < 0.1);
        assert!(g.bulk_velocity.iter().all(|u| u.abs() < 0.02 * f.thermal_speed()));
        // Nothing at all, and one cell.
        let grid = VelocityGrid::unit([3, 1, 2]).unwrap();
        for values in [[0.0; 6], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]] {
            let vdf = Vdf::from_slice(grid, &values).unwrap();
            assert!(Turned::new([&vdf], field).unwrap().turn(&vdf).unwrap().as_slice().iter().all(|f| *f >= 0.0));
        }
    }
}
