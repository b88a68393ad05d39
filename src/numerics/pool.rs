//! Room for intermediate arrays, used again by one call after another.
//!
//! Fresh memory is not free: the system hands it out page by page and wipes each, which for a transform takes longer than
//! the arithmetic.

use std::sync::{Mutex, PoisonError};

/// Rooms larger than this, in bytes, are given back to the system at once.
const LARGEST: usize = 1 << 24;
/// Rooms kept, for as many threads.
const MOST: usize = 16;

/// Rooms that nobody uses at the moment. What they hold is left from their last use and means nothing.
#[derive(Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// Lends a room to some work; afterwards it is kept for the next, unless it has grown too large.
    pub(crate) fn lend<R>(&self, bytes: impl FnOnce(&T) -> usize, work: impl FnOnce(&mut T) -> R) -> R {
        let mut room = self.rooms(Vec::pop).unwrap_or_default();
        let result = work(&mut room);
        if bytes(&room) <= LARGEST {
            self.rooms(|rooms| {
                if rooms.len() < MOST {
                    rooms.push(room);
                }
            });
        }
        result
    }

    fn rooms<R>(&self, work: impl FnOnce(&mut Vec<T>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_used_again_unless_they_are_large() {
        let pool: Pool<Vec<u8>> = Pool::default();
        pool.lend(Vec::len, |room| room.push(1));
        pool.lend(Vec::len, |room| {
            assert_eq!(*room, [1]);
            // Another thread at the same time gets one of its own.
            pool.lend(Vec::len, |other| assert!(other.is_empty()));
        });
        pool.lend(|_| LARGEST + 1, |_| ());
        pool.lend(|_| LARGEST + 1, |_| ());
        pool.lend(Vec::len, |room| assert!(room.is_empty()));
    }
}
