//! The frame of a stream around the coefficients: three letters and the version, then the grid and the spec of the basis;
//! at the end a checksum.

mod words;

use super::spec::{MAX_DEPTH, MAX_LENGTH, MAX_PARTS, Spec, Term, Value};
use crate::coding::{Bit, Coder, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};
pub(crate) use words::{RARE_WORDS, WORD_BITS, WORDS};

/// The first bytes of every stream.
pub(crate) const MAGIC: &[u8; 3] = b"VDF";
/// Bytes before the coded part: [`MAGIC`] and the version.
pub(crate) const PREFIX: usize = MAGIC.len() + 1;
/// Bytes of the checksum, which follows the coded part.
pub(crate) const CHECKSUM: usize = 4;

/// Most cells of the grid of a stream, to write or to read, unless another limit is given (2²⁶, half a gigabyte of values).
pub(crate) const MOST_CELLS: usize = 1 << 26;

/// Refuses a grid of more than `most_cells`, before work is spent on a stream that readers would refuse.
///
/// # Errors
/// [`Error::InvalidGrid`] with the cells and the limit.
pub(crate) fn check_cells(grid: &VelocityGrid, most_cells: usize) -> Result<()> {
    if grid.cells() <= most_cells {
        return Ok(());
    }
    let ([x, y, z], cells) = (grid.shape(), grid.cells());
    let problem = format!("{x} x {y} x {z} are {cells} cells; a stream holds at most {most_cells}: cut it into parts");
    Err(Error::InvalidGrid(problem))
}

/// Refuses a shape of more than `most_cells` that was read.
///
/// # Errors
/// [`Error::LimitExceeded`].
pub(crate) fn check_read(shape: [usize; 3], most_cells: usize) -> Result<()> {
    let cells = shape.iter().try_fold(1_usize, |cells, &n| cells.checked_mul(n)).filter(|&cells| cells <= most_cells);
    match cells {
        Some(_) => Ok(()),
        None => Err(Error::LimitExceeded { what: format!("a grid of {shape:?} cells"), limit: most_cells }),
    }
}

/// A stream that begins with this grid and this spec, for the coefficients to follow.
pub(crate) fn begin(grid: &VelocityGrid, spec: &Spec) -> Result<Coder<'static>> {
    spec.check()?;
    begin_unchecked(grid, spec)
}

fn begin_unchecked(grid: &VelocityGrid, spec: &Spec) -> Result<Coder<'static>> {
    let mut coder = Coder::writing();
    code(&mut coder, &mut grid.clone(), &mut spec.clone(), usize::MAX)?;
    Ok(coder)
}

/// Reads the grid and the spec that a stream begins with.
///
/// # Errors
/// [`Error::LimitExceeded`] for a grid of more than `most_cells`, [`Error::MalformedStream`] if there is no valid grid or
/// spec.
pub(crate) fn read(coder: &mut Coder<'_>, most_cells: usize) -> Result<(VelocityGrid, Spec)> {
    let (mut grid, mut spec) = (VelocityGrid::unit([1; 3])?, Spec { terms: Vec::new() });
    code(coder, &mut grid, &mut spec, most_cells)?;
    // A made-up stream may hold words that the grammar does not allow, or one key twice.
    spec.check().map_err(|error| malformed(error.to_string()))?;
    Ok((grid, spec))
}

/// Bytes of the whole stream, if it ended here.
pub(crate) fn whole_len(coder: Coder<'_>) -> usize {
    PREFIX + coder.finish().len() + CHECKSUM
}

fn code(coder: &mut Coder<'_>, grid: &mut VelocityGrid, spec: &mut Spec, most_cells: usize) -> Result<()> {
    code_grid(coder, grid, most_cells)?;
    code_whole_spec(coder, spec)
}

/// Writes a spec, or reads one that is no longer than any text.
pub(crate) fn code_whole_spec(coder: &mut Coder<'_>, spec: &mut Spec) -> Result<()> {
    code_spec(coder, spec, 0, &mut BytesLeft(MAX_LENGTH + 1))
}

/// The number of bytes that may still be added to the spec: a stream must not make one longer than any text. Each word
/// counts one byte more, for the sign after it.
struct BytesLeft(usize);

impl BytesLeft {
    fn take(&mut self, bytes: usize) -> Result<()> {
        self.0 = self.0.checked_sub(bytes + 1).ok_or_else(|| malformed("a spec longer than any text"))?;
        Ok(())
    }
}

