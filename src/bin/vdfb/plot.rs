//! `vdfb plot`: a cell, original and reconstruction, and the errors of all cells.

use std::path::{Path, PathBuf};

use vdf_basis::{Coefficients, FieldDirection, Vdf};

use crate::arguments::{Common, Plot};
use crate::compare::Compared;
use crate::encoded::Encoded;
use crate::map::{self, Place};
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen};
use crate::picture::colours::{FADED_INK, INK};
use crate::picture::comparison::{Page, comparison};
use crate::picture::panel::{LABEL_SIZE, TICK_SIZE, axis_below, axis_left, density_bar, plane};
use crate::picture::text::printed;
use crate::picture::view::{PLANES, View};
use crate::statistics::Spread;
use crate::turned::Turned;
use crate::{Outcome, Problem, files};

pub fn run(arguments: &Plot, common: &Common) -> Outcome {
    let output = &arguments.output;
    if !output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        return Err(Problem::Usage(files::in_file(output, "the name of a picture must end with .png")));
    }
    let inputs = || [&arguments.input].into_iter().chain(&arguments.sources).map(AsRef::as_ref);
    let errors = map_path(output);
    for path in [output, &errors] {
        files::check_output(path, inputs())?;
        files::check_writable(path)?;
    }
    if arguments.sources.is_empty() {
        let encoded = Encoded::open(&arguments.input)?;
        save(output, alone(arguments, &encoded)?)?;
        say(common, output)?;
        return Ok(encoded.done(encoded.report_lost()));
    }
    let Plot { input, sources, from, cell, field, .. } = arguments;
    let compared = Compared::new(input, sources, (from, *cell), *field, common)?;
    save(output, beside_source(arguments, &compared)?)?;
    say(common, output)?;
    if compared.errors.len() > 1 {
        save(&errors, of_errors(arguments, &compared)?)?;
        say(common, &errors)?;
    }
    Ok(compared.encoded.done(compared.left_out))
}

/// The name of the picture of all cells' errors.
fn map_path(output: &Path) -> PathBuf {
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!("{stem}-errors.png"))
}

fn save(path: &Path, canvas: Canvas) -> Result<(), String> {
    let bytes = canvas.encoded().map_err(|problem| files::in_file(path, problem))?;
    files::write_whole(path, |file| file.write_all(&bytes).map_err(|problem| files::in_file(path, problem)))
}

fn say(common: &Common, path: &Path) -> Result<(), Problem> {
    if !common.quiet {
        files::print(&format!("picture: {}", path.display()))?;
    }
    Ok(())
}

/// The name of a cell in a picture.
fn name(input: &Path, population: &str, cell: u64) -> String {
    let file = input.file_name().unwrap_or_default().to_string_lossy();
    match population {
        // A stream holds one cell, of a population that it does not name.
        "" => file.into_owned(),
        _ => format!("{file}, {population} cell {cell}"),
    }
}

/// The page of one cell: original, reconstruction, difference, profiles.
fn beside_source(arguments: &Plot, compared: &Compared) -> Result<Canvas, String> {
    let Compared { encoded, source, population, errors, .. } = compared;
    let worst = || Spread::of(|cell| Some(cell.fidelity.l2), errors).map_or(errors[0].cell, |spread| spread.cell);
    let cell = arguments.cell.unwrap_or_else(worst);
    let record = encoded.read(population, cell)?;
    let original = source.read_on(cell, record.expansion.grid())?;
    let in_file = |problem: vdf_basis::Error| source.in_file(cell, problem);
    let reconstruction = record.expansion.reconstruct().map_err(in_file)?;
    let name = name(&arguments.input, population, cell);
    let fidelity = vdf_basis::Fidelity::compare(&original, &reconstruction).map_err(in_file)?;
    let shape = View::new(&name, &original).shape();
    let Shown { of: [original, reconstruction], about } =
        shown(arguments.field, [original, reconstruction]).map_err(in_file)?;
    let view = View::new(&name, &original);
    let view = if about.is_some() { view.about_field() } else { view };
    let figures = format!(
        "{name}, {shape} velocity cells, {} coefficients     l2 error {}, pressure error {}{}",
        record.expansion.coefficients().count(),
        printed(fidelity.l2),
        printed(fidelity.pressure),
        about.map_or_else(String::new, |about| format!("     {about}"))
    );
    let spec = record.expansion.basis().to_string();
    let page = Page { spec: &spec, figures: &figures, reconstruction: &reconstruction, boxes: &[] };
    comparison(&view, &page).map_err(|problem| files::in_file(&arguments.output, problem))
}

