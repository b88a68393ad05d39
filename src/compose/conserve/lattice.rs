//! Moments as points of a lattice, of which a stream holds what is not known from what has been decoded already.
//!
//! The lattice lies in ln n; in ln p, p = tr P/3, and the five numbers of the traceless rest of P over √3 p; and in u over
//! v_th = √(p/n) (and q over n v_th³): one that depends on nothing but the moments themselves, so that what has been
//! rounded once is not changed when it is encoded again, however often. It is as wide as lets no point be farther than
//! [`TOLERANCE`] from the next in n, in u and in the Frobenius norm of P, each relative to its own.
//!
//! P's six numbers are all whole or all halves, and so are u's three: no lattice of cubes has so few points that lie as
//! near (Conway and Sloane 1999, Sphere Packings, Lattices and Groups, chapter 2: D₆*, D₃*).

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::correction::{MOMENTS, WITH_HEAT_FLUX};
use crate::coding::{Bit, Coder, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::error::Result;

/// Moments of values on a grid: n, u, the six P_ij and the heat flux, in units of the grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures(pub(super) [f64; WITH_HEAT_FLUX]);

impl Figures {
    pub(super) fn of(grid: &VelocityGrid, values: &[f64]) -> Self {
        let Moments { density, bulk_velocity: u, pressure: p, heat_flux: q } = Moments::of(grid, values, |f| f);
        let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = p;
        Self([density, u[0], u[1], u[2], xx, xy, xz, yy, yz, zz, q[0], q[1], q[2]])
    }

    pub(super) fn density(&self) -> f64 {
        self.0[0]
    }

    /// tr P/3, with [`NARROWEST`].
    fn mean_pressure(&self, grid: &VelocityGrid) -> f64 {
        (self.0[4] + self.0[7] + self.0[9]) / 3.0 + self.density() * narrowest(grid)
    }

    /// Whether density, velocity and pressure are those of others to 10⁻¹², each in what the lattice measures it by, but for
    /// what sums over the cells round away.
    pub(super) fn agree(&self, other: &Self, grid: &VelocityGrid) -> bool {
        const MOST: f64 = 1.1e-12;
        let off = |k: usize| self.0[k] - other.0[k];
        let square = |k: usize| off(k) * off(k);
        let velocity: f64 = (1..4).map(square).sum();
        let pressure: f64 = (4..10).map(|k| if [4, 7, 9].contains(&k) { square(k) } else { 2.0 * square(k) }).sum();
        // Written so that NaN does not.
        off(0).abs() <= MOST * other.density()
            && velocity.sqrt() <= MOST * other.width(grid)
            && pressure.sqrt() <= MOST * 3f64.sqrt() * other.mean_pressure(grid)
    }

    /// v_th, likewise.
    pub(super) fn width(&self, grid: &VelocityGrid) -> f64 {
        (self.mean_pressure(grid) / self.density()).sqrt()
    }
}

/// Largest error: 10⁻¹², less what a search for a density with these moments leaves over.
const TOLERANCE: f64 = 0.98e-12;
/// This part of the narrowest cell, squared, is added to v_th²: a distribution may have no width.
const NARROWEST: f64 = 1.0 / 16.0;
/// Widths of the lattices of which no point is farther away than one: of whole numbers, and of three and six that are all
/// whole or all halves.
const ONE: f64 = 2.0;
const THREE: f64 = 1.788_854_381_999_831_7;
const SIX: f64 = 1.154_700_538_379_251_5;
/// A reader whose arithmetic differs in the last bit may find numbers that are off by so much.
const UNSURE: i64 = 2;
/// Digits that are written as they are: how many there may be, and how many most streams have.
const PLACES: std::ops::RangeInclusive<u32> = 4..=58;
const USUAL: std::ops::Range<u32> = 24..40;
/// So many more has p: what decoding loses is faint and far from the middle, and p feels it most.
const MORE_OF_PRESSURE: u32 = 2;
/// Most of what lies above them.
const MOST_HIGH: i64 = 1 << 12;

/// Coordinates in their order: those of a group are all whole or all halves, those after the first two depend on these.
const GROUPS: [std::ops::Range<usize>; 4] = [DENSITY..1, PRESSURE..7, VELOCITY..MOMENTS, MOMENTS..WITH_HEAT_FLUX];
const DENSITY: usize = 0;
const PRESSURE: usize = 1;
const VELOCITY: usize = 7;

/// What is added to v_th².
fn narrowest(grid: &VelocityGrid) -> f64 {
    (grid.spacing().into_iter().fold(f64::INFINITY, f64::min) * NARROWEST).powi(2)
}

/// The numbers, and whether those of each group are halves.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point<'a> {
    grid: &'a VelocityGrid,
    halves: [bool; GROUPS.len()],
    whole: [i64; WITH_HEAT_FLUX],
}

