//! Functions of the radius: piecewise cubic, four of them different from zero on every interval.

/// Four cubic polynomials on every interval between breaks: cubic B-splines, or whatever else is made of pieces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pieces {
    /// Ascending, from the origin outwards.
    breaks: Vec<f64>,
    /// On every interval, of each of the four functions the coefficients of t⁰ to t³, t from 0 to 1 along the interval.
    polynomials: Vec<[[f64; 4]; 4]>,
}

impl Pieces {
    pub(super) fn new(breaks: Vec<f64>, polynomials: Vec<[[f64; 4]; 4]>) -> Self {
        debug_assert_eq!(breaks.len(), polynomials.len() + 1);
        Self { breaks, polynomials }
    }

    /// The cubic B-splines with these breaks, each end a fourfold knot: spline j lives on intervals j − 3 to j, so that
    /// on interval i the four are i to i + 3. One more than two and the number of breaks.
    pub(super) fn splines(breaks: Vec<f64>) -> Self {
        let intervals = breaks.len() - 1;
        let knot = |k: usize| breaks[k.saturating_sub(3).min(intervals)];
        let polynomials = (0..intervals)
            .map(|i| {
                let (start, width, k) = (breaks[i], breaks[i + 1] - breaks[i], i + 3);
                // Cox's and de Boor's recurrence, on polynomials of t instead of numbers.
                let mut now = [[0.0; 4]; 4];
                now[3][0] = 1.0;
                for order in 1..4 {
                    let mut next = [[0.0; 4]; 4];
                    for (j, next) in (k - order..=k).zip(&mut next[3 - order..]) {
                        let slot = j + 3 - k;
                        let mut add = |piece: [f64; 4], constant: f64, slope: f64, span: f64| {
                            if span > 0.0 {
                                for power in 0..4 {
                                    next[power] += piece[power] * constant / span;
                                    if power > 0 {
                                        next[power] += piece[power - 1] * slope / span;
                                    }
                                }
                            }
                        };
                        add(now[slot], start - knot(j), width, knot(j + order) - knot(j));
                        if slot < 3 {
                            let far = knot(j + order + 1);
                            add(now[slot + 1], far - start, -width, far - knot(j + 1));
                        }
                    }
                    now = next;
                }
                now
            })
            .collect();
        Self { breaks, polynomials }
    }

    pub(super) fn breaks(&self) -> &[f64] {
        &self.breaks
    }

    pub(super) fn intervals(&self) -> usize {
        self.polynomials.len()
    }

    /// The coefficient of B-spline j in the power 0, 1 or 2 of the radius (Marsden's identity).
    pub(super) fn power(&self, j: usize, power: usize) -> f64 {
        let [a, b, c] = [1, 2, 3].map(|k| self.breaks[(j + k).saturating_sub(3).min(self.intervals())]);
        match power {
            0 => 1.0,
            1 => (a + b + c) / 3.0,
            _ => (a * b + a * c + b * c) / 3.0,
        }
    }

    /// The interval a radius lies in; none beyond the last break.
    pub(super) fn interval(&self, radius: f64) -> Option<usize> {
        let last = self.breaks[self.intervals()];
        // Rounding must not lose the outermost cells.
        if radius > last * (1.0 + 1e-12) {
            return None;
        }
        Some(self.breaks[1..self.intervals()].partition_point(|&end| end <= radius))
    }

    /// The four functions of an interval at a radius.
    #[inline]
    pub(super) fn values(&self, interval: usize, radius: f64) -> [f64; 4] {
        let (start, end) = (self.breaks[interval], self.breaks[interval + 1]);
        let t = (radius - start) / (end - start);
        self.polynomials[interval].map(|[a, b, c, d]| a + t * (b + t * (c + t * d)))
    }

    /// The derivatives of the four functions of an interval by the radius.
    #[inline]
    pub(super) fn slopes(&self, interval: usize, radius: f64) -> [f64; 4] {
        let (start, end) = (self.breaks[interval], self.breaks[interval + 1]);
        let t = (radius - start) / (end - start);
        self.polynomials[interval].map(|[_, b, c, d]| (b + t * (2.0 * c + 3.0 * t * d)) / (end - start))
    }

    /// ∫ R(r) r^power dr of each of the four functions of an interval.
    pub(super) fn integrals(&self, interval: usize, power: i32) -> [f64; 4] {
        // Gauss and Legendre's five nodes are exact to degree 9: a cubic times up to r⁶.
        let (nodes, weights) = super::sphere::gauss_legendre(5);
        let (start, end) = (self.breaks[interval], self.breaks[interval + 1]);
        let mut sums = [0.0; 4];
        for (x, weight) in nodes.into_iter().zip(weights) {
            let r = start + 0.5 * (x + 1.0) * (end - start);
            let factor = 0.5 * weight * (end - start) * r.powi(power);
            for (sum, value) in sums.iter_mut().zip(self.values(interval, r)) {
                *sum += factor * value;
            }
        }
        sums
    }
}

/// Breaks at equal steps up to `inner`, then one interval to `outer`, where that lies further out: what is beyond the
/// inner radius is thin, and the sphere there no longer whole. `functions` is the number of splines but the first.
pub(super) fn breaks(inner: f64, outer: f64, functions: usize) -> Vec<f64> {
    let intervals = functions.saturating_sub(2).max(1);
    let wide = inner < outer && intervals > 1;
    let steps = if wide { intervals - 1 } else { intervals };
    let end = if wide { inner } else { outer };
    let mut breaks: Vec<f64> = (0..=steps).map(|k| end * k as f64 / steps as f64).collect();
    if wide {
        breaks.push(outer);
    }
    breaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_add_up_and_hold_every_cubic() {
        let pieces = Pieces::splines(breaks(3.0, 7.5, 9));
        assert_eq!(pieces.intervals(), 7);
        let knot = |k: usize| pieces.breaks()[k.saturating_sub(3).min(7)];
        let cubed = |j: usize| knot(j + 1) * knot(j + 2) * knot(j + 3);
        for k in 0..=75 {
            let r = f64::from(k) * 0.1;
            let i = pieces.interval(r).unwrap();
            let values = pieces.values(i, r);
            let sum = |c: &dyn Fn(usize) -> f64| (0..4).map(|k| values[k] * c(i + k)).sum::<f64>();
            for power in 0..3 {
                assert!((sum(&|j| pieces.power(j, power)) - r.powi(power as i32)).abs() < 1e-13, "{r}");
            }
            assert!((sum(&cubed) - r.powi(3)).abs() < 1e-12 && values.iter().all(|v| *v > -1e-15), "{r}");
        }
        assert_eq!(pieces.interval(7.6), None);
        let total: f64 = (0..7).map(|i| pieces.integrals(i, 4).iter().sum::<f64>()).sum();
        assert!((total - 7.5f64.powi(5) / 5.0).abs() < 1e-10);
    }
}
