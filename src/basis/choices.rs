//! The choices of a basis, listed once in one function. The spec that is printed, the reading of specs, and the keys in
//! errors all follow from it.
//!
//! [`NamedBasis::choose`] shows every choice to a [`Choices`], which prints it or sets it:
//!
//! ```
//! use vdf_basis::{Choices, Result};
//!
//! #[derive(Clone, Copy, PartialEq)]
//! enum Fit { LeastSquares, Moments }
//!
//! struct Mine { order: usize, fit: Fit, floor: Option<f64> }
//!
//! impl Mine {
//!     fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
//!         choices.number("order", &mut self.order)?;
//!         choices.one_of("fit", &mut self.fit, &[("least-squares", Fit::LeastSquares), ("moments", Fit::Moments)])?;
//!         choices.optional("floor", &mut self.floor)
//!     }
//! }
//! # let mut choices = Choices::printing();
//! # Mine { order: 3, fit: Fit::Moments, floor: None }.choose(&mut choices).unwrap();
//! ```

use std::fmt;

use super::NamedBasis;
use super::spec::{Spec, Term, Value, invalid};
use crate::error::{Error, Result};
use crate::numerics::selection::Selection;

/// Prints the choices that it is shown, or sets them to what a term of a spec says.
#[derive(Debug)]
pub struct Choices<'a> {
    /// The term to take values from; `None` when choices are printed.
    term: Option<&'a Term>,
    /// The keys shown so far.
    keys: Vec<&'static str>,
    /// The options printed so far.
    printed: Vec<(String, Value)>,
    /// The words that named choices may have, for the dictionary of the format.
    words: Vec<&'static str>,
}

/// A number that an option holds.
pub trait Number: Copy + Sized {
    /// The name of such a number in an error.
    const KIND: &'static str;
    /// The number that a value holds; `None` if it is out of range, or no such number.
    fn from_value(value: &Value) -> Option<Self>;
    /// The value that holds this number.
    fn to_value(self) -> Value;
}

impl Number for f64 {
    const KIND: &'static str = "a number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(*number),
            Value::Word(word) => word.parse().ok(),
        }
    }

    fn to_value(self) -> Value {
        if self.is_finite() { Value::Number(self) } else { Value::Word(self.to_string()) }
    }
}

impl Number for u64 {
    const KIND: &'static str = "a whole number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            // By its digits: beyond 2⁵³ the number that they stand for need not be the float's.
            Value::Number(x) => format!("{x}").parse().ok().or_else(|| (*x == 0.0).then_some(0)),
            // Any way to write a whole number: `1E9`, `1e+9`, `3.0`.
            Value::Word(word) => word.parse().ok().or_else(|| {
                const WHOLE: f64 = (1_u64 << 53) as f64;
                let number = word.parse::<f64>().ok()?;
                (number.fract() == 0.0 && (0.0..=WHOLE).contains(&number)).then_some(number as u64)
            }),
        }
    }

    fn to_value(self) -> Value {
        Value::from(&*self.to_string())
    }
}

impl Number for usize {
    const KIND: &'static str = u64::KIND;

    fn from_value(value: &Value) -> Option<Self> {
        u64::from_value(value).and_then(|number| Self::try_from(number).ok())
    }

    fn to_value(self) -> Value {
        (self as u64).to_value()
    }
}

impl Number for u32 {
    const KIND: &'static str = u64::KIND;

    fn from_value(value: &Value) -> Option<Self> {
        u64::from_value(value).and_then(|number| Self::try_from(number).ok())
    }

    fn to_value(self) -> Value {
        u64::from(self).to_value()
    }
}

impl<'a> Choices<'a> {
    /// A `Choices` that sets what it is shown to the values of `term`.
    #[must_use]
    pub fn of(term: &'a Term) -> Self {
        Self { term: Some(term), ..Self::printing() }
    }

    /// A `Choices` that prints what it is shown.
    #[must_use]
    pub fn printing() -> Self {
        Self { term: None, keys: Vec::new(), printed: Vec::new(), words: Vec::new() }
    }

