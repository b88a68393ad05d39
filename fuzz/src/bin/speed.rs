//! Executions a second of the targets `decode` and `rewrite`, without libFuzzer and its instrumentation: seeds with up to
//! three bytes changed, the same in every run.
//!
//! ```text
//! cd fuzz && cargo run --release --bin speed -- [EXECUTIONS]
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let executions: usize = std::env::args().nth(1).map_or(Ok(200_000), |argument| argument.parse())?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/decode");
    let mut seeds =
        std::fs::read_dir(folder)?.map(|entry| std::fs::read(entry?.path())).collect::<Result<Vec<Vec<u8>>, _>>()?;
    seeds.retain(|seed| !seed.is_empty());
    seeds.sort();
    println!("executions a second, from {} seeds:", seeds.len());
    println!("decode  {:>9.0}", speed(&seeds, executions, vdf_basis_fuzz::decode));
    println!("rewrite {:>9.0}", speed(&seeds, executions / 5, vdf_basis_fuzz::rewrite));
    Ok(())
}

fn speed(seeds: &[Vec<u8>], executions: usize, target: fn(&[u8])) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let start = Instant::now();
    for _ in 0..executions {
        let mut content = seeds[random.random_range(0..seeds.len())].clone();
        for _ in 0..random.random_range(0..4) {
            let place = random.random_range(0..content.len());
            content[place] = random.random();
        }
        target(&content);
    }
    executions as f64 / start.elapsed().as_secs_f64()
}
