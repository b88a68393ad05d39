//! Lists of cells on the command line.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Cells that are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CellList {
    /// All that are there.
    #[default]
    All,
    /// Those named, one by one or by ranges.
    Some(Vec<RangeInclusive<u64>>),
}

impl CellList {
    /// The cells named that are there: in the order of the list, for `all` in the order given.
    ///
    /// # Errors
    /// `missing` of a cell that is named alone and is not there; a message for a range in which no cell is there.
    pub fn select(&self, there: &[u64], missing: impl Fn(u64) -> String) -> Result<Vec<u64>, String> {
        let Self::Some(ranges) = self else { return Ok(there.to_vec()) };
        let known: HashSet<u64> = there.iter().copied().collect();
        let (mut cells, mut taken) = (Vec::new(), HashSet::new());
        for range in ranges {
            let (first, last) = (*range.start(), *range.end());
            let mut found: Vec<u64> = match first == last {
                true => known.get(&first).copied().into_iter().collect(),
                false => known.iter().copied().filter(|cell| range.contains(cell)).collect(),
            };
            if found.is_empty() && first == last {
                return Err(missing(first));
            }
            if found.is_empty() {
                return Err(format!("no cell from {first} to {last} has a distribution: {}", missing(first)));
            }
            found.sort_unstable();
            cells.extend(found.into_iter().filter(|&cell| taken.insert(cell)));
        }
        Ok(cells)
    }

    /// The cell, if one alone is named.
    pub fn single(&self) -> Option<u64> {
        match self {
            Self::Some(ranges) if ranges.len() == 1 && ranges[0].start() == ranges[0].end() => Some(*ranges[0].start()),
            _ => None,
        }
    }
}

impl FromStr for CellList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "all" {
            return Ok(Self::All);
        }
        let range = |part: &str| {
            let number = |text: &str| text.trim().parse::<u64>().ok();
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = number(first).zip(number(last))?;
            (first <= last).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        ranges.map(Self::Some).ok_or_else(|| "`all`, or ids and ranges such as 1,5,9-20 are needed".to_owned())
    }
}

impl fmt::Display for CellList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Some(ranges) => {
                let word = |range: &RangeInclusive<u64>| format!("{}-{}", range.start(), range.end());
                f.write_str(&ranges.iter().map(word).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// Ids in few characters: runs as ranges.
pub fn in_words(cells: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &cell in cells {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(cell) => *last = cell,
            _ => runs.push((cell, cell)),
        }
    }
    let word = |&(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(word).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_select_what_is_there() {
        let there = [7, 1, 2, 3, 12];
        let select = |text: &str| text.parse::<CellList>().unwrap().select(&there, |cell| format!("no {cell}"));
        assert_eq!(select("all").unwrap(), there);
        assert_eq!(select("12,1-3, 2").unwrap(), [12, 1, 2, 3]);
        assert_eq!(select("0-18446744073709551615").unwrap(), [1, 2, 3, 7, 12]);
        assert_eq!(select("1,4").unwrap_err(), "no 4");
        assert!(select("20-30").unwrap_err().contains("from 20 to 30"));
        for text in ["", "-1", "3-1", "1,,2", "a", "1-2-3", "every"] {
            assert!(text.parse::<CellList>().is_err(), "{text}");
        }
        assert_eq!("5".parse::<CellList>().unwrap().single(), Some(5));
        assert_eq!(in_words(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
    }
}
