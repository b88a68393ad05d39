//! zfp, SPERR and SZ3 in the restarts of the example `restart`, at the bytes of a basis and at an error.
//!
//! ```text
//! cargo run --release --example restart -- --json out/restart.json
//! cargo run --release -p vdf-basis-peers --bin restart -- out/restart.json out/peers.json ["conserve(smallest:l2=0.01)"]
//! cargo run --release --example restart -- --from out/restart.json --from out/peers.json
//! ```
//!
//! Every codec runs twice in each case of the first file: in as many bytes a cell as the spec takes there, and with the
//! largest tolerance that keeps an error of 0.01 in every cell.

#[path = "../codecs.rs"]
mod codecs;
// Shared with the example, which needs more of it.
#[allow(dead_code)]
#[path = "../../../examples/restart/run/mod.rs"]
mod run;
#[path = "../tolerance.rs"]
mod tolerance;

use std::error::Error;
use std::process::ExitCode;

use vdf_basis::{Result, Vdf};

use run::cases::Case;
use run::codec::{Codec, Decoded};
use run::plasma::Resolution;
use run::rows::Row;
use run::study::Study;

const SPEC: &str = "conserve(smallest:l2=0.01)";
const L2: f64 = 0.01;
const NAMES: [&str; 3] = ["zfp", "sperr", "sz3"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [rows, out] => work(rows, out, SPEC),
        [rows, out, spec] => work(rows, out, spec),
        _ => Err("the rows of the example, a file for those of the codecs, and perhaps a spec are needed".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn work(path: &str, out: &str, spec: &str) -> std::result::Result<(), Box<dyn Error>> {
    let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut measured = Vec::new();
    for row in rows.iter().filter(|row| row.codec == spec) {
        let case = Case::named(&row.case).ok_or_else(|| format!("there is no case {}", row.case))?;
        let dense = row.reference(&rows).ok_or("a row without compression is needed")?.bytes_per_cell;
        let resolution = [Resolution::FULL, Resolution::QUICK];
        let resolution = resolution.iter().find(|resolution| resolution.dense_bytes() == dense);
        let study = Study::new(case, resolution.ok_or("the rows are of another resolution")?)?;
        for name in NAMES {
            for limit in [Limit::Bytes(row.bytes_per_cell.round() as usize), Limit::L2(L2)] {
                let restarted = study.restarted(&Peer { name, limit })?;
                println!("{} {}: {:.0} bytes", restarted.case, restarted.codec, restarted.bytes_per_cell);
                measured.push(restarted);
            }
        }
    }
    if measured.is_empty() {
        return Err(format!("{path} has no row of {spec}").into());
    }
    Ok(std::fs::write(out, serde_json::to_string(&measured)? + "\n")?)
}

/// Limit of a codec in every cell.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// At most so many bytes, or the fewest that the codec can write.
    Bytes(usize),
    /// A relative L2 error.
    L2(f64),
}

/// A codec and its limit.
struct Peer {
    name: &'static str,
    limit: Limit,
}

impl Codec for Peer {
    fn name(&self) -> String {
        match self.limit {
            Limit::Bytes(_) => format!("{} at equal bytes", self.name),
            Limit::L2(l2) => format!("{}:l2={l2}", self.name),
        }
    }

    fn through(&self, distributions: &[Vdf]) -> Result<Decoded> {
        let Some(codec) = codecs::named(self.name) else { unreachable!("the names are those of codecs") };
        let mut decoded = Decoded { distributions: Vec::new(), bytes: 0, shared: 0 };
        for vdf in distributions {
            let tolerance = match self.limit {
                Limit::Bytes(bytes) => finest(&*codec, vdf, bytes)?,
                Limit::L2(l2) => tolerance::largest(&*codec, vdf, l2)?,
            };
            let bytes = codec.compress(vdf, tolerance)?;
            decoded.bytes += bytes.len();
            decoded.distributions.push(codec.decompress(&bytes, vdf.grid())?);
        }
        Ok(decoded)
    }
}

/// The smallest tolerance, in units of the peak, with which a codec takes at most so many bytes; the peak itself where
/// there is none.
fn finest(codec: &dyn codecs::Codec, vdf: &Vdf, bytes: usize) -> Result<f64> {
    const HALVINGS: usize = 16;
    // Exponents of two, from the error of single precision to the peak.
    let (mut low, mut high) = (-28.0, 0.0);
    for _ in 0..HALVINGS {
        let middle: f64 = 0.5 * (low + high);
        if codec.compress(vdf, middle.exp2())?.len() <= bytes { high = middle } else { low = middle }
    }
    Ok(high.exp2())
}
