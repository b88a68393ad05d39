//! Values of distributions in files of other programs: NumPy and ParaView.

use std::io::Write;
use std::path::{Path, PathBuf};

use vdf_basis::distribution::io::npy::npy_header;
use vdf_basis::{Precision, Vdf, VelocityGrid};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::{Problem, files};

/// A format of values, by the ending of the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// NumPy: `[vx, vy, vz]`, or `[cell, vx, vy, vz]`.
    Npy,
    /// NumPy: an array for each cell, and their grids.
    Npz,
    /// ParaView: image data, XML with the values appended.
    Vti,
    /// ParaView: image data of the legacy format, binary.
    Vtk,
    /// Vlasiator.
    Vlsv,
}

impl Format {
    /// The format of a file.
    pub fn of(path: &Path) -> Result<Self, Problem> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match ending.as_str() {
            "npy" => Ok(Self::Npy),
            "npz" => Ok(Self::Npz),
            "vti" => Ok(Self::Vti),
            "vtk" => Ok(Self::Vtk),
            "vlsv" => Ok(Self::Vlsv),
            _ => Err(Problem::Usage(files::in_file(path, "its name must end with .npy, .npz, .vti, .vtk or .vlsv"))),
        }
    }
}

/// Writes the distributions of some cells one after another.
pub struct Values<'a> {
    format: Format,
    path: PathBuf,
    target: Target<'a>,
    cells: &'a [u64],
    precision: Precision,
    /// The grid of the first cell; cells that came before it and are missing.
    grid: Option<VelocityGrid>,
    missing: Vec<u64>,
    put: Vec<(u64, VelocityGrid)>,
}

