//! The command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use vdf_basis::distribution::synthetic::Traced;
use vdf_basis::{Bound, Crop, FieldDirection, Figure, Synthetic};

use crate::Problem;
use crate::cells::CellList;
use crate::files;
use crate::synthesise::SHOCK;

/// Basis where none is named.
const DEFAULT_BASIS: &str = "balanced:l2=0.03";

/// Velocity distribution functions of many cells to an archive of few bytes, and back.
#[derive(Debug, Parser)]
#[command(name = "vdfb", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print nothing but errors, and what was asked for.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads; by default as many as there are processors. The result does not depend on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Common {
    /// More threads than any machine has processors only take memory.
    const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(512).unwrap();

    /// The number of threads, if one was given.
    pub fn threads(&self) -> Option<NonZeroUsize> {
        self.threads.map(|threads| threads.min(Self::MOST_THREADS))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the distributions of files as an archive, .vdfa, or one distribution as a stream, .vdfb.
    Encode(Encode),
    /// Write the distributions of an archive or a stream as .npy, .npz, .vti, .vtk or .vlsv.
    Decode(Decode),
    /// Say what is in an archive or a stream, and what each part of it costs.
    Info(Info),
    /// Compare an archive or a stream with its source: the errors of all cells.
    Compare(Compare),
    /// Print density, drift, temperatures and agyrotropy of each cell of a file.
    Moments(Moments),
    /// Draw a cell, and the errors of all cells.
    Plot(Plot),
    /// Print the values or the coefficients of one cell.
    Cat(Cat),
    /// Write a synthetic distribution, or a population of them, to try the other commands on.
    Synthesise(Synthesise),
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
}

/// Where the distributions come from.
#[derive(Debug, Clone, Default, Args)]
pub struct From {
    /// The population. Without it, `encode` takes all of a .vlsv file, and the others the only one there is; of .npy files it
    /// is the name in the archive.
    #[arg(long, value_name = "NAME")]
    pub population: Option<String>,
    /// Cells, as `1,5,9-20`; a range takes the cells that are there.
    #[arg(long, value_name = "LIST", default_value_t = CellList::All)]
    pub cells: CellList,
}

/// The geometry of .npy files, which hold none.
#[derive(Debug, Clone, Default, Args)]
pub struct Geometry {
    /// Lower edge of the grid of .npy files [m/s]; without it the grid is in index units.
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "spacing", allow_hyphen_values = true)]
    pub lower: Option<[f64; 3]>,
    /// Width of a velocity cell along each axis [m/s].
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "lower")]
    pub spacing: Option<[f64; 3]>,
    /// Read both from the .json file that `decode` and `synthesise` write beside a .npy file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lower", "spacing"])]
    pub grid: Option<PathBuf>,
}

impl Geometry {
    /// Refuses a geometry that was given for a file of another kind.
    pub fn refused(&self, path: &Path, reason: &str) -> Result<(), Problem> {
        if self.lower.is_none() && self.grid.is_none() {
            return Ok(());
        }
        let problem = format!("--lower, --spacing and --grid belong to .npy files; {reason}");
        Err(Problem::Usage(files::in_file(path, problem)))
    }
}

#[derive(Debug, Args)]
#[command(after_help = ENCODE_EXAMPLES)]
pub struct Encode {
    /// A .vlsv file, or .npy files: with three axes [vx, vy, vz] one cell, with four [cell, vx, vy, vz] a population. Cells of
    /// .npy files are counted from 0.
    #[arg(required = true, value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    /// The archive, .vdfa; or .vdfb for a stream of one cell.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// The basis and its bound.
    #[arg(long, value_name = "SPEC", default_value = DEFAULT_BASIS)]
    pub basis: String,
    #[command(flatten)]
    pub from: From,
    /// Velocity cells of a .vlsv file: N either side of the peak, the box around the `stored` blocks, or the `whole` mesh.
    #[arg(long = "box", value_name = "N|stored|whole", value_parser = crop, default_value = "stored")]
    pub crop: Crop,
    #[command(flatten)]
    pub geometry: Geometry,
    /// Cells that learn from one another: more take fewer bytes, and one cell longer to read.
    #[arg(long, value_name = "N", default_value = "32")]
    pub group: NonZeroUsize,
    /// Write at the end of an archive that is there.
    #[arg(long)]
    pub append: bool,
    /// Order of the cells in the archive: as given, or along a space-filling curve of their positions.
    #[arg(long, value_enum, default_value_t = Order::Given)]
    pub order: Order,
}

/// Order of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// As they are named, or as the file has them.
    Given,
    /// Along a space-filling curve.
    Curve,
}

