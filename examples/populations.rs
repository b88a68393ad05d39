//! The populations of a distribution, as a physicist would list them: a mixture is fitted, each component printed with
//! its density, drift and thermal speeds along and across the magnetic field, and drawn over planes through the peak.
//!
//! ```text
//! cargo run --release --example populations -- [FILE.npy | --name NAME] [--spec mixture:components=3] [--field X,Y,Z] [--out FILE.png]
//! ```

#[allow(dead_code)]
#[path = "../src/bin/vdfb/files/mod.rs"]
mod files;
#[allow(dead_code)]
#[path = "../src/bin/vdfb/picture/mod.rs"]
mod picture;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use plotters::style::RGBColor;
use vdf_basis::bases::mixture::relative_entropy;
use vdf_basis::{Basis, Mixture, MixtureCoefficients, Moments, Registry, Sampling, Synthetic, Vdf};

use picture::axis::{Units, grid_text};
use picture::canvas::{Align, Area, Canvas, Drawn, Pen};
use picture::colours::{FADED_INK, INK};
use picture::panel::{LABEL_SIZE, TICK_SIZE, axis_below, axis_left, density_bar, key, plane};
use picture::view::{PLANES, View};

/// Fit a mixture to a velocity distribution function and list its populations.
#[derive(Debug, Parser)]
struct Arguments {
    /// A distribution, a `.npy` file in C order `[vx, vy, vz]`. Without it, a synthetic one.
    file: Option<PathBuf>,
    /// Name of the synthetic distribution.
    #[arg(long, default_value = "gyrating-ring", conflicts_with = "file",
          value_parser = PossibleValuesParser::new(Synthetic::names()))]
    name: String,
    /// The mixture to fit.
    #[arg(long, default_value = "mixture:components=6")]
    spec: String,
    /// Direction of the magnetic field, for what is parallel and what perpendicular.
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, default_value = "0,0,1", allow_hyphen_values = true)]
    field: [f64; 3],
    /// Lower edge of the file's grid [m/s]; without it the grid is in index units.
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "spacing", allow_hyphen_values = true)]
    lower: Option<[f64; 3]>,
    /// Width of a cell [m/s].
    #[arg(long, value_name = "X,Y,Z", value_parser = triple, requires = "lower")]
    spacing: Option<[f64; 3]>,
    /// The picture.
    #[arg(long, default_value = "out/populations.png")]
    out: PathBuf,
}

fn triple(text: &str) -> Result<[f64; 3], String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "three numbers separated by commas are needed".to_owned())
}

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
    let basis = Registry::standard().parse(&arguments.spec)?;
    let mixture =
        *basis.downcast_ref::<Mixture>().ok_or("--spec must be a mixture alone, as `mixture:components=3`")?;
    if !arguments.field.iter().all(|component| component.is_finite()) || arguments.field == [0.0; 3] {
        return Err(format!("--field {:?} is not allowed: a finite vector that is not zero", arguments.field).into());
    }
    let (name, vdf) = load(arguments)?;
    // Refused before the fit, not after it.
    files::check_output(&arguments.out, arguments.file.as_deref())?;
    if let Some(folder) = arguments.out.parent() {
        std::fs::create_dir_all(folder).map_err(|problem| files::in_file(folder, problem))?;
    }
    files::check_writable(&arguments.out)?;
    let start = Instant::now();
    let (coefficients, report) = mixture.fit(&vdf).map_err(|problem| format!("{name}: {problem}"))?;
    let seconds = start.elapsed().as_secs_f64();
    let reconstruction = mixture.reconstruct(&coefficients, vdf.grid())?;
    files::print(&format!(
        "{name}: {}, peak {:.3e}\n{mixture}: {} components in {seconds:.2} s, l2 {:.4}\n\n{}",
        grid_text(vdf.grid()),
        vdf.peak(),
        report.components,
        report.l2,
        populations(&coefficients, &vdf, &reconstruction, arguments.field)?
    ))?;
    draw(&name, &mixture, &coefficients, &vdf, &reconstruction)?.save(&arguments.out)?;
    files::print(&format!("\npicture: {}", arguments.out.display()))?;
    Ok(())
}

