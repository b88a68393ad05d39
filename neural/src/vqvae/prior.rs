//! Expected frequencies of indices, learnt with the codebooks, and the price of an index in bits.

use super::codebook::Codebook;

/// Contexts of the decision whether an index is zero: the number of the three neighbours before along the axes whose
/// index of the same stage is not zero, and whether the site's index of the stage before is.
pub(crate) const CONTEXTS: usize = 8;

/// Probabilities of both decisions about an index in each stage, as parts of 2¹⁶.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prior {
    /// That an index is not zero, for each stage and context.
    pub used: Vec<u16>,
    /// That the next binary digit of an index is 1, for each stage and node of the tree of digits: node 1 is that of the
    /// highest digit, and nodes 2 n and 2 n + 1 follow n.
    pub digits: Vec<u16>,
}

/// The neighbourhood of a site on a grid in C order.
pub(crate) fn context(indices: &[u16], stages: usize, [_, ny, nz]: [usize; 3], site: usize, stage: usize) -> usize {
    let (x, y, z) = (site / (ny * nz), site / nz % ny, site % nz);
    let used = |inside: bool, distance: usize| {
        usize::from(inside && indices[(site.wrapping_sub(distance)) * stages + stage] > 0)
    };
    let neighbours = used(x > 0, ny * nz) + used(y > 0, nz) + used(z > 0, 1);
    let before = stage == 0 || indices[site * stages + stage - 1] > 0;
    2 * neighbours + usize::from(before)
}

/// Visits the nodes of the tree of digits on the way to a code, with the digit at each.
pub(crate) fn path(code: usize, codes: usize) -> impl Iterator<Item = (usize, bool)> {
    let digits = codes.trailing_zeros();
    (0..digits).rev().map(move |place| ((codes + code) >> (place + 1), code >> place & 1 == 1))
}

/// A probability from counts, by the estimator of Krichevsky and Trofimov.
fn probability([no, yes]: [u32; 2]) -> u16 {
    let part = (f64::from(yes) + 0.5) / (f64::from(no) + f64::from(yes) + 1.0);
    (part * 65536.0).clamp(64.0, 65472.0) as u16
}

impl Prior {
    /// Equal probabilities.
    pub fn even(codebook: &Codebook) -> Self {
        let stages = codebook.stages();
        Self { used: vec![1 << 15; stages * CONTEXTS], digits: vec![1 << 15; stages * codebook.codes] }
    }

    /// The frequencies of indices of some distributions.
    pub fn of(codebook: &Codebook, shape: [usize; 3], population: &[Vec<u16>]) -> Self {
        let (stages, codes) = (codebook.stages(), codebook.codes);
        let mut used = vec![[0; 2]; stages * CONTEXTS];
        let mut digits = vec![[0; 2]; stages * codes];
        for indices in population {
            for (place, index) in indices.iter().enumerate() {
                let (site, stage) = (place / stages, place % stages);
                let context = context(indices, stages, shape, site, stage);
                used[stage * CONTEXTS + context][usize::from(*index > 0)] += 1;
                if *index > 0 {
                    for (node, digit) in path(usize::from(*index) - 1, codes) {
                        digits[stage * codes + node][usize::from(digit)] += 1;
                    }
                }
            }
        }
        let all = |counts: Vec<[u32; 2]>| counts.into_iter().map(probability).collect();
        Self { used: all(used), digits: all(digits) }
    }

    /// Bits of the codes of each stage, without the decision that they are used.
    pub fn prices(&self, codes: usize) -> Vec<f32> {
        let stage = |digits: &[u16]| -> Vec<f32> {
            (0..codes).map(|code| path(code, codes).map(|(node, digit)| bits(digits[node], digit)).sum()).collect()
        };
        self.digits.chunks_exact(codes).flat_map(stage).collect()
    }
}

/// Bits of a decision whose probability of yes is so many parts of 2¹⁶.
pub(crate) fn bits(probability: u16, yes: bool) -> f32 {
    let part = f32::from(probability) / 65536.0;
    -(if yes { part } else { 1.0 - part }).log2()
}
