//! Thread-safe cache for tables that many encodings on one grid share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Cache of the most recently used values, at most `capacity` of them.
///
/// A table is built outside the lock: two threads that miss at the same time both build it, and get the same numbers.
pub(crate) struct Cache<K, V> {
    capacity: usize,
    /// Entries, the most recently used one last. The search is linear, because capacities are small.
    entries: Mutex<Vec<(K, Arc<V>)>>,
}

impl<K: PartialEq, V> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: Mutex::new(Vec::new()) }
    }

    /// The value of a key, built if it is not there. Not inlined, for the reason of `Pool::with`.
    #[inline(never)]
    pub(crate) fn get_or_build(&self, key: K, build: impl FnOnce() -> V) -> Arc<V> {
        if let Some(value) = self.get(&key) {
            return value;
        }
        let value = Arc::new(build());
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have stored the table in the meantime.
        if let Some((_, other)) = entries.iter().find(|(other, _)| *other == key) {
            return Arc::clone(other);
        }
        if entries.len() >= self.capacity {
            entries.remove(0);
        }
        entries.push((key, Arc::clone(&value)));
        value
    }

    #[inline(never)]
    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let position = entries.iter().position(|(other, _)| other == key)?;
        let entry = entries.remove(position);
        let value = Arc::clone(&entry.1);
        entries.push(entry);
        Some(value)
    }
}

/// Always true: a cache is not part of the value that owns it, and equal bases may hold different tables.
impl<K, V> PartialEq for Cache<K, V> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache(capacity {})", self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_is_dropped() {
        let cache = Cache::new(2);
        let mut built = Vec::new();
        for key in [1, 2, 1, 3, 1, 2] {
            let value = cache.get_or_build(key, || {
                built.push(key);
                key * 10
            });
            assert_eq!(*value, key * 10);
        }
        assert_eq!(built, [1, 2, 3, 2]);
    }
}
