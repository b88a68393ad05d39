//! The place and type of an array in the file.

use crate::distribution::io::Precision;

/// Kind of numbers of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Int,
    Uint,
}

/// An array as the footer describes it: `rows` rows of `columns` numbers of `size` bytes, from byte `offset` on. Nothing
/// has been checked against the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) offset: u64,
    pub(super) rows: u64,
    pub(super) columns: u64,
    pub(super) kind: Kind,
    pub(super) size: u8,
}

impl Array {
    /// An array from the attributes of its element and the element's text; an error names the attribute.
    pub(super) fn parse(attribute: impl Fn(&str) -> Option<String>, text: &str) -> Result<Self, String> {
        let number = |name: &str| {
            let value = attribute(name).ok_or_else(|| format!("it has no {name}"))?;
            value.trim().parse::<u64>().map_err(|_| format!("its {name} is {}", excerpt(&value)))
        };
        let kind = match attribute("datatype").as_deref() {
            Some("float") => Kind::Float,
            Some("int") => Kind::Int,
            Some("uint") => Kind::Uint,
            other => {
                return Err(format!("its datatype is {}; float, int and uint are read", excerpt(other.unwrap_or(""))));
            }
        };
        let size = match (kind, number("datasize")?) {
            (Kind::Float, size @ (4 | 8)) | (Kind::Int | Kind::Uint, size @ (1 | 2 | 4 | 8)) => size as u8,
            (_, size) => return Err(format!("its datasize is {size} bytes, which no number of its datatype has")),
        };
        let text = text.trim();
        let offset = text.parse().map_err(|_| format!("its offset is {}", excerpt(text)))?;
        Ok(Self { offset, rows: number("arraysize")?, columns: number("vectorsize")?, kind, size })
    }

    /// Bytes of a row, if they can be counted.
    pub(super) fn row_bytes(&self) -> Option<u64> {
        self.columns.checked_mul(u64::from(self.size))
    }

    /// The precision of floating-point numbers.
    pub(super) fn precision(&self) -> Option<Precision> {
        match (self.kind, self.size) {
            (Kind::Float, 4) => Some(Precision::Single),
            (Kind::Float, _) => Some(Precision::Double),
            _ => None,
        }
    }
}

/// A text in quotes, shortened.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
