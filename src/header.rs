//! The head of a stream: the grid, and the spec of the basis. Knows no basis.

use crate::coding::{Bit, Coder, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};
use crate::spec::{MAX_DEPTH, MAX_LENGTH, MAX_PARTS, Spec, Term};

/// The first bytes of every stream.
pub(crate) const MAGIC: &[u8; 3] = b"VDF";
/// Bytes before the coded part: [`MAGIC`] and the version.
pub(crate) const HEAD: usize = MAGIC.len() + 1;
/// Bytes after it.
pub(crate) const CHECKSUM: usize = 4;

/// Words that specs are made of, each kept as its number: names, keys and values. The table is full, and streams hold the
/// numbers: it stays as it is. What is not here is spelt out.
const WORDS: [&str; 128] = [
    "maxwellian",
    "hermite",
    "mixture",
    "cosine",
    "wavelet",
    "spherical",
    "octree",
    "pca",
    "log",
    "quantized",
    "conserve",
    "fast",
    "balanced",
    "smallest",
    "l2",
    "linf",
    "bytes",
    "slack",
    "fit",
    "moments",
    "least-squares",
    "covariance",
    "isotropic",
    "diagonal",
    "full",
    "order",
    "truncation",
    "cube",
    "total-degree",
    "hyperbolic-cross",
    "terms",
    "weight",
    "symmetric",
    "asymmetric",
    "projection",
    "quadrature",
    "search",
    "residual",
    "fitted",
    "scale",
    "centre",
    "scales",
    "frame",
    "grid",
    "pressure",
    "field-aligned",
    "field",
    "components",
    "tied",
    "spherical-harmonics",
    "kappa",
    "refine",
    "none",
    "start",
    "auto",
    "k-means",
    "moment-split",
    "greedy",
    "select",
    "fixed",
    "bic",
    "mml",
    "error",
    "samples",
    "seed",
    "tolerance",
    "iterations",
    "block",
    "keep",
    "padding",
    "mirror",
    "zeros",
    "threshold",
    "discard",
    "filter",
    "haar",
    "db2",
    "db3",
    "db4",
    "db5",
    "db6",
    "db7",
    "db8",
    "db9",
    "db10",
    "sym4",
    "sym5",
    "sym6",
    "sym7",
    "sym8",
    "coif1",
    "coif2",
    "coif3",
    "bior1.3",
    "bior2.2",
    "bior4.4",
    "boundary",
    "periodic",
    "whole-sample",
    "level",
    "soft",
    "rounding",
    "int8",
    "step",
    "floor",
    "heat-flux",
    "yes",
    "no",
    "x",
    "y",
    "z",
    "degree",
    "method",
    "joint",
    "misner",
    "burnett",
    "shells",
    "leaf",
    "linear",
    "best",
    "coefficients",
    "splits",
    "axis",
    "values",
    "log10",
    "dictionary",
    "radius",
    "blend",
];
/// Digits of the number of a word.
const WORD_BITS: u32 = 7;

/// Most cells of a grid that is written, and that is read unless another limit is given (2²⁶, half a gigabyte of values).
pub(crate) const MOST_CELLS: usize = 1 << 26;

/// Refuses a grid that no reader takes by default, before anything is worked out for a stream.
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

/// A stream that begins with this grid and this spec, for the coefficients to follow.
pub(crate) fn begin(grid: &VelocityGrid, spec: &str) -> Result<Coder<'static>> {
    let mut coder = Coder::writing();
    code(&mut coder, Some((grid, &spec.parse()?)), usize::MAX)?;
    Ok(coder)
}

/// Bytes of the whole stream, if it ended here.
pub(crate) fn whole_len(coder: Coder<'_>) -> usize {
    HEAD + coder.finish().len() + CHECKSUM
}

/// Writes the grid and the spec, or reads them.
///
/// # Errors
/// [`Error::MalformedStream`](crate::Error::MalformedStream) for what is no grid of at most `most_cells`, or no spec.
pub(crate) fn code(
    coder: &mut Coder<'_>,
    given: Option<(&VelocityGrid, &Spec)>,
    most_cells: usize,
) -> Result<(VelocityGrid, Spec)> {
    let grid = code_grid(coder, given.map(|(grid, _)| grid), most_cells)?;
    let spec = code_spec(coder, given.map(|(_, spec)| spec), 0, &mut Letters(MAX_LENGTH + 1))?;
    // Words that only a made-up stream holds, and a key that stands twice: what no text is, no stream is.
    if coder.is_reading() && spec.to_string().parse().as_ref() != Ok(&spec) {
        return Err(malformed("a spec that is none as a text"));
    }
    Ok((grid, spec))
}

