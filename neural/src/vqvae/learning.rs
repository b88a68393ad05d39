//! Learning of an autoencoder and its codebooks over a population.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::VqVaeOptions;
use super::autoencoder::{Autoencoder, without_biases};
use super::codebook::{Averages, Codebook, k_means, vectors_of};
use crate::conv::{Volume, adam, cosine};
use crate::diverged::{Diverged, MOST_ERROR};

/// A stage, its code, and the vector that it had to describe.
type Described = (usize, usize, Vec<f32>);

/// Weights of both networks, and the codebooks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Model {
    pub autoencoder: Autoencoder,
    /// The same networks for windows.
    windows: Autoencoder,
    pub encoder: Vec<f32>,
    pub decoder: Vec<f32>,
    pub codebook: Codebook,
}

/// Factor of the first weights of both last convolutions.
const FIRST_OUTPUT: f32 = 0.3;
/// Part of the iterations before there are codebooks.
const WITHOUT_CODES: f64 = 0.4;
/// Weight of the pull of the encoder's output towards its code (β of van den Oord et al. 2017).
const COMMITMENT: f32 = 0.25;
/// Binary logarithms of the range of the price of a code during learning, over the square of what the first codebooks
/// leave. Streams will hold few codes, since their bits have a price: the networks must know distributions of few and of
/// many codes (entropy-constrained vector quantisation, Chou, Lookabaugh and Gray 1989, IEEE Trans. Acoust. 37, 31).
const PRICES: [f32; 2] = [-2.0, 4.0];
/// Rounds of k-means for the first codebooks, and most vectors that they are made from.
const ROUNDS: usize = 10;
const MOST_VECTORS: usize = 10_000;
/// Windows that the vectors are taken from.
const VIEWS: usize = 200;

/// A distribution to learn from, over its largest magnitude.
pub(crate) struct Sample {
    shape: [usize; 3],
    cells: Vec<f32>,
    /// Running sums of f² and of |f| over the cells.
    sums: [Vec<f64>; 2],
}

/// A window of a sample and Σ f² in it.
struct View {
    /// Price of a code that is used, in squared distance.
    price: f32,
    target: Volume,
    square: f64,
}

/// Cells of one latent vector along an axis.
const PATCH: usize = 4;
/// Cells of a window along an axis: five latent vectors, so that one of them sees all that both networks see.
const WINDOW: usize = 5 * PATCH;

impl Sample {
    pub fn new(shape: [usize; 3], cells: Vec<f32>) -> Self {
        let sums = [|f: f64| f * f, f64::abs].map(|weight| {
            let running = |sum: &mut f64, f: &f32| {
                *sum += weight(f64::from(*f));
                Some(*sum)
            };
            cells.iter().scan(0.0, running).collect()
        });
        Self { shape, cells, sums }
    }

    /// The whole distribution.
    pub fn volume(&self) -> Volume {
        Volume::from_cells(self.shape, 1, &self.cells)
    }

    /// A cell at random, in three of four cases with a probability in proportion to f², else to |f|: the L2 error is made
    /// where f is large, but all structures must be known.
    fn cell(&self, rng: &mut ChaCha8Rng) -> usize {
        let sums = &self.sums[usize::from(rng.random_range(0..4) == 0)];
        let drawn = rng.random::<f64>() * sums.last().unwrap_or(&0.0);
        sums.partition_point(|sum| *sum <= drawn).min(self.cells.len() - 1)
    }

    /// A window about a cell at random, with its axes exchanged and turned round at random: nothing that is learnt shall
    /// depend on directions, nor on where in a patch a structure lies. Beyond the box there are zeros.
    fn view(&self, rng: &mut ChaCha8Rng) -> View {
        let [nx, ny, nz] = self.shape;
        let centre = self.cell(rng);
        let centre = [centre / (ny * nz), centre / nz % ny, centre % nz];
        let mut axes = [0, 1, 2];
        axes.shuffle(rng);
        let turned: [bool; 3] = std::array::from_fn(|_| rng.random());
        let offset: [usize; 3] = std::array::from_fn(|_| rng.random_range(PATCH..WINDOW - PATCH));
        let value = |at: [usize; 3]| {
            let mut from = [0; 3];
            for (axis, at) in at.into_iter().enumerate() {
                let at = if turned[axis] { WINDOW - 1 - at } else { at };
                from[axes[axis]] = (centre[axes[axis]] + at).wrapping_sub(offset[axis]);
            }
            let [x, y, z] = from;
            if x < nx && y < ny && z < nz { self.cells[(x * ny + y) * nz + z] } else { 0.0 }
        };
        let places = || 0..WINDOW;
        let indices = places().flat_map(|x| places().flat_map(move |y| places().map(move |z| [x, y, z])));
        let cells: Vec<f32> = indices.map(value).collect();
        let square = cells.iter().map(|f| f64::from(*f).powi(2)).sum();
        View { price: 0.0, target: Volume::from_cells([WINDOW; 3], 1, &cells), square }
    }
}

