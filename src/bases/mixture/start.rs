//! Starts of the search for the components.

use nalgebra::{Matrix3, SymmetricEigen, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cells::Cells;
use super::covariance::Structure;
use super::member::Member;
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// Rounds of assignment after the centres are drawn. Few are enough, because EM refines the clusters.
const ROUNDS: usize = 5;
/// Ratio of squared distances below which a cell changes to another centre. On a lattice many cells are equally far
/// from two centres; without the margin, rounding errors, which depend on the units of the axes, would decide.
const NEARER: f64 = 1.0 - 1e-9;

/// Weighted k-means: centres drawn by the squared distance from those before (k-means++, Arthur and Vassilvitskii 2007)
/// times the weight, then moved to the means of the cells nearest to them. Distances are in thermal speeds of the data
/// along each axis.
pub(super) fn k_means(cells: &Cells, components: usize, seed: u64, structure: &Structure) -> Vec<Member> {
    let scale = inverse_widths(cells, structure);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut centres: Vec<Vector3<f64>> = Vec::with_capacity(components);
    let mut nearest = Nearest::new(cells);
    for _ in 0..components.min(cells.positive) {
        let Some(cell) = nearest.draw(cells, rng.random()) else { break };
        let centre = cell_centre(cells, cell);
        if centres.is_empty() {
            nearest.forget();
        }
        vectorised(Approach { cells, nearest: &mut nearest, centre, scale, index: centres.len() });
        centres.push(centre);
    }
    settled(cells, centres, scale, structure)
}

/// Inverse thermal speeds of the data along each axis.
fn inverse_widths(cells: &Cells, structure: &Structure) -> Vector3<f64> {
    Vector3::from_fn(|i, _| 1.0 / cells.covariance[(i, i)].sqrt().max(structure.narrowest[i]))
}

/// Clusters of the cells nearest to each centre, after the centres have moved to the means of their cells (Lloyd).
fn settled(cells: &Cells, mut centres: Vec<Vector3<f64>>, scale: Vector3<f64>, structure: &Structure) -> Vec<Member> {
    let mut nearest = Nearest::new(cells);
    let mut members = Vec::new();
    for _ in 0..=ROUNDS {
        nearest.forget();
        for (index, &centre) in centres.iter().enumerate() {
            vectorised(Approach { cells, nearest: &mut nearest, centre, scale, index });
        }
        members = clusters(cells, &nearest, &centres);
        for (centre, member) in centres.iter_mut().zip(&members) {
            if member.mass > 0.0 {
                *centre = member.mean;
            }
        }
    }
    members.retain(|member| member.mass > 0.0);
    structure.constrain(&mut members);
    members
}

/// Centres by linfa's k-means, refined as in [`k_means`]. Since linfa takes no weights, it works on points drawn at
/// equal steps of the running sum of the density, from an offset by the seed.
#[cfg(feature = "linfa")]
pub(super) fn linfa(cells: &Cells, components: usize, seed: u64, structure: &Structure) -> Vec<Member> {
    use linfa::prelude::{DatasetBase, Fit};
    use linfa_clustering::KMeans;
    use ndarray016::Array2;

    /// Points drawn: enough for clusters of 1% of the mass to have a hundred.
    const POINTS: usize = 10_000;
    let scale = inverse_widths(cells, structure);
    let step = cells.mass / POINTS as f64;
    let mut next = step * ChaCha8Rng::seed_from_u64(seed).random::<f64>();
    let mut points = Vec::with_capacity(3 * POINTS);
    let mut sum = 0.0;
    for row in 0..cells.rows() {
        let start = cells.row(row).1;
        for chunk in cells.occupied[row].clone() {
            for lane in 0..LANES {
                sum += cells.values[start + chunk][lane];
                let point = cell_centre(cells, (row, chunk, lane)).component_mul(&scale);
                while next < sum && points.len() < 3 * POINTS {
                    points.extend(point.iter());
                    next += step;
                }
            }
        }
    }
    let count = points.len() / 3;
    let found = Array2::from_shape_vec((count, 3), points).ok().and_then(|points| {
        let clusters = components.min(cells.positive).min(count);
        KMeans::params(clusters).n_runs(1).max_n_iterations(100).tolerance(1e-3).fit(&DatasetBase::from(points)).ok()
    });
    // linfa accepts all such data; if it ever refuses, the weighted k-means replaces it.
    let Some(found) = found else { return k_means(cells, components, seed, structure) };
    let centre = |c: ndarray016::ArrayView1<'_, f64>| Vector3::new(c[0], c[1], c[2]).component_div(&scale);
    settled(cells, found.centroids().rows().into_iter().map(centre).collect(), scale, structure)
}

/// Components by repeated splitting of one with the data's moments: the one with the largest mass times variance along
/// its longest axis is split into halves at ± 0.8 standard deviations along it, which together have its moments (the
/// variance of each is 1 − 0.8² of the whole). Variances and axes are measured in cells, so that the longest axis does
/// not depend on the units of the axes.
pub(super) fn moment_split(cells: &Cells, components: usize, structure: &Structure) -> Vec<Member> {
    /// Distance of each half from the mean, in standard deviations.
    const HALF_DISTANCE: f64 = 0.8;
    let spacing = cells.scaling.spacing;
    let mut members = whole(cells, structure);
    while members.len() < components.min(cells.positive) {
        let in_cells = |covariance: &Matrix3<f64>| covariance.component_div(&(spacing * spacing.transpose()));
        let spread = |member: &Member| member.mass * in_cells(&member.covariance).symmetric_eigenvalues().max();
        let widest = (0..members.len()).max_by(|&a, &b| spread(&members[a]).total_cmp(&spread(&members[b])));
        let Some(widest) = widest else { break };
        let Member { mass, mean, covariance } = members.swap_remove(widest);
        let eigen = SymmetricEigen::new(in_cells(&covariance));
        let longest = eigen.eigenvalues.imax();
        let along = eigen.eigenvectors.column(longest) * (HALF_DISTANCE * eigen.eigenvalues[longest].max(0.0).sqrt());
        let along = along.component_mul(&spacing);
        let narrowed = covariance - along * along.transpose();
        for side in [1.0, -1.0] {
            members.push(Member { mass: 0.5 * mass, mean: mean + along * side, covariance: narrowed });
        }
    }
    structure.constrain(&mut members);
    members
}

/// A single component with the mass, mean and covariance of the data.
pub(super) fn whole(cells: &Cells, structure: &Structure) -> Vec<Member> {
    let mut members = vec![Member { mass: cells.mass, mean: cells.mean, covariance: cells.covariance }];
    structure.constrain(&mut members);
    members
}

fn cell_centre(cells: &Cells, (row, chunk, lane): (usize, usize, usize)) -> Vector3<f64> {
    let ([x, y], _) = cells.row(row);
    Vector3::new(x, y, cells.z[chunk][lane])
}

/// Squared distance to the nearest centre, and its index, for every cell.
struct Nearest {
    distance: Vec<Lanes>,
    centre: Vec<Lanes>,
}

impl Nearest {
    fn new(cells: &Cells) -> Self {
        // Equal distances before there is a centre: the first one is drawn by the weight alone.
        Self { distance: vec![[1.0; LANES]; cells.values.len()], centre: vec![[-1.0; LANES]; cells.values.len()] }
    }

    fn forget(&mut self) {
        self.distance.fill([f64::MAX; LANES]);
    }

    /// The cell at which the running sum of weight times distance reaches a fraction of the whole.
    fn draw(&self, cells: &Cells, fraction: f64) -> Option<(usize, usize, usize)> {
        let chunks = cells.z.len();
        let in_row = |row: usize| -> f64 {
            let cells_of = |k: usize| cells.values[k].iter().zip(&self.distance[k]).map(|(f, d)| f * d).sum::<f64>();
            (row * chunks..(row + 1) * chunks).map(cells_of).sum()
        };
        let rows: Vec<f64> = (0..cells.rows()).map(in_row).collect();
        let total: f64 = rows.iter().sum();
        if total <= 0.0 {
            return None;
        }
        // Inverse of the cumulative sum: rows are skipped as a whole before the cells of one row are added.
        let mut left = fraction * total;
        let mut found = None;
        for (row, sum) in rows.into_iter().enumerate() {
            if sum > 0.0 && left > sum {
                left -= sum;
                continue;
            }
            for chunk in 0..chunks {
                for lane in 0..LANES {
                    let weight = cells.values[row * chunks + chunk][lane] * self.distance[row * chunks + chunk][lane];
                    if weight > 0.0 {
                        found = Some((row, chunk, lane));
                        left -= weight;
                        if left <= 0.0 {
                            return found;
                        }
                    }
                }
            }
        }
        found
    }
}

/// Assigns the cells that are nearest to one more centre to it.
struct Approach<'a> {
    cells: &'a Cells,
    nearest: &'a mut Nearest,
    centre: Vector3<f64>,
    scale: Vector3<f64>,
    index: usize,
}

