//! Specs as names of files, and broken into lines.

use std::collections::HashSet;

/// A spec as the stem of a file name: letters, digits, `.` and `_` stay, every run of other characters becomes one `-`.
pub fn file_stem(spec: &str) -> String {
    const LONGEST: usize = 100;
    let words: Vec<&str> = spec
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut stem = words.join("-");
    stem.truncate(LONGEST);
    if stem.is_empty() { "basis".to_owned() } else { stem }
}

/// File stems for several specs, told apart by a number where two would share one.
pub fn file_stems<'a>(specs: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    // The summary picture has this name already.
    let mut taken = HashSet::from(["summary".to_owned()]);
    let unique = |spec| {
        let stem = file_stem(spec);
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let free = std::iter::once(stem.clone()).chain(numbered).find(|name| taken.insert(name.to_lowercase()));
        free.unwrap_or(stem)
    };
    specs.into_iter().map(unique).collect()
}

/// A spec in lines of at most `width` characters, broken after `:`, `,`, `+` or `(` where it can be, else after `=` or `-`.
pub fn broken(spec: &str, width: usize) -> Vec<String> {
    let fits = |text: &str| text.chars().count() <= width;
    let mut lines: Vec<String> = Vec::new();
    let mut append = |piece: &str| match lines.last_mut() {
        Some(line) if line.chars().count() + piece.chars().count() <= width => line.push_str(piece),
        _ => lines.push(piece.to_owned()),
    };
    for piece in spec.split_inclusive([':', ',', '+', '(']) {
        if fits(piece) {
            append(piece);
            continue;
        }
        for part in piece.split_inclusive(['=', '-']) {
            let characters: Vec<char> = part.chars().collect();
            characters.chunks(width.max(1)).for_each(|chunk| append(&chunk.iter().collect::<String>()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_become_file_names() {
        assert_eq!(file_stem("hermite:order=15"), "hermite-order-15");
        assert_eq!(
            file_stem("conserve(mixture:components=25 + wavelet:l2=0.01)"),
            "conserve-mixture-components-25-wavelet-l2-0.01"
        );
        assert_eq!(file_stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(file_stem("λ"), "basis");
        assert_eq!(file_stem(&"x".repeat(1000)).len(), 100);
    }

    #[test]
    fn no_two_pictures_share_a_file() {
        assert_eq!(file_stems(["a:b", "a=b", "A:B", "summary"]), ["a-b", "a-b-2", "A-B-3", "summary-2"]);
    }

    #[test]
    fn specs_break_after_separators() {
        assert_eq!(
            broken("hermite:order=15,truncation=total-degree", 24),
            ["hermite:order=15,", "truncation=total-degree"]
        );
        assert_eq!(broken("maxwellian", 24), ["maxwellian"]);
        assert_eq!(broken("hermite:truncation=total-degree", 18), ["hermite:", "truncation=total-", "degree"]);
        assert_eq!(broken("abcdef", 4), ["abcd", "ef"]);
        assert!(broken("", 4).is_empty());
    }
}
