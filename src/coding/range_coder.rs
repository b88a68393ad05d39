//! Binary range coder: an interval of 32 bits is narrowed bit by bit, and its leading bytes are written once they are
//! final.
//!
//! The method is that of Martin 1979 (Video & Data Recording Conference, Southampton); carries are handled as by
//! Schindler 1998 and in Pavlov's LZMA, by counting bytes of 0xff. Reading beyond the end reads zeros, so that a
//! stream may end as soon as zeros would follow.

/// Binary digits of a probability.
pub(super) const PROBABILITY_BITS: u32 = 16;

/// Width of the interval below which a byte is written and the interval is widened by 2⁸.
const MIN_RANGE: u32 = 1 << 24;

/// Encoder.
#[derive(Debug, Clone)]
pub(super) struct Encoder {
    low: u64,
    range: u32,
    /// Last byte that a carry may still change; the first one is not part of the stream.
    held: u8,
    /// Number of bytes of 0xff after it.
    held_ones: usize,
    begun: bool,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { low: 0, range: u32::MAX, held: 0, held_ones: 0, begun: false, bytes: Vec::new() }
    }

    /// Writes a bit whose probability of being 1 is `ones` / 2¹⁶, with 0 < `ones` < 2¹⁶.
    #[inline]
    pub(super) fn bit(&mut self, ones: u32, bit: bool) {
        let bound = share(self.range, ones);
        self.low += if bit { 0 } else { u64::from(bound) };
        self.range = if bit { bound } else { self.range - bound };
        while self.range < MIN_RANGE {
            self.range <<= 8;
            self.shift();
        }
    }

    /// Writes the lowest `count` ≤ 16 bits of a number, all values being equally likely.
    #[inline]
    pub(super) fn bits(&mut self, value: u32, count: u32) {
        self.range >>= count;
        self.low += u64::from(self.range) * u64::from(value);
        while self.range < MIN_RANGE {
            self.range <<= 8;
            self.shift();
        }
    }

    /// Number of bytes written so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.held_ones + usize::from(self.begun)
    }

    /// Returns the stream, as short as the last interval allows.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // The number in the interval with the most trailing zeros, which are not written.
        let top = self.low + u64::from(self.range) - 1;
        let mut zeros = 0;
        while zeros < 32 && (top >> (zeros + 1)) << (zeros + 1) >= self.low {
            zeros += 1;
        }
        self.low = (top >> zeros) << zeros;
        for _ in 0..5 {
            self.shift();
        }
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }

    fn shift(&mut self) {
        if self.low < 0xff00_0000 || self.low > 0xffff_ffff {
            let carry = u8::from(self.low > 0xffff_ffff);
            if self.begun {
                self.bytes.push(self.held.wrapping_add(carry));
            }
            self.bytes.extend(std::iter::repeat_n(0xff_u8.wrapping_add(carry), self.held_ones));
            self.held_ones = 0;
            self.held = (self.low >> 24) as u8;
            self.begun = true;
        } else {
            self.held_ones += 1;
        }
        self.low = (self.low << 8) & 0xffff_ffff;
    }
}

/// Decoder.
#[derive(Debug, Clone)]
pub(super) struct Decoder<'a> {
    code: u32,
    range: u32,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { code: 0, range: u32::MAX, bytes, position: 0 };
        (0..4).for_each(|_| decoder.shift());
        decoder
    }

    #[inline]
    pub(super) fn bit(&mut self, ones: u32) -> bool {
        let bound = share(self.range, ones);
        let bit = self.code < bound;
        self.code -= if bit { 0 } else { bound };
        self.range = if bit { bound } else { self.range - bound };
        while self.range < MIN_RANGE {
            self.range <<= 8;
            self.shift();
        }
        bit
    }

    #[inline]
    pub(super) fn bits(&mut self, count: u32) -> u32 {
        self.range >>= count;
        let value = (self.code / self.range).min((1 << count) - 1);
        self.code -= value * self.range;
        while self.range < MIN_RANGE {
            self.range <<= 8;
            self.shift();
        }
        value
    }

    /// Number of bytes read so far, without those read ahead.
    pub(super) fn len(&self) -> usize {
        self.position.saturating_sub(4).min(self.bytes.len())
    }

    #[inline]
    fn shift(&mut self) {
        let byte = self.bytes.get(self.position).copied().unwrap_or(0);
        self.position += 1;
        self.code = (self.code << 8) | u32::from(byte);
    }
}

/// Part of an interval of at least 2²⁴ that corresponds to a probability; neither empty nor the whole.
#[inline]
fn share(range: u32, ones: u32) -> u32 {
    ((u64::from(range) * u64::from(ones)) >> PROBABILITY_BITS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{for_cases, vector};
    use rand::Rng;

    #[test]
    fn what_is_written_is_read() {
        for_cases(256, |random| {
            let steps: Vec<(u32, u16, u32)> = vector(random, 0..2000, |random| {
                (random.random_range(1..65536), random.random(), random.random_range(0..17))
            });
            let mut encoder = Encoder::new();
            for &(ones, value, count) in &steps {
                if count == 0 {
                    encoder.bit(ones, value & 1 == 1);
                } else {
                    encoder.bits(u32::from(value) & ((1 << count) - 1), count);
                }
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            for &(ones, value, count) in &steps {
                if count == 0 {
                    assert_eq!(decoder.bit(ones), value & 1 == 1);
                } else {
                    assert_eq!(decoder.bits(count), u32::from(value) & ((1 << count) - 1));
                }
            }
        });
    }

    #[test]
    fn carries_run_through_long_rows_of_ones() {
        // The likeliest end of the interval again and again, then one bit that carries.
        for length in [1, 10, 100, 1000] {
            let mut encoder = Encoder::new();
            (0..length).for_each(|_| encoder.bits(0xffff, 16));
            (0..4).for_each(|_| encoder.bit(1, false));
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            assert!((0..length).all(|_| decoder.bits(16) == 0xffff) && (0..4).all(|_| !decoder.bit(1)));
        }
    }

    #[test]
    fn likely_bits_cost_next_to_nothing_and_nothing_costs_nothing() {
        assert!(Encoder::new().finish().is_empty());
        let mut encoder = Encoder::new();
        (0..100_000).for_each(|_| encoder.bit(536, false));
        // 100,000 bits of 0.0119 bits.
        let length = encoder.finish().len();
        assert!((145..152).contains(&length), "{length}");
    }

    #[test]
    fn a_stream_of_zeros_without_end_is_read_as_such() {
        let mut decoder = Decoder::new(&[]);
        assert!((0..1000).all(|_| decoder.bit(1 << 15)));
    }
}
