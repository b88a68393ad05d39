//! The grid of a `.npy` file, in a `.json` file beside it, with what else is known of its cells.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vdf_basis::{ArchiveFacts, VelocityGrid};

use crate::files;

/// The name of the file beside a `.npy` file.
pub fn beside(npy: &Path) -> PathBuf {
    npy.with_extension("json")
}

/// A cell, as JSON.
pub fn cell(id: u64, grid: &VelocityGrid, facts: &ArchiveFacts) -> Value {
    json!({
        "cell": id,
        "shape": grid.shape(),
        "lower": grid.lower(),
        "spacing": grid.spacing(),
        "time": facts.time,
        "position": facts.position,
        "magnetic_field": facts.magnetic_field,
    })
}

/// Writes the file of some cells. Shape, lower edge and spacing are at the top, too: those of the first
/// cell that has them.
pub fn write(path: &Path, population: &str, cells: &[Value]) -> Result<(), String> {
    let known = cells.iter().find(|cell| cell["shape"].is_array());
    let of_first = |key: &str| known.map_or(Value::Null, |cell| cell[key].clone());
    let content = json!({
        "population": population,
        "shape": of_first("shape"),
        "lower": of_first("lower"),
        "spacing": of_first("spacing"),
        "cells": cells,
    });
    files::write_whole(path, |file| writeln!(file, "{content:#}").map_err(|problem| files::in_file(path, problem)))
}

/// Lower edge of a grid and width of its cells [m/s].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub lower: [f64; 3],
    pub spacing: [f64; 3],
}

/// The grid of a `.npy` file, and facts about its cells.
#[derive(Debug, Clone)]
pub struct GridFile {
    pub place: Place,
    /// The grid's place, time, position and magnetic field of each cell; empty if the file has the grid alone.
    pub cells: Vec<(Place, ArchiveFacts)>,
}

impl GridFile {
    /// A grid of which no more is known.
    pub fn of(place: Place) -> Self {
        Self { place, cells: Vec::new() }
    }

    /// The place of the grid of a cell.
    pub fn place_of(&self, cell: usize) -> Place {
        self.cells.get(cell).map_or(self.place, |(place, _)| *place)
    }

    /// All places that grids have.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        std::iter::once(self.place).chain(self.cells.iter().map(|(place, _)| *place))
    }
}

/// Reads such a file, for `count` cells of some shapes.
pub fn read(path: &Path, shapes: impl Iterator<Item = [usize; 3]>, count: usize) -> Result<GridFile, String> {
    let bytes = files::read(path)?;
    let content: Value = serde_json::from_slice(&bytes).map_err(|problem| files::in_file(path, problem))?;
    let mut others = shapes.filter(|shape| content["shape"].is_array() && content["shape"] != json!(shape));
    if let Some(shape) = others.next() {
        let problem = format!("its grid has {} cells, and the distribution {}", content["shape"], json!(shape));
        return Err(files::in_file(path, problem));
    }
    let missing = || files::in_file(path, "it has no `lower` and `spacing`, of three numbers each");
    let (lower, spacing) = vector(&content["lower"]).zip(vector(&content["spacing"])).ok_or_else(missing)?;
    let place = Place { lower, spacing };
    let cells = content["cells"].as_array().map_or(&[][..], Vec::as_slice);
    if !cells.is_empty() && cells.len() != count {
        return Err(files::in_file(path, format!("it has {} cells, and the distributions are {count}", cells.len())));
    }
    let known = |cell: &Value| Ok((own_place(cell, &content["shape"])?.unwrap_or(place), facts(cell)?));
    let cells = cells.iter().map(known).collect::<Result<_, String>>();
    Ok(GridFile { place, cells: cells.map_err(|problem| files::in_file(path, problem))? })
}

/// The place of a cell's own grid; `None` for that of all.
fn own_place(cell: &Value, shape: &Value) -> Result<Option<Place>, String> {
    let name = || format!("cell {}", cell["cell"]);
    if cell["shape"].is_array() && shape.is_array() && cell["shape"] != *shape {
        return Err(format!("{} has {} velocity cells, and the array {shape}", name(), cell["shape"]));
    }
    if cell["lower"].is_null() && cell["spacing"].is_null() {
        return Ok(None);
    }
    let own = vector(&cell["lower"]).zip(vector(&cell["spacing"]));
    let (lower, spacing) =
        own.ok_or_else(|| format!("{}: `lower` and `spacing` must be three numbers each", name()))?;
    Ok(Some(Place { lower, spacing }))
}

/// The facts of a cell, each of which may be null or missing.
fn facts(cell: &Value) -> Result<ArchiveFacts, String> {
    let wrong = |key: &str, needed: &str| format!("`{key}` is {}, and must be {needed} or null", cell[key]);
    let three = |key: &str| match &cell[key] {
        Value::Null => Ok(None),
        value => vector(value).map(Some).ok_or_else(|| wrong(key, "three numbers")),
    };
    let time = match &cell["time"] {
        Value::Null => None,
        value => Some(value.as_f64().ok_or_else(|| wrong("time", "a number"))?),
    };
    Ok(ArchiveFacts { time, position: three("position")?, magnetic_field: three("magnetic_field")? })
}

fn vector(value: &Value) -> Option<[f64; 3]> {
    let numbers: Option<Vec<f64>> = value.as_array()?.iter().map(Value::as_f64).collect();
    numbers?.try_into().ok()
}
