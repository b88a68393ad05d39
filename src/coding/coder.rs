//! One coder for both ways, so that a format is written down once.

use super::models::{Bit, Integers, Reals};
use super::range_coder::{Decoder, Encoder};
use crate::error::{Error, Result};

/// Writes numbers to a stream, or reads them from one.
///
/// Every method takes a value and returns one. Writing, it is the same value; reading, the argument is ignored and
/// the value is the stream's. A format is thus one function `x = coder.something(x)?` for both ways, and its two sides
/// cannot differ.
///
/// Reading never panics, whatever the bytes. Zeros at the end of a stream are not written, so that a stream that was cut
/// reads like another one: whoever keeps streams keeps their checksum.
#[derive(Debug, Clone)]
pub struct Coder<'a> {
    side: Side<'a>,
    parts: Vec<(String, usize)>,
}

#[derive(Debug, Clone)]
enum Side<'a> {
    Writing(Encoder),
    Reading(Decoder<'a>),
}

impl Coder<'static> {
    /// A coder that writes a new stream.
    #[must_use]
    pub fn writing() -> Self {
        Self { side: Side::Writing(Encoder::new()), parts: Vec::new() }
    }
}

impl<'a> Coder<'a> {
    /// A coder that reads a stream.
    #[must_use]
    pub fn reading(bytes: &'a [u8]) -> Self {
        Self { side: Side::Reading(Decoder::new(bytes)), parts: Vec::new() }
    }

