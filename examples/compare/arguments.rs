//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// The bases compared when none are named, and a compressor beside them.
pub const DEFAULT_BASES: [&str; 25] = [
    "maxwellian:fit=moments",
    "maxwellian",
    "maxwellian:covariance=full",
    "hermite:order=12",
    "hermite:order=15",
    "hermite:order=15,truncation=total-degree",
    "hermite:order=15,terms=1000",
    "mixture:components=15",
    "spherical",
    "spherical:method=misner",
    "spherical:method=burnett,degree=15",
    "octree:l2=0.05",
    "octree:leaf=linear,l2=0.05",
    "cosine:block=8,keep=4",
    "cosine:block=8,keep=4,padding=zeros",
    "cosine:terms=1900",
    "pca",
    "pca:floor=1e-16",
    "wavelet:filter=sym8,level=2,terms=2150",
    "wavelet:filter=bior1.3,boundary=symmetric,level=1,rounding=int8",
    "wavelet:filter=db4,level=0,threshold=1e-16",
    "fast:l2=0.03",
    "smallest:l2=0.03",
    "conserve(smallest:l2=0.03)",
    "zlib",
];

/// Encode a velocity distribution function in several bases, reconstruct it, and compare: one table of every fidelity
/// figure, and one picture per basis.
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub struct Arguments {
    /// A distribution in C order `[vx, vy, vz]`: `.npy`, or bare little-endian `.bin` with --shape. Without it,
    /// several synthetic distributions are compared.
    pub file: Option<PathBuf>,

    /// The bases to compare, or the general compressor `zlib`.
    #[arg(long, num_args = 1.., value_name = "SPEC", default_values = DEFAULT_BASES)]
    pub bases: Vec<String>,

    /// Write the figures as JSON: an array of rows, those of several distributions one after another.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Folder for the pictures. With synthetic distributions, one folder inside it for each.
    #[arg(long, value_name = "DIR", default_value = "out/compare")]
    pub out: PathBuf,

    /// Times are medians of this many runs, or of as many as end within two seconds.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = repeats)]
    pub repeat: usize,

    /// Cells along each axis of a .bin file; checked against a .npy file's own shape.
    #[arg(long, value_name = "NX,NY,NZ", value_parser = triple::<usize>, requires = "file")]
    pub shape: Option<[usize; 3]>,

    /// Lower edge of the grid [m/s]; without it the grid is in index units.
    #[arg(long, value_name = "X,Y,Z", value_parser = triple::<f64>, requires_all = ["file", "spacing"], allow_hyphen_values = true)]
    pub lower: Option<[f64; 3]>,

    /// Width of a cell along each axis [m/s].
    #[arg(long, value_name = "X,Y,Z", value_parser = triple::<f64>, requires_all = ["file", "lower"])]
    pub spacing: Option<[f64; 3]>,

    /// Precision of the values in a .bin file; without it the file's length tells.
    #[arg(long, value_enum, requires = "file")]
    pub precision: Option<Bits>,

    /// Cells along each axis of the synthetic distributions.
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "file")]
    pub cells: usize,
}

/// Precision of bare values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// Four bytes a value.
    F32,
    /// Eight bytes a value.
    F64,
}

fn repeats(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one run is needed".to_owned()),
        Ok(count) => Ok(count),
        Err(problem) => Err(format!("{problem}")),
    }
}

/// Three numbers separated by commas.
fn triple<T: std::str::FromStr>(text: &str) -> Result<[T; 3], String> {
    let numbers: Option<Vec<T>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "three numbers separated by commas are needed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_whole_command_line_is_understood() {
        let line = "compare f.bin --shape 68,72,56 --lower -5.6e5,-6.4e5,-6.4e5 --spacing 2e4,2e4,2e4 --precision f32 \
                    --repeat 1 --bases maxwellian hermite:order=4,truncation=total-degree --json f.json";
        let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
        assert_eq!(arguments.bases, ["maxwellian", "hermite:order=4,truncation=total-degree"]);
        assert_eq!((arguments.shape, arguments.precision), (Some([68, 72, 56]), Some(Bits::F32)));
        assert_eq!(arguments.lower, Some([-5.6e5, -6.4e5, -6.4e5]));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["f.bin --shape 1,2", "f.bin --repeat 0", "f.npy --lower 0,0,0", "f.npy --cells 4", "--bases"] {
            let words = std::iter::once("compare").chain(line.split_whitespace());
            assert!(Arguments::try_parse_from(words).is_err(), "{line}");
        }
    }
}