/// Derivatives and findings of one distribution.
struct Pass {
    loss: f64,
    encoder: Vec<f32>,
    decoder: Vec<f32>,
    found: Vec<(usize, usize, Vec<f32>)>,
}

/// Learns from distributions over their largest magnitudes. Returns the relative mean square error of each iteration, too.
pub(crate) fn learn(
    shape: [usize; 3],
    population: &[Sample],
    settings: VqVaeOptions,
) -> Result<(Model, Vec<f64>), Diverged> {
    let VqVaeOptions { dimension, width, codes, iterations, rate, .. } = settings;
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    let autoencoder = Autoencoder::new(shape, dimension, width);
    let mut model = Model::blank(autoencoder, Codebook { dimension, codes, vectors: Vec::new() }, width);
    let Model { autoencoder, encoder, decoder, .. } = &mut model;
    for (network, weights) in [(&autoencoder.encoder, encoder), (&autoencoder.decoder, decoder)] {
        *weights = network.initial(&mut rng);
        if let Some((_, [last, _])) = network.tensors().pop() {
            weights[last].iter_mut().for_each(|weight| *weight *= FIRST_OUTPUT);
        }
    }
    let mut losses = Vec::new();
    let first = (WITHOUT_CODES * iterations as f64).ceil() as usize;
    model.train(population, settings, first, rate, None, &mut rng, &mut losses)?;
    let left = model.first_codes(population, &settings, &mut rng);
    let codes = (Averages::new(&model.codebook), left);
    model.train(population, settings, iterations - first, 0.5 * rate, Some(codes), &mut rng, &mut losses)?;
    Ok((model, losses))
}

impl Model {
    /// A model with all weights zero.
    pub fn blank(autoencoder: Autoencoder, codebook: Codebook, width: usize) -> Self {
        let windows = Autoencoder::new([WINDOW; 3], autoencoder.dimension, width);
        let [encoder, decoder] = [&autoencoder.encoder, &autoencoder.decoder].map(|network| vec![0.0; network.len()]);
        Self { autoencoder, windows, encoder, decoder, codebook }
    }

    #[allow(clippy::too_many_arguments)]
    fn train(
        &mut self,
        population: &[Sample],
        settings: VqVaeOptions,
        iterations: usize,
        rate: f64,
        mut codes: Option<(Averages, f32)>,
        rng: &mut ChaCha8Rng,
        losses: &mut Vec<f64>,
    ) -> Result<(), Diverged> {
        let (mut of_encoder, mut of_decoder) = (adam(self.encoder.len()), adam(self.decoder.len()));
        let mut order = Vec::new();
        for iteration in 0..iterations {
            let mut batch: Vec<View> =
                (0..settings.batch).map(|_| population[next(&mut order, population.len(), rng)].view(rng)).collect();
            if let Some((_, left)) = &codes {
                for view in &mut batch {
                    view.price = left * rng.random_range(PRICES[0]..PRICES[1]).exp2();
                }
            }
            let with_codes = codes.is_some();
            let passes: Vec<Pass> = batch.par_iter().map(|view| self.pass(view, with_codes)).collect();
            let loss = passes.iter().map(|pass| pass.loss).sum::<f64>() / batch.len() as f64;
            losses.push(loss);
            if !loss.is_finite() {
                return Err(Diverged { iteration: losses.len(), loss });
            }
            let rate = rate as f32 * cosine(iteration as f32 / iterations as f32);
            let share = 1.0 / batch.len() as f32;
            // In the order of the batch, whichever thread was first.
            let sum = |of: fn(&Pass) -> &[f32]| {
                let mut sum = vec![0.0; of(&passes[0]).len()];
                for pass in &passes {
                    sum.iter_mut().zip(of(pass)).for_each(|(sum, g)| *sum += share * g);
                }
                sum
            };
            of_encoder.step(&mut self.encoder, &sum(|pass| &pass.encoder), rate);
            of_decoder.step(&mut self.decoder, &sum(|pass| &pass.decoder), rate);
            if let Some((averages, _)) = &mut codes {
                let found: Vec<_> = passes.into_iter().flat_map(|pass| pass.found).collect();
                averages.update(&mut self.codebook, &found, rng);
            }
        }
        finished(&losses[losses.len() - iterations..], losses.len())
    }