/// How many letters a spec may still have.
struct Letters(usize);

impl Letters {
    fn take(&mut self, word: &str) -> Result<()> {
        self.0 = self.0.checked_sub(word.len() + 1).ok_or_else(|| malformed("a spec longer than any text"))?;
        Ok(())
    }
}

fn code_grid(coder: &mut Coder<'_>, given: Option<&VelocityGrid>, most_cells: usize) -> Result<VelocityGrid> {
    let mut shape = given.map_or([0; 3], VelocityGrid::shape);
    let mut lower = given.map_or([0.0; 3], VelocityGrid::lower);
    let mut spacing = given.map_or([0.0; 3], VelocityGrid::spacing);
    for axis in 0..3 {
        let same = axis > 0 && coder.bits(u64::from(shape[axis] == shape[axis.max(1) - 1]), 1) == 1;
        shape[axis] = if same { shape[axis - 1] } else { coder.count(shape[axis], most_cells)? };
    }
    let cells = shape.iter().try_fold(1_usize, |cells, &n| cells.checked_mul(n)).filter(|&cells| cells <= most_cells);
    if cells.is_none() {
        return Err(malformed(format!("a grid of shape {shape:?}, where at most {most_cells} cells are read")));
    }
    // Index units are a single bit.
    let unit = VelocityGrid::unit(shape).ok();
    if coder.bits(u64::from(given.is_some() && given == unit.as_ref()), 1) == 1 {
        return unit.ok_or_else(|| malformed(format!("a grid of shape {shape:?}")));
    }
    for axis in 0..3 {
        let same =
            axis > 0 && coder.bits(u64::from(spacing[axis].to_bits() == spacing[axis.max(1) - 1].to_bits()), 1) == 1;
        spacing[axis] = if same { spacing[axis - 1] } else { coder.decimal(spacing[axis])? };
        // Boxes about zero are common.
        let centred = -0.5 * shape[axis] as f64 * spacing[axis];
        let is_centred = coder.bits(u64::from(lower[axis].to_bits() == centred.to_bits()), 1) == 1;
        lower[axis] = if is_centred { centred } else { coder.decimal(lower[axis])? };
    }
    VelocityGrid::new(shape, lower, spacing).map_err(|error| malformed(error.to_string()))
}

fn code_spec(coder: &mut Coder<'_>, given: Option<&Spec>, depth: usize, letters: &mut Letters) -> Result<Spec> {
    if depth > MAX_DEPTH {
        return Err(malformed(format!("a spec of more than {MAX_DEPTH} parentheses inside each other")));
    }
    let mut terms = Vec::new();
    loop {
        let term = given.and_then(|spec| spec.terms.get(terms.len()));
        terms.push(code_term(coder, term, depth, letters)?);
        let more = given.is_some_and(|spec| spec.terms.len() > terms.len());
        if !coder.bit(&mut Bit::expected(1 << 13, 0), more) {
            return Ok(Spec { terms });
        }
        if terms.len() == MAX_PARTS {
            return Err(malformed(format!("a spec of more than {MAX_PARTS} terms")));
        }
    }
}

fn code_term(coder: &mut Coder<'_>, given: Option<&Term>, depth: usize, letters: &mut Letters) -> Result<Term> {
    let name = code_word(coder, given.map(|term| &term.name[..]))?;
    letters.take(&name)?;
    let nested = coder.bit(&mut Bit::expected(1 << 14, 0), given.is_some_and(|term| term.inner.is_some()));
    let inner = match nested {
        true => Some(code_spec(coder, given.and_then(|term| term.inner.as_ref()), depth + 1, letters)?),
        false => None,
    };
    let count = coder.count(given.map_or(0, |term| term.options.len()), MAX_PARTS)?;
    let mut options = Vec::new();
    for index in 0..count {
        let option = given.and_then(|term| term.options.get(index));
        let key = code_word(coder, option.map(|(key, _)| &key[..]))?;
        let value = code_value(coder, option.map(|(_, value)| &value[..]))?;
        letters.take(&key)?;
        letters.take(&value)?;
        options.push((key, value));
    }
    Ok(Term { name, inner, options })
}