fn load(arguments: &Arguments) -> Result<(String, Vdf), Box<dyn Error>> {
    let Some(path) = &arguments.file else {
        let grid = Synthetic::default_grid(&arguments.name, 50)?;
        return Ok((arguments.name.clone(), Synthetic::named(&arguments.name, 0)?.sample(&grid, Sampling::default())?));
    };
    let vdf = Vdf::read_npy(path).map_err(|problem| files::in_file(path, problem))?;
    let vdf = match arguments.lower.zip(arguments.spacing) {
        Some((lower, spacing)) => vdf.with_geometry(lower, spacing)?,
        None => vdf,
    };
    Ok((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), vdf))
}

/// One line a population, then their sum, over all velocities and as far as the box reaches, beside the data.
fn populations(mixture: &MixtureCoefficients, vdf: &Vdf, fit: &Vdf, field: [f64; 3]) -> Result<String, Box<dyn Error>> {
    let units = Units::of(vdf.grid());
    let speed = units.velocity();
    let total = mixture.moments_over_velocity_space();
    let unit = format!("[{}]", units.velocity_name());
    let mut lines = vec![
        format!("    share    density         drift {unit:<12}     thermal speed {unit:<8}  T⊥/T∥"),
        "                             x       y       z     mean parallel   perp.".to_owned(),
    ];
    for (k, population) in mixture.components().iter().enumerate() {
        let [x, y, z] = population.frame.centre.map(|u| u / speed);
        let [along, across] = population.parallel_and_perpendicular(field)?.map(|v| v / speed);
        lines.push(format!(
            "{:>2} {:5.1}% {:10.3e} {x:9.1} {y:7.1} {z:7.1}  {:7.1}  {along:7.1} {across:7.1} {:6.2}",
            k + 1,
            1e2 * population.density / total.density,
            population.density,
            population.thermal_speed() / speed,
            population.anisotropy(field)?
        ));
    }
    let line = |name: &str, m: &Moments| {
        let [x, y, z] = m.bulk_velocity.map(|u| u / speed);
        format!("{name:<9} {:10.3e} {x:9.1} {y:7.1} {z:7.1}  {:7.1}", m.density, m.thermal_speed() / speed)
    };
    lines.extend([
        line("all", &total),
        line("in box", &fit.moments()),
        line("data", &vdf.moments()),
        String::new(),
        "free energy per particle relative to the bulk Maxwellian:".to_owned(),
        format!("{:.3} kT (without mixing at most {:.3})", relative_entropy(vdf), mixture.free_energy_bound()),
    ]);
    Ok(lines.join("\n"))
}

/// Colours that stand out from viridis.
const COLOURS: [RGBColor; 6] = [
    RGBColor(255, 255, 255),
    RGBColor(240, 82, 82),
    RGBColor(255, 170, 60),
    RGBColor(240, 110, 220),
    RGBColor(120, 220, 255),
    RGBColor(190, 255, 130),
];
/// Populations drawn: the densest.
const DRAWN: usize = 24;

/// Measures of the page [px].
const LEFT: f64 = 110.0;
const TOP: f64 = 128.0;
const PANEL: f64 = 420.0;
const GAP: f64 = 40.0;
const ABOVE: f64 = 28.0;
const BELOW: f64 = 74.0;

