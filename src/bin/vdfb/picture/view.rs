//! The parts of a distribution that are shown: the planes and lines through its peak, and the colours of its values.

use vdf_basis::{Fidelity, Vdf};

use super::axis::{Axis, FIELD_VELOCITIES, Units};
use super::scale::LogScale;

/// The axes of the planes shown: across, and up.
pub const PLANES: [[usize; 2]; 3] = [[0, 1], [0, 2], [1, 2]];

/// An original, and where to look at it and at its reconstructions.
pub struct View<'a> {
    /// Name of the distribution.
    pub name: &'a str,
    /// The original.
    pub original: &'a Vdf,
    /// The cell of its largest value.
    pub peak_cell: [usize; 3],
    /// Its largest absolute value.
    pub peak: f64,
    /// Its velocity axes.
    pub axes: [Axis; 3],
    /// Units of the axes and of the densities.
    pub units: Units,
    /// From the floor of the logarithmic error to the peak.
    pub scale: LogScale,
}

impl<'a> View<'a> {
    /// Looks at the peak of a distribution.
    pub fn new(name: &'a str, original: &'a Vdf) -> Self {
        let [_, ny, nz] = original.grid().shape();
        let values = original.as_slice();
        let cell = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or_default();
        Self {
            name,
            original,
            peak_cell: [cell / (ny * nz), cell / nz % ny, cell % nz],
            peak: original.peak(),
            axes: std::array::from_fn(|axis| Axis::of(original, axis)),
            units: Units::of(original.grid()),
            scale: LogScale::new(Fidelity::default_floor(original), original.peak()),
        }
    }

    /// This view of a distribution whose axes are the velocities across a magnetic field and along it.
    #[allow(dead_code, reason = "only the command calls it")]
    pub fn about_field(mut self) -> Self {
        self.axes.iter_mut().zip(FIELD_VELOCITIES).for_each(|(axis, name)| axis.name = name);
        self
    }

    /// Place along the third axis where the plane of the other two cuts it.
    pub fn cut(&self, plane: [usize; 2]) -> String {
        let through = 3 - plane[0] - plane[1];
        format!("{}, through the peak", self.axes[through].at(self.peak_cell[through]))
    }

    /// The number of cells along each axis.
    pub fn shape(&self) -> String {
        self.original.grid().shape().map(|cells| cells.to_string()).join(" × ")
    }

    /// The value in the plane through the peak spanned by two axes, at a cell of each.
    pub fn in_plane(&self, vdf: &Vdf, plane: [usize; 2], cells: [usize; 2]) -> f64 {
        let mut cell = self.peak_cell;
        cell[plane[0]] = cells[0];
        cell[plane[1]] = cells[1];
        vdf.values()[cell]
    }

    /// The values along an axis through the peak.
    pub fn profile(&self, vdf: &Vdf, axis: usize) -> Vec<f64> {
        let at = |index| {
            let mut cell = self.peak_cell;
            cell[axis] = index;
            vdf.values()[cell]
        };
        (0..self.axes[axis].cells).map(at).collect()
    }

    /// The largest difference in the planes shown, over the peak.
    pub fn largest_difference(&self, reconstruction: &Vdf) -> f64 {
        let mut largest: f64 = 0.0;
        for plane in PLANES {
            for a in 0..self.axes[plane[0]].cells {
                for b in 0..self.axes[plane[1]].cells {
                    largest = largest.max(self.difference(reconstruction, plane, [a, b]).abs());
                }
            }
        }
        largest
    }

    /// Reconstruction minus original over the peak.
    pub fn difference(&self, reconstruction: &Vdf, plane: [usize; 2], cells: [usize; 2]) -> f64 {
        let difference = self.in_plane(reconstruction, plane, cells) - self.in_plane(self.original, plane, cells);
        if difference == 0.0 { 0.0 } else { difference / self.peak }
    }

    /// The lengths of the three axes [px], in proportion where that leaves none shorter than a quarter of `longest`.
    pub fn lengths(&self, longest: f64) -> [f64; 3] {
        let spans = self.axes.map(|axis| axis.upper - axis.lower);
        let widest = spans.iter().copied().fold(0.0, f64::max);
        spans.map(|span| (longest * (span / widest).max(0.25)).round())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::VelocityGrid;

    #[test]
    fn planes_and_lines_pass_through_the_peak() {
        let mut values = vec![0.0; 24];
        values[17] = 4.0;
        let vdf = Vdf::from_vec(VelocityGrid::unit([2, 3, 4]).unwrap(), values).unwrap();
        let view = View::new("point", &vdf);
        assert_eq!((view.peak_cell, view.peak), ([1, 1, 1], 4.0));
        assert_eq!((view.cut([0, 2]), view.shape()), ("v_{y} = 1 cells, through the peak".into(), "2 × 3 × 4".into()));
        assert_eq!(view.profile(&vdf, 2), [0.0, 4.0, 0.0, 0.0]);
        assert_eq!(view.in_plane(&vdf, [0, 2], [1, 1]), 4.0);
        assert_eq!(view.largest_difference(&Vdf::zeros(*vdf.grid())), 1.0);
        assert_eq!(view.lengths(400.0), [200.0, 300.0, 400.0]);
    }
}
