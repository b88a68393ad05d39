//! Accurate sums: eight interleaved partial sums along a row, compensated addition of rows.
//!
//! The order of additions is fixed, so that results do not depend on vector width or threads.

const LANES: usize = 8;

/// N compensated sums: rounding errors are summed as well (Knuth's exact sum of two, TAOCP 2, 4.2.2; unlike Neumaier's
/// it has no branches, so that the N sums are vectorised).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompensatedSums<const N: usize> {
    sums: [f64; N],
    carries: [f64; N],
}

impl<const N: usize> CompensatedSums<N> {
    pub(crate) fn zero() -> Self {
        Self { sums: [0.0; N], carries: [0.0; N] }
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, terms: [f64; N]) {
        for ((sum, carry), term) in self.sums.iter_mut().zip(&mut self.carries).zip(terms) {
            let new = *sum + term;
            let added = new - *sum;
            *carry += (*sum - (new - added)) + (term - added);
            *sum = new;
        }
    }

    pub(crate) fn values(&self) -> [f64; N] {
        std::array::from_fn(|k| self.sums[k] + self.carries[k])
    }
}

/// Compensated sum: rounding errors are summed as well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompensatedSum(CompensatedSums<1>);

impl Default for CompensatedSum {
    fn default() -> Self {
        Self(CompensatedSums::zero())
    }
}

impl CompensatedSum {
    #[inline(always)]
    pub(crate) fn add(&mut self, term: f64) {
        self.0.add([term]);
    }

    pub(crate) fn value(self) -> f64 {
        self.0.values()[0]
    }
}

/// N sums Σ term(k) for k in 0..n, each by eight interleaved sums that are added pairwise.
#[inline(always)]
pub(crate) fn row_sums<const N: usize>(n: usize, term: impl Fn(usize) -> [f64; N]) -> [f64; N] {
    let mut lanes = [[0.0; LANES]; N];
    let full = n - n % LANES;
    for start in (0..full).step_by(LANES) {
        for lane in 0..LANES {
            let terms = term(start + lane);
            for (lanes, term) in lanes.iter_mut().zip(terms) {
                lanes[lane] += term;
            }
        }
    }
    for k in full..n {
        for (lanes, term) in lanes.iter_mut().zip(term(k)) {
            lanes[k - full] += term;
        }
    }
    lanes.map(|l| ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7])))
}

/// Compensated Σ term over all rows of length `row` of the paired slices.
pub(crate) fn paired_sum(a: &[f64], b: &[f64], row: usize, term: impl Fn(f64, f64) -> f64 + Copy) -> f64 {
    let mut sum = CompensatedSum::default();
    for (a, b) in a.chunks(row.max(1)).zip(b.chunks(row.max(1))) {
        let n = a.len().min(b.len());
        let (a, b) = (&a[..n], &b[..n]);
        let [row] = row_sums(n, |k| [term(a[k], b[k])]);
        sum.add(row);
    }
    sum.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let mut sum = CompensatedSum::default();
        for term in [1.0, 1e100, 1.0, -1e100] {
            sum.add(term);
        }
        assert_eq!(sum.value(), 2.0);
    }

    #[test]
    fn rows_of_every_length_are_summed_whole() {
        for n in 0..40 {
            let [count, sum] = row_sums(n, |k| [1.0, k as f64]);
            assert_eq!((count, sum), (n as f64, (0..n).sum::<usize>() as f64));
        }
    }
}
