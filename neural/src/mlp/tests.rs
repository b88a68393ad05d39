use super::*;
use crate::inference::Activation;
use crate::registry;
use vdf_basis::{AnyBasis, Coefficients, Expansion, Fidelity, Figure, Sampling, Synthetic, laws};

fn sampled(name: &str, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn basis(spec: &str) -> AnyBasis {
    registry().parse(spec).unwrap()
}

// Networks that take milliseconds to train, and yet are better than zeros.
#[test]
fn sines_and_positive_densities_keep_the_laws() {
    laws::all(&registry(), "mlp:width=4,layers=1,steps=30,refinements=3").unwrap();
}

#[test]
fn features_and_densities_of_any_sign_keep_the_laws() {
    let spec = "mlp:width=3,layers=2,activation=tanh,features=2,target=linear,seed=2,steps=200,refinements=3";
    laws::all(&registry(), spec).unwrap();
}

#[test]
fn logarithms_keep_the_laws() {
    laws::all(&registry(), "mlp:width=8,layers=2,target=log10,seed=7,steps=300,refinements=5").unwrap();
}

#[test]
fn networks_without_curvature_are_read_as_they_were_written() {
    let (spec, vdf) = ("mlp:width=50,activation=relu,steps=20", sampled("beams", 12));
    laws::streams(&registry(), &basis(spec), &vdf).unwrap();
    laws::damage(&registry(), &basis(spec), &vdf).unwrap();
}

#[test]
fn networks_keep_the_laws_in_combinators() {
    for spec in ["mlp:width=4,layers=1,steps=20,refinements=2 + wavelet:terms=50", "conserve(mlp:width=3,steps=20)"] {
        laws::streams(&registry(), &basis(spec), &sampled("beams", 12)).unwrap();
        laws::damage(&registry(), &basis(spec), &sampled("beams", 12)).unwrap();
    }
}

#[test]
fn weights_of_another_network_are_refused() {
    let vdf = sampled("beams", 10);
    for other in ["mlp:width=4,layers=2,steps=5", "mlp:width=4,layers=1,activation=tanh,steps=5", "wavelet"] {
        let one = basis("mlp:width=4,layers=1,steps=5");
        laws::foreign(&one, &basis(other), &vdf).unwrap();
        laws::foreign(&basis(other), &one, &vdf).unwrap();
    }
}

#[test]
fn bounds_are_met_by_what_a_reader_decodes() {
    let vdf = sampled("gyrating-ring", 16);
    for (spec, figure, limit) in [
        ("mlp:l2=0.1", Figure::L2, 0.1),
        ("mlp:linf=0.2", Figure::Linf, 0.2),
        ("mlp:l2=0.1,bytes=400", Figure::L2, 0.1),
        ("mlp:target=log10,dex=0.3,steps=300,refinements=20", Figure::Dex, 0.3),
    ] {
        let expansion = Expansion::encode(&basis(spec), &vdf).unwrap();
        let bytes = registry().to_bytes(&expansion).unwrap();
        let back = registry().decode(&bytes).unwrap().reconstruct().unwrap();
        let reached = figure.of(&Fidelity::compare(&vdf, &back).unwrap()).unwrap();
        assert!(reached <= limit, "{spec}: {reached}");
        assert!(bytes.len() < 400, "{spec}: {} bytes", bytes.len());
    }
    for limit in [120, 500] {
        let spec = format!("mlp:bytes={limit},steps=200,refinements=10");
        let bytes = registry().to_bytes(&Expansion::encode(&basis(&spec), &vdf).unwrap()).unwrap();
        assert!(bytes.len() <= limit && 2 * bytes.len() > limit, "{} of {limit}", bytes.len());
    }
    let missed = basis("mlp:width=2,l2=0.001,steps=20,refinements=2").encode(&vdf).unwrap_err();
    assert!(matches!(missed, Error::TargetNotMet { .. }), "{missed}");
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let vdf = sampled("beams", 14);
    let mlp = basis("mlp:width=6,steps=60,refinements=5");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Expansion::encode(&mlp, &vdf).unwrap().to_bytes().unwrap())
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn rounding_together_is_shorter_than_one_by_one() {
    let vdf = sampled("gyrating-ring", 16);
    let mlp = Mlp { width: Some(8), steps: 400, refinements: 20, ..Mlp::default() }.with_bound(Bound::l2(0.1));
    let (together, _) = mlp.fit(&vdf).unwrap();
    let quantized = mlp.quantized().unwrap();
    let (mut alone, _) = encode::once(&mlp, &vdf).unwrap();
    alone.joint = net::Found::default();
    let alone = quantized.round(&alone, &vdf).unwrap();
    let bytes = |found| Expansion::from_parts(*vdf.grid(), mlp.clone(), found).to_bytes().unwrap().len();
    let [together, alone] = [together, alone].map(bytes);
    assert!((together as f64) < 0.9 * alone as f64, "{together} of {alone} bytes");
}

#[test]
fn training_goes_on_from_the_weights_of_a_similar_distribution() {
    let vdf = sampled("beams", 14);
    let mlp = Mlp { width: Some(6), ..Mlp::default() }.with_bound(Bound::l2(0.1));
    let found = mlp.encode(&vdf).unwrap();
    let shifted = Vdf::new(*vdf.grid(), vdf.values().mapv(|f| 1.1 * f)).unwrap();
    let warm = mlp.encode_from(&shifted, &found).unwrap();
    let back = mlp.reconstruct(&warm, vdf.grid()).unwrap();
    assert!(Fidelity::compare(&shifted, &back).unwrap().l2 <= 0.1);
}

#[test]
fn empty_distributions_and_diverging_trainings_are_errors_with_the_reason() {
    let empty = Vdf::zeros(VelocityGrid::unit([5, 4, 3]).unwrap());
    let refused = Mlp::default().encode(&empty).unwrap_err();
    assert!(refused.to_string().contains("zero everywhere"), "{refused}");
    let diverged = crate::training::checked(f64::NAN).unwrap_err().to_string();
    assert!(diverged.contains("the training diverged: the relative error is NaN"), "{diverged}");
}

#[test]
fn wrong_choices_are_refused_with_what_is_allowed() {
    for (spec, part) in [
        ("mlp:layers=9", "layers = 9 is not allowed: a whole number from 1 to 8"),
        ("mlp:features=65", "from 0 to 64"),
        ("mlp:width=0", "width = 0 is not allowed: a whole number from 1 to 1024"),
        ("mlp:width=1e9", "from 1 to 1024"),
        ("mlp:width=1000", "of which 32768 are allowed"),
        ("mlp:frequency=-1", "a positive number up to 100"),
        ("mlp:target=log", "one of exp, linear, log10"),
        ("mlp:activation=gelu", "one of sine, tanh, relu"),
        ("mlp:steps=1e7", "up to 1000000"),
        ("mlp:widht=3", "no key `widht`; its keys are width, layers"),
        ("mlp:l2=-1", "l2"),
    ] {
        let refused = registry().parse(spec).unwrap_err().to_string();
        assert!(refused.contains(part), "{spec}: {refused}");
    }
}

#[test]
fn streams_that_claim_networks_of_any_size_are_refused() {
    let vdf = sampled("beams", 8);
    let mlp = Mlp { steps: 5, refinements: 0, ..Mlp::default() };
    let mut found = mlp.encode(&vdf).unwrap();
    assert_eq!(found.inner().width(), 16);
    let mut writer = Coder::writing();
    mlp.code(&mut found, vdf.grid(), Resolution::Exact, &mut writer).unwrap();
    let bytes = writer.finish();
    for place in 0..bytes.len().min(40) {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            let mut read = mlp.blank(vdf.grid());
            let outcome = mlp.code(&mut read, vdf.grid(), Resolution::Exact, &mut Coder::reading(&damaged));
            assert!(outcome.is_err() || read.inner().weights().len() <= MOST_WEIGHTS);
        }
    }
}

