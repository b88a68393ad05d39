//! Particles of a distribution: sampled, fitted by a mixture without a grid, sampled from it again, and deposited.
//!
//! ```text
//! cargo run --release --example particles -- [NAME] [PARTICLES] [COMPONENTS] [OUT.raw]
//! ```
//!
//! With OUT.raw the velocities are written as f64, three a particle, to time other codes on the same particles
//! (`benches/particles.py`).

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use vdf_basis::distribution::particles::{Arrangement, Deposition, ParticleSampler, Particles};
use vdf_basis::{Fidelity, Mixture, MixtureSelection, Sampling, Synthetic, Vdf, VelocityGrid};

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |k: usize, default: &'static str| arguments.get(k).map_or(default, String::as_str);
    let number = |k: usize, what: &str, default| {
        let word = argument(k, default);
        word.parse().map_err(|_| format!("{what} = {word} is not allowed: a whole number"))
    };
    let (name, count) = (argument(0, "beams"), number(1, "particles", "100000")?);
    let components = number(2, "components", "6")?;

    let grid = Synthetic::default_grid(name, 40)?;
    let f = Synthetic::named(name, 0)?.sample(&grid, Sampling::default())?;
    println!(
        "{:34} {:>9} {:>9} {:>9} {:>9}",
        "deposited in the nearest cell", "l2", "density", "pressure", "heat flux"
    );

    let sampler = ParticleSampler::new(count)?;
    let particles = sampler.with_arrangement(Arrangement::Random).sample(&f)?;
    report("random", &f, grid, &particles)?;
    report("quiet", &f, grid, &sampler.sample(&f)?)?;

    for selection in [MixtureSelection::Fixed, MixtureSelection::Mml] {
        let basis = Mixture::new(components)?.with_selection(selection)?;
        let start = Instant::now();
        let (mixture, fit) = basis.fit_particles(&particles)?;
        let took = start.elapsed();
        report(&format!("mixture of {} ({selection:?})", fit.components), &f, grid, &mixture.sample(&sampler)?)?;
        println!("  {took:.1?}, {} steps on all particles, ⟨ln f/n⟩ = {:.6}", fit.em.iterations, fit.log_likelihood);
    }
    if let Some(path) = arguments.get(3) {
        let bytes: Vec<u8> = particles.velocities().iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(path, bytes)?;
    }
    Ok(())
}

fn report(what: &str, f: &Vdf, grid: VelocityGrid, particles: &Particles) -> Result<(), Box<dyn Error>> {
    let deposit = Vdf::from_particles(grid, particles, Deposition::NearestCell)?;
    let fidelity = Fidelity::compare(f, &deposit.vdf)?;
    println!(
        "{what:34} {:9.2e} {:9.2e} {:9.2e} {:9.2e}   {} outside",
        fidelity.l2, fidelity.density, fidelity.pressure, fidelity.heat_flux, deposit.outside
    );
    Ok(())
}
