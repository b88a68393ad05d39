//! Cell ids as arithmetic progressions, which the ids of a simulation's cells mostly are.

use super::chunk::{put, put_signed, take, take_signed};

/// Ids `first`, `first + stride`, … of `count` cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    first: u64,
    stride: i64,
    count: u64,
}

impl Run {
    fn id(&self, index: u64) -> Option<u64> {
        let offset = i64::try_from(index).ok()?.checked_mul(self.stride)?;
        self.first.checked_add_signed(offset)
    }

    fn ids(self) -> impl Iterator<Item = u64> {
        (0..self.count).filter_map(move |index| self.id(index))
    }

    /// The last position of a cell in this run.
    fn position(&self, cell: u64) -> Option<u64> {
        let distance = i128::from(cell) - i128::from(self.first);
        if self.stride == 0 {
            return if distance == 0 { self.count.checked_sub(1) } else { None };
        }
        let stride = i128::from(self.stride);
        let index = u64::try_from(distance / stride).ok()?;
        (distance % stride == 0 && index < self.count).then_some(index)
    }
}

/// The ids of the cells of one group, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runs {
    runs: Vec<Run>,
    count: usize,
}

impl Runs {
    pub(super) fn of(cells: &[u64]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for &cell in cells {
            // A second cell sets the stride, whatever it is; a later one must fit.
            if let Some(run) = runs.last_mut() {
                if run.count == 1
                    && let Ok(stride) = i64::try_from(i128::from(cell) - i128::from(run.first))
                {
                    (run.stride, run.count) = (stride, 2);
                    continue;
                }
                if run.id(run.count) == Some(cell) {
                    run.count += 1;
                    continue;
                }
            }
            runs.push(Run { first: cell, stride: 0, count: 1 });
        }
        Self { runs, count: cells.len() }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().flat_map(|run| run.ids())
    }

    /// The position of a cell in the group; the last of a cell that is there twice.
    pub(super) fn position(&self, cell: u64) -> Option<usize> {
        let mut end = self.count as u64;
        for run in self.runs.iter().rev() {
            let begin = end - run.count;
            if let Some(index) = run.position(cell) {
                return usize::try_from(begin + index).ok();
            }
            end = begin;
        }
        None
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.runs.len() as u64);
        let mut last = 0_u64;
        for run in &self.runs {
            put_signed(bytes, run.first.wrapping_sub(last) as i64);
            put(bytes, run.count);
            put_signed(bytes, run.stride);
            last = run.first;
        }
    }

    /// Takes the ids of at most `most` cells from the front of some bytes; `None` if there are none, or more.
    pub(super) fn take(bytes: &mut &[u8], most: usize) -> Option<Self> {
        let runs = usize::try_from(take(bytes)?).ok().filter(|&runs| runs <= most)?;
        let (mut found, mut last, mut count) = (Vec::new(), 0_u64, 0_usize);
        for _ in 0..runs {
            let first = last.wrapping_add(take_signed(bytes)? as u64);
            let run = Run { first, count: take(bytes)?, stride: take_signed(bytes)? };
            count = count.checked_add(usize::try_from(run.count).ok()?).filter(|&count| count <= most)?;
            // Every id must be a number, so that as many ids are found as counted.
            run.count.checked_sub(1).and_then(|last| run.id(last))?;
            found.push(run);
            last = first;
        }
        Some(Self { runs: found, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_in_order_and_regular_ones_take_few_bytes() {
        let regular: Vec<u64> = (0..32).map(|k| 1 + 50 * k).collect();
        let falling: Vec<u64> = (0..32).map(|k| 1000 - k).collect();
        let mixed = vec![7, 3, 3 + (1 << 60), u64::MAX, 0, 1, 2, 3, 9, 9];
        for (cells, most) in [(regular, 4), (falling, 5), (mixed, 80), (vec![], 1), (vec![5], 4)] {
            let runs = Runs::of(&cells);
            let mut bytes = Vec::new();
            runs.put(&mut bytes);
            assert!(bytes.len() <= most, "{cells:?}: {}", bytes.len());
            let read = Runs::take(&mut &bytes[..], cells.len()).unwrap();
            assert!(read == runs && read.ids().eq(cells.iter().copied()) && read.count() == cells.len());
            assert!(cells.is_empty() || Runs::take(&mut &bytes[..], cells.len() - 1).is_none());
            for &cell in &cells {
                assert_eq!(read.position(cell), cells.iter().rposition(|&other| other == cell), "{cells:?}: {cell}");
            }
            assert_eq!(read.position(12_345), None);
        }
    }
}
