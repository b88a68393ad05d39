//! Distributions to streams and back, in processes that share nothing but the file.
//!
//! ```text
//! cargo run --release --example codec -- synthetic NAME OUT.npy [--cells N] [--seed N] [--single]
//! cargo run --release --example codec -- encode --basis SPEC IN.npy OUT.vdfb [--lower X,Y,Z --spacing X,Y,Z]
//! cargo run --release --example codec -- encode --basis SPEC IN.vlsv OUT.vdfb [--cell ID] [--population NAME] [--box N]
//! cargo run --release --example codec -- decode IN.vdfb OUT.npy [--single]
//! cargo run --release --example codec -- info IN.vdfb
//! ```

// Shared by the examples, some of which write folders.
#[allow(dead_code)]
#[path = "../files/mod.rs"]
mod files;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use files::vlsv::{Selection, is_vlsv};
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{Coefficients, Expansion, Fidelity, Precision, Quantise, Registry, Sampling, Synthetic, Vdf};

/// Velocity distribution functions to streams of bytes and back.
#[derive(Debug, Parser)]
#[command(name = "codec")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a synthetic distribution as a `.npy` file: something to try the rest on.
    Synthetic(Sample),
    /// Write a distribution, a `.npy` file in C order [vx, vy, vz] or a cell of a `.vlsv` file, as a stream.
    Encode(Encode),
    /// Write what a stream holds as a `.npy` file.
    Decode {
        /// With 4 bytes a value instead of 8: moments that `conserve` keeps are then right to seven digits or so.
        #[arg(long)]
        single: bool,
        input: PathBuf,
        output: PathBuf,
    },
    /// Write the coefficients of a stream as a `.npy` array, and what each of them is as JSON.
    Coefficients { input: PathBuf, array: PathBuf, json: PathBuf },
    /// Say what a stream is, and what each part of it costs.
    Info { input: PathBuf },
}

#[derive(Debug, Args)]
struct Sample {
    /// Cells along the longest axis.
    #[arg(long, value_name = "N", default_value_t = 50)]
    cells: usize,
    /// 0 for the parameters of the documentation, any other number for a variation.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// With 4 bytes a value instead of 8.
    #[arg(long)]
    single: bool,
    /// Which distribution.
    #[arg(value_parser = PossibleValuesParser::new(Synthetic::names()))]
    name: String,
    output: PathBuf,
}

#[derive(Debug, Args)]
struct Encode {
    /// The basis, as `conserve(wavelet):l2=0.01`.
    #[arg(long, value_name = "SPEC")]
    basis: String,
    /// Lower edge of the grid [m/s]; without it the grid is in index units.
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "spacing", allow_hyphen_values = true)]
    lower: Option<[f64; 3]>,
    /// Width of a cell along each axis [m/s].
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "lower")]
    spacing: Option<[f64; 3]>,
    #[command(flatten)]
    selection: Selection,
    input: PathBuf,
    output: PathBuf,
}

fn triple(text: &str) -> Result<[f64; 3], String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "three numbers separated by commas are needed".to_owned())
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Synthetic(arguments) => sample(&arguments),
        Command::Encode(arguments) => encode(&arguments),
        Command::Decode { single, input, output } => decode(&input, &output, precision(single)),
        Command::Coefficients { input, array, json } => coefficients(&input, &array, &json),
        Command::Info { input } => info(&input),
    }
}

fn precision(single: bool) -> Precision {
    if single { Precision::Single } else { Precision::Double }
}

fn sample(Sample { cells, seed, single, name, output }: &Sample) -> Result<(), Box<dyn Error>> {
    files::check_writable(output)?;
    let grid = Synthetic::default_grid(name, *cells)?;
    let vdf = Synthetic::named(name, *seed)?.sample(&grid, Sampling::default())?;
    write_npy(&vdf, output, precision(*single))?;
    let [lower, spacing] =
        [grid.lower(), grid.spacing()].map(|vector| vector.map(|component| component.to_string()).join(","));
    // What a .npy file does not hold.
    files::print(&format!("{}: {grid}\ngeometry: --lower {lower} --spacing {spacing}", output.display()))?;
    Ok(())
}

