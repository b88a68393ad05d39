//! The weighted fit of logarithms in every box: its fields, and its normal equations by total degree.

use super::super::intervals::Interval;
use super::super::polynomials::terms;
use super::super::projection::{Projection, Tables, pair, pairs};

/// The fields of the weighted fit of logarithms: w, w ln f and w ln² f with w = f².
#[derive(Debug, Default)]
pub(super) struct LogFields {
    weights: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl LogFields {
    /// Values below `floor` count as `floor`.
    pub fn new(values: &[f64], floor: f64) -> Self {
        let mut fields = Self::default();
        for &f in values {
            let f = f.max(floor);
            let (w, ln) = (f * f, f.ln());
            fields.weights.push(w);
            fields.first.push(w * ln);
            fields.second.push(w * ln * ln);
        }
        fields
    }
}

/// The sums of these fields over one box, and the fit to them.
pub(super) struct LogSurvey<'a> {
    weights: Projection<'a>,
    first: Projection<'a>,
    second: Projection<'a>,
    system: LogSystem,
    range: [usize; 2],
}

impl<'a> LogSurvey<'a> {
    pub fn new(
        fields: &'a LogFields,
        shape: [usize; 3],
        ones: [&'a Tables; 3],
        chebyshev: [&'a Tables; 3],
        system: &LogSystem,
        range: [usize; 2],
    ) -> Self {
        Self {
            weights: Projection::new(&fields.weights, shape, chebyshev, 2 * range[1], false),
            first: Projection::new(&fields.first, shape, chebyshev, range[1], false),
            second: Projection::new(&fields.second, shape, ones, 0, false),
            system: system.clone(),
            range,
        }
    }

    #[inline(always)]
    pub fn along_x(&mut self, interval: Interval) {
        [&mut self.weights, &mut self.first, &mut self.second].into_iter().for_each(|p| p.along_x(interval));
    }

    #[inline(always)]
    pub fn along_y(&mut self, interval: Interval) {
        [&mut self.weights, &mut self.first, &mut self.second].into_iter().for_each(|p| p.along_y(interval));
    }

    #[inline(always)]
    pub fn along_z(&mut self, interval: Interval) {
        [&mut self.weights, &mut self.first, &mut self.second].into_iter().for_each(|p| p.along_z(interval));
    }

    /// Gives the error of every degree of the range.
    #[inline(always)]
    pub fn errors(&mut self, put: impl FnMut(f64)) {
        let square = self.second.sum([0; 3]);
        self.system.errors(&self.weights, &self.first, square, self.range, put);
    }
}

/// The normal equations of the weighted fit in Chebyshev polynomials, by total degree.
#[derive(Clone)]
pub(super) struct LogSystem {
    terms: Vec<[usize; 3]>,
    /// For each pair of terms s ≥ t, row by row, where the eight sums are whose mean is the sum of w T_s T_t.
    places: Vec<[u32; 8]>,
    /// The lower triangle, row by row, then its Cholesky factor.
    factor: Vec<f64>,
    right: Vec<f64>,
}

impl LogSystem {
    pub fn new(degree: usize) -> Self {
        let terms: Vec<_> = terms(degree, [usize::MAX; 3]).collect();
        let stride = pairs(2 * degree);
        let mut places = Vec::new();
        for (s, a) in terms.iter().enumerate() {
            for b in &terms[..=s] {
                // T_i T_j = ½ (T_(i+j) + T_|i−j|).
                places.push(std::array::from_fn(|corner| {
                    let [i, j, k]: [usize; 3] = std::array::from_fn(|axis| {
                        if corner >> axis & 1 == 0 { a[axis] + b[axis] } else { a[axis].abs_diff(b[axis]) }
                    });
                    (k * stride + pair(i, j)) as u32
                }));
            }
        }
        Self { factor: vec![0.0; places.len()], right: vec![0.0; terms.len()], terms, places }
    }

    /// Σ w ln² f less what each degree explains of it, by the Cholesky factor, which grows by a row a term.
    #[inline(always)]
    fn errors(
        &mut self,
        weights: &Projection<'_>,
        first: &Projection<'_>,
        square: f64,
        [lowest, highest]: [usize; 2],
        mut put: impl FnMut(f64),
    ) {
        let mut left = square;
        let mut row = 0;
        let mut s = 0;
        for degree in 0..=highest {
            while s < self.terms.len() && self.terms[s].iter().sum::<usize>() == degree {
                let mut right = first.sum(self.terms[s]);
                let mut start = 0;
                let mut diagonal = 0.0;
                for t in 0..=s {
                    let places = &self.places[row + t];
                    let mut entry = 0.125 * places.iter().map(|&place| weights.sums[place as usize]).sum::<f64>();
                    if t == s {
                        diagonal = entry;
                    }
                    let (done, open) = self.factor.split_at_mut(row);
                    for (a, b) in open[..t].iter().zip(if t == s { &[] } else { &done[start..start + t] }) {
                        entry -= a * b;
                    }
                    if t == s {
                        entry -= open[..s].iter().map(|a| a * a).sum::<f64>();
                        // A direction that the weights do not see.
                        let pivot = if entry > 1e-12 * diagonal { entry.sqrt() } else { f64::INFINITY };
                        right -= open[..s].iter().zip(&self.right).map(|(a, y)| a * y).sum::<f64>();
                        open[s] = pivot;
                        self.right[s] = right / pivot;
                        left -= self.right[s] * self.right[s];
                    } else {
                        let pivot = done[start + t];
                        open[t] = entry / pivot;
                    }
                    start += t + 1;
                }
                row += s + 1;
                s += 1;
            }
            if degree >= lowest {
                put(if left > 1e-13 * square { left } else { 0.0 });
            }
        }
    }
}