#[derive(Debug, Args)]
#[command(after_help = DECODE_EXAMPLES)]
pub struct Decode {
    /// An archive, .vdfa, or a stream, .vdfb.
    pub input: PathBuf,
    /// The file to write; its ending says what: .npy, .npz, .vti, .vtk or .vlsv.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub from: From,
    /// 4 bytes a value instead of 8: moments that `conserve` keeps are then right to seven digits or so.
    #[arg(long)]
    pub single: bool,
    /// The .vlsv file to copy with the distributions replaced; needed for .vlsv.
    #[arg(long, value_name = "FILE")]
    pub like: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  vdfb info run.vdfa\n  vdfb info run.vdfa --source bulk.0001234.vlsv --json")]
pub struct Info {
    /// An archive or a stream.
    pub input: PathBuf,
    /// The .vlsv file it was made of: adds the ratio against its stored blocks.
    #[arg(long, value_name = "FILE")]
    pub source: Option<PathBuf>,
    /// Read all cells, and say which are damaged; the exit code is then 3.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct Compare {
    /// An archive or a stream.
    pub input: PathBuf,
    /// The .vlsv file or the .npy files that it was made of.
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    /// Fail if a cell exceeds one of these errors, as `l2=0.03,dex=0.1`.
    #[arg(long, value_name = "BOUND", value_parser = bound)]
    pub bound: Option<Bound>,
    /// Magnetic field in any unit, in place of what the archive or the source knows; errors about it are printed.
    #[arg(long, value_name = "X,Y,Z", value_parser = field, allow_hyphen_values = true)]
    pub field: Option<FieldDirection>,
}

#[derive(Debug, Args)]
#[command(after_help = MOMENTS_EXAMPLES)]
pub struct Moments {
    /// An archive, a stream, a .vlsv file, or .npy files.
    #[arg(required = true, value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    #[command(flatten)]
    pub geometry: Geometry,
    /// Magnetic field in any unit, in place of what the file knows.
    #[arg(long, value_name = "X,Y,Z", value_parser = field, allow_hyphen_values = true)]
    pub field: Option<FieldDirection>,
    /// Mass of a particle [kg]; by default that of a proton.
    #[arg(long, value_name = "KG", value_parser = mass, default_value = "1.67262192595e-27")]
    pub mass: f64,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  vdfb plot run.vdfa bulk.0001234.vlsv -o cell.png --cell 12\n  \
    vdfb plot shock.vdfa shock.npy -o shock.png      # the cell with the largest error, and shock-errors.png\n  \
    vdfb plot run.vdfa bulk.0001234.vlsv -o cell.png --cell 12 --field 1,0,0.5")]
pub struct Plot {
    /// An archive or a stream.
    pub input: PathBuf,
    /// The .vlsv file or the .npy files that it was made of; without them, only the reconstruction is drawn.
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    /// The picture, .png. The errors of all cells go to another, with `-errors` in its name.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// The cell to draw; by default the one with the largest error l2, or the first.
    #[arg(long, value_name = "ID")]
    pub cell: Option<u64>,
    /// Draw the planes of the velocities along this magnetic field and across it, from the bulk velocity, in place of vx, vy, vz.
    #[arg(long, value_name = "X,Y,Z", value_parser = field, allow_hyphen_values = true)]
    pub field: Option<FieldDirection>,
    #[command(flatten)]
    pub from: From,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  vdfb cat 12 run.vdfa | head\n  vdfb cat 12 run.vdfa --coefficients -o cell12.npy\n  \
    vdfb cat 12 run.vdfa --stream > cell12.vdfb"
)]
pub struct Cat {
    /// The cell; 0 for a stream.
    pub cell: u64,
    /// An archive or a stream.
    pub input: PathBuf,
    /// The population. It may be left out where there is only one.
    #[arg(long, value_name = "NAME")]
    pub population: Option<String>,
    /// The coefficients as JSON, each with its quantity, unit and label; with -o OUT.npy their values there and the rest in
    /// OUT.json beside it.
    #[arg(long, conflicts_with = "stream")]
    pub coefficients: bool,
    /// The bytes of a stream, .vdfb.
    #[arg(long)]
    pub stream: bool,
    /// Write to a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  vdfb synthesise gyrating-ring -o vdf.npy\n  \
    vdfb synthesise shock --population 24 --cells 40 -o shock.npy")]
pub struct Synthesise {
    /// Which distribution; `shock` is a population through a collisionless shock, `traced-shock` and `current-sheet` are
    /// populations whose particles are followed back to their source.
    #[arg(value_parser = PossibleValuesParser::new(Synthetic::names().chain([SHOCK]).chain(Traced::names())))]
    pub name: String,
    /// The .npy file; its grid goes beside it as .json.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Velocity cells along the longest axis.
    #[arg(long, value_name = "N", default_value = "50")]
    pub cells: NonZeroUsize,
    /// 0 for the parameters of the documentation, any other number for a variation.
    #[arg(long, value_name = "N", default_value_t = 0, allow_hyphen_values = true)]
    pub seed: u64,
    /// Place in `traced-shock` [u1/Omega1 from the ramp] or `current-sheet` [v_th/Omega0 from the middle]: one cell.
    #[arg(long, value_name = "X", value_parser = position, allow_hyphen_values = true, conflicts_with = "population")]
    pub position: Option<f64>,
    /// Write so many cells, an array of four axes: variations of the distribution, or places in the shock.
    #[arg(long, value_name = "N")]
    pub population: Option<NonZeroUsize>,
    /// 4 bytes a value instead of 8.
    #[arg(long)]
    pub single: bool,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all was done; 1 it failed, and nothing is under the name of the output; 2 the command line is wrong;
3 some cells were left out, or may be missing, as stderr says; 130 interrupted.

Try it:
  vdfb synthesise shock --population 24 -o shock.npy
  vdfb encode shock.npy -o shock.vdfa --grid shock.json
  vdfb info shock.vdfa
  vdfb compare shock.vdfa shock.npy";

const ENCODE_EXAMPLES: &str = "\
Examples:
  vdfb encode bulk.0001234.vlsv -o run.vdfa --basis smallest:l2=0.03
  vdfb encode bulk.0001234.vlsv -o run.vdfa --population proton --cells 1,5,9-20 --box 25
  vdfb encode bulk.0001234.vlsv -o run.vdfa --population helium --append --order curve
  vdfb encode shock.npy -o shock.vdfa --lower=-5e5,-5e5,-5e5 --spacing 2e4,2e4,2e4
  vdfb encode vdf.npy -o vdf.vdfb --basis 'conserve(smallest:l2=0.03)'

Bases: maxwellian, hermite, mixture, spherical, octree, cosine, wavelet, pca, cells, fast, balanced, smallest, and what
is made of them, as conserve(...) and A + B; see README.md. An archive that was cut off is read up to its last whole group.";

const DECODE_EXAMPLES: &str = "\
Examples:
  vdfb decode run.vdfa -o cell.npy --cells 12          # and cell.json: grid, time, position, magnetic field
  vdfb decode run.vdfa -o all.npz                      # arrays f_1, f_2, ..., cells, lower, spacing
  vdfb decode run.vdfa -o cell.vti --cells 12          # for ParaView
  vdfb decode run.vdfa -o decoded.vlsv --like bulk.0001234.vlsv

Cells that cannot be decoded are NaN in .npy, .vti and .vtk, are missing in .npz, and keep the densities of the source
in .vlsv; the exit code is then 3.";

const COMPARE_EXAMPLES: &str = "\
Examples:
  vdfb compare run.vdfa bulk.0001234.vlsv
  vdfb compare shock.vdfa shock.npy --bound l2=0.03,density=0.01    # exit code 1 if a cell exceeds it
  vdfb compare one.vdfb shock.npy --cells 5          # a stream does not say which cell it is";

const MOMENTS_EXAMPLES: &str = "\
Examples:
  vdfb moments bulk.0001234.vlsv --population proton
  vdfb moments run.vdfa --cells 1-20 --json            # more quantities, and their units
  vdfb moments vdf.npy --grid vdf.json --field 0,0,1

What is not known or not defined is `-`. With --json: SI units, epsilon of Graham et al. (2021) from a Maxwellian and from a
bi-Maxwellian about the field. Quantities: docs/physics.md.";

/// The direction of a magnetic field.
fn field(text: &str) -> Result<FieldDirection, String> {
    FieldDirection::new(triple(text)?).map_err(|_| "a finite field other than zero is needed".to_owned())
}

fn position(text: &str) -> Result<f64, String> {
    let position = text.parse().ok().filter(|position| (-200.0..=200.0).contains(position));
    position.ok_or_else(|| "a number from -200 to 200 is needed".to_owned())
}

fn mass(text: &str) -> Result<f64, String> {
    let mass = text.parse().ok().filter(|mass| *mass > 0.0 && f64::is_finite(*mass));
    mass.ok_or_else(|| "a positive number is needed".to_owned())
}

/// Three numbers separated by commas.
fn triple(text: &str) -> Result<[f64; 3], String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "three numbers separated by commas are needed".to_owned())
}

fn crop(text: &str) -> Result<Crop, String> {
    match text {
        "stored" => Ok(Crop::Stored),
        "whole" => Ok(Crop::Whole),
        number => match number.parse() {
            Ok(half) if half > 0 => Ok(Crop::Peak(half)),
            _ => Err("a number of cells from 1 on, `stored` or `whole` is needed".to_owned()),
        },
    }
}

/// Limits of errors, as `l2=0.03,dex=0.1`.
fn bound(text: &str) -> Result<Bound, String> {
    let mut bound: Option<Bound> = None;
    for part in text.split(',') {
        let keys = || Figure::ALL.iter().filter(|&&figure| figure != Figure::Bytes).map(|figure| figure.key());
        let wrong = || {
            format!(
                "`{part}`: an error and its limit are needed, as l2=0.03; errors are {}",
                keys().collect::<Vec<_>>().join(", ")
            )
        };
        let (key, limit) = part.split_once('=').ok_or_else(wrong)?;
        let figure = Figure::ALL.into_iter().find(|figure| figure.key() == key.trim() && *figure != Figure::Bytes);
        let (figure, limit) = figure.zip(limit.trim().parse().ok()).ok_or_else(wrong)?;
        bound = Some(bound.map_or(Bound::new(figure, limit), |bound| bound.and(figure, limit)));
    }
    let bound = bound.ok_or("no bound")?;
    bound.validated().map_err(|problem| problem.to_string())
}