    /// Whether this coder reads.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        matches!(self.side, Side::Reading(_))
    }

    /// Why something cannot be held: read, the stream is not what it claims to be; written, nothing is wrong with it.
    pub(crate) fn refusal(&self, basis: &'static str, reason: impl Into<String>) -> Error {
        if self.is_reading() { malformed(reason) } else { Error::Degenerate { basis, reason: reason.into() } }
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.side {
            Side::Writing(encoder) => encoder.len(),
            Side::Reading(decoder) => decoder.len(),
        }
    }

    /// Whether there is nothing so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says that what follows is called `name`, for [`Coder::parts`].
    pub fn part(&mut self, name: impl Into<String>) {
        let begin = self.len();
        self.parts.push((name.into(), begin));
    }

    /// The parts announced that hold anything, each with its length in bytes so far (to a byte or two: bits are not
    /// written one by one).
    #[must_use]
    pub fn parts(&self) -> Vec<(String, usize)> {
        let ends = self.parts.iter().skip(1).map(|(_, begin)| *begin).chain([self.len()]);
        let parts = self.parts.iter().zip(ends).map(|((name, begin), end)| (name.clone(), end.saturating_sub(*begin)));
        parts.filter(|(_, len)| *len > 0).collect()
    }

    /// The stream written; nothing from a coder that reads.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.side {
            Side::Writing(encoder) => encoder.finish(),
            Side::Reading(_) => Vec::new(),
        }
    }

    /// A bit of which the model knows something.
    #[inline]
    pub fn bit(&mut self, model: &mut Bit, bit: bool) -> bool {
        let bit = self.weighted(model.ones(), bit);
        model.learn(bit);
        bit
    }

    /// A bit whose probability of being 1 is `ones` / 2¹⁶, which is neither 0 nor 2¹⁶.
    #[inline]
    pub(super) fn weighted(&mut self, ones: u32, bit: bool) -> bool {
        match &mut self.side {
            Side::Writing(encoder) => {
                encoder.bit(ones, bit);
                bit
            }
            Side::Reading(decoder) => decoder.bit(ones),
        }
    }

    /// A bit that is rarely set (once in 16): the choice that is not the default.
    pub fn rarely(&mut self, bit: bool) -> bool {
        self.bit(&mut Bit::expected(1 << 12, 0), bit)
    }

    /// The lowest `count` ≤ 64 bits of a number, all values being equally likely.
    #[inline]
    pub fn bits(&mut self, value: u64, count: u32) -> u64 {
        let mut read = 0;
        let mut left = count.min(64);
        while left > 0 {
            let now = left.min(16);
            left -= now;
            let digits = (value >> left) as u32 & ((1 << now) - 1);
            let digits = match &mut self.side {
                Side::Writing(encoder) => {
                    encoder.bits(digits, now);
                    digits
                }
                Side::Reading(decoder) => decoder.bits(now),
            };
            read = (read << now) | u64::from(digits);
        }
        read
    }

    /// An integer between −2⁶² and 2⁶².
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for one with more digits.
    pub fn integer(&mut self, model: &mut Integers, value: i64) -> Result<i64> {
        if self.bit(&mut model.zero, value == 0) {
            return Ok(0);
        }
        let negative = self.bit(&mut model.negative, value < 0);
        let magnitude = self.positive(model, value.unsigned_abs())?;
        Ok(if negative { -magnitude } else { magnitude })
    }

    /// An integer whose lowest `places` digits look like noise: they are written as they are, and the rest learns.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for one beyond 2⁶².
    pub fn scaled(&mut self, model: &mut Integers, value: i64, places: u32) -> Result<i64> {
        const MOST: i64 = 1 << 62;
        let half = (1_i64 << places) >> 1;
        let value = value.clamp(-MOST, MOST - 1);
        let high = self.integer(model, (value + half) >> places)?;
        let low = self.bits(((value + half) & ((1 << places) - 1)) as u64, places) as i64;
        match high.checked_mul(1 << places).and_then(|high| high.checked_add(low - half)) {
            Some(read) if (-MOST..MOST).contains(&read) => Ok(read),
            _ => Err(malformed("an integer of more than 63 binary digits")),
        }
    }

    /// An integer from 1 to 2⁶², small ones being likelier.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for a larger one: whoever adds to what is read need not think of an overflow.
    pub(crate) fn positive(&mut self, model: &mut Integers, value: u64) -> Result<i64> {
        let wanted = 63_u32.saturating_sub(value.leading_zeros());
        let mut below = 0;
        while self.bit(&mut model.longer[below as usize], below < wanted) {
            below += 1;
            if below > 62 {
                return Err(malformed("an integer of more than 63 binary digits"));
            }
        }
        // The two digits under the leading one learn, the others are as they are.
        let mut magnitude: u64 = 1;
        let mut context = 0;
        for place in (0..below).rev().take(2) {
            let digit = self.bit(&mut model.digits[below as usize][context], value >> place & 1 == 1);
            magnitude = magnitude << 1 | u64::from(digit);
            context = 1 + usize::from(digit);
        }
        if below > 2 {
            magnitude = magnitude << (below - 2) | self.bits(value & ((1 << (below - 2)) - 1), below - 2);
        }
        if magnitude > 1 << 62 {
            return Err(malformed("an integer beyond 2^62"));
        }
        Ok(magnitude as i64)
    }

    /// A count from 0 to `most`, small ones being likelier.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for a larger one.
    pub fn count(&mut self, value: usize, most: usize) -> Result<usize> {
        let read = self.positive(&mut Integers::default(), value as u64 + 1)? as u64 - 1;
        if read > most as u64 {
            return Err(malformed(format!("a count of {read} where at most {most} is possible")));
        }
        Ok(read as usize)
    }

    /// One of `choices` ≤ 2¹⁶ that are equally likely.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for one that does not exist.
    pub fn choice(&mut self, value: usize, choices: usize) -> Result<usize> {
        let read = self.bits(value as u64, choices.saturating_sub(1).checked_ilog2().map_or(0, |digits| digits + 1));
        if read >= choices as u64 {
            return Err(malformed(format!("choice {read} where there are {choices}")));
        }
        Ok(read as usize)
    }

    /// Ascending positions in an array of `len` numbers.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for positions beyond it, or more than there are.
    pub fn positions(&mut self, positions: Option<&[u32]>, len: usize) -> Result<Vec<u32>> {
        let count = self.count(positions.map_or(0, <[u32]>::len), len)?;
        let mut gaps = Integers::default();
        let mut read = Vec::new();
        let mut next = 0;
        for index in 0..count {
            let gap = positions.and_then(|p| p.get(index)).map_or(0, |&p| u64::from(p) - next);
            let position = next + self.positive(&mut gaps, gap + 1)? as u64 - 1;
            if position >= len as u64 {
                return Err(malformed(format!("position {position} among {len}")));
            }
            read.push(position as u32);
            next = position + 1;
        }
        Ok(read)
    }

    /// A finite real number, to the last bit.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for one that is not finite.
    pub fn real(&mut self, model: &mut Reals, value: f64) -> Result<f64> {
        const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
        /// Digits that a number of single precision leaves empty.
        const EMPTY: u32 = f64::MANTISSA_DIGITS - f32::MANTISSA_DIGITS;
        let bits = value.to_bits();
        let negative = self.bit(&mut model.negative, value.is_sign_negative());
        let exponent = (bits >> MANTISSA & 0x7ff) as i64;
        let exponent = model.last_exponent + self.integer(&mut model.exponents, exponent - model.last_exponent)?;
        if !(0..0x7ff).contains(&exponent) {
            return Err(malformed(format!("a number with the exponent {exponent}")));
        }
        model.last_exponent = exponent;
        let mantissa = bits & ((1 << MANTISSA) - 1);
        let mantissa = if self.bit(&mut model.single, mantissa.trailing_zeros() >= EMPTY) {
            self.bits(mantissa >> EMPTY, MANTISSA - EMPTY) << EMPTY
        } else {
            self.bits(mantissa, MANTISSA)
        };
        Ok(f64::from_bits(u64::from(negative) << 63 | (exponent as u64) << MANTISSA | mantissa))
    }

    /// A finite real number to the last bit, short where it has few decimal digits: what people choose, `0.05`, `2e4`.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for one that is not finite.
    pub fn decimal(&mut self, value: f64) -> Result<f64> {
        /// More digits than this are no shorter than the number itself.
        const DIGITS: usize = 12;
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or(("0", "0"));
        let whole: String = digits.chars().filter(char::is_ascii_digit).collect();
        let exponent = exponent.parse::<i64>().unwrap_or(0) + 1 - whole.len() as i64;
        let short = whole.len() <= DIGITS;
        if !self.bit(&mut Bit::expected(60_000, 0), short) {
            return self.real(&mut Reals::default(), value);
        }
        let negative = self.bit(&mut Bit::expected(1 << 14, 0), value.is_sign_negative());
        let whole = self.count(whole.parse().unwrap_or(0), 10_usize.pow(DIGITS as u32))?;
        let exponent = self.integer(&mut Integers::default(), exponent)?;
        let sign = if negative { "-" } else { "" };
        match format!("{sign}{whole}e{exponent}").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(malformed(format!("the number {sign}{whole}e{exponent}"))),
        }
    }
}

