//! Thin boxes, cells of unequal sides, and their axes in any order.

use super::*;

/// A Gaussian as many cells wide along every axis as it has room for, on cells of any aspect, its axes in any order.
fn stretched(shape: [usize; 3], spacing: [f64; 3], order: [usize; 3]) -> Vdf {
    let [shape, spacing] = [order.map(|k| shape[k] as f64), order.map(|k| spacing[k])];
    let lower = std::array::from_fn(|k| -0.5 * shape[k] * spacing[k]);
    let grid = VelocityGrid::new(shape.map(|n| n as usize), lower, spacing).unwrap();
    Vdf::from_fn(grid, |v| {
        let z = |k: usize| (v[k] / spacing[k] - 0.02 * shape[k]) / (0.125 * shape[k]).max(0.6);
        (-0.5 * (0..3).map(|k| z(k).powi(2)).sum::<f64>()).exp()
    })
    .unwrap()
}

const ORDERS: [[usize; 3]; 3] = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];

#[test]
fn cells_of_any_aspect_are_fitted_as_well_as_lower_degrees_do() {
    for order in ORDERS {
        let vdf = stretched([30; 3], [1.0, 1.0, 6.0], order);
        let at = |degree| l2(&Spherical::new(degree, 50).unwrap(), &vdf);
        let (four, eight, ten) = (at(4), at(8), at(10));
        assert!(four < 0.07 && eight < 0.01 && ten < 0.01, "{order:?}: {four} {eight} {ten}");
    }
}

#[test]
fn no_fit_is_worse_than_nothing_whatever_the_box_and_the_cells() {
    let methods = [
        (Method::Joint, 10),
        (Method::Joint, 2),
        (Method::Misner(Misner::default()), 6),
        (Method::Misner(Misner { order: 4, half_width: 1.5, ..Misner::default() }), 3),
        (Method::Burnett(None), 10),
    ];
    let mut noise = 1u64;
    for (shape, spacing) in [
        ([12, 13, 11], [1.0, 6.0, 36.0]),
        ([12, 13, 11], [1.0, 1e3, 1e6]),
        ([1, 5, 31], [1.0; 3]),
        ([1, 5, 31], [1.0, 6.0, 36.0]),
        ([8, 8, 40], [6.0, 1.0, 1.0]),
        ([3, 3, 3], [1.0, 1.0, 6.0]),
    ] {
        for order in ORDERS {
            let smooth = stretched(shape, spacing, order);
            let rough = Vdf::from_fn(*smooth.grid(), |_| {
                noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (noise >> 11) as f64 / (1u64 << 53) as f64 - 0.5
            })
            .unwrap();
            for ((method, degree), vdf) in methods.iter().flat_map(|choice| [(choice, &smooth), (choice, &rough)]) {
                let basis = Spherical::new(*degree, 20).unwrap().with_method(*method).unwrap();
                let error = l2(&basis, vdf);
                assert!(error <= 1.0 + 1e-12, "{basis} {shape:?} {spacing:?} {order:?}: {error:e}");
                let joint = *method == Method::Joint && vdf == &smooth;
                assert!(!joint || basis.fit(vdf).unwrap().1.shrunk_by.is_none());
            }
        }
    }
}
