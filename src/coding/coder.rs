//! Coder for writing and reading, so that each format has one definition.

use super::memory::Memory;
use super::models::{Bit, Integers, Reals};
use super::range_coder::{Decoder, Encoder};
use crate::error::{Error, Result};

/// Writes numbers to a stream, or reads them from one.
///
/// Every method takes a value and returns one. A writing coder returns the same value; a reading one ignores the
/// argument and returns the value in the stream. A format is therefore one function `x = coder.something(x)?` for both
/// directions. A value that a stream cannot hold is refused with [`Error::InvalidParameter`].
///
/// Reading never panics, whatever the bytes. Zeros at the end of a stream are not written, so that a truncated stream
/// may be read as another one: streams need a checksum.
#[derive(Debug, Clone)]
pub struct Coder<'a> {
    side: Side<'a>,
    parts: Vec<(String, usize)>,
    /// Models that are kept from one distribution to the next, if there is a next one.
    pub(super) memory: Option<Memory>,
}

/// Largest magnitude of an integer in a stream: half of the range of `i64`, so that smaller numbers can be added to it.
const LARGEST: u64 = 1 << 62;

#[derive(Debug, Clone)]
enum Side<'a> {
    Writing(Encoder),
    Reading(Decoder<'a>),
}

impl Coder<'static> {
    /// Makes a coder that writes a new stream.
    #[must_use]
    pub fn writing() -> Self {
        Self { side: Side::Writing(Encoder::new()), parts: Vec::new(), memory: None }
    }
}

impl<'a> Coder<'a> {
    /// Makes a coder that reads a stream.
    #[must_use]
    pub fn reading(bytes: &'a [u8]) -> Self {
        Self { side: Side::Reading(Decoder::new(bytes)), parts: Vec::new(), memory: None }
    }