fn encode(Encode { basis, lower, spacing, selection, input, output }: &Encode) -> Result<(), Box<dyn Error>> {
    let basis = Registry::standard().parse(basis)?;
    files::check_output(output, [&**input])?;
    let vdf = match is_vlsv(input) {
        true => selection.read(input)?,
        false if selection.is_given() => {
            return Err(files::in_file(input, "--cell, --population and --box belong to .vlsv files").into());
        }
        false => Vdf::read_npy(input).map_err(|problem| files::in_file(input, problem))?,
    };
    if vdf.grid().cells() > MOST_CELLS {
        return Err(files::in_file(input, format!("{}: a stream holds at most {MOST_CELLS} cells", vdf.grid())).into());
    }
    let vdf = match lower.zip(*spacing) {
        Some((lower, spacing)) => vdf.with_geometry(lower, spacing)?,
        None => vdf,
    };
    files::check_writable(output)?;
    let bytes = Expansion::encode(&basis, &vdf).and_then(|expansion| expansion.to_bytes());
    let bytes = bytes.map_err(|problem| files::in_file(input, problem))?;
    // What another process will get: decoded from the bytes.
    let back = Registry::standard().decode(&bytes)?.reconstruct()?;
    let floor = basis.kept_bound().unwrap_or_default().floor_of(&vdf);
    let fidelity = Fidelity::compare_above(&vdf, &back, floor)?;
    files::write_whole(output, |file| file.write_all(&bytes).map_err(|problem| problem.to_string()))?;
    files::print(&format!(
        "{}: {} bytes for {} cells, l2 {:.3e}, linf {:.3e}, density {:.1e}, \
         bulk velocity {:.1e} (component {:.1e}), pressure {:.1e} (component {:.1e}), heat flux {:.1e}, \
         log10 rms {:.3e} dex and relative {:.1e} above {floor:.0e}, negative mass {:.1e}",
        output.display(),
        bytes.len(),
        vdf.grid().cells(),
        fidelity.l2,
        fidelity.linf,
        fidelity.density,
        fidelity.bulk_velocity,
        fidelity.bulk_velocity_component,
        fidelity.pressure,
        fidelity.pressure_component,
        fidelity.heat_flux,
        fidelity.log10_rms,
        fidelity.relative,
        fidelity.negative_mass
    ))?;
    Ok(())
}

fn decode(input: &Path, output: &Path, precision: Precision) -> Result<(), Box<dyn Error>> {
    files::check_output(output, [input])?;
    let expansion = Registry::standard().decode(&read(input)?).map_err(|problem| files::in_file(input, problem))?;
    files::check_writable(output)?;
    let vdf = expansion.reconstruct().map_err(|problem| files::in_file(input, problem))?;
    write_npy(&vdf, output, precision)?;
    Ok(())
}

fn coefficients(input: &Path, array: &Path, json: &Path) -> Result<(), Box<dyn Error>> {
    files::check_output(array, [input])?;
    files::check_output(json, [input, array])?;
    let expansion = Registry::standard().decode(&read(input)?).map_err(|problem| files::in_file(input, problem))?;
    files::write_whole(array, |file| expansion.coefficients_to_npy(file).map_err(|problem| problem.to_string()))?;
    files::write_whole(json, |file| expansion.coefficients_to_json(file).map_err(|problem| problem.to_string()))?;
    Ok(())
}

fn write_npy(vdf: &Vdf, output: &Path, precision: Precision) -> Result<(), String> {
    files::write_whole(output, |file| vdf.to_npy(file, precision).map_err(|problem| problem.to_string()))
}

