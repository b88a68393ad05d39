//! The words by which bases are named: `hermite:order=15,truncation=total-degree`, `log(pca:components=30)`,
//! `mixture:components=25 + wavelet:l2=0.01`.
//!
//! ```text
//! spec    = term { "+" term }                     + : the next basis encodes what the ones before left over
//! term    = name [ "(" spec ")" ] [ ":" options ]
//! options = key "=" value { "," key "=" value }
//! name, key, value: any characters but white space and ( ) : , = +   (a value may hold + after e: 1e+5)
//! ```
//!
//! This module knows the grammar and no basis; the [`Registry`](crate::Registry) gives the names their meaning.

use std::fmt::{self, Display};
use std::str::FromStr;

use crate::error::{Error, Result};

/// Deepest nesting of parentheses in a spec.
pub const MAX_DEPTH: usize = 16;
/// Longest spec, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// Most terms joined by `+`, and most options of one term.
pub const MAX_PARTS: usize = 64;

/// A parsed spec: the names and options that make one basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The terms joined by `+`, at least one.
    pub terms: Vec<Term>,
}

/// One term of a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Name of the basis or the combinator.
    pub name: String,
    /// The spec in parentheses, for combinators.
    pub inner: Option<Spec>,
    /// The options in the order written.
    pub options: Vec<(String, String)>,
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
            Some(c) => Err(parser.unexpected(c, "`+` or the end")),
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
        f.write_str(&self.name)?;
        if let Some(inner) = &self.inner {
            write!(f, "({inner})")?;
        }
        for (k, (key, value)) in self.options.iter().enumerate() {
            write!(f, "{}{key}={value}", if k == 0 { ":" } else { "," })?;
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
        let mut options: Vec<(String, String)> = Vec::new();
        if self.take(':') {
            loop {
                let key = self.word("a key")?.to_owned();
                self.expect('=')?;
                let value = self.word("a value")?.to_owned();
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
        Ok(Term { name, inner, options })
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
                c.is_whitespace() || "():,=".contains(c) || c == '+' && !exponent
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

/// The options of one term, read one after another by the basis they belong to; what nobody reads is refused.
#[derive(Debug)]
pub struct Options<'a> {
    term: &'a Term,
    read: Vec<&'static str>,
}

impl<'a> Options<'a> {
    /// The options of a term.
    #[must_use]
    pub fn of(term: &'a Term) -> Self {
        Self { term, read: Vec::new() }
    }

    /// The value of `key` as written, if given.
    pub fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.read.push(key);
        self.term.options.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }

    /// Whether somebody has asked for `key`.
    #[must_use]
    pub fn was_read(&self, key: &str) -> bool {
        self.read.contains(&key)
    }

    /// The value of `key`, if given, as a number.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if it is not one.
    pub fn number<T: FromStr>(&mut self, key: &'static str) -> Result<Option<T>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                let kind = if std::any::type_name::<T>().starts_with('f') { "a number" } else { "a whole number" };
                Err(self.refused(key, text, &format!("{kind} in range")))
            }
        }
    }

    /// The value of `key`, if given, as a vector written `x/y/z`.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if it is not three numbers.
    pub fn vector(&mut self, key: &'static str) -> Result<Option<[f64; 3]>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let parts: Vec<f64> = text.split('/').map_while(|part| part.parse().ok()).collect();
        match <[f64; 3]>::try_from(parts) {
            Ok(vector) if text.split('/').count() == 3 => Ok(Some(vector)),
            _ => Err(self.refused(key, text, "three numbers written x/y/z")),
        }
    }

    /// The value of `key`, if given, as one of the named choices.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] with the list of the choices if it is none of them.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, choice)) => Ok(Some(*choice)),
            None => {
                let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
                Err(self.refused(key, text, &format!("one of {}", names.join(", "))))
            }
        }
    }

    /// An error about the value of one key.
    #[must_use]
    pub fn refused(&self, key: &str, value: &str, allowed: &str) -> Error {
        invalid(&self.term.to_string(), format!("{key} = {value} is not allowed: {allowed}"))
    }

    /// Ends the reading: a key that nobody asked for is refused, with the list of those that exist.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for the first unknown key.
    pub fn finish(self) -> Result<()> {
        match self.term.options.iter().find(|(key, _)| !self.read.contains(&key.as_str())) {
            None => Ok(()),
            Some((key, _)) => {
                let exist = if self.read.is_empty() {
                    "it has no keys".to_owned()
                } else {
                    format!("its keys are {}", self.read.join(", "))
                };
                Err(invalid(&self.term.to_string(), format!("`{}` has no key `{key}`; {exist}", self.term.name)))
            }
        }
    }
}