impl Vectorisable for Approach<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) {
        let Self { cells, nearest, centre, scale, index } = self;
        let index = Vector::splat(i, index as f64);
        for row in 0..cells.rows() {
            let ([x, y], start) = cells.row(row);
            let across = ((x - centre[0]) * scale[0]).powi(2) + ((y - centre[1]) * scale[1]).powi(2);
            let range = cells.occupied[row].clone();
            let distances = &mut nearest.distance[start..][range.clone()];
            let owners = &mut nearest.centre[start..][range.clone()];
            for ((distance, owner), z) in distances.iter_mut().zip(owners).zip(&cells.z[range]) {
                let d = (Vector::load(i, z) - centre[2]) * scale[2];
                let (new, old) = (d * d + across, Vector::load(i, distance));
                index.where_below(new, old * NEARER, Vector::load(i, owner)).store(owner);
                new.smaller(old).store(distance);
            }
        }
    }
}

/// Mass, mean and covariance of the cells nearest to each centre; zero mass for a centre without cells.
fn clusters(cells: &Cells, nearest: &Nearest, centres: &[Vector3<f64>]) -> Vec<Member> {
    let mut sums = vec![[0.0; 10]; centres.len()];
    for row in 0..cells.rows() {
        let ([x, y], start) = cells.row(row);
        for chunk in cells.occupied[row].clone() {
            for lane in 0..LANES {
                let f = cells.values[start + chunk][lane];
                let owner = nearest.centre[start + chunk][lane] as usize;
                if f > 0.0
                    && let Some(centre) = centres.get(owner)
                {
                    let d = [x - centre[0], y - centre[1], cells.z[chunk][lane] - centre[2]];
                    let g = d.map(|d| d * f);
                    let terms = [
                        f,
                        g[0],
                        g[1],
                        g[2],
                        g[0] * d[0],
                        g[0] * d[1],
                        g[0] * d[2],
                        g[1] * d[1],
                        g[1] * d[2],
                        g[2] * d[2],
                    ];
                    for (sum, term) in sums[owner].iter_mut().zip(terms) {
                        *sum += term;
                    }
                }
            }
        }
    }
    let member = |(s, centre): (&[f64; 10], &Vector3<f64>)| {
        let mass = s[0];
        if mass == 0.0 {
            return Member { mass, mean: *centre, covariance: Matrix3::zeros() };
        }
        let shift = Vector3::new(s[1], s[2], s[3]) / mass;
        let second = Matrix3::new(s[4], s[5], s[6], s[5], s[7], s[8], s[6], s[8], s[9]) / mass;
        Member { mass, mean: centre + shift, covariance: second - shift * shift.transpose() }
    };
    sums.iter().zip(centres).map(member).collect()
}
