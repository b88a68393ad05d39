//! Pool of scratch buffers, reused by successive calls.
//!
//! The system zeroes every page of new memory, which takes longer than the arithmetic of a transform.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Size of the largest buffer that is kept (16 MB, two million numbers); larger ones are freed after use.
const MAX_BYTES: usize = 1 << 24;
/// Maximum number of buffers kept: one for each of 16 threads.
const MAX_BUFFERS: usize = 16;

/// Pool of scratch buffers that are not in use. Their content is arbitrary.
#[derive(Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// Calls a function with a buffer, which is kept afterwards unless it has grown too large. Not inlined, so that it can be
    /// named to tools that look for races and do not know this mutex (`bindings/c/tests/helgrind.supp`).
    #[inline(never)]
    pub(crate) fn with<R>(&self, bytes: impl FnOnce(&T) -> usize, work: impl FnOnce(&mut T) -> R) -> R {
        let mut buffer = self.buffers(Vec::pop).unwrap_or_default();
        let result = work(&mut buffer);
        if bytes(&buffer) <= MAX_BYTES {
            self.buffers(|buffers| {
                if buffers.len() < MAX_BUFFERS {
                    buffers.push(buffer);
                }
            });
        }
        result
    }

    fn buffers<R>(&self, work: impl FnOnce(&mut Vec<T>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Always true: a pool is not part of the value that owns it, and equal bases may hold different buffers.
impl<T> PartialEq for Pool<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_unless_they_are_large() {
        let pool: Pool<Vec<u8>> = Pool::default();
        pool.with(Vec::len, |buffer| buffer.push(1));
        pool.with(Vec::len, |buffer| {
            assert_eq!(*buffer, [1]);
            // Another thread at the same time gets one of its own.
            pool.with(Vec::len, |other| assert!(other.is_empty()));
        });
        pool.with(|_| MAX_BYTES + 1, |_| ());
        pool.with(|_| MAX_BYTES + 1, |_| ());
        pool.with(Vec::len, |buffer| assert!(buffer.is_empty()));
    }
}
