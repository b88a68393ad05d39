//! NumPy's `.npy`: three-dimensional arrays of 4- or 8-byte floating-point numbers, in C or Fortran order and either
//! byte order, in versions 1 to 3 of the
//! [format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//!
//! The header is a Python literal. Only the one dictionary that NumPy writes is understood (keys in any order; long
//! integers, `5L`, and strings, `u'<f8'`, of Python 2; the names of a dtype that NumPy takes for the same), by a
//! parser that neither recurses nor allocates by what it reads. A general parser of such literals is no match for a
//! hostile header: npyz 0.9 takes time exponential in the number of open brackets and multiplies the lengths
//! unchecked.

use std::io::{Read, Write};
use std::path::Path;

use ndarray::{Array3, ShapeBuilder};

use super::{Precision, Source, write_file, write_values};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

pub(super) const FORMAT: &str = ".npy";
const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header accepted, in bytes: the longest that version 1 can have. NumPy itself stops at 10,000.
const MAX_HEADER: usize = 1 << 16;
/// The values begin at a multiple of this.
const ALIGNMENT: usize = 64;

impl Vdf {
    /// A distribution from an `.npy` file, on a grid in index units ([`VelocityGrid::unit`]): the file holds no
    /// geometry, [`Vdf::with_geometry`] adds it.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for what is not an array of three dimensions and dtype `<f4`, `>f4`, `<f8` or `>f8`
    /// (without a byte order, or with `=` or `|`: little-endian), or holds fewer or more bytes than it says;
    /// [`Error::NotFinite`] with the index of the first NaN or infinity; [`Error::Io`].
    pub fn read_npy(path: impl AsRef<Path>) -> Result<Self> {
        parse(Source::open(path.as_ref(), FORMAT)?)
    }

    /// Reads as [`Vdf::read_npy`] does, from any reader. It must end with the array; at most one byte is read beyond
    /// it.
    ///
    /// # Errors
    /// Those of [`Vdf::read_npy`].
    pub fn from_npy(reader: impl Read) -> Result<Self> {
        parse(Source::new(reader, FORMAT))
    }

    /// Writes the values to an `.npy` file, little-endian and in C order, over one that is there.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::InvalidParameter`] if a value
    /// exceeds the range of single precision.
    pub fn write_npy(&self, path: impl AsRef<Path>, precision: Precision) -> Result<()> {
        write_file(self, &npy_header(&self.grid().shape(), precision), precision, path.as_ref())
    }

    /// Writes as [`Vdf::write_npy`] does, to any writer.
    ///
    /// # Errors
    /// Those of [`Vdf::write_npy`].
    pub fn to_npy(&self, writer: impl Write, precision: Precision) -> Result<()> {
        write_values(self, &npy_header(&self.grid().shape(), precision), precision, "writer", writer)
    }
}