    /// One distribution forwards and backwards. With codes the decoder gets the codes, and the encoder the decoder's
    /// derivative as if it got the latents themselves.
    fn pass(&self, view: &View, with_codes: bool) -> Pass {
        let View { price, target, square } = view;
        let autoencoder = &self.windows;
        let Autoencoder { encoder, decoder, .. } = autoencoder;
        let up = encoder.forward_with_tape(&self.encoder, target.clone());
        let latents = up.output().cells();
        let (given, found) = if with_codes { self.coded(&latents, *price) } else { (latents.clone(), Vec::new()) };
        let down = decoder.forward_with_tape(&self.decoder, autoencoder.latent_volume(&given));
        let mut gradient = down.output().clone();
        let mut loss = 0.0;
        let factor = (2.0 / square) as f32;
        for (g, f) in gradient.data.iter_mut().zip(&target.data) {
            let difference = *g - f;
            loss += f64::from(difference).powi(2);
            *g = factor * difference;
        }
        let mut pass = Pass {
            loss: loss / square,
            encoder: vec![0.0; self.encoder.len()],
            decoder: vec![0.0; self.decoder.len()],
            found,
        };
        let mut of_latents = decoder.backward(&self.decoder, &down, gradient, &mut pass.decoder).cells();
        if with_codes {
            let size: f32 = latents.iter().map(|x| x * x).sum::<f32>().max(f32::MIN_POSITIVE);
            let pull = 2.0 * COMMITMENT / size;
            for ((g, latent), given) in of_latents.iter_mut().zip(&latents).zip(&given) {
                *g += pull * (latent - given);
            }
        }
        encoder.backward(&self.encoder, &up, autoencoder.latent_volume(&of_latents), &mut pass.encoder);
        without_biases(encoder, &mut pass.encoder);
        without_biases(decoder, &mut pass.decoder);
        pass
    }

    /// The nearest codes of latents as latents, and what each stage had to describe.
    fn coded(&self, latents: &[f32], price: f32) -> (Vec<f32>, Vec<Described>) {
        let (codebook, mut indices, mut found) = (&self.codebook, Vec::new(), Vec::new());
        let price = |index: usize| if index == 0 { 0.0 } else { price };
        for vector in vectors_of(latents, codebook.dimension).chunks_exact(codebook.dimension) {
            let mut rest = vector.to_vec();
            for stage in 0..codebook.stages() {
                let index = if rest.iter().all(|x| *x == 0.0) { 0 } else { codebook.nearest(stage, &rest, price) };
                if index > 0 {
                    found.push((stage, index, rest.clone()));
                    codebook.subtract(stage, index, &mut rest);
                }
                indices.push(index as u16);
            }
        }
        (codebook.latents(&indices), found)
    }

    /// Codebooks by k-means, stage after stage, of the latents of the population. Returns the mean square of what they leave
    /// of a latent vector.
    fn first_codes(&mut self, population: &[Sample], settings: &VqVaeOptions, rng: &mut ChaCha8Rng) -> f32 {
        let Codebook { dimension, codes, .. } = self.codebook;
        let views: Vec<View> = (0..VIEWS).map(|k| population[k % population.len()].view(rng)).collect();
        let all: Vec<Vec<f32>> = views
            .par_iter()
            .map(|View { target, .. }| {
                let latents = self.windows.encoder.forward(&self.encoder, target.clone()).cells();
                vectors_of(&latents, dimension)
            })
            .collect();
        let mut vectors: Vec<Vec<f32>> = all
            .iter()
            .flat_map(|vectors| vectors.chunks_exact(dimension))
            .filter(|vector| vector.iter().any(|x| *x != 0.0))
            .map(<[f32]>::to_vec)
            .collect();
        vectors.shuffle(rng);
        vectors.truncate(MOST_VECTORS);
        for stage in 0..settings.stages {
            let data: Vec<f32> = vectors.iter().flatten().copied().collect();
            let of_stage = match data.is_empty() {
                true => vec![0.0; codes * dimension],
                false => k_means(&data, dimension, codes, ROUNDS, rng),
            };
            self.codebook.vectors.extend(of_stage);
            for rest in &mut vectors {
                let index = self.codebook.nearest(stage, rest, |_| 0.0);
                self.codebook.subtract(stage, index, rest);
            }
        }
        vectors.iter().flatten().map(|x| x * x).sum::<f32>() / vectors.len().max(1) as f32
    }
}

/// Refuses learning whose last steps are far above an output of zero. The loss of one step is that of a few windows and may
/// be large: the median of the last tenth counts.
fn finished(losses: &[f64], iteration: usize) -> Result<(), Diverged> {
    let mut last = losses[losses.len() - losses.len().div_ceil(10)..].to_vec();
    last.sort_by(f64::total_cmp);
    match last.get(last.len() / 2) {
        Some(&loss) if loss > MOST_ERROR * MOST_ERROR => Err(Diverged { iteration, loss }),
        _ => Ok(()),
    }
}

/// The next number of a shuffled list of those below `count`, which is shuffled anew when it ends.
fn next(order: &mut Vec<usize>, count: usize, rng: &mut impl Rng) -> usize {
    if order.is_empty() {
        order.extend(0..count);
        order.shuffle(rng);
    }
    order.pop().unwrap_or(0)
}
