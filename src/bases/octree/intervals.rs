//! The dyadic intervals of an axis: the axis, its halves, their halves, …
//!
//! They are numbered as a heap: 0 is the whole axis, 2i + 1 and 2i + 2 are the halves of i. A box is one interval of
//! each axis.

/// Cells `start .. start + len` of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub start: usize,
    pub len: usize,
}

/// All dyadic intervals of one axis down to some size.
#[derive(Debug, Clone)]
pub(super) struct Intervals {
    /// Numbered as a heap; complete, so that 2^(levels + 1) − 1 of them.
    pub all: Vec<Interval>,
}

/// The halves of an interval, the first being the longer; the cut is at a multiple of `unit` cells from the first cell of
/// the axis.
pub(super) fn halved(interval: Interval, unit: usize) -> [Interval; 2] {
    let units = interval.len.div_ceil(unit);
    let first = (units.div_ceil(2) * unit).min(interval.len);
    [
        Interval { start: interval.start, len: first },
        Interval { start: interval.start + first, len: interval.len - first },
    ]
}

impl Intervals {
    /// An axis of n cells, cut at multiples of `unit` as long as no interval gets fewer than `smallest` cells (or, the
    /// last, than are left).
    pub fn new(n: usize, unit: usize, smallest: usize) -> Self {
        let units = n.div_ceil(unit);
        let mut levels = 0;
        while units >> (levels + 1) >= smallest.div_ceil(unit).max(1) {
            levels += 1;
        }
        let mut all = vec![Interval { start: 0, len: n }];
        for index in 0..(1 << levels) - 1 {
            let halves = halved(all[index], unit);
            all.extend(halves);
        }
        Self { all }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The halves of an interval.
    #[inline(always)]
    pub fn halves(&self, index: usize) -> Option<[usize; 2]> {
        (2 * index + 2 < self.all.len()).then_some([2 * index + 1, 2 * index + 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_covers_the_axis_once() {
        for n in [1, 2, 3, 5, 12, 50, 56, 97, 200] {
            for (unit, smallest) in [(1, 1), (1, 3), (4, 3), (4, 8)] {
                let intervals = Intervals::new(n, unit, smallest);
                let levels = intervals.len().ilog2();
                assert_eq!(intervals.len(), (2 << levels) - 1);
                for level in 0..=levels {
                    let row = &intervals.all[(1 << level) - 1..(2 << level) - 1];
                    let mut next = 0;
                    for interval in row {
                        assert_eq!((interval.start, interval.start % unit), (next, 0));
                        assert!(
                            interval.len > 0 && (level == 0 || interval.len.div_ceil(unit) * unit >= smallest),
                            "{n}"
                        );
                        next += interval.len;
                    }
                    assert_eq!(next, n);
                }
                for index in 0..intervals.len() {
                    if let Some(halves) = intervals.halves(index) {
                        assert_eq!(halved(intervals.all[index], unit), halves.map(|half| intervals.all[half]));
                    }
                }
            }
        }
    }
}