impl<'a> Point<'a> {
    fn origin(grid: &'a VelocityGrid) -> Self {
        Self { grid, halves: [false; GROUPS.len()], whole: [0; WITH_HEAT_FLUX] }
    }

    /// The point nearest to these moments; none where there is no positive density and pressure.
    fn nearest(grid: &'a VelocityGrid, wanted: &Figures, heat_flux: bool) -> Option<Self> {
        let mut point = Self::origin(grid);
        for (group, members) in GROUPS.iter().enumerate().take(groups(heat_flux)) {
            let rounded = |halves: bool| {
                let mut point = point;
                point.halves[group] = halves;
                let mut distance = 0.0;
                for k in members.clone() {
                    let x = point.coordinate(k, wanted)?;
                    point.whole[k] = point.rounded(k, x);
                    distance += (x - point.at(k)).powi(2);
                }
                Some((distance, point))
            };
            let (distance, whole) = rounded(false)?;
            point = match rounded(group != 0) {
                Some((less, halves)) if less < distance => halves,
                _ => whole,
            };
        }
        Some(point)
    }

    /// The number of a coordinate.
    fn rounded(&self, k: usize, x: f64) -> i64 {
        (x - self.half(k)).round() as i64
    }

    fn half(&self, k: usize) -> f64 {
        let group = GROUPS.iter().position(|group| group.contains(&k)).unwrap_or(0);
        if self.halves[group] { 0.5 } else { 0.0 }
    }

    fn at(&self, k: usize) -> f64 {
        self.whole[k] as f64 + self.half(k)
    }

    fn density(&self) -> f64 {
        (self.at(DENSITY) * ONE * TOLERANCE).exp()
    }

    /// tr P/3, with [`NARROWEST`].
    fn pressure(&self) -> f64 {
        (self.at(PRESSURE) * SIX * TOLERANCE).exp()
    }

    fn width(&self) -> f64 {
        (self.pressure() / self.density()).sqrt()
    }

    /// Where moments lie along a coordinate, those before it being known; none beyond all reason.
    fn coordinate(&self, k: usize, moments: &Figures) -> Option<f64> {
        let [n, ux, uy, uz, xx, xy, xz, yy, yz, zz, qx, qy, qz] = moments.0;
        let traceless =
            [FRAC_1_SQRT_2 * (xx - yy), (xx + yy - 2.0 * zz) / 6f64.sqrt(), SQRT_2 * xy, SQRT_2 * xz, SQRT_2 * yz];
        let x = match k {
            DENSITY => n.ln() / ONE,
            PRESSURE => ((xx + yy + zz) / 3.0 + self.density() * narrowest(self.grid)).ln() / SIX,
            k if k < VELOCITY => traceless[k - PRESSURE - 1] / (3f64.sqrt() * self.pressure()) / SIX,
            k if k < MOMENTS => [ux, uy, uz][k - VELOCITY] / self.width() / THREE,
            _ => [qx, qy, qz][k - MOMENTS] / self.density() / self.width().powi(3) / THREE,
        };
        Some(x / TOLERANCE).filter(|x| x.abs() < (1_u64 << 60) as f64)
    }

    fn moments(&self) -> Figures {
        let (n, p, v) = (self.density(), self.pressure(), self.width());
        let mean = p - n * narrowest(self.grid);
        let [a, b, xy, xz, yz] = std::array::from_fn(|k| self.at(PRESSURE + 1 + k) * SIX * TOLERANCE * 3f64.sqrt() * p);
        let (a, b) = (FRAC_1_SQRT_2 * a, b / 6f64.sqrt());
        let [xy, xz, yz] = [xy, xz, yz].map(|x| FRAC_1_SQRT_2 * x);
        let [ux, uy, uz] = std::array::from_fn(|k| self.at(VELOCITY + k) * THREE * TOLERANCE * v);
        let [qx, qy, qz] = std::array::from_fn(|k| self.at(MOMENTS + k) * THREE * TOLERANCE * n * v.powi(3));
        let mut moments = [n, ux, uy, uz, mean + a + b, xy, xz, mean - a + b, yz, mean - 2.0 * b, qx, qy, qz];
        // Along an axis of one cell there is nothing, and nothing can be made.
        let along = [[1, 4, 5, 6, 10], [2, 5, 7, 8, 11], [3, 6, 8, 9, 12]];
        for (_, along) in self.grid.shape().iter().zip(along).filter(|(cells, _)| **cells == 1) {
            along.into_iter().for_each(|k| moments[k] = 0.0);
        }
        Figures(moments)
    }