/// Writes a grid, or reads one of at most `most_cells`.
pub(crate) fn code_grid(coder: &mut Coder<'_>, grid: &mut VelocityGrid, most_cells: usize) -> Result<()> {
    let (mut shape, mut lower, mut spacing) = (grid.shape(), grid.lower(), grid.spacing());
    for axis in 0..3 {
        let same = axis > 0 && coder.bits(u64::from(shape[axis] == shape[axis - 1]), 1) == 1;
        shape[axis] = if same { shape[axis - 1] } else { coder.count(shape[axis], usize::MAX)? };
    }
    check_read(shape, most_cells)?;
    // One bit says whether the grid counts cells (lower edge −½, spacing 1).
    let unit = VelocityGrid::unit(shape).ok();
    if coder.bits(u64::from(unit.as_ref() == Some(grid)), 1) == 1 {
        *grid = unit.ok_or_else(|| malformed(format!("a grid of shape {shape:?}")))?;
        return Ok(());
    }
    for axis in 0..3 {
        let same = axis > 0 && coder.bits(u64::from(spacing[axis].to_bits() == spacing[axis - 1].to_bits()), 1) == 1;
        spacing[axis] = if same { spacing[axis - 1] } else { coder.decimal(spacing[axis])? };
        // Most boxes are centred about zero: one bit instead of a number.
        let centred = -0.5 * shape[axis] as f64 * spacing[axis];
        let is_centred = coder.bits(u64::from(lower[axis].to_bits() == centred.to_bits()), 1) == 1;
        lower[axis] = if is_centred { centred } else { coder.decimal(lower[axis])? };
    }
    *grid = VelocityGrid::new(shape, lower, spacing).map_err(|error| malformed(error.to_string()))?;
    Ok(())
}

fn code_spec(coder: &mut Coder<'_>, spec: &mut Spec, depth: usize, left: &mut BytesLeft) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(malformed(format!("a spec of more than {MAX_DEPTH} parentheses inside each other")));
    }
    for index in 0..MAX_PARTS {
        if coder.is_reading() {
            spec.terms.push(Term::named(""));
        }
        let more = spec.terms.len() > index + 1;
        let Some(term) = spec.terms.get_mut(index) else { return Err(malformed("a spec without terms")) };
        code_factor(coder, term, depth, left)?;
        if !code_further_factors(coder, term, more, depth, left)? {
            return Ok(());
        }
    }
    Err(malformed(format!("a spec of more than {MAX_PARTS} terms")))
}

/// Codes the factors after the first one. Returns true if another term follows. A bit tells whether anything follows,
/// and if so a second one whether it is joined by `*`.
fn code_further_factors(
    coder: &mut Coder<'_>,
    term: &mut Term,
    more_terms: bool,
    depth: usize,
    left: &mut BytesLeft,
) -> Result<bool> {
    for index in 0..MAX_PARTS {
        let more_factors = term.factors.len() > index;
        if !coder.bit(&mut Bit::expected(1 << 13, 0), more_factors || more_terms) {
            return Ok(false);
        }
        if coder.bits(u64::from(more_factors), 1) == 0 {
            return Ok(true);
        }
        if coder.is_reading() {
            term.factors.push(Term::named(""));
        }
        let Some(factor) = term.factors.get_mut(index) else { return Err(malformed("a factor is missing")) };
        code_factor(coder, factor, depth, left)?;
    }
    Err(malformed(format!("a term of more than {MAX_PARTS} factors")))
}

fn code_factor(coder: &mut Coder<'_>, term: &mut Term, depth: usize, left: &mut BytesLeft) -> Result<()> {
    code_word(coder, &mut term.name, left)?;
    if coder.bit(&mut Bit::expected(1 << 14, 0), term.inner.is_some()) {
        let inner = term.inner.get_or_insert_with(|| Spec { terms: Vec::new() });
        code_spec(coder, inner, depth + 1, left)?;
    }
    let count = coder.count(term.options.len(), MAX_PARTS)?;
    for index in 0..count {
        if coder.is_reading() {
            term.options.push((String::new(), Value::Number(0.0)));
        }
        let Some((key, value)) = term.options.get_mut(index) else { return Err(malformed("an option is missing")) };
        code_word(coder, key, left)?;
        code_value(coder, value, left)?;
    }
    Ok(())
}

fn code_value(coder: &mut Coder<'_>, value: &mut Value, left: &mut BytesLeft) -> Result<()> {
    let given = value.number();
    if coder.bits(u64::from(given.is_some()), 1) == 1 {
        *value = Value::Number(coder.decimal(given.unwrap_or(0.0))?);
        return left.take(value.to_string().len());
    }
    let mut word = if let Value::Word(word) = value { std::mem::take(word) } else { String::new() };
    code_word(coder, &mut word, left)?;
    *value = Value::Word(word);
    Ok(())
}

fn code_word(coder: &mut Coder<'_>, word: &mut String, left: &mut BytesLeft) -> Result<()> {
    let known = WORDS.iter().position(|known| known == word);
    if !coder.rarely(known.is_none()) {
        // `WORD_BITS` bits number exactly the words there are, so the index is in range.
        WORDS[coder.bits(known.unwrap_or(0) as u64, WORD_BITS) as usize].clone_into(word);
    } else {
        let rare = RARE_WORDS.iter().position(|known| known == word);
        if coder.bits(u64::from(rare.is_some()), 1) == 1 {
            RARE_WORDS[coder.choice(rare.unwrap_or(0), RARE_WORDS.len())?].clone_into(word);
        } else {
            spell(coder, word)?;
        }
    }
    left.take(word.len())
}

