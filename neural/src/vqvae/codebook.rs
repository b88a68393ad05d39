//! Codebooks: in each stage a list of vectors, of which one describes what the stages before left of a latent vector.

use rand::Rng;

/// Codebooks of several stages. In each the index 0 stands for zero and is in no list; index k is the k-th vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Codebook {
    pub dimension: usize,
    /// Vectors of a stage, without zero.
    pub codes: usize,
    /// Stage by stage, vector by vector.
    pub vectors: Vec<f32>,
}

impl Codebook {
    /// Codebooks of zeros.
    pub fn blank(dimension: usize, codes: usize, stages: usize) -> Self {
        Self { dimension, codes, vectors: vec![0.0; dimension * codes * stages] }
    }

    pub fn stages(&self) -> usize {
        self.vectors.len() / (self.dimension * self.codes)
    }

    pub fn stage(&self, stage: usize) -> &[f32] {
        let len = self.dimension * self.codes;
        &self.vectors[stage * len..][..len]
    }

    /// The index in a stage whose vector is nearest to `rest`, each distance raised by the price of the index.
    pub fn nearest(&self, stage: usize, rest: &[f32], price: impl Fn(usize) -> f32) -> usize {
        let square = |sum: f32, x: &f32| sum + x * x;
        let mut best = (0, rest.iter().fold(0.0, square) + price(0));
        for (k, vector) in self.stage(stage).chunks_exact(self.dimension).enumerate() {
            let distance: f32 = rest.iter().zip(vector).map(|(a, b)| (a - b) * (a - b)).sum();
            let cost = distance + price(k + 1);
            if cost < best.1 {
                best = (k + 1, cost);
            }
        }
        best.0
    }

    /// Takes the vector of an index away from `rest`.
    pub fn subtract(&self, stage: usize, index: usize, rest: &mut [f32]) {
        if index > 0 {
            let vector = &self.stage(stage)[(index - 1) * self.dimension..][..self.dimension];
            rest.iter_mut().zip(vector).for_each(|(rest, v)| *rest -= v);
        }
    }

    /// The latents, component by component, that indices (site by site, each with all stages) stand for.
    pub fn latents(&self, indices: &[u16]) -> Vec<f32> {
        let stages = self.stages();
        let sites = indices.len() / stages.max(1);
        let mut latents = vec![0.0; self.dimension * sites];
        for (site, indices) in indices.chunks_exact(stages.max(1)).enumerate() {
            for (stage, index) in indices.iter().enumerate().filter(|(_, index)| **index > 0) {
                let vector = &self.stage(stage)[usize::from(index - 1) * self.dimension..][..self.dimension];
                for (component, v) in vector.iter().enumerate() {
                    latents[component * sites + site] += v;
                }
            }
        }
        latents
    }
}

/// The vectors of latents that are stored component by component.
pub(crate) fn vectors_of(latents: &[f32], dimension: usize) -> Vec<f32> {
    let sites = latents.len() / dimension;
    (0..sites).flat_map(|site| (0..dimension).map(move |component| latents[component * sites + site])).collect()
}

/// Running means of the vectors that fall to each code of a stage (van den Oord et al. 2017, arXiv:1711.00937, appendix A).
#[derive(Debug, Clone)]
pub(crate) struct Averages {
    counts: Vec<f32>,
    sums: Vec<f32>,
}

/// Weight of the past in the running means.
const DECAY: f32 = 0.98;
/// Running count below which a code is unused and is put on a vector of the data.
const UNUSED: f32 = 0.02;

impl Averages {
    pub fn new(codebook: &Codebook) -> Self {
        let counts = vec![1.0; codebook.codes * codebook.stages()];
        Self { counts, sums: codebook.vectors.clone() }
    }

    /// Takes in the vectors of a batch with their stages and indices, and moves the codes to the means.
    pub fn update(&mut self, codebook: &mut Codebook, found: &[(usize, usize, Vec<f32>)], rng: &mut impl Rng) {
        let dimension = codebook.dimension;
        self.counts.iter_mut().chain(&mut self.sums).for_each(|x| *x *= DECAY);
        for (stage, index, vector) in found.iter().filter(|(_, index, _)| *index > 0) {
            let code = stage * codebook.codes + index - 1;
            self.counts[code] += 1.0 - DECAY;
            let sums = &mut self.sums[code * dimension..][..dimension];
            sums.iter_mut().zip(vector).for_each(|(sum, v)| *sum += (1.0 - DECAY) * v);
        }
        for (code, count) in self.counts.iter_mut().enumerate() {
            let sums = &mut self.sums[code * dimension..][..dimension];
            if *count < UNUSED * (1.0 - DECAY) && !found.is_empty() {
                let (stage, _, vector) = &found[rng.random_range(0..found.len())];
                if *stage == code / codebook.codes {
                    *count = 1.0 - DECAY;
                    sums.iter_mut().zip(vector).for_each(|(sum, v)| *sum = *count * v);
                }
            }
            let vector = &mut codebook.vectors[code * dimension..][..dimension];
            vector.iter_mut().zip(sums).for_each(|(v, sum)| *v = *sum / *count);
        }
    }
}

/// Vectors of one stage by k-means, beginning with vectors of the data at random.
pub(crate) fn k_means(data: &[f32], dimension: usize, codes: usize, rounds: usize, rng: &mut impl Rng) -> Vec<f32> {
    let count = data.len() / dimension;
    let pick = |rng: &mut _| -> usize { Rng::random_range(rng, 0..count) };
    let mut vectors: Vec<f32> = (0..codes).flat_map(|_| data[pick(rng) * dimension..][..dimension].to_vec()).collect();
    for _ in 0..rounds {
        let codebook = Codebook { dimension, codes, vectors };
        let nearest: Vec<usize> =
            data.chunks_exact(dimension).map(|vector| codebook.nearest(0, vector, |_| 0.0)).collect();
        let (mut counts, mut sums) = (vec![0.0_f32; codes], vec![0.0; codes * dimension]);
        for (index, vector) in nearest.iter().zip(data.chunks_exact(dimension)).filter(|(index, _)| **index > 0) {
            counts[index - 1] += 1.0;
            sums[(index - 1) * dimension..][..dimension].iter_mut().zip(vector).for_each(|(sum, v)| *sum += v);
        }
        for (count, sums) in counts.iter().zip(sums.chunks_exact_mut(dimension)) {
            match *count > 0.0 {
                true => sums.iter_mut().for_each(|sum| *sum /= count),
                false => sums.copy_from_slice(&data[pick(rng) * dimension..][..dimension]),
            }
        }
        vectors = sums;
    }
    vectors
}