/// A value: a number as Rust prints it, or a word.
fn code_value(coder: &mut Coder<'_>, given: Option<&str>) -> Result<String> {
    let number = given.and_then(|text| {
        let value: f64 = text.parse().ok()?;
        let plain = format!("{value}") == text;
        (plain || format!("{value:e}") == text).then_some((value, plain))
    });
    if coder.bits(u64::from(number.is_some()), 1) == 0 {
        return code_word(coder, given);
    }
    let (value, plain) = number.unwrap_or((0.0, true));
    let value = coder.decimal(value)?;
    let plain = coder.bit(&mut Bit::expected(60_000, 0), plain);
    Ok(if plain { format!("{value}") } else { format!("{value:e}") })
}

fn code_word(coder: &mut Coder<'_>, given: Option<&str>) -> Result<String> {
    let known = given.and_then(|word| WORDS.iter().position(|known| *known == word));
    if !coder.rarely(given.is_some() && known.is_none()) {
        return Ok(WORDS[coder.bits(known.unwrap_or(0) as u64, WORD_BITS) as usize].to_owned());
    }
    let bytes = given.unwrap_or_default().as_bytes();
    let length = coder.count(bytes.len(), MAX_LENGTH)?;
    let spelt = (0..length).map(|k| coder.bits(u64::from(bytes.get(k).copied().unwrap_or(0)), 8) as u8).collect();
    String::from_utf8(spelt).map_err(|_| malformed("a word of a spec that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(grid: &VelocityGrid, spec: &str) -> usize {
        let spec: Spec = spec.parse().unwrap();
        let mut writer = Coder::writing();
        code(&mut writer, Some((grid, &spec)), usize::MAX).unwrap();
        let bytes = writer.finish();
        let read = code(&mut Coder::reading(&bytes), None, usize::MAX).unwrap();
        assert_eq!(read, (*grid, spec));
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
        there_and_back(&unit, "mine:path=/data/a.vdfb,n=1e-5,m=0.00001,k=1e+5,field=0e0/1e0/2.5e-9 + log(ü:q=00)");
    }

    #[test]
    fn specs_that_no_text_is_are_refused_before_they_are_built() {
        let unit = VelocityGrid::unit([2; 3]).unwrap();
        let term = |name: &str, inner: Option<Spec>, options: &[(&str, &str)]| {
            let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            Term { name: name.to_owned(), inner, options }
        };
        let refused = |terms: Vec<Term>| {
            let mut writer = Coder::writing();
            code(&mut writer, Some((&unit, &Spec { terms })), usize::MAX).unwrap();
            code(&mut Coder::reading(&writer.finish()), None, usize::MAX).unwrap_err().to_string()
        };
        assert!(refused(vec![term("cosine + cosine", None, &[])]).contains("none as a text"));
        assert!(refused(vec![term("cosine", None, &[("block", "3"), ("block", "3")])]).contains("none as a text"));
        // As many terms as are allowed, at every depth.
        let mut spec = Spec { terms: vec![term("cosine", None, &[]); MAX_PARTS] };
        for _ in 0..MAX_DEPTH - 1 {
            let mut terms = vec![term("cosine", None, &[]); MAX_PARTS - 1];
            terms.push(term("log", Some(spec), &[]));
            spec = Spec { terms };
        }
        let mut writer = Coder::writing();
        let written = code(&mut writer, Some((&unit, &spec)), usize::MAX);
        assert!(written.is_err_and(|error| error.to_string().contains("longer than any text")));
        assert!(vec!["cosine"; MAX_PARTS + 1].join("+").parse::<Spec>().is_err());
    }

    #[test]
    fn words_are_found_once() {
        for (k, word) in WORDS.iter().enumerate() {
            assert_eq!(WORDS.iter().position(|other| other == word), Some(k), "{word}");
        }
    }

    #[test]
    fn grids_larger_than_allowed_are_refused_before_anything_is_allocated() {
        let mut writer = Coder::writing();
        writer.count(1 << 20, usize::MAX).unwrap();
        writer.bits(0b11, 2);
        let bytes = writer.finish();
        let error = code(&mut Coder::reading(&bytes), None, 1 << 27).unwrap_err().to_string();
        assert!(error.contains("[1048576, 1048576, 1048576]") && error.contains("at most 134217728"), "{error}");
    }
}
