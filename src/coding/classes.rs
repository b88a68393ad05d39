//! Logarithmic classes of numbers, for contexts: one class for each small number, then a fixed number of classes per
//! octave (factor of 2).

/// Number of classes of [`class`]: those up to its largest sum, 768.
pub(crate) const CLASSES: usize = 20;
/// Number of classes of [`fine_class`]: those up to its largest sum, 7168.
pub(crate) const FINE_CLASSES: usize = 48;

/// Class of a sum, with two classes per octave.
#[inline(always)]
pub(crate) fn class(sum: u32) -> usize {
    const TABLE: [u8; 3 << 8 | 1] = classes(2);
    usize::from(TABLE[(sum as usize).min(TABLE.len() - 1)])
}

/// Class of a sum, with four classes per octave.
#[inline(always)]
pub(crate) fn fine_class(sum: u32) -> usize {
    const TABLE: [u8; 7 << 10 | 1] = classes(4);
    usize::from(TABLE[(sum as usize).min(TABLE.len() - 1)])
}

/// Table of the classes of the sums below `N`, `per_octave` of them per octave: with k = ⌊log₂(sum / per_octave)⌋ the
/// class is k · per_octave + ⌊sum / 2ᵏ⌋; sums below 2 `per_octave` are their own class.
const fn classes<const N: usize>(per_octave: usize) -> [u8; N] {
    let mut classes = [0; N];
    let mut sum = 0;
    while sum < N {
        let log = if sum < 2 * per_octave { 0 } else { (sum / per_octave).ilog2() as usize };
        classes[sum] = (log * per_octave + (sum >> log)) as u8;
        sum += 1;
    }
    classes
}

/// Indices of a box in C order.
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
