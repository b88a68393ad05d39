//! Law 8: the order and the direction of the axes do not matter.

use vdf_basis::{Expansion, Fidelity, Registry, Vdf, VelocityGrid};

use super::cases::{CASES, Case};
use super::{basis, round_trip, sampled};

/// Axis `k` of the result is axis `order[k]` of the input, reversed where `flipped[k]`; with the velocities that go with it.
fn turned(vdf: &Vdf, order: [usize; 3], flipped: [bool; 3]) -> Vdf {
    let grid = vdf.grid();
    let shape = order.map(|axis| grid.shape()[axis]);
    let spacing = order.map(|axis| grid.spacing()[axis]);
    let lower = std::array::from_fn(|k| match flipped[k] {
        true => -grid.upper()[order[k]],
        false => grid.lower()[order[k]],
    });
    let turned = VelocityGrid::new(shape, lower, spacing).unwrap();
    let mut values = vec![0.0; grid.cells()];
    for ((x, y, z), &f) in vdf.values().indexed_iter() {
        let index = [x, y, z];
        let to: [usize; 3] = std::array::from_fn(|k| match flipped[k] {
            true => shape[k] - 1 - index[order[k]],
            false => index[order[k]],
        });
        values[(to[0] * shape[1] + to[1]) * shape[2] + to[2]] = f;
    }
    Vdf::from_vec(turned, values).unwrap()
}

/// Specs that name an axis, or a vector, mean something else for a turned distribution.
fn names_an_axis(spec: &str) -> bool {
    ["axis=", "field=", "order=10/6/8", "keep=5/6/7", "pca"].iter().any(|part| spec.contains(part))
}

/// Blocks, halves of boxes, wavelets and contexts of cells are laid out from the first cell of each axis, and most filters are not symmetric: a
/// reflected distribution is another one to them.
fn begins_at_the_first_cell(spec: &str) -> bool {
    ["wavelet:", "wavelet)", "fast", "octree", "block=", "cells", "lossless"].iter().any(|part| spec.contains(part))
}

/// The error is what the spec bounds, not what the search found.
fn keeps_a_bound(spec: &str) -> bool {
    ["fast:", "balanced:", "smallest:", "l2=", "linf="].iter().any(|part| spec.contains(part))
}

/// The likeliest mixture is found from random starts: reflections and transposes may end in neighbouring optima.
fn starts_at_random(spec: &str) -> bool {
    spec.contains("refine=none")
}

/// Orders m about the polar axis, which is z, are more or fewer for a turned distribution; the error of a logarithm rises
/// and falls with the step, so that the search may end at another one.
fn is_as_short_only_by_chance(spec: &str) -> bool {
    ["spherical", "log(", " * ", "refine=log10"].iter().any(|part| spec.contains(part)) || starts_at_random(spec)
}

/// The error of the expansion, and the bytes of its coefficients when rounded to 5% more.
fn answer(spec: &str, vdf: &Vdf) -> (f64, usize) {
    let error = Fidelity::compare(vdf, &round_trip(&basis(spec), vdf)).unwrap().l2;
    let rounded = basis(&format!("quantized({spec})"));
    let bytes = Expansion::encode(&rounded, vdf).unwrap().to_bytes().unwrap();
    let parts = Registry::standard().info(&bytes).unwrap().parts;
    // The header is shorter where neighbouring axes have equal cells.
    let is_header = |name: &str| ["format", "grid and basis", "checksum"].contains(&name);
    (error, parts.iter().filter(|(name, _)| !is_header(name)).map(|(_, len)| len).sum())
}

#[test]
fn law_8_transposes_and_reflections_are_as_good_and_as_short() {
    /// Errors may differ by this part, and by this much where they are rounding.
    const ERROR: f64 = 0.02;
    const ROUNDING: f64 = 1e-7;
    /// Streams may differ by this part, and by a few bytes: those of few numbers hold one more digit or one less.
    const BYTES: f64 = 0.03;
    /// Trees are written axis by axis, and equally good splits go to the first axis: contexts learn in another order.
    const BYTES_OF_TREES: f64 = 0.06;
    const FEW: f64 = 12.0;
    const TRANSPOSES: [([usize; 3], [bool; 3]); 5] = [
        ([0, 2, 1], [false; 3]),
        ([1, 0, 2], [false; 3]),
        ([1, 2, 0], [false; 3]),
        ([2, 0, 1], [false; 3]),
        ([2, 1, 0], [false; 3]),
    ];
    const REFLECTIONS: [([usize; 3], [bool; 3]); 3] =
        [([0, 1, 2], [true, false, false]), ([0, 1, 2], [false, true, false]), ([0, 1, 2], [true; 3])];
    let mut failures = Vec::new();
    for Case { spec, .. } in CASES.iter().filter(|case| !names_an_axis(case.spec)) {
        let reflections = if begins_at_the_first_cell(spec) { &[][..] } else { &REFLECTIONS };
        let share = if spec.contains("octree") { BYTES_OF_TREES } else { BYTES };
        for vdf in [sampled("gyrating-ring", 16), sampled("beams", 18)] {
            let (error, bytes) = answer(spec, &vdf);
            for &(order, flipped) in TRANSPOSES.iter().chain(reflections) {
                let (there, len) = answer(spec, &turned(&vdf, order, flipped));
                let is_as_good = keeps_a_bound(spec)
                    || starts_at_random(spec)
                    || (there - error).abs() <= ERROR * error.max(there) + ROUNDING;
                let is_as_short = is_as_short_only_by_chance(spec)
                    || (len as f64 - bytes as f64).abs() <= share * bytes.max(len) as f64 + FEW;
                if !is_as_good || !is_as_short {
                    let name = format!("{spec}, order {order:?}, flipped {flipped:?}");
                    failures.push(format!("{name}: l2 {there:e}, not {error:e}; {len} bytes, not {bytes}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
