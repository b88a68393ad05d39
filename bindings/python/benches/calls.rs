//! The library's calls that `overhead.py` times beside those of Python: reads lines `CALL SPEC` and prints seconds.

use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use vdf_basis::{Expansion, Fidelity, Registry, Result, Sampling, Synthetic, Vdf};

fn main() -> Result<()> {
    let cells = std::env::args().nth(1).and_then(|cells| cells.parse().ok()).unwrap_or(50);
    let grid = Synthetic::default_grid("gyrating-ring", cells)?;
    let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
    // Values that are the same in single precision.
    let single: Vec<f32> = vdf.as_slice().iter().map(|&f| f as f32).collect();
    let vdf = Vdf::from_slice(grid, &single)?;
    let registry = Registry::standard();
    let mut values = vdf.as_slice().to_vec();
    for line in stdin().lock().lines() {
        let line = line.unwrap_or_default();
        let Some((call, spec)) = line.split_once(' ') else { break };
        let stream = match call {
            "decompress" => Expansion::encode(&registry.parse(spec)?, &vdf)?.to_bytes()?,
            _ => Vec::new(),
        };
        // As in Python, values that are in memory become a distribution within the call. They are not touched before.
        let begin = Instant::now();
        let mut take = || Vdf::from_vec(grid, std::mem::take(&mut values));
        let (result, own) = match call {
            "compress" => {
                let own = take()?;
                (Expansion::encode(&registry.parse(spec)?, &own)?.to_bytes()?.len() as f64, Some(own))
            }
            "decompress" => (registry.decode(&stream)?.reconstruct()?.values()[(0, 0, 0)], None),
            "moments" => {
                let own = take()?;
                (own.moments().density, Some(own))
            }
            _ => {
                let own = take()?;
                (Fidelity::compare(&own, &vdf)?.l2, Some(own))
            }
        };
        let seconds = begin.elapsed().as_secs_f64();
        if let Some(own) = own {
            values = own.into_values().into_raw_vec_and_offset().0;
        }
        let mut out = stdout().lock();
        let written = writeln!(out, "{seconds:e} {result:e}").and_then(|()| out.flush());
        if written.is_err() {
            break;
        }
    }
    Ok(())
}
