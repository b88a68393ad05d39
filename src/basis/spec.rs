//! The words by which bases are named: `hermite:order=15,truncation=total-degree`, `log(pca:components=30)`,
//! `mixture:components=25 + wavelet:l2=0.01`.
//!
//! ```text
//! spec    = term { "+" term }                     + : the next basis encodes what the ones before left over
//! term    = factor { "*" factor }                 * : the next basis encodes the factor by which the ones before are off
//! factor  = name [ "(" spec ")" ] [ ":" options ]
//! options = key "=" value { "," key "=" value }
//! name, key, value: any characters but white space and ( ) : , = + *   (a value may hold + after e: 1e+5)
//! ```
//!
//! This module knows the grammar and no basis; the [`Registry`](crate::Registry) gives the names their meaning, and each
//! basis declares its keys ([`choices`](super::choices)).

use std::fmt::{self, Display};
use std::str::FromStr;

use crate::error::{Error, Result};

/// Deepest nesting of parentheses in a spec.
pub const MAX_DEPTH: usize = 16;
/// Longest spec, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// Most terms joined by `+`, factors joined by `*`, and options of one factor.
pub const MAX_PARTS: usize = 64;

/// A parsed spec: the names and options that make one basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The terms joined by `+`, at least one.
    pub terms: Vec<Term>,
}

/// One term of a spec: a basis or a combinator, and the further factors joined to it by `*`.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Name of the basis or the combinator.
    pub name: String,
    /// The spec in parentheses, for combinators.
    pub inner: Option<Spec>,
    /// The options in the order written.
    pub options: Vec<(String, Value)>,
    /// The factors that follow after `*`, which have no further factors of their own.
    pub factors: Vec<Term>,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// Anything else, as it is written.
    Word(String),
}

impl Value {
    /// The number, or `None` for a word.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Word(_) => None,
        }
    }
}

impl From<&str> for Value {
    /// A number if `text` is one as [`Value`] prints it, or as Rust does. `007` and `1e+5` stay words, so that a spec
    /// prints as it was read.
    fn from(text: &str) -> Self {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        match number {
            Some(x) if [format!("{x}"), format!("{x:e}")].contains(&text.to_owned()) => Self::Number(x),
            _ => Self::Word(text.to_owned()),
        }
    }
}

impl Display for Value {
    /// Whole numbers below 1e20 and numbers from 1e-3 to 1e4 in plain digits, others with an exponent: `0.05`, `1e-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(x) if *x == 0.0 || x.fract() == 0.0 && x.abs() < 1e20 || (1e-3..1e4).contains(&x.abs()) => {
                write!(f, "{x}")
            }
            Self::Number(x) => write!(f, "{x:e}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

impl Spec {
    /// A spec of one term.
    #[must_use]
    pub fn of(term: Term) -> Self {
        Self { terms: vec![term] }
    }

    /// Refuses a spec that could not have been parsed from text: with words that the grammar does not allow, a key twice,
    /// or too many parts. Needed for specs that are read from bytes.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_at(0)
    }

    fn check_at(&self, depth: usize) -> Result<()> {
        let is_word = |word: &str| {
            let mut parser = Parser { text: word, rest: word };
            parser.word("a word").is_ok_and(|parsed| parsed == word)
        };
        let is_value = |value: &Value| match value {
            Value::Number(number) => number.is_finite(),
            Value::Word(word) => is_word(word) && matches!(Value::from(&word[..]), Value::Word(_)),
        };
        let is_factor = |term: &Term| {
            let twice =
                |(k, (key, _)): (usize, &(String, Value))| term.options[..k].iter().any(|(other, _)| other == key);
            is_word(&term.name)
                && term.options.len() <= MAX_PARTS
                && term.options.iter().all(|(key, value)| is_word(key) && is_value(value))
                && !term.options.iter().enumerate().any(twice)
        };
        let is_term =
            |term: &Term| term.factors.len() < MAX_PARTS && term.factors.iter().all(|factor| factor.factors.is_empty());
        let fits = depth <= MAX_DEPTH && (1..=MAX_PARTS).contains(&self.terms.len());
        if !fits || !self.terms.iter().all(is_term) || !self.factors().all(is_factor) {
            return Err(invalid(&self.to_string(), "it could not be written as text"));
        }
        self.factors().filter_map(|factor| factor.inner.as_ref()).try_for_each(|inner| inner.check_at(depth + 1))
    }

    /// All factors of all terms, in the order written.
    fn factors(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().flat_map(Term::all_factors)
    }
}

