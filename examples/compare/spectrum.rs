//! The power of a spherical expansion on every sphere: by degree and by order.

use vdf_basis::bases::spherical::{SphereSpectrum, SphericalSpectrum};

use crate::picture::axis::{number, ticks};
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen};
use crate::picture::colours::{FADED_INK, INK};
use crate::picture::panel::{LABEL_SIZE, TICK_SIZE, colour_bar, ticks_left};
use crate::picture::scale::{LogScale, Tick};
use crate::picture::view::View;

/// Measures of the picture [px].
const WIDTH: f64 = 1240.0;
const HEIGHT: f64 = 520.0;
const PANEL: (f64, f64) = (440.0, 360.0);
const LEFT: f64 = 92.0;
const TOP: f64 = 76.0;
const GAP: f64 = 92.0;
const BAR_WIDTH: f64 = 16.0;
/// Decades of power shown below the largest.
const DECADES: i32 = 8;

/// Radius to the right, degree or order upwards, power as colour.
pub fn spectrum(view: &View, spec: &str, spectrum: &SphericalSpectrum) -> Drawn<Canvas> {
    let mut canvas = Canvas::new(WIDTH, HEIGHT)?;
    let largest = spectrum.spheres.iter().flat_map(|sphere| &sphere.degree).fold(0.0, |a: f64, b| a.max(*b));
    let scale = LogScale::new(largest * 10f64.powi(-DECADES), largest);
    canvas.text((LEFT, 26.0), &format!("{}: {spec}", view.name), Pen::new(LABEL_SIZE, INK, Align::Left))?;
    let measures = format!(
        "gyrotropic part of the power {:.4}, anisotropic part {:.4}",
        spectrum.gyrotropy(),
        spectrum.anisotropy()
    );
    canvas.text((LEFT, 54.0), &measures, Pen::new(TICK_SIZE, FADED_INK, Align::Left))?;
    let degrees: Vec<&[f64]> = spectrum.spheres.iter().map(|sphere| sphere.degree.as_slice()).collect();
    let orders: Vec<&[f64]> = spectrum.spheres.iter().map(|sphere| sphere.order.as_slice()).collect();
    let panels = [("degree l", degrees), ("order |m|", orders)];
    for (k, (label, rows)) in panels.into_iter().enumerate() {
        let area = Area { left: LEFT + k as f64 * (PANEL.0 + GAP), top: TOP, width: PANEL.0, height: PANEL.1 };
        panel(&mut canvas, &area, view, &spectrum.spheres, label, &scale, &rows)?;
    }
    let bar = Area { left: LEFT + 2.0 * PANEL.0 + GAP + 22.0, top: TOP, width: BAR_WIDTH, height: PANEL.1 };
    let colour = |fraction: f64| scale.colour(scale.value(fraction.max(1e-6)));
    colour_bar(&mut canvas, &bar, "power, Σ f_{lm}^{2}", &scale.ticks(), colour)?;
    Ok(canvas)
}

fn panel(
    canvas: &mut Canvas,
    area: &Area,
    view: &View,
    spheres: &[SphereSpectrum],
    label: &str,
    scale: &LogScale,
    rows: &[&[f64]],
) -> Drawn {
    let last = spheres.last().map_or(1.0, |sphere| sphere.radius) / view.units.velocity();
    let degrees = rows.first().map_or(1, |row| row.len());
    canvas.raster(area, |u, v| {
        let radius = u * last * view.units.velocity();
        let sphere = spheres.partition_point(|sphere| sphere.radius < radius).min(spheres.len().saturating_sub(1));
        let row = ((v * degrees as f64) as usize).min(degrees.saturating_sub(1));
        scale.colour(rows.get(sphere).and_then(|powers| powers.get(row)).copied().unwrap_or(0.0))
    });
    canvas.frame(area, INK)?;
    let step = degrees.div_ceil(12);
    let integers: Vec<Tick> = (0..degrees)
        .step_by(step)
        .map(|l| Tick { fraction: (l as f64 + 0.5) / degrees as f64, text: l.to_string() })
        .collect();
    ticks_left(canvas, area, &integers, Some(label))?;
    for tick in ticks(0.0, last, 6) {
        let x = area.left + tick / last * area.width;
        canvas.line(&[(x, area.bottom()), (x, area.bottom() + 6.0)], 1.0, INK)?;
        canvas.text((x, area.bottom() + 20.0), &number(tick), Pen::new(TICK_SIZE, INK, Align::Middle))?;
    }
    let unit = view.units.axis_label("r");
    canvas.text((area.centre().0, area.bottom() + 46.0), &unit, Pen::new(LABEL_SIZE, INK, Align::Middle))
}
