//! Coefficients as a table for other tools: the numbers as a NumPy array, their meanings as JSON beside it.

use std::io::Write;

use crate::basis::{Coefficients, Expansion, Slot, Stream};
use crate::distribution::io::npy_numbers;
use crate::error::{Error, Result};

impl<B: Stream> Expansion<B> {
    /// Writes every coefficient, in the order of [`Coefficients::visit`], as a one-dimensional
    /// `.npy` array of `<f8`.
    ///
    /// ```
    /// use vdf_basis::{Expansion, Hermite, Sampling, Synthetic};
    /// let grid = Synthetic::default_grid("beams", 16)?;
    /// let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
    /// let expansion = Expansion::encode(&Hermite::new([4; 3])?, &vdf)?;
    /// let (mut array, mut json) = (Vec::new(), Vec::new());
    /// expansion.coefficients_to_npy(&mut array)?;
    /// expansion.coefficients_to_json(&mut json)?;
    /// assert!(array.starts_with(b"\x93NUMPY"));
    /// assert!(String::from_utf8_lossy(&json).contains(r#""label": "(3, 0, 0)""#));
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn coefficients_to_npy(&self, mut writer: impl Write) -> Result<()> {
        let mut numbers = Vec::new();
        self.coefficients().visit(&mut |_, value| numbers.push(value));
        writer.write_all(&npy_numbers(&numbers)).map_err(|error| Error::io("writer", error))
    }

    /// Writes the meanings of the coefficients as JSON: the spec, the grid, and for each number of
    /// [`Expansion::coefficients_to_npy`] its quantity, unit, degree and label.
    ///
    /// # Errors
    /// [`Error::Io`], and as [`Stream::spec`].
    pub fn coefficients_to_json(&self, mut writer: impl Write) -> Result<()> {
        let mut slots = Vec::new();
        self.coefficients().visit(&mut |slot, _| slots.push(slot));
        let (spec, grid) = (text(&self.basis().spec()?.to_string()), self.grid());
        let mut write = || -> std::io::Result<()> {
            let [shape, lower, spacing] = [
                list(&grid.shape()),
                list(&grid.lower().map(|x| format!("{x:e}"))),
                list(&grid.spacing().map(|x| format!("{x:e}"))),
            ];
            writeln!(writer, "{{\"spec\": {spec},")?;
            writeln!(writer, " \"grid\": {{\"shape\": {shape}, \"lower\": {lower}, \"spacing\": {spacing}}},")?;
            writeln!(writer, " \"coefficients\": [")?;
            for (index, Slot { quantity, degree, label }) in slots.iter().enumerate() {
                let unit = text(quantity.unit());
                let label = text(&label.to_string());
                let end = if index + 1 < slots.len() { "," } else { "" };
                writeln!(
                    writer,
                    "  {{\"quantity\": \"{quantity:?}\", \"unit\": {unit}, \"degree\": {degree}, \"label\": {label}}}{end}"
                )?;
            }
            writeln!(writer, " ]}}")?;
            writer.flush()
        };
        write().map_err(|error| Error::io("writer", error))
    }
}

fn list(items: &[impl std::fmt::Display]) -> String {
    format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// A string of JSON.
fn text(plain: &str) -> String {
    let escaped = plain.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basis::Stream;
    use crate::{Registry, Sampling, Synthetic};

    #[test]
    fn every_basis_gives_a_table_of_valid_json_with_a_row_for_each_number() {
        let grid = Synthetic::default_grid("beams", 12).unwrap();
        let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        for name in Registry::standard().names() {
            let expansion = Expansion::encode(&Registry::standard().parse(name).unwrap(), &vdf).unwrap();
            let (mut array, mut json) = (Vec::new(), Vec::new());
            expansion.coefficients_to_npy(&mut array).unwrap();
            expansion.coefficients_to_json(&mut json).unwrap();
            let count = expansion.coefficients().count();
            assert_eq!((array.len() - 8 * count) % 64, 0, "{name}");
            let table: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(table["coefficients"].as_array().unwrap().len(), count, "{name}");
            // `lossless` is another name of a basis.
            assert_eq!(table["spec"], expansion.basis().spec().unwrap().to_string());
        }
        assert_eq!(text("a\"\\\n"), "\"a\\\"\\\\\\u000a\"");
    }
}
