//! Specs as names of files.

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
}
