//! The table of the measurements, as text and as JSON.

use std::fmt::Write;

/// Means over the cells of a population.
pub struct Row {
    pub name: String,
    pub l2: f64,
    pub worst: f64,
    /// Bytes a cell, without what is shared.
    pub bytes: f64,
    /// Seconds a cell.
    pub encode: f64,
    pub decode: f64,
    /// Cells whose bound the basis does not keep; they are in no mean.
    pub missed: usize,
}

/// The bytes that all streams of the autoencoder share.
pub struct Shared {
    pub bytes: usize,
    /// Without the encoder.
    pub decoder: usize,
    pub learnt_from: u64,
}

impl Row {
    fn is_learnt(&self) -> bool {
        self.name.starts_with("vqvae")
    }

    /// The number of cells from which the learnt basis takes fewer bytes than this one, its decoder included; `None` if it
    /// never does.
    fn break_even(&self, learnt: &Self, shared: &Shared) -> Option<f64> {
        let saved = self.bytes - learnt.bytes;
        (saved > 0.0).then(|| (shared.decoder as f64 / saved).ceil())
    }
}

/// Rows with the row of the autoencoder that they are compared with: the last one before them.
fn with_learnt(rows: &[Row]) -> impl Iterator<Item = (&Row, &Row)> {
    rows.iter().scan(rows.first(), |learnt, row| {
        if row.is_learnt() {
            *learnt = Some(row);
        }
        learnt.map(|learnt| (row, learnt))
    })
}

pub fn text(rows: &[Row], shared: &Shared, file: &str) -> String {
    let mut text = format!(
        "{file}\nshared: {} bytes, of which a decoder needs {}; learnt from {} distributions\n\n",
        shared.bytes, shared.decoder, shared.learnt_from
    );
    let _ = writeln!(
        text,
        "{:<24} {:>8} {:>8} {:>12} {:>10} {:>10} {:>7} {:>16}",
        "basis", "mean l2", "worst", "bytes a cell", "encode s", "decode ms", "missed", "vqvae pays from"
    );
    for (row, learnt) in with_learnt(rows) {
        let pays = match row.break_even(learnt, shared) {
            _ if row.is_learnt() => String::new(),
            Some(cells) => format!("{cells} cells"),
            None => "never".to_owned(),
        };
        let Row { name, l2, worst, bytes, encode, decode, missed } = row;
        let decode = 1e3 * decode;
        let _ = writeln!(
            text,
            "{name:<24} {l2:>8.3} {worst:>8.3} {bytes:>12.0} {encode:>10.2} {decode:>10.1} {missed:>7} {pays:>16}"
        );
    }
    text
}

pub fn json(rows: &[Row], shared: &Shared) -> String {
    let row = |(row, learnt): (&Row, &Row)| {
        let Row { name, l2, worst, bytes, encode, decode, missed } = row;
        let pays = match row.is_learnt() {
            true => None,
            false => row.break_even(learnt, shared),
        };
        let pays = pays.map_or_else(|| "null".to_owned(), |cells| cells.to_string());
        // Names are specs, in which nothing needs an escape.
        format!(
            "    {{\"basis\": \"{name}\", \"l2\": {l2}, \"worst_l2\": {worst}, \"bytes\": {bytes}, \"encode_s\": {encode}, \
             \"decode_s\": {decode}, \"missed\": {missed}, \"break_even_cells\": {pays}}}"
        )
    };
    let rows: Vec<String> = with_learnt(rows).map(row).collect();
    let Shared { bytes, decoder, learnt_from } = shared;
    format!(
        "{{\n  \"shared_bytes\": {bytes},\n  \"decoder_bytes\": {decoder},\n  \"learnt_from\": {learnt_from},\n  \"rows\": [\n{}\n  ]\n}}\n",
        rows.join(",\n")
    )
}
