//! Contexts from numbers of any size: a class for each of the small ones, then so many an octave.

/// Classes of [`class`].
pub(crate) const CLASSES: usize = 20;
/// Classes of [`fine_class`].
pub(crate) const FINE_CLASSES: usize = 48;

/// The class of a sum, two an octave.
#[inline(always)]
pub(crate) fn class(sum: u32) -> usize {
    const TABLE: [u8; 3 << 8 | 1] = classes(2);
    usize::from(TABLE[(sum as usize).min(TABLE.len() - 1)])
}

/// The class of a sum, four an octave.
#[inline(always)]
pub(crate) fn fine_class(sum: u32) -> usize {
    const TABLE: [u8; 7 << 10 | 1] = classes(4);
    usize::from(TABLE[(sum as usize).min(TABLE.len() - 1)])
}

/// Classes of the sums up to some sum, so many an octave where that many fit, one for each sum below.
const fn classes<const N: usize>(octave: usize) -> [u8; N] {
    let mut classes = [0; N];
    let mut sum = 0;
    while sum < N {
        let log = if sum < 2 * octave { 0 } else { (sum / octave).ilog2() as usize };
        classes[sum] = (log * octave + (sum >> log)) as u8;
        sum += 1;
    }
    classes
}

/// The places of a box in C order.
pub(crate) fn places(low: [usize; 3], high: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (low[0]..high[0]).flat_map(move |x| (low[1]..high[1]).flat_map(move |y| (low[2]..high[2]).map(move |z| [x, y, z])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_grow_without_gaps_and_by_octaves() {
        for (class, classes) in [(class as fn(u32) -> usize, CLASSES), (fine_class, FINE_CLASSES)] {
            let found: Vec<usize> = (0..9000).map(class).collect();
            assert!(found.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
            assert_eq!((found[0], found[8999]), (0, classes - 1));
        }
        assert_eq!([3, 4, 5, 6, 8, 12, 16, 767, 768].map(class), [3, 4, 4, 5, 6, 7, 8, 18, 19]);
        assert_eq!([7, 8, 9, 10, 16, 20, 7167, 7168].map(fine_class), [7, 8, 8, 9, 12, 13, 46, 47]);
    }
}