    /// The number that what was found makes expect: as much pressure for the density wanted as what was found has for its
    /// own, and a tensor, and a flux, of the same shape.
    fn expected(&self, k: usize, found: &Figures) -> Option<i64> {
        let mut near = found.clone();
        if k != DENSITY {
            let density = self.density() / found.density();
            let ratio = if k == PRESSURE { density } else { self.pressure() / found.mean_pressure(self.grid) };
            near.0[4..].iter_mut().for_each(|moment| *moment *= ratio);
        }
        self.coordinate(k, &near).map(|x| self.rounded(k, x))
    }
}

/// What a stream holds of one number: by how many halvings it has fewer digits than others, these, and how many times
/// what they leave open lies between what is expected and the number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Digits {
    halvings: u32,
    low: u64,
    high: i64,
}

impl Digits {
    /// None where a reader that is unsure might find another number.
    fn new(number: i64, expected: i64, places: u32) -> Option<Self> {
        let far = number.abs_diff(expected);
        let enough = |places: u32| PLACES.contains(&places) && far + (UNSURE as u64) < 1 << (places - 1);
        let halvings = (0..).take_while(|&k| enough(places >> (k + 1))).count() as u32;
        let low = number as u64 & low_bits(places >> halvings);
        if halvings > 0 {
            return Some(Self { halvings, low, high: 0 });
        }
        let near = nearest(low, places, expected);
        let sure = [-UNSURE, UNSURE].iter().all(|unsure| nearest(low, places, expected + unsure) == near);
        let high = (number - near) >> places;
        (sure && high.abs() <= MOST_HIGH).then_some(Self { halvings, low, high })
    }

    fn number(self, expected: i64, places: u32) -> i64 {
        nearest(self.low, places >> self.halvings, expected).wrapping_add(self.high << places)
    }
}

/// Models of the digits. What they begin with is about how the moments of decoded distributions are off.
struct Models {
    halved: Bit,
    none_above: Bit,
    longer: [Bit; 16],
}

impl Models {
    fn new() -> Self {
        Self {
            halved: Bit::expected(1 << 12, 4),
            none_above: Bit::expected(1 << 15, 4),
            longer: [Bit::expected(19_661, 2); 16],
        }
    }

    fn code(&mut self, given: Option<&Digits>, places: u32, coder: &mut Coder<'_>) -> Result<Digits> {
        let mut digits = given.copied().unwrap_or(Digits { halvings: 0, low: 0, high: 0 });
        let mut halvings = 0;
        while PLACES.contains(&(places >> (halvings + 1))) && coder.bit(&mut self.halved, halvings < digits.halvings) {
            halvings += 1;
        }
        digits.halvings = halvings;
        digits.low = coder.bits(digits.low, places >> halvings);
        if halvings > 0 || coder.bit(&mut self.none_above, digits.high == 0) {
            digits.high = 0;
            return Ok(digits);
        }
        let negative = coder.bits(u64::from(digits.high < 0), 1) == 1;
        let size = digits.high.unsigned_abs();
        let mut below = 0;
        while coder.bit(&mut self.longer[below as usize], size >> (below + 1) > 0) {
            below += 1;
            if 1 << below > MOST_HIGH {
                return Err(malformed("moments that have nothing in common with what is decoded"));
            }
        }
        let size = (1 << below | coder.bits(size & low_bits(below), below)) as i64;
        digits.high = if negative { -size } else { size };
        Ok(digits)
    }
}

/// The moments, as a reader needs them who knows those of what has been decoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Residues {
    halves: [bool; GROUPS.len()],
    places: u32,
    digits: Vec<Digits>,
}

