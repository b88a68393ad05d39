//! Bytes of the whole stream at given errors: every basis and preset, every distribution.
//!
//! `cargo bench --bench rate_distortion -- [FILTER …]` prints a table of bytes for each distribution, then the errors of
//! the moments and the times of each stream, draws the curves to `out/rate_distortion`, and leaves the distribution there
//! as `.npy` for other compressors. Filters are parts of names of distributions or of specs; with none, everything is
//! measured, which takes half an hour.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
// Its tests run in `compare`.
#[allow(unused_imports)]
#[path = "../src/bin/vdfb/picture/png.rs"]
mod png;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use vdf_basis::{Basis, Expansion, Fidelity, Precision, Registry, Sampling, Synthetic, Vdf};

/// The relative errors `l2`.
const TARGETS: [f64; 7] = [0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002];
/// Bases with everything that a bound may choose from; `l2=…` is put in the place of `@`, and in the place of `%` the error
/// that leaves room for rounding.
const SPECS: &[&str] = &[
    "hermite:order=20,@",
    "cosine:@",
    "wavelet:@",
    "quantized(octree:l2=%):@",
    "spherical:degree=14,@",
    "mixture:components=15,@",
    "fast:@",
    "balanced:@",
    "smallest:@",
    "conserve(smallest:@)",
];
struct Point {
    target: f64,
    bytes: usize,
    fidelity: Fidelity,
    encode_ms: f64,
    decode_ms: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    register_font("sans-serif", FontStyle::Normal, UBUNTU_LIGHT).map_err(|_| "the font does not load")?;
    let filters: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let chosen = |name: &str, all: &[&str]| {
        let relevant: Vec<_> =
            filters.iter().filter(|filter| all.iter().any(|name| name.contains(&filter[..]))).collect();
        relevant.is_empty() || relevant.iter().any(|filter| name.contains(&filter[..]))
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../out/rate_distortion");
    std::fs::create_dir_all(&folder)?;
    let distributions = distributions();
    let names: Vec<&str> = distributions.iter().map(|(name, _)| &name[..]).collect();
    for (name, vdf) in distributions.iter().filter(|(name, _)| chosen(name, &names)) {
        vdf.write_npy(folder.join(format!("{name}.npy")), Precision::Single)?;
        let mut curves = Vec::new();
        for spec in SPECS.iter().filter(|spec| chosen(spec, SPECS)) {
            let points: Vec<Point> = TARGETS.iter().filter_map(|&target| measured(spec, target, vdf)).collect();
            print_row(name, spec, &points);
            curves.push((*spec, points));
        }
        println!(
            "\n{name}: {:<24} {:>7} {:>7}  {:>9} {:>9} {:>9} {:>9}  {:>9} {:>8}",
            "stream", "l2 <=", "bytes", "l2", "density", "velocity", "pressure", "encode ms", "decode"
        );
        for (spec, points) in &curves {
            for p in points {
                let f = &p.fidelity;
                println!(
                    "{name}: {:<24} {:>7} {:>7}  {:>9.2e} {:>9.1e} {:>9.1e} {:>9.1e}  {:>9.1} {:>8.1}",
                    spec.replace("@", "…"),
                    p.target,
                    p.bytes,
                    f.l2,
                    f.density,
                    f.bulk_velocity,
                    f.pressure,
                    p.encode_ms,
                    p.decode_ms
                );
            }
        }
        println!();
        draw(&folder, name, &curves)?;
    }
    Ok(())
}

/// The real files that are there, and the catalogue.
fn distributions() -> Vec<(String, Vdf)> {
    let synthetic = Synthetic::names().map(|name| {
        let grid = Synthetic::default_grid(name, 50).expect("a grid of this size");
        let synthetic = Synthetic::named(name, 0).expect("a name of the catalogue");
        (name.to_owned(), synthetic.sample(&grid, Sampling::default()).expect("finite densities"))
    });
    common::real().into_iter().chain(synthetic).collect()
}

/// The spec for one bound.
fn of(spec: &str, target: f64) -> String {
    spec.replace('@', &format!("l2={target}")).replace('%', &format!("{}", 0.8 * target))
}

/// One stream, decoded as a second process would; none where the bound cannot be met.
fn measured(spec: &str, target: f64, vdf: &Vdf) -> Option<Point> {
    let registry = Registry::standard();
    let basis = registry.parse(&of(spec, target)).expect("a spec of this crate");
    let start = Instant::now();
    let stream = Expansion::encode(&basis, vdf).and_then(|expansion| expansion.to_bytes());
    let bytes = stream.inspect_err(|error| eprintln!("{basis}: {error}")).ok()?;
    let encode_ms = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let expansion = Registry::standard().decode(&bytes).expect("what was just written");
    let back = expansion.basis().reconstruct(expansion.coefficients(), expansion.grid()).expect("finite densities");
    let decode_ms = start.elapsed().as_secs_f64() * 1e3;
    let fidelity = Fidelity::compare(vdf, &back).expect("the same grid");
    if fidelity.l2 > target {
        eprintln!("{basis}: missed its bound by {:.2}%", 100.0 * (fidelity.l2 / target - 1.0));
    }
    Some(Point { target, bytes: bytes.len(), fidelity, encode_ms, decode_ms })
}

fn print_row(name: &str, spec: &str, points: &[Point]) {
    print!("{name:<28} {:<26}", spec.replace("@", "l2=…"));
    for target in TARGETS {
        match points.iter().find(|point| point.target == target) {
            Some(point) => print!(" {:>7}", point.bytes),
            None => print!(" {:>7}", "-"),
        }
    }
    println!();
}

fn draw(folder: &Path, name: &str, curves: &[(&str, Vec<Point>)]) -> Result<(), Box<dyn Error>> {
    let path = folder.join(format!("{name}.png"));
    let bytes = curves.iter().flat_map(|(_, points)| points).map(|point| point.bytes as f64);
    let (least, most) = bytes.fold((f64::INFINITY, 0.0), |(least, most), b| (f64::min(least, b), f64::max(most, b)));
    if most == 0.0 {
        return Ok(());
    }
    let (width, height) = (900, 640);
    let mut pixels = vec![0; 3 * (width * height) as usize];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{name}: bytes against error"), ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        // Room for the legend.
        .build_cartesian_2d((least * 0.8..most * 5.0).log_scale(), (1.5e-3..0.13).log_scale())?;
    chart.configure_mesh().x_desc("bytes of the stream").y_desc("relative L2 error").draw()?;
    for (index, (spec, points)) in curves.iter().enumerate().filter(|(_, (_, points))| !points.is_empty()) {
        let colour = Palette99::pick(index).to_rgba();
        let line: Vec<_> = points.iter().map(|point| (point.bytes as f64, point.fidelity.l2)).collect();
        chart
            .draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?
            .label(spec.replace(":@", "").replace(",@", "").replace(":l2=%", ""))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(line.into_iter().map(|at| Circle::new(at, 3, colour.filled())))?;
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.85)).border_style(BLACK.mix(0.3)).draw()?;
    root.present()?;
    drop((chart, root));
    std::fs::write(&path, png::encoded(width, height, &pixels)?)?;
    println!("{}", path.display());
    Ok(())
}
