//! Models that a coder keeps while it writes or reads several distributions one after another.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

use super::coder::Coder;
use crate::error::Result;

/// Models of any type.
trait Learnt: Any + Send + Sync {
    fn duplicate(&self) -> Box<dyn Learnt>;
}

impl<T: Any + Clone + Send + Sync> Learnt for T {
    fn duplicate(&self) -> Box<dyn Learnt> {
        Box::new(self.clone())
    }
}

/// Models by their type and kind.
#[derive(Default)]
pub(super) struct Memory(HashMap<(TypeId, usize), Box<dyn Learnt>>);

impl Clone for Memory {
    fn clone(&self) -> Self {
        // Through the reference: the box itself would be a model, too.
        Self(self.0.iter().map(|(key, models)| (*key, (**models).duplicate())).collect())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} models", self.0.len())
    }
}

impl Memory {
    fn take<T: Any>(&mut self, kind: usize) -> Option<T> {
        let models: Box<dyn Any> = self.0.remove(&(TypeId::of::<T>(), kind))?;
        models.downcast().ok().map(|models| *models)
    }

    fn put<T: Any + Clone + Send + Sync>(&mut self, kind: usize, models: T) {
        self.0.insert((TypeId::of::<T>(), kind), Box::new(models));
    }
}

impl<'a> Coder<'a> {
    /// This coder, which keeps what it learns: the models of one distribution go on learning in the next.
    #[must_use]
    pub fn remembering(mut self) -> Self {
        self.memory = Some(Memory::default());
        self
    }

    /// True if this coder keeps what it learns. A basis may then code the difference from the distribution before.
    #[must_use]
    pub fn remembers(&self) -> bool {
        self.memory.is_some()
    }

    /// Codes with the models of type `T` and this kind that were kept, or with `fresh` ones if there are none yet, and
    /// keeps them afterwards. A coder that keeps nothing begins with fresh ones every time, so that a stream of one
    /// distribution needs nothing else. Models of different sizes need different kinds.
    ///
    /// # Errors
    /// Those of `code`; the models are then forgotten.
    pub fn learnt<T: Any + Clone + Send + Sync, R>(
        &mut self,
        kind: usize,
        fresh: impl FnOnce() -> T,
        code: impl FnOnce(&mut Self, &mut T) -> Result<R>,
    ) -> Result<R> {
        let kept = self.memory.as_mut().and_then(|memory| memory.take(kind));
        let mut models = kept.unwrap_or_else(fresh);
        let coded = code(self, &mut models)?;
        if let Some(memory) = &mut self.memory {
            memory.put(kind, models);
        }
        Ok(coded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::{Bit, Integers};

    fn code(coder: &mut Coder<'_>, values: &mut [i64]) {
        let each = |coder: &mut Coder<'_>, models: &mut Integers| {
            values.iter_mut().try_for_each(|value| coder.integer(models, *value).map(|read| *value = read))
        };
        coder.learnt(0, Integers::default, each).unwrap();
    }

    #[test]
    fn models_go_on_learning_only_in_a_coder_that_remembers() {
        let mut numbers: Vec<[i64; 8]> = (0..20).map(|k| std::array::from_fn(|i| 5 + (i as i64 + k) % 3)).collect();
        let [short, long] = [true, false].map(|remembers| {
            let coder = Coder::writing();
            let mut coder = if remembers { coder.remembering() } else { coder };
            numbers.iter_mut().for_each(|values| code(&mut coder, values));
            coder.finish()
        });
        assert!(short.len() * 10 < long.len() * 7, "{} and {}", short.len(), long.len());
        let mut reader = Coder::reading(&short).remembering();
        for values in &numbers {
            let mut read = [0; 8];
            code(&mut reader, &mut read);
            assert_eq!(read, *values);
        }
    }

    #[test]
    fn a_copy_of_a_coder_learns_by_itself_and_types_and_kinds_are_kept_apart() {
        let mut coder = Coder::writing().remembering();
        let learn = |coder: &mut Coder<'_>, kind| {
            coder.learnt(kind, Bit::even, |coder, bit| Ok((coder.bit(bit, true), *bit))).unwrap().1
        };
        let once = learn(&mut coder, 0);
        let mut copy = coder.clone();
        let twice = learn(&mut copy, 0);
        assert_ne!(once, twice);
        assert_eq!(learn(&mut coder, 0), twice);
        assert_eq!(learn(&mut coder, 1), once);
        assert_eq!(coder.learnt(0, || 7_u32, |_, number| Ok(*number)).unwrap(), 7);
        assert!(coder.learnt(0, Bit::even, |_, _| Err::<(), _>(crate::coding::malformed("no"))).is_err());
        assert_eq!(learn(&mut coder, 0), once);
    }
}
