//! `vdfb info`: what an archive or a stream holds, and what each part of it costs.

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Value, json};
use vdf_basis::{Archive, ArchiveGroup, Coefficients, Crop, Quantise, VelocityGrid};

use crate::arguments::{Common, Geometry, Info};
use crate::cells::in_words;
use crate::encoded::{Content, Encoded};
use crate::picture::text::rounded;
use crate::progress::Progress;
use crate::source::Source;
use crate::{Done, Outcome, files};

/// Characters of a list of cells.
const LIST: usize = 60;

pub fn run(arguments: &Info, common: &Common) -> Outcome {
    let encoded = Encoded::open(&arguments.input)?;
    let mut content = match &encoded.content {
        Content::Archive(archive) => of_archive(&arguments.input, archive)?,
        Content::Stream { expansion, info, bytes } => {
            let bound = expansion.basis().kept_bound().map_or("none".to_owned(), |bound| bound.to_string());
            let set = set("", &info.spec.to_string(), &info.grid, 1, *bytes as u64);
            let parts: Vec<_> = info.parts.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect();
            json!({
                "file": arguments.input.display().to_string(),
                "kind": "stream",
                "version": info.version,
                "bytes": bytes,
                "cells": 1,
                "population": Value::Null,
                "basis": info.spec.to_string(),
                "bound": bound,
                "coefficients": expansion.coefficients().count(),
                "bytes_per_cell": bytes,
                "ratio_f32": 4.0 * info.grid.cells() as f64 / *bytes as f64,
                "parts": parts,
                "sets": [set],
            })
        }
    };
    let mut done = encoded.done(encoded.lost_cells());
    if let (true, Content::Archive(archive)) = (arguments.check, &encoded.content) {
        let damaged = damaged(archive, common);
        if !damaged.is_empty() {
            done = Done::LeftOut;
        }
        content["damaged"] = json!(damaged);
    }
    if let Some(path) = &arguments.source {
        content["ratio_blocks"] = json!(stored_bytes(&encoded, path)? / content["bytes"].as_f64().unwrap_or(f64::NAN));
    }
    if common.json {
        files::print(&format!("{content:#}"))?
    } else {
        files::print(&in_lines(&content))?
    }
    Ok(done)
}

/// The groups that cannot be read, or of which a cell cannot be decoded.
fn damaged(archive: &Archive, common: &Common) -> Vec<Value> {
    let groups: Vec<ArchiveGroup> = archive.groups().collect();
    let progress = Progress::new(groups.iter().map(|group| group.cells.len()).sum(), common);
    let checked = groups.par_iter().enumerate().map(|(number, group)| {
        let records = archive.read_group(number);
        let all =
            records.and_then(|records| records.iter().try_for_each(|record| record.expansion.reconstruct().map(drop)));
        group.cells.iter().for_each(|_| progress.step());
        all.err().map(|problem| {
            json!({"population": group.population, "cells": in_words(&group.cells), "problem": problem.to_string()})
        })
    });
    checked.collect::<Vec<_>>().into_iter().flatten().collect()
}

fn of_archive(path: &Path, archive: &Archive) -> Result<Value, String> {
    let info = archive.info();
    let cells: usize = info.sets.iter().map(|set| set.cells).sum();
    let values: f64 = info.sets.iter().map(|set| set.grid.cells() as f64 * set.cells as f64).sum();
    let of_sets = |of: &dyn Fn(&vdf_basis::ArchiveSet) -> String| {
        let mut found: Vec<String> = info.sets.iter().map(of).collect();
        found.dedup();
        // One name where there is one, a list where there are several.
        if found.len() == 1 { json!(found[0]) } else { json!(found) }
    };
    let mut lists = Vec::new();
    for population in archive.populations() {
        let cells = archive.cells(population).map_err(|problem| files::in_file(path, problem))?;
        lists.push(json!({"population": population, "cells": in_words(&cells)}));
    }
    let sets = info.sets.iter().map(|of| set(&of.population, &of.spec.to_string(), &of.grid, of.cells, of.bytes));
    let parts = info.parts.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes}));
    Ok(json!({
        "file": path.display().to_string(),
        "kind": "archive",
        "version": info.version,
        "bytes": info.bytes,
        "cells": cells,
        "population": of_sets(&|set| set.population.clone()),
        "basis": of_sets(&|set| set.spec.to_string()),
        "groups": info.groups,
        "recovered": archive.is_recovered(),
        "lost_cells": archive.lost_cells(),
        "bytes_per_cell": info.bytes as f64 / cells.max(1) as f64,
        "ratio_f32": 4.0 * values / info.bytes as f64,
        "parts": parts.collect::<Vec<_>>(),
        "sets": sets.collect::<Vec<_>>(),
        "lists": lists,
    }))
}

