#![allow(clippy::unwrap_used)]

use std::thread;

use vdf_basis::{Expansion, Fidelity, Registry, Sampling, Synthetic, laws};

use super::*;

fn registry() -> Registry {
    Registry::standard().with::<Cnn>()
}

fn made(name: &str, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn basis(spec: &str) -> Cnn {
    let spec: Spec = spec.parse().unwrap();
    let mut basis = Cnn::default();
    basis.choose(&mut Choices::of(&spec.terms[0])).unwrap();
    basis
}

fn l2(vdf: &Vdf, back: &Vdf) -> f64 {
    Fidelity::compare(vdf, back).unwrap().l2
}

#[test]
fn a_small_network_keeps_the_laws() {
    laws::all(&registry(), "cnn:levels=1,latents=1,width=2,iterations=6").unwrap();
    laws::all(&registry(), "cnn:levels=2,latents=2,width=2,iterations=60,rate=0.02,l2=0.9").unwrap();
}

#[test]
fn training_learns_and_a_bound_is_kept_by_what_a_stream_decodes_to() {
    let vdf = made("bi-maxwellian", 18);
    let (_, report) = basis("cnn:iterations=150").fit(&vdf).unwrap();
    assert!(report.losses[0] > 0.9 && report.error < 0.28, "{} after {}", report.error, report.losses[0]);
    for limit in [0.4, 0.2] {
        let chosen = registry().parse(&format!("cnn:iterations=100,l2={limit}")).unwrap();
        let bytes = registry().to_bytes(&Expansion::encode(&chosen, &vdf).unwrap()).unwrap();
        let back = registry().decode(&bytes).unwrap().reconstruct().unwrap();
        // Within the bound, and by no finer steps than it needs.
        assert!((0.9 * limit..=limit).contains(&l2(&vdf, &back)), "{}", l2(&vdf, &back));
    }
}

#[test]
fn a_bound_out_of_reach_is_refused_with_what_was_reached() {
    let vdf = made("gyrating-ring", 10);
    let chosen = registry().parse("cnn:width=1,latents=1,iterations=2,l2=1e-6").unwrap();
    let refused = chosen.encode(&vdf).unwrap_err();
    assert!(matches!(&refused, Error::TargetNotMet { reached, .. } if reached.starts_with("l2 = ")), "{refused}");
}

#[test]
fn training_does_not_depend_on_the_number_of_threads() {
    let vdf = made("beams", 24);
    let fit = || basis("cnn:iterations=4").fit(&vdf).unwrap();
    let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(fit);
    let alone = with(1);
    assert_eq!(alone, with(3));
    assert_eq!(alone, thread::scope(|scope| scope.spawn(fit).join().unwrap()));
    assert_ne!(alone.0, basis("cnn:iterations=4,seed=1").fit(&vdf).unwrap().0);
}

#[test]
fn training_that_diverges_is_an_error_with_the_loss() {
    let refused = basis("cnn:iterations=30,rate=1e6").fit(&made("beams", 10)).unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, Error::Degenerate { .. }) && text.contains("L2 error is"), "{text}");
}

#[test]
fn training_that_ends_far_above_an_output_of_zero_is_an_error_with_the_loss() {
    for rate in [3.0, 100.0, 1e4] {
        let fitted = basis(&format!("cnn:iterations=12,rate={rate}")).fit(&made("beams", 10));
        let refused = fitted.map(|(_, report)| report.error).unwrap_err().to_string();
        assert!(refused.contains("diverged: the relative L2 error is"), "{refused}");
    }
}

#[test]
fn boxes_of_any_shape_are_learnt() {
    for shape in [[1, 1, 1], [1, 1, 40], [30, 1, 2], [2, 9, 33]] {
        let grid = VelocityGrid::unit(shape).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, y, z]| (-0.02 * (x * x + y * y + z * z)).exp()).unwrap();
        let found = basis("cnn:iterations=200").encode(&vdf).unwrap();
        let back = Cnn::default().reconstruct(&found, &grid).unwrap();
        assert!(l2(&vdf, &back) < 0.035, "{shape:?}: {}", l2(&vdf, &back));
    }
}

#[test]
fn another_grid_is_refused() {
    let vdf = made("beams", 10);
    let found = basis("cnn:iterations=1").encode(&vdf).unwrap();
    let other = VelocityGrid::unit([9, 10, 10]).unwrap();
    assert!(matches!(Cnn::default().reconstruct(&found, &other), Err(Error::GridMismatch { .. })));
}

#[test]
fn made_up_streams_are_read_or_refused() {
    let grid = VelocityGrid::unit([6, 7, 8]).unwrap();
    for seed in 0..200_u32 {
        let bytes: Vec<u8> = (0..90_u32).map(|k| (seed.wrapping_mul(2_654_435_761) >> (k % 25)) as u8).collect();
        let mut read = Cnn::default().blank(&grid);
        let outcome = Cnn::default().code(&mut read, &grid, Resolution::Exact, &mut Coder::reading(&bytes));
        if outcome.is_ok() {
            let _ = Cnn::default().reconstruct(&read, &grid);
        }
    }
}

#[test]
fn choices_out_of_range_are_refused() {
    let refused = |spec: &str| registry().parse(spec).unwrap_err().to_string();
    assert!(refused("cnn:levels=0").contains("from 1 to 5"));
    assert!(refused("cnn:width=99").contains("from 1 to 16"));
    assert!(refused("cnn:rate=-1").contains("positive number"));
}

#[test]
#[ignore = "prints times"]
fn times() {
    let vdf = made("bi-maxwellian", 50);
    for spec in [
        "cnn:iterations=1",
        "mlp:width=9,steps=2,refinements=0",
        "mlp:width=25,steps=2,refinements=0",
        "mlp:width=25,activation=tanh,target=linear,features=48,steps=2,refinements=0",
        "mlp:width=32,features=32,target=log10,steps=2,refinements=0",
    ] {
        let registry = crate::registry();
        let bytes = registry.to_bytes(&Expansion::encode(&registry.parse(spec).unwrap(), &vdf).unwrap()).unwrap();
        for _ in 0..4 {
            let start = std::time::Instant::now();
            let back = registry.decode(&bytes).unwrap().reconstruct().unwrap();
            println!("{spec} {}: {:.1} ms", back.grid(), 1e3 * start.elapsed().as_secs_f64());
        }
    }
}
