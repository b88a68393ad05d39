//! Populations in `.npy` files: arrays of four axes, one distribution after another.

use std::path::Path;

use super::input::Input;
use super::npy::{ArrayType, FORMAT, malformed};
use super::{Precision, Source, decode};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// An `.npy` file of many distributions that is open for reading: an array of four axes `[cell, vx, vy, vz]`, or of three,
/// which is one distribution. Cells are read one by one, from any thread.
#[derive(Debug)]
pub struct NpyPopulation {
    input: Input,
    grid: VelocityGrid,
    cells: usize,
    array: ArrayType,
}

impl NpyPopulation {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// As [`Vdf::read_npy`]; [`Error::UnsupportedFile`] for four axes in Fortran order.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let input = Input::open(path.as_ref())?;
        let array = ArrayType::read(&mut Source::open(path.as_ref(), FORMAT)?)?;
        let (cells, shape) = match array.shape[..] {
            [nx, ny, nz] => (1, [nx, ny, nz]),
            [cells, nx, ny, nz] => (cells, [nx, ny, nz]),
            _ => return Err(malformed("it has neither three axes nor four")),
        };
        if array.fortran_order && array.shape.len() == 4 {
            let problem = "four axes in Fortran order; numpy.ascontiguousarray gives C order".to_owned();
            return Err(Error::UnsupportedFile { format: FORMAT, problem });
        }
        let grid = VelocityGrid::unit(shape).map_err(|error| malformed(error.to_string()))?;
        let expected = (grid.cells() as u64)
            .checked_mul(array.precision.bytes() as u64)
            .and_then(|bytes| bytes.checked_mul(cells as u64));
        let found = input.length().saturating_sub(array.begin as u64);
        if cells == 0 {
            return Err(malformed("it has no cells: the first of its four axes is 0"));
        }
        if expected != Some(found) {
            let expected = expected.map_or("more than can be addressed".to_owned(), |bytes| bytes.to_string());
            return Err(malformed(format!("found {found} bytes of values, expected {expected} for {cells} cells")));
        }
        Ok(Self { input, grid, cells, array })
    }

    /// The number of distributions.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// The grid of each, in index units.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.grid
    }

    /// Precision of the values.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.array.precision
    }

    /// The distribution of a cell, on a grid in index units.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a cell that is not there, [`Error::NotFinite`], [`Error::Io`].
    pub fn read(&self, cell: usize) -> Result<Vdf> {
        if cell >= self.cells {
            return Err(Error::parameter("cell", cell, format!("0 to {} in {}", self.cells - 1, self.input.name())));
        }
        if self.array.fortran_order {
            return Vdf::read_npy(self.input.name());
        }
        let count = (self.grid.cells() * self.array.precision.bytes()) as u64;
        let bytes = self.input.bytes(self.array.begin as u64 + count * cell as u64, count)?;
        let bytes = bytes.ok_or_else(|| malformed("it was cut after it was opened"))?;
        let mut values = Vec::with_capacity(self.grid.cells());
        decode(&bytes, self.array.precision, self.array.big_endian, &mut values);
        Vdf::from_vec(self.grid, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::io::npy::npy_header;

    #[test]
    fn cells_of_a_population_are_read_one_by_one() {
        let path = std::env::temp_dir().join(format!("vdf-basis-population-{}.npy", std::process::id()));
        let values: Vec<f64> = (0..48).map(f64::from).collect();
        for (precision, shape) in [(Precision::Single, [2, 2, 3, 4]), (Precision::Double, [4, 1, 3, 4])] {
            let mut bytes = npy_header(&shape, precision);
            values.iter().for_each(|&value| match precision {
                Precision::Single => bytes.extend((value as f32).to_le_bytes()),
                Precision::Double => bytes.extend(value.to_le_bytes()),
            });
            std::fs::write(&path, &bytes).unwrap();
            let file = NpyPopulation::open(&path).unwrap();
            assert_eq!((file.cells(), file.grid().shape().as_slice()), (shape[0], &shape[1..]));
            let last = file.read(shape[0] - 1).unwrap();
            assert_eq!(last.as_slice(), &values[48 - last.as_slice().len()..]);
            assert!(file.read(shape[0]).is_err());
            for length in [bytes.len() - 1, bytes.len() - 9, 20] {
                std::fs::write(&path, &bytes[..length]).unwrap();
                assert!(NpyPopulation::open(&path).is_err());
            }
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_population_without_cells_or_in_fortran_order_is_refused() {
        let path = std::env::temp_dir().join(format!("vdf-basis-no-population-{}.npy", std::process::id()));
        std::fs::write(&path, npy_header(&[0, 2, 2, 2], Precision::Single)).unwrap();
        assert!(matches!(NpyPopulation::open(&path), Err(Error::MalformedFile { .. })));
        let header =
            String::from_utf8_lossy(&npy_header(&[1, 1, 1, 1], Precision::Single)[10..]).replace("False", "True ");
        let bytes = [&npy_header(&[1, 1, 1, 1], Precision::Single)[..10], header.as_bytes(), &[0; 4]].concat();
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(NpyPopulation::open(&path), Err(Error::UnsupportedFile { .. })));
        std::fs::remove_file(path).unwrap();
    }
}