fn info(input: &Path) -> Result<(), Box<dyn Error>> {
    let bytes = read(input)?;
    let registry = Registry::standard();
    let expansion = registry.decode(&bytes).map_err(|problem| files::in_file(input, problem))?;
    let info = registry.info(&bytes).map_err(|problem| files::in_file(input, problem))?;
    let mut lines = vec![
        format!("{}: {} bytes, version {}", input.display(), bytes.len(), info.version),
        format!("grid   {}", info.grid),
        format!("basis  {}", info.spec),
        format!("bound  {}", expansion.basis().kept_bound().map_or("none".to_owned(), |bound| bound.to_string())),
        format!("holds  {} real numbers", expansion.coefficients().count()),
    ];
    lines.extend(info.parts.iter().map(|(name, len)| format!("{len:8} {name}")));
    files::print(&lines.join("\n"))?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|problem| files::in_file(path, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn an_input_is_never_written_over() {
        let folder = std::env::temp_dir().join(format!("vdf-basis-codec-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let name = |file: &str| folder.join(file);
        let vdf = Vdf::from_fn(vdf_basis::VelocityGrid::unit([3, 4, 5]).unwrap(), |[x, y, z]| 1.0 + x * y + z).unwrap();
        vdf.write_npy(name("x.npy"), Precision::Double).unwrap();
        let before = fs::read(name("x.npy")).unwrap();
        let encode = |output: &str| {
            run(Command::Encode(Encode {
                basis: "wavelet".to_owned(),
                lower: None,
                spacing: None,
                selection: Selection::default(),
                input: name("x.npy"),
                output: name(output),
            }))
        };
        let decode = |output: &str| run(Command::Decode { single: false, input: name("x.vdfb"), output: name(output) });
        assert!(encode("x.npy").unwrap_err().to_string().contains("would be lost"));
        assert_eq!(fs::read(name("x.npy")).unwrap(), before);
        encode("x.vdfb").unwrap();
        let stream = fs::read(name("x.vdfb")).unwrap();
        assert!(decode("x.vdfb").unwrap_err().to_string().contains("would be lost"));
        assert_eq!(fs::read(name("x.vdfb")).unwrap(), stream);
        decode("back.npy").unwrap();
        decode("back.npy").unwrap();
        let back = Vdf::read_npy(name("back.npy")).unwrap();
        assert!(Fidelity::compare(&vdf, &back).unwrap().l2 < 1e-14);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn problems_name_the_file() {
        let folder = std::env::temp_dir().join(format!("vdf-basis-codec-bad-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let name = |file: &str| folder.join(file);
        fs::write(name("bad.npy"), "no array").unwrap();
        fs::write(name("bad.vdfb"), "no stream").unwrap();
        fs::write(name("bad.vlsv"), "no VLSV file").unwrap();
        let encode = |input: &str, output: &str| {
            let (input, output) = (name(input), name(output));
            let (basis, selection) = ("wavelet".to_owned(), Selection::default());
            run(Command::Encode(Encode { basis, lower: None, spacing: None, selection, input, output }))
        };
        let sample = |output: &str| {
            let (name, output) = ("beams".to_owned(), name(output));
            run(Command::Synthetic(Sample { cells: 8, seed: 0, single: true, name, output }))
        };
        sample("beams.npy").unwrap();
        let found = [
            (encode("bad.npy", "x.vdfb"), "bad.npy"),
            (encode("none.npy", "x.vdfb"), "none.npy"),
            (encode("none.vlsv", "x.vdfb"), "none.vlsv"),
            (encode("bad.vlsv", "x.vdfb"), "bad.vlsv"),
            (encode("beams.npy", "nowhere/x.vdfb"), "nowhere"),
            (encode("beams.npy", "."), "folder"),
            (sample("nowhere/x.npy"), "nowhere"),
            (run(Command::Decode { single: false, input: name("bad.vdfb"), output: name("x.npy") }), "bad.vdfb"),
            (run(Command::Info { input: name("bad.vdfb") }), "bad.vdfb"),
        ];
        for (result, part) in found {
            let problem = result.unwrap_err().to_string();
            assert_eq!(problem.matches(part).count(), 1, "{problem}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let line = "codec encode --basis wavelet:l2=0.1 --lower -1,-2,-3 --spacing 1,1,1 a.npy b.vdfb";
        assert!(Arguments::try_parse_from(line.split_whitespace()).is_ok());
        assert!(Arguments::try_parse_from("codec encode a.npy b.vdfb".split_whitespace()).is_err());
        assert!(Arguments::try_parse_from("codec synthetic beams a.npy --cells 9".split_whitespace()).is_ok());
        assert!(Arguments::try_parse_from("codec synthetic no-such a.npy".split_whitespace()).is_err());
        assert!(Arguments::try_parse_from("codec decode a.vdfb".split_whitespace()).is_err());
    }
}
