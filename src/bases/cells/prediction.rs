//! Prediction of a cell from those coded before it, in logarithms.
//!
//! Each of several predictors extrapolates: along an axis by a line or a parabola, in a plane of two axes and as the mean of the three planes, in all three axes
//! (Lorenzo predictor, Ibarria et al. 2003, Comput. Graph. Forum 22, 343). Their mean is taken, each weighted by the inverse
//! fourth power of its errors in the cells around: nearly the best of them where one is much better, and an average where
//! noise makes all equal.
//!
//! Only four planes are held: three before and the one that is coded.

/// Number of predictors: a multiple of four, so that vector instructions sum their errors.
pub(super) const PREDICTORS: usize = 12;
/// Planes, rows and cells before that predictors reach.
const BEFORE: usize = 3;
/// Rows and cells after it.
const AFTER: usize = 1;
/// Cells whose errors weigh the predictors, and whose sizes are contexts; the nearest three first.
pub(super) const AROUND: usize = 9;

/// The facts about a coded cell that the coding of later cells uses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Logarithm of its magnitude; of an empty cell the mean of its neighbours.
    pub(super) logarithm: f64,
    /// Error of each predictor, in units of the last place.
    pub(super) errors: [f32; PREDICTORS],
    /// Size of the residual, in the same unit.
    pub(super) size: f32,
    /// Sign of the residual.
    pub(super) sign: i8,
    pub(super) is_occupied: bool,
    pub(super) is_negative: bool,
}

/// The cells coded last.
pub(super) struct Window {
    places: Vec<Place>,
    strides: [usize; 3],
    /// Index of the cell that is coded.
    at: usize,
}

/// The prediction of a cell.
pub(super) struct Prediction {
    /// The logarithm that all predictors together give.
    pub(super) logarithm: f64,
    /// The logarithm that each predictor gives.
    each: [f64; PREDICTORS],
    /// Smallest error of a predictor around, summed.
    pub(super) smallest_error: f64,
}

impl Prediction {
    /// Sum of the distances of the first predictors from the prediction.
    pub(super) fn spread(&self) -> f64 {
        self.each[..4].iter().map(|each| (each - self.logarithm).abs()).sum()
    }

    /// Error of each predictor, where `unit` units of the last place are a logarithm of 1.
    pub(super) fn errors(&self, logarithm: f64, unit: f64) -> [f32; PREDICTORS] {
        self.each.map(|each| ((each - logarithm).abs() * unit) as f32)
    }
}

impl Window {
    pub(super) fn new([_, ny, nz]: [usize; 3]) -> Self {
        let row = nz + BEFORE + AFTER;
        let plane = (ny + BEFORE + AFTER) * row;
        Self { places: vec![Place::default(); (BEFORE + 1) * plane], strides: [plane, row, 1], at: 0 }
    }

    /// Goes to a cell of the last plane.
    #[inline(always)]
    pub(super) fn go_to(&mut self, [y, z]: [usize; 2]) {
        let [plane, row, _] = self.strides;
        self.at = BEFORE * plane + (y + BEFORE) * row + z + BEFORE;
    }

    /// Makes room for the next plane.
    pub(super) fn end_plane(&mut self) {
        let plane = self.strides[0];
        self.places.copy_within(plane.., 0);
        self.places[BEFORE * plane..].fill(Place::default());
    }

    /// Stores the cell that is coded.
    #[inline(always)]
    pub(super) fn set(&mut self, place: Place) {
        self.places[self.at] = place;
    }

    /// The cell so many planes, rows and cells before; rows and cells after it in planes and rows before.
    #[inline(always)]
    pub(super) fn before(&self, [x, y, z]: [isize; 3]) -> &Place {
        let [plane, row, _] = self.strides.map(|stride| stride as isize);
        &self.places[(self.at as isize - x * plane - y * row - z) as usize]
    }

    /// The cells around that are coded before, the three next to it first.
    #[inline(always)]
    pub(super) fn around(&self) -> [&Place; AROUND] {
        const OFFSETS: [[isize; 3]; AROUND] =
            [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, -1, 0], [1, 0, -1], [0, 1, -1]];
        OFFSETS.map(|offset| self.before(offset))
    }

    /// Mean logarithm of the three cells next to it.
    #[inline(always)]
    pub(super) fn mean(&self) -> f64 {
        let [x, y, z] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(|offset| self.before(offset).logarithm);
        (x + y + z) * (1.0 / 3.0)
    }

    #[inline(always)]
    pub(super) fn predict(&self) -> Prediction {
        let near = |offset| self.before(offset).logarithm;
        let [x, y, z] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(near);
        let [xy, xz, yz] = [[1, 1, 0], [1, 0, 1], [0, 1, 1]].map(near);
        let [xx, yy, zz] = [[2, 0, 0], [0, 2, 0], [0, 0, 2]].map(near);
        let [xxx, yyy, zzz] = [[3, 0, 0], [0, 3, 0], [0, 0, 3]].map(near);
        let each: [f64; PREDICTORS] = [
            x + y + z - xy - xz - yz + near([1, 1, 1]),
            x + y - xy,
            x + z - xz,
            y + z - yz,
            2.0 * x - xx,
            2.0 * y - yy,
            2.0 * z - zz,
            3.0 * (x - xx) + xxx,
            3.0 * (y - yy) + yyy,
            3.0 * (z - zz) + zzz,
            (x + y + z) * (1.0 / 3.0),
            (2.0 * (x + y + z) - xy - xz - yz) * (1.0 / 3.0),
        ];
        let mut errors = [0_f32; PREDICTORS];
        for place in self.around() {
            errors.iter_mut().zip(&place.errors).for_each(|(sum, error)| *sum += error);
        }
        let (mut weights, mut sum, mut smallest_error) = (0.0, 0.0, f64::INFINITY);
        for (each, error) in each.iter().zip(errors) {
            // One unit of the last place more, so that no weight is infinite.
            let error = f64::from(error) + 1.0;
            let inverse = 1.0 / (error * error);
            weights += inverse * inverse;
            sum += inverse * inverse * each;
            smallest_error = if error < smallest_error { error } else { smallest_error };
        }
        Prediction { logarithm: sum / weights, each, smallest_error }
    }
}