/// Cells that share population, grid and basis.
fn set(population: &str, basis: &str, grid: &VelocityGrid, cells: usize, bytes: u64) -> Value {
    json!({
        "population": population,
        "basis": basis,
        "cells": cells,
        "bytes": bytes,
        "shape": grid.shape(),
        "lower": grid.lower(),
        "spacing": grid.spacing(),
    })
}

/// Bytes of the blocks that a `.vlsv` file stores for the cells of an archive, in single precision.
fn stored_bytes(encoded: &Encoded, path: &Path) -> Result<f64, String> {
    let mut bytes = 0.0;
    for population in encoded.populations() {
        let source = Source::open(&[path.to_path_buf()], Some(population), Crop::Stored, &Geometry::default());
        let Ok(Source::Vlsv { file, population, .. }) = source else {
            return Err(files::in_file(path, format!("it is no .vlsv file with a population {population}")));
        };
        for cell in encoded.select(&population, &crate::cells::CellList::All)? {
            let read = file.read(cell, &population, Crop::Stored).map_err(|problem| files::in_file(path, problem))?;
            let blocks = read.blocks.ok_or_else(|| files::in_file(path, "it stores no blocks"))?;
            bytes += 4.0 * (blocks.occupancy.count() * read.mesh.block_width.pow(3)) as f64;
        }
    }
    Ok(bytes)
}

fn in_lines(content: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    };
    let number = |key: &str| rounded(content[key].as_f64().unwrap_or(f64::NAN));
    let file = text(&content["file"]);
    let mut lines = vec![format!(
        "{file}: {} of version {}, {} bytes",
        text(&content["kind"]),
        content["version"],
        content["bytes"]
    )];
    let mut add = |name: &str, value: String| lines.push(format!("{name:<11} {value}"));
    add("basis", text(&content["basis"]));
    if content["kind"] == "stream" {
        add("bound", text(&content["bound"]));
        add("holds", format!("{} real numbers", content["coefficients"]));
    } else {
        add("population", text(&content["population"]));
        let each =
            format!("{} in {} groups, {} bytes each", content["cells"], content["groups"], number("bytes_per_cell"));
        add("cells", if content["groups"] == 0 { "none: no group is whole".to_owned() } else { each });
        for list in content["lists"].as_array().into_iter().flatten() {
            let cells = text(&list["cells"]);
            let short: String = cells.chars().take(LIST).collect();
            let more = if short.len() < cells.len() { "…" } else { "" };
            add("", format!("{}: {short}{more}", text(&list["population"])));
        }
    }
    for set in content["sets"].as_array().into_iter().flatten() {
        let [shape, lower, spacing] = ["shape", "lower", "spacing"].map(|key| set[key].to_string());
        add("grid", format!("{shape} cells from {lower}, spacing {spacing}"));
    }
    if content["groups"] != 0 {
        add("ratio", format!("{} against f32 values on the first cell's grid", number("ratio_f32")));
    }
    if content["ratio_blocks"].is_number() {
        add("", format!("{} against stored blocks", number("ratio_blocks")));
    }
    if content["recovered"] == true {
        let found = format!("{} cells were found by reading all of it, and there may have been more", content["cells"]);
        add("index", format!("missing or damaged: {found}"));
    }
    let lost = content["lost_cells"].as_u64().filter(|lost| *lost > 0);
    if let Some(lost) = lost {
        add("lost", format!("{lost} cells, whose population, grid and basis are damaged"));
    }
    if let Some(damaged) = content["damaged"].as_array() {
        let is_whole = lost.is_none() && content["recovered"] != true;
        let sound = if is_whole { "all cells can be decoded" } else { "all cells that were found can be decoded" };
        add("checked", if damaged.is_empty() { sound } else { "damaged:" }.to_owned());
        for group in damaged {
            let [population, cells, problem] = ["population", "cells", "problem"].map(|key| text(&group[key]));
            add("", format!("cells {cells} of {population}: {problem}"));
        }
    }
    for part in content["parts"].as_array().into_iter().flatten() {
        add("", format!("{:>9} {}", part["bytes"], text(&part["name"])));
    }
    lines.join("\n")
}
