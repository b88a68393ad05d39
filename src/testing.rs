//! Properties tested on random inputs, the same in every run.

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Tests a property on `cases` random inputs. Each case draws from its own stream of one seed; a failure prints the
/// number of its case.
pub fn for_cases(cases: u64, mut property: impl FnMut(&mut ChaCha8Rng)) {
    for case in 0..cases {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        random.set_stream(case);
        let _named = Named(case);
        property(&mut random);
    }
}

/// A vector of a random length from `lengths`, filled by `draw`.
pub fn vector<T>(random: &mut ChaCha8Rng, lengths: Range<usize>, mut draw: impl FnMut(&mut ChaCha8Rng) -> T) -> Vec<T> {
    let length = random.random_range(lengths);
    (0..length).map(|_| draw(random)).collect()
}

/// Prints the number of a case when its property panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("random case {}", self.0);
        }
    }
}

#[test]
fn cases_differ_from_each_other_and_not_from_run_to_run() {
    let drawn = || {
        let mut all = Vec::new();
        for_cases(3, |random| all.push(vector(random, 4..5, Rng::random::<u64>)));
        all
    };
    let all = drawn();
    assert!(all.iter().all(|values| values.len() == 4) && all[0] != all[1] && all[1] != all[2]);
    assert_eq!(all, drawn());
}