impl Residues {
    /// Tells the moments wanted from all others; none where those found have hardly anything in common with them.
    pub(super) fn new(grid: &VelocityGrid, wanted: &Figures, found: &Figures, heat_flux: bool) -> Option<Self> {
        let point = Point::nearest(grid, wanted, heat_flux)?;
        let count = count(heat_flux);
        let expected = (0..count).map(|k| point.expected(k, found)).collect::<Option<Vec<_>>>()?;
        let lengths = expected.iter().zip(point.whole).map(|(e, n)| u64::BITS - n.abs_diff(*e).leading_zeros());
        let mut places: Vec<u32> = lengths.flat_map(|length| [length, length + 1, length + 2]).collect();
        places.extend(PLACES.rev().take(1).chain(PLACES.take(1)));
        places.sort_unstable();
        places.dedup();
        let all = |places: u32| {
            let digits = |k: usize| Digits::new(point.whole[k], expected[k], places_of(k, places));
            let digits = (0..count).map(digits).collect::<Option<_>>()?;
            Some(Self { halves: point.halves, places, digits })
        };
        let possible = places.into_iter().filter(|places| PLACES.contains(places)).filter_map(all);
        possible.min_by_key(|residues| residues.cost(heat_flux))
    }

    /// Bytes that several of them take one after another: of one, in parts of a byte.
    fn cost(&self, heat_flux: bool) -> usize {
        let mut coder = Coder::writing();
        for _ in 0..8 {
            if Self::code(Some(self), heat_flux, &mut coder).is_err() {
                return usize::MAX;
            }
        }
        coder.len()
    }

    /// The moments, given those found; none where there is no positive density.
    pub(super) fn wanted(&self, grid: &VelocityGrid, found: &Figures, heat_flux: bool) -> Option<Figures> {
        let mut point = Point { halves: self.halves, ..Point::origin(grid) };
        for k in 0..count(heat_flux) {
            point.whole[k] = self.digits.get(k)?.number(point.expected(k, found)?, places_of(k, self.places));
        }
        let moments = point.moments();
        moments.0.iter().all(|moment| moment.is_finite()).then_some(moments)
    }

    /// How many whole numbers there are.
    pub(super) fn len(heat_flux: bool) -> usize {
        groups(heat_flux) + 3 * count(heat_flux)
    }

    pub(super) fn code(given: Option<&Self>, heat_flux: bool, coder: &mut Coder<'_>) -> Result<Self> {
        let places = given.map_or(0, |given| given.places);
        let places = match coder.bit(&mut Bit::expected(59_000, 0), USUAL.contains(&places)) {
            true => USUAL.start + coder.bits(u64::from(places.wrapping_sub(USUAL.start)), USUAL.len().ilog2()) as u32,
            false => coder.bits(u64::from(places), 6) as u32,
        };
        if !PLACES.contains(&places) {
            return Err(malformed(format!("moments of which {places} binary digits are written")));
        }
        let mut halves = given.map_or([false; GROUPS.len()], |given| given.halves);
        for halves in &mut halves[1..groups(heat_flux)] {
            *halves = coder.bits(u64::from(*halves), 1) == 1;
        }
        let mut models = Models::new();
        let digits = |k: usize| models.code(given.and_then(|given| given.digits.get(k)), places_of(k, places), coder);
        Ok(Self { halves, places, digits: (0..count(heat_flux)).map(digits).collect::<Result<_>>()? })
    }
}

/// How many digits of a number are written as they are.
fn places_of(k: usize, places: u32) -> u32 {
    if k == PRESSURE { places + MORE_OF_PRESSURE } else { places }
}

fn count(heat_flux: bool) -> usize {
    if heat_flux { WITH_HEAT_FLUX } else { MOMENTS }
}

fn groups(heat_flux: bool) -> usize {
    if heat_flux { GROUPS.len() } else { GROUPS.len() - 1 }
}

fn low_bits(digits: u32) -> u64 {
    (1 << digits) - 1
}