/// A stream that is not what it claims to be.
pub(crate) fn malformed(problem: impl Into<String>) -> Error {
    Error::MalformedStream(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back<T>(format: impl Fn(&mut Coder<'_>, T) -> Result<T>, value: T, nothing: T) -> (T, usize) {
        let mut writer = Coder::writing();
        format(&mut writer, value).unwrap();
        let bytes = writer.finish();
        let mut reader = Coder::reading(&bytes);
        let read = format(&mut reader, nothing).unwrap();
        (read, bytes.len())
    }

    proptest! {
        #[test]
        fn integers_come_back(values in prop::collection::vec(-(1_i64 << 62)..(1 << 62), 0..50), small in prop::collection::vec(-9_i64..9, 0..200)) {
            let code = |coder: &mut Coder<'_>, values: Vec<i64>| {
                let mut model = Integers::default();
                values.into_iter().map(|value| coder.integer(&mut model, value)).collect()
            };
            for values in [values, small] {
                let len = values.len();
                prop_assert_eq!(there_and_back(code, values.clone(), vec![0; len]).0, values);
            }
        }

        #[test]
        fn reals_come_back_to_the_last_bit(values in prop::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 0..50)) {
            let code = |coder: &mut Coder<'_>, values: Vec<f64>| {
                let mut model = Reals::default();
                values.into_iter().map(|value| coder.real(&mut model, value)).collect::<Result<Vec<f64>>>()
            };
            let (read, _) = there_and_back(code, values.clone(), vec![0.0; values.len()]);
            prop_assert!(read.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
            for value in values {
                prop_assert_eq!(there_and_back(|coder, x| coder.decimal(x), value, 0.0).0.to_bits(), value.to_bits());
            }
        }

        #[test]
        fn rubbish_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut coder = Coder::reading(&bytes);
            let (mut integers, mut reals) = (Integers::default(), Reals::default());
            for k in 0..100 {
                let _ = coder.integer(&mut integers, 0);
                let _ = coder.real(&mut reals, 0.0);
                let _ = coder.decimal(0.0);
                let _ = coder.count(0, k);
                let _ = coder.choice(0, k + 1);
                let _ = coder.positions(None, k);
            }
        }
    }

    #[test]
    fn short_decimals_are_short() {
        for (value, most) in
            [(0.0, 1), (1.0, 1), (0.05, 2), (2e4, 2), (-560e3, 3), (1e-15, 2), (49.5, 3), (1.0 / 3.0, 10)]
        {
            let (read, len) = there_and_back(|coder, x| coder.decimal(x), value, 7.0);
            assert_eq!(read.to_bits(), f64::to_bits(value));
            assert!(len <= most, "{value}: {len} bytes");
        }
    }

    #[test]
    fn positions_and_counts_stay_in_their_range() {
        let positions = [0, 1, 7, 100, 4_000_000_000];
        let code = |coder: &mut Coder<'_>, p: Option<Vec<u32>>| coder.positions(p.as_deref(), 1 << 32).map(Some);
        assert_eq!(there_and_back(code, Some(positions.to_vec()), None).0.unwrap(), positions);
        let mut writer = Coder::writing();
        writer.count(1000, usize::MAX).unwrap();
        writer.bits(5, 3);
        let bytes = writer.finish();
        let mut reader = Coder::reading(&bytes);
        assert_eq!(reader.count(0, 999), Err(malformed("a count of 1000 where at most 999 is possible")));
        assert_eq!(reader.choice(0, 5), Err(malformed("choice 5 where there are 5")));
        assert_eq!(there_and_back(|coder, x| coder.choice(x, 1), 0, 0), (0, 0));
    }

    #[test]
    fn parts_add_up() {
        let mut writer = Coder::writing();
        writer.part("header");
        writer.bits(1, 64);
        writer.part("body");
        (0..10).for_each(|_| {
            writer.bits(2, 64);
        });
        writer.part("nothing");
        assert_eq!(writer.parts(), [("header".to_owned(), 8), ("body".to_owned(), 80)]);
    }
}
