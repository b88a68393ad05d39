//! Residual, data minus mixture, and the gradient of the sum of its squares.

use super::cells::Cells;
use super::evaluate::{Bump, add, bump};
use super::member::{Member, Profile};
use super::parameters::{Bell, Quadratic};
use super::plane::{Plane, Tile, Window};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// Part of the data's peak below which a component counts as zero, far below the error of any fit.
pub(super) const UNSEEN: f64 = 1e-11;

/// Residual, data minus mixture, row by row; the padding is zero.
pub(super) fn residual(cells: &Cells, members: &[Member], profile: Profile) -> Vec<Lanes> {
    let volume = cells.scaling.cell_volume();
    let negative = |member: &Member| {
        let bump = bump(member, profile, volume, |_| UNSEEN)?;
        Some(Bump { peak: -bump.peak, ..bump })
    };
    let bumps: Vec<Bump> = members.iter().filter_map(negative).collect();
    let mut values = cells.values.clone();
    add(&cells.lattice(), &bumps, profile, &mut values);
    let (chunks, nz) = (cells.z.len(), cells.axes[2].len());
    for row in values.chunks_exact_mut(chunks) {
        row.as_flattened_mut()[nz..].fill(0.0);
    }
    values
}

/// The members that reach at least this part of the data's peak in some cell.
pub(super) fn visible(cells: &Cells, mut members: Vec<Member>, profile: Profile, part: f64) -> Vec<Member> {
    let volume = cells.scaling.cell_volume();
    members.retain(|member| {
        let Some(bump) = bump(member, profile, volume, |_| part * cells.peak) else { return false };
        // The cell nearest to the mean decides most cases; all cells are evaluated only for the others.
        let nearest = nalgebra::Vector3::from_fn(|i, _| {
            let ends = (cells.axes[i][0], cells.axes[i][cells.axes[i].len() - 1]);
            member.mean[i].clamp(ends.0, ends.1)
        });
        let q = (bump.ellipsoid.whitening * (nearest - member.mean)).norm_squared();
        if q < 0.5 * bump.reach {
            return true;
        }
        let mut values = vec![[0.0; LANES]; cells.values.len()];
        add(&cells.lattice(), &[bump], profile, &mut values);
        values.as_flattened().iter().any(|&g| g >= part * cells.peak)
    });
    members
}

pub(super) fn sum_of_squares(values: &[Lanes]) -> f64 {
    struct Squares<'a>(&'a [Lanes]);
    impl Vectorisable for Squares<'_> {
        type Output = f64;

        #[inline(always)]
        fn run<I: Instructions>(self, i: I) -> f64 {
            let mut sum = Vector::splat(i, 0.0);
            for values in self.0 {
                let values = Vector::load(i, values);
                sum += values * values;
            }
            sum.sum()
        }
    }
    vectorised(Squares(values))
}

/// Sum of squares, and its gradient, at one place of the search.
#[derive(Debug, Clone)]
pub(super) struct Misfit {
    /// Σ r², r mixture minus data.
    pub squares: f64,
    /// Sums Σ r h monomials(v − mean) of each component, h its bare function.
    pub gradient: Vec<Quadratic>,
}

impl Misfit {
    /// Components count as zero below `least`.
    pub fn new(cells: &Cells, bells: &[Bell], profile: Profile, least: f64) -> Self {
        let reach: Vec<f64> = bells.iter().map(|bell| profile.reach(bell.peak, least)).collect();
        vectorised(Pass { cells, bells, profile, reach })
    }
}

struct Pass<'a> {
    cells: &'a Cells,
    bells: &'a [Bell],
    profile: Profile,
    reach: Vec<f64>,
}

impl Vectorisable for Pass<'_> {
    type Output = Misfit;

    /// Evaluates the components on one tile at a time: first for the residual, then, from the stored values, for the
    /// gradient, which needs the residual of all of them.
    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Misfit {
        let Self { cells, bells, profile, reach } = self;
        let (lattice, nz) = (cells.lattice(), cells.axes[2].len());
        let (lines, chunks) = (lattice.y.len(), lattice.z.len());
        let tail = profile.tail();
        let mut squares = Vector::splat(i, 0.0);
        let mut gradient = vec![[0.0; 10]; bells.len()];
        let tiles = Tile::all(cells, bells.len() + 1);
        let Some(first) = tiles.first() else { return Misfit { squares: 0.0, gradient } };
        let (mut functions, mut residual) = (Plane::new(first, bells.len()), Plane::new(first, 1));
        let planes = cells.values.chunks_exact(lines * chunks);
        for (&x, data) in lattice.x.iter().zip(planes) {
            for tile in &tiles {
                functions.begin(tile);
                residual.begin(tile);
                for line in tile.lines.clone() {
                    residual.reserve(0, line, &tile.columns);
                    for (column, data) in tile.columns.clone().zip(&data[line * chunks..][tile.columns.clone()]) {
                        (-Vector::load(i, data)).store(residual.at(0, line, column));
                    }
                }
                for (k, (bell, &reach)) in bells.iter().zip(&reach).enumerate() {
                    functions.fill(i, cells, x, (k, &bell.ellipsoid, reach), profile, |line, column, q, slope| {
                        let bare = tail.map_or(slope, |tail| slope * (q * (1.0 / tail) + 1.0));
                        let r = residual.at(0, line, column);
                        (Vector::load(i, r) + bare * bell.peak).store(r);
                    });
                }
                for column in tile.columns.clone() {
                    for r in residual.column_mut(0, column) {
                        if (column + 1) * LANES > nz {
                            r[nz - column * LANES..].fill(0.0);
                        }
                        let r = Vector::load(i, r);
                        squares += r * r;
                    }
                }
                for (k, (bell, gradient)) in bells.iter().zip(&mut gradient).enumerate() {
                    if functions.is_empty(k) {
                        continue;
                    }
                    let window = Window::new(&bell.mean, &nalgebra::Vector3::repeat(f64::INFINITY));
                    let [[s, sz, szz], [sy, syz, _], [syy, ..]] =
                        functions.moments::<I, 3>(i, cells, k, (&residual, 0), &window);
                    let dx = x - bell.mean[0];
                    let terms = [s, dx * s, sy, sz, dx * dx * s, dx * sy, dx * sz, syy, syz, szz];
                    gradient.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                }
            }
        }
        Misfit { squares: squares.sum(), gradient }
    }
}
