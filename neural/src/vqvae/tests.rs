#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use vdf_basis::{AnyBasis, Expansion, Fidelity, Registry, Sampling, Synthetic, laws};

use super::*;

const SHAPE: [usize; 3] = [14, 12, 13];

fn ball(centre: [f64; 3], width: f64) -> Vdf {
    let grid = VelocityGrid::unit(SHAPE).unwrap();
    let square = |v: [f64; 3]| -> f64 { (0..3).map(|axis| ((v[axis] - centre[axis]) / width).powi(2)).sum() };
    Vdf::from_fn(grid, |v| 1e-12 * (-0.5 * square(v)).exp()).unwrap()
}

fn population() -> Vec<Vdf> {
    (0..6).map(|k| ball([4.0 + f64::from(k), 6.0, 7.0 - 0.5 * f64::from(k)], 1.5 + 0.1 * f64::from(k))).collect()
}

fn options() -> VqVaeOptions {
    VqVaeOptions { dimension: 4, width: 2, codes: 16, stages: 2, iterations: 120, batch: 2, rate: 1e-2, seed: 3 }
}

fn learnt() -> &'static VqVae {
    static LEARNT: OnceLock<VqVae> = OnceLock::new();
    LEARNT.get_or_init(|| VqVae::learn(&population(), &options()).unwrap().with_effort(2))
}

fn l2(vdf: &Vdf, back: &Vdf) -> f64 {
    Fidelity::compare(vdf, back).unwrap().l2
}

#[test]
fn it_keeps_the_laws_on_its_grid() {
    let vdf = ball([5.3, 6.2, 6.1], 1.7);
    let basis = AnyBasis::new(learnt().clone());
    let registry = Registry::standard().with_value(learnt().clone()).unwrap();
    laws::unit_of_density(&basis, &vdf).unwrap();
    laws::determinism(&basis, &vdf).unwrap();
    laws::moments(&basis, &vdf).unwrap();
    laws::coefficients(&basis, &vdf).unwrap();
    laws::gradient(&basis, &vdf).unwrap();
    laws::streams(&registry, &basis, &vdf).unwrap();
    laws::damage(&registry, &basis, &vdf).unwrap();
    laws::rounding(&basis, &vdf).unwrap();
    laws::bounds(&basis, &vdf).unwrap();
}

#[test]
fn it_learns_patterns_and_describes_others_of_their_kind() {
    let (_, losses) = VqVae::learn_with_losses(&population(), &options()).unwrap();
    assert_eq!(losses.len(), 120);
    let vdf = ball([5.3, 6.2, 6.1], 1.7);
    // At a price at which half of the indices are used: at the usual one this short learning is worth four.
    let found = learnt().clone().with_price(1.0).unwrap().encode(&vdf).unwrap();
    let back = learnt().reconstruct(&found, vdf.grid()).unwrap();
    assert!(losses[119] < 0.08 && l2(&vdf, &back) < 0.32, "{} after {}", l2(&vdf, &back), losses[119]);
    assert!(found.used() > 0 && found.used() < found.indices.len());
}

#[test]
fn a_bound_in_reach_is_kept_and_another_refused() {
    let vdf = ball([5.3, 6.2, 6.1], 1.7);
    let registry = Registry::standard().with_value(learnt().clone()).unwrap();
    let spec = |l2: f64| registry.parse(&format!("quantized({}):l2={l2}", learnt())).unwrap();
    let bytes = registry.to_bytes(&Expansion::encode(&spec(0.7), &vdf).unwrap()).unwrap();
    let back = registry.decode(&bytes).unwrap().reconstruct().unwrap();
    assert!((0.6..=0.7).contains(&l2(&vdf, &back)), "{}", l2(&vdf, &back));
    let refused = spec(1e-4).encode(&vdf).unwrap_err();
    assert!(matches!(&refused, Error::TargetNotMet { reached, .. } if reached.starts_with("l2 = ")), "{refused}");
}

#[test]
fn learning_does_not_depend_on_the_number_of_threads() {
    let options = VqVaeOptions { iterations: 5, ..options() };
    let learn = || VqVae::learn(&population(), &options).unwrap();
    let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(learn);
    let alone = with(1);
    assert_eq!(alone.to_bytes().unwrap(), with(3).to_bytes().unwrap());
    assert_ne!(alone.hash(), VqVae::learn(&population(), &VqVaeOptions { seed: 4, ..options }).unwrap().hash());
}

#[test]
fn its_bytes_are_its_identity() {
    let bytes = learnt().to_bytes().unwrap();
    let read = VqVae::from_bytes(&bytes).unwrap();
    assert_eq!((&read, read.hash(), read.count()), (learnt(), learnt().hash(), 6));
    assert_eq!(read.to_bytes().unwrap(), bytes);
    assert!(learnt().decoder_bytes().unwrap() < bytes.len());
    let vdf = ball([6.0, 6.0, 6.0], 2.0);
    let found = learnt().encode(&vdf).unwrap();
    assert_eq!(read.reconstruct(&found, vdf.grid()).unwrap(), learnt().reconstruct(&found, vdf.grid()).unwrap());
}