impl Term {
    /// A term of a name alone.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), inner: None, options: Vec::new(), factors: Vec::new() }
    }

    /// The first factor, which is this term, and the further ones.
    fn all_factors(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.factors)
    }

    /// True if the first factors of both are the same.
    pub(crate) fn same_factor(&self, other: &Self) -> bool {
        self.name == other.name && self.inner == other.inner && self.options == other.options
    }

    /// The value of a key.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&Value> {
        self.options.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }
}

impl FromStr for Spec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            return Err(invalid(text, format!("{} bytes long, at most {MAX_LENGTH} are allowed", text.len())));
        }
        let mut parser = Parser { text, rest: text };
        let spec = parser.spec(0)?;
        match parser.rest.chars().next() {
            None => Ok(spec),
            Some(c) => Err(parser.unexpected(c, "`+`, `*` or the end")),
        }
    }
}

impl Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, term) in self.terms.iter().enumerate() {
            write!(f, "{}{term}", if k == 0 { "" } else { " + " })?;
        }
        Ok(())
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, factor) in self.all_factors().enumerate() {
            write!(f, "{}{}", if k == 0 { "" } else { " * " }, factor.name)?;
            if let Some(inner) = &factor.inner {
                write!(f, "({inner})")?;
            }
            for (k, (key, value)) in factor.options.iter().enumerate() {
                write!(f, "{}{key}={value}", if k == 0 { ":" } else { "," })?;
            }
        }
        Ok(())
    }
}