#[test]
fn long_and_thin_grids_are_described() {
    for shape in [[1, 1, 40], [1, 9, 30], [1, 1, 1], [2, 1, 3], [5, 7, 11]] {
        let gaussian = |[x, y, z]: [f64; 3]| (-0.05 * (x * x + y * y + (z - 15.0).powi(2))).exp();
        let vdf = Vdf::from_fn(VelocityGrid::unit(shape).unwrap(), gaussian).unwrap();
        let mlp = Mlp { width: Some(6), steps: 200, refinements: 20, ..Mlp::default() };
        let back = mlp.reconstruct(&mlp.encode(&vdf).unwrap(), vdf.grid()).unwrap();
        let l2 = Fidelity::compare(&vdf, &back).unwrap().l2;
        assert!(l2 < 0.012, "{shape:?}: {l2}");
    }
}

#[test]
fn default_is_the_basis_of_the_bare_name() {
    assert_eq!(basis("mlp").to_string(), "mlp");
    assert_eq!(Mlp::default().architecture.activation, Activation::Sine);
    let counted = Mlp { width: Some(4), steps: 5, ..Mlp::default() };
    let found = counted.encode(&sampled("beams", 8)).unwrap();
    // Three layers of four with biases, and the output's five weights; centre, widths and unit.
    assert_eq!(found.count(), 16 + 20 + 20 + 5 + 7);
}
