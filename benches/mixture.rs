//! How long a mixture takes: one EM step, a whole EM fit, one Levenberg-Marquardt step, a whole refined fit, and the way
//! back; 5, 15 and 40 components on the real sample (50³, where it is at hand) and on a gyrating ring of 50³ and 100³.
//!
//! Steps are timed through the public interface: preparing the cells (a few ms at 50³) and the report are included.
//! Beside it run `../shared/peers/tools_speed.py` for what scikit-learn, numpy and scipy take.
//!
//! ```text
//! cargo bench --bench mixture -- 'sample.*/15'
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use vdf_basis::bases::mixture::Refine;
use vdf_basis::{Basis, Mixture};

fn mixture(criterion: &mut Criterion) {
    for (name, vdf) in common::distributions() {
        let mut group = criterion.benchmark_group(&name);
        group.sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
        for components in [5, 15, 40] {
            let em = Mixture::new(components).unwrap().with_refine(Refine::None);
            let refined = Mixture::new(components).unwrap();
            let start = em.encode(&vdf).unwrap();
            let mut bench = |what: &str, run: &mut dyn FnMut()| {
                group.bench_function(BenchmarkId::new(what, components), |b| b.iter(&mut *run));
            };
            bench("em-step", &mut || drop(black_box(em.step_from(&vdf, &start))));
            bench("em-fit", &mut || drop(black_box(em.fit(&vdf))));
            bench("lm-step", &mut || drop(black_box(refined.step_from(&vdf, &start))));
            bench("refine", &mut || drop(black_box(refined.fit_from(&vdf, &start))));
            bench("reconstruct", &mut || drop(black_box(em.reconstruct(&start, vdf.grid()))));
            bench("refined-fit", &mut || drop(black_box(refined.fit(&vdf))));
        }
        group.finish();
    }
}

criterion_group!(benches, mixture);
criterion_main!(benches);
