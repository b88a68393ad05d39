//! Distributions to streams and back, in processes that share nothing but the file.
//!
//! ```text
//! cargo run --release --example codec -- encode --basis SPEC IN.npy OUT.vdfb [--lower X,Y,Z --spacing X,Y,Z]
//! cargo run --release --example codec -- decode IN.vdfb OUT.npy [--single]
//! cargo run --release --example codec -- info IN.vdfb
//! ```

#[path = "../files/mod.rs"]
mod files;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{Coefficients, Expansion, Fidelity, Precision, Registry, Vdf};

/// Velocity distribution functions to streams of bytes and back.
#[derive(Debug, Parser)]
#[command(name = "codec")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a distribution, a `.npy` file in C order [vx, vy, vz], as a stream.
    Encode {
        /// The basis, as `conserve(wavelet):l2=0.01`.
        #[arg(long, value_name = "SPEC")]
        basis: String,
        /// Lower edge of the grid [m/s]; without it the grid is in index units.
        #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "spacing", allow_hyphen_values = true)]
        lower: Option<[f64; 3]>,
        /// Width of a cell along each axis [m/s].
        #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "lower")]
        spacing: Option<[f64; 3]>,
        input: PathBuf,
        output: PathBuf,
    },
    /// Write what a stream holds as a `.npy` file.
    Decode {
        /// With 4 bytes a value instead of 8: moments that `conserve` keeps are then right to seven digits or so.
        #[arg(long)]
        single: bool,
        input: PathBuf,
        output: PathBuf,
    },
    /// Say what a stream is, and what each part of it costs.
    Info { input: PathBuf },
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
        // Whoever reads has seen enough.
        Err(problem) if is_broken_pipe(&*problem) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(problem: &(dyn Error + 'static)) -> bool {
    problem.downcast_ref::<std::io::Error>().is_some_and(|problem| problem.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    match command {
        Command::Encode { basis, lower, spacing, input, output } => {
            files::check_output(&output, [&*input])?;
            let basis = Registry::standard().parse(&basis)?;
            let vdf = Vdf::read_npy(input)?;
            if vdf.grid().cells() > MOST_CELLS {
                return Err(format!("{}: a stream holds at most {MOST_CELLS} cells", vdf.grid()).into());
            }
            let vdf = match lower.zip(spacing) {
                Some((lower, spacing)) => vdf.with_geometry(lower, spacing)?,
                None => vdf,
            };
            let bytes = Expansion::encode(&basis, &vdf)?.to_bytes()?;
            // What another process will get: decoded from the bytes.
            let fidelity = Fidelity::compare(&vdf, &Registry::standard().decode(&bytes)?.reconstruct()?)?;
            files::write_whole(&output, |file| file.write_all(&bytes).map_err(|problem| problem.to_string()))?;
            writeln!(
                out,
                "{}: {} bytes for {} cells, l2 {:.3e}, linf {:.3e}, density {:.1e}, \
                 bulk velocity {:.1e} (component {:.1e}), pressure {:.1e} (component {:.1e})",
                output.display(),
                bytes.len(),
                vdf.grid().cells(),
                fidelity.l2,
                fidelity.linf,
                fidelity.density,
                fidelity.bulk_velocity,
                fidelity.bulk_velocity_component,
                fidelity.pressure,
                fidelity.pressure_component
            )?;
        }
        Command::Decode { single, input, output } => {
            files::check_output(&output, [&*input])?;
            let vdf = Registry::standard().decode(&read(&input)?)?.reconstruct()?;
            let precision = if single { Precision::Single } else { Precision::Double };
            files::write_whole(&output, |file| vdf.to_npy(file, precision).map_err(|problem| problem.to_string()))?;
        }
        Command::Info { input } => {
            let bytes = read(&input)?;
            let info = Registry::standard().info(&bytes)?;
            let expansion = Registry::standard().decode(&bytes)?;
            writeln!(out, "{}: {} bytes, version {}", input.display(), bytes.len(), info.version)?;
            writeln!(out, "grid   {}", info.grid)?;
            writeln!(out, "basis  {}", info.spec)?;
            writeln!(out, "holds  {} real numbers", expansion.coefficients().count())?;
            for (name, len) in &info.parts {
                writeln!(out, "{len:8} {name}")?;
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|problem| format!("{}: {problem}", path.display()))
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
            run(Command::Encode {
                basis: "wavelet".to_owned(),
                lower: None,
                spacing: None,
                input: name("x.npy"),
                output: name(output),
            })
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
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let line = "codec encode --basis wavelet:l2=0.1 --lower -1,-2,-3 --spacing 1,1,1 a.npy b.vdfb";
        assert!(Arguments::try_parse_from(line.split_whitespace()).is_ok());
        assert!(Arguments::try_parse_from("codec encode a.npy b.vdfb".split_whitespace()).is_err());
        assert!(Arguments::try_parse_from("codec decode a.vdfb".split_whitespace()).is_err());
    }
}