/// Numbers as a one-dimensional array of double precision.
pub(crate) fn npy_numbers(numbers: &[f64]) -> Vec<u8> {
    let mut bytes = npy_header(&[numbers.len()], Precision::Double);
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

/// The first bytes of an `.npy` file, before the values: little-endian, in C order, with these lengths of the axes.
#[must_use]
pub fn npy_header(shape: &[usize], precision: Precision) -> Vec<u8> {
    let shape = match shape {
        [length] => format!("({length},)"),
        lengths => format!("({})", lengths.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let descr = match precision {
        Precision::Single => "<f4",
        Precision::Double => "<f8",
    };
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take 10 bytes, the line feed one.
    let prefix = MAGIC.len() + 4;
    let padded = (prefix + dictionary.len() + 1).next_multiple_of(ALIGNMENT) - prefix;
    let mut header = MAGIC.to_vec();
    header.extend([1, 0]);
    header.extend((padded as u16).to_le_bytes());
    header.extend(format!("{dictionary:0$}\n", padded - 1).bytes());
    header
}

fn parse<R: Read>(mut source: Source<R>) -> Result<Vdf> {
    let array = ArrayType::read(&mut source)?;
    let &[nx, ny, nz] = &array.shape[..] else {
        let lengths = array.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let count = array.shape.first().copied().unwrap_or(0);
        let cells = if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
        let population = format!("it holds a population of {cells}, which `NpyPopulation` and the command `vdfb` read");
        return Err(malformed(format!("shape ({lengths}); three lengths are allowed: {population}")));
    };
    let grid = VelocityGrid::unit([nx, ny, nz]).map_err(|error| malformed(error.to_string()))?;
    let values = source.read_values(grid.cells(), array.precision, array.big_endian)?;
    let shape = [nx, ny, nz].set_f(array.fortran_order);
    Vdf::new(grid, Array3::from_shape_vec(shape, values).map_err(|error| malformed(error.to_string()))?)
}

/// Contents of the header.
#[derive(Debug)]
pub(super) struct ArrayType {
    /// The lengths of the axes: three, or four.
    pub(super) shape: Vec<usize>,
    pub(super) fortran_order: bool,
    pub(super) precision: Precision,
    pub(super) big_endian: bool,
    /// Bytes before the values.
    pub(super) begin: usize,
}

impl ArrayType {
    /// Reads the header, up to the values.
    pub(super) fn read<R: Read>(source: &mut Source<R>) -> Result<Self> {
        let mut bytes = Vec::new();
        source.read_up_to(MAGIC.len() + 2, &mut bytes)?;
        let length_bytes = match bytes.strip_prefix(MAGIC) {
            Some([1, 0]) => 2,
            Some([2 | 3, 0]) => 4,
            Some([major, minor]) => {
                return Err(malformed(format!("version {major}.{minor}; versions 1.0, 2.0 and 3.0 are allowed")));
            }
            _ => return Err(malformed("it does not begin with \\x93NUMPY and a version")),
        };
        source.read_up_to(length_bytes, &mut bytes)?;
        if bytes.len() < length_bytes {
            return Err(malformed("it ends before the length of its header"));
        }
        let length = bytes.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length > MAX_HEADER {
            return Err(malformed(format!("a header of {length} bytes; at most {MAX_HEADER} are allowed")));
        }
        source.read_up_to(length, &mut bytes)?;
        if bytes.len() < length {
            return Err(malformed(format!("it ends {} bytes into a header of {length}", bytes.len())));
        }
        let text = str::from_utf8(&bytes).map_err(|_| malformed("the header is not text"))?;
        let begin = MAGIC.len() + 2 + length_bytes + length;
        Ok(Self { begin, ..Self::parse(text)? })
    }

    /// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (50, 50, 50), }`, the keys in any order.
    fn parse(text: &str) -> Result<Self> {
        let mut text = Literal(text);
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        text.expect("{")?;
        while !text.eat("}") {
            let key = text.string()?;
            text.expect(":")?;
            let again = match key {
                "descr" => dtype.replace(text.dtype()?).is_some(),
                "fortran_order" => fortran_order.replace(text.boolean()?).is_some(),
                "shape" => shape.replace(text.shape()?).is_some(),
                _ => {
                    let key = excerpt(key);
                    return Err(malformed(format!("header key {key}; descr, fortran_order and shape are allowed")));
                }
            };
            if again {
                return Err(malformed(format!("the header has {key} twice")));
            }
            if !text.eat(",") {
                text.expect("}")?;
                break;
            }
        }
        text.end()?;
        let missing = |key| malformed(format!("the header has no {key}"));
        let (precision, big_endian) = dtype.ok_or_else(|| missing("descr"))?;
        Ok(Self {
            shape: shape.ok_or_else(|| missing("shape"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            precision,
            big_endian,
            begin: 0,
        })
    }
}

/// Rest of the header's text.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// Skips blanks, then `token` if it comes next.
    fn eat(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_ascii_start();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Error {
        malformed(format!("the header has {} where {wanted} should be", excerpt(self.0)))
    }

    fn end(&mut self) -> Result<()> {
        if self.0.trim_ascii().is_empty() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// A quoted word, or Python 2's `u'…'`. Escapes are not interpreted: none of the words allowed has any.
    fn string(&mut self) -> Result<&'a str> {
        if ["u'", "u\""].iter().any(|begin| self.0.trim_ascii_start().starts_with(begin)) {
            self.expect("u")?;
        }
        let quote = if self.eat("'") {
            '\''
        } else if self.eat("\"") {
            '"'
        } else {
            return Err(self.unexpected("a string"));
        };
        let (word, rest) = self.0.split_once(quote).ok_or_else(|| self.unexpected("a whole string"))?;
        self.0 = rest;
        Ok(word)
    }

    fn boolean(&mut self) -> Result<bool> {
        if self.eat("True") {
            Ok(true)
        } else if self.eat("False") {
            Ok(false)
        } else {
            Err(self.unexpected("True or False"))
        }
    }

    /// Precision, and whether the numbers are big-endian.
    fn dtype(&mut self) -> Result<(Precision, bool)> {
        const ALLOWED: &str = "<f4, >f4, <f8 and >f8 are allowed";
        if self.eat("[") {
            // A list of fields.
            return Err(malformed(format!("structured dtype {}; {ALLOWED}", excerpt(self.0))));
        }
        let name = self.string()?;
        let kind = name.strip_prefix(['<', '>', '=', '|']).unwrap_or(name);
        let precision = match kind {
            "f4" | "f" => Precision::Single,
            "f8" | "d" => Precision::Double,
            // These are no names with a byte order.
            "float32" | "single" if kind == name => Precision::Single,
            "float64" | "double" | "float" if kind == name => Precision::Double,
            _ => return Err(malformed(format!("dtype {}; {ALLOWED}", excerpt(name)))),
        };
        Ok((precision, name.starts_with('>')))
    }

    /// Three lengths, or four.
    fn shape(&mut self) -> Result<Vec<usize>> {
        self.expect("(")?;
        let (inside, rest) = self.0.split_once(')').ok_or_else(|| self.unexpected("a whole shape"))?;
        self.0 = rest;
        // One comma may follow the last length.
        let lengths = inside.trim_ascii_end().strip_suffix(',').unwrap_or(inside);
        let number = |length: &str| {
            let length = length.trim_ascii();
            // A long integer of Python 2.
            let digits = length.strip_suffix('L').map_or(length, str::trim_ascii_end);
            // `parse` alone would also take a sign.
            if digits.starts_with('+') { None } else { digits.parse().ok() }
        };
        let found: Option<Vec<usize>> = lengths.split(',').map(number).take(5).collect();
        found.filter(|lengths| matches!(lengths.len(), 3 | 4)).ok_or_else(|| {
            let shape = excerpt(&format!("({inside})"));
            malformed(format!("shape {shape}; three lengths are allowed, or four for a population"))
        })
    }
}

pub(super) fn malformed(problem: impl Into<String>) -> Error {
    Error::MalformedFile { format: FORMAT, problem: problem.into() }
}

/// The beginning of a text of unknown length and content, in quotes, fit for an error message.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_cases;
    use rand::Rng;

    /// File that `numpy.save` writes for `numpy.arange(6.0).reshape(1, 2, 3)`.
    fn by_numpy() -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 3), }");
        bytes.resize(127, b' ');
        bytes.push(b'\n');
        for high in [0x0000u16, 0x3ff0, 0x4000, 0x4008, 0x4010, 0x4014] {
            bytes.extend([0, 0, 0, 0, 0, 0, high as u8, (high >> 8) as u8]);
        }
        bytes
    }

    #[test]
    fn bytes_are_numpys() {
        let grid = VelocityGrid::unit([1, 2, 3]).unwrap();
        let vdf = Vdf::from_slice(grid, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(Vdf::from_npy(&by_numpy()[..]).unwrap(), vdf);
        let mut written = Vec::new();
        vdf.to_npy(&mut written, Precision::Double).unwrap();
        assert_eq!(written, by_numpy());
        written.clear();
        vdf.to_npy(&mut written, Precision::Single).unwrap();
        assert_eq!((written.len(), &written[20..24], &written[148..]), (152, &b"'<f4"[..], &[0, 0, 0xa0, 0x40][..]));
        assert_eq!(Vdf::from_npy(&written[..]).unwrap(), vdf);
    }

    #[test]
    fn geometry_is_added_afterwards() {
        let vdf = Vdf::from_npy(&by_numpy()[..]).unwrap();
        assert_eq!(vdf.grid(), &VelocityGrid::unit([1, 2, 3]).unwrap());
        let vdf = vdf.with_geometry([-1e6, 0.0, 2e5], [3e4, 2e4, 1e4]).unwrap();
        assert_eq!(vdf.grid(), &VelocityGrid::new([1, 2, 3], [-1e6, 0.0, 2e5], [3e4, 2e4, 1e4]).unwrap());
        assert_eq!(vdf.as_slice(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(vdf.with_geometry([0.0; 3], [1.0, 0.0, 1.0]).is_err());
    }

    #[test]
    fn every_way_to_write_the_dictionary_is_read() {
        for dictionary in [
            "{'shape':(1,2,3),'fortran_order':False,'descr':'<f8'}",
            "{ \"descr\" : \"<f8\" , \"fortran_order\" : False , \"shape\" : ( 1 , 2 , 3 , ) , } \n",
            "\n{'descr': '<f8',\t'shape': (1, 2, 3,), 'fortran_order': False, }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 2L, 3L), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1 L,2L, 3 ,), }",
            "{u'descr': u'<f8', u'fortran_order': False, u\"shape\": (1L, 2, 3L,), }",
            "{'descr': 'f8', 'fortran_order': False, 'shape': (1, 2, 3), }",
            "{'descr': '=f8', 'fortran_order': False, 'shape': (1, 2, 3), }",
            "{'descr': '|f8', 'fortran_order': False, 'shape': (1, 2, 3), }",
            "{'descr': '<d', 'fortran_order': False, 'shape': (1, 2, 3), }",
            "{'descr': 'float64', 'fortran_order': False, 'shape': (1, 2, 3), }",
        ] {
            for version in 1..=3 {
                let mut bytes = [MAGIC, &[version, 0, dictionary.len() as u8, 0]].concat();
                bytes.resize(if version == 1 { 10 } else { 12 }, 0);
                bytes.extend(dictionary.bytes());
                bytes.extend(&by_numpy()[128..]);
                assert_eq!(Vdf::from_npy(&bytes[..]).unwrap().as_slice()[5], 5.0, "{dictionary}");
            }
        }
    }

    #[test]
    fn what_python_would_not_read_is_refused() {
        let read = |shape: &str, descr: &str| {
            let dictionary = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
            let bytes = [MAGIC, &[1, 0, dictionary.len() as u8, 0], dictionary.as_bytes(), &by_numpy()[128..]].concat();
            Vdf::from_npy(&bytes[..])
        };
        assert!(read("(1L, 2L, 3L)", "'<f8'").is_ok());
        for shape in [
            "(1LL, 2, 3)",
            "(L1, 2, 3)",
            "(L, 2, 3)",
            "(1, 2, 3, 4L)",
            "(1, 2L)",
            "(+1L, 2, 3)",
            "(1l, 2, 3)",
            "(1, 2, 3,,)",
        ] {
            assert!(read(shape, "'<f8'").is_err(), "{shape}");
        }
        for descr in ["'<float64'", "'<<f8'", "'f16'", "'<i8'", "'|u1'", "'<c8'", "u '<f8'", "'!f8'", "''", "'<'"] {
            assert!(read("(1, 2, 3)", descr).is_err(), "{descr}");
        }
    }

    /// Every layout, laid out here cell by cell.
    #[test]
    fn every_layout_is_read() {
        for_cases(256, |random| {
            let shape @ [nx, ny, nz]: [usize; 3] = [(); 3].map(|()| random.random_range(1..6));
            let [fortran, big_endian, single]: [bool; 3] = random.random();
            let seed = random.random_range(-1e30_f32..1e30);
            let value = |x: usize, y: usize, z: usize| seed / (1 + x + 7 * y + 50 * z) as f32;
            let order = if fortran { "True" } else { "False" };
            let descr = [if big_endian { ">" } else { "<" }, if single { "f4" } else { "f8" }].concat();
            let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({nx}, {ny}, {nz}), }}\n");
            let mut bytes = [MAGIC, &[1, 0, header.len() as u8, 0], header.as_bytes()].concat();
            for cell in 0..nx * ny * nz {
                let [x, y, z] = if fortran {
                    [cell % nx, cell / nx % ny, cell / nx / ny]
                } else {
                    [cell / nz / ny, cell / nz % ny, cell % nz]
                };
                let value = value(x, y, z);
                let mut little =
                    if single { value.to_le_bytes().to_vec() } else { f64::from(value).to_le_bytes().to_vec() };
                if big_endian {
                    little.reverse();
                }
                bytes.extend(little);
            }
            let read = Vdf::from_npy(&bytes[..]).unwrap();
            assert_eq!(read.grid().shape(), shape);
            for ((x, y, z), &f) in read.values().indexed_iter() {
                assert_eq!(f, f64::from(value(x, y, z)));
            }
        });
    }

    #[test]
    fn what_is_written_is_read_bit_by_bit() {
        for_cases(256, |random| {
            let shape = [(); 3].map(|()| random.random_range(1..30));
            // Any finite bit pattern, subnormal numbers and negative zeros included.
            let vdf = Vdf::from_fn(VelocityGrid::unit(shape).unwrap(), |_| {
                Some(f64::from_bits(random.random())).filter(|f| f.is_finite()).unwrap_or(-0.0)
            })
            .unwrap();
            let mut written = Vec::new();
            vdf.to_npy(&mut written, Precision::Double).unwrap();
            assert_eq!((written.len() - 8 * vdf.grid().cells()) % 64, 0);
            let read = Vdf::from_npy(&written[..]).unwrap();
            assert!(read.as_slice().iter().zip(vdf.as_slice()).all(|(a, b)| a.to_bits() == b.to_bits()));
        });
    }
}