/// The errors of all cells: where they lie, if positions in two directions are known, else in their order.
fn of_errors(arguments: &Plot, compared: &Compared) -> Result<Canvas, String> {
    let place = |cell: &crate::statistics::CellErrors| Place {
        error: cell.fidelity.l2,
        position: compared.source.facts(cell.cell).ok().and_then(|facts| facts.position),
    };
    let places: Vec<Place> = compared.errors.iter().map(place).collect();
    let file = arguments.input.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let title = format!("{file}: errors l2 of {} cells", places.len());
    map::draw(&title, &places).map_err(|problem| files::in_file(&arguments.output, problem))
}

/// A reconstruction in three planes, where there is no source.
fn alone(arguments: &Plot, encoded: &Encoded) -> Result<Canvas, String> {
    let population = encoded.population(arguments.from.population.as_deref())?;
    let cell = match arguments.cell {
        Some(cell) => cell,
        None => *encoded.select(&population, &arguments.from.cells)?.first().ok_or("no cell")?,
    };
    let record = encoded.read(&population, cell)?;
    let vdf = record.expansion.reconstruct().map_err(|problem| files::in_file(&arguments.input, problem))?;
    let name = name(&arguments.input, &population, cell);
    let details = format!("{} velocity cells", View::new(&name, &vdf).shape());
    let in_file = |problem: vdf_basis::Error| files::in_file(&arguments.input, problem);
    let Shown { of: [vdf], about } = shown(arguments.field, [vdf]).map_err(in_file)?;
    let view = View::new(&name, &vdf);
    let (view, details) = match about {
        Some(about) => (view.about_field(), format!("{details}     {about}")),
        None => (view, details),
    };
    let drawn = planes(&view, &record.expansion.basis().to_string(), &details);
    drawn.map_err(|problem| files::in_file(&arguments.output, problem))
}

/// Distributions as they are drawn.
struct Shown<const N: usize> {
    of: [Vdf; N],
    /// The frame, in words, if it is that of a magnetic field.
    about: Option<String>,
}

/// Distributions in the frame of a magnetic field about the bulk velocity of the first, if a field is given.
fn shown<const N: usize>(field: Option<FieldDirection>, vdfs: [Vdf; N]) -> vdf_basis::Result<Shown<N>> {
    let Some(field) = field else { return Ok(Shown { of: vdfs, about: None }) };
    let turned = Turned::new(vdfs.each_ref(), field)?;
    let mut of = vdfs;
    for vdf in &mut of {
        *vdf = turned.turn(vdf)?;
    }
    Ok(Shown { of, about: Some(turned.in_words()) })
}

/// Three planes through the peak side by side, below the spec and details.
fn planes(view: &View, spec: &str, details: &str) -> Drawn<Canvas> {
    const LONGEST: f64 = 400.0;
    const LEFT: f64 = 110.0;
    const GAP: f64 = 120.0;
    const TOP: f64 = 130.0;
    let lengths = view.lengths(LONGEST);
    let column = lengths[0].max(lengths[1]);
    let row = lengths[1].max(lengths[2]);
    let right = LEFT + 3.0 * (column + GAP);
    let mut canvas = Canvas::new(right + 60.0, TOP + row + 80.0)?;
    canvas.text((LEFT, 34.0), spec, Pen::new(28.0, INK, Align::Left))?;
    let subtitle = format!("{}, {details}", view.name);
    canvas.text((LEFT, 70.0), &subtitle, Pen::new(LABEL_SIZE, FADED_INK, Align::Left))?;
    for (place, axes) in PLANES.into_iter().enumerate() {
        let left = LEFT + place as f64 * (column + GAP);
        let area = Area { left, top: TOP, width: lengths[axes[0]], height: lengths[axes[1]] };
        canvas.text((left, TOP - 18.0), &view.cut(axes), Pen::new(TICK_SIZE, FADED_INK, Align::Left))?;
        let (across, up) = (&view.axes[axes[0]], &view.axes[axes[1]]);
        plane(&mut canvas, &area, across, up, |cells| view.scale.colour(view.in_plane(view.original, axes, cells)))?;
        axis_below(&mut canvas, &area, across)?;
        axis_left(&mut canvas, &area, up, true)?;
    }
    density_bar(&mut canvas, &Area { left: right - GAP + 30.0, top: TOP, width: 18.0, height: row }, view)?;
    Ok(canvas)
}