    /// True if this coder reads.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        matches!(self.side, Side::Reading(_))
    }

    /// The error for a number that a stream cannot hold: [`Error::MalformedStream`] when reading,
    /// [`Error::OutOfRange`] when writing.
    pub(crate) fn refusal(&self, basis: &'static str, reason: impl Into<String>) -> Error {
        if self.is_reading() { malformed(reason) } else { Error::OutOfRange { basis, reason: reason.into() } }
    }

    /// Number of bytes written or read so far.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.side {
            Side::Writing(encoder) => encoder.len(),
            Side::Reading(decoder) => decoder.len(),
        }
    }

    /// True if nothing has been written or read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a part called `name`, for [`Coder::parts`].
    pub fn part(&mut self, name: impl Into<String>) {
        let begin = self.len();
        self.parts.push((name.into(), begin));
    }

    /// Parts that are not empty, each with its length in bytes. A length is exact to a byte or two, because a range
    /// coder does not write bits one by one.
    #[must_use]
    pub fn parts(&self) -> Vec<(String, usize)> {
        let ends = self.parts.iter().skip(1).map(|(_, begin)| *begin).chain([self.len()]);
        let parts = self.parts.iter().zip(ends).map(|((name, begin), end)| (name.clone(), end.saturating_sub(*begin)));
        parts.filter(|(_, len)| *len > 0).collect()
    }

    /// Returns the written stream; an empty one from a coder that reads.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.side {
            Side::Writing(encoder) => encoder.finish(),
            Side::Reading(_) => Vec::new(),
        }
    }

    /// Codes a bit with an adaptive model, and adapts it.
    #[inline]
    pub fn bit(&mut self, model: &mut Bit, bit: bool) -> bool {
        let bit = self.weighted(model.ones(), bit);
        model.learn(bit);
        bit
    }

    /// Codes a bit whose probability of being 1 is `ones` / 2¹⁶, with 0 < `ones` < 2¹⁶.
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

    /// Codes a bit that is rarely set (once in 16), such as an option that differs from the default.
    pub fn rarely(&mut self, bit: bool) -> bool {
        self.bit(&mut Bit::expected(1 << 12, 0), bit)
    }

    /// Codes the lowest `count` ≤ 64 bits of a number, all values being equally likely.
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

    /// Refuses a value that cannot be written; the argument of a reading coder is ignored.
    fn writable(
        &self,
        allowed: bool,
        name: &'static str,
        value: impl FnOnce() -> String,
        range: impl FnOnce() -> String,
    ) -> Result<()> {
        if allowed || self.is_reading() {
            return Ok(());
        }
        Err(Error::InvalidParameter { name, value: value(), allowed: range() })
    }

    /// Codes an integer from −2⁶² to 2⁶².
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for one that is larger, [`Error::MalformedStream`] for a stream that holds such a
    /// one.
    pub fn integer(&mut self, model: &mut Integers, value: i64) -> Result<i64> {
        let allowed = value.unsigned_abs() <= LARGEST;
        self.writable(allowed, "integer", || value.to_string(), || "a number from -2^62 to 2^62".to_owned())?;
        if self.bit(&mut model.zero, value == 0) {
            return Ok(0);
        }
        let negative = self.bit(&mut model.negative, value < 0);
        let magnitude = self.positive(model, value.unsigned_abs())?;
        Ok(if negative { -magnitude } else { magnitude })
    }

    /// Codes an integer from −2⁶² to 2⁶² − 1 whose lowest `places` ≤ 62 binary digits are uniformly distributed: they
    /// are written without a model, the others with one.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for more places or, writing, a larger integer; [`Error::MalformedStream`] for a
    /// stream that holds such a one.
    pub fn scaled(&mut self, model: &mut Integers, value: i64, places: u32) -> Result<i64> {
        /// Binary digits of the largest integer.
        const MAX_PLACES: u32 = LARGEST.trailing_zeros();
        const MAX: i64 = LARGEST as i64;
        if places > MAX_PLACES {
            let allowed = format!("at most {MAX_PLACES} binary digits");
            return Err(Error::InvalidParameter { name: "places", value: places.to_string(), allowed });
        }
        let allowed = (-MAX..MAX).contains(&value);
        self.writable(allowed, "integer", || value.to_string(), || "a number from -2^62 to 2^62 - 1".to_owned())?;
        let value = if self.is_reading() { 0 } else { value };
        let half = (1_i64 << places) >> 1;
        let high = self.integer(model, (value + half) >> places)?;
        let low = self.bits(((value + half) & ((1 << places) - 1)) as u64, places) as i64;
        match high.checked_mul(1 << places).and_then(|high| high.checked_add(low - half)) {
            Some(read) if (-MAX..MAX).contains(&read) => Ok(read),
            _ => Err(malformed("an integer of more than 63 binary digits")),
        }
    }

    /// Codes an integer from 1 to 2⁶², small ones being likelier (an adaptive Elias gamma code).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for another one, [`Error::MalformedStream`] for a stream that holds a larger one.
    /// Sums with the result cannot overflow.
    pub(crate) fn positive(&mut self, model: &mut Integers, value: u64) -> Result<i64> {
        let allowed = (1..=LARGEST).contains(&value);
        self.writable(allowed, "integer", || value.to_string(), || "a number from 1 to 2^62".to_owned())?;
        let wanted = 63_u32.saturating_sub(value.leading_zeros());
        let mut below = 0;
        while self.bit(&mut model.longer[below as usize], below < wanted) {
            below += 1;
            if below > 62 {
                return Err(malformed("an integer of more than 63 binary digits"));
            }
        }
        // The two digits below the leading one have adaptive models; lower ones are uniformly distributed.
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
        if magnitude > LARGEST {
            return Err(malformed("an integer beyond 2^62"));
        }
        Ok(magnitude as i64)
    }

    /// Codes a count from 0 to `most`, below 2⁶², small ones being likelier.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a larger one, [`Error::MalformedStream`] for a stream that holds such a one.
    pub fn count(&mut self, value: usize, most: usize) -> Result<usize> {
        let largest = (most as u64).min(LARGEST - 1);
        self.writable(value as u64 <= largest, "count", || value.to_string(), || format!("at most {largest}"))?;
        let read = self.positive(&mut Integers::default(), (value as u64).saturating_add(1))? as u64 - 1;
        if read > largest {
            return Err(malformed(format!("a count of {read} where at most {largest} is possible")));
        }
        Ok(read as usize)
    }

    /// Codes an index below `choices`, all being equally likely.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for one that does not exist, [`Error::MalformedStream`] for a stream that holds
    /// such a one.
    pub fn choice(&mut self, value: usize, choices: usize) -> Result<usize> {
        self.writable(value < choices, "choice", || value.to_string(), || format!("less than {choices}"))?;
        let read = self.bits(value as u64, choices.saturating_sub(1).checked_ilog2().map_or(0, |digits| digits + 1));
        if read >= choices as u64 {
            return Err(malformed(format!("choice {read} where there are {choices}")));
        }
        Ok(read as usize)
    }

    /// Codes strictly ascending positions in an array of `len` numbers.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for positions that are not ascending, or beyond the array;
    /// [`Error::MalformedStream`] for a stream that holds positions beyond it, or more than there are.
    pub fn positions(&mut self, positions: &mut Vec<u32>, len: usize) -> Result<()> {
        if self.is_reading() {
            positions.clear();
        }
        let ascending = positions.is_sorted_by(|a, b| a < b);
        let inside = positions.last().is_none_or(|&last| (last as usize) < len);
        let shown = || match (positions.windows(2).find(|pair| pair[0] >= pair[1]), positions.last()) {
            (Some([one, next]), _) => format!("{one}, {next}"),
            (_, last) => format!("{last:?}"),
        };
        self.writable(ascending && inside, "positions", shown, || format!("ascending numbers below {len}, each once"))?;
        let count = self.count(positions.len(), len)?;
        let mut gaps = Integers::default();
        let mut next = 0;
        for index in 0..count {
            // A reader has no position yet; its argument is ignored.
            let gap = positions.get(index).map_or(0, |&position| u64::from(position) - next);
            let position = next + self.positive(&mut gaps, gap + 1)? as u64 - 1;
            match u32::try_from(position) {
                Ok(position) if (position as usize) < len => {
                    if self.is_reading() {
                        positions.push(position);
                    }
                }
                _ => return Err(malformed(format!("position {position} among {len}"))),
            }
            next = position + 1;
        }
        Ok(())
    }

    fn finite(&self, value: f64) -> Result<()> {
        self.writable(value.is_finite(), "number", || value.to_string(), || "a finite number".to_owned())
    }

    /// Codes a finite real number, to the last bit.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for one that is not finite, [`Error::MalformedStream`] for a stream that holds such
    /// a one.
    pub fn real(&mut self, model: &mut Reals, value: f64) -> Result<f64> {
        const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
        /// Last binary digits that are zero in a number of single precision.
        const EMPTY: u32 = f64::MANTISSA_DIGITS - f32::MANTISSA_DIGITS;
        self.finite(value)?;
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

    /// Codes a finite real number to the last bit, in few bytes if it has few decimal digits, as options have: `0.05`,
    /// `2e4`.
    ///
    /// # Errors
    /// Those of [`Coder::real`].
    pub fn decimal(&mut self, value: f64) -> Result<f64> {
        /// Maximum number of decimal digits: more take as many bits as the binary number.
        const DIGITS: usize = 12;
        self.finite(value)?;
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

/// Error for a stream that is damaged or was not written by this library.
pub(crate) fn malformed(problem: impl Into<String>) -> Error {
    Error::MalformedStream(problem.into())
}

#[cfg(test)]
mod tests;
