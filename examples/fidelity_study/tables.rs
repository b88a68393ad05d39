//! The figures as text, CSV and JSON.

use serde_json::{Map, Value, json};

use crate::measure::Row;
use crate::picture::text::rounded;

/// The figures of the printed table and of the pictures, in order; those that are not there are left out. Files have all.
pub const QUANTITIES: [(&str, &str); 8] = [
    ("l2", "l2 error"),
    ("log10_rms", "error of log_{10} f  [dex]"),
    ("js_divergence", "Jensen-Shannon divergence  [bit]"),
    ("density", "density"),
    ("bulk_velocity", "bulk velocity  [v_{th}]"),
    ("pressure", "pressure"),
    ("temperature_anisotropy", "temperature anisotropy"),
    ("heat_flux", "heat flux  [n v_{th}^{3}]"),
];

/// The median over a population of one spec.
#[derive(Debug, Clone)]
pub struct Median {
    /// Name of the population.
    pub population: String,
    /// Name of the family.
    pub family: &'static str,
    /// The spec.
    pub spec: String,
    /// Numbers that a decoder needs.
    pub coefficients: f64,
    /// Length of the whole stream.
    pub bytes: f64,
    /// Names and values of all figures.
    pub figures: Vec<(&'static str, f64)>,
}

impl Median {
    /// The figure of this name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Medians of each spec on each population, in the order of the rows.
pub fn of_specs(rows: &[Row]) -> Vec<Median> {
    let same = |a: &Row, b: &Row| a.population == b.population && a.spec == b.spec;
    rows.chunk_by(same).map(of_group).collect()
}

fn of_group(rows: &[Row]) -> Median {
    let of = |value: &dyn Fn(&Row) -> f64| median(rows.iter().map(value).collect());
    let figure = |k: usize| (rows[0].figures[k].0, of(&|row| row.figures[k].1));
    Median {
        population: rows[0].population.clone(),
        family: rows[0].family,
        spec: rows[0].spec.clone(),
        coefficients: of(&|row| row.coefficients as f64),
        bytes: of(&|row| row.bytes as f64),
        figures: (0..rows[0].figures.len()).map(figure).collect(),
    }
}

/// The middle value, or the mean of the two in the middle; NaN, which stands for what is not defined, does not count.
fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 if middle > 0 => 0.5 * (values[middle - 1] + values[middle]),
        _ => values.get(middle).copied().unwrap_or(f64::NAN),
    }
}

/// One object a spec and population: medians over its distributions. Figures that are not finite are `null`.
pub fn medians(rows: &[Row]) -> Vec<Value> {
    let object = |median: Median| {
        let mut object = Map::new();
        object.insert("population".to_owned(), json!(median.population));
        object.insert("family".to_owned(), json!(median.family));
        object.insert("spec".to_owned(), json!(median.spec));
        object.insert("coefficients".to_owned(), json!(median.coefficients));
        object.insert("bytes".to_owned(), json!(median.bytes));
        object.extend(median.figures.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
        Value::Object(object)
    };
    of_specs(rows).into_iter().map(object).collect()
}

/// One line a row. Specs hold commas, so they are quoted.
pub fn csv(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let names: Vec<&str> = first.figures.iter().map(|(name, _)| *name).collect();
    let mut text = format!("population,cell,family,spec,coefficients,bytes,{}\n", names.join(","));
    for row in rows {
        let figures: Vec<String> = row.figures.iter().map(|(_, value)| format!("{value:e}")).collect();
        let Row { population, cell, family, spec, coefficients, bytes, .. } = row;
        let figures = figures.join(",");
        text += &format!("\"{population}\",{cell},\"{family}\",\"{spec}\",{coefficients},{bytes},{figures}\n");
    }
    text
}

/// Medians of the quantities of the pictures.
pub fn table(rows: &[Row]) -> String {
    let medians = of_specs(rows);
    let Some(first) = medians.first() else { return String::new() };
    let names: Vec<&str> =
        QUANTITIES.iter().map(|(name, _)| *name).filter(|name| first.figure(name).is_some()).collect();
    let width = medians.iter().map(|median| median.spec.chars().count()).max().unwrap_or_default();
    let mut lines = vec![format!("{:width$} {:>8} {:>8}", "median", "numbers", "bytes")];
    names.iter().for_each(|name| lines[0] += &format!(" {:>12}", short(name)));
    for median in &medians {
        let mut line = format!("{:width$} {:>8.0} {:>8.0}", median.spec, median.coefficients, median.bytes);
        for name in &names {
            line += &format!(" {:>12}", median.figure(name).map_or_else(|| "-".to_owned(), rounded));
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// A name in at most 12 characters.
fn short(name: &str) -> &str {
    match name {
        "bulk_velocity" => "velocity",
        "temperature_anisotropy" => "anisotropy",
        "js_divergence" => "js",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cell: usize, spec: &str, l2: f64) -> Row {
        let figures = vec![("l2", l2), ("density", f64::INFINITY)];
        let (population, spec) = ("shock".to_owned(), spec.to_owned());
        Row { population, cell, family: "hermite", spec, coefficients: 10 * cell, bytes: 7, figures }
    }

    #[test]
    fn medians_are_over_the_distributions_of_a_spec() {
        let rows = [row(0, "a", 0.1), row(1, "a", 0.3), row(2, "a", 0.2), row(0, "b,c", 0.4), row(1, "b,c", 0.6)];
        let medians = of_specs(&rows);
        assert_eq!((medians.len(), medians[0].coefficients, medians[0].figure("l2")), (2, 10.0, Some(0.2)));
        assert_eq!((medians[1].figure("l2"), medians[1].figure("pressure")), (Some(0.5), None));
        let json = super::medians(&rows);
        assert!(json[0]["density"].is_null() && json[1]["l2"] == 0.5);
        let csv = csv(&rows);
        assert_eq!(csv.lines().nth(4), Some("\"shock\",0,\"hermite\",\"b,c\",0,7,4e-1,inf"));
        assert_eq!(table(&rows).lines().count(), 3);
        assert!(median(vec![f64::NAN, 3.0, 1.0]) == 2.0 && median(vec![f64::NAN]).is_nan());
    }
}
