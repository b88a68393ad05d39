//! A simulation that is restarted from compressed distributions: do its waves notice?
//!
//! Electrons in one space and three velocity dimensions obey Vlasov's and Poisson's equations. At half time the distribution
//! of every cell goes through a stream and back. Afterwards the rate of the wave, the conserved sums and f itself are compared
//! with those of the run without a restart.
//!
//! ```text
//! cargo run --release --example restart -- [--codec SPEC]... [--case NAME]... [--quick] [--json FILE] [--out FILE.png]
//! cargo run --release --example restart -- --from FILE.json... [--out FILE.png]
//! ```
//!
//! `cargo run --release -p vdf-basis-peers --bin restart` adds zfp, SPERR and SZ3 at the same bytes.

mod arguments;
// Shared with other examples and with the command, which need more of them.
#[allow(dead_code)]
#[path = "../shared/chart.rs"]
mod chart;
mod figure;
#[allow(dead_code)]
#[path = "../../src/bin/vdfb/files/mod.rs"]
mod files;
#[allow(dead_code)]
#[path = "../../src/bin/vdfb/picture/mod.rs"]
mod picture;
mod report;
mod run;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use run::cases::Case;
use run::codec::{Codec, Shared, Streams};
use run::rows::Row;
use run::study::Study;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            files::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    // Whatever can be refused is refused before any work.
    check_outputs(arguments)?;
    let rows = if arguments.from.is_empty() { Vec::new() } else { read(&arguments.from)? };
    let (rows, failures) = if rows.is_empty() { measured(arguments)? } else { (rows, Vec::new()) };
    if !arguments.from.is_empty() {
        print_all(&rows)?;
    }
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string(&rows)? + "\n";
        files::write_whole(path, |file| file.write_all(text.as_bytes()).map_err(|problem| problem.to_string()))?;
    }
    figure::figure(&rows)?.save(&arguments.out)?;
    files::print(&format!("picture: {}", arguments.out.display()))?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\nerror: ").into()) }
}

fn check_outputs(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    for path in arguments.json.iter().chain([&arguments.out]) {
        files::check_output(path, arguments.from.iter().map(PathBuf::as_path))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|problem| files::in_file(folder, problem))?;
        }
        files::check_writable(path)?;
    }
    Ok(())
}

/// The rows of all cases and codecs, printed as they come, and what failed.
fn measured(arguments: &Arguments) -> Result<(Vec<Row>, Vec<String>), Box<dyn Error>> {
    let codecs = arguments.codecs().into_iter().map(codec).collect::<Result<Vec<_>, _>>()?;
    let width = codec_width(codecs.iter().map(|codec| codec.name()));
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for case in arguments.cases() {
        let study = Study::new(case, &arguments.resolution())?;
        files::print(&report::headings(study.uncompressed(), width))?;
        let mut add = |row: Row| -> std::io::Result<()> {
            rows.push(row);
            rows.last().map_or(Ok(()), |row| files::print(&report::line(row, &rows, width)))
        };
        add(study.uncompressed().clone())?;
        for codec in &codecs {
            match study.restarted(&**codec) {
                Ok(row) => add(row)?,
                Err(problem) => failures.push(format!("{} of {}: {problem}", codec.name(), case.name)),
            }
        }
        files::print("")?;
    }
    Ok((rows, failures))
}

fn codec(name: &str) -> vdf_basis::Result<Box<dyn Codec>> {
    match Shared::named(name) {
        Some(shared) => Ok(Box::new(shared?)),
        None => Ok(Box::new(Streams::new(name)?)),
    }
}

/// The rows of several files. Where two have the same case and codec, the first counts.
fn read(paths: &[PathBuf]) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows: Vec<Row> = Vec::new();
    for path in paths {
        for row in rows_of(path)? {
            if rows.iter().all(|known| (&known.case, &known.codec) != (&row.case, &row.codec)) {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn rows_of(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let rows: Vec<Row> =
        serde_json::from_slice(&files::read(path)?).map_err(|problem| files::in_file(path, problem))?;
    match rows.iter().find(|row| Case::named(&row.case).is_none()) {
        Some(row) => Err(files::in_file(path, format!("there is no case {}", row.case)).into()),
        None if rows.is_empty() => Err(files::in_file(path, "there are no rows").into()),
        None => Ok(rows),
    }
}

fn print_all(rows: &[Row]) -> std::io::Result<()> {
    let width = codec_width(rows.iter().map(|row| row.codec.clone()));
    for case in &run::cases::CASES {
        let own: Vec<&Row> = rows.iter().filter(|row| row.case == case.name).collect();
        if let Some(first) = own.first() {
            files::print(&report::headings(first, width))?;
        }
        for row in own {
            files::print(&report::line(row, rows, width))?;
        }
        files::print("")?;
    }
    Ok(())
}

fn codec_width(names: impl Iterator<Item = String>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or_default().max(6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn rows_are_written_read_and_drawn_again() {
        let folder = std::env::temp_dir().join(format!("vdf-basis-restart-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let line = |line: &str| {
            let words = line.split_whitespace().map(|word| word.replace('@', &format!("{}/", folder.display())));
            run(&Arguments::try_parse_from(std::iter::once("restart".to_owned()).chain(words)).unwrap())
                .map_err(|problem| problem.to_string())
        };
        let one = "--quick --case landau --codec conserve(wavelet:l2=0.1) --json @rows.json --out @a.png";
        assert_eq!(line(one), Ok(()));
        let rows: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read(folder.join("rows.json")).unwrap()).unwrap();
        assert_eq!((&rows[0]["codec"], &rows[1]["case"]), (&"none".into(), &"landau".into()));
        for key in ["bytes_per_cell", "rate", "energy_jump", "momentum_jump", "charge_jump", "l2_end"] {
            assert!(rows[1][key].is_number(), "{key}");
        }
        assert_eq!(line("--from @rows.json --out @b.png"), Ok(()));
        assert!(folder.join("a.png").exists() && folder.join("b.png").exists());
        fs::write(folder.join("bad.json"), "[]").unwrap();
        assert!(line("--from @bad.json --out @b.png").unwrap_err().contains("no rows"));
        assert!(line("--from @rows.json --out @rows.json").unwrap_err().contains("would be lost"));
        assert!(line("--codec nonsense --out @b.png").unwrap_err().contains("nonsense"));
        // A bound of one byte is met by nothing: the run goes on and the failure is named.
        let failing = line("--quick --case landau --codec wavelet:bytes=1 --out @c.png").unwrap_err();
        assert!(failing.contains("wavelet:bytes=1 of landau") && folder.join("c.png").exists(), "{failing}");
        fs::remove_dir_all(folder).unwrap();
    }
}