    /// The value that the term gives to a key that is shown.
    fn given(&mut self, key: &'static str) -> Option<&'a Value> {
        // A key may be shown twice, as by a bound and by what is inside it.
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self.term?.option(key)
    }

    fn print(&mut self, key: &'static str, value: Value) {
        if self.term.is_none() {
            // A word that looks like a number is read as one.
            let value = if let Value::Word(word) = &value { Value::from(&**word) } else { value };
            self.printed.push((key.to_owned(), value));
        }
    }

    /// Shows a number.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if the term gives no such number.
    pub fn number<T: Number>(&mut self, key: &'static str, number: &mut T) -> Result<()> {
        let mut some = Some(*number);
        self.optional(key, &mut some)?;
        *number = some.unwrap_or(*number);
        Ok(())
    }

    /// Shows a number that may be absent.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if the term gives no such number.
    pub fn optional<T: Number>(&mut self, key: &'static str, number: &mut Option<T>) -> Result<()> {
        match self.given(key) {
            Some(value) => match T::from_value(value) {
                Some(found) => *number = Some(found),
                None => return Err(self.refused(key, value, &format!("{} in range", T::KIND))),
            },
            None => {
                if let Some(number) = *number {
                    self.print(key, number.to_value());
                }
            }
        }
        Ok(())
    }

    /// Shows a number for each axis: three written `x/y/z`, or one for all.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for anything else.
    pub fn per_axis<T: Number + PartialEq>(&mut self, key: &'static str, numbers: &mut [T; 3]) -> Result<()> {
        if let Some(value) = self.given(key) {
            let parts = value.to_string();
            let parts = parts.split('/').map(|part| T::from_value(&Value::from(part))).collect::<Option<Vec<_>>>();
            *numbers = match parts.as_deref() {
                Some([number]) => [*number; 3],
                Some([x, y, z]) => [*x, *y, *z],
                _ => return Err(self.refused(key, value, &format!("{}, or three written x/y/z", T::KIND))),
            };
        } else {
            let [x, y, z] = *numbers;
            let all = [x, y, z].map(|number| number.to_value().to_string()).join("/");
            self.print(key, if x == y && y == z { x.to_value() } else { Value::Word(all) });
        }
        Ok(())
    }

    /// Shows a vector, written `x/y/z`, that may be absent.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if the term gives anything but three numbers.
    pub fn vector(&mut self, key: &'static str, vector: &mut Option<[f64; 3]>) -> Result<()> {
        if let Some(value) = self.given(key) {
            let text = value.to_string();
            let parts: Option<Vec<f64>> = text.split('/').map(|part| part.parse().ok()).collect();
            match parts.map(<[f64; 3]>::try_from) {
                Some(Ok(parts)) => *vector = Some(parts),
                _ => return Err(self.refused(key, value, "three numbers written x/y/z")),
            }
        } else if let Some([x, y, z]) = *vector {
            self.print(key, Value::Word(format!("{x:e}/{y:e}/{z:e}")));
        }
        Ok(())
    }

    /// Shows one of several named choices. A choice may have several names; the first is printed.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] with the list of the choices if the term gives none of them.
    pub fn one_of<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        chosen: &mut T,
        all: &[(&'static str, T)],
    ) -> Result<()> {
        let mut some = Some(*chosen);
        self.optional_of(key, &mut some, all)?;
        *chosen = some.unwrap_or(*chosen);
        Ok(())
    }

    /// Shows one of several named choices, or none. A choice may have several names; the first is printed.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] with the list of the choices if the term gives none of them.
    pub fn optional_of<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        chosen: &mut Option<T>,
        all: &[(&'static str, T)],
    ) -> Result<()> {
        // The dictionary needs only the names that are printed: the first of each choice.
        let is_first = |(k, (_, choice)): &(usize, &(_, T))| !all[..*k].iter().any(|(_, other)| other == choice);
        self.words.extend(all.iter().enumerate().filter(is_first).map(|(_, (name, _))| *name));
        if let Some(value) = self.given(key) {
            let Some((_, choice)) = all.iter().find(|(name, _)| Value::from(*name) == *value) else {
                let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
                return Err(self.refused(key, value, &format!("one of {}", names.join(", "))));
            };
            *chosen = Some(*choice);
        } else if let Some((name, _)) = all.iter().find(|(_, choice)| Some(*choice) == *chosen) {
            self.print(key, Value::Word((*name).to_owned()));
        }
        Ok(())
    }

    /// Shows one of several named choices, or a vector written `x/y/z` in their place.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if the term gives neither.
    pub fn one_of_or_vector<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        chosen: &mut T,
        vector: &mut Option<[f64; 3]>,
        all: &[(&'static str, T)],
    ) -> Result<()> {
        let value = self.term.and_then(|term| term.option(key));
        if vector.is_some() || value.is_some_and(|value| value.to_string().contains('/')) {
            self.words.extend(all.iter().map(|(name, _)| *name));
            return self.vector(key, vector);
        }
        self.one_of(key, chosen, all)
    }

    /// Shows a choice of `yes` or `no`.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if the term gives anything else.
    pub fn flag(&mut self, key: &'static str, flag: &mut bool) -> Result<()> {
        self.one_of(key, flag, &[("yes", true), ("no", false)])
    }

    /// Shows which terms an expansion keeps: at most one of the keys `terms`, `threshold` and `discard`.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for two of the keys, [`Error::InvalidParameter`] for a number out of range.
    pub fn selection(&mut self, selection: &mut Selection) -> Result<()> {
        let (mut terms, mut threshold, mut discard) = (None, None, None);
        match *selection {
            Selection::All => {}
            Selection::Largest(n) => terms = Some(n),
            Selection::Above(size) => threshold = Some(size),
            Selection::Error(share) => discard = Some(share),
        }
        self.optional("terms", &mut terms)?;
        self.optional("threshold", &mut threshold)?;
        self.optional("discard", &mut discard)?;
        *selection = match (terms, threshold, discard) {
            (None, None, None) => Selection::All,
            (Some(n), None, None) => Selection::Largest(n),
            (None, Some(size), None) => Selection::Above(size),
            (None, None, Some(share)) => Selection::Error(share),
            _ => return Err(self.refused("terms, threshold and discard", "as given", "only one of them")),
        }
        .validated()?;
        Ok(())
    }

    /// True if a choice with this key has been shown.
    #[must_use]
    pub(crate) fn has_shown(&self, key: &str) -> bool {
        self.keys.contains(&key)
    }

    /// Refuses a key that only a basis given to the registry ([`Registry::with_value`](crate::Registry::with_value)) can
    /// have, such as `learnt` of `pca`.
    pub(crate) fn refuse(&mut self, key: &'static str, allowed: &str) -> Result<()> {
        self.given(key).map_or(Ok(()), |value| Err(self.refused(key, value, allowed)))
    }

    /// Whether a choice of this key has been shown, and the term gives it a value.
    pub(crate) fn has_shown_given(&self, key: &str) -> bool {
        self.has_shown(key) && self.term.is_some_and(|term| term.option(key).is_some())
    }

    /// An error about the value of one key.
    #[must_use]
    pub fn refused(&self, key: &str, value: impl fmt::Display, allowed: &str) -> Error {
        let term = self.term.map(ToString::to_string).unwrap_or_default();
        invalid(&term, format!("{key} = {value} is not allowed: {allowed}"))
    }

    /// Refuses a key of the term that no choice has, and lists the keys that exist. Call it when all choices have been
    /// shown.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for the first unknown key.
    pub fn finish(self) -> Result<()> {
        let Some(term) = self.term else { return Ok(()) };
        let Some((key, _)) = term.options.iter().find(|(key, _)| !self.keys.contains(&key.as_str())) else {
            return Ok(());
        };
        let exist = match self.keys.is_empty() {
            true => "it has no keys".to_owned(),
            false => format!("its keys are {}", self.keys.join(", ")),
        };
        Err(invalid(&term.to_string(), format!("`{}` has no key `{key}`; {exist}", term.name)))
    }

    /// Every key and every named choice shown, for the dictionary of the format.
    #[cfg(test)]
    pub(crate) fn vocabulary(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().chain(&self.words).copied()
    }
}

/// The options that `choose` prints and `choose_default` does not. Both must show the same choices.
pub fn options_of(
    choose: impl FnOnce(&mut Choices<'_>) -> Result<()>,
    choose_default: impl FnOnce(&mut Choices<'_>) -> Result<()>,
) -> Result<Vec<(String, Value)>> {
    let (mut printed, mut default) = (Choices::printing(), Choices::printing());
    choose(&mut printed)?;
    choose_default(&mut default)?;
    let mut options = printed.printed;
    options.retain(|option| !default.printed.contains(option));
    Ok(options)
}

/// The spec of a combinator: its name around the spec inside, and the options that `choose` prints and `choose_default`
/// does not.
///
/// # Errors
/// Those of the two functions.
pub fn spec_around(
    name: &str,
    inner: Spec,
    choose: impl FnOnce(&mut Choices<'_>) -> Result<()>,
    choose_default: impl FnOnce(&mut Choices<'_>) -> Result<()>,
) -> Result<Spec> {
    let options = options_of(choose, choose_default)?;
    Ok(Spec::of(Term { inner: Some(inner), options, ..Term::named(name) }))
}

/// The spec of a basis: its name, and the choices that differ from the default's. The spec is read once more and must
/// make an equal basis: a choice that [`NamedBasis::choose`] forgets is an error here, and not a stream that decodes to
/// something else.
///
/// # Errors
/// [`Error::InvalidSpec`] if it makes another basis, with what differs.
pub fn spec_of<B: NamedBasis>(basis: &B) -> Result<Spec> {
    let options = options_of(|choices| basis.clone().choose(choices), |choices| B::default().choose(choices))?;
    let term = Term { options, ..Term::named(B::NAME) };
    let mut made = B::default();
    made.choose(&mut Choices::of(&term))?;
    if made == *basis {
        return Ok(Spec::of(term));
    }
    let problem = format!("read again it makes {}; does `choose` show every choice?", differences(basis, &made));
    Err(invalid(&term.to_string(), problem))
}

/// Both bases as they print for debugging, from where they differ.
fn differences(basis: &impl fmt::Debug, made: &impl fmt::Debug) -> String {
    const SHOWN: usize = 120;
    let [made, printed] = [format!("{made:?}"), format!("{basis:?}")];
    if made == printed {
        return "a basis that differs in what `Debug` does not print".to_owned();
    }
    let same = made.chars().zip(printed.chars()).take_while(|(a, b)| a == b).count();
    // From the word in which they differ.
    let begin = made.chars().take(same).collect::<String>().rfind([' ', '{', '(']).map_or(0, |at| at + 1);
    let skipped = made[..begin].chars().count();
    let shown = |text: &str| text.chars().skip(skipped).take(SHOWN).collect::<String>();
    format!("`{}` where `{}` is meant", shown(&made), shown(&printed))
}

/// Implements `Display` by the spec, for bases.
macro_rules! display_as_spec {
    ($($basis:ty),+ $(,)?) => {$(
        impl std::fmt::Display for $basis {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::basis::choices::write_spec(self, f)
            }
        }
    )+};
}
pub(crate) use display_as_spec;

/// Writes the spec of a basis; for a basis without a spec, its `Debug` output.
pub(crate) fn write_spec<B: super::Stream>(basis: &B, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match basis.spec() {
        Ok(spec) => fmt::Display::fmt(&spec, f),
        Err(_) => fmt::Debug::fmt(basis, f),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_typed_and_unknown_ones_refused() {
        let spec: Spec = "x:n=3,v=1/-2/3e5,c=blue,f=0.5".parse().unwrap();
        let mut choices = Choices::of(&spec.terms[0]);
        let (mut n, mut vector, mut colour, mut missing) = (0_usize, None, 1, None::<f64>);
        choices.number("n", &mut n).unwrap();
        choices.vector("v", &mut vector).unwrap();
        choices.one_of("c", &mut colour, &[("red", 1), ("blue", 2)]).unwrap();
        choices.optional("missing", &mut missing).unwrap();
        assert_eq!((n, vector, colour, missing), (3, Some([1.0, -2.0, 3e5]), 2, None));
        assert!(choices.has_shown("n") && !choices.has_shown("f"));
        let message = choices.finish().unwrap_err().to_string();
        assert!(message.contains("no key `f`") && message.contains("n, v, c, missing"), "{message}");

        // A key that is shown twice is listed once.
        let mut choices = Choices::of(&spec.terms[0]);
        choices.number("n", &mut n).unwrap();
        choices.number("n", &mut n).unwrap();
        let message = choices.finish().unwrap_err().to_string();
        assert_eq!(message.matches("keys are n").count(), 1, "{message}");
        assert!(!message.contains("n, n"), "{message}");

        let mut choices = Choices::of(&spec.terms[0]);
        assert!(choices.number("c", &mut n).unwrap_err().to_string().contains("whole number"));
        assert!(choices.number("f", &mut n).unwrap_err().to_string().contains("whole number"));
        assert!(choices.vector("f", &mut vector).unwrap_err().to_string().contains("x/y/z"));
        assert!(choices.one_of("c", &mut colour, &[("red", 1)]).unwrap_err().to_string().contains("one of red"));
    }

    #[test]
    fn whole_numbers_of_any_size_come_back() {
        for number in [0, 7, 1_000_000_000, 1 << 53, (1 << 53) + 1, (1 << 53) + 2, 10_u64.pow(18), u64::MAX] {
            let value = number.to_value();
            assert_eq!(Value::from(&*value.to_string()), value);
            assert_eq!(u64::from_value(&value), Some(number), "{value}");
        }
        for billion in ["1e9", "1E9", "1e+9", "1000000000.0"] {
            assert_eq!(usize::from_value(&Value::from(billion)), Some(1_000_000_000), "{billion}");
        }
        assert_eq!(usize::from_value(&Value::from("1e30")), None);
        assert_eq!(u32::from_value(&Value::from("-1")), None);
    }
}