/// An error about `spec`, shortened so that a megabyte of rubbish does not come back in the message.
pub(crate) fn invalid(spec: &str, problem: impl Into<String>) -> Error {
    const SHOWN: usize = 80;
    let mut shown: String = spec.chars().take(SHOWN).collect();
    if shown.len() < spec.len() {
        shown.push('…');
    }
    Error::InvalidSpec { spec: shown, problem: problem.into() }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn spec(&mut self, depth: usize) -> Result<Spec> {
        let mut terms = vec![self.term(depth)?];
        while self.take('+') {
            if terms.len() == MAX_PARTS {
                return Err(invalid(self.text, format!("more than {MAX_PARTS} terms")));
            }
            terms.push(self.term(depth)?);
        }
        Ok(Spec { terms })
    }

    fn term(&mut self, depth: usize) -> Result<Term> {
        let mut term = self.factor(depth)?;
        while self.take('*') {
            if term.factors.len() + 1 == MAX_PARTS {
                return Err(invalid(self.text, format!("more than {MAX_PARTS} factors")));
            }
            term.factors.push(self.factor(depth)?);
        }
        Ok(term)
    }

    fn factor(&mut self, depth: usize) -> Result<Term> {
        let name = self.word("a name")?.to_owned();
        let inner = if self.take('(') {
            if depth == MAX_DEPTH {
                return Err(invalid(self.text, format!("more than {MAX_DEPTH} parentheses inside each other")));
            }
            let inner = self.spec(depth + 1)?;
            self.expect(')')?;
            Some(inner)
        } else {
            None
        };
        let mut options: Vec<(String, Value)> = Vec::new();
        if self.take(':') {
            loop {
                let key = self.word("a key")?.to_owned();
                self.expect('=')?;
                let value = Value::from(self.word("a value")?);
                if options.len() == MAX_PARTS {
                    return Err(invalid(self.text, format!("more than {MAX_PARTS} options of one term")));
                }
                if options.iter().any(|(other, _)| *other == key) {
                    return Err(invalid(self.text, format!("the key `{key}` is given twice")));
                }
                options.push((key, value));
                if !self.take(',') {
                    break;
                }
            }
        }
        Ok(Term { name, inner, options, factors: Vec::new() })
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        self.skip_space();
        found.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(match self.rest.chars().next() {
            Some(c) => self.unexpected(c, &format!("`{wanted}`")),
            None => invalid(self.text, format!("it ends where `{wanted}` should stand")),
        })
    }

    fn word(&mut self, what: &str) -> Result<&'a str> {
        self.skip_space();
        let mut previous = ['\0'; 2];
        let end = self
            .rest
            .find(|c: char| {
                // The sign of an exponent, as in 1e+5, is no `+` between terms.
                let exponent = c == '+' && previous[1].eq_ignore_ascii_case(&'e') && previous[0].is_ascii_digit();
                previous = [previous[1], c];
                c.is_whitespace() || "():,=*".contains(c) || c == '+' && !exponent
            })
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(match rest.chars().next() {
                Some(c) => self.unexpected(c, what),
                None => invalid(self.text, format!("it ends where {what} should stand")),
            });
        }
        self.rest = rest;
        self.skip_space();
        Ok(word)
    }

    fn unexpected(&self, found: char, wanted: &str) -> Error {
        let position = self.text.len() - self.rest.len();
        invalid(self.text, format!("`{found}` at byte {position} where {wanted} should stand"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{for_cases, vector};
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    fn parsed(text: &str) -> Spec {
        text.parse().unwrap()
    }

    #[test]
    fn the_grammar_of_the_design_is_read() {
        assert_eq!(parsed("hermite").terms[0], Term::named("hermite"));
        let hermite = parsed("hermite:order=15,truncation=total-degree");
        assert_eq!(hermite.terms[0].options[1], ("truncation".into(), Value::Word("total-degree".into())));
        let sum = parsed(" mixture:components=25+wavelet : l2 = 1e+2 , x=1e-5 ");
        assert_eq!(sum.terms.len(), 2);
        assert_eq!(sum.terms[1].options[0], ("l2".into(), Value::Word("1e+2".into())));
        let nested = parsed("conserve(quantized(mixture:components=25) + quantized(wavelet)):heat-flux=yes");
        assert_eq!(nested.terms[0].inner.as_ref().unwrap().terms.len(), 2);
        assert_eq!(nested.terms[0].options[0].0, "heat-flux");
        // `*` binds tighter than `+`.
        let product = parsed("a*b:k=1*c(d * e)+f * g");
        assert_eq!(product.to_string(), "a * b:k=1 * c(d * e) + f * g");
        let [first, second] = &product.terms[..] else { panic!("two terms") };
        assert_eq!((first.factors.len(), second.factors.len()), (2, 1));
        assert_eq!(first.factors[0].options[0].0, "k");
    }

    #[test]
    fn what_is_not_grammar_is_refused_with_the_place() {
        for (text, expected) in [
            ("", "ends where a name"),
            ("hermite:", "ends where a key"),
            ("hermite:order", "ends where `=`"),
            ("hermite:order=", "ends where a value"),
            ("hermite:order=1,order=2", "given twice"),
            ("hermite +", "ends where a name"),
            ("a(b", "ends where `)`"),
            ("a)b", "`)` at byte 1"),
            ("a b", "`b` at byte 2"),
            ("+a", "`+` at byte 0"),
            ("a * ", "ends where a name"),
            ("a ** b", "`*` at byte 3"),
        ] {
            let message = text.parse::<Spec>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?} gave {message}");
        }
        assert!("a(".repeat(1000).parse::<Spec>().unwrap_err().to_string().contains("parentheses"));
        let long = "é".repeat(MAX_LENGTH).parse::<Spec>().unwrap_err().to_string();
        assert!(long.contains("long") && long.len() < 300);
    }

    #[test]
    fn any_text_is_read_or_refused() {
        // Letters of the grammar, half of the time any character.
        const LIKELY: &[u8] = b"ab01+*-/.,:=() ";
        for_cases(1000, |random| {
            let characters: Vec<char> = vector(random, 0..60, |random| {
                if random.random() { LIKELY[random.random_range(0..LIKELY.len())].into() } else { random.random() }
            });
            let _ = characters.into_iter().collect::<String>().parse::<Spec>();
        });
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for_cases(256, |random| {
            let word = |random: &mut ChaCha8Rng, letters: &[u8], lengths| -> String {
                vector(random, lengths, |random| char::from(letters[random.random_range(0..letters.len())]))
                    .into_iter()
                    .collect()
            };
            let letters: Vec<u8> = (b'a'..=b'z').collect();
            let mut text = word(random, &letters, 1..5);
            if random.random() {
                text += &format!("({}:k=1e+{})", word(random, &letters, 1..2), random.random_range(0..10));
            }
            if random.random() {
                let value = word(random, b"0123456789./-", 1..6);
                text += &format!(":{}={value}", word(random, &letters, 1..2));
            }
            if random.random() {
                text += ["+", " +", "+ ", " + ", "*", " * "][random.random_range(0..6)];
                text += &word(random, &letters, 1..4);
            }
            let spec: Spec = text.parse().unwrap();
            assert_eq!(spec.to_string().parse::<Spec>().unwrap(), spec);
        });
    }
}