/// Writes a spec for `Display`: the name, then the options that differ from their defaults.
pub(crate) struct SpecWriter {
    text: String,
    any: bool,
}

impl SpecWriter {
    pub(crate) fn new(name: &str) -> Self {
        Self { text: name.to_owned(), any: false }
    }

    /// Adds `key=value` if `differs` from the default.
    pub(crate) fn option(mut self, differs: bool, key: &str, value: impl Display) -> Self {
        if differs {
            let separator = if self.any { ',' } else { ':' };
            self.text.push_str(&format!("{separator}{key}={value}"));
            self.any = true;
        }
        self
    }

    pub(crate) fn vector(self, key: &str, [x, y, z]: [f64; 3]) -> Self {
        self.option(true, key, format!("{x:e}/{y:e}/{z:e}"))
    }

    pub(crate) fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
        assert_eq!(parsed("hermite").terms[0], Term { name: "hermite".into(), inner: None, options: vec![] });
        let hermite = parsed("hermite:order=15,truncation=total-degree");
        assert_eq!(hermite.terms[0].options[1], ("truncation".into(), "total-degree".into()));
        let sum = parsed(" mixture:components=25+wavelet : l2 = 1e+2 , x=1e-5 ");
        assert_eq!(sum.terms.len(), 2);
        assert_eq!(sum.terms[1].options[0], ("l2".into(), "1e+2".into()));
        let nested = parsed("conserve(quantized(mixture:components=25) + quantized(wavelet)):heat-flux=yes");
        assert_eq!(nested.terms[0].inner.as_ref().unwrap().terms.len(), 2);
        assert_eq!(nested.terms[0].options[0].0, "heat-flux");
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
        ] {
            let message = text.parse::<Spec>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?} gave {message}");
        }
        assert!("a(".repeat(1000).parse::<Spec>().unwrap_err().to_string().contains("parentheses"));
        let long = "é".repeat(MAX_LENGTH).parse::<Spec>().unwrap_err().to_string();
        assert!(long.contains("long") && long.len() < 300);
    }

    #[test]
    fn options_are_typed_and_unknown_ones_refused() {
        let spec = parsed("x:n=3,v=1/-2/3e5,c=blue,f=0.5");
        let mut options = Options::of(&spec.terms[0]);
        assert_eq!(options.number::<usize>("n").unwrap(), Some(3));
        assert_eq!(options.vector("v").unwrap(), Some([1.0, -2.0, 3e5]));
        assert_eq!(options.choice("c", &[("red", 1), ("blue", 2)]).unwrap(), Some(2));
        assert_eq!(options.number::<f64>("missing").unwrap(), None);
        let message = options.finish().unwrap_err().to_string();
        assert!(message.contains("no key `f`") && message.contains("n, v, c, missing"), "{message}");

        let mut options = Options::of(&spec.terms[0]);
        assert!(options.number::<usize>("c").unwrap_err().to_string().contains("whole number"));
        assert!(options.vector("f").unwrap_err().to_string().contains("x/y/z"));
        assert!(options.choice("c", &[("red", 1)]).unwrap_err().to_string().contains("one of red"));
    }

    #[test]
    fn any_text_is_read_or_refused() {
        // Letters of the grammar, half of the time any character.
        const LIKELY: &[u8] = b"ab01+-/.,:=() ";
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
                text += ["+", " +", "+ ", " + "][random.random_range(0..4)];
                text += &word(random, &letters, 1..4);
            }
            let spec: Spec = text.parse().unwrap();
            assert_eq!(spec.to_string().parse::<Spec>().unwrap(), spec);
        });
    }
}
