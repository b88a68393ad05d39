//! Figures as text, and specs broken into lines.

/// Three digits where they are readable without an exponent, two with one.
pub fn rounded(figure: f64) -> String {
    let magnitude = figure.abs();
    if figure == 0.0 {
        "0".to_owned()
    } else if !figure.is_finite() {
        figure.to_string()
    } else if !(9.995e-3..99_999.5).contains(&magnitude) {
        format!("{figure:.1e}")
    } else {
        // Rounding may add a digit: 9.999 is 10.0, not 10.00.
        let digits = (magnitude * (1.0 + 5e-4)).log10().floor() as i32;
        format!("{figure:.*}", (2 - digits).max(0) as usize)
    }
}

/// A figure of the table, its exponent raised.
pub fn printed(figure: f64) -> String {
    let text = rounded(figure);
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{mantissa}·10^{{{}}}", exponent.replace('-', "−")),
        None => text,
    }
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
    fn numbers_are_short_and_readable() {
        let expected = [
            (0.0, "0"),
            (0.13449, "0.134"),
            (0.012345, "0.0123"),
            (0.009999, "0.0100"),
            (0.00123, "1.2e-3"),
            (9.999, "10.0"),
            (36.97, "37.0"),
            (12500.4, "12500"),
            (123456.0, "1.2e5"),
            (f64::INFINITY, "inf"),
            (-0.5, "-0.500"),
        ];
        for (figure, text) in expected {
            assert_eq!(rounded(figure), text);
        }
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