#[test]
fn its_identity_is_that_of_its_numbers_not_of_its_bytes() {
    let bytes = learnt().to_bytes().unwrap();
    let [.., a, b, c, d, e, f, g, h] = bytes[..] else { panic!("{} bytes", bytes.len()) };
    assert_ne!(learnt().hash(), u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    assert_eq!(learnt().hash(), bytes::identity(&learnt().learnt));
    // Each number counts.
    let changes: [fn(&mut Learnt); 6] = [
        |learnt| learnt.model.encoder[0] += 1.0,
        |learnt| learnt.model.decoder[0] += 1.0,
        |learnt| learnt.model.codebook.vectors[0] += 1.0,
        |learnt| learnt.prior.digits[1] ^= 1,
        |learnt| learnt.lambda *= 2.0,
        |learnt| learnt.count += 1,
    ];
    for change in changes {
        let mut changed = bytes::read(&bytes).unwrap();
        assert_eq!(bytes::identity(&changed), learnt().hash());
        change(&mut changed);
        assert_ne!(bytes::identity(&changed), learnt().hash());
    }
}

#[test]
fn damaged_and_made_up_bytes_are_refused() {
    let bytes = learnt().to_bytes().unwrap();
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert!(VqVae::from_bytes(&damaged).is_err());
        assert!(VqVae::from_bytes(&bytes[..place]).is_err());
    }
    // With a hash made right again whatever is read is a value or an error.
    for place in 7..(bytes.len() - 8).min(100) {
        let mut damaged = bytes[..bytes.len() - 8].to_vec();
        damaged[place] ^= 0x55;
        damaged.extend(bytes::hash(&damaged).to_le_bytes());
        let _ = VqVae::from_bytes(&damaged);
    }
}

#[test]
fn streams_of_another_value_are_refused_by_its_name() {
    let vdf = ball([6.0, 6.0, 6.0], 2.0);
    let other = VqVae::learn(&population(), &VqVaeOptions { iterations: 3, ..options() }).unwrap();
    let registry = |value: &VqVae| Registry::standard().with_value(value.clone()).unwrap();
    let basis = AnyBasis::new(other.clone());
    let bytes = registry(&other).to_bytes(&Expansion::encode(&basis, &vdf).unwrap()).unwrap();
    let refused = registry(learnt()).decode(&bytes).unwrap_err().to_string();
    assert!(refused.contains(&format!("{:016x}", other.hash())), "{refused}");
    laws::foreign(&AnyBasis::new(learnt().clone()), &basis, &vdf).unwrap();
}

#[test]
fn other_grids_and_what_cannot_be_learnt_are_refused() {
    let grid = Synthetic::default_grid("beams", 9).unwrap();
    let other = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    assert!(matches!(learnt().encode(&other), Err(Error::GridMismatch { .. })));
    let zeros = Vdf::zeros(VelocityGrid::unit(SHAPE).unwrap());
    assert!(matches!(learnt().encode(&zeros), Err(Error::Degenerate { .. })));
    let learn = |population: &[Vdf], options| VqVae::learn(population, &options).unwrap_err();
    assert!(matches!(learn(&[], options()), Error::Degenerate { .. }));
    assert!(matches!(learn(&[zeros], options()), Error::Degenerate { .. }));
    assert!(matches!(learn(&[population().remove(0), other], options()), Error::GridMismatch { .. }));
    assert!(learn(&population(), VqVaeOptions { codes: 3, ..options() }).to_string().contains("power of two"));
    let diverged = learn(&population(), VqVaeOptions { rate: 1e6, iterations: 40, ..options() }).to_string();
    assert!(diverged.contains("squared error is"), "{diverged}");
}

#[test]
fn learning_that_ends_far_above_an_output_of_zero_is_an_error_with_the_loss() {
    for rate in [1.0, 30.0, 1e3] {
        let refused = VqVae::learn(&population(), &VqVaeOptions { rate, iterations: 20, ..options() }).unwrap_err();
        assert!(refused.to_string().contains("diverged: the relative squared error is"), "{refused}");
    }
}

// Windows of boxes that are thinner than a patch of four cells are nearly empty: hardly anything is learnt of them.
#[test]
fn one_cell_and_thin_boxes_become_no_worse_than_zeros() {
    for shape in [[1, 1, 1], [1, 1, 30], [3, 21, 1]] {
        let vdf = Vdf::from_fn(VelocityGrid::unit(shape).unwrap(), |[x, y, z]| (-0.1 * (x + y + z)).exp()).unwrap();
        let learnt = VqVae::learn(std::slice::from_ref(&vdf), &VqVaeOptions { iterations: 60, ..options() }).unwrap();
        let back = learnt.reconstruct(&learnt.encode(&vdf).unwrap(), vdf.grid()).unwrap();
        assert!(l2(&vdf, &back) <= 1.0, "{shape:?}: {}", l2(&vdf, &back));
    }
}