fn spell(coder: &mut Coder<'_>, word: &mut String) -> Result<()> {
    let bytes = word.as_bytes();
    let length = coder.count(bytes.len(), MAX_LENGTH)?;
    let spelt = (0..length).map(|k| coder.bits(u64::from(bytes.get(k).copied().unwrap_or(0)), 8) as u8).collect();
    *word = String::from_utf8(spelt).map_err(|_| malformed("a word of a spec that is not UTF-8"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(grid: &VelocityGrid, spec: &str) -> usize {
        let spec: Spec = spec.parse().unwrap();
        let bytes = begin(grid, &spec).unwrap().finish();
        assert_eq!(read(&mut Coder::reading(&bytes), usize::MAX).unwrap(), (*grid, spec));
        bytes.len()
    }

    #[test]
    fn grids_and_specs_come_back_and_are_short() {
        let unit = VelocityGrid::unit([50; 3]).unwrap();
        let cut = VelocityGrid::new([68, 72, 56], [-560e3, -640e3, -640e3], [20e3; 3]).unwrap();
        let centred = VelocityGrid::from_edges([50, 40, 50], [-1e6, -1e6, -1e6], [1e6; 3]).unwrap();
        let odd = VelocityGrid::new([7, 1, 1000], [0.1 + 0.2, -1.0 / 3.0, 0.0], [1.0 / 7.0, 1e-3, 3e70]).unwrap();
        for (grid, most) in [(unit, 3), (cut, 15), (centred, 9), (odd, 50)] {
            let len = there_and_back(&grid, "maxwellian");
            assert!(len <= most + 2, "{grid}: {len}");
        }
        let len = there_and_back(&unit, "quantized(mixture:components=40 + wavelet):l2=0.03");
        assert!(len <= 14, "{len}");
        let len = there_and_back(&unit, "quantized(mixture:components=9 * wavelet):l2=0.03");
        assert!(len <= 14, "{len}");
        there_and_back(&unit, "a * b:k=1 * c(d * e + f) + g * h + i");
        there_and_back(&unit, "mine:path=/data/a.vdfb,n=1e-5,m=0.00001,k=1e+5,field=0e0/1e0/2.5e-9 + log(ü:q=00)");
    }

    #[test]
    fn specs_that_could_not_be_text_are_refused_before_they_are_built() {
        let unit = VelocityGrid::unit([2; 3]).unwrap();
        let term = |name: &str, inner: Option<Spec>, options: &[(&str, &str)]| {
            let options = options.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
            Term { inner, options, ..Term::named(name) }
        };
        let refused = |terms: Vec<Term>| {
            let bytes = begin_unchecked(&unit, &Spec { terms }).unwrap().finish();
            read(&mut Coder::reading(&bytes), usize::MAX).unwrap_err().to_string()
        };
        assert!(refused(vec![term("cosine + cosine", None, &[])]).contains("could not be written as text"));
        assert!(
            refused(vec![term("cosine", None, &[("block", "3"), ("block", "3")])])
                .contains("could not be written as text")
        );
        // As many terms as are allowed, at every depth.
        let mut spec = Spec { terms: vec![term("cosine", None, &[]); MAX_PARTS] };
        for _ in 0..MAX_DEPTH - 1 {
            let mut terms = vec![term("cosine", None, &[]); MAX_PARTS - 1];
            terms.push(term("log", Some(spec), &[]));
            spec = Spec { terms };
        }
        assert!(begin_unchecked(&unit, &spec).is_err_and(|error| error.to_string().contains("longer than any text")));
        for sign in ["+", "*"] {
            assert!(vec!["cosine"; MAX_PARTS + 1].join(sign).parse::<Spec>().is_err());
            assert!(vec!["cosine"; MAX_PARTS].join(sign).parse::<Spec>().is_ok());
        }
        let many = Term { factors: vec![Term::named("cosine"); MAX_PARTS], ..Term::named("cosine") };
        assert!(begin_unchecked(&unit, &Spec::of(many)).is_err_and(|error| error.to_string().contains("factors")));
        // The text of a factor that has factors would be read as one row of factors.
        let nested = Term { factors: vec![Term::named("b")], ..Term::named("a") };
        let nested = Spec::of(Term { factors: vec![nested], ..Term::named("c") });
        assert!(nested.check().is_err());
    }

    #[test]
    fn words_are_found_once() {
        let all: Vec<_> = WORDS.iter().chain(&RARE_WORDS).collect();
        for (k, word) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == word), Some(k), "{word}");
        }
    }

    #[test]
    fn grids_larger_than_allowed_are_refused_before_anything_is_allocated() {
        let mut writer = Coder::writing();
        writer.count(1 << 20, usize::MAX).unwrap();
        writer.bits(0b11, 2);
        let bytes = writer.finish();
        let error = read(&mut Coder::reading(&bytes), 1 << 27).unwrap_err().to_string();
        assert!(error.contains("[1048576, 1048576, 1048576]") && error.contains("134217728"), "{error}");
    }
}
