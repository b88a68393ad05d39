//! The command line.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use vdf_basis::Synthetic;

use crate::selection::Selection;

/// The bases compared when none are named, and a compressor beside them.
pub const DEFAULT_BASES: [&str; 26] = [
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
    "lossless",
    "fast:l2=0.03",
    "smallest:l2=0.03",
    "conserve(smallest:l2=0.03)",
    "zlib",
];

/// The synthetic distributions compared when none are named.
const SYNTHETIC: [&str; 5] = ["bi-maxwellian", "beams", "kappa", "loss-cone", "gyrating-ring"];

/// Encode a velocity distribution function in several bases, reconstruct it, and compare: tables of every fidelity figure,
/// and pictures.
///
/// The exit status is 0 only if every basis succeeded on every distribution. The reason of each failure is in the table and
/// on stderr.
#[derive(Debug, Parser)]
#[command(name = "compare", after_help = EXAMPLES)]
pub struct Arguments {
    /// A distribution in C order `[vx, vy, vz]`: `.npy`, or bare little-endian `.bin` with --shape; or a Vlasiator `.vlsv`
    /// file with --cell. Without it, several synthetic distributions are compared.
    pub file: Option<PathBuf>,

    /// A basis to compare, or the general compressor `zlib`. Give the option again for each further one, or several specs in
    /// quotes with `;` between them. Without it, some 25 are compared.
    #[arg(long, visible_alias = "basis", value_name = "SPEC", value_delimiter = ';', value_parser = spec)]
    bases: Vec<String>,

    /// Write the figures as JSON: an array of rows, each with the names of its distribution and basis.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Folder for the pictures. With several distributions, one folder inside it for each.
    #[arg(long, value_name = "DIR", default_value = "out/compare")]
    pub out: PathBuf,

    /// Which pictures: a summary of each distribution, or a page for each basis too. Without it, all if --bases is given,
    /// else the summaries.
    #[arg(long, value_enum, value_name = "WHICH")]
    pictures: Option<Pictures>,

    /// Times are medians of this many runs, or of as many as end within two seconds, after one that is not counted. With 1
    /// they are those of the first run.
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

    #[command(flatten)]
    pub selection: Selection,

    /// Magnetic field, in any unit. With it the errors of the temperatures along and across it, of their ratio and of the
    /// agyrotropy are shown.
    #[arg(long, value_name = "BX,BY,BZ", value_parser = triple::<f64>, allow_hyphen_values = true)]
    pub field: Option<[f64; 3]>,

    /// A synthetic distribution to compare, again for each further one.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values = SYNTHETIC, conflicts_with = "file",
          value_parser = PossibleValuesParser::new(Synthetic::names()))]
    pub synthetic: Vec<String>,

    /// Cells along the longest axis of the synthetic distributions.
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "file")]
    pub cells: usize,
}

impl Arguments {
    /// The specs to compare.
    pub fn bases(&self) -> Vec<&str> {
        if self.bases.is_empty() { DEFAULT_BASES.to_vec() } else { self.bases.iter().map(String::as_str).collect() }
    }

    /// The pictures to draw.
    pub fn pictures(&self) -> Pictures {
        self.pictures.unwrap_or(if self.bases.is_empty() { Pictures::Summary } else { Pictures::All })
    }
}

/// The last paragraphs of `--help`.
const EXAMPLES: &str = "Examples:
  compare
  compare vdf.npy --bases maxwellian --bases hermite:order=12,truncation=total-degree
  compare --bases \"maxwellian; maxwellian + hermite:order=8; smallest:l2=0.03\" vdf.npy --json rows.json
  compare bulk.vlsv --cell 1 --population proton --box 25
  compare --synthetic beams --pictures all";

/// Which pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pictures {
    /// None.
    None,
    /// One of each distribution: the original and the reconstructions of all bases in one plane.
    Summary,
    /// The summary, a page for each basis, and the spectra of spherical expansions.
    All,
}

/// Precision of bare values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// Four bytes a value.
    F32,
    /// Eight bytes a value.
    F64,
}

/// One spec of a list; what it means is the registry's business.
fn spec(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a spec is needed, as `hermite:order=12`".to_owned()),
        text => Ok(text.to_owned()),
    }
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
    use std::path::Path;

    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("compare").chain(line.split_whitespace()))
    }

    #[test]
    fn a_whole_command_line_is_understood() {
        let arguments = parsed(
            "f.bin --shape 68,72,56 --lower -5.6e5,-6.4e5,-6.4e5 --spacing 2e4,2e4,2e4 --precision f32 --repeat 1 \
             --bases maxwellian --bases hermite:order=4,truncation=total-degree --json f.json",
        )
        .unwrap();
        assert_eq!(arguments.bases(), ["maxwellian", "hermite:order=4,truncation=total-degree"]);
        assert_eq!((arguments.shape, arguments.precision), (Some([68, 72, 56]), Some(Bits::F32)));
        assert_eq!(arguments.lower, Some([-5.6e5, -6.4e5, -6.4e5]));
        assert_eq!(arguments.pictures(), Pictures::All);
    }

    #[test]
    fn a_file_may_follow_the_bases() {
        let arguments = parsed("--bases maxwellian ok.npy").unwrap();
        assert_eq!((arguments.bases(), arguments.file.as_deref()), (vec!["maxwellian"], Some(Path::new("ok.npy"))));
        let words =
            ["compare", "--basis", "maxwellian + hermite:order=2,terms=3; conserve(wavelet):bytes=400", "ok.npy"];
        let arguments = Arguments::try_parse_from(words).unwrap();
        assert_eq!(arguments.bases(), ["maxwellian + hermite:order=2,terms=3", "conserve(wavelet):bytes=400"]);
    }

    #[test]
    fn few_pictures_are_drawn_unasked() {
        let arguments = parsed("").unwrap();
        assert_eq!((arguments.bases().len() > 20, arguments.pictures()), (true, Pictures::Summary));
        assert_eq!(parsed("--pictures all").unwrap().pictures(), Pictures::All);
        assert_eq!(parsed("--bases pca --pictures none").unwrap().pictures(), Pictures::None);
    }

    #[test]
    fn a_cell_of_a_vlsv_file_is_named() {
        let selection = parsed("f.vlsv --cell 12 --population proton --box 25").unwrap().selection;
        assert_eq!((selection.cell, selection.half_width), (Some(12), Some(25)));
        assert_eq!(selection.population.as_deref(), Some("proton"));
        assert!(!parsed("f.vlsv").unwrap().selection.is_given());
    }

    #[test]
    fn nonsense_is_refused() {
        let lines = [
            "f.bin --shape 1,2",
            "f.bin --repeat 0",
            "f.npy --lower 0,0,0",
            "f.npy --cells 4",
            "f.vlsv --cell -1",
            "f.vlsv --box many",
            "f.npy --synthetic beams",
            "--synthetic no-such",
            "--bases",
            "--bases ;",
        ];
        for line in lines {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