/// Original and mixture in the three planes through the peak, the populations as one-sigma ellipses: what their
/// projections on the plane look like, wherever along the third axis they are.
fn draw(name: &str, mixture: &Mixture, populations: &MixtureCoefficients, vdf: &Vdf, fit: &Vdf) -> Drawn<Canvas> {
    let view = View::new(name, vdf);
    let lengths = view.lengths(PANEL);
    let column = lengths[0].max(lengths[1]);
    let rows: f64 = PLANES.iter().map(|plane| ABOVE + lengths[plane[1]] + BELOW).sum();
    let mut canvas = Canvas::new(LEFT + 2.0 * column + GAP + 180.0, TOP + rows + 50.0)?;
    canvas.text((LEFT, 40.0), &mixture.to_string(), Pen::new(30.0, INK, Align::Left))?;
    let subtitle = format!(
        "{name}: {} populations, one standard deviation about their means, projected",
        populations.components().len()
    );
    canvas.text((LEFT, 78.0), &subtitle, Pen::new(LABEL_SIZE, FADED_INK, Align::Left))?;
    let mut top = TOP;
    for axes in PLANES {
        let height = lengths[axes[1]];
        canvas.text((LEFT, top + 12.0), &view.cut(axes), Pen::new(TICK_SIZE, FADED_INK, Align::Left))?;
        top += ABOVE;
        for (index, (what, shown)) in [("original", vdf), ("mixture", fit)].into_iter().enumerate() {
            let left = LEFT + index as f64 * (column + GAP);
            let area = Area { left, top, width: lengths[axes[0]], height };
            let (across, up) = (&view.axes[axes[0]], &view.axes[axes[1]]);
            plane(&mut canvas, &area, across, up, |cells| view.scale.colour(view.in_plane(shown, axes, cells)))?;
            axis_below(&mut canvas, &area, across)?;
            axis_left(&mut canvas, &area, up, index == 0)?;
            if axes == PLANES[0] {
                canvas.text((area.centre().0, TOP - 14.0), what, Pen::new(LABEL_SIZE, INK, Align::Middle))?;
            }
            for (k, population) in populations.components().iter().take(DRAWN).enumerate().rev() {
                let label = (k + 1).to_string();
                ellipse(&mut canvas, &area, &view, axes, population, (&label, COLOURS[k % COLOURS.len()]))?;
            }
        }
        top += height + BELOW;
    }
    let bar =
        Area { left: LEFT + 2.0 * column + GAP + 24.0, top: TOP + ABOVE, width: 18.0, height: rows - ABOVE - BELOW };
    density_bar(&mut canvas, &bar, &view)?;
    let mut x = LEFT;
    let total: f64 = populations.components().iter().map(|population| population.density).sum();
    for (k, population) in populations.components().iter().take(COLOURS.len()).enumerate() {
        let share = format!("{}: {:.0}%", k + 1, 1e2 * population.density / total);
        x = key(&mut canvas, (x, TOP + rows + 16.0), COLOURS[k], &share)?;
    }
    Ok(canvas)
}

/// The one-sigma ellipse of a population's projection on a plane, as far as it lies in the picture.
fn ellipse(
    canvas: &mut Canvas,
    area: &Area,
    view: &View,
    axes: [usize; 2],
    population: &vdf_basis::MixtureComponent,
    (label, colour): (&str, RGBColor),
) -> Drawn {
    const STEPS: usize = 72;
    let covariance = population.covariance();
    let [a, b] = axes;
    // Cholesky factor of the 2 × 2 covariance.
    let first = covariance[a][a].sqrt();
    let mixed = covariance[a][b] / first;
    let second = (covariance[b][b] - mixed * mixed).max(0.0).sqrt();
    let unit = view.units.velocity();
    let at = |k: usize| {
        let (s, c) = (std::f64::consts::TAU * k as f64 / STEPS as f64).sin_cos();
        let u = (population.frame.centre[a] + first * c) / unit;
        let v = (population.frame.centre[b] + mixed * c + second * s) / unit;
        [view.axes[a].fraction(u), view.axes[b].fraction(v)]
    };
    // Dark behind bright: seen on cells of any colour.
    for (width, colour) in [(5.0, INK), (2.5, colour)] {
        for k in 0..STEPS {
            let ends = [at(k), at(k + 1)];
            if ends.as_flattened().iter().all(|fraction| (0.0..=1.0).contains(fraction)) {
                let points = ends.map(|[u, v]| (area.left + u * area.width, area.bottom() - v * area.height));
                canvas.line(&points, width, colour)?;
            }
        }
    }
    let centre = [population.frame.centre[a], population.frame.centre[b]].map(|u| u / unit);
    let at = [view.axes[a].fraction(centre[0]), view.axes[b].fraction(centre[1])];
    if at.iter().all(|fraction| (0.02..=0.98).contains(fraction)) {
        let (x, y) = (area.left + at[0] * area.width, area.bottom() - at[1] * area.height);
        for (dx, dy) in [(-1.5, 0.0), (1.5, 0.0), (0.0, -1.5), (0.0, 1.5)] {
            canvas.text((x + dx, y + dy), label, Pen::new(TICK_SIZE, INK, Align::Middle))?;
        }
        canvas.text((x, y), label, Pen::new(TICK_SIZE, colour, Align::Middle))?;
    }
    Ok(())
}