/// The whole number with these last digits that is nearest to another.
fn nearest(low: u64, digits: u32, near: i64) -> i64 {
    let above = low.wrapping_sub(near as u64) & low_bits(digits);
    let half = (1_u64 << digits) >> 1;
    near.wrapping_add(if above >= half.max(1) { above as i64 - (1_i64 << digits) } else { above as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_digits_give_the_number_near_another() {
        for (number, near) in [(1000, 1007), (1007, 1000), (-3, 4), (0, 0), (-1000, -1007), (1 << 40, (1 << 40) - 7)] {
            let digits = 4;
            assert_eq!(nearest(number as u64 & 15, digits, near), number);
        }
        assert_eq!(nearest(0, 0, 55), 55);
        assert_eq!((nearest(7, 3, -6), nearest(1, 3, 6)), (-9, 9));
    }

    #[test]
    fn a_reader_that_is_unsure_finds_the_same_number() {
        for (places, number) in (4..50).flat_map(|places| (0..300).map(move |k: i64| (places, k * k * k - 1_000_000))) {
            for expected in [number, number + 5, number - 1000, number + 123_456, -number] {
                let Some(digits) = Digits::new(number, expected, places) else { continue };
                for unsure in -UNSURE..=UNSURE {
                    assert_eq!(digits.number(expected + unsure, places), number, "{places} {expected} {digits:?}");
                }
            }
        }
        assert!(Digits::new(6, 1, 4).is_some() && Digits::new(8, 0, 4).is_none());
    }

    fn grid() -> VelocityGrid {
        VelocityGrid::new([20; 3], [-10.0; 3], [1.0; 3]).unwrap()
    }

    /// Errors of n, u, P and q, in parts of what each is measured by.
    fn errors(found: &Figures, wanted: &Figures) -> [f64; 4] {
        let [f, w] = [found.0, wanted.0];
        let norm = |k: std::ops::Range<usize>| k.map(|k| (f[k] - w[k]).powi(2)).sum::<f64>().sqrt();
        let frobenius = |p: [f64; 6]| {
            let [xx, xy, xz, yy, yz, zz] = p;
            (xx * xx + yy * yy + zz * zz + 2.0 * (xy * xy + xz * xz + yz * yz)).sqrt()
        };
        let v = ((w[4] + w[7] + w[9]) / 3.0 / w[0]).sqrt();
        let pressure = frobenius(std::array::from_fn(|k| f[4 + k] - w[4 + k]));
        [
            (f[0] / w[0] - 1.0).abs(),
            norm(1..4) / v,
            pressure / frobenius(std::array::from_fn(|k| w[4 + k])),
            norm(10..13) / (w[0] * v.powi(3)),
        ]
    }

    #[test]
    fn moments_come_back_as_near_as_they_must_and_stay() {
        let grid = grid();
        for k in 0..2000 {
            let noise = |j: usize| f64::sin(1.7 * k as f64 + (3 * j) as f64);
            let usual = [800.0, 0.3, -7.1, 2.2, 9e3, 1e2, -4e2, 8e3, 3.0, 1.1e4, 5e3, -1e2, 7e4];
            let wanted = Figures(std::array::from_fn(|j| usual[j] * (1.0 + 0.3 * noise(j))));
            let found = Figures(std::array::from_fn(|j| wanted.0[j] * (1.0 + 3e-3 * noise(j + 20))));
            for heat_flux in [false, true] {
                let residues = Residues::new(&grid, &wanted, &found, heat_flux).unwrap();
                let back = residues.wanted(&grid, &found, heat_flux).unwrap();
                let most = [1e-12, 1e-12, 1e-12, if heat_flux { 1e-12 } else { f64::INFINITY }];
                let errors = errors(&back, &wanted);
                assert!(errors.iter().zip(most).all(|(error, most)| *error <= most), "{errors:?}");
                // Rounded once, rounded for good, whatever is near.
                let nearby = Figures(wanted.0.map(|x| 0.98 * x));
                let again = Residues::new(&grid, &back, &nearby, heat_flux).unwrap();
                assert_eq!(again.wanted(&grid, &nearby, heat_flux).unwrap(), back);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_and_is_as_short_as_the_difference() {
        let grid = grid();
        let wanted = Figures([800.0, 0.3, -7.1, 2.2, 9e3, 1e2, -4e2, 8e3, 3.0, 1.1e4, 5e3, -1e2, 7e4]);
        for (share, most) in [(0.0, 9), (1e-9, 24), (3e-3, 44), (0.1, 50), (100.0, 70)] {
            let found = Figures(wanted.0.map(|x| (1.0 + share) * x));
            for heat_flux in [false, true] {
                let residues = Residues::new(&grid, &wanted, &found, heat_flux).unwrap();
                let mut writer = Coder::writing();
                Residues::code(Some(&residues), heat_flux, &mut writer).unwrap();
                let bytes = writer.finish();
                assert!(bytes.len() <= most * if heat_flux { 13 } else { 10 } / 10, "{share}: {}", bytes.len());
                assert_eq!(Residues::code(None, heat_flux, &mut Coder::reading(&bytes)).unwrap(), residues);
            }
        }
        assert!(Residues::new(&grid, &wanted, &Figures([0.0; WITH_HEAT_FLUX]), false).is_none());
        assert!(Residues::new(&grid, &Figures([-1.0; WITH_HEAT_FLUX]), &wanted, false).is_none());
    }
}