enum Target<'a> {
    Plain(&'a mut dyn Write),
    Zip(Box<ZipWriter<StreamWriter<&'a mut dyn Write>>>),
}

impl<'a> Values<'a> {
    /// A file for some cells, which come in this order.
    pub fn new(format: Format, file: &'a mut dyn Write, cells: &'a [u64], precision: Precision, path: &Path) -> Self {
        let target = match format {
            Format::Npz => Target::Zip(Box::new(ZipWriter::new_stream(file))),
            _ => Target::Plain(file),
        };
        let (missing, put) = (Vec::new(), Vec::new());
        Self { format, path: path.to_path_buf(), target, cells, precision, grid: None, missing, put }
    }

    /// Writes the distribution of a cell.
    pub fn put(&mut self, cell: u64, vdf: &Vdf) -> Result<(), String> {
        let grid = *vdf.grid();
        let largest = vdf.as_slice().iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        if self.precision == Precision::Single && largest.is_finite() && !(largest as f32).is_finite() {
            let problem = format!("cell {cell} has densities up to {largest:e}, too large for --single");
            return Err(self.failed(problem));
        }
        if self.format != Format::Npz && self.grid.is_none() {
            self.grid = Some(grid);
            let head = self.head(&grid);
            self.write(&head)?;
            for cell in std::mem::take(&mut self.missing) {
                self.put_nan(cell, &grid)?;
            }
        }
        if let Some(first) = self.grid {
            let (is_one, what) = match self.format {
                Format::Npy => (first.shape() == grid.shape(), "shape"),
                _ => (first == grid, "grid"),
            };
            if !is_one {
                let other =
                    if self.format == Format::Npy { ".npz holds an array for each" } else { "write one cell a file" };
                return Err(self.failed(format!("cell {cell} has another {what} than the first: {other}, or --cells")));
            }
        }
        match self.format {
            Format::Npz => {
                let name = if self.cells.len() == 1 { "f".to_owned() } else { format!("f_{cell}") };
                let values = encode(vdf.as_slice().iter().copied(), self.precision, false);
                self.entry(&name, npy_header(&grid.shape(), self.precision), &values)?;
            }
            _ => self.put_values(cell, &grid, |index| vdf.as_slice()[index])?,
        }
        self.put.push((cell, grid));
        Ok(())
    }

    /// Leaves a place for a cell whose values are not known: NaN.
    pub fn put_missing(&mut self, cell: u64) -> Result<(), String> {
        match self.grid {
            _ if self.format == Format::Npz => Ok(()),
            None => {
                self.missing.push(cell);
                Ok(())
            }
            Some(grid) => self.put_nan(cell, &grid),
        }
    }

    /// Writes what belongs at the end.
    pub fn finish(mut self) -> Result<(), String> {
        if self.put.is_empty() {
            return Err(self.failed("no cell could be decoded"));
        }
        match self.format {
            Format::Npz => self.finish_npz(),
            Format::Vti => self.write(b"\n</AppendedData>\n</VTKFile>\n"),
            _ => Ok(()),
        }
    }

    fn finish_npz(mut self) -> Result<(), String> {
        let count = self.put.len();
        let vectors = |of: fn(&VelocityGrid) -> [f64; 3]| {
            let numbers = self.put.iter().flat_map(|(_, grid)| of(grid));
            encode(numbers, Precision::Double, false)
        };
        let [lower, spacing] = [vectors(VelocityGrid::lower), vectors(VelocityGrid::spacing)];
        let cells: Vec<u8> = self.put.iter().flat_map(|(cell, _)| cell.to_le_bytes()).collect();
        let numbers = npy_header(&[count, 3], Precision::Double);
        self.entry("lower", numbers.clone(), &lower)?;
        self.entry("spacing", numbers, &spacing)?;
        // The header of integers differs from that of floating-point numbers in one letter.
        let mut ids = npy_header(&[count], Precision::Double);
        if let Some(place) = ids.windows(3).position(|word| word == b"<f8") {
            ids[place + 1] = b'u';
        }
        self.entry("cells", ids, &cells)?;
        let path = self.path;
        match self.target {
            Target::Zip(zip) => zip.finish().map(drop).map_err(|problem| files::in_file(&path, problem)),
            Target::Plain(_) => Ok(()),
        }
    }

    /// An array of a `.npz` file.
    fn entry(&mut self, name: &str, header: Vec<u8>, values: &[u8]) -> Result<(), String> {
        let Target::Zip(zip) = &mut self.target else { return Ok(()) };
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        let written = zip.start_file(format!("{name}.npy"), options).map_err(|problem| problem.to_string());
        let written = written.and_then(|()| {
            let both = zip.write_all(&header).and_then(|()| zip.write_all(values));
            both.map_err(|problem| problem.to_string())
        });
        written.map_err(|problem| files::in_file(&self.path, problem))
    }

    fn put_nan(&mut self, cell: u64, grid: &VelocityGrid) -> Result<(), String> {
        self.put_values(cell, grid, |_| f64::NAN)
    }

    /// Writes the values of a cell by their index in C order; ParaView's fastest axis is x.
    fn put_values(&mut self, cell: u64, grid: &VelocityGrid, value: impl Fn(usize) -> f64) -> Result<(), String> {
        let [nx, ny, nz] = grid.shape();
        let turned =
            || (0..grid.cells()).map(|index| value((index % nx * ny + index / nx % ny) * nz + index / nx / ny));
        let bytes = match self.format {
            Format::Vti => {
                let mut bytes = ((grid.cells() * self.precision.bytes()) as u64).to_le_bytes().to_vec();
                bytes.extend(encode(turned(), self.precision, false));
                bytes
            }
            Format::Vtk => {
                let kind = if self.precision == Precision::Single { "float" } else { "double" };
                let mut bytes = format!("SCALARS f_{cell} {kind} 1\nLOOKUP_TABLE default\n").into_bytes();
                bytes.extend(encode(turned(), self.precision, true));
                bytes.push(b'\n');
                bytes
            }
            _ => encode((0..grid.cells()).map(value), self.precision, false),
        };
        self.write(&bytes)
    }

    /// The beginning of a file, known from the first cell.
    fn head(&self, grid: &VelocityGrid) -> Vec<u8> {
        let [nx, ny, nz] = grid.shape();
        let words = |vector: [f64; 3]| vector.map(|number| format!("{number:e}")).join(" ");
        let (origin, spacing) = (words(grid.lower()), words(grid.spacing()));
        match self.format {
            Format::Npy if self.cells.len() == 1 => npy_header(&[nx, ny, nz], self.precision),
            Format::Npy => npy_header(&[self.cells.len(), nx, ny, nz], self.precision),
            Format::Vtk => {
                let points = format!("{} {} {}", nx + 1, ny + 1, nz + 1);
                let head =
                    "# vtk DataFile Version 3.0\nvelocity distribution functions\nBINARY\nDATASET STRUCTURED_POINTS";
                format!("{head}\nDIMENSIONS {points}\nORIGIN {origin}\nSPACING {spacing}\nCELL_DATA {}\n", grid.cells())
                    .into()
            }
            _ => {
                let extent = format!("0 {nx} 0 {ny} 0 {nz}");
                let kind = if self.precision == Precision::Single { "Float32" } else { "Float64" };
                // Each array is preceded by its length.
                let each = grid.cells() * self.precision.bytes() + 8;
                let array = |(place, cell): (usize, &u64)| {
                    let offset = place * each;
                    format!("<DataArray type=\"{kind}\" Name=\"f_{cell}\" format=\"appended\" offset=\"{offset}\"/>\n")
                };
                let arrays: String = self.cells.iter().enumerate().map(array).collect();
                format!(
                    "<?xml version=\"1.0\"?>\n<VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" \
                     header_type=\"UInt64\">\n<ImageData WholeExtent=\"{extent}\" Origin=\"{origin}\" Spacing=\"{spacing}\">\n\
                     <Piece Extent=\"{extent}\">\n<CellData Scalars=\"f_{}\">\n{arrays}</CellData>\n</Piece>\n</ImageData>\n\
                     <AppendedData encoding=\"raw\">\n_",
                    self.cells.first().copied().unwrap_or_default()
                )
                .into()
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &mut self.target {
            Target::Plain(file) => file.write_all(bytes).map_err(|problem| files::in_file(&self.path, problem)),
            Target::Zip(_) => Ok(()),
        }
    }

    fn failed(&self, problem: impl std::fmt::Display) -> String {
        files::in_file(&self.path, problem)
    }
}

fn encode(values: impl Iterator<Item = f64>, precision: Precision, big_endian: bool) -> Vec<u8> {
    match (precision, big_endian) {
        (Precision::Single, false) => values.flat_map(|value| (value as f32).to_le_bytes()).collect(),
        (Precision::Single, true) => values.flat_map(|value| (value as f32).to_be_bytes()).collect(),
        (Precision::Double, false) => values.flat_map(f64::to_le_bytes).collect(),
        (Precision::Double, true) => values.flat_map(f64::to_be_bytes).collect(),
    }
}
